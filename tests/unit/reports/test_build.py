"""What DuckDB adds up is what plain Python adds up, record by record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.reports.records import record, write_file
from trunkline.core.money import Amount
from trunkline.reports.causes import group_of
from trunkline.reports.queries import Gathered, Question, build
from trunkline.reports.report import Row
from trunkline.reports.rules import COLUMNS, Grouping, Key, Prefix, Sums, View, total
from trunkline.usage.segments import SegmentFile
from trunkline.usage.traffic.jurisdiction import jurisdiction_of
from trunkline.usage.traffic.kinds import Jurisdiction

NAMES = {1: "Acme", 2: "Zeta", 3: "=cmd()"}
DESTINATIONS = {1: "Kenya Mobile", 2: "Kenya", 3: "France"}
COUNTRIES = {1: "KE", 2: "KE", 3: ""}
GROUPS = {1: "EEA, Mobiles", 3: "EEA"}
ORIGINS = {1: "EEA", 3: "Rest"}
# Clocks went forward in Berlin on 29 March 2026 at 01:00 UTC; Lord Howe has half hours and went back on 4 April 15:00.
FIRST, LAST = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Africa/Nairobi", "Australia/Lord_Howe", "America/St_Johns")

CALLERS = ("254700000001", "14045550001", "447781000001", "", "12125550001", "99")
CALLED = ("254700000001", "14045550002", "442070000001", "18005550001", "25", "441", "", "77010000001")

maybe_id = st.none() | st.integers(1, 3)
units = st.integers(-(10**12), 10**12) | st.integers(-(10**18) + 1, 10**18 - 1)
code = st.none() | st.sampled_from(["254", "2547", "33"])


instants = st.builds(
    lambda hours, shift: FIRST + timedelta(hours=hours, milliseconds=shift),
    st.integers(0, (LAST - FIRST) // timedelta(hours=12) - 1).map(lambda half_days: 12 * half_days),
    st.sampled_from([0, 1, 1_800_000, 3_599_999]),
)


@st.composite
def sides(draw: st.DrawFn, side: str) -> dict[str, Any]:
    account = draw(maybe_id)
    state = 0 if account is None else draw(st.integers(0, 1))
    amount = Decimal(draw(units)).scaleb(-8)
    return {
        f"{side}_state": state,
        f"{side}_account_id": account,
        # A side that is not rated has neither; they stand here nevertheless, to see that the state decides.
        f"{side}_billed": draw(st.integers(1, 4000)),
        f"{side}_base_amount": amount,
        f"{side}_amount": -amount,
        f"{side}_code": draw(code),
        f"{side}_destination_id": draw(maybe_id),
        f"{side}_rate_id": draw(maybe_id),
    }


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    return record(
        start=draw(instants) + timedelta(hours=draw(st.sampled_from([0, -1, 11]))),
        service=draw(st.sampled_from(["voice", "voice", "sms"])),
        quantity=draw(st.sampled_from([0, 0, 1, 59, 61, 3600])),
        is_last=draw(st.booleans()),
        cause=draw(st.none() | st.integers(0, 127)),
        attempt=draw(st.integers(0, 3)),
        calling=draw(st.sampled_from(CALLERS)),
        called=draw(st.sampled_from(CALLED)),
        sell_number=draw(st.none() | st.sampled_from(CALLED[:4])),
        tags=draw(st.none() | st.sampled_from(["a", "a,b", "ab"])),
        pdd_ms=draw(st.none() | st.integers(0, 20_000) | st.integers(0, 3)),
        **draw(sides("sell")),
        **draw(sides("buy")),
    )


def value_of(key: Grouping, row: dict[str, Any], zone: ZoneInfo) -> Any:
    def first(*values: Any) -> Any:
        return next((value for value in values if value is not None), None)

    destination = first(row["sell_destination_id"], row["buy_destination_id"])
    match key:
        case Prefix(digits):
            return row["called"][:digits] or None
        case Key.HOUR:
            return f"{row['start'].astimezone(zone):%H}:00"
        case Key.CAUSE_GROUP:
            return None if row["cause"] is None else group_of(row["cause"])
        case Key.DAY:
            return row["start"].astimezone(zone).date().isoformat()
        case Key.ACCOUNT:
            return NAMES.get(row["sell_account_id"])
        case Key.VENDOR:
            return NAMES.get(row["buy_account_id"])
        case Key.DESTINATION:
            return DESTINATIONS.get(destination)
        case Key.COUNTRY:
            return COUNTRIES.get(destination) or None
        case Key.GROUP:
            return GROUPS.get(destination)
        case Key.CODE:
            return first(row["sell_code"], row["buy_code"])
        case Key.JURISDICTION:
            return jurisdiction(row)
        case Key.ORIGIN:
            return first(ORIGINS.get(row["sell_rate_id"]), ORIGINS.get(row["buy_rate_id"]))
        case Key.SERVICE | Key.CAUSE | Key.ATTEMPT | Key.TAGS:
            return row[key.value]


def jurisdiction(row: dict[str, Any]) -> str:
    return str(jurisdiction_of(row["calling"], row["sell_number"] or row["called"]))


def sums_of(row: dict[str, Any]) -> Sums:
    is_connected, is_voice, is_last = row["quantity"] > 0, row["service"] == "voice", row["is_last"]
    has_sell, has_buy = row["sell_state"] == 1, row["buy_state"] == 1
    return Sums(
        attempts=1,
        calls=int(is_last),
        connected=int(is_connected),
        connected_calls=int(is_last and is_connected),
        connected_voice=int(is_voice and is_connected),
        seconds=row["quantity"] if is_voice else 0,
        billed_seconds=row["sell_billed"] if is_voice and has_sell else 0,
        cost_seconds=row["buy_billed"] if is_voice and has_buy else 0,
        pdd_ms=row["pdd_ms"] or 0,
        pdd_count=int(row["pdd_ms"] is not None),
        revenue=Amount.from_decimal(row["sell_base_amount"]).units if has_sell else 0,
        cost=Amount.from_decimal(row["buy_base_amount"]).units if has_buy else 0,
    )


def percentile(values: Sequence[int], percent: int) -> int:
    """The least value that is not below that part of the values; 0 of none."""
    return sorted(values)[(len(values) * percent + 99) // 100 - 1] if values else 0


def summed(rows: Sequence[dict[str, Any]]) -> Sums:
    delays = [row["pdd_ms"] for row in rows if row["pdd_ms"] is not None]
    durations = [row["quantity"] for row in rows if row["quantity"] > 0 and row["service"] == "voice"]
    return replace(
        total(map(sums_of, rows)),
        pdd_p50=percentile(delays, 50),
        pdd_p95=percentile(delays, 95),
        duration_p50=percentile(durations, 50),
        duration_p95=percentile(durations, 95),
    )


def recomputed(rows: Sequence[dict[str, Any]], keys: Sequence[Grouping], gathered: Gathered) -> tuple[list[Row], Sums]:
    zone = ZoneInfo(gathered.zone)
    kept = []
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        destination = row["sell_destination_id"] or row["buy_destination_id"]
        if (
            (gathered.start_from is None or row["start"] >= gathered.start_from)
            and (gathered.start_to is None or row["start"] < gathered.start_to)
            and gathered.account_id in (None, row["sell_account_id"])
            and gathered.vendor_id in (None, row["buy_account_id"])
            and gathered.destination_id in (None, destination)
            and gathered.country in (None, COUNTRIES.get(destination))
            and (gathered.group is None or destination in gathered.group)
            and gathered.tag in (None, *(row["tags"] or "").split(","))
            and gathered.jurisdiction in (None, jurisdiction(row))
        ):
            kept.append(row)
            groups[tuple(value_of(key, row, zone) for key in keys)].append(row)
    found = [Row(values, summed(each)) for values, each in groups.items()]
    found.sort(key=lambda row: [(value is None, 0 if value is None else value) for value in row.values])
    return found if keys else [], summed(kept)


@pytest.fixture
def new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A maker of folders: one for each example."""
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    numbers = count()

    def make() -> Path:
        folder = tmp_path / f"example-{next(numbers)}"
        folder.mkdir()
        return folder

    return make


def written(folder: Path, rows: Sequence[dict[str, Any]]) -> list[SegmentFile]:
    """The rows as two segments: whatever is grouped must be merged across files."""
    files = []
    for number, part in enumerate((rows[::2], rows[1::2])):
        if part:
            path = folder / f"{number}.parquet"
            write_file(path, part)
            starts = [row["start"] for row in part]
            files.append(SegmentFile(number, path, min(starts).date(), len(part), min(starts), max(starts)))
    return files


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(records(), max_size=24),
    keys=st.lists(st.sampled_from([*Key, Prefix(1), Prefix(3)]), unique=True, max_size=4),
    zone=st.sampled_from(ZONES),
    filters=st.lists(
        st.one_of(
            st.tuples(st.just("start_from"), instants),
            st.tuples(st.just("start_to"), instants),
            st.tuples(st.sampled_from(["account_id", "vendor_id", "destination_id"]), st.integers(1, 3)),
            st.tuples(st.just("country"), st.sampled_from(["KE", "FR"])),
            st.tuples(st.just("group"), st.sets(st.integers(1, 3)).map(frozenset)),
            st.tuples(st.just("tag"), st.sampled_from(["a", "b", "c"])),
            st.tuples(st.just("jurisdiction"), st.sampled_from(list(Jurisdiction)).map(str)),
        ),
        max_size=2,  # more would leave out every row
    ).map(dict),
)
def test_every_sum_is_what_python_adds_up(
    new_folder: Any, rows: list[dict[str, Any]], keys: list[Grouping], zone: str, filters: dict[str, Any]
) -> None:
    gathered = Gathered(
        **{"currency": "USD", "zone": zone, "start_from": None, "start_to": None}
        | filters
        | {"segments": written(new_folder(), rows), "accounts": NAMES}
        | {"destinations": DESTINATIONS, "countries": COUNTRIES, "groups": GROUPS, "origins": ORIGINS}
    )
    report = build(Question(View.SUMMARY, tuple(keys), figures=tuple(COLUMNS)), gathered)
    expected_rows, expected_totals = recomputed(rows, keys, gathered)
    assert list(report.rows()) == expected_rows
    assert report.totals == expected_totals


def test_a_day_is_that_of_the_zones_clock_across_a_clock_change(new_folder: Any) -> None:
    # Berlin: 29 March has 23 hours, from 28th 23:00 UTC to 29th 22:00 UTC.
    starts = [
        datetime(2026, 3, 28, 22, 59, 59, 999_000, UTC),
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 21, 59, 59, 999_000, UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    ]
    gathered = Gathered(
        "USD", "Europe/Berlin", None, None, written(new_folder(), [record(start=each) for each in starts])
    )
    report = build(Question(View.SUMMARY, (Key.DAY,)), gathered)
    assert [(row.values, row.sums.attempts) for row in report.rows()] == [
        (("2026-03-28",), 1),
        (("2026-03-29",), 2),
        (("2026-03-30",), 1),
    ]


def test_the_instant_of_a_clock_change_is_of_the_clock_after_it(new_folder: Any) -> None:
    # Cairo goes back from midnight of 30 October 2026 to 23:00 of the 29th, at 21:00 UTC.
    change = datetime(2026, 10, 29, 21, tzinfo=UTC)
    starts = [change - timedelta(milliseconds=1), change, change + timedelta(hours=1)]
    gathered = Gathered(
        "USD", "Africa/Cairo", None, None, written(new_folder(), [record(start=each) for each in starts])
    )
    report = build(Question(View.SUMMARY, (Key.DAY,)), gathered)
    assert [(row.values, row.sums.attempts) for row in report.rows()] == [(("2026-10-29",), 2), (("2026-10-30",), 1)]


def test_a_zone_that_changed_for_good_keeps_its_new_clock(new_folder: Any) -> None:
    # Kazakhstan went from six hours to five on 1 March 2024 at 00:00, 29 February 18:00 UTC.
    starts = [datetime(2024, 2, 28, 18, tzinfo=UTC), datetime(2024, 5, 1, 18, 30, tzinfo=UTC)]
    gathered = Gathered(
        "USD", "Asia/Almaty", None, None, written(new_folder(), [record(start=each) for each in starts])
    )
    report = build(Question(View.SUMMARY, (Key.DAY,)), gathered)
    assert [row.values for row in report.rows()] == [("2024-02-29",), ("2024-05-01",)]


def test_the_end_of_the_period_is_not_included(new_folder: Any) -> None:
    rows = [record(start=FIRST + timedelta(milliseconds=n), sell=(1, f"{10**n}")) for n in range(4)]
    bounds = FIRST + timedelta(milliseconds=1), FIRST + timedelta(milliseconds=3)
    report = build(Question(View.SUMMARY, ()), Gathered("USD", "UTC", *bounds, written(new_folder(), rows)))
    assert report.totals.revenue == 110 * 10**8


def test_days_before_1970_are_days_too(new_folder: Any) -> None:
    starts = [
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 30, tzinfo=UTC),
    ]
    gathered = Gathered("USD", "UTC", None, None, written(new_folder(), [record(start=each) for each in starts]))
    report = build(Question(View.SUMMARY, (Key.DAY,)), gathered)
    assert [row.values for row in report.rows()] == [("1969-12-30",), ("1969-12-31",), ("1970-01-01",)]


def test_sums_of_money_beyond_what_a_double_holds_are_exact(new_folder: Any) -> None:
    amounts = ["9999999999.99999999", "9999999999.99999999", "0.00000001"]
    rows = [record(sell=(1, amount), buy=(2, "-9999999999.99999999")) for amount in amounts]
    report = build(Question(View.MARGIN, ()), Gathered("USD", "UTC", None, None, written(new_folder(), rows)))
    assert list(report.rows()) == []
    assert (report.totals.revenue, report.totals.cost) == (19999999999_99999999, -29999999999_99999997)
    assert report.totals.margin == 49999999999_99999996


def test_hours_are_those_of_the_zones_clock(new_folder: Any) -> None:
    # Kolkata is five and a half hours ahead: 18:29:59.999 UTC is 23:59 there, 18:30 is midnight of the next day.
    starts = [
        datetime(2026, 3, 1, 18, 29, 59, 999_000, UTC),
        datetime(2026, 3, 1, 18, 30, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 0, tzinfo=UTC),
    ]
    gathered = Gathered(
        "USD", "Asia/Kolkata", None, None, written(new_folder(), [record(start=each) for each in starts])
    )
    report = build(Question(View.SUMMARY, (Key.DAY, Key.HOUR)), gathered)
    assert [row.values for row in report.rows()] == [
        ("1970-01-01", "04:00"),
        ("2026-03-01", "23:00"),
        ("2026-03-02", "00:00"),
    ]


def test_percentiles_are_values_that_were_measured(new_folder: Any) -> None:
    rows = [record(pdd_ms=delay, quantity=0) for delay in (100, 200, 300, 400)]
    rows += [record(quantity=second) for second in range(1, 21)]
    gathered = Gathered("USD", "UTC", None, None, written(new_folder(), rows))
    report = build(Question(View.SUMMARY, (Key.SERVICE,), figures=tuple(COLUMNS)), gathered)
    (row,) = report.rows()
    assert (row.sums.pdd_p50, row.sums.pdd_p95, row.sums.duration_p50, row.sums.duration_p95) == (200, 400, 10, 19)
    assert [column.value(row.sums) for column in report.columns[-4:]] == ["0.200", "0.400", "10", "19"]


def test_segments_from_before_traffic_rules_have_no_tags(new_folder: Any) -> None:
    folder = new_folder()
    (file,) = written(folder, [record(calling="14045550001", called="14045550002", sell=(1, "1"))])
    old = pq.read_table(file.path)
    lacking = [name for name in old.column_names if name.endswith(("tags", "number")) or name == "rules"]
    assert len(lacking) == 6
    pq.write_table(old.drop_columns(lacking), file.path, store_decimal_as_integer=True)
    gathered = Gathered("USD", "UTC", None, None, [file], accounts=NAMES)
    found = build(Question(View.MARGIN, (Key.TAGS, Key.JURISDICTION)), gathered)
    assert [row.values for row in found.rows()] == [(None, "intrastate")]
    assert len(build(Question(View.MARGIN, ()), replace(gathered, tag="a")).groups) == 0
