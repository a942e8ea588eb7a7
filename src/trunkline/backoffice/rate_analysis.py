"""Rate analysis: price lists side by side, the least cost and margins, asked and answered on one page, given as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO, Final

from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from trunkline.backoffice.analysis_form import AnalysisForm
from trunkline.backoffice.forms import refuse
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.shown import label
from trunkline.backoffice.site import site
from trunkline.backoffice.words import local
from trunkline.core.errors import TrunklineError
from trunkline.engine.units import Unit
from trunkline.identity.outside import Outside
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.pricing.analysis import given
from trunkline.pricing.analysis.compared import Analysis, minutes
from trunkline.pricing.analysis.gathered import analyse
from trunkline.pricing.analysis.given import FileFormat
from trunkline.pricing.analysis.parsing import parse_asked
from trunkline.pricing.analysis.question import Asked, By

ROWS: Final = 50
PAGE_MAX: Final = 10**6
FILE, PAGE = "file", "page"


@dataclass(frozen=True, slots=True)
class Answer:
    """An analysis, and the file of it that was asked for; or what is in its way."""

    analysis: Analysis | None = None
    file: BinaryIO | None = None
    problem: TrunklineError | None = None


@site.page("prices/analysis/", name="rate_analysis", permission=Permission.TARIFFS_READ)
def rate_analysis(request: HttpRequest) -> HttpResponseBase:
    """The form, and below it the answer. What is asked stands in the address, so that it can be handed on."""
    is_asked = bool(request.GET)
    form = AnalysisForm(request.GET if is_asked else None, request=request)
    if not is_asked or not form.is_valid():
        return _page(request, form, None)
    at = now()
    try:
        question = parse_asked(form.asked(), at=at)
    except TrunklineError as error:
        refuse(form, error)
        return _page(request, form, None)
    wanted = next((kind for kind in FileFormat if kind.value == request.GET.get(FILE)), None)

    def shown(answer: Answer) -> HttpResponseBase:
        if wanted is None or answer.file is None:
            return _page(request, form, answer)
        name = f"rate-analysis-{question.at:%Y-%m-%d}.{wanted.value}"
        return FileResponse(answer.file, as_attachment=True, filename=name, content_type=given.MEDIA[wanted])

    return Outside(lambda: _answer(request, question, wanted, at), shown)


def _answer(request: HttpRequest, question: Asked, wanted: FileFormat | None, at: datetime) -> Answer:
    """The analysis, and its file, made while no scope is open."""
    principal = principal_of(request)
    try:
        analysis = analyse(principal.tenant_id, question, actor=principal.actor, at=at)
        return Answer(analysis, None if wanted is None else given.open_file(analysis, wanted, at=at))
    except TrunklineError as error:
        return Answer(problem=error)


def _page(request: HttpRequest, form: AnalysisForm, answer: Answer | None) -> HttpResponse:
    analysis = None
    if answer is not None and answer.problem is not None:
        refuse(form, answer.problem)
    elif answer is not None:
        analysis = answer.analysis
    context: dict[str, Any] = {
        "title": _("Rate analysis"),
        "form": form,
        "has_lists": form.has_lists,
        "analysis": analysis,
    }
    if analysis is not None:
        number = _page_number(request.GET, len(analysis.table))
        context |= {
            "heading": _heading(analysis),
            "panel": _panel(analysis, number),
            "files": [(kind.value.upper(), _address(request.GET, {FILE: kind.value})) for kind in FileFormat],
            "pages": _pages(request.GET, number, len(analysis.table)),
        }
    return site.render(request, "backoffice/rate_analysis.html", context, 422 if form.errors else 200)


def _address(query: QueryDict, more: Mapping[str, str]) -> str:
    asked = query.copy()
    asked.pop(PAGE, None)
    for name, value in more.items():
        asked[name] = value
    return f"?{asked.urlencode()}"


def _page_number(query: QueryDict, rows: int) -> int:
    said = query.get(PAGE, "1")
    wanted = int(said) if said.isascii() and said.isdigit() and len(said) <= len(str(PAGE_MAX)) else 1
    return min(max(wanted, 1), max(-(-rows // ROWS), 1))


def _pages(query: QueryDict, number: int, rows: int) -> list[Link]:
    last = -(-rows // ROWS)
    found = []
    if number > 1:
        found.append(Link(_("Previous page"), _address(query, {PAGE: str(number - 1)}), "chevron_left"))
    if number < last:
        found.append(Link(_("Next page"), _address(query, {PAGE: str(number + 1)}), "chevron_right"))
    return found


def _heading(analysis: Analysis) -> str:
    unit = {
        Unit.SECOND: _("a minute in a call of %(count)s seconds"),
        Unit.MESSAGE: _("a message"),
        Unit.OCTET: _("a million octets"),
    }[analysis.unit]
    said = _("%(currency)s for %(unit)s, at %(at)s")
    price = unit % {"count": analysis.units} if analysis.unit is Unit.SECOND else unit
    return said % {"currency": analysis.currency, "unit": price, "at": local(analysis.asked.at)}


def _panel(analysis: Analysis, number: int) -> Panel:
    rows = given.rows(analysis, (number - 1) * ROWS, ROWS)
    is_least = analysis.table.order is not None
    keys: dict[str, Any] = {}
    if analysis.asked.by is By.CODE:
        keys["code"] = _("Code")
    keys["destination"] = _("Destination")
    if analysis.asked.by is By.DESTINATION:
        keys["codes"] = _("Codes")
    if analysis.asked.minutes_of is not None:
        keys["minutes"] = _("Minutes") if analysis.unit is Unit.SECOND else _("Units")
    if analysis.master is not None:
        keys["master"] = analysis.master
    places = list(analysis.labels)
    if analysis.table.order is not None:
        places = [str(place + 1) for place in range(analysis.table.order.shape[1])]
    cells = [[_key(row[name]) for name in keys] + _cells(row, len(places), is_least=is_least) for row in rows]
    numbers = [at for at, name in enumerate(keys) if name in ("codes", "minutes", "master")]
    right = frozenset([*numbers, *([] if is_least else range(len(keys), len(keys) + len(places)))])
    return Panel(
        ngettext("%(count)s row", "%(count)s rows", len(analysis.table)) % {"count": f"{len(analysis.table):,}"},
        [*keys.values(), *places],
        cells,
        empty=_("No code fits. Ask for fewer conditions, or another day."),
        text=_text(analysis),
        right=right,
    )


def _text(analysis: Analysis) -> str:
    parts = [_("~ is the price of a shorter code: the list does not go so deep.")]
    if analysis.left:
        parts.append(
            _("%(minutes)s minutes belong to no row: their codes are shorter.")
            % {"minutes": minutes(analysis.left, analysis.unit)}
        )
    return " ".join(parts)


def _key(value: Any) -> Any:
    return "–" if value is None or value == "" else value


def _cells(row: Mapping[str, Any], count: int, *, is_least: bool) -> list[Any]:
    if is_least:
        found = [_cell(each, is_named=True) for each in row["offers"]]
        if not found and row["blocked"]:
            found = [label(_("blocked"), "danger")]
        return found + [""] * (count - len(found))
    prices = [Decimal(each["price"]) for each in row["cells"] if each["state"] == "offer"]
    best = min(prices, default=None) if len(prices) > 1 else None
    return [_cell(each, best=best) for each in row["cells"]]


def _cell(cell: Mapping[str, Any], *, is_named: bool = False, best: Decimal | None = None) -> Any:
    """The price, what it is simulated from, its range and its margin; in words where it is no offer."""
    if cell["state"] == "blocked":
        return label(_("blocked"), "danger")
    if cell["state"] != "offer":
        return "–"
    price: Any = cell["price"]
    if cell["simulated"]:
        said = _("simulated from %(code)s") % {"code": cell["code"]} if cell.get("code") else _("some are simulated")
        price = format_html('<span title="{}">~{}</span>', said, price)
    if best is not None and Decimal(cell["price"]) == best:
        price = format_html("<strong>{}</strong>", price)
    parts = [format_html("{} {}", cell["list"], price) if is_named else price, *_small(cell)]
    shown = format_html_join(SafeString("<br>"), "{}", ((part,) for part in parts))
    return format_html('<span class="office-whole">{}</span>', shown)


def _small(cell: Mapping[str, Any]) -> list[SafeString]:
    found = []
    if cell.get("least") is not None and cell["least"] != cell["greatest"]:
        found.append(format_html('<span class="text-subtle">{} – {}</span>', cell["least"], cell["greatest"]))
    if cell.get("increments"):
        found.append(format_html('<span class="text-subtle">{}</span>', cell["increments"]))
    if cell.get("margin") is not None:
        percent = "" if cell["margin_percent"] is None else f" ({cell['margin_percent']} %)"
        sign = " office-below" if cell["margin"].startswith("-") else ""
        found.append(format_html('<span class="text-subtle{}">{}{}</span>', sign, cell["margin"], percent))
    return found
