"""Words of swap deals that stand in the database."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from trunkline.pricing.deals.progress import AlarmKind
from trunkline.pricing.deals.terms import Direction, Length

MAIL: Final = "pricing.deal_mail"  # the job that sends the mail of one alarm


class DirectionChoice(models.TextChoices):
    """Who sends the traffic (`terms.Direction`)."""

    INBOUND = Direction.INBOUND.value, _("inbound: the partner to us")
    OUTBOUND = Direction.OUTBOUND.value, _("outbound: we to the partner")


class LengthChoice(models.TextChoices):
    """What the length of a period counts (`terms.Length`)."""

    DAYS = Length.DAYS.value, _("days")
    MONTHS = Length.MONTHS.value, _("months")


class AlarmChoice(models.TextChoices):
    """What an alarm says (`progress.AlarmKind`)."""

    BEHIND = AlarmKind.BEHIND.value, _("the commitment will be missed")
    ACHIEVED = AlarmKind.ACHIEVED.value, _("the commitment is kept")
    FAILED = AlarmKind.FAILED.value, _("the commitment was missed")


class AlarmMailState(models.TextChoices):
    """How far the mail of an alarm has come."""

    NONE = "none", _("nobody is told by mail")
    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    UNCERTAIN = "uncertain", _("uncertain")  # cut off while it was handed over: it is not sent twice
