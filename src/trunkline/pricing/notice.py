"""Notice: from which instant on a change of prices is allowed (docs/algorithms/rate-changes.md, "When a change may begin")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone

NOTICE_DAYS_MAX: Final = 365
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class Counting(StrEnum):
    """From when on the days of a notice are counted, and whether they are days of the calendar or 24 hours."""

    MIDNIGHT = "midnight"
    NOTIFICATION = "notification"
    HOUR = "hour"
    HOURS = "hours"


class OnBreach(StrEnum):
    """What becomes of a line that begins sooner than it may."""

    PUSH = "push"
    FLAG = "flag"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Notice:
    """How the notice of an agreement is counted.

    `hour` is what `Counting.HOUR` counts from, 0 to 23; `cut_off` the time of day from which on a notification counts as one of the next day.
    """

    counting: Counting = Counting.MIDNIGHT
    zone: str = "UTC"
    hour: int = 0
    is_business: bool = False
    holidays: frozenset[date] = frozenset()
    cut_off: time | None = None

    def __post_init__(self) -> None:
        """Raises Invalid `bad_notice` for what cannot be counted."""
        if self.is_business and self.counting in (Counting.HOUR, Counting.HOURS):
            raise Invalid(
                "bad_notice",
                "Business days go with counting days, not hours.",
                hint="Count from midnight or from the notification.",
            )
        if not 0 <= self.hour <= 23:
            raise Invalid("bad_notice", f"An hour is 0 to 23, not {self.hour}.")

    def first_allowed(self, notified_at: datetime, days: int) -> datetime:
        """The first instant, in UTC, at which a change with so many days of notice may begin. Never before `notified_at`.

        Raises Invalid `bad_notice` for more than a year.
        """
        if not 0 <= days <= NOTICE_DAYS_MAX:
            raise Invalid("bad_notice", f"A notice has 0 to {NOTICE_DAYS_MAX} days, not {days}.")
        local = self._counted_from(notified_at.astimezone(get_zone(self.zone)))
        match self.counting:
            case Counting.HOURS:
                allowed = local.astimezone(UTC) + days * _DAY
            case Counting.HOUR:
                begin = datetime.combine(local.date(), time(self.hour), local.tzinfo)
                if begin < local:
                    begin = datetime.combine(local.date() + _DAY, time(self.hour), local.tzinfo)
                allowed = begin.astimezone(UTC) + days * _DAY
            case Counting.NOTIFICATION:
                allowed = datetime.combine(self._days_on(local.date(), days), local.time(), local.tzinfo)
            case Counting.MIDNIGHT:
                allowed = datetime.combine(self._days_on(local.date(), days), time(), local.tzinfo)
        return max(allowed, notified_at).astimezone(UTC)

    def _counted_from(self, local: datetime) -> datetime:
        """The notification as it counts: on the next day after the cut-off, and on a business day where only those count."""
        day = local.date()
        if self.cut_off is not None and local.time() >= self.cut_off:
            day += _DAY
        if self.is_business and not self._is_business_day(day):
            day = next(each for each in _days_after(day) if self._is_business_day(each))
        return local if day == local.date() else datetime.combine(day, time(), local.tzinfo)

    def _days_on(self, day: date, days: int) -> date:
        if not self.is_business:
            return day + days * _DAY
        following = (each for each in _days_after(day) if self._is_business_day(each))
        for _ in range(days):
            day = next(following)
        return day

    def _is_business_day(self, day: date) -> bool:
        return day.weekday() < _SATURDAY and day not in self.holidays


def _days_after(day: date) -> Iterator[date]:
    while True:
        day += _DAY
        yield day
