"""One part of a file: its chunks decoded, priced, and, once the keys are judged, folded and written.

A part works in two steps for each chunk, because telling duplicates happens in one place, in the order of the file: `propose` does all that
needs no such verdict and states the keys, `settle` does the rest. It needs no database, so a part can be a process of its own (`crew`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.chunkwork import (
    Totals,
    fold_chunk,
    late_legs,
    late_rejects,
    price_sides,
    reject_rows,
    segment_rows,
)
from trunkline.usage.claimed_legs import ClaimedLegs
from trunkline.usage.crew import PARTS
from trunkline.usage.decode import Chunk, Decoded, Lines, SwitchProfile
from trunkline.usage.fates import Fate, Fates
from trunkline.usage.late import Corrections, Place
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import INSTANT
from trunkline.usage.sides import REASON_NUMBER, REASONS, Pinned, SideColumns
from trunkline.usage.store import DAY_MS, KeyColumns, SegmentWriter, WrittenSegment
from trunkline.usage.stored import form_named
from trunkline.usage.taken import Claim, key_columns, state_claim


@dataclass(frozen=True, slots=True)
class Work:
    """What the parts of one attempt at one batch work with. It can be sent to another process."""

    tenant_id: int
    batch_id: int
    attempt: int
    format: str
    octets: int  # of the file
    profile: SwitchProfile
    pinned: Pinned
    received_on: date
    scratch: Path

    def part(self, number: int) -> Part:
        """Part `number` of the file."""
        return Part(self, number)


@dataclass(frozen=True, slots=True)
class Folded:
    """The sums of a part."""

    totals: Totals
    skipped: int
    header: bytes
    waiting: list[pa.Table]  # schema.WAITING


@dataclass(slots=True)
class _Proposal:
    """A chunk that waits for its verdict."""

    header: bytes | None
    lines: Lines
    events: pa.Table
    sides: dict[str, SideColumns]
    reason: NDArray[np.int8]
    good: NDArray[np.int64]
    bad: NDArray[np.int64]
    keys: KeyColumns
    rejects: pa.Table
    skipped: int
    waiting: pa.Table | None


@dataclass(slots=True)
class Part:
    """Chunk i of a file belongs to part i mod `PARTS`, so the same file gives the same bytes whatever the machine."""

    work: Work
    number: int
    totals: Totals = field(default_factory=Totals)
    skipped: int = 0
    header: bytes = b""
    waiting: list[pa.Table] = field(default_factory=list)
    _waiting: dict[int, _Proposal] = field(default_factory=dict)
    _rated: SegmentWriter = field(init=False)
    _rejects: SegmentWriter = field(init=False)

    def __post_init__(self) -> None:
        work = self.work
        names: dict[str, Any] = {
            "tenant_id": work.tenant_id,
            "batch_id": work.batch_id,
            "attempt": work.attempt,
            "part": self.number,
            "received_on": work.received_on,
        }
        self._rated = SegmentWriter(**names, kind="rated")
        self._rejects = SegmentWriter(**names, kind="reject")

    def propose(self, number: int, chunk: Chunk) -> Claim:
        """Decode and price chunk `number` and state its keys. Raises what decoding raises (`FileFailed`)."""
        return self.state(number, form_named(self.work.format).decode(chunk, self.work.profile), chunk.header)

    def state(self, number: int, decoded: Decoded, header: bytes | None) -> Claim:
        """Price chunk `number`, which is decoded already, and state its keys."""
        work = self.work
        events, sides, reason = price_sides(decoded.events.combine_chunks(), work.profile.number_rules, work.pinned)
        good, bad = np.flatnonzero(reason == 0), np.flatnonzero(reason != 0)
        keys = key_columns(events).take(good)
        candidates = events.select(["key", "line", "start"]).take(pa.array(good)).combine_chunks()
        self._waiting[number] = _Proposal(
            header,
            decoded.lines,
            events,
            sides,
            reason,
            good,
            bad,
            keys,
            decoded.rejects,
            decoded.skipped,
            decoded.waiting,
        )
        others = [events["key"].take(pa.array(bad)).combine_chunks(), decoded.rejects["key"].combine_chunks()]
        file, legs = work.scratch / f"keys-{number}.arrow", None
        starts = [*events["start"].chunks]
        if decoded.waiting is not None:
            others.append(decoded.waiting["call"].combine_chunks())
            starts += decoded.waiting["at"].chunks
            further = len(bad) + len(decoded.rejects)
            legs = ClaimedLegs.of(events.take(pa.array(good)), further, decoded.waiting, work.profile.legs_skew_ms)
        bounds = pc.min_max(pa.chunked_array(starts, INSTANT).cast(pa.int64())).as_py()
        days = None if bounds["min"] is None else (bounds["min"] // DAY_MS, bounds["max"] // DAY_MS)
        return replace(state_claim(number, file, candidates, keys, others, days), legs=legs)

    def settle(self, number: int, fates: Fates) -> None:
        """Finish the chunk: what is new is folded and written, what is wrong becomes a reject."""
        proposal = self._waiting.pop(number)
        events, reason, good, bad = proposal.events, proposal.reason, proposal.good, proposal.bad
        is_new = fates[: len(good)] == Fate.NEW
        conflicts = good[fates[: len(good)] == Fate.CONFLICT]
        reason[conflicts] = REASON_NUMBER[Reason.CONFLICTING_DUPLICATE]
        late = good[fates[: len(good)] == Fate.LATE]
        reason[late] = REASON_NUMBER[Reason.LATE_LEG]
        # A record that was taken before is a duplicate, even if it could not be read or priced any more today.
        is_first = fates[len(good) :] == Fate.NEW
        rejected = np.sort(np.concatenate((bad[is_first[: len(bad)]], conflicts, late)))
        further = len(bad) + len(proposal.rejects)
        unread = proposal.rejects.filter(pa.array(is_first[len(bad) : further]))
        new = good[is_new]
        self.skipped += proposal.skipped
        self.header = proposal.header or b""
        self.totals.rated += len(new)
        self.totals.duplicates += int((fates == Fate.DUPLICATE).sum())
        work = self.work
        self._rated.add(
            segment_rows(events, proposal.sides, new, work.batch_id, work.pinned.version), proposal.keys.take(is_new)
        )
        fold_chunk(events, proposal.sides, new, self.totals)
        found = [unread, late_rejects(proposal.lines, events, rejected, reason)]
        if proposal.waiting is not None:
            found.append(self._settle_waiting(proposal.waiting, fates[len(good) + further :]))
        rejects = pa.concat_tables(found, promote_options="none")
        if len(rejects):
            self.totals.count_rejects(rejects)
            self._rejects.add(reject_rows(rejects, work.batch_id))

    def _settle_waiting(self, waiting: pa.Table, fates: Fates) -> pa.Table:
        """Keep the legs that will wait; the rejects of those that come late."""
        kept = waiting.filter(pa.array(fates == Fate.NEW))
        self.totals.waiting += len(kept)
        self.waiting.append(kept)
        late = waiting.filter(pa.array(fates == Fate.LATE))
        return late_legs(late, [""] * len(late))

    def correct(self, found: Corrections) -> list[Place]:
        """Write the records of calls whose late legs were accepted; the stored records whose place they take.

        Where one of a call's records must be rejected, those that are stored stay, and so do the late legs, as rejects.
        """
        work = self.work
        events, sides, reason = price_sides(found.events, work.profile.number_rules, work.pinned)
        bad = dict(zip(found.call[reason != 0].tolist(), reason[reason != 0].tolist(), strict=True))
        kept = np.flatnonzero(~np.isin(found.call, list(bad)))
        self._rated.add(
            segment_rows(events, sides, kept, work.batch_id, work.pinned.version), key_columns(events).take(kept)
        )
        fold_chunk(events, sides, kept, self.totals)
        self.totals.rated += len(kept)
        written = set(found.call[kept].tolist())
        remarks = [
            said or (f"with it, it would be {REASONS[bad[call]]}" if call in bad else "")
            for said, call in zip(found.remarks, found.leg_call.tolist(), strict=True)
        ]
        is_refused = np.array([bool(said) for said in remarks], np.bool_)
        adds_nothing = ~is_refused & ~np.isin(found.leg_call, list(written))
        rejects = late_legs(found.legs.filter(pa.array(is_refused)), [said for said in remarks if said])
        if len(rejects):
            self.totals.count_rejects(rejects)
            self._rejects.add(reject_rows(rejects, work.batch_id))
        self.totals.duplicates += int(adds_nothing.sum())
        legs_in = int(found.legs_in.sum()) - int(is_refused.sum()) - int(adds_nothing.sum())
        self.skipped += max(legs_in - len(kept), 0)
        return [place for call in written for place in found.replaced[call]]

    def folded(self) -> Folded:
        """The sums of what is settled."""
        self.totals.compact()
        return Folded(self.totals, self.skipped, self.header, self.waiting)

    def finish(self) -> list[WrittenSegment]:
        """Close, fsync and rename the files of this part."""
        return [*self._rated.finish(), *self._rejects.finish()]

    def abandon(self) -> None:
        """Remove what was written."""
        self._rated.abandon()
        self._rejects.abandon()


class Parts(Protocol):
    """All parts of an attempt, wherever they are. Chunks are given in the order of the file."""

    def give(self, number: int, chunk: Chunk) -> None: ...
    def claims(self) -> list[Claim]: ...
    def settle(self, number: int, fates: Fates) -> None: ...
    def fold(self) -> list[Folded]: ...
    def finish(self) -> list[WrittenSegment]: ...
    def close(self) -> None: ...
    def abandon(self) -> None: ...


class InlineParts:
    """The parts in this process, one chunk after the other."""

    def __init__(self, work: Work) -> None:
        self._parts = [Part(work, number) for number in range(PARTS)]
        self._claims: list[Claim] = []

    def give(self, number: int, chunk: Chunk) -> None:
        """Have the chunk proposed at once."""
        self._claims.append(self._parts[number % PARTS].propose(number, chunk))

    def give_decoded(self, number: int, decoded: Decoded, header: bytes | None) -> None:
        """The same for a chunk that is decoded already."""
        self._claims.append(self._parts[number % PARTS].state(number, decoded, header))

    def correct(self, found: Corrections) -> list[Place]:
        """Have the records of calls written whose late legs were accepted."""
        return self._parts[0].correct(found)

    def claims(self) -> list[Claim]:
        """The claims since the last asking."""
        claims, self._claims = self._claims, []
        return claims

    def settle(self, number: int, fates: Fates) -> None:
        """Have the chunk settled."""
        self._parts[number % PARTS].settle(number, fates)

    def fold(self) -> list[Folded]:
        """The sums of both parts."""
        return [part.folded() for part in self._parts]

    def finish(self) -> list[WrittenSegment]:
        """Finish the files of both parts."""
        return [segment for part in self._parts for segment in part.finish()]

    def close(self) -> None:
        """There is nothing to end."""

    def abandon(self) -> None:
        """Remove what was written."""
        for part in self._parts:
            part.abandon()
