"""What must always hold of invoices, proved from the data: numbers without gaps, sums that add up, books that agree, files that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from trunkline.core.currency import get_currency
from trunkline.core.errors import TrunklineError
from trunkline.core.money import Amount
from trunkline.core.tax import tax_on
from trunkline.invoicing import queries
from trunkline.invoicing.choices import LineKind
from trunkline.invoicing.files import open_stored
from trunkline.invoicing.models import BilledRollup, Invoice, InvoiceLine, NumberSequence
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
TAXED = """
SELECT i.number, i.currency, i.tax, coalesce(l.tax_percent, i.tax_percent), sum(l.amount)
  FROM invoicing_invoice i JOIN invoicing_invoiceline l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
 WHERE i.tenant_id = %(tenant)s
 GROUP BY i.id, i.number, i.currency, i.tax, coalesce(l.tax_percent, i.tax_percent) ORDER BY i.id
"""
OWN_ACCOUNTS = """
SELECT code, coalesce(d.amount, 0), coalesce(p.amount, 0)
  FROM (SELECT 'tax_payable:' || currency AS code, -sum(tax) AS amount FROM invoicing_invoice
         WHERE tenant_id = %(tenant)s AND state = 'issued' GROUP BY currency
        UNION ALL
        SELECT 'rounding:' || currency, sum(rounding) FROM invoicing_invoice
         WHERE tenant_id = %(tenant)s AND state = 'issued' GROUP BY currency) d
  FULL JOIN (SELECT a.code, sum(p.amount) AS amount FROM ledger_posting p
               JOIN ledger_entry e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
               JOIN ledger_account a ON a.tenant_id = p.tenant_id AND a.id = p.account_id
              WHERE p.tenant_id = %(tenant)s AND e.kind IN ('invoice', 'invoice_void')
                AND split_part(a.code, ':', 1) IN ('tax_payable', 'rounding')
              GROUP BY a.code) p USING (code)
 WHERE coalesce(d.amount, 0) <> coalesce(p.amount, 0) ORDER BY code
"""
ADJUSTMENTS = """
SELECT i.number, l.number, c.number FROM invoicing_invoiceline l
  JOIN invoicing_invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
  LEFT JOIN invoicing_invoice c ON c.tenant_id = l.tenant_id AND c.id = l.corrects_id
 WHERE l.tenant_id = %(tenant)s AND l.kind = 'adjustment'
   AND NOT coalesce(c.id < i.id AND c.account_id = i.account_id AND c.currency = i.currency AND l.before_exact IS NOT NULL
                    AND (c.state = 'issued' OR i.state = 'void'), false)
 ORDER BY i.id, l.number
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


def _taxes() -> Finding:
    documents = Invoice.objects.count()
    return Finding(
        "tax is that of the lines", f"{documents} documents", Proof.of({"documents": documents}, _wrong_taxes())
    )


def _own_accounts() -> Finding:
    proof = Proof.of({"documents": Invoice.objects.count()}, _differences(OWN_ACCOUNTS, "documents", "ledger"))
    return Finding("tax and rounding are in the books", "every currency", proof)


def _adjustments() -> Finding:
    lines = InvoiceLine.objects.filter(kind=LineKind.ADJUSTMENT).count()
    wrong = (
        f"line {line} of {number} corrects {earlier or 'no document'}"
        for number, line, earlier in queries.joined_at_once(ADJUSTMENTS)
    )
    proof = Proof.of({"adjustments": lines}, wrong)
    return Finding("adjustments correct documents that count", f"{lines} lines", proof)


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


def _wrong_taxes() -> Iterable[str]:
    due: dict[tuple[str, Amount], Amount] = {}
    for number, code, said, percent, net in queries.joined_at_once(TAXED):
        key = (number, Amount.from_decimal(said))
        due[key] = due.get(key, Amount.zero()) + tax_on(Amount.from_decimal(net), percent, get_currency(code))
    for (number, told), tax in due.items():
        if told != tax:
            yield f"{number}: tax {told}, by its lines {tax}"


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
    "invoice_taxes": _taxes,
    "invoice_adjustments": _adjustments,
    "invoice_stamps": _stamps,
    "invoice_unbilled": _unbilled,
    "invoice_receivable": _receivable,
    "invoice_own_accounts": _own_accounts,
    "invoice_files": _files,
}
