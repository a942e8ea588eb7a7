"""A report as a table, as CSV, as a workbook and as JSON."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.reports import export
from trunkline.reports.report import Compared, Groups, Report, Row, as_column, sorted_labels
from trunkline.reports.rules import Key, Sums, View, columns_of, total

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def money(text: str) -> int:
    return Amount.from_text(text).units


def groups_of(rows: Sequence[Row], width: int) -> Groups:
    """Rows as columns, in the order in which they are given."""
    labels = tuple(sorted_labels([row.values[n] for row in rows], np.arange(len(rows))) for n in range(width))

    def columns(each: list[Sums]) -> Sums:
        return Sums(**{field.name: as_column([getattr(sums, field.name) for sums in each]) for field in fields(Sums)})

    before = [row.before for row in rows if row.before is not None]
    return Groups(labels, columns([row.sums for row in rows]), columns(before) if before else None)


ROWS = (
    Row(
        ("=HYPERLINK(1)", 16),
        Sums(
            calls=1200,
            connected=1,
            seconds=61,
            billed_seconds=66,
            revenue=money("1234.5650000"),
            cost=money("0.00000001"),
        ),
    ),
    Row(("Zeta", None), Sums(calls=1, cost=money("7.005"))),
)


def report(rows: Sequence[Row] = ROWS, currency: str = "USD", **given: Any) -> Report:
    given_fields: dict[str, Any] = {
        "view": View.MARGIN,
        "keys": (Key.ACCOUNT, Key.CAUSE),
        "columns": columns_of(View.MARGIN, is_per_vendor=False),
        "currency": currency,
        "zone": "Africa/Nairobi",
        "start_from": datetime(2026, 2, 28, 21, tzinfo=UTC),
        "start_to": None,
        "filters": {"vendor": "v1"},
        "totals": total(row.sums for row in rows),
    } | given
    return Report(groups=groups_of(rows, len(given_fields["keys"])), **given_fields)


def as_csv(shown: Report) -> str:
    stream = io.StringIO()
    export.write_csv(shown, stream)
    return stream.getvalue()


def test_a_table_shows_money_at_the_minor_unit() -> None:
    assert export.headings(report()) == [
        "Account",
        "Cause",
        "Calls",
        "Connected",
        "Minutes",
        "Billed min",
        "Revenue USD",
        "Cost USD",
        "Margin USD",
        "Margin %",
    ]
    assert list(export.table_rows(report())) == [
        ["=HYPERLINK(1)", "16", "1,200", "1", "1.0167", "1.1000", "1,234.57", "0.00", "1,234.56", "100.00"],
        ["Zeta", "—", "1", "0", "0.0000", "0.0000", "0.00", "7.01", "-7.01", "—"],
        ["Total", "", "1,201", "1", "1.0167", "1.1000", "1,234.57", "7.01", "1,227.56", "99.43"],
    ]
    assert next(export.table_rows(report(currency="JPY")))[6:9] == ["1,235", "0", "1,235"]
    assert next(export.table_rows(report(currency="KWD")))[6:9] == ["1,234.565", "0.000", "1,234.565"]


def test_csv_is_exact_and_its_text_is_no_formula() -> None:
    assert as_csv(report()) == (
        "account,cause,calls,connected,minutes,billed_minutes,revenue,cost,margin,margin_percent,currency\n"
        "'=HYPERLINK(1),16,1200,1,1.0167,1.1000,1234.565,0.00000001,1234.56499999,100.00,USD\n"
        "Zeta,,1,0,0.0000,0.0000,0,7.005,-7.005,,USD\n"
        "Total,,1201,1,1.0167,1.1000,1234.565,7.00500001,1227.55999999,99.43,USD\n"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_looks_like_a_formula_stays_text(start: str) -> None:
    hostile = f"{start}1+cmd|' /C calc'!A0, \"x\""
    rows = (Row((hostile, 1), Sums()),)
    (_, first, _) = csv.reader(io.StringIO(as_csv(report(rows)), newline=""))
    assert first[0] == "'" + hostile
    assert export.safe_text("a=b") == "a=b"
    assert export.safe_text("") == ""


def test_a_report_of_no_keys_is_its_totals() -> None:
    alone = report((), keys=(), totals=Sums(calls=2, revenue=money("3")))
    assert list(export.table_rows(alone)) == [["2", "0", "0.0000", "0.0000", "3.00", "0.00", "3.00", "100.00"]]
    assert as_csv(alone).splitlines()[1:] == ["2,0,0.0000,0.0000,3,0,3,100.00,USD"]


def test_json_has_money_and_ratios_as_decimal_text() -> None:
    shown = json.loads(json.dumps(export.as_json(report())))
    assert shown == {
        "report": "margin",
        "by": ["account", "cause"],
        "currency": "USD",
        "zone": "Africa/Nairobi",
        "from": "2026-02-28T21:00:00+00:00",
        "to": None,
        "as_of": None,
        "filters": {"vendor": "v1"},
        "rows": [
            {
                "account": "=HYPERLINK(1)",
                "cause": 16,
                "calls": 1200,
                "connected": 1,
                "minutes": "1.0167",
                "billed_minutes": "1.1000",
                "revenue": "1234.565",
                "cost": "0.00000001",
                "margin": "1234.56499999",
                "margin_percent": "100.00",
            },
            {
                "account": "Zeta",
                "cause": None,
                "calls": 1,
                "connected": 0,
                "minutes": "0.0000",
                "billed_minutes": "0.0000",
                "revenue": "0",
                "cost": "7.005",
                "margin": "-7.005",
                "margin_percent": None,
            },
        ],
        "totals": {
            "calls": 1201,
            "connected": 1,
            "minutes": "1.0167",
            "billed_minutes": "1.1000",
            "revenue": "1234.565",
            "cost": "7.00500001",
            "margin": "1227.55999999",
            "margin_percent": "99.43",
        },
    }


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = python_calamine.load_workbook(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_a_workbook_has_the_figures_as_numbers_and_says_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "margin.xlsx"
    export.write_xlsx(report(), path, at=AT)
    assert sheets(path) == {
        "Report": [
            export.headings(report()),
            ["=HYPERLINK(1)", "16", 1200.0, 1.0, 1.0167, 1.1, 1234.565, 0.00000001, 1234.56499999, 100.0],
            ["Zeta", "", 1.0, 0.0, 0.0, 0.0, 0.0, 7.005, -7.005, ""],
            ["Total", "", 1201.0, 1.0, 1.0167, 1.1, 1234.565, 7.00500001, 1227.55999999, 99.43],
        ],
        "Question": [
            ["report", "margin"],
            ["by", "account, cause"],
            ["currency", "USD"],
            ["zone", "Africa/Nairobi"],
            ["from", "2026-02-28T21:00:00+00:00"],
            ["to (not included)", ""],
            ["vendor", "v1"],
        ],
    }
    assert "<f>" not in zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    assert [each.name for each in tmp_path.iterdir()] == ["margin.xlsx"]


def test_a_column_of_money_that_a_spreadsheet_cannot_hold_is_text_as_a_whole(tmp_path: Path) -> None:
    rows = (
        Row(("a", 1), Sums(revenue=money("12345678.12345678"))),  # 16 digits
        Row(("b", 1), Sums(revenue=money("-1.5"))),
    )
    path = tmp_path / "margin.xlsx"
    export.write_xlsx(report(rows), path, at=AT)
    figures = [row[6:9] for row in sheets(path)["Report"][1:]]
    assert figures == [
        ["12345678.12345678", 0.0, "12345678.12345678"],
        ["-1.5", 0.0, "-1.5"],
        ["12345676.62345678", 0.0, "12345676.62345678"],
    ]
    fitting = (Row(("a", 1), Sums(revenue=money("1234567.12345678"))),)  # 15 digits
    export.write_xlsx(report(fitting), path, at=AT)
    assert sheets(path)["Report"][1][6] == 1234567.12345678
    assert ">1234567.12345678<" in zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()


def test_the_same_report_is_the_same_workbook(tmp_path: Path) -> None:
    contents = []
    for name in ("a.xlsx", "b.xlsx"):
        export.write_xlsx(report(), tmp_path / name, at=AT)
        with zipfile.ZipFile(tmp_path / name) as archive:
            contents.append({each: archive.read(each) for each in archive.namelist()})
    assert contents[0] == contents[1]


def test_a_sheet_that_cannot_hold_the_rows_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "XLSX_ROWS_MAX", 3)
    with pytest.raises(Invalid) as caught:
        export.write_xlsx(report(), tmp_path / "a.xlsx", at=AT)
    assert caught.value.code == "too_many_rows"
    assert list(tmp_path.iterdir()) == []


def test_parquet_has_exact_decimals_and_says_what_was_asked(tmp_path: Path) -> None:
    rows = (
        Row(
            ("2026-03-01", 16), Sums(calls=3, connected=2, seconds=61, revenue=money("0.00000001"), cost=money("-1.5"))
        ),
        Row(("2026-03-02", None), Sums(calls=1, revenue=money("99999999999999.12345678"))),
    )
    path = tmp_path / "margin.parquet"
    export.write_parquet(report(rows, keys=(Key.DAY, Key.CAUSE)), path)
    table = pq.read_table(path)
    assert {field.name: str(field.type) for field in table.schema} == {
        "day": "date32[day]",
        "cause": "int64",
        "calls": "int64",
        "connected": "int64",
        "minutes": "decimal128(38, 4)",
        "billed_minutes": "decimal128(38, 4)",
        "revenue": "decimal128(38, 8)",
        "cost": "decimal128(38, 8)",
        "margin": "decimal128(38, 8)",
        "margin_percent": "decimal128(38, 2)",
    }
    assert [[None if value is None else str(value) for value in row.values()] for row in table.to_pylist()] == [
        ["2026-03-01", "16", "3", "2", "1.0167", "0.0000", "1E-8", "-1.50000000", "1.50000001", "15000000100.00"],
        [
            "2026-03-02",
            None,
            "1",
            "0",
            "0.0000",
            "0.0000",
            "99999999999999.12345678",
            "0E-8",
            "99999999999999.12345678",
            "100.00",
        ],
    ]
    about = json.loads(table.schema.metadata[b"trunkline.report"])
    assert (about["by"], about["zone"], about["totals"]["revenue"]) == (
        ["day", "cause"],
        "Africa/Nairobi",
        "99999999999999.12345679",
    )
    assert [each.name for each in tmp_path.iterdir()] == ["margin.parquet"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", 'b "x", y', "=c", "line\nbreak", None]),
            st.integers(-(10**10), 10**10) | st.integers(-(10**20), 10**20),
            st.integers(-(10**10), 10**10),
            st.integers(0, 10**7),
        ),
        max_size=6,
    )
)
def test_columns_of_csv_are_the_figures_of_their_rows(given_rows: list[tuple[str | None, int, int, int]]) -> None:
    rows = [
        Row((name, number), Sums(calls=seconds, seconds=seconds, revenue=revenue, cost=cost))
        for number, (name, revenue, cost, seconds) in enumerate(given_rows)
    ]
    shown = report(rows)
    found = list(csv.reader(io.StringIO(as_csv(shown), newline="")))[1:-1]

    def text(value: object) -> str:
        return "" if value is None else str(value)

    assert found == [
        [
            export.safe_text(text(row.values[0])),
            text(row.values[1]),
            *(text(column.value(row.sums)) for column in shown.columns),
            "USD",
        ]
        for row in rows
    ]


def test_a_workbook_of_two_periods_has_them_beside_each_other(tmp_path: Path) -> None:
    rows = (Row(("Acme", 16), Sums(calls=3, revenue=money("1.5")), Sums(calls=2, revenue=money("3"))),)
    compared = Compared(
        datetime(2026, 1, 31, 21, tzinfo=UTC), datetime(2026, 2, 28, 21, tzinfo=UTC), Sums(calls=2, revenue=money("3"))
    )
    columns = tuple(each for each in columns_of(View.MARGIN, is_per_vendor=False) if each.name in ("calls", "revenue"))
    path = tmp_path / "margin.xlsx"
    export.write_xlsx(report(rows, columns=columns, compared=compared), path, at=AT)
    book = sheets(path)
    revenue = ("Revenue USD", "Revenue USD before", "Revenue USD change", "Revenue USD change %")
    assert book["Report"] == [
        ["Account", "Cause", *("Calls", "Calls before", "Calls change", "Calls change %"), *revenue],
        ["Acme", "16", 3.0, 2.0, 1.0, 50.0, 1.5, 3.0, -1.5, -50.0],
        ["Total", "", 3.0, 2.0, 1.0, 50.0, 1.5, 3.0, -1.5, -50.0],
    ]
    assert book["Question"][-2:] == [
        ["compared from", "2026-01-31T21:00:00+00:00"],
        ["compared to (not included)", "2026-02-28T21:00:00+00:00"],
    ]
