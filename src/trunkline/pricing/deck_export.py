"""A code deck as a file that reads back as it was: CSV and XLSX of code and destination. No Django, no database."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from trunkline.core.errors import Invalid
from trunkline.pricing.deck_compare import DECK_CODES
from trunkline.pricing.sheets.code_lines import CODE_LINES
from trunkline.pricing.sheets.container import read_file

HEADER: Final = ("code", "destination")
XLSX_ROWS_MAX: Final = 1_048_575
# What a spreadsheet would take for a formula is written behind an apostrophe and read without it. What begins with apostrophes and goes on so gets
# one more, so that every name comes back as it was.
_FORMULA: Final = re.compile(r"'*[=+\-@]")


def deck_csv(codes: pa.Table) -> bytes:
    """The codes of `DECK_CODES` as CSV in UTF-8."""
    names = _each_name(codes["name"], lambda name: f"'{name}" if _FORMULA.match(name) else name)
    sink = io.BytesIO()
    table = pa.table({HEADER[0]: codes["code"], HEADER[1]: names})
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def deck_xlsx(codes: pa.Table) -> bytes:
    """The same as a workbook, all cells text. Raises Invalid `too_many_codes` for more than a sheet has rows."""
    import xlsxwriter

    if len(codes) > XLSX_ROWS_MAX:
        raise Invalid("too_many_codes", "A sheet has not so many rows.", hint="Export the deck as CSV.")
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True})
    sheet = book.add_worksheet("codes")
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 48)
    sheet.write_row(0, 0, HEADER)
    rows = zip(codes["code"].to_pylist(), codes["name"].to_pylist(), strict=True)
    for row, (code, name) in enumerate(rows, 1):
        sheet.write_string(row, 0, code)
        sheet.write_string(row, 1, name)
    book.close()
    return out.getvalue()


def find_export(data: bytes, name: str) -> pa.Table | None:
    """The lines of `CODE_LINES` of a file that is as we export decks, to the letter; None: it is another one, to be recognised."""
    is_csv = data.startswith((b'"code","destination"\n', b"code,destination\n"))
    if is_csv:
        return _read_csv(data)
    if not data.startswith(b"PK"):
        return None
    grids = read_file(data, name)
    if len(grids) != 1 or grids[0].width != len(HEADER) or not grids[0].height:
        return None
    grid = grids[0]
    if tuple(cell.text for cell in grid.row(0)) != HEADER:
        return None
    codes, names = (column.slice(1, grid.height - 1) for column in grid.columns)
    return _lines(codes, names, grid.name, np.asarray(grid.lines)[1:])


def _read_csv(data: bytes) -> pa.Table | None:
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(data),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={each: pa.string() for each in HEADER}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    names = _each_name(table[HEADER[1]], lambda name: name[1:] if name[:1] == "'" and _FORMULA.match(name) else name)
    return _lines(_flat(table[HEADER[0]]), names, "", np.arange(2, len(table) + 2))


def _lines(codes: pa.Array, names: pa.Array, sheet: str, lines: np.ndarray) -> pa.Table | None:
    """None where a code is no plain one, or a name is missing: then it is no export of ours."""
    is_plain = pc.fill_null(pc.match_substring_regex(codes, "^[0-9]{1,18}$"), False)
    is_named = pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(names)), 0), False)
    if not pc.all(pc.and_(is_plain, is_named), min_count=0).as_py():
        return None
    columns = [pa.array([sheet] * len(codes), pa.string()), pa.array(lines, pa.int32()), codes, names]
    return pa.table(columns, schema=CODE_LINES)


def _each_name(names: pa.ChunkedArray, change: Callable[[str], str]) -> pa.Array:
    encoded = _flat(names).dictionary_encode()
    return pa.array([change(name) for name in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    found = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


__all__ = ["DECK_CODES", "HEADER", "deck_csv", "deck_xlsx", "find_export"]
