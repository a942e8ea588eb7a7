"""An explained record as JSON, for every door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol

from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS, Amount, RoundingMode, round_ratio, scaled_text
from trunkline.core.period import utc_text
from trunkline.engine.explain import TariffTried
from trunkline.engine.scalar import Fee, Part, PriceRow, Step
from trunkline.parties.explain import Identified
from trunkline.tariffs.rules import windows_json
from trunkline.usage.choices import SegmentKind
from trunkline.usage.explain import Booked, Conversion, Priced, RecordExplained, SideExplained, Stored
from trunkline.usage.models import Batch
from trunkline.usage.reasons import Reason
from trunkline.usage.traffic.traced import looked_json

Json = dict[str, Any]


class Document(Protocol):
    """The invoice on which a record stands: the floor above knows it."""

    @property
    def number(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def issued_on(self) -> date: ...
    @property
    def period_from(self) -> date: ...
    @property
    def period_to(self) -> date: ...


Billing = Mapping[int, Document]  # by the id of the rollup that it bills

# The columns of a segment that say what was made of the record, not what came in.
_OURS = ("sell_", "buy_", "batch_id", "snapshot_version", "tags", "rules")


def as_json(found: RecordExplained, billing: Billing) -> Json:
    """The explanation as `docs/guide/explain-a-charge.md` describes it; money is decimal text."""
    record, batch = found.located.record, found.batch
    facts = found.facts or {}
    is_reject = found.located.kind is SegmentKind.REJECT
    reason = Reason(record["reason"]) if is_reject else None
    return {
        "kind": found.located.kind.value,
        "key": record["key"],
        "switch": batch.switch.name,
        "came_in": {
            "file": batch.name,
            "line": record["line"],
            "batch": str(batch.public_id),
            "intake": batch.intake,
            "received_at": utc_text(batch.received_at),
            "rated_at": utc_text(batch.started_at),
            "posted_at": utc_text(batch.finished_at),
            "segment": str(found.located.segment.path),
            "row": found.located.row,
            "raw": record.get("raw"),
        },
        "fields": {name: _plain(value) for name, value in facts.items() if not name.startswith(_OURS)},
        "reject": None
        if reason is None
        else {
            "reason": reason.value,
            "detail": record["detail"],
            "meaning": reason.meaning,
            "what_to_do": reason.what_to_do,
        },
        "prices": {"version": facts.get("snapshot_version"), "is_current": found.is_current},
        "rerating": None if found.rerating is None else _rerating(found.rerating),
        "rules": _rules(found),
        "sides": {side.side.value: _side(side, found, billing) for side in found.sides},
        "agrees": found.agrees,
    }


def _rerating(batch: Batch) -> dict[str, Any]:
    return {"batch": str(batch.public_id), "name": batch.name, "posted_at": _plain(batch.finished_at)}


def _rules(found: RecordExplained) -> Json:
    """The traffic rules that fitted, and what each of those of now does to the record."""
    traced = found.traced
    return {
        "fitted": list(found.rules),
        "fit_now": list(found.rules_of_now),
        "is_other": found.are_rules_others,
        "before_identification": [] if traced is None else looked_json(traced.first, traced.start),
        "tech_prefix": "" if traced is None else traced.cut,
        "once_more": [] if traced is None or not traced.again else looked_json(traced.again, traced.start),
    }


def _side_rules(side: SideExplained, found: RecordExplained) -> Json:
    walked = None if side.traced is None else side.traced.walked
    stored, called = side.stored, (found.facts or {}).get("called")
    number, tags = called, frozenset[str]()
    if stored is not None:
        number, tags = stored.number, stored.tags
    elif walked is not None:
        number, tags = walked.state.priced_number, walked.state.tags
    return {
        "number": number,
        "is_other_number": number != called,
        "tags": sorted(tags),
        "after_account": []
        if walked is None or found.traced is None
        else looked_json(walked.after_account, found.traced.state),
        "after_rate": [] if walked is None else looked_json(walked.after_rate, walked.sent),
        "is_priced_again": walked is not None and walked.is_priced_again,
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return utc_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _side(side: SideExplained, found: RecordExplained, billing: Billing) -> Json:
    return {
        "account": None if side.account is None else side.account.code,
        "remark": side.remark,
        "identities": _identities(side.identified, found) | {"is_other_account": side.is_other_account},
        "rules": _side_rules(side, found),
        "price": None
        if side.priced is None
        else price_json(side.priced, destinations=found.destinations, base_currency=found.base_currency),
        "stored": None if side.stored is None or not side.stored.is_charged else _stored(side.stored),
        "booked": None if side.booked is None else _booked(side.booked, billing),
    }


def _identities(identified: Identified, found: RecordExplained) -> Json:
    account = identified.account_id
    return {
        "status": identified.status.name.lower(),
        "account": None if account is None else found.accounts.get(account),
        "cut": identified.cut,
        "tried": [
            {
                "account": found.accounts.get(each.row.account_id),
                "kind": each.row.kind.value,
                "value": each.row.value,
                "tech_prefix": each.row.tech_prefix,
                "switch": each.row.switch,
                "priority": each.row.priority,
                "verdict": each.verdict.value,
            }
            for each in identified.tried
        ],
    }


def price_json(priced: Priced, *, destinations: Mapping[int, str], base_currency: str) -> Json:
    """How a price came about; `destinations` are names by id."""
    explanation, charge = priced.explanation, priced.explanation.charge
    names = {each.pk: each.name for each in priced.plan}
    row = next((each.chosen for each in explanation.tried if each.chosen is not None), None)
    currency = next((each.currency for each in priced.plan if each.pk == charge.tariff_id), None)
    return {
        "basis": priced.basis.value,
        "outcome": priced.outcome,
        "tariffs": list(names.values()),
        "tried": [rates_tried(each, destinations) for each in explanation.tried],
        "tariff": names.get(charge.tariff_id or 0),
        "rate": charge.rate_id,
        "code": charge.code,
        "destination": destinations.get(charge.destination_id or 0),
        "billed": charge.billed,
        "grace": 0 if row is None else row.grace,
        "waived": [each.rate_id for each in explanation.waived],
        "fees": [_fee(each, names) for each in charge.fees],
        "increments": [_part(each, names) for each in charge.parts],
        "sum": _ten_decimals(explanation.exact),
        "sum_exact": str(explanation.exact),
        "rounding": None
        if charge.rounding is None
        else {"mode": charge.rounding.mode.label, "decimals": charge.rounding.decimals},
        "rounded": None if explanation.rounded is None else scaled_text(explanation.rounded, AMOUNT_DECIMALS),
        "max_cost": _text(charge.max_cost),
        "is_capped": explanation.is_capped,
        "tariff_amount": _text(charge.amount),
        "tariff_currency": currency,
        "to_account": _conversion(priced.to_account),
        "amount": _text(priced.amount),
        "currency": priced.currency,
        "to_base": _conversion(priced.to_base),
        "base_amount": _text(priced.base_amount),
        "base_currency": base_currency,
        "differences": list(priced.differences),
    }


def rates_tried(tried: TariffTried, destinations: Mapping[int, str]) -> Json:
    """The rates of a tariff that were looked at, and what became of each; each names its tariff, which may be an ancestor."""
    return {
        "tariff": tried.tariff.tariff.name,
        "is_additive": tried.is_additive,
        "rates": [
            _rate(each.row, destinations)
            | {"tariff": tried.tariff.tariff_of(each.row).name, "verdict": each.verdict.value}
            for each in tried.rates
        ],
        "origin": None if tried.origin is None else {"code": tried.origin.code, "name": tried.origin.name},
    }


def _rate(row: PriceRow, destinations: Mapping[int, str]) -> Json:
    return {
        "rate": row.rate_id,
        "code": row.code,
        "destination": destinations.get(row.destination_id or 0),
        "steps": [_step(each) for each in row.steps],
        "setup_fee": scaled_text(row.setup_fee, PRICE_DECIMALS),
        "grace": row.grace,
        "max_cost": None if row.max_cost is None else scaled_text(row.max_cost, AMOUNT_DECIMALS),
        "valid_from": _instant(row.valid_from),
        "valid_to": _instant(row.valid_to),
        "windows": None if row.windows is None else windows_json(row.windows),
        "tag": row.tag,
        "origin": row.origin,
        "length_min": row.length_min,
        "length_max": row.length_max,
        "is_blocked": row.is_blocked,
    }


def _instant(seconds: int | None) -> str | None:
    return None if seconds is None else utc_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def _step(step: Step) -> Json:
    price = scaled_text(step.price, PRICE_DECIMALS)
    return {"from": step.start, "price": price, "per": step.per, "increment": step.increment}


def _fee(fee: Fee, names: Mapping[int, str]) -> Json:
    amount = scaled_text(fee.units, PRICE_DECIMALS)
    return {"tariff": names[fee.tariff_id], "rate": fee.rate_id, "is_additive": fee.is_additive, "amount": amount}


def _part(part: Part, names: Mapping[int, str]) -> Json:
    return {
        "tariff": names[part.tariff_id],
        "rate": part.rate_id,
        "is_additive": part.is_additive,
        "from": part.position,
        "count": part.count,
        "increment": part.increment,
        "units": part.count * part.increment,
        "price": scaled_text(part.price, PRICE_DECIMALS),
        "per": part.per,
        "amount": _ten_decimals(part.exact),
        "amount_exact": str(part.exact),
    }


def _ten_decimals(exact: Fraction) -> str:
    """For showing: the exact value stands beside it."""
    units = round_ratio(exact.numerator * 10**PRICE_DECIMALS, exact.denominator, RoundingMode.HALF_UP)
    return scaled_text(units, PRICE_DECIMALS)


def _text(amount: Amount | None) -> str | None:
    return None if amount is None else str(amount)


def _conversion(conversion: Conversion | None) -> Json | None:
    if conversion is None:
        return None
    return {
        "before": str(conversion.before),
        "from": conversion.base,
        "rate": _ten_decimals(conversion.rate),
        "rate_exact": str(conversion.rate),
        "published_on": None if conversion.published_on is None else conversion.published_on.isoformat(),
        "after": str(conversion.after),
        "to": conversion.quote,
    }


def _stored(stored: Stored) -> Json:
    return {
        "rate": stored.rate_id,
        "code": stored.code,
        "billed": stored.billed,
        "tariff_amount": _text(stored.tariff_amount),
        "amount": _text(stored.amount),
        "base_amount": _text(stored.base_amount),
        "day": None if stored.local_day is None else stored.local_day.isoformat(),
    }


def _booked(booked: Booked, billing: Billing) -> Json:
    rollup, entry = booked.rollup, booked.entry
    invoice = None if rollup is None else billing.get(rollup.pk)
    return {
        "rollup": None
        if rollup is None
        else {
            "id": rollup.pk,
            "day": rollup.day.isoformat(),
            "attempts": rollup.attempts,
            "billed": rollup.billed_quantity,
            "amount": str(rollup.amount),
            "currency": rollup.currency,
        },
        "entry": None
        if entry is None
        else {
            "key": entry.key,
            "booked_on": entry.booked_on.isoformat(),
            "postings": [{"account": code, "amount": str(amount)} for code, amount in booked.postings],
        },
        "invoice": None
        if invoice is None
        else {
            "number": invoice.number,
            "kind": invoice.kind,
            "issued_on": invoice.issued_on.isoformat(),
            "period_from": invoice.period_from.isoformat(),
            "period_to": invoice.period_to.isoformat(),
        },
    }
