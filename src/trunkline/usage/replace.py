"""Records that a person's correction takes the place of: their segments are written anew without them. No database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trunkline.kit.home import home
from trunkline.usage.chunkwork import Totals, fold_chunk
from trunkline.usage.number_index import rebuild_number_index
from trunkline.usage.part import Work
from trunkline.usage.rerate_part import stored_side
from trunkline.usage.segments import watch
from trunkline.usage.store import SIDES, SegmentWriter, WrittenSegment, write_key_index
from trunkline.usage.stored import as_stored, read_rows
from trunkline.usage.taken import StoredFile, keys_by_row


@dataclass(slots=True)
class Replaced:
    """What it comes to that records are taken out of their segments: `before` are their sums, `kept` counts the rows that stay."""

    superseded: list[int] = field(default_factory=list)
    before: Totals = field(default_factory=Totals)
    kept: int = 0
    written: list[WrittenSegment] = field(default_factory=list)


def take_out(segments: Sequence[tuple[StoredFile, Sequence[int]]], work: Work, first_part: int) -> Replaced:
    """Write each segment anew without those rows; the new files are parts of the attempt from `first_part` on."""
    found = Replaced()
    for number, (segment, rows) in enumerate(sorted(segments, key=lambda each: each[0].id)):
        _take_out(segment, rows, work, first_part + number, found)
    found.before.compact()
    return found


def _take_out(segment: StoredFile, rows: Sequence[int], work: Work, part: int, found: Replaced) -> None:
    is_kept = np.ones(segment.rows, np.bool_)
    is_kept[list(rows)] = False
    writer = SegmentWriter(
        tenant_id=work.tenant_id,
        batch_id=work.batch_id,
        attempt=work.attempt,
        part=part,
        kind="rated",
        received_on=work.received_on,
    )
    first = 0
    with watch([segment.path]), pq.ParquetFile(segment.path, memory_map=True) as file:
        for group in range(file.num_row_groups):
            table = read_rows(file, group)
            kept = is_kept[first : first + len(table)]
            gone = np.flatnonzero(~kept)
            everything = np.arange(len(table))
            fold_chunk(table, {side: stored_side(table, side, everything) for side in SIDES}, gone, found.before)
            writer.add(as_stored(table).filter(pa.array(kept)))
            first += len(table)
    written = writer.finish()
    for new in written:
        write_key_index(home() / new.path, [keys_by_row(segment).take(is_kept)])
        rebuild_number_index(home() / new.path)
    found.superseded.append(segment.id)
    found.kept += int(is_kept.sum())
    found.written += written
