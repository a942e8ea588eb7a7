from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.quantity import (
    OCTET_UNITS,
    duration_text,
    minutes_text,
    octets_text,
    parse_duration,
    parse_octets,
)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (61, "0:01:01"), (3723, "1:02:03"), (-5, "-0:00:05"), (360000, "100:00:00")]
)
def test_durations_show_hours_minutes_seconds(seconds: int, text: str) -> None:
    assert duration_text(seconds) == text


@given(st.integers(-(10**9), 10**9))
def test_a_duration_reads_back(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds
    assert parse_duration(str(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "-", "1:02", "1:2:03", "1:60:00", "1:00:60", "1.5", "a", "1:02:03:04", "٣", "1" * 13, " 1"]
)
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_duration(text)
    assert caught.value.code == "bad_duration"


@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_minutes_are_half_up_with_fixed_decimals(seconds: int, decimals: int) -> None:
    text = minutes_text(seconds, decimals)
    assert abs(Fraction(text) - Fraction(seconds, 60)) <= Fraction(1, 2 * 10**decimals)
    assert len(text.partition(".")[2]) == decimals


def test_minutes_with_numbers() -> None:
    assert [minutes_text(seconds) for seconds in (0, 6, 60, 61, 90)] == ["0.00", "0.10", "1.00", "1.02", "1.50"]


@pytest.mark.parametrize(
    ("octets", "decimal", "binary"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1_500_000, "1.50 MB", "1.43 MiB"),
        (-1024, "-1.02 kB", "-1.00 KiB"),
        (5 * 10**15, "5000.00 TB", "4547.47 TiB"),
    ],
)
def test_octets_show_in_the_largest_unit_that_they_fill(octets: int, decimal: str, binary: str) -> None:
    assert (octets_text(octets), octets_text(octets, is_binary=True)) == (decimal, binary)


@given(st.integers(0, 10**12), st.sampled_from(list(OCTET_UNITS)))
def test_octets_read_in_every_unit(number: int, unit: str) -> None:
    assert parse_octets(f"{number} {unit}") == number * OCTET_UNITS[unit]


def test_octets_read_with_decimals_if_whole() -> None:
    assert [parse_octets(text) for text in ("1048576", "1.5 GB", "0.5 KiB")] == [1048576, 1_500_000_000, 512]


@pytest.mark.parametrize(("text", "code"), [("1.5", "bad_octets"), ("1 mb", "bad_octets"), ("x GB", "bad_decimal")])
def test_other_text_is_no_amount_of_data(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_octets(text)
    assert caught.value.code == code
