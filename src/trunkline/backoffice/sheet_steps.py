"""What the four steps of a rate sheet share: where one is, what the sheet is about, what is in the way, what it costs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.actors import name_actors
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.sheet_words import KINDS
from trunkline.backoffice.shown import choice, money
from trunkline.backoffice.words import local
from trunkline.core.errors import NotFound
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.pricing import actions, files
from trunkline.pricing.choices import OPEN, ImportState
from trunkline.pricing.models import SheetImport
from trunkline.pricing.queries import access_import

STATES: Final = {"received": "info", "read": "info", "compared": "warning", "applied": "success", "undone": "default", "discarded": "default"}  # fmt: skip
SHOWN_KINDS: Final = ("increase", "decrease", "new", "closed_codes", "blocked", "refused", "errors")
STEPS: Final = (("file", _("File")), ("layout", _("Layout")), ("compare", _("Compare")), ("apply", _("Apply")))


def steps_of(sheet: SheetImport | None, here: str) -> list[dict[str, Any]]:
    """The four steps: title, whether one is there, whether it is done, and its address where one may go to it."""
    reached = {None: 0, ImportState.RECEIVED: 1, ImportState.READ: 1, ImportState.COMPARED: 3}
    furthest = reached.get(None if sheet is None else ImportState(sheet.state), 3)
    names = [name for name, _title in STEPS]
    found = []
    for place, (name, title) in enumerate(STEPS):
        may_go = sheet is not None and 0 < place <= furthest and (sheet.state in OPEN or place >= 1)
        is_reached = place <= furthest and not (sheet is None and place)
        found.append(
            {
                "title": title,
                "number": place + 1,
                "is_here": name == here,
                "is_done": place < names.index(here) or (sheet is not None and sheet.state == ImportState.APPLIED),
                "url": reverse(f"admin:sheet_{name}", args=(sheet.public_id,))
                if sheet is not None and may_go and is_reached and name != here
                else "",
            }
        )
    return found


def step_address(sheet: SheetImport, step: str = "") -> str:
    """The page at which a sheet is to be gone on with."""
    at = {ImportState.RECEIVED: "layout", ImportState.READ: "layout", ImportState.COMPARED: "compare"}
    name = step or at.get(ImportState(sheet.state), "apply")
    return reverse(f"admin:sheet_{name}", args=(sheet.public_id,))


def sheet_at(request: HttpRequest, public_id: UUID) -> SheetImport:
    """The sheet of a step, which this person may see, and change if they send something. Raises NotFound `not_found`, Denied."""
    if request.method == "POST":
        principal_of(request).require(Permission.TARIFFS_READ, Permission.TARIFFS_WRITE)
    sheet = access_import(str(public_id))
    if not files.find_import_folder(principal_of(request).tenant_id, sheet.public_id).exists():
        raise NotFound("not_found", "rate sheet not found.")
    return sheet


def step_context(request: HttpRequest, sheet: SheetImport, here: str) -> dict[str, Any]:
    """What stands on the page of every step: where one is, what the sheet is, what is in the way, who else is at this tariff."""
    is_busy = actions.is_worked_on(sheet)
    place = files.find_import_folder(principal_of(request).tenant_id, sheet.public_id)
    problem = sheet.problem
    if problem is not None:
        problem = problem | {name: in_words(problem[name]) for name in ("message", "hint") if name in problem}
    if sheet.work and not is_busy and problem is None:
        problem = {"message": gettext("The last step came to no end."), "hint": gettext("Try it once more.")}
    return {
        "title": gettext("Rate sheet: %(file)s") % {"file": sheet.file_name},
        "steps": steps_of(sheet, here),
        "sheet": sheet,
        "facts": _facts(sheet),
        "is_busy": is_busy,
        "busy_text": choice(sheet, "work") if is_busy else "",
        "percent": files.progress(place) if is_busy else 0,
        "problem": problem,
        "others": _others(sheet) if sheet.state in OPEN else [],
        "may_write": principal_of(request).may(Permission.TARIFFS_WRITE),
        "is_open": sheet.state in OPEN,
        "back": reverse("admin:pricing_sheetimport_changelist"),
        "discard": reverse("admin:pricing_sheetimport_discard", args=(sheet.pk,)),
    }


def _facts(sheet: SheetImport) -> list[tuple[Any, Any]]:
    facts = [
        (_("Tariff"), str(sheet.tariff)),
        (_("Received"), local(sheet.notified_at, seconds=False)),
        (_("Codes that it does not name"), choice(sheet, "scope")),
    ]
    if sheet.agreement is not None:
        facts.append((_("Agreement"), sheet.agreement.name))
    if sheet.template is not None:
        facts.append((_("Template"), sheet.template.name))
    return facts


def _others(sheet: SheetImport) -> list[str]:
    """Who has another sheet for the same tariff open, a sentence each."""
    rows = SheetImport.objects.filter(tariff=sheet.tariff_id, state__in=OPEN).exclude(pk=sheet.pk).order_by("-pk")[:3]
    names = name_actors(each.asked_by for each in rows)
    return [
        gettext("%(person)s has another sheet for this tariff open since %(time)s: %(file)s. Whoever applies second compares again first.")
        % {
            "person": names.get(each.asked_by) or gettext("Somebody"),
            "time": local(each.created_at, seconds=False),
            "file": each.file_name,
        }
        for each in rows
    ]  # fmt: skip


def unread(sheet: SheetImport) -> int:
    """How many rows cannot be read; lines that the tariff cannot take are counted as refused."""
    return int(sheet.counts.get("errors", 0)) - int(sheet.counts.get("refused", 0))


def monthly_cost(sheet: SheetImport) -> Amount:
    """What the sheet costs more a month."""
    return Amount.from_text(str(sheet.counts.get("monthly_cost", "0")))


def cost_sentence(sheet: SheetImport) -> str:
    """What the sheet costs, in a sentence."""
    cost = monthly_cost(sheet)
    if not cost.units:
        return gettext("By the traffic of the last 30 days it costs neither more nor less.")
    shown = money(abs(cost), sheet.tariff.currency)
    said = (
        gettext("By the traffic of the last 30 days it costs you %(cost)s more a month.")
        if cost.units > 0
        else gettext("By the traffic of the last 30 days it saves you %(cost)s a month.")
    )
    return SafeString(said % {"cost": shown})


def weighed_sentences(sheet: SheetImport) -> list[str]:
    """How the traffic was weighed where that is not all said by the cost: what went by numbers, and what is not in the cost."""
    said = {
        "weighed_by_number": gettext("%(units)s units were weighed by their numbers: new longer codes take them over."),
        "without_price": gettext("%(units)s units would have no price any more and cost nothing here."),
        "not_weighed": gettext("%(units)s units could not be weighed: nothing says what they will cost."),
        "days_of_numbers": gettext("Numbers were read of %(units)s of the 30 days; their shares stand for the rest."),
    }
    return [text % {"units": f"{sheet.counts[name]:,}"} for name, text in said.items() if sheet.counts.get(name)]


def counted(sheet: SheetImport) -> str:
    """The counts that are not 0, in a few words."""
    words = {name: title for name, (title, _kind) in KINDS.items()} | {
        "closed_codes": _("codes close"),
        "errors": _("not read"),
    }
    counts = sheet.counts | {"errors": unread(sheet)}
    found = [f"{counts[name]:,} {words[name]}" for name in SHOWN_KINDS if counts.get(name)]
    if not found and "lines" in sheet.counts:
        lines = int(sheet.counts["lines"])
        found = [ngettext("%(count)s line", "%(count)s lines", lines) % {"count": f"{lines:,}"}]
    return ", ".join(found)
