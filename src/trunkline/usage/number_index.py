"""The number index of a segment: in which rows a number calls or is called, found without reading the segment.

Beside a segment of rated records lies `….numbers`, little-endian: the octets `TLNUM003`, the segment's rows and the
number of entries as two uint64; the least and the greatest start, in ms since 1970, of every 8,192 rows as two int64;
then the entries as ascending uint64, each `(beginning << 44) | (hash << 32) | row`. The beginning is the first six digits
of the number as a whole number, a shorter one filled up with zeros; the hash is the upper 12 bits of `engine.keyhash` of
the number. So the entries of numbers that begin alike lie together. A row has an entry for its calling and one for its
called number, withheld ones have none. Two numbers can share both, so whoever reads the row compares the number.

A switch writes its records about in the order of time: of many rows the blocks that can hold the newest are few.

The file can be dropped and made again from the segment; without it, or with one of another version, the segment is
scanned. It goes when the segment goes: what a number begins with is personal data as well.

Looking up loads neither numpy nor Arrow: a search in a fresh process must not pay for them.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Entries = NDArray[np.uint64]
    Instants = NDArray[np.int64]

NUMBER_SUFFIX: Final = ".numbers"
MAGIC: Final = b"TLNUM003"
HEADER: Final = struct.Struct("<8sQQ")
ROWS_MAX: Final = 1 << 32
BLOCK_ROWS: Final = 8_192
BEGINNING_DIGITS: Final = 6  # 20 bits
_HASH_BITS: Final = 12

_MASK: Final = (1 << 64) - 1
_ROW: Final = ROWS_MAX - 1
# The constants of engine.keyhash, in Python's integers; a test compares the two.
_K0: Final = 0x9E3779B97F4A7C15
_K1: Final = 0xD6E8FEB86659FD93
_F0: Final = 0xFF51AFD7ED558CCD
_F1: Final = 0xC4CEB9FE1A85EC53


def index_path(segment: Path) -> Path:
    """Where the number index of a segment lies."""
    return segment.with_name(segment.name + NUMBER_SUFFIX)


def number_hash(number: str) -> int:
    """`engine.keyhash.hash_text` of one number of at most 256 octets, without numpy."""
    data = number.encode()
    state = _K0 ^ (len(data) * _K1 & _MASK)
    whole = len(data) // 8 * 8
    words = [data[at : at + 8] for at in range(0, whole, 8)]
    if len(data) > whole:
        words.append(data[-8:])
    for word in words:
        state = (state ^ int.from_bytes(word, "little")) * _K1 & _MASK
        state ^= state >> 32
    for factor in (_F0, _F1):
        state = (state ^ state >> 33) * factor & _MASK
    return state ^ state >> 33


def number_beginning(number: str) -> int:
    """The first digits of a number, filled up with zeros; of anything but a digit the lower half of its octet, 9 at most."""
    value = 0
    for octet in number.encode()[:BEGINNING_DIGITS].ljust(BEGINNING_DIGITS, b"0"):
        value = 10 * value + min(octet & 15, 9)
    return value


@dataclass(frozen=True, slots=True)
class NamedRows:
    """Rows of a segment, ascending from 0, and the least and the greatest start of every `BLOCK_ROWS` rows of it, in ms since 1970, one after the other."""

    rows: list[int]
    times: list[int]

    def between(self, row: int) -> tuple[int, int]:
        """The least and the greatest start among the rows that lie about a row."""
        place = row // BLOCK_ROWS * 2
        return self.times[place], self.times[place + 1]


def find_rows(segment: Path, number: str, *, rows: int | None = None) -> NamedRows | None:
    """Rows in which the number may call or be called; None without a sound index.

    `rows` is what the catalogue says of the segment: an index of another number of rows is none of it.
    """
    low = (number_beginning(number) << _HASH_BITS | number_hash(number) >> (64 - _HASH_BITS)) << 32
    return _rows_between(segment, low, low + ROWS_MAX, rows=rows, most=None)


def find_rows_beginning(segment: Path, digits: str, *, rows: int, most: int) -> NamedRows | None:
    """Rows in which a number may begin with those digits, as `find_rows`; None also where more than `most` entries do."""
    begin = digits[:BEGINNING_DIGITS]
    low, high = (int(begin.ljust(BEGINNING_DIGITS, fill)) + over for fill, over in (("0", 0), ("9", 1)))
    return _rows_between(segment, low << _HASH_BITS + 32, high << _HASH_BITS + 32, rows=rows, most=most)


def _rows_between(segment: Path, low: int, high: int, *, rows: int | None, most: int | None) -> NamedRows | None:
    """The rows of the entries of `[low, high)`."""
    if sys.byteorder != "little":
        return None
    try:
        with index_path(segment).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            if len(mapped) < HEADER.size:
                return None
            magic, told_rows, told_entries = HEADER.unpack_from(mapped)
            begin = HEADER.size + 16 * -(-told_rows // BLOCK_ROWS)
            if magic != MAGIC or len(mapped) != begin + 8 * told_entries or rows not in (None, told_rows):
                return None
            with memoryview(mapped) as octets, octets[begin:].cast("Q") as entries:
                first = bisect_left(entries, low)
                last = bisect_left(entries, high, first)
                if most is not None and last - first > most:
                    return None
                found = sorted({entry & _ROW for entry in entries[first:last].tolist()})
                return NamedRows(found, octets[HEADER.size : begin].cast("q").tolist() if found else [])
    except (FileNotFoundError, ValueError):  # an empty file cannot be mapped
        return None


def number_entries(calling: pa.ChunkedArray | pa.Array, called: pa.ChunkedArray | pa.Array, first_row: int) -> Entries:
    """The entries, in no order, of rows that stand in the segment from `first_row` on.

    Raises ValueError past 2^32 rows.
    """
    import numpy as np
    import pyarrow.compute as pc

    from trunkline.engine.keyhash import hash_text

    if first_row + len(called) > ROWS_MAX:
        raise ValueError("a segment cannot have so many rows")
    parts = []
    for column in (calling, called):
        found = (hash_text(column) >> np.uint64(64 - _HASH_BITS)) << np.uint64(32)
        found |= _beginnings(column) << np.uint64(_HASH_BITS + 32)
        found |= np.arange(first_row, first_row + len(column), dtype=np.uint64)
        is_there = pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
        parts.append(found[is_there])
    return np.concatenate(parts)


def _beginnings(column: pa.ChunkedArray | pa.Array) -> Entries:
    """`number_beginning` of each text; of a null anything."""
    import numpy as np
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        return np.concatenate([np.zeros(0, np.uint64), *map(_beginnings, column.chunks)])
    if pa.types.is_dictionary(column.type):
        return np.append(_beginnings(column.dictionary), np.uint64(0))[
            column.indices.fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)
        ]
    if not len(column):
        return np.zeros(0, np.uint64)
    _, bounds, data = column.cast(pa.string()).buffers()
    ends = np.frombuffer(bounds, np.int32)[column.offset : column.offset + len(column) + 1]
    # Eight octets from the beginning of each text as a word; behind the last text there must be as many.
    begin = int(ends[0])
    octets = np.zeros(int(ends[-1]) - begin + 8, np.uint8)
    if data is not None:
        octets[:-8] = np.frombuffer(data, np.uint8)[begin : int(ends[-1])]
    words = np.ndarray(shape=(octets.size - 7,), dtype="<u8", buffer=octets.data, strides=(1,))
    out = np.empty(len(column), np.uint64)
    for low in range(0, len(column), _BLOCK):
        starts = ends[low : min(low + _BLOCK, len(column)) + 1]
        out[low : low + len(starts) - 1] = _parsed(words[starts[:-1] - begin], np.diff(starts))
    return out


_BLOCK: Final = 16_384  # words that stay in the second-level cache


def _parsed(words: Entries, lengths: NDArray[np.int32]) -> Entries:
    """The six digits in the lower octets of each word, the first digit lowest; octets past a text's end count as zero."""
    import numpy as np

    def of(value: int) -> np.uint64:
        return np.uint64(value)

    whole = BEGINNING_DIGITS
    digits = words & of(0x0000_0F0F_0F0F_0F0F)
    if int(lengths.min()) < whole:
        masks = np.array([(1 << 8 * length) - 1 for length in range(whole + 1)], np.uint64)
        digits &= masks[np.minimum(lengths, whole)]
    over = ((digits + of(0x0606_0606_0606)) & of(0x1010_1010_1010)) >> of(4)  # 1 in each octet above 9
    over *= of(15)
    digits = (digits & ~over) | (over & of(0x0909_0909_0909))
    digits <<= of(16)  # as eight digits that begin with two zeros: pairs, then fours, then all
    digits = (digits * of(10 * 256 + 1) >> of(8)) & of(0x00FF_00FF_00FF_00FF)
    digits = (digits * of(100 * 65_536 + 1) >> of(16)) & of(0x0000_FFFF_0000_FFFF)
    return digits * of(10_000 * (1 << 32) + 1) >> of(32)


@dataclass(slots=True)
class BlockTimes:
    """The least and the greatest start of every `BLOCK_ROWS` rows, of rows that come in their order."""

    rows: int = 0
    low: list[int] = field(default_factory=list)
    high: list[int] = field(default_factory=list)

    def add(self, starts_ms: Instants) -> None:
        """The starts of the next rows."""
        import numpy as np

        if not len(starts_ms):
            return
        cuts = np.append(0, np.arange(-self.rows % BLOCK_ROWS or BLOCK_ROWS, len(starts_ms), BLOCK_ROWS))
        low, high = (each.reduceat(starts_ms, cuts).tolist() for each in (np.minimum, np.maximum))
        if self.rows % BLOCK_ROWS:  # the last block goes on
            low[0], high[0] = min(low[0], self.low.pop()), max(high[0], self.high.pop())
        self.low += low
        self.high += high
        self.rows += len(starts_ms)


def write_number_index(segment: Path, entries: Iterable[Entries], times: BlockTimes) -> None:
    """Write the number index of a segment; it is on the disk when this returns."""
    import numpy as np

    parts = list(entries)
    ordered = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    ordered.sort()
    final = index_path(segment)
    partial = final.with_name(f".{final.name}.partial")
    with partial.open("wb") as file:
        file.write(HEADER.pack(MAGIC, times.rows, len(ordered)))
        file.write(np.array([times.low, times.high], "<i8").T.tobytes())
        file.write(ordered.astype("<u8", copy=False).data)
        file.flush()
        # A renamed file whose octets a power cut lost would answer "not there".
        os.fsync(file.fileno())
    partial.rename(final)


def rebuild_number_index(segment: Path) -> None:
    """Make the number index of a segment again from the segment."""
    import pyarrow.parquet as pq

    parts, times = [], BlockTimes()
    with pq.ParquetFile(segment) as file:
        for batch in file.iter_batches(batch_size=131_072, columns=["calling", "called", "start"]):
            parts.append(number_entries(batch["calling"], batch["called"], times.rows))
            times.add(batch["start"].cast("int64").to_numpy())
    write_number_index(segment, parts, times)
