"""Rate sheets in four steps: the file, its layout, what it would change, applying it. This is the first step, the list, and what the steps share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.actors import name_actors
from trunkline.backoffice.base import ReadOnlyAdmin, UncountedChangeList
from trunkline.backoffice.fields import CurrencyField, InstantField, RowField, ZoneField, filled
from trunkline.backoffice.filters import ChoiceFilter
from trunkline.backoffice.forms import StaffForm, ask_for_files_again, error_text, refuse, set_choices, set_zone
from trunkline.backoffice.panels import Link
from trunkline.backoffice.sheet_steps import STATES, counted, monthly_cost, step_address, steps_of
from trunkline.backoffice.shown import choice, money, state
from trunkline.backoffice.site import site
from trunkline.backoffice.uploads import UPLOAD_OCTETS_MAX
from trunkline.backoffice.usage import refuse_too_large
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.words import local
from trunkline.backoffice.working import carry_out
from trunkline.core.errors import TrunklineError
from trunkline.core.period import get_zone
from trunkline.identity.outside import Outside
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal, principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.choices import OPEN, ImportState, ImportWork, ScopeChoice
from trunkline.pricing.compare import Scope
from trunkline.pricing.models import SheetImport
from trunkline.pricing.sheets.container import read_file
from trunkline.pricing.sheets.layout import Layout, from_json
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import AccountTariff
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage import price_changes


class NewSheetForm(StaffForm):
    """A file, and for which prices it is."""

    field_of: ClassVar[Mapping[str, str]] = {
        "tariff_exists": "new_name",
        "bad_name": "new_name",
        "not_a_vendor": "account",
        "place_is_taken": "account",
    }

    file = forms.FileField(
        label=_("File"),
        max_length=255,
        help_text=filled(
            _("CSV of any kind, XLSX, XLS, ODS, or a zip of these; up to %(limit)s MiB."), limit=UPLOAD_OCTETS_MAX >> 20
        ),
    )
    received_at = InstantField(
        label=_("Received"), help_text=_("When the sheet came, on the operator's clock. Notice counts from then.")
    )
    template = RowField(
        SheetImport,
        "template",
        label=_("Template"),
        required=False,
        help_text=_("Of a vendor whose sheets you know: it says the tariff, the layout, the agreement and the rest."),
    )
    tariff = RowField(
        SheetImport,
        "tariff",
        label=_("Tariff"),
        required=False,
        help_text=_("The vendor's price list. Empty: the template's."),
    )
    new_name = forms.CharField(
        label=_("Name of the new tariff"),
        required=False,
        max_length=120,
        help_text=_("Such as Alpine buy. It is made together with the first sheet."),
    )
    new_currency = CurrencyField(
        label=_("Currency"), required=False, help_text=_("Of the vendor's prices. It never changes.")
    )
    new_timezone = ZoneField(
        label=_("Time zone"), required=False, help_text=_("Dates of its sheets are on this clock.")
    )
    account = RowField(
        AccountTariff,
        "account",
        label=_("Vendor"),
        required=False,
        help_text=_("Whose calls it prices from now on. May be given later."),
    )
    scope = forms.ChoiceField(
        label=_("Codes that it does not name"),
        required=False,
        help_text=_("A full sheet closes what it leaves out; a partial one changes only what it names."),
    )
    agreement = RowField(
        SheetImport,
        "agreement",
        label=_("Agreement"),
        required=False,
        help_text=_("Whose notice its changes need. Empty: the template's, or none."),
    )
    effective_at = InstantField(
        label=_("Begins"),
        required=False,
        help_text=_("For lines without a date of their own. Empty: as the sheet says, else when it was received."),
    )
    reaches_back = forms.BooleanField(
        label=_("May reach back"),
        required=False,
        help_text=_("Lines may begin before the sheet was received. Posted calls can cost something else then."),
    )
    subject = forms.CharField(
        label=_("Subject of its mail"),
        required=False,
        max_length=300,
        help_text=_("Some vendors say the date, or that it is a full sheet, only there."),
    )

    def prepare(self) -> None:
        own = current_tenant()
        set_zone(self, get_zone(own.timezone), "received_at", "effective_at")
        set_choices(self, "scope", [("", _("as the template says, else partial")), *ScopeChoice.choices])
        first = {"received_at": now().replace(microsecond=0), "new_currency": own.currency, "new_timezone": "UTC"}
        self.initial = first | dict(self.initial)
        if not principal_of(self.request).may(Permission.TARIFFS_ASSIGN, Permission.ACCOUNTS_READ):
            del self.fields["account"]

    @property
    def groups(self) -> list[tuple[Any, Any, bool, list[forms.BoundField]]]:
        """The fields in groups: title, a sentence, whether it is folded, and the fields."""

        def of(*names: str) -> list[forms.BoundField]:
            return [self[name] for name in names if name in self.fields]

        new = of("new_name", "new_currency", "new_timezone", "account")
        rest = of("scope", "agreement", "effective_at", "reaches_back", "subject")
        return [
            (_("The sheet"), "", False, of("file", "received_at")),
            (_("For which prices"), _("Choose the vendor's template, or the tariff."), False, of("template", "tariff")),
            (_("A vendor new to us"), _("Make the tariff on the way."), not self._is_said(new), new),
            (
                _("What it says, and when it begins"),
                _("Only what differs from the template."),
                not self._is_said(rest),
                rest,
            ),
        ]

    def _is_said(self, fields: Iterable[forms.BoundField]) -> bool:
        """Whether something stands there that one should see."""
        return any(
            field.errors or (field.value() and field.name not in ("new_currency", "new_timezone")) for field in fields
        )

    def clean(self) -> dict[str, Any]:
        data = refuse_too_large(self)
        chosen = [name for name in ("template", "tariff", "new_name") if data.get(name)]
        if not chosen and not {"template", "tariff", "new_name"} & self.errors.keys():
            self.add_error("tariff", gettext("Choose a template or a tariff, or make a new one below."))
        if data.get("tariff") and data.get("new_name"):
            self.add_error("new_name", gettext("Choose a tariff, or make a new one."))
        if data.get("new_name") and not (data.get("new_currency") and data.get("new_timezone")):
            self.add_error("new_currency", gettext("A new tariff has a currency and a time zone."))
        if data.get("account") and not data.get("new_name"):
            self.add_error("account", gettext("Only a new tariff is given to a vendor here."))
        return data


@site.page("prices/sheets/new/", name="sheet_new", permission=Permission.TARIFFS_WRITE)
def new_sheet(request: HttpRequest) -> HttpResponseBase:
    """The first step: take a file."""
    principal = principal_of(request)
    principal.require(Permission.TARIFFS_READ)
    is_sent = request.method == "POST"
    form = NewSheetForm(
        *((request.POST, request.FILES) if is_sent else ()), request=request, initial=request.GET.dict()
    )
    if not is_sent or not form.is_valid():
        return _new_page(request, form)
    data = form.cleaned_data
    asked, template = _asked(data)

    def work() -> SheetImport | TrunklineError:
        try:
            return _receive(principal, data, asked, template)
        except TrunklineError as error:
            return error

    def done(result: SheetImport | TrunklineError) -> HttpResponseBase:
        if isinstance(result, TrunklineError):
            if result.code.startswith("sheet_"):
                form.add_error("file", error_text(result))
            else:
                refuse(form, result)
            return _new_page(request, form)
        return HttpResponseRedirect(step_address(result))

    return Outside(work, done)


def _new_page(request: HttpRequest, form: NewSheetForm) -> HttpResponse:
    ask_for_files_again(form)
    context = {
        "title": gettext("Load a rate sheet"),
        "steps": steps_of(None, "file"),
        "form": form,
        "back": reverse("admin:pricing_sheetimport_changelist"),
    }
    return site.render(request, "backoffice/sheet_new.html", context, 422 if form.errors else 200)


def _asked(data: Mapping[str, Any]) -> tuple[actions.Asked, Layout | None]:
    """What is asked of the sheet, and how the vendor's sheets look. The tariff is 0 where it is still to be made."""
    template = data["template"]
    tariff_id = data["tariff"].pk if data["tariff"] else template.tariff_id if template and not data["new_name"] else 0
    agreement_id = data["agreement"].pk if data["agreement"] else template.agreement_id if template else None
    said = data["scope"] or (template.scope if template else Scope.PARTIAL)
    asked = actions.Asked(
        tariff_id=tariff_id,
        scope=Scope(said),
        template_id=template.pk if template else None,
        agreement_id=agreement_id,
        effective_at=data["effective_at"],
        reaches_back=data["reaches_back"],
    )
    return asked, from_json(template.layout) if template and template.layout else None


def _receive(
    principal: Principal, data: Mapping[str, Any], asked: actions.Asked, template: Layout | None
) -> SheetImport:
    """Keep the file, with the tariff that is made on the way, if it can be opened. Called outside any scope."""
    at, file = now(), data["file"]
    made: list[int] = []
    if data["new_name"]:
        if file.size <= actions.PACKED_AT_ONCE_OCTETS:
            read_file(file.read(), file.name)  # no tariff is made for a file that cannot be opened
            file.seek(0)
        with scope(principal.tenant_id, principal.actor, reason=gettext("made for its first rate sheet")):
            made.append(_make_tariff(data, at))
        asked = actions.Asked(
            made[0], asked.scope, asked.template_id, asked.agreement_id, asked.effective_at, asked.reaches_back
        )
    return actions.receive_sheet(
        principal.tenant_id,
        pieces=file.chunks(),
        octets=file.size,
        file_name=file.name,
        asked=asked,
        notified_at=data["received_at"],
        subject=data["subject"],
        template=template,
        actor=principal.actor,
        now=now,
    )


def _make_tariff(data: Mapping[str, Any], at: datetime) -> int:
    tariff = tariffs.create_tariff(
        name=data["new_name"], currency=data["new_currency"], timezone=data["new_timezone"], at=at
    )
    if data.get("account"):
        price_changes.assign_tariff(
            account=data["account"], tariff=tariff, side="buy", service="voice", valid_from=None, at=at
        )
    return tariff.pk


class UndoForm(StaffForm):
    """Why a sheet is taken back or refused."""

    note = forms.CharField(
        label=_("Why"), max_length=200, help_text=_("Stands in the history of the tariff, for colleagues.")
    )


class SheetList(UncountedChangeList):
    """Each sheet leads to where one goes on with it."""

    def url_for_result(self, result: SheetImport) -> str:
        return step_address(result)


@site.screen(SheetImport)
class SheetImportAdmin(ReadOnlyAdmin):
    """Every rate sheet that came, and how far it is."""

    permission_to_view = Permission.TARIFFS_READ
    autocomplete_fields = ("tariff", "template", "agreement")
    list_display = ("shown_file", "tariff", "shown_state", "shown_counts", "shown_cost", "received", "asker")
    list_filter = (("tariff", AutocompleteSelectFilter), ("state", ChoiceFilter))
    list_select_related = ("tariff", "template", "agreement")
    ordering = ("-created_at", "-pk")
    sortable_by = ()
    empty_text = _("Here stand the rate sheets that vendors have sent, and what became of each. Load the first one.")
    fields = (
        "file_name", "tariff", "shown_state", "shown_counts", "received", "shown_scope", "agreement", "template", "asker", "applied", "reason", "public_id",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("layout", "findings")

    def load_rows(self, request: HttpRequest, rows: Sequence[SheetImport]) -> None:
        names = name_actors(row.asked_by for row in rows)
        for row in rows:
            row.asker_name = names.get(row.asked_by, "")  # type: ignore[attr-defined]

    def empty_link(self, request: HttpRequest) -> Link | None:
        if not principal_of(request).may(Permission.TARIFFS_WRITE):
            return None
        return Link(_("Load a rate sheet"), reverse("admin:sheet_new"), "upload_file")

    def links(self, request: HttpRequest, obj: SheetImport | None) -> Sequence[Link]:
        if obj is not None:
            return [Link(_("Open it"), step_address(obj), "arrow_forward")]
        way = self.empty_link(request)
        return [way] if way is not None else []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        return SheetList

    @display(description=_("File"))
    def shown_file(self, sheet: SheetImport) -> str:
        """By which a vendor sent it."""
        return sheet.file_name

    @display(description=_("State"))
    def shown_state(self, sheet: SheetImport) -> SafeString:
        """How far it is."""
        if sheet.problem is not None and sheet.state in OPEN:
            return state("failed", gettext("stopped"), {"failed": "danger"})
        if sheet.work:
            return state("work", choice(sheet, "work"), {"work": "info"})
        return state(sheet.state, choice(sheet, "state"), STATES)

    @display(description=_("Lines"))
    def shown_counts(self, sheet: SheetImport) -> str:
        """What it changes."""
        return counted(sheet)

    @display(description=_("A month"))
    def shown_cost(self, sheet: SheetImport) -> Any:
        """What it costs more."""
        return money(monthly_cost(sheet), sheet.tariff.currency) if "monthly_cost" in sheet.counts else "–"

    @display(description=_("Received"))
    def received(self, sheet: SheetImport) -> str:
        """When it came."""
        return local(sheet.notified_at, seconds=False)

    @display(description=_("Loaded by"))
    def asker(self, sheet: SheetImport) -> str:
        """Who."""
        known: str | None = getattr(sheet, "asker_name", None)
        return known if known is not None else name_actors([sheet.asked_by]).get(sheet.asked_by, "–")

    @display(description=_("Codes that it does not name"))
    def shown_scope(self, sheet: SheetImport) -> str:
        """What it says of them."""
        return choice(sheet, "scope")

    @display(description=_("Applied"))
    def applied(self, sheet: SheetImport) -> str:
        """When its changes became true."""
        return local(sheet.applied_at)

    @verb(
        _("Undo"),
        permission=Permission.TARIFFS_WRITE,
        icon="undo",
        form=UndoForm,
        asks_why=False,
        applies=lambda sheet: sheet.state == ImportState.APPLIED and not actions.is_worked_on(sheet),
        text=_("The prices that stood before it stand again, to the digit. Sheets that were applied after it are undone first."),
        is_danger=True,
    )  # fmt: skip
    def undo(self, request: HttpRequest, obj: SheetImport, data: dict[str, Any]) -> HttpResponse:
        """Take a sheet back."""
        return carry_out(
            request,
            obj,
            ImportWork.UNDOING,
            to=step_address(obj, "apply"),
            told=_("The sheet is undone: the prices before it stand again."),
            reason=data["note"],
        )

    @verb(
        _("Discard"),
        permission=Permission.TARIFFS_WRITE,
        icon="delete",
        form=UndoForm,
        asks_why=False,
        applies=lambda sheet: sheet.state in OPEN,
        text=_("Nothing of it has been written into the tariff, and nothing will be. It stays in the list."),
        is_danger=True,
    )
    def discard(self, request: HttpRequest, obj: SheetImport, data: dict[str, Any]) -> HttpResponse:
        """Say no to a sheet."""
        actions.discard_import(import_id=obj.pk, reason=data["note"], at=now())
        messages.success(request, gettext("The sheet is discarded."))
        return HttpResponseRedirect(self.url("changelist"))
