"""Columns of text, made by whole columns: numbers, decimals, times, identifiers, and the lines of a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.simulate.draws import BoolArray, IntArray

_EPOCH = date(1970, 1, 1)
_DAY_S = 86_400
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def numbers(values: IntArray) -> pa.Array:
    """Integers as text."""
    return pc.cast(pa.array(values), pa.string())


def padded(values: IntArray, width: int) -> pa.Array:
    """Integers of `[0, 10^width)` as text of `width` digits."""
    return pc.utf8_slice_codeunits(numbers(values + 10**width), 1)


def decimals(units: IntArray, places: int) -> pa.Array:
    """Integers of 10^-places, none negative, as decimal text with that many places (1 to 18)."""
    scale = 10**places
    return pc.binary_join_element_wise(numbers(units // scale), padded(units % scale, places), ".")


def pick(texts: Sequence[str], index: IntArray) -> pa.Array:
    """The text of each index; "" where it is negative."""
    table = pa.array([*texts, ""], pa.string())
    return table.take(pa.array(np.where(index < 0, len(texts), index)))


def uuids(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]) -> pa.Array:
    """Two words each as the text of a version 4 UUID (RFC 9562), 36 characters."""
    high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
    low = (low & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
    octets = np.empty((len(high), 16), dtype=np.uint8)
    octets[:, :8] = high.astype(">u8").view(np.uint8).reshape(-1, 8)
    octets[:, 8:] = low.astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.empty((len(high), 32), dtype=np.uint8)
    digits[:, 0::2] = _HEX[octets >> 4]
    digits[:, 1::2] = _HEX[octets & 15]
    shown = np.full((len(high), 36), ord("-"), dtype=np.uint8)
    for begin, end, source in ((0, 8, 0), (9, 13, 8), (14, 18, 12), (19, 23, 16), (24, 36, 20)):
        shown[:, begin:end] = digits[:, source : source + end - begin]
    return _texts(shown)


def stamps(
    milliseconds: IntArray, zone: str, *, separator: str = " ", fraction: bool = False, suffix: str = ""
) -> pa.Array:
    """Instants (ms since the epoch) on the clock of `zone` as `YYYY-MM-DD HH:MM:SS`, then `.mmm` if `fraction`, `suffix`.

    A negative instant is the absent one and becomes "". `separator` and `suffix` are ASCII.
    """
    is_present = milliseconds >= 0
    instants = milliseconds[is_present]
    seconds = instants // 1000
    local = seconds + _offsets(seconds, zone)
    days = local // _DAY_S
    first = int(days.min()) if len(days) else 0
    last = int(days.max(initial=first))
    names = _characters([str(_EPOCH + timedelta(days=day)) for day in range(first, last + 1)])
    parts = [names[days - first], _characters([separator]), _times_of_day()[local % _DAY_S]]
    if fraction:
        parts.append(_thousandths()[instants % 1000])
    if suffix:
        parts.append(_characters([suffix]))
    width = sum(part.shape[1] for part in parts)
    shown = np.empty((len(instants), width), dtype=np.uint8)
    begin = 0
    for part in parts:
        shown[:, begin : begin + part.shape[1]] = part
        begin += part.shape[1]
    return _texts(shown, is_present)


def choose(mask: BoolArray, chosen: pa.Array | pa.Scalar, other: pa.Array) -> pa.Array:
    """`chosen` where the mask is true, else `other`."""
    return pc.if_else(pa.array(mask), chosen, other)


def quoted(column: pa.Array) -> pa.Array:
    """Values with commas, quotes or line ends set in quotes as in RFC 4180, the others as they are."""
    needs = pc.match_substring_regex(column, '[,"\r\n]')
    if not pc.any(needs).as_py():
        return column
    inner = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', inner, '"', ""), column)


def joined(columns: Sequence[pa.Array | pa.Scalar], *, in_quotes: bool = False) -> pa.Array:
    """Lines of comma-separated values with their line ends, as an Arrow array of binary; scalars stand in every line.

    `in_quotes` puts every value in double quotes, as some switches do; quotes inside values are not looked for.
    """
    first = pc.binary_join_element_wise('"', columns[0], "") if in_quotes else columns[0]
    last = pc.binary_join_element_wise(columns[-1], '"\n' if in_quotes else "\n", "")
    separator = '","' if in_quotes else ","
    return pc.cast(pc.binary_join_element_wise(first, *columns[1:-1], last, separator), pa.binary())


def octets(lines: pa.Array) -> memoryview:
    """The bytes of an array of strings or binaries one after the other, without a copy."""
    if not len(lines):
        return memoryview(b"")
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


def _texts(characters: npt.NDArray[np.uint8], is_present: BoolArray | None = None) -> pa.Array:
    """Rows of ASCII characters as strings; with `is_present`, "" where it is false and a row where it is true."""
    rows, width = characters.shape
    lengths = np.full(rows, width) if is_present is None else is_present * width
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    return pa.Array.from_buffers(pa.string(), len(lengths), buffers)


def _characters(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """ASCII texts of one length as a matrix."""
    return np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), -1)


@cache
def _times_of_day() -> npt.NDArray[np.uint8]:
    return _characters([f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(_DAY_S)])


@cache
def _thousandths() -> npt.NDArray[np.uint8]:
    return _characters([f".{ms:03}" for ms in range(1000)])


def _offsets(seconds: IntArray, zone: str) -> IntArray:
    """Seconds east of UTC at each instant; clocks change at whole quarters of an hour."""
    quarters, inverse = np.unique(seconds // 900, return_inverse=True)
    clock = ZoneInfo(zone)
    found = []
    for quarter in quarters.tolist():
        offset = datetime.fromtimestamp(quarter * 900, UTC).astimezone(clock).utcoffset()
        found.append(int(offset.total_seconds()) if offset else 0)
    return np.asarray(found, dtype=np.int64)[inverse]
