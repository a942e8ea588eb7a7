"""Where the table of a sheet begins: below its titles, at a header of one to three rows, or at its first row of values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.pricing.sheets.grid import Cell, Grid
from trunkline.pricing.sheets.headers import meaning_of
from trunkline.pricing.sheets.profile import looks_like_data

_LOOKED_AT: Final = 120
_SPAN_MAX: Final = 3
_LETTERS: Final = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the header, their cells joined by column, and the first row below. Without a header `headers` are empty texts."""

    header_rows: tuple[int, ...]
    headers: tuple[str, ...]
    first_row: int
    score: float


def find_table(grid: Grid) -> Table | None:
    """The best header of the sheet's first rows; a table without a header if there is none; None for a sheet without values."""
    rows = grid.rows(0, _LOOKED_AT)
    best: Table | None = None
    for start in range(len(rows)):
        if best is not None and start > best.header_rows[-1] + 40:
            break
        for span in range(1, _SPAN_MAX + 1):
            found = _header(rows, start, span)
            # A header repeated further down may score better, for values follow it at once.
            if found is not None and (
                best is None or (found.score > best.score + 1e-9 and found.headers != best.headers)
            ):
                best = found
    if best is not None:
        return best
    return _without_header(rows, grid.width)


def _header(rows: Sequence[Sequence[Cell]], start: int, span: int) -> Table | None:
    chosen = rows[start : start + span]
    if len(chosen) < span or not any(cell.text for cell in chosen[0]) or not any(cell.text for cell in chosen[-1]):
        return None
    if any(looks_like_data(row) for row in chosen) or any(map(_is_title, chosen[:-1])):
        return None
    headers = joined(chosen)
    meanings = [
        meaning_of(text) if text and (_LETTERS.search(text) or "#" in text or "$" in text) else None for text in headers
    ]
    known: dict[str, float] = {}
    for meaning in meanings:
        if meaning is not None and meaning.role not in {"other", "comment"}:
            known[meaning.role] = max(known.get(meaning.role, 0.0), meaning.score)
    others = sum(meaning is not None for meaning in meanings) - len(known)
    filled = sum(bool(text) for text in headers)
    below = rows[start + span : start + span + 6]
    if not any(looks_like_data(row) for row in below) and any(any(c.text for c in row) for row in below):
        return None
    # One word that is known is enough for a row as wide as the values right below it.
    is_above = (
        bool(below) and looks_like_data(below[0]) and filled >= max(2, 0.7 * sum(bool(cell.text) for cell in below[0]))
    )
    if len(known) < (1 if is_above else 2):
        return None
    score = sum(known.values()) + 0.2 * others - 0.3 * (filled - len(known) - others) - 0.45 * (span - 1)
    # What stands right above the first values is the header, not a line of the title that speaks of the same things.
    if below and looks_like_data(below[0]):
        score += 0.5
    return Table(tuple(range(start, start + span)), tuple(headers), start + span, score)


def _is_title(row: Sequence[Cell]) -> bool:
    """Whether a row has one cell, on the left: a title, and no part of a header."""
    filled = [number for number, cell in enumerate(row) if cell.text]
    return len(filled) == 1 and filled[0] <= 1


def joined(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The texts of a header of several rows by column. A cell of an upper row reaches over the empty ones right of it."""
    texts = [""] * len(rows[0])
    for number, row in enumerate(rows):
        below = rows[number + 1] if number + 1 < len(rows) else None
        filled = sum(bool(cell.text) for cell in row)
        reach = ""
        for column, cell in enumerate(row):
            if cell.text:
                reach = cell.text
                texts[column] = f"{texts[column]} {cell.text}".strip()
            elif below is not None and below[column].text and filled > 1 and reach:
                texts[column] = f"{texts[column]} {reach}".strip()
    return texts


def _without_header(rows: Sequence[Sequence[Cell]], width: int) -> Table | None:
    for number, row in enumerate(rows):
        if sum(bool(cell.text) for cell in row) >= 2 and looks_like_data(row):
            return Table((), ("",) * width, number, 0.0)
    return None
