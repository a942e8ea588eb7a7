"""Words of rate notifications that stand in the database."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from trunkline.pricing.notifications.columns import CodeForm, DateForm, FileKind, Mode

SEND: Final = "pricing.send_notification"  # the job that sends one mail
PREPARE: Final = "pricing.prepare_notification"  # the job that makes a file
RUN: Final = "pricing.run_notification_plan"  # the job in which one plan has its turn


class ModeChoice(models.TextChoices):
    """How much a notification tells (`news.Mode`)."""

    CHANGES = Mode.CHANGES.value, _("what has changed since the last notification")
    ALL = Mode.ALL.value, _("all rates")


class FileKindChoice(models.TextChoices):
    """The kinds of files (`columns.FileKind`)."""

    XLSX = FileKind.XLSX.value, _("workbook (XLSX)")
    CSV = FileKind.CSV.value, _("text with delimiters (CSV)")


class DateFormChoice(models.TextChoices):
    """How a date is written (`columns.DateForm`)."""

    ISO = DateForm.ISO.value, "2026-12-31"
    POINTS = DateForm.POINTS.value, "31.12.2026"
    DAY_FIRST = DateForm.DAY_FIRST.value, "31/12/2026"
    MONTH_FIRST = DateForm.MONTH_FIRST.value, "12/31/2026"
    NAMED = DateForm.NAMED.value, "31-Dec-2026"
    COMPACT = DateForm.COMPACT.value, "20261231"


class CodeFormChoice(models.TextChoices):
    """How a code is written (`columns.CodeForm`)."""

    PLAIN = CodeForm.PLAIN.value, "447911"
    PLUS = CodeForm.PLUS.value, "+447911"
    ZEROS = CodeForm.ZEROS.value, "00447911"


class NotificationState(models.TextChoices):
    """How far a notification has come."""

    PREPARING = "preparing", _("being prepared")  # a worker makes the file
    PREPARED = "prepared", _("prepared")  # the file is there to be looked at; nobody was told
    SENDING = "sending", _("being sent")  # its mails are on their way, and none has arrived yet
    SENT = "sent", _("sent")  # a mail server has taken it: the customer has been told
    FAILED = "failed", _("failed")  # no mail went out
    DISCARDED = "discarded", _("discarded")  # somebody has said no, or it was prepared anew


OPEN: Final = (NotificationState.PREPARING, NotificationState.PREPARED, NotificationState.SENDING)


class MailState(models.TextChoices):
    """How far one mail has come."""

    WAITING = "waiting", _("waiting")  # a job sends it
    SENDING = "sending", _("being sent")  # handed to the mail server, which has not answered yet
    SENT = "sent", _("sent")  # the mail server has taken it
    FAILED = "failed", _("failed")  # it surely did not go out, and is not tried again by itself
    UNCERTAIN = "uncertain", _("uncertain")  # cut off while it was handed over: it may have arrived


WRONG: Final = (MailState.FAILED, MailState.UNCERTAIN)
