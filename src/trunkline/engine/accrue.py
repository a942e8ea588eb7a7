"""Increments and their cost for whole columns, in closed form: `docs/algorithms/rating.md` rules 5 to 10.

One pass a step, never one an increment. A sum is an exact fraction: `units` of 10^-10 over `common`. Everything is
int64 under bounds that are checked first; a row that could leave them is marked `is_wide` and its numbers mean
nothing: it belongs to `engine.scalar`, whose integers have no end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunkline.engine.rounding import round_ratio
from trunkline.engine.snapshot import NO_RATE, PriceColumns
from trunkline.engine.tariff import SUM_LIMIT, Indices, Ints

Marks = NDArray[np.bool_]

_NO_MAGNITUDE = np.iinfo(np.int64).min  # the one int64 without an absolute value


@dataclass(slots=True)
class Accrual:
    """What events have cost so far: `units / common` in 10^-10, and the `position` where the next increment begins."""

    units: Ints
    common: Ints
    position: Ints
    is_wide: Marks | None = None

    def mark_wide(self, marks: Marks) -> None:
        if marks.any():
            self.is_wide = marks if self.is_wide is None else self.is_wide | marks
            self.units[marks] = 0
            self.common[marks] = 1

    def add(self, slots: Ints, units: Ints, common: Ints) -> None:
        """Adds `units / common` to the events at `slots`, which are distinct."""
        mine, so_far = self.common[slots], self.units[slots]
        divisor = np.gcd(mine, common)
        factor, other = common // divisor, mine // divisor
        fits = (mine <= SUM_LIMIT // factor) & (np.abs(so_far) <= SUM_LIMIT // factor)
        fits &= np.abs(units) <= SUM_LIMIT // other
        if not fits.all():
            marks = np.zeros(self.units.size, dtype=np.bool_)
            marks[slots[~fits]] = True
            self.mark_wide(marks)
            slots, mine, so_far, units = slots[fits], mine[fits], so_far[fits], units[fits]
            factor, other = factor[fits], other[fits]
        self.units[slots] = so_far * factor + units * other
        self.common[slots] = mine * factor


@dataclass(frozen=True, slots=True)
class Change:
    """From `position` on `rows` are in force for the events at `slots`, one change for each; NO_RATE for none.

    Where none is, the rate of the increment before goes on: not one that came and went within that increment.
    """

    slots: Ints
    position: Ints
    rows: Indices

    @classmethod
    def joined(cls, parts: Sequence[Change]) -> Change:
        """Changes of different events as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.slots for part in parts]),
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.rows for part in parts]),
        )

    def moved(self, slot: Ints) -> Change:
        """The same change with the events at `slot[slots]`."""
        return Change(slot[self.slots], self.position, self.rows)


def too_large(prices: PriceColumns, rows: Indices, quantity: Ints) -> Marks | None:
    """Which events could leave int64 on the way under the rate `rows`; None if none can."""
    if quantity.size == 0 or int(quantity.max()) <= prices.quantity_limit:
        return None
    terms = prices.terms
    term = prices.term[rows]
    limit = terms.quantity_limit[term]
    marks = limit < 0
    near = np.flatnonzero((quantity > limit) & ~marks)
    if near.size:
        marks[near] = _leaves_bounds(prices, rows[near], term[near], quantity[near])
    return marks if marks.any() else None


def _leaves_bounds(prices: PriceColumns, rows: Indices, term: Indices, quantity: Ints) -> Marks:
    """The bound of `tariff.Terms.quantity_limit`, with each rate's own prices in place of the dearest."""
    terms = prices.terms
    marks = quantity >= np.int64(SUM_LIMIT // 2)
    if prices.setup_fee is not None:
        fee = prices.setup_fee[rows]
        marks |= (np.abs(fee) > SUM_LIMIT // terms.common[term]) | (fee == _NO_MAGNITUDE)
    quantity = np.where(marks, 0, quantity)
    count = terms.step_count[term]
    share = SUM_LIMIT // count.astype(np.int64)
    for number in range(int(count.max())):
        here = np.flatnonzero(count > number)
        step = terms.first_step[term[here]] + number
        price = (
            prices.first_price[rows[here]]
            if number == 0
            else prices.later_prices[prices.later_prices_at[rows[here]] + (number - 1)]
        )
        dearest = share[here] // np.maximum(np.abs(price), 1)
        increments = quantity[here] // terms.increment[step] + 1
        marks[here] |= (price == _NO_MAGNITUDE) | (increments > dearest // terms.weight[step])
    return marks


def accrue(prices: PriceColumns, rows: Indices, quantity: Ints) -> Accrual:
    """The increments and setup fee of whole events by one rate each. Grace and `too_large` are the caller's."""
    term = prices.term.take(rows)
    increment = prices.first_increment.take(term)
    count = np.minimum(quantity, prices.first_end.take(term))
    count += increment
    count -= 1
    count //= increment
    position = count * increment
    units = count * prices.first_weight.take(term)
    units *= prices.first_price.take(rows)
    accrual = Accrual(units, prices.terms.common.take(term), position)
    _accrue_later(prices, rows, quantity, accrual)
    if prices.setup_fee is not None:
        units += np.where(quantity > 0, prices.setup_fee.take(rows), 0) * accrual.common
    return accrual


def _accrue_later(prices: PriceColumns, rows: Indices, quantity: Ints, accrual: Accrual) -> None:
    """The second and later steps of the events that have not reached their quantity, added in place."""
    terms = prices.terms
    left = np.flatnonzero(accrual.position < quantity)
    step = terms.first_step[prices.term[rows[left]]]
    price_at = prices.later_prices_at[rows[left]]
    wanted, at = quantity[left], accrual.position[left]
    while left.size:
        step = step + 1
        increment = terms.increment.take(step)
        # A step that the increment before it has jumped over begins nothing.
        count = np.maximum(np.minimum(wanted, terms.step_end.take(step)) - at, 0)
        count = (count + (increment - 1)) // increment
        at = at + count * increment
        accrual.units[left] += count * terms.weight.take(step) * prices.later_prices.take(price_at)
        accrual.position[left] = at
        is_left = at < wanted
        left, step, price_at = left[is_left], step[is_left], price_at[is_left] + 1
        wanted, at = wanted[is_left], at[is_left]


def accrue_with_changes(prices: PriceColumns, rows: Indices, quantity: Ints, changes: Sequence[Change]) -> Accrual:
    """The increments and setup fee of events whose rate changes on the way: `rows` at the start, then each of `changes`
    in turn. Grace of the start and all bounds are seen to."""
    terms = prices.terms
    term = prices.term[rows]
    is_free = (quantity == 0) | (quantity < terms.grace[term])
    wanted = np.where(is_free, 0, quantity)
    size = rows.size
    total = Accrual(np.zeros(size, dtype=np.int64), np.ones(size, dtype=np.int64), np.zeros(size, dtype=np.int64))
    wide = too_large(prices, rows, wanted)
    if wide is not None:
        wanted[wide] = 0
    every = np.arange(size, dtype=np.int64)
    in_force, charging = rows.copy(), rows.copy()

    def advance(slots: Ints, until: Ints) -> None:
        begun = np.flatnonzero(total.position[slots] < until)
        slots = slots[begun]
        charging[slots] = np.where(in_force[slots] == NO_RATE, charging[slots], in_force[slots])
        _advance(prices, total, slots, charging[slots], until[begun])

    for change in changes:
        advance(change.slots, np.minimum(change.position, wanted[change.slots]))
        in_force[change.slots] = change.rows
        given = np.flatnonzero(change.rows != NO_RATE)
        slots = change.slots[given]
        larger = too_large(prices, change.rows[given], wanted[slots])
        if larger is not None:
            marks = np.zeros(size, dtype=np.bool_) if wide is None else wide
            marks[slots[larger]] = True
            wide, wanted[marks] = marks, 0
    advance(every, wanted)
    if prices.setup_fee is not None:
        fee = np.where(is_free, 0, prices.setup_fee[rows])
        total.add(every, fee, np.ones(size, dtype=np.int64))
    if wide is not None:
        total.mark_wide(wide)
    return total


def _advance(prices: PriceColumns, total: Accrual, slots: Ints, rows: Indices, until: Ints) -> None:
    """Charges the events at `slots` from where they are to the later position `until`, by `rows`."""
    if not slots.size:
        return
    terms = prices.terms
    term = prices.term[rows]
    at, units = total.position[slots], np.zeros(slots.size, dtype=np.int64)
    for number in range(int(terms.step_count[term].max())):
        here = np.flatnonzero((terms.step_count[term] > number) & (at < until))
        if not here.size:
            break
        step = terms.first_step[term[here]] + number
        increment = terms.increment[step]
        price = (
            prices.first_price[rows[here]]
            if number == 0
            else prices.later_prices[prices.later_prices_at[rows[here]] + (number - 1)]
        )
        count = np.maximum(np.minimum(until[here], terms.step_end[step]) - at[here], 0)
        count = (count + (increment - 1)) // increment
        units[here] += count * terms.weight[step] * price
        at[here] += count * increment
    total.position[slots] = at
    total.add(slots, units, terms.common[term])


def settle(prices: PriceColumns, rows: Indices, quantity: Ints, accrual: Accrual) -> Ints:
    """The amounts (10^-8): rounded once and capped as the rates of the start, `rows`, say. Marks what is too wide."""
    terms = prices.terms
    term = prices.term.take(rows)
    scale = prices.term_scale.take(term)
    if accrual.common.size and int(accrual.common.max()) > SUM_LIMIT // 10**10:
        accrual.mark_wide(accrual.common > SUM_LIMIT // scale)
    mode: NDArray[np.int8] | int = terms.mode.take(term)
    if terms.mode.size and terms.mode.min() == terms.mode.max():
        mode = int(terms.mode[0])
    amount = round_ratio(accrual.units, accrual.common * scale, mode)
    amount *= prices.term_unscale.take(term)
    if prices.max_cost is not None:
        amount = np.minimum(amount, prices.max_cost.take(rows))
        amount[quantity == 0] = 0
    return amount
