"""Rate notifications: made, sent, sent again. `prepare` and `run_plan` take a tenant and open their scopes by themselves: nothing is computed while one is
open. The others run inside an open scope."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.core.ids import uuid7
from trunkline.core.period import first_instant, get_zone, local_date
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.parties.choices import AccountStatus
from trunkline.pricing import files
from trunkline.pricing.models import Notification, NotificationMail, NotificationPlan
from trunkline.pricing.notice import OnBreach
from trunkline.pricing.notifications import places
from trunkline.pricing.notifications.choices import RUN, SEND, WRONG, MailState, NotificationState
from trunkline.pricing.notifications.columns import FileForm, FileKind
from trunkline.pricing.notifications.looking import STOP, Finding, count_statuses, look
from trunkline.pricing.notifications.news import Mode, find_news
from trunkline.pricing.notifications.queries import (
    about,
    find_breaches,
    form_of,
    is_assigned,
    last_sent,
    plans,
    read_news,
    recipients_of,
)
from trunkline.pricing.notifications.writing import About, write_file
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import STANDING
from trunkline.tenancy.queries import current_tenant, is_working, require_working
from trunkline.tenancy.scope import scope as tenant_scope

Clock = Callable[[], datetime]

ZIP_OCTETS: Final = 5_000_000  # a larger CSV file is sent as a zip
OCTETS_MAX: Final = 15_000_000  # of a file; a mail is a third larger, and many servers refuse more than 25 MB
NOTE_MAX: Final = 500
AUTOMATIC: Final = "system"


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a notification is made of, read at one instant."""

    plan: NotificationPlan
    form: FileForm
    about: About
    now: pa.Table
    told: pa.Table | None
    before: Notification | None


def prepare(
    tenant_id: int, plan_id: int, *, mode: str | None = None, needs_change: bool = False, actor: str, now: Clock
) -> Notification:
    """Make a notification of what the customer does not know yet, to be looked at. One that was prepared before is discarded.

    `mode` is the plan's if it is not given; with `needs_change` a whole price list is made only if something in it is new.

    Raises NotFound `not_found`; Conflict `nothing_new`, `not_assigned`, `plan_ended`, `being_sent`, `tariff_changed`;
    Invalid `too_many_rows`, `unknown_mode`.
    """
    at = now().astimezone(UTC).replace(microsecond=0)
    with tenant_scope(tenant_id, actor):
        ground = _ground(plan_id, at)
    asked = _mode(mode or ground.plan.mode)
    day_begins = first_instant(local_date(at, ground.about.zone), ground.about.zone)
    told = STANDING.empty_table() if ground.told is None else ground.told

    def news_of(wanted: Mode) -> pa.Table:
        return find_news(told, ground.now, unit=ground.about.unit, at=at, day_begins=day_begins, mode=wanted)

    news = news_of(asked)
    if not len(news) or (needs_change and asked is Mode.ALL and not len(news_of(Mode.CHANGES))):
        raise Conflict(
            "nothing_new",
            f"{ground.plan.account.code} knows all prices of {ground.plan.tariff.name}.",
            hint="Ask for all rates to send the whole price list again.",
        )
    findings = look(news, ground.form, ground.about)
    public_id = uuid7()
    place = places.make_folder(tenant_id, public_id)
    try:
        files.write_table(place / places.NEWS, news)
        files.write_table(place / places.TOLD, ground.now)
        path, rows = _write(place, news, ground, findings, at)
        if path.stat().st_size > OCTETS_MAX:
            text = f"The file has {path.stat().st_size:,} octets, and mail servers refuse more than {OCTETS_MAX:,}."
            findings = [Finding("file_too_large", STOP, rows, text), *findings]
        with tenant_scope(tenant_id, actor):
            return _keep(ground, asked, news, findings, public_id, path, rows, at)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _ground(plan_id: int, at: datetime) -> _Ground:
    plan = plans().filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("not_found", "There is no such plan of notifications.")
    _require_plan(plan, at)
    _require_open(plan)
    there = tariffs.standing_rates(plan.tariff)
    # Rates and revision change together, so an unchanged revision after the reading means that these were its rates.
    tariffs.require_revision(Tariff.objects.get(pk=plan.tariff_id), plan.tariff.revision)
    before = last_sent(plan)
    told = None
    if before is not None:
        told = files.read_table(places.find_folder(current_tenant_id(), before.public_id) / places.TOLD).cast(STANDING)
    return _Ground(plan, form_of(plan.template), about(plan, at), there, told, before)


def _require_plan(plan: NotificationPlan, at: datetime) -> None:
    if not plan.is_active:
        raise Conflict("plan_ended", f"{plan.account.code} is told of {plan.tariff.name} no more.")
    if plan.account.status == AccountStatus.CLOSED or not is_assigned(plan.account, plan.tariff, at):
        raise Conflict("not_assigned", f"{plan.account.code} does not buy by {plan.tariff.name}.")


def _require_open(plan: NotificationPlan) -> None:
    if Notification.objects.filter(plan=plan, state=NotificationState.SENDING).exists():
        raise Conflict(
            "being_sent",
            f"A notification of {plan.tariff.name} is on its way to {plan.account.code}.",
            hint="What comes next depends on whether it arrives: wait until it is sent or has failed.",
        )


def _mode(mode: str) -> Mode:
    try:
        return Mode(mode)
    except ValueError as error:
        raise Invalid("unknown_mode", f"{mode!r} is no mode.", hint="Use changes or all.", field="mode") from error


def _write(place: Path, news: pa.Table, ground: _Ground, findings: list[Finding], at: datetime) -> tuple[Path, int]:
    """The file of a notification, zipped where it is large; and how many rows it has. One that cannot be told is an empty price list, and is not sent."""
    form = ground.form
    path = place / f"{_file_name(ground, at)}.{form.kind}"
    is_stopped = any(each.level == STOP for each in findings)
    rows = write_file(path, news.slice(0, 0) if is_stopped else news, form, ground.about, at=at)
    if form.kind is FileKind.CSV and path.stat().st_size > ZIP_OCTETS:
        packed = path.with_name(f"{path.name}.zip")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        path.unlink()
        path = packed
    return path, rows


def _file_name(ground: _Ground, at: datetime) -> str:
    """The tariff's name in letters that every system takes, and the day."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in ground.plan.tariff.name.lower())
    words = "-".join(part for part in plain.split("-") if part) or "rates"
    return f"{words[:80]}-{local_date(at, ground.about.zone).isoformat()}"


def _keep(
    ground: _Ground,
    mode: Mode,
    news: pa.Table,
    findings: list[Finding],
    public_id: Any,
    path: Path,
    rows: int,
    at: datetime,
) -> Notification:
    (plan,) = lock_rows(NotificationPlan.objects.select_related("account", "tariff", "agreement"), [ground.plan.pk])
    _require_open(plan)
    before = last_sent(plan)
    if (before and before.pk) != (ground.before and ground.before.pk):
        raise Conflict("being_sent", "Another notification was sent meanwhile.", hint="Prepare it again.")
    for earlier in Notification.objects.filter(plan=plan, state=NotificationState.PREPARED):
        _end(earlier, "prepared anew", at)
    return Notification.objects.create(
        public_id=public_id,
        plan=plan,
        mode=mode,
        revision=ground.plan.tariff.revision,
        before=before,
        made_at=at,
        counts=count_statuses(news),
        findings=[each.as_json() for each in findings],
        breaches=len(find_breaches(plan, news, is_first=before is None, notified_at=at)),
        first_effective=pc.min(news["valid_from"]).as_py(),
        file_name=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        octets=path.stat().st_size,
        rows=rows,
    )


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
        _require_state(notification, NotificationState.PREPARED)
        _require_plan(plan, at)
        tariff = Tariff.objects.get(pk=plan.tariff_id)
        if tariff.revision != notification.revision:
            raise Conflict(
                "tariff_changed", f"{tariff.name} was changed since this was prepared.", hint="Prepare it again."
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
            _require_open(notification.plan)
            for open_one in later.filter(state=NotificationState.PREPARED):
                _end(open_one, "an earlier one is sent again", at)
            notification.state = NotificationState.SENDING
            notification.save()
        for mail in failed:
            mail.state, mail.attempts, mail.failure, mail.failure_detail = MailState.WAITING, 0, "", ""
            mail.save()
            defer_mail(mail)
    return notification


def discard(*, notification_id: int, reason: str, at: datetime) -> Notification:
    """Say no to a prepared notification; nobody was told. Raises NotFound `not_found`, Conflict `not_prepared`, Invalid `reason_needed`."""
    note = reason.strip()[:NOTE_MAX]
    if not note:
        raise Invalid("reason_needed", "Say why.", hint="The reason stands in the history.")
    with transaction.atomic():
        (notification,) = lock_rows(
            Notification.objects.select_related("plan__account", "plan__tariff"), [notification_id]
        )
        _require_state(notification, NotificationState.PREPARED)
        _end(notification, note, at)
    return notification


def _end(notification: Notification, reason: str, at: datetime) -> None:
    notification.state, notification.ended_at, notification.reason = NotificationState.DISCARDED, at, reason
    notification.save()


def _require_state(notification: Notification, wanted: NotificationState) -> None:
    if notification.state != wanted:
        raise Conflict(
            f"not_{wanted}", f"The notification {notification.file_name} is {notification.state}, not {wanted}."
        )


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
