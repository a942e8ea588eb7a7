"""The waiting table: legs of calls whose other legs have not come yet. docs/algorithms/legs.md says what becomes of them.

Rows are added and taken away in the transaction that posts a batch, and only there, under the lock of the switch's work: what a file left
is there exactly if the file was posted, and what another file used is gone exactly if that one was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.errors import Conflict
from trunkline.engine.keyhash import hash_text
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.usage.decode.assembly import WaitingText
from trunkline.usage.models import Batch, WaitingLeg

T = TypeVar("T")

ACTOR = "system"
ROWS_AT_ONCE = 5_000


class LostAttempt(Conflict):
    """Another worker has taken the batch over; what this one computed counts for nothing."""


class WaitingRoom:
    """The legs that wait at one switch, for `decode.assembly`; each look opens a scope of its own."""

    def __init__(self, tenant_id: int, switch_id: int) -> None:
        self._tenant_id, self._switch_id = tenant_id, switch_id

    def call_hashes(self) -> NDArray[np.uint64]:
        """The hashes of all calls that have a leg here."""
        with scope(self._tenant_id, ACTOR):
            rows = WaitingLeg.objects.filter(switch_id=self._switch_id).values_list("call_hash", flat=True)
            return np.fromiter(rows.order_by().distinct().iterator(), np.int64).view(np.uint64)

    def legs_of(self, calls: Sequence[str]) -> Sequence[WaitingText]:
        """All legs of these calls that wait, in the order in which they came."""
        found: list[WaitingText] = []
        for some in _slices(sorted(calls)):
            hashes = _hashes(pa.array(some, pa.string()))
            with scope(self._tenant_id, ACTOR):
                rows = WaitingLeg.objects.filter(switch_id=self._switch_id, call_hash__in=hashes, call__in=some)
                found += [
                    WaitingText(pk, header.encode() if header else None, raw)
                    for pk, header, raw in rows.order_by("pk").values_list("pk", "batch__header", "raw")
                ]
        return sorted(found, key=lambda text: text.id)


def add_to_waiting(batch: Batch, tables: Sequence[pa.Table]) -> None:
    """Let the legs that a batch could not join wait for their partner. Needs the posting transaction."""
    for table in tables:
        hashes = _hashes(table["call"].combine_chunks())
        rows = (
            WaitingLeg(
                switch_id=batch.switch_id,
                batch=batch,
                call=row["call"],
                call_hash=call_hash,
                leg=row["leg"],
                kind=row["kind"],
                at=row["at"],
                raw=row["raw"],
                waits_since=batch.received_at,
            )
            for row, call_hash in zip(table.to_pylist(), hashes, strict=True)
        )
        WaitingLeg.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    reached("waiting")


def take_from_waiting(batch: Batch, ids: Sequence[int]) -> int:
    """Take legs away that a batch has used, and those that leave with it; how many.

    Raises `LostAttempt` where one is gone: somebody else has used it.
    """
    leaving = WaitingLeg.objects.filter(switch_id=batch.switch_id, leaves_with=batch).values_list("pk", flat=True)
    wanted = sorted({*ids, *leaving})
    for some in _slices(wanted):
        gone, _ = WaitingLeg.objects.filter(switch_id=batch.switch_id, pk__in=some).delete()
        if gone != len(some):
            raise LostAttempt("lost_attempt", f"Legs that batch {batch.pk} has joined wait no more.")
    return len(wanted)


def _hashes(calls: pa.Array) -> list[int]:
    """Hashes as PostgreSQL keeps them: signed."""
    return hash_text(calls).view(np.int64).tolist() if len(calls) else []


def _slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for low in range(0, len(values), ROWS_AT_ONCE):
        yield values[low : low + ROWS_AT_ONCE]
