"""Columns of times to UTC milliseconds: epoch numbers, ISO 8601 text, stamps on the clock of a zone.

A text is read in two pieces, both whole columns at a time: the first 19 characters (`2026-01-02 15:04:05`) by digit
arithmetic on a matrix of characters, the rest (fraction, offset) once per distinct text. What does not have that shape
(`2020/2/10 22:41`) takes the slow way, a regular expression in RE2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine.zone import AMBIGUOUS, MISSING, from_local
from trunkline.usage.decode.columns import (
    Integers,
    Mask,
    Numbers,
    buffer_of,
    integers,
    is_present,
    lengths_of,
    milliseconds,
    offsets_of,
)

READ: Final = 0
TWICE: Final = AMBIGUOUS  # 1: the repeated hour
UNREADABLE: Final = MISSING  # 2: no time, or one that the calendar or the clock does not have

# Before the first commercial switches with an epoch clock: an earlier time is a wrong unit or a dead clock battery.
EARLIEST_MS: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * 1000
LATEST_MS: Final = int(datetime(9990, 1, 1, tzinfo=UTC).timestamp()) * 1000
_FAR_S: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())

_MINUTE_MS: Final = 60_000
_HEAD: Final = 19
# Where the digits of year, month, day, hour, minute and second stand in the first 19 characters.
_FIELDS: Final = (slice(0, 4), slice(5, 7), slice(8, 10), slice(11, 13), slice(14, 16), slice(17, 19))
_TAIL: Final = r"^(?:[.,](?P<fraction>[0-9]{1,9}))?(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?$"
_LOOSE: Final = (
    r"^\s*(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})(?:\s+|[Tt])(?P<hour>[0-9]{1,2})"
    r":(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"\s*(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?\s*$"
)


@dataclass(frozen=True, slots=True)
class Instants:
    """A column of instants: `ms` UTC milliseconds (meaningful where read), `status` READ, TWICE or UNREADABLE.

    `resolution_ms` is what the text rounds down to beyond a second: 60,000 where it has no seconds, else 0.
    """

    ms: Integers
    is_present: Mask
    status: NDArray[np.int8]
    resolution_ms: Integers

    @property
    def is_known(self) -> Mask:
        return self.is_present & (self.status == READ)


def absent(rows: int) -> Instants:
    """A column that the format or the file does not have."""
    zeros = np.zeros(rows, dtype=np.int64)
    return Instants(zeros, np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.int8), zeros)


def from_epoch_us(column: pa.Array) -> Instants:
    """Reads UTC microseconds since 1970; 0 and empty are absent."""
    numbers = integers(column)
    return _from_epoch(numbers, numbers.values // 1000)


def from_epoch_ms(column: pa.Array) -> Instants:
    """Reads UTC milliseconds since 1970; 0 and empty are absent."""
    numbers = integers(column)
    return _from_epoch(numbers, numbers.values)


def from_epoch_s(column: pa.Array) -> Instants:
    """Reads UTC seconds since 1970, with up to three decimals; 0 and empty are absent."""
    numbers = milliseconds(column)
    return _from_epoch(numbers, numbers.values)


def _from_epoch(numbers: Numbers, ms: Integers) -> Instants:
    present = (numbers.values != 0) | ~numbers.is_readable
    good = numbers.is_readable & (ms >= EARLIEST_MS) & (ms <= LATEST_MS)
    status = np.where(present & ~good, UNREADABLE, READ).astype(np.int8)
    return Instants(ms, present, status, np.zeros(ms.size, dtype=np.int64))


@dataclass(slots=True)
class Clock:
    """What texts show: local seconds, milliseconds within, offset from UTC where given, and which were read."""

    local_s: Integers
    ms: Integers
    offset_s: Integers
    has_offset: Mask
    is_read: Mask
    resolution_ms: Integers

    @classmethod
    def blank(cls, rows: int) -> Clock:
        """A clock of so many rows of which none is read."""

        def zeros() -> Integers:
            return np.zeros(rows, dtype=np.int64)

        return cls(zeros(), zeros(), zeros(), np.zeros(rows, np.bool_), np.zeros(rows, np.bool_), zeros())


def from_text(column: pa.Array, timezone: str) -> Instants:
    """Reads dates with time of day, year first; without offset they are on the clock of `timezone` (IANA).

    Raises Invalid `unknown_timezone`.
    """
    present = is_present(column)
    rows = np.flatnonzero(present)
    if not rows.size:
        return absent(len(column))
    clock = Clock.blank(len(column))
    _read_heads(column, rows, clock)
    if (loose := rows[~clock.is_read[rows]]).size:
        _read_loose(column, loose, clock)
    return instants_of(clock, present, timezone)


def instants_of(clock: Clock, present: Mask, timezone: str) -> Instants:
    """What the clock shows, as instants; where it shows no offset it is that of `timezone`."""
    ms, status = _utc(clock, timezone)
    outside = (ms < EARLIEST_MS) | (ms > LATEST_MS)
    status[present & (~clock.is_read | outside)] = UNREADABLE
    status[~present] = READ
    return Instants(ms, present, status, clock.resolution_ms)


def _utc(clock: Clock, timezone: str) -> tuple[Integers, NDArray[np.int8]]:
    status = np.zeros(clock.local_s.size, dtype=np.int8)
    utc_s = clock.local_s - clock.offset_s
    # Whatever lies outside is refused anyway, and would make the table of offsets span thousands of years.
    near = (clock.local_s >= EARLIEST_MS // 1000) & (clock.local_s < _FAR_S)
    local = np.flatnonzero(clock.is_read & ~clock.has_offset & near)
    if local.size:
        utc_s[local], status[local] = from_local(clock.local_s[local], timezone)
    return utc_s * 1000 + clock.ms, status


def _read_heads(column: pa.Array, rows: Integers, clock: Clock) -> None:
    """Reads the rows that begin with `YYYY-MM-DD hh:mm:ss` (or `T`) and end in nothing, a fraction or an offset."""
    lengths = lengths_of(column)
    rows = rows[lengths[rows] >= _HEAD]
    if not rows.size:
        return
    heads = characters(column, rows, _HEAD)
    values: list[Integers] = []
    good = np.ones(rows.size, dtype=np.bool_)
    for places in _FIELDS:
        digits = once(heads[places]) - np.uint8(0x30)
        value = np.zeros(digits.shape[1], dtype=np.int64)
        for digit in digits:
            good &= digit <= 9
            value = value * 10 + digit
        values.append(value)
    good &= (heads[4] == ord("-")) & (heads[7] == ord("-")) & (heads[13] == ord(":")) & (heads[16] == ord(":"))
    good &= (heads[10] == ord(" ")) | (heads[10] == ord("T"))
    local_s, exists = seconds_of(values)
    good &= exists
    if (lengths[rows] > _HEAD).any():
        tails = pc.utf8_slice_codeunits(column.take(pa.array(rows)), _HEAD, None)
        ms, offset_s, has_offset, is_tail = _tails(tails)
        good &= is_tail
        clock.ms[rows], clock.offset_s[rows], clock.has_offset[rows] = ms, offset_s, has_offset
    clock.local_s[rows] = local_s
    clock.is_read[rows] = good


def characters(column: pa.Array, rows: Integers, width: int) -> NDArray[np.uint8]:
    """The first octets of the rows, which have at least so many, as a matrix with a line per place."""
    offsets, buffer = offsets_of(column), buffer_of(column)
    if rows.size == len(column) and offsets[-1] - offsets[0] == width * rows.size:  # one behind the other
        found = buffer[offsets[0] : offsets[-1]]
    else:
        every = np.ndarray((buffer.size - width + 1,), np.dtype(("V", width)), buffer, strides=(1,))
        found = every[offsets[rows]].view(np.uint8)
    return np.ascontiguousarray(found.reshape(-1, width).T)


def once(matrix: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One column of a matrix of which all columns are the same, else all of them."""
    first = matrix[:, :1]
    return first if (matrix == first).all() else matrix


def _tails(tails: pa.Array) -> tuple[Integers, Integers, Mask, Mask]:
    """(milliseconds, offset in seconds, has an offset, could be read), worked out once per distinct text."""
    encoded = tails.dictionary_encode()
    at = encoded.indices.to_numpy(zero_copy_only=False)
    found = pc.extract_regex(encoded.dictionary, pattern=_TAIL)
    ms, offset_s, has_offset, good = fraction_and_offset(found)
    return ms[at], offset_s[at], has_offset[at], good[at]


def fraction_and_offset(found: pa.StructArray) -> tuple[Integers, Integers, Mask, Mask]:
    """(milliseconds, offset in seconds, has an offset, could be read) of the groups `fraction` and `offset`."""
    matched = is_present(found)
    fraction = pc.fill_null(pc.struct_field(found, "fraction"), "")
    ms = _int(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 3, "0"), 0, 3))
    offset = pc.fill_null(pc.struct_field(found, "offset"), "")
    plain = pc.replace_substring_regex(offset, pattern="[Zz:+-]", replacement="")
    hours = _int(pc.utf8_slice_codeunits(plain, 0, 2))
    minutes = _int(pc.utf8_slice_codeunits(plain, 2, 4))
    east = np.where(pc.starts_with(offset, "-").to_numpy(zero_copy_only=False), -1, 1)
    good = matched & (hours <= 23) & (minutes <= 59)
    return ms, east * (hours * 3600 + minutes * 60), lengths_of(offset) > 0, good


def _int(column: pa.Array) -> Integers:
    """Digits as numbers, nothing as 0."""
    filled = pc.if_else(pc.equal(pc.binary_length(column), 0), "0", column)
    return filled.cast(pa.int64()).to_numpy(zero_copy_only=False)


def _read_loose(column: pa.Array, rows: Integers, clock: Clock) -> None:
    found = pc.extract_regex(column.take(pa.array(rows)), pattern=_LOOSE)
    named = {
        name: pc.fill_null(pc.struct_field(found, name), "")
        for name in ("year", "month", "day", "hour", "minute", "second")
    }
    local_s, exists = seconds_of([_int(part) for part in named.values()])
    ms, offset_s, has_offset, good = fraction_and_offset(found)
    clock.local_s[rows], clock.ms[rows] = local_s, ms
    clock.offset_s[rows], clock.has_offset[rows] = offset_s, has_offset
    clock.is_read[rows] = good & exists
    clock.resolution_ms[rows] = np.where(lengths_of(named["second"]) == 0, _MINUTE_MS, 0)


def seconds_of(shown: Sequence[Integers]) -> tuple[Integers, Mask]:
    """Seconds since 1970 on the clock that shows these six, year first, and whether calendar and clock ever do."""
    year, month, day, hour, minute, second = shown
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (hour <= 23) & (minute <= 59) & (second <= 59)
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    after = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    exists = exists & (day <= after - first)
    return (first + day - 1) * 86_400 + hour * 3600 + minute * 60 + second, exists
