"""Reports: what was earned and how well it worked, as JSON, CSV or a workbook; and questions kept by name.

A report is made as the command line makes it: what the database knows is gathered in a scope, the records are read outside of any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from django.http import FileResponse, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router, Status
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.files import answer_of
from trunkline.api.shapes import Body, Page, RowId, answers, sparse
from trunkline.core.errors import Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal
from trunkline.kit.clock import now
from trunkline.kit.scratch import scratch_path
from trunkline.reports import actions, export
from trunkline.reports.actions import NAME_MAX
from trunkline.reports.models import SavedReport
from trunkline.reports.queries import access_saved_report, build, gather, parse_question, saved_reports
from trunkline.reports.report import Report
from trunkline.reports.rules import View
from trunkline.tenancy.scope import scope
from trunkline.usage.segments import WEB, retry_when_moved

router = Router(tags=["reports"])

JSON_ROWS_MAX: Final = 20_000  # every row becomes objects in the memory of the web
XLSX_ROWS_MAX: Final = 50_000  # a sheet is written cell by cell


class ReportFormat(StrEnum):
    """How a report is given."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA: Final[Mapping[str, ReportFormat]] = {
    "application/json": ReportFormat.JSON,
    "text/csv": ReportFormat.CSV,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ReportFormat.XLSX,
}
FILES: Final = answer_of(*(media for media, kind in MEDIA.items() if kind is not ReportFormat.JSON))

Words = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]


def _said(description: str, *examples: str) -> Any:
    given: dict[str, Any] = {"examples": list(examples)} if examples else {}
    return (Words, Field(default="", description=description, **given))


# The options of `trunkline report`, by the names of `reports.queries.parse_question`. `from` is a word of Python, so classes that have it
# are made by a call.
_PERIOD: Final[dict[str, Any]] = {
    "from": _said("First day, or instant.", "2026-03-01"),
    "to": _said("Day or instant up to which to report; itself not included.", "2026-04-01"),
    "compare": _said("Period to compare with: previous, or two days like 2026-02-01..2026-03-01."),
    "as_of": _said("As billed on that day, or at that instant: later corrections are left out."),
}
_OPTIONS: Final[dict[str, Any]] = {
    "by": (
        Words | None,
        Field(
            default=None,
            description="What to group by, in order, with commas: day, hour, account, vendor, destination, country, code, code:N, "
            "service, cause, cause_group, tags, jurisdiction, attempt. Empty: the totals alone.",
            examples=["day,account"],
        ),
    ),
    **_PERIOD,
    "zone": _said("IANA zone of days; the tenant's if left out."),
    "account": _said("Short name of a customer: its calls alone."),
    "vendor": _said("Short name of a vendor: attempts sent to it alone."),
    "destination": _said("Name of a destination."),
    "country": _said("ISO 3166 code of a country."),
    "tag": _said("A tag that traffic rules gave."),
    "jurisdiction": _said("domestic, international, intrastate, interstate or indeterminate."),
    "figures": _said("Columns, in order, with commas; the usual ones else."),
    "percentiles": (bool, Field(default=False, description="Add P50 and P95 of PDD and of duration.")),
    "sort": _said("Column to sort by, greatest first; else by the groups."),
}
_FORMAT: Final[dict[str, Any]] = {
    "format": (ReportFormat | None, Field(default=None, description="How to give it; else as `Accept` says.")),
}
ReportAsked: Any = create_model("ReportAsked", __base__=Body, __doc__="What a report is asked.", **(_OPTIONS | _FORMAT))
PeriodAsked: Any = create_model(
    "PeriodAsked", __base__=Body, __doc__="What stands in place of what was saved.", **(_PERIOD | _FORMAT)
)
NewSavedReport: Any = create_model(
    "NewSavedReport",
    __base__=Body,
    __doc__="A question to be kept under a name.",
    name=(Annotated[Words, Field(min_length=1, max_length=NAME_MAX)], ...),
    report=(View, View.SUMMARY),
    measure=_said("Column that its chart shows."),
    **_OPTIONS,
)


class SavedReportShown(Body):
    """A question that is kept under a name. Its figures are made anew each time."""

    id: int
    name: str
    report: View
    asked: dict[str, str] = Field(description="Its options, by the names of the parameters of a report.")


Figures = dict[str, str | int | dict[str, str | int | None] | None]
_SHOWN: Final[dict[str, Any]] = {
    "report": (View, ...),
    "by": (list[str], ...),
    "currency": (str, Field(description="Of all amounts: the tenant's.")),
    "zone": (str, ...),
    "from": (str | None, ...),
    "to": (str | None, ...),
    "as_of": (str | None, ...),
    "filters": (dict[str, str], ...),
    "compared": (dict[str, str | None] | None, Field(default=None, description="The period compared with.")),
    "rows": (
        list[Figures],
        Field(description="Groups and figures by name; counts are numbers, money and ratios decimal text."),
    ),
    "totals": (Figures, ...),
}
ReportShown: Any = create_model(
    "ReportShown",
    __base__=Body,
    __doc__="A report. Where periods are compared, each row has `before`, `change` and `change_percent` beside its figures.",
    **_SHOWN,
)


def shown(saved: SavedReport) -> SavedReportShown:
    """A saved report as the API shows it."""
    asked = {name: value for name, value in saved.asked.items() if name != "view"}
    return SavedReportShown(id=saved.pk, name=saved.name, report=View(saved.asked["view"]), asked=asked)


SAVED: Final = listing.Listing(
    schema=SavedReportShown,
    row=shown,
    sorts={"name": "name", "id": "id"},
    filters={"name": listing.text("name", prefix=True)},
)


@router.get(
    "/summary",
    auth=ApiKey(Permission.REPORTS_READ, spools=True),
    response=answers(ReportShown, 404),
    openapi_extra=FILES,
)
def get_summary(request: HttpRequest, asked: Query[ReportAsked]) -> HttpResponseBase:
    """Every figure: attempts, calls, ASR, ACD, PDD, minutes, billed minutes, revenue, cost, margin."""
    return _answer(request, _options(request, asked, View.SUMMARY, by="day"), asked.format)


@router.get(
    "/margin",
    auth=ApiKey(Permission.REPORTS_READ, spools=True),
    response=answers(ReportShown, 404),
    openapi_extra=FILES,
)
def get_margin(request: HttpRequest, asked: Query[ReportAsked]) -> HttpResponseBase:
    """Revenue, cost and margin."""
    return _answer(request, _options(request, asked, View.MARGIN, by="account,vendor"), asked.format)


@router.get(
    "/saved",
    auth=ApiKey(Permission.REPORTS_READ),
    response=answers(Page[sparse(SavedReportShown)]),  # type: ignore[misc]
    openapi_extra={"parameters": SAVED.parameters},
)
def list_saved_reports(request: HttpRequest) -> JsonResponse:
    """List the saved reports."""
    return SAVED.answer(request, saved_reports())


@router.post(
    "/saved",
    auth=ApiKey(Permission.REPORTS_WRITE),
    response=answers(SavedReportShown, 409, status=201) | {200: SavedReportShown},
)
def save_report(request: HttpRequest, report: NewSavedReport) -> Status:
    """Keep a question under a name; one of the same name is replaced (200)."""
    options = _told(report, exclude={"name", "report"}) | {"view": report.report.value}
    saved, is_new = actions.save_report(name=report.name, asked={"by": "day"} | options)
    return Status(201 if is_new else 200, shown(saved))


@router.get("/saved/{report_id}", auth=ApiKey(Permission.REPORTS_READ), response=answers(SavedReportShown, 404))
def get_saved_report(request: HttpRequest, report_id: RowId) -> Any:
    """A saved report."""
    return shown(access_saved_report(report_id))


@router.delete("/saved/{report_id}", auth=ApiKey(Permission.REPORTS_WRITE), response=answers(None, 404, status=204))
def remove_saved_report(request: HttpRequest, report_id: RowId) -> Status:
    """Remove a saved report."""
    actions.remove_report(name=access_saved_report(report_id).name)
    return Status(204, None)


@router.get(
    "/saved/{report_id}/result",
    auth=ApiKey(Permission.REPORTS_READ, spools=True),
    response=answers(ReportShown, 404),
    openapi_extra=FILES,
)
def run_saved_report(request: HttpRequest, report_id: RowId, asked: Query[PeriodAsked]) -> HttpResponseBase:
    """Make a saved report; what is given here stands in place of what was saved."""
    listing.refuse_unknown(request, PeriodAsked.model_fields)
    principal = _principal(request)
    with scope(principal.tenant_id, principal.actor):
        saved: Mapping[str, str] = access_saved_report(report_id).asked
    given = {name: value for name, value in _told(asked, exclude={"format"}).items() if value}
    return _answer(request, {**saved, **given}, asked.format)


def _options(request: HttpRequest, asked: Any, view: View, *, by: str) -> Mapping[str, str]:
    listing.refuse_unknown(request, ReportAsked.model_fields)
    return {"by": by} | _told(asked, exclude={"format"}) | {"view": view.value}


def _told(asked: Any, *, exclude: set[str]) -> dict[str, str]:
    """Options as people write them."""
    given = asked.model_dump(exclude=exclude, exclude_none=True)
    return {name: ("yes" if value else "") if isinstance(value, bool) else value for name, value in given.items()}


def _principal(request: HttpRequest) -> Principal:
    found: Principal = request.principal  # type: ignore[attr-defined]
    return found


def _answer(request: HttpRequest, asked: Mapping[str, str], wanted: ReportFormat | None) -> HttpResponseBase:
    question, principal = parse_question(asked), _principal(request)
    question.columns()

    def work() -> Report:
        with scope(principal.tenant_id, principal.actor):
            gathered = gather(question)
        return build(question, gathered, WEB)

    report = retry_when_moved(work)
    kind = wanted or MEDIA[request.get_preferred_type(list(MEDIA)) or "application/json"]
    if kind is ReportFormat.JSON:
        _require_few(report, JSON_ROWS_MAX, "JSON")
        return JsonResponse(export.as_json(report))
    if kind is ReportFormat.CSV:
        return _file(report, kind, _write_csv)
    _require_few(report, XLSX_ROWS_MAX, "a workbook")
    return _file(report, kind, lambda report, path: export.write_xlsx(report, path, at=now()))


def _require_few(report: Report, most: int, what: str) -> None:
    if len(report.groups) > most:
        raise Invalid(
            "too_many_rows",
            f"The report has {len(report.groups)} rows, and as {what} it is given with {most} at most.",
            hint="Group by less, or ask for CSV.",
        )


def _write_csv(report: Report, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        export.write_csv(report, stream)


def _file(report: Report, kind: ReportFormat, write: Callable[[Report, Path], None]) -> FileResponse:
    """The report as a file, which has no name on the disk any more when it is sent."""
    path = scratch_path("report")
    try:
        write(report, path)
        handle = path.open("rb")
    finally:
        path.unlink(missing_ok=True)
    (media,) = (media for media, each in MEDIA.items() if each is kind)
    name = f"{report.view.value}.{kind.value}"
    return FileResponse(handle, as_attachment=True, filename=name, content_type=media)
