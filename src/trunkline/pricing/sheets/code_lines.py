"""What a file says of codes and their names, whatever it says of prices: for code decks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.pricing.sheets.container import read_file
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Layout, Purpose, Role, SheetLayout
from trunkline.pricing.sheets.lines import LineReader
from trunkline.pricing.sheets.reasons import Doubt, RowError, RowReason
from trunkline.pricing.sheets.recognise import Context, recognise

# A code and its name, where it stands. No line has an empty name.
CODE_LINES: Final = pa.schema(
    [
        pa.field("sheet", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
    ]
)
_CODE_ROLES: Final = (Role.CODE, Role.COUNTRY_CODE, Role.AREA_CODE, Role.NPA, Role.NXX)
# A deck needs no prices: what is not sure of these is no matter.
_OF_CODES: Final = frozenset({Doubt.SEVERAL_CODE_COLUMNS, Doubt.HYPHEN, Doubt.CODE_COMMA, Doubt.NOT_A_RATE_SHEET})


@dataclass(frozen=True, slots=True)
class CodeReading:
    """The codes of a file of `CODE_LINES`, the rows that gave none, how it was understood, and why that may be wrong."""

    lines: pa.Table
    errors: tuple[RowError, ...]
    layout: Layout
    doubts: tuple[str, ...]


def read_code_lines(data: bytes, name: str, layout: Layout | None = None) -> CodeReading:
    """The codes and names of a file: of its codes sheets, if it has any, otherwise of its rates sheets.

    Raises Invalid for a file that cannot be opened (`container.read_file`).
    """
    grids = read_file(data, name)
    found = layout or recognise(grids, Context(name))
    by_name = {(grid.member, grid.name): grid for grid in grids}
    pairs = [(by_name[s.member, s.name], s) for s in found.sheets if (s.member, s.name) in by_name]
    chosen = _of(pairs, Purpose.CODES) or _of(pairs, Purpose.RATES)
    read = [_CodeReader(grid, sheet, None).code_lines() for grid, sheet in chosen]
    lines = pa.concat_tables([table for table, _ in read]).combine_chunks() if read else CODE_LINES.empty_table()
    errors = tuple(error for _, each in read for error in each)
    doubts = tuple(each.text for each in found.doubts if each.doubt in _OF_CODES)
    return CodeReading(lines, errors, found, doubts)


def _of(pairs: Sequence[tuple[Grid, SheetLayout]], purpose: Purpose) -> list[tuple[Grid, SheetLayout]]:
    return [(grid, sheet) for grid, sheet in pairs if sheet.purpose is purpose]


class _CodeReader(LineReader):
    """Reads the codes and the names of a sheet, and nothing else of it."""

    def code_lines(self) -> tuple[pa.Table, list[RowError]]:
        if not self.height or not self.columns:
            return CODE_LINES.empty_table(), []
        cells = np.zeros(self.height, np.int32)
        for column in self.columns:
            cells += pc.is_valid(column).to_numpy(zero_copy_only=False)
        has_code = self.filled(*_CODE_ROLES)
        self.headings = ~has_code & (cells == 1)
        keep = has_code & (cells > 0)
        runs = self.codes()
        names = self.names(np.arange(self.height))
        self.problems.forget(~keep)
        nameless = keep & ~pc.is_valid(names).to_numpy(zero_copy_only=False)
        self.problems.add(np.flatnonzero(nameless), RowReason.NO_NAME, self.index(Role.DESTINATION))
        self.forgive_headers(keep)
        keep &= ~self.problems.is_bad
        codes, parents = runs.spread()
        rows = np.flatnonzero(keep[parents])
        at = parents[rows]
        count = len(rows)
        table = pa.table(
            [
                pa.array([self.sheet.name] * count, pa.string()),
                pa.array(np.asarray(self.grid.lines)[self.start + at], pa.int32()),
                codes.take(pa.array(rows)),
                names.take(pa.array(at)),
            ],
            schema=CODE_LINES,
        )
        return table, self.errors()
