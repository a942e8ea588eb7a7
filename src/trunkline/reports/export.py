"""A report as table cells, CSV, XLSX, Parquet and JSON.

Money is exact in files (8 decimals, needless zeros left out) and at the currency's minor unit in tables. Text that a
spreadsheet would take for a formula stays text.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import numpy as np

from trunkline.core.currency import format_amount, get_currency
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, scaled_text
from trunkline.reports.report import Aspect, Figure, Labels, Report, Row
from trunkline.reports.rules import Ints, Key, KeyValue, Kind, Sums, Value

if TYPE_CHECKING:
    import pyarrow as pa

TOTAL: Final = "Total"
NONE: Final = "—"
PERIOD: Final = "Period"  # the heading of the column that tells the lines of a comparison apart
PERIODS: Final = {
    Aspect.NOW: "now",
    Aspect.BEFORE: "before",
    Aspect.CHANGE: "change",
    Aspect.CHANGE_PERCENT: "change %",
}
# What a spreadsheet takes for the beginning of a formula, also behind the control characters it strips.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
XLSX_ROWS_MAX: Final = 1_048_576
XLSX_DIGITS_MAX: Final = 15  # of a number in a spreadsheet, which is a double
CSV_ROWS: Final = 65_536  # that are text at one time
DECIMAL_DIGITS: Final = 38  # of a decimal in Parquet


def key_titles(report: Report) -> list[str]:
    """What the keys are called in a table for people."""
    return [key.value.replace("_", " ").capitalize() for key in report.keys]


def headings(report: Report) -> list[str]:
    """The headings of a table for people."""
    titles = [
        f"{column.title} {report.currency}" if column.kind is Kind.MONEY else column.title for column in report.columns
    ]
    return key_titles(report) + ([PERIOD] if report.compared is not None else []) + titles


def table_rows(report: Report) -> Iterator[list[str]]:
    """The rows of a table for people, the totals last: money at the minor unit, each cell rounded by itself.

    Where periods are compared each row has a line for each aspect.
    """
    for row in _all_rows(report):
        keys = [NONE if value is None else str(value) for value in row.values]
        for aspect in report.aspects:
            shown = [
                cell_text(Figure(column, aspect).value(row.sums, row.before), report.currency)
                for column in report.columns
            ]
            yield keys + ([PERIODS[aspect]] if report.compared is not None else []) + shown
            keys = [""] * len(keys)


def cell_text(value: Value, currency: str) -> str:
    """A figure as people read it: thousands grouped, money at the minor unit of the currency, a dash where there is none."""
    if isinstance(value, Amount):
        return format_amount(value, get_currency(currency), is_grouped=True)
    return NONE if value is None else f"{value:,}" if isinstance(value, int) else value


def _all_rows(report: Report) -> Iterator[Row]:
    yield from report.rows()
    yield Row(_total_keys(report), report.totals, report.totals_before)


def _total_keys(report: Report) -> tuple[KeyValue, ...]:
    return tuple(TOTAL if place == 0 else "" for place in range(len(report.keys)))


def safe_text(value: str) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: an apostrophe goes before what looks like one."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def write_csv(report: Report, stream: TextIO) -> None:
    """Write the report as CSV with a heading and the totals as last row; an absent value is an empty cell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([key.value for key in report.keys] + [figure.name for figure in report.figures] + ["currency"])
    for start in range(0, len(report.groups), CSV_ROWS):
        rows = report.groups.take(np.arange(start, min(start + CSV_ROWS, len(report.groups))))
        cells = [_label_cells(labels) for labels in rows.labels]
        cells += [_texts(figure, rows.sums, rows.before) for figure in report.figures]
        cells.append(pa.scalar(f"{report.currency}\n"))
        lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
        stream.write("".join(lines.to_pylist()))
    figures = [_plain(figure.value(report.totals, report.totals_before)) for figure in report.figures]
    writer.writerow([*_total_keys(report), *figures, report.currency])


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _label_cells(labels: Labels) -> pa.Array:
    import pyarrow as pa

    def cell(value: KeyValue) -> str | None:
        if value is None:
            return None
        text = safe_text(str(value))
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(letter in text for letter in ',"\r\n') else text

    return pa.array([cell(value) for value in labels.values], pa.string()).take(pa.array(labels.places))


def _texts(figure: Figure, sums: Sums, before: Sums | None) -> pa.Array:
    """A column of figures as the texts of `Figure.value`, all at once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scaled, is_there = _column(figure, sums, before)
    is_trimmed = figure.kind is Kind.MONEY
    if scaled.dtype == object:
        least = 0 if is_trimmed else figure.decimals
        given = zip(scaled.tolist(), is_there.tolist(), strict=True)
        return pa.array(
            [scaled_text(each, figure.decimals, least=least) if is_one else None for each, is_one in given], pa.string()
        )
    whole, part = np.divmod(np.abs(scaled), 10**figure.decimals)
    text = pa.array(whole).cast(pa.string())
    if figure.decimals:
        digits = pa.array(part + 10**figure.decimals).cast(pa.string())
        text = pc.binary_join_element_wise(text, pc.binary_replace_slice(digits, 0, 1, "."), "")
    if is_trimmed:
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    if bool((scaled < 0).any()):
        text = pc.if_else(pa.array(scaled < 0), pc.binary_join_element_wise("-", text, ""), text)
    return text if bool(is_there.all()) else pc.if_else(pa.array(is_there), text, pa.scalar(None, pa.string()))


def _column(figure: Figure, sums: Sums, before: Sums | None) -> tuple[Ints, Any]:
    """The figure of all rows in units of 10^-decimals, and an array that says which have one."""
    scaled, is_there = figure.scaled(sums, before)
    return scaled, np.broadcast_to(np.asarray(is_there, dtype=np.bool_), scaled.shape)


def write_parquet(report: Report, path: Path) -> None:
    """Write the rows as Parquet: days as dates, counts as int64, ratios and money as exact decimals.

    The totals are no row, since whoever sums the file would count everything twice: they and the question stand as JSON
    in the file's metadata, under `trunkline.report`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    groups = report.groups
    columns = [_label_column(key, labels) for key, labels in zip(report.keys, groups.labels, strict=True)]
    columns += [_decimals(figure, *_column(figure, groups.sums, groups.before)) for figure in report.figures]
    names = [key.value for key in report.keys] + [figure.name for figure in report.figures]
    about = json.dumps(_question(report) | {"totals": _row_figures(report, report.totals, report.totals_before)})
    table = pa.table(columns, names=names).replace_schema_metadata({"trunkline.report": about})
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        pq.write_table(table, partial, compression="zstd")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _label_column(key: object, labels: Labels) -> pa.Array:
    import pyarrow as pa

    values: list[Any] = list(labels.values)
    if key is Key.DAY:
        kind, values = pa.date32(), [None if value is None else date.fromisoformat(str(value)) for value in values]
    else:
        kind = pa.int64() if key in (Key.CAUSE, Key.ATTEMPT) else pa.string()
    return pa.array(values, kind).take(pa.array(labels.places))


def _decimals(figure: Figure, scaled: Ints, is_there: Any) -> pa.Array:
    import pyarrow as pa

    if figure.kind is Kind.COUNT:
        return pa.array(scaled.tolist(), pa.int64())
    kind = pa.decimal128(DECIMAL_DIGITS, figure.decimals)
    if scaled.dtype != object:  # int64 with its sign spread over the upper half is a decimal128
        words = np.empty((len(scaled), 2), dtype=np.int64)
        words[:, 0], words[:, 1] = scaled, scaled >> 63
        mask = None if bool(is_there.all()) else pa.py_buffer(np.packbits(is_there, bitorder="little"))
        return pa.Array.from_buffers(kind, len(scaled), [mask, pa.py_buffer(words)])
    given = zip(scaled.tolist(), is_there.tolist(), strict=True)
    exponent = -figure.decimals
    return pa.array([_decimal(each, exponent) if is_one else None for each, is_one in given], kind)


def _decimal(units: int, exponent: int) -> Decimal:
    return Decimal((units < 0, tuple(map(int, str(abs(units)))), exponent))


def as_json(report: Report) -> dict[str, Any]:
    """The report as one JSON object: counts are numbers, money and ratios decimal strings, absent values null.

    Where periods are compared, each row has `before`, `change` and `change_percent` beside its figures.
    """

    def row_object(row: Row) -> dict[str, Any]:
        keys = {key.value: value for key, value in zip(report.keys, row.values, strict=True)}
        return keys | _row_figures(report, row.sums, row.before)

    return _question(report) | {
        "rows": [row_object(row) for row in report.rows()],
        "totals": _row_figures(report, report.totals, report.totals_before),
    }


def _question(report: Report) -> dict[str, Any]:
    """What was asked, for programs."""
    asked: dict[str, Any] = {
        "report": report.view.value,
        "by": [key.value for key in report.keys],
        "currency": report.currency,
        "zone": report.zone,
        "from": _iso(report.start_from),
        "to": _iso(report.start_to),
        "as_of": _iso(report.as_of),
        "filters": dict(report.filters),
    }
    if report.compared is not None:
        asked["compared"] = {"from": _iso(report.compared.start_from), "to": _iso(report.compared.start_to)}
    return asked


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _row_figures(report: Report, sums: Sums, before: Sums | None) -> dict[str, Any]:
    def figures(aspect: Aspect) -> dict[str, Any]:
        values = {column.name: Figure(column, aspect).value(sums, before) for column in report.columns}
        return {name: str(value) if isinstance(value, Amount) else value for name, value in values.items()}

    beside = {aspect.value: figures(aspect) for aspect in report.aspects if aspect is not Aspect.NOW}
    return figures(Aspect.NOW) | beside


def write_xlsx(report: Report, path: Path, *, at: datetime) -> None:
    """Write the report as a workbook with a sheet of figures and one that says what was asked; `at` is its date.

    Money is a number wherever a spreadsheet can hold every digit of the column, else the whole column is text. Memory
    does not grow with the rows. Raises Invalid `too_many_rows` where a sheet cannot hold them.
    """
    import xlsxwriter

    if len(report.groups) + 2 > XLSX_ROWS_MAX:
        raise Invalid(
            "too_many_rows", f"A sheet cannot hold {len(report.groups)} rows.", hint="Group by less, or write CSV."
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
    width, figures = len(report.keys), report.figures
    is_text = [not _fits(report, figure) for figure in figures]
    sheet.freeze_panes(1, width)
    sheet.set_column(0, max(width - 1, 0), 24)
    sheet.set_column(width, width + len(figures) - 1, 14)
    titles = [_figure_title(figure, report.currency) for figure in figures]
    for place, heading in enumerate(key_titles(report) + titles):
        sheet.write_string(0, place, heading, bold)
    for number, row in enumerate(_all_rows(report), 1):
        for place, key in enumerate(row.values):
            if key is not None:
                sheet.write_string(number, place, str(key))
        for place, figure in enumerate(figures):
            value = figure.value(row.sums, row.before)
            if value is None:
                continue
            if is_text[place]:
                sheet.write_string(number, width + place, str(value))
            else:
                # A Decimal is written with its own digits; it never becomes a float here.
                sheet.write_number(number, width + place, Decimal(str(value)), formats[figure.kind])


def _figure_title(figure: Figure, currency: str) -> str:
    title = figure.column.title if figure.column.kind is not Kind.MONEY else f"{figure.column.title} {currency}"
    return title if figure.aspect is Aspect.NOW else f"{title} {PERIODS[figure.aspect]}"


def _fits(report: Report, figure: Figure) -> bool:
    """Whether every figure of the column keeps its digits as a number of a spreadsheet."""
    shown = (figure.value(row.sums, row.before) for row in _all_rows(report))
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
        "by": ", ".join(key.value for key in report.keys),
        "currency": report.currency,
        "zone": report.zone,
        "from": _plain(_iso(report.start_from)),
        "to (not included)": _plain(_iso(report.start_to)),
        **report.filters,
    }
    if report.as_of is not None:
        asked["as of"] = report.as_of.isoformat()
    if report.compared is not None:
        asked["compared from"] = report.compared.start_from.isoformat()
        asked["compared to (not included)"] = report.compared.start_to.isoformat()
    for number, (name, value) in enumerate(asked.items()):
        sheet.write_string(number, 0, name)
        sheet.write_string(number, 1, value)
