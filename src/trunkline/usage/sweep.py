"""Sweeping: files that attempts left which a crash cut off. They count for nothing; they only take room, and hold personal data.

What is removed is looked for first and asked of the catalogue afterwards. The other way round, a batch that is taken up again in between
would lose the files that it has just made true.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.home import home
from trunkline.kit.scratch import is_in_use, sweep_scratch
from trunkline.usage.actions import FINAL
from trunkline.usage.choices import BatchState
from trunkline.usage.models import Batch, Segment

ACTOR: Final = "system"
SEGMENT_NAME: Final = re.compile(
    r"\.?(?P<segment>batch-(?P<batch>\d+)-\d+-\d+(-reject)?\.parquet)(\.keys|\.numbers)?(\.partial)?"
)
SPOOL_AGE: Final = timedelta(hours=1)  # an upload that is still coming in has no batch yet
SCRATCH_AGE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many files went, by what they were."""

    segments: int
    spooled: int
    scratch: int


def sweep_batch(tenant_id: int, batch_id: int) -> int:
    """Remove the files of attempts of this batch that lost, if the batch is final. Number removed."""
    reached("sweeping")
    with scope(tenant_id, ACTOR):
        batch = Batch.objects.get(pk=batch_id)
    if batch.state not in FINAL or (batch.state == BatchState.POSTED and batch.attempt <= 1):
        return 0  # not yet, or no attempt has lost
    days = (home() / "usage" / f"tenant={tenant_id}").glob("day=*")
    found = [path for day in days for path in day.glob(f"*batch-{batch_id}-*")]
    for scratch in (home() / "tmp").glob(f"batch-{batch_id}-*"):
        shutil.rmtree(scratch, ignore_errors=True)
    with scope(tenant_id, ACTOR):
        return _remove(_strays(found, _paths(batch_id=batch_id)))


def sweep(tenant_id: int, *, at: datetime, spool_age: timedelta = SPOOL_AGE) -> Swept:
    """Remove everything that crashes have left of the tenant's usage: segments that no catalogue names, spooled copies that no batch
    waits for, scratch files of batches and of processes that were killed. Safe while workers work.
    """
    segments = 0
    for folder in sorted((home() / "usage" / f"tenant={tenant_id}").glob("day=????-??-??")):
        found = list(folder.iterdir())
        with scope(tenant_id, ACTOR):
            day = date.fromisoformat(folder.name.removeprefix("day="))
            segments += _remove(_strays(found, _paths(day=day)))
    spooled = _older(home() / "spool" / f"tenant={tenant_id}", at - spool_age)
    with scope(tenant_id, ACTOR):
        awaited = set(Batch.objects.exclude(state__in=FINAL).values_list("path", flat=True))
    _tidy_drafts(tenant_id, at)
    killed = sweep_scratch()
    scratch = [path for path in _older(home() / "tmp", at - SCRATCH_AGE) if not is_in_use(path)]
    for path in scratch:
        shutil.rmtree(path, ignore_errors=True)
    copies = _remove(path for path in spooled if str(path) not in awaited)
    return Swept(segments, copies, len(scratch) + killed)


def _tidy_drafts(tenant_id: int, at: datetime) -> None:
    """Files that were only tried hold personal data too: they go after a day also where nobody tries another."""
    from trunkline.usage.looks import LOOKS
    from trunkline.usage.rate_loads import LOADS
    from trunkline.usage.samples import SAMPLES

    for drafts in (SAMPLES, LOADS, LOOKS):
        drafts.tidy(tenant_id, at=at)


def _paths(**which: object) -> Iterable[str]:
    return Segment.objects.filter(**which).values_list("path", flat=True)


def _strays(found: Iterable[Path], catalogue: Iterable[str]) -> Iterator[Path]:
    """Those of the files that belong to a final batch of the tenant and that no row of the catalogue names; needs an open scope."""
    by_batch: dict[int, list[tuple[Path, str]]] = {}
    for path in found:
        if match := SEGMENT_NAME.fullmatch(path.name):
            by_batch.setdefault(int(match["batch"]), []).append((path, match["segment"]))
    final = set(Batch.objects.filter(pk__in=by_batch, state__in=FINAL).values_list("pk", flat=True))
    named = {home() / path for path in catalogue}
    for batch_id in final:
        for path, segment in by_batch[batch_id]:
            if path.with_name(segment) not in named:
                yield path


def _remove(paths: Iterable[Path]) -> int:
    removed = 0
    for path in paths:
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def _older(folder: Path, than: datetime) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.lstat().st_mtime < than.timestamp()]
