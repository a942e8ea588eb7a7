"""Exact money: amounts of 8 decimals, prices of 10, and the one place where money is divided.

Both are plain integers of their smallest part (`units`): an `Amount` counts 10^-8 of its currency, a `Price` 10^-10.
The currency itself travels beside them (an account, a tariff, a posting has one), so that arrays of amounts stay
arrays of integers. Nothing here is a float, and nothing here rounds unless it is told how.

Rounding acts on the magnitude: `up` is away from zero, `down` is towards it, a half goes away from zero in `half_up`
and to the even neighbour in `half_even`. -0.0851 at two decimals is -0.09 both up and half up.
The array form of the same rules is `engine/rounding.py`, tested against `round_ratio`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Final, Self

from trunkline.core.errors import Invalid

AMOUNT_DECIMALS: Final = 8
AMOUNT_SCALE: Final = 10**AMOUNT_DECIMALS
AMOUNT_UNITS_MAX: Final = 10**28 - 1  # numeric(28,8)

PRICE_DECIMALS: Final = 10
PRICE_SCALE: Final = 10**PRICE_DECIMALS

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)

_TEXT_LENGTH_MAX = 64
_DECIMAL_TEXT = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


class RoundingMode(IntEnum):
    """How a number between two steps becomes one of them; all act on the magnitude. The values are stored."""

    HALF_UP = 0
    HALF_EVEN = 1
    UP = 2
    DOWN = 3

    @property
    def label(self) -> str:
        """The name in price lists and files: `half_up`, `half_even`, `up`, `down`."""
        return self.name.lower()

    @classmethod
    def from_name(cls, name: str) -> RoundingMode:
        """The mode of that `label`. Raises Invalid `unknown_rounding_mode`."""
        mode = _MODES.get(name)
        if mode is None:
            raise Invalid(
                "unknown_rounding_mode",
                f"{name!r} is no rounding mode.",
                hint=f"Use one of {', '.join(_MODES)}.",
                name=name,
            )
        return mode


_MODES = {mode.label: mode for mode in RoundingMode}


def round_ratio(numerator: int, denominator: int, mode: RoundingMode) -> int:
    """The integer that `numerator / denominator` rounds to; exact for integers of any size.

    `denominator` is above zero. Symmetric: round_ratio(-n, d, m) == -round_ratio(n, d, m).
    Raises ZeroDivisionError for a denominator of zero and ValueError for a negative one.
    """
    if denominator < 0:
        raise ValueError("the denominator must be above zero")
    quotient, rest = divmod(abs(numerator), denominator)
    if rest:
        if mode is RoundingMode.UP:
            quotient += 1
        elif mode is not RoundingMode.DOWN:
            twice = 2 * rest
            if twice > denominator or (twice == denominator and (mode is RoundingMode.HALF_UP or quotient & 1)):
                quotient += 1
    return -quotient if numerator < 0 else quotient


def scaled(text: str, decimals: int, *, code: str = "precision", what: str = "number") -> int:
    """The plain decimal `text` as an integer of 10^-decimals, without a Decimal on the way: scaled("0.2", 4) == 2000.

    Takes an optional sign, digits, and optionally a point with digits: no exponent, separators or spaces, ASCII only,
    at most 64 characters. Zeros past the last decimal are fine, other digits there are not.
    Raises Invalid: `bad_decimal` if it is no such text, `code` if it is finer than `decimals`. `what` names it to
    people.
    """
    match = _DECIMAL_TEXT.fullmatch(text) if len(text) <= _TEXT_LENGTH_MAX else None
    if match is None:
        shown = text if len(text) <= _TEXT_LENGTH_MAX else text[:_TEXT_LENGTH_MAX] + "…"
        raise Invalid(
            "bad_decimal", f"{shown!r} is not a plain decimal {what}.", hint="Write it like 0.0125.", text=shown
        )
    sign, whole, part = match.groups(default="")
    if len(part) > decimals:
        if part[decimals:].strip("0"):
            raise Invalid(code, f"{text} has more than {decimals} decimals.", text=text, decimals=decimals)
        part = part[:decimals]
    units = int(whole + part) * 10 ** (decimals - len(part))
    return -units if sign == "-" else units


def scaled_text(units: int, decimals: int, *, least: int = 0) -> str:
    """`units` of 10^-decimals as plain decimal text, without needless zeros: scaled_text(2000, 4) == "0.2".

    `least` keeps that many decimals at any rate: scaled_text(2000, 4, least=2) == "0.20".
    """
    digits = str(abs(units)).rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    part = part[:least] + part[least:].rstrip("0")
    text = f"{whole}.{part}" if part else whole
    return f"-{text}" if units < 0 else text


def fits_int64(value: int) -> bool:
    """Whether `value` can stand in an array of int64."""
    return INT64_MIN <= value <= INT64_MAX


def require_int64(value: int, *, what: str = "number") -> int:
    """`value` itself. Raises Invalid `overflow` if it does not fit int64."""
    if not fits_int64(value):
        raise Invalid("overflow", f"The {what} is too large to be kept.", value=str(value))
    return value


def _scaled_decimal(value: Decimal, decimals: int, *, code: str) -> int:
    sign, digits, exponent = value.as_tuple()
    if isinstance(exponent, str):
        raise Invalid("bad_decimal", f"{value} is not a number of money.")
    # A hostile exponent would fill the memory before any range check could refuse it.
    if not any(digits):
        return 0
    if exponent > _TEXT_LENGTH_MAX or len(digits) > _TEXT_LENGTH_MAX:
        raise Invalid("overflow", "The number is too large to be kept.", digits=len(digits), exponent=exponent)
    whole = int("".join(map(str, digits)))
    if exponent + decimals >= 0:
        units = whole * 10 ** (exponent + decimals)
    else:
        units, rest = divmod(whole, 10 ** min(-exponent - decimals, _TEXT_LENGTH_MAX))
        if rest:
            raise Invalid(code, f"{value} has more than {decimals} decimals.", text=str(value), decimals=decimals)
    return -units if sign else units


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """Money of some currency, exact to 8 decimals: `units` counts 10^-8. Range of numeric(28,8).

    Added, subtracted, negated and multiplied by whole numbers; never divided here (see `round_ratio`, `Rounding`,
    `convert`). Raises Invalid `overflow` outside the range, whichever way it was made.
    """

    units: int

    def __post_init__(self) -> None:
        if not -AMOUNT_UNITS_MAX <= self.units <= AMOUNT_UNITS_MAX:
            raise Invalid("overflow", "The amount is too large to be kept.", units=str(self.units))

    @classmethod
    def zero(cls) -> Amount:
        return _ZERO

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Plain decimal text. Raises Invalid `bad_decimal`, `amount_precision` (finer than 8 decimals), `overflow`."""
        return cls(scaled(text, AMOUNT_DECIMALS, code="amount_precision", what="amount"))

    @classmethod
    def from_decimal(cls, value: Decimal) -> Self:
        """Exactly `value`. Raises Invalid `bad_decimal` (not finite), `amount_precision`, `overflow`."""
        return cls(_scaled_decimal(value, AMOUNT_DECIMALS, code="amount_precision"))

    @classmethod
    def total(cls, amounts: Iterable[Amount]) -> Self:
        """The sum, zero for none. Only the sum must be in range, not every partial sum."""
        return cls(sum(amount.units for amount in amounts))

    def to_decimal(self) -> Decimal:
        """The same value with exponent -8, whatever the decimal context."""
        return Decimal(f"{self.units}E-{AMOUNT_DECIMALS}")

    def round_to(self, decimals: int, mode: RoundingMode = RoundingMode.HALF_UP) -> Amount:
        """Rounded to 0..8 decimals."""
        return Rounding(mode, decimals).ratio(self.units, AMOUNT_SCALE)

    def __str__(self) -> str:
        return scaled_text(self.units, AMOUNT_DECIMALS)

    def __bool__(self) -> bool:
        return self.units != 0

    # The checks below repeat the annotations at run time: a Price also has `units`, of another size, and a float would
    # make the amount one.
    def __add__(self, other: Amount) -> Amount:
        return Amount(self.units + other.units) if type(other) is Amount else NotImplemented

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.units - other.units) if type(other) is Amount else NotImplemented

    def __mul__(self, count: int) -> Amount:
        return Amount(self.units * count) if type(count) is int else NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Amount:
        return Amount(-self.units)

    def __abs__(self) -> Amount:
        return Amount(abs(self.units))


_ZERO = Amount(0)


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """A price of a price list, exact to 10 decimals: `units` counts 10^-10 and fits int64 (about ±922 million).

    Raises Invalid `overflow` outside int64.
    """

    units: int

    def __post_init__(self) -> None:
        require_int64(self.units, what="price")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Plain decimal text. Raises Invalid `bad_decimal`, `price_precision` (finer than 10 decimals), `overflow`."""
        return cls(scaled(text, PRICE_DECIMALS, code="price_precision", what="price"))

    @classmethod
    def from_decimal(cls, value: Decimal) -> Self:
        """Exactly `value`. Raises Invalid `bad_decimal` (not finite), `price_precision`, `overflow`."""
        return cls(_scaled_decimal(value, PRICE_DECIMALS, code="price_precision"))

    def to_decimal(self) -> Decimal:
        """The same value with exponent -10, whatever the decimal context."""
        return Decimal(f"{self.units}E-{PRICE_DECIMALS}")

    def __str__(self) -> str:
        return scaled_text(self.units, PRICE_DECIMALS)

    def __bool__(self) -> bool:
        return self.units != 0

    def __neg__(self) -> Price:
        return Price(-self.units)


@dataclass(frozen=True, slots=True)
class Rounding:
    """A rounding mode and the number of decimals it rounds to, 0..8. Raises Invalid `rounding_decimals` outside."""

    mode: RoundingMode = RoundingMode.HALF_UP
    decimals: int = AMOUNT_DECIMALS

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= AMOUNT_DECIMALS:
            raise Invalid(
                "rounding_decimals",
                f"An amount cannot be rounded to {self.decimals} decimals.",
                hint=f"Use 0 to {AMOUNT_DECIMALS}.",
                decimals=self.decimals,
            )

    def units(self, numerator: int, denominator: int) -> int:
        """The exact `numerator / denominator`, in whole currency, rounded once, as units of 10^-8 of any size."""
        rounded = round_ratio(numerator * 10**self.decimals, denominator, self.mode)
        return rounded * 10 ** (AMOUNT_DECIMALS - self.decimals)

    def ratio(self, numerator: int, denominator: int) -> Amount:
        """The same as an amount. Raises Invalid `overflow`."""
        return Amount(self.units(numerator, denominator))


EXACT: Final = Rounding()  # half up at the 8th decimal: the precision of an amount, used where nothing else is said


def convert(amount: Amount, rate: Fraction) -> Amount:
    """`amount` times the exact exchange rate, rounded once, half up at the 8th decimal. Raises Invalid `overflow`.

    Cross rates come as one exact ratio, so that going over a third currency does not round twice.
    """
    return Amount(round_ratio(amount.units * rate.numerator, rate.denominator, RoundingMode.HALF_UP))
