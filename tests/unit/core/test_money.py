from __future__ import annotations

import pickle
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.money import (
    AMOUNT_UNITS_MAX,
    EXACT,
    INT64_MAX,
    INT64_MIN,
    Amount,
    Price,
    Rounding,
    RoundingMode,
    convert,
    fits_int64,
    require_int64,
    round_ratio,
    scaled,
    scaled_text,
)

# The decimal module's modes act on the magnitude too, which makes it an independent judge.
DECIMAL_MODES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.UP: ROUND_UP,
    RoundingMode.DOWN: ROUND_DOWN,
}
UNITS = st.integers(-AMOUNT_UNITS_MAX, AMOUNT_UNITS_MAX)
MODES = st.sampled_from(RoundingMode)
NAMES = ("up", "down", "half_up", "half_even")


@given(UNITS, st.integers(1, 10**30), MODES)
def test_a_ratio_rounds_to_a_neighbour_and_is_symmetric(numerator: int, denominator: int, mode: RoundingMode) -> None:
    rounded = round_ratio(numerator, denominator, mode)
    exact = Fraction(numerator, denominator)
    assert abs(rounded - exact) < 1
    assert round_ratio(-numerator, denominator, mode) == -rounded
    if mode is RoundingMode.UP:
        assert abs(rounded) >= abs(exact)
    elif mode is RoundingMode.DOWN:
        assert abs(rounded) <= abs(exact)
    else:
        assert abs(rounded - exact) <= Fraction(1, 2)


@given(UNITS, st.integers(0, 8), MODES)
def test_amounts_round_as_the_decimal_module_does(units: int, decimals: int, mode: RoundingMode) -> None:
    with localcontext(prec=60):
        expected = Amount(units).to_decimal().quantize(Decimal(1).scaleb(-decimals), DECIMAL_MODES[mode])
        if abs(expected) > Decimal(AMOUNT_UNITS_MAX).scaleb(-8):
            with pytest.raises(Invalid) as caught:
                Amount(units).round_to(decimals, mode)
            assert caught.value.code == "overflow"
        else:
            assert Amount(units).round_to(decimals, mode).to_decimal() == expected


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        ("12.49", 1, "12.5 12.4 12.5 12.5"),
        ("12.21", 1, "12.3 12.2 12.2 12.2"),
        ("12.25", 1, "12.3 12.2 12.3 12.2"),
        ("12.35", 1, "12.4 12.3 12.4 12.4"),
        ("0.0701", 2, "0.08 0.07 0.07 0.07"),
        ("14.37", 0, "15 14 14 14"),
        ("0.5", 0, "1 0 1 0"),
        ("-0.0851", 2, "-0.09 -0.08 -0.09 -0.09"),
        ("-0.5", 0, "-1 0 -1 0"),
        ("0", 0, "0 0 0 0"),
    ],
)
def test_modes_act_on_the_magnitude(value: str, decimals: int, expected: str) -> None:
    amount = Amount.from_text(value)
    assert [str(amount.round_to(decimals, RoundingMode.from_name(name))) for name in NAMES] == expected.split()


def test_a_ratio_needs_a_denominator_above_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        round_ratio(1, 0, RoundingMode.UP)
    with pytest.raises(ValueError, match="above zero"):
        round_ratio(1, -3, RoundingMode.UP)


@given(st.integers(), st.integers(0, 12), st.integers(0, 12))
def test_scaled_text_reads_back(units: int, decimals: int, least: int) -> None:
    text = scaled_text(units, decimals, least=least)
    if len(text) <= 64:
        assert scaled(text, decimals) == units
    assert Fraction(text) == Fraction(units, 10**decimals)
    assert len(text.partition(".")[2]) >= min(least, decimals)
    assert not text.endswith(".")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**19), max_value=10**19))
def test_text_and_decimal_give_the_same_amount(value: Decimal) -> None:
    with localcontext(prec=8):  # a caller's narrow context must not touch money
        amount = Amount.from_decimal(value)
        assert amount == Amount.from_text(f"{value:f}")
        assert amount.to_decimal() == value
        assert amount.to_decimal().as_tuple().exponent == -8


@pytest.mark.parametrize(
    ("units", "text"),
    [(0, "0"), (1, "0.00000001"), (-1, "-0.00000001"), (60_170_000, "0.6017"), (-(10**8), "-1"), (10**9, "10")],
)
def test_an_amount_shows_as_plain_decimal_text(units: int, text: str) -> None:
    assert str(Amount(units)) == text
    assert Amount.from_text(text) == Amount(units)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1.", ".5", "1e3", "0x1", "1,000", "NaN", "inf", "--1", "+-1", "١", "1_000", "1\n", "0" * 65],
)
def test_other_text_is_no_amount(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Amount.from_text(text)
    assert caught.value.code == "bad_decimal"


def test_signs_and_trailing_zeros_are_allowed() -> None:
    assert Amount.from_text("+0.500000000000") == Amount.from_text("0.5") == Amount(50_000_000)
    assert Amount.from_text("-0") == Amount.zero()
    assert Price.from_text("0.10000000000000") == Price(10**9)


@pytest.mark.parametrize(
    ("make", "value", "code"),
    [
        (Amount.from_text, "0.000000001", "amount_precision"),
        (Amount.from_decimal, Decimal("0.000000001"), "amount_precision"),
        (Amount.from_decimal, Decimal("1E-5000"), "amount_precision"),
        (Amount.from_decimal, Decimal("NaN"), "bad_decimal"),
        (Amount.from_decimal, Decimal("-Infinity"), "bad_decimal"),
        (Amount.from_decimal, Decimal("1E+20"), "overflow"),
        (Amount.from_decimal, Decimal("1E+999999"), "overflow"),
        (Amount.from_text, "100000000000000000000", "overflow"),
        (Amount, AMOUNT_UNITS_MAX + 1, "overflow"),
        (Amount, -AMOUNT_UNITS_MAX - 1, "overflow"),
        (Price.from_text, "0.012345678901", "price_precision"),
        (Price.from_decimal, Decimal("0.012345678901"), "price_precision"),
        (Price.from_text, "922337203.6854775808", "overflow"),
        (Price, INT64_MIN - 1, "overflow"),
        (RoundingMode.from_name, "HALF_UP", "unknown_rounding_mode"),
        (Rounding, RoundingMode.UP, None),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_code(make: object, value: object, code: str | None) -> None:
    if code is None:
        assert make(value).decimals == 8  # type: ignore[operator]
        return
    with pytest.raises(Invalid) as caught:
        make(value)  # type: ignore[operator]
    assert caught.value.code == code


def test_the_ends_of_the_ranges_can_be_kept() -> None:
    assert str(Amount(AMOUNT_UNITS_MAX)) == "99999999999999999999.99999999"
    assert str(Price(INT64_MAX)) == "922337203.6854775807"
    assert Price.from_decimal(Price(INT64_MIN).to_decimal()) == Price(INT64_MIN)
    assert fits_int64(INT64_MAX)
    assert not fits_int64(INT64_MAX + 1)
    assert require_int64(INT64_MIN) == INT64_MIN
    with pytest.raises(Invalid, match="too large") as caught:
        require_int64(INT64_MIN - 1, what="sum")
    assert caught.value.code == "overflow"


@given(st.lists(st.integers(-(10**26), 10**26), max_size=20), st.integers(-50, 50))
def test_amounts_add_and_multiply_as_their_units(units: list[int], count: int) -> None:
    amounts = [Amount(unit) for unit in units]
    assert Amount.total(amounts) == Amount(sum(units))
    for left, right in pairwise(amounts):
        assert (left + right).units == left.units + right.units
        assert left - right == -(right - left)
        assert left * count == count * left == Amount(left.units * count)
        assert (left < right) == (left.units < right.units)
        assert abs(left) == Amount(abs(left.units))
        assert bool(left) == (left.units != 0)


def test_an_amount_meets_only_its_own_kind() -> None:
    one = Amount.from_text("1")
    for other in (Price.from_text("1"), 1, 1.0, Decimal(1), None):
        with pytest.raises(TypeError):
            one + other  # type: ignore[operator]
        with pytest.raises(TypeError):
            one - other  # type: ignore[operator]
        assert one != other
    for factor in (1.5, Decimal(2), True, Fraction(1, 2)):
        with pytest.raises(TypeError):
            one * factor  # type: ignore[operator]


def test_rounding_refuses_decimals_that_an_amount_does_not_have() -> None:
    for decimals in (-1, 9):
        with pytest.raises(Invalid) as caught:
            Rounding(RoundingMode.UP, decimals)
        assert caught.value.code == "rounding_decimals"


@given(st.integers(-(10**24), 10**24), st.integers(1, 10**9), st.integers(0, 8), MODES)
def test_a_ratio_rounded_once_lies_on_its_decimals(
    numerator: int, denominator: int, decimals: int, mode: RoundingMode
) -> None:
    amount = Rounding(mode, decimals).ratio(numerator, denominator * 10**6)
    assert amount.units % 10 ** (8 - decimals) == 0
    assert abs(Fraction(amount.units, 10**8) - Fraction(numerator, denominator * 10**6)) < Fraction(1, 10**decimals)


@given(st.integers(-(10**15), 10**15), st.fractions(Fraction(1, 10**6), 10**6))
def test_conversion_is_half_up_at_the_eighth_decimal_and_symmetric(units: int, rate: Fraction) -> None:
    converted = convert(Amount(units), rate)
    assert abs(converted.units - units * rate) <= Fraction(1, 2)
    assert convert(-Amount(units), rate) == -converted


def test_conversion_shows_with_numbers() -> None:
    assert str(convert(Amount.from_text("10"), Fraction(10000, 10832))) == "9.23190547"
    assert str(convert(Amount.from_text("0.00000001"), Fraction(1, 2))) == "0.00000001"
    assert str(convert(Amount.from_text("-0.00000001"), Fraction(1, 2))) == "-0.00000001"
    assert (EXACT.mode, EXACT.decimals) == (RoundingMode.HALF_UP, 8)


def test_amounts_and_errors_travel_between_processes() -> None:
    amount = Amount.from_text("1.25")
    assert pickle.loads(pickle.dumps(amount)) == amount  # noqa: S301 - our own bytes
    error = Invalid("overflow", "Too large.", hint="Split it.", value="9")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), copy.code, copy.message, copy.hint, copy.context, str(copy)) == (
        Invalid,
        "overflow",
        "Too large.",
        "Split it.",
        {"value": "9"},
        "Too large. Split it.",
    )
