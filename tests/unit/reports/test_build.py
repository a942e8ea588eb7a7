"""What DuckDB adds up is what plain Python adds up, record by record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.reports.records import record, write_file
from trunkline.core.money import Amount
from trunkline.reports.queries import Gathered, Question, build
from trunkline.reports.rules import Key, Row, Sums, View, ordered, total
from trunkline.usage.segments import SegmentFile

NAMES = {1: "Acme", 2: "Zeta", 3: "=cmd()"}
DESTINATIONS = {1: "Kenya Mobile", 2: "Kenya", 3: "France"}
COUNTRIES = {1: "KE", 2: "KE", 3: ""}
# Clocks went forward in Berlin on 29 March 2026 at 01:00 UTC; Lord Howe has half hours and went back on 4 April 15:00.
FIRST, LAST = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Africa/Nairobi", "Australia/Lord_Howe", "America/St_Johns")

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
    }


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    return record(
        start=draw(instants) + timedelta(hours=draw(st.sampled_from([0, -1, 11]))),
        service=draw(st.sampled_from(["voice", "voice", "sms"])),
        quantity=draw(st.sampled_from([0, 0, 1, 59, 61, 3600])),
        is_last=draw(st.booleans()),
        cause=draw(st.none() | st.sampled_from([16, 17, 34])),
        pdd_ms=draw(st.none() | st.integers(0, 20_000)),
        **draw(sides("sell")),
        **draw(sides("buy")),
    )


def value_of(key: Key, row: dict[str, Any], zone: ZoneInfo) -> Any:
    def first(*values: Any) -> Any:
        return next((value for value in values if value is not None), None)

    destination = first(row["sell_destination_id"], row["buy_destination_id"])
    match key:
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
        case Key.CODE:
            return first(row["sell_code"], row["buy_code"])
        case Key.SERVICE | Key.CAUSE:
            return row[key.value]


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
        revenue=Amount.from_decimal(row["sell_base_amount"]) if has_sell else Amount.zero(),
        cost=Amount.from_decimal(row["buy_base_amount"]) if has_buy else Amount.zero(),
    )


def recomputed(rows: Sequence[dict[str, Any]], keys: Sequence[Key], gathered: Gathered) -> tuple[list[Row], Sums]:
    zone = ZoneInfo(gathered.zone)
    groups: dict[tuple[Any, ...], list[Sums]] = defaultdict(list)
    for row in rows:
        destination = row["sell_destination_id"] or row["buy_destination_id"]
        if (
            (gathered.start_from is None or row["start"] >= gathered.start_from)
            and (gathered.start_to is None or row["start"] < gathered.start_to)
            and gathered.account_id in (None, row["sell_account_id"])
            and gathered.vendor_id in (None, row["buy_account_id"])
            and gathered.destination_id in (None, destination)
            and gathered.country in (None, COUNTRIES.get(destination))
        ):
            groups[tuple(value_of(key, row, zone) for key in keys)].append(sums_of(row))
    found = [Row(values, total(each)) for values, each in groups.items()]
    return ordered(found, None) if keys else [], total(row.sums for row in found)


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
    keys=st.lists(st.sampled_from(Key), unique=True, max_size=4),
    zone=st.sampled_from(ZONES),
    filters=st.lists(
        st.one_of(
            st.tuples(st.just("start_from"), instants),
            st.tuples(st.just("start_to"), instants),
            st.tuples(st.sampled_from(["account_id", "vendor_id", "destination_id"]), st.integers(1, 3)),
            st.tuples(st.just("country"), st.sampled_from(["KE", "FR"])),
        ),
        max_size=2,  # more would leave out every row
    ).map(dict),
)
def test_every_sum_is_what_python_adds_up(
    new_folder: Any, rows: list[dict[str, Any]], keys: list[Key], zone: str, filters: dict[str, Any]
) -> None:
    gathered = Gathered(
        **{"currency": "USD", "zone": zone, "start_from": None, "start_to": None}
        | filters
        | {"segments": written(new_folder(), rows), "accounts": NAMES}
        | {"destinations": DESTINATIONS, "countries": COUNTRIES}
    )
    report = build(Question(View.SUMMARY, tuple(keys)), gathered)
    expected_rows, expected_totals = recomputed(rows, keys, gathered)
    assert list(report.rows) == expected_rows
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
    assert [(row.values, row.sums.attempts) for row in report.rows] == [
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
    assert [(row.values, row.sums.attempts) for row in report.rows] == [(("2026-10-29",), 2), (("2026-10-30",), 1)]


def test_a_zone_that_changed_for_good_keeps_its_new_clock(new_folder: Any) -> None:
    # Kazakhstan went from six hours to five on 1 March 2024 at 00:00, 29 February 18:00 UTC.
    starts = [datetime(2024, 2, 28, 18, tzinfo=UTC), datetime(2024, 5, 1, 18, 30, tzinfo=UTC)]
    gathered = Gathered(
        "USD", "Asia/Almaty", None, None, written(new_folder(), [record(start=each) for each in starts])
    )
    report = build(Question(View.SUMMARY, (Key.DAY,)), gathered)
    assert [row.values for row in report.rows] == [("2024-02-29",), ("2024-05-01",)]


def test_the_end_of_the_period_is_not_included(new_folder: Any) -> None:
    rows = [record(start=FIRST + timedelta(milliseconds=n), sell=(1, f"{10**n}")) for n in range(4)]
    bounds = FIRST + timedelta(milliseconds=1), FIRST + timedelta(milliseconds=3)
    report = build(Question(View.SUMMARY, ()), Gathered("USD", "UTC", *bounds, written(new_folder(), rows)))
    assert str(report.totals.revenue) == "110"


def test_days_before_1970_are_days_too(new_folder: Any) -> None:
    starts = [
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 30, tzinfo=UTC),
    ]
    gathered = Gathered("USD", "UTC", None, None, written(new_folder(), [record(start=each) for each in starts]))
    report = build(Question(View.SUMMARY, (Key.DAY,)), gathered)
    assert [row.values for row in report.rows] == [("1969-12-30",), ("1969-12-31",), ("1970-01-01",)]


def test_sums_of_money_beyond_what_a_double_holds_are_exact(new_folder: Any) -> None:
    amounts = ["9999999999.99999999", "9999999999.99999999", "0.00000001"]
    rows = [record(sell=(1, amount), buy=(2, "-9999999999.99999999")) for amount in amounts]
    report = build(Question(View.MARGIN, ()), Gathered("USD", "UTC", None, None, written(new_folder(), rows)))
    assert report.rows == ()
    assert (str(report.totals.revenue), str(report.totals.cost)) == ("19999999999.99999999", "-29999999999.99999997")
    assert str(report.totals.margin) == "49999999999.99999996"
