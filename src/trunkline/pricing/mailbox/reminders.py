"""Staff are told by mail which rate sheets wait for somebody (docs/algorithms/mail-to-sheet.md), each mail once.

As with notifications (`notifications.mailing`) the row says *being sent*, committed, before the mail goes out: whoever is cut off after that does not know
whether it arrived, and it is not sent again.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from trunkline.core.period import local_text
from trunkline.identity.models import Membership
from trunkline.identity.permissions import Permission
from trunkline.identity.queries import members_who_may
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_name
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.logs import log
from trunkline.kit.mailing import PAUSES_S, NotAccepted, hand_over, message_id
from trunkline.pricing.choices import REMIND, ReminderState
from trunkline.pricing.mailbox.queries import waiting
from trunkline.pricing.models import Mail, SheetReminder, SheetReminderOff
from trunkline.tenancy.queries import current_tenant, is_working
from trunkline.tenancy.scope import scope

ACTOR: Final = "system"
PAUSE: Final = timedelta(hours=1)  # between two mails to one person
KEPT: Final = timedelta(days=30)
SHOWN: Final = 30

Clock = Callable[[], datetime]


def approvers(at: datetime) -> list[Membership]:
    """The staff who may apply rate sheets and want to be told of those that wait; nobody where the tenant takes nothing new."""
    if not is_working(at):
        return []
    off = set(SheetReminderOff.objects.values_list("membership_id", flat=True))
    return [each for each in members_who_may(Permission.TARIFFS_WRITE, at) if each.pk not in off]


def set_reminders(*, membership: Membership, is_told: bool, at: datetime) -> None:
    """Afterwards one of the staff is told by mail of sheets that wait, or is not. Needs an open scope."""
    if is_told:
        SheetReminderOff.objects.filter(membership=membership).delete()
    else:
        SheetReminderOff.objects.get_or_create(membership=membership, defaults={"since": at})


def plan_reminders(*, at: datetime) -> list[SheetReminder]:
    """Afterwards a mail is on its way to each of the staff for whom something waits that none has told them of; gives those. Needs an open scope.

    To one person none goes out within an hour of the one before. Looking twice, or two workers at once, makes one.
    """
    lock_name("pricing_reminders", current_tenant_id())
    ids = list(waiting().order_by("pk").values_list("pk", flat=True))
    if not ids:
        return []
    last = last_reminders()
    told = _last(SheetReminder.objects.exclude(state__in=(ReminderState.FAILED, ReminderState.NEEDLESS)))
    made = []
    for member in approvers(at):
        before = last[member.pk].made_at if member.pk in last else None
        known = told[member.pk].listed if member.pk in told else []
        if (before is None or at - before >= PAUSE) and not set(ids) <= set(known):
            made.append(_make(member, ids, at))
    return made


def last_reminders() -> dict[int, SheetReminder]:
    """The last mail to each of the staff, by their membership. Needs an open scope."""
    return _last(SheetReminder.objects.all())


def _last(found: QuerySet[SheetReminder]) -> dict[int, SheetReminder]:
    """The newest of each person."""
    rows = found.order_by("membership", "-made_at", "-pk").distinct("membership")
    return {each.membership_id: each for each in rows}


def _make(member: Membership, ids: Sequence[int], at: datetime) -> SheetReminder:
    hour = at.replace(minute=0, second=0, microsecond=0)
    reminder = SheetReminder.objects.create(membership=member, hour=hour, made_at=at, listed=ids)
    jobs.defer(REMIND, key=str(reminder.pk), tenant_id=current_tenant_id(), reminder_id=reminder.pk)
    return reminder


def forget_reminders(*, at: datetime) -> None:
    """Afterwards the mails of more than a month ago are forgotten, but for the last one of each person. Needs an open scope."""
    newest = [each.pk for each in last_reminders().values()]
    SheetReminder.objects.filter(made_at__lt=at - KEPT).exclude(pk__in=newest).delete()


def send_reminder(*, tenant_id: int, reminder_id: int, now: Clock) -> None:
    """Afterwards the mail is sent, waits to be tried again, has failed, is uncertain, or is needless; one that does not wait is not sent."""
    message = _claim(tenant_id, reminder_id, now())
    if message is None:
        return
    try:
        hand_over(message)
    except NotAccepted as error:
        _try_again(tenant_id, reminder_id, str(error))
    except (OSError, smtplib.SMTPException) as error:
        _change(tenant_id, reminder_id, state=ReminderState.UNCERTAIN, failure_detail=str(error))
        log("sheet_reminder_uncertain", level="warning", tenant=tenant_id, reminder=reminder_id)
    else:
        _change(tenant_id, reminder_id, state=ReminderState.SENT, failure_detail="", sent_at=now())


def _claim(tenant_id: int, reminder_id: int, at: datetime) -> EmailMessage | None:
    """The mail, if it waits and something still does; it is ours to send from here on."""
    with scope(tenant_id, ACTOR):
        reminder = SheetReminder.objects.select_for_update().filter(pk=reminder_id).first()
        if reminder is None:
            return None
        if reminder.state == ReminderState.SENDING:
            reminder.state = ReminderState.UNCERTAIN
            reminder.failure_detail = "The work was cut off while the mail was handed over: it may have arrived."
            reminder.save(update_fields=["state", "failure_detail"])
        if reminder.state != ReminderState.WAITING:
            return None
        member = next((each for each in approvers(at) if each.pk == reminder.membership_id), None)
        mails = list(waiting().order_by("-received_at", "-pk"))
        if member is None or not mails:
            reminder.state = ReminderState.NEEDLESS
            reminder.save(update_fields=["state"])
            return None
        reminder.state, reminder.listed = ReminderState.SENDING, sorted(each.pk for each in mails)
        reminder.save(update_fields=["state", "listed"])
        with translation.override(member.user.language or "en"):
            return _written(reminder, member, mails)


def _written(reminder: SheetReminder, member: Membership, mails: Sequence[Mail]) -> EmailMessage:
    tenant, count = current_tenant(), len(mails)
    said = {"count": f"{count:,}", "operator": tenant.name}
    subject = ngettext("%(count)s rate sheet waits: %(operator)s", "%(count)s rate sheets wait: %(operator)s", count)
    lines = [
        _("These came by mail to %(operator)s and want somebody:") % said,
        "",
        *(
            f"- {local_text(each.received_at, tenant.timezone)[:16]}  {each.rule.name if each.rule else each.sender}: "
            f"{_one_line(each.subject) or _('(no subject)')} ({each.get_state_display()})"
            for each in mails[:SHOWN]
        ),
        *([_("and %(count)s more") % {"count": f"{count - SHOWN:,}"}] if count > SHOWN else []),
        "",
        _("Look at them under Sheets by mail: %(address)s") % {"address": settings.PUBLIC_URL},
        _("There is at most one such mail an hour. You can turn them off there."),
    ]
    return EmailMessage(
        subject=_one_line(subject % said),
        body="\n".join(lines) + "\n",
        to=[member.user.email],
        headers={
            "Message-ID": message_id("sheets", reminder.tenant_id, reminder.pk),
            "Auto-Submitted": "auto-generated",  # RFC 3834
        },
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _try_again(tenant_id: int, reminder_id: int, reason: str) -> None:
    with scope(tenant_id, ACTOR):
        reminder = SheetReminder.objects.select_for_update().get(pk=reminder_id)
        reminder.attempts += 1
        may_try = reminder.attempts <= len(PAUSES_S)
        reminder.state = ReminderState.WAITING if may_try else ReminderState.FAILED
        reminder.failure_detail = reason
        reminder.save(update_fields=["attempts", "state", "failure_detail"])
        if may_try:
            pause = PAUSES_S[reminder.attempts - 1]
            jobs.defer(REMIND, key=str(reminder_id), in_seconds=pause, tenant_id=tenant_id, reminder_id=reminder_id)
    log("sheet_reminder_refused", level="warning", tenant=tenant_id, reminder=reminder_id, attempts=reminder.attempts)


def _change(tenant_id: int, reminder_id: int, **fields: object) -> None:
    with scope(tenant_id, ACTOR):
        SheetReminder.objects.filter(pk=reminder_id).update(**fields)
