"""The path of a call that somebody thought of through number rules, traffic rules, identification and prices, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trunkline.core.errors import Invalid
from trunkline.core.period import utc_text
from trunkline.engine.explain import Explanation
from trunkline.engine.schema import Outcome
from trunkline.parties.kinds import Side
from trunkline.parties.models import Account
from trunkline.parties.rules import Status
from trunkline.tariffs.models import Destination
from trunkline.usage.actions import profile_of
from trunkline.usage.decode.profile import NumberRule
from trunkline.usage.explained import rates_tried
from trunkline.usage.queries import access_switch
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import Service
from trunkline.usage.traffic.queries import as_rule, traffic_rules
from trunkline.usage.traffic.rule import RuleBook
from trunkline.usage.traffic.trace import SideTraced, Traced, trace
from trunkline.usage.traffic.traced import Json, looked_json, state_json

UNKNOWN = {Side.SELL: Reason.UNKNOWN_SELL, Side.BUY: Reason.UNKNOWN_BUY}
NO_RATE = {Side.SELL: Reason.NO_RATE_SELL, Side.BUY: Reason.NO_RATE_BUY}


def path_of(record: Mapping[str, Any], *, switch: str | None, at: datetime) -> Json:
    """The path of a call that somebody thought of, at the instant `at` of asking. Needs an open scope. Raises Invalid, NotFound `switch_not_found`."""
    if record["service"] not in list(Service):
        raise Invalid(
            "rule_condition", f"There is no service {record['service']!r}.", hint=f"Use {', '.join(Service)}."
        )
    if record["quantity"] < 0:
        raise Invalid("negative_quantity", f"A quantity cannot be {record['quantity']}.")
    known = None if switch is None else access_switch(switch)
    number_rules: tuple[NumberRule, ...] = () if known is None else profile_of(known, at).number_rules
    rules = [as_rule(row) for row in traffic_rules()]
    book = RuleBook.compile(rules, switch=switch)
    traced = trace(record, book, switch=switch, number_rules=number_rules, known_at=at)
    has_vendors = (known is None or known.has_buy_side) and (known is not None or bool(record["trunk_out"]))
    return {
        "call": {name: utc_text(value) if isinstance(value, datetime) else value for name, value in record.items()},
        "switch": switch,
        "other_switches": [rule.name for rule in rules if rule.switch not in (None, switch)],
        "numbers": {"calling": traced.start.calling, "called": traced.start.called},
        "before_identification": looked_json(traced.first, traced.start),
        "tech_prefix": traced.cut,
        "once_more": looked_json(traced.again, traced.start) if traced.again else [],
        "carries": state_json(traced.state),
        "sides": {
            side.side.value: _side(side, traced) for side in traced.sides if side.side is Side.SELL or has_vendors
        },
        "reject": _reject(traced, record, has_vendors=has_vendors),
    }


def _side(side: SideTraced, traced: Traced) -> Json:
    ids = {each.row.account_id for each in side.identified.tried}
    codes = dict(Account.objects.filter(pk__in=ids).values_list("id", "code"))
    walked = side.walked
    found: Json = {
        "account": None if side.account is None else side.account.code,
        "status": side.identified.status.name.lower(),
        "identities": [
            {
                "account": codes.get(each.row.account_id),
                "kind": each.row.kind.value,
                "value": each.row.value,
                "tech_prefix": each.row.tech_prefix,
                "verdict": each.verdict.value,
            }
            for each in side.identified.tried
        ],
    }
    if walked is None:
        return found
    return found | {
        "after_account": looked_json(walked.after_account, traced.state),
        "price_before_rules": None if walked.first is walked.last else _price(walked.first, side),
        "after_rate": looked_json(walked.after_rate, walked.sent),
        "carries": state_json(walked.state),
        "priced_number": walked.state.priced_number,
        "price": _price(walked.last, side),
        "after_routing": looked_json(side.after_routing, walked.sent),
        "sent": None if side.routed is None or not side.after_routing else state_json(side.routed),
    }


def _price(price: Explanation | None, side: SideTraced) -> Json | None:
    if price is None:
        return None
    charge = price.charge
    currencies = {each.pk: each.currency for each in side.tariffs}
    names = {each.pk: each.name for each in side.tariffs}
    row = next((each.chosen for each in price.tried if each.chosen is not None), None)
    ids = {each.row.destination_id for tried in price.tried for each in tried.rates if each.row.destination_id}
    destinations = dict(Destination.objects.filter(pk__in=ids).values_list("id", "name"))
    return {
        "outcome": charge.outcome.name.lower(),
        "tariffs": list(names.values()),
        "tried": [rates_tried(each, destinations) for each in price.tried],
        "tariff": names.get(charge.tariff_id or 0),
        "rate": charge.rate_id,
        "code": charge.code,
        "tag": None if row is None else row.tag,
        "origin": None if row is None else row.origin,
        "destination": destinations.get(charge.destination_id or 0),
        "billed": charge.billed,
        "amount": None if charge.amount is None else str(charge.amount),
        "currency": currencies.get(charge.tariff_id or 0),
    }


def _reject(traced: Traced, record: Mapping[str, Any], *, has_vendors: bool) -> Json | None:
    """Why the record would be rejected (docs/algorithms/sides.md, rule 4; exchange rates are not asked); None if it would not."""
    reason, rule = None, None
    if not traced.start.called and record["called_raw"]:
        reason = Reason.BAD_NUMBER
    elif record["quantity"] > 0:
        denials = [state for state in traced.denials if state.denied_by is not None]
        sides = [side for side in traced.sides if side.side is Side.SELL or has_vendors]
        if denials and denials[0].denied_by is not None:
            reason, rule = denials[0].reason, denials[0].denied_by.name
        else:
            reason = next(filter(None, [*map(_unknown, sides), *map(_unpriced, sides)]), None)
    return None if reason is None else {"reason": reason.value, "rule": rule, "meaning": reason.meaning}


def _unknown(side: SideTraced) -> Reason | None:
    if side.identified.status is Status.AMBIGUOUS:
        return Reason.AMBIGUOUS_IDENTITY
    return UNKNOWN[side.side] if side.account is None else None


def _unpriced(side: SideTraced) -> Reason | None:
    if side.walked is None or side.walked.last is None:
        return None
    reasons = {Outcome.NO_RATE: NO_RATE[side.side], Outcome.BLOCKED: Reason.BLOCKED, Outcome.OVERFLOW: Reason.OVERFLOW}
    return reasons.get(side.walked.last.charge.outcome)
