"""Jobs of reports."""

from __future__ import annotations

from trunkline.kit import clock, jobs
from trunkline.reports.choices import SEND


@jobs.every("*/5 * * * *", "reports.plan")
def plan(*, timestamp: int) -> None:
    """Every five minutes, put the mails that are due in the queue."""
    from trunkline.reports.actions import plan_deliveries
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            plan_deliveries(at=clock.now())


@jobs.task(SEND)
def send(*, tenant_id: int, delivery_id: int) -> None:
    """Make and send one mail."""
    from trunkline.reports.mails import send_delivery

    send_delivery(tenant_id=tenant_id, delivery_id=delivery_id, now=clock.now)
