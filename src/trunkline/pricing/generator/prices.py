"""From what vendors ask to what customers pay (docs/algorithms/rate-generator.md, "Which cost counts", "From the cost to the price")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from trunkline.core import money
from trunkline.core.errors import Invalid
from trunkline.core.money import INT64_MAX, PRICE_DECIMALS, RoundingMode
from trunkline.engine import rounding
from trunkline.pricing.generator.costs import INT64_SAFE, Bools, Int64s, Offers, Wholes
from trunkline.pricing.generator.settings import Method, PercentOf, Settings, Terms


class HeldBy(IntEnum):
    """What decided a price besides cost and margin."""

    NOTHING = 0
    FLOOR = 1
    MAXIMUM = 2


@dataclass(frozen=True, slots=True)
class Made:
    """A price for each code with an offer; zero for the others.

    `price` and `cost` count 10^-10 of the target's currency; `cost` is rounded half up and only shown, `is_below_cost` compares with the exact one. `offers` is
    how many vendors offer the code, `cheapest` the number of the first of them, -1 for none.
    """

    price: Int64s
    cost: Int64s
    is_below_cost: Bools
    held_by: npt.NDArray[np.int8]
    offers: npt.NDArray[np.int64]
    cheapest: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Exact values `top / bottom`, row for row; `bottom` is above zero."""

    top: Wholes
    bottom: Wholes

    def rounded(self, mode: RoundingMode, step: int) -> Wholes:
        """As whole numbers of 1, rounded to multiples of `step`."""
        top, bottom = _widened(self.top, self.bottom, step)
        bottom = bottom * step
        if top.dtype == np.int64:
            return rounding.round_ratio(top, bottom, int(mode)) * step
        # The mode stays outside: numpy would make a plain number of it.
        return np.asarray(np.frompyfunc(partial(money.round_ratio, mode=mode), 2, 1)(top, bottom)) * step

    def up(self, step: int) -> Wholes:
        """The next multiple of `step` that is not below."""
        top, bottom = _widened(self.top, self.bottom, step)
        return -(-top // (bottom * step)) * step

    def times(self, factor: Fraction, plus: int = 0) -> _Ratio:
        """The values times a factor, and a whole number more."""
        top, bottom = self.top, self.bottom
        below = max(_most(bottom), 1) * factor.denominator
        if max(_most(top), 1) * abs(factor.numerator) + below * max(abs(plus), 1) >= INT64_SAFE:
            top, bottom = top.astype(object), bottom.astype(object)
        bottom = bottom * factor.denominator
        return _Ratio(top * factor.numerator + bottom * plus, bottom)


def _widened(top: Wholes, bottom: Wholes, step: int) -> tuple[Wholes, Wholes]:
    if _most(bottom) * step >= INT64_SAFE or top.dtype != bottom.dtype:
        return top.astype(object), bottom.astype(object)
    return top, bottom


def _most(values: Wholes) -> int:
    return int(np.abs(values).max()) if len(values) else 0


def make_prices(offers: Offers, rules: npt.NDArray[np.int64], settings: Settings) -> Made:
    """The price of each code: `rules` has the number of the rule that fits it, -1 for none. Raises Invalid `overflow`."""
    counts = offers.has.sum(axis=1)
    order, ranked = _in_order(offers)
    rows = np.flatnonzero(counts)
    cost = _cost(ranked[rows], counts[rows], settings)
    exact = cost.times(offers.unit)
    price = np.zeros(len(counts), np.int64)
    held = np.zeros(len(counts), np.int8)
    for rule in np.unique(rules[rows]).tolist():
        at = np.flatnonzero(rules[rows] == rule)
        made, by = _priced(
            _Ratio(exact.top[at], exact.bottom[at]), ranked[rows[at]], counts[rows[at]], offers, settings, rule
        )
        price[rows[at]], held[rows[at]] = _kept(made), by
    shown = np.zeros(len(counts), np.int64)
    shown[rows] = _kept(exact.rounded(RoundingMode.HALF_UP, 1))
    below = np.zeros(len(counts), np.bool_)
    below[rows] = (price[rows] < exact.up(1)).astype(np.bool_)
    return Made(price, shown, below, held, counts, np.where(counts > 0, order[:, 0], -1))


def _in_order(offers: Offers) -> tuple[npt.NDArray[np.intp], Wholes]:
    """The vendors of each code and what they ask, the cheapest first; those without an offer come last."""
    last = max(_most(offers.price.ravel()), 1) * 2
    wide = offers.price if offers.price.dtype == np.object_ or last < 2**63 else offers.price.astype(object)
    masked = np.where(offers.has, wide, last)
    order = np.argsort(masked, axis=1, kind="stable")
    return order, np.take_along_axis(masked, order, axis=1)


def _cost(ranked: Wholes, counts: Int64s, settings: Settings) -> _Ratio:
    """The cost of each code in the unit of the offers; each has one at least."""
    one = np.ones(len(counts), np.int64)
    if settings.method is Method.POSITION:
        return _Ratio(_at_position(ranked, counts, settings.position), one)
    if settings.method is Method.BLEND:
        weights = np.array(settings.weights, np.int64)
        used = np.minimum(counts, len(weights))
        totals = np.array(list(accumulate(settings.weights)), np.int64)
        return _Ratio(_weighted(ranked, used, weights), totals[used - 1])
    most = ranked.shape[1] if settings.method is Method.ALL else settings.position
    used = np.minimum(counts, most)
    return _Ratio(_weighted(ranked, used, np.ones(min(most, ranked.shape[1]), np.int64)), used)


def _at_position(ranked: Wholes, counts: Int64s, position: int) -> Wholes:
    at = np.minimum(counts, position) - 1
    return np.take_along_axis(ranked, at[:, None], axis=1)[:, 0]


def _weighted(ranked: Wholes, used: Int64s, weights: Int64s) -> Wholes:
    """The sum of the first `used` offers of each code, each times its weight."""
    columns = min(len(weights), ranked.shape[1])
    part = ranked[:, :columns]
    if _most(part.ravel()) * int(weights.sum()) >= INT64_SAFE:
        part = part.astype(object)
    counted = np.where(np.arange(columns) < used[:, None], part, 0)
    return np.asarray((counted * weights[:columns]).sum(axis=1))


def _priced(
    cost: _Ratio, ranked: Wholes, counts: Int64s, offers: Offers, settings: Settings, rule: int
) -> tuple[Wholes, npt.NDArray[np.int8]]:
    """The prices of codes with the same terms, and what held them."""
    terms = settings.terms_of(rule)
    step = 10 ** (PRICE_DECIMALS - settings.decimals)
    price = cost.times(_factor(terms, settings.percent_of), terms.absolute or 0).rounded(settings.rounding, step)
    held = np.zeros(len(price), np.int8)
    if terms.max_price is not None:
        most = terms.max_price // step * step
        held = np.where(price > most, HeldBy.MAXIMUM, held).astype(np.int8)
        price = np.minimum(price, most)
    for floor in _floors(cost, ranked, counts, offers, terms, step):
        held = np.where(price < floor, HeldBy.FLOOR, held).astype(np.int8)
        price = np.maximum(price, floor)
    return price, held


def _factor(terms: Terms, of: PercentOf) -> Fraction:
    percent = terms.percent or Fraction(0)
    return 1 + percent if of is PercentOf.COST else 1 / (1 - percent)


def _floors(
    cost: _Ratio, ranked: Wholes, counts: Int64s, offers: Offers, terms: Terms, step: int
) -> list[Wholes | int]:
    found: list[Any] = []
    if terms.min_price is not None:
        found.append(-(-terms.min_price // step) * step)
    if terms.min_margin is not None:
        found.append(cost.times(Fraction(1), terms.min_margin).up(step))
    if terms.min_margin_percent is not None:
        found.append(cost.times(1 + terms.min_margin_percent).up(step))
    if terms.not_below_position is not None:
        offer = _at_position(ranked, counts, terms.not_below_position)
        found.append(_Ratio(offer, np.ones(len(offer), np.int64)).times(offers.unit).up(step))
    return found


def _kept(prices: Wholes) -> Int64s:
    if _most(prices) > INT64_MAX:
        raise Invalid(
            "overflow", "A price is too large to be kept.", hint="Look at the margins and the vendors' prices."
        )
    return prices.astype(np.int64)
