"""Alarms of swap deals: raised once, cleared by themselves, mailed once. Needs the scope of the deals' tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from trunkline.kit import jobs
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.logs import log
from trunkline.pricing.deals.choices import MAIL, AlarmChoice, AlarmMailState
from trunkline.pricing.deals.progress import AlarmKind, PeriodProgress, Progress, alarms_of
from trunkline.pricing.deals.queries import Standing, deals, standings
from trunkline.pricing.deals.terms import MINUTE
from trunkline.pricing.models import Deal, DealAlarm


def review_deals(*, at: datetime) -> int:
    """Bring the alarms of all deals that are not archived in line with how they stand; how many were raised. Twice is harmless."""
    found = standings(list(deals(is_archived=False)), at=at)
    return sum(_review(each, at=at) for each in found if each.rows)


def _review(standing: Standing, *, at: datetime) -> int:
    deal, raised = standing.deal, 0
    begun = [each for each in standing.periods if each.period.start <= standing.today][-2:]
    wanted: dict[tuple[date, str], str] = {}
    for progress in begun:
        for kind, items in alarms_of(progress, below=deal.alert_below, today=standing.today).items():
            wanted[progress.period.start, kind.value] = _detail(deal, progress, kind, items)
    there = {(each.period_from, each.kind): each for each in DealAlarm.objects.filter(deal=deal, cleared_at=None)}
    looked_at = {each.period.start for each in begun}
    for key, alarm in there.items():
        if key in wanted:
            alarm.detail, alarm.last_at = wanted[key], at
            alarm.save(update_fields=["detail", "last_at"])
        elif alarm.period_from in looked_at or alarm.kind == AlarmChoice.BEHIND:
            alarm.cleared_at = at
            alarm.save(update_fields=["cleared_at"])
            log("deal_alarm_cleared", tenant=deal.tenant_id, deal=deal.name, kind=alarm.kind)
    for (period_from, word), detail in wanted.items():
        if (period_from, word) not in there:
            _raise(deal, period_from, word, detail, at=at)
            raised += 1
    return raised


def _raise(deal: Deal, period_from: date, kind: str, detail: str, *, at: datetime) -> None:
    alarm = DealAlarm.objects.create(
        deal=deal,
        period_from=period_from,
        kind=kind,
        detail=detail,
        raised_at=at,
        last_at=at,
        mail_state=AlarmMailState.WAITING if deal.recipients else AlarmMailState.NONE,
    )
    log("deal_alarm", level="warning", tenant=deal.tenant_id, deal=deal.name, kind=kind, detail=detail)
    if deal.recipients:
        jobs.defer(MAIL, tenant_id=current_tenant_id(), alarm_id=alarm.pk)


def _detail(deal: Deal, progress: PeriodProgress, kind: AlarmKind, items: Sequence[Progress]) -> str:
    said = "; ".join(_item_text(each, kind) for each in items)
    return f"Period from {progress.period.start} until before {progress.period.end}: {said}."


def _item_text(progress: Progress, kind: AlarmKind) -> str:
    item = progress.item
    named = ", ".join([*sorted(item.destinations), *sorted(item.codes)]) or "all other traffic"
    if kind is AlarmKind.BEHIND:
        count, share = progress.expected, progress.expected_percent
        when = f", reached on {progress.forecast_on}" if progress.forecast_on else ""
        return f"{item.direction.value} {named}: {count // MINUTE} of {item.minutes} minutes expected, {share} %{when}"
    return (
        f"{item.direction.value} {named}: {progress.seconds // MINUTE} of {item.minutes} minutes, {progress.percent} %"
    )
