"""Where files are fetched from, what has been seen there, and what is wrong with a feed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.usage.sources.choices import AfterSuccess, AlarmKind, ReceiptState, SourceKind


@track(exclude=["password", "private_key"])
class Source(TenantModel):
    """Where the files of a switch come from: a watched folder of this machine, or a folder or mailbox on somebody's server.

    Secrets are sealed (`kit.secrets`) and bound to this row; they are in no history. How far it has come stands in `Feed`.
    """

    public_id = PublicIdField()
    switch = tenant_reference("usage.Switch")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=6, choices=SourceKind.choices)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=0)
    login = models.CharField(max_length=200, blank=True)
    password = models.TextField(blank=True, help_text="Sealed.")
    private_key = models.TextField(blank=True, help_text="Sealed, in OpenSSH's format without passphrase.")
    secrets_changed_at = models.DateTimeField(null=True, help_text="When password or key were given last.")
    pin = models.CharField(
        max_length=200, blank=True, help_text="Fingerprint of the host key or certificate that is trusted."
    )
    path = models.CharField(max_length=500, help_text="Folder; for mail the mailbox.")
    pattern = models.CharField(max_length=100, default="*", help_text="Names of the files to take.")
    senders = models.JSONField(default=list, blank=True, help_text="Addresses or @domains whose mails are taken.")
    every_min = models.PositiveIntegerField(null=True, help_text="Minutes from one look to the next.")
    cron = models.CharField(max_length=100, blank=True, help_text="Or when, in five fields, UTC.")
    rest_s = models.PositiveIntegerField(default=60, help_text="Seconds for which a file must not have changed.")
    limit_octets = models.BigIntegerField(default=4 << 30, help_text="Larger files are refused.")
    after = models.CharField(max_length=7, choices=AfterSuccess.choices, default=AfterSuccess.LEAVE)
    archive = models.CharField(max_length=500, blank=True, help_text="Folder or mailbox that finished files move to.")
    expected_min = models.PositiveIntegerField(null=True, help_text="Alarm after so many minutes without a new file.")
    has_recurring_names = models.BooleanField(
        default=False, help_text="The same name comes again with other content, as a log does that grows."
    )
    is_active = models.BooleanField(default=True)
    active_since = models.DateTimeField(help_text="Since when new files are expected.")

    class Meta:
        constraints = (
            tenant_key("usage_source_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="usage_source_name"),
            UniqueConstraint(fields=["tenant", "public_id"], name="usage_source_public_id"),
            TenantForeignKey(field="switch", name="usage_source_switch_fk"),
            models.CheckConstraint(
                name="usage_source_schedule",
                condition=Q(kind=SourceKind.FOLDER, every_min=None, cron="")
                | (Q(every_min__gt=0, cron="") & ~Q(kind=SourceKind.FOLDER))
                | (Q(every_min=None) & ~Q(cron="") & ~Q(kind=SourceKind.FOLDER)),
            ),
            models.CheckConstraint(
                name="usage_source_archive", condition=~Q(after=AfterSuccess.ARCHIVE) | ~Q(archive="")
            ),
        )

    def __str__(self) -> str:
        return self.name


class Feed(TenantModel):
    """How a source has been doing: one row beside each, written at every look, and no part of its history."""

    source = tenant_reference("usage.Source")
    next_at = models.DateTimeField(help_text="When it is looked into next.")
    looked_at = models.DateTimeField(null=True, help_text="When the last look began.")
    succeeded_at = models.DateTimeField(null=True, help_text="When a look came to its end without an error.")
    new_at = models.DateTimeField(null=True, help_text="When a file came that had not been there before.")
    failures = models.PositiveIntegerField(default=0, help_text="Looks in a row that failed.")
    failure = models.CharField(max_length=40, blank=True, help_text="Stable code of the last failure.")
    failure_detail = models.TextField(blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "source"], name="usage_feed_source"),
            TenantForeignKey(field="source", name="usage_feed_source_fk"),
        )

    def __str__(self) -> str:
        return f"feed of {self.source_id}"


class Receipt(TenantModel):
    """One file as it was at its source: where it lay, how large it was and when it was changed, or which mail it hung on.

    The key is made of all that, so one that changes is another. Each is fetched once; what it holds counts once as a batch in any case.
    """

    source = tenant_reference("usage.Source")
    key = models.CharField(max_length=64)
    locator = models.CharField(
        max_length=1000, help_text="Path on the server; for mail UIDVALIDITY/UID/number of the attachment."
    )
    name = models.CharField(max_length=255)
    octets = models.BigIntegerField()
    version = models.CharField(max_length=60, blank=True, help_text="When it was changed, as the server says it.")
    modified_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=ReceiptState.choices, default=ReceiptState.SEEN)
    detail = models.TextField(blank=True, help_text="Why it was refused, or not yet moved or deleted.")
    batch = tenant_reference("usage.Batch", null=True)
    first_seen_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "source", "key"], name="usage_receipt_key"),
            TenantForeignKey(field="source", name="usage_receipt_source_fk"),
            TenantForeignKey(field="batch", name="usage_receipt_batch_fk"),
            models.CheckConstraint(
                name="usage_receipt_batch_of_taken",
                condition=Q(batch__isnull=False) | ~Q(state__in=(ReceiptState.TAKEN, ReceiptState.DONE)),
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "source", "state"], name="usage_receipt_state"),
            models.Index(fields=["tenant", "batch"], name="usage_receipt_batch"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class Alarm(TenantModel):
    """Something that is wrong with a feed: raised once, counted while it lasts, cleared by itself when it is over."""

    source = tenant_reference("usage.Source")
    kind = models.CharField(max_length=8, choices=AlarmKind.choices)
    detail = models.TextField()
    count = models.PositiveIntegerField(default=1)
    raised_at = models.DateTimeField()
    last_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                fields=["tenant", "source", "kind"], condition=Q(cleared_at=None), name="usage_alarm_open"
            ),
            TenantForeignKey(field="source", name="usage_alarm_source_fk"),
        )
        indexes = (models.Index(fields=["tenant", "raised_at"], name="usage_alarm_raised"),)

    def __str__(self) -> str:
        return f"{self.kind} since {self.raised_at}"
