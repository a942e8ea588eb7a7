"""How a worksheet begins and ends, for whoever looks at its layout."""

from __future__ import annotations

from typing import Any, Final

from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Layout

HEAD_ROWS: Final = 5  # of the table, below its header
TAIL_ROWS: Final = 5
ROWS_MAX: Final = 30
COLUMNS_MAX: Final = 60
CELL_MAX: Final = 80


def glimpse(grid: Grid, layout: Layout) -> dict[str, Any]:
    """The first and the last rows of a worksheet as plain values: each with its row, its line in the file, and the texts of its cells.

    `bounds` has the lines at which the table of the layout has its header, begins and ends; 0 where there is none. `left_out` is how many rows stand
    between the first and the last ones.
    """
    sheet = next((each for each in layout.sheets if (each.member, each.name) == (grid.member, grid.name)), None)
    first = min(sheet.first_row, grid.height) if sheet is not None else 0
    head = range(min(grid.height, first + HEAD_ROWS, ROWS_MAX))
    if first + HEAD_ROWS > ROWS_MAX:  # a long title: what stands right above the table is what tells
        head = range(max(0, first - ROWS_MAX + HEAD_ROWS), min(grid.height, first + HEAD_ROWS))
    last = min(sheet.last_row, grid.height) if sheet is not None and sheet.last_row else grid.height
    tail = range(
        max(head.stop, min(last - 2, grid.height - TAIL_ROWS)), min(grid.height, max(head.stop, last - 2) + TAIL_ROWS)
    )
    bounds = {"header": 0, "first": 0, "last": 0}
    if sheet is not None and grid.height:
        bounds = {
            "header": int(grid.lines[sheet.header_rows[0]]) if sheet.header_rows else 0,
            "first": int(grid.lines[min(sheet.first_row, grid.height - 1)]),
            "last": int(grid.lines[max(min(sheet.last_row or grid.height, grid.height), 1) - 1]),
        }
    return {
        "name": grid.name,
        "member": grid.member,
        "is_hidden": grid.is_hidden,
        "rows": grid.height,
        "width": grid.width,
        "lines": int(grid.lines[-1]) if grid.height else 0,
        "bounds": bounds,
        "head": _rows(grid, head),
        "left_out": max(0, tail.start - head.stop),
        "tail": _rows(grid, tail),
    }


def _rows(grid: Grid, span: range) -> list[dict[str, Any]]:
    return [
        {"row": row, "line": int(grid.lines[row]), "cells": [cell.text[:CELL_MAX] for cell in cells[:COLUMNS_MAX]]}
        for row, cells in zip(span, grid.rows(span.start, span.stop), strict=True)
    ]
