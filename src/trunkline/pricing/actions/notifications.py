"""Sending rate notifications. `run_plan` takes a tenant and opens its scopes by itself; the others run inside an open scope."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pyarrow as pa
from django.db import transaction

from trunkline.core.errors import Conflict, TrunklineError
from trunkline.core.period import get_zone
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.pricing.actions.notification_making import AUTOMATIC, begin_preparing, begin_putting_off, prepare
from trunkline.pricing.actions.notification_rules import (
    NOTE_MAX,
    end,
    reason_of,
    require_open,
    require_plan,
    require_state,
)
from trunkline.pricing.models import Notification, NotificationMail, NotificationPlan
from trunkline.pricing.notice import OnBreach
from trunkline.pricing.notifications.choices import RUN, SEND, WRONG, MailState, NotificationState
from trunkline.pricing.notifications.looking import STOP
from trunkline.pricing.notifications.queries import find_breaches, is_current, plans, read_news, recipients_of
from trunkline.tenancy.queries import current_tenant, is_working, require_working
from trunkline.tenancy.scope import scope as tenant_scope

__all__ = [
    "begin_preparing",
    "begin_putting_off",
    "defer_mail",
    "discard",
    "plan_runs",
    "prepare",
    "run_plan",
    "send",
    "send_again",
]

Clock = Callable[[], datetime]


def send(*, notification_id: int, flag: bool = False, reason: str = "", at: datetime) -> Notification:
    """Put the mails of a prepared notification on their way, one for each recipient. Notice counts from `at`.

    With `flag` lines may begin sooner than the agreement allows; `reason` says why. Raises NotFound `not_found`; Conflict `not_prepared`, `tariff_changed`,
    `not_assigned`, `stopped_by_checks`, `notice_too_short`, `no_recipients`; Denied where the operator takes nothing new.
    """
    require_working(at)
    with transaction.atomic():
        (notification,) = lock_rows(
            Notification.objects.select_related("plan__account", "plan__tariff"), [notification_id]
        )
        plan = plans().get(pk=notification.plan_id)
        require_state(notification, NotificationState.PREPARED)
        require_plan(plan, at)
        if not is_current(notification):
            raise Conflict(
                "tariff_changed", f"{plan.tariff.name} was changed since this was prepared.", hint="Prepare it again."
            )
        _require_told(notification)
        notification.breaches = _breaches(notification, plan, at, flag=flag)
        notification.is_flagged = notification.breaches > 0
        recipients = recipients_of(plan)
        if not recipients:
            raise Conflict(
                "no_recipients",
                f"{plan.account.code} has no contact for rates with a mail address.",
                hint="Add one to the account, or name addresses in the plan.",
            )
        notification.state, notification.notified_at = NotificationState.SENDING, at
        notification.reason = reason.strip()[:NOTE_MAX] if notification.is_flagged else ""
        notification.save()
        for address in recipients:
            mail = NotificationMail.objects.create(notification=notification, address=address)
            defer_mail(mail)
    return notification


def _require_told(notification: Notification) -> None:
    stopped = [each for each in notification.findings if each["level"] == STOP]
    if stopped:
        said = "\n".join(f"{each['check']}: {each['text']}" for each in stopped)
        raise Conflict(
            "stopped_by_checks",
            f"This cannot be sent:\n{said}",
            hint="Change the template or the rates, and prepare it again.",
        )


def _breaches(notification: Notification, plan: NotificationPlan, at: datetime, *, flag: bool) -> int:
    """How many lines begin too soon if the customer is told at `at`. Raises Conflict `notice_too_short` unless that is wanted."""
    news = read_news(notification)
    found = find_breaches(plan, news, is_first=notification.before_id is None, notified_at=at)
    if len(found) and not flag:
        codes = ", ".join(news["code"].take(pa.array(found[:5])).to_pylist())
        raise Conflict(
            "notice_too_short",
            f"{len(found)} lines begin sooner than the agreement {plan.agreement} allows: {codes}{' and more' if len(found) > 5 else ''}.",
            hint="Put their dates off, or send it flagged.",
        )
    return len(found)


def defer_mail(mail: NotificationMail, *, in_seconds: int = 0) -> None:
    """Put the job that sends it in the queue."""
    jobs.defer(SEND, key=str(mail.pk), in_seconds=in_seconds, tenant_id=current_tenant_id(), mail_id=mail.pk)


def send_again(*, notification_id: int, at: datetime) -> Notification:
    """Put the mails of a notification that did not arrive, or of which nobody knows, on their way again. Those that went out stay.

    Raises NotFound `not_found`; Conflict `nothing_failed`, `superseded` where the customer was told later things meanwhile.
    """
    require_working(at)
    with transaction.atomic():
        (notification,) = lock_rows(
            Notification.objects.select_related("plan__account", "plan__tariff"), [notification_id]
        )
        failed = list(NotificationMail.objects.select_for_update().filter(notification=notification, state__in=WRONG))
        if not failed:
            raise Conflict("nothing_failed", "Every mail of this notification went out, or is on its way.")
        later = Notification.objects.filter(plan=notification.plan, pk__gt=notification.pk)
        if later.filter(state__in=[NotificationState.SENDING, NotificationState.SENT]).exists():
            raise Conflict("superseded", "The customer was told of later prices meanwhile.", hint="Prepare a new one.")
        if notification.state == NotificationState.FAILED:
            require_open(notification.plan)
            for open_one in later.filter(state__in=[NotificationState.PREPARING, NotificationState.PREPARED]):
                end(open_one, "an earlier one is sent again", at)
            notification.state = NotificationState.SENDING
            notification.save()
        for mail in failed:
            mail.state, mail.attempts, mail.failure, mail.failure_detail = MailState.WAITING, 0, "", ""
            mail.save()
            defer_mail(mail)
    return notification


def discard(*, notification_id: int, reason: str, at: datetime) -> Notification:
    """Say no to a prepared notification; nobody was told. Raises NotFound `not_found`, Conflict `not_prepared`, Invalid `reason_needed`."""
    note = reason_of(reason)
    with transaction.atomic():
        (notification,) = lock_rows(
            Notification.objects.select_related("plan__account", "plan__tariff"), [notification_id]
        )
        require_state(notification, NotificationState.PREPARED)
        end(notification, note, at)
    return notification


def plan_runs(*, at: datetime) -> list[NotificationPlan]:
    """Give every automatic plan whose hour has come its turn of today, once; those that have it."""
    if not is_working(at):
        return []
    local = at.astimezone(get_zone(current_tenant().timezone))
    due = plans().filter(is_automatic=True, is_active=True, at_hour__lte=local.hour).exclude(looked_on=local.date())
    given = []
    for plan in due:
        with transaction.atomic():
            mine = NotificationPlan.objects.filter(pk=plan.pk).exclude(looked_on=local.date())
            if mine.update(looked_on=local.date()):
                jobs.defer(RUN, key=str(plan.pk), tenant_id=current_tenant_id(), plan_id=plan.pk)
                given.append(plan)
    return given


def run_plan(tenant_id: int, plan_id: int, *, now: Clock) -> Notification | None:
    """Send what has changed, by itself. What needs a person stays prepared: lines that begin too soon, unless the agreement flags them, and what cannot be told.

    None where there is nothing new, or nobody is told any more.
    """
    try:
        notification = prepare(tenant_id, plan_id, needs_change=True, actor=AUTOMATIC, now=now)
    except Conflict:
        return None
    with tenant_scope(tenant_id, AUTOMATIC):
        agreement = plans().get(pk=plan_id).agreement
        flags = agreement is not None and agreement.on_breach == OnBreach.FLAG
        try:
            return send(notification_id=notification.pk, flag=flags, reason="flagged by the agreement", at=now())
        except TrunklineError:
            return notification
