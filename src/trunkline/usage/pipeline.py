"""From a file to finished segments and sums: the part of a batch that computes and holds no transaction.

One thread reads and cuts the file, two decode, identify and price whole chunks; telling duplicates happens in the order of the file. Chunk i
belongs to part i mod 2, so the same file gives the same bytes whatever the machine. Memory is bounded by a few chunks, however long the file.
"""

from __future__ import annotations

import ctypes
import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trunkline.kit.home import home
from trunkline.usage.chunkwork import Totals, fold_chunk, late_rejects, price_sides, reject_rows, segment_rows
from trunkline.usage.decode import FORMATS, Chunk, FileFailed, Source, SwitchProfile, chunks
from trunkline.usage.reasons import FileFailure, Reason
from trunkline.usage.sides import REASON_NUMBER, Pinned
from trunkline.usage.store import SegmentWriter, WrittenSegment, remove_segment
from trunkline.usage.taken import FindSegments, TakenKeys, key_columns

WORKERS: Final = 2
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
CHUNK_OCTETS: Final = (
    16 << 20
)  # smaller ones cost switches between threads, larger ones memory (measured: 8, 16, 32 MiB)
OCTETS_PER_ROW: Final = 120  # a low guess: it only sizes the bitmap of taken keys


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that one attempt at one batch works with."""

    tenant_id: int
    batch_id: int
    attempt: int
    format: str
    profile: SwitchProfile
    pinned: Pinned
    find_segments: FindSegments
    duplicate_window_days: int
    octets: int
    received_on: date
    scratch: Path
    on_progress: Callable[[int], None] = lambda octets: None


@dataclass(slots=True)
class Outcome:
    """What the transaction will make true."""

    segments: list[WrittenSegment]
    totals: Totals
    skipped: int
    header: str

    @property
    def rejected(self) -> int:
        return sum(self.totals.reasons.values())

    @property
    def rows_in(self) -> int:
        return self.totals.rated + self.totals.duplicates + self.rejected


class _Stopped(Exception):  # noqa: N818  not an error: another thread's error stops this one
    """Another thread failed; this one has nothing more to do."""


@dataclass(slots=True)
class _Turns:
    """Lets threads pass one after the other, in the order of the chunks."""

    condition: threading.Condition = field(default_factory=threading.Condition)
    next: int = 0
    stopped: bool = False

    def wait(self, number: int) -> None:
        with self.condition:
            self.condition.wait_for(lambda: self.next == number or self.stopped)
            if self.stopped:
                raise _Stopped

    def done(self) -> None:
        with self.condition:
            self.next += 1
            self.condition.notify_all()

    def stop(self) -> None:
        with self.condition:
            self.stopped = True
            self.condition.notify_all()


def _keep_freed_memory() -> None:
    """Have the C library keep the memory of large arrays for the next ones.

    Without this every array of a chunk is mapped and unmapped, and the page faults of two threads wait for each other: 3 M records took
    33 s instead of 21 s.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        library.mallopt(_M_TRIM_THRESHOLD, 1 << 30)


def run(job: Job, source: Source) -> Outcome:
    """Decode, price, sift, fold and write one file; nothing of it counts until the catalogue says so.

    Raises `FileFailed` where the file as a whole cannot be taken. On any error the files of the attempt are removed.
    """
    _keep_freed_memory()
    doubtful: frozenset[int] = frozenset()
    outcome, collisions = _run_once(job, source, doubtful)
    while collisions:
        # Two keys with one 64-bit hash: the file is done again, with the full keys of these lines compared at once.
        for segment in outcome.segments:
            remove_segment(home() / segment.path)
        doubtful |= collisions
        outcome, collisions = _run_once(job, source, doubtful)
    return outcome


def _run_once(job: Job, source: Source, doubtful: frozenset[int]) -> tuple[Outcome, frozenset[int]]:
    job.scratch.mkdir(parents=True, exist_ok=True)
    taken = TakenKeys(
        find_segments=job.find_segments,
        window_days=job.duplicate_window_days,
        expected_rows=job.octets // OCTETS_PER_ROW,
        scratch=job.scratch,
        doubtful=doubtful,
    )
    turns = _Turns()
    workers = [_Worker(job, part, taken, turns) for part in range(WORKERS)]
    reader = threading.Thread(target=_read, args=(job, source, workers, turns), name="read")
    threads = [reader, *(threading.Thread(target=worker.work, name=f"part-{worker.part}") for worker in workers)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for worker in workers:
            if worker.error is not None:
                raise worker.error
        totals = Totals()
        for worker in workers:
            totals.add(worker.totals)
        skipped = sum(worker.skipped for worker in workers)
        if totals.rated + totals.duplicates + sum(totals.reasons.values()) == 0:
            raise FileFailed(FileFailure.NO_ROWS, "The file holds no records.")
        collisions = taken.collisions()
        segments = [segment for worker in workers for segment in worker.segments]
        header = next((worker.header for worker in workers if worker.header), b"").decode()
        return Outcome(segments, totals, skipped, header), collisions
    except BaseException:
        turns.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for worker in workers:
            worker.rated.abandon()
            worker.rejects.abandon()
        raise
    finally:
        shutil.rmtree(job.scratch, ignore_errors=True)


def _read(job: Job, source: Source, workers: list[_Worker], turns: _Turns) -> None:
    """Cut the file into chunks and deal them out; an error travels to the worker whose turn it is."""
    number = 0
    try:
        has_header = FORMATS[job.format].has_header
        for chunk in chunks(source, CHUNK_OCTETS, has_header=has_header):
            workers[number % WORKERS].put((number, chunk), turns)
            number += 1
            job.on_progress(source.progress_octets)
        for worker in workers:
            worker.put(None, turns)
    except _Stopped:
        return
    except BaseException as error:
        workers[0].error = error
        turns.stop()
    finally:
        _close_connections()


@dataclass(slots=True)
class _Worker:
    """One thread: decodes and prices its chunks and writes its part of the segments."""

    job: Job
    part: int
    taken: TakenKeys
    turns: _Turns
    chunks: queue.Queue[tuple[int, Chunk] | None] = field(default_factory=lambda: queue.Queue(maxsize=1))
    totals: Totals = field(default_factory=Totals)
    skipped: int = 0
    header: bytes = b""
    error: BaseException | None = None
    segments: list[WrittenSegment] = field(default_factory=list)
    rated: SegmentWriter = field(init=False)
    rejects: SegmentWriter = field(init=False)

    def __post_init__(self) -> None:
        job = self.job
        names: dict[str, Any] = {
            "tenant_id": job.tenant_id,
            "batch_id": job.batch_id,
            "attempt": job.attempt,
            "part": self.part,
        }
        self.rated = SegmentWriter(**names, kind="rated", received_on=job.received_on)
        self.rejects = SegmentWriter(**names, kind="reject", received_on=job.received_on)

    def put(self, item: tuple[int, Chunk] | None, turns: _Turns) -> None:
        while not turns.stopped:
            try:
                self.chunks.put(item, timeout=0.2)
            except queue.Full:
                continue
            return
        raise _Stopped

    def work(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._chunk(*item)
            self.segments = [*self.rated.finish(), *self.rejects.finish()]
        except _Stopped:
            return
        except BaseException as error:
            self.error = error
            self.turns.stop()
        finally:
            _close_connections()

    def _next(self) -> tuple[int, Chunk] | None:
        while not self.turns.stopped:
            try:
                return self.chunks.get(timeout=0.2)
            except queue.Empty:
                continue
        raise _Stopped

    def _chunk(self, number: int, chunk: Chunk) -> None:
        job = self.job
        decoded = FORMATS[job.format].decode(chunk, job.profile)
        events, sides, reason = price_sides(decoded.events.combine_chunks(), job.profile, job.pinned)
        good, bad = np.flatnonzero(reason == 0), np.flatnonzero(reason != 0)
        candidates = events if not len(bad) else events.take(pa.array(good)).combine_chunks()
        keys = key_columns(candidates)
        self.turns.wait(number)
        self.taken.reach(events["start"])
        sifted = self.taken.sift(candidates, keys)
        # A record that was taken before is a duplicate, even if it could not be priced any more today.
        bad_again = self.taken.are_stored(events["key"].take(pa.array(bad)))
        unread_again = self.taken.are_stored(decoded.rejects["key"])
        self.turns.done()

        conflicts = good[sifted.conflicts]
        reason[conflicts] = REASON_NUMBER[Reason.CONFLICTING_DUPLICATE]
        rejected = np.sort(np.concatenate((bad[~bad_again], conflicts)))
        unread = decoded.rejects.filter(pa.array(~unread_again))
        new = good[sifted.new]
        self.skipped += decoded.skipped
        self.header = chunk.header or b""
        self.totals.rated += len(new)
        self.totals.duplicates += len(sifted.duplicates) + int(bad_again.sum()) + int(unread_again.sum())
        self.rated.add(segment_rows(events, sides, new, job.batch_id, job.pinned.version), keys.take(sifted.new))
        fold_chunk(events, sides, new, self.totals)
        rejects = pa.concat_tables([unread, late_rejects(chunk, events, rejected, reason)], promote_options="none")
        if len(rejects):
            self.totals.count_rejects(rejects)
            self.rejects.add(reject_rows(rejects, job.batch_id))


def _close_connections() -> None:
    """Threads have database connections of their own, made by looking into the catalogue."""
    from django.db import connections

    connections.close_all()
