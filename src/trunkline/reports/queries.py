"""Reports over the rated segments: what is asked, what it takes from the database, and the sums that DuckDB makes.

A report is three steps, so that no transaction waits while files are read: `gather` in a scope, `build` outside of any,
and again from the start where a segment was superseded meanwhile (`usage.segments.retry_when_moved`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import get_zone, local_date, utc_text
from trunkline.kit.db.kept import Kept
from trunkline.reports.aggregate import aggregate
from trunkline.reports.compare import compare
from trunkline.reports.period import (
    Bound,
    Comparison,
    Preset,
    as_of_instant,
    compared_bounds,
    days_of,
    instant_of,
    parse_bound,
    parse_comparison,
    parse_preset,
)
from trunkline.reports.report import Report, ordered
from trunkline.reports.rules import (
    PERCENTILES,
    SHOWN,
    Column,
    Grouping,
    Key,
    View,
    columns_of,
    find_column,
    parse_figures,
    parse_keys,
)
from trunkline.usage.segments import COMMAND, Limits, SegmentFile, live_segments
from trunkline.usage.traffic.kinds import Jurisdiction

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from django.db.models import QuerySet

    from trunkline.reports.models import Delivery, SavedReport, Schedule


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked. Names are those that people use: codes of accounts, names of destinations.

    `[start_from, start_to)` is of the records' start; `period` is one that moves with the day, in place of both; `zone` None is the tenant's;
    `as_of` reports what counted then, of a day: at its end. `figures` are the names of the columns, those of the view if None.
    """

    view: View
    keys: tuple[Grouping, ...]
    start_from: Bound | None = None
    start_to: Bound | None = None
    period: Preset | None = None
    zone: str | None = None
    account: str | None = None
    vendor: str | None = None
    destination: str | None = None
    country: str | None = None
    group: str | None = None
    tag: str | None = None
    jurisdiction: str | None = None
    sort_by: str | None = None
    as_of: Bound | None = None
    figures: tuple[str, ...] | None = None
    compare: Comparison | None = None

    def columns(self) -> tuple[Column, ...]:
        """The columns of the report. Raises Invalid `unknown_column`, also where it shall be sorted by another."""
        is_per_vendor = Key.VENDOR in self.keys or self.vendor is not None
        columns = columns_of(self.view, is_per_vendor=is_per_vendor, names=self.figures)
        if self.sort_by is not None:
            find_column(self.sort_by, columns)
        return columns


def parse_question(asked: Mapping[str, str]) -> Question:
    """The question of options as people write them, by the names of the command line's; empty ones are not given.

    `view`, `by`, `period`, `from`, `to`, `zone`, `account`, `vendor`, `destination`, `country`, `group`, `tag`, `jurisdiction`, `sort`, `as_of`,
    `figures`, `percentiles`, `compare`. Raises Invalid for what cannot be understood.
    """
    known = {name: value for name, value in asked.items() if value}
    view = _parse_view(known.get("view", View.SUMMARY))
    names = parse_figures(known.get("figures", "")) or None
    if "percentiles" in known:
        names = tuple(dict.fromkeys([*(names or SHOWN[view]), *PERCENTILES]))
    if "period" in known and ("from" in known or "to" in known):
        raise Invalid("period_twice", "The period is said twice.", hint="Give a moving period, or days.")
    return Question(
        view=view,
        keys=parse_keys(asked.get("by", "")),
        start_from=parse_bound(known.get("from", "")),
        start_to=parse_bound(known.get("to", "")),
        period=parse_preset(known.get("period", "")),
        zone=known.get("zone"),
        account=known.get("account"),
        vendor=known.get("vendor"),
        destination=known.get("destination"),
        country=known.get("country"),
        group=known.get("group"),
        tag=known.get("tag"),
        jurisdiction=_parse_jurisdiction(known.get("jurisdiction")),
        sort_by=known.get("sort"),
        as_of=parse_bound(known.get("as_of", "")),
        figures=names,
        compare=parse_comparison(known.get("compare", "")),
    )


def replaced(asked: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A kept question with what is given now in place of what was kept; days take the place of a moving period, and it that of days."""
    told = {name: value for name, value in given.items() if value}
    dropped = {"from", "to"} if "period" in told else {"period"} if {"from", "to"} & set(told) else set()
    return {name: value for name, value in asked.items() if name not in dropped} | told


def _parse_jurisdiction(text: str | None) -> str | None:
    if text is not None and text.lower() not in Jurisdiction.__members__.values():
        raise Invalid(
            "unknown_jurisdiction", f"There is no jurisdiction {text!r}.", hint=f"Use {', '.join(Jurisdiction)}."
        )
    return None if text is None else text.lower()


def _parse_view(text: str) -> View:
    if text not in View.__members__.values():
        raise Invalid("unknown_report", f"There is no report {text!r}.", hint=f"There are {', '.join(View)}.")
    return View(text)


def saved_reports() -> QuerySet[SavedReport]:
    """The saved reports of the tenant, by name."""
    from trunkline.reports.models import SavedReport

    return SavedReport.objects.order_by("name")


def get_saved_report(name: str) -> SavedReport:
    """The saved report of that name. Raises NotFound `report_not_found`."""
    found = saved_reports().filter(name=name).first()
    if found is None:
        raise NotFound(
            "report_not_found", f"There is no saved report {name!r}.", hint="`trunkline report list` shows them."
        )
    return found


def access_saved_report(report_id: int) -> SavedReport:
    """The saved report of that id. Raises NotFound `report_not_found`."""
    found = saved_reports().filter(pk=report_id).first()
    if found is None:
        raise NotFound("report_not_found", f"There is no saved report {report_id}.")
    return found


def find_schedule(report: SavedReport) -> Schedule | None:
    """How a saved report goes out by mail, None where it does not."""
    from trunkline.reports.models import Schedule

    return Schedule.objects.filter(report=report).first()


def deliveries(report: SavedReport | None = None) -> QuerySet[Delivery]:
    """The mails with reports, or with one of them, the newest first."""
    from trunkline.reports.models import Delivery

    found = Delivery.objects.order_by("-due_at", "-pk")
    return found if report is None else found.filter(report=report)


def delivery_facts(delivery: Delivery) -> dict[str, Any]:
    """A mail with a report as programs see it."""
    return {
        "id": delivery.pk,
        "report": delivery.name,
        "due_at": utc_text(delivery.due_at),
        "is_planned": delivery.is_planned,
        "state": str(delivery.state),
        "format": str(delivery.format),
        "recipients": delivery.recipients,
        "attempts": delivery.attempts,
        "rows": delivery.rows,
        "octets": delivery.octets,
        "failure": delivery.failure,
        "failure_detail": delivery.failure_detail,
        "sent_at": utc_text(delivery.sent_at),
    }


def wrong_deliveries() -> list[Delivery]:
    """Saved reports' newest mails that did not go out, or of which nobody knows."""
    from trunkline.reports.choices import WRONG

    return [each for each in _newest_deliveries().rows() if each.state in WRONG]


@cache
def _newest_deliveries() -> Kept[Delivery]:
    from trunkline.reports.models import Delivery

    return Kept(
        lambda: Delivery.objects.filter(report__isnull=False).order_by("report", "-due_at", "-pk").distinct("report")
    )


def zone_of(asked: Mapping[str, str]) -> ZoneInfo:
    """The zone of a kept question: its own, else the tenant's."""
    from trunkline.tenancy.queries import current_tenant

    return get_zone(asked.get("zone") or current_tenant().timezone)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the database says to a question: files, names, and the filters as ids."""

    currency: str
    zone: str
    start_from: datetime | None
    start_to: datetime | None
    segments: Sequence[SegmentFile]
    account_id: int | None = None
    vendor_id: int | None = None
    destination_id: int | None = None
    country: str | None = None
    group: frozenset[int] | None = None  # the destinations of the one asked for
    tag: str | None = None
    jurisdiction: str | None = None
    accounts: Mapping[int, str] = field(default_factory=dict)
    destinations: Mapping[int, str] = field(default_factory=dict)
    countries: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)  # by destination, all of them together
    origins: Mapping[int, str] = field(default_factory=dict)  # by the id of the rate that names it
    as_of: datetime | None = None
    compared: Gathered | None = None  # the same for the period compared with


def gather(question: Question, *, at: datetime | None = None) -> Gathered:
    """Everything the report needs of the database; needs an open scope. A moving period is that of the day of `at`, which it cannot do without.

    Raises Invalid `unknown_timezone`, `period_order`, `compare_period`, NotFound `account_not_found`,
    `destination_not_found`, `group_not_found`.
    """
    from trunkline.parties.queries import get_account
    from trunkline.tenancy.queries import current_tenant

    tenant = current_tenant()
    zone = get_zone(question.zone or tenant.timezone)
    keys = set(question.keys)
    country = None if question.country is None else question.country.upper()
    destinations = _destinations() if keys & {Key.DESTINATION, Key.COUNTRY} or country is not None else {}
    gathered = Gathered(
        currency=tenant.currency,
        zone=zone.key,
        start_from=None,
        start_to=None,
        segments=(),
        account_id=None if question.account is None else get_account(question.account).pk,
        vendor_id=None if question.vendor is None else get_account(question.vendor).pk,
        destination_id=None if question.destination is None else _get_destination_id(question.destination),
        country=country,
        group=None if question.group is None else _group_members(question.group),
        tag=question.tag,
        jurisdiction=question.jurisdiction,
        accounts=_account_names() if keys & {Key.ACCOUNT, Key.VENDOR} else {},
        destinations={number: name for number, (name, _) in destinations.items()},
        countries={number: of for number, (_, of) in destinations.items()},
        groups=_groups_of_destinations() if Key.GROUP in keys else {},
        origins=_origins_of_rates() if Key.ORIGIN in keys else {},
        as_of=as_of_instant(question.as_of, zone),
    )
    start_from, start_to = question.start_from, question.start_to
    if question.period is not None:
        if at is None:
            raise ValueError("a moving period needs the instant at which it is asked for")
        start_from, start_to = days_of(question.period, local_date(at, zone))
    now = _of_period(gathered, start_from, start_to)
    if question.compare is None:
        return now
    bounds = compared_bounds(question.compare, start_from, start_to)
    return replace(now, compared=_of_period(gathered, *bounds))


def _of_period(gathered: Gathered, bound_from: Bound | None, bound_to: Bound | None) -> Gathered:
    start_from, start_to = (instant_of(bound, get_zone(gathered.zone)) for bound in (bound_from, bound_to))
    if start_from is not None and start_to is not None and start_from > start_to:
        raise Invalid("period_order", "The end of the period is before its beginning.")
    segments = live_segments(start_from=start_from, start_to=start_to, as_of=gathered.as_of)
    return replace(gathered, start_from=start_from, start_to=start_to, segments=segments)


def _destinations() -> dict[int, tuple[str, str]]:
    from trunkline.tariffs.models import Destination

    return {number: (name, of) for number, name, of in Destination.objects.values_list("id", "name", "country")}


def _groups_of_destinations() -> dict[int, str]:
    """The groups of each destination that is in one, by name with commas."""
    from trunkline.tariffs.models import GroupMember

    found: dict[int, list[str]] = {}
    for number, name in GroupMember.objects.values_list("destination_id", "group__name"):
        found.setdefault(number, []).append(name)
    return {number: ", ".join(sorted(names)) for number, names in found.items()}


def _group_members(name: str) -> frozenset[int]:
    from trunkline.pricing.deck_queries import get_group
    from trunkline.tariffs.models import GroupMember

    return frozenset(GroupMember.objects.filter(group=get_group(name)).values_list("destination_id", flat=True))


def _origins_of_rates() -> dict[int, str]:
    """The origin of every rate that names one, of voided ones too: records keep them."""
    from trunkline.tariffs.models import Rate

    named = Rate.objects.filter(origin__isnull=False).values_list("id", "origin")
    return {number: origin for number, origin in named if origin is not None}


def _get_destination_id(name: str) -> int:
    from trunkline.tariffs.models import Destination

    found = Destination.objects.filter(name=name).values_list("id", flat=True).first()
    if found is None:
        raise NotFound("destination_not_found", f"There is no destination {name!r}.")
    return found


def _account_names() -> dict[int, str]:
    """The name of each account, with its code where others have the same name."""
    from trunkline.parties.models import Account

    rows = list(Account.objects.values_list("id", "name", "code"))
    shared = Counter(name for _, name, _ in rows)
    return {number: name if shared[name] == 1 else f"{name} ({code})" for number, name, code in rows}


def build(question: Question, gathered: Gathered, limits: Limits = COMMAND) -> Report:
    """The report; opens no database. Raises `SegmentsMoved` where a segment is gone, Invalid `unknown_column`, and as `segments.limited` does."""
    columns = question.columns()
    sort_by = None if question.sort_by is None else find_column(question.sort_by, columns)
    has_percentiles = any(column.name in PERCENTILES for column in columns)
    filters = {
        name: getattr(question, name)
        for name in ("account", "vendor", "destination", "country", "group", "tag", "jurisdiction")
    }

    def of_period(each: Gathered) -> Report:
        groups, totals = aggregate(question.keys, each, has_percentiles=has_percentiles, limits=limits)
        return Report(
            view=question.view,
            keys=question.keys,
            columns=columns,
            currency=each.currency,
            zone=each.zone,
            start_from=each.start_from,
            start_to=each.start_to,
            filters={name: value for name, value in filters.items() if value is not None},
            groups=ordered(groups, sort_by),
            totals=totals,
            as_of=each.as_of,
        )

    report = of_period(gathered)
    return report if gathered.compared is None else compare(report, of_period(gathered.compared), sort_by)
