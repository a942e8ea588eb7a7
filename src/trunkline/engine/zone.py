"""Local time for whole columns: UTC seconds to the clock of an IANA zone and back.

`zoneinfo` answers for one instant at a time; here its answers become a table of the instants at which the offset of a
zone changes, found by halving between probes two days apart (no two changes of offset in the IANA database, release
2026a, lie closer than 95 hours; a test compares every zone with the database's own table). Years are cached.

Instants are int64 UTC seconds since 1970-01-01T00:00:00Z, local times are int64 seconds on the zone's own clock since
its 1970-01-01 00:00:00, days are int32 since 1970-01-01. The calendar runs from 1800, before any zone
changed its clock, to 2400; outside, the offset of its nearest end holds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from trunkline.core.errors import Invalid

DAY_S: Final = 86400

OK: Final = 0
AMBIGUOUS: Final = 1
MISSING: Final = 2

_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2400
_PROBE_S: Final = 2 * DAY_S
# Wider than any offset, so that the table of an instant also serves the local times around it.
_MARGIN_S: Final = 2 * DAY_S


def _year_start(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


_CALENDAR_FIRST_S: Final = _year_start(_FIRST_YEAR)
_CALENDAR_LAST_S: Final = _year_start(_LAST_YEAR + 1) - 1


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("unknown_timezone", f"{name!r} is no timezone of the IANA database.", zone=name) from error


def _offset_at(zone: ZoneInfo, utc_s: int) -> int:
    offset = datetime.fromtimestamp(utc_s, zone).utcoffset()
    return 0 if offset is None else offset.days * DAY_S + offset.seconds


@lru_cache(maxsize=16384)
def _year(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """(instant, offset from then on) of a UTC year; the first pair is the year's beginning."""
    zone = _zone(name)
    at, end = _year_start(year), _year_start(year + 1)
    offset = _offset_at(zone, at)
    found = [(at, offset)]
    while at < end:
        probe = min(at + _PROBE_S, end)
        if _offset_at(zone, probe) != offset:
            before, after = at, probe
            while after - before > 1:
                middle = (before + after) // 2
                if _offset_at(zone, middle) == offset:
                    before = middle
                else:
                    after = middle
            offset = _offset_at(zone, after)
            if after < end:
                found.append((after, offset))
            probe = after
        at = probe
    return tuple(found)


@lru_cache(maxsize=256)
def _years(name: str, first_year: int, last_year: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    changes: list[tuple[int, int]] = []
    for year in range(first_year, last_year + 1):
        for at, offset in _year(name, year):
            if not changes or changes[-1][1] != offset:
                changes.append((at, offset))
    transitions = np.array([at for at, _ in changes], dtype=np.int64)
    offsets_s = np.array([offset for _, offset in changes], dtype=np.int64)
    transitions.flags.writeable = offsets_s.flags.writeable = False
    return transitions, offsets_s


def offsets(zone_name: str, first_s: int, last_s: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The offsets of a zone that hold in `[first_s, last_s]`, both UTC seconds.

    Returns `(transitions_s, offset_s)` of equal length k >= 1, read-only: `offset_s[i]` (seconds east of UTC) holds
    from `transitions_s[i]` until the next, the last one onwards, the first also before. Neighbours differ.
    The table covers whole years around the range. Raises Invalid `unknown_timezone`.
    """
    first, last = (min(max(at, _CALENDAR_FIRST_S), _CALENDAR_LAST_S) for at in (first_s, last_s))
    first_year = datetime.fromtimestamp(first, UTC).year
    return _years(zone_name, first_year, max(datetime.fromtimestamp(last, UTC).year, first_year))


def _range(instants: NDArray[np.int64]) -> tuple[int, int]:
    return (int(instants.min()), int(instants.max())) if instants.size else (0, 0)


def to_local(utc_s: NDArray[np.int64], zone_name: str) -> NDArray[np.int64]:
    """The local time of each instant, int64 seconds of the same shape. Raises Invalid `unknown_timezone`."""
    transitions, offset_s = offsets(zone_name, *_range(utc_s))
    if offset_s.size == 1:
        return utc_s + offset_s[0]
    at = np.searchsorted(transitions, utc_s, side="right") - 1
    return utc_s + offset_s[np.maximum(at, 0)]


def from_local(local_s: NDArray[np.int64], zone_name: str) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """The instant of each local time, and whether the clock showed it once, twice or never.

    Returns `(utc_s int64, status int8)` of the same shape; status is OK (0), AMBIGUOUS (1: the hour that the clock
    repeats; `utc_s` is the earlier instant) or MISSING (2: the hour that it skips; `utc_s` counts on with the offset
    from before the jump, as PEP 495 does for fold 0). Raises Invalid `unknown_timezone`.
    """
    low, high = _range(local_s)
    transitions, offset_s = offsets(zone_name, low - _MARGIN_S, high + _MARGIN_S)
    status = np.zeros(local_s.shape, dtype=np.int8)
    if offset_s.size == 1:
        return local_s - offset_s[0], status
    # Offset i is shown on the clock from begin[i] to end[i]; begins ascend because changes are days apart.
    begin = transitions + offset_s
    begin[0] = np.iinfo(np.int64).min
    end = np.append(transitions[1:] + offset_s[:-1], np.iinfo(np.int64).max)
    at = np.searchsorted(begin, local_s, side="right") - 1
    before = np.maximum(at - 1, 0)
    is_twice = (at > 0) & (local_s < end[before])
    status[is_twice] = AMBIGUOUS
    status[local_s >= end[at]] = MISSING
    return local_s - offset_s[np.where(is_twice, before, at)], status


def local_day(utc_s: NDArray[np.int64], zone_name: str) -> NDArray[np.int32]:
    """The civil date on the zone's clock at each instant, int32 days since 1970-01-01. Raises Invalid."""
    return (to_local(utc_s, zone_name) // DAY_S).astype(np.int32)
