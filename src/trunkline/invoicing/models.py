"""Invoices and credit notes, their lines, and which usage they bill."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from trunkline.core.money import Amount
from trunkline.invoicing.choices import BillOutcome, BillRunState, InvoiceKind, InvoiceState, LineKind, Unit
from trunkline.invoicing.rules import Sums
from trunkline.kit.history import track
from trunkline.kit.models import AmountField, PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference


@track()
class InvoicingProfile(TenantModel):
    """The seller on the tenant's documents, and how they are numbered. A tenant has one; without it the tenant's name stands there alone."""

    name = models.CharField(max_length=200, help_text="The seller's name on documents.")
    address = models.TextField(blank=True, default="", help_text="The lines below the name, as they are printed.")
    tax_number = models.CharField(max_length=60, blank=True, default="", help_text="VAT or other tax number.")
    email = models.CharField(max_length=200, blank=True, default="")
    phone = models.CharField(max_length=60, blank=True, default="")
    payment_instructions = models.TextField(
        blank=True, default="", help_text="Bank account or other ways to pay, line by line."
    )
    note = models.TextField(blank=True, default="", help_text="A text at the end of every document.")
    language = models.CharField(
        max_length=10, default="en", help_text="Language of the documents of accounts that name none."
    )
    invoice_number = models.CharField(
        max_length=60, default="INV-{year}-{number:06}", help_text="Template of invoice numbers."
    )
    credit_note_number = models.CharField(
        max_length=60, default="CN-{year}-{number:06}", help_text="Template of credit note numbers."
    )

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant"], name="invoicingprofile_one"),
            CheckConstraint(condition=~Q(invoice_number=F("credit_note_number")), name="invoicingprofile_two_series"),
        )

    def __str__(self) -> str:
        return self.name


class NumberSequence(TenantModel):
    """The next number of a series. Its row is locked from the moment a number is drawn until the document stands, so none is ever missing."""

    kind = models.CharField(max_length=12, choices=InvoiceKind.choices)
    year = models.PositiveSmallIntegerField(help_text="0: numbers that run on over the years.")
    next = models.PositiveBigIntegerField(default=1)

    class Meta:
        constraints = (UniqueConstraint(fields=["tenant", "kind", "year"], name="numbersequence_series"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.next}"


@track()
class Invoice(TenantModel):
    """What an account owes for its usage of a period, or, as a credit note, what we owe it.

    A row is written complete, in the transaction that draws its number, and never edited: the database lets only the voiding be added.
    Seller, buyer, tax and price texts are kept as they were. Dates of the period are in the account's zone, `[period_from, period_to)`.
    """

    public_id = PublicIdField()
    account = tenant_reference("parties.Account")
    kind = models.CharField(max_length=12, choices=InvoiceKind.choices)
    state = models.CharField(max_length=8, choices=InvoiceState.choices, default=InvoiceState.ISSUED)
    number = models.CharField(max_length=60)
    year = models.PositiveSmallIntegerField(help_text="The series of its number.")
    serial = models.PositiveBigIntegerField(help_text="Its place in the series, without gaps.")
    period_from = models.DateField()
    period_to = models.DateField(help_text="The first day after the period.")
    timezone = models.CharField(max_length=64, help_text="The account's zone.")
    currency = models.CharField(max_length=3)
    exact = AmountField(help_text="Sum of the lines before they were rounded.")
    rounding = AmountField(help_text="What the lines lose by rounding: exact less net.")
    net = AmountField(help_text="Sum of the rounded lines.")
    tax = AmountField()
    total = AmountField()
    tax_name = models.CharField(max_length=40, blank=True, default="")
    tax_percent = models.DecimalField(max_digits=9, decimal_places=6)
    language = models.CharField(max_length=10)
    seller = models.JSONField(help_text="The seller's block as it was printed.")
    buyer = models.JSONField(help_text="The buyer's block as it was printed.")
    issued_at = models.DateTimeField()
    issued_on = models.DateField(help_text="The tenant's local day.")
    due_on = models.DateField()
    entry = tenant_reference("ledger.Entry", null=True, help_text="None where nothing is owed.")
    pdf_path = models.CharField(max_length=300, help_text="Below the data folder.")
    pdf_sha256 = models.CharField(max_length=64)
    csv_path = models.CharField(max_length=300)
    csv_sha256 = models.CharField(max_length=64)
    parquet_path = models.CharField(max_length=300)
    parquet_sha256 = models.CharField(max_length=64)
    records = models.BigIntegerField(help_text="Records attached.")
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=500, blank=True, default="")
    void_entry = tenant_reference("ledger.Entry", null=True)

    class Meta:
        constraints = (
            tenant_key("invoice_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="invoice_public_id"),
            UniqueConstraint(fields=["tenant", "number"], name="invoice_number"),
            UniqueConstraint(fields=["tenant", "kind", "year", "serial"], name="invoice_serial"),
            TenantForeignKey(field="account", name="invoice_account_fk"),
            TenantForeignKey(field="entry", name="invoice_entry_fk"),
            TenantForeignKey(field="void_entry", name="invoice_void_entry_fk"),
            CheckConstraint(condition=Q(period_from__lt=F("period_to")), name="invoice_period"),
            CheckConstraint(condition=Q(exact=F("net") + F("rounding")), name="invoice_rounding"),
            CheckConstraint(condition=Q(total=F("net") + F("tax")), name="invoice_total"),
            CheckConstraint(
                condition=Q(kind=InvoiceKind.INVOICE, total__gte=0) | Q(kind=InvoiceKind.CREDIT_NOTE, total__lt=0),
                name="invoice_kind",
            ),
            CheckConstraint(
                condition=Q(state=InvoiceState.ISSUED, voided_at=None)
                | Q(state=InvoiceState.VOID, voided_at__isnull=False),
                name="invoice_voided",
            ),
        )
        indexes = (models.Index(fields=["tenant", "account", "period_from"], name="invoice_account_period"),)

    def __str__(self) -> str:
        return self.number


class InvoiceLine(TenantModel):
    """One line: a destination at a price, the calls and units, the exact amount and what it is rounded to.

    A line of an adjustment is a destination whatever its prices. Its calls, units and amounts are the difference; what was billed before
    stands beside them, and what it should be is both together.
    """

    invoice = tenant_reference("invoicing.Invoice", related_name="lines")
    number = models.PositiveIntegerField(help_text="Place on the document, from 1; the records carry it.")
    kind = models.CharField(max_length=10, choices=LineKind.choices)
    corrects = tenant_reference(
        "invoicing.Invoice", null=True, help_text="The earlier document that its days belong to."
    )
    period_from = models.DateField(
        help_text="First day of its usage, for late lines and adjustments; of the document otherwise."
    )
    period_to = models.DateField()
    service = models.CharField(max_length=8)
    unit = models.CharField(max_length=8, choices=Unit.choices)
    destination = models.CharField(max_length=200)
    terms = models.TextField(help_text="The price in words; of an adjustment, what it should be.")
    attempts = models.BigIntegerField(help_text="Calls tried, answered or not.")
    calls = models.BigIntegerField(help_text="Calls that connected.")
    used = models.BigIntegerField(help_text="Units used.")
    billed = models.BigIntegerField(help_text="Units charged.")
    exact = AmountField(help_text="To 8 decimals.")
    amount = AmountField(help_text="Half up at the minor unit.")
    tax_name = models.CharField(max_length=40, null=True, help_text="Where its tax is not that of the document.")
    tax_percent = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    before_terms = models.TextField(null=True, help_text="Of an adjustment: the price of what was billed before.")
    before_calls = models.BigIntegerField(null=True)
    before_used = models.BigIntegerField(null=True)
    before_billed = models.BigIntegerField(null=True)
    before_exact = AmountField(null=True, help_text="Of an adjustment: what was billed before, to 8 decimals.")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "invoice", "number"], name="invoiceline_number"),
            CheckConstraint(
                condition=Q(kind=LineKind.ADJUSTMENT) | Q(before_exact=None, tax_percent=None),
                name="invoiceline_adjustment",
            ),
            TenantForeignKey(field="invoice", name="invoiceline_invoice_fk"),
            TenantForeignKey(field="corrects", name="invoiceline_corrects_fk"),
        )

    def __str__(self) -> str:
        return f"{self.number}. {self.destination}"

    @property
    def sums(self) -> Sums:
        """What the line adds to the document."""
        return Sums(self.attempts, self.calls, self.used, self.billed, self.exact)

    @property
    def before(self) -> Sums | None:
        """What was billed before, of an adjustment; its attempts are not kept."""
        if self.before_exact is None:
            return None
        return Sums(0, self.before_calls or 0, self.before_used or 0, self.before_billed or 0, self.before_exact)

    @property
    def after_exact(self) -> Amount | None:
        """What it should be, of an adjustment."""
        return None if self.before_exact is None else self.before_exact + self.exact


class BilledRollup(TenantModel):
    """The stamp: this rollup stands on that document. A rollup stands on one document at a time; voiding releases it."""

    rollup = tenant_reference("usage.Rollup")
    invoice = tenant_reference("invoicing.Invoice")
    released_at = models.DateTimeField(null=True)

    # One row per rollup: it is inserted by selecting the rollup itself, and rollups are never deleted.
    UNCHECKED_REFERENCES = frozenset({"rollup"})

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "rollup"], condition=Q(released_at=None), name="billedrollup_once"),
            TenantForeignKey(field="invoice", name="billedrollup_invoice_fk"),
        )
        indexes = (models.Index(fields=["tenant", "invoice"], name="billedrollup_invoice"),)

    def __str__(self) -> str:
        return f"{self.rollup_id} on {self.invoice_id}"


class BillRun(TenantModel):
    """Documents of a period for some accounts, or for all that have something to bill: who asked for them, and how far it has come.

    Documents are issued one by one, each in a transaction of its own, so a run that is cut off goes on where it was. What became of each
    account stands in its outcomes.
    """

    public_id = PublicIdField()
    period_from = models.DateField(help_text="First day of the period, on each account's clock.")
    period_to = models.DateField(
        help_text="The first day after the period. Older usage that no document bills comes along."
    )
    issued_on = models.DateField(
        null=True, help_text="Date of the documents; the day on which they are issued if left out."
    )
    is_early = models.BooleanField(default=False, help_text="Although the period is not over: what is there is billed.")
    is_all = models.BooleanField(help_text="Every account that has something to bill, told when it begins.")
    state = models.CharField(max_length=8, choices=BillRunState.choices, default=BillRunState.QUEUED)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=100, help_text="Who asked for it; the documents are issued in their name.")
    attempt = models.PositiveIntegerField(default=0, help_text="How often a worker has begun with it.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=40, blank=True, default="")
    failure_detail = models.TextField(blank=True, default="")

    class Meta:
        constraints = (
            tenant_key("billrun_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="billrun_public_id"),
            CheckConstraint(condition=Q(period_from__lt=F("period_to")), name="billrun_period"),
            CheckConstraint(condition=Q(state=BillRunState.FAILED) ^ Q(failure=""), name="billrun_failure"),
        )
        indexes = (models.Index(fields=["tenant", "state"], name="billrun_state"),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.period_from} – {self.period_to}"


class BillRunAccount(TenantModel):
    """What became of one account in a bill run."""

    bill_run = tenant_reference("invoicing.BillRun", related_name="outcomes")
    account = tenant_reference("parties.Account")
    outcome = models.CharField(max_length=9, choices=BillOutcome.choices, default=BillOutcome.WAITING)
    invoice = tenant_reference("invoicing.Invoice", null=True, help_text="Its document.")
    reason = models.CharField(max_length=60, blank=True, default="", help_text="A stable code.")
    detail = models.TextField(blank=True, default="", help_text="The reason in words.")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "bill_run", "account"], name="billrunaccount_once"),
            TenantForeignKey(field="bill_run", name="billrunaccount_bill_run_fk"),
            TenantForeignKey(field="account", name="billrunaccount_account_fk"),
            TenantForeignKey(field="invoice", name="billrunaccount_invoice_fk"),
            CheckConstraint(
                condition=Q(outcome__in=[BillOutcome.ISSUED, BillOutcome.UNCHANGED], invoice__isnull=False)
                | Q(outcome__in=[BillOutcome.WAITING, BillOutcome.NOTHING, BillOutcome.REFUSED], invoice=None),
                name="billrunaccount_invoice",
            ),
            CheckConstraint(condition=Q(outcome=BillOutcome.REFUSED) ^ Q(reason=""), name="billrunaccount_reason"),
        )
        indexes = (models.Index(fields=["tenant", "bill_run", "outcome"], name="billrunaccount_outcome"),)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.outcome}"
