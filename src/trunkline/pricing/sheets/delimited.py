"""Text with a delimiter that nobody names, as a grid: a few lines with titles, then a table, then notes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.encodings import decode
from trunkline.pricing.sheets.grid import Grid, clean, grid_of

DELIMITERS: Final = (",", ";", "\t", "|", "^", "~", ":")
_SAMPLE_LINES: Final = 400
_WIDTH_MAX: Final = 1_024
_CELL_MAX: Final = 1 << 20
_ODD_ROWS_MAX: Final = 200_000


def read_delimited(data: bytes, name: str) -> Grid:
    """The cells of a text file. Raises Invalid `sheet_kind` for what is no text, `sheet_too_large` for one endless cell."""
    text, encoding = decode(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    first_line = 1
    delimiter = ""
    head = text[:64].partition("\n")[0]
    if head.strip().strip('"').lower().startswith("sep=") and len(head.strip().strip('"')) == 5:
        delimiter, first_line, text = head.strip().strip('"')[4], 2, text[len(head) + 1 :]
    if "\0" in text:
        text = text.replace("\0", "")
    sample = text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    if any(len(line) > _CELL_MAX for line in sample):
        raise Invalid("sheet_kind", "The file has lines too long to be a table.", hint="Ask for CSV, XLSX, XLS or ODS.")
    delimiter = delimiter or find_delimiter(sample)
    grid = _table(text, delimiter, name) if delimiter else _lines(text, name)
    grid.lines = (grid.lines + (first_line - 1)).astype(np.int32)
    grid.delimiter, grid.encoding = delimiter, encoding
    return grid


def find_delimiter(lines: Sequence[str]) -> str:
    """The delimiter by which most lines have the same number of cells, the more cells the better; "" where none parts them.

    A comma that is the decimal mark of `Spain;34;0,0100` parts its lines just as evenly: where a stronger delimiter is there as
    well, the comma inside its cells does not count.
    """
    best, most = "", 0.0
    for delimiter in DELIMITERS:
        rows = _rows("\n".join(lines), delimiter)
        widths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
        total = sum(widths.values())
        if not total:
            return ""
        width, count = max(widths.items(), key=lambda item: (item[1] if item[0] > 1 else 0, item[0]))
        if width < 2:
            continue
        share = count / total
        cells = [row for row in rows if len(row) == width]
        score = share * (1 + min(width, 12) / 12) * _plausible(cells, delimiter)
        if score > most:
            best, most = delimiter, score
    return best or (" " if _is_spaced(lines) else "")


def _is_spaced(lines: Sequence[str]) -> bool:
    """Whether single blanks part every line into the same number of cells."""
    widths = {len(line.split(" ")) for line in lines if line.strip()}
    return len(widths) == 1 and min(widths) > 1


def _plausible(rows: list[list[str]], delimiter: str) -> float:
    """Below one where cells look cut in two: digits on both sides, times, or cells that hold another delimiter throughout."""
    whole = 0
    for row in rows:
        text = delimiter.join(row)
        others = max((text.count(each) for each in (";", "\t", "|") if each != delimiter), default=0)
        if others >= max(len(row) - 1, 1) or (delimiter == ":" and sum(cell.strip().isdigit() for cell in row) < 2):
            whole += 1
    return 1.0 - 0.8 * whole / max(len(rows), 1)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return [line.split(delimiter) for line in text.split("\n")]


def _lines(text: str, name: str) -> Grid:
    return grid_of(name, [[line] for line in text.split("\n")])


def _table(text: str, delimiter: str, name: str) -> Grid:
    """Arrow cuts the lines that are as wide as most; the others, titles and notes, are cut one by one."""
    sample = _rows("\n".join(text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]), delimiter)
    widths = Counter(len(row) for row in sample if any(cell.strip() for cell in row))
    if not widths:
        return _lines(text, name)
    width = min(max(widths.items(), key=lambda item: (item[1] if item[0] > 1 else 0, item[0]))[0], _WIDTH_MAX)
    odd: dict[int, str] = {}

    def keep(row: Any) -> str:
        odd[row.number] = row.text
        if len(odd) > _ODD_ROWS_MAX:
            return "error"
        return "skip"

    quoted = '"' in text
    octets = text.encode()
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(octets),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=max(len(octets) + 1, 2**16), column_names=[str(n) for n in range(width)]
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
                invalid_row_handler=keep,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={str(n): pa.string() for n in range(width)}, strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return _slowly(text, delimiter, name)
    del octets
    columns = [clean(column.combine_chunks()) for column in table.columns]
    height = table.num_rows + len(odd)
    # Where a cell holds line ends, the lines of the file are more than its rows.
    inside = np.zeros(table.num_rows, np.int32)
    if quoted:
        for column in table.columns:
            inside += pc.count_substring(column, "\n").combine_chunks().to_numpy(zero_copy_only=False)
    places = np.fromiter(odd, np.int64, len(odd)) - 1
    rows = np.delete(np.arange(height), places)
    extra = np.zeros(height, np.int64)
    extra[rows] = inside
    extra[places] = [text.count("\n") for text in odd.values()]
    lines = (
        (np.arange(1, height + 1) + np.concatenate([[0], np.cumsum(extra)[:-1]])).astype(np.int32) if height else rows
    )
    if not odd:
        return Grid(name, columns, lines.astype(np.int32), [None] * width)
    return _merged(name, columns, rows, {place - 1: _cells(text, delimiter) for place, text in odd.items()}, lines)


def _cells(text: str, delimiter: str) -> list[str]:
    rows = _rows(text, delimiter)
    return rows[0] if len(rows) == 1 else text.split(delimiter)


def _merged(name: str, columns: list[pa.Array], rows: np.ndarray, odd: dict[int, list[str]], lines: np.ndarray) -> Grid:
    """The rows of the usual width and the others, in the order of the file; as wide as the widest that is not absurd."""
    trimmed = {place: _trimmed(cells) for place, cells in odd.items()}
    width = max([len(columns), *(len(cells) for cells in trimmed.values())])
    width = min(width, _WIDTH_MAX)
    order = np.empty(len(lines), np.int64)
    order[rows] = np.arange(len(rows))
    order[list(trimmed)] = len(rows) + np.arange(len(trimmed))
    merged = []
    for number in range(width):
        more = clean(
            pa.array([cells[number] if number < len(cells) else None for cells in trimmed.values()], pa.string())
        )
        base = columns[number] if number < len(columns) else pa.nulls(len(rows), pa.string())
        merged.append(pa.concat_arrays([base, more]).take(pa.array(order)))
    return Grid(name, merged, lines, [None] * width)


def _trimmed(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _slowly(text: str, delimiter: str, name: str) -> Grid:
    """Where Arrow refuses: quotes that do not close, or rows of all widths."""
    rows: list[list[str]] = []
    lines: list[int] = []
    before = 1
    csv.field_size_limit(_CELL_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            rows.append(_trimmed(row)[:_WIDTH_MAX])
            lines.append(before)
            before = reader.line_num + 1
    except csv.Error:
        every = text.split("\n")
        return grid_of(name, [_trimmed(line.split(delimiter))[:_WIDTH_MAX] for line in every])
    return grid_of(name, rows, lines=lines)
