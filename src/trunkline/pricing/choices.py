"""Words of the pricing team that stand in the database."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportState(models.TextChoices):
    """How far a rate sheet has come."""

    RECEIVED = "received", _("received")  # kept as it came, not read yet
    READ = "read", _("read")  # its layout waits to be looked at
    COMPARED = "compared", _("compared")  # with what is in force; nothing is changed yet
    APPLIED = "applied", _("applied")  # its rates are in the tariff
    UNDONE = "undone", _("undone")  # what was before it stands again
    DISCARDED = "discarded", _("discarded")  # somebody has said no


OPEN: Final = (ImportState.RECEIVED, ImportState.READ, ImportState.COMPARED)  # it may still be applied


class ImportWork(models.TextChoices):
    """What a worker is at with a sheet that is too large to wait for."""

    NONE = "", _("nothing")
    READING = "reading", _("being read")
    COMPARING = "comparing", _("being compared")
    APPLYING = "applying", _("being applied")


class ScopeChoice(models.TextChoices):
    """What a sheet says of the codes that it does not name (`compare.Scope`)."""

    FULL = "full", _("full: codes that are not named are closed")
    COUNTRY = "country", _("full for the countries that it names")
    PARTIAL = "partial", _("partial: codes that are not named stay")


class CountingChoice(models.TextChoices):
    """From when on the days of a notice are counted (`notice.Counting`)."""

    MIDNIGHT = "midnight", _("days from midnight before the notification")
    NOTIFICATION = "notification", _("days from the notification")
    HOUR = "hour", _("hours from an hour of the day")
    HOURS = "hours", _("hours from the notification")


class OnBreachChoice(models.TextChoices):
    """What becomes of a line that begins sooner than the agreement allows (`notice.OnBreach`)."""

    PUSH = "push", _("pushed to the first day that is allowed")
    FLAG = "flag", _("flagged and left as it is")
    REFUSE = "refuse", _("refused")


# Names of jobs, by which they are deferred.
READ_SHEET: Final = "pricing.read_sheet"
COMPARE_SHEET: Final = "pricing.compare_sheet"
APPLY_SHEET: Final = "pricing.apply_sheet"
