"""Sending the mails of a notification, each once.

As with reports (`reports.mails`) the row says *being sent*, committed, before the mail goes out: whoever is cut off after that does not know whether it
arrived, says so, and leaves it to a person. The customer counts as told when the first of its mails was taken.
"""

from __future__ import annotations

import hashlib
import smtplib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from trunkline.core.errors import Conflict, TrunklineError
from trunkline.core.period import local_text
from trunkline.kit.logs import log
from trunkline.kit.mailing import PAUSES_S, NotAccepted, hand_over, message_id
from trunkline.pricing.actions.notifications import defer_mail
from trunkline.pricing.models import Notification, NotificationMail
from trunkline.pricing.notifications.choices import MailState, NotificationState
from trunkline.pricing.notifications.columns import Mode
from trunkline.pricing.notifications.queries import file_of
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope

ACTOR: Final = "system"
MEDIA: Final = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv",
    ".zip": "application/zip",
}

Clock = Callable[[], datetime]


def send_mail(*, tenant_id: int, mail_id: int, now: Clock) -> None:
    """Afterwards the mail is sent, waits to be tried again, has failed, or is uncertain; one that is no longer waiting is not sent."""
    with scope(tenant_id, ACTOR):
        mail = _waiting(mail_id)
        if mail is None:
            return
        try:
            message = _written(mail)
        except (TrunklineError, OSError) as error:
            _fail(mail, getattr(error, "code", "file_missing"), str(error))
            return
        # Committed with the end of the scope: from here on it is ours to send.
        if not NotificationMail.objects.filter(pk=mail_id, state=MailState.WAITING).update(state=MailState.SENDING):
            return
    try:
        hand_over(message)
    except NotAccepted as error:
        _try_again(tenant_id, mail_id, str(error))
        return
    except (OSError, smtplib.SMTPException) as error:
        with scope(tenant_id, ACTOR):
            _end(mail_id, MailState.UNCERTAIN, "mail_cut_off", str(error))
        log("notification_mail_uncertain", level="warning", tenant=tenant_id, mail=mail_id)
        return
    with scope(tenant_id, ACTOR):
        _arrived(mail_id, now())


def _waiting(mail_id: int) -> NotificationMail | None:
    """The mail, if it waits. One that a dead worker was at handing over becomes uncertain."""
    found = NotificationMail.objects.select_related("notification__plan__account", "notification__plan__tariff")
    mail = found.filter(pk=mail_id).first()
    if mail is not None and mail.state == MailState.SENDING:
        detail = "The work was cut off while the mail was handed over: it may have arrived."
        _end(mail_id, MailState.UNCERTAIN, "mail_cut_off", detail)
        return None
    return mail if mail is not None and mail.state == MailState.WAITING else None


def _written(mail: NotificationMail) -> EmailMessage:
    """Raises Conflict `file_damaged` where the file is not the one that was looked at."""
    notification = mail.notification
    path = file_of(notification)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != notification.sha256:
        raise Conflict("file_damaged", "The file is not the one that was prepared.")
    with translation.override(notification.plan.language):
        message = EmailMessage(
            subject=_("Prices of %(tariff)s, %(day)s") % _words(notification),
            body="\n".join(_body(notification)) + "\n",
            to=[mail.address],
            headers={
                "Message-ID": message_id("notification", mail.tenant_id, mail.pk),
                "Auto-Submitted": "auto-generated",  # RFC 3834
            },
        )
    message.attach(notification.file_name, content, MEDIA[path.suffix])
    return message


def _words(notification: Notification) -> dict[str, str]:
    plan = notification.plan
    zone = plan.tariff.timezone
    return {
        "tariff": plan.tariff.name,
        "account": plan.account.name,
        "operator": current_tenant().name,
        "currency": plan.tariff.currency,
        "zone": zone,
        "day": local_text(notification.made_at, zone)[:10],
        "first": local_text(notification.first_effective, zone),
    }


def _body(notification: Notification) -> list[str]:
    words = _words(notification)
    kinds = {
        "new": _("new"),
        "increase": _("increases"),
        "decrease": _("decreases"),
        "changed": _("other changes"),
        "blocked": _("blocked"),
        "closed": _("closed"),
        "unchanged": _("unchanged"),
    }
    counts = [f"{name}: {notification.counts[kind]:,}" for kind, name in kinds.items() if notification.counts.get(kind)]
    if notification.mode == Mode.ALL or notification.before_id is None:
        first = _("the attached file has all prices of %(operator)s for %(account)s.") % words
    else:
        first = _("the attached file has what changes in the prices of %(operator)s for %(account)s.") % words
    return [
        _("Dear customer,"),
        "",
        first,
        _("Price list: %(tariff)s, in %(currency)s; days begin at midnight in %(zone)s.") % words,
        ", ".join(counts),
        "",
        _("Prices that the file does not name stay as they are.")
        if notification.mode == Mode.CHANGES and notification.before_id is not None
        else _("This price list takes the place of the one before."),
    ]


def _try_again(tenant_id: int, mail_id: int, reason: str) -> None:
    with scope(tenant_id, ACTOR):
        mail = NotificationMail.objects.select_for_update().get(pk=mail_id)
        mail.attempts += 1
        may_try = mail.attempts <= len(PAUSES_S)
        if may_try:
            mail.state, mail.failure, mail.failure_detail = MailState.WAITING, "mail_refused", reason
            mail.save()
            defer_mail(mail, in_seconds=PAUSES_S[mail.attempts - 1])
        else:
            mail.save()
            _end(mail_id, MailState.FAILED, "mail_refused", reason)
    log("notification_mail_refused", level="warning", tenant=tenant_id, mail=mail_id, attempts=mail.attempts)


def _fail(mail: NotificationMail, code: str, detail: str) -> None:
    _end(mail.pk, MailState.FAILED, code, detail)
    log("notification_mail_failed", level="warning", tenant=mail.tenant_id, mail=mail.pk, code=code)


def _arrived(mail_id: int, at: datetime) -> None:
    """The mail was taken: from now on the customer has been told."""
    mail = NotificationMail.objects.select_for_update().get(pk=mail_id)
    mail.state, mail.sent_at, mail.failure, mail.failure_detail = MailState.SENT, at, "", ""
    mail.save()
    notification = Notification.objects.select_for_update().get(pk=mail.notification_id)
    if notification.state != NotificationState.SENT:
        notification.state, notification.sent_at = NotificationState.SENT, at
        notification.save()


def _end(mail_id: int, state: MailState, code: str, detail: str) -> None:
    """The mail comes no further by itself; where no other mail of the notification can, the notification has failed."""
    mail = NotificationMail.objects.select_for_update().get(pk=mail_id)
    mail.state, mail.failure, mail.failure_detail = state, code[:40], detail
    mail.save()
    notification = Notification.objects.select_for_update().get(pk=mail.notification_id)
    on_their_way = NotificationMail.objects.filter(
        notification=notification, state__in=[MailState.WAITING, MailState.SENDING]
    )
    if notification.state == NotificationState.SENDING and not on_their_way.exists():
        notification.state = NotificationState.FAILED
        notification.save()
