"""Which batches have said a stored record anew since it came in: re-ratings, and what it said before each. Needs an open scope.

A segment that is written anew holds records that did not change as well, so the batch of a segment says nothing of one of them: the record is
followed back through the segments that superseded each other, by its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from trunkline.kit.home import home
from trunkline.parties.kinds import Side
from trunkline.usage.choices import SegmentKind
from trunkline.usage.locate import Located, Record, read_row
from trunkline.usage.models import Batch, Segment
from trunkline.usage.segments import SegmentFile, watch
from trunkline.usage.taken import key_hash, rows_with_hash

# What a side is charged by: where one of them differs, the side was taken back and charged anew.
CHARGED: Final = (
    "state",
    "account_id",
    "tariff_id",
    "rate_id",
    "destination_id",
    "billed",
    "tariff_amount",
    "exchange_rate",
    "rate_date",
    "amount",
    "base_amount",
)


@dataclass(frozen=True, slots=True)
class Correction:
    """A batch that said a record anew: what it said from then on, and what was said before."""

    batch: Batch
    before: Record
    after: Record

    def charges(self, side: Side) -> bool:
        """Whether that side was charged anew."""
        return any(self.before[f"{side}_{name}"] != self.after[f"{side}_{name}"] for name in CHARGED)


def corrections_of(located: Located) -> list[Correction]:
    """The batches that have said a record anew, the last one first; raises `SegmentsMoved` where a superseded segment is gone."""
    record = located.record
    segment = Segment.objects.get(pk=located.segment.id)
    found: list[tuple[int, Record, Record]] = []
    while segment.batch_id != record["batch_id"]:
        before = _before(segment, record["key"])
        if before is None:
            break
        earlier, said = before
        if _told(said) != _told(record):
            found.append((segment.batch_id, said, record))
        segment, record = earlier, said
    batches = Batch.objects.in_bulk({batch_id for batch_id, _, _ in found})
    return [Correction(batches[batch_id], *records) for batch_id, *records in found]


def _before(segment: Segment, key: str) -> tuple[Segment, Record] | None:
    """The record of that key in the segments that the batch of this one has superseded, on the same day."""
    hashed = key_hash(pa.array([key], pa.string()))
    earlier = Segment.objects.filter(
        superseded_by=segment.batch_id, switch=segment.switch_id, kind=SegmentKind.RATED, day=segment.day
    )
    for each in earlier.order_by("pk"):
        file = SegmentFile(each.pk, home() / each.path, each.day, each.rows, each.min_start, each.max_start)
        with watch([file.path]):
            for row in rows_with_hash(file, hashed):
                record = read_row(file, row)
                if record["key"] == key:
                    return each, record
    return None


def _told(record: Record) -> Record:
    """What a record says: segments of earlier versions lack columns that say nothing in later ones."""
    return {name: value for name, value in record.items() if value is not None}


def charged_by(side: Side, corrections: Sequence[Correction], batch: Batch) -> Batch:
    """The batch that a side of a record is charged by: the last one that charged it anew, else the one that it came in with."""
    return next((each.batch for each in corrections if each.charges(side)), batch)
