"""How a deal stands, for programs: money and minutes as text."""

from __future__ import annotations

from typing import Any

from trunkline.core.money import Amount, RoundingMode, round_ratio, scaled_text
from trunkline.core.period import utc_text
from trunkline.pricing.deals.progress import PeriodProgress, Progress
from trunkline.pricing.deals.queries import Standing
from trunkline.pricing.deals.terms import MINUTE
from trunkline.pricing.models import Deal, DealAlarm, DealItem

MINUTE_DECIMALS = 2


def minutes_text(seconds: int) -> str:
    """Seconds as minutes with two decimals, half up."""
    hundredths = round_ratio(seconds * 10**MINUTE_DECIMALS, MINUTE, RoundingMode.HALF_UP)
    return scaled_text(hundredths, MINUTE_DECIMALS, least=MINUTE_DECIMALS)


def _money(amount: Amount | None) -> str | None:
    return None if amount is None else str(amount)


def deal_facts(deal: Deal) -> dict[str, Any]:
    """What was agreed."""
    return {
        "id": str(deal.public_id),
        "name": deal.name,
        "account": deal.account.code,
        "currency": deal.currency,
        "starts_on": deal.starts_on.isoformat(),
        "length": deal.length,
        "unit": deal.unit,
        "repeats": deal.repeats,
        "alert_below": deal.alert_below,
        "recipients": list(deal.recipients),
        "note": deal.note,
        "archived_at": utc_text(deal.archived_at),
    }


def item_facts(row: DealItem) -> dict[str, Any]:
    """What was promised."""
    return {
        "id": row.pk,
        "direction": row.direction,
        "minutes": row.minutes,
        "price": str(row.price),
        "beyond": None if row.beyond is None else str(row.beyond),
        "destinations": list(row.destinations),
        "codes": list(row.codes),
    }


def standing_facts(standing: Standing) -> dict[str, Any]:
    """The deal, its status, and the progress of its period of today."""
    current = standing.current
    return deal_facts(standing.deal) | {
        "status": standing.status.value,
        "period": period_facts(standing, current),
        "periods": len(standing.periods),
    }


def period_facts(standing: Standing, progress: PeriodProgress) -> dict[str, Any]:
    """One period with the progress of each item."""
    return {
        "from": progress.period.start.isoformat(),
        "until": progress.period.end.isoformat(),
        "status": progress.status.value,
        "settlement": _money(progress.settlement),
        "items": [
            item_facts(row) | _progress_facts(each) for row, each in zip(standing.rows, progress.items, strict=True)
        ],
    }


def _progress_facts(progress: Progress) -> dict[str, Any]:
    return {
        "used_minutes": minutes_text(progress.seconds),
        "percent": progress.percent,
        "minutes_a_day": None
        if progress.speed is None
        else minutes_text(round_ratio(*progress.speed.as_integer_ratio(), RoundingMode.HALF_UP)),
        "expected_minutes": minutes_text(progress.expected),
        "expected_percent": progress.expected_percent,
        "reached_on": None if progress.reached_on is None else progress.reached_on.isoformat(),
        "forecast_on": None if progress.forecast_on is None else progress.forecast_on.isoformat(),
        "ordinary": _money(progress.ordinary),
        "by_deal": _money(progress.by_deal),
        "settlement": _money(progress.settlement),
        "shortfall": _money(progress.shortfall),
    }


def alarm_facts(alarm: DealAlarm) -> dict[str, Any]:
    """What was told of a deal."""
    return {
        "kind": alarm.kind,
        "period_from": alarm.period_from.isoformat(),
        "detail": alarm.detail,
        "raised_at": utc_text(alarm.raised_at),
        "cleared_at": utc_text(alarm.cleared_at),
        "mail": alarm.mail_state,
        "mail_detail": alarm.mail_detail,
    }
