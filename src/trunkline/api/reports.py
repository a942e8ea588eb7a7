"""Reports: what was earned and how well it worked, as JSON, CSV or a workbook; and questions kept by name.

A report is made as the command line makes it: what the database knows is gathered in a scope, the records are read outside of any.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Final

from django.http import FileResponse, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router, Status
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.files import answer_of
from trunkline.api.shapes import Body, Instant, RowId, answers, page_of
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.reports import actions, export, files
from trunkline.reports.actions import NAME_MAX, RECIPIENTS_MAX, not_scheduled
from trunkline.reports.choices import AttachedFormat, DeliveryState, Every
from trunkline.reports.files import FileFormat
from trunkline.reports.models import Delivery, SavedReport, Schedule
from trunkline.reports.queries import (
    access_saved_report,
    build,
    deliveries,
    delivery_facts,
    find_schedule,
    gather,
    parse_question,
    replaced,
    saved_reports,
    zone_of,
)
from trunkline.reports.report import Report
from trunkline.reports.rules import View
from trunkline.tenancy.scope import scope
from trunkline.usage.segments import WEB, retry_when_moved

router = Router(tags=["reports"])

JSON_ROWS_MAX: Final = 20_000  # every row becomes objects in the memory of the web


class ReportFormat(StrEnum):
    """How a report is given."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA: Final[Mapping[str, ReportFormat]] = {
    "application/json": ReportFormat.JSON,
    **{media: ReportFormat(kind.value) for kind, media in files.MEDIA.items()},
}
FILES: Final = answer_of(*(media for media, kind in MEDIA.items() if kind is not ReportFormat.JSON))

Words = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]


def _said(description: str, *examples: str) -> Any:
    given: dict[str, Any] = {"examples": list(examples)} if examples else {}
    return (Words, Field(default="", description=description, **given))


# The options of `trunkline report`, by the names of `reports.queries.parse_question`. `from` is a word of Python, so classes that have it
# are made by a call.
_PERIOD: Final[dict[str, Any]] = {
    "period": _said(
        "A period that moves with the day, in place of `from` and `to`: today, yesterday, last_7_days, last_30_days, this_week, "
        "last_week, this_month, last_month.",
        "last_month",
    ),
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
            description="What to group by, in order, with commas: day, hour, account, vendor, destination, country, group, code, code:N, "
            "origin, service, cause, cause_group, tags, jurisdiction, attempt. Empty: the totals alone.",
            examples=["day,account"],
        ),
    ),
    **_PERIOD,
    "zone": _said("IANA zone of days; the tenant's if left out."),
    "account": _said("Short name of a customer: its calls alone."),
    "vendor": _said("Short name of a vendor: attempts sent to it alone."),
    "destination": _said("Name of a destination."),
    "country": _said("ISO 3166 code of a country."),
    "group": _said("Name of a destination group: calls to its destinations alone."),
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


class ScheduleAsked(Body):
    """When a saved report goes out by mail, and to whom."""

    every: Every
    on_day: int | None = Field(default=None, ge=1, le=31, description="Of a week 1 (Monday) to 7, of a month 1 to 31.")
    at_time: time = Field(
        default=time(6), description="On the clock of the report's zone, the operator's if it names none."
    )
    format: AttachedFormat = AttachedFormat.XLSX
    recipients: list[Annotated[Words, Field(max_length=254)]] = Field(min_length=1, max_length=RECIPIENTS_MAX)
    language: str = Field(default="en", max_length=10, description="Of the mail's words: en, fr.")


class ScheduleShown(ScheduleAsked):
    """How a saved report goes out by mail."""

    next_at: Instant = Field(description="When the next mail goes out.")


class DeliveryShown(Body):
    """One mail with a report. What has gone out stays known when the report is removed."""

    id: int
    report: str = Field(description="What it was called.")
    due_at: Instant
    is_planned: bool = Field(description="False where somebody asked for it at once.")
    state: DeliveryState
    format: AttachedFormat
    recipients: list[str]
    attempts: int
    rows: int | None
    octets: int | None
    failure: str = Field(description="Stable code of what is in the way; empty if nothing is.")
    failure_detail: str
    sent_at: Instant | None


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


def shown_schedule(schedule: Schedule) -> ScheduleShown:
    """A schedule as the API shows it."""
    return ScheduleShown(
        every=Every(schedule.every),
        on_day=schedule.on_day,
        at_time=schedule.at_time,
        format=AttachedFormat(schedule.format),
        recipients=schedule.recipients,
        language=schedule.language,
        next_at=schedule.plan.next(now(), zone_of(schedule.report.asked)),
    )


def shown_delivery(delivery: Delivery) -> DeliveryShown:
    """A mail as the API shows it."""
    return DeliveryShown(**delivery_facts(delivery))


DELIVERIES: Final = listing.Listing(
    schema=DeliveryShown,
    row=shown_delivery,
    sorts={"due_at": "due_at", "id": "id"},
    filters={"state": listing.choice("state", DeliveryState.values), "due_at": listing.instant("due_at")},
    default="-due_at",
)
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
    response=answers(page_of(SavedReportShown)),
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
    principal = principal_of(request)
    with scope(principal.tenant_id, principal.actor):
        saved: Mapping[str, str] = access_saved_report(report_id).asked
    return _answer(request, replaced(saved, _told(asked, exclude={"format"})), asked.format)


@router.get("/saved/{report_id}/schedule", auth=ApiKey(Permission.REPORTS_READ), response=answers(ScheduleShown, 404))
def get_schedule(request: HttpRequest, report_id: RowId) -> Any:
    """When a saved report goes out by mail."""
    report = access_saved_report(report_id)
    schedule = find_schedule(report)
    if schedule is None:
        raise not_scheduled(report)
    return shown_schedule(schedule)


@router.put(
    "/saved/{report_id}/schedule", auth=ApiKey(Permission.REPORTS_WRITE), response=answers(ScheduleShown, 404, 409)
)
def schedule_report(request: HttpRequest, report_id: RowId, schedule: ScheduleAsked) -> Any:
    """Send a saved report by mail; what was said of it before counts no more."""
    made = actions.schedule_report(
        name=access_saved_report(report_id).name,
        every=schedule.every.value,
        on_day=schedule.on_day,
        at_time=schedule.at_time.replace(tzinfo=None),
        kind=schedule.format.value,
        recipients=schedule.recipients,
        language=schedule.language,
        at=now(),
    )
    return shown_schedule(made)


@router.delete(
    "/saved/{report_id}/schedule", auth=ApiKey(Permission.REPORTS_WRITE), response=answers(None, 404, status=204)
)
def unschedule_report(request: HttpRequest, report_id: RowId) -> Status:
    """Send a saved report no more."""
    actions.unschedule_report(name=access_saved_report(report_id).name)
    return Status(204, None)


@router.get(
    "/saved/{report_id}/deliveries",
    auth=ApiKey(Permission.REPORTS_READ),
    response=answers(page_of(DeliveryShown), 404),
    openapi_extra={"parameters": DELIVERIES.parameters},
)
def list_deliveries(request: HttpRequest, report_id: RowId) -> JsonResponse:
    """List the mails with a saved report."""
    return DELIVERIES.answer(request, deliveries(access_saved_report(report_id)).order_by())


@router.post(
    "/saved/{report_id}/deliveries",
    auth=ApiKey(Permission.REPORTS_WRITE),
    response=answers(DeliveryShown, 404, status=202),
)
def send_report(request: HttpRequest, report_id: RowId) -> Status:
    """Send a scheduled report now, besides its schedule."""
    delivery = actions.send_report(name=access_saved_report(report_id).name, at=now())
    return Status(202, shown_delivery(delivery))


def _options(request: HttpRequest, asked: Any, view: View, *, by: str) -> Mapping[str, str]:
    listing.refuse_unknown(request, ReportAsked.model_fields)
    return {"by": by} | _told(asked, exclude={"format"}) | {"view": view.value}


def _told(asked: Any, *, exclude: set[str]) -> dict[str, str]:
    """Options as people write them."""
    given = asked.model_dump(exclude=exclude, exclude_none=True)
    return {name: ("yes" if value else "") if isinstance(value, bool) else value for name, value in given.items()}


def _answer(request: HttpRequest, asked: Mapping[str, str], wanted: ReportFormat | None) -> HttpResponseBase:
    question, principal, at = parse_question(asked), principal_of(request), now()
    question.columns()

    def work() -> Report:
        with scope(principal.tenant_id, principal.actor):
            gathered = gather(question, at=at)
        return build(question, gathered, WEB)

    report = retry_when_moved(work)
    kind = wanted or MEDIA[request.get_preferred_type(list(MEDIA)) or "application/json"]
    if kind is ReportFormat.JSON:
        files.require_few(report, JSON_ROWS_MAX, "JSON")
        return JsonResponse(export.as_json(report))
    as_file = FileFormat(kind.value)
    return FileResponse(
        files.open_file(report, as_file, at=at),
        as_attachment=True,
        filename=f"{report.view.value}.{as_file.value}",
        content_type=files.MEDIA[as_file],
    )
