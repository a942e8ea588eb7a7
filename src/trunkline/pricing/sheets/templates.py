"""A layout kept from an earlier file of a vendor, laid on his next one: the same meanings, found again by their headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Column, DoubtAt, Layout, Purpose, Role, SheetLayout
from trunkline.pricing.sheets.reasons import Doubt
from trunkline.pricing.sheets.recognise import Context, last_row, texts_around
from trunkline.pricing.sheets.roles import Roles
from trunkline.pricing.sheets.tables import Table, find_table, joined
from trunkline.pricing.sheets.titles import read_titles
from trunkline.pricing.sheets.words import plain

_LOOKED_AT: Final = 200


def fit(template: Layout, grids: Sequence[Grid], context: Context = Context()) -> Layout:  # noqa: B008 - frozen
    """The template's layout for these sheets. Columns are found by their headers, wherever they stand now; rows of title and notes are
    looked at anew, for the date. What the template needs and the file lacks is a doubt."""
    sheets: list[SheetLayout] = []
    doubts: list[DoubtAt] = []
    left = [sheet for sheet in template.sheets if sheet.purpose is not Purpose.SKIP]
    for grid in grids:
        chosen = _choose(grid, left)
        if chosen is None:
            sheets.append(SheetLayout(grid.name, Purpose.SKIP, grid.member, why="the template has nothing like it"))
            continue
        found, table = chosen
        left.remove(found)
        sheet, lost = _laid(grid, found, table, context)
        sheets.append(sheet)
        if lost:
            shown = ", ".join(repr(column.header) for column in lost)
            doubts.append(
                DoubtAt(
                    Doubt.HEADER_CONTRADICTED,
                    grid.name,
                    f"The template's columns are not there: {shown}.",
                    "Correct the template, or read without it.",
                )
            )
    if any(sheet.purpose is Purpose.RATES for sheet in left):
        doubts.append(
            DoubtAt(
                Doubt.NO_TABLE, "", "The template's table of rates is not in the file.", "Read without the template."
            )
        )
    return replace(template, sheets=tuple(sheets), doubts=tuple(doubts), confidence=1.0)


def _choose(grid: Grid, sheets: Sequence[SheetLayout]) -> tuple[SheetLayout, Table] | None:
    """The template's sheet of which this grid has most columns: of equal ones that of the same name."""
    best: tuple[float, bool, SheetLayout, Table] | None = None
    for sheet in sheets:
        table = _table(grid, sheet)
        if table is None:
            continue
        share = _share(sheet, table.headers)
        if share >= 0.5 and (best is None or (share, sheet.name == grid.name) > best[:2]):
            best = (share, sheet.name == grid.name, sheet, table)
    return best[2:] if best else None


def _wanted(sheet: SheetLayout) -> list[Column]:
    return [column for column in sheet.columns if column.role is not Role.IGNORED]


def _share(sheet: SheetLayout, headers: Sequence[str]) -> float:
    wanted = [plain(column.header) for column in _wanted(sheet)]
    if not any(wanted):
        return 1.0 if not any(headers) and len(headers) > max((c.index for c in _wanted(sheet)), default=0) else 0.0
    known = {plain(text) for text in headers}
    return sum(text in known for text in wanted) / max(len(wanted), 1)


def _table(grid: Grid, sheet: SheetLayout) -> Table | None:
    if not sheet.header_rows:
        return find_table(grid) if grid.height else None
    rows = grid.rows(0, _LOOKED_AT)
    span = len(sheet.header_rows)
    best: tuple[float, Table] | None = None
    for start in range(len(rows) - span + 1):
        headers = joined(rows[start : start + span])
        share = _share(sheet, headers)
        if share >= 0.5 and (best is None or share > best[0]):
            best = (share, Table(tuple(range(start, start + span)), tuple(headers), start + span, share))
    return best[1] if best else None


def _laid(grid: Grid, sheet: SheetLayout, table: Table, context: Context) -> tuple[SheetLayout, list[Column]]:
    places: dict[str, list[int]] = {}
    for index, text in enumerate(table.headers):
        places.setdefault(plain(text), []).append(index)
    columns, lost = [], []
    for column in _wanted(sheet):
        if not sheet.header_rows:
            columns.append(column)
            continue
        found = places.get(plain(column.header))
        if found:
            columns.append(replace(column, index=found.pop(0), confidence=1.0, why="by the template"))
        else:
            lost.append(column)
    taken = {column.index for column in columns}
    columns += [
        Column(n, text, Role.IGNORED, 1.0, "not in the template")
        for n, text in enumerate(table.headers)
        if n not in taken
    ]
    columns.sort(key=lambda column: column.index)
    last = last_row(grid, table.first_row, Roles(tuple(columns)))
    texts = [
        *texts_around(grid, table, last),
        grid.name.replace("_", " "),
        context.name.replace("_", " "),
        context.subject,
    ]
    said = read_titles([text for text in texts if text], sheet.date_order, context.received_on)
    effective = said.effective[0] if len(said.effective) == 1 else "asap" if said.is_at_once else ""
    laid = replace(
        sheet, name=grid.name, member=grid.member, header_rows=table.header_rows, first_row=table.first_row, last_row=last, columns=tuple(columns),
        effective=effective, currency=said.currency or sheet.currency, confidence=1.0,
    )  # fmt: skip
    return laid, [column for column in lost if column.role in _NEEDED]


_NEEDED: Final = frozenset(
    set(Role) - {Role.CHANGE, Role.LEVEL, Role.EXPIRY, Role.IGNORED, Role.NETWORK, Role.INCLUDED, Role.GRACE}
)
