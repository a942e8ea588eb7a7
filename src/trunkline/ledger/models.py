"""The books: accounts, entries and their postings, what became of pending entries, closed periods, cached balances."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.ddl_references import Columns, Statement
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import AmountField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.ledger.choices import AccountClass, AccountType, Outcome


class MatchingForeignKey(TenantForeignKey):
    """A `TenantForeignKey` that also holds copied columns equal to the row they were copied from.

    `(tenant_id, x_id, *matching) REFERENCES other (tenant_id, id, *matching)`: a posting carries its account's currency and its
    entry's day so that sums need no join, and the database makes sure that they never differ.
    """

    def __init__(self, *, field: str, matching: list[str], name: str) -> None:
        super().__init__(field=field, name=name)
        self.matching = matching

    def _statement(self, model: Any, schema_editor: Any) -> Statement:
        statement = super()._statement(model, schema_editor)
        field = model._meta.get_field(self.field)
        quote = schema_editor.quote_name
        statement.parts["columns"] = Columns(model._meta.db_table, ["tenant_id", field.column, *self.matching], quote)
        statement.parts["keys"] = Columns(
            field.related_model._meta.db_table, ["tenant_id", "id", *self.matching], quote
        )
        return statement

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, arguments, given = super().deconstruct()
        return path, arguments, given | {"matching": self.matching}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MatchingForeignKey) and super().__eq__(other) and self.matching == other.matching

    def __hash__(self) -> int:
        return hash((self.field, self.name, *self.matching))


class Book(TenantModel):
    """A tenant's books as a whole. Whoever posts shares this row, whoever closes a period or an account has it alone.

    The row is locked in the database, not read and trusted, so that an entry can never slip into a period that is being closed.
    """

    closed_through = models.DateField(null=True, help_text="Last day that takes no more entries.")
    generation = models.BigIntegerField(default=0, help_text="Counts the times that somebody had the books alone.")

    class Meta:
        db_table = "ledger_book"
        constraints = (UniqueConstraint(fields=["tenant"], name="ledger_book_one"),)

    def __str__(self) -> str:
        return f"books closed through {self.closed_through}"


@track()
class LedgerAccount(TenantModel):
    """A place where value stands: what one customer owes, what a tax costs, what traffic earned.

    It has one currency for ever. Its code begins with what it is for, `receivable:acme`. Entries may use it on days from
    `opened_on` until before `closed_on`; an empty date is no limit.
    """

    code = models.CharField(
        max_length=120, help_text="What it is for and whose it is, as in `receivable:acme`; never changes."
    )
    type = models.CharField(max_length=9, help_text="asset, liability, income or expense; follows from the code.")
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=200, help_text="Name on statements.")
    no_overdraft = models.BooleanField(
        default=False, help_text="Refuse entries that would take out more than is there."
    )
    opened_on = models.DateField(null=True, blank=True, help_text="First day of use.")
    closed_on = models.DateField(null=True, blank=True, help_text="Day from which it is not used any more.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_account"
        constraints = (
            tenant_key("ledger_account_tenant_id"),
            UniqueConstraint(fields=["tenant", "code"], name="ledger_account_code"),
            UniqueConstraint(fields=["tenant", "id", "currency"], name="ledger_account_currency"),
            CheckConstraint(condition=Q(type__in=[t.value for t in AccountType]), name="ledger_account_type"),
            CheckConstraint(condition=Q(closed_on__gt=F("opened_on")), name="ledger_account_dates"),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def account_class(self) -> AccountClass:
        """What the account is for."""
        return AccountClass(self.code.partition(":")[0])


class Entry(TenantModel):
    """Something that happened, said as postings that add up to zero in every currency. Never changed, never deleted.

    `key` is made by the caller before it sends, so that sending twice books once. `booked_on` is the day the entry counts for,
    `created_at` when the books learned of it. A *pending* entry only reserves; a `Resolution` ends it. A *refused* one has no
    postings: it keeps a key spent whose request was turned down, so that a retry cannot turn a no into a yes.
    """

    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    booked_on = models.DateField()
    created_at = models.DateTimeField()
    actor = models.CharField(max_length=200, help_text="Who posted it.")
    reference = models.CharField(max_length=200, blank=True, help_text="What it is about, for people.")
    reverses = tenant_reference("ledger.Entry", null=True)
    settles = tenant_reference(
        "ledger.Entry", null=True, help_text="The pending entry that this one posts, in whole or in part."
    )
    is_pending = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, help_text="When a pending entry releases what it reserves.")
    refusal = models.CharField(max_length=40, blank=True, help_text="Code of the error, if it was refused.")
    line_count = models.PositiveSmallIntegerField(help_text="Number of its postings.")
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of everything that the caller said.")

    is_replay = False  # set on what an action returns for a key that was posted before

    class Meta:
        db_table = "ledger_entry"
        constraints = (
            tenant_key("ledger_entry_tenant_id"),
            UniqueConstraint(fields=["tenant", "key"], name="ledger_entry_key"),
            UniqueConstraint(fields=["tenant", "id", "booked_on", "is_pending"], name="ledger_entry_copied"),
            UniqueConstraint(
                fields=["tenant", "reverses"],
                name="ledger_entry_reversed_once",
                condition=Q(refusal="", reverses__isnull=False),
            ),
            UniqueConstraint(
                fields=["tenant", "settles"],
                name="ledger_entry_settled_once",
                condition=Q(refusal="", settles__isnull=False),
            ),
            TenantForeignKey(field="reverses", name="ledger_entry_reverses_fk"),
            TenantForeignKey(field="settles", name="ledger_entry_settles_fk"),
            CheckConstraint(
                condition=Q(refusal="", line_count__gte=2) | Q(~Q(refusal=""), line_count=0), name="ledger_entry_lines"
            ),
            CheckConstraint(condition=Q(is_pending=True) | Q(expires_at=None), name="ledger_entry_expires"),
        )
        indexes = (
            models.Index(fields=["tenant", "expires_at"], name="ledger_entry_expiring", condition=Q(is_pending=True)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Posting(TenantModel):
    """One line of an entry: so much on one account. Debit is above zero, credit below."""

    entry = tenant_reference("ledger.Entry")
    position = models.PositiveSmallIntegerField(help_text="Place among the lines of the entry, from 1.")
    account = tenant_reference("ledger.LedgerAccount")
    amount = AmountField(help_text="Debit above zero, credit below.")
    currency = models.CharField(max_length=3, help_text="The account's.")
    booked_on = models.DateField(help_text="The entry's.")
    is_pending = models.BooleanField(help_text="The entry's.")

    class Meta:
        db_table = "ledger_posting"
        constraints = (
            UniqueConstraint(fields=["tenant", "entry", "position"], name="ledger_posting_position"),
            MatchingForeignKey(field="entry", matching=["booked_on", "is_pending"], name="ledger_posting_entry_fk"),
            MatchingForeignKey(field="account", matching=["currency"], name="ledger_posting_account_fk"),
            CheckConstraint(condition=~Q(amount=0), name="ledger_posting_not_zero"),
        )
        indexes = (
            models.Index(fields=["tenant", "account", "id"], name="ledger_posting_account"),
            models.Index(fields=["tenant", "account", "booked_on"], name="ledger_posting_booked"),
            models.Index(
                fields=["tenant", "account", "id"], name="ledger_posting_pending", condition=Q(is_pending=True)
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Resolution(TenantModel):
    """The end of a pending entry: posted, voided or expired. There is at most one for each, and it stays."""

    pending = tenant_reference("ledger.Entry")
    outcome = models.CharField(max_length=7)
    resolved_at = models.DateTimeField()
    actor = models.CharField(max_length=200)

    is_replay = False  # set on what an action returns for an entry that ended so before

    class Meta:
        db_table = "ledger_resolution"
        constraints = (
            UniqueConstraint(fields=["tenant", "pending"], name="ledger_resolution_once"),
            TenantForeignKey(field="pending", name="ledger_resolution_pending_fk"),
            CheckConstraint(condition=Q(outcome__in=[o.value for o in Outcome]), name="ledger_resolution_outcome"),
        )
        indexes = (models.Index(fields=["tenant", "id"], name="ledger_resolution_order"),)

    def __str__(self) -> str:
        return self.outcome


class PeriodClose(TenantModel):
    """The act of closing the books through a day, with a seal of what was in them, so that a later change shows."""

    closed_through = models.DateField()
    entry_count = models.BigIntegerField(help_text="Entries booked since the close before this one.")
    seal = models.CharField(max_length=64, help_text="SHA-256 over those entries, in the order of their keys.")
    closed_at = models.DateTimeField()
    actor = models.CharField(max_length=200)

    class Meta:
        db_table = "ledger_period_close"
        constraints = (UniqueConstraint(fields=["tenant", "closed_through"], name="ledger_period_close_day"),)

    def __str__(self) -> str:
        return f"closed through {self.closed_through}"


class Balance(TenantModel):
    """A cache: the sums of an account's postings up to a posting, and what was still pending up to a resolution.

    May be dropped at any time; balances are read as cache plus what came after. For an account that may not be overdrawn
    this row is also the lock that spends queue for.
    """

    account = tenant_reference("ledger.LedgerAccount")
    posting_id = models.BigIntegerField(help_text="Last posting that is in the sums.")
    resolution_id = models.BigIntegerField(help_text="Last resolution that is in the sums.")
    # Wider than an amount: two of the largest amounts on one account must not break the cache.
    posted = models.DecimalField(max_digits=38, decimal_places=8)
    pending_debit = models.DecimalField(max_digits=38, decimal_places=8)
    pending_credit = models.DecimalField(max_digits=38, decimal_places=8, help_text="Zero or below.")

    class Meta:
        db_table = "ledger_balance"
        constraints = (
            tenant_key("ledger_balance_tenant_id"),
            UniqueConstraint(fields=["tenant", "account"], name="ledger_balance_account"),
            TenantForeignKey(field="account", name="ledger_balance_account_fk"),
        )

    def __str__(self) -> str:
        return f"{self.posted} through posting {self.posting_id}"
