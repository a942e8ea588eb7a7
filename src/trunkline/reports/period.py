"""The periods of a report: what people give, and the period that is compared with another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from trunkline.core.errors import Invalid
from trunkline.core.period import first_instant

# A date is the first instant of that day in the report's zone; a naive datetime is of the zone's clock.
Bound = date | datetime
B = TypeVar("B", date, datetime)

PREVIOUS: Final = "previous"
_RANGE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})", re.ASCII)
_SMALLEST: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Previous:
    """The period just before, as long as the one it is compared with."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days `[start, end)`."""

    start: date
    end: date


Comparison = Previous | Days


class Preset(StrEnum):
    """A period that moves with the day on which it is asked for. Weeks begin on Monday."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"  # the whole days before today
    LAST_30_DAYS = "last_30_days"
    THIS_WEEK = "this_week"  # today is the last day of it
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"  # today is the last day of it
    LAST_MONTH = "last_month"


def parse_preset(text: str) -> Preset | None:
    """A moving period by its name. Raises Invalid `unknown_period`."""
    if text and text.lower() not in Preset.__members__.values():
        raise Invalid("unknown_period", f"There is no period {text!r}.", hint=f"Use one of {', '.join(Preset)}.")
    return Preset(text.lower()) if text else None


def days_of(preset: Preset, today: date) -> tuple[date, date]:
    """The days `[from, to)` of a moving period, asked for on `today`."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    before = {Preset.YESTERDAY: 1, Preset.LAST_7_DAYS: 7, Preset.LAST_30_DAYS: 30}
    if preset in before:
        return today - timedelta(days=before[preset]), today
    if preset is Preset.LAST_WEEK:
        return monday - timedelta(days=7), monday
    if preset is Preset.LAST_MONTH:
        return (first - timedelta(days=1)).replace(day=1), first
    begins = {Preset.TODAY: today, Preset.THIS_WEEK: monday, Preset.THIS_MONTH: first}
    return begins[preset], today + timedelta(days=1)


def parse_bound(text: str) -> Bound | None:
    """A day or an instant as people write it; an instant without an offset is of the report's zone. Raises Invalid `bad_time`."""
    if not text:
        return None
    try:
        return _known(date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text))
    except ValueError as error:
        raise Invalid("bad_time", f"{text!r} is no day.", hint="Write 2026-03-01 or 2026-03-01T06:00.") from error


def _known(bound: B) -> B:
    """The bound, where days before and after it can be reckoned with in any zone. Raises ValueError."""
    if not 1900 <= bound.year <= 9000:
        raise ValueError(bound)
    return bound


def parse_comparison(text: str) -> Comparison | None:
    """`previous` or `2026-02-01..2026-03-01`, the last day not included. Raises Invalid `bad_comparison`, `period_order`."""
    if not text:
        return None
    if text.lower() == PREVIOUS:
        return Previous()
    found = _RANGE.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        days = Days(_known(date.fromisoformat(found[1])), _known(date.fromisoformat(found[2])))
    except ValueError as error:
        hint = "Write `previous`, or two days like 2026-02-01..2026-03-01, the second not included."
        raise Invalid("bad_comparison", f"Nothing can be compared with {text!r}.", hint=hint) from error
    if days.start > days.end:
        raise Invalid("period_order", "The end of the period is before its beginning.")
    return days


def instant_of(bound: Bound | None, zone: ZoneInfo) -> datetime | None:
    """The instant of a bound in UTC."""
    if bound is None:
        return None
    if isinstance(bound, datetime):
        return (bound.replace(tzinfo=zone) if bound.tzinfo is None else bound).astimezone(UTC)
    return first_instant(bound, zone)


def as_of_instant(bound: Bound | None, zone: ZoneInfo) -> datetime | None:
    """The instant at which something counts `as of` a bound: of a day its last, so that all of that day's work counts."""
    if bound is None or isinstance(bound, datetime):
        return instant_of(bound, zone)
    return first_instant(bound + timedelta(days=1), zone) - _SMALLEST


def compared_bounds(comparison: Comparison, start_from: Bound | None, start_to: Bound | None) -> tuple[Bound, Bound]:
    """The bounds of the period compared with. Raises Invalid `compare_period` where the report's own are open.

    Before whole months stand as many months, before days as many days, before instants as much time.
    """
    try:
        return _compared_bounds(comparison, start_from, start_to)
    except (ValueError, OverflowError) as error:  # before the beginning of the calendar
        raise Invalid("compare_period", "There is no such time before that period.") from error


def _compared_bounds(comparison: Comparison, start_from: Bound | None, start_to: Bound | None) -> tuple[Bound, Bound]:
    if start_from is None or start_to is None:
        raise Invalid("compare_period", "Only a period with both ends can be compared.", hint="Give --from and --to.")
    if isinstance(comparison, Days):
        return comparison.start, comparison.end
    if isinstance(start_from, datetime) or isinstance(start_to, datetime):
        if not isinstance(start_from, datetime) or not isinstance(start_to, datetime):
            raise Invalid("compare_period", "One end is a day and the other an instant.", hint="Give two of one kind.")
        return start_from - (start_to - start_from), start_from
    if start_from.day == start_to.day == 1:
        month = 2 * _month(start_from) - _month(start_to)
        return date(month // 12, month % 12 + 1, 1), start_from
    return start_from - (start_to - start_from), start_from


def _month(day: date) -> int:
    return 12 * day.year + day.month - 1
