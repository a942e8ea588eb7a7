"""One edit of many rates: what it would do, applying it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.actors import name_actors
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.sheet_changes import findings_panel
from trunkline.backoffice.sheet_steps import STATES
from trunkline.backoffice.sheet_words import KINDS
from trunkline.backoffice.shown import choice_text, money, state
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.backoffice.working import carry_out, work_state, working
from trunkline.core.errors import Conflict
from trunkline.core.money import Amount
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.pricing.choices import ImportState, ImportWork
from trunkline.pricing.edit_queries import access_edit, edits, proposals_of, state_of
from trunkline.pricing.models import TariffEdit
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.queries import current_tenant

LATEST: Final = 5
COUNTED: Final = (
    ("chosen", _("Rates chosen")),
    ("changed", _("New rates")),
    ("ended", _("Only end")),
    ("unchanged", _("Like that already")),
    ("over", _("Over, or end before")),
)


def edit_address(edit: TariffEdit) -> str:
    """The page of an edit."""
    return reverse("admin:rate_edit", args=(edit.public_id,))


@site.page("prices/rate-edits/<uuid:public_id>/", name="rate_edit", permission=Permission.TARIFFS_READ)
def rate_edit(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Look at it; apply it."""
    principal = principal_of(request)
    if request.method == "POST":
        principal.require(Permission.TARIFFS_WRITE)
    edit = access_edit(str(public_id))
    if request.method == "POST":
        told = _("The rates are changed: the new ones hold from then on. It can be undone.")
        try:
            return carry_out(request, edit, ImportWork.APPLYING, to=edit_address(edit), told=told, reason=edit.reason)
        except Conflict as error:
            messages.error(request, error_text(error))
            return HttpResponseRedirect(edit_address(edit))
    return _page(request, edit, may_write=principal.may(Permission.TARIFFS_WRITE))


def _page(request: HttpRequest, edit: TariffEdit, *, may_write: bool) -> HttpResponse:
    sheet, zone = edit.sheet, get_zone(edit.tariff.timezone)
    is_open = state_of(edit) == ImportState.COMPARED
    at_work = working(sheet or edit)
    is_overtaken = is_open and edit.tariff.revision != edit.revision
    counts = edit.counts
    rows = [
        (
            each["code"] or gettext("every number"),
            each["destination"],
            each["before"],
            each["after"] or gettext("ends"),
            _day(each["begins"], zone),
            _day(each["ends"], zone) or "–",
        )
        for each in edit.samples
    ]
    headers = (_("Code"), _("Destination"), _("Before"), _("After"), _("From"), _("Until"))
    has_changes = bool(counts.get("changed") or counts.get("ended"))
    context = {
        "title": gettext("Change rates of %(tariff)s") % {"tariff": edit.tariff},
        "working": at_work,
        "facts": _facts(edit),
        "warnings": _warnings(edit, is_overtaken=is_overtaken and not at_work.is_busy) if is_open else _proposed(edit),
        "findings": findings_panel(edit) if edit.findings else None,
        "panel": Panel(_("Some of them"), headers, rows, empty=_("No rate is left to change.")),
        "is_open": is_open,
        "can_apply": may_write and is_open and has_changes and not is_overtaken and not at_work.is_busy,
        "sheet": reverse("admin:sheet_compare", args=(sheet.public_id,)) if sheet is not None else "",
        "undo": reverse("admin:pricing_sheetimport_undo", args=(sheet.pk,))
        if sheet is not None and sheet.state == ImportState.APPLIED and may_write and not at_work.is_busy
        else "",
        "back": _grid(edit),
    }
    return site.render(request, "backoffice/rate_edit.html", context)


def _facts(edit: TariffEdit) -> list[tuple[Any, Any]]:
    facts: list[tuple[Any, Any]] = [(_("State"), edit_state(edit))]
    facts += [(title, f"{edit.counts[name]:,}") for name, title in COUNTED if edit.counts.get(name)]
    facts += [(KINDS[name][0], f"{count:,}") for name, count in edit.counts.get("kinds", {}).items()]
    cost = Amount.from_text(str(edit.counts.get("monthly_cost", "0")))
    if cost.units:
        facts.append((_("A month"), money(cost, edit.tariff.currency)))
    facts.append((_("Looked at"), local(edit.looked_at)))
    if edit.sheet is not None:
        facts.append((_("Applied"), local(edit.sheet.applied_at)))
    if edit.reason:
        facts.append((_("Why"), edit.reason))
    return facts


def edit_state(edit: TariffEdit) -> SafeString:
    """How far it has come, in its colour."""
    found = state_of(edit)
    return work_state(edit.sheet or edit) or state(found, choice_text(found), STATES)


def _warnings(edit: TariffEdit, *, is_overtaken: bool) -> list[str]:
    warnings = []
    if is_overtaken:
        warnings.append(
            gettext("Somebody else has changed the tariff since this was looked at. Nothing of it was written. Choose the rates again, and look at what changes now.")
        )  # fmt: skip
    own = get_zone(current_tenant().timezone)
    if edit.agreement is not None:
        warnings += [
            gettext("%(count)s of kind %(kind)s begin before %(day)s, the first day that %(agreement)s allows.")
            % {
                "count": f"{each['count']:,}",
                "kind": KINDS[name][0],
                "day": _day(each["first_allowed"], own),
                "agreement": edit.agreement.name,
            }
            for name, each in edit.breaches.items()
        ]
    past = edit.counts.get("begin_in_the_past", 0)
    if past:
        warnings.append(
            ngettext(
                "%(count)s begins in the past: posted calls may cost something else.",
                "%(count)s begin in the past: posted calls may cost something else.",
                past,
            )
            % {"count": f"{past:,}"}
        )
    return warnings


def _proposed(edit: TariffEdit) -> list[str]:
    if not proposals_of([edit])[edit.pk]:
        return []
    return [gettext("Posted records may cost something else now: a re-rating is proposed.")]


def _grid(edit: TariffEdit) -> str:
    """The grid with the filter that the rates were chosen by."""
    chosen = edit.chosen
    asked = {"state": chosen.get("standing"), "code": chosen.get("code"), "name": chosen.get("name"), "kind": chosen.get("kind")}  # fmt: skip
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{reverse('admin:rates_grid', args=(edit.tariff_id,))}?{query}"


def _day(text: str | None, zone: Any) -> str:
    """An instant on a clock, with the time where it is not midnight."""
    if not text:
        return ""
    there = datetime.fromisoformat(text).astimezone(zone)
    return f"{there:%Y-%m-%d}" if (there.hour, there.minute, there.second) == (0, 0, 0) else f"{there:%Y-%m-%d %H:%M}"


def latest_edits(tariff: Tariff) -> Panel | None:
    """The last edits of many rates of a tariff, with what became of each."""
    rows: Sequence[TariffEdit] = list(edits().filter(tariff=tariff)[:LATEST])
    if not rows:
        return None
    names = name_actors(each.asked_by for each in rows)
    cells = [
        (
            Link(local(each.looked_at), edit_address(each)),
            names.get(each.asked_by) or gettext("Somebody"),
            f"{each.counts.get('changed', 0) + each.counts.get('ended', 0):,}",
            edit_state(each),
            each.reason,
        )
        for each in rows
    ]
    headers = (_("Looked at"), _("By"), _("Rates"), _("State"), _("Why"))
    return Panel(_("Changes of many at once"), headers, cells, right=frozenset({2}))
