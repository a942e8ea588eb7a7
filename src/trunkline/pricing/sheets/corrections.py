"""What a person says of a layout: which worksheet is what, where its table stands, what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import COLUMN_DOUBTS, SETTLES, Column, DoubtAt, Layout, Purpose, Role, SheetLayout
from trunkline.pricing.sheets.price_cells import Mark
from trunkline.pricing.sheets.reasons import Doubt
from trunkline.pricing.sheets.recognise import guess_columns
from trunkline.pricing.sheets.tables import joined


@dataclass(frozen=True, slots=True)
class Correction:
    """How one worksheet is to be read. Lines count from 1, as spreadsheets and editors do; 0 of `header`: there is none.

    `roles` has the meaning of columns by their index, of those that are said.
    """

    purpose: Purpose
    header: int
    first: int
    last: int
    date_order: DateOrder
    mark: Mark
    roles: Mapping[int, Role]

    def as_json(self) -> dict[str, Any]:
        """Plain values; `of_json` makes the same of them."""
        return asdict(self) | {"roles": {str(index): str(role) for index, role in self.roles.items()}}

    @staticmethod
    def of_json(said: Mapping[str, Any]) -> Correction:
        """Raises Invalid `bad_layout`."""
        try:
            return Correction(
                Purpose(said["purpose"]),
                int(said["header"]),
                int(said["first"]),
                int(said["last"]),
                DateOrder(said["date_order"]),
                Mark(said["mark"]),
                {int(index): Role(role) for index, role in said["roles"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Invalid("bad_layout", f"That is no correction of a layout: {error}.") from error


def corrected(layout: Layout, grids: Sequence[Grid], said: Sequence[Correction | None], *, is_settled: bool) -> Layout:
    """The layout with what a person says of its worksheets, in their order; of None nothing is said.

    With `is_settled` the person has looked at what was doubted. Columns of a table that stands elsewhere now are guessed by their headers where
    nothing is said. Raises Invalid `bad_layout` for lines that the file does not have, or in the wrong order.
    """
    sheets = []
    for number, sheet in enumerate(layout.sheets):
        correction = said[number] if number < len(said) else None
        grid = next((each for each in grids if (each.member, each.name) == (sheet.member, sheet.name)), None)
        sheets.append(sheet if correction is None or grid is None else _corrected(sheet, grid, correction))
    if not is_settled:
        # What was said by hand is no guess any more; what is doubted beside it stays.
        doubts = tuple(each for each in layout.doubts if not _is_answered(each, layout.sheets, sheets))
        return replace(layout, sheets=tuple(sheets), doubts=doubts, confidence=1.0 if any(said) else layout.confidence)
    return replace(layout, sheets=tuple(replace(each, confidence=1.0) for each in sheets), doubts=(), confidence=1.0)


def _is_answered(doubt: DoubtAt, before: Sequence[SheetLayout], after: Sequence[SheetLayout]) -> bool:
    """Whether what a person says settles a doubt: that there is no table by naming one, others by saying what they ask."""
    if not doubt.sheet:
        return doubt.doubt is Doubt.NO_TABLE and any(each.purpose is Purpose.RATES for each in after)
    settled: set[Doubt] = set()
    for old, new in zip(before, after, strict=True):
        if old.name != doubt.sheet:
            continue
        if [(c.index, c.role) for c in old.columns] != [(c.index, c.role) for c in new.columns]:
            settled |= COLUMN_DOUBTS
        for option in ("purpose", "mark", "date_order"):
            if getattr(old, option) != getattr(new, option):
                settled |= set(SETTLES[option])
    return doubt.doubt in settled


def differs(sheet: SheetLayout, said: Correction, line_of: Mapping[int, int]) -> bool:
    """Whether a correction says anything that the layout does not. `line_of` has the line of each row that can be named."""
    roles = {column.index: column.role for column in sheet.columns}
    header = line_of.get(sheet.header_rows[0], 0) if sheet.header_rows else 0
    bounds = (header, line_of.get(sheet.first_row, 0), line_of.get(sheet.last_row - 1, 0))
    return (
        (said.purpose, said.date_order, said.mark) != (sheet.purpose, sheet.date_order, sheet.mark)
        or (said.purpose is not Purpose.SKIP and (said.header, said.first, said.last) != bounds)
        or any(roles.get(index, Role.IGNORED) is not role for index, role in said.roles.items())
    )


def _corrected(sheet: SheetLayout, grid: Grid, said: Correction) -> SheetLayout:
    if said.purpose is Purpose.SKIP:
        return replace(sheet, purpose=said.purpose, why="by hand")
    first, last = _row(grid, said.first), _row(grid, said.last)
    header_rows = _header_rows(sheet, grid, said.header, first)
    if first > last or (header_rows and header_rows[-1] >= first):
        raise Invalid(
            "bad_layout", f"{grid.name}: the header stands above the first line, and the last one below.", field="first"
        )
    columns = list(sheet.columns)
    if header_rows != sheet.header_rows or not columns:
        known = {column.header: column for column in sheet.columns if column.header}
        columns = [known_or(each, known) for each in guess_columns(grid, header_rows, first, last + 1)]
    by_index = {column.index: column for column in columns}
    for index, role in said.roles.items():
        old = by_index.get(index)
        if 0 <= index < grid.width and (old is None or old.role is not role):
            by_index[index] = Column(index, old.header if old else _text(grid, header_rows, index), role)
    return replace(
        sheet,
        purpose=said.purpose,
        why=sheet.why if said.purpose is sheet.purpose else "by hand",
        header_rows=header_rows,
        first_row=first,
        last_row=last + 1,
        columns=tuple(by_index[index] for index in sorted(by_index)),
        date_order=said.date_order,
        mark=said.mark,
    )


def known_or(column: Column, known: Mapping[str, Column]) -> Column:
    """A column as it was understood before where its header has not changed, else as it is guessed."""
    found = known.get(column.header)
    return column if found is None else replace(found, index=column.index)


def _header_rows(sheet: SheetLayout, grid: Grid, line: int, first: int) -> tuple[int, ...]:
    if not line:
        return ()
    row = _row(grid, line)
    if sheet.header_rows and sheet.header_rows[0] == row and sheet.header_rows[-1] < first:
        return sheet.header_rows
    return (row,)


def _row(grid: Grid, line: int) -> int:
    """The row of a line, or the next one where the line is blank. Raises Invalid `bad_layout` past the end."""
    row = int(np.searchsorted(grid.lines, line))
    if line < 1 or row >= grid.height:
        last = int(grid.lines[-1]) if grid.height else 0
        raise Invalid("bad_layout", f"{grid.name} has no line {line}.", hint=f"Its last line is {last}.")
    return row


def _text(grid: Grid, header_rows: Sequence[int], index: int) -> str:
    if not header_rows:
        return ""
    return joined(grid.rows(header_rows[0], header_rows[-1] + 1))[index]
