"""Sets of tables that name each other's rows: destinations, rates, and which rate holds for which destination.

That is how tariff plans of CGRateS are kept: a zip of `Destinations.csv`, `Rates.csv`, `DestinationRates.csv` and, for times of day,
`RatingPlans.csv`. The tables are told by their headers, never by the names of their files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa

from trunkline.core.errors import Invalid
from trunkline.core.money import require_int64
from trunkline.pricing.sheets.code_cells import read_codes
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Purpose
from trunkline.pricing.sheets.lines import LINES, SheetLines
from trunkline.pricing.sheets.price_cells import Mark, read_price
from trunkline.pricing.sheets.reasons import RowError, RowReason
from trunkline.pricing.sheets.words import plain

KEYED: Final = "keyed"
_DESTINATIONS: Final = ("id", "prefix")
_RATES: Final = ("id", "connectfee", "rate", "rateunit", "rateincrement", "groupintervalstart")
_WHICH: Final = ("id", "destinationid", "ratestag")
_PLANS: Final = ("id", "destinationratesid", "timingtag")
_ALIASES: Final = {
    "tag": "id",
    "destinationstag": "destinationid",
    "destinationratestag": "destinationratesid",
    "timingid": "timingtag",
    "ratesid": "ratestag",
    "prefixes": "prefix",
}
_ALWAYS: Final = frozenset({"any", "always", "all", ""})
_DURATION: Final = re.compile(r"([0-9]+)\s*(ms|s|m|h)?", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, None: 1}

Rows = list[tuple[int, dict[str, str]]]


def find_keyed(grids: Sequence[Grid]) -> dict[int, Purpose]:
    """The purpose of each grid of such a set; empty where the file is none."""
    kinds = {number: _kind(grid) for number, grid in enumerate(grids)}
    if not {_DESTINATIONS, _RATES, _WHICH} <= set(kinds.values()):
        return {}
    purposes = {_DESTINATIONS: Purpose.CODES, _RATES: Purpose.RATES, _WHICH: Purpose.RATES, _PLANS: Purpose.RATES}
    return {number: purposes.get(kind, Purpose.SKIP) for number, kind in kinds.items()}


def _header(grid: Grid) -> list[str]:
    if not grid.height:
        return []
    names = [plain(cell.text.lstrip("#")).replace(" ", "") for cell in grid.row(0)]
    return [_ALIASES.get(name, name) for name in names]


def _kind(grid: Grid) -> tuple[str, ...]:
    names = _header(grid)
    for kind in (_RATES, _WHICH, _PLANS):
        if set(kind) <= set(names):
            return kind
    return _DESTINATIONS if tuple(names[:2]) == _DESTINATIONS else ()


def read_keyed(grids: Sequence[Grid]) -> SheetLines:
    """The lines of such a set: for each row that says which rate holds for a destination, one line for each of its codes."""
    tables: dict[tuple[str, ...], Rows] = defaultdict(list)
    names: dict[tuple[str, ...], str] = {}
    for grid in grids:
        kind = _kind(grid)
        if kind:
            tables[kind] += _rows(grid)
            names[kind] = grid.name
    return _Set(tables, names).read()


def _rows(grid: Grid) -> Rows:
    header = _header(grid)
    rows = []
    for number, cells in enumerate(grid.rows(1, grid.height), start=1):
        if any(cell.text for cell in cells) and not cells[0].text.startswith("#"):
            rows.append((int(grid.lines[number]), {name: cell.text for name, cell in zip(header, cells, strict=True)}))
    return rows


class _Set:
    def __init__(self, tables: dict[tuple[str, ...], Rows], names: dict[tuple[str, ...], str]) -> None:
        self.tables = tables
        self.names = names
        self.errors: list[RowError] = []
        self.codes: dict[str, list[str]] = defaultdict(list)
        self.rates: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.slots: dict[str, str] = {}

    def refuse(self, kind: tuple[str, ...], line: int, column: str, reason: str, text: str) -> None:
        self.errors.append(RowError(self.names[kind], line, column, reason, text[:200]))

    def read(self) -> SheetLines:
        for line, row in self.tables[_DESTINATIONS]:
            try:
                self.codes[row["id"]] += read_codes(row["prefix"])
            except Invalid as error:
                self.refuse(_DESTINATIONS, line, "Prefix", error.code, row["prefix"])
        for line, row in self.tables[_RATES]:
            try:
                self.rates[row["id"]].append(_rate(row))
            except Invalid as error:
                self.refuse(_RATES, line, "Rate", error.code, row["rate"])
        for _, row in self.tables[_PLANS]:
            self.slots[row["destinationratesid"]] = plain(row["timingtag"])
        lines = [said for line, row in self.tables[_WHICH] for said in self.lines_of(line, row)]
        count = sum(map(len, self.tables.values()))
        return SheetLines(pa.Table.from_pylist(lines, LINES), self.errors, count)

    def lines_of(self, line: int, row: dict[str, str]) -> list[dict[str, Any]]:
        destination, tag = row["destinationid"], row["ratestag"]
        if destination not in self.codes:
            self.refuse(_WHICH, line, "DestinationId", RowReason.UNKNOWN_KEY, destination)
            return []
        if tag not in self.rates:
            self.refuse(_WHICH, line, "RatesTag", RowReason.UNKNOWN_KEY, tag)
            return []
        try:
            said = _joined(sorted(self.rates[tag], key=lambda rate: int(rate["start"])))
        except Invalid as error:
            self.refuse(_WHICH, line, "RatesTag", error.code, tag)
            return []
        slot = self.slots.get(row["id"], "")
        fixed = {
            "sheet": self.names[_WHICH],
            "line": line,
            "destination": destination,
            "kind": "rate",
            "starts": "unsaid",
            "currency": "",
        }
        return [
            fixed | said | {"code": code, "slot": "" if slot in _ALWAYS else slot} for code in self.codes[destination]
        ]


def _rate(row: dict[str, str]) -> dict[str, Any]:
    cell = read_price(row["rate"], Mark.POINT)
    unit = _seconds(row["rateunit"]) or 60
    minute = Fraction((cell.units or 0) * 60, unit)
    if minute.denominator != 1:
        raise Invalid("price_precision", f"{row['rate']} for {unit} s is no whole number of 10^-10 a minute.")
    fee = read_price(row["connectfee"] or "0", Mark.POINT)
    return {
        "price": require_int64(int(minute)), "increment": _seconds(row["rateincrement"]), "start": _seconds(row["groupintervalstart"]), "setup": fee.units or 0,
    }  # fmt: skip


def _joined(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The groups of one rate as first and further interval: the first group is one increment long, or the only one."""
    first = groups[0]
    if first["start"] != 0 or not first["increment"] or len(groups) > 2:
        raise Invalid("bad_increment", "The groups of the rate are more than a first and further intervals.")
    if len(groups) == 1:
        return {
            "price": first["price"],
            "setup": first["setup"],
            "first": first["increment"],
            "interval": first["increment"],
        }
    further = groups[1]
    if further["start"] != first["increment"] or not further["increment"]:
        raise Invalid("bad_increment", "The first group of the rate is not one increment long.")
    return {
        "price": further["price"], "price_first": first["price"], "setup": first["setup"], "first": first["increment"], "interval": further["increment"],
    }  # fmt: skip


def _seconds(text: str) -> int:
    match = _DURATION.fullmatch(text.strip())
    if match is None or (match[2] == "ms" and int(match[1]) % 1_000):
        raise Invalid("bad_increment", f"{text[:40]!r} is no duration.")
    return int(match[1]) // 1_000 if match[2] == "ms" else int(match[1]) * _SECONDS[match[2]]
