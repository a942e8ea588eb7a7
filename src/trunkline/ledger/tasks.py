"""Jobs of the books."""

from __future__ import annotations

from trunkline.kit import clock
from trunkline.kit.jobs import every
from trunkline.ledger.actions import expire_due
from trunkline.tenancy.queries import tenant_ids
from trunkline.tenancy.scope import scope

BATCH = 1000


@every("* * * * *", "ledger.expire_reservations")
def expire_reservations(timestamp: int) -> None:
    """Release the reservations whose time is over, tenant by tenant. Safe to run twice: an entry ends once."""
    at = clock.now()
    for tenant_id in tenant_ids():
        while True:
            with scope(tenant_id, "job:ledger.expire_reservations"):
                if len(expire_due(at=at, limit=BATCH)) < BATCH:
                    break
