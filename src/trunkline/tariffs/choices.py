"""Choices of the tariffs."""

from __future__ import annotations

from django.db import models

from trunkline.core.money import RoundingMode
from trunkline.engine.units import Unit
from trunkline.parties.choices import Side

__all__ = ["DestinationKind", "RateRounding", "Service", "Side", "TariffUnit"]


class DestinationKind(models.TextChoices):
    """What kind of network a destination is."""

    FIXED = "fixed", "Fixed"  # geographic numbers
    MOBILE = "mobile", "Mobile"  # mobile numbers
    SPECIAL = "special", "Special"  # premium, shared cost, personal, satellite
    TOLL_FREE = "toll_free", "Toll free"  # free for the caller
    OTHER = "other", "Other"  # not told


class TariffUnit(models.TextChoices):
    """What the quantities of a tariff count."""

    SECOND = Unit.SECOND.value, "Second"  # calls: price changes inside an event count
    OCTET = Unit.OCTET.value, "Octet"  # data
    MESSAGE = Unit.MESSAGE.value, "Message"  # messages and single events


class Service(models.TextChoices):
    """What is sold and bought; each has its own list of tariffs."""

    VOICE = "voice", "Voice"  # calls, in seconds
    SMS = "sms", "SMS"  # messages
    DATA = "data", "Data"  # octets
    EVENT = "event", "Event"  # anything that is counted


class RateRounding(models.IntegerChoices):
    """How an amount is rounded once, at the end; all modes act on the magnitude."""

    HALF_UP = RoundingMode.HALF_UP, "half_up"  # the middle goes away from zero
    HALF_EVEN = RoundingMode.HALF_EVEN, "half_even"  # the middle goes to the even digit
    UP = RoundingMode.UP, "up"  # away from zero
    DOWN = RoundingMode.DOWN, "down"  # towards zero
