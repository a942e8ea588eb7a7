"""Files of traffic rules: what is written is read again, and what is wrong is named with its line."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.usage.traffic.actions import GivenRule
from trunkline.usage.traffic.kinds import RuleSide, Stage, Then
from trunkline.usage.traffic.rule import CONDITION_NAMES, PATTERNS
from trunkline.usage.traffic.rule_file import COLUMNS, read_rule_file, write_rule_file

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=","), min_size=1, max_size=8
)
instants = st.none() | st.integers(0, 10**9).map(
    lambda second: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)
conditions = st.dictionaries(
    st.sampled_from([name for name in CONDITION_NAMES if name not in PATTERNS]),
    st.lists(words, min_size=1, max_size=3),
    max_size=3,
)
rules = st.builds(
    GivenRule,
    name=words,
    stage=st.sampled_from(list(Stage)).map(str),
    position=st.none() | st.integers(0, 10**9 - 1),
    side=st.sampled_from(list(RuleSide)).map(str),
    switch=st.just("") | words,
    account=st.just("") | words,
    valid_from=instants,
    valid_to=instants,
    conditions=conditions,
    actions=st.sampled_from(["", "tag a", r"replace called 00(\d+) \1; untag *"]),
    then=st.sampled_from(list(Then)).map(str),
    note=st.just("") | words,
)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


@given(st.lists(rules, max_size=5))
def test_what_is_written_is_read_again(given_rules: list[GivenRule]) -> None:
    stream = io.StringIO()
    write_rule_file(given_rules, stream, _text)
    found = read_rule_file(stream.getvalue().encode(), UTC)
    assert [rule for _, rule in found] == [_as_texts(rule) for rule in given_rules]
    assert [line for line, _ in found] == list(range(2, 2 + len(given_rules)))


def _as_texts(rule: GivenRule) -> GivenRule:
    texts = {name: ",".join(value) for name, value in rule.conditions.items() if isinstance(value, list)}
    return GivenRule(**{name: getattr(rule, name) for name in GivenRule.__slots__} | {"conditions": texts})


def test_a_date_is_a_midnight_of_the_zone() -> None:
    data = b"name,stage,valid_from\na,after_account,2026-03-02\n"
    ((_, rule),) = read_rule_file(data, ZoneInfo("Africa/Nairobi"))
    assert rule.valid_from == datetime(2026, 3, 1, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (b"", "bad_header", "no column name; no column stage"),
        (b"name,colour\n", "bad_header", "unknown column 'colour'; no column stage"),
        (b"name,stage,name\n", "bad_header", "name twice"),
        (b"name,stage\na,after_account,more\n", "bad_rule_file", "line 2: There are 3 values where the header has 2."),
        (b"name,stage,valid_to\na,b,tomorrow\nc,d,\ne,f,never\n", "bad_rule_file", "line 4"),
        (b"name,stage,position\na,b,first\n", "bad_rule_file", "line 2: 'first' is no position."),
        (b'name,stage\n"a,b\n', "bad_rule_file", "no CSV"),
        (b'name,stage,note\na,b,"two\nlines"\nc,d\n', "bad_rule_file", "line 4"),
        (b"name,stage\n\xff,b\n", "bad_encoding", "Line 2"),
        ("name,stage\n".encode("utf-16"), "bad_encoding", "UTF-16"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, code: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_rule_file(text, UTC)
    assert refused.value.code == code
    assert says in str(refused.value)


def test_blank_lines_are_nothing_and_left_out_columns_are_the_usual() -> None:
    ((line, rule),) = read_rule_file(b"\xef\xbb\xbfName , STAGE,actions\n,,\n\na,After_Account,tag x\n", UTC)
    assert (line, rule) == (4, GivenRule(name="a", stage="after_account", actions="tag x"))


def test_every_field_and_condition_has_its_column() -> None:
    fields = [name for name in GivenRule.__slots__ if name != "conditions"]
    assert sorted(COLUMNS) == sorted([*fields, *CONDITION_NAMES])
