"""Taking documents back, and removing files that no document refers to."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import get_zone, local_date
from trunkline.invoicing import files, queries
from trunkline.invoicing.actions.writing import open_day
from trunkline.invoicing.choices import InvoiceState
from trunkline.invoicing.models import BilledRollup, Invoice
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.ledger import actions as ledger
from trunkline.ledger.choices import EntryKind
from trunkline.parties.models import Account
from trunkline.tenancy.queries import current_tenant

SWEEP_AGE: Final = timedelta(hours=1)


def void(*, number: str, reason: str, at: datetime) -> Invoice:
    """Take a document back: its entry is reversed and its usage is unbilled again, in one transaction. Its number stays used.

    Raises NotFound `invoice_not_found`; Invalid `reason_missing`; Conflict `already_void`, `adjusted_later` (a later document takes
    back usage that this one bills: void that one first).
    """
    if not reason.strip():
        raise Invalid("reason_missing", "Say why the document is taken back.")
    account_id = queries.access_invoice(number).account_id
    lock_rows(Account.objects.all(), [account_id])
    invoice = queries.access_invoice(number)
    if invoice.state == InvoiceState.VOID:
        raise Conflict("already_void", f"{number} was voided on {invoice.voided_at:%Y-%m-%d}.", number=number)
    later = queries.find_adjusting(invoice)
    if later is not None:
        raise Conflict(
            "adjusted_later",
            f"{later.number} adjusts {number}.",
            hint=f"Void {later.number} first, or both with --with-adjustments.",
            number=later.number,
        )
    if invoice.entry_id is not None:
        invoice.void_entry = ledger.reverse(
            entry=invoice.entry,
            key=f"invoice_void:{invoice.public_id}",
            kind=EntryKind.INVOICE_VOID,
            booked_on=open_day(local_date(at, get_zone(current_tenant().timezone))),
            reference=number,
            at=at,
        )
    BilledRollup.objects.filter(invoice=invoice, released_at=None).update(released_at=at)
    invoice.state, invoice.voided_at, invoice.void_reason = InvoiceState.VOID, at, reason.strip()
    invoice.save(update_fields=["state", "voided_at", "void_reason", "void_entry"])
    return invoice


def void_with_adjustments(*, number: str, reason: str, at: datetime) -> list[Invoice]:
    """Take a document back and before it those that adjust it, in one transaction; all of them, in the order of voiding.

    Raises what `void` raises, except `adjusted_later`.
    """
    lock_rows(Account.objects.all(), [queries.access_invoice(number).account_id])
    voided: list[Invoice] = []
    while (later := queries.find_adjusting(queries.access_invoice(number))) is not None:
        voided += void_with_adjustments(number=later.number, reason=reason, at=at)
    return [*voided, void(number=number, reason=reason, at=at)]


def sweep(*, at: datetime, older_than: timedelta = SWEEP_AGE) -> list[Path]:
    """Remove files that attempts left behind which a crash cut off; what was removed. Documents keep theirs."""
    return files.sweep(current_tenant_id(), kept=queries.stored_paths(), before=(at - older_than).timestamp())
