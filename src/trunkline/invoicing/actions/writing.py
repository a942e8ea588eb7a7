"""The transaction that makes a document true: number, lines, stamps, files, entry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from trunkline.core.errors import Conflict
from trunkline.core.period import ONE_DAY, DatePeriod, get_zone, local_date
from trunkline.invoicing import files, queries
from trunkline.invoicing.choices import BillOutcome, BillRunState
from trunkline.invoicing.draft import Draft
from trunkline.invoicing.models import BillRun, BillRunAccount, Invoice
from trunkline.invoicing.rules import Line, Totals, number_text, series_year
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.faults import reached
from trunkline.ledger import actions as ledger
from trunkline.ledger.choices import AccountClass, EntryKind
from trunkline.ledger.models import Entry
from trunkline.ledger.queries import closed_through
from trunkline.ledger.rules import code_for
from trunkline.parties.models import Account
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.segments import COMMAND, Limits

Press = Callable[[Draft, Invoice], bytes]  # the PDF of a document that has its number
PDF, CSV, PARQUET = ".pdf", ".records.csv", ".records.parquet"

STAMP = """
INSERT INTO invoicing_billedrollup (tenant_id, rollup_id, invoice_id)
SELECT r.tenant_id, r.id, %(invoice)s FROM usage_rollup r
 WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(rollups)s)
"""
INSERT_LINES = """
INSERT INTO invoicing_invoiceline (tenant_id, invoice_id, number, kind, corrects_id, period_from, period_to, service, unit, destination,
                                   terms, attempts, calls, used, billed, exact, amount, tax_name, tax_percent,
                                   before_terms, before_calls, before_used, before_billed, before_exact)
SELECT %s, %s, l.*
  FROM unnest(%s::integer[], %s::text[], %s::bigint[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[],
              %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::text[], %s::numeric[],
              %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[]) AS l
"""
DRAW = """
INSERT INTO invoicing_numbersequence AS s (tenant_id, kind, year, next) VALUES (%s, %s, %s, 2)
    ON CONFLICT (tenant_id, kind, year) DO UPDATE SET next = s.next + 1
RETURNING next - 1
"""


class BilledMeanwhile(Exception):  # noqa: N818 - a signal between the steps of issuing
    """Somebody else put some of the same usage on a document."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the documents of one call have in common. `bill_run_id`: the run whose outcomes they are; `limits`: of reading their records."""

    tenant_id: int
    actor: str
    period: DatePeriod
    at: datetime
    is_early: bool = False
    issued_on: date | None = None  # None: the day of `at` in the tenant's zone
    limits: Limits = COMMAND
    bill_run_id: int | None = None

    def scope(self, *, snapshot: bool = False) -> AbstractContextManager[object]:
        """A scope for one step of it."""
        return scope(self.tenant_id, self.actor, snapshot=snapshot)

    @property
    def day(self) -> date:
        """The date of its documents; needs an open scope."""
        return self.issued_on or tenant_day(self.at)


def tenant_day(at: datetime) -> date:
    """The day of the tenant at an instant; needs an open scope."""
    return local_date(at, get_zone(current_tenant().timezone))


@dataclass(frozen=True, slots=True)
class Attached:
    """The records of a draft that is to be the document of that id, written under temporary names."""

    public_id: UUID
    csv: files.Partial
    parquet: files.Partial
    records: int


def write_or_discard(order: Order, draft: Draft, attached: Attached, press: Press) -> Invoice:
    """`_write`; where it fails nothing was committed, and its files go. A commit that fails may have happened: then they stay."""
    try:
        invoice = _write(order, draft, attached, press)
    except BaseException:
        files.discard(current_tenant_id(), attached.public_id)
        raise
    reached("invoice_before_commit")
    return invoice


def _write(order: Order, draft: Draft, attached: Attached, press: Press) -> Invoice:
    """Everything that makes the document true, in the open transaction; the number as late as can be.

    Raises `BilledMeanwhile` where a document of the account was issued or voided since the draft was read.
    """
    at = order.at
    (account,) = lock_rows(Account.objects.all(), [draft.account_id])
    if queries.documents_seen(account.pk) != draft.documents_seen:
        raise BilledMeanwhile
    issued_on = order.day
    invoice = Invoice(
        id=_next_id(),
        public_id=attached.public_id,
        account=account,
        kind=draft.kind,
        period_from=draft.period.start,
        period_to=draft.period.end,
        timezone=draft.timezone,
        currency=draft.currency.code,
        **_figures(draft.totals),
        tax_name=draft.tax_name,
        tax_percent=draft.tax_percent,
        language=draft.language,
        seller=draft.seller,
        buyer=draft.buyer,
        issued_at=at,
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=draft.payment_terms_days),
        records=attached.records,
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS invoiceline_invoice_fk, billedrollup_invoice_fk DEFERRED")
    _stamp(draft, invoice)
    _write_lines(draft, invoice)
    tax_payable, rounding = _own_accounts(draft, at)
    reached("invoice_before_number")
    _draw_number(draft, invoice, in_order=order.issued_on is not None)
    reached("invoice_after_number")
    _write_files(attached, invoice, partial(press, draft, invoice))
    invoice.entry = _post(draft, invoice, account, tax_payable, rounding)
    invoice.save(force_insert=True)
    if order.bill_run_id is not None:
        _note_outcome(order.bill_run_id, invoice)
    return invoice


def _note_outcome(bill_run_id: int, invoice: Invoice) -> None:
    """The outcome of an account stands or falls with its document. Raises Conflict `bill_run_stopped`."""
    running = BillRun.objects.filter(pk=bill_run_id, state=BillRunState.RUNNING)
    outcome = BillRunAccount.objects.filter(bill_run__in=running, account=invoice.account_id)
    if not outcome.update(outcome=BillOutcome.ISSUED, invoice=invoice, reason="", detail=""):
        raise Conflict("bill_run_stopped", "The bill run was stopped.", hint="Try it again to go on.")


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('invoicing_invoice', 'id'))")
        (number,) = cursor.fetchone()
    return int(number)


def _stamp(draft: Draft, invoice: Invoice) -> None:
    """Raises `BilledMeanwhile` where some of the usage is stamped already."""
    rollups = draft.usage.rollup_ids
    try:
        with connection.cursor() as cursor:
            cursor.execute(STAMP, {"invoice": invoice.pk, "tenant": current_tenant_id(), "rollups": list(rollups)})
            stamped = cursor.rowcount
    except IntegrityError as error:
        raise BilledMeanwhile from error
    if stamped != len(rollups):
        raise RuntimeError(f"{stamped} of {len(rollups)} rollups were stamped")


def _write_lines(draft: Draft, invoice: Invoice) -> None:
    rows = [
        (
            line.number,
            line.kind.value,
            line.corrects,
            line.period.start,
            line.period.end,
            line.service,
            line.unit.value,
            line.destination,
            line.terms,
            line.sums.attempts,
            line.sums.calls,
            line.sums.used,
            line.sums.billed,
            str(line.sums.exact),
            str(line.amount),
            *((None, None) if line.tax is None else (line.tax.name, str(line.tax.percent))),
            *_before(line),
        )
        for line in draft.lines
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_LINES, [current_tenant_id(), invoice.pk, *(list(column) for column in zip(*rows, strict=True))]
        )


def _before(line: Line) -> tuple[str | int | None, ...]:
    before = line.before
    if before is None:
        return (None,) * 5
    return line.before_terms, before.calls, before.used, before.billed, str(before.exact)


def _figures(totals: Totals) -> dict[str, Any]:
    """The figures under the names that the model has for them too."""
    return {name: getattr(totals, name) for name in ("exact", "rounding", "net", "tax", "total")}


def _own_accounts(draft: Draft, at: datetime) -> tuple[int, int]:
    """The tenant's ledger accounts of tax and of rounding in the document's currency."""
    found = []
    for account_class, name in ((AccountClass.TAX_PAYABLE, "Tax payable"), (AccountClass.ROUNDING, "Rounding")):
        code, currency = code_for(account_class, draft.currency.code), draft.currency.code
        found.append(ledger.ensure_account(code=code, currency=currency, name=f"{name} {currency}", at=at).pk)
    return found[0], found[1]


def _draw_number(draft: Draft, invoice: Invoice, *, in_order: bool) -> None:
    """From here to the end of the transaction nobody else can draw from the series, so a number that is drawn is used or not drawn."""
    template = draft.templates[draft.kind]
    invoice.year = series_year(template, invoice.issued_on.year)
    with connection.cursor() as cursor:
        cursor.execute(DRAW, [current_tenant_id(), draft.kind.value, invoice.year])
        (invoice.serial,) = cursor.fetchone()
    if in_order:
        _require_order(invoice)
    invoice.number = number_text(template, year=invoice.issued_on.year, serial=invoice.serial)
    if Invoice.objects.filter(number=invoice.number).exists():
        raise Conflict(
            "number_taken",
            f"The number {invoice.number} was used before.",
            hint="Change the template of numbers with `trunkline invoice profile`.",
            number=invoice.number,
        )


def _require_order(invoice: Invoice) -> None:
    """Numbers of a series go by date: auditors and, in some countries, the law ask for that."""
    series = Invoice.objects.filter(kind=invoice.kind, year=invoice.year, issued_on__gt=invoice.issued_on)
    later = series.order_by("-serial").first()
    if later is not None:
        raise Conflict(
            "date_order",
            f"{later.number} is dated {later.issued_on}, so the next document of its series cannot be dated {invoice.issued_on}.",
            hint="Give a later date, or none.",
            number=later.number,
        )


def _write_files(attached: Attached, invoice: Invoice, pdf: Callable[[], bytes]) -> None:
    """Write the PDF and give all three files their names, durably."""
    tenant_id, public_id = current_tenant_id(), invoice.public_id
    with files.writing(tenant_id, public_id, PDF) as handle:
        handle.write(pdf())
    reached("invoice_pdf_written")
    for name, suffix, partial_file in (
        ("pdf", PDF, files.written(tenant_id, public_id, PDF)),
        ("csv", CSV, attached.csv),
        ("parquet", PARQUET, attached.parquet),
    ):
        stored = files.put_in_place(partial_file, number=invoice.number, public_id=public_id, suffix=suffix)
        setattr(invoice, f"{name}_path", stored.path)
        setattr(invoice, f"{name}_sha256", stored.sha256)
    files.make_names_durable(tenant_id)
    reached("invoice_files_renamed")


def _post(draft: Draft, invoice: Invoice, account: Account, tax_payable: int, rounding: int) -> Entry | None:
    """Unbilled becomes receivable: the total is owed, the exact sum is no longer unbilled, tax and residue have their own accounts."""
    totals = draft.totals
    lines = [
        ledger.Line(account.receivable_id, totals.total),
        ledger.Line(account.unbilled_receivable_id, -totals.exact),
        ledger.Line(tax_payable, -totals.tax),
        ledger.Line(rounding, totals.rounding),
    ]
    owed = [line for line in lines if line.amount]
    if not owed:
        return None
    return ledger.post(
        key=f"invoice:{invoice.public_id}",
        kind=EntryKind.INVOICE,
        booked_on=open_day(invoice.issued_on),
        lines=owed,
        reference=invoice.number,
        at=invoice.issued_at,
    )


def open_day(day: date) -> date:
    """The day itself, or the first open one where the books are closed through it: a closed period takes nothing."""
    closed = closed_through()
    return day if closed is None else max(day, closed + ONE_DAY)
