"""An explained record as JSON, and as lines for people that are made from that JSON, so that both say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import typer

from trunkline.cli.shown import utc_text
from trunkline.cli.traced import STAGES, looked_json, looked_lines
from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS, Amount, RoundingMode, round_ratio, scaled_text
from trunkline.engine.explain import TariffTried
from trunkline.engine.scalar import Fee, Part, PriceRow, Step
from trunkline.engine.schema import Outcome
from trunkline.invoicing.models import Invoice
from trunkline.parties.explain import Identified
from trunkline.tariffs.rules import windows_json
from trunkline.usage.choices import SegmentKind
from trunkline.usage.explain import Basis, Booked, Conversion, Priced, RecordExplained, SideExplained, Stored
from trunkline.usage.models import Batch
from trunkline.usage.reasons import Reason

Json = dict[str, Any]
Billing = Mapping[int, Invoice | None]

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
        "price": None if side.priced is None else _price(side.priced, found),
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


def _price(priced: Priced, found: RecordExplained) -> Json:
    explanation, charge = priced.explanation, priced.explanation.charge
    names = {each.pk: each.name for each in priced.plan}
    row = next((each.chosen for each in explanation.tried if each.chosen is not None), None)
    currency = next((each.currency for each in priced.plan if each.pk == charge.tariff_id), None)
    return {
        "basis": priced.basis.value,
        "outcome": priced.outcome,
        "tariffs": list(names.values()),
        "tried": [rates_tried(each, found.destinations) for each in explanation.tried],
        "tariff": names.get(charge.tariff_id or 0),
        "rate": charge.rate_id,
        "code": charge.code,
        "destination": found.destinations.get(charge.destination_id or 0),
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
        "base_currency": found.base_currency,
        "differences": list(priced.differences),
    }


def rates_tried(tried: TariffTried, destinations: Mapping[int, str]) -> Json:
    """The rates of a tariff that were looked at, and what became of each."""
    return {
        "tariff": tried.tariff.tariff.name,
        "is_additive": tried.is_additive,
        "rates": [_rate(each.row, destinations) | {"verdict": each.verdict.value} for each in tried.rates],
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
        "length_min": row.length_min,
        "length_max": row.length_max,
        "is_blocked": row.is_blocked,
    }


def _instant(seconds: int | None) -> str | None:
    from datetime import UTC, timedelta

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


VERDICTS = {
    "chosen": "chosen",
    "tag": "passed over: the record does not carry its tag",
    "length": "passed over: it is for numbers of another length",
    "not_yet_in_force": "passed over: not in force yet",
    "no_longer_in_force": "passed over: no longer in force",
    "time_profile": "passed over: not at this time",
    "order": "passed over: another rate of this code goes first",
    "shorter_code": "passed over: a longer code was found",
    "won": "won",
    "tied": "fits, and so does one of another account",
    "outranked": "fits, but a more precise one or a lower priority number goes first",
    "side": "passed over: it is for the other side",
    "switch": "passed over: it is for another switch",
    "tech_prefix": "passed over: the called number lacks its tech prefix",
    "dates": "passed over: it does not hold on that day",
}


def print_explanation(said: Json) -> None:
    """Print an explanation, as `as_json` gives it, for people."""
    for line in _lines(said):
        typer.echo(line)


def _lines(said: Json) -> Iterator[str]:
    came = said["came_in"]
    yield f"{'Reject' if said['reject'] else 'Record'} {said['key'] or 'without a key'} of switch {said['switch']}"
    yield f"  came in    {came['file']}, line {came['line']}, batch {came['batch']}, received {came['received_at']}"
    if came["raw"] is not None:
        yield f"  raw line   {came['raw']}"
    for name, value in said["fields"].items():
        if value not in (None, "") and name not in ("line", "key"):
            yield f"  {name:<12} {value}"
    if said["reject"]:
        reject = said["reject"]
        yield f"Rejected: {reject['reason']}. {reject['meaning']} {reject['detail']}"
        yield f"  {reject['what_to_do']}"
    if said["rerating"] is not None:
        again = said["rerating"]
        yield f"Priced again on {again['posted_at']} by {again['name']}, batch {again['batch']}; --as-of shows what it was."
    if said["prices"]["is_current"] is False:
        yield "Prices have changed since it was rated; it is computed again with those that were used."
    yield from _rule_lines(said["rules"])
    for name, side in said["sides"].items():
        yield from _side_lines(name, side)
    if said["agrees"] is not None:
        yield ""
        yield (
            "Computed again, everything is as it is stored."
            if said["agrees"]
            else "COMPUTED AGAIN, IT IS NOT WHAT IS STORED."
        )


def _rule_lines(rules: Json) -> Iterator[str]:
    if rules["fitted"]:
        yield f"  rules      {', '.join(rules['fitted'])}"
    if rules["is_other"]:
        yield (
            "  The traffic rules were changed since; those of now would be "
            f"{', '.join(rules['fit_now']) or 'none'}. The amount is computed with the tags and numbers that were used."
        )
    yield from looked_lines(rules["before_identification"], "  ")
    if rules["tech_prefix"]:
        yield f"  tech prefix {rules['tech_prefix']} is cut off"
        yield from looked_lines(rules["once_more"], "  ")


def _side_lines(name: str, side: Json) -> Iterator[str]:
    yield ""
    yield f"{name.capitalize()} side: {side['account'] or 'nobody'}"
    identities = side["identities"]
    for each in identities["tried"]:
        prefix = f" with {each['tech_prefix']}" if each["tech_prefix"] else ""
        what = f"{each['kind']} {each['value']}{prefix} of {each['account']}"
        yield f"  identity   {what}: {VERDICTS[each['verdict']]}"
    if not identities["tried"]:
        yield f"  identity   {identities['status']}: no identity names anything of the record"
    if identities["is_other_account"]:
        yield f"  The identities of now say {identities['account'] or identities['status']}: they were changed since."
    rules = side["rules"]
    for stage in ("after_account", "after_rate"):
        if rules[stage]:
            yield f"  {STAGES[stage]}"
            yield from looked_lines(rules[stage], "    ")
    if rules["is_other_number"]:
        yield f"  priced by  {rules['number']}"
    if rules["tags"]:
        yield f"  tags       {' '.join(rules['tags'])}"
    if side["remark"]:
        yield f"  not charged: {side['remark']}"
    if side["price"] is not None:
        yield from _price_lines(side["price"])
    if side["booked"] is not None:
        yield from _booked_lines(side["booked"])


def _price_lines(price: Json) -> Iterator[str]:
    yield f"  tariffs    {', '.join(price['tariffs']) or 'none'}"
    for tried in price["tried"]:
        of = f"{'surcharges' if tried['is_additive'] else 'rates'} of {tried['tariff']}"
        if not tried["rates"]:
            yield f"  {of}: no code fits the number"
        for rate in tried["rates"]:
            steps = "; ".join(
                f"from {each['from']}: {each['price']} per {each['per']} by {each['increment']}"
                for each in rate["steps"]
            )
            blocked = ", blocked" if rate["is_blocked"] else ""
            name = " ".join(filter(None, (rate["code"] or "*", rate["destination"])))
            yield f"  {of}: {name}, rate {rate['rate']} ({steps}{blocked}): {VERDICTS[rate['verdict']]}"
    if price["outcome"] != Outcome.RATED.name.lower():
        yield f"  no amount: {price['outcome']}"
    currency = price["tariff_currency"]
    for fee in price["fees"]:
        yield f"  setup fee  {fee['amount']} {currency}"
    for part in price["increments"]:
        count = f"{part['count']} × {part['increment']} = {part['units']} units"
        yield f"  increments from {part['from']}: {count} at {part['price']} per {part['per']}: {part['amount']} {currency}"
    if price["waived"]:
        yield f"  below the grace of {price['grace']}: nothing is charged for it"
    if price["rounding"] is not None:
        rounding = price["rounding"]
        yield f"  sum        {price['sum']} {currency}, billed {price['billed']}"
        yield f"  rounded    {price['rounded']} {currency} ({rounding['mode']} at {rounding['decimals']} decimals)"
    if price["is_capped"]:
        yield f"  max cost   {price['max_cost']} {currency}"
    for conversion in (price["to_account"], price["to_base"]):
        if conversion is not None:
            rate = f"{conversion['rate']} ({conversion['rate_exact']}) of {conversion['published_on']}"
            yield f"  converted  {conversion['before']} {conversion['from']} × {rate} = {conversion['after']} {conversion['to']}"
    if price["amount"] is not None:
        yield f"  amount     {price['amount']} {price['currency']}"
    if price["basis"] == Basis.USED:
        yield "  The price list was changed since: computed with it as it was when the rate that was used was its last."
    for difference in price["differences"]:
        yield f"  DIFFERS    {difference}"


def _booked_lines(booked: Json) -> Iterator[str]:
    rollup, entry, invoice = booked["rollup"], booked["entry"], booked["invoice"]
    if rollup is not None:
        sums = f"{rollup['attempts']} attempts, {rollup['amount']} {rollup['currency']}"
        yield f"  rollup     {rollup['id']} of {rollup['day']}: {sums}"
    if entry is not None:
        lines = ", ".join(f"{each['account']} {each['amount']}" for each in entry["postings"])
        yield f"  ledger     {entry['key']}, booked on {entry['booked_on']}: {lines}"
    if invoice is not None:
        yield f"  invoice    {invoice['number']} of {invoice['issued_on']}"
