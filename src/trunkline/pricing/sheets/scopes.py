"""How much of the world a sheet replaces: what it says of itself, and what its codes suggest. A hint; a person or a template decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from trunkline.pricing.sheets.code_cells import is_country
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Layout, Purpose
from trunkline.pricing.sheets.recognise import Context
from trunkline.pricing.sheets.titles import Scope, find_scope

WORLD: Final = 150  # calling codes from which a sheet is one of the whole world, unless it says otherwise
_CHANGES: Final = frozenset({"unchanged", "no change", "same", "current", "="})


@dataclass(frozen=True, slots=True)
class ScopeFound:
    """The scope, why, and what it was told from."""

    scope: Scope
    why: str
    countries: int = 0
    codes: int = 0
    currencies: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


def judge_scope(grids: Sequence[Grid], layout: Layout, lines: pa.Table, context: Context) -> ScopeFound:
    """What titles, names and subject say; else FULL for a sheet with codes of most countries; else unknown."""
    texts = [context.subject, context.name]
    for grid, sheet in zip(grids, layout.sheets, strict=False):
        if sheet.purpose is Purpose.SKIP:
            continue
        texts.append(grid.name)
        top = sheet.header_rows[0] if sheet.header_rows else sheet.first_row
        for row in [*grid.rows(0, top), *grid.rows(sheet.last_row, sheet.last_row + 40)]:
            texts.append(" ".join(cell.text for cell in row if cell.text))
    scope, why = find_scope([text for text in texts if text])
    codes = pc.unique(lines["code"].combine_chunks()).drop_null() if lines.num_rows else pa.array([], pa.string())
    countries = _countries(codes)
    if scope is Scope.UNKNOWN and len(countries) >= WORLD:
        scope, why = Scope.FULL, f"it has codes of {len(countries)} country codes"
    elif scope is Scope.UNKNOWN:
        why = "neither the sheet nor its codes say it"
    return ScopeFound(
        scope, why, len(countries), len(codes), tuple(_few(lines, "currency")), tuple(text[:10] for text in _few(lines, "valid_from")),
    )  # fmt: skip


def _few(lines: pa.Table, name: str) -> list[str]:
    if not lines.num_rows:
        return []
    return [str(value) for value in pc.unique(lines[name].combine_chunks()).to_pylist()[:20] if value not in {None, ""}]


def _countries(codes: pa.Array) -> set[str]:
    found: set[str] = set()
    heads = pc.unique(pc.utf8_slice_codeunits(codes, 0, 3)).to_pylist() if len(codes) else []
    for head in heads:
        for size in (1, 2, 3):
            if is_country(head[:size]):
                found.add(head[:size])
                break
    return found
