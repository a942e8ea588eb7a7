"""The third and the fourth step of a rate sheet: what it would change and what the checks found; then applying it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.fields import NOT_A_CODE
from trunkline.backoffice.forms import StaffForm
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.sheet_layout import compare
from trunkline.backoffice.sheet_steps import (
    STATES,
    cost_sentence,
    monthly_cost,
    sheet_at,
    step_address,
    step_context,
    unread,
    weighed_sentences,
)
from trunkline.backoffice.sheet_words import CHECK_NAMES, KINDS, LEVELS, REASONS, WHAT_TO_DO
from trunkline.backoffice.shown import choice, label, price_text, state
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.backoffice.working import carry_out
from trunkline.core.errors import Conflict
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.pricing.changes import change_rows, closed_rows, error_rows
from trunkline.pricing.checks import Level
from trunkline.pricing.choices import ImportState, ImportWork
from trunkline.pricing.models import SheetImport, TariffEdit

ROWS: Final = 50
OFFSET_MAX: Final = 2_000_000
CLOSED, UNREAD, PUT_OFF = "closed_codes", "errors", "put_off"
LEVEL_LOOKS: Final = {"ignore": "default", "warn": "warning", "stop": "danger"}


class LinesForm(StaffForm):
    """Which lines are shown."""

    code = forms.RegexField(
        r"^[0-9]{0,18}$",
        error_messages=NOT_A_CODE,
        label=_("Code begins with"),
        required=False,
        help_text=_("Digits, such as 2547."),
    )
    name = forms.CharField(label=_("Destination"), required=False, max_length=100, help_text=_("Words of its name."))


@site.page("prices/sheets/<uuid:public_id>/compare/", name="sheet_compare", permission=Permission.TARIFFS_READ)
def sheet_compare(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The third step: what the sheet would change."""
    sheet = sheet_at(request, public_id)
    principal = principal_of(request)
    if request.method == "POST":
        return compare(request, sheet, principal)
    context = step_context(request, sheet, "compare")
    is_compared = sheet.state not in (ImportState.RECEIVED, ImportState.READ) and sheet.compared_revision > 0
    if not is_compared and not context["is_busy"]:
        if context["problem"] is None:
            return HttpResponseRedirect(step_address(sheet, "layout"))
    elif is_compared and not context["is_busy"]:
        context |= _changes(request, sheet)
    context["is_compared"] = is_compared
    context["layout_url"] = step_address(sheet, "layout")
    context["next"] = step_address(sheet, "apply")
    return site.render(request, "backoffice/sheet_compare.html", context)


def _changes(request: HttpRequest, sheet: SheetImport) -> dict[str, Any]:
    form = LinesForm(request.GET, request=request)
    said = form.cleaned_data if form.is_valid() else {"code": "", "name": ""}
    kind = request.GET.get("kind", "")
    if kind not in (*KINDS, CLOSED, UNREAD, PUT_OFF):
        kind = ""
    given = request.GET.get("after", "")
    offset = min(int(given), OFFSET_MAX) if given.isdecimal() and len(given) < 10 else 0
    panel, has_more = _lines(sheet, kind, said, offset)
    asked = {name: value for name, value in (("kind", kind), *said.items()) if value}
    return {
        "form": form,
        "kind": kind,
        "chips": _chips(sheet, kind, said),
        "cost": cost_sentence(sheet),
        "weighed": weighed_sentences(sheet),
        "cost_kind": _cost_kind(sheet),
        "findings": findings_panel(sheet),
        "stops": [each for each in sheet.findings if each["level"] == Level.STOP],
        "panel": panel,
        "more": f"?{urlencode(asked | {'after': offset + ROWS})}" if has_more else "",
        "before": f"?{urlencode(asked | ({'after': offset - ROWS} if offset > ROWS else {}))}" if offset else "",
        "is_whole": sheet.state != ImportState.COMPARED,
    }


def _cost_kind(sheet: SheetImport) -> str:
    units = monthly_cost(sheet).units
    return "office-worse" if units > 0 else "office-better" if units < 0 else ""


def _chips(sheet: SheetImport, kind: str, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The counts of each kind, each the way to its lines."""
    counts = sheet.counts
    put_off = next((each["lines"] for each in sheet.findings if each["check"] == "short_notice"), 0)
    named = [("", _("all"), counts.get("lines", 0))]
    named += [(name, title, counts.get(name, 0)) for name, (title, _kind) in KINDS.items()]
    named += [
        (CLOSED, _("codes close"), counts.get(CLOSED, 0)),
        (PUT_OFF, _("put off"), put_off),
        (UNREAD, _("not read"), unread(sheet)),
    ]
    asked = {name: value for name, value in said.items() if value}
    return [
        {
            "title": title,
            "count": f"{count:,}",
            "is_here": name == kind,
            "url": f"?{urlencode(asked | ({'kind': name} if name else {}))}",
        }
        for name, title, count in named
        if count or name == kind
    ]


def _lines(sheet: SheetImport, kind: str, said: Mapping[str, Any], offset: int) -> tuple[Panel, bool]:
    if kind == CLOSED:
        closed = closed_rows(sheet, code=said["code"], limit=ROWS + 1, offset=offset)
        rows: list[Sequence[Any]] = [
            (
                each["code"],
                _place(each),
                price_text(each["price"]),
                each["closes"],
                each["falls_to"] or gettext("no price"),
            )
            for each in closed[:ROWS]
        ]
        headers: tuple[Any, ...] = (_("Code"), _("Destination"), _("Price"), _("Closes"), _("Its numbers fall to"))
        return Panel(_("Codes that close"), headers, rows, empty=_("No code closes.")), len(closed) > ROWS
    if kind == UNREAD:
        wrong = error_rows(sheet, limit=ROWS + 1, offset=offset)
        rows = [
            (each["line"], each["sheet"], each["column"], REASONS.get(each["reason"], each["reason"]), each["text"])
            for each in wrong[:ROWS]
        ]
        headers = (_("Line"), _("Worksheet"), _("Column"), _("Why"), _("What stands there"))
        empty = _("Every row was read. Lines that the tariff cannot take stand among the refused ones.")
        panel = Panel(_("Rows that cannot be read"), headers, rows, empty=empty, right=frozenset({0}))
        return panel, len(wrong) > ROWS
    wanted = kind if kind in KINDS else None
    found = change_rows(
        sheet, kind=wanted, code=said["code"], name=said["name"], is_put_off=kind == PUT_OFF, limit=ROWS + 1, offset=offset
    )  # fmt: skip
    headers = (_("Line"), _("Kind"), _("Code"), _("Destination"), _("Before"), _("Price"), _("Begins"), _("Remark"))
    rows = [_row(each) for each in found[:ROWS]]
    used = [place for place in range(len(headers)) if place not in (4, 7) or any(row[place] for row in rows)]
    return Panel(
        _("Lines"),
        [headers[place] for place in used],
        [[row[place] for place in used] for row in rows],
        empty=_("No line is like that."),
        right=frozenset({0}),
    ), len(found) > ROWS


def _row(row: Mapping[str, Any]) -> Sequence[Any]:
    title, look = KINDS[row["kind"]]
    place = " · ".join(
        str(each) for each in (row["destination"], row["origin"], row["tag"], row["time_profile"]) if each
    )
    return (row["line"], label(title, look), row["code"], place, price_text(row["before"]), price_text(row["price"]), row["begins"], remark(row["note"]))  # fmt: skip


def _place(row: Mapping[str, Any]) -> str:
    return " · ".join(each for each in (row["destination"], row["origin"]) if each)


def remark(note: str) -> str:
    """What is special about a line, in words."""
    parts = []
    for each in note.split(", ") if note else ():
        if each.startswith("asked for "):
            parts.append(gettext("the sheet says %(day)s") % {"day": each.removeprefix("asked for ")})
        elif each.startswith("was "):
            parts.append(gettext("was %(name)s") % {"name": each.removeprefix("was ")})
        elif each == "short_notice":
            parts.append(gettext("put off by the agreement"))
        else:
            parts.append(str(REASONS.get(each, each)))
    return "; ".join(parts)


def findings_panel(sheet: SheetImport | TariffEdit) -> Panel:
    """What the checks found, and what to do about it; what stops the sheet first."""
    order = {Level.STOP: 0, Level.WARN: 1}
    rows = [
        (
            label(LEVELS[each["level"]], LEVEL_LOOKS[each["level"]]),
            CHECK_NAMES[each["check"]][0],
            f"{each['lines']:,}",
            ", ".join(each["codes"]),
            WHAT_TO_DO[each["check"]],
        )
        for each in sorted(sheet.findings, key=lambda each: order.get(each["level"], 2))
    ]
    headers = (_("Level"), _("What was found"), _("Lines"), _("Such as"), _("What to do"))
    return Panel(_("Checks"), headers, rows, empty=_("The checks have found nothing."), right=frozenset({2}))


class ApplyForm(StaffForm):
    """What was looked at, and why the sheet is applied all the same."""

    note = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=200,
        help_text=_("Stands in the history of the tariff. Needed where a check is overruled."),
    )

    def prepare(self) -> None:
        self.stopped = [each for each in self.obj.findings if each["level"] == Level.STOP]
        good = int(self.obj.counts.get("lines", 0)) - int(self.obj.counts.get("refused", 0))
        self.is_hopeless = not good and any(each["check"] == "errors" for each in self.stopped)
        for each in self.stopped:
            name = each["check"]
            title, said = CHECK_NAMES[name]
            if name == "errors":
                title = gettext("Apply the %(count)s good lines without the others") % {"count": f"{good:,}"}
                said = gettext("Rows that cannot be read stay out, and no code that the sheet leaves out is closed.")
            else:
                title = gettext("%(check)s: I have looked at it") % {"check": title}
                said = f"{said} {WHAT_TO_DO[name]}"
            self.fields[f"over_{name}"] = forms.BooleanField(label=title, required=False, help_text=said)
        self.order_fields([f"over_{each['check']}" for each in self.stopped] + ["note"])

    @property
    def overruled(self) -> list[str]:
        """The checks that were looked at."""
        return [each["check"] for each in self.stopped if self.cleaned_data.get(f"over_{each['check']}")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for each in self.stopped:
            if not data.get(f"over_{each['check']}"):
                self.add_error(
                    f"over_{each['check']}", gettext("This stops the sheet. Look at it, or discard the sheet.")
                )
        if self.overruled and not data.get("note", "").strip():
            self.add_error("note", gettext("Say why it is applied although a check stops it."))
        return data


@site.page("prices/sheets/<uuid:public_id>/apply/", name="sheet_apply", permission=Permission.TARIFFS_READ)
def sheet_apply(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The fourth step: make the changes true, and see what became of the sheet."""
    sheet = sheet_at(request, public_id)
    if sheet.state in (ImportState.RECEIVED, ImportState.READ):
        return HttpResponseRedirect(step_address(sheet, "layout"))
    if sheet.state != ImportState.COMPARED:
        return _page(request, sheet, None)
    form = ApplyForm(*((request.POST,) if request.method == "POST" else ()), request=request, obj=sheet)
    if request.method != "POST" or not form.is_valid():
        return _page(request, sheet, form)
    return _apply(request, sheet, form)


def _apply(request: HttpRequest, sheet: SheetImport, form: ApplyForm) -> HttpResponseBase:
    overrule, note = form.overruled, form.cleaned_data["note"]
    if sheet.tariff.revision != sheet.compared_revision:
        return _page(request, sheet, form)
    to = step_address(sheet, "apply")
    try:
        return carry_out(
            request, sheet, ImportWork.APPLYING, to=to, told=_("The sheet is applied."), overrule=overrule, reason=note
        )
    except Conflict as error:
        messages.error(request, error_text(error))
        return HttpResponseRedirect(to)


def _page(request: HttpRequest, sheet: SheetImport, form: ApplyForm | None) -> HttpResponse:
    context = step_context(request, sheet, "apply")
    is_overtaken = sheet.state == ImportState.COMPARED and sheet.tariff.revision != sheet.compared_revision
    if context["problem"] and context["problem"].get("code") == "tariff_changed":
        context["problem"], is_overtaken = None, True
    context |= {
        "form": form,
        "cost": cost_sentence(sheet),
        "cost_kind": _cost_kind(sheet),
        "summary": _summary(sheet),
        "findings": findings_panel(sheet) if sheet.findings else None,
        "is_overtaken": is_overtaken,
        "result": None if form is not None else _result(sheet),
        "compare": step_address(sheet, "compare"),
        "layout_url": step_address(sheet, "layout"),
        "rates": f"{reverse('admin:rates_grid', args=(sheet.tariff_id,))}",
        "undo": reverse("admin:pricing_sheetimport_undo", args=(sheet.pk,))
        if sheet.state == ImportState.APPLIED and context["may_write"]
        else "",
        "again": reverse("admin:sheet_new"),
    }
    status = 422 if form is not None and form.errors else 409 if request.method == "POST" and is_overtaken else 200
    return site.render(request, "backoffice/sheet_apply.html", context, status)


def _summary(sheet: SheetImport) -> list[tuple[Any, Any]]:
    counts = sheet.counts
    rows = [(title, f"{counts[name]:,}") for name, (title, _kind) in KINDS.items() if counts.get(name)]
    if counts.get(CLOSED):
        rows.append((_("codes close"), f"{counts[CLOSED]:,}"))
    if not_read := unread(sheet):
        rows.append((_("not read"), f"{not_read:,}"))
    return rows


def _result(sheet: SheetImport) -> Panel:
    rows: list[tuple[Any, Any]] = [(_("State"), state(sheet.state, choice(sheet, "state"), STATES))]
    if sheet.applied_at is not None:
        made = sheet.last_rate - sheet.first_rate + 1 if sheet.last_rate else 0
        rows += [
            (_("Applied"), local(sheet.applied_at)),
            (_("First change"), local(sheet.begins_at) if sheet.begins_at else gettext("none")),
            (_("New rates"), ngettext("%(count)s rate", "%(count)s rates", made) % {"count": f"{made:,}"}),
        ]
    if sheet.ended_at is not None:
        rows.append((_("Ended"), local(sheet.ended_at)))
    if sheet.reason:
        rows.append((_("Why"), sheet.reason))
    links = [Link(_("History"), reverse("admin:pricing_sheetimport_history", args=(sheet.pk,)), "history")]
    return Panel(_("What became of it"), ("", ""), rows, links=links)
