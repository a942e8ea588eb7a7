"""Tax on a net amount: one rate in per cent, rounded once, half up, at the minor unit of the currency."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from trunkline.core.currency import Currency
from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_SCALE, Amount, Rounding, RoundingMode

PERCENT_MAX = 1000


def tax_on(net: Amount, percent: Decimal, currency: Currency) -> Amount:
    """`percent` per cent of `net`, half up at the minor unit; of a credit it is negative.

    Raises Invalid `tax_percent` unless 0 <= percent <= 1000.
    """
    if not percent.is_finite() or not 0 <= percent <= PERCENT_MAX:
        raise Invalid("tax_percent", f"{percent} is no tax rate in per cent.", percent=str(percent))
    share = Fraction(percent) / 100
    rounding = Rounding(RoundingMode.HALF_UP, currency.minor_units)
    return rounding.ratio(net.units * share.numerator, share.denominator * AMOUNT_SCALE)
