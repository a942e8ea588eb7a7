"""When a report goes out by mail: pure, on a local clock.

A time that a clock jumps over is the instant at which it jumps to; of one that comes twice it is the first. The 31st of a shorter month is its
last day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trunkline.core.errors import Invalid

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS: Final = {"week": 7, "month": 31}


@dataclass(frozen=True, slots=True)
class Plan:
    """Every day, week or month (`every`), on a day of it, at a local time. `on_day` is 1 (Monday) to 7, or 1 to 31; None: every day."""

    every: str
    on_day: int | None
    at_time: time

    def __post_init__(self) -> None:
        most = DAYS.get(self.every)
        if most is None:
            is_right = self.every == "day" and self.on_day is None
        else:
            is_right = self.on_day is not None and 1 <= self.on_day <= most
        if not is_right:
            raise Invalid(
                "bad_schedule",
                f"There is no day {self.on_day} of every {self.every}.",
                hint="Every week has the days 1 (Monday) to 7, every month 1 to 31, every day none.",
                field="on_day",
            )

    def last(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The latest planned instant that is not after `at`."""
        today = at.astimezone(zone).date()
        return next(instant for day in self._days(today, -1) if (instant := self._instant(day, zone)) <= at)

    def next(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The first planned instant after `at`."""
        today = at.astimezone(zone).date()
        return next(instant for day in self._days(today, +1) if (instant := self._instant(day, zone)) > at)

    def _days(self, today: date, step: int) -> Iterator[date]:
        """The planned days around today and on from there, without an end."""
        day = today - step * timedelta(days=1)  # a zone's clock may stand on another day than the instant's
        while True:
            if self._is_planned(day):
                yield day
            day += step * timedelta(days=1)

    def _is_planned(self, day: date) -> bool:
        if self.on_day is None:
            return True
        if self.every == "week":
            return day.isoweekday() == self.on_day
        return day.day == min(self.on_day, calendar.monthrange(day.year, day.month)[1])

    def _instant(self, day: date, zone: ZoneInfo) -> datetime:
        return datetime.combine(day, self.at_time, zone).astimezone(UTC)


def parse_on(every: str, text: str) -> int | None:
    """The day of a plan as people write it: `monday`, `1`; nothing for every day. Raises Invalid `bad_schedule`."""
    word = text.strip().lower()
    if not word:
        return None
    if every == "week" and len(word) >= 3:
        found = [number for number, name in enumerate(WEEKDAYS, 1) if name.startswith(word)]
        if len(found) == 1:
            return found[0]
    if word.isascii() and word.isdigit() and len(word) < 3:
        return int(word)
    raise Invalid(
        "bad_schedule", f"{text!r} is no day.", hint="Give monday or 1, of every month 1 to 31.", field="on_day"
    )


def parse_time(text: str) -> time:
    """A time of day such as 06:00. Raises Invalid `bad_schedule`."""
    try:
        found = time.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(
            "bad_schedule", f"{text!r} is no time of day.", hint="Write it like 06:00.", field="at_time"
        ) from error
    if found.tzinfo is not None or found.second or found.microsecond:
        raise Invalid("bad_schedule", f"{text!r} is no time of day.", hint="Write it like 06:00.", field="at_time")
    return found
