"""One record among millions: by its key through the key index of each segment, without scanning any.

Only the row group that holds the row is read. Rejects have no index and are few: their columns are searched. Needs an
open scope throughout.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.usage.choices import SegmentKind
from trunkline.usage.models import Batch
from trunkline.usage.number_index import find_rows
from trunkline.usage.omitted import filled_in
from trunkline.usage.search import EPOCH, MILLISECOND, parse_number
from trunkline.usage.segments import SegmentFile, live_segments, retry_when_moved, watch
from trunkline.usage.taken import key_hash, rows_with_hash

Record = dict[str, Any]  # the columns of the segment; instants aware in UTC, money Decimal

MINUTE: Final = timedelta(minutes=1)
SHOWN_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Sought:
    """Which record is meant: by key, or by a number and the minute that begins at `at`; the rest tells several apart.

    `is_reject` asks for rejects alone, else they are looked at where no record is found. `as_of` is an instant of the
    past: what counted then.
    """

    key: str | None = None
    number: str | None = None
    at: datetime | None = None
    switch_id: int | None = None
    is_reject: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """A record or a reject, and where it lies: the row in the segment, counted from 0."""

    kind: SegmentKind
    segment: SegmentFile
    row: int
    record: Record


def record_id(switch_id: int, record: Record) -> str:
    """What names a record outside: its switch, start and key. It stays what it is when the record is priced again."""
    said = f"{switch_id}.{(record['start'] - EPOCH) // MILLISECOND}.{record['key']}"
    return urlsafe_b64encode(said.encode()).decode().rstrip("=")


def access_record_by_id(text: str, *, as_of: datetime | None = None, has_rejects: bool = False) -> Located:
    """The record of that id; with `has_rejects` also the reject that it has become. Raises NotFound `record_not_found`, Conflict `ambiguous_record`."""
    try:
        said = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode()
        switch_id, start, key = said.split(".", 2)
        at = EPOCH + int(start) * MILLISECOND
        sought = Sought(key=key, at=at, switch_id=int(switch_id), as_of=as_of)
    except (ValueError, OverflowError):  # what no list has given
        raise _not_found() from None
    if not key or not 0 < int(switch_id) < 2**63:
        raise _not_found()
    found = access_record(sought)
    if found.kind is SegmentKind.REJECT and not has_rejects:
        raise _not_found()
    return found


def _not_found() -> NotFound:
    return NotFound(
        "record_not_found",
        "There is no such record.",
        hint="`trunkline usage search` lists records with their keys, `trunkline usage rejects --list` rejects.",
    )


def access_record(sought: Sought) -> Located:
    """The one record or reject that is meant.

    Raises NotFound `record_not_found`, Conflict `ambiguous_record` (its `context["records"]` are those that fit),
    Invalid `nothing_asked`, `bad_number`.
    """
    found = find_records(sought)
    if not found:
        raise _not_found()
    if len(found) > 1:
        lines = [
            f"{each.record['key']} of {_start_text(each)}, batch {each.record['batch_id']} line {each.record['line']}"
            for each in found
        ]
        more = [f"and {len(found) - SHOWN_MAX} more"] if len(found) > SHOWN_MAX else []
        raise Conflict(
            "ambiguous_record",
            "\n".join([f"{len(found)} records fit:", *lines[:SHOWN_MAX], *more]),
            hint="Name the key, the switch or the minute in which it starts.",
            records=found,
        )
    return found[0]


def _start_text(located: Located) -> str:
    start = located.record["start"]
    return "unknown start" if start is None else f"{start:%Y-%m-%dT%H:%M:%SZ}"


def find_records(sought: Sought) -> list[Located]:
    """Every record that fits, by segment and row; rejects where there is no record. Raises Invalid as `access_record`."""
    if not sought.key and (not sought.number or sought.at is None):
        raise Invalid("nothing_asked", "Say the key of the record, or a number and when the call started.")
    if sought.number and parse_number(sought.number).is_prefix:
        raise Invalid("bad_number", "A single record is found by a whole number.")

    def work() -> list[Located]:
        found = [] if sought.is_reject else list(_rated(sought))
        return found or list(_rejects(sought))

    return retry_when_moved(work)


def _segments(sought: Sought, kind: SegmentKind) -> list[SegmentFile]:
    return live_segments(
        kind=kind.value,
        start_from=sought.at,
        start_to=None if sought.at is None else sought.at + MINUTE,
        switch_id=sought.switch_id,
        as_of=sought.as_of,
    )


def _rated(sought: Sought) -> Iterator[Located]:
    hashed = None if sought.key is None else key_hash(pa.array([sought.key], pa.string()))
    for segment in _segments(sought, SegmentKind.RATED):
        with watch([segment.path]):
            if hashed is not None:
                rows = rows_with_hash(segment, hashed)
            else:
                rows = _rows_with_number(segment, parse_number(sought.number or "").digits)
            for row in rows:
                record = read_row(segment, row)
                if _fits(sought, record):
                    yield Located(SegmentKind.RATED, segment, row, record)


def _rows_with_number(segment: SegmentFile, digits: str) -> list[int]:
    named = find_rows(segment.path, digits, rows=segment.rows)
    if named is not None:
        return named.rows
    table = pq.read_table(segment.path, columns=["calling", "called"], partitioning=None)
    is_there = pc.or_(pc.equal(table["calling"], digits), pc.equal(table["called"], digits))
    return [int(row) for row in np.flatnonzero(is_there.to_numpy())]


def read_row(segment: SegmentFile, row: int) -> Record:
    """One row of a segment, complete."""
    with pq.ParquetFile(segment.path, memory_map=True) as file:
        group, first = 0, 0
        while row >= first + (count := file.metadata.row_group(group).num_rows):
            group, first = group + 1, first + count
        (record,) = file.read_row_group(group).slice(row - first, 1).to_pylist()
    return filled_in(record)


def _fits(sought: Sought, record: Record) -> bool:
    """Whether it is a record that is meant: two keys or two numbers can share a hash."""
    if sought.key is not None and record["key"] != sought.key:
        return False
    if sought.number is not None:
        digits = parse_number(sought.number).digits
        if digits not in (record.get("calling"), record["called"]):
            return False
    start = record["start"]
    return sought.at is None or (start is not None and sought.at <= start < sought.at + MINUTE)


def _rejects(sought: Sought) -> Iterator[Located]:
    for segment in _segments(sought, SegmentKind.REJECT):
        with watch([segment.path]):
            columns = pq.read_table(segment.path, columns=["key", "called"], partitioning=None)
            if sought.key is not None:
                is_there = pc.equal(columns["key"], sought.key)
            else:
                is_there = pc.equal(columns["called"], parse_number(sought.number or "").digits)
            for row in np.flatnonzero(pc.fill_null(is_there, False).to_numpy()).tolist():
                record = read_row(segment, row)
                if _fits(sought, record):
                    yield Located(SegmentKind.REJECT, segment, row, record)


def batch_of(located: Located) -> Batch:
    """The batch that the record came in with, and its switch."""
    return Batch.objects.select_related("switch").get(pk=located.record["batch_id"])
