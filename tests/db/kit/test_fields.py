"""Columns that are money: what goes in comes out, exactly, and nothing else goes in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Max, Sum, Value

from tests.databases import AT
from tests.isolation.rows import make_row
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, Price
from trunkline.kit.models import AmountField, PriceField
from trunkline.parties.models import Account
from trunkline.tariffs.models import Rate, Tariff


@pytest.fixture
def tariff(in_scope: Any) -> Tariff:
    return Tariff.objects.create(name="wholesale", currency="USD", created_at=AT)


def rate(tariff: Tariff, **given: Any) -> Rate:
    return Rate.objects.create(tariff=tariff, code="254", steps="0:1/60/1", **given)


@pytest.mark.parametrize(
    "text", ["0", "0.00000001", "-0.00000001", "12345.67", "9" * 20 + "." + "9" * 8, "-" + "9" * 20]
)
def test_an_amount_comes_back_exactly(in_scope: Any, text: str) -> None:
    made = make_row(Account, credit_limit=Amount.from_text(text))
    made.refresh_from_db()
    assert (type(made.credit_limit), made.credit_limit) == (Amount, Amount.from_text(text))


@pytest.mark.parametrize(
    "text", ["0", "0.0000000001", "-0.0000000001", "1.5", "922337203.6854775807", "-922337203.6854775807"]
)
def test_a_price_comes_back_exactly(tariff: Tariff, text: str) -> None:
    made = rate(tariff, setup_fee=Price.from_text(text))
    made.refresh_from_db()
    assert (type(made.setup_fee), made.setup_fee) == (Price, Price.from_text(text))


def test_nothing_stays_nothing(tariff: Tariff) -> None:
    made = rate(tariff, max_cost=None)
    made.refresh_from_db()
    assert made.max_cost is None


def test_the_columns_are_numeric_of_the_types_size(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
                WHERE attrelid = 'tariffs_rate'::regclass AND attname IN ('max_cost', 'setup_fee') ORDER BY attname"""
        )
        assert cursor.fetchall() == [("max_cost", "numeric(28,8)"), ("setup_fee", "numeric(20,10)")]


def test_a_column_finds_and_adds_what_it_holds(tariff: Tariff) -> None:
    for text in ("0.1", "0.2", "0.00000001"):
        rate(tariff, max_cost=Amount.from_text(text))
    assert Rate.objects.filter(max_cost=Amount.from_text("0.2")).count() == 1
    assert Rate.objects.filter(max_cost__gt=Amount.from_text("0.1")).count() == 1
    assert Rate.objects.filter(max_cost__in=[Amount.from_text("0.1"), Amount.from_text("0.2")]).count() == 2
    totals = Rate.objects.aggregate(total=Sum("max_cost"), largest=Max("max_cost"))
    assert totals == {"total": Amount.from_text("0.30000001"), "largest": Amount.from_text("0.2")}
    Rate.objects.update(max_cost=F("max_cost") + Value(Amount.from_text("1"), AmountField()))
    assert Rate.objects.aggregate(total=Sum("max_cost")) == {"total": Amount.from_text("3.30000001")}


@pytest.mark.parametrize("field", [AmountField(name="amount"), PriceField(name="price")])
@pytest.mark.parametrize("value", [0.1, 1.0, float("nan")])
def test_no_float_goes_in(field: Any, value: float) -> None:
    with pytest.raises(TypeError, match="no float ever touches money"):
        field.get_prep_value(value)


@pytest.mark.parametrize(
    ("field", "value"), [(AmountField(name="amount"), Price(1)), (PriceField(name="price"), Amount.zero())]
)
def test_an_amount_is_no_price(field: Any, value: object) -> None:
    with pytest.raises(TypeError):
        field.get_prep_value(value)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (AmountField(), "0.000000001", "amount_precision"),
        (AmountField(), Decimal("1e21"), "overflow"),
        (AmountField(), Decimal("NaN"), "bad_decimal"),
        (PriceField(), "0.00000000001", "price_precision"),
        (PriceField(), "922337203.6854775808", "overflow"),
        (PriceField(), "ten", "bad_decimal"),
    ],
)
def test_what_is_too_fine_or_too_large_is_refused_by_its_code(field: Any, value: object, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        field.get_prep_value(value)
    assert caught.value.code == code
    with pytest.raises(ValidationError) as shown:  # a form shows it beside the field
        field.clean(value, None)
    assert shown.value.code == code


def test_decimals_and_whole_numbers_are_taken_as_they_are() -> None:
    assert AmountField().to_python(Decimal("1.50")) == Amount.from_text("1.5")
    assert PriceField().to_python(3) == Price.from_text("3")


def test_a_migration_names_the_field_without_its_size() -> None:
    _, path, args, kwargs = AmountField(null=True).deconstruct()
    assert (path, args, kwargs) == ("trunkline.kit.models.AmountField", [], {"null": True})
    assert PriceField().deconstruct()[1:] == ("trunkline.kit.models.PriceField", [], {})
