"""Sending a report by mail, once.

Nobody can have a mail server and a database agree in one transaction, so the order is: the report is made, then the row says *being sent* and
that is committed, then the mail goes out, then the row says *sent*. Whoever is cut off before the second step begins again. Whoever is cut off
after it does not know whether the mail arrived, says so (*uncertain*), and leaves it to a person: a mail too few is seen, one twice is not
taken back. The mail has the same Message-ID however often it is handed over.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from trunkline.core.errors import Invalid, TrunklineError
from trunkline.core.period import get_zone, local_text
from trunkline.kit.logs import log
from trunkline.kit.mailing import PAUSES_S, NotAccepted, hand_over, message_id
from trunkline.reports.actions import defer_sending
from trunkline.reports.choices import DeliveryState
from trunkline.reports.files import MEDIA, FileFormat, open_file
from trunkline.reports.models import Delivery
from trunkline.reports.queries import build, gather, parse_question
from trunkline.reports.report import Report
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.segments import WEB, retry_when_moved

ACTOR: Final = "system"
LIMITS: Final = replace(WEB, timeout_s=300)
OCTETS_MAX: Final = 15_000_000  # of the file; a mail is a third larger, and many servers refuse more than 25 MB

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Made:
    """A mail that is ready to go."""

    message: EmailMessage
    rows: int
    octets: int


def send_delivery(*, tenant_id: int, delivery_id: int, now: Clock) -> None:
    """Afterwards the mail is sent, waits to be tried again, has failed, or is uncertain; one that is no longer waiting is not sent."""
    with scope(tenant_id, ACTOR):
        delivery = Delivery.objects.select_related("report").filter(pk=delivery_id).first()
        if delivery is None or not _is_to_be_sent(delivery):
            return
    try:
        made = _make(tenant_id, delivery, at=now())
    except TrunklineError as error:
        _fail(tenant_id, delivery_id, error.code, str(error))
        return
    except Exception:
        _fail(tenant_id, delivery_id, "internal", "It could not be made; the log says more.")
        raise
    if not _claim(tenant_id, delivery_id, made):
        return
    try:
        hand_over(made.message)
    except NotAccepted as error:
        _try_again(tenant_id, delivery_id, str(error))
        return
    except (OSError, smtplib.SMTPException) as error:
        _change(
            tenant_id, delivery_id, state=DeliveryState.UNCERTAIN, failure="mail_cut_off", failure_detail=str(error)
        )
        log("report_mail_uncertain", level="warning", tenant=tenant_id, delivery=delivery_id)
        return
    _change(tenant_id, delivery_id, state=DeliveryState.SENT, sent_at=now(), failure="", failure_detail="")


def _is_to_be_sent(delivery: Delivery) -> bool:
    """Whether it waits. One that a dead worker was at handing over becomes uncertain."""
    if delivery.state == DeliveryState.SENDING:
        delivery.state, delivery.failure = DeliveryState.UNCERTAIN, "mail_cut_off"
        delivery.failure_detail = "The work was cut off while the mail was handed over: it may have arrived."
        delivery.save(update_fields=["state", "failure", "failure_detail"])
    return delivery.state == DeliveryState.WAITING and delivery.report is not None


def _make(tenant_id: int, delivery: Delivery, *, at: datetime) -> _Made:
    """Raises what a report raises, Invalid `file_too_large`."""
    if delivery.report is None:
        raise TypeError("a mail that waits has its report")
    question = parse_question(delivery.report.asked)
    kind = FileFormat(delivery.format)

    def work() -> tuple[Report, str]:
        with scope(tenant_id, ACTOR):
            tenant = current_tenant().name
            gathered = gather(question, at=delivery.due_at)
        return build(question, gathered, LIMITS), tenant

    report, tenant = retry_when_moved(work)
    with open_file(report, kind, at=at) as file:
        content = file.read(OCTETS_MAX + 1)
    if len(content) > OCTETS_MAX:
        raise Invalid("file_too_large", "The file is too large for a mail.", hint="Group by less, or filter.")
    with translation.override(delivery.language):
        message = _written(delivery, report, tenant)
    message.attach(f"{_file_name(delivery)}.{kind.value}", content, MEDIA[kind])
    return _Made(message, rows=len(report.groups), octets=len(content))


def _written(delivery: Delivery, report: Report, tenant: str) -> EmailMessage:
    period = _period(report)
    subject = f"{delivery.name}: {period}" if period else delivery.name
    lines = [
        _("%(report)s, for %(tenant)s.") % {"report": delivery.name, "tenant": tenant},
        _("Period: %(period)s") % {"period": period or _("all days")} + f" ({report.zone})",
        _("Rows: %(count)s; amounts in %(currency)s.")
        % {"count": f"{len(report.groups):,}", "currency": report.currency},
        "",
        _("The figures are in the attached file. Whoever looks after reports in Trunkline can end these mails."),
    ]
    # A name cannot hold line ends (`save_report`), and Django refuses a header that does.
    return EmailMessage(
        subject=subject,
        body="\n".join(lines) + "\n",
        to=list(delivery.recipients),
        headers={
            "Message-ID": message_id("report", delivery.tenant_id, delivery.pk),
            "Auto-Submitted": "auto-generated",
        },  # RFC 3834
    )


def _period(report: Report) -> str:
    begin, end = (local_text(each, report.zone) for each in (report.start_from, report.start_to))
    if report.start_from is not None and report.start_to is not None:
        zone = get_zone(report.zone)
        first = report.start_from.astimezone(zone)
        last = report.start_to.astimezone(zone)
        if (last - first).days <= 1 and first.date() != last.date() and begin == first.date().isoformat():
            return begin
        return _("%(begin)s until before %(end)s") % {"begin": begin, "end": end}
    return _("from %(begin)s") % {"begin": begin} if begin else ""


def _file_name(delivery: Delivery) -> str:
    """The report's name in letters that every system takes, and the day."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in delivery.name.lower())
    words = "-".join(part for part in plain.split("-") if part) or "report"
    return f"{words[:80]}-{delivery.due_at:%Y-%m-%d}"


def _claim(tenant_id: int, delivery_id: int, made: _Made) -> bool:
    """Whether it was still waiting and is now ours to send."""
    with scope(tenant_id, ACTOR):
        waiting = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.WAITING)
        return bool(waiting.update(state=DeliveryState.SENDING, rows=made.rows, octets=made.octets))


def _try_again(tenant_id: int, delivery_id: int, reason: str) -> None:
    with scope(tenant_id, ACTOR):
        delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
        delivery.attempts += 1
        delivery.failure, delivery.failure_detail = "mail_refused", reason
        may_try = delivery.attempts <= len(PAUSES_S)
        delivery.state = DeliveryState.WAITING if may_try else DeliveryState.FAILED
        delivery.save(update_fields=["attempts", "failure", "failure_detail", "state"])
        if may_try:
            defer_sending(delivery, in_seconds=PAUSES_S[delivery.attempts - 1])
    log("report_mail_refused", level="warning", tenant=tenant_id, delivery=delivery_id, attempts=delivery.attempts)


def _fail(tenant_id: int, delivery_id: int, code: str, detail: str) -> None:
    with scope(tenant_id, ACTOR):
        waiting = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.WAITING)
        waiting.update(state=DeliveryState.FAILED, failure=code[:40], failure_detail=detail)
    log("report_mail_failed", level="warning", tenant=tenant_id, delivery=delivery_id, code=code)


def _change(tenant_id: int, delivery_id: int, **fields: object) -> None:
    with scope(tenant_id, ACTOR):
        Delivery.objects.filter(pk=delivery_id).update(**fields)
