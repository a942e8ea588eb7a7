"""Choices of reports that go out by mail."""

from __future__ import annotations

from typing import Final

from django.db import models

SEND: Final = "reports.send"  # the job that makes and sends one mail


class Every(models.TextChoices):
    """How often a report goes out."""

    DAY = "day", "Every day"
    WEEK = "week", "Every week"
    MONTH = "month", "Every month"


class AttachedFormat(models.TextChoices):
    """What hangs on the mail."""

    XLSX = "xlsx", "Workbook (XLSX)"
    CSV = "csv", "CSV"


class DeliveryState(models.TextChoices):
    """How far one mail has come."""

    WAITING = "waiting", "Waiting"  # a job makes it
    SENDING = "sending", "Being sent"  # handed to the mail server, which has not answered yet
    SENT = "sent", "Sent"  # the mail server has taken it
    FAILED = "failed", "Failed"  # it surely did not go out, and is not tried again by itself
    UNCERTAIN = (
        "uncertain",
        "Uncertain",
    )  # cut off while it was handed over: it may have arrived, so nobody sends it twice


WRONG: Final = (DeliveryState.FAILED, DeliveryState.UNCERTAIN)
