from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.errors import Invalid
from trunkline.engine.schema import DEFAULT_WEIGHT, TimeWindow
from trunkline.engine.vectors import Answer, parse_rating, read_rating, run, run_rating

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "vectors"
OWN = sorted((ROOT / "docs" / "algorithms" / "vectors").glob("*.json"))

Json = dict[str, Any]


def failures(path: Path) -> list[tuple[str, str, str, str]]:
    results = run_rating(path)
    assert results
    return [(r.id, str(r.expected), str(r.scalar), str(r.columns)) for r in results if not r.passed]


@pytest.mark.parametrize("name", ["rating.json", "rating_generated.json"])
def test_the_shared_examples_come_out(name: str) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine: the shared examples are not part of the repository")
    assert failures(path) == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_own_examples_come_out(path: Path) -> None:
    assert failures(path) == []


def test_our_own_examples_are_there() -> None:
    assert [path.stem for path in OWN] == ["additive", "candidates", "negative", "parents"]


def smallest() -> Json:
    """Everything that may be left out is."""
    return {
        "format": "rating/1",
        "tariffs": {
            "t": {
                "currency": "USD",
                "rates": [{"code": "44", "steps": [{"price": "0.6", "per": "60", "increment": "1"}]}],
            }
        },
        "cases": [
            {
                "id": "one",
                "tariff": "t",
                "number": "441",
                "start": "2024-06-03T10:00:00Z",
                "quantity": "61",
                "expect": {"amount": "0.610", "code": "44"},
            }
        ],
    }


def test_what_may_be_left_out_has_the_documented_meaning() -> None:
    vectors = parse_rating(smallest())
    tariff = vectors.tariffs["t"]
    assert (tariff.currency, tariff.timezone, tariff.unit.value, dict(tariff.time_profiles)) == (
        "USD",
        "UTC",
        "second",
        {},
    )
    assert tariff.rates.to_pylist() == [
        {
            "rate_id": 1_000_001,
            "code": "44",
            "destination_id": None,
            "valid_from": None,
            "valid_to": None,
            "time_profile": None,
            "weight": DEFAULT_WEIGHT,
            "setup_fee": 0,
            "grace": 0,
            "rounding_mode": 0,
            "rounding_decimals": 8,
            "max_cost": None,
            "length_min": None,
            "length_max": None,
            "tag": None,
            "blocked": False,
            "additive": False,
            "steps": [{"start": 0, "price": 6_000_000_000, "per": 60, "increment": 1}],
            "origin": None,
        }
    ]
    (result,) = run(vectors)
    assert (result.id, result.passed, str(result.scalar), str(result.columns)) == (
        "one",
        True,
        "0.61 at 44",
        "0.61 at 44",
    )


@pytest.mark.parametrize(
    ("parents", "other", "complaint"),
    [
        ({"t": "nobody"}, {}, "names no tariff of the file"),
        ({"t": "t"}, {}, "leads back to a tariff itself"),
        ({"t": "u", "u": "t"}, {}, "leads back to a tariff itself"),
        ({"t": "u"}, {"currency": "EUR"}, "has the currency USD, its parent u EUR"),
        ({"t": "u"}, {"timezone": "Asia/Tokyo"}, "has the timezone UTC"),
        ({"t": "u"}, {"unit": "octet"}, "has the unit second"),
        ({"t": "u"}, {"time_profiles": {"day": [{"from": "08:00:00"}]}}, "another time profile of the name 'day'"),
        ({"t": 7}, {}, "is not text"),
        ({"t": "u", "u": "v", "v": "w", "w": "x", "x": "y"}, {}, "more than 4 ancestors"),
    ],
)
def test_a_parent_that_cannot_be_is_named(parents: Json, other: Json, complaint: str) -> None:
    document = smallest()
    document["tariffs"]["t"]["time_profiles"] = {"day": [{"from": "09:00:00"}]}
    for name in ("u", "v", "w", "x", "y"):
        document["tariffs"][name] = {"currency": "USD", "rates": [], **other}
    for name, parent in parents.items():
        document["tariffs"][name]["parent"] = parent
    with pytest.raises(Invalid) as refused:
        parse_rating(document)
    assert (refused.value.code, complaint in str(refused.value)) == ("bad_vector", True), refused.value


def test_null_is_the_same_as_left_out() -> None:
    document = smallest()
    document["about"] = None
    document["tariffs"]["t"].update(timezone=None, unit=None, time_profiles=None)
    row = document["tariffs"]["t"]["rates"][0]
    row.update(dict.fromkeys(["valid_from", "valid_to", "time_profile", "weight", "setup_fee", "grace", "rounding"]))
    row.update(dict.fromkeys(["max_cost", "length_min", "length_max", "tag", "blocked", "policy"]))
    row["steps"][0]["from"] = None
    document["cases"][0].update(note=None, tags=None, tariffs=None)
    assert parse_rating(document).tariffs["t"].rates == parse_rating(smallest()).tariffs["t"].rates


def test_notes_change_nothing() -> None:
    document = smallest()
    document["about"] = "what this is"
    document["cases"][0]["note"] = "why this is"
    assert parse_rating(document).cases == parse_rating(smallest()).cases


def test_windows_read_as_seconds_of_the_day() -> None:
    document = smallest()
    document["tariffs"]["t"]["time_profiles"] = {
        "p": [
            {"from": "08:00:30", "weekdays": [1, 7]},
            {"to": "06:00:00", "months": [2], "month_days": [29], "years": [2024]},
            {},
        ]
    }
    assert parse_rating(document).tariffs["t"].time_profiles["p"] == (
        TimeWindow(weekdays=frozenset({1, 7}), start_s=28830),
        TimeWindow(months=frozenset({2}), month_days=frozenset({29}), years=frozenset({2024}), end_s=21600),
        TimeWindow(),
    )


@pytest.mark.parametrize(
    ("expect", "passed"),
    [
        ({"amount": "0.61"}, True),
        ({"amount": "0.61", "code": "4"}, False),
        ({"amount": "0.6100000000001", "code": "44"}, False),
        ({"amount": "0.62", "code": "44"}, False),
        ({"error": "no_rate"}, False),
    ],
)
def test_a_case_passes_only_if_amount_and_code_agree(expect: Json, passed: bool) -> None:
    document = smallest()
    document["cases"][0]["expect"] = expect
    assert [result.passed for result in run(parse_rating(document))] == [passed]


def test_answers_show_as_people_read_them() -> None:
    answers = [
        Answer(Decimal("10.00"), "44"),
        Answer(Decimal("0E-8"), ""),
        Answer(Decimal("1.50")),
        Answer(error="no_rate"),
    ]
    assert [str(answer) for answer in answers] == ["10 at 44", "0 at any code", "1.5", "no_rate"]


TARIFF, RATE, STEP, CASE = (
    ("tariffs", "t"),
    ("tariffs", "t", "rates", 0),
    ("tariffs", "t", "rates", 0, "steps", 0),
    ("cases", 0),
)


@pytest.mark.parametrize(
    ("place", "key", "value", "complaint"),
    [
        ((), "format", "rating/2", "not 'rating/1'"),
        ((), "extra", 1, "unknown key: 'extra'"),
        ((), "cases", None, "lacks 'cases'"),
        ((), "cases", {}, "not a list"),
        ((), "tariffs", [], "not an object"),
        (TARIFF, "note", "x", "unknown key: 'note'"),
        (TARIFF, "currency", "usd", "currency code"),
        (TARIFF, "currency", 840, "not text"),
        (TARIFF, "timezone", "Mars/Olympus", "no timezone"),
        (TARIFF, "unit", "minute", "not one of second, octet, message"),
        (TARIFF, "time_profiles", {"p": [{"hours": []}]}, "unknown key: 'hours'"),
        (TARIFF, "time_profiles", {"p": [{"weekdays": [0]}]}, "not a number from 1 to 7"),
        (TARIFF, "time_profiles", {"p": [{"weekdays": [True]}]}, "not a number from 1 to 7"),
        (TARIFF, "time_profiles", {"p": [{"months": ["1"]}]}, "not a number from 1 to 12"),
        (TARIFF, "time_profiles", {"p": [{"from": "8:00"}]}, "no time of day"),
        (TARIFF, "time_profiles", {"p": [{"to": "24:00:01"}]}, "no time of day"),
        (TARIFF, "time_profiles", {"p": [{"from": "22:00:00", "to": "06:00:00"}]}, "two windows"),
        (TARIFF, "time_profiles", {"p": [{"from": "06:00:00", "to": "06:00:00"}]}, "two windows"),
        (RATE, "prise", "1", "unknown key: 'prise'"),
        (RATE, "code", None, "lacks 'code'"),
        (RATE, "code", "44*", "more than digits"),
        (RATE, "time_profile", "peak", "no time profile"),
        (RATE, "valid_from", "2024-01-01", "no UTC offset"),
        (RATE, "valid_from", "yesterday", "no instant"),
        (RATE, "valid_to", "2024-01-01T00:00:00.5Z", "whole second"),
        (RATE, "weight", 10.5, "not text"),
        (RATE, "weight", "0.00001", "more than 4 decimals"),
        (RATE, "setup_fee", "0.123456789012", "more than 10 decimals"),
        (RATE, "setup_fee", "1000000000", "too large"),
        (RATE, "grace", "-1", "not between 0"),
        (RATE, "grace", "1.5", "more than 0 decimals"),
        (RATE, "max_cost", "-1", "below zero"),
        (RATE, "max_cost", "1,5", "not a plain decimal"),
        (RATE, "rounding", {"mode": "nearest", "decimals": 2}, "no rounding mode"),
        (RATE, "rounding", {"mode": "up", "decimals": 9}, "rounded to 9 decimals"),
        (RATE, "rounding", {"mode": "up"}, "lacks 'decimals'"),
        (RATE, "length_min", 128, "longer than any number"),
        (RATE, "tag", 1, "not text"),
        (RATE, "blocked", "yes", "neither true nor false"),
        (RATE, "policy", "extra", "not one of regular, additive"),
        (RATE, "steps", [], "no step that begins at 0"),
        (STEP, "from", "1", "no step that begins at 0"),
        (STEP, "price", None, "lacks 'price'"),
        (STEP, "price", "0.12345678901", "more than 10 decimals"),
        (STEP, "per", "0", "not between 1"),
        (STEP, "increment", "0", "not between 1"),
        (STEP, "increment", str(2**63), "not between 1"),
        (STEP, "increment", True, "not text"),
        (CASE, "tariff", "u", "names no tariff"),
        (CASE, "tariff", None, "needs either"),
        (CASE, "tariffs", ["t"], "needs either"),
        (CASE, "number", "+441", "more than digits"),
        (CASE, "start", "2024-06-03T10:00:00", "no UTC offset"),
        (CASE, "start", "0001-01-01T00:00:00+14:00", "no instant"),
        (CASE, "quantity", "-1", "not between 0"),
        (CASE, "quantity", "1.5", "more than 0 decimals"),
        (CASE, "expect", {}, "needs either"),
        (CASE, "expect", {"amount": "1", "error": "no_rate"}, "needs either"),
        (CASE, "expect", {"error": "no_rate", "code": "44"}, "beside an error"),
        (CASE, "expect", {"error": "oops"}, "not one of no_rate, blocked, overflow"),
        (CASE, "expect", {"amount": "one"}, "not a plain decimal"),
        (CASE, "expect", {"amount": 1}, "not text"),
    ],
)
def test_what_is_not_the_format_is_refused_with_its_place(
    place: tuple[Any, ...], key: str, value: object, complaint: str
) -> None:
    document = copy.deepcopy(smallest())
    target: Any = document
    for part in place:
        target = target[part]
    target[key] = value
    with pytest.raises(Invalid, match=complaint) as caught:
        parse_rating(document)
    assert caught.value.code == "bad_vector"


def test_two_steps_do_not_begin_at_one_position() -> None:
    document = smallest()
    document["tariffs"]["t"]["rates"][0]["steps"] *= 2
    with pytest.raises(Invalid, match="same position"):
        parse_rating(document)


@pytest.mark.parametrize(
    ("text", "code", "complaint"),
    [
        ("", "vector_file", "not JSON"),
        ("{", "vector_file", "not JSON"),
        ("[" * 100_000, "vector_file", "not JSON"),
        ("[]", "bad_vector", "not an object"),
        ('{"format": "rating/1", "format": "rating/1"}', "bad_vector", "stands twice"),
        ('{"format": 1.5}', "bad_vector", "JSON number"),
        ('{"format": NaN}', "bad_vector", "JSON number"),
    ],
)
def test_text_that_is_no_vector_file_is_refused(text: str, code: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint) as caught:
        read_rating(text)
    assert caught.value.code == code


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    utf16 = tmp_path / "utf16.json"
    utf16.write_text(json.dumps(smallest()), encoding="utf-16")
    for path in (tmp_path / "absent.json", tmp_path, utf16):
        with pytest.raises(Invalid) as caught:
            run_rating(path)
        assert caught.value.code == "vector_file"
    marked = tmp_path / "marked.json"
    marked.write_text(json.dumps(smallest()), encoding="utf-8-sig")
    assert [result.passed for result in run_rating(str(marked))] == [True]
