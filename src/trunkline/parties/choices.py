"""Choices of the parties."""

from __future__ import annotations

from django.db import models

from trunkline.parties import kinds


class AccountStatus(models.TextChoices):
    """Whether an account is served. Traffic of a suspended account is still told to be its own, and rated."""

    ACTIVE = "active", "Active"  # served
    SUSPENDED = "suspended", "Suspended"  # not to be served for now; what comes all the same is rated and billed
    CLOSED = "closed", "Closed"  # from `closed_on` on, nothing is told to be its any more


class BillingPeriod(models.TextChoices):
    """How much time one usage invoice covers, in the account's timezone."""

    DAY = "day", "Day"  # each day
    WEEK = "week", "Week"  # Monday to Sunday
    HALF_MONTH = "half_month", "Half month"  # the 1st to the 15th, the 16th to the end
    MONTH = "month", "Month"  # each calendar month


class ContactRole(models.TextChoices):
    """What one turns to a contact for."""

    BILLING = "billing", "Billing"  # invoices and payments
    TECHNICAL = "technical", "Technical"  # the network operations centre
    RATES = "rates", "Rates"  # price lists and their changes
    DISPUTES = "disputes", "Disputes"  # figures that do not agree
    GENERAL = "general", "General"  # everything else


class IdentityKind(models.TextChoices):
    """What of a record the identity looks at."""

    TRUNK = kinds.IdentityKind.TRUNK.value, "Trunk"  # the name of the trunk, gateway or trunk group, exactly
    IP = kinds.IdentityKind.IP.value, "IP or network"  # the address of the other side, or a network around it
    ACCOUNT_CODE = kinds.IdentityKind.ACCOUNT_CODE.value, "Account code"  # what the switch calls the account, exactly
    CALLING = kinds.IdentityKind.CALLING.value, "Calling number"  # the calling number in E.164, exactly
    SIP_USER = kinds.IdentityKind.SIP_USER.value, "SIP user"  # the user that authenticated, exactly


class IdentitySide(models.TextChoices):
    """Which direction of traffic the identity names the account of."""

    SELL = "sell", "Sell"  # traffic that the account sends to us: it is the customer
    BUY = "buy", "Buy"  # traffic that we send to the account: it is the vendor
    BOTH = "both", "Both"  # either


class Side(models.TextChoices):
    """The two sides of a record."""

    SELL = kinds.Side.SELL.value, "Sell"  # what the customer owes us
    BUY = kinds.Side.BUY.value, "Buy"  # what we owe the vendor
