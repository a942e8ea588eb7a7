"""The values of a sheet's rows that are neither codes nor prices: dates, increments, names, and the rest."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets import words as w
from trunkline.pricing.sheets.cells import Problems, Rows, each_distinct, fill_down
from trunkline.pricing.sheets.date_cells import DateCell, DateOrder, read_date
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.increment_cells import Increments, read_increments, read_seconds
from trunkline.pricing.sheets.layout import Column, Role, SheetLayout
from trunkline.pricing.sheets.words import plain

Bools = npt.NDArray[np.bool_]
NAME_MAX: Final = 200


class RowValues:
    """The rows of a table by the meaning of their columns. `source` of a row is the row that has its values: itself, or one above."""

    def __init__(self, grid: Grid, sheet: SheetLayout) -> None:
        self.grid = grid
        self.sheet = sheet
        self.start = sheet.first_row
        stop = min(sheet.last_row or grid.height, grid.height)
        self.height = max(stop - self.start, 0)
        self.columns = [column.slice(self.start, self.height) for column in grid.columns]
        self.problems = Problems(self.height)
        self.skipped: dict[str, int] = {}
        self.headings: Bools = np.zeros(self.height, np.bool_)
        self.left_out: Bools = self.headings
        self.by_role: dict[Role, Column] = {
            c.role: c for c in reversed(sheet.columns) if c.role is not Role.IGNORED and c.index < grid.width
        }

    def has(self, role: Role) -> bool:
        return role in self.by_role

    def texts(self, role: Role) -> pa.Array:
        """The cells of the column of that meaning; nulls if there is none."""
        column = self.by_role.get(role)
        return pa.nulls(self.height, pa.string()) if column is None else self.columns[column.index]

    def index(self, role: Role) -> int:
        column = self.by_role.get(role)
        return -1 if column is None else column.index

    def filled(self, *roles: Role) -> Bools:
        """Where any column of these meanings has a cell that is not empty."""
        found = np.zeros(self.height, np.bool_)
        for role in roles:
            if self.has(role):
                found |= pc.is_valid(self.texts(role)).to_numpy(zero_copy_only=False)
        return found

    def _skip(self, what: str, where: Bools) -> None:
        if where.any():
            self.skipped[what] = self.skipped.get(what, 0) + int(where.sum())

    def _words(self, role: Role, is_it: Any) -> Bools:
        values, places = each_distinct(self.texts(role), is_it, self.problems, self.index(role))
        return np.array([bool(value) for value in values])[places]

    # Dates, increments, names, and the rest.

    def _dates(self, source: Rows) -> dict[str, pa.Array]:
        order = self.sheet.date_order
        moment = pa.timestamp("s")
        columns: dict[str, pa.Array] = {}
        at_once = np.zeros(self.height, np.bool_)
        said = np.zeros(self.height, np.bool_)
        for name, role in (("valid_from", Role.EFFECTIVE), ("valid_to", Role.EXPIRY)):
            cells, places = each_distinct(
                self.texts(role), lambda text: _date(text, order), self.problems, self.index(role), "bad_date"
            )
            at = places[source]
            columns[name] = pa.array([_naive(cell) for cell in cells], moment).take(pa.array(at))
            if role is Role.EFFECTIVE:
                at_once = np.array([cell is not None and cell.is_at_once for cell in cells])[at]
                said = pc.is_valid(columns[name]).to_numpy(zero_copy_only=False)
        default = self.sheet.effective
        starts = np.where(
            at_once,
            "at_once",
            np.where(said, "row", "at_once" if default == "asap" else "sheet" if default else "unsaid"),
        )
        if default and default != "asap":
            value = pa.scalar(_naive(read_date(default, order)), moment)
            columns["valid_from"] = pc.if_else(pa.array(said | at_once), columns["valid_from"], value)
        columns["starts"] = pa.array(starts, pa.string())
        return columns

    def _increments(self, source: Rows) -> dict[str, pa.Array]:
        if self.has(Role.INCREMENT):
            cells, places = each_distinct(
                self.texts(Role.INCREMENT), _no_increments, self.problems, self.index(Role.INCREMENT), "bad_increment"
            )
        elif self.sheet.increments:
            return self._default_increments(source)
        else:
            return self._split_increments(source)
        at = pa.array(places[source])
        made = {
            "first": pa.array([c.first if c else None for c in cells], pa.int32()).take(at),
            "interval": pa.array([c.further if c else None for c in cells], pa.int32()).take(at),
            "grace": pa.array([c.grace if c else None for c in cells], pa.int32()).take(at),
        }
        made["grace"] = pc.coalesce(made["grace"], self._seconds(Role.GRACE, source))
        return made | {"included": self._seconds(Role.INCLUDED, source)}

    def _split_increments(self, source: Rows) -> dict[str, pa.Array]:
        first, interval = self._seconds(Role.FIRST, source), self._seconds(Role.INTERVAL, source, 1)
        first = pc.if_else(pc.equal(first, 0), pa.scalar(None, pa.int32()), first)  # no first interval of its own
        return {
            "first": pc.coalesce(first, interval), "interval": interval, "grace": self._seconds(Role.GRACE, source), "included": self._seconds(Role.INCLUDED, source),
        }  # fmt: skip

    def _seconds(self, role: Role, source: Rows, least: int = 0) -> pa.Array:
        cells, places = each_distinct(
            self.texts(role), lambda text: read_seconds(text, least), self.problems, self.index(role), "bad_increment"
        )
        return pa.array(cells, pa.int32()).take(pa.array(places[source]))

    def _default_increments(self, source: Rows) -> dict[str, pa.Array]:
        rules = [(name, read_increments(text)) for name, text in self.sheet.increment_exceptions]
        usual = read_increments(self.sheet.increments)

        def of(text: str) -> Increments:
            return next((found for name, found in rules if plain(text).startswith(name)), usual)

        cells, places = each_distinct(self.names(source), of, self.problems, -1)
        cells[-1] = usual
        at = pa.array(places)
        return {
            "first": pa.array([c.first if c else None for c in cells], pa.int32()).take(at),
            "interval": pa.array([c.further if c else None for c in cells], pa.int32()).take(at),
            "grace": pa.array([c.grace if c else None for c in cells], pa.int32()).take(at),
            "included": self._seconds(Role.INCLUDED, source),
        }

    def names(self, source: Rows) -> pa.Array:
        """The destination, joined with country and network where they stand apart, and taken from above where it is left out."""
        parts = [self.texts(role) for role in (Role.COUNTRY, Role.DESTINATION, Role.NETWORK) if self.has(role)]
        if not parts:
            return pa.nulls(self.height, pa.string())
        own = parts[0] if len(parts) == 1 else self._joined_names(parts)
        if self.headings.any():
            # Read down together with headings, "AFGHANISTAN" above the rows of its codes.
            first = pc.coalesce(*self.columns) if len(self.columns) > 1 else self.columns[0]
            own = pc.if_else(pa.array(self.headings), pc.coalesce(own, first), own)
        # An apostrophe is what keeps a spreadsheet from taking such a name for a formula; it is no part of it.
        own = pc.replace_substring_regex(own, "^'([=+@-])", r"\1")
        return pc.utf8_slice_codeunits(fill_down(own), 0, NAME_MAX)

    def _joined_names(self, parts: list[pa.Array]) -> pa.Array:
        both = pc.binary_join_element_wise(*[pc.fill_null(part, "") for part in parts], "\x1f")

        def join(text: str) -> str | None:
            said: list[str] = []
            for part in text.split("\x1f"):
                if not part:
                    continue
                if said and plain(part).startswith(plain(said[-1])):
                    said[-1] = part
                elif not said or plain(part) not in plain(said[-1]):
                    said.append(part)
            return " ".join(said) or None

        values, places = each_distinct(both, join, self.problems, -1)
        return pa.array(values, pa.string()).take(pa.array(places))

    def _fixed(self, source: Rows) -> dict[str, pa.Array]:
        at = pa.array(source)
        return {
            "change": self.texts(Role.CHANGE).take(at), "level": self.texts(Role.LEVEL).take(at), "origin": self.texts(Role.ORIGIN).take(at),
            "currency": self._currency(source), "slot": self._slot(source),
        }  # fmt: skip

    def _currency(self, source: Rows) -> pa.Array:
        if not self.has(Role.CURRENCY):
            return pa.nulls(self.height, pa.string())

        def parse(text: str) -> str:
            found = w.currencies_in(text)
            if len(found) != 1:
                raise Invalid("bad_currency", f"{text[:20]!r} is no currency.")
            return found[0]

        values, places = each_distinct(
            self.texts(Role.CURRENCY), parse, self.problems, self.index(Role.CURRENCY), "bad_currency"
        )
        return pa.array(values, pa.string()).take(pa.array(places[source]))

    def _slot(self, source: Rows) -> pa.Array:
        values, places = each_distinct(self.texts(Role.SLOT), _slot_of, self.problems, -1)
        return pc.fill_null(pa.array(values, pa.string()).take(pa.array(places[source])), "")


def _slot_of(text: str) -> str:
    word = plain(text)
    slot = w.SLOTS.get(word, word)
    return "" if slot == "any" else slot


def _date(text: str, order: DateOrder) -> DateCell | None:
    return None if plain(text) in w.UNDATED else read_date(text, order)


def _naive(cell: DateCell | None) -> Any:
    if cell is None or cell.moment is None:
        return None
    moment = cell.moment
    return moment if moment.tzinfo is None else (moment - moment.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]


def _no_increments(text: str) -> Increments | None:
    return None if text.strip() in {"-", "--", "n/a", "N/A", "—"} else read_increments(text)
