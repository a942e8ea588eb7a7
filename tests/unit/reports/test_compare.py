"""Two periods beside each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.unit.reports.records import record, write_file
from trunkline.core.errors import Invalid
from trunkline.reports.period import (
    Days,
    Previous,
    as_of_instant,
    compared_bounds,
    parse_comparison,
)
from trunkline.reports.queries import Gathered, build, parse_question
from trunkline.reports.report import Report
from trunkline.usage.segments import SegmentFile

FEBRUARY, MARCH, APRIL = (datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 4))


@pytest.mark.parametrize(
    ("start_from", "start_to", "expected"),
    [
        (date(2026, 3, 1), date(2026, 4, 1), (date(2026, 2, 1), date(2026, 3, 1))),
        (date(2026, 1, 1), date(2026, 4, 1), (date(2025, 10, 1), date(2026, 1, 1))),
        (date(2026, 3, 2), date(2026, 3, 9), (date(2026, 2, 23), date(2026, 3, 2))),
        (date(2026, 3, 1), date(2026, 3, 2), (date(2026, 2, 28), date(2026, 3, 1))),
        (datetime(2026, 3, 2, 6), datetime(2026, 3, 2, 18), (datetime(2026, 3, 1, 18), datetime(2026, 3, 2, 6))),  # noqa: DTZ001
    ],
)
def test_the_previous_period_is_as_long_and_ends_where_the_other_begins(
    start_from: date, start_to: date, expected: tuple[date, date]
) -> None:
    assert compared_bounds(Previous(), start_from, start_to) == expected


def test_what_can_be_compared_with() -> None:
    assert parse_comparison("") is None
    assert parse_comparison("Previous") == Previous()
    assert parse_comparison("2025-03-01..2025-04-01") == Days(date(2025, 3, 1), date(2025, 4, 1))
    for text, code in (
        ("yesterday", "bad_comparison"),
        ("2026-02-30..2026-03-01", "bad_comparison"),
        ("2026-03-02..2026-03-01", "period_order"),
    ):
        with pytest.raises(Invalid) as caught:
            parse_comparison(text)
        assert caught.value.code == code
    for start_from, start_to in ((None, date(2026, 3, 1)), (date(2026, 3, 1), datetime(2026, 3, 2))):  # noqa: DTZ001
        with pytest.raises(Invalid) as caught:
            compared_bounds(Previous(), start_from, start_to)
        assert caught.value.code == "compare_period"


def test_as_of_a_day_is_when_it_ends() -> None:
    zone = ZoneInfo("Africa/Nairobi")
    assert as_of_instant(date(2026, 3, 1), zone) == datetime(2026, 3, 1, 20, 59, 59, 999_999, UTC)
    assert as_of_instant(datetime(2026, 3, 1, 12), zone) == datetime(2026, 3, 1, 9, tzinfo=UTC)  # noqa: DTZ001
    assert as_of_instant(None, zone) is None


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A maker of reports of March beside February: Acme and Beta call in both, Gamma in February alone, Delta in March."""
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    hour = timedelta(hours=1)
    months = {
        FEBRUARY: [
            record(start=FEBRUARY, sell=(1, "2"), quantity=60, cause=16, pdd_ms=1000),
            record(start=FEBRUARY + hour, sell=(1, "1"), quantity=0, cause=17),
            record(start=FEBRUARY + 24 * hour, sell=(2, "-1"), quantity=60, cause=16),
            record(start=FEBRUARY + 48 * hour, sell=(3, "5"), quantity=120, cause=16),
        ],
        MARCH: [
            record(start=MARCH, sell=(1, "4.50"), quantity=180, cause=16, pdd_ms=1500),
            record(start=MARCH + 24 * hour, sell=(2, "1"), quantity=60, cause=16),
            record(start=MARCH + 30 * 24 * hour, sell=(4, "0"), quantity=0, cause=34),
        ],
    }
    files = {}
    for number, (month, rows) in enumerate(months.items()):
        path = tmp_path / f"{number}.parquet"
        write_file(path, rows)
        files[month] = [SegmentFile(number, path, month.date(), len(rows), month, rows[-1]["start"])]

    def make(**asked: str) -> Report:
        names = {1: "Acme", 2: "Beta", 3: "Gamma", 4: "Delta"}
        before = Gathered("USD", "UTC", FEBRUARY, MARCH, files[FEBRUARY], accounts=names)
        now = Gathered("USD", "UTC", MARCH, APRIL, files[MARCH], accounts=names, compared=before)
        return build(parse_question({"compare": "previous"} | asked), now)

    return make


def test_figures_stand_beside_each_other_with_their_changes(compared: Any) -> None:
    from trunkline.reports.export import headings, table_rows

    report = compared(by="account", figures="calls,asr,minutes,revenue,pdd")
    assert headings(report) == ["Account", "Period", "Calls", "ASR %", "Minutes", "Revenue USD", "PDD s"]
    assert list(table_rows(report)) == [
        ["Acme", "now", "1", "100.00", "3.0000", "4.50", "1.500"],
        ["", "before", "2", "50.00", "1.0000", "3.00", "1.000"],
        ["", "change", "-1", "50.00", "2.0000", "1.50", "0.500"],
        ["", "change %", "-50.00", "100.00", "200.00", "50.00", "50.00"],
        ["Beta", "now", "1", "100.00", "1.0000", "1.00", "—"],
        ["", "before", "1", "100.00", "1.0000", "-1.00", "—"],
        ["", "change", "0", "0.00", "0.0000", "2.00", "—"],
        ["", "change %", "0.00", "0.00", "0.00", "200.00", "—"],
        ["Delta", "now", "1", "0.00", "0.0000", "0.00", "—"],
        ["", "before", "0", "—", "0.0000", "0.00", "—"],
        ["", "change", "1", "—", "0.0000", "0.00", "—"],
        ["", "change %", "—", "—", "—", "—", "—"],
        ["Gamma", "now", "0", "—", "0.0000", "0.00", "—"],
        ["", "before", "1", "100.00", "2.0000", "5.00", "—"],
        ["", "change", "-1", "—", "-2.0000", "-5.00", "—"],
        ["", "change %", "-100.00", "—", "-100.00", "-100.00", "—"],
        ["Total", "now", "3", "66.67", "4.0000", "5.50", "1.500"],
        ["", "before", "4", "75.00", "4.0000", "7.00", "1.000"],
        ["", "change", "-1", "-8.33", "0.0000", "-1.50", "0.500"],
        ["", "change %", "-25.00", "-11.11", "0.00", "-21.43", "50.00"],
    ]


def test_in_files_they_are_columns(compared: Any) -> None:
    import io

    from trunkline.reports.export import write_csv

    stream = io.StringIO()
    write_csv(compared(by="account", figures="calls,revenue", sort="revenue"), stream)
    assert stream.getvalue() == (
        "account,calls,calls_before,calls_change,calls_change_percent,"
        "revenue,revenue_before,revenue_change,revenue_change_percent,currency\n"
        "Acme,1,2,-1,-50.00,4.5,3,1.5,50.00,USD\n"
        "Beta,1,1,0,0.00,1,-1,2,200.00,USD\n"
        "Delta,1,0,1,,0,0,0,,USD\n"
        "Gamma,0,1,-1,-100.00,0,5,-5,-100.00,USD\n"
        "Total,3,4,-1,-25.00,5.5,7,-1.5,-21.43,USD\n"
    )


def test_json_says_what_was_compared(compared: Any) -> None:
    from trunkline.reports.export import as_json

    shown = as_json(compared(by="cause_group", figures="calls"))
    assert shown["compared"] == {"from": FEBRUARY.isoformat(), "to": MARCH.isoformat()}
    assert shown["rows"] == [
        {
            "cause_group": group,
            "calls": now,
            "before": {"calls": before},
            "change": {"calls": now - before},
            "change_percent": {"calls": percent},
        }
        for group, now, before, percent in (
            ("busy", 0, 1, "-100.00"),
            ("congestion or network", 1, 0, None),
            ("normal clearing", 2, 3, "-33.33"),
        )
    ]


def test_the_days_of_both_periods_are_counted_from_their_first(compared: Any) -> None:
    rows = [(row.values, row.sums.calls, row.before.calls) for row in compared(by="day").rows()]
    assert rows == [
        (("2026-03-01",), 1, 2),
        (("2026-03-02",), 1, 1),
        (("2026-03-03",), 0, 1),
        (("2026-03-31",), 1, 0),
    ]


def test_the_totals_alone_can_be_compared(compared: Any) -> None:
    from trunkline.reports.export import table_rows

    assert list(table_rows(compared(by="", figures="calls"))) == [
        ["now", "3"],
        ["before", "4"],
        ["change", "-1"],
        ["change %", "-25.00"],
    ]


def test_percentiles_are_compared_too(compared: Any) -> None:
    (row,) = compared(by="service", figures="duration_p95").rows()
    assert (row.sums.duration_p95, row.before.duration_p95) == (180, 120)
