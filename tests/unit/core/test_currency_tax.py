from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.currency import CURRENCIES, format_amount, get_currency, round_to_minor
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.core.tax import tax_on

CURRENCY = st.sampled_from(list(CURRENCIES.values()))
UNITS = st.integers(-(10**22), 10**22)


def test_every_currency_has_its_own_code_and_number() -> None:
    assert len(CURRENCIES) == len({currency.number for currency in CURRENCIES.values()}) > 150
    assert all(code == currency.code and len(code) == 3 and code.isupper() for code, currency in CURRENCIES.items())
    assert {currency.minor_units for currency in CURRENCIES.values()} == {0, 2, 3}


@pytest.mark.parametrize(
    ("code", "number", "minor_units"),
    [("USD", 840, 2), ("EUR", 978, 2), ("KES", 404, 2), ("JPY", 392, 0), ("KWD", 414, 3)],
)
def test_known_currencies(code: str, number: int, minor_units: int) -> None:
    currency = get_currency(code)
    assert (currency.code, currency.number, currency.minor_units, str(currency)) == (code, number, minor_units, code)


@pytest.mark.parametrize("code", ["", "usd", "XXX", "EURO", "USD "])
def test_other_text_is_no_currency(code: str) -> None:
    with pytest.raises(Invalid) as caught:
        get_currency(code)
    assert caught.value.code == "unknown_currency"


@pytest.mark.parametrize(
    ("amount", "currency", "plain", "grouped"),
    [
        ("1234567.895", "USD", "1234567.90", "1,234,567.90"),
        ("1234.5", "JPY", "1235", "1,235"),
        ("0.0005", "KWD", "0.001", "0.001"),
        ("-1012.5", "EUR", "-1012.50", "-1,012.50"),
        ("-0.004", "EUR", "0.00", "0.00"),
        ("0", "JPY", "0", "0"),
    ],
)
def test_documents_show_the_minor_unit(amount: str, currency: str, plain: str, grouped: str) -> None:
    shown = [
        format_amount(Amount.from_text(amount), get_currency(currency), is_grouped=group) for group in (False, True)
    ]
    assert shown == [plain, grouped]


@given(UNITS, CURRENCY)
def test_a_shown_amount_reads_back_as_the_rounded_one(units: int, currency: object) -> None:
    each = get_currency(str(currency))
    text = format_amount(Amount(units), each)
    assert Amount.from_text(text) == round_to_minor(Amount(units), each)
    assert format_amount(Amount(units), each, is_grouped=True).replace(",", "") == text


@pytest.mark.parametrize(
    ("net", "percent", "currency", "tax"),
    [
        ("100", "16", "KES", "16"),
        ("0.03", "16.5", "USD", "0"),
        ("0.02", "25", "USD", "0.01"),
        ("-0.02", "25", "USD", "-0.01"),
        ("99.99", "7.7", "JPY", "8"),
        ("10", "0", "USD", "0"),
    ],
)
def test_tax_is_half_up_at_the_minor_unit(net: str, percent: str, currency: str, tax: str) -> None:
    assert str(tax_on(Amount.from_text(net), Decimal(percent), get_currency(currency))) == tax


@given(UNITS, st.decimals(0, 100, places=3), CURRENCY)
def test_tax_is_within_half_a_minor_unit_and_symmetric(units: int, percent: Decimal, currency: object) -> None:
    each = get_currency(str(currency))
    tax = tax_on(Amount(units), percent, each)
    exact = Fraction(units, 10**8) * Fraction(percent) / 100
    assert abs(Fraction(tax.units, 10**8) - exact) <= Fraction(1, 2 * 10**each.minor_units)
    assert tax_on(Amount(-units), percent, each) == -tax


@pytest.mark.parametrize("percent", ["-1", "1000.1", "NaN", "Infinity"])
def test_absurd_tax_rates_are_refused(percent: str) -> None:
    with pytest.raises(Invalid) as caught:
        tax_on(Amount(1), Decimal(percent), get_currency("USD"))
    assert caught.value.code == "tax_percent"
