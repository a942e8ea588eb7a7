"""Mailboxes that rate sheets come by, the rules for their mails, and what became of each mail."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import (
    AmountField,
    PublicIdField,
    TenantForeignKey,
    TenantModel,
    tenant_key,
    tenant_reference,
)
from trunkline.pricing.choices import ReceivedMailState, RuleAction

NAME_MAX = 60


@track(exclude=["password"])
class Mailbox(TenantModel):
    """A mailbox to which vendors send their rate sheets. Nothing is changed in it: no mail is marked, moved or removed.

    The password is sealed (`kit.secrets`) and bound to this row; it is in no history. How far it has been read stands in `MailboxFeed`.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=NAME_MAX, help_text="By which it is found in lists, such as Rates desk.")
    host = models.CharField(max_length=253, help_text="Name or address of the IMAP server alone.")
    port = models.PositiveIntegerField(default=993, help_text="993 as a rule; TLS from the first octet.")
    login = models.CharField(max_length=200, help_text="User on the server.")
    password = models.TextField(help_text="Sealed.")
    secrets_changed_at = models.DateTimeField(null=True, help_text="When the password was given last.")
    pin = models.CharField(
        max_length=64,
        blank=True,
        help_text="Fingerprint of the one certificate that is trusted; empty: by authorities.",
    )
    folder = models.CharField(max_length=500, default="INBOX", help_text="Folder of the mailbox.")
    every_min = models.PositiveIntegerField(default=5, help_text="Minutes from one look to the next.")
    taken_from = models.DateTimeField(help_text="Mails that the server received earlier are left alone.")
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "mailboxes"
        constraints = (
            tenant_key("pricing_mailbox_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="pricing_mailbox_name"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_mailbox_public_id"),
            CheckConstraint(condition=Q(every_min__gt=0), name="pricing_mailbox_schedule"),
        )

    def __str__(self) -> str:
        return self.name


class MailboxFeed(TenantModel):
    """How far a mailbox has been read and how that went: one row beside each, written at every look, and no part of its history."""

    mailbox = tenant_reference("pricing.Mailbox")
    validity = models.CharField(max_length=20, blank=True, help_text="UIDVALIDITY: with another one UIDs begin anew.")
    last_uid = models.BigIntegerField(default=0, help_text="Mails up to this UID have been written down.")
    next_at = models.DateTimeField(help_text="When it is looked into next.")
    looked_at = models.DateTimeField(null=True, help_text="When the last look began.")
    succeeded_at = models.DateTimeField(null=True, help_text="When a look came to its end without an error.")
    failures = models.PositiveIntegerField(default=0, help_text="Looks in a row that failed.")
    failure = models.CharField(max_length=40, blank=True, help_text="Stable code of the last failure.")
    failure_detail = models.TextField(blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "mailbox"], name="pricing_mailboxfeed_mailbox"),
            TenantForeignKey(field="mailbox", name="pricing_mailboxfeed_mailbox_fk"),
        )

    def __str__(self) -> str:
        return f"feed of {self.mailbox_id}"


@track()
class MailRule(TenantModel):
    """Which mails of a mailbox are meant, by which template their sheets are read, and when they are applied without a person.

    The first rule that fits a mail, by position, decides. Limits that are empty limit nothing; errors in rows, and what any check has found, always
    want a person.
    """

    public_id = PublicIdField()
    mailbox = tenant_reference("pricing.Mailbox")
    position = models.PositiveIntegerField(help_text="Rules are tried in this order; the first that fits decides.")
    name = models.CharField(max_length=NAME_MAX, help_text="What it is called, as the vendor.")
    senders = models.JSONField(help_text="Whose mails: addresses, @domain for all of a domain, or * for everybody.")
    subject = models.CharField(
        max_length=200, blank=True, help_text="Regular expression (RE2) that is found in the subject; empty: any."
    )
    attachment = models.CharField(
        max_length=100, default="*", help_text="Names of the files to take, as *.xlsx; a star stands for anything."
    )
    action = models.CharField(
        max_length=7, choices=RuleAction.choices, default=RuleAction.COMPARE, help_text="What becomes of such mails."
    )
    template = tenant_reference("pricing.SheetTemplate", null=True)
    applies_itself = models.BooleanField(
        default=False, help_text="Apply a sheet without a person that is within the limits."
    )
    limit_cost = AmountField(null=True, help_text="Most that it may cost more a month, in the tariff's currency.")
    limit_increases = models.PositiveSmallIntegerField(
        null=True, validators=[MaxValueValidator(100)], help_text="Most lines that may go up, percent."
    )
    limit_closed = models.PositiveIntegerField(null=True, help_text="Most codes that may close.")
    limit_drop = models.PositiveSmallIntegerField(
        null=True, validators=[MaxValueValidator(100)], help_text="Percent of lines fewer than in the sheet before."
    )

    class Meta:
        constraints = (
            tenant_key("pricing_mailrule_tenant_id"),
            UniqueConstraint(fields=["tenant", "mailbox", "name"], name="pricing_mailrule_name"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_mailrule_public_id"),
            TenantForeignKey(field="mailbox", name="pricing_mailrule_mailbox_fk"),
            TenantForeignKey(field="template", name="pricing_mailrule_template_fk"),
            CheckConstraint(
                condition=Q(action=RuleAction.COMPARE, template__isnull=False)
                | Q(action=RuleAction.IGNORE, template__isnull=True, applies_itself=False),
                name="pricing_mailrule_template",
            ),
            CheckConstraint(
                condition=Q(applies_itself=False) | Q(limit_cost__isnull=False), name="pricing_mailrule_limited"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Mail(TenantModel):
    """One mail of a mailbox, once: known by its Message-ID and what it holds, wherever in the mailbox it lies."""

    public_id = PublicIdField()
    mailbox = tenant_reference("pricing.Mailbox")
    key = models.CharField(max_length=64, help_text="SHA-256 of Message-ID and content.")
    locator = models.CharField(max_length=41, help_text="UIDVALIDITY/UID: where it lies.")
    message_id = models.CharField(max_length=255, blank=True)
    sender = models.CharField(max_length=320, blank=True, help_text="Who it claims to be from.")
    subject = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField(help_text="When the mail server received it: notice counts from then.")
    effective_on = models.DateField(null=True, help_text="The day from which prices hold, if the mail names one.")
    octets = models.BigIntegerField(default=0)
    files = models.JSONField(default=list, help_text="Names of what hangs on it.")
    rule = tenant_reference("pricing.MailRule", null=True)
    state = models.CharField(max_length=13, choices=ReceivedMailState.choices, default=ReceivedMailState.NEW)
    detail = models.TextField(blank=True, help_text="Why it has that state.")
    seen_at = models.DateTimeField(help_text="When it was seen first.")
    settled_at = models.DateTimeField(null=True, help_text="When it got its state.")

    class Meta:
        constraints = (
            tenant_key("pricing_mail_tenant_id"),
            UniqueConstraint(fields=["tenant", "mailbox", "key"], name="pricing_mail_key"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_mail_public_id"),
            TenantForeignKey(field="mailbox", name="pricing_mail_mailbox_fk"),
            TenantForeignKey(field="rule", name="pricing_mail_rule_fk"),
        )
        indexes = (
            models.Index(fields=["tenant", "received_at"], name="pricing_mail_received"),
            models.Index(fields=["tenant", "state"], name="pricing_mail_state"),
        )

    def __str__(self) -> str:
        return self.subject or self.sender or str(self.public_id)


class MailSheet(TenantModel):
    """One file of a mail that a rule has wanted, and the rate sheet that was made of it."""

    mail = tenant_reference("pricing.Mail")
    number = models.PositiveIntegerField(help_text="Which part of the mail.")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    import_id = models.UUIDField(help_text="The id that its sheet has, said before it is made: so it is made once.")
    sheet = tenant_reference("pricing.SheetImport", null=True)
    state = models.CharField(max_length=13, choices=ReceivedMailState.choices, default=ReceivedMailState.NEW)
    detail = models.TextField(blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "mail", "number"], name="pricing_mailsheet_number"),
            TenantForeignKey(field="mail", name="pricing_mailsheet_mail_fk"),
            TenantForeignKey(field="sheet", name="pricing_mailsheet_sheet_fk"),
        )
        indexes = (models.Index(fields=["tenant", "sheet"], name="pricing_mailsheet_sheet"),)

    def __str__(self) -> str:
        return self.name
