"""Choices of invoicing."""

from __future__ import annotations

from django.db import models

BILL = "invoicing.bill_run"  # the job that takes a bill run to its end


class InvoiceKind(models.TextChoices):
    """What a document says."""

    INVOICE = "invoice", "Invoice"  # the customer owes us its total
    CREDIT_NOTE = "credit_note", "Credit note"  # its total is negative: we owe the customer


class InvoiceState(models.TextChoices):
    """Whether a document counts. A preview is no document: nothing of it is kept."""

    ISSUED = "issued", "Issued"  # numbered and in the books; never edited
    VOID = "void", "Void"  # taken back: reversed in the books, its usage unbilled again, its number stays used


class LineKind(models.TextChoices):
    """Which usage a line bills."""

    USAGE = "usage", "Usage"  # of the document's own period
    LATE = "late", "Late usage"  # of earlier days, or of days that were invoiced before it was known
    ADJUSTMENT = "adjustment", "Adjustment"  # of days invoiced before whose records were priced anew since


class Unit(models.TextChoices):
    """What the quantities of a line count."""

    SECOND = "second", "Seconds"  # calls, shown as minutes
    OCTET = "octet", "Octets"  # data
    MESSAGE = "message", "Messages"  # messages and single events


class BillRunState(models.TextChoices):
    """How far a bill run has come."""

    QUEUED = "queued", "Queued"  # asked for, waiting for a worker
    RUNNING = "running", "Running"  # documents are being issued, account by account
    DONE = "done", "Done"  # every account of it has its outcome
    FAILED = "failed", "Failed"  # it ended before its last account; `failure` says why, and what was issued stays


class BillOutcome(models.TextChoices):
    """What became of an account in a bill run."""

    WAITING = "waiting", "Waiting"  # not its turn yet
    ISSUED = "issued", "Issued"  # it has a document
    UNCHANGED = "unchanged", "Issued before"  # the document of this period was there, and nothing has come since
    NOTHING = "nothing", "Nothing to bill"  # nothing of it is unbilled, or attempts alone that never connected
    REFUSED = "refused", "Refused"  # no document could be made; `reason` says why
