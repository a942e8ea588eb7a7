"""What vendors ask for the codes of a deck (docs/algorithms/rate-generator.md): a column a vendor, a row a code, in whole numbers of one small unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trunkline.engine.prefix import PrefixTable, digit_keys
from trunkline.engine.units import Unit
from trunkline.pricing.generator.settings import LongerCodes
from trunkline.tariffs.rules import parse_steps

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# Whole numbers of any size: int64 where they fit, Python's own where they do not.
Wholes = npt.NDArray[Any]

MINUTE: Final = 60
INT64_SAFE: Final = 2**62


def charged_per(unit: Unit) -> int:
    """For how many units prices are compared and made: a minute, or one."""
    return MINUTE if unit is Unit.SECOND else 1


def wholes(values: Sequence[int]) -> Wholes:
    """An array of whole numbers of any size."""
    fits = all(-INT64_SAFE < value < INT64_SAFE for value in values)
    return np.array(values, np.int64 if fits else object)


@dataclass(frozen=True, slots=True)
class Deck:
    """Codes in the order of their keys, with the table that finds them; `order` says which row of what was given each one is."""

    keys: Int64s
    lengths: npt.NDArray[np.int32]
    order: npt.NDArray[np.intp]
    prefixes: PrefixTable

    @staticmethod
    def of(codes: pa.Array) -> Deck:
        """From distinct codes of digits."""
        read = digit_keys(codes)
        order = np.lexsort((read.lengths, read.keys))
        keys, lengths = read.keys[order], read.lengths[order]
        return Deck(keys, lengths, order, PrefixTable.build(keys, lengths.astype(np.int8)))

    def __len__(self) -> int:
        return len(self.keys)

    def parents(self) -> npt.NDArray[np.int64]:
        """The place of each code's longest shorter code, -1 for none."""
        return self.prefixes.parents[: len(self)].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one vendor asks, a row for each code of a deck in the deck's order.

    `price` counts `unit` of the tariff's own currency, for `charged_per` units; where `has` is false it means nothing. `first` and `following` are the
    increments. `fees`: how many of the prices taken come with a setup fee.
    """

    price: Wholes
    unit: Fraction
    has: Bools
    first: Int64s
    following: Int64s
    fees: int


def asked_of(rates: pa.Table, deck: Deck, *, unit: Unit, longer_codes: LongerCodes) -> Asked:
    """What the rates of a vendor (`tariffs.asked.ASKED`) ask for the codes of a deck."""
    own = _own_codes(rates, charged_per(unit))
    if not len(own.deck):
        nothing = np.zeros(len(deck), np.int64)
        return Asked(nothing, Fraction(1), np.zeros(len(deck), np.bool_), nothing, nothing, 0)
    place = own.deck.prefixes.match(deck.keys, deck.lengths).astype(np.int64)
    has = (place >= 0) & ~own.blocked[place]
    price, first, following = own.price[place], own.first[place], own.following[place]
    fees = int((own.has_fee[place] & has).sum())
    if longer_codes is LongerCodes.DEAREST:
        owner = deck.prefixes.match(own.deck.keys, own.deck.lengths).astype(np.int64)
        rows = np.flatnonzero((owner >= 0) & ~own.blocked)
        rows = rows[own.deck.lengths[rows] > deck.lengths[owner[rows]]]
        for column, longer in ((price, own.price), (first, own.first), (following, own.following)):
            np.maximum.at(column, owner[rows], longer[rows])
    return Asked(price, own.unit, has, first, following, fees)


@dataclass(frozen=True, slots=True)
class _Own:
    """A vendor's list with one row a code."""

    deck: Deck
    price: Wholes
    unit: Fraction
    blocked: Bools
    has_fee: Bools
    first: Int64s
    following: Int64s


def _own_codes(rates: pa.Table, per: int) -> _Own:
    encoded = rates["code"].combine_chunks().dictionary_encode()
    deck = Deck.of(encoded.dictionary.cast(pa.string()))
    count = len(deck)
    rank = np.empty(count, np.int64)
    rank[deck.order] = np.arange(count)
    code = rank[encoded.indices.to_numpy()]
    steps = rates["steps"].combine_chunks().dictionary_encode()
    parsed = [parse_steps(text) for text in steps.dictionary.to_pylist()]
    prices = [Fraction(each[-1].price.units * per, each[-1].per) for each in parsed]
    bottom = lcm(*(each.denominator for each in prices))
    tops = [int(each * bottom) for each in prices]
    shared = gcd(*tops) or 1
    index = steps.indices.to_numpy()
    blocked = rates["blocked"].to_numpy(zero_copy_only=False)
    own = _Own(
        deck=deck,
        price=_dearest(code, wholes([top // shared for top in tops])[index] if tops else np.empty(0, np.int64), count),
        unit=Fraction(shared, bottom),
        blocked=_any(code, blocked, count),
        has_fee=_any(code, rates["has_fee"].to_numpy(zero_copy_only=False), count),
        first=_dearest(code, np.array([each[0].increment for each in parsed], np.int64)[index], count),
        following=_dearest(code, np.array([each[-1].increment for each in parsed], np.int64)[index], count),
    )
    is_always = _any(code, ~rates["is_timed"].to_numpy(zero_copy_only=False), count)
    _fall_to_shorter(own, ~is_always)
    return own


def _any(code: Int64s, marked: Bools, count: int) -> Bools:
    found = np.zeros(count, np.bool_)
    found[code[marked]] = True
    return found


def _dearest(code: Int64s, values: Wholes, count: int) -> Wholes:
    """The largest value of each code; every code has one."""
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(count))
    return np.asarray(np.maximum.reduceat(values[order], starts)) if count else values[:0]


def _fall_to_shorter(own: _Own, is_timed: Bools) -> None:
    """Codes that hold at some times only: the shorter code's price counts for the others. Shorter ones first, for it may be one of them."""
    parents = own.deck.parents()
    rows = np.flatnonzero(is_timed & ~own.blocked & (parents >= 0))
    rows = rows[~own.blocked[parents[rows]]]
    for length in np.unique(own.deck.lengths[rows]):
        at = rows[own.deck.lengths[rows] == length]
        for column in (own.price, own.first, own.following):
            column[at] = np.maximum(column[at], column[parents[at]])


@dataclass(frozen=True, slots=True)
class Offers:
    """What all vendors ask, in the target's currency: `price[code, vendor]` whole numbers of `unit` times 10^-10, only where `has`.

    `first` and `following` are the longest increments of the vendors that offer the code, 1 where none does.
    """

    price: Wholes
    unit: Fraction
    has: Bools
    first: Int64s
    following: Int64s


def join_offers(asked: Sequence[Asked], rates: Sequence[Fraction], count: int) -> Offers:
    """What each vendor asks, at its exchange rate into the target's currency (above zero), brought to one unit."""
    units = [each.unit * rate for each, rate in zip(asked, rates, strict=True)]
    bottom = lcm(*(unit.denominator for unit in units))
    factors = [int(unit * bottom) for unit in units]
    shared = gcd(*factors) or 1
    factors = [factor // shared for factor in factors]
    shape = (count, len(asked))
    fits = all(
        each.price.dtype == np.int64 and _most(each.price) * factor < INT64_SAFE
        for each, factor in zip(asked, factors, strict=True)
    )
    price = np.zeros(shape, np.int64 if fits else object)
    has = np.zeros(shape, np.bool_)
    first, following = np.ones(count, np.int64), np.ones(count, np.int64)
    for column, (each, factor) in enumerate(zip(asked, factors, strict=True)):
        price[:, column] = (each.price if fits else each.price.astype(object)) * factor
        has[:, column] = each.has
        first = np.where(each.has, np.maximum(first, each.first), first)
        following = np.where(each.has, np.maximum(following, each.following), following)
    return Offers(price, Fraction(shared, bottom), has, first, following)


def _most(values: Wholes) -> int:
    """The largest of the values without their signs, 1 at least: what it is multiplied by must fit too."""
    return max(int(np.abs(values).max()), 1) if len(values) else 1
