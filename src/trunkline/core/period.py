"""Time: zones, half-open periods of instants and of dates, and where local days and months begin.

Instants are aware datetimes; every period is `[start, end)`. Civil days belong to an IANA zone: a local day can have
23, 24 or 25 hours, and where a zone crosses the date line it can be missing altogether.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from trunkline.core.errors import Invalid

ONE_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def get_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as `Africa/Nairobi`. Raises Invalid `unknown_timezone`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not found; a path instead of a name; a folder such as `Europe`
        raise Invalid(
            "unknown_timezone", f"{name!r} is no timezone.", hint="Use an IANA name such as Europe/Berlin.", name=name
        ) from error


def require_aware(instant: datetime) -> datetime:
    """`instant` itself. Raises Invalid `naive_instant` if it has no offset."""
    if instant.utcoffset() is None:
        raise Invalid("naive_instant", f"{instant.isoformat()} has no UTC offset.")
    return instant


def utc_text(instant: datetime | None) -> str | None:
    """An instant for programs: ISO 8601 with Z."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_text(instant: datetime | None, timezone: str) -> str:
    """An instant for people: the local date, with the time where it is not midnight; nothing for None."""
    if instant is None:
        return ""
    local = instant.astimezone(get_zone(timezone))
    return f"{local:%Y-%m-%d}" if not (local.hour or local.minute or local.second) else f"{local:%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The instants of `[start, end)`; empty if they are equal. Raises Invalid `period_order`, `naive_instant`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if require_aware(self.start) > require_aware(self.end):
            raise Invalid("period_order", f"{self.end} is before {self.start}.")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def __bool__(self) -> bool:
        return self.start < self.end

    def overlaps(self, other: Period) -> bool:
        """Whether some instant lies in both."""
        return max(self.start, other.start) < min(self.end, other.end)


@dataclass(frozen=True, slots=True, order=True)
class DatePeriod:
    """The dates of `[start, end)`; empty if they are equal. Raises Invalid `period_order`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise Invalid("period_order", f"{self.end} is before {self.start}.")

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __iter__(self) -> Iterator[date]:
        return (self.start + n * ONE_DAY for n in range(len(self)))

    def __len__(self) -> int:
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """The last date inside, as documents state it. Raises ValueError if the period is empty."""
        if not self:
            raise ValueError("an empty period has no last date")
        return self.end - ONE_DAY

    def overlaps(self, other: DatePeriod) -> bool:
        """Whether some date lies in both."""
        return max(self.start, other.start) < min(self.end, other.end)

    def bounds(self, zone: tzinfo) -> Period:
        """The instants of these local days, in UTC."""
        return Period(first_instant(self.start, zone), first_instant(self.end, zone))


def is_in_force(valid_from: datetime | None, valid_to: datetime | None, at: datetime) -> bool:
    """Whether `at` lies in `[valid_from, valid_to)`; None is no bound."""
    return (valid_from is None or valid_from <= at) and (valid_to is None or at < valid_to)


def local_date(instant: datetime, zone: tzinfo) -> date:
    """The date that a calendar in `zone` shows at `instant`. Raises Invalid `naive_instant`."""
    return require_aware(instant).astimezone(zone).date()


def first_instant(day: date, zone: tzinfo) -> datetime:
    """The first instant, in UTC, at which a clock in `zone` shows midnight of `day` or has jumped over it."""
    midnight = datetime.combine(day, time(), zone)
    begin = midnight.astimezone(UTC)
    if begin.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return begin  # it exists; of two, fold=0 is the first
    # The clock jumps over midnight: the day begins with the jump, which lies between the two readings of it.
    before, after = midnight.replace(fold=1).astimezone(UTC), begin
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(zone).replace(tzinfo=None) < midnight.replace(tzinfo=None):
            before = middle
        else:
            after = middle
    return after


def local_day_bounds(day: date, zone: tzinfo) -> Period:
    """The instants of `day` in `zone`, in UTC; empty for a date that the zone left out."""
    return Period(first_instant(day, zone), first_instant(day + ONE_DAY, zone))


def month_of(day: date) -> DatePeriod:
    """The calendar month that holds `day`."""
    first = day.replace(day=1)
    return DatePeriod(first, (first + 31 * ONE_DAY).replace(day=1))
