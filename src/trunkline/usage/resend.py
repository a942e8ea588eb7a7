"""Sending rejects through again: their raw lines become a file of their own, which takes the walk of any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from trunkline.core.errors import Conflict, Invalid
from trunkline.kit import jobs
from trunkline.kit.db.scope import current_tenant_id, require_scope, scope
from trunkline.kit.faults import reached
from trunkline.kit.home import home
from trunkline.usage.actions import is_there, register_resend
from trunkline.usage.choices import ACCEPT, RESEND_ONE, BatchState, SegmentKind, SegmentState
from trunkline.usage.decode.raw import line_octets
from trunkline.usage.models import Batch, Segment
from trunkline.usage.queries import access_batch
from trunkline.usage.reasons import Reason
from trunkline.usage.segments import Limits, connect, watch
from trunkline.usage.spool import spooled, write_synced

ACCEPTABLE: Final = (Reason.CONFLICTING_DUPLICATE, Reason.LATE_LEG)
SORT: Final = Limits(threads=1, memory="128MB")  # a web process does this too
LINES_AT_ONCE: Final = 10_000


def resend(tenant_id: int, *, batch_public_id: str | None, actor: str, now: Callable[[], datetime]) -> list[int]:
    """Register the live rejects of a batch, or of all batches, to be sent again: the ids of the new batches, one for each source.

    When a new batch is posted it supersedes the rejects it was made of, in the same transaction.
    """
    with scope(tenant_id, actor):
        if batch_public_id is not None:
            sources = [access_batch(batch_public_id)]
        else:
            live = Segment.objects.filter(kind=SegmentKind.REJECT, state=SegmentState.LIVE).values("batch_id")
            sources = list(Batch.objects.filter(state=BatchState.POSTED, pk__in=live).order_by("pk"))
    made = []
    for source in sources:
        batch_id = _resend_one(tenant_id, source, actor, now)
        if batch_id is not None:
            made.append(batch_id)
    return made


def accept(
    tenant_id: int, *, batch_public_id: str, keys: Sequence[str] = (), actor: str, now: Callable[[], datetime]
) -> int:
    """Register the rejects of a batch to be sent again, what can be accepted of them, or that of these keys, as corrections: the new batch.

    When it is posted, a conflicting duplicate has taken the place of the stored record with its key, and a late leg is part of the record of
    its call. Raises NotFound `batch_not_found`, Conflict `nothing_to_accept`, `resend_under_way`.
    """
    with scope(tenant_id, actor):
        source, asked = _acceptable(batch_public_id, keys)
    batch_id = _resend_one(tenant_id, source, actor, now, asked)
    if batch_id is None:
        raise Conflict("nothing_to_accept", f"The rejects of {source.name} have been sent again meanwhile.")
    return batch_id


def _acceptable(batch_public_id: str, keys: Sequence[str]) -> tuple[Batch, dict[str, Any]]:
    """The batch, and what is to be asked of it, once it is known that corrections of it can be accepted."""
    source = access_batch(batch_public_id)
    if source.pk not in {batch.pk for reason in ACCEPTABLE for batch in waiting_with(reason)}:
        raise Conflict(
            "nothing_to_accept",
            f"No conflicting duplicates or late legs of {source.name} wait.",
            hint="`trunkline usage rejects --list` with --reason conflicting_duplicate, or late_leg, shows those that do.",
        )
    known = Batch.objects.filter(resends=source).first()
    asked = {"accept": sorted(set(keys)) or "all"}
    if known is not None and known.asked != asked:
        raise Conflict(
            "resend_under_way",
            f"The rejects of {source.name} are being sent again already.",
            hint="Let that come to its end: `trunkline usage resend --batch`. What is left can then be accepted from the new batch.",
        )
    return source, asked


def ask_to_resend(*, batch_public_id: str) -> None:
    """Have a worker send the rejects of a batch again, in the name of the scope's actor; nothing is written but the job.

    Raises NotFound `batch_not_found`, Conflict `nothing_to_send_again`.
    """
    source = access_batch(batch_public_id)
    rejects = Segment.objects.filter(batch=source, kind=SegmentKind.REJECT, state=SegmentState.LIVE)
    if not rejects.exists():
        raise Conflict("nothing_to_send_again", "No rejects of this batch wait.")
    _defer(RESEND_ONE, source)


def ask_to_accept(*, batch_public_id: str) -> None:
    """Have a worker accept what can be accepted of a batch, in the name of the scope's actor; nothing is written but the job.

    Raises NotFound `batch_not_found`, Conflict `nothing_to_accept`, `resend_under_way`.
    """
    source, _ = _acceptable(batch_public_id, ())
    _defer(ACCEPT, source)


def _defer(name: str, source: Batch) -> None:
    opened = require_scope(Batch)
    public_id = str(source.public_id)
    jobs.defer(name, key=str(source.pk), tenant_id=opened.tenant_id, batch_public_id=public_id, actor=opened.actor)


def is_asked(batch: Batch) -> bool:
    """Whether a worker is asked to send its rejects again and has not done it; needs an open scope."""
    return jobs.is_asked(RESEND_ONE, ACCEPT, tenant_id=current_tenant_id(), key=str(batch.pk))


def waiting_with(reason: str) -> list[Batch]:
    """The batches of which rejects of that reason wait; needs an open scope. All rejects of a batch wait, or none."""
    live = Segment.objects.filter(kind=SegmentKind.REJECT, state=SegmentState.LIVE).values("batch_id")
    batches = Batch.objects.filter(state=BatchState.POSTED, pk__in=live, reject_reasons__has_key=reason)
    return list(batches.order_by("pk"))


def _resend_one(
    tenant_id: int,
    source: Batch,
    actor: str,
    now: Callable[[], datetime],
    asked: Mapping[str, Any] | None = None,
) -> int | None:
    with scope(tenant_id, actor):
        known = Batch.objects.filter(resends=source).first()
        if known is not None and known.state == BatchState.POSTED:
            return None
        if known is not None and known.state != BatchState.FAILED and is_there(known):
            return known.pk  # registered before and perhaps not finished: taking it up again is safe
        rejects = Segment.objects.filter(batch=source, kind=SegmentKind.REJECT, state=SegmentState.LIVE)
        paths = [home() / path for path in rejects.order_by("path").values_list("path", flat=True)]
    if not paths:
        return None
    with spooled(tenant_id, f"resend-{source.pk}-") as spool:
        octets = write_synced(spool, (_octets(raw) + b"\n" for raw in _raw_lines(paths)), header=source.header)
        with scope(tenant_id, actor):
            batch = register_resend(source=source, path=spool, octets=octets, at=now(), asked=asked)
    if batch.path != str(spool):
        spool.unlink()  # somebody sent them again at this moment
    reached("registered")
    return None if batch.state == BatchState.POSTED else batch.pk


def _raw_lines(rejects: Sequence[Path]) -> Iterator[str]:
    """The raw lines of segments of rejects, in the order of the file; sorted on the disk where they are many."""
    with watch(rejects), connect(rejects, kind="reject", limits=SORT) as connection:
        reader = connection.sql("SELECT raw FROM segments ORDER BY line, raw").to_arrow_reader(LINES_AT_ONCE)
        for some in reader:
            yield from some.column(0).to_pylist()


def _octets(raw: str) -> bytes:
    try:
        return line_octets(raw)
    except Invalid:
        # Only the beginning of the line was kept: a NUL makes sure that it stays a reject and is never billed by half.
        return b"\0" + raw.encode()
