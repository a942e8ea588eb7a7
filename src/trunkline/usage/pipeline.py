"""From a file to finished segments and sums: the part of a batch that computes and needs no transaction.

The file is cut into chunks, which two parts decode, identify, price and write; telling duplicates happens here, in the order of the file. Small
files are done in this process, large ones by a crew of processes, with the same result to the byte. Memory is bounded by a few
chunks, however long the file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import pyarrow as pa

from trunkline.usage.chunkwork import Totals, negated
from trunkline.usage.crew import CREW_OCTETS, PARTS, PARTS_AHEAD, Crew
from trunkline.usage.decode import Chunk, Decoded, FileFailed, Format, Source, SwitchProfile, chunks
from trunkline.usage.decode.assembly import Assembler, Waiters, decoded_chunks
from trunkline.usage.late import LateLegs
from trunkline.usage.part import InlineParts, Parts, Work
from trunkline.usage.reasons import FileFailure
from trunkline.usage.replace import take_out
from trunkline.usage.store import WrittenSegment
from trunkline.usage.stored import form_named
from trunkline.usage.taken import Accepted, Claim, FindSegments, TakenKeys

CHUNK_OCTETS: Final = 14 << 20  # smaller ones cost calls, larger ones memory (measured: 4 to 20 MiB)
OCTETS_PER_ROW: Final = 120  # a low guess: it only sizes the filter of taken keys


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that one attempt at one batch works with."""

    work: Work
    find_segments: FindSegments
    duplicate_window_days: int
    accepted: Accepted | None = None
    on_progress: Callable[[int], None] = lambda octets: None
    waiters: Waiters | None = None  # the legs that wait at the switch
    is_expiry: bool = False  # the file is of waiting legs whose time is over


class Finishes(Protocol):
    """Whoever has the files of an attempt."""

    def finish(self) -> list[WrittenSegment]: ...


@dataclass(slots=True)
class Outcome:
    """What the transaction will make true. The sums are there first; the files are being finished meanwhile."""

    totals: Totals
    skipped: int
    header: str
    _parts: Finishes
    _segments: list[WrittenSegment] | None = None
    waiting: list[pa.Table] = field(default_factory=list)  # legs that will wait for a partner, schema.WAITING
    taken_legs: list[int] = field(default_factory=list)  # rows of the waiting table that are used up
    # Of a re-rating: sums of what was, negated; segments that are written anew; how many records changed.
    taken_back: Totals = field(default_factory=Totals)
    superseded: tuple[int, ...] = ()
    changed: int = 0
    rewritten: list[WrittenSegment] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        return sum(self.totals.reasons.values())

    @property
    def rows_in(self) -> int:
        return self.totals.rated + self.totals.duplicates + self.rejected + self.totals.waiting

    def finish(self) -> list[WrittenSegment]:
        """The files, in place, the same however often it is asked. From here on they are the catalogue's or the sweeper's."""
        if self._segments is None:
            self._segments = [*self._parts.finish(), *self.rewritten]
        return self._segments

    @property
    def is_finished(self) -> bool:
        return self._segments is not None


@contextmanager
def run(job: Job, source: Source, crew: Crew | None = None) -> Iterator[Outcome]:
    """Decode, price, sift, fold and write one file; nothing of it counts until the catalogue says so.

    `crew` may have been started before, for a large file. Raises `FileFailed` where the file as a whole cannot be taken. Unless the
    outcome is finished inside, the files of the attempt are removed at the end.
    """
    job.work.scratch.mkdir(parents=True, exist_ok=True)
    parts: Parts = _parts(job, crew)
    outcome: Outcome | None = None
    try:
        taken, legs = _give_all(job, source, parts, frozenset())
        while collisions := taken.collisions():
            # Two keys with one 64-bit hash: the file is done again, with the full keys of these lines compared at once.
            parts.abandon()
            parts = InlineParts(job.work)
            taken, legs = _give_all(job, source, parts, taken.doubtful | collisions)
        outcome = _fold(parts, legs)
        if taken.replaced:
            _take_out(job, taken, outcome)
        yield outcome
    finally:
        if outcome is None or not outcome.is_finished:
            parts.abandon()
        else:
            parts.close()
        shutil.rmtree(job.work.scratch, ignore_errors=True)


def _parts(job: Job, crew: Crew | None) -> Parts:
    # Legs are joined in one place, in the order of the file.
    if form_named(job.work.format).has_legs(job.work.profile) or (crew is None and job.work.octets < CREW_OCTETS):
        return InlineParts(job.work)
    crew = crew or Crew()
    try:
        crew.begin(job.work)
    except BaseException:
        crew.close()
        raise
    return crew


def _give_all(job: Job, source: Source, parts: Parts, doubtful: frozenset[int]) -> tuple[TakenKeys, Assembler | None]:
    """Give the chunks of the file to the parts and judge their claims in the order of the file."""
    taken = TakenKeys(
        find_segments=job.find_segments,
        window_days=job.duplicate_window_days,
        expected_rows=job.work.octets // OCTETS_PER_ROW,
        doubtful=doubtful,
        accepted=job.accepted,
    )
    claims: dict[int, Claim] = {}
    given = judged = 0
    form, profile = form_named(job.work.format), job.work.profile
    cut = chunks(source, CHUNK_OCTETS, has_header=form.has_header, framing=form.framing)
    late = _late_legs(job) if form.has_legs(profile) else None
    assembler = _assembler(job, form, late) if form.has_legs(profile) else None
    for give in _giving(parts, cut, assembler, form, profile):
        while given - judged >= PARTS * PARTS_AHEAD:
            judged = _judge(taken, parts, claims, judged)
        give(given)
        given += 1
        job.on_progress(source.progress_octets)
    while judged < given:
        judged = _judge(taken, parts, claims, judged)
    corrections = late.corrections() if late is not None else None
    if corrections is not None:
        taken.replace(_inline(parts).correct(corrections))
    return taken, assembler


def _late_legs(job: Job) -> LateLegs | None:
    """What accepted legs that are late for their call go to; None where a person has accepted nothing."""
    if job.accepted is None:
        return None
    return LateLegs(
        find_segments=job.find_segments,
        window_days=job.duplicate_window_days,
        accepted=job.accepted,
        profile=job.work.profile,
    )


def _assembler(job: Job, form: Format, late: LateLegs | None) -> Assembler:
    profile = job.work.profile
    is_final = profile.legs_wait_hours == 0
    return Assembler(form, profile, waiters=job.waiters, posted=late, is_final=is_final, only_waiting=job.is_expiry)


def _giving(
    parts: Parts, cut: Iterator[Chunk], assembler: Assembler | None, form: Format, profile: SwitchProfile
) -> Iterator[Callable[[int], None]]:
    """What gives each chunk to its part, as text, or, where legs are joined, decoded."""
    if assembler is None:
        for chunk in cut:
            yield partial(_give, parts, chunk)
        return
    inline = _inline(parts)
    for chunk, decoded in decoded_chunks(cut, form, profile, assembler):
        yield partial(_give_decoded, inline, decoded, chunk.header)


def _inline(parts: Parts) -> InlineParts:
    if not isinstance(parts, InlineParts):
        raise TypeError("legs are joined in the process that cuts the file")
    return parts


def _give(parts: Parts, chunk: Chunk, number: int) -> None:
    parts.give(number, chunk)


def _give_decoded(parts: InlineParts, decoded: Decoded, header: bytes | None, number: int) -> None:
    parts.give_decoded(number, decoded, header)


def _take_out(job: Job, taken: TakenKeys, outcome: Outcome) -> None:
    """Take the stored records out whose place others have been accepted for."""
    segments = [(segment, sorted(rows)) for segment, rows in taken.replaced.values() if rows]
    found = take_out(segments, job.work, PARTS)
    outcome.taken_back, outcome.superseded = negated(found.before), tuple(found.superseded)
    outcome.totals.rated += found.kept
    outcome.changed = sum(len(rows) for _, rows in segments)
    outcome.rewritten = found.written


def _judge(taken: TakenKeys, parts: Parts, claims: dict[int, Claim], judged: int) -> int:
    """Wait for claims and judge those whose turn it is; how many are judged then."""
    claims.update((claim.number, claim) for claim in parts.claims())
    while judged in claims:
        parts.settle(judged, taken.judge(claims.pop(judged)))
        judged += 1
    return judged


def _fold(parts: Parts, assembler: Assembler | None) -> Outcome:
    totals, skipped, header, waiting = Totals(), 0, b"", []
    for folded in parts.fold():
        totals.add(folded.totals)
        skipped += folded.skipped
        header = header or folded.header
        waiting += folded.waiting
    totals.compact()
    taken_legs: list[int] = []
    if assembler is not None:
        totals.duplicates += assembler.duplicates
        taken_legs = assembler.taken
    if totals.rated + totals.duplicates + totals.waiting + sum(totals.reasons.values()) == 0:
        raise FileFailed(FileFailure.NO_ROWS, "The file holds no records.")
    return Outcome(totals, skipped, header.decode(), parts, waiting=waiting, taken_legs=taken_legs)
