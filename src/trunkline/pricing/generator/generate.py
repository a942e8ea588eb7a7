"""A whole run of a generator: a deck and vendors' prices in, lines as of a sheet out, with what each is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import PRICE_DECIMALS, Price, RoundingMode, scaled_text
from trunkline.engine.units import Unit
from trunkline.pricing.compare import LINES
from trunkline.pricing.generator.costs import Asked, Bools, Deck, Int64s, asked_of, charged_per, join_offers
from trunkline.pricing.generator.prices import HeldBy, Made, make_prices
from trunkline.pricing.generator.rules import Groups, excluded, rule_of
from trunkline.pricing.generator.settings import NoOffer, OtherCodes, Settings
from trunkline.tariffs.rules import make_steps

BLOCKED_STEPS: Final = "0:0/60/1"


class Became(IntEnum):
    """What a run makes of a code."""

    PRICED = 0
    BLOCKED = 1  # no vendor offers it
    LEFT_OUT = 2  # no vendor offers it
    KEPT = 3  # no vendor offers it: it stays as it is
    EXCLUDED = 4
    COLLAPSED = 5  # its parent says the same
    OTHER = 6  # of the target and not of the deck, closed


# What each line is made of, and each code that has none; money counts 10^-10 of the target's currency.
MADE: Final = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("destination", pa.string()),
        pa.field("became", pa.int8(), nullable=False),
        pa.field("has_line", pa.bool_(), nullable=False),
        pa.field("price", pa.int64(), nullable=False),
        pa.field("cost", pa.int64(), nullable=False),
        pa.field("offers", pa.int16(), nullable=False),
        pa.field("cheapest", pa.int16(), nullable=False),
        pa.field("rule", pa.int16(), nullable=False),
        pa.field("held_by", pa.int8(), nullable=False),
        pa.field("is_below_cost", pa.bool_(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor's price list as a run takes it: its rates (`tariffs.asked.ASKED`), and what one of its currency costs in the target's."""

    name: str
    rates: pa.Table
    exchange: Fraction


@dataclass(frozen=True, slots=True)
class Generated:
    """Lines of `compare.LINES`, and `MADE`: first the row of each line, in their order, then the codes that have none. `fees` by source."""

    lines: pa.Table
    made: pa.Table
    fees: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The tariff that is written: what it counts, and the codes of which it has a rate when the prices begin or later: `special` those of special rates, which
    nobody touches here."""

    unit: Unit
    codes: pa.Array
    special: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))


def generate(
    deck: pa.Table,
    sources: Sequence[Source],
    settings: Settings,
    target: Target,
    begins: datetime,
    groups: Groups = MappingProxyType({}),
) -> Generated:
    """Make the lines of a run that begins at an instant. `deck` is of `tariffs.asked.DECK`, by code; `groups` has the destinations of each group that the
    settings name. Raises Invalid `overflow`."""
    found = Deck.of(deck["code"].combine_chunks())
    sorted_deck = deck.take(pa.array(found.order)).combine_chunks()
    names = [source.name for source in sources]
    altogether, of_source = excluded(sorted_deck, settings.exclusions, names, groups)
    asked = [asked_of(each.rates, found, unit=target.unit, longer_codes=settings.longer_codes) for each in sources]
    asked = [replace(each, has=each.has & ~of_source[:, at]) for at, each in enumerate(asked)]
    rules = rule_of(sorted_deck, settings.rules, groups)
    offers = join_offers(asked, [each.exchange for each in sources], len(found))
    made = make_prices(offers, rules, settings)
    first, following = (
        (offers.first, offers.following)
        if settings.increments is None
        else tuple(np.full(len(found), each, np.int64) for each in settings.increments)
    )
    became = _became(made, altogether, settings.no_offer)
    steps = _steps(made.price, first, following, target.unit, became == Became.PRICED)
    if settings.is_collapsed:
        staying = _staying(sorted_deck, target, settings.other_codes)
        became = _collapse(sorted_deck, steps, became, staying)
    return _put_together(sorted_deck, steps, became, made, rules, asked, target, settings, begins)


def _are_in(codes: pa.ChunkedArray, among: pa.Array) -> Bools:
    return np.asarray(pc.is_in(codes, among).to_numpy())


def _became(made: Made, altogether: Bools, no_offer: NoOffer) -> npt.NDArray[np.int8]:
    without = {NoOffer.LEAVE_OUT: Became.LEFT_OUT, NoOffer.BLOCK: Became.BLOCKED, NoOffer.KEEP: Became.KEPT}[no_offer]
    return np.select([altogether, made.offers == 0], [Became.EXCLUDED, without], Became.PRICED).astype(np.int8)


def _steps(price: Int64s, first: Int64s, following: Int64s, unit: Unit, is_priced: Bools) -> pa.Array:
    """The text of steps of each code, each distinct one made once; those without a price refuse."""
    rows = np.flatnonzero(is_priced)
    _, prices = np.unique(price[rows], return_inverse=True)
    _, increments = np.unique(first[rows] * (int(following.max(initial=0)) + 1) + following[rows], return_inverse=True)
    both = prices.astype(np.int64) * (int(increments.max(initial=0)) + 1) + increments
    _, sample, inverse = np.unique(both, return_index=True, return_inverse=True)
    per = str(charged_per(unit))
    texts = [
        make_steps(str(Price(int(price[at]))), per, f"{first[at]}/{following[at]}", unit)
        for at in rows[sample].tolist()
    ]
    place = np.full(len(price), len(texts), np.int64)
    place[rows] = inverse
    return pa.array([*texts, BLOCKED_STEPS], pa.string()).take(pa.array(place))


def _staying(deck: pa.Table, target: Target, other_codes: OtherCodes) -> pa.Array:
    """Codes of the target that a run does not touch and the deck does not have."""
    kept = [target.special] if other_codes is OtherCodes.CLOSE else [target.special, target.codes]
    staying = pc.unique(pa.concat_arrays(kept))
    return staying.filter(pc.invert(pc.is_in(staying, deck["code"].combine_chunks())))


def _collapse(deck: pa.Table, steps: pa.Array, became: npt.NDArray[np.int8], staying: pa.Array) -> npt.NDArray[np.int8]:
    """What becomes of the codes where those that say what their parent says are left out."""
    count = len(deck)
    every = Deck.of(pa.concat_arrays([deck["code"].combine_chunks(), staying]))
    place = np.empty(len(every), np.int64)  # of each of them among those that were given
    place[:] = every.order
    parents = every.parents()
    parent_of = np.full(len(every), -1, np.int64)
    parent_of[place] = np.where(parents >= 0, place[parents], -1)
    mine = parent_of[:count]
    is_written = np.isin(became, [Became.PRICED, Became.BLOCKED])
    has_parent = (mine >= 0) & (mine < count)
    parent = np.where(has_parent, mine, 0)
    said = [_numbers(steps), _numbers(deck["destination"].combine_chunks()), became.astype(np.int64)]
    same = has_parent & is_written & is_written[parent]
    for column in said:
        same &= column == column[parent]
    # What is equal to a parent that is left out is equal to the one that stays: equality goes up the whole chain.
    return np.where(same, Became.COLLAPSED, became).astype(np.int8)


def _numbers(texts: pa.Array) -> Int64s:
    return np.asarray(texts.dictionary_encode().indices.to_numpy()).astype(np.int64)


def _put_together(
    deck: pa.Table,
    steps: pa.Array,
    became: npt.NDArray[np.int8],
    made: Made,
    rules: Int64s,
    asked: Sequence[Asked],
    target: Target,
    settings: Settings,
    begins: datetime,
) -> Generated:
    is_there = _are_in(deck["code"], target.codes)
    ends = np.isin(became, [Became.LEFT_OUT, Became.COLLAPSED])
    has_line = np.isin(became, [Became.PRICED, Became.BLOCKED]) | (ends & is_there)
    about = pa.table(
        {
            "code": deck["code"],
            "destination": deck["destination"],
            "became": pa.array(became),
            "has_line": pa.array(has_line),
            "price": pa.array(np.where(became == Became.PRICED, made.price, 0)),
            "cost": pa.array(made.cost),
            "offers": pa.array(made.offers.astype(np.int16)),
            "cheapest": pa.array(made.cheapest.astype(np.int16)),
            "rule": pa.array(rules.astype(np.int16)),
            "held_by": pa.array(np.where(became == Became.PRICED, made.held_by, HeldBy.NOTHING).astype(np.int8)),
            "is_below_cost": pa.array(made.is_below_cost & (became == Became.PRICED)),
        },
        schema=MADE,
    )
    others = _other_codes(deck, target, settings.other_codes)
    with_line = about.filter(pa.array(has_line))
    told = pa.concat_tables([with_line, others, about.filter(pa.array(~has_line))]).combine_chunks()
    lines = _lines(
        pa.concat_tables([with_line, others]).combine_chunks(),
        pa.concat_arrays([steps.filter(pa.array(has_line)), pa.array([BLOCKED_STEPS] * len(others), pa.string())]),
        begins,
    )
    return Generated(lines, told, tuple(each.fees for each in asked))


def _other_codes(deck: pa.Table, target: Target, other_codes: OtherCodes) -> pa.Table:
    """Rows of `MADE` for the target's codes that end because the deck does not have them."""
    if other_codes is OtherCodes.KEEP:
        return MADE.empty_table()
    codes = target.codes.filter(pc.invert(pc.is_in(target.codes, deck["code"].combine_chunks())))
    count = len(codes)
    fixed: dict[str, Any] = {
        "became": Became.OTHER,
        "has_line": True,
        "cheapest": -1,
        "rule": -1,
        "is_below_cost": False,
    }
    columns = {
        field.name: pa.array([fixed.get(field.name, 0)] * count, field.type)
        for field in MADE
        if field.name not in ("code", "destination")
    }
    return pa.table({"code": codes, "destination": pa.nulls(count, pa.string()), **columns}, schema=MADE)


def _lines(about: pa.Table, steps: pa.Array, begins: datetime) -> pa.Table:
    """Lines of a sheet for rows of `MADE`."""
    count = len(about)
    became = about["became"].to_numpy()
    columns: dict[str, Any] = {
        "line": pa.array(np.arange(1, count + 1, dtype=np.int32)),
        "code": about["code"],
        "destination": about["destination"],
        "steps": steps,
        "blocked": pa.array(became == Became.BLOCKED),
        "is_closed": pa.array(~np.isin(became, [Became.PRICED, Became.BLOCKED])),
        "valid_from": pa.repeat(pa.scalar(begins, pa.timestamp("s", tz="UTC")), count),
        "setup_fee": pa.repeat("0", count),
        "weight": pa.repeat("10", count),
        "rounding_mode": pa.repeat(pa.scalar(int(RoundingMode.HALF_UP), pa.int8()), count),
        "rounding_decimals": pa.repeat(pa.scalar(8, pa.int8()), count),
        "grace": pa.repeat(pa.scalar(0, pa.int64()), count),
        "additive": pa.repeat(pa.scalar(False), count),
    }
    every = [columns.get(field.name, pa.nulls(count, field.type)) for field in LINES]
    return pa.Table.from_arrays(
        [pa.chunked_array(each) if isinstance(each, list) else each for each in every], schema=LINES
    ).combine_chunks()


def price_text(units: int) -> str:
    """Money of `MADE` as decimal text."""
    return scaled_text(units, PRICE_DECIMALS)
