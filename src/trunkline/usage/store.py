"""Segments as files: their columns, how they are written so that a crash leaves nothing half done, and their key index.

A segment is written under a temporary name, fsynced, renamed, its folder fsynced; only then does the catalogue's transaction make it true.
The name carries batch and attempt, so that two attempts never touch one file. Beside a segment of rated records lie two indexes that can be
dropped and made again from it: `….keys`, the 64-bit hashes of its record keys, sorted, with the hash of the content and the row, and
`….numbers` (`number_index`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trunkline.core.money import AMOUNT_DECIMALS
from trunkline.engine.schema import one_array
from trunkline.kit.faults import reached
from trunkline.kit.home import folder, fsync_folder, home
from trunkline.usage.number_index import NUMBER_SUFFIX, BlockTimes, number_entries, write_number_index
from trunkline.usage.omitted import SAME_AS
from trunkline.usage.schema import EVENTS, NAME, REJECTS

AMOUNT: Final = pa.decimal128(18, AMOUNT_DECIMALS)
DAY_MS: Final = 86_400_000
ROW_GROUP_ROWS: Final = 131_072
# Whoever reads single rows unpacks a page for each; smaller ones cost the scans of whole columns more than they save.
PAGE_OCTETS: Final = 64 * 1024
KEY_SUFFIX: Final = ".keys"
INDEX_SUFFIXES: Final = (KEY_SUFFIX, NUMBER_SUFFIX)
SIDES: Final = ("sell", "buy")


def _side_fields(side: str) -> list[pa.Field]:
    return [
        pa.field(f"{side}_state", pa.int8(), nullable=False),  # 0 no charge on this side, 1 rated
        pa.field(f"{side}_account_id", pa.int64()),
        pa.field(f"{side}_tariff_id", pa.int64()),
        pa.field(f"{side}_rate_id", pa.int64()),
        pa.field(f"{side}_code", NAME),
        pa.field(f"{side}_destination_id", pa.int64()),
        pa.field(f"{side}_billed", pa.int64()),
        pa.field(f"{side}_tariff_currency", NAME),
        pa.field(f"{side}_tariff_amount", AMOUNT),
        pa.field(f"{side}_exchange_rate", NAME),  # as a ratio of whole numbers; null where the currencies are one
        pa.field(f"{side}_rate_date", pa.date32()),  # of the exchange rate
        pa.field(f"{side}_amount", AMOUNT),  # in the account's currency
        pa.field(f"{side}_currency", NAME),
        pa.field(f"{side}_base_amount", AMOUNT),  # in the tenant's currency
        pa.field(f"{side}_local_day", pa.date32()),  # in the account's zone
        pa.field(f"{side}_tags", NAME),  # by which it was priced, in alphabetical order with commas
        pa.field(f"{side}_number", pa.string()),  # by which it was priced, where that is not the called number
    ]


RATED: Final = pa.schema(
    [
        *(field.with_nullable(field.nullable or field.name in SAME_AS) for field in EVENTS),
        pa.field("batch_id", pa.int64(), nullable=False),
        *_side_fields("sell"),
        *_side_fields("buy"),
        pa.field("snapshot_version", NAME),
        pa.field("tags", NAME),  # of both sides together
        pa.field("rules", NAME),  # the names of the traffic rules that fitted, in their order, with commas
    ]
)
REJECTED: Final = REJECTS.append(pa.field("batch_id", pa.int64(), nullable=False))

# Dictionaries are for names and for what repeats in long runs. Of anything else one costs time and saves nothing.
_REPEATING: Final = frozenset(
    {"attempt", "is_last", "cause", "sip_code", "batch_id"}
    | {f"{side}_{name}" for side in SIDES for name in ("state", "account_id", "tariff_id", "rate_date", "local_day")}
)

# Columns by which readers leave out row groups; statistics of all sixty cost a quarter of the writing.
_SOUGHT: Final = ("start", "batch_id", "sell_account_id", "buy_account_id", "sell_local_day", "buy_local_day", "reason")


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """How the columns are written: names as dictionaries, whole numbers as packed differences, texts compressed.

    Differences are as small as compressed numbers and cost a third of the time.
    """
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    names = [field.name for field in schema if field.name in _REPEATING or pa.types.is_dictionary(field.type)]
    # Decimals of 18 digits are written as int64.
    numbers = [
        field.name for field in schema if field.name not in {*texts, *names} and not pa.types.is_boolean(field.type)
    ]
    return {
        "use_dictionary": names,
        "column_encoding": dict.fromkeys(texts, "DELTA_LENGTH_BYTE_ARRAY")
        | dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        "compression": dict.fromkeys(schema.names, "none") | dict.fromkeys(texts, "zstd"),
        "compression_level": dict.fromkeys(texts, 1),
    }


KEY_INDEX: Final = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("content", pa.uint64(), nullable=False),
        pa.field("row", pa.uint32(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class WrittenSegment:
    """A finished file, in place under its final name, for the catalogue."""

    kind: str
    day: date
    path: str  # below the data folder
    rows: int
    octets: int
    sha256: str
    min_start: datetime | None
    max_start: datetime | None


@dataclass(slots=True)
class KeyColumns:
    """Hashes of the keys and contents of rows, for the key index."""

    hashes: NDArray[np.uint64]
    contents: NDArray[np.uint64]

    def take(self, rows: Any) -> KeyColumns:
        return KeyColumns(self.hashes[rows], self.contents[rows])


@dataclass(slots=True)
class _OpenSegment:
    """One day's file while it is being written."""

    final: Path
    schema: pa.Schema
    partial: Path = field(init=False)
    handle: Any = field(init=False)
    writer: pq.ParquetWriter = field(init=False)
    waiting: list[pa.Table] = field(default_factory=list)
    waiting_rows: int = 0
    rows: int = 0
    keys: list[KeyColumns] = field(default_factory=list)
    numbers: list[NDArray[np.uint64]] = field(default_factory=list)
    times: BlockTimes = field(default_factory=BlockTimes)
    min_ms: int | None = None
    max_ms: int | None = None

    def __post_init__(self) -> None:
        self.partial = self.final.with_name(f".{self.final.name}.partial")
        self.handle = self.partial.open("wb")
        self.writer = pq.ParquetWriter(
            self.handle,
            self.schema,
            **_encodings(self.schema),
            write_statistics=[name for name in _SOUGHT if name in self.schema.names],
            store_decimal_as_integer=True,
            data_page_size=PAGE_OCTETS,
        )

    def add(self, table: pa.Table, keys: KeyColumns | None) -> None:
        start = table["start"]
        if start.null_count < len(start):
            times = start.drop_null().cast(pa.int64()).to_numpy()
            low, high = int(times.min()), int(times.max())
            self.min_ms = low if self.min_ms is None else min(self.min_ms, low)
            self.max_ms = high if self.max_ms is None else max(self.max_ms, high)
        self.waiting.append(table)
        self.waiting_rows += len(table)
        if keys is not None:
            self.keys.append(keys)
            self.numbers.append(number_entries(table["calling"], table["called"], self.rows))
            self.times.add(times)
        self.rows += len(table)
        if self.waiting_rows >= ROW_GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.writer.write_table(
                pa.concat_tables(self.waiting).unify_dictionaries(), row_group_size=2 * ROW_GROUP_ROWS
            )
            self.waiting, self.waiting_rows = [], 0

    def finish(self, kind: str, day: date) -> WrittenSegment:
        self.flush()
        self.writer.close()
        self.handle.flush()
        os.fsync(self.handle.fileno())
        self.handle.close()
        reached("temporary_written")
        with self.partial.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        if self.keys:
            write_key_index(self.final, self.keys)
            write_number_index(self.final, self.numbers, self.times)
        self.partial.rename(self.final)
        fsync_folder(self.final.parent)
        reached("renamed")
        return WrittenSegment(
            kind=kind,
            day=day,
            path=str(self.final.relative_to(home())),
            rows=self.rows,
            octets=self.final.stat().st_size,
            sha256=digest,
            min_start=_instant(self.min_ms),
            max_start=_instant(self.max_ms),
        )

    def abandon(self) -> None:
        with contextlib.suppress(OSError, ValueError, pa.ArrowException):  # what could not be written need not be
            self.writer.close()
        with contextlib.suppress(OSError):
            self.handle.close()
        for suffix in ("", *INDEX_SUFFIXES):  # finished, but its batch is not
            self.final.with_name(self.final.name + suffix).unlink(missing_ok=True)
        remove_segment(self.final)


class SegmentWriter:
    """Writes the records of one part of a batch, a file for each UTC day of their start."""

    def __init__(self, *, tenant_id: int, batch_id: int, attempt: int, part: int, kind: str, received_on: date) -> None:
        self._tenant_id = tenant_id
        self._stem = f"batch-{batch_id}-{attempt}-{part}" + ("" if kind == "rated" else f"-{kind}")
        self._kind = kind
        self._schema = RATED if kind == "rated" else REJECTED
        self._received_day = (received_on - date(1970, 1, 1)).days
        self._open: dict[int, _OpenSegment] = {}

    def add(self, table: pa.Table, keys: KeyColumns | None = None) -> None:
        """Append rows, in order; `keys` go into the key index."""
        if not len(table):
            return
        start = one_array(table["start"].cast(pa.int64()))
        days = start.fill_null(self._received_day * DAY_MS).to_numpy() // DAY_MS
        low, high = int(days.min()), int(days.max())
        if low == high:
            self._segment(low).add(table, keys)
            return
        for day in np.unique(days):
            rows = np.flatnonzero(days == day)
            self._segment(int(day)).add(table.take(pa.array(rows)), keys.take(rows) if keys is not None else None)

    def _segment(self, day: int) -> _OpenSegment:
        found = self._open.get(day)
        if found is None:
            on = date(1970, 1, 1) + timedelta(days=day)
            place = folder("usage", f"tenant={self._tenant_id}", f"day={on:%Y-%m-%d}")
            found = self._open[day] = _OpenSegment(place / f"{self._stem}.parquet", self._schema)
        return found

    def finish(self) -> list[WrittenSegment]:
        """Close, fsync and rename every file."""
        return [
            self._open[day].finish(self._kind, date(1970, 1, 1) + timedelta(days=day)) for day in sorted(self._open)
        ]

    def abandon(self) -> None:
        """Remove what was written of an attempt that failed."""
        for segment in self._open.values():
            segment.abandon()


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def remove_attempt(tenant_id: int, batch_id: int, attempt: int) -> None:
    """Remove every file that an attempt of a batch has written, finished or not. Nothing may write there any more."""
    for day in (home() / "usage" / f"tenant={tenant_id}").glob("day=*"):
        for path in day.glob(f"*batch-{batch_id}-{attempt}-*"):
            path.unlink(missing_ok=True)


def remove_segment(segment: Path) -> None:
    """Remove a file that no catalogue names, with its indexes, also where they still have their temporary names."""
    for name in (segment.name, *(segment.name + suffix for suffix in INDEX_SUFFIXES)):
        segment.with_name(name).unlink(missing_ok=True)
        segment.with_name(f".{name}.partial").unlink(missing_ok=True)


def stored_octets(path: str) -> int:
    """Octets of a segment with its indexes; `path` is below the data folder."""
    files = (home() / f"{path}{suffix}" for suffix in ("", *INDEX_SUFFIXES))
    return sum(each.stat().st_size for each in files if each.exists())


def write_key_index(segment: Path, keys: Iterable[KeyColumns]) -> None:
    """Write the key index of a segment whose rows have these keys, in row order."""
    parts = list(keys)
    hashes = np.concatenate([part.hashes for part in parts])
    contents = np.concatenate([part.contents for part in parts])
    order = np.argsort(hashes)
    table = pa.table(
        [pa.array(hashes[order]), pa.array(contents[order]), pa.array(order.astype(np.uint32))], schema=KEY_INDEX
    )
    partial = segment.with_name(f".{segment.name}{KEY_SUFFIX}.partial")
    with partial.open("wb") as file:
        with pa.ipc.new_file(file, KEY_INDEX) as writer:
            writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())  # an index that a power cut emptied would take every record for new
    partial.rename(segment.with_name(segment.name + KEY_SUFFIX))


def amounts(
    units: NDArray[np.int64], valid: NDArray[np.bool_] | None = None, *, kind: pa.DataType = AMOUNT
) -> pa.Array:
    """Scaled int64 amounts as the decimal column of a segment; null where not valid."""
    wide = np.empty((len(units), 2), dtype=np.int64)
    wide[:, 0] = units
    wide[:, 1] = units >> 63
    mask = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(units), [mask, pa.py_buffer(wide)])


def amount_units(column: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
    """The scaled int64 of a decimal column; zero where null."""
    array = one_array(column) if isinstance(column, pa.ChunkedArray) else column
    if not len(array):
        return np.empty(0, dtype=np.int64)
    wide = np.frombuffer(array.buffers()[1], dtype=np.int64).reshape(-1, 2)[array.offset : array.offset + len(array), 0]
    if array.null_count:
        return np.where(array.is_valid().to_numpy(zero_copy_only=False), wide, 0)
    return wide
