"""Who we trade with, and how traffic is told to be theirs."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, CheckConstraint, F, Func, Q, UniqueConstraint, Value, When
from django.db.models.functions import Cast, Coalesce

from trunkline.core.money import Amount
from trunkline.kit.history import track
from trunkline.kit.models import (
    AmountField,
    PublicIdField,
    TenantForeignKey,
    TenantModel,
    tenant_key,
    tenant_reference,
)
from trunkline.parties.choices import AccountStatus, BillingPeriod, ContactRole, IdentityKind, IdentitySide


@track()
class BillingProfile(TenantModel):
    """To whom and how an account is invoiced: the name and address on the invoice, its period, terms and tax.

    Accounts that are invoiced alike can share one.
    """

    code = models.CharField(max_length=60, help_text="Short name for commands; that of the account it was made for.")
    name = models.CharField(max_length=200, help_text="The name in the invoice's address.")
    address = models.TextField(blank=True, default="", help_text="The lines below the name, as they are printed.")
    tax_number = models.CharField(max_length=60, blank=True, default="", help_text="VAT or other tax number.")
    tax_name = models.CharField(max_length=40, blank=True, default="", help_text="The tax on the invoice, such as VAT.")
    tax_percent = models.DecimalField(max_digits=9, decimal_places=6, default=0, help_text="Percent of the net.")
    period = models.CharField(max_length=12, choices=BillingPeriod.choices, default=BillingPeriod.MONTH)
    payment_terms_days = models.PositiveSmallIntegerField(default=30, help_text="Days from invoice to due date.")
    language = models.CharField(
        max_length=10, blank=True, default="", help_text="Language of the documents; empty: the seller's."
    )

    class Meta:
        constraints = (
            tenant_key("parties_billingprofile_tenant_id"),
            UniqueConstraint(fields=["tenant", "code"], name="parties_billingprofile_code"),
            CheckConstraint(
                condition=Q(tax_percent__gte=0, tax_percent__lte=1000), name="parties_billingprofile_tax_percent"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def address_lines(self) -> list[str]:
        """The lines of the address, without empty ones."""
        return [line.strip() for line in self.address.splitlines() if line.strip()]


@track()
class Account(TenantModel):
    """Someone we trade with: a customer, a vendor, or both at once, whose two balances then net.

    Everything that is sold and bought is booked to its four ledger accounts: what it owes us, invoiced and not yet
    invoiced, and what we owe it, the same. They exist from the start, so that a customer can become a vendor too.
    """

    public_id = PublicIdField()
    code = models.CharField(max_length=60, help_text="Short name for commands and ledger accounts; never changes.")
    name = models.CharField(max_length=200)
    parent = tenant_reference("parties.Account", null=True)
    is_customer = models.BooleanField(default=True)
    is_vendor = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, help_text="Currency of its balance and invoices; never changes.")
    timezone = models.CharField(max_length=64, help_text="IANA zone of its days and invoice periods.")
    status = models.CharField(max_length=12, choices=AccountStatus.choices, default=AccountStatus.ACTIVE)
    closed_on = models.DateField(null=True, blank=True, help_text="First local day on which it is no longer served.")
    billing_profile = tenant_reference("parties.BillingProfile")
    credit_limit = AmountField(default=Amount.zero, help_text="How far its balance may go against us.")
    capacity = models.PositiveIntegerField(null=True, blank=True, help_text="Simultaneous calls; empty: no limit.")
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    receivable = tenant_reference("ledger.LedgerAccount", editable=False)
    unbilled_receivable = tenant_reference("ledger.LedgerAccount", editable=False)
    payable = tenant_reference("ledger.LedgerAccount", editable=False)
    unbilled_payable = tenant_reference("ledger.LedgerAccount", editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = (
            tenant_key("parties_account_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="parties_account_public_id"),
            UniqueConstraint(fields=["tenant", "code"], name="parties_account_code"),
            TenantForeignKey(field="parent", name="parties_account_parent_fk"),
            TenantForeignKey(field="billing_profile", name="parties_account_billing_profile_fk"),
            TenantForeignKey(field="receivable", name="parties_account_receivable_fk"),
            TenantForeignKey(field="unbilled_receivable", name="parties_account_unbilled_receivable_fk"),
            TenantForeignKey(field="payable", name="parties_account_payable_fk"),
            TenantForeignKey(field="unbilled_payable", name="parties_account_unbilled_payable_fk"),
            CheckConstraint(condition=Q(is_customer=True) | Q(is_vendor=True), name="parties_account_has_a_role"),
            CheckConstraint(condition=~Q(parent=F("id")), name="parties_account_is_not_its_own_parent"),
            CheckConstraint(
                condition=Q(status=AccountStatus.CLOSED, closed_on__isnull=False)
                | (~Q(status=AccountStatus.CLOSED) & Q(closed_on__isnull=True)),
                name="parties_account_closed_on",
            ),
        )
        indexes = (models.Index(fields=["tenant", "parent"], name="parties_account_parent"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


@track()
class Contact(TenantModel):
    """A person or office of an account, and what one turns to them for."""

    account = tenant_reference("parties.Account")
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=12, choices=ContactRole.choices, default=ContactRole.GENERAL)
    email = models.EmailField(blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    note = models.TextField(blank=True, default="")

    class Meta:
        constraints = (TenantForeignKey(field="account", name="parties_contact_account_fk"),)
        indexes = (models.Index(fields=["tenant", "account"], name="parties_contact_account"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.get_role_display()})"


# btree_gist is not there, so equality goes through ranges of one value; a text through its hash, halved because the
# upper end of a range of bigints is the value plus one. docs/algorithms/identification.md, rule 6, says what is equal.
_SAME_WORDS = Func(
    F("kind"),
    Value("\x1f"),
    F("value"),
    Value("\x1f"),
    F("tech_prefix"),
    Value("\x1f"),
    Cast("priority", models.TextField()),
    Value("\x1f"),
    Coalesce("switch", Value("\x1f")),
    arg_joiner=" || ",  # extra arguments in the order of the alphabet, or makemigrations sees a change each time
    template="(%(expressions)s)",
    output_field=models.TextField(),
)
_HASH = Func(_SAME_WORDS, Value(0), function="hashtextextended", template="(%(function)s(%(expressions)s) >> 1)")
_SIDES = Func(
    Case(When(side="buy", then=Value(1)), default=Value(0)),
    Case(When(side="sell", then=Value(1)), default=Value(2)),
    function="int4range",
)


@track()
class Identity(TenantModel):
    """A mark by which traffic is told to be an account's: trunk, address or network, account code, number, SIP user.

    Holds for records that start in `[valid_from, valid_to)`. Of several that fit, the most specific wins, then the
    lower priority number (`docs/algorithms/identification.md`). Two that are equal in all of that cannot hold at the
    same time.
    """

    account = tenant_reference("parties.Account")
    kind = models.CharField(max_length=12, choices=IdentityKind.choices)
    side = models.CharField(max_length=4, choices=IdentitySide.choices)
    switch = models.CharField(max_length=60, null=True, blank=True, help_text="Name of the switch; empty: any.")
    value = models.CharField(max_length=200, help_text="The name, number, address or network, as one writes it.")
    tech_prefix = models.CharField(max_length=32, blank=True, default="", help_text="What called numbers begin with.")
    priority = models.PositiveSmallIntegerField(default=100, help_text="The lower number wins.")
    valid_from = models.DateTimeField(null=True, blank=True, help_text="Empty: always was.")
    valid_to = models.DateTimeField(null=True, blank=True, help_text="The first instant after it; empty: open.")

    class Meta:
        verbose_name_plural = "identities"
        constraints = (
            TenantForeignKey(field="account", name="parties_identity_account_fk"),
            # An identity that was ended before it began holds never: its two instants are equal.
            CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="parties_identity_validity",
            ),
            CheckConstraint(condition=~Q(value=""), name="parties_identity_value"),
            CheckConstraint(condition=Q(tech_prefix__regex=r"^[0-9*#]*$"), name="parties_identity_tech_prefix"),
            ExclusionConstraint(
                name="parties_identity_equal_and_overlapping",
                expressions=[
                    (Func(F("tenant"), F("tenant"), Value("[]"), function="int8range"), "="),
                    (Func(_HASH, _HASH, Value("[]"), function="int8range"), "="),
                    (_SIDES, "&&"),
                    (Func(F("valid_from"), F("valid_to"), function="tstzrange"), "&&"),
                ],
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "account"], name="parties_identity_account"),
            models.Index(fields=["tenant", "value"], name="parties_identity_value_key"),
        )

    def __str__(self) -> str:
        prefix = f" with prefix {self.tech_prefix}" if self.tech_prefix else ""
        return f"{self.get_kind_display()} {self.value}{prefix}"
