"""What the columns of a price list can say of a rate's steps, and what they cannot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.money import Price
from trunkline.engine.units import Unit
from trunkline.tariffs.rules import parse_steps

MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Said:
    """A price a minute (a unit, where the tariff counts no seconds), the least that is charged, and what is charged after it, in units."""

    rate: Price
    minimum: int
    interval: int

    def __post_init__(self) -> None:
        """Raises Invalid `cannot_be_told` for a price below zero, which readers of price lists take for an error."""
        if self.rate.units < 0:
            raise _cannot("its price is below zero")


@lru_cache(maxsize=65_536)
def say_steps(text: str, unit: Unit) -> Said:
    """Steps of `rules.parse_steps` as the columns of a price list say them.

    Raises Invalid `cannot_be_told` where they cannot: several prices, more than a minimum and an interval, a price a minute beyond ten decimals.
    """
    first, *rest = parse_steps(text)
    last = rest[-1] if rest else first
    if len(rest) > 1:
        raise _cannot("it has more than two steps")
    if rest and (last.start != first.increment or first.price.units * last.per != last.price.units * first.per):
        raise _cannot("its price changes within a call")
    per = MINUTE if unit is Unit.SECOND else 1
    units, beyond = divmod(last.price.units * per, last.per)
    if beyond:
        raise _cannot(f"its price for {per} units has more than ten decimals")
    return Said(Price(units), first.increment, last.increment)


def _cannot(why: str) -> Invalid:
    return Invalid("cannot_be_told", f"A rate cannot be told in the columns of a price list: {why}.")
