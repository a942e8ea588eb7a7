from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.codes import CODES_MAX, expand_codes
from trunkline.core.e164 import digits_of, international, is_digits, is_number_text
from trunkline.core.errors import Conflict, Denied, Invalid, NotFound, TrunklineError, Unavailable
from trunkline.core.ids import content_key, uuid7


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("93", ["93"]),
        ("44301,44303", ["44301", "44303"]),
        ("44301-44303", ["44301", "44302", "44303"]),
        ("443(0-2)1", ["44301", "44311", "44321"]),
        ("443(0-2)1, 93; 7", ["44301", "44311", "44321", "93", "7"]),
        ("44[7-9]", ["447", "448", "449"]),
        ("880 (17,18)", ["880", "17", "18"]),
        ("880(17,18)", ["88017", "88018"]),
        ("4(1,2)(0-1)", ["410", "411", "420", "421"]),
        ("007-011", ["007", "008", "009", "010", "011"]),
        ("44,44, 44", ["44"]),
        ("(00-01)", ["00", "01"]),
    ],
)
def test_expressions_stand_for_plain_codes(expression: str, codes: list[str]) -> None:
    assert expand_codes(expression) == codes


@given(st.lists(st.from_regex(r"[0-9]{1,18}", fullmatch=True), min_size=1, max_size=30, unique=True))
def test_a_list_of_plain_codes_is_itself(codes: list[str]) -> None:
    assert expand_codes(",".join(codes)) == codes


@given(st.integers(0, 99_000), st.integers(0, 999))
def test_a_range_has_every_code_between_its_ends(first: int, more: int) -> None:
    assert expand_codes(f"{first:06}-{first + more:06}") == [f"{code:06}" for code in range(first, first + more + 1)]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " , ",
        "44(",
        "44)",
        "44()",
        "44(a)",
        "44x",
        "+44",
        "3-1",
        "1-10",
        "-1",
        "1-",
        "1-2-3",
        "44(1-)",
        "((1))",
        "٤٤",
        "1" * 19,
    ],
)
def test_other_text_is_no_code(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        expand_codes(expression)
    assert caught.value.code == "bad_code"


@pytest.mark.parametrize("expression", ["000000-100000", "(0-9)" * 6, "1(0-9)(00000-99999)", "(00000-99999)" * 20])
def test_too_many_codes_are_told_before_they_are_spread_out(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        expand_codes(expression)
    assert caught.value.code == "too_many_codes"


def test_as_many_codes_as_allowed() -> None:
    assert len(expand_codes("44(00000-99999)")) == CODES_MAX


def test_numbers_as_the_engine_takes_them() -> None:
    assert [is_number_text(text) for text in ("447900123456", "1", "9" * 15)] == [True] * 3
    assert [is_number_text(text) for text in ("", "0447", "+447", "44 7", "9" * 16, "٤٤")] == [False] * 6
    assert (is_digits("0044"), is_digits(""), is_digits("4a"), is_digits("٤")) == (True, False, False, False)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+44 (20) 7946-0000", "442079460000"),
        (" 0049.30/1234 ", "0049301234"),
        ("44++7", ""),
        ("anonymous", ""),
        ("", ""),
        ("+", ""),
    ],
)
def test_written_numbers_come_down_to_digits(written: str, digits: str) -> None:
    assert digits_of(written) == digits


def test_numbers_show_with_a_plus() -> None:
    assert (international("44"), international("")) == ("+44", "")


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_uuid7_carries_its_millisecond(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    made = uuid7(at)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_uuid7s_differ_and_follow_the_clock() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert max(uuid7(early) for _ in range(100)) < min(uuid7(late) for _ in range(100))
    assert len({uuid7(early) for _ in range(1000)}) == 1000
    assert uuid7() > uuid7(datetime(2020, 1, 1, tzinfo=UTC))  # the clock of this machine
    with pytest.raises(ValueError, match="does not fit"):
        uuid7(datetime(1969, 1, 1, tzinfo=UTC))


def test_a_content_key_tells_parts_apart() -> None:
    keys = [
        content_key(),
        content_key(""),
        content_key(None),
        content_key("ab", "c"),
        content_key("a", "bc"),
        content_key("abc"),
        content_key(b"abc"),
        content_key(1),
        content_key("1"),
        content_key("s3:abc"),
    ]
    assert len(set(keys)) == len(keys)
    assert content_key("ab", 7, None) == sha256(b"s2:abi1:7n0:").hexdigest()


def test_every_family_is_a_trunkline_error_and_its_text_is_for_people() -> None:
    for family in (NotFound, Denied, Conflict, Invalid, Unavailable):
        error = family("some_code", "It is so.", hint="Do that.", code=3)
        assert isinstance(error, TrunklineError)
        assert (error.code, str(error), error.context) == ("some_code", "It is so. Do that.", {"code": 3})
        assert str(family("some_code", "It is so.")) == "It is so."
        assert repr(error) == f"{family.__name__}('some_code', 'It is so.')"
