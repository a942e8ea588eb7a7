"""What must always hold of documents, as sentences that `ledger check` proves beside its own; `invoicing.check` has the proofs."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from trunkline.ledger.invariants import Proof, register_invariant

STATEMENTS: Final = {
    "invoice_numbers": "The numbers of every series of documents have no gaps.",
    "invoice_lines": "The lines of every document add up to its net and its exact sum.",
    "invoice_taxes": "The tax of every document is that of its lines, half up once for each percentage.",
    "invoice_adjustments": "Every adjustment says what was billed before by an earlier document, which counts as long as it does itself.",
    "invoice_stamps": "What is stamped as billed by a document is the sum that it bills.",
    "invoice_unbilled": "Usage that is on no document is what stands as unbilled in the books, account by account.",
    "invoice_receivable": "The totals of issued documents are what the books say was invoiced, account by account.",
    "invoice_own_accounts": "The tax and the rounding of issued documents are what the books say, currency by currency.",
    "invoice_files": "Every document is on the disk as it was issued.",
}


def register() -> None:
    """Add them to every check of the books. What proves them is loaded when it is asked for."""
    for name, statement in STATEMENTS.items():
        register_invariant(name, statement, partial(_prove, name))


def _prove(name: str, at: datetime) -> Proof:
    from trunkline.invoicing.check import find

    return find(name).proof
