"""Codes on a sheet of their own, keyed by the destination that the rates name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.cells import fill_down
from trunkline.pricing.sheets.code_cells import read_codes, unwrapped
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Purpose, Role, SheetLayout
from trunkline.pricing.sheets.reasons import RowError
from trunkline.pricing.sheets.words import plain


@dataclass(frozen=True, slots=True)
class CodeNames:
    """The codes of each destination, by its name made plain, its name as written, and the rows whose codes cannot be read."""

    names: Mapping[str, str]
    codes: Mapping[str, tuple[str, ...]]
    errors: tuple[RowError, ...]


def read_code_names(sheets: Sequence[tuple[Grid, SheetLayout]]) -> CodeNames:
    """What the codes sheets of a workbook say."""
    codes: dict[str, dict[str, None]] = {}
    errors: list[RowError] = []
    written: dict[str, str] = {}
    for grid, sheet in sheets:
        _read_one(grid, sheet, codes, written, errors)
    return CodeNames(written, {name: tuple(each) for name, each in codes.items()}, tuple(errors))


def _read_one(
    grid: Grid, sheet: SheetLayout, codes: dict[str, dict[str, None]], written: dict[str, str], errors: list[RowError]
) -> None:
    name = sheet.column(Role.ORIGIN) if sheet.purpose is Purpose.ORIGINS else None
    name = name or sheet.column(Role.DESTINATION) or sheet.column(Role.COUNTRY) or sheet.column(Role.NETWORK)
    code = sheet.column(Role.CODE) or sheet.column(Role.AREA_CODE) or sheet.column(Role.ORIGIN_CODE)
    head = sheet.column(Role.COUNTRY_CODE)
    if name is None or (code or head) is None:
        return
    count = sheet.last_row - sheet.first_row
    names = fill_down(grid.columns[name.index].slice(sheet.first_row, count)).to_pylist()
    column = code or head
    assert column is not None  # noqa: S101 - told above
    texts = grid.columns[column.index].slice(sheet.first_row, count).to_pylist()
    heads: list[str | None] = [None] * count
    if head is not None and code is not None:
        heads = fill_down(grid.columns[head.index].slice(sheet.first_row, count)).to_pylist()
    for row in range(count):
        own = bool(head is not None and grid.columns[head.index][sheet.first_row + row].as_py())
        if not names[row] or not (texts[row] or own):
            continue
        country = unwrapped(heads[row] or "").lstrip("+")
        try:
            found = read_codes(texts[row], country, sheet.codes) if texts[row] else read_codes(country)
        except Invalid as error:
            errors.append(
                RowError(
                    grid.name,
                    int(grid.lines[sheet.first_row + row]),
                    column.header,
                    error.code,
                    (texts[row] or country)[:200],
                )
            )
            continue
        written.setdefault(plain(names[row]), names[row])
        codes.setdefault(plain(names[row]), {}).update(dict.fromkeys(found))
