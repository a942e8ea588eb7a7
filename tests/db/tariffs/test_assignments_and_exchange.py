"""Who has which tariff, and exchange rates in the database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction

from tests.conftest import shared_folder
from trunkline.core.errors import Conflict, Invalid, TrunklineError
from trunkline.parties.actions import create_account
from trunkline.parties.models import Account
from trunkline.tariffs import actions, queries
from trunkline.tariffs.models import ExchangeRate, Tariff
from trunkline.tariffs.source import read_source
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def account(code: str = "acme", **given: Any) -> Account:
    return create_account(**{"code": code, "name": code, "currency": "USD", "timezone": "UTC", "at": AT} | given)


def tariff(name: str = "T", **given: Any) -> Tariff:
    return actions.create_tariff(**{"name": name, "currency": "USD", "at": AT} | given)


def test_a_list_is_asked_in_its_order(in_scope: Any) -> None:
    acme, first, second, third = account(), tariff("1"), tariff("2"), tariff("3")
    actions.assign_tariff(account=acme, tariff=second, side="sell", position=5, at=AT)
    actions.assign_tariff(account=acme, tariff=third, side="sell", at=AT)
    actions.assign_tariff(account=acme, tariff=first, side="sell", position=0, valid_to=AT, at=AT)
    hour = timedelta(hours=1)
    assert queries.tariff_list(acme, side="sell", service="voice", at=AT - hour) == [first, second, third]
    assert queries.tariff_list(acme, side="sell", service="voice", at=AT) == [second, third]
    assert [row.position for row in queries.assignments(acme)] == [0, 5, 6]


def test_a_place_is_held_by_one_tariff_at_a_time(in_scope: Any) -> None:
    acme = account(is_vendor=True)
    one, other = tariff("1"), tariff("2")
    place = {"account": acme, "side": "sell", "position": 1, "at": AT}
    row = actions.assign_tariff(tariff=one, **place)
    for elsewhere in ({"side": "buy"}, {"position": 2}, {"account": account("other")}):
        actions.assign_tariff(tariff=other, **place | elsewhere)
    actions.assign_tariff(tariff=tariff("sms", unit="message"), service="sms", **place)
    with pytest.raises(Conflict) as caught:
        actions.assign_tariff(tariff=other, valid_from=AT, **place)
    assert caught.value.code == "place_is_taken"
    actions.end_assignment(assignment_id=row.pk, valid_to=AT, at=AT)
    actions.assign_tariff(tariff=other, valid_from=AT, **place)
    with pytest.raises(Conflict), transaction.atomic():
        actions.end_assignment(assignment_id=row.pk, valid_to=AT + timedelta(seconds=1), at=AT)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("unknown_side", {"side": "both"}),
        ("unknown_service", {"service": "fax"}),
        ("wrong_unit", {"service": "data"}),
        ("not_a_vendor", {"side": "buy"}),
        ("bad_position", {"position": -1}),
        ("validity_order", {"valid_from": AT, "valid_to": AT}),
    ],
)
def test_what_cannot_be_an_assignment_is_refused(in_scope: Any, code: str, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        actions.assign_tariff(**{"account": account(), "tariff": tariff(), "side": "sell", "at": AT} | given)
    assert caught.value.code == code


def test_a_vendor_alone_buys_only(in_scope: Any) -> None:
    vendor = account(is_customer=False, is_vendor=True)
    with pytest.raises(Invalid) as caught:
        actions.assign_tariff(account=vendor, tariff=tariff(), side="sell", at=AT)
    assert caught.value.code == "not_a_customer"


LIST = b"date,base,quote,rate\n2026-02-27,EUR,USD,1.25\n2026-02-27,USD,KES,129.5\n2026-03-02,EUR,USD,1.2\n"


def test_loading_exchange_rates_twice_changes_nothing(in_scope: Any) -> None:
    assert actions.load_exchange_rates(data=LIST, at=AT) == actions.ExchangeLoad(3, 3, 0, (), date(2026, 2, 27))
    before = list(ExchangeRate.objects.order_by("id").values())
    assert actions.load_exchange_rates(data=LIST, at=AT) == actions.ExchangeLoad(3, 0, 0, (), None)
    assert list(ExchangeRate.objects.order_by("id").values()) == before


def test_a_rate_with_another_value_is_replaced_only_when_asked_for(in_scope: Any) -> None:
    actions.load_exchange_rates(data=LIST, at=AT)
    changed = LIST.replace(b"1.25", b"1.26") + b"2026-03-03,EUR,USD,1.3\n"
    with pytest.raises(Conflict, match=r"1 rates are there .* EUR/USD of 2026-02-27 is 1.25, not 1.26"):
        actions.load_exchange_rates(data=changed, at=AT)
    assert ExchangeRate.objects.count() == 3
    assert actions.load_exchange_rates(data=changed, replace=True, at=AT) == actions.ExchangeLoad(
        4, 1, 1, (), date(2026, 2, 27)
    )
    assert ExchangeRate.objects.get(base="EUR", on=date(2026, 2, 27)).rate == Decimal("1.26")


def test_a_file_that_contradicts_itself_is_refused(in_scope: Any) -> None:
    with pytest.raises(Invalid) as caught:
        actions.load_exchange_rates(data=LIST + b"2026-02-27,EUR,USD,1.24\n", at=AT)
    assert caught.value.code == "exchange_rate_twice"
    assert not ExchangeRate.objects.exists()


def test_the_table_reaches_over_currencies_that_nobody_uses(in_scope: Any) -> None:
    actions.load_exchange_rates(data=LIST, at=AT)
    actions.set_exchange_rate(base="EUR", quote="GBP", on=date(2026, 2, 27), rate="0.8", at=AT)
    account("kenya", currency="KES")
    table = queries.exchange_table(["GBP"])
    # GBP - EUR - USD - KES
    assert table.find("GBP", "KES", date(2026, 3, 1)) == (
        Fraction("1.25") * Fraction("129.5") / Fraction("0.8"),
        date(2026, 2, 27),
    )
    assert table.find("USD", "KES", date(2026, 3, 2)) == (Fraction("129.5"), date(2026, 2, 27))
    assert table.find("KES", "JPY", date(2026, 3, 2)) is None


def test_a_single_question_has_the_answer_of_the_table(in_scope: Any) -> None:
    actions.load_exchange_rates(data=LIST, at=AT)
    actions.set_exchange_rate(base="EUR", quote="GBP", on=date(2026, 2, 27), rate="0.8", at=AT)
    table = queries.exchange_table(["GBP", "KES", "EUR", "USD"])
    for base in ("GBP", "KES", "EUR", "USD", "JPY"):
        for quote in ("GBP", "KES", "EUR", "USD"):
            for on in (date(2026, 2, 26), date(2026, 2, 27), date(2026, 3, 1), date(2026, 3, 9)):
                assert queries.find_exchange_rate(base, quote, on) == table.find(base, quote, on), (base, quote, on)


def test_a_tenant_of_one_currency_needs_no_rates(in_scope: Any) -> None:
    actions.load_exchange_rates(data=LIST, at=AT)
    assert queries.exchange_table().find("EUR", "USD", date(2026, 3, 2)) is None
    assert queries.exchange_table().find("USD", "USD", date(2026, 3, 2)) == (Fraction(1), date(2026, 3, 2))


def test_a_rate_is_stated_and_stated_anew(in_scope: Any) -> None:
    actions.set_exchange_rate(base="USD", quote="KES", on=date(2026, 3, 2), rate="129", at=AT)
    actions.set_exchange_rate(base="USD", quote="KES", on=date(2026, 3, 2), rate="130.123456789012", at=AT)
    assert [(str(row), row.source) for row in ExchangeRate.objects.all()] == [
        ("1 USD = 130.123456789012 KES (2026-03-02)", "manual")
    ]
    for code, given in (
        ("unknown_currency", {"quote": "KSH"}),
        ("bad_exchange_rate", {"quote": "USD"}),
        ("bad_exchange_rate", {"rate": "0"}),
        ("bad_exchange_rate", {"rate": "0.0000000000001"}),
    ):
        with pytest.raises(TrunklineError) as caught:
            actions.set_exchange_rate(
                **{"base": "USD", "quote": "KES", "on": date(2026, 3, 2), "rate": "1", "at": AT} | given
            )
        assert caught.value.code == code


def test_the_history_of_the_central_bank_loads(in_scope: Any) -> None:
    data = read_source(shared_folder("data", "currency", "eurofxref-hist.csv.gz"))
    done = actions.load_exchange_rates(data=data, at=AT)
    assert done.added == done.rates == ExchangeRate.objects.count() > 190_000
    again = actions.load_exchange_rates(data=data, at=AT)
    assert (again.rates, again.added) == (done.rates, 0)
    account("japan", currency="JPY")
    rate = queries.exchange_table().find("USD", "JPY", date(2026, 10, 31))
    assert rate == (Fraction("175.68") / Fraction("1.1172"), date(2026, 10, 30))


def test_exchange_rates_are_the_tenants_own(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        actions.load_exchange_rates(data=LIST, at=AT)
    with scope(other_tenant, "test"):
        assert not ExchangeRate.objects.exists()
        assert actions.load_exchange_rates(data=LIST.replace(b"1.25", b"9"), at=AT).added == 3
    with scope(tenant, "test"):
        assert ExchangeRate.objects.get(base="EUR", on=date(2026, 2, 27)).rate == Decimal("1.25")
