"""Making rate notifications. `prepare` takes a tenant and opens its scopes by itself: nothing is computed while one is open. The others run inside one."""

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
from trunkline.core.period import first_instant, local_date
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.pricing import files
from trunkline.pricing.actions.notification_rules import (
    NOTE_MAX,
    end,
    reason_of,
    require_open,
    require_plan,
    require_state,
)
from trunkline.pricing.models import Notification, NotificationPlan
from trunkline.pricing.notifications import places
from trunkline.pricing.notifications.choices import PREPARE, NotificationState
from trunkline.pricing.notifications.columns import FileForm, FileKind, Mode
from trunkline.pricing.notifications.looking import STOP, WARN, Finding, count_statuses, look
from trunkline.pricing.notifications.news import Int64s, are_held_by, find_news
from trunkline.pricing.notifications.queries import about, find_breaches, form_of, last_sent, plans, read_known
from trunkline.pricing.notifications.sold import lineage_mark, sold_rates
from trunkline.pricing.notifications.writing import About, write_file
from trunkline.tariffs.actions import standing_rates
from trunkline.tariffs.models import Rate
from trunkline.tariffs.rate_file import STANDING, rate_bounds
from trunkline.tenancy.scope import scope as tenant_scope

Clock = Callable[[], datetime]

ZIP_OCTETS: Final = 5_000_000  # a larger CSV file is sent as a zip
OCTETS_MAX: Final = 15_000_000  # of a file; a mail is a third larger, and many servers refuse more than 25 MB
AUTOMATIC: Final = "system"
NOT_PUT_OFF: Final = (
    "Lines that begin too soon are of special rates or of a parent's prices. Putting dates off leaves these as they are: change them where they stand, "
    "or send the notification flagged."
)


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
    tenant_id: int,
    plan_id: int,
    *,
    mode: str | None = None,
    needs_change: bool = False,
    into: int | None = None,
    actor: str,
    now: Clock,
) -> Notification:
    """Make a notification of what the customer does not know yet, to be looked at. One that was prepared before is discarded.

    `mode` is the plan's if it is not given; with `needs_change` a whole price list is made only if something in it is new. `into` is the row of
    `begin_preparing`, else there is a new one.

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
    with tenant_scope(tenant_id, actor):
        public_id = uuid7() if into is None else Notification.objects.get(pk=into).public_id
    place = places.make_folder(tenant_id, public_id)
    try:
        files.write_table(place / places.NEWS, news)
        files.write_table(place / places.TOLD, ground.now)
        path, rows = _write(place, news, ground, findings, at)
        if path.stat().st_size > OCTETS_MAX:
            text = f"The file has {path.stat().st_size:,} octets, and mail servers refuse more than {OCTETS_MAX:,}."
            findings = [Finding("file_too_large", STOP, rows, text), *findings]
        with tenant_scope(tenant_id, actor):
            return _keep(ground, asked, news, findings, public_id, path, rows, at, into)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _ground(plan_id: int, at: datetime) -> _Ground:
    plan = plans().filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("not_found", "There is no such plan of notifications.")
    require_plan(plan, at)
    require_open(plan)
    mark = lineage_mark(plan.tariff)
    there = sold_rates(plan.tariff).replace_schema_metadata({places.LINEAGE: mark})
    # Rates and stamps change together, so unchanged stamps after the reading mean that these were the rates.
    if lineage_mark(plan.tariff) != mark:
        raise Conflict("tariff_changed", f"{plan.tariff.name} was changed meanwhile.", hint="Prepare it again.")
    before = last_sent(plan)
    told = None
    if before is not None:
        told = read_known(before)
    return _Ground(plan, form_of(plan.template), about(plan, at), there, told, before)


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
    into: int | None,
) -> Notification:
    (plan,) = lock_rows(NotificationPlan.objects.select_related("account", "tariff", "agreement"), [ground.plan.pk])
    require_open(plan)
    before = last_sent(plan)
    if (before and before.pk) != (ground.before and ground.before.pk):
        raise Conflict("being_sent", "Another notification was sent meanwhile.", hint="Prepare it again.")
    _end_prepared(plan, at, but=into)
    notification = Notification(public_id=public_id, plan=plan)
    if into is not None:
        (notification,) = lock_rows(Notification.objects.all(), [into])
        require_state(notification, NotificationState.PREPARING)
    notification.state, notification.mode, notification.made_at = NotificationState.PREPARED, mode, at
    notification.revision, notification.before = ground.plan.tariff.revision, before
    notification.counts = count_statuses(news)
    too_soon = find_breaches(plan, news, is_first=before is None, notified_at=at)
    notification.findings = [each.as_json() for each in (*findings, *_not_put_off(ground, news, too_soon, at))]
    notification.breaches = len(too_soon)
    notification.first_effective = pc.min(news["valid_from"]).as_py()
    notification.file_name, notification.octets, notification.rows = path.name, path.stat().st_size, rows
    with path.open("rb") as file:
        notification.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    notification.save()
    return notification


def _not_put_off(ground: _Ground, news: pa.Table, too_soon: Int64s, at: datetime) -> list[Finding]:
    """That putting off leaves lines as they are which begin too soon: those of special rates, and of a parent."""
    tariff = ground.plan.tariff
    if not len(too_soon):
        return []
    if tariff.parent_id is None and not Rate.objects.filter(tariff=tariff, special__isnull=False).exists():
        return []
    begins, _ = rate_bounds(news)
    to_come = too_soon[begins[too_soon] > int(at.timestamp())]
    count = int((~are_held_by(standing_rates(tariff), news.take(pa.array(to_come)))).sum())
    return [Finding("not_put_off", WARN, count, NOT_PUT_OFF)] if count else []


def begin_preparing(*, plan_id: int, mode: str | None = None, at: datetime) -> Notification:
    """Have a worker make a notification; what was prepared before is discarded. Where there is nothing to tell it is discarded and says why.

    Raises NotFound `not_found`; Conflict `being_sent`, `not_assigned`, `plan_ended`; Invalid `unknown_mode`.
    """
    notification = _begin(plan_id, mode, at)
    _defer_preparing(notification, None, "")
    return notification


def begin_putting_off(*, notification_id: int, reason: str, at: datetime) -> Notification:
    """Have a worker put off what begins too soon (`notification_dates.put_off`) and make the notification anew; that new one.

    Raises NotFound `not_found`; Conflict `not_prepared` and as `begin_preparing`; Invalid `reason_needed`.
    """
    note = reason_of(reason)
    with transaction.atomic():
        (earlier,) = lock_rows(Notification.objects.select_related("plan__account", "plan__tariff"), [notification_id])
        require_state(earlier, NotificationState.PREPARED)
        notification = _begin(earlier.plan_id, earlier.mode, at)
        _defer_preparing(notification, earlier.pk, note)
    return notification


def _begin(plan_id: int, mode: str | None, at: datetime) -> Notification:
    with transaction.atomic():
        lock_rows(NotificationPlan.objects.all(), [plan_id])
        plan = plans().get(pk=plan_id)
        require_plan(plan, at)
        require_open(plan)
        _end_prepared(plan, at, but=None)
        return Notification.objects.create(
            plan=plan,
            state=NotificationState.PREPARING,
            mode=_mode(mode or plan.mode),
            made_at=at.replace(microsecond=0),
        )


def _defer_preparing(notification: Notification, put_off: int | None, reason: str) -> None:
    jobs.defer(
        PREPARE,
        key=str(notification.pk),
        tenant_id=current_tenant_id(),
        notification_id=notification.pk,
        put_off=put_off,
        reason=reason,
    )


def give_up(*, notification_id: int, error: TrunklineError, at: datetime) -> None:
    """A notification that was to be prepared cannot be made: it is discarded and says why."""
    with transaction.atomic():
        (notification,) = lock_rows(
            Notification.objects.select_related("plan__account", "plan__tariff"), [notification_id]
        )
        if notification.state == NotificationState.PREPARING:
            notification.failure = error.code[:40]
            end(notification, str(error)[:NOTE_MAX], at)


def _end_prepared(plan: NotificationPlan, at: datetime, *, but: int | None) -> None:
    waiting = [NotificationState.PREPARING, NotificationState.PREPARED]
    for earlier in Notification.objects.filter(plan=plan, state__in=waiting).exclude(pk=but or 0):
        end(earlier, "prepared anew", at)
