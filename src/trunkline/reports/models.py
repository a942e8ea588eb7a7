"""Questions that are kept, and the mails with their answers."""

from __future__ import annotations

from datetime import time

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.reports.choices import AttachedFormat, DeliveryState, Every
from trunkline.reports.schedule import Plan


@track()
class SavedReport(TenantModel):
    """A report that is asked again and again, by the name that people gave it. Its figures are made anew each time."""

    name = models.CharField(max_length=120)
    asked = models.JSONField(help_text="Options of the report as people write them, by name; see `parse_question`.")

    class Meta:
        constraints = (
            tenant_key("reports_savedreport_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="reports_savedreport_name"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class Schedule(TenantModel):
    """When a saved report goes out by mail, and to whom. Its clock is that of the report's zone, the operator's if it names none."""

    report = tenant_reference("reports.SavedReport")
    every = models.CharField(max_length=5, choices=Every.choices)
    on_day = models.PositiveSmallIntegerField(null=True, help_text="1 (Monday) to 7 of a week, 1 to 31 of a month.")
    at_time = models.TimeField(default=time(6), help_text="On the report's clock.")
    format = models.CharField(max_length=4, choices=AttachedFormat.choices, default=AttachedFormat.XLSX)
    recipients = models.JSONField(help_text="Addresses; each sees the others.")
    language = models.CharField(max_length=10, default="en", help_text="Of the mail's words.")
    active_since = models.DateTimeField(help_text="Nothing that was planned before goes out.")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "report"], name="reports_schedule_report"),
            TenantForeignKey(field="report", name="reports_schedule_report_fk"),
            CheckConstraint(
                name="reports_schedule_on_day",
                condition=Q(every=Every.DAY, on_day=None)
                | Q(every=Every.WEEK, on_day__range=(1, 7))
                | Q(every=Every.MONTH, on_day__range=(1, 31)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.every} {self.at_time:%H:%M}"

    @property
    def plan(self) -> Plan:
        """When it goes out."""
        return Plan(self.every, self.on_day, self.at_time)


class Delivery(TenantModel):
    """One mail with a report: of one report and one planned instant there is one, however often the schedule is looked at.

    It stays when the report is removed: what has left the house, and to whom, is not forgotten.
    """

    report = tenant_reference("reports.SavedReport", null=True)
    name = models.CharField(max_length=120, help_text="What the report was called.")
    due_at = models.DateTimeField(
        help_text="The planned instant, of which the moving period of the report is reckoned."
    )
    is_planned = models.BooleanField(default=True, help_text="Off where somebody asked for it at once.")
    format = models.CharField(max_length=4, choices=AttachedFormat.choices)
    recipients = models.JSONField()
    language = models.CharField(max_length=10, default="en")
    state = models.CharField(max_length=9, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was tried.")
    rows = models.PositiveBigIntegerField(null=True, help_text="Rows of the report.")
    octets = models.PositiveBigIntegerField(null=True, help_text="Size of the file.")
    failure = models.CharField(max_length=40, blank=True, help_text="Stable code of what is in the way.")
    failure_detail = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = (
            UniqueConstraint(fields=["tenant", "report", "due_at"], name="reports_delivery_due"),
            TenantForeignKey(field="report", name="reports_delivery_report_fk"),
        )
        indexes = (models.Index(fields=["tenant", "due_at"], name="reports_delivery_due_at"),)

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%Y-%m-%d}"
