"""Mails to staff of rate sheets that wait for somebody."""

from __future__ import annotations

from django.db import models
from django.db.models import UniqueConstraint

from trunkline.kit.models import TenantForeignKey, TenantModel, tenant_reference
from trunkline.pricing.choices import ReminderState


class SheetReminder(TenantModel):
    """One mail to one of the staff that lists the rate sheets that wait: of a person and an hour there is one, however often it is looked."""

    membership = tenant_reference("identity.Membership")
    hour = models.DateTimeField(help_text="The hour, in UTC, in which it was made.")
    made_at = models.DateTimeField()
    listed = models.JSONField(default=list, help_text="Ids of the mails of vendors that it names.")
    state = models.CharField(max_length=9, choices=ReminderState.choices, default=ReminderState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was tried.")
    failure_detail = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True, help_text="When the mail server took it.")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "membership", "hour"], name="pricing_sheetreminder_hour"),
            TenantForeignKey(field="membership", name="pricing_sheetreminder_membership_fk"),
        )

    def __str__(self) -> str:
        return f"reminder of {self.membership_id}, {self.made_at:%Y-%m-%d %H:%M}"


class SheetReminderOff(TenantModel):
    """One of the staff wants no mails of sheets that wait."""

    membership = tenant_reference("identity.Membership")
    since = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "membership"], name="pricing_sheetreminderoff_member"),
            TenantForeignKey(field="membership", name="pricing_sheetreminderoff_membership_fk"),
        )

    def __str__(self) -> str:
        return f"no reminders for {self.membership_id}"
