"""Screens of what holds for many rate sheets: agreements about notice, and templates of vendors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import WordsField, ZoneField
from trunkline.backoffice.forms import ActionForm
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.sheet_words import CHECK_NAMES, LEVELS, ROLE_NAMES
from trunkline.backoffice.shown import choice
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.pricing import actions
from trunkline.pricing.checks import CHECKS
from trunkline.pricing.models import Agreement, SheetTemplate
from trunkline.pricing.sheets.layout import Purpose, Role, from_json
from trunkline.tenancy.queries import current_tenant

DAYS = ("days_new", "days_increase", "days_decrease", "days_increment", "days_closed", "days_blocked")


class AgreementForm(ActionForm):
    """How long before it holds a change must be told."""

    field_of: ClassVar[Mapping[str, str]] = {"exists": "name", "bad_name": "name", "bad_notice": "counting"}

    timezone = ZoneField(label=_("Time zone"), help_text=_("Its days and hours are on this clock."))
    holidays = WordsField(
        label=_("Holidays"),
        required=False,
        help_text=_("Days that are no business days, such as 2026-12-25, with commas between them."),
    )

    class Meta:
        model = Agreement
        fields = (
            "name", "days_new", "days_increase", "days_decrease", "days_increment", "days_closed", "days_blocked", "counting", "hour", "timezone",
            "cut_off", "is_business", "holidays", "on_breach",
        )  # fmt: skip
        labels: ClassVar[dict[str, Any]] = {
            "days_new": _("New codes"),
            "days_increase": _("Increases"),
            "days_decrease": _("Decreases"),
            "days_increment": _("Other increments"),
            "days_closed": _("Closed codes"),
            "days_blocked": _("Blocked codes"),
            "counting": _("Counted"),
            "hour": _("Hour"),
            "cut_off": _("Cut-off"),
            "is_business": _("Business days"),
            "on_breach": _("Too soon"),
        }

    def prepare(self) -> None:
        if self.instance.pk is None and "timezone" in self.fields:
            self.initial = {"timezone": current_tenant().timezone} | dict(self.initial)

    def clean_holidays(self) -> list[str]:
        """Days as they are kept."""
        given = self.cleaned_data["holidays"]
        try:
            return [date.fromisoformat(each).isoformat() for each in given]
        except ValueError as error:
            raise forms.ValidationError(gettext("Write days like 2026-12-25.")) from error


@site.screen(Agreement)
class AgreementAdmin(TenantAdmin):
    """Agreements with vendors and customers about notice."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = AgreementForm
    list_display = ("name", *DAYS, "shown_counting", "shown_breach")
    search_fields = ("name",)
    search_help_text = _("A part of the name")
    ordering = ("name",)
    sortable_by = ()
    empty_text = _(
        "An agreement says how many days before it holds a change of prices must be told, for increases, new codes and the like. Sheets are dated by it."
    )

    @display(description=_("Counted"))
    def shown_counting(self, row: Agreement) -> str:
        """From when on."""
        return choice(row, "counting")

    @display(description=_("Too soon"))
    def shown_breach(self, row: Agreement) -> str:
        """What becomes of a line that begins sooner than it may."""
        return choice(row, "on_breach")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        counted = ("counting", "hour", "timezone", "cut_off", "is_business", "holidays")
        return (
            (None, {"fields": ("name", "on_breach")}),
            (_("Days of notice"), {"fields": DAYS}),
            (_("How they are counted"), {"fields": counted}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name",) if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Agreement:
        return actions.create_agreement(**data)

    def change(self, request: HttpRequest, obj: Agreement, data: dict[str, Any]) -> Agreement:
        return actions.change_agreement(agreement_id=obj.pk, **data)


class TemplateForm(ActionForm):
    """What the sheets of one vendor have in common."""

    field_of: ClassVar[Mapping[str, str]] = {"bad_name": "name"}

    class Meta:
        model = SheetTemplate
        fields = ("name", "tariff", "scope", "agreement")
        labels: ClassVar[dict[str, Any]] = {
            "tariff": _("Tariff"),
            "scope": _("Codes that a sheet does not name"),
            "agreement": _("Agreement"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "tariff": _("The price list that its sheets are for."),
            "agreement": _("Whose notice its changes need. Empty: changes begin when the sheet says."),
        }

    def prepare(self) -> None:
        if "agreement" in self.fields:
            self.fields["agreement"].required = False
        there = dict(self.instance.checks or {}) if self.instance.pk else {}
        for name, check in CHECKS.items():
            level = there.get(name, "")
            self.fields[f"check_{name}"] = forms.ChoiceField(
                label=CHECK_NAMES[name][0],
                required=False,
                choices=[("", gettext("as usual: %(level)s") % {"level": LEVELS[check.level]}), *LEVELS.items()],
                initial=level["level"] if isinstance(level, dict) else level,
                help_text=CHECK_NAMES[name][1],
            )

    def said_checks(self) -> dict[str, Any]:
        """The checks that are not as usual; a figure that was set elsewhere stays."""
        there = dict(self.instance.checks or {}) if self.instance.pk else {}
        found: dict[str, Any] = {}
        for name in CHECKS:
            if level := self.cleaned_data.get(f"check_{name}"):
                old = there.get(name)
                found[name] = old | {"level": level} if isinstance(old, dict) else level
        return found


@site.screen(SheetTemplate)
class SheetTemplateAdmin(TenantAdmin):
    """Templates of vendors' sheets."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = TemplateForm
    autocomplete_fields = ("tariff", "agreement")
    list_display = ("name", "tariff", "agreement", "shown_scope", "shown_layout")
    list_select_related = ("tariff", "agreement")
    search_fields = ("name",)
    search_help_text = _("A part of the name")
    ordering = ("name",)
    sortable_by = ()
    empty_text = _(
        "A template keeps what the sheets of one vendor have in common: the tariff, the layout, the agreement. Keep one while you load a sheet."
    )

    @display(description=_("Codes that a sheet does not name"))
    def shown_scope(self, row: SheetTemplate) -> str:
        """What it says of them."""
        return choice(row, "scope")

    @display(description=_("Layout"))
    def shown_layout(self, row: SheetTemplate) -> str:
        """Whether it has one."""
        return gettext("kept") if row.layout else gettext("recognised each time")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        checks = tuple(f"check_{name}" for name in CHECKS) if self._may_write(request) else ()
        found = [(None, {"fields": ("name", "tariff", "scope", "agreement")})]
        return (*found, (_("Checks"), {"fields": checks, "classes": ("collapse",)})) if checks else found

    def _may_write(self, request: HttpRequest) -> bool:
        return principal_of(request).may(self.permission_to_view, Permission.TARIFFS_WRITE)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = [name for name in TemplateForm.Meta.fields if change is False or name != "name"]
        form = super().get_form(request, obj, change, **kwargs)

        def perform(bound: TemplateForm) -> SheetTemplate:
            data = bound.cleaned_data
            return actions.save_template(
                name=obj.name if obj is not None else data["name"],
                tariff_id=data["tariff"].pk,
                scope=data["scope"],
                agreement_id=data["agreement"].pk if data["agreement"] else None,
                checks=bound.said_checks(),
            )

        form.perform = staticmethod(perform)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name",) if obj is not None else ()

    def links(self, request: HttpRequest, obj: SheetTemplate | None) -> Sequence[Link]:
        if obj is None or not self._may_write(request):
            return ()
        return [Link(_("Load a sheet"), f"{reverse('admin:sheet_new')}?template={obj.pk}", "upload_file")]

    def panels(self, request: HttpRequest, obj: SheetTemplate) -> Sequence[Panel]:
        if not obj.layout:
            return [Panel(_("Layout"), (), (), empty=_("Each of its sheets is recognised by itself."))]
        rows = [
            (sheet.name, column.header or "–", ROLE_NAMES[column.role])
            for sheet in from_json(obj.layout).sheets
            if sheet.purpose is not Purpose.SKIP
            for column in sheet.columns
            if column.role is not Role.IGNORED
        ]
        text = _("Columns are found again by their headers, wherever they stand in the next sheet.")
        return [Panel(_("Layout"), (_("Worksheet"), _("Header"), _("Means")), rows, text=text)]

    @verb(
        _("Forget the layout"),
        permission=Permission.TARIFFS_WRITE,
        icon="layers_clear",
        applies=lambda row: row.layout is not None,
        text=_("The next sheet is recognised by itself again. Tariff, agreement and checks stay."),
    )
    def forget_layout(self, request: HttpRequest, obj: SheetTemplate, data: dict[str, Any]) -> str:
        """Have its sheets recognised."""
        actions.save_template(name=obj.name, tariff_id=obj.tariff_id, layout=None)
        return gettext("The layout is forgotten.")
