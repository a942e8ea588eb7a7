"""How far a deal is and what it is worth (docs/algorithms/swap-deals.md). No Django, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final

from trunkline.core.money import EXACT, PRICE_SCALE, Amount, RoundingMode, round_ratio
from trunkline.core.period import DatePeriod
from trunkline.pricing.deals.terms import MINUTE, Direction, Item

SPEED_DAYS: Final = 7
SPEED_DAYS_LEAST: Final = 3
PERCENT_WHOLE: Final = 100
_ONE_DAY: Final = timedelta(days=1)
_LAST: Final = date.max


class Status(StrEnum):
    """How a period, or a deal, stands."""

    PENDING = "pending"
    IN_PROCESS = "in_process"
    SUCCESS = "success"
    FAIL = "fail"


class AlarmKind(StrEnum):
    """What an alarm says of a period."""

    BEHIND = "behind"
    ACHIEVED = "achieved"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Used:
    """What an item had in a period: seconds by day, and the ordinary amount in the deal's currency; None where it cannot be converted."""

    seconds: Mapping[date, int]
    ordinary: Amount | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one item is. `speed` is seconds a day; `expected` seconds at the end of the period."""

    item: Item
    seconds: int
    speed: Fraction | None
    expected: int
    reached_on: date | None
    forecast_on: date | None
    ordinary: Amount | None
    by_deal: Amount | None
    shortfall: Amount

    @property
    def is_reached(self) -> bool:
        return self.reached_on is not None

    @property
    def settlement(self) -> Amount | None:
        """What the deal gives us beyond the invoices; below zero, what it takes."""
        if self.ordinary is None or self.by_deal is None:
            return None
        gain = self.by_deal - self.ordinary
        return gain if self.item.direction is Direction.INBOUND else -gain

    @property
    def percent(self) -> int:
        """Whole percent of the commitment that is there, down."""
        return _percent(self.seconds, self.item.committed)

    @property
    def expected_percent(self) -> int:
        """Whole percent of the commitment that is expected, down."""
        return _percent(self.expected, self.item.committed)


@dataclass(frozen=True, slots=True)
class PeriodProgress:
    """How a period stands: its items in their order."""

    period: DatePeriod
    status: Status
    items: tuple[Progress, ...]

    @property
    def settlement(self) -> Amount | None:
        """The live profit against ordinary prices; None where an item has none."""
        found = [each.settlement for each in self.items]
        return None if None in found else Amount.total(each for each in found if each is not None)


def _percent(part: int, whole: int) -> int:
    return round_ratio(part * PERCENT_WHOLE, whole, RoundingMode.DOWN)


def judge(period: DatePeriod, items: Sequence[tuple[Item, Used]], today: date) -> PeriodProgress:
    """How a period stands on a day. Items commit to something."""
    found = tuple(_progress(period, item, used, today) for item, used in items)
    if today < period.start:
        status = Status.PENDING
    elif found and all(each.is_reached for each in found):
        status = Status.SUCCESS
    else:
        status = Status.IN_PROCESS if today < period.end else Status.FAIL
    return PeriodProgress(period, status, found)


def status_of(periods: Sequence[PeriodProgress], today: date) -> Status:
    """How a deal stands: as its period of today; after the last, a success if all of them are."""
    running = next((each for each in periods if each.period.start <= today < each.period.end), None)
    if running is not None:
        return running.status
    if today < periods[0].period.start:
        return Status.PENDING
    return Status.SUCCESS if all(each.status is Status.SUCCESS for each in periods) else Status.FAIL


def _progress(period: DatePeriod, item: Item, used: Used, today: date) -> Progress:
    days = {day: count for day, count in used.seconds.items() if period.start <= day < period.end}
    seconds = sum(days.values())
    complete_until = min(max(today, period.start), period.end)
    complete = sum(count for day, count in days.items() if day < complete_until)
    speed = _speed(period, days, complete_until) if today < period.end else None
    left = (period.end - complete_until).days
    expected = seconds
    if speed is not None:
        expected = max(seconds, round_ratio(*(complete + speed * left).as_integer_ratio(), RoundingMode.DOWN))
    reached_on = _reached(days, item.committed) if seconds >= item.committed else None
    forecast_on = None
    if reached_on is None and speed is not None and speed > 0:
        forecast_on = _forecast(item.committed - complete, speed, today)
    return Progress(
        item=item,
        seconds=seconds,
        speed=speed,
        expected=expected,
        reached_on=reached_on,
        forecast_on=forecast_on,
        ordinary=used.ordinary,
        by_deal=_by_deal(item, seconds, used.ordinary),
        shortfall=_cost(item.price.units * max(item.committed - seconds, 0)),
    )


def _speed(period: DatePeriod, days: Mapping[date, int], until: date) -> Fraction | None:
    """Seconds a day of the last complete days; None while there are too few."""
    count = (until - period.start).days
    if count < min(SPEED_DAYS_LEAST, (period.end - period.start).days):
        return None
    count = min(count, SPEED_DAYS)
    return Fraction(sum(days.get(until - _ONE_DAY * number, 0) for number in range(1, count + 1)), count)


def _reached(days: Mapping[date, int], committed: int) -> date:
    """The first day by whose end the sum is there and stays there."""
    total, found = 0, None
    for day in sorted(days):
        total += days[day]
        if total < committed:
            found = None
        elif found is None:
            found = day
    if found is None:
        raise ValueError("the sum of the days is less than the commitment")
    return found


def _forecast(missing: int, speed: Fraction, today: date) -> date | None:
    """The day on which what was missing before today is there; None past the end of the calendar."""
    needed = -(-missing * speed.denominator // speed.numerator)
    if needed > (_LAST - today).days:
        return None
    return today + _ONE_DAY * max(needed - 1, 0)


def _cost(numerator: int) -> Amount:
    """Price units times seconds as an amount: a price is that of a minute."""
    return EXACT.ratio(numerator, MINUTE * PRICE_SCALE)


def _by_deal(item: Item, seconds: int, ordinary: Amount | None) -> Amount | None:
    """What the seconds cost by the deal."""
    within = min(seconds, item.committed)
    beyond = seconds - within
    exact = Fraction(item.price.units * within, MINUTE * PRICE_SCALE)
    if beyond > 0:
        if item.beyond is not None:
            exact += Fraction(item.beyond.units * beyond, MINUTE * PRICE_SCALE)
        elif ordinary is None:
            return None
        else:
            exact += Fraction(ordinary.to_decimal()) * beyond / seconds
    return EXACT.ratio(exact.numerator, exact.denominator)


def alarms_of(progress: PeriodProgress, *, below: int, today: date) -> dict[AlarmKind, list[Progress]]:
    """The alarms that are true of a period, with the items that each is about. `below` is a percentage of the commitment."""
    if progress.status is Status.SUCCESS:
        return {AlarmKind.ACHIEVED: list(progress.items)}
    if progress.status is Status.FAIL:
        return {AlarmKind.FAILED: [each for each in progress.items if not each.is_reached]}
    behind = [
        each
        for each in progress.items
        if each.speed is not None
        and not each.is_reached
        and each.expected * PERCENT_WHOLE < each.item.committed * below
    ]
    return {AlarmKind.BEHIND: behind} if behind and progress.period.start <= today else {}
