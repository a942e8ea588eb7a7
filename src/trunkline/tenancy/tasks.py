"""Jobs of tenants."""

from __future__ import annotations

from trunkline.kit import clock, jobs


@jobs.every("37 * * * *", "tenancy.count_storage")
def count_stored_files(*, timestamp: int) -> None:
    """Once an hour, after the sweep, count what each operator has stored."""
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.storage import count_storage

    for tenant_id in tenant_ids():
        count_storage(tenant_id, at=clock.now())
