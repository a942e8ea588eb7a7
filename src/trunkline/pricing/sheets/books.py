"""Workbooks (XLSX, XLS, ODS) as grids, by python-calamine. Cells keep what the workbook says of them: text, number or date."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import python_calamine

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.grid import CellKind, Grid, clean

Kinds = npt.NDArray[np.uint8]
_CHUNK: Final = 65_536
_WIDTH_MAX: Final = 1_024
_EXACT_DIGITS: Final = 15  # what a spreadsheet shows and keeps of a number
_WHOLE_MAX: Final = 10.0**15


def read_book(data: bytes) -> list[Grid]:
    """The worksheets of a workbook, hidden ones too. Raises Invalid `sheet_damaged`, `sheet_encrypted`."""
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        found = []
        for number, about in enumerate(book.sheets_metadata):
            if about.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            grid = _grid(book.get_sheet_by_index(number))
            grid.is_hidden = about.visible != python_calamine.SheetVisibleEnum.Visible
            found.append(grid)
    except python_calamine.PasswordError as error:
        raise Invalid("sheet_encrypted", "The workbook has a password.", hint="Ask for it without one.") from error
    except (
        python_calamine.CalamineError, python_calamine.XmlError, python_calamine.ZipError,
        python_calamine.WorksheetNotFound, OSError, ValueError, OverflowError,
    ) as error:  # fmt: skip
        raise _damaged() from error
    except BaseException as error:
        # The reader is Rust; what it did not expect arrives as a panic, which is no Exception.
        if type(error).__name__ == "PanicException":
            raise _damaged() from error
        raise
    return found


def _damaged() -> Invalid:
    return Invalid(
        "sheet_damaged", "The workbook cannot be read.", hint="Open it in a spreadsheet program and save it again."
    )


def _grid(sheet: Any) -> Grid:
    width = 0 if sheet.end is None else min(sheet.end[1] + 1, _WIDTH_MAX)
    chunks: list[list[pa.Array]] = [[] for _ in range(width)]
    kinds: list[list[Kinds]] = [[] for _ in range(width)]
    rows = sheet.iter_rows() if width else iter(())
    while chunk := list(islice(rows, _CHUNK)):
        for number, cells in zip(range(width), zip(*chunk, strict=True), strict=False):
            texts, marks = _column(cells)
            chunks[number].append(texts)
            kinds[number].append(marks)
    # Empty columns on the left are left out of the rows, empty rows above are not.
    read = [number for number in range(width) if chunks[number]]
    height = sum(map(len, chunks[0])) if read else 0
    left = min(sheet.start[1], _WIDTH_MAX) if read else 0
    columns = [pa.nulls(height, pa.string()) for _ in range(left)]
    columns += [clean(pa.concat_arrays(chunks[number])) for number in read]
    every = [np.zeros(height, np.uint8) for _ in range(left)] + [np.concatenate(kinds[number]) for number in read]
    lines = np.arange(1, height + 1, dtype=np.int32)
    return Grid(sheet.name, columns, lines, [None if (marks <= CellKind.TEXT).all() else marks for marks in every])


def _column(cells: tuple[Any, ...]) -> tuple[pa.Array, Kinds]:
    kinds = set(map(type, cells))
    if kinds <= {str}:
        return pa.array(cells, pa.string()), np.full(len(cells), CellKind.TEXT, np.uint8)
    if len(kinds) == 1:
        # Each distinct number or date once: a column has few of them, and writing one down costs most.
        kind = kinds.pop()
        texts = {value: _TEXTS.get(kind, str)(value) for value in set(cells)}
        marks = np.full(len(cells), _KINDS.get(kind, CellKind.TEXT), np.uint8)
        return pa.array([texts[value] for value in cells], pa.string()), marks
    marks = np.fromiter((_KINDS.get(type(cell), CellKind.TEXT) for cell in cells), np.uint8, len(cells))
    return pa.array([_TEXTS.get(type(cell), str)(cell) for cell in cells], pa.string()), marks


def _float_text(value: float) -> str:
    """A number as a spreadsheet shows it: at most 15 digits, so that 0.1 + 0.2 is 0.3, and no exponent."""
    if value == int(value) and -_WHOLE_MAX < value < _WHOLE_MAX if value - value == 0 else False:
        return str(int(value))
    text = repr(value)
    if len(text) > _EXACT_DIGITS or "e" in text:
        text = f"{Decimal(f'{value:.{_EXACT_DIGITS}g}'):f}"
    return text


def _time_text(value: time) -> str:
    return value.strftime("%H:%M:%S")


def _moment_text(value: datetime) -> str:
    return value.isoformat(" ", "seconds")


_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    str: str, float: _float_text, int: str, bool: lambda value: "TRUE" if value else "FALSE",
    datetime: _moment_text, date: date.isoformat, time: _time_text, timedelta: str,
}  # fmt: skip
_KINDS: Final[dict[type, CellKind]] = {
    str: CellKind.TEXT, float: CellKind.NUMBER, int: CellKind.NUMBER, bool: CellKind.TEXT,
    datetime: CellKind.DATE, date: CellKind.DATE, time: CellKind.TEXT, timedelta: CellKind.TEXT,
}  # fmt: skip
