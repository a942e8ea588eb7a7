"""The traffic rules by columns and one by one are the same, on whatever rules and records the generator comes up with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.usage.rule_world import DAY, Call, World, events_of, tagged, tariffs_of, trunk
from trunkline.core.errors import Invalid
from trunkline.engine.schema import TimeWindow
from trunkline.usage.traffic.kinds import Jurisdiction, RuleSide, Stage, Then
from trunkline.usage.traffic.rule import Conditions, Rule, parse_actions
from trunkline.usage.traffic.walk import numbers_again

TARIFFS = tariffs_of(
    [
        (side, code, tag, price)
        for side in ("sell", "buy")
        for code, tag, price in (
            ("254", "", "0.10"), ("254", "a", "0.20"), ("2547", "", "0.30"), ("2547", "b", "0.40"), ("1", "", "0.05"),
            ("1404", "a", "0.06"), ("33", "c", "0.07"), ("0", "", "0.01"),
        )
    ]
)  # fmt: skip
IDENTITIES = [trunk(1, "in", "sell"), trunk(2, "out", "buy"), trunk(4, "tech", "sell", "77")]
PREFIXES = ["2", "25", "254", "2547", "77", "1", "1404", "33", "0", "254700000001"]
NUMBERS = [
    "254700000001",
    "254720000001",
    "14045550001",
    "12125550001",
    "33100000001",
    "0",
    "25",
    "77254700000001",
    "18005550001",
]
PATTERNS = [r"254(\d*)", r"1(\d{10})", r"\d+", r"0", r"(\d)(\d*)"]
PUTS = [r"\1", r"33\1", "", r"\0", "254720000009", "x"]

TAGS = {1: {"x", "y"}, 2: {"x"}, 4: set[str]()}
PROFILES = {
    "morning": (TimeWindow(end_s=4 * 3600), TimeWindow(start_s=3 * 3600 + 1800, end_s=4 * 3600)),
    "sunday": (TimeWindow(weekdays=frozenset({7})), TimeWindow(month_days=frozenset({2}), start_s=3600)),
    "never": (TimeWindow(years=frozenset({2025})),),
}

prefix_lists = st.lists(st.sampled_from(PREFIXES), min_size=1, max_size=5).map(",".join)
tags = st.sampled_from(["a", "b", "c", "a b"])


@st.composite
def actions(draw: st.DrawFn) -> str:
    def one() -> str:
        on = draw(st.sampled_from(["called", "calling"]))
        return draw(
            st.one_of(
                st.integers(1, 4).map(lambda count: f"strip {on} {count}"),
                st.sampled_from(["2", "254", "0" * 18]).map(lambda digits: f"add {on} {digits}"),
                st.tuples(st.sampled_from(PATTERNS), st.sampled_from(PUTS)).map(
                    lambda both: f"replace {on} {' '.join(both)}"
                ),
                tags.map(lambda names: f"tag {names}"),
                st.one_of(tags, st.just("*")).map(lambda names: f"untag {names}"),
                st.tuples(st.sampled_from(PATTERNS), st.sampled_from(PUTS[:2] + PUTS[3:])).map(
                    lambda both: f"route-by {' '.join(both)}"
                ),
            )
        )

    return "; ".join(one() for _ in range(draw(st.integers(1, 3))))


@st.composite
def rules(draw: st.DrawFn) -> Rule | None:
    stage = draw(st.sampled_from(list(Stage)[:3]))
    first = stage is Stage.BEFORE_IDENTIFICATION
    given_conditions: dict[str, Any] = {}
    choices: dict[str, st.SearchStrategy[Any]] = {
        "trunks_in": st.sampled_from(["in", "tech", "in,tech"]),
        "source_ips": st.sampled_from(["192.0.2.0/24", "::ffff:192.0.2.7", "2001:db8::/32,192.0.2.7"]),
        "services": st.sampled_from(["voice", "sms,voice", "data"]),
        "tags": st.sampled_from(["a", "a,b"]),
        "not_tags": st.sampled_from(["a", "b,c"]),
        "called_begins": prefix_lists,
        "called_not_begins": prefix_lists,
        "calling_begins": prefix_lists,
        "calling_not_begins": prefix_lists,
        "called_pattern": st.sampled_from(PATTERNS),
        "calling_pattern": st.sampled_from([*PATTERNS, ".{0}"]),
        "jurisdictions": st.lists(st.sampled_from(list(Jurisdiction)), min_size=1, max_size=2).map(",".join),
    }
    choices["time_profiles"] = st.sampled_from(list(PROFILES))
    if not first:
        choices["account_tags"] = st.sampled_from(["x", "x,y"])
        choices["not_account_tags"] = st.sampled_from(["x", "y,z"])
    if stage is Stage.AFTER_RATE:
        choices["codes"] = st.sampled_from(["254", "2547,1", "3"])
    for name in draw(st.lists(st.sampled_from(list(choices)), max_size=2, unique=True)):
        given_conditions[name] = draw(choices[name])
    conditions = Conditions.of(given_conditions)
    then = draw(st.sampled_from([Then.CONTINUE, Then.CONTINUE, Then.CONTINUE, Then.ALLOW, Then.DENY]))
    try:
        return Rule(
            name=f"r{draw(st.integers(0, 99))}",
            stage=stage,
            position=draw(st.integers(0, 3)),
            side=RuleSide.BOTH if first else draw(st.sampled_from(list(RuleSide))),
            account_id=None if first else draw(st.sampled_from([None, None, 1, 2])),
            valid_from_ms=draw(st.sampled_from([None, None, 1_772_413_200_000])),
            valid_to_ms=draw(st.sampled_from([None, None, 1_772_413_200_000])),
            conditions=conditions,
            actions=() if then is Then.DENY else parse_actions(draw(actions())),
            then=then,
            account_ids=tagged(conditions, TAGS),
            windows=PROFILES[conditions.time_profiles[0]] if conditions.time_profiles else (),
            zone=draw(st.sampled_from(["UTC", "Africa/Nairobi", "America/St_Johns"])),
        )
    except Invalid as error:
        if error.code != "rule_pattern":  # a replacement that names a group which the pattern has not
            raise
        return None


calls = st.builds(
    Call,
    calling=st.sampled_from(["", *NUMBERS]),
    called=st.sampled_from(NUMBERS),
    trunk_in=st.sampled_from(["in", "tech", "nobody", ""]),
    trunk_out=st.sampled_from(["out", "out", "nobody"]),
    source_ip=st.sampled_from(["", "192.0.2.7", "2001:db8::1", "no address"]),
    start=st.sampled_from([DAY, DAY + timedelta(hours=1), DAY + timedelta(hours=2)]),
    seconds=st.sampled_from([0, 60, 61]),
    is_last=st.booleans(),
)


@given(st.lists(rules(), max_size=6), st.lists(calls, min_size=1, max_size=8))
def test_columns_and_single_records_agree(given_rules: list[Rule | None], given_calls: list[Call]) -> None:
    distinct = {rule.name: rule for rule in given_rules if rule is not None}
    world = World(rules=list(distinct.values()), tariffs=TARIFFS, identities=IDENTITIES)
    assert world.by_columns(given_calls) == [world.one_by_one(call) for call in given_calls]


@given(st.lists(rules(), max_size=6), st.lists(calls, min_size=1, max_size=8))
def test_stored_records_become_the_same_once_more(given_rules: list[Rule | None], given_calls: list[Call]) -> None:
    """What a re-rating does: the records as they were stored, from their raw numbers."""
    distinct = {rule.name: rule for rule in given_rules if rule is not None}
    world = World(rules=list(distinct.values()), tariffs=TARIFFS, identities=IDENTITIES)
    first = world.priced(events_of(given_calls))
    again = world.priced(numbers_again(first[0], world.profile.number_rules))
    assert world.became(*again) == world.became(*first)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(rules(), min_size=3, max_size=12), st.lists(calls, min_size=1, max_size=30))
def test_long_books_agree(given_rules: list[Rule | None], given_calls: list[Call]) -> None:
    distinct = {rule.name: rule for rule in given_rules if rule is not None}
    world = World(rules=list(distinct.values()), tariffs=TARIFFS, identities=IDENTITIES)
    assert world.by_columns(given_calls) == [world.one_by_one(call) for call in given_calls]
