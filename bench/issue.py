"""How long a bill run over all accounts takes: five hundred accounts, a million records of two days, every account with hundreds of rollups.

The command is `invoice issue --all`, from the start of its process to its end. Afterwards nothing is unbilled, and documents, stamps and books are proved.
"""

from __future__ import annotations

import json
import os
from time import perf_counter
from typing import Any

from bench.ground import TENANT, Ground
from trunkline.simulate.pipeline_case import PipelineSize

ACCOUNTS = 500
MUST_ISSUE = 5.0  # documents a second
SIZE = PipelineSize(
    neighbours=1_000_000, customers=ACCOUNTS, vendors=3, sell_decks=2, smallest=2_000, largest=5_000, change_countries=0
)


def run() -> dict[str, Any]:
    """Documents issued by second."""
    ground = Ground(SIZE)
    ground.prepare()
    os.sync()  # what was written before is not to be paid by the run
    begin = perf_counter()
    said = json.loads(
        ground.command("invoice", "issue", "--all", "--period", "2026-03", "--tenant", TENANT, "--early", "--json")
    )
    seconds = perf_counter() - begin
    left = json.loads(ground.command("invoice", "unbilled", "--tenant", TENANT, "--json"))["unbilled"]
    proved = json.loads(ground.command("invoice", "check", "--tenant", TENANT, "--json"))
    holds = not any(finding["contradictions"] for finding in proved["findings"])
    figures = {
        "documents_per_s": round(len(said["invoices"]) / seconds, 1),
        "documents": len(said["invoices"]),
        "seconds": round(seconds, 1),
        "unbilled_after": len(left),
        "invoice_check_holds": holds,
    }
    is_right = holds and not left and not said["refused"] and figures["documents"] == ACCOUNTS
    return {"passed": is_right and figures["documents_per_s"] >= MUST_ISSUE, **figures}
