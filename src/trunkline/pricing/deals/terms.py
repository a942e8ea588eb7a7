"""What partners have agreed: periods, and whose minutes count for which item. No Django, no database."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from trunkline.core.errors import Invalid
from trunkline.core.money import Price
from trunkline.core.period import DatePeriod
from trunkline.parties.kinds import Side

MINUTE = 60


class Direction(StrEnum):
    """Who sends the traffic."""

    INBOUND = "inbound"  # the partner to us: we sell
    OUTBOUND = "outbound"  # we to the partner: we buy

    @property
    def side(self) -> Side:
        """The side of the partner's records."""
        return Side.SELL if self is Direction.INBOUND else Side.BUY


class Length(StrEnum):
    """What the length of a period counts."""

    DAYS = "days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Item:
    """One promise: so many minutes in each period, at a price a minute; `beyond` is the price of more, None: the ordinary one."""

    direction: Direction
    minutes: int
    price: Price
    beyond: Price | None = None
    destinations: frozenset[str] = field(default_factory=frozenset)
    codes: frozenset[str] = field(default_factory=frozenset)

    @property
    def committed(self) -> int:
        """Seconds."""
        return self.minutes * MINUTE

    @property
    def is_for_all(self) -> bool:
        """Whether it names nothing, and so has what no other item of its side names."""
        return not self.destinations and not self.codes


def period_of(first: date, length: int, unit: Length, number: int) -> DatePeriod:
    """The period of that number, 1 being the first. Raises Invalid `bad_period` past the end of the calendar."""
    return DatePeriod(_begin(first, length * (number - 1), unit), _begin(first, length * number, unit))


def _begin(first: date, count: int, unit: Length) -> date:
    try:
        if unit is Length.DAYS:
            return first + timedelta(days=count)
        year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
        return date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError, calendar.IllegalMonthError) as error:
        raise Invalid("bad_period", "The deal would not end before the calendar does.") from error


def periods_of(first: date, length: int, unit: Length, repeats: int) -> Iterator[DatePeriod]:
    """All periods of a deal, in order."""
    return (period_of(first, length, unit, number) for number in range(1, repeats + 1))


def require_apart(items: Sequence[Item]) -> None:
    """Raise Invalid `items_overlap` if two items of a side name the same code or destination, or nothing."""
    seen: set[tuple[Direction, str, str]] = set()
    for item in items:
        names = [("code", code) for code in sorted(item.codes)]
        names += [("destination", name) for name in sorted(item.destinations)]
        for kind, name in names or [("all", "")]:
            if (item.direction, kind, name) in seen:
                said = f"the {kind} {name}" if name else "all other traffic"
                raise Invalid(
                    "items_overlap",
                    f"Two {item.direction.value} items are for {said}.",
                    hint="Name each code and destination once.",
                )
            seen.add((item.direction, kind, name))


class Matcher:
    """Tells the item of a sum, of the items of one side."""

    def __init__(self, items: Mapping[int, Item]) -> None:
        self._by_code = {code: number for number, item in items.items() for code in item.codes}
        self._by_name = {name: number for number, item in items.items() for name in item.destinations}
        self._rest = next((number for number, item in items.items() if item.is_for_all), None)

    def find(self, code: str, destination: str) -> int | None:
        """The number of the item that minutes of a rate with this code and destination belong to; None: none of them."""
        for end in range(len(code), 0, -1):
            if code[:end] in self._by_code:
                return self._by_code[code[:end]]
        return self._by_name.get(destination, self._rest) if destination else self._rest
