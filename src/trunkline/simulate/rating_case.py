"""Rates and events for `bench rating`: many codes drawn evenly, second steps, rounding, a change of prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from trunkline.core.money import RoundingMode
from trunkline.simulate.decks import DeckPlan, PriceChange, make_deck, rate_table
from trunkline.simulate.draws import Draws
from trunkline.simulate.text import numbers
from trunkline.simulate.world import deep_codes

_CHANGE = datetime(2026, 3, 2, 12, tzinfo=UTC)
_FIRST_STEP_S = 60
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class RatingCase:
    """`rates` in the shape of the engine's RATE_SCHEMA; `events`: number, start (ms, UTC), quantity (seconds)."""

    rates: pa.Table
    events: pa.Table


def rating_case(
    *, codes: int = 100_000, events: int = 1_000_000, second_step: int = 300, crossing: int = 50, seed: int = 1
) -> RatingCase:
    """A price list of `codes` codes at 60/1, rounded half up at 4 decimals, every price changing at noon, and events.

    The codes are drawn evenly. `second_step` by thousand of the events last longer than the first minute; `crossing` by
    thousand begin before noon and end after it, the others do not.
    """
    table = deep_codes(codes)
    plan = DeckPlan(
        "rating",
        seed,
        code_spread=40,
        increments={"60/1": 1},
        rounding=(RoundingMode.HALF_UP, 4),
        changes=(PriceChange(_CHANGE, countries=1000, move=80),),
    )
    draws = Draws(seed, "rating case")
    row = draws.below(len(table), events)
    digits = np.asarray([place.digits for place in table.places])[table.place[row]]
    lengths = np.searchsorted(10 ** np.arange(16, dtype=np.int64), table.code[row], side="right")
    room = np.clip(digits - lengths, 0, 9)
    number = table.code[row] * 10**room + draws.below(10**room, events)
    is_long = draws.chance(second_step, 1000, events)
    quantity = np.where(is_long, draws.between(_FIRST_STEP_S + 1, 900, events), draws.between(2, _FIRST_STEP_S, events))
    noon = int(_CHANGE.timestamp()) * 1000
    inside = noon - 1000 - draws.below(quantity - 1, events) * 1000
    half = _DAY_MS // 2
    before = noon - half + draws.below(half - 900_000, events)
    elsewhere = np.where(draws.chance(1, 2, events), before, noon + draws.below(half, events))
    start = np.where(draws.chance(crossing, 1000, events), inside, elsewhere)
    columns = {
        "number": numbers(number),
        "start": pa.array(start, pa.timestamp("ms", tz="UTC")),
        "quantity": pa.array(quantity),
    }
    return RatingCase(rate_table(make_deck(plan, table)), pa.table(columns))
