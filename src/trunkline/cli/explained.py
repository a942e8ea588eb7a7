"""An explained record as lines for people, made from what `usage.explained` says of it, so that both say the same."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from trunkline.cli.traced import STAGES, looked_lines
from trunkline.engine.schema import Outcome
from trunkline.usage.explain import Basis
from trunkline.usage.explained import Json

VERDICTS = {
    "chosen": "chosen",
    "tag": "passed over: the record does not carry its tag",
    "origin": "passed over: the caller is not in its origin",
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
        if tried["origin"] is not None:
            yield f"  {of}: the caller is in {tried['origin']['name']}, code {tried['origin']['code']}"
        if not tried["rates"]:
            yield f"  {of}: no code fits the number"
        for rate in tried["rates"]:
            steps = "; ".join(
                f"from {each['from']}: {each['price']} per {each['per']} by {each['increment']}"
                for each in rate["steps"]
            )
            blocked = ", blocked" if rate["is_blocked"] else ""
            blocked = (f", from {rate['origin']}" if rate["origin"] else "") + blocked
            name = " ".join(filter(None, (rate["code"] or "*", rate["destination"])))
            whose = "" if rate["tariff"] == tried["tariff"] else f" from its parent {rate['tariff']}"
            yield f"  {of}{whose}: {name}, rate {rate['rate']} ({steps}{blocked}): {VERDICTS[rate['verdict']]}"
    if price["outcome"] != Outcome.RATED.name.lower():
        yield f"  no amount: {price['outcome']}"
    currency = price["tariff_currency"]
    for fee in price["fees"]:
        yield f"  setup fee  {fee['amount']} {currency}{_surcharge(fee)}"
    for part in price["increments"]:
        count = f"{part['count']} × {part['increment']} = {part['units']} units"
        yield f"  increments from {part['from']}: {count} at {part['price']} per {part['per']}: {part['amount']} {currency}{_surcharge(part)}"
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


def _surcharge(part: Json) -> str:
    return f" (surcharge of {part['tariff']}, rate {part['rate']})" if part["is_additive"] else ""


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
