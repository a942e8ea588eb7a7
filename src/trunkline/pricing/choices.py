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
    """What a worker is at with a sheet, a change of a deck or an edit of rates that is too large to wait for."""

    NONE = "", _("nothing")
    READING = "reading", _("being read")
    COMPARING = "comparing", _("being compared")
    APPLYING = "applying", _("being applied")
    UNDOING = "undoing", _("being undone")


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


class RuleAction(models.TextChoices):
    """What becomes of the mails that a rule fits."""

    COMPARE = "compare", _("compare their sheets")
    IGNORE = "ignore", _("ignore them")


class ReceivedMailState(models.TextChoices):
    """What became of a mail, or of a sheet that hung on it (docs/algorithms/mail-to-sheet.md)."""

    NEW = "new", _("being read")  # seen; the next look goes on with it
    WAITING = "waiting", _("waits for approval")  # compared, and nothing speaks against it but that a person shall look
    UNCLEAR = "unclear", _("cannot tell the layout")  # compared as it was understood; the layout wants a person
    ROW_ERRORS = "row_errors", _("errors in rows")  # compared; some rows cannot be read
    REFUSED = "refused", _("refused by a check")  # compared; a check stops it
    WRONG_TYPE = "wrong_type", _("wrong file type")  # no kind of file that is read
    BAD_ARCHIVE = "bad_archive", _("cannot open the file")  # damaged, with a password, or unpacking to too much
    EMPTY = "empty", _("empty file")  # no cells, or no rates
    TOO_LARGE = "too_large", _("too large")  # the mail has more octets than are taken
    NO_ATTACHMENT = "no_attachment", _("no attachment")  # a rule fits, and nothing hangs on it that the rule wants
    FAILED = "failed", _("failed")  # something else is in the way; the detail says what
    GONE = "gone", _("gone from the mailbox")  # it was removed there before it was read
    NO_RULE = "no_rule", _("no rule fits")  # so there is no template to read it by
    IGNORED = "ignored", _("ignored by a rule")
    DUPLICATE = "duplicate", _("came before")  # the same file waits or is applied already
    APPLIED = "applied", _("applied")  # its rates are in the tariff
    UNDONE = "undone", _("undone")  # it was applied, and taken back
    DISCARDED = "discarded", _("discarded")  # somebody has said no to its sheet
    DISMISSED = "dismissed", _("set aside")  # somebody has looked at it, and nothing is to be done


class ReminderState(models.TextChoices):
    """How far a mail to staff has come that lists the sheets that wait."""

    WAITING = "waiting", _("waiting")  # a job sends it
    SENDING = "sending", _("being sent")  # handed to the mail server, which has not answered yet
    SENT = "sent", _("sent")  # the mail server has taken it
    NEEDLESS = (
        "needless",
        _("not needed"),
    )  # before it went out nothing waited any more, or the person no longer wants or may
    FAILED = "failed", _("failed")  # it surely did not go out, and is not tried again by itself
    UNCERTAIN = "uncertain", _("uncertain")  # cut off while it was handed over: it may have arrived


REMIND: Final = "pricing.remind"  # the job that sends one of these
LOOK_INTO_MAILBOX: Final = "pricing.look_into_mailbox"  # the job that looks into one mailbox
# Names of jobs, by which they are deferred.
READ_SHEET: Final = "pricing.read_sheet"
COMPARE_SHEET: Final = "pricing.compare_sheet"
APPLY_SHEET: Final = "pricing.apply_sheet"
UNDO_SHEET: Final = "pricing.undo_sheet"
COMPARE_DECK: Final = "pricing.compare_deck"
APPLY_DECK: Final = "pricing.apply_deck"
UNDO_DECK: Final = "pricing.undo_deck"
APPLY_EDIT: Final = "pricing.apply_edit"
