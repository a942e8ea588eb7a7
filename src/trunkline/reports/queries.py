"""Reports over the rated segments: what is asked, what it takes from the database, and the sums that DuckDB makes.

A report is three steps, so that no transaction waits while files are read: `gather` in a scope, `build` outside of any,
and again from the start where a segment was superseded meanwhile (`usage.segments.retry_when_moved`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from trunkline.core.errors import Invalid, NotFound
from trunkline.core.money import Amount
from trunkline.core.period import first_instant, get_zone
from trunkline.reports.rules import Key, KeyValue, Report, Row, Sums, View, columns_of, find_column, ordered, total
from trunkline.usage.segments import SegmentFile, connect, live_segments, watch

if TYPE_CHECKING:
    import duckdb

# A date is the first instant of that day in the report's zone; a naive datetime is of the zone's clock.
Bound = date | datetime

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS: Final = 86_400_000

# A record's destination and code are those of the price the customer paid; a failed attempt has only the vendor's.
DESTINATION_SQL: Final = "coalesce(sell_destination_id, buy_destination_id)"
KEY_SQL: Final[Mapping[Key, str]] = {
    Key.ACCOUNT: "sell_account_id",
    Key.VENDOR: "buy_account_id",
    Key.DESTINATION: DESTINATION_SQL,
    Key.COUNTRY: "nullif(countries.country, '')",
    Key.CODE: "coalesce(sell_code, buy_code)",
    Key.SERVICE: "service",
    Key.CAUSE: "cause",
}
# In the order of `Sums`. Integers are summed as decimal(38, 0), money as decimal(38, 8): nothing is ever a double.
SUMS_SQL: Final = """
    count(*),
    count(*) FILTER (is_last),
    count(*) FILTER (quantity > 0),
    count(*) FILTER (is_last AND quantity > 0),
    count(*) FILTER (quantity > 0 AND service = 'voice'),
    coalesce(sum(quantity) FILTER (service = 'voice'), 0),
    coalesce(sum(sell_billed) FILTER (sell_state = 1 AND service = 'voice'), 0),
    coalesce(sum(buy_billed) FILTER (buy_state = 1 AND service = 'voice'), 0),
    coalesce(sum(pdd_ms), 0),
    count(pdd_ms),
    coalesce(sum(sell_base_amount) FILTER (sell_state = 1), 0)::DECIMAL(38, 8),
    coalesce(sum(buy_base_amount) FILTER (buy_state = 1), 0)::DECIMAL(38, 8)
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked. Names are those that people use: codes of accounts, names of destinations.

    `[start_from, start_to)` is of the records' start; `zone` None is the tenant's; `as_of` reports what counted then.
    """

    view: View
    keys: tuple[Key, ...]
    start_from: Bound | None = None
    start_to: Bound | None = None
    zone: str | None = None
    account: str | None = None
    vendor: str | None = None
    destination: str | None = None
    country: str | None = None
    sort_by: str | None = None
    as_of: datetime | None = None


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
    accounts: Mapping[int, str] = field(default_factory=dict)
    destinations: Mapping[int, str] = field(default_factory=dict)
    countries: Mapping[int, str] = field(default_factory=dict)


def gather(question: Question) -> Gathered:
    """Everything the report needs of the database; needs an open scope.

    Raises Invalid `unknown_timezone`, `period_order`, NotFound `account_not_found`, `destination_not_found`.
    """
    from trunkline.parties.queries import get_account
    from trunkline.tenancy.queries import current_tenant

    tenant = current_tenant()
    zone = get_zone(question.zone or tenant.timezone)
    start_from, start_to = (_instant(bound, zone) for bound in (question.start_from, question.start_to))
    if start_from is not None and start_to is not None and start_from > start_to:
        raise Invalid("period_order", "The end of the period is before its beginning.")
    keys = set(question.keys)
    country = None if question.country is None else question.country.upper()
    destinations = _destinations() if keys & {Key.DESTINATION, Key.COUNTRY} or country is not None else {}
    return Gathered(
        currency=tenant.currency,
        zone=zone.key,
        start_from=start_from,
        start_to=start_to,
        segments=live_segments(start_from=start_from, start_to=start_to, as_of=question.as_of),
        account_id=None if question.account is None else get_account(question.account).pk,
        vendor_id=None if question.vendor is None else get_account(question.vendor).pk,
        destination_id=None if question.destination is None else _get_destination_id(question.destination),
        country=country,
        accounts=_account_names() if keys & {Key.ACCOUNT, Key.VENDOR} else {},
        destinations={number: name for number, (name, _) in destinations.items()},
        countries={number: of for number, (_, of) in destinations.items()},
    )


def _instant(bound: Bound | None, zone: ZoneInfo) -> datetime | None:
    if bound is None:
        return None
    if isinstance(bound, datetime):
        return (bound.replace(tzinfo=zone) if bound.tzinfo is None else bound).astimezone(UTC)
    return first_instant(bound, zone)


def _destinations() -> dict[int, tuple[str, str]]:
    from trunkline.tariffs.models import Destination

    return {number: (name, of) for number, name, of in Destination.objects.values_list("id", "name", "country")}


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


def build(question: Question, gathered: Gathered) -> Report:
    """The report; opens no database. Raises `SegmentsMoved` where a segment is gone, Invalid `unknown_column`."""
    is_per_vendor = Key.VENDOR in question.keys or question.vendor is not None
    columns = columns_of(question.view, is_per_vendor=is_per_vendor)
    sort_by = None if question.sort_by is None else find_column(question.sort_by, columns)
    rows = list(_rows(question.keys, gathered))
    filters = {name: getattr(question, name) for name in ("account", "vendor", "destination", "country")}
    return Report(
        view=question.view,
        keys=question.keys,
        columns=columns,
        currency=gathered.currency,
        zone=gathered.zone,
        start_from=gathered.start_from,
        start_to=gathered.start_to,
        filters={name: value for name, value in filters.items() if value is not None},
        rows=tuple(ordered(rows, sort_by)) if question.keys else (),
        totals=total(row.sums for row in rows),
    )


def _rows(keys: Sequence[Key], gathered: Gathered) -> Iterable[Row]:
    paths = [each.path for each in gathered.segments]
    if not paths:
        return
    has_countries = Key.COUNTRY in keys or gathered.country is not None
    condition, values = _condition(gathered)
    chosen = ", ".join([*(_key_sql(key, gathered) for key in keys), SUMS_SQL])
    joined = f"LEFT JOIN countries ON countries.id = {DESTINATION_SQL}" if has_countries else ""
    groups = f"GROUP BY {', '.join(str(place) for place in range(1, len(keys) + 1))}" if keys else ""
    with watch(paths), connect(paths) as connection:
        if has_countries:
            _load_countries(connection, gathered.countries)
        query = f"SELECT {chosen} FROM segments {joined} WHERE {condition} {groups}"
        found = connection.sql(query, params=values).fetchall()
    for row in found:
        named = tuple(_named(key, value, gathered) for key, value in zip(keys, row, strict=False))
        yield Row(named, _sums(row[len(keys) :]))


def _key_sql(key: Key, gathered: Gathered) -> str:
    return _day_sql(gathered) if key is Key.DAY else KEY_SQL[key]


def _day_sql(gathered: Gathered) -> str:
    """Days since 1970 on the zone's clock, from the same table of clock changes by which records are rated."""
    from trunkline.engine.zone import offsets

    starts = [instant for each in gathered.segments for instant in (each.min_start, each.max_start) if instant]
    first, last = (int(instant.timestamp()) for instant in (min(starts, default=EPOCH), max(starts, default=EPOCH)))
    transitions, offset_s = (each.tolist() for each in offsets(gathered.zone, first, last))
    cases = " ".join(
        f"WHEN epoch_ms(start) < {until * 1000} THEN {offset * 1000}"
        for offset, until in zip(offset_s, transitions[1:], strict=False)
    )
    shift = f"CASE {cases} ELSE {offset_s[-1] * 1000} END" if cases else str(offset_s[-1] * 1000)
    local = f"(epoch_ms(start) + {shift})"
    # DuckDB divides towards zero; the remainder is made positive first, for what came before 1970.
    return f"({local} - ({local} % {DAY_MS} + {DAY_MS}) % {DAY_MS}) // {DAY_MS}"


def _condition(gathered: Gathered) -> tuple[str, dict[str, Any]]:
    terms, values = ["true"], dict[str, Any]()
    for name, sign, instant in (("from", ">=", gathered.start_from), ("to", "<", gathered.start_to)):
        if instant is not None:
            terms.append(f"start {sign} make_timestamptz(${name}::BIGINT)")
            values[name] = (instant - EPOCH) // timedelta(microseconds=1)
    for name, column, wanted in (
        ("account", "sell_account_id", gathered.account_id),
        ("vendor", "buy_account_id", gathered.vendor_id),
        ("destination", DESTINATION_SQL, gathered.destination_id),
        ("country", "countries.country", gathered.country),
    ):
        if wanted is not None:
            terms.append(f"{column} = ${name}")
            values[name] = wanted
    return " AND ".join(terms), values


def _load_countries(connection: duckdb.DuckDBPyConnection, countries: Mapping[int, str]) -> None:
    connection.execute(
        "CREATE TEMP TABLE countries AS SELECT unnest($ids::BIGINT[]) AS id, unnest($countries::VARCHAR[]) AS country",
        {"ids": list(countries), "countries": list(countries.values())},
    )


def _named(key: Key, value: Any, gathered: Gathered) -> KeyValue:
    if value is None:
        return None
    if key is Key.DAY:
        return (EPOCH.date() + timedelta(days=int(value))).isoformat()
    if key in (Key.ACCOUNT, Key.VENDOR):
        return gathered.accounts.get(value, f"#{value}")
    if key is Key.DESTINATION:
        return gathered.destinations.get(value, f"#{value}")
    found: KeyValue = value
    return found


def _sums(values: Sequence[Any]) -> Sums:
    *counts, revenue, cost = values
    exact: list[Any] = [*map(int, counts), Amount.from_decimal(revenue), Amount.from_decimal(cost)]
    return Sums(*exact)
