"""An analysis given out: as objects for programs and screens, and as CSV and XLSX. No Django, no database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_DECIMALS, scaled_text
from trunkline.core.period import utc_text
from trunkline.engine.units import Unit
from trunkline.kit.scratch import scratch_path
from trunkline.pricing.analysis.asking import NO_TERMS, Cell
from trunkline.pricing.analysis.compared import NO_POSITION, Analysis, Table, minutes
from trunkline.pricing.analysis.question import By, Form, percent_text

XLSX_ROWS_MAX: Final = 50_000  # of somebody who waits: a workbook is written cell by cell
SHEET_ROWS_MAX: Final = 1_048_575  # below the heading
DIGITS_MAX: Final = 15  # of a number in a spreadsheet, which is a double
PART: Final = 50_000  # rows that are text at one time
ANY_CODE: Final = "*"
# What a spreadsheet takes for the beginning of a formula, also behind blanks and control characters.
_FORMULA: Final = r"^\s*[=+\-@]"


class FileFormat(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA: Final = {
    FileFormat.CSV: "text/csv",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def price_text(units: int) -> str:
    """A price of an analysis: eight decimals, needless zeros left out."""
    return scaled_text(int(units), AMOUNT_DECIMALS)


def about(analysis: Analysis) -> dict[str, Any]:
    """What was asked and how large the answer is, for programs."""
    asked = analysis.asked
    found: dict[str, Any] = {
        "at": utc_text(asked.at),
        "currency": analysis.currency,
        "unit": analysis.unit.value,
        "call": analysis.units,
        "by": asked.by.value,
        "form": asked.form.value,
        "lists": list(analysis.labels),
        "master": analysis.master,
        "rows": len(analysis.table),
    }
    if asked.minutes_of is not None:
        found["minutes_of_no_row"] = minutes(analysis.left, analysis.unit)
    return found


def rows(analysis: Analysis, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
    """Rows from `offset` on as objects: prices and percentages as text; in a least-cost list `offers`, else `cells`."""
    count = len(analysis.table)
    end = count if limit is None else min(count, offset + limit)
    part = analysis.table.take(np.arange(offset, max(end, offset), dtype=np.int64))
    return [_row(analysis, part, row) for row in range(len(part))]


def _row(analysis: Analysis, table: Table, row: int) -> dict[str, Any]:
    is_code = analysis.asked.by is By.CODE
    found: dict[str, Any] = {"code": table.codes[row].as_py() or ANY_CODE} if is_code else {}
    found["destination"] = table.names[row].as_py()
    if not is_code:
        found["codes"] = int(table.counts[row])
    if analysis.asked.minutes_of is not None:
        found["minutes"] = minutes(int(table.units[row]), analysis.unit)
    if table.master is not None:
        found["master"] = price_text(table.master[row]) if table.has_master[row] else None
    if table.order is None:
        found["cells"] = [_cell(analysis, table, row, at) for at in range(len(analysis.labels))]
    else:
        places = [at for at in table.order[row].tolist() if at != NO_POSITION]
        found["offers"] = [
            {"position": number} | _cell(analysis, table, row, at) for number, at in enumerate(places, 1)
        ]
        found["blocked"] = [label for at, label in enumerate(analysis.labels) if table.cells[row, at] == Cell.BLOCKED]
    return found


def _cell(analysis: Analysis, table: Table, row: int, at: int) -> dict[str, Any]:
    cell = Cell(int(table.cells[row, at]))
    found: dict[str, Any] = {"list": analysis.labels[at], "state": cell.name.lower()}
    if cell is not Cell.OFFER:
        return found
    found |= {"price": price_text(table.prices[row, at]), "simulated": bool(table.is_simulated[row, at])}
    if analysis.asked.by is By.CODE:
        term = int(table.terms[row, at])
        found["code"] = table.used[at][row].as_py() or ANY_CODE
        found["increments"] = analysis.terms[term] if term != NO_TERMS else None
    else:
        found |= {"least": price_text(table.least[row, at]), "greatest": price_text(table.greatest[row, at])}
    if table.margins is not None:
        margins = table.margins
        is_there = bool(margins.is_there[row, at])
        found["margin"] = price_text(margins.amounts[row, at]) if is_there else None
        found["margin_percent"] = percent_text(int(margins.percents[row, at])) if margins.has_percent[row, at] else None
    return found


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a file: its heading, and its texts for a part of the table; null where there is none."""

    title: str
    texts: Callable[[Table], pa.Array]
    is_number: bool = False


def _columns(analysis: Analysis) -> list[_Column]:
    """The columns of a file. Numbers keep every digit; a list that has no offer says why in the column of its state."""
    asked, per = analysis.asked, f"{analysis.currency}"
    found = [_Column("Code", lambda table: _or_any(table.codes))] if asked.by is By.CODE else []
    found.append(_Column("Destination", lambda table: table.names))
    if asked.by is By.DESTINATION:
        found.append(_Column("Codes", lambda table: pa.array(table.counts).cast(pa.string()), is_number=True))
    if asked.minutes_of is not None:
        title = "Minutes" if analysis.unit is Unit.SECOND else "Units"
        found.append(
            _Column(title, lambda t: _texts(t.units, lambda each: minutes(each, analysis.unit)), is_number=True)
        )
    if analysis.master is not None:
        found.append(_Column(f"{analysis.master} {per}", _master_texts, is_number=True))
    if asked.form is Form.LEAST_COST:
        for position in range(min(asked.positions or len(analysis.labels), len(analysis.labels))):
            found += _position_columns(analysis, position)
    else:
        for at, label in enumerate(analysis.labels):
            found += _list_columns(analysis, at, label)
    return found


def _or_any(codes: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(codes, ""), ANY_CODE, codes)


def _texts(values: Any, shown: Callable[[int], str], is_there: Any = None) -> pa.Array:
    """Numbers as text, each distinct one made once."""
    distinct, where = np.unique(values, return_inverse=True)
    found = pa.array([shown(each) for each in distinct.tolist()], pa.string()).take(pa.array(where.reshape(-1)))
    return found if is_there is None else pc.if_else(pa.array(is_there), found, pa.scalar(None, pa.string()))


def _master_texts(table: Table) -> pa.Array:
    return _texts(table.master, price_text, table.has_master)


Place = Callable[[Table], Any]


def _list_columns(analysis: Analysis, at: int, label: str) -> list[_Column]:
    def place(table: Table) -> Any:
        return np.full(len(table), at)

    return [_Column(f"{label}: state", lambda t: _states(t, place(t))), *_price_columns(analysis, label, place)]


def _position_columns(analysis: Analysis, position: int) -> list[_Column]:
    def place(table: Table) -> Any:
        return np.full(len(table), NO_POSITION) if table.order is None else table.order[:, position]

    def label(table: Table) -> pa.Array:
        names = pa.array([*analysis.labels, None], pa.string())
        return names.take(pa.array(np.where(place(table) == NO_POSITION, len(analysis.labels), place(table))))

    return [_Column(f"{position + 1}", label), *_price_columns(analysis, f"{position + 1}", place)]


def _price_columns(analysis: Analysis, label: str, place: Place) -> list[_Column]:
    """Price, code or range, increments and margin of the list that stands at a place of each row; nothing where there is no offer."""

    def of(table: Table, values: Any) -> Any:
        return np.take_along_axis(values, np.maximum(place(table), 0)[:, None].astype(np.int64), axis=1)[:, 0]

    def is_offer(table: Table) -> Any:
        return (place(table) != NO_POSITION) & (of(table, table.cells) == Cell.OFFER)

    def money(values: Callable[[Table], Any]) -> Callable[[Table], pa.Array]:
        return lambda table: _texts(of(table, values(table)), price_text, is_offer(table))

    found = [_Column(f"{label}: {analysis.currency}", money(lambda table: table.prices), is_number=True)]
    if analysis.asked.by is By.DESTINATION:
        found += [
            _Column(f"{label}: least", money(lambda table: table.least), is_number=True),
            _Column(f"{label}: greatest", money(lambda table: table.greatest), is_number=True),
        ]
    else:
        found.append(_Column(f"{label}: simulated from", lambda table: _simulated(table, place(table))))
        terms = pa.array([*analysis.terms, None], pa.string())

        def increments(table: Table) -> pa.Array:
            numbers = of(table, table.terms)
            return terms.take(pa.array(np.where(is_offer(table) & (numbers != NO_TERMS), numbers, len(analysis.terms))))

        found.append(_Column(f"{label}: increments", increments))
    if analysis.master is not None:
        found += [
            _Column(f"{label}: margin", lambda t: _margin(t, of, place, price_text, is_percent=False), is_number=True),
            _Column(
                f"{label}: margin %", lambda t: _margin(t, of, place, percent_text, is_percent=True), is_number=True
            ),
        ]
    return found


def _margin(table: Table, of: Any, place: Place, shown: Callable[[int], str], *, is_percent: bool) -> pa.Array:
    if table.margins is None:
        return pa.nulls(len(table), pa.string())
    values = table.margins.percents if is_percent else table.margins.amounts
    is_there = table.margins.has_percent if is_percent else table.margins.is_there
    return _texts(of(table, values), shown, (place(table) != NO_POSITION) & of(table, is_there))


def _states(table: Table, place: Any) -> pa.Array:
    cells = np.take_along_axis(table.cells, place[:, None], axis=1)[:, 0]
    is_simulated = np.take_along_axis(table.is_simulated, place[:, None], axis=1)[:, 0]
    words = pa.array(["", "offer", "blocked", "simulated"], pa.string())
    return words.take(pa.array(np.where(is_simulated, len(Cell), cells).astype(np.int64)))


def _simulated(table: Table, place: Any) -> pa.Array:
    found = pa.nulls(len(table), pa.string())
    for at, used in enumerate(table.used):
        is_here = pa.array((place == at) & table.is_simulated[:, at])
        found = pc.if_else(is_here, _or_any(used), found)
    return found


def _parts(analysis: Analysis) -> Iterator[tuple[list[_Column], Table]]:
    columns = _columns(analysis)
    for start in range(0, len(analysis.table), PART):
        yield columns, analysis.table.take(np.arange(start, min(start + PART, len(analysis.table)), dtype=np.int64))


def write_csv(analysis: Analysis, stream: TextIO) -> None:
    """Write all rows as CSV with a heading; an absent value is an empty cell, and no text is taken for a formula."""
    stream.write(",".join(_quoted(each.title) for each in _columns(analysis)) + "\n")
    for columns, part in _parts(analysis):
        cells = [_csv_cells(each.texts(part), is_number=each.is_number) for each in columns]
        last = pc.binary_join_element_wise(cells[-1], "\n", "", null_handling="replace")
        lines = pc.binary_join_element_wise(*cells[:-1], last, ",", null_handling="replace")
        stream.write("".join(lines.to_pylist()))


def _quoted(text: str) -> str:
    safe = f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text
    return '"' + safe.replace('"', '""') + '"' if any(letter in safe for letter in ',"\r\n') else safe


def _csv_cells(texts: pa.Array, *, is_number: bool) -> pa.Array:
    if is_number:
        return texts
    encoded = texts.dictionary_encode()
    return pa.array([_quoted(each) for each in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def write_xlsx(analysis: Analysis, path: Path, *, at: datetime) -> None:
    """Write all rows as a workbook with a sheet of figures and one that says what was asked; memory does not grow with the rows."""
    import xlsxwriter

    options = {"constant_memory": True, "tmpdir": str(path.absolute().parent)}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({"title": "rate analysis", "created": at.replace(tzinfo=None)})
        sheet, bold = workbook.add_worksheet("Analysis"), workbook.add_format({"bold": True})
        number = workbook.add_format({"num_format": "0.00######"})
        titles = [each.title for each in _columns(analysis)]
        sheet.freeze_panes(1, 2 if analysis.asked.by is By.CODE else 1)
        sheet.set_column(0, len(titles) - 1, 16)
        for place, title in enumerate(titles):
            sheet.write_string(0, place, title, bold)
        line = 1
        for columns, part in _parts(analysis):
            texts = [each.texts(part).to_pylist() for each in columns]
            for row in zip(*texts, strict=True):
                for place, text in enumerate(row):
                    _write_cell(sheet, (line, place), text, number if columns[place].is_number else None)
                line += 1
        _write_about(workbook, analysis)


def _write_cell(sheet: Any, place: tuple[int, int], text: str | None, number: Any) -> None:
    if not text:
        return
    if number is not None and len(text.strip("-").replace(".", "").strip("0")) <= DIGITS_MAX:
        sheet.write_number(*place, Decimal(text), number)  # a Decimal is written with its own digits
    else:
        sheet.write_string(*place, text)


def _write_about(workbook: Any, analysis: Analysis) -> None:
    sheet = workbook.add_worksheet("Question")
    sheet.set_column(0, 1, 28)
    for line, (name, value) in enumerate(about(analysis).items()):
        sheet.write_string(line, 0, name.replace("_", " "))
        sheet.write_string(
            line, 1, ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        )


def open_file(analysis: Analysis, kind: FileFormat, *, at: datetime, xlsx_rows: int | None = None) -> BinaryIO:
    """The analysis as an open file, which has no name on the disk any more. Raises Invalid `too_many_rows` for a workbook of more rows than that."""
    most = XLSX_ROWS_MAX if xlsx_rows is None else xlsx_rows
    if kind is FileFormat.XLSX and len(analysis.table) > most:
        raise Invalid(
            "too_many_rows",
            f"The analysis has {len(analysis.table)} rows, and a workbook is given with {most} at most.",
            hint="Ask for fewer codes, or for CSV.",
        )
    path = scratch_path("analysis")
    try:
        if kind is FileFormat.XLSX:
            write_xlsx(analysis, path, at=at)
        else:
            with path.open("w", encoding="utf-8", newline="") as stream:
                write_csv(analysis, stream)
        return path.open("rb")
    finally:
        path.unlink(missing_ok=True)
