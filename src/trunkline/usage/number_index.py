"""The number index of a segment: in which rows a number calls or is called, found without reading the segment.

Beside a segment of rated records lies `….numbers`, little-endian: the octets `TLNUM001`, the segment's rows and the
number of entries as two uint64, then the entries as ascending uint64, each `(hash << 32) | row`. The hash is the upper
half of `engine.keyhash` of the number; a row has an entry for its calling and one for its called number, withheld ones
have none. Two numbers can share a hash, so whoever reads the row compares the number. The file can be dropped and made
again from the segment; without it the segment is scanned. It goes when the segment goes: a hash of a number is personal
data as well.

Looking up loads neither numpy nor Arrow: a search in a fresh process must not pay for them.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Entries = NDArray[np.uint64]

NUMBER_SUFFIX: Final = ".numbers"
MAGIC: Final = b"TLNUM001"
HEADER: Final = struct.Struct("<8sQQ")
ROWS_MAX: Final = 1 << 32

_MASK: Final = (1 << 64) - 1
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


def find_rows(segment: Path, number: str, *, rows: int | None = None) -> list[int] | None:
    """Rows of a segment, ascending from 0, in which the number may call or be called; None without a sound index.

    `rows` is what the catalogue says of the segment: an index of another number of rows is none of it.
    """
    if sys.byteorder != "little":
        return None
    low = (number_hash(number) >> 32) << 32
    try:
        with index_path(segment).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            if len(mapped) < HEADER.size:
                return None
            magic, told_rows, told_entries = HEADER.unpack_from(mapped)
            if magic != MAGIC or len(mapped) != HEADER.size + 8 * told_entries or rows not in (None, told_rows):
                return None
            with memoryview(mapped) as octets, octets[HEADER.size :].cast("Q") as entries:
                first = bisect_left(entries, low)
                last = bisect_left(entries, low + ROWS_MAX, first)
                return sorted({entry - low for entry in entries[first:last].tolist()})
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
        found = hash_text(column) & np.uint64(0xFFFFFFFF00000000)
        found |= np.arange(first_row, first_row + len(column), dtype=np.uint64)
        is_there = pc.fill_null(pc.not_equal(column, ""), False).to_numpy(zero_copy_only=False)
        parts.append(found[is_there])
    return np.concatenate(parts)


def write_number_index(segment: Path, entries: Iterable[Entries], rows: int) -> None:
    """Write the number index of a segment of that many rows; it is on the disk when this returns."""
    import numpy as np

    parts = list(entries)
    ordered = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    ordered.sort()
    final = index_path(segment)
    partial = final.with_name(f".{final.name}.partial")
    with partial.open("wb") as file:
        file.write(HEADER.pack(MAGIC, rows, len(ordered)))
        file.write(ordered.astype("<u8", copy=False).data)
        file.flush()
        # A renamed file whose octets a power cut lost would answer "not there".
        os.fsync(file.fileno())
    partial.rename(final)


def rebuild_number_index(segment: Path) -> None:
    """Make the number index of a segment again from the segment."""
    import pyarrow.parquet as pq

    parts, rows = [], 0
    with pq.ParquetFile(segment) as file:
        for batch in file.iter_batches(batch_size=131_072, columns=["calling", "called"]):
            parts.append(number_entries(batch["calling"], batch["called"], rows))
            rows += batch.num_rows
    write_number_index(segment, parts, rows)
