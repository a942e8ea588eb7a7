"""A report as table cells, CSV, XLSX and JSON.

Money is exact in files (8 decimals, needless zeros left out) and at the currency's minor unit in tables. Text that a
spreadsheet would take for a formula stays text.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TextIO

from trunkline.core.currency import format_amount, get_currency
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.reports.rules import Column, Kind, Report, Row, Sums

TOTAL: Final = "Total"
NONE: Final = "—"
# What a spreadsheet takes for the beginning of a formula, also behind the control characters it strips.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
XLSX_ROWS_MAX: Final = 1_048_576
XLSX_DIGITS_MAX: Final = 15  # of a number in a spreadsheet, which is a double


def headings(report: Report) -> list[str]:
    """The headings of a table for people."""
    titles = [
        f"{column.title} {report.currency}" if column.kind is Kind.MONEY else column.title for column in report.columns
    ]
    return [key.value.capitalize() for key in report.keys] + titles


def table_rows(report: Report) -> Iterator[list[str]]:
    """The rows of a table for people, the totals last: money at the minor unit, each cell rounded by itself."""
    currency = get_currency(report.currency)

    def cells(sums: Sums) -> list[str]:
        shown = []
        for column in report.columns:
            value = column.value(sums)
            if isinstance(value, Amount):
                shown.append(format_amount(value, currency, is_grouped=True))
            else:
                shown.append(NONE if value is None else f"{value:,}" if isinstance(value, int) else value)
        return shown

    for row in report.rows:
        yield [NONE if value is None else str(value) for value in row.values] + cells(row.sums)
    yield _total_keys(report) + cells(report.totals)


def _total_keys(report: Report) -> list[str]:
    return [TOTAL if place == 0 else "" for place in range(len(report.keys))]


def safe_text(value: str) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: an apostrophe goes before what looks like one."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def write_csv(report: Report, stream: TextIO) -> None:
    """Write the report as CSV with a heading and the totals as last row; an absent value is an empty cell."""
    writer = csv.writer(stream, lineterminator="\n")
    names = [column.name for column in report.columns]
    writer.writerow([key.value for key in report.keys] + names + ["currency"])
    for keys, sums in _all_rows(report):
        figures = [_plain(column.value(sums)) for column in report.columns]
        writer.writerow([safe_text(_plain(key)) for key in keys] + figures + [report.currency])


def _all_rows(report: Report) -> Iterator[tuple[Sequence[Any], Sums]]:
    for row in report.rows:
        yield row.values, row.sums
    yield _total_keys(report), report.totals


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def as_json(report: Report) -> dict[str, Any]:
    """The report as one JSON object: counts are numbers, money and ratios decimal strings, absent values null."""

    def figures(sums: Sums) -> dict[str, Any]:
        values = {column.name: column.value(sums) for column in report.columns}
        return {name: str(value) if isinstance(value, Amount) else value for name, value in values.items()}

    def row_object(row: Row) -> dict[str, Any]:
        return {key.value: value for key, value in zip(report.keys, row.values, strict=True)} | figures(row.sums)

    return {
        "report": report.view.value,
        "by": [key.value for key in report.keys],
        "currency": report.currency,
        "zone": report.zone,
        "from": None if report.start_from is None else report.start_from.isoformat(),
        "to": None if report.start_to is None else report.start_to.isoformat(),
        "filters": dict(report.filters),
        "rows": [row_object(row) for row in report.rows],
        "totals": figures(report.totals),
    }


def write_xlsx(report: Report, path: Path, *, at: datetime) -> None:
    """Write the report as a workbook with a sheet of figures and one that says what was asked; `at` is its date.

    Money is a number wherever a spreadsheet can hold every digit of the column, else the whole column is text. Memory
    does not grow with the rows. Raises Invalid `too_many_rows` where a sheet cannot hold them.
    """
    import xlsxwriter

    if len(report.rows) + 2 > XLSX_ROWS_MAX:
        raise Invalid(
            "too_many_rows", f"A sheet cannot hold {len(report.rows)} rows.", hint="Group by less, or write CSV."
        )
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    options = {"constant_memory": True, "tmpdir": str(path.absolute().parent)}
    try:
        with xlsxwriter.Workbook(str(partial), options) as workbook:
            workbook.set_properties({"title": f"{report.view.value} report", "created": at.replace(tzinfo=None)})
            _write_figures(report, workbook)
            _write_question(report, workbook)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_figures(report: Report, workbook: Any) -> None:
    sheet = workbook.add_worksheet("Report")
    bold = workbook.add_format({"bold": True})
    formats = {
        Kind.COUNT: workbook.add_format({"num_format": "#,##0"}),
        Kind.RATIO: workbook.add_format({"num_format": "#,##0.00##"}),
        Kind.MONEY: workbook.add_format({"num_format": "#,##0.00######"}),
    }
    width = len(report.keys)
    is_text = [not _fits(report, column) for column in report.columns]
    sheet.freeze_panes(1, width)
    sheet.set_column(0, max(width - 1, 0), 24)
    sheet.set_column(width, width + len(report.columns) - 1, 14)
    for place, heading in enumerate(headings(report)):
        sheet.write_string(0, place, heading, bold)
    for number, (keys, sums) in enumerate(_all_rows(report), 1):
        for place, key in enumerate(keys):
            if key is not None:
                sheet.write_string(number, place, str(key))
        for place, column in enumerate(report.columns):
            value = column.value(sums)
            if value is None:
                continue
            if is_text[place]:
                sheet.write_string(number, width + place, str(value))
            else:
                # A Decimal is written with its own digits; it never becomes a float here.
                sheet.write_number(number, width + place, Decimal(str(value)), formats[column.kind])


def _fits(report: Report, column: Column) -> bool:
    """Whether every figure of the column keeps its digits as a number of a spreadsheet."""
    shown = (column.value(sums) for _, sums in _all_rows(report))
    return all(
        len(str(value).strip("-").replace(".", "").strip("0")) <= XLSX_DIGITS_MAX
        for value in shown
        if value is not None
    )


def _write_question(report: Report, workbook: Any) -> None:
    sheet = workbook.add_worksheet("Question")
    sheet.set_column(0, 1, 28)
    asked = {
        "report": report.view.value,
        "by": ", ".join(report.keys),
        "currency": report.currency,
        "zone": report.zone,
        "from": "" if report.start_from is None else report.start_from.isoformat(),
        "to (not included)": "" if report.start_to is None else report.start_to.isoformat(),
        **report.filters,
    }
    for number, (name, value) in enumerate(asked.items()):
        sheet.write_string(number, 0, name)
        sheet.write_string(number, 1, value)
