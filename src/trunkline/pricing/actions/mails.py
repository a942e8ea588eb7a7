"""Writes of mails: seen, settled, following what becomes of their sheets, tried again, set aside. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from trunkline.core.errors import Conflict
from trunkline.core.ids import uuid7
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing.choices import ImportState, MailState
from trunkline.pricing.mailbox.message import Attachment
from trunkline.pricing.mailbox.rules import OF_SHEET, overall, state_of_findings
from trunkline.pricing.models import Mail, Mailbox, MailboxFeed, MailSheet, SheetImport


def begin_reading(mailbox: Mailbox, validity: str) -> MailboxFeed:
    """How far a mailbox has been read; from its beginning where its UIDs have begun anew."""
    (feed,) = lock_rows(
        MailboxFeed.objects.all(), MailboxFeed.objects.filter(mailbox=mailbox).values_list("pk", flat=True)
    )
    if feed.validity != validity:
        feed.validity, feed.last_uid = validity, 0
        feed.save(update_fields=["validity", "last_uid"])
    return feed


def see_mail(mailbox: Mailbox, *, key: str, uid: int, validity: str, facts: dict[str, Any], at: datetime) -> Mail:
    """Write down a mail and that the mailbox has been read up to it, both or neither. One that is known by its key only gets its new place."""
    with transaction.atomic():
        mail, _ = Mail.objects.update_or_create(
            mailbox=mailbox,
            key=key,
            defaults={"locator": f"{validity}/{uid}"},
            create_defaults={"locator": f"{validity}/{uid}", "seen_at": at, **facts},
        )
        pass_over(mailbox, uid)
    return mail


def learn_mail(mail: Mail, facts: dict[str, Any]) -> Mail:
    """Keep what is known of a mail once it can be read."""
    for name, value in facts.items():
        setattr(mail, name, value)
    mail.save(update_fields=list(facts))
    return mail


def pass_over(mailbox: Mailbox, uid: int) -> None:
    """The mailbox has been read up to this UID."""
    MailboxFeed.objects.filter(mailbox=mailbox, last_uid__lt=uid).update(last_uid=uid)


def settle_mail(mail: Mail, state: MailState, *, at: datetime, detail: str = "", rule_id: int | None = None) -> None:
    """Say what became of a mail."""
    Mail.objects.filter(pk=mail.pk).update(state=state, detail=detail, rule=rule_id, settled_at=at)


def plan_sheets(mail: Mail, files: Sequence[Attachment]) -> list[MailSheet]:
    """The files of a mail that are wanted, each with the id that its sheet has; those that are there already as they are."""
    return [
        MailSheet.objects.get_or_create(
            mail=mail, number=each.number, defaults={"name": each.name, "sha256": each.sha256, "import_id": uuid7()}
        )[0]
        for each in files
    ]


def settle_sheet(planned: MailSheet, state: MailState, *, detail: str = "", sheet: SheetImport | None = None) -> None:
    """Say what became of a file of a mail."""
    MailSheet.objects.filter(pk=planned.pk).update(state=state, detail=detail, sheet=sheet)


def follow_sheet(sheet: SheetImport, *, at: datetime) -> None:
    """Have the mail that a sheet came by say what has become of the sheet: part of the transaction in which that happens."""
    mails = list(MailSheet.objects.filter(sheet=sheet).values_list("mail_id", flat=True))
    if not mails:
        return
    (mail,) = lock_rows(Mail.objects.all(), mails)
    if sheet.state == ImportState.COMPARED:  # once more, after somebody has corrected its layout
        state, detail = state_of_findings(sheet.findings)
    else:
        state, detail = OF_SHEET[sheet.state], sheet.reason
    MailSheet.objects.filter(sheet=sheet).update(state=state, detail=detail)
    if mail.state != MailState.NEW:  # whoever is at it says it at the end
        close_mail(mail, at=at)


def close_mail(mail: Mail, *, at: datetime) -> None:
    """Give a mail the state of its most pressing sheet."""
    sheets = list(MailSheet.objects.filter(mail=mail).order_by("number"))
    state = overall(each.state for each in sheets)
    detail = "; ".join(f"{each.name}: {each.detail}" for each in sheets if each.detail and each.state == state)
    Mail.objects.filter(pk=mail.pk).update(state=state, detail=detail, settled_at=at)


def try_mail_again(*, mail_id: int, at: datetime) -> Mail:
    """Have a mail read once more, by the rules as they are now; the next look is due at once.

    Raises NotFound `not_found`; Conflict `mail_has_sheet` while a sheet of it waits or is applied.
    """
    with transaction.atomic():
        (mail,) = lock_rows(Mail.objects.select_related("mailbox"), [mail_id])
        _require_without_sheet(mail, ImportState.UNDONE, ImportState.DISCARDED)
        MailSheet.objects.filter(mail=mail).delete()
        mail.state, mail.detail, mail.rule, mail.settled_at = MailState.NEW, "", None, None
        mail.save()
        MailboxFeed.objects.filter(mailbox=mail.mailbox_id).update(next_at=at)
    return mail


def dismiss_mail(*, mail_id: int, reason: str, at: datetime) -> Mail:
    """Set a mail aside: nothing is to be done. Raises NotFound `not_found`; Conflict `mail_has_sheet` while a sheet of it waits."""
    with transaction.atomic():
        (mail,) = lock_rows(Mail.objects.all(), [mail_id])
        _require_without_sheet(mail, ImportState.APPLIED, ImportState.UNDONE, ImportState.DISCARDED)
        mail.state, mail.detail, mail.settled_at = MailState.DISMISSED, reason.strip()[:500], at
        mail.save()
    return mail


def _require_without_sheet(mail: Mail, *harmless: ImportState) -> None:
    held = SheetImport.objects.filter(
        pk__in=MailSheet.objects.filter(mail=mail, sheet__isnull=False).values("sheet_id")
    )
    if found := held.exclude(state__in=harmless).first():
        raise Conflict(
            "mail_has_sheet",
            f"The sheet {found.file_name} of this mail is {found.get_state_display()}.",
            hint="Discard it, or undo it, and do this again.",
        )
