"""Every proof that Trunkline has of itself, in one process, after the files that crashes left have been swept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any


def prove() -> None:
    """Sweep as a worker would an hour later, then print what does not hold. Runs as a command."""
    from trunkline.cli.ready import get_ready

    get_ready()
    from trunkline.invoicing import actions as invoicing
    from trunkline.invoicing.check import check as check_invoices
    from trunkline.kit import clock
    from trunkline.ledger.checks import check_tenant
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope
    from trunkline.usage.check import check as check_usage
    from trunkline.usage.sweep import sweep

    later = clock.now() + timedelta(days=2)
    broken: list[str] = []
    looked_at = 0
    for tenant_id in tenant_ids():
        sweep(tenant_id, at=later)
        with scope(tenant_id, "test"):
            invoicing.sweep(at=later)
        with scope(tenant_id, "test", snapshot=True):
            proofs: list[Any] = [*check_usage(read_files=True), *check_invoices()]
        broken += [f"{proof.name}: {line}" for proof in proofs for line in proof.contradictions]
        invariants = check_tenant(tenant_id, "test", at=clock.now())
        broken += [
            f"{each.name}: {line}" for each in invariants if not each.holds for line in each.problems or ["fails"]
        ]
        looked_at += len(proofs) + len(invariants)
    print(json.dumps({"looked_at": looked_at, "broken": broken}))  # noqa: T201
