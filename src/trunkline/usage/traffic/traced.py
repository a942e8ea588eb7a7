"""The path of a record through the traffic rules as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.usage.traffic.rule import actions_text
from trunkline.usage.traffic.scalar import Looked, State

Json = dict[str, Any]


def state_json(state: State) -> Json:
    """What a record carries."""
    return {
        "calling": state.calling,
        "called": state.called,
        "routing_number": state.routing or None,
        "tags": sorted(state.tags),
        "jurisdiction": state.jurisdiction.value,
    }


def looked_json(looked: Sequence[Looked], before: State) -> list[Json]:
    """The rules of a stage: what became of each, what it was to do, and what the record carried afterwards where it changed."""
    found = []
    for each in looked:
        rule, after = each.rule, each.after
        now = state_json(after)
        changed = {name: value for name, value in now.items() if value != state_json(before)[name]}
        found.append(
            {
                "rule": rule.name,
                "stage": rule.stage.value,
                "position": rule.position,
                "verdict": each.verdict.value,
                "actions": actions_text(rule.actions),
                "then": rule.then.value,
                "changed": changed,
                "reason": None if after.denied_by is not rule or after.reason is None else after.reason.value,
            }
        )
        before = after
    return found
