"""What `trunkline rule test` says of a call as lines for people, made from what `usage.traffic.tested` says of it."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.cli.explained import VERDICTS
from trunkline.cli.traced import STAGES, looked_lines
from trunkline.usage.traffic.traced import Json


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
            tag += f" from {rate['origin']}" if rate["origin"] else ""
            where = " ".join(filter(None, (rate["code"] or "*", rate["destination"])))
            yield f"  rate of {tried['tariff']}: {where}{tag}: {VERDICTS[rate['verdict']]}"
    if price["amount"] is None:
        yield f"  {title:<10} {price['outcome']}"
    else:
        yield f"  {title:<10} {price['amount']} {price['currency']}, tariff {price['tariff']}, code {price['code'] or '*'}"
