"""A sheet as columns of text, whatever file it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SAMPLE_HEAD: Final = 400
SAMPLE_SPREAD: Final = 500
SAMPLE_TAIL: Final = 100

# What Excel and the web put into cells instead of a blank, and marks nobody sees.
_BLANKS: Final = r"[\x{00a0}\x{2007}\x{202f}\x{2009}\x{3000}\t\r\n]+"
_UNSEEN: Final = r"[\x{200b}-\x{200f}\x{feff}\x{2060}\x{00ad}]"
_ODD: Final = r"[^\x{0021}-\x{007e} ]"


class CellKind(IntEnum):
    """What the file says a cell is. In a CSV everything is text."""

    EMPTY = 0
    TEXT = 1
    NUMBER = 2
    DATE = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a sample: its text, and what the file says it is."""

    text: str
    kind: CellKind


@dataclass(slots=True)
class Grid:
    """A sheet: `columns` of trimmed text, null where a cell is empty; `kinds` of the cells, None where all are text.

    `lines` is the line of each row in the file, from 1.
    """

    name: str
    columns: list[pa.Array]
    lines: npt.NDArray[np.int32]
    kinds: list[npt.NDArray[np.uint8] | None]
    is_hidden: bool = False
    delimiter: str = ""
    encoding: str = ""
    member: str = ""

    @property
    def height(self) -> int:
        return len(self.lines)

    @property
    def width(self) -> int:
        return len(self.columns)

    def row(self, index: int) -> list[Cell]:
        """The cells of a row."""
        return [self.cell(index, column) for column in range(self.width)]

    def cell(self, index: int, column: int) -> Cell:
        text = self.columns[column][index].as_py()
        if text is None:
            return Cell("", CellKind.EMPTY)
        kinds = self.kinds[column]
        return Cell(text, CellKind.TEXT if kinds is None else CellKind(int(kinds[index])))

    def rows(self, start: int, stop: int) -> list[list[Cell]]:
        """Several rows at once."""
        start, stop = max(start, 0), min(stop, self.height)
        if stop <= start:
            return []
        columns = []
        for number, column in enumerate(self.columns):
            texts = column.slice(start, stop - start).to_pylist()
            kinds = self.kinds[number]
            if kinds is None:
                columns.append([Cell(t, CellKind.TEXT) if t is not None else _EMPTY for t in texts])
            else:
                columns.append(
                    [
                        Cell(t, CellKind(int(k))) if t is not None else _EMPTY
                        for t, k in zip(texts, kinds[start:stop], strict=True)
                    ]
                )
        return [list(cells) for cells in zip(*columns, strict=True)]

    def sample(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """Some hundreds of row numbers of [start, stop): the first, the last, and others spread over it."""
        head = np.arange(start, min(stop, start + SAMPLE_HEAD))
        spread = np.linspace(start, stop - 1, SAMPLE_SPREAD).astype(np.int64) if stop > start else head
        tail = np.arange(max(start, stop - SAMPLE_TAIL), stop)
        return np.unique(np.concatenate([head, spread, tail])).astype(np.int64)


_EMPTY: Final = Cell("", CellKind.EMPTY)


def clean(column: pa.Array) -> pa.Array:
    """The texts trimmed, blanks of every kind made spaces, unseen marks taken out; null where nothing is left."""
    column = column.cast(pa.string())
    if pc.any(pc.match_substring_regex(column, _ODD)).as_py():
        column = pc.replace_substring_regex(column, _BLANKS, " ")
        column = pc.replace_substring_regex(column, _UNSEEN, "")
    column = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def grid_of(name: str, rows: Sequence[Sequence[str]], *, lines: Iterable[int] | None = None) -> Grid:
    """A grid of rows of text, which may be of different lengths."""
    width = max((len(row) for row in rows), default=0)
    columns = [
        clean(pa.array([row[number] if number < len(row) else None for row in rows], pa.string()))
        for number in range(width)
    ]
    numbers = np.arange(1, len(rows) + 1, dtype=np.int32) if lines is None else np.fromiter(lines, np.int32)
    return Grid(name, columns, numbers, [None] * width)


def letter(column: int) -> str:
    """The letters by which spreadsheets call a column: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
