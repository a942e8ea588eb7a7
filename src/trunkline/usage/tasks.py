"""Jobs of usage."""

from __future__ import annotations

from typing import Any

from trunkline.kit import clock, jobs
from trunkline.usage.choices import ACCEPT, LOAD_RATES, LOOK, LOOK_AT_RATES, PROCESS, RERATE, RESEND, RESEND_ONE
from trunkline.usage.sources.choices import PULL

HELD_SECONDS = 5  # until the job is tried again for which the switch was not free


@jobs.task(PROCESS, queue="usage")
def process_batch(*, tenant_id: int, batch_id: int) -> None:
    """Take one batch to its end, or step aside while another worker is at a file of the same switch."""
    from trunkline.usage.actions import defer_later
    from trunkline.usage.process import process

    if not process(tenant_id=tenant_id, batch_id=batch_id, now=clock.now, wait=False):
        defer_later(tenant_id=tenant_id, batch_id=batch_id, seconds=HELD_SECONDS)


@jobs.task(RESEND, queue="usage")
def resend_rejects(*, tenant_id: int, reason: str, actor: str) -> None:
    """Register the rejects of all batches, or of those with rejects of a reason, to be sent again; each is then a job of its own."""
    from trunkline.tenancy.scope import scope
    from trunkline.usage.resend import resend, waiting_with

    batches: list[str | None] = [None]
    if reason:
        with scope(tenant_id, actor):
            batches = [str(batch.public_id) for batch in waiting_with(reason)]
    for each in batches:
        resend(tenant_id, batch_public_id=each, actor=actor, now=clock.now)


@jobs.task(RESEND_ONE, queue="usage")
def resend_rejects_of(*, tenant_id: int, batch_public_id: str, actor: str) -> None:
    """Register the rejects of one batch to be sent again, which is then a job of its own; nothing where none wait any more."""
    from trunkline.usage.resend import resend

    resend(tenant_id, batch_public_id=batch_public_id, actor=actor, now=clock.now)


@jobs.task(ACCEPT, queue="usage")
def accept_corrections(*, tenant_id: int, batch_public_id: str, actor: str) -> None:
    """Register the rejects of one batch to be sent again, what can be accepted of them as corrections."""
    from trunkline.core.errors import Conflict
    from trunkline.kit.logs import log
    from trunkline.usage.resend import accept

    try:
        accept(tenant_id, batch_public_id=batch_public_id, actor=actor, now=clock.now)
    except Conflict as error:  # somebody has sent them again since they were asked for
        log("accept_needless", code=error.code, tenant=tenant_id)


@jobs.task(LOOK, queue="usage")
def look_at_rerating(*, tenant_id: int, look_id: str, actor: str) -> None:
    """Look what a re-rating would change, for whoever asked."""
    from uuid import UUID

    from trunkline.usage.looks import make_look

    make_look(tenant_id, UUID(look_id), actor=actor)


@jobs.task(LOOK_AT_RATES, queue="usage")
def look_at_rates(*, tenant_id: int, load_id: str, actor: str) -> None:
    """Look what a large rate file would change."""
    from uuid import UUID

    from trunkline.tenancy.scope import scope
    from trunkline.usage.rate_loads import look_at

    with scope(tenant_id, actor):
        look_at(UUID(load_id), at=clock.now())


@jobs.task(LOAD_RATES, queue="usage")
def load_rates(*, tenant_id: int, load_id: str, actor: str) -> None:
    """Load a large rate file that was looked at."""
    from uuid import UUID

    from trunkline.tenancy.scope import scope
    from trunkline.usage.rate_loads import load

    with scope(tenant_id, actor):
        load(UUID(load_id), at=clock.now())


@jobs.task(RERATE, queue="usage")
def apply_rerating(*, tenant_id: int, asked: dict[str, Any], name: str, actor: str) -> None:
    """Register a re-rating for each switch of which a record changes, and take each to its end; then close the proposals that it covers."""
    from trunkline.tenancy.scope import scope
    from trunkline.usage.asked import Asked
    from trunkline.usage.choices import BatchState
    from trunkline.usage.models import Batch
    from trunkline.usage.process import process
    from trunkline.usage.proposals import close_covered
    from trunkline.usage.rerate import register_reratings

    began, wanted = clock.now(), Asked.of(asked)
    made = register_reratings(tenant_id, wanted, name=name, actor=actor, now=clock.now)
    for batch_id in made:
        process(tenant_id=tenant_id, batch_id=batch_id, now=clock.now)
    with scope(tenant_id, actor):
        if not Batch.objects.filter(pk__in=made).exclude(state=BatchState.POSTED).exists():
            close_covered(asked=wanted, made_until=began, at=clock.now())


@jobs.every("* * * * * */10", "usage.watch", queue="usage")
def watch_folders(*, timestamp: int) -> None:
    """Take new files from the watched folders of all tenants, and take up what a dead worker left."""
    from trunkline.usage.collect import look_everywhere

    look_everywhere(now=clock.now)


@jobs.every("41 * * * *", "usage.expire_legs", queue="usage")
def expire_legs(*, timestamp: int) -> None:
    """Once an hour, let the legs that have waited too long go on alone."""
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.usage.expiry import expire

    for tenant_id in tenant_ids():
        expire(tenant_id, now=clock.now, is_background=True)


@jobs.every("23 * * * *", "usage.sweep")
def sweep_leftovers(*, timestamp: int) -> None:
    """Once an hour, remove the files that crashes have left."""
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.usage.sweep import sweep

    for tenant_id in tenant_ids():
        sweep(tenant_id, at=clock.now())


@jobs.every("* * * * *", "usage.sources", queue="sources")
def look_after_sources(*, timestamp: int) -> None:
    """Every minute, put the sources that are due in the queue, and look whether a feed has fallen silent."""
    from trunkline.usage.sources.schedule import look_after_all

    look_after_all(now=clock.now)


@jobs.task(PULL, queue="sources")
def pull_source(*, tenant_id: int, source_id: int, only_settle: bool = False) -> None:
    """Look into one source; nothing happens where somebody else is at it, or it was paused or removed meanwhile."""
    from trunkline.usage.sources.pull import pull
    from trunkline.usage.sources.queries import is_to_pull

    if is_to_pull(tenant_id, source_id, clock.now()):
        pull(tenant_id=tenant_id, source_id=source_id, now=clock.now, only_settle=only_settle)
