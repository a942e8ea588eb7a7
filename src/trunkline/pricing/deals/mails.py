"""The mail of one alarm, sent once.

The row says *being sent* before the mail is handed over, and *sent* afterwards. Whoever is cut off between the two does not know whether it arrived and says
so: it is not sent twice.
"""

from __future__ import annotations

import smtplib
from typing import Final

from django.core.mail import EmailMessage

from trunkline.kit import jobs
from trunkline.kit.logs import log
from trunkline.kit.mailing import PAUSES_S, NotAccepted, hand_over, message_id
from trunkline.pricing.deals.choices import MAIL, AlarmChoice, AlarmMailState
from trunkline.pricing.models import DealAlarm
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope

ACTOR: Final = "system"


def send_alarm(*, tenant_id: int, alarm_id: int) -> None:
    """Afterwards the mail is sent, waits to be tried again, has failed or is uncertain; one that does not wait is not sent."""
    message = _claim(tenant_id, alarm_id)
    if message is None:
        return
    try:
        hand_over(message)
    except NotAccepted as error:
        _try_again(tenant_id, alarm_id, str(error))
    except (OSError, smtplib.SMTPException) as error:
        _change(tenant_id, alarm_id, AlarmMailState.UNCERTAIN, str(error))
    else:
        _change(tenant_id, alarm_id, AlarmMailState.SENT, "")


def _claim(tenant_id: int, alarm_id: int) -> EmailMessage | None:
    """The mail of an alarm that waits, and is ours to send from here on."""
    with scope(tenant_id, ACTOR):
        alarm = DealAlarm.objects.select_for_update().filter(pk=alarm_id).first()
        if alarm is None:
            return None
        if alarm.mail_state == AlarmMailState.SENDING:
            alarm.mail_state = AlarmMailState.UNCERTAIN
            alarm.mail_detail = "The work was cut off while the mail was handed over: it may have arrived."
            alarm.save(update_fields=["mail_state", "mail_detail"])
        if alarm.mail_state != AlarmMailState.WAITING:
            return None
        alarm.mail_state = AlarmMailState.SENDING
        alarm.save(update_fields=["mail_state"])
        return _written(alarm)


def _written(alarm: DealAlarm) -> EmailMessage:
    deal = alarm.deal
    kind = AlarmChoice(alarm.kind).label
    lines = [
        f"{deal.name}, a swap deal of {current_tenant().name} with {deal.account.name}: {kind}.",
        "",
        alarm.detail,
        "",
        "Whoever looks after prices in Trunkline can end these mails.",
    ]
    return EmailMessage(
        subject=f"{deal.name}: {kind}",
        body="\n".join(lines) + "\n",
        to=list(deal.recipients),
        headers={
            "Message-ID": message_id("deal-alarm", alarm.tenant_id, alarm.pk),
            "Auto-Submitted": "auto-generated",  # RFC 3834
        },
    )


def _try_again(tenant_id: int, alarm_id: int, reason: str) -> None:
    with scope(tenant_id, ACTOR):
        alarm = DealAlarm.objects.select_for_update().get(pk=alarm_id)
        alarm.mail_attempts += 1
        may_try = alarm.mail_attempts <= len(PAUSES_S)
        alarm.mail_state = AlarmMailState.WAITING if may_try else AlarmMailState.FAILED
        alarm.mail_detail = reason
        alarm.save(update_fields=["mail_attempts", "mail_state", "mail_detail"])
        if may_try:
            pause = PAUSES_S[alarm.mail_attempts - 1]
            jobs.defer(MAIL, tenant_id=tenant_id, alarm_id=alarm_id, in_seconds=pause)
    log("deal_mail_refused", level="warning", tenant=tenant_id, alarm=alarm_id, attempts=alarm.mail_attempts)


def _change(tenant_id: int, alarm_id: int, state: AlarmMailState, detail: str) -> None:
    with scope(tenant_id, ACTOR):
        DealAlarm.objects.filter(pk=alarm_id).update(mail_state=state, mail_detail=detail)
