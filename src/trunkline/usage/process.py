"""One batch from registered to posted, by whoever holds the work lock of its switch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from time import monotonic

from django.db import DatabaseError

from trunkline.core.errors import Invalid, TrunklineError
from trunkline.kit.db.locks import work_lock
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.home import folder, home
from trunkline.kit.outages import again_when_busy, explain
from trunkline.usage import actions, rerate
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.collect import retire
from trunkline.usage.crew import Crew
from trunkline.usage.decode import FileFailed, Source, content_hash, open_source
from trunkline.usage.examine import stamp_of
from trunkline.usage.models import Batch, Switch
from trunkline.usage.part import Work
from trunkline.usage.pin import pin
from trunkline.usage.pipeline import Job, Outcome, run
from trunkline.usage.post import post
from trunkline.usage.queries import form_of
from trunkline.usage.reasons import FileFailure
from trunkline.usage.segments import SegmentFile, live_segments
from trunkline.usage.sweep import sweep_batch
from trunkline.usage.taken import Accepted
from trunkline.usage.waiting import LostAttempt, WaitingRoom

ACTOR = "system"
PROGRESS_SECONDS = 2.0
Clock = Callable[[], datetime]
OnProgress = Callable[[int, int], None]


def process(
    *,
    tenant_id: int,
    batch_id: int,
    now: Clock,
    on_progress: OnProgress | None = None,
    wait: bool = True,
    crew: Crew | None = None,
) -> bool:
    """Take a batch to its end: posted or failed. Does nothing if it is there already; safe to call twice and from many processes.

    Only one file of a switch is taken at a time. Where another worker is at one, this waits for it, or with `wait=False` comes back at
    once with False; else the batch is final afterwards and the answer is True. `crew` may have been started for a large file; whoever
    started it closes it. Raises what stops the work for a reason that is not the
    file's (`Unavailable`: the disk is full, the database is gone); the batch then waits for the next attempt.
    """
    batch = _read(tenant_id, batch_id)
    while batch.state not in actions.FINAL:  # once, unless the lock is lost in the middle and somebody else goes first
        with work_lock("usage", tenant_id, batch.switch_id, wait=wait) as is_ours:
            if not is_ours:
                return False
            _attempt(tenant_id, batch_id, now, on_progress, crew)
            crew = None  # it works once
        batch = _read(tenant_id, batch_id)
    sweep_batch(tenant_id, batch_id)
    _move_source(batch)
    return True


def _read(tenant_id: int, batch_id: int) -> Batch:
    with scope(tenant_id, ACTOR):
        return Batch.objects.get(pk=batch_id)


def _attempt(
    tenant_id: int, batch_id: int, now: Clock, on_progress: OnProgress | None, crew: Crew | None = None
) -> None:
    with scope(tenant_id, ACTOR):
        batch = actions.begin_attempt(batch_id=batch_id, at=now())
    if batch is None:
        return
    try:
        with _outcome(tenant_id, batch, on_progress, crew) as (version, outcome):
            again_when_busy(lambda: _post(tenant_id, batch, version, outcome, now))
    except LostAttempt:
        return
    except FileFailed as error:
        _fail(tenant_id, batch, error, now)
    except Exception as error:
        if isinstance(error, Invalid) and error.code == "overflow":  # a sum: single amounts are rejects
            _fail(tenant_id, batch, error, now)
            return
        if _interrupt(tenant_id, batch, error):
            raise
    else:
        reached("after_commit")


@contextlib.contextmanager
def _outcome(
    tenant_id: int, batch: Batch, on_progress: OnProgress | None, crew: Crew | None
) -> Iterator[tuple[str, Outcome]]:
    """The version of the prices and what the batch comes to: a file that is read, or records that are priced again."""
    if batch.intake == Intake.RERATE:
        told = _progress(tenant_id, batch, on_progress)
        with rerate.run(tenant_id, batch, actor=ACTOR, on_progress=told, crew=crew) as found:
            yield found
        return
    with open_source(Path(batch.path)) as source:
        _require_registered(batch, source)
        job = _job(tenant_id, batch, source.size, on_progress)
        reached("decoding")
        with run(job, source, crew) as outcome:
            yield job.work.pinned.version, outcome


def _post(tenant_id: int, batch: Batch, version: str, outcome: Outcome, now: Clock) -> None:
    with scope(tenant_id, ACTOR):
        post(batch_id=batch.pk, attempt=batch.attempt, outcome=outcome, version=version, at=now())


def _require_registered(batch: Batch, source: Source) -> None:
    """The file must be the one that was registered. Raises FileFailed `source_changed`."""
    path = Path(batch.path)
    try:
        is_same = stamp_of(path) == batch.stamp or content_hash(source)[0] == batch.content_hash
    except FileNotFoundError:  # taken away since it was opened
        is_same = False
    if not is_same:
        raise FileFailed(FileFailure.SOURCE_CHANGED, f"{batch.path} is not the file any more that was registered.")


def _fail(tenant_id: int, batch: Batch, error: Invalid, now: Clock) -> None:
    with scope(tenant_id, ACTOR):
        actions.fail(batch_id=batch.pk, attempt=batch.attempt, code=error.code, detail=str(error), at=now())


def _interrupt(tenant_id: int, batch: Batch, error: Exception) -> bool:
    """Leave the batch to the next attempt and say why, if there is a database to say it to.

    False if the batch was somebody else's by then, who has removed our files under our hands, or is posted although the connection
    broke: then the error means nothing.
    """
    known = error if isinstance(error, TrunklineError) else explain(error)
    try:
        with scope(tenant_id, ACTOR):
            return actions.interrupt(batch_id=batch.pk, attempt=batch.attempt, detail=str(known or repr(error)))
    except DatabaseError as gone:
        error.add_note(f"Nor could it be noted in the batch: {gone}")
        return True


def _job(tenant_id: int, batch: Batch, size: int, on_progress: OnProgress | None) -> Job:
    with scope(tenant_id, ACTOR):
        switch = Switch.objects.get(pk=batch.switch_id)
        pinned, form = pin(switch), form_of(batch)

    def find_segments(first: date, last: date) -> list[SegmentFile]:
        with scope(tenant_id, ACTOR):
            return [s for s in live_segments(switch_id=switch.pk, day_from=first) if s.day <= last]

    progress = _progress(tenant_id, batch, on_progress)
    work = Work(
        tenant_id=tenant_id,
        batch_id=batch.pk,
        attempt=batch.attempt,
        format=form.name,
        octets=batch.octets,
        profile=actions.profile_of(switch, batch.received_at),
        pinned=pinned,
        received_on=batch.received_at.date(),
        scratch=folder("tmp") / f"batch-{batch.pk}-{batch.attempt}",
    )
    return Job(
        work=work,
        find_segments=find_segments,
        duplicate_window_days=switch.duplicate_window_days,
        accepted=_accepted(batch),
        on_progress=lambda octets: progress(octets, size),
        waiters=WaitingRoom(tenant_id, switch.pk),
        is_expiry=batch.intake == Intake.LEGS,
    )


def _accepted(batch: Batch) -> Accepted | None:
    """The conflicting records of a batch that a person has accepted."""
    said = batch.asked.get("accept")
    return None if said is None else Accepted(None if said == "all" else frozenset(said))


def _progress(tenant_id: int, batch: Batch, on_progress: OnProgress | None) -> OnProgress:
    """Tell whoever watches how much is done of how much there is, and note it in the batch now and then."""
    noted = monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal noted
        if on_progress is not None:
            on_progress(done, total)
        if monotonic() - noted >= PROGRESS_SECONDS:
            noted = monotonic()
            with (
                contextlib.suppress(DatabaseError),
                scope(tenant_id, ACTOR),
            ):  # the work does not end for want of a figure
                octets = done * batch.octets // max(total, 1)
                actions.note_progress(batch_id=batch.pk, attempt=batch.attempt, octets=octets)

    return progress


def _move_source(batch: Batch) -> None:
    """Take a finished file out of the watched folder, into `done/` or `failed/` beside it; remove our own spooled copy."""
    if batch.intake in {Intake.COMMAND, Intake.RERATE}:
        return
    source = Path(batch.path)
    reached("before_source_moved")
    if batch.intake == Intake.FOLDER:
        retire(source, "done" if batch.state == BatchState.POSTED else "failed", stamp=batch.stamp)
    elif source.is_relative_to(home() / "spool"):
        source.unlink(missing_ok=True)
