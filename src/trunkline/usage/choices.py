"""Choices of usage."""

from __future__ import annotations

from django.db import models

PROCESS = "usage.process"  # the job that takes a batch to its end
RESEND = "usage.resend"  # the job that sends rejects of many batches again
RESEND_ONE = "usage.resend_one"  # the job that sends the rejects of one batch again
ACCEPT = "usage.accept"  # the job that accepts the corrections of one batch
LOOK = "usage.look"  # the job that looks what a re-rating would change
LOOK_AT_RATES = "usage.look_at_rates"  # the job that looks what a rate file would change
LOAD_RATES = "usage.load_rates"  # the job that loads it
RERATE = "usage.rerate"  # the job that registers a re-rating where something changes


class BatchState(models.TextChoices):
    """How far one file has come."""

    REGISTERED = "registered", "Registered"  # known by its content, waiting for a worker
    RUNNING = "running", "Running"  # a worker decodes and rates it; nothing of it is visible
    POSTED = "posted", "Posted"  # everything of it is visible and in the books
    FAILED = "failed", "Failed"  # nothing of it is visible; `failure` says why


class Intake(models.TextChoices):
    """How a file came."""

    COMMAND = "command", "Command line"
    UPLOAD = "upload", "Upload"
    FOLDER = "folder", "Watched folder"
    RESEND = "resend", "Rejects sent again"
    RERATE = "rerate", "Records priced again"
    LEGS = "legs", "Legs that waited too long"
    SOURCE = "source", "Fetched from a source"


class SegmentKind(models.TextChoices):
    """What a segment holds."""

    RATED = "rated", "Rated records"
    REJECT = "reject", "Rejects"


class SegmentState(models.TextChoices):
    """Whether a segment counts."""

    LIVE = "live", "Live"
    SUPERSEDED = "superseded", "Superseded"  # another batch says it anew; kept for `as it was then`


class Side(models.TextChoices):
    """Which way the money goes."""

    SELL = "sell", "Sell"  # what a customer owes us
    BUY = "buy", "Buy"  # what we owe a vendor


class RuleStage(models.TextChoices):
    """When a traffic rule is looked at; `traffic.kinds.Stage` without the database."""

    BEFORE_IDENTIFICATION = "before_identification", "Before identification"
    AFTER_ACCOUNT = "after_account", "After account"
    AFTER_RATE = "after_rate", "After rate"
    AFTER_ROUTING = "after_routing", "After routing"


class RuleSide(models.TextChoices):
    """Which sides a traffic rule is for."""

    BOTH = "both", "Both"
    SELL = "sell", "Sell"
    BUY = "buy", "Buy"


class RuleThen(models.TextChoices):
    """What comes after the actions of a traffic rule that fits."""

    CONTINUE = "continue", "Continue"
    ALLOW = "allow", "Allow"
    DENY = "deny", "Deny"
