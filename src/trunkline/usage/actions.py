"""Writes of usage: switches, the register of files, and the states of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.ids import content_key
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.home import home
from trunkline.tenancy.queries import require_working
from trunkline.tenancy.storage import note_stored, room_for
from trunkline.usage.choices import PROCESS, BatchState, Intake
from trunkline.usage.decode import FORMATS, SwitchProfile, check_own
from trunkline.usage.examine import Examined, stamp_if_there, stamp_of
from trunkline.usage.models import Batch, Switch, WaitingLeg
from trunkline.usage.sources import actions as sources

FINAL: Final = (BatchState.POSTED, BatchState.FAILED)
# A batch that fails for a reason of the surroundings (a full disk) is tried again at once, then ever less often.
AT_ONCE_ATTEMPTS: Final = 2
PAUSE: Final = timedelta(seconds=20)
PAUSE_MAX: Final = timedelta(minutes=10)


def create_switch(
    *,
    name: str,
    format: str,  # noqa: A002  the field's word
    at: datetime,
    timezone: str = "UTC",
    number_rules: Sequence[object] = (),
    has_buy_side: bool = True,
    max_duration_s: int = 86_400,
    future_limit_s: int = 300,
    duplicate_window_days: int = 3,
    options: Mapping[str, object] | None = None,
    watch_folder: str = "",
    watch_pattern: str = "*",
) -> Switch:
    """Make a switch.

    Raises `Invalid` (`unknown_format`, `unknown_timezone`, `number_rule`, `switch_option`, `watch_folder`, `watch_pattern`) and
    `Conflict` (`switch_exists`).
    """
    if format not in FORMATS:
        raise Invalid("unknown_format", f"There is no format {format!r}.", hint=f"Known are {', '.join(FORMATS)}.")
    switch = Switch(
        name=name,
        format=format,
        timezone=timezone,
        number_rules=list(number_rules),
        has_buy_side=has_buy_side,
        max_duration_s=max_duration_s,
        future_limit_s=future_limit_s,
        duplicate_window_days=duplicate_window_days,
        options=dict(options or {}),
    )
    check_own(FORMATS[format], profile_of(switch, at).mapping)  # refuses what decoding could not work with
    try:
        with transaction.atomic():
            switch.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("switch_exists", f"There is a switch {name!r} already.") from error
    sources.watch_folder(switch=switch, folder=watch_folder, pattern=watch_pattern, at=at)
    return switch


def change_switch(*, switch_id: int, at: datetime, **changes: Any) -> Switch:
    """Change a switch: timezone, number_rules, has_buy_side, max_duration_s, future_limit_s, duplicate_window_days, options.

    Name and format stay: keys of records belong to them. What is posted stays as it is; rejects can be sent again. Raises NotFound, and
    Invalid as `create_switch` does.
    """
    allowed = {
        "timezone", "number_rules", "has_buy_side", "max_duration_s", "future_limit_s", "duplicate_window_days", "options",
    }  # fmt: skip
    if unknown := set(changes) - allowed:
        raise TypeError(f"a switch has no {sorted(unknown)} to change")
    (switch,) = lock_rows(Switch.objects.all(), [switch_id])
    for name, value in changes.items():
        setattr(switch, name, value)
    check_own(FORMATS[switch.format], profile_of(switch, at).mapping)
    switch.save(update_fields=list(changes))
    return switch


def profile_of(switch: Switch, received_at: datetime) -> SwitchProfile:
    """The switch as decoding knows it."""
    return SwitchProfile.of(
        received_at=received_at,
        timezone=switch.timezone,
        number_rules=switch.number_rules,
        max_duration_s=switch.max_duration_s,
        future_limit_s=switch.future_limit_s,
        options=switch.options,
    )


def is_there(batch: Batch) -> bool:
    """Whether the batch's file lies where it was registered, unchanged."""
    return bool(batch.stamp) and stamp_if_there(Path(batch.path)) == batch.stamp


@dataclass(frozen=True, slots=True)
class Registered:
    """The batch of a file, and the state in which this call found it, None where it made it."""

    batch: Batch
    found: BatchState | None


def register(*, switch: Switch, examined: Examined, intake: Intake, at: datetime, name: str = "") -> Registered:
    """Register a file by its content and defer its job. The same content from the same switch is the batch that is already there; a failed one is tried again.

    Raises Denied `trial_ended` or `tenant_suspended` where the tenant takes nothing new, `quota_reached` where it may store no more.
    """
    require_working(at)
    spooled = _spooled_octets(examined.path)
    room_for(spooled)
    batch = Batch(
        switch=switch,
        intake=intake,
        name=(name or examined.path.name)[-255:],
        path=str(examined.path),
        content_hash=examined.content_hash,
        octets=examined.octets,
        stamp=examined.stamp,
        received_at=at,
    )
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError:
        known = Batch.objects.get(switch=switch, content_hash=examined.content_hash)
        return Registered(_take_up_again(known, examined, intake, at), BatchState(known.state))
    note_stored("spool", spooled, at=at)
    if examined.failure is not None:
        fail(batch_id=batch.pk, attempt=0, code=examined.failure.code, detail=str(examined.failure), at=at)
        batch.refresh_from_db()
    else:
        defer(batch)
    return Registered(batch, None)


def _spooled_octets(path: Path) -> int:
    """What a file takes of our disk: nothing where it stays in a folder of somebody else."""
    return path.stat().st_size if path.is_relative_to(home() / "spool") else 0


def _take_up_again(batch: Batch, examined: Examined, intake: Intake, at: datetime) -> Batch:
    (batch,) = lock_rows(Batch.objects.all(), [batch.pk])
    if batch.state == BatchState.POSTED or examined.failure is not None:
        return batch
    # What is under way stays where it is, so that nobody moves or removes another file than the one that is read.
    if batch.state == BatchState.FAILED or not is_there(batch):
        batch.path, batch.stamp, batch.intake = str(examined.path), examined.stamp, intake
        batch.octets = examined.octets
    if batch.state == BatchState.FAILED:
        batch.state, batch.failure, batch.failure_detail = BatchState.REGISTERED, "", ""
        batch.received_at, batch.finished_at = at, None
    batch.save()
    defer(batch)
    return batch


def register_resend(
    *, source: Batch, path: Path, octets: int, at: datetime, asked: Mapping[str, Any] | None = None
) -> Batch:
    """Register the rejects of a batch, written to `path`, as a batch of its own.

    Each batch's rejects are sent again once; what remains wrong can then be sent from the new batch. If that batch is there already it
    comes back; one that failed, or lost its file, takes this one. `asked` says which of the conflicting ones are accepted.
    """
    batch = Batch(
        switch_id=source.switch_id,
        intake=Intake.RESEND,
        name=f"rejects of {source.name}"[:255],
        path=str(path),
        content_hash=content_key("resend", source.pk),
        octets=octets,
        stamp=stamp_of(path),
        received_at=at,
        resends=source,
        asked=dict(asked or {}),
    )
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError:
        known = Batch.objects.get(resends=source)
        return _take_up_again(known, Examined(path, known.content_hash, octets, stamp_of(path)), Intake.RESEND, at)
    defer(batch)
    return batch


def register_expiry(*, switch: Switch, path: Path, content_hash: str, legs: Sequence[int], at: datetime) -> Batch:
    """Register waiting legs whose time is over, written to `path`, as a batch of its own, with which they leave.

    The same legs are the batch that is already there.
    """
    stamp = stamp_of(path)
    batch = Batch(
        switch=switch,
        intake=Intake.LEGS,
        name=f"{len(legs)} legs that waited too long",
        path=str(path),
        content_hash=content_hash,
        octets=path.stat().st_size,
        stamp=stamp,
        received_at=at,
    )
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError:
        known = Batch.objects.get(switch=switch, content_hash=content_hash)
        return _take_up_again(known, Examined(path, content_hash, batch.octets, stamp), Intake.LEGS, at)
    WaitingLeg.objects.filter(switch=switch, pk__in=legs).update(leaves_with=batch)
    defer(batch)
    return batch


def defer(batch: Batch) -> None:
    """Put the job of a batch into the queue, in the transaction that makes or finds it."""
    jobs.defer(PROCESS, key=f"{PROCESS}:{batch.pk}", tenant_id=current_tenant_id(), batch_id=batch.pk)


def begin_attempt(*, batch_id: int, at: datetime) -> Batch | None:
    """Give the batch to the caller, who holds the work lock of the switch: from now on only this attempt may post. None if the batch is final.

    Another batch of the switch that says it is running has a worker that died or lost the lock without knowing. It may not post any
    more: it has not seen the records of this one, nor this one its.
    """
    (batch,) = lock_rows(Batch.objects.all(), [batch_id])
    if batch.state in FINAL:
        return None
    others = Batch.objects.filter(switch_id=batch.switch_id, state=BatchState.RUNNING).exclude(pk=batch.pk)
    others.update(state=BatchState.REGISTERED)
    batch.state, batch.attempt, batch.started_at, batch.progress_octets = BatchState.RUNNING, batch.attempt + 1, at, 0
    batch.failure_detail = ""
    batch.save(update_fields=["state", "attempt", "started_at", "progress_octets", "failure_detail"])
    return batch


def fail(*, batch_id: int, attempt: int, code: str, detail: str, at: datetime) -> None:
    """Say that the whole file cannot be taken. Nothing of it was or will be visible."""
    (batch,) = lock_rows(Batch.objects.all(), [batch_id])
    if batch.attempt != attempt or batch.state == BatchState.POSTED:
        return
    # A copy of our own has a name that says nothing to whoever sent the file.
    detail = detail.replace(Path(batch.path).name, batch.name) if batch.path else detail
    batch.state, batch.failure, batch.failure_detail, batch.finished_at = BatchState.FAILED, code, detail, at
    batch.save(update_fields=["state", "failure", "failure_detail", "finished_at"])


def interrupt(*, batch_id: int, attempt: int, detail: str) -> bool:
    """Say that an attempt ended for a reason that is not the file's. The batch waits for the next one; nothing of it was visible.

    False if the attempt was not the batch's own any more.
    """
    running = Batch.objects.filter(pk=batch_id, attempt=attempt, state=BatchState.RUNNING)
    return bool(running.update(state=BatchState.REGISTERED, failure_detail=detail))


def note_progress(*, batch_id: int, attempt: int, octets: int) -> None:
    """Say how far the attempt has read, for whoever watches."""
    Batch.objects.filter(pk=batch_id, attempt=attempt).update(progress_octets=octets)


def defer_unfinished(*, at: datetime | None = None) -> int:
    """Put every batch that is not final in the queue again; a waiting job of the same batch makes that needless. Number of jobs made.

    With `at`, one that was tried again and again for nothing is left alone for a while.
    """
    unfinished = Batch.objects.exclude(state__in=FINAL).order_by("pk").values_list("pk", "attempt", "started_at")
    tenant_id = current_tenant_id()
    return sum(
        jobs.defer(PROCESS, key=f"{PROCESS}:{pk}", tenant_id=tenant_id, batch_id=pk)
        for pk, attempt, started_at in unfinished
        if at is None or started_at is None or started_at + _pause(attempt) <= at
    )


def _pause(attempts: int) -> timedelta:
    if attempts <= AT_ONCE_ATTEMPTS:
        return timedelta(0)
    return min(PAUSE * 2 ** min(attempts - AT_ONCE_ATTEMPTS - 1, 10), PAUSE_MAX)


def defer_later(*, tenant_id: int, batch_id: int, seconds: int) -> None:
    """Put the job of a batch back because somebody else holds its switch; needs no scope."""
    jobs.defer(PROCESS, key=f"{PROCESS}:{batch_id}", in_seconds=seconds, tenant_id=tenant_id, batch_id=batch_id)
