"""Screens of code decks: their codes, and files of codes that are compared, applied and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.base import ReadOnlyAdmin, TenantAdmin
from trunkline.backoffice.deck_changes import MODES, page_of, state_of, told, what
from trunkline.backoffice.filters import BeginsFilter, CodeFilter
from trunkline.backoffice.forms import ActionForm, StaffForm
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import choice, instant, row_link
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.working import outside
from trunkline.core.codes import expand_codes
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.actions.decks import WORLD_DEPTHS
from trunkline.pricing.deck_compare import DeckMode
from trunkline.pricing.deck_export import deck_csv, deck_xlsx
from trunkline.pricing.deck_queries import (
    access_deck,
    codes,
    codes_of_deck,
    deck_changes,
)
from trunkline.pricing.models import DeckChange
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Code, CodeDeck
from trunkline.tenancy.queries import current_tenant

OCTETS_MAX: Final = 64 << 20
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class DeckForm(ActionForm):
    """A deck by its name."""

    class Meta:
        model = CodeDeck
        fields = ("name", "is_default")
        labels = {"is_default": _("For sheets of names")}
        help_texts = {"name": _("By which it is chosen, such as World.")}


class ImportForm(StaffForm):
    """A file of codes and names, and what becomes of codes that are there."""

    file = forms.FileField(
        label=_("File"),
        max_length=255,
        help_text=_(
            "With a column of codes and one of names: CSV of any kind, XLSX, XLS, ODS, or a zip. A rate sheet will do."
        ),
    )
    mode = forms.ChoiceField(
        label=_("What it changes"),
        choices=MODES,
        help_text=_("First you are shown what it would change; you can choose otherwise then."),
    )

    def clean_file(self) -> Any:
        """The octets of the file and its name."""
        found = self.cleaned_data["file"]
        if getattr(self.request, "is_upload_too_large", False) or found.size > OCTETS_MAX:
            raise ValidationError(_("The file is larger than 64 MiB."), code="file_too_large")
        return found.name, found.read()


class NewImportForm(ImportForm):
    """The same with the name of the deck."""

    name = forms.CharField(
        label=_("Code deck"),
        max_length=120,
        help_text=_("A new name makes a deck. Nothing of one that is there changes before you say so."),
    )
    field_order = ("name", "file", "mode")


class WorldForm(StaffForm):
    """How deep the world is taken."""

    depth = forms.ChoiceField(
        label=_("How deep"),
        choices=list(
            zip(
                WORLD_DEPTHS,
                (_("countries, about 400 codes"), _("mobile ranges too, some thousand codes")),
                strict=True,
            )
        ),
        initial=WORLD_DEPTHS[1],
        help_text=_(
            "As the numbering plans of the library phonenumbers have them: a start that you correct by files of your own."
        ),
    )


class NameForm(StaffForm):
    """Codes and what they are to be called."""

    codes = forms.CharField(
        label=_("Codes"),
        max_length=1000,
        help_text=_("One, or several: 44301,44303 or 443(0-2)1."),
    )
    name = forms.CharField(
        label=_("Destination"),
        required=False,
        max_length=200,
        help_text=_("A new name makes a new destination. Empty: the codes leave the deck."),
    )
    reason = forms.CharField(label=_("Why"), max_length=500, help_text=_("Stands in the history of the deck."))


def _compare(request: HttpRequest, deck: str, data: dict[str, Any], back: str) -> HttpResponse:
    tenant_id, actor = current_tenant().pk, principal_of(request).actor
    file_name, octets = data["file"]

    def work() -> DeckChange:
        return actions.receive_deck(
            tenant_id, deck=deck, data=octets, file_name=file_name, mode=DeckMode(data["mode"]), actor=actor, now=now
        )

    return outside(request, work, page_of, back)


@site.screen(CodeDeck)
class CodeDeckAdmin(TenantAdmin):
    """Lists of codes and what they are called."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    empty_text = _(
        "A code deck is your view of the world's numbering: which codes belong to which destination. Import one from a file, or start with the world."
    )
    form = DeckForm
    list_display = ("name", "shown_default")
    search_fields = ("name",)
    search_help_text = _("A part of the name")
    ordering = ("name",)

    @display(description=_("For sheets of names"), boolean=True)
    def shown_default(self, deck: CodeDeck) -> bool:
        """Whether destinations that a sheet names without codes have those of this deck."""
        return deck.is_default

    def empty_link(self, request: HttpRequest) -> Link:
        return Link(_("Import codes"), self.url("import_deck"), "upload_file")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return ((None, {"fields": ("name",) if obj is None else ("name", "is_default")}),)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> CodeDeck:
        return tariffs.create_deck(name=data["name"], at=now())

    def change(self, request: HttpRequest, obj: CodeDeck, data: dict[str, Any]) -> CodeDeck:
        return tariffs.change_deck(deck_id=obj.pk, **data, at=now())

    def links(self, request: HttpRequest, obj: CodeDeck | None) -> Sequence[Link]:
        if obj is None:
            return [Link(_("All codes"), reverse("admin:tariffs_code_changelist"), "dialpad")]
        csv = reverse("admin:deck_export", args=(obj.pk, "csv"))
        return [
            Link(_("Export as CSV"), csv, "download"),
            Link(_("Export as XLSX"), reverse("admin:deck_export", args=(obj.pk, "xlsx")), "download"),
        ]

    def panels(self, request: HttpRequest, obj: CodeDeck) -> Sequence[Panel]:
        rows = list(codes(obj)[: PANEL_ROWS + 1])
        changes = list(deck_changes(obj)[:PANEL_ROWS])
        listed = f"{reverse('admin:tariffs_code_changelist')}?deck__id__exact={obj.pk}"
        history = f"{reverse('admin:pricing_deckchange_changelist')}?deck__id__exact={obj.pk}"
        return [
            Panel(
                _("Codes"),
                [_("Code"), _("Destination"), _("Kind"), _("Country")],
                [
                    [each.code, each.destination.name, choice(each.destination, "kind"), each.destination.country]
                    for each in rows[:PANEL_ROWS]
                ],
                empty=_("It has no codes yet: import them from a file, or start with the world."),
                links=[Link(_("All codes"), listed)] if rows else [],
            ),
            Panel(
                _("Changes"),
                [_("When"), _("What"), _("State"), _("Why")],
                [
                    [instant(each.created_at), row_link(request, each, what(each)), state_of(each), each.reason]
                    for each in changes
                ],
                empty=_("Nothing was changed yet by files, by hand or from the world."),
                links=[Link(_("All changes"), history)] if changes else [],
            ),
        ]

    @verb(
        _("Import codes"),
        permission=Permission.TARIFFS_WRITE,
        icon="upload_file",
        text=_(
            "First you are shown what the file would change: new codes, other names, conflicts. Nothing changes before you say so."
        ),
        form=NewImportForm,
        on_list=True,
        asks_why=False,
        submit=_("Look at it"),
    )
    def import_deck(self, request: HttpRequest, obj: None, data: dict[str, Any]) -> HttpResponse:
        """Compare a file with a deck, which a new name makes."""
        return _compare(request, data["name"], data, self.url("import_deck"))

    @verb(
        _("Import codes"),
        permission=Permission.TARIFFS_WRITE,
        icon="upload_file",
        text=_(
            "First you are shown what the file would change: new codes, other names, conflicts. Nothing changes before you say so."
        ),
        form=ImportForm,
        asks_why=False,
        submit=_("Look at it"),
    )
    def import_codes(self, request: HttpRequest, obj: CodeDeck, data: dict[str, Any]) -> HttpResponse:
        """Compare a file with this deck."""
        return _compare(request, obj.name, data, self.url("import_codes", obj))

    @verb(
        _("Start with the world"),
        permission=Permission.TARIFFS_WRITE,
        icon="public",
        text=_("First you are shown which codes would come. Nothing changes before you say so."),
        form=WorldForm,
        asks_why=False,
        submit=_("Look at it"),
    )
    def world(self, request: HttpRequest, obj: CodeDeck, data: dict[str, Any]) -> HttpResponse:
        """Compare the world's numbering plans with this deck."""
        tenant_id, actor, name = current_tenant().pk, principal_of(request).actor, obj.name

        def work() -> DeckChange:
            return actions.compare_world(tenant_id, deck=name, depth=data["depth"], actor=actor, now=now)

        return outside(request, work, page_of, self.url("world", obj))

    @verb(
        _("Name codes"),
        permission=Permission.TARIFFS_WRITE,
        icon="edit",
        text=_("Rates keep the destination that they were written with; special rates follow at once."),
        form=NameForm,
        asks_why=False,
        submit=_("Name them"),
    )
    def name_codes(self, request: HttpRequest, obj: CodeDeck, data: dict[str, Any]) -> str:
        """Name codes by hand, or take them out."""
        names = dict.fromkeys(expand_codes(data["codes"]), data["name"].strip() or None)
        done = actions.change_deck_codes(deck_id=obj.pk, names=names, reason=data["reason"], at=now())
        return told(done)


@site.page("prices/decks/<int:deck_id>/export.<str:ending>", name="deck_export", permission=Permission.TARIFFS_READ)
def export(request: HttpRequest, deck_id: int, ending: str) -> HttpResponse:
    """A code deck as a file that changes nothing when it comes back."""
    deck = access_deck(deck_id)
    rows = codes_of_deck(deck)
    is_xlsx = ending == "xlsx"
    answer = HttpResponse(deck_xlsx(rows) if is_xlsx else deck_csv(rows), content_type=XLSX if is_xlsx else "text/csv")
    answer["Content-Disposition"] = f'attachment; filename="codes.{"xlsx" if is_xlsx else "csv"}"'
    return answer


@site.screen(Code)
class CodeAdmin(ReadOnlyAdmin):
    """The codes of decks."""

    permission_to_view = Permission.TARIFFS_READ
    empty_text = _("Codes come with a code deck: import one from a file.")
    list_display = ("code", "destination", "shown_kind", "shown_country", "deck")
    list_filter = (
        ("deck", AutocompleteSelectFilter),
        CodeFilter,
        BeginsFilter.of("destination__name", _("Destination")),
    )
    list_select_related = ("destination", "deck")
    ordering = ("deck_id", "code")
    sortable_by = ()
    fields = ("deck", "code", "destination", "shown_kind", "shown_country")

    def empty_link(self, request: HttpRequest) -> Link:
        return Link(_("Code decks"), reverse("admin:tariffs_codedeck_changelist"), "dialpad")

    @display(description=_("Kind"))
    def shown_kind(self, code: Code) -> str:
        """What kind of network it is."""
        return choice(code.destination, "kind")

    @display(description=_("Country"))
    def shown_country(self, code: Code) -> str:
        """Where it is."""
        return code.destination.country
