"""Usage files of any size, with flaws and duplicates at given rates, and the exact counts of what was put in.

Files are made chunk by chunk, so memory does not grow with their size. A chunk is a slice of the plan's time; its lines
stand in the order in which the calls ended, as a switch writes them.
"""

from __future__ import annotations

import gzip
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from trunkline.simulate.draws import Draws, IntArray
from trunkline.simulate.flaws import Flaw, contradiction, spoil, suits
from trunkline.simulate.formats import FORMATS, Format
from trunkline.simulate.text import octets
from trunkline.simulate.traffic import Attempts, TrafficPlan, attempts

CHUNK_RECORDS = 100_000

Progress = Callable[[int], None]

_MILLION = 10**6
_LATER_MS = 30 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Dirt:
    """What is wrong with a body of records, in parts of a million of its records: exact duplicates, and flaws."""

    duplicates: int = 0
    flaws: Mapping[Flaw, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file to write: its name (`.gz` packs it) and the slice of the plan's minutes whose calls it holds."""

    name: str
    first_minute: int
    last_minute: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds. records = rated + duplicates + the sum of `rejects`, if it is read after the files before it.

    `rejects` counts by reason. Of the rated records, `connected` have a duration and `seconds` are their whole seconds,
    each rounded up; `calls` are last attempts. `octets` is the size before packing.
    """

    path: Path
    records: int
    rated: int
    duplicates: int
    rejects: Mapping[str, int]
    calls: int
    connected: int
    seconds: int
    octets: int


def total(files: Sequence[Written]) -> dict[str, int]:
    """The sums over several files: the counts of `Written` by name, `rejected`, and each `reject_REASON`."""
    sums: Counter[str] = Counter()
    for file in files:
        for name in ("records", "rated", "duplicates", "calls", "connected", "seconds", "octets"):
            sums[name] += getattr(file, name)
        sums["rejected"] += sum(file.rejects.values())
        for reason, count in file.rejects.items():
            sums[f"reject_{reason}"] += count
    return dict(sums)


def write_files(
    plan: TrafficPlan,
    files: Sequence[FileSpec],
    folder: Path,
    *,
    records: int,
    format_name: str,
    zone: str = "UTC",
    dirt: Dirt | None = None,
    on_progress: Progress | None = None,
) -> list[Written]:
    """Writes the files, `records` lines in all (a header not counted), and gives what each holds.

    A share of the duplicates repeats lines of the file before. The same arguments write the same bytes.
    `on_progress` is told how many records more are written. Raises `KeyError` on an unknown format and `ValueError` if
    a flaw has no records that suit it.
    """
    made_by = _Maker(plan, FORMATS[format_name], zone, dirt or Dirt(), on_progress)
    weight = plan.minutes
    bounds = [(_weight_at(weight, spec.first_minute), _weight_at(weight, spec.last_minute)) for spec in files]
    whole = sum(high - low for low, high in bounds)
    folder.mkdir(parents=True, exist_ok=True)
    written, covered, before = [], 0, 0
    for spec, (low, high) in zip(files, bounds, strict=True):
        covered += high - low
        upto = records * covered // whole
        written.append(made_by.write(folder / spec.name, low, high, upto - before))
        before = upto
    return written


def _weight_at(minutes: IntArray, minute: int) -> int:
    return int(minutes[minute - 1]) if minute else 0


class _Maker:
    """Makes chunk after chunk; carries lines from one to the next, to be repeated there."""

    def __init__(self, plan: TrafficPlan, form: Format, zone: str, dirt: Dirt, on_progress: Progress | None) -> None:
        self.plan = plan
        self.form = form
        self.zone = zone
        self.dirt = dirt
        self.on_progress = on_progress
        self.chunk = 0
        self.done: Counter[str] = Counter()
        self.carried = pa.array([], pa.binary())

    def write(self, path: Path, low: int, high: int, records: int) -> Written:
        counts: Counter[str] = Counter()
        chunks = max(-(-records // CHUNK_RECORDS), 1)
        # A second thread makes text of the columns (numpy and Arrow release the interpreter) while the next are made.
        with _opened(path) as file, ThreadPoolExecutor(max_workers=1) as pool:
            if self.form.header:
                file.write(f"{self.form.header}\n".encode())
            waiting: deque[_Pending] = deque()
            for number in range(chunks + 1):
                if number < chunks:
                    size = records * (number + 1) // chunks - records * number // chunks
                    begin = low + (high - low) * number // chunks
                    end = low + (high - low) * (number + 1) // chunks
                    if size:
                        waiting.append(self.prepared(pool, size, begin, end, counts))
                while waiting and (number == chunks or len(waiting) > 1):
                    lines = self.finished(waiting.popleft())
                    data = octets(lines)
                    file.write(data)
                    counts["octets"] += len(data)
                    if self.on_progress:
                        self.on_progress(len(lines))
        rejects = {flaw.reason: counts[flaw.reason] for flaw in Flaw if counts[flaw.reason]}
        return Written(
            path=path,
            records=records,
            rated=counts["rated"],
            duplicates=counts["duplicates"],
            rejects=rejects,
            calls=counts["calls"],
            connected=counts["connected"],
            seconds=counts["seconds"],
            octets=counts["octets"],
        )

    def budget(self, name: str, rate: int, size: int) -> int:
        """How many of the next `size` records shall be such, so that the sum is right at every moment."""
        seen = self.done["records"] + size
        count = rate * seen // _MILLION - self.done[name]
        self.done[name] += count
        return count

    def prepared(self, pool: Executor, size: int, low: int, high: int, counts: Counter[str]) -> _Pending:
        """Makes the attempts of a chunk of `size` lines and has them written."""
        draws = Draws(self.plan.seed, "dirt", self.chunk)
        repeats = self.budget("duplicates", self.dirt.duplicates, size)
        flawed = {flaw: self.budget(flaw.reason, rate, size) for flaw, rate in self.dirt.flaws.items()}
        self.done["records"] += size
        conflicts = flawed.pop(Flaw.CONFLICTING_DUPLICATE, 0)
        made = attempts(self.plan, self.chunk, size - repeats - conflicts, low, high)
        self.chunk += 1
        for flaw, count in flawed.items():
            made = spoil(self.plan, draws, made, flaw, _some(draws, suits(self.plan, made, flaw), count, flaw))
        contradicted = _some(draws, suits(self.plan, made, Flaw.CONFLICTING_DUPLICATE), conflicts, "contradicted")
        self.count(made, flawed, conflicts, repeats, counts)
        good = np.flatnonzero(made.flaw == Flaw.NONE)
        if conflicts:
            made = _together(made, contradiction(made, contradicted))
        lines = pool.submit(self.form.lines, self.plan, made, self.zone)
        return _Pending(lines, draws, good, made.end, repeats)

    def finished(self, pending: _Pending) -> pa.Array:
        """The lines of a chunk in their order, with its repeated lines: some carried here from the chunk before."""
        draws, good, repeats = pending.draws, pending.good, pending.repeats
        written, index = pending.lines.result()
        carried = self.carried[: repeats // 2]
        own = good[draws.sample(len(good), repeats - len(carried))]
        later = pending.end[own] + draws.below(_LATER_MS, len(own))
        first, last = int(pending.end.min()), int(pending.end.max())
        anywhere = first + draws.below(1000, len(carried)) * ((last - first) // 1000)
        source = np.concatenate([index, index[own], len(written) + np.arange(len(carried))])
        key = np.concatenate([pending.end, later, anywhere])
        self.carried = written.take(pa.array(index[good[draws.sample(len(good), min(len(good), repeats))]]))
        lines = pa.concat_arrays([written, carried]) if len(carried) else written
        return lines.take(pa.array(source[np.argsort(key, kind="stable")]))

    def count(
        self, made: Attempts, flawed: Mapping[Flaw, int], conflicts: int, repeats: int, counts: Counter[str]
    ) -> None:
        good = made.flaw == Flaw.NONE
        seconds = self.form.seconds(made)[good]
        counts["rated"] += int(good.sum())
        counts["calls"] += int((good & made.is_last).sum())
        counts["connected"] += int((seconds > 0).sum())
        counts["seconds"] += int(seconds.sum())
        counts["duplicates"] += repeats
        counts[Flaw.CONFLICTING_DUPLICATE.reason] += conflicts
        for flaw, count in flawed.items():
            counts[flaw.reason] += count


@dataclass(frozen=True, slots=True)
class _Pending:
    """A chunk whose lines are being written: rows that are good, the instant at which each row's call ended."""

    lines: Future[tuple[pa.Array, IntArray]]
    draws: Draws
    good: IntArray
    end: IntArray
    repeats: int


def _some(draws: Draws, able: np.ndarray, count: int, what: Flaw | str) -> IntArray:
    rows = np.flatnonzero(able)
    if count > len(rows):
        raise ValueError(f"{count} records shall have {what!s}, {len(rows)} can")
    return rows[draws.sample(len(rows), count)] if count else rows[:0]


def _together(first: Attempts, second: Attempts) -> Attempts:
    columns = first.__dataclass_fields__
    return Attempts(**{name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in columns})


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # Without name and time in its header: the same lines, the same bytes (of one version of zlib).
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=6) as packed:
                yield packed
        else:
            yield file


def minutes_by_day(days: int, hours: int = 24) -> Iterator[tuple[int, int]]:
    """Slices of `hours` hours from the first minute to the last of so many days."""
    for begin in range(0, days * 1440, hours * 60):
        yield begin, min(begin + hours * 60, days * 1440)
