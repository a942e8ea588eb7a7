"""Words of the pricing team that stand in the database."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportState(models.TextChoices):
    """How far a rate sheet has come."""

    COMPARED = "compared", _("compared")  # with what is in force; nothing is changed yet
    APPLIED = "applied", _("applied")  # its rates are in the tariff
    UNDONE = "undone", _("undone")  # what was before it stands again
    DISCARDED = "discarded", _("discarded")  # somebody has said no


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


class DeckSource(models.TextChoices):
    """Where the codes of a change of a deck come from."""

    SHEET = "sheet", _("sheet")  # a file of codes and names
    HAND = "hand", _("by hand")  # single codes
    WORLD = "world", _("world")  # the numbering plans of the library phonenumbers


class DeckModeChoice(models.TextChoices):
    """What becomes of codes that the deck has already."""

    ADD = "add", _("add missing codes only")
    UPDATE = "update", _("update names too")


class RunState(models.TextChoices):
    """How far a run of a generator has come; what becomes of its prices is the state of its sheet."""

    WAITING = "waiting", _("being made")  # a worker takes it up
    MADE = "made", _("made")  # its sheet is there
    FAILED = "failed", _("failed")  # there is no sheet


RUN_GENERATOR = "pricing.run_generator"  # name of the job, by which it is deferred
