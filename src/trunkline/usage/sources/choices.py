"""Choices of sources."""

from __future__ import annotations

from typing import Final

from django.db import models

PULL: Final = "usage.pull"  # the job that looks into one source


class SourceKind(models.TextChoices):
    """How the files are reached."""

    FOLDER = "folder", "Folder of this machine"  # its files are read where they lie, and moved aside (`usage.collect`)
    SFTP = "sftp", "SFTP"
    FTPS = "ftps", "FTP over explicit TLS"
    IMAP = "imap", "Mailbox (IMAP over TLS)"


DEFAULT_PORT: Final = {SourceKind.SFTP: 22, SourceKind.FTPS: 21, SourceKind.IMAP: 993}


class AfterSuccess(models.TextChoices):
    """What becomes of a file at its source once its records are posted."""

    LEAVE = "leave", "Leave it"  # a mail is marked as seen
    ARCHIVE = "archive", "Move it into a folder"
    DELETE = "delete", "Delete it"


class ReceiptState(models.TextChoices):
    """How far one remote file has come."""

    SEEN = "seen", "Seen"  # listed; not fetched yet, or not at rest
    TAKEN = "taken", "Taken"  # its content is a batch; what shall become of the file there is still to be done
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"  # it cannot be taken as it is: its name, its size, or its batch failed
    IGNORED = "ignored", "Ignored"  # a mail that has nothing for us


class AlarmKind(models.TextChoices):
    """What is wrong with a feed."""

    STALLED = "stalled", "No new file in time"
    FAILING = "failing", "Failures in a row"
    REPEATED = "repeated", "A file came again"
    REFUSED = "refused", "Files that cannot be taken"
