"""One batch from registered to posted, by whoever holds the work lock of its switch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from trunkline.kit.db.locks import work_lock
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.home import folder, home
from trunkline.usage import actions
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.collect import retire
from trunkline.usage.decode import FileFailed, content_hash, open_source
from trunkline.usage.models import Batch, Segment, Switch
from trunkline.usage.pin import pin
from trunkline.usage.pipeline import Job, run
from trunkline.usage.post import LostAttempt, post
from trunkline.usage.reasons import FileFailure
from trunkline.usage.segments import SegmentFile, live_segments
from trunkline.usage.store import KEY_SUFFIX

ACTOR = "system"
Clock = Callable[[], datetime]
OnProgress = Callable[[int, int], None]

SEGMENT_NAME = re.compile(r"\.?batch-(\d+)-(\d+)-\d+(-reject)?\.parquet(\.keys)?(\.partial)?")


def process(*, tenant_id: int, batch_id: int, now: Clock, on_progress: OnProgress | None = None) -> None:
    """Take a batch to its end: posted or failed. Does nothing if it is there already; safe to call twice and from many processes."""
    with scope(tenant_id, ACTOR):
        batch = Batch.objects.select_related("switch").get(pk=batch_id)
    if batch.state not in (BatchState.POSTED, BatchState.FAILED):
        with work_lock("usage", tenant_id, batch.switch_id):
            _attempt(tenant_id, batch_id, now, on_progress)
    _move_source(tenant_id, batch_id)


def _attempt(tenant_id: int, batch_id: int, now: Clock, on_progress: OnProgress | None) -> None:
    with scope(tenant_id, ACTOR):
        batch = actions.begin_attempt(batch_id=batch_id, at=now())
    if batch is None:
        return
    try:
        job = _job(tenant_id, batch, on_progress)
        with open_source(Path(batch.path)) as source:
            if actions.stamp_of(Path(batch.path)) != batch.stamp and content_hash(source)[0] != batch.content_hash:
                raise FileFailed(
                    FileFailure.SOURCE_CHANGED, f"{batch.path} is not the file any more that was registered."
                )
            reached("decoding")
            outcome = run(job, source)
    except FileFailed as error:
        with scope(tenant_id, ACTOR):
            actions.fail(batch_id=batch_id, attempt=batch.attempt, code=error.code, detail=str(error), at=now())
        return
    with contextlib.suppress(LostAttempt), scope(tenant_id, ACTOR):
        post(batch_id=batch_id, attempt=batch.attempt, outcome=outcome, version=job.pinned.version, at=now())
    reached("after_commit")
    sweep(tenant_id, batch_id)


def _job(tenant_id: int, batch: Batch, on_progress: OnProgress | None) -> Job:
    with scope(tenant_id, ACTOR):
        switch = Switch.objects.get(pk=batch.switch_id)
        pinned = pin(switch)

    def find_segments(first: date, last: date) -> list[SegmentFile]:
        with scope(tenant_id, ACTOR):
            return [s for s in live_segments(switch_id=switch.pk, day_from=first) if s.day <= last]

    size = Path(batch.path).stat().st_size if Path(batch.path).exists() else 0

    def progress(octets: int) -> None:
        if on_progress is not None:
            on_progress(octets, size)

    return Job(
        tenant_id=tenant_id,
        batch_id=batch.pk,
        attempt=batch.attempt,
        format=switch.format,
        profile=actions.profile_of(switch, batch.received_at),
        pinned=pinned,
        find_segments=find_segments,
        duplicate_window_days=switch.duplicate_window_days,
        octets=batch.octets,
        received_on=batch.received_at.date(),
        scratch=folder("tmp") / f"batch-{batch.pk}-{batch.attempt}",
        on_progress=progress,
    )


def sweep(tenant_id: int, batch_id: int) -> int:
    """Remove the files of attempts of this batch that lost. Only files that the catalogue does not name and whose batch is final. Number removed."""
    reached("sweeping")
    with scope(tenant_id, ACTOR):
        batch = Batch.objects.get(pk=batch_id)
        if batch.state not in (BatchState.POSTED, BatchState.FAILED):
            return 0
        named = set(Segment.objects.filter(batch_id=batch_id).values_list("path", flat=True))
    removed = 0
    root = home()
    for path in (root / "usage" / f"tenant={tenant_id}").glob(f"day=*/*batch-{batch_id}-*"):
        match = SEGMENT_NAME.fullmatch(path.name)
        if match is None or int(match[1]) != batch_id:
            continue
        if str(path.relative_to(root)).removesuffix(KEY_SUFFIX) not in named:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _move_source(tenant_id: int, batch_id: int) -> None:
    """Take a finished file out of the watched folder: into `done/` or `failed/` beside it."""
    with scope(tenant_id, ACTOR):
        batch = Batch.objects.get(pk=batch_id)
    if batch.intake == Intake.COMMAND or batch.state not in (BatchState.POSTED, BatchState.FAILED):
        return
    source = Path(batch.path)
    reached("before_source_moved")
    if batch.intake != Intake.FOLDER:
        source.unlink(missing_ok=True)  # our own spool
        return
    if source.exists() and actions.stamp_of(source) == batch.stamp:
        retire(source, "done" if batch.state == BatchState.POSTED else "failed")
