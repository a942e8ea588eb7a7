"""A rate sheet from its file to its lines: opened, recognised, read, and judged as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import PRICE_DECIMALS, scaled_text
from trunkline.pricing.sheets.code_names import CodeNames, read_code_names
from trunkline.pricing.sheets.container import read_file
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.keyed import KEYED, read_keyed
from trunkline.pricing.sheets.layout import DoubtAt, Layout, Purpose, SheetLayout, to_json
from trunkline.pricing.sheets.lines import LINES, SheetLines, read_lines
from trunkline.pricing.sheets.reasons import Doubt, RowError
from trunkline.pricing.sheets.recognise import Context, recognise
from trunkline.pricing.sheets.scopes import ScopeFound, judge_scope
from trunkline.pricing.sheets.templates import fit

READ_SHARE_MIN: Final = 0.5
SAMPLE_LINES: Final = 10
_OF_LINES: Final = frozenset({Doubt.FEW_ROWS_READ, Doubt.SHEETS_DISAGREE})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: its layout, its lines (`lines.LINES`), the rows that gave none, its scope, and counts."""

    layout: Layout
    lines: pa.Table
    errors: tuple[RowError, ...]
    scope: ScopeFound
    rows: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)  # codes of each origin that the rates name
    duplicates: int = 0
    contradictions: int = 0


def read_sheet(
    data: bytes, name: str, context: Context | None = None, layout: Layout | None = None, template: Layout | None = None
) -> Reading:
    """Read a file. With a `layout` of this very file, corrected by hand, nothing is guessed; a `template` is the layout of an earlier file
    of the vendor, laid on this one.

    Raises Invalid for a file that cannot be opened (`container.read_file`); all else is in the reading.
    """
    grids = read_file(data, name)
    context = context or Context(name)
    if template is not None:
        layout = fit(template, grids, context)
    return read_grids(grids, context, layout)


def read_grids(grids: Sequence[Grid], context: Context, layout: Layout | None = None) -> Reading:
    """The same for sheets that are open."""
    found = layout or recognise(grids, context)
    if found.form == KEYED:
        read = [(found.sheets[0], read_keyed(grids))]
    else:
        read = _read_all(grids, found)
    lines = pa.concat_tables([each.lines for _, each in read]).combine_chunks() if read else LINES.empty_table()
    errors = tuple(dict.fromkeys(error for _, each in read for error in each.errors))
    skipped: dict[str, int] = {}
    for _, each in read:
        for what, count in each.skipped.items():
            skipped[what] = skipped.get(what, 0) + count
    duplicates, contradictions, across = _duplicates(lines)
    # What the lines tell is told anew, also of a layout that was corrected.
    doubts = [each for each in found.doubts if each.doubt not in _OF_LINES]
    doubts += _doubts_of_lines(read, across)
    found = replace(found, doubts=tuple(doubts))
    origins = _origins(grids, found)
    errors += origins.errors
    rows = sum(each.rows for _, each in read)
    named = {origins.names[name]: codes for name, codes in origins.codes.items()}
    scope = judge_scope(grids, found, lines, context)
    return Reading(found, lines, errors, scope, rows, skipped, named, duplicates, contradictions)


def _read_all(grids: Sequence[Grid], layout: Layout) -> list[tuple[SheetLayout, SheetLines]]:
    """The lines of all rates sheets; those without codes of their own take them from the codes sheets."""
    pairs = _pairs(grids, layout)
    codes = [(grid, sheet) for grid, sheet in pairs if sheet.purpose is Purpose.CODES]
    known = read_code_names(codes) if codes else None
    return [(sheet, read_lines(grid, sheet, known)) for grid, sheet in pairs if sheet.purpose is Purpose.RATES]


def _origins(grids: Sequence[Grid], layout: Layout) -> CodeNames:
    """The codes of the origins, from the sheets that are for them."""
    return read_code_names([(grid, sheet) for grid, sheet in _pairs(grids, layout) if sheet.purpose is Purpose.ORIGINS])


def _pairs(grids: Sequence[Grid], layout: Layout) -> list[tuple[Grid, SheetLayout]]:
    by_name = {(grid.member, grid.name): grid for grid in grids}
    return [
        (by_name[sheet.member, sheet.name], sheet) for sheet in layout.sheets if (sheet.member, sheet.name) in by_name
    ]


def _doubts_of_lines(read: Sequence[tuple[SheetLayout, SheetLines]], across: bool) -> list[DoubtAt]:
    doubts = []
    for sheet, each in read:
        wanted = each.rows - sum(each.skipped.values())
        if wanted and len(each.errors) > (1 - READ_SHARE_MIN) * wanted:
            text = f"{len(each.errors)} of {wanted} rows cannot be read."
            doubts.append(
                DoubtAt(
                    Doubt.FEW_ROWS_READ, sheet.name, text, "Look at the columns: one is likely to mean something else."
                )
            )
    if read and not any(each.lines.num_rows or each.errors for _, each in read):
        doubts.append(DoubtAt(Doubt.NO_TABLE, read[0][0].name, "Not one row is a rate.", "Look at the columns."))
    if across:
        doubts.append(
            DoubtAt(
                Doubt.SHEETS_DISAGREE,
                "",
                "Two sheets price the same codes differently.",
                "Say which sheet to take, or skip one.",
            )
        )
    return doubts


def _duplicates(lines: pa.Table) -> tuple[int, int, bool]:
    """How many lines repeat another's code, date and the like; how many of those say another price; whether two sheets do."""
    keys = ["code", "destination", "valid_from", "slot", "level", "origin", "currency"]
    told = lines.filter(pc.is_valid(lines["code"])) if lines.num_rows else lines
    keys.remove("destination")
    if told.num_rows < 2 or pc.count_distinct(told["code"]).as_py() == told.num_rows:
        return 0, 0, False
    codes = told["code"].combine_chunks().dictionary_encode()
    counts = np.bincount(codes.indices.to_numpy(), minlength=len(codes.dictionary))
    several = told.filter(pa.array(counts[codes.indices.to_numpy()] > 1))
    values = ["price", "inter", "intra", "kind", "first", "interval"]
    groups = several.group_by(keys, use_threads=False).aggregate(
        [("line", "count"), ("sheet", "count_distinct")] + [(name, "count_distinct") for name in values]
    )
    repeated = groups.filter(pc.greater(groups["line_count"], 1))
    if not repeated.num_rows:
        return 0, 0, False
    differs = np.zeros(repeated.num_rows, np.bool_)
    for name in values:
        differs |= repeated[f"{name}_count_distinct"].to_numpy() > 1
    surplus = repeated["line_count"].to_numpy() - 1
    across = differs & (repeated["sheet_count_distinct"].to_numpy() > 1)
    return int(surplus.sum()), int(surplus[differs].sum()), bool(across.any())


def to_report(reading: Reading) -> dict[str, Any]:
    """What the command and the API show, as plain values: layout, columns, scope, counts, sample, errors."""
    lines = reading.lines
    kinds = (
        {each["values"]: each["counts"] for each in pc.value_counts(lines["kind"]).to_pylist()}
        if lines.num_rows
        else {}
    )
    layout = to_json(reading.layout)
    columns = [
        {
            "sheet": sheet.name, "index": column.index, "header": column.header, "meaning": str(column.role), "confidence": column.confidence, "why": column.why,
        }
        for sheet in reading.layout.sheets if sheet.purpose is not Purpose.SKIP for column in sheet.columns
    ]  # fmt: skip
    return {
        "layout": layout,
        "columns": columns,
        "scope": {
            "scope": str(reading.scope.scope), "why": reading.scope.why, "countries": reading.scope.countries, "codes": reading.scope.codes,
            "currencies": list(reading.scope.currencies), "effective_dates": list(reading.scope.dates),
        },
        "counts": {
            "rows": reading.rows, "lines": lines.num_rows, "errors": len(reading.errors), "codes": reading.scope.codes, "duplicates": reading.duplicates,
            "contradictions": reading.contradictions, "kinds": kinds, "skipped": reading.skipped,
        },
        "origins": {name: list(codes) for name, codes in reading.origins.items()},
        "sample": [line_to_report(line) for line in _sample(lines).to_pylist()],
        "errors": [
            {"sheet": e.sheet, "line": e.line, "column": e.column, "reason": e.reason, "text": e.text} for e in reading.errors
        ],
    }  # fmt: skip


def _sample(lines: pa.Table) -> pa.Table:
    """The first lines, the last, and some between."""
    if lines.num_rows <= SAMPLE_LINES:
        return lines
    return lines.take(pa.array(np.unique(np.linspace(0, lines.num_rows - 1, SAMPLE_LINES).astype(np.int64))))


def line_to_report(line: dict[str, Any]) -> dict[str, Any]:
    """A line as plain values; prices as decimal text."""
    prices = ("price", "price_first", "inter", "intra", "indeterminate", "local", "setup")
    said = {name: scaled_text(line[name], PRICE_DECIMALS) if line[name] is not None else None for name in prices}
    first, interval = line["first"], line["interval"]
    return {
        "sheet": line["sheet"], "line": line["line"], "code": line["code"], "destination": line["destination"], "price": said.pop("price"), **said,
        "increments": None if first is None and interval is None else f"{first or interval}/{interval or first}",
        "grace": line["grace"], "included": line["included"],
        "effective": line["valid_from"].isoformat() if line["valid_from"] else None,
        "expires": line["valid_to"].isoformat() if line["valid_to"] else None,
        "starts": line["starts"], "kind": line["kind"], "slot": line["slot"], "currency": line["currency"],
        "change": line["change"], "level": line["level"], "origin": line["origin"],
    }  # fmt: skip
