"""The waiting table: legs of calls whose other legs have not come yet. docs/algorithms/legs.md says what becomes of them.

Rows are added and taken away in the transaction that posts a batch, and only there, under the lock of the switch's work: what a file left
is there exactly if the file was posted, and what another file used is gone exactly if that one was.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection
from numpy.typing import NDArray

from trunkline.core.errors import Conflict
from trunkline.engine.keyhash import hash_text
from trunkline.kit.db.scope import current_tenant_id, scope
from trunkline.kit.faults import reached
from trunkline.usage.decode.assembly import WaitingText
from trunkline.usage.models import Batch, WaitingLeg

T = TypeVar("T")

ACTOR = "system"
ROWS_AT_ONCE = 20_000
# As arrays: thousands of parameters cost more than the rows.
LOOK_UP = """
SELECT w.id, w.call, b.header, w.raw
  FROM usage_waitingleg w JOIN usage_batch b ON b.id = w.batch_id
 WHERE w.switch_id = %s AND w.call_hash = ANY(%s::bigint[])
"""
TAKE = "DELETE FROM usage_waitingleg WHERE switch_id = %s AND id = ANY(%s::bigint[])"
STAGE = """
CREATE TEMPORARY TABLE usage_waiting_stage (
    line bigint, call text, call_hash bigint, leg text, kind text, at timestamptz, raw text
) ON COMMIT DROP
"""
# Staged as the rollups are: RLS refuses COPY into the table itself.
INSERT = """
INSERT INTO usage_waitingleg (tenant_id, switch_id, batch_id, call, call_hash, leg, kind, at, raw, waits_since)
SELECT %(tenant)s, %(switch)s, %(batch)s, call, call_hash, leg, kind, at, raw, %(since)s FROM usage_waiting_stage ORDER BY line
"""


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
        wanted, found = set(calls), []
        for some in _slices(hash_text(pa.array(calls, pa.string())).view(np.int64).tolist()):
            with scope(self._tenant_id, ACTOR), connection.cursor() as cursor:
                cursor.execute(LOOK_UP, [self._switch_id, list(some)])
                rows = cursor.fetchall()
            found += [
                WaitingText(pk, header.encode() if header else None, raw)
                for pk, call, header, raw in rows
                if call in wanted
            ]
        return sorted(found, key=lambda text: text.id)


def add_to_waiting(batch: Batch, tables: Sequence[pa.Table]) -> None:
    """Let the legs that a batch could not join wait for their partner. Needs the posting transaction."""
    for table in tables:
        if not len(table):
            continue
        hashes = pa.array(hash_text(table["call"].combine_chunks()).view(np.int64))
        staged = table.select(["line", "call", "leg", "kind", "at", "raw"]).add_column(2, "call_hash", hashes)
        text = io.BytesIO()
        pacsv.write_csv(staged, text, pacsv.WriteOptions(include_header=False))
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS usage_waiting_stage")
            cursor.execute(STAGE)
            with cursor.copy("COPY usage_waiting_stage FROM STDIN (FORMAT csv)") as copy:
                copy.write(text.getbuffer())
            cursor.execute(
                INSERT,
                {
                    "tenant": current_tenant_id(),
                    "switch": batch.switch_id,
                    "batch": batch.pk,
                    "since": batch.received_at,
                },
            )
    reached("waiting")


def take_from_waiting(batch: Batch, ids: Sequence[int]) -> int:
    """Take legs away that a batch has used, and those that leave with it; how many.

    Raises `LostAttempt` where one is gone: somebody else has used it.
    """
    leaving = WaitingLeg.objects.filter(switch_id=batch.switch_id, leaves_with=batch).values_list("pk", flat=True)
    wanted = sorted({*ids, *leaving})
    gone = 0
    for some in _slices(wanted):
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [batch.switch_id, list(some)])
            gone += cursor.rowcount
    if gone != len(wanted):
        raise LostAttempt("lost_attempt", f"Legs that batch {batch.pk} has joined wait no more.")
    return len(wanted)


def _slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for low in range(0, len(values), ROWS_AT_ONCE):
        yield values[low : low + ROWS_AT_ONCE]
