"""Rate files: what a good one says, and that every bad line is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trunkline.core.errors import Invalid
from trunkline.engine.units import Unit
from trunkline.tariffs.rate_file import LINE_OCTETS_MAX, LOAD_SCHEMA, RateFile, read_rate_file

HEADER = (
    "code,destination,price,per,increments,setup_fee,grace,valid_from,valid_to,time_profile,weight,rounding,max_cost,"
    "blocked,tag,length_min,length_max,policy\n"
)
PLAIN: dict[str, Any] = {
    "destination": None,
    "setup_fee": "0",
    "grace": 0,
    "valid_from": None,
    "valid_to": None,
    "time_profile": None,
    "weight": "10",
    "rounding_mode": 0,
    "rounding_decimals": 8,
    "max_cost": None,
    "blocked": False,
    "tag": None,
    "length_min": None,
    "length_max": None,
    "additive": False,
    "origin": None,
}


def read(text: str | bytes, *, unit: Unit = Unit.SECOND, timezone: str = "Africa/Nairobi") -> RateFile:
    data = text if isinstance(text, bytes) else text.encode()
    return read_rate_file(data, unit=unit, timezone=timezone, profiles={"peak", "off peak"})


def problems(text: str | bytes) -> list[tuple[int, str]]:
    found = read(text)
    return [(problem.line, problem.code) for problem in found.problems]


def test_the_example_of_the_page_is_read() -> None:
    found = read(
        HEADER
        + "254,Kenya,0.0850,60,1/1,,,2026-01-01T00:00:00Z,,,,,,,,,,\n"
        + '"2547,2541",Kenya Mobile,0.1150,60,60/1,,,2026-01-01T00:00:00Z,2026-03-02T12:00:00Z,,,,,,,,,\n'
        + '"2547,2541",Kenya Mobile,0.1090,60,60/1,,,2026-03-02T12:00:00Z,,,,,,,,,,\n'
        + "44,United Kingdom,,,0:0.20/60/60;60:0.10/60/1,0.05,3,,,peak,,half_up/4,,,,,,\n"
    )
    january, march = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
    mobile = PLAIN | {"destination": "Kenya Mobile", "valid_from": january, "valid_to": march}
    mobile_later = mobile | {"valid_from": march, "valid_to": None, "steps": "0:0.109/60/60;60:0.109/60/1", "line": 4}
    mobile |= {"steps": "0:0.115/60/60;60:0.115/60/1", "line": 3}
    kenya = PLAIN | {"line": 2, "code": "254", "destination": "Kenya", "steps": "0:0.085/60/1", "valid_from": january}
    uk = {"line": 5, "code": "44", "destination": "United Kingdom", "steps": "0:0.2/60/60;60:0.1/60/1"}
    uk |= {"setup_fee": "0.05", "grace": 3, "time_profile": "peak", "rounding_mode": 0, "rounding_decimals": 4}
    assert found.problems == []
    assert found.line_count == 4
    assert found.rates.schema == LOAD_SCHEMA
    assert found.rates.to_pylist() == [
        {name: row[name] for name in LOAD_SCHEMA.names}
        for row in (
            kenya,
            mobile | {"code": "2547"},
            mobile | {"code": "2541"},
            mobile_later | {"code": "2547"},
            mobile_later | {"code": "2541"},
            PLAIN | uk,
        )
    ]


def test_every_column_is_read() -> None:
    found = read(
        b"\xef\xbb\xbf Policy , code,length_max,length_min,tag,blocked,max_cost,rounding,weight,valid_to,valid_from,price,per\r\n"
        b'additive, 443(0-1) ,15,8,"cli,gold",TRUE,99.5,down / 2,12.5,2026-06-01,2026-05-01,-0.5,1\r\n'
    )
    assert found.problems == []
    begin, end = datetime(2026, 4, 30, 21, tzinfo=UTC), datetime(2026, 5, 31, 21, tzinfo=UTC)  # midnights in Nairobi
    expected = PLAIN | {"line": 2, "steps": "0:-0.5/1/1", "additive": True, "length_max": 15, "length_min": 8}
    expected |= {"tag": "cli,gold", "blocked": True, "max_cost": "99.5", "rounding_mode": 3, "rounding_decimals": 2}
    expected |= {"weight": "12.5", "valid_from": begin, "valid_to": end}
    assert found.rates.to_pylist() == [
        {name: (expected | {"code": code})[name] for name in LOAD_SCHEMA.names} for code in ("4430", "4431")
    ]


@pytest.mark.parametrize(
    ("unit", "given", "steps"),
    [
        (Unit.SECOND, "0.1,,", "0:0.1/60/1"),
        (Unit.MESSAGE, "0.1,,", "0:0.1/1/1"),
        (Unit.OCTET, "0.5,1000000,1000/1000", "0:0.5/1000000/1000"),
        (Unit.SECOND, "0.1,1,30/6", "0:0.1/1/30;30:0.1/1/6"),
        (Unit.SECOND, "0.1200000000,,60/60", "0:0.12/60/60"),
        (Unit.SECOND, ",,0:1/60/60", "0:1/60/60"),
        (Unit.SECOND, ",, 0 : 1 / 60 / 60 ; 120 : 0.50 / 1 / 1 ", "0:1/60/60;120:0.5/1/1"),
    ],
)
def test_price_and_increments_become_steps(unit: Unit, given: str, steps: str) -> None:
    found = read(f"code,price,per,increments\n44,{given}\n", unit=unit)
    assert found.problems == []
    assert found.rates["steps"].to_pylist() == [steps]


def test_an_empty_code_is_the_code_of_every_number() -> None:
    assert read("code,price\n,1\n").rates["code"].to_pylist() == [""]


def test_empty_lines_are_passed_over_and_lines_still_counted() -> None:
    found = read("code,price\n\n44,1\n,\n\n45,x\n")
    assert [(p.line, p.code) for p in found.problems] == [(6, "bad_decimal")]
    assert found.rates["line"].to_pylist() == [3]
    assert found.line_count == 2


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ("44,,,,,,", "missing_price"),
        ("44,0.123456789012,,,,,", "price_precision"),
        ("44,0.12345678901,,,,,", "price_precision"),
        ("44,1e3,,,,,", "bad_decimal"),
        ('44,"1,5",,,,,', "bad_decimal"),
        ("44,nan,,,,,", "bad_decimal"),
        ("44,999999999999,,,,,", "overflow"),
        ("44,1,0,,,,", "bad_number"),
        ("44,1,60,0/1,,,", "bad_number"),
        ("44,1,60,60,,,", "bad_steps"),
        ("44,1,60,60/-1,,,", "bad_number"),
        ("44,1,,0:1/60/60,,,", "bad_steps"),
        ("44,,,10:1/60/60,,,", "bad_steps"),
        ("44,,,0:1/60/60;0:2/60/60,,,", "bad_steps"),
        ("44,,,0:1/60,,,", "bad_steps"),
        ("44a,1,,,,,", "bad_code"),
        ("+44,1,,,,,", "bad_code"),
        ("44303-44301,1,,,,,", "bad_code"),
        ("1234567890123456789,1,,,,,", "bad_code"),
        ("0-999999,1,,,,,", "bad_code"),
        ("000000-999999,1,,,,,", "too_many_codes"),
        ("44,1,,,2026-02-30,,", "bad_time"),
        ("44,1,,,2026-03-02T00:00:00,,", "bad_time"),
        ("44,1,,,2026-03-02T00:00:60Z,,", "bad_time"),
        ("44,1,,,2026-03-02T00:00:00.5Z,,", "bad_time"),
        ("44,1,,,0001-01-01T00:00:00+14:00,,", "bad_time"),
        ("44,1,,,02/03/2026,,", "bad_time"),
        ("44,1,,,2026-03-02,2026-03-02,", "validity_order"),
        ("44,1,,,2026-03-02,2026-03-01,", "validity_order"),
        ("44,1,,,,,night", "unknown_profile"),
    ],
)
def test_a_bad_line_is_named_with_its_reason(values: str, code: str) -> None:
    text = "code,price,per,increments,valid_from,valid_to,time_profile\n1,1,,,,,\n" + values + "\n2,1,,,,,\n"
    found = read(text)
    assert [(problem.line, problem.code) for problem in found.problems] == [(3, code)]
    assert found.rates["line"].to_pylist() == [2, 4]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("setup_fee", "0.12345678901", "price_precision"),
        ("grace", "-1", "bad_number"),
        ("weight", "1.23456", "weight_precision"),
        ("weight", "1000000000", "overflow"),
        ("rounding", "half_up", "bad_rounding"),
        ("rounding", "nearest/2", "unknown_rounding_mode"),
        ("rounding", "up/9", "rounding_decimals"),
        ("max_cost", "1.123456789", "amount_precision"),
        ("max_cost", "-1", "negative_max_cost"),
        ("max_cost", "92233720369", "overflow"),
        ("blocked", "yes", "bad_word"),
        ("policy", "extra", "bad_word"),
        ("length_min", "128", "bad_number"),
        ("destination", "x" * 201, "bad_name"),
        ("tag", "x" * 61, "bad_name"),
    ],
)
def test_a_bad_value_is_named_with_its_reason(column: str, value: str, code: str) -> None:
    assert problems(f"code,price,{column}\n1,1,{value}\n2,1,\n") == [(2, code)]


def test_a_length_of_nothing_is_refused() -> None:
    assert problems("code,price,length_min,length_max\n1,1,9,8\n") == [(2, "length_order")]


def test_a_line_with_two_mistakes_is_named_for_both() -> None:
    assert problems("code,price,blocked\n4x,1e,no\n") == [(2, "bad_code"), (2, "bad_decimal"), (2, "bad_word")]


def test_lines_with_too_few_or_too_many_values_are_named() -> None:
    assert problems("code,price\n44\n45,1\n46,1,2\n47,x\n") == [
        (2, "field_count"),
        (4, "field_count"),
        (5, "bad_decimal"),
    ]


def test_overlapping_rates_name_both_lines() -> None:
    found = read(
        "code,price,valid_from,valid_to\n"
        "44,1,2026-01-01,2026-02-01\n"  # 2
        "44,2,2026-02-01,\n"  # 3: begins where 2 ends
        "44,3,2025-01-01,2026-01-01\n"  # 4: ends where 2 begins
        "44,4,2026-03-01,2026-04-01\n"  # 5: inside 3
        "45,1,,\n"  # 6
        "45-46,1,2026-01-01,\n"  # 7: after the beginning of 6
    )
    assert [str(problem) for problem in found.problems] == [
        "line 5: The code 44 has the same rate on line 3 for an overlapping time. [overlap]",
        "line 7: The code 45 has the same rate on line 6 for an overlapping time. [overlap]",
    ]


@pytest.mark.parametrize(
    "second",
    [
        "44,1,peak,,,,,",
        "44,1,,11,,,,",
        "44,1,,,gold,,,",
        "44,1,,,,9,,",
        "44,1,,,,,12,",
        "44,1,,,,,,additive",
        "441,1,,,,,,",
    ],
)
def test_rates_that_differ_in_what_chooses_them_may_overlap(second: str) -> None:
    header = "code,price,time_profile,weight,tag,length_min,length_max,policy\n"
    assert problems(f"{header}44,1,,,,,,\n{second}\n") == []
    assert problems(f"{header}{second}\n{second}\n") == [(3, "overlap")]


def test_a_code_has_one_destination() -> None:
    found = read('code,destination,price,tag\n44,UK,1,a\n44,,1,b\n44,U.K.,1,c\n"44,45",UK,1,d\n')
    assert [str(problem) for problem in found.problems] == [
        "line 4: The code 44 is 'U.K.' here and 'UK' on line 2. [two_destinations]"
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_rate_file"),
        (b"code,price\n", "empty_rate_file"),
        (b"code,price\n\n\n", "empty_rate_file"),
        (b"code,price,colour\n1,1,red\n", "bad_header"),
        (b"code,price,price\n1,1,1\n", "bad_header"),
        (b"price\n1\n", "bad_header"),
        (b"code,destination\n1,x\n", "bad_header"),
        ("code,price\n1,1\n".encode("utf-16"), "bad_encoding"),
        (b"code,destination,price\n1,M\xe9xico,1\n", "bad_encoding"),
        (b"code,price\n1,1\x00\n", "bad_encoding"),
        (b'code,price\n"1,1\n2,1\n', "unclosed_quote"),
        (b'code,price\n"1\n2",1\n', "unclosed_quote"),
        (b"code,price\n" + b"1" * (LINE_OCTETS_MAX + 1) + b",1\n", "line_too_long"),
        (b"1" * (LINE_OCTETS_MAX + 1), "line_too_long"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.code == code


@pytest.mark.slow
def test_a_hundred_thousand_codes_are_read() -> None:
    lines = [f"{code},{code % 977}.{code % 89}" for code in range(100_000, 200_000)]
    found = read("code,price\n" + "\n".join(lines))
    assert found.problems == []
    assert found.rates.num_rows == 100_000
    assert found.rates["steps"][99_999].as_py() == f"0:{199_999 % 977}.{199_999 % 89}/60/1"


def test_expressions_for_too_many_codes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.tariffs.rate_file.ALL_CODES_MAX", 150)
    found = read("code,price\n1(00-99),1\n2(00-99),1\n3(00-99),1\n4,1\n")
    assert [(problem.line, problem.code) for problem in found.problems] == [(4, "too_many_codes")]
    assert found.rates.num_rows == 201
