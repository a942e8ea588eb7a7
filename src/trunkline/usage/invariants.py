"""What must always hold of usage, as sentences that `ledger check` proves beside its own; `usage.check` has the proofs."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from trunkline.ledger.invariants import Proof, register_invariant

STATEMENTS: Final = {
    "usage_batches": "Every record of a batch is rated, rejected, a duplicate or waits, and its segments hold as many as it says.",
    "usage_waiting": "The legs that batches left to wait, less those that batches joined, are those that wait, switch by switch.",
    "usage_files": "Every segment that counts is on the disk in its size.",
    "usage_sell_segments": "On the sell side the rollups are the sums of the live segments, key by key.",
    "usage_buy_segments": "On the buy side the rollups are the sums of the live segments, key by key.",
    "usage_sell_ledger": "What the books say of usage sold is the sum of its rollups, account by account.",
    "usage_buy_ledger": "What the books say of usage bought is the sum of its rollups, account by account.",
    "usage_hours": "The totals of the hours are those of the rollups, revenue and cost.",
}


def register() -> None:
    """Add them to every check of the books. What proves them is loaded when it is asked for."""
    for name, statement in STATEMENTS.items():
        register_invariant(name, statement, partial(_prove, name))


def _prove(name: str, at: datetime) -> Proof:
    from trunkline.usage.check import find

    return find(name).proof
