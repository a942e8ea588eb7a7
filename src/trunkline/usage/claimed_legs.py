"""Legs of calls whose record was taken before: known to the record, which makes them duplicates, or late (docs/algorithms/legs.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trunkline.usage.decode.legs import ALONE, ROLES, Role, named_legs
from trunkline.usage.fates import Fate, Fates

Rows = NDArray[np.int64]
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class StoredLegs:
    """What records say of their legs, row for row: which they are (`EVENTS.legs`), and when the call began and ended."""

    named: pa.ChunkedArray
    start: pa.ChunkedArray
    end: pa.ChunkedArray

    @classmethod
    def of(cls, records: pa.Table) -> Self:
        """Of records."""
        return cls(records["legs"], *(records[name].cast(pa.int64()) for name in ("start", "end")))

    @classmethod
    def read(cls, segment: Path) -> Self:
        """Of a segment; one that was written before records named their legs names none."""
        names = pq.read_schema(segment).names
        table = pq.read_table(segment, columns=[n for n in ("legs", "start", "end") if n in names], partitioning=None)
        if "legs" not in names:
            table = table.append_column("legs", pa.nulls(len(table), pa.string()))
        return cls.of(table)

    @classmethod
    def nothing(cls) -> Self:
        """Of no records."""
        return cls(*(pa.chunked_array([], kind) for kind in (pa.string(), pa.int64(), pa.int64())))


@dataclass(frozen=True, slots=True)
class ClaimedLegs:
    """The legs behind a claim: of its records first, then of the other keys, null where those are of no leg that waits.

    `kinds` and `at` are of the legs that wait: what they are in their call, and when they began. `days` are of all rows.
    """

    stored: StoredLegs
    named: list[str | None]
    kinds: list[str]
    at: Rows
    skew_ms: int
    rows: int

    @classmethod
    def of(cls, records: pa.Table, others: int, waiting: pa.Table, skew_ms: int) -> Self:
        """Of records, so many further keys, and then the legs that wait."""
        between = len(records) + others
        starts = records["start"].cast(pa.int64()).to_numpy()
        at = np.concatenate((starts, np.zeros(others, np.int64), waiting["at"].cast(pa.int64()).to_numpy()))
        named = [*records["legs"].to_pylist(), *([None] * others), *waiting["leg"].to_pylist()]
        kinds = [*([""] * between), *waiting["kind"].to_pylist()]
        return cls(StoredLegs.of(records), named, kinds, at, skew_ms, len(records))

    @property
    def days(self) -> Rows:
        """The UTC day of each row, from 1970."""
        return self.at // _DAY_MS

    def doubtful_rows(self, fates: Fates) -> Rows:
        """The records whose key was taken with other content, and the legs that wait."""
        is_waiting = np.array([bool(kind) for kind in self.kinds], np.bool_)
        fates[is_waiting] = Fate.NEW
        return np.flatnonzero(is_waiting | (fates == Fate.CONFLICT))

    def judge(self, rows: Rows, stored: StoredLegs, at: NDArray[np.uint32], fates: Fates) -> None:
        """Judge rows of the claim by the records beside them, which have their key."""
        places = pa.array(at.astype(np.int64))
        facts = (column.take(places).to_pylist() for column in (stored.named, stored.start, stored.end))
        for row, named, start, end in zip(rows.tolist(), *facts, strict=True):
            mine, known = named_legs(self.named[row]), named_legs(named)
            if mine <= known and known:
                fates[row] = Fate.DUPLICATE
            elif self.kinds[row]:
                role = ROLES[self.kinds[row]]
                is_more = adds(role, int(self.at[row]), named or "", start, end, self.skew_ms)
                fates[row] = Fate.LATE if is_more else Fate.DUPLICATE
            elif (named or "").startswith(ALONE) or (self.named[row] or "").startswith(ALONE) or known < mine:
                fates[row] = Fate.LATE


def adds(role: int, at: int, named: str, start: int, end: int, skew_ms: int) -> bool:
    """Whether a leg says anything that the record does not know: a begin or an end inside of a call does not."""
    if named.startswith(ALONE) or role < Role.BEGIN:
        return True
    return not start <= at <= end + skew_ms
