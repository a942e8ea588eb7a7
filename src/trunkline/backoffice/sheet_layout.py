"""The second step of a rate sheet: what was understood of it, beside how it looks, and corrected by hand where that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.forms import StaffForm, refuse
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.panels import Panel
from trunkline.backoffice.sheet_steps import sheet_at, step_address, step_context
from trunkline.backoffice.sheet_words import CURRENCY_UNSAID, DATE_ORDERS, MARKS, PURPOSES, REASONS, ROLE_NAMES
from trunkline.backoffice.site import site
from trunkline.core.errors import TrunklineError
from trunkline.identity.outside import Outside
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal, principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions, files
from trunkline.pricing.choices import ImportState, ImportWork, ScopeChoice
from trunkline.pricing.compare import Scope
from trunkline.pricing.models import SheetImport
from trunkline.pricing.sheets.corrections import Correction, differs
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.grid import letter
from trunkline.pricing.sheets.keyed import KEYED
from trunkline.pricing.sheets.layout import Layout, Purpose, Role, SheetLayout, from_json
from trunkline.pricing.sheets.price_cells import Mark
from trunkline.pricing.sheets.roles import PRICES
from trunkline.tenancy.scope import scope

SHOWN_ERRORS: Final = 10
WORKSHEETS_MAX: Final = 30
READ_AGAIN, COMPARE, KEEP, ANEW = "again", "compare", "keep", "anew"


class WorksheetForm(StaffForm):
    """How one worksheet is read."""

    purpose = forms.ChoiceField(
        label=_("Holds"), choices=list(PURPOSES.items()), help_text=_("What stands on this worksheet.")
    )
    header = forms.IntegerField(
        label=_("Header line"), min_value=0, max_value=10_000_000, help_text=_("Its number; 0: there is none.")
    )
    first = forms.IntegerField(
        label=_("First line"), min_value=1, max_value=10_000_000, help_text=_("Of the rows below the header.")
    )
    last = forms.IntegerField(
        label=_("Last line"), min_value=1, max_value=10_000_000, help_text=_("Notes below it are not read.")
    )
    date_order = forms.ChoiceField(
        label=_("Dates"), choices=list(DATE_ORDERS.items()), help_text=_("Which number of a date is the day.")
    )
    mark = forms.ChoiceField(
        label=_("Decimal mark"), choices=list(MARKS.items()), help_text=_("How prices are written.")
    )

    def __init__(self, *args: Any, sheet: SheetLayout, glimpse: Mapping[str, Any], number: int, **kwargs: Any) -> None:
        self.sheet, self.glimpse, self.number = sheet, glimpse, number
        bounds = glimpse["bounds"]
        initial = {
            "purpose": sheet.purpose,
            "header": bounds["header"],
            "first": bounds["first"] or 1,
            "last": bounds["last"] or 1,
            "date_order": sheet.date_order,
            "mark": sheet.mark,
        }
        super().__init__(*args, initial=initial, prefix=f"s{number}", **kwargs)

    def prepare(self) -> None:
        roles = {column.index: column.role for column in self.sheet.columns}
        for index in range(self.width):
            field = forms.ChoiceField(
                label=gettext("Column %(letter)s") % {"letter": letter(index)},
                choices=[(str(role), name) for role, name in ROLE_NAMES.items()],
                initial=str(roles.get(index, Role.IGNORED)),
            )
            field.widget.attrs["aria-label"] = field.label
            self.fields[f"c{index}"] = field

    @property
    def width(self) -> int:
        """Columns that are shown."""
        return max((len(row["cells"]) for row in (*self.glimpse["head"], *self.glimpse["tail"])), default=0)

    @property
    def lines_text(self) -> str:
        """How many lines the worksheet has."""
        lines = int(self.glimpse["lines"])
        return ngettext("%(count)s line", "%(count)s lines", lines) % {"count": f"{lines:,}"}

    @property
    def settings(self) -> list[forms.BoundField]:
        """The fields that are no columns."""
        return [self[name] for name in ("purpose", "header", "first", "last", "date_order", "mark")]

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Each column: its letter, its field, why it is taken for that, and whether that is not sure."""
        known = {column.index: column for column in self.sheet.columns}
        found = []
        for index in range(self.width):
            column = known.get(index)
            found.append(
                {
                    "letter": letter(index),
                    "field": self[f"c{index}"],
                    "is_read": column is not None and column.role is not Role.IGNORED,
                    "sure": None if column is None or column.role is Role.IGNORED else round(column.confidence * 100),
                }
            )
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The first and the last rows, with what each is; None in between where rows are left out."""
        found: list[dict[str, Any]] = []
        for part in ("head", "tail"):
            if part == "tail" and self.glimpse["left_out"]:
                found.append({"left_out": f"{self.glimpse['left_out']:,}"})
            for row in self.glimpse[part]:
                cells = row["cells"] + [""] * (self.width - len(row["cells"]))
                is_inside = self.sheet.first_row <= row["row"] < self.sheet.last_row
                found.append(
                    {
                        "line": row["line"],
                        "cells": cells,
                        "is_header": row["row"] in self.sheet.header_rows,
                        "is_outside": not is_inside and row["row"] not in self.sheet.header_rows,
                    }
                )
        return found

    def correction(self) -> Correction | None:
        """What the person says of it; None where that is what was understood."""
        data = self.cleaned_data
        roles = {index: Role(data[f"c{index}"]) for index in range(self.width)}
        purpose = Purpose(data["purpose"])
        if purpose is self.sheet.purpose and purpose is not Purpose.RATES:
            known = {column.role for column in self.sheet.columns}
            if any(role in PRICES and role not in known for role in roles.values()):
                purpose = Purpose.RATES  # whoever says which column is the price says that there are prices
        said = Correction(
            purpose,
            data["header"],
            data["first"],
            data["last"],
            DateOrder(data["date_order"]),
            Mark(data["mark"]),
            roles,
        )
        lines = {row["row"]: row["line"] for part in ("head", "tail") for row in self.glimpse[part]}
        bounds = self.glimpse["bounds"]
        lines |= {self.sheet.first_row: bounds["first"], self.sheet.last_row - 1: bounds["last"]}
        if self.sheet.header_rows:
            lines[self.sheet.header_rows[0]] = bounds["header"]
        return said if differs(self.sheet, said, lines) else None


class SettledForm(StaffForm):
    """What holds for the whole file."""

    is_settled = forms.BooleanField(
        label=_("The layout is right"),
        required=False,
        help_text=_("You have looked at what is doubted, and it is as shown."),
    )
    scope = forms.ChoiceField(
        label=_("Codes that it does not name"),
        choices=ScopeChoice.choices,
        help_text=_("A full sheet closes what it leaves out; a partial one changes only what it names."),
    )
    keep_as = forms.CharField(
        label=_("Keep it as template"),
        required=False,
        max_length=120,
        help_text=_("Such as the vendor's name. The next sheet is then read alike."),
    )


@site.page("prices/sheets/<uuid:public_id>/layout/", name="sheet_layout", permission=Permission.TARIFFS_READ)
def sheet_layout(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The second step: look at the layout, correct it, go on."""
    sheet = sheet_at(request, public_id)
    principal = principal_of(request)
    place = files.find_import_folder(principal.tenant_id, sheet.public_id)
    report = files.read_json(place / files.REPORT)
    if request.method == "POST" and request.POST.get("go") == ANEW:
        return _read(request, sheet, principal, anew=True)
    given = (request.POST,) if request.method == "POST" else ()
    worksheets = _forms(request, sheet, report, given)
    name = sheet.template.name if sheet.template is not None else ""
    settled = SettledForm(*given, request=request, initial={"keep_as": name, "scope": sheet.scope})
    if given and report is not None and all(form.is_valid() for form in (*worksheets, settled)):
        goes_on = request.POST.get("go") == COMPARE
        if settled.cleaned_data["scope"] != sheet.scope:
            sheet = actions.change_scope(import_id=sheet.pk, scope=Scope(settled.cleaned_data["scope"]))
        said = [form.correction() for form in worksheets]
        is_settled = settled.cleaned_data["is_settled"]
        if any(said) or (is_settled and from_json(sheet.layout).doubts):
            actions.correct_layout(import_id=sheet.pk, said=said, is_settled=is_settled)
            keep_as = settled.cleaned_data["keep_as"] if request.POST.get("go") == KEEP else ""
            return _read(request, sheet, principal, goes_on=goes_on, keep_as=keep_as)
        if request.POST.get("go") == KEEP:
            return _keep(request, sheet, settled, worksheets, report)
        if goes_on:
            return compare(request, sheet, principal)
        return HttpResponseRedirect(step_address(sheet, "layout"))
    return _page(request, sheet, worksheets, settled, report)


def compare(request: HttpRequest, sheet: SheetImport, principal: Principal) -> HttpResponseBase:
    """Have the sheet compared, by a worker if it is large; then its third step."""
    actions.require_idle(sheet)
    if actions.is_large(sheet):
        actions.ask_for(sheet, ImportWork.COMPARING, actor=principal.actor)
        return HttpResponseRedirect(step_address(sheet, "compare"))

    def work() -> TrunklineError | None:
        try:
            actions.compare_import(principal.tenant_id, sheet.pk, actor=principal.actor, now=now)
        except TrunklineError as error:
            return error
        return None

    return Outside(work, lambda error: _went(request, sheet, error, "compare", "layout"))


def _read(
    request: HttpRequest,
    sheet: SheetImport,
    principal: Principal,
    *,
    anew: bool = False,
    goes_on: bool = False,
    keep_as: str = "",
) -> HttpResponseBase:
    """Have the sheet read again, and compared if one goes on; its layout is kept where it has a name."""
    actions.require_idle(sheet)
    if actions.is_large(sheet):
        actions.ask_for(sheet, ImportWork.READING, actor=principal.actor, anew=anew, goes_on=goes_on)
        return HttpResponseRedirect(step_address(sheet, "compare" if goes_on else "layout"))

    def work() -> TrunklineError | None:
        try:
            actions.read_import(principal.tenant_id, sheet.pk, anew=anew, actor=principal.actor, now=now)
            if keep_as:
                with scope(principal.tenant_id, principal.actor):
                    actions.keep_layout(import_id=sheet.pk, name=keep_as)
            if goes_on:
                actions.compare_import(principal.tenant_id, sheet.pk, actor=principal.actor, now=now)
        except TrunklineError as error:
            return error
        return None

    def done(error: TrunklineError | None) -> HttpResponse:
        if error is None and keep_as:
            messages.success(request, gettext("The template %(name)s is kept.") % {"name": keep_as})
        return _went(request, sheet, error, "compare" if goes_on else "layout", "layout")

    return Outside(work, done)


def _went(
    request: HttpRequest, sheet: SheetImport, error: TrunklineError | None, then: str, otherwise: str
) -> HttpResponse:
    if error is not None:
        messages.error(request, error_text(error))
    return HttpResponseRedirect(step_address(sheet, then if error is None else otherwise))


def _keep(
    request: HttpRequest, sheet: SheetImport, settled: SettledForm, worksheets: Sequence[WorksheetForm], report: Any
) -> HttpResponse:
    name = settled.cleaned_data["keep_as"]
    if not name:
        settled.add_error("keep_as", gettext("Give it a name, such as the vendor's."))
        return _page(request, sheet, worksheets, settled, report)
    try:
        actions.keep_layout(import_id=sheet.pk, name=name)
    except TrunklineError as error:
        refuse(settled, error)
        return _page(request, sheet, worksheets, settled, report)
    messages.success(request, gettext("The template %(name)s is kept.") % {"name": name})
    return HttpResponseRedirect(step_address(sheet, "layout"))


def _forms(request: HttpRequest, sheet: SheetImport, report: Any, given: Sequence[Any]) -> list[WorksheetForm]:
    if report is None or not sheet.layout:
        return []
    layout = from_json(sheet.layout)
    if layout.form == KEYED:
        return []
    by_place = {(each["member"], each["name"]): each for each in report["sheets"]}
    return [
        WorksheetForm(*given, request=request, sheet=each, glimpse=by_place[each.member, each.name], number=number)
        for number, each in enumerate(layout.sheets[:WORKSHEETS_MAX])
        if (each.member, each.name) in by_place
    ]


def _page(
    request: HttpRequest, sheet: SheetImport, worksheets: Sequence[WorksheetForm], settled: SettledForm, report: Any
) -> HttpResponse:
    context = step_context(request, sheet, "layout")
    layout = from_json(sheet.layout) if sheet.layout else None
    is_bad = any(form.errors for form in (*worksheets, settled))
    if report is not None and layout is not None:
        context |= {
            "worksheets": worksheets,
            "settled": settled,
            "layout": layout,
            "verdict": _verdict(layout),
            "understood": _understood(report),
            "sample": _sample(report),
            "unread": _unread(report),
            "is_keyed": layout.form == KEYED,
            "none_is_read": all(each.purpose == Purpose.SKIP for each in layout.sheets),
        }
    context["is_compared"] = sheet.state == ImportState.COMPARED
    return site.render(request, "backoffice/sheet_layout.html", context, 422 if is_bad else 200)


def _verdict(layout: Layout) -> dict[str, Any]:
    """How sure the layout is, in words."""
    percent = round(layout.confidence * 100)
    if layout.is_sure:
        return {"kind": "success", "text": gettext("Recognised, %(percent)s %% sure.") % {"percent": percent}}
    return {"kind": "warning", "text": gettext("Not sure: look at what is doubted, and correct it.")}


def _understood(report: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    counts, said_scope = report["counts"], report["scope"]
    scopes = dict(ScopeChoice.choices)
    facts = [
        (_("Lines"), f"{counts['lines']:,}"),
        (_("Codes"), f"{counts['codes']:,}"),
        (_("Not read"), f"{counts['errors']:,}"),
        (_("Currency"), ", ".join(said_scope["currencies"]) or CURRENCY_UNSAID),
        (_("Begins"), ", ".join(said_scope["effective_dates"][:5]) or _("not said: when it was received")),
    ]
    if said_scope["scope"] in scopes:
        facts.append((_("Looks like"), f"{scopes[said_scope['scope']]} ({said_scope['why']})"))
    if counts["duplicates"]:
        said = gettext("%(count)s, %(others)s with another price")
        facts.append((_("Repeated"), said % {"count": counts["duplicates"], "others": counts["contradictions"]}))
    if counts["skipped"]:
        facts.append((_("Passed over"), ", ".join(f"{what} {count:,}" for what, count in counts["skipped"].items())))
    return facts


def _sample(report: Mapping[str, Any]) -> Panel:
    names = (
        ("line", _("Line")), ("code", _("Code")), ("destination", _("Destination")), ("price", _("Price")), ("increments", _("Increments")),
        ("effective", _("Begins")), ("expires", _("Ends")), ("kind", _("Kind")), ("slot", _("Time of day")),
    )  # fmt: skip
    lines = [_line(each) for each in report["sample"]]
    used = [(name, title) for name, title in names if any(line[name] not in (None, "") for line in lines)]
    rows = [[line[name] if line[name] is not None else "" for name, _title in used] for line in lines]
    right = frozenset(place for place, (name, _title) in enumerate(used) if name in ("line", "price"))
    return Panel(
        _("Read like this"),
        [title for _name, title in used],
        rows,
        empty=_("Not one row gives a line. Say above where the table stands and what its columns mean."),
        right=right,
    )


def _line(line: dict[str, Any]) -> dict[str, Any]:
    prices = [line[name] for name in ("inter", "intra", "indeterminate") if line[name] is not None]
    begins = line["effective"] or ("" if line["starts"] == "unsaid" else line["starts"])
    kind = {"rate": "", "blocked": _("blocked"), "closed": _("closed")}.get(line["kind"], line["kind"])
    return line | {
        "price": line["price"] if line["price"] is not None else " / ".join(prices),
        "effective": begins[:10] if begins and begins[:4].isdigit() else (begins or "").replace("_", " "),
        "expires": (line["expires"] or "")[:10],
        "kind": kind,
    }


def _unread(report: Mapping[str, Any]) -> Panel | None:
    if not report["errors"]:
        return None
    rows = [
        (each["line"], each["sheet"], each["column"], REASONS.get(each["reason"], each["reason"]), each["text"])
        for each in report["errors"][:SHOWN_ERRORS]
    ]
    count = report["counts"]["errors"]
    text = gettext("The first %(shown)s of %(count)s.") % {"shown": len(rows), "count": f"{count:,}"}
    return Panel(
        _("Rows that cannot be read"),
        (_("Line"), _("Worksheet"), _("Column"), _("Why"), _("What stands there")),
        rows,
        text=text if count > len(rows) else "",
        right=frozenset({0}),
    )
