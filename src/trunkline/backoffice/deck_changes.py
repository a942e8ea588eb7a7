"""Screens of what changed in code decks: compared first, applied then, and taken back where it was wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.base import ReadOnlyAdmin
from trunkline.backoffice.filters import ChoiceFilter
from trunkline.backoffice.forms import StaffForm
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.sheet_words import REASONS
from trunkline.backoffice.shown import choice, choice_text, instant, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.working import carry_out, work_state, working
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.choices import DeckModeChoice, DeckSource, ImportState, ImportWork
from trunkline.pricing.deck_compare import CodeKind
from trunkline.pricing.deck_queries import compared_rows, unreadable_rows
from trunkline.pricing.models import DeckChange

SHOWN: Final = 50
COLOURS: Final = {
    "received": "info",
    "compared": "info",
    "applied": "success",
    "undone": "warning",
    "discarded": "default",
}
KINDS: Final = {
    CodeKind.CONTRADICTED: _("named twice, differently"),
    CodeKind.MOVED: _("moved to another destination"),
    CodeKind.RENAMED: _("renamed"),
    CodeKind.RESPELLED: _("spelled otherwise"),
    CodeKind.NEW: _("new"),
    CodeKind.SAME: _("the same"),
}
MODES: Final = [(each.value, each.label) for each in DeckModeChoice]


class ApplyForm(StaffForm):
    """How a change is applied."""

    mode = forms.ChoiceField(
        label=_("What it changes"),
        choices=MODES,
        help_text=_("Codes that the deck does not have are added in any case."),
    )
    skip_conflicts = forms.BooleanField(
        label=_("Leave conflicts out"),
        required=False,
        help_text=_(
            "Codes that the file names twice and rows that cannot be read are left out. Without it they stop the file."
        ),
    )

    def prepare(self) -> None:
        if self.obj is not None:
            self.field("mode").initial = self.obj.mode


class BecauseForm(StaffForm):
    """Why something is taken back."""

    reason = forms.CharField(label=_("Why"), max_length=500, help_text=_("Stands in the history of the deck."))


def _is(*wanted: ImportState) -> Callable[[DeckChange], bool]:
    return lambda change: change.state in wanted and not actions.is_worked_on(change)


def page_of(change: DeckChange) -> str:
    """The address of its page."""
    return reverse("admin:pricing_deckchange_change", args=(change.pk,))


@site.screen(DeckChange)
class DeckChangeAdmin(ReadOnlyAdmin):
    """What changed in code decks: compared first, applied then, and taken back where it was wrong."""

    permission_to_view = Permission.TARIFFS_READ
    change_form_outer_after_template = "backoffice/working_panels.html"
    empty_text = _("Files of codes, codes named by hand and the world's numbering plans are listed here.")
    list_display = ("shown_what", "deck", "shown_state", "shown_made", "reason")
    list_filter = (("deck", AutocompleteSelectFilter), ("state", ChoiceFilter), ("source", ChoiceFilter))
    list_select_related = ("deck",)
    ordering = ("-created_at", "-id")
    sortable_by = ()
    fields = ("deck", "shown_what", "shown_mode", "shown_state", "shown_made", "shown_applied", "reason")

    def empty_link(self, request: HttpRequest) -> Link:
        return Link(_("Code decks"), reverse("admin:tariffs_codedeck_changelist"), "dialpad")

    @display(description=_("What"))
    def shown_what(self, change: DeckChange) -> str:
        """The file, or where the codes are from."""
        return what(change)

    @display(description=_("What it changes"))
    def shown_mode(self, change: DeckChange) -> str:
        """What becomes of codes that the deck has."""
        return choice(change, "mode")

    @display(description=_("State"))
    def shown_state(self, change: DeckChange) -> SafeString:
        """How far it has come."""
        return state_of(change)

    @display(description=_("Made"))
    def shown_made(self, change: DeckChange) -> SafeString:
        """When it was compared."""
        return instant(change.created_at)

    @display(description=_("Applied"))
    def shown_applied(self, change: DeckChange) -> SafeString:
        """When it was applied."""
        return instant(change.applied_at)

    def panels(self, request: HttpRequest, obj: DeckChange) -> Sequence[Panel]:
        counts = obj.counts
        obj.working = working(obj)  # type: ignore[attr-defined]
        if obj.state == ImportState.RECEIVED:
            return []
        found = [_count_panel(obj)]
        if doubts := counts.get("doubts"):
            found.insert(
                0,
                Panel(
                    _("Look at the columns: it is not sure what they mean"), [_("What")], [[each] for each in doubts]
                ),
            )
        headers = [_("Line"), _("Code"), _("Now"), _("Will be"), _("In the file")]
        for kind, title in KINDS.items():
            count = counts.get(kind.name.lower(), 0)
            if not count or kind is CodeKind.SAME:
                continue
            rows = compared_rows(obj, kind=kind.name, limit=SHOWN)
            text = gettext("The first %(count)s are shown.") % {"count": SHOWN} if count > SHOWN else ""
            cells = [[row["line"], row["code"], row["before"] or "", row["name"], row["written"]] for row in rows]
            found.append(Panel(f"{capfirst(title)}: {count:,}", headers, cells, text=text, right=frozenset({0})))
        if errors := unreadable_rows(obj, limit=SHOWN):
            cells = [
                [each["line"], each["sheet"], each["column"], REASONS.get(each["reason"], each["reason"]), each["text"]]
                for each in errors
            ]
            titles = [_("Line"), _("Worksheet"), _("Column"), _("Why"), _("What stands there")]
            found.append(Panel(_("Rows that cannot be read"), titles, cells, right=frozenset({0})))
        return found

    @verb(
        _("Apply"),
        permission=Permission.TARIFFS_WRITE,
        icon="check",
        text=_("All of it at once, or nothing. Special rates for these destinations follow. It can be taken back."),
        form=ApplyForm,
        applies=_is(ImportState.COMPARED),
        submit=_("Apply"),
    )
    def apply(self, request: HttpRequest, obj: DeckChange, data: dict[str, Any]) -> HttpResponse:
        """Bring what was compared into the deck."""
        return carry_out(
            request, obj, ImportWork.APPLYING, to=self.url("change", obj.pk), told=told, back=self.url("apply", obj.pk),
            mode=data["mode"], skip_conflicts=data["skip_conflicts"], reason="",
        )  # fmt: skip

    @verb(
        _("Take it back"),
        permission=Permission.TARIFFS_WRITE,
        icon="undo",
        text=_("Each of its codes is what it was before; those that were new go."),
        form=BecauseForm,
        applies=_is(ImportState.APPLIED),
        asks_why=False,
        is_danger=True,
    )
    def undo(self, request: HttpRequest, obj: DeckChange, data: dict[str, Any]) -> HttpResponse:
        """Make each of its codes what it was before."""
        return carry_out(
            request, obj, ImportWork.UNDOING, to=self.url("change", obj.pk), told=_("It is taken back."),
            back=self.url("undo", obj.pk), reason=data["reason"],
        )  # fmt: skip

    @verb(
        _("Compare it again"),
        permission=Permission.TARIFFS_WRITE,
        icon="refresh",
        text=_("The file is read once more, by a worker. Nothing changes yet."),
        applies=_is(ImportState.RECEIVED),
        asks_why=False,
    )
    def compare_again(self, request: HttpRequest, obj: DeckChange, data: dict[str, Any]) -> HttpResponse:
        """Have a file that came to no end read once more."""
        actions.ask_for(obj, ImportWork.COMPARING, actor=principal_of(request).actor)
        return HttpResponseRedirect(self.url("change", obj.pk))

    @verb(
        _("Discard"),
        permission=Permission.TARIFFS_WRITE,
        icon="delete",
        text=_("It stays in the history; nothing of it comes into the deck."),
        form=BecauseForm,
        applies=_is(ImportState.RECEIVED, ImportState.COMPARED),
        asks_why=False,
    )
    def discard(self, request: HttpRequest, obj: DeckChange, data: dict[str, Any]) -> str:
        """Say no to it."""
        actions.discard_deck_change(change_id=obj.pk, reason=data["reason"], at=now())
        return gettext("It is discarded.")


def _count_panel(change: DeckChange) -> Panel:
    counts = change.counts
    rows = [(title, f"{counts[kind.name.lower()]:,}") for kind, title in KINDS.items() if counts.get(kind.name.lower())]
    further = {
        "errors": _("rows that cannot be read"),
        "repeated": _("lines that say again what another says"),
        "absent": _("codes of the deck that the file does not name; they stay"),
        "added": _("codes added"),
        "changed": _("codes with another name"),
        "removed": _("codes taken out"),
    }
    rows += [(title, f"{counts[name]:,}") for name, title in further.items() if counts.get(name)]
    return Panel(_("Codes"), ("", _("Count")), rows, empty=_("It changes nothing."), right=frozenset({1}))


def told(change: DeckChange) -> str:
    """What a change did, in words."""
    counts = change.counts
    return gettext("%(added)s codes were added, %(changed)s have another name, %(removed)s were taken out.") % {
        name: f"{counts.get(name, 0):,}" for name in ("added", "changed", "removed")
    }


def what(change: DeckChange) -> str:
    """The file, or where the codes are from."""
    if change.source == DeckSource.SHEET:
        return change.file_name
    return choice_text(DeckSource(change.source))


def state_of(change: DeckChange) -> SafeString:
    """How far it has come, in its colour."""
    return work_state(change) or state(change.state, choice(change, "state"), COLOURS)
