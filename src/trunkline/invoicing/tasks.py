"""Jobs of invoicing."""

from __future__ import annotations

from typing import Final

from trunkline.invoicing.choices import BILL
from trunkline.kit import clock, jobs

SLICE_S: Final = 60.0  # of a bill run; then files that came in meanwhile have their turn


@jobs.task(BILL, queue="invoicing")
def run_bill_run(*, tenant_id: int, bill_run_id: int) -> None:
    """Take a bill run to its end, or step aside while another one of the tenant is at work."""
    from trunkline.invoicing.bill_runs import defer_later, process

    if not process(tenant_id=tenant_id, bill_run_id=bill_run_id, now=clock.now, wait=False, slice_s=SLICE_S):
        defer_later(tenant_id=tenant_id, bill_run_id=bill_run_id)


@jobs.every("* * * * *", "invoicing.take_up", queue="invoicing")
def take_up_bill_runs(*, timestamp: int) -> None:
    """Every minute, take up the bill runs that were cut off."""
    from trunkline.invoicing.bill_runs import ACTOR, defer_unfinished
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, ACTOR):
            defer_unfinished(at=clock.now())
