"""The path of a record through the traffic rules as lines for people, made from what `usage.traffic.traced` says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WHY_NOT = {
    "stopped": "not looked at: a rule before it ended the stage",
    "dates": "passed over: it does not hold at that time",
    "time_profiles": "passed over: the call starts outside its time profiles",
    "account": "passed over: it is for another account",
    "account_tags": "passed over: it is for accounts with other tags",
    "services": "passed over: it is for other services",
    "trunks_in": "passed over: the trunk in is another",
    "trunks_out": "passed over: the trunk out is another",
    "source_ips": "passed over: the address does not lie in its networks",
    "tags": "passed over: a tag that it asks for is missing",
    "not_tags": "passed over: there is a tag that it does not want",
    "called_begins": "passed over: the called number begins otherwise",
    "called_not_begins": "passed over: the called number begins as it does not want",
    "calling_begins": "passed over: the calling number begins otherwise",
    "calling_not_begins": "passed over: the calling number begins as it does not want",
    "called_pattern": "passed over: its pattern does not fit the called number",
    "calling_pattern": "passed over: its pattern does not fit the calling number",
    "jurisdictions": "passed over: the jurisdiction is another",
    "destinations": "passed over: the destination is another",
    "countries": "passed over: the country of the destination is another",
    "codes": "passed over: the code of the price begins otherwise",
}
STAGES = {
    "before_identification": "before identification",
    "after_account": "after account",
    "after_rate": "after rate",
    "after_routing": "after routing",
}


def looked_lines(looked: Sequence[Mapping[str, Any]], indent: str) -> Iterator[str]:
    """The rules of a stage for people."""
    for each in looked:
        if each["verdict"] != "fitted":
            yield f"{indent}rule {each['rule']}: {WHY_NOT[each['verdict']]}"
            continue
        changes = [f"{name.replace('_', ' ')} {_shown(value)}" for name, value in each["changed"].items()]
        does = each["actions"] or each["then"]
        then = f", then {each['then']}" if each["actions"] and each["then"] != "continue" else ""
        became = f"REJECTED: {each['reason']}" if each["reason"] else ", ".join(changes) or "nothing changed"
        yield f"{indent}rule {each['rule']}: fitted ({does}{then}): {became}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value) or "none"
    return str(value or "none")
