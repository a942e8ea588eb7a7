"""Jobs of usage."""

from __future__ import annotations

from trunkline.kit import clock, jobs
from trunkline.usage.actions import PROCESS


@jobs.task(PROCESS, queue="usage")
def process_batch(*, tenant_id: int, batch_id: int) -> None:
    """Take one batch to its end."""
    from trunkline.usage.process import process

    process(tenant_id=tenant_id, batch_id=batch_id, now=clock.now)


@jobs.every("*/10 * * * * *", "usage.watch", queue="usage")
def watch_folders(*, timestamp: int) -> None:
    """Take new files from the watched folders of all tenants, and take up what a dead worker left."""
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.usage.collect import take_up_abandoned, watch

    for tenant_id in tenant_ids():
        take_up_abandoned(tenant_id)
        watch(tenant_id, now=clock.now)
