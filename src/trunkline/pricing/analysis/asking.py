"""Every column asked for the price of one call to every code: whole columns at a time, no Django, no database.

Written as docs/algorithms/rate-analysis.md reads. Prices are int64 in 10^-8 of the currency that is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.core.money import RoundingMode, require_int64, round_ratio
from trunkline.engine.prefix import PrefixTable, digit_keys
from trunkline.engine.rate import Snapshot, rate
from trunkline.engine.schema import EVENT_SCHEMA, Outcome, one_array
from trunkline.engine.units import Unit
from trunkline.pricing.analysis.question import REFERENCE

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NO_NAME: Final = -1
NO_TERMS: Final = -1


class Cell(IntEnum):
    """What a column has for a row."""

    NONE = 0
    OFFER = 1
    BLOCKED = 2


@dataclass(frozen=True, slots=True)
class List:
    """A price list in the order of its tariffs, as the snapshot knows them, and what it is called."""

    label: str
    tariffs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """The call that every list is asked for. `units` of it; `rate_of` gives what one unit of a currency costs in the one that is asked."""

    at: datetime
    units: int
    rate_of: Callable[[str], Fraction]
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The cells of one list, one a row. `used` is the code of the rate; `terms` index `Answers.terms`, NO_TERMS for none."""

    label: str
    cells: npt.NDArray[np.int8]
    prices: Int64s
    is_exact: Bools
    used: pa.Array
    destinations: Int64s
    terms: npt.NDArray[np.int32]

    @property
    def is_offer(self) -> Bools:
        return np.asarray(self.cells == Cell.OFFER)

    @property
    def is_simulated(self) -> Bools:
        """Offers whose price is that of a shorter code."""
        return np.asarray((self.cells == Cell.OFFER) & ~self.is_exact)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Rows in the order of their codes, and a column for each list. `terms` are increments as text: `60/1`."""

    codes: pa.Array
    columns: tuple[Column, ...]
    terms: tuple[str, ...]
    unit: Unit


def ask(snapshot: Snapshot, lists: Sequence[List], call: Call, *, begins: str = "") -> Answers:
    """What each list asks for the call to every code that one of them has; only codes that begin so.

    Raises Invalid `units_differ`, what `rate_of` raises, `overflow`.
    """
    unit = unit_of(snapshot, lists)
    codes = _codes(snapshot, lists, begins)
    terms = _Terms(snapshot)
    columns = [_column(snapshot, each, call, codes, unit, terms) for each in lists]
    is_row = np.zeros(len(codes), np.bool_)
    for column in columns:
        is_row |= column.is_exact
    if not is_row.all():
        kept = pa.array(is_row)
        codes = codes.filter(kept)
        columns = [_filtered(column, is_row, kept) for column in columns]
    return Answers(codes, tuple(columns), tuple(terms.texts), unit)


def unit_of(snapshot: Snapshot, lists: Sequence[List]) -> Unit:
    """What all lists count. Raises Invalid `units_differ`."""
    found = {snapshot.measure(snapshot.place(tariff))[1]: each for each in lists for tariff in each.tariffs}
    if len(found) > 1:
        said = ", ".join(f"{each.label} counts by the {unit.value}" for unit, each in found.items())
        raise Invalid(
            "units_differ", f"These price lists cannot be compared: {said}.", hint="Compare lists of one unit."
        )
    return next(iter(found), Unit.SECOND)


def _codes(snapshot: Snapshot, lists: Sequence[List], begins: str) -> pa.Array:
    """Every code of every list that begins so, ascending; a shorter one before those that begin with it."""
    places = {snapshot.place(tariff) for each in lists for tariff in each.tariffs}
    shelves = [books[place] for books in (snapshot.regular, snapshot.additive) for place in sorted(places)]
    parts = [shelf.codes for shelf in shelves if shelf is not None]
    if begins:
        parts = [part.filter(pc.starts_with(part, begins)) for part in parts]
    if not parts:
        return pa.array([], pa.string())
    codes = pc.unique(pa.chunked_array(parts)) if len(parts) > 1 else parts[0]
    return codes.take(pc.sort_indices(codes)) if len(parts) > 1 else codes


def _column(snapshot: Snapshot, asked: List, call: Call, codes: pa.Array, unit: Unit, terms: _Terms) -> Column:
    size = len(codes)
    events = pa.table(
        [
            codes,
            pa.array(np.full(size, int(call.at.timestamp()) * 1000), pa.timestamp("ms", tz="UTC")),
            pa.array(np.full(size, call.units, np.int64)),
            pa.array(np.zeros(size, np.int32)),
            pa.array(np.zeros(size, np.int32)) if call.tags else pa.nulls(size, pa.int32()),
        ],
        schema=EVENT_SCHEMA,
    )
    priced = rate(snapshot, events, [asked.tariffs], [call.tags] if call.tags else [])
    outcome = one_array(priced["outcome"]).to_numpy()
    cells = np.full(size, Cell.NONE, np.int8)
    cells[outcome == Outcome.RATED] = Cell.OFFER
    cells[outcome == Outcome.BLOCKED] = Cell.BLOCKED
    if (outcome == Outcome.OVERFLOW).any():
        code = codes[int(np.argmax(outcome == Outcome.OVERFLOW))].as_py()
        raise Invalid("overflow", f"{asked.label} asks more for {code} than can be kept.", code=code)
    used = one_array(priced["code"]).dictionary_decode()
    is_exact = _filled(pc.equal(used, codes))
    for place in (snapshot.place(tariff) for tariff in asked.tariffs):
        surcharges = snapshot.additive[place]
        if surcharges is not None:
            is_exact |= (cells != Cell.NONE) & _filled(pc.is_in(codes, value_set=surcharges.codes))
    tariffs = one_array(priced["tariff_id"]).fill_null(0).to_numpy()
    amounts = one_array(priced["amount"]).fill_null(0).to_numpy()
    prices = np.zeros(size, np.int64)
    for tariff in asked.tariffs:
        rows = np.flatnonzero((tariffs == tariff) & (cells == Cell.OFFER))
        if rows.size:
            currency, _ = snapshot.measure(snapshot.place(tariff))
            prices[rows] = _converted(amounts[rows], call.rate_of(currency) * REFERENCE[unit] / call.units)
    rates = one_array(priced["rate_id"]).fill_null(0).to_numpy()
    return Column(
        label=asked.label,
        cells=cells,
        prices=prices,
        is_exact=is_exact,
        used=used,
        destinations=one_array(priced["destination_id"]).fill_null(NO_NAME).to_numpy(),
        terms=terms.of(tariffs, rates, cells == Cell.OFFER),
    )


def _filled(marks: Any) -> Bools:
    found = marks.combine_chunks() if isinstance(marks, pa.ChunkedArray) else marks
    return np.array(found.fill_null(False).to_numpy(zero_copy_only=False))


def _converted(amounts: Int64s, ratio: Fraction) -> Int64s:
    """Amounts times an exact ratio, half up. A list has few different amounts, so each is multiplied once."""
    distinct, where = np.unique(amounts, return_inverse=True)
    made = [
        require_int64(round_ratio(each * ratio.numerator, ratio.denominator, RoundingMode.HALF_UP), what="price")
        for each in distinct.tolist()
    ]
    return np.asarray(np.array(made, np.int64)[where])


def _filtered(column: Column, rows: Bools, kept: pa.Array) -> Column:
    return Column(
        label=column.label,
        cells=column.cells[rows],
        prices=column.prices[rows],
        is_exact=column.is_exact[rows],
        used=column.used.filter(kept),
        destinations=column.destinations[rows],
        terms=column.terms[rows],
    )


class _Terms:
    """The increments of rates, as texts that are numbered: the first and the last of a rate's steps."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.texts: list[str] = []
        self._numbers: dict[tuple[int, int], int] = {}
        self._of_tariff: dict[int, tuple[Int64s, npt.NDArray[np.int32]]] = {}

    def of(self, tariffs: Int64s, rates: Int64s, is_offer: Bools) -> npt.NDArray[np.int32]:
        found = np.full(rates.size, NO_TERMS, np.int32)
        for tariff in np.unique(tariffs[is_offer]).tolist():
            rows = np.flatnonzero(is_offer & (tariffs == tariff))
            ids, numbers = self._numbered(int(tariff))
            found[rows] = numbers[np.searchsorted(ids, rates[rows])]
        return found

    def _numbered(self, tariff: int) -> tuple[Int64s, npt.NDArray[np.int32]]:
        known = self._of_tariff.get(tariff)
        if known is None:
            known = self._of_tariff[tariff] = self._number(self._snapshot.tariffs[self._snapshot.place(tariff)].rates)
        return known

    def _number(self, rates: pa.Table) -> tuple[Int64s, npt.NDArray[np.int32]]:
        ids = one_array(rates["rate_id"]).to_numpy()
        lists = one_array(rates["steps"])
        bounds = lists.offsets.to_numpy().astype(np.int64)
        increments = lists.flatten().field("increment").to_numpy()
        first, last = (pa.array(increments[at - bounds[0]]).dictionary_encode() for at in (bounds[:-1], bounds[1:] - 1))
        firsts, lasts = first.dictionary.to_pylist(), last.dictionary.to_pylist()
        packed = first.indices.to_numpy().astype(np.int64) * len(lasts) + last.indices.to_numpy()
        pairs = pa.array(packed).dictionary_encode()
        of_pair = [self._number_of(*self._pair(each, firsts, lasts)) for each in pairs.dictionary.to_pylist()]
        numbers = np.array(of_pair, np.int32)[pairs.indices.to_numpy()]
        order = np.argsort(ids, kind="stable")
        return ids[order], numbers[order]

    @staticmethod
    def _pair(packed: int, firsts: Sequence[int], lasts: Sequence[int]) -> tuple[int, int]:
        place, other = divmod(packed, len(lasts))
        return firsts[place], lasts[other]

    def _number_of(self, first: int, last: int) -> int:
        number = self._numbers.setdefault((first, last), len(self.texts))
        if number == len(self.texts):
            self.texts.append(f"{first}/{last}")
        return number


def minutes_of_rows(codes: pa.Array, charged: Mapping[str, int]) -> tuple[Int64s, int]:
    """(the units of each row, the units that belong to no row), of units by the code of the rate that charged them."""
    units = np.zeros(len(codes), np.int64)
    if not charged or not len(codes):
        return units, sum(charged.values())
    rows = rows_of(codes, pa.array(list(charged), pa.string()))
    given = np.array(list(charged.values()), np.int64)
    np.add.at(units, rows[rows >= 0], given[rows >= 0])
    return units, int(given[rows < 0].sum())


def rows_of(codes: pa.Array, numbers: pa.Array) -> npt.NDArray[np.int32]:
    """The longest code that each number begins with, -1 for none. `codes` ascend and have at most 18 digits."""
    own, given = digit_keys(codes), digit_keys(numbers)
    return PrefixTable.build(own.keys, own.lengths.astype(np.int8)).match(given.keys, given.lengths)
