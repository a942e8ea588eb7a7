"""What a re-rating is asked for: kept and read back, and what it covers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.usage.asked import Asked

DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    begin, end = draw(st.sampled_from([None, *DAYS])), draw(st.sampled_from([None, *DAYS]))
    if begin is not None and end is not None and begin >= end:
        end = None
    return Asked(
        start_from=begin,
        start_to=end,
        account_id=draw(st.sampled_from([None, 1, 2])),
        side=draw(st.sampled_from(["", "sell", "buy"])),
        code=draw(st.sampled_from(["", "25", "254", "44"])),
        tariff_id=draw(st.sampled_from([None, 7])),
    )


@given(questions())
def test_a_question_is_kept_and_covers_itself_and_is_covered_by_everything(asked: Asked) -> None:
    assert Asked.of(asked.as_json()) == asked
    assert asked.covers(asked)
    assert Asked().covers(asked)


@given(questions(), questions(), questions())
def test_what_covers_a_cover_covers(one: Asked, two: Asked, three: Asked) -> None:
    if one.covers(two) and two.covers(three):
        assert one.covers(three)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"side": "sell"}),
        ({"code": "25"}, {"code": "254"}),
        ({"start_from": DAYS[0]}, {"start_from": DAYS[1]}),
        ({"start_to": DAYS[1]}, {"start_to": DAYS[0]}),
        ({"start_from": DAYS[0], "start_to": DAYS[2]}, {"start_from": DAYS[0], "start_to": DAYS[1]}),
        ({"tariff_id": 7}, {"tariff_id": 7, "account_id": 1}),
    ],
)
def test_the_narrower_does_not_cover_the_wider(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    assert Asked(**wide).covers(Asked(**narrow))
    assert not Asked(**narrow).covers(Asked(**wide))


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"side": "both"}, "unknown_side"),
        ({"code": "+254"}, "bad_code"),
        ({"code": "٢٥٤"}, "bad_code"),
        ({"start_from": DAYS[1], "start_to": DAYS[1]}, "bad_period"),
    ],
)
def test_what_cannot_be_asked_is_refused(given_: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        Asked(**given_)
    assert caught.value.code == code
