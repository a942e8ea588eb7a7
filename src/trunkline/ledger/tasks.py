"""Jobs of the books."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from trunkline.kit import clock
from trunkline.kit.jobs import every
from trunkline.kit.outages import again_when_busy
from trunkline.ledger.actions import expire_due
from trunkline.tenancy.queries import tenant_ids
from trunkline.tenancy.scope import scope

BATCH = 1000


@every("* * * * *", "ledger.expire_reservations")
def expire_reservations(timestamp: int) -> None:
    """Release the reservations whose time is over, tenant by tenant. Safe to run twice: an entry ends once."""
    at = clock.now()
    for tenant_id in tenant_ids():
        while again_when_busy(partial(_expire_some, tenant_id, at)) == BATCH:
            pass


def _expire_some(tenant_id: int, at: datetime) -> int:
    with scope(tenant_id, "job:ledger.expire_reservations"):
        return len(expire_due(at=at, limit=BATCH))
