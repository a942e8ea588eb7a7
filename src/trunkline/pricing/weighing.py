"""What a sheet costs more for the traffic of the last days (docs/algorithms/rate-changes.md, *What the changes cost*). No database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import EXACT, Amount
from trunkline.engine.prefix import PrefixTable, digit_keys
from trunkline.pricing.checks import Looked, changed_prices
from trunkline.pricing.compare import Kind, in_force, same_rates, unit_prices
from trunkline.tariffs.rate_file import LOAD_SCHEMA, STANDING, rate_bounds, rate_keys

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CONDITIONS: Final = ("time_profile", "tag", "origin", "length_min", "length_max")


class Charged(Protocol):
    """Units by `rate` and `beginning` of the charged number, of how many days, and whether these are all."""

    @property
    def table(self) -> pa.Table: ...
    @property
    def days(self) -> int: ...
    @property
    def is_whole(self) -> bool: ...


# What rates, by their ids, charged, by so many first digits of the numbers; None where it cannot be told.
ReadNumbers = Callable[[Sequence[int], int], Charged | None]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the changes cost, in the tariff's currency, and the units that were weighed, each in its way.

    `days` is of how many of the days the numbers were read; 0 where all were, or none had to be.
    """

    cost: Amount
    by_code: int = 0
    by_number: int = 0
    without_price: int = 0
    not_weighed: int = 0
    days: int = 0

    def as_counts(self) -> dict[str, Any]:
        """As the counts of a sheet have it."""
        return {
            "monthly_cost": str(self.cost),
            "weighed_by_code": self.by_code,
            "weighed_by_number": self.by_number,
            "without_price": self.without_price,
            "not_weighed": self.not_weighed,
            "days_of_numbers": self.days,
        }


@dataclass(frozen=True, slots=True)
class _Price:
    """What one unit costs when all of the sheet holds, or why that cannot be said."""

    unit: Fraction | None
    why: str = ""


_NONE: Final = _Price(None, "blocked, or nothing is left that has a price")
_UNSURE: Final = _Price(None, "several could be next")
_KEPT: Final = _Price(None, "a rate that the sheet does not touch")


@dataclass(slots=True)
class _Rate:
    """A rate that charged, all its rows together: what a unit cost, and how many it charged."""

    key: int
    code: str
    calls: int
    was: Fraction
    units: int = 0
    ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Sums:
    """Units by the way in which they were weighed, and what they cost more."""

    cost: Fraction = Fraction(0)
    by_code: Fraction = Fraction(0)
    by_number: Fraction = Fraction(0)
    without_price: Fraction = Fraction(0)
    not_weighed: Fraction = Fraction(0)

    def add(self, rate: _Rate, price: _Price, units: Fraction, way: str) -> None:
        if price is _KEPT or price.unit == rate.was:
            return
        if price.unit is not None:
            self.cost += (price.unit - rate.was) * units
        else:
            way = "without_price" if price is _NONE else "not_weighed"
        setattr(self, way, getattr(self, way) + units)


def weigh(looked: Looked, quantities: Mapping[int, int], read_numbers: ReadNumbers) -> Weighed:
    """What the changes cost more for `quantities`: units by the id of the rate that charged them, whichever rate of the code it was."""
    charged = np.isin(looked.there["id"].to_numpy(), np.fromiter(quantities, np.int64, len(quantities)))
    if not charged.any():
        return Weighed(Amount.zero())
    sheet = _Sheet(looked)
    rates = list(sheet.rates(np.flatnonzero(charged), quantities))
    rests = sheet.rests(rates)
    moves = sheet.moves(rates)
    found = read_numbers([each for rate in moves.rates for each in rate.ids], moves.digits) if moves.rates else None
    sums = _Sums()
    left = {rate.key: Fraction(rate.units) for rate in rates}
    for rate, price, units in moves.taken(found):
        left[rate.key] -= units
        sums.add(rate, price, units, "by_number")
    for rate in rates:
        if left[rate.key]:
            sums.add(rate, rests[rate.key], left[rate.key], "by_code")
    return Weighed(
        EXACT.ratio(sums.cost.numerator, sums.cost.denominator),
        by_code=round(sums.by_code),
        by_number=round(sums.by_number),
        without_price=round(sums.without_price),
        not_weighed=round(sums.not_weighed),
        days=0 if found is None or found.is_whole else found.days,
    )


class _Sheet:
    """The rates in force and then the lines of a sheet as one list of rows; `keys` are equal where rows are the same rate, `calls` where they are for the same calls."""

    def __init__(self, looked: Looked) -> None:
        self._looked = looked
        there, lines = looked.there, looked.lines
        shared = [each.name for each in LOAD_SCHEMA if each.name in STANDING.names]
        rows = pa.concat_tables([there.select(shared), lines.select(shared)]).combine_chunks()
        self._there = len(there)
        self._keys = same_rates(there, lines)
        self._codes = rows["code"].combine_chunks()
        self._calls = _calls(rows)
        self._is_for_all = np.logical_and.reduce([_bools(rows[name].is_null()) for name in _CONDITIONS])
        self._is_regular = ~rows["additive"].to_numpy()
        self._blocked = rows["blocked"].to_numpy()
        self._units, self._unit = unit_prices(rows["steps"])
        self._starts, self._ends = rate_bounds(rows)
        counts = np.concatenate(
            [np.zeros(self._there, np.bool_), looked.is_last & (looked.compared.kinds != Kind.REFUSED)]
        )
        self._last_lines = self._newest(np.flatnonzero(counts))
        is_closed = np.concatenate([np.zeros(self._there, np.bool_), lines["is_closed"].to_numpy()])[self._last_lines]
        self._going = self._last_lines[~is_closed]
        self._closing = np.concatenate([self._last_lines[is_closed], looked.ends.rows])

    def rates(self, rows: Int64s, quantities: Mapping[int, int]) -> Iterator[_Rate]:
        """The rates that charged: what one unit cost is the price that the first line ends, else the one in force when the sheet came."""
        wanted = np.unique(self._keys[rows])
        place, is_covered = in_force(
            self._keys[: self._there], self._starts[: self._there], self._ends[: self._there], wanted,
            np.full(len(wanted), self._looked.notified_s),
        )  # fmt: skip
        at = np.where(is_covered, place, self._newest(rows))
        was = {key: self._units[unit] for key, unit in zip(wanted.tolist(), self._unit[at].tolist(), strict=True)}
        was |= self._first_ended(wanted)
        ids = self._looked.there["id"].to_numpy()[rows].tolist()
        codes = self._codes.take(pa.array(rows)).to_pylist()
        found: dict[int, _Rate] = {}
        for each, key, code, calls in zip(
            ids, self._keys[rows].tolist(), codes, self._calls[rows].tolist(), strict=True
        ):
            rate = found.setdefault(key, _Rate(key, code, calls, was[key]))
            rate.units += quantities[each]
            rate.ids.append(each)
        yield from found.values()

    def rests(self, rates: Sequence[_Rate]) -> dict[int, _Price]:
        """What holds for the numbers of each rate that no new longer code takes, by its key."""
        keys = np.array([rate.key for rate in rates])
        lines = self._going[np.isin(self._keys[self._going], keys)]
        found = dict.fromkeys(keys.tolist(), _KEPT)
        found |= zip(self._keys[lines].tolist(), map(self._price, lines.tolist()), strict=True)
        closing = self._keys[self._closing]
        closed = set(closing[np.isin(closing, keys)].tolist()).difference(self._keys[lines].tolist())
        found |= self._falls([rate for rate in rates if rate.key in closed])
        # A new rate of the same code beside it may take some of its calls.
        codes = pa.array({rate.code for rate in rates}, pa.string())
        beside = self._new[_bools(pc.is_in(self._codes.take(pa.array(self._new)), codes))]
        for rate_key, others in self._same_codes(rates, beside):
            if others - {rate_key}:
                found[rate_key] = _UNSURE
        return found

    def moves(self, rates: Sequence[_Rate]) -> _Moves:
        """What new codes may take of longer numbers: which rates have any below them."""
        above = _Codes.of({rate.code for rate in rates})
        codes = self._codes.take(pa.array(self._new))
        is_below, heads = above.proper_heads(codes)
        new = self._new[is_below]
        moving = [rate for rate in rates if rate.code in heads]
        if not moving:
            return _Moves([], 0, {})
        below = self._codes.take(pa.array(new))
        there = self._below(_Codes.of(set(below.to_pylist())))
        tables = {calls: self._takers(new, there, calls) for calls in {rate.calls for rate in moving}}
        return _Moves(moving, int(pc.max(pc.utf8_length(below)).as_py()), tables)

    @cached_property
    def _new(self) -> Int64s:
        """The lines of codes that had no rate for these calls, the last of each rate."""
        kinds, before = self._looked.compared.kinds, self._looked.compared.before
        is_new = (kinds == Kind.NEW) | ((kinds == Kind.BLOCKED) & (before < 0))
        return self._going[is_new[self._going - self._there] & self._is_regular[self._going]]

    def _newest(self, rows: Int64s) -> Int64s:
        """Of rows the last of each key, in the order of the keys."""
        ordered = rows[np.lexsort((self._starts[rows], self._keys[rows]))]
        keys = self._keys[ordered]
        return ordered[np.append(keys[1:] != keys[:-1], True)[: len(ordered)]]

    def _price(self, row: int) -> _Price:
        return _NONE if self._blocked[row] else _Price(self._units[self._unit[row]])

    def _first_ended(self, wanted: Int64s) -> dict[int, Fraction]:
        """The price of a unit that the first line of each rate ends."""
        rows, pair, prices = changed_prices(self._looked)
        keys = self._keys[self._there :][rows]
        is_wanted = np.isin(keys, wanted)
        order = np.flatnonzero(is_wanted)[np.argsort(self._starts[self._there :][rows][is_wanted], kind="stable")[::-1]]
        return {key: prices[each][0] for key, each in zip(keys[order].tolist(), pair[order].tolist(), strict=True)}

    def _same_codes(self, rates: Sequence[_Rate], rows: Int64s) -> Iterator[tuple[int, set[int]]]:
        others: dict[str, set[int]] = {}
        for code, key in zip(self._codes.take(pa.array(rows)).to_pylist(), self._keys[rows].tolist(), strict=True):
            others.setdefault(code, set()).add(key)
        for rate in rates:
            yield rate.key, others.get(rate.code, set())

    def _falls(self, closed: Sequence[_Rate]) -> dict[int, _Price]:
        """What the numbers of rates that close fall to, by key."""
        heads = {rate.code[:length] for rate in closed for length in range(len(rate.code) + 1)}
        left = self._left()
        left = left[_bools(pc.is_in(self._codes.take(pa.array(left)), pa.array(heads, pa.string())))]
        by_code: dict[str, list[int]] = {}
        for code, row in zip(self._codes.take(pa.array(left)).to_pylist(), left.tolist(), strict=True):
            by_code.setdefault(code, []).append(row)
        found: dict[int, _Price] = {}
        for rate in closed:
            next_ones = (by_code.get(rate.code[:length]) for length in range(len(rate.code), -1, -1))
            rows = next(filter(None, next_ones), [])
            found[rate.key] = self._one_of(rows, rate.calls) if rows else _NONE
        return found

    def _left(self) -> Int64s:
        """The regular rows that hold when all of the sheet does."""
        looked = self._looked
        at = np.concatenate([[looked.notified_s], self._starts[self._last_lines], looked.ends.at_s]).max()
        holds = (self._starts[: self._there] <= at) & (at < self._ends[: self._there])
        holds[looked.ends.rows] = False
        holds &= ~np.isin(self._keys[: self._there], self._keys[self._last_lines])
        rows = np.concatenate([np.flatnonzero(holds), self._going])
        return rows[self._is_regular[rows]]

    def _one_of(self, rows: Sequence[int], calls: int) -> _Price:
        """The price of rows of one code for those calls, if there is one: a row for other calls might take some of them."""
        if not all(self._is_for_all[row] or self._calls[row] == calls for row in rows):
            return _UNSURE
        prices = {self._price(row) for row in rows}
        return prices.pop() if len(prices) == 1 else _UNSURE

    def _below(self, new: _Codes) -> Int64s:
        """The rows in force when the sheet came that have a new code, or begin with one: they keep their numbers."""
        at = self._looked.notified_s
        rows = np.flatnonzero((self._starts[: self._there] <= at) & (at < self._ends[: self._there]))
        rows = rows[self._is_regular[rows]]
        return rows[new.heads(self._codes.take(pa.array(rows))) >= 0]

    def _takers(self, new: Int64s, there: Int64s, calls: int) -> _Takers:
        """What each code among new ones and those below them takes of a rate for those calls."""
        by_code: dict[str, list[int]] = {}
        for code, row in zip(self._codes.take(pa.array(new)).to_pylist(), new.tolist(), strict=True):
            by_code.setdefault(code, []).append(row)
        fits = there[self._is_for_all[there] | (self._calls[there] == calls)]
        kept = set(self._codes.take(pa.array(fits)).to_pylist())

        def price_of(code: str) -> _Price:
            rows = by_code.get(code)
            if rows is None:
                return _KEPT
            return _UNSURE if code in kept else self._one_of(rows, calls)

        return _Takers(_Codes.of(kept.union(by_code)), price_of)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Distinct codes, to be matched with numbers: `texts` are in the order of the table."""

    table: PrefixTable
    texts: list[str]

    @staticmethod
    def of(codes: set[str]) -> _Codes:
        texts = pa.array(sorted(codes), pa.string())
        read = digit_keys(texts)
        order = np.lexsort((read.lengths, read.keys))
        table = PrefixTable.build(read.keys[order], read.lengths[order].astype(np.int8))
        return _Codes(table, texts.take(pa.array(order)).to_pylist())

    def heads(self, numbers: pa.Array) -> npt.NDArray[np.int32]:
        """The longest of the codes that each number begins with, -1 for none."""
        read = digit_keys(numbers)
        return self.table.match(read.keys, read.lengths)

    def proper_heads(self, codes: pa.Array) -> tuple[Bools, set[str]]:
        """Which of the codes begin with a shorter one of these, and all those that are such a beginning."""
        read = digit_keys(codes)
        found = self.table.match(read.keys, read.lengths)
        same = (found >= 0) & (self.table.lengths[found] == read.lengths)
        found[same] = self.table.parents[found[same]]
        heads: set[int] = set()
        for each in np.unique(found).tolist():
            at = each
            while at >= 0 and at not in heads:
                heads.add(at)
                at = int(self.table.parents[at])
        return found >= 0, {self.texts[each] for each in heads}


@dataclass(frozen=True, slots=True)
class _Takers:
    """Codes, and what a unit of the numbers that begin with one costs in future."""

    codes: _Codes
    price_of: Callable[[str], _Price]


@dataclass(frozen=True, slots=True)
class _Moves:
    """Rates of which new codes may take numbers, how many digits tell them, and who takes them, by the calls of the rate."""

    rates: list[_Rate]
    digits: int
    takers: Mapping[int, _Takers]

    def taken(self, charged: Charged | None) -> Iterator[tuple[_Rate, _Price, Fraction]]:
        """What is taken of each rate: at which price, how many units. Of a rate of which nothing was read, all of it cannot be told."""
        table = None if charged is None else charged.table
        place = {each: at for at, rate in enumerate(self.rates) for each in rate.ids}
        read = np.zeros(len(self.rates), np.int64)
        sums: dict[tuple[int, int], int] = {}
        if table is not None and len(table):
            ids, which = np.unique(table["rate"].to_numpy(), return_inverse=True)
            rate = np.array([place[each] for each in ids.tolist()], np.int64)[which]
            units = table["units"].to_numpy()
            np.add.at(read, rate, units)
            for at, code, total in self._by_code(rate, table["beginning"].combine_chunks(), units):
                sums[at, code] = total
        for at, each in enumerate(self.rates):
            if not read[at]:
                yield each, _UNSURE, Fraction(each.units)
        for (at, code), total in sums.items():
            each = self.rates[at]
            takers = self.takers[each.calls]
            price = takers.price_of(takers.codes.texts[code])
            if price is not _KEPT and read[at]:
                yield each, price, Fraction(each.units * total, int(read[at]))

    def _by_code(self, rate: Int64s, numbers: pa.Array, units: Int64s) -> Iterator[tuple[int, int, int]]:
        """The rate, the code that takes, and the units, where that code is longer than the rate's own."""
        calls = np.array([each.calls for each in self.rates])[rate]
        own = np.array([len(each.code) for each in self.rates])[rate]
        for kind, takers in self.takers.items():
            rows = np.flatnonzero(calls == kind)
            found = takers.codes.heads(numbers.take(pa.array(rows))).astype(np.int64)
            longer = (found >= 0) & (takers.codes.table.lengths[found] > own[rows])
            pairs = rate[rows][longer] * len(takers.codes.texts) + found[longer]
            distinct, which = np.unique(pairs, return_inverse=True)
            totals = np.zeros(len(distinct), np.int64)
            np.add.at(totals, which, units[rows][longer])
            for pair, total in zip(distinct.tolist(), totals.tolist(), strict=True):
                yield *divmod(pair, len(takers.codes.texts)), total


def _calls(rows: pa.Table) -> Int64s:
    """A number for each row, equal where rates are for the same calls of their codes."""
    same = pa.array(np.full(len(rows), "")) if len(rows) else pa.array([], pa.string())
    for name in ("code", "weight"):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), same)
    return rate_keys(rows)


def _bools(column: pa.Array | pa.ChunkedArray) -> Bools:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(whole.to_numpy(zero_copy_only=False), np.bool_)
