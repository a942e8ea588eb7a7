"""What `trunkline rule test` says of a call, as JSON, and as lines for people that are made from that JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trunkline.cli.explained import VERDICTS, rates_tried
from trunkline.cli.shown import utc_text
from trunkline.cli.traced import STAGES, Json, looked_json, looked_lines, state_json
from trunkline.core.errors import Invalid
from trunkline.engine.explain import Explanation
from trunkline.engine.schema import Outcome
from trunkline.parties.kinds import Side
from trunkline.parties.models import Account
from trunkline.parties.rules import Status
from trunkline.tariffs.models import Destination
from trunkline.usage.actions import profile_of
from trunkline.usage.decode.profile import NumberRule
from trunkline.usage.queries import access_switch
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import Service
from trunkline.usage.traffic.queries import as_rule, traffic_rules
from trunkline.usage.traffic.rule import RuleBook
from trunkline.usage.traffic.trace import SideTraced, Traced, trace

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


def lines_of(said: Json) -> Iterator[str]:
    """A tested call for people."""
    call = said["call"]
    yield f"{call['calling_raw'] or 'withheld'} calls {call['called_raw']} at {call['start']}"
    numbers = said["numbers"]
    yield f"  number rules   calling {numbers['calling'] or 'withheld'}, called {numbers['called'] or 'NO NUMBER'}"
    if said["other_switches"]:
        yield f"  for other switches: {', '.join(said['other_switches'])}"
    yield from _stage("before_identification", said["before_identification"], "  ")
    if said["tech_prefix"]:
        yield f"  tech prefix    {said['tech_prefix']} is cut off, the stage is gone through once more"
        yield from looked_lines(said["once_more"], "    ")
    carries = said["carries"]
    yield (
        f"  carries        calling {carries['calling'] or 'withheld'}, called {carries['called']}, "
        f"tags {' '.join(carries['tags']) or 'none'}, {carries['jurisdiction']}"
    )
    for name, side in said["sides"].items():
        yield ""
        yield from _side_lines(name, side)
    yield ""
    reject = said["reject"]
    if reject is None:
        yield "It would be taken."
    else:
        by = f" by rule {reject['rule']}" if reject["rule"] else ""
        yield f"It would be REJECTED{by}: {reject['reason']}. {reject['meaning']}"


def _stage(name: str, looked: list[Json], indent: str) -> Iterator[str]:
    if looked:
        yield f"{indent}{STAGES[name]}"
        yield from looked_lines(looked, indent + "  ")


def _side_lines(name: str, side: Json) -> Iterator[str]:
    yield f"{name.capitalize()} side: {side['account'] or side['status']}"
    for each in side["identities"]:
        prefix = f" with {each['tech_prefix']}" if each["tech_prefix"] else ""
        yield f"  identity   {each['kind']} {each['value']}{prefix} of {each['account']}: {VERDICTS[each['verdict']]}"
    if side["account"] is None:
        return
    yield from _stage("after_account", side["after_account"], "  ")
    if side["price_before_rules"] is not None:
        yield from _price_lines(side["price_before_rules"], "first price")
    yield from _stage("after_rate", side["after_rate"], "  ")
    yield f"  priced by  {side['priced_number']}, tags {' '.join(side['carries']['tags']) or 'none'}"
    if side["price"] is not None:
        yield from _price_lines(side["price"], "price")
    yield from _stage("after_routing", side["after_routing"], "  ")
    if side["sent"] is not None:
        yield f"  sent       called {side['sent']['called']}, calling {side['sent']['calling'] or 'withheld'}"


def _price_lines(price: Json, title: str) -> Iterator[str]:
    for tried in price["tried"]:
        for rate in tried["rates"]:
            tag = f" tag {rate['tag']}" if rate["tag"] else ""
            where = " ".join(filter(None, (rate["code"] or "*", rate["destination"])))
            yield f"  rate of {tried['tariff']}: {where}{tag}: {VERDICTS[rate['verdict']]}"
    if price["amount"] is None:
        yield f"  {title:<10} {price['outcome']}"
    else:
        yield f"  {title:<10} {price['amount']} {price['currency']}, tariff {price['tariff']}, code {price['code'] or '*'}"
