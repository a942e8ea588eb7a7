"""The answers of all lists as one table: names, minutes, destinations, margins and positions (docs/algorithms/rate-analysis.md). No Django, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.core.money import INT64_MAX, RoundingMode, require_int64
from trunkline.core.money import round_ratio as round_one
from trunkline.engine import rounding
from trunkline.engine.units import Unit
from trunkline.pricing.analysis.asking import NO_NAME, Answers, Bools, Cell, Int64s, rows_of
from trunkline.pricing.analysis.question import PERCENT_DECIMALS, Asked, Average
from trunkline.tariffs.countries import country_of

NO_POSITION: Final = -1
COUNTRY_DIGITS: Final = 9  # what tells the country of a code
_WHOLE: Final = 100 * 10**PERCENT_DECIMALS
_NO_PRICE: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """Against a master: selling less buying price, and hundredths of a percent of the selling price; where there are such."""

    amounts: Int64s
    percents: Int64s
    is_there: Bools
    has_percent: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows and columns of an analysis; two-dimensional arrays are rows × columns.

    `codes` is empty text where a row is a destination; `counts` are the codes of a row, `units` what it was charged. `least` and `greatest` are those of a
    destination's codes, the prices themselves else. `terms` index `Answers.terms`. `master` are the prices of the master, `_NO_PRICE` for none.
    """

    codes: pa.Array
    names: pa.Array
    counts: Int64s
    units: Int64s
    cells: npt.NDArray[np.int8]
    prices: Int64s
    is_simulated: Bools
    least: Int64s
    greatest: Int64s
    used: tuple[pa.Array, ...]
    terms: npt.NDArray[np.int32]
    master: Int64s | None = None
    margins: Margins | None = None
    order: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def has_master(self) -> Bools:
        """Rows for which the master has a price."""
        return np.zeros(len(self), np.bool_) if self.master is None else np.asarray(self.master != _NO_PRICE)

    def take(self, rows: npt.NDArray[np.int64]) -> Table:
        """The same with these rows."""
        at = pa.array(rows)
        margins = self.margins
        return Table(
            codes=self.codes.take(at),
            names=self.names.take(at),
            counts=self.counts[rows],
            units=self.units[rows],
            cells=self.cells[rows],
            prices=self.prices[rows],
            is_simulated=self.is_simulated[rows],
            least=self.least[rows],
            greatest=self.greatest[rows],
            used=tuple(each.take(at) for each in self.used),
            terms=self.terms[rows],
            master=None if self.master is None else self.master[rows],
            margins=None
            if margins is None
            else Margins(
                margins.amounts[rows], margins.percents[rows], margins.is_there[rows], margins.has_percent[rows]
            ),
            order=None if self.order is None else self.order[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """An answer: the table, what its columns are called, in which currency, for what call. `left` are units that belong to no row."""

    asked: Asked
    labels: tuple[str, ...]
    master: str | None
    currency: str
    unit: Unit
    units: int
    table: Table
    terms: tuple[str, ...]
    left: int


def name_rows(answers: Answers, deck: tuple[pa.Array, Int64s] | None) -> Int64s:
    """The destination of each row: of the deck's longest code, else of the first column with the code itself, else of the first with a rate for it.

    `deck`: its codes, ascending, and their destinations.
    """
    found = np.full(len(answers.codes), NO_NAME, np.int64)
    if deck is not None and len(deck[0]):
        rows = rows_of(deck[0], answers.codes)
        found[rows >= 0] = deck[1][rows[rows >= 0]]
    for wants_exact in (True, False):
        for column in answers.columns:
            is_missing = found == NO_NAME
            if wants_exact:
                is_missing &= column.is_exact
            found[is_missing] = column.destinations[is_missing]
    return found


def lay_out(answers: Answers, *, names: pa.Array, units: Int64s, has_master: bool) -> Table:
    """A row for each code, a column for each list but the last, which is the master's where there is one."""
    shown = answers.columns[:-1] if has_master else answers.columns
    prices = np.stack([each.prices for each in shown], axis=1)
    table = Table(
        codes=answers.codes,
        names=names,
        counts=np.ones(len(answers.codes), np.int64),
        units=units,
        cells=np.stack([each.cells for each in shown], axis=1),
        prices=prices,
        is_simulated=np.stack([each.is_simulated for each in shown], axis=1),
        least=prices,
        greatest=prices,
        used=tuple(each.used for each in shown),
        terms=np.stack([each.terms for each in shown], axis=1),
    )
    if not has_master:
        return table
    master = answers.columns[-1]
    return replace(table, master=np.where(master.is_offer, master.prices, _NO_PRICE))


def filtered(table: Table, *, destination: str = "", country: str = "") -> Table:
    """Rows whose name begins so, whatever its case, and whose code is of the country. Raises Invalid `unknown_country`."""
    kept = np.ones(len(table), np.bool_)
    if destination:
        kept &= pc.starts_with(pc.utf8_lower(table.names), destination.lower()).to_numpy(zero_copy_only=False)
    if country:
        kept &= _is_of_country(table.codes, country.upper())
    return table if kept.all() else table.take(np.flatnonzero(kept))


def _is_of_country(codes: pa.Array, country: str) -> Bools:
    """Codes of a country: of those with its calling code each beginning that tells the country is looked at once."""
    calling = phonenumbers.country_code_for_region(country)
    if not calling:
        raise Invalid(
            "unknown_country",
            f"{country[:40]!r} is no country with numbers.",
            hint="Write an ISO 3166 code, such as KE.",
        )
    found = np.array(pc.starts_with(codes, str(calling)).to_numpy(zero_copy_only=False))
    rows = np.flatnonzero(found)
    heads = pc.utf8_slice_codeunits(codes.take(pa.array(rows)), 0, COUNTRY_DIGITS).dictionary_encode()
    is_there = np.array([country_of(each) == country for each in heads.dictionary.to_pylist()], np.bool_)
    found[rows] = is_there[heads.indices.to_numpy()]
    return found


def by_destination(table: Table, average: Average) -> Table:
    """One row for each name, by name, with the least, the greatest and the average price of the codes that a column offers."""
    if not len(table):
        return table
    encoded = table.names.dictionary_encode()
    ranks = pc.rank(encoded.dictionary, tiebreaker="first").to_numpy().astype(np.int64) - 1
    group = ranks[encoded.indices.to_numpy()]
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.append(True, group[order][1:] != group[order][:-1]))
    names = encoded.dictionary.take(pc.sort_indices(encoded.dictionary))
    columns = [_grouped(table, at, order, first, average) for at in range(table.cells.shape[1])]
    stacked = [np.stack(each, axis=1) for each in zip(*columns, strict=True)]
    empty = pa.array([""] * len(names), pa.string())
    return Table(
        codes=empty,
        names=names,
        counts=np.add.reduceat(table.counts[order], first),
        units=np.add.reduceat(table.units[order], first),
        cells=stacked[0].astype(np.int8),
        prices=stacked[1],
        least=stacked[2],
        greatest=stacked[3],
        is_simulated=stacked[4].astype(np.bool_),
        used=(empty,) * len(columns),
        terms=np.full(stacked[1].shape, -1, np.int32),
        master=None if table.master is None else _grouped_master(table, order, first, average),
    )


def _grouped(table: Table, at: int, order: Int64s, first: Int64s, average: Average) -> tuple[Any, ...]:
    """Of one column: cells, average, least and greatest prices, and whether the price of any code is simulated."""
    cells, prices = table.cells[order, at], table.prices[order, at]
    is_offer = cells == Cell.OFFER
    has_offer = np.logical_or.reduceat(is_offer, first)
    is_blocked = np.logical_or.reduceat(cells == Cell.BLOCKED, first)
    kinds = np.where(has_offer, Cell.OFFER, np.where(is_blocked, Cell.BLOCKED, Cell.NONE))
    least = np.minimum.reduceat(np.where(is_offer, prices, np.iinfo(np.int64).max), first)
    greatest = np.maximum.reduceat(np.where(is_offer, prices, np.iinfo(np.int64).min), first)
    averages = _averages(prices, is_offer, table.units[order], first, average)
    is_simulated = np.logical_or.reduceat(table.is_simulated[order, at], first)
    return kinds, averages, np.where(has_offer, least, 0), np.where(has_offer, greatest, 0), is_simulated


def _grouped_master(table: Table, order: Int64s, first: Int64s, average: Average) -> Int64s:
    is_there = table.has_master[order]
    prices = np.where(is_there, table.master[order], 0)  # type: ignore[index]
    averages = _averages(prices, is_there, table.units[order], first, average)
    return np.where(np.logical_or.reduceat(is_there, first), averages, _NO_PRICE)


def _averages(prices: Int64s, is_offer: Bools, units: Int64s, first: Int64s, average: Average) -> Int64s:
    """The average price of each group's offers, half up; 0 where there is none."""
    weights = is_offer.astype(np.int64)
    counts = np.add.reduceat(weights, first)
    sums = _sums(np.where(is_offer, prices, 0), weights, first)
    if average is Average.MINUTES:
        # What is corrected by more than it was charged weighs nothing.
        by_units = np.where(is_offer, np.maximum(units, 0), 0)
        weighed = _sums(np.ones(len(units), np.int64), by_units, first)
        dear = _sums(np.where(is_offer, prices, 0), by_units, first)
        pairs = [(d, w) if w else (s, c) for d, w, s, c in zip(dear, weighed, sums, counts.tolist(), strict=True)]
    else:
        pairs = list(zip(sums, counts.tolist(), strict=True))
    made = [round_one(total, count, RoundingMode.HALF_UP) if count else 0 for total, count in pairs]
    return np.array([require_int64(each, what="average") for each in made], np.int64)


def _sums(values: Int64s, weights: Int64s, first: Int64s) -> list[int]:
    """The sum of value × weight of each group; in Python's integers where int64 might not hold it."""
    bound = int(np.abs(values).max(initial=0)) * int(weights.max(initial=0)) * max(len(values), 1)
    if bound <= INT64_MAX:
        return [int(each) for each in np.add.reduceat(values * weights, first)]
    return [int(each) for each in np.add.reduceat(values.astype(object) * weights.astype(object), first)]


def with_margins(table: Table, *, is_master_selling: bool) -> Table:
    """The same with margins against the master, which sells or buys."""
    if table.master is None:
        return table
    is_there = table.has_master[:, None] & (table.cells == Cell.OFFER)
    master = np.where(table.has_master, table.master, 0)[:, None]
    selling = np.broadcast_to(master, table.prices.shape) if is_master_selling else table.prices
    buying = table.prices if is_master_selling else np.broadcast_to(master, table.prices.shape)
    amounts = np.where(is_there, selling - buying, 0)
    has_percent = is_there & (selling > 0)
    percents = np.zeros(amounts.shape, np.int64)
    percents[has_percent] = _percents(amounts[has_percent], selling[has_percent])
    return replace(table, margins=Margins(amounts, percents, is_there, has_percent))


def _percents(amounts: Int64s, selling: Int64s) -> Int64s:
    if int(np.abs(amounts).max(initial=0)) <= INT64_MAX // _WHOLE:
        return rounding.round_ratio(amounts * np.int64(_WHOLE), selling, RoundingMode.HALF_UP)
    made = [
        round_one(amount * _WHOLE, price, RoundingMode.HALF_UP)
        for amount, price in zip(amounts.tolist(), selling.tolist(), strict=True)
    ]
    return np.array([require_int64(each, what="percentage") for each in made], np.int64)


def with_order(table: Table, positions: int | None) -> Table:
    """The same with the offers of each row, the cheapest first: columns by position, NO_POSITION where there is none."""
    is_offer = table.cells == Cell.OFFER
    ranked = np.argsort(np.where(is_offer, table.prices, _NO_PRICE), axis=1, kind="stable").astype(np.int32)
    count = is_offer.sum(axis=1)
    ranked[np.arange(ranked.shape[1]) >= count[:, None]] = NO_POSITION
    return replace(table, order=ranked[:, :positions])


def below(table: Table, percent: int) -> Table:
    """Rows with an offer, among the positions that are shown, whose margin is less than so many hundredths of a percent."""
    if table.margins is None:
        return table
    margins = table.margins
    is_low = margins.has_percent & (margins.percents < percent)
    is_low |= margins.is_there & ~margins.has_percent & (margins.amounts < 0)
    if table.order is not None:
        is_shown = np.zeros((len(table), table.cells.shape[1] + 1), np.bool_)
        np.put_along_axis(
            is_shown, table.order.astype(np.int64), True, axis=1
        )  # the last column takes those without a position
        is_low &= is_shown[:, :-1]
    return table.take(np.flatnonzero(is_low.any(axis=1)))


def names_of(destinations: Int64s, names: Mapping[int, str]) -> pa.Array:
    """The names of destinations as text; empty for none."""
    distinct, where = np.unique(destinations, return_inverse=True)
    return pa.array([names.get(each, "") for each in distinct.tolist()], pa.string()).take(pa.array(where))


def minutes(units: int, unit: Unit) -> str:
    """Units that were charged, for people: minutes with two decimals, messages, octets."""
    if unit is not Unit.SECOND:
        return str(units)
    hundredths = round_one(units * 100, 60, RoundingMode.HALF_UP)
    return f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100}.{abs(hundredths) % 100:02}"
