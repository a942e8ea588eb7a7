"""Alarms of feeds: raised once, counted while they last, cleared by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q

from trunkline.kit.logs import log
from trunkline.usage.models import Alarm, Feed, Receipt, Source
from trunkline.usage.sources.choices import AlarmKind, ReceiptState
from trunkline.usage.sources.rules import FAILURES_ALARM, REPEAT_OPEN, late_since

SHOWN: Final = 3  # names in a sentence


def raise_alarm(source: Source, kind: AlarmKind, detail: str, *, at: datetime) -> Alarm:
    """Open the alarm, or count once more where it is open; said in the log when it opens. Needs the scope of the source's tenant."""
    alarm = Alarm.objects.select_for_update().filter(source=source, kind=kind, cleared_at=None).first()
    if alarm is None:
        log("source_alarm", level="warning", tenant=source.tenant_id, source=source.name, kind=str(kind), detail=detail)
        return Alarm.objects.create(source=source, kind=kind, detail=detail, raised_at=at, last_at=at)
    alarm.detail, alarm.last_at, alarm.count = detail, at, alarm.count + 1
    alarm.save(update_fields=["detail", "last_at", "count"])
    return alarm


def clear(source: Source, kind: AlarmKind, *, at: datetime) -> bool:
    """Close the alarm if it is open: whether it was."""
    was_open = bool(Alarm.objects.filter(source=source, kind=kind, cleared_at=None).update(cleared_at=at))
    if was_open:
        log("source_alarm_cleared", tenant=source.tenant_id, source=source.name, kind=str(kind))
    return was_open


def review(source: Source, feed: Feed, *, at: datetime) -> None:
    """Bring the alarms of an active source in line with how it is doing. Safe to call as often as one likes: what lasts is not counted twice."""
    late = late_since(new_at=feed.new_at, active_since=source.active_since, expected_min=source.expected_min)
    last = f"the last came at {feed.new_at:%Y-%m-%d %H:%M} UTC" if feed.new_at else "none has come yet"
    _hold(
        source,
        AlarmKind.STALLED,
        is_so=late is not None and at >= late,
        detail=f"No new file for {source.expected_min} minutes: {last}.",
        at=at,
    )
    _hold(
        source,
        AlarmKind.FAILING,
        is_so=feed.failures >= FAILURES_ALARM,
        detail=f"{feed.failures} looks in a row failed: {feed.failure_detail}",
        at=at,
    )
    refused = Receipt.objects.filter(
        Q(state=ReceiptState.REFUSED) | (Q(state=ReceiptState.TAKEN) & ~Q(detail="")), source=source
    )
    count = refused.count()
    names = ", ".join(refused.order_by("-pk").values_list("name", flat=True)[:SHOWN])
    detail = f"{count} files cannot be taken, or not moved or deleted afterwards: {names}."
    _hold(source, AlarmKind.REFUSED, is_so=count > 0, detail=detail, at=at)
    old = Alarm.objects.filter(source=source, kind=AlarmKind.REPEATED, cleared_at=None, last_at__lte=at - REPEAT_OPEN)
    if old.exists():
        clear(source, AlarmKind.REPEATED, at=at)


def _hold(source: Source, kind: AlarmKind, *, is_so: bool, detail: str, at: datetime) -> None:
    if not is_so:
        clear(source, kind, at=at)
        return
    alarm = Alarm.objects.filter(source=source, kind=kind, cleared_at=None).first()
    if alarm is None:
        raise_alarm(source, kind, detail, at=at)
    else:
        alarm.detail, alarm.last_at = detail, at
        alarm.save(update_fields=["detail", "last_at"])
