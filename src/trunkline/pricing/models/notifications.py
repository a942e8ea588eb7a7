"""Telling customers of their prices: how the file looks, who is told of which tariff, each notification, and each of its mails."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.pricing.notifications.choices import (
    OPEN,
    CodeFormChoice,
    DateFormChoice,
    FileKindChoice,
    MailState,
    ModeChoice,
    NotificationState,
)


def usual_columns() -> list[list[str]]:
    """The columns of a template that names none, each with its title."""
    from trunkline.pricing.notifications.columns import FileForm

    return [[column.value, title] for column, title in FileForm().columns]


@track()
class NotificationTemplate(TenantModel):
    """How the price lists look that customers get: which columns, in which order, and how dates, prices and codes are written."""

    name = models.CharField(max_length=120, help_text="What the template is called.")
    columns = models.JSONField(
        default=usual_columns, help_text="The columns in their order, each with the title that stands above it."
    )
    kind = models.CharField(
        max_length=4, choices=FileKindChoice.choices, default=FileKindChoice.XLSX, help_text="The kind of file."
    )
    date_form = models.CharField(
        max_length=12, choices=DateFormChoice.choices, default=DateFormChoice.ISO, help_text="How dates are written."
    )
    decimal_mark = models.CharField(max_length=1, default=".", help_text="What parts the decimals: a point or a comma.")
    code_form = models.CharField(
        max_length=8, choices=CodeFormChoice.choices, default=CodeFormChoice.PLAIN, help_text="How codes are written."
    )
    title_rows = models.JSONField(
        default=list,
        blank=True,
        help_text="Rows above the columns. {operator}, {account}, {tariff}, {currency} and {date} are filled in.",
    )
    has_currency_row = models.BooleanField(default=True, help_text="A row above the columns names the currency.")

    class Meta:
        constraints = (
            tenant_key("pricing_notificationtemplate_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="pricing_notificationtemplate_name"),
            CheckConstraint(condition=Q(decimal_mark__in=[".", ","]), name="pricing_notificationtemplate_mark"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class NotificationPlan(TenantModel):
    """A customer that is told of the prices of one of its tariffs: in which form, with how much notice, whom, and when by itself."""

    public_id = PublicIdField()
    account = tenant_reference("parties.Account")
    tariff = tenant_reference("tariffs.Tariff")
    template = tenant_reference("pricing.NotificationTemplate")
    agreement = tenant_reference("pricing.Agreement", null=True)
    mode = models.CharField(
        max_length=8,
        choices=ModeChoice.choices,
        default=ModeChoice.CHANGES,
        help_text="What is told: what has changed, or the whole price list.",
    )
    recipients = models.JSONField(
        default=list, blank=True, help_text="Addresses; empty: the account's contacts for rates."
    )
    language = models.CharField(max_length=10, default="en", help_text="Language of the mail.")
    is_automatic = models.BooleanField(
        default=False, help_text="Changes are sent by themselves, each day at the hour below."
    )
    at_hour = models.PositiveSmallIntegerField(
        default=6, validators=[MaxValueValidator(23)], help_text="Hour of the operator's clock, 0 to 23."
    )
    looked_on = models.DateField(null=True, editable=False, help_text="The last day on which it had its turn.")
    is_active = models.BooleanField(default=True, help_text="Off: the customer is told no more.")
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = (
            tenant_key("pricing_notificationplan_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_notificationplan_public_id"),
            UniqueConstraint(fields=["tenant", "account", "tariff"], name="pricing_notificationplan_tariff"),
            TenantForeignKey(field="account", name="pricing_notificationplan_account_fk"),
            TenantForeignKey(field="tariff", name="pricing_notificationplan_tariff_fk"),
            TenantForeignKey(field="template", name="pricing_notificationplan_template_fk"),
            TenantForeignKey(field="agreement", name="pricing_notificationplan_agreement_fk"),
            CheckConstraint(condition=Q(at_hour__lte=23), name="pricing_notificationplan_hour"),
        )

    def __str__(self) -> str:
        return f"{self.account.code}: {self.tariff.name}"


@track()
class Notification(TenantModel):
    """One price list for one customer: made from a revision of the tariff, looked at, sent, and kept as it was sent.

    Its file, its lines and what the customer knows after it lie below the data folder (`notifications.places`). The last one that was sent is what the next
    is compared with.
    """

    public_id = PublicIdField()
    plan = tenant_reference("pricing.NotificationPlan")
    mode = models.CharField(max_length=8, choices=ModeChoice.choices)
    state = models.CharField(max_length=10, choices=NotificationState.choices, default=NotificationState.PREPARING)
    revision = models.PositiveIntegerField(null=True, help_text="Revision of the tariff that it tells.")
    before = tenant_reference("pricing.Notification", null=True)
    made_at = models.DateTimeField(help_text="When it was made: prices that hold from then on are told.")
    counts = models.JSONField(default=dict, help_text="Lines of each status.")
    findings = models.JSONField(default=list, help_text="What to look at before it is sent.")
    breaches = models.PositiveIntegerField(default=0, help_text="Lines that begin sooner than the agreement allows.")
    is_flagged = models.BooleanField(default=False, help_text="Sent although lines begin too soon.")
    first_effective = models.DateTimeField(null=True, help_text="When the first of its lines begins.")
    file_name = models.CharField(max_length=160, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    octets = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    notified_at = models.DateTimeField(null=True, help_text="When it was given to be sent: notice counts from then.")
    sent_at = models.DateTimeField(null=True, help_text="When the first mail server took it.")
    ended_at = models.DateTimeField(null=True, help_text="When it was discarded.")
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why it was discarded or flagged.")
    failure = models.CharField(max_length=40, blank=True, default="", help_text="Stable code of why it was not made.")

    class Meta:
        constraints = (
            tenant_key("pricing_notification_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_notification_public_id"),
            TenantForeignKey(field="plan", name="pricing_notification_plan_fk"),
            TenantForeignKey(field="before", name="pricing_notification_before_fk"),
            # Of one customer and tariff one is looked at or on its way at a time: two would tell the same changes.
            UniqueConstraint(
                fields=["tenant", "plan"],
                condition=Q(state__in=list(OPEN)),
                name="pricing_notification_open",
            ),
            CheckConstraint(
                condition=Q(state__in=[NotificationState.PREPARING, NotificationState.DISCARDED])
                | (Q(revision__isnull=False) & ~Q(sha256="")),
                name="pricing_notification_made",
            ),
            CheckConstraint(
                condition=~Q(state=NotificationState.SENT) | Q(sent_at__isnull=False, notified_at__isnull=False),
                name="pricing_notification_sent",
            ),
        )
        indexes = (models.Index(fields=["tenant", "plan", "made_at"], name="pricing_notification_plan"),)

    def __str__(self) -> str:
        return self.file_name or f"{self.plan}"


class NotificationMail(TenantModel):
    """One mail with a notification to one address: there is one, however often it is tried."""

    notification = tenant_reference("pricing.Notification")
    address = models.EmailField()
    state = models.CharField(max_length=9, choices=MailState.choices, default=MailState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was tried.")
    failure = models.CharField(max_length=40, blank=True, help_text="Stable code of what is in the way.")
    failure_detail = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, help_text="When the mail server took it.")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "notification", "address"], name="pricing_notificationmail_address"),
            TenantForeignKey(field="notification", name="pricing_notificationmail_notification_fk"),
        )

    def __str__(self) -> str:
        return self.address
