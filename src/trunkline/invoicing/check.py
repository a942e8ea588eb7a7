"""What must always hold of invoices, proved from the data: numbers without gaps, sums that add up, books that agree, files that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from trunkline.core.errors import TrunklineError
from trunkline.invoicing import queries
from trunkline.invoicing.files import open_stored
from trunkline.invoicing.models import BilledRollup, Invoice, NumberSequence
from trunkline.ledger.invariants import Proof
from trunkline.parties.models import Account
from trunkline.usage.check import Finding

LINES = """
SELECT i.number FROM invoicing_invoice i
  LEFT JOIN LATERAL (SELECT sum(l.amount) AS net, sum(l.exact) AS exact FROM invoicing_invoiceline l
                      WHERE l.tenant_id = i.tenant_id AND l.invoice_id = i.id) s ON true
 WHERE i.tenant_id = %(tenant)s AND (s.net IS DISTINCT FROM i.net OR s.exact IS DISTINCT FROM i.exact)
 ORDER BY i.id
"""
STAMPS = """
SELECT i.number FROM invoicing_invoice i
  LEFT JOIN LATERAL (SELECT sum(r.amount) AS exact FROM invoicing_billedrollup b
                       JOIN usage_rollup r ON r.tenant_id = b.tenant_id AND r.id = b.rollup_id
                      WHERE b.tenant_id = i.tenant_id AND b.invoice_id = i.id AND b.released_at IS NULL) s ON true
 WHERE i.tenant_id = %(tenant)s AND s.exact IS DISTINCT FROM CASE WHEN i.state = 'issued' THEN i.exact END
 ORDER BY i.id
"""
UNBILLED = """
SELECT a.code, coalesce(u.amount, 0), coalesce(p.amount, 0) FROM parties_account a
  LEFT JOIN (SELECT r.account_id, sum(r.amount) AS amount FROM usage_rollup r
              WHERE r.tenant_id = %(tenant)s AND r.side = 'sell'
                AND NOT EXISTS (SELECT 1 FROM invoicing_billedrollup b
                                 WHERE b.tenant_id = r.tenant_id AND b.rollup_id = r.id AND b.released_at IS NULL)
              GROUP BY r.account_id) u ON u.account_id = a.id
  LEFT JOIN (SELECT p.account_id, sum(p.amount) AS amount FROM ledger_posting p
               JOIN ledger_entry e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
              WHERE p.tenant_id = %(tenant)s AND e.kind IN ('usage_sell', 'invoice', 'invoice_void')
              GROUP BY p.account_id) p ON p.account_id = a.unbilled_receivable_id
 WHERE a.tenant_id = %(tenant)s AND coalesce(u.amount, 0) <> coalesce(p.amount, 0) ORDER BY a.code
"""
RECEIVABLE = """
SELECT a.code, coalesce(i.total, 0), coalesce(p.amount, 0) FROM parties_account a
  LEFT JOIN (SELECT account_id, sum(total) AS total FROM invoicing_invoice
              WHERE tenant_id = %(tenant)s AND state = 'issued' GROUP BY account_id) i ON i.account_id = a.id
  LEFT JOIN (SELECT p.account_id, sum(p.amount) AS amount FROM ledger_posting p
               JOIN ledger_entry e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
              WHERE p.tenant_id = %(tenant)s AND e.kind IN ('invoice', 'invoice_void')
              GROUP BY p.account_id) p ON p.account_id = a.receivable_id
 WHERE a.tenant_id = %(tenant)s AND coalesce(i.total, 0) <> coalesce(p.amount, 0) ORDER BY a.code
"""


def check() -> list[Finding]:
    """Prove the invoices of the tenant of the open scope, which should be a snapshot (REPEATABLE READ)."""
    return [find(name) for name in PROOFS]


def find(name: str) -> Finding:
    """Prove the one invariant of that name (`invoicing.invariants`)."""
    return PROOFS[name]()


def _numbers() -> Finding:
    series, documents = NumberSequence.objects.count(), Invoice.objects.count()
    proof = Proof.of({"series": series, "documents": documents}, _gaps())
    return Finding("numbers without gaps", f"{series} series, {documents} documents", proof)


def _lines() -> Finding:
    documents = Invoice.objects.count()
    proof = Proof.of({"documents": documents}, (row[0] for row in queries.joined_at_once(LINES)))
    return Finding("lines add up", f"{documents} documents", proof)


def _stamps() -> Finding:
    stamps = BilledRollup.objects.filter(released_at=None).count()
    proof = Proof.of({"stamps": stamps}, (row[0] for row in queries.joined_at_once(STAMPS)))
    return Finding("stamps are the documents' sums", f"{stamps} stamps", proof)


def _unbilled() -> Finding:
    proof = Proof.of({"accounts": Account.objects.count()}, _differences(UNBILLED, "rollups", "ledger"))
    return Finding("unbilled usage is in the books", "every account", proof)


def _receivable() -> Finding:
    proof = Proof.of({"accounts": Account.objects.count()}, _differences(RECEIVABLE, "documents", "ledger"))
    return Finding("issued totals are in the books", "every account", proof)


def _files() -> Finding:
    files = 3 * Invoice.objects.count()
    return Finding("documents are on the disk", f"{files} files", Proof.of({"files": files}, _missing()))


def _gaps() -> Iterable[str]:
    for (kind, year), serials in queries.missing_serials().items():
        yield f"{kind} {year or ''}: {', '.join(map(str, serials))} missing"


def _differences(statement: str, one: str, other: str) -> Iterable[str]:
    for code, said, booked in queries.joined_at_once(statement):
        yield f"{code}: {one} {said.normalize():f}, {other} {booked.normalize():f}"


def _missing() -> Iterable[str]:
    for invoice in Invoice.objects.order_by("id").iterator():
        for name in ("pdf", "csv", "parquet"):
            try:
                open_stored(getattr(invoice, f"{name}_path"), getattr(invoice, f"{name}_sha256"))
            except TrunklineError as error:
                yield f"{invoice.number}: {error.message}"


PROOFS: Final[dict[str, Callable[[], Finding]]] = {
    "invoice_numbers": _numbers,
    "invoice_lines": _lines,
    "invoice_stamps": _stamps,
    "invoice_unbilled": _unbilled,
    "invoice_receivable": _receivable,
    "invoice_files": _files,
}
