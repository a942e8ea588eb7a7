"""Accounts, billing profiles, contacts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.core.money import Amount
from trunkline.parties import actions, queries
from trunkline.parties.models import Account
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make(code: str = "acme", **given: Any) -> Account:
    return actions.create_account(
        **{"code": code, "name": f"{code} Ltd", "currency": "USD", "timezone": "Africa/Nairobi", "at": AT} | given
    )


def refused(error_code: str, **given: Any) -> None:
    with pytest.raises(TrunklineError) as caught:
        make(**given)
    assert caught.value.code == error_code


def test_an_account_is_made_with_its_profile_and_four_ledger_accounts(in_scope: Any) -> None:
    made = make(is_vendor=True, credit_limit=Amount.from_text("1500"), capacity=30, tags=["gold", "africa", "gold"])
    found = queries.get_account("acme")
    assert found == made
    assert (found.name, found.currency, found.timezone, found.status) == ("acme Ltd", "USD", "Africa/Nairobi", "active")
    assert (found.is_customer, found.is_vendor) == (True, True)
    assert (found.credit_limit, found.capacity, found.tags) == (Amount.from_text("1500"), 30, ["africa", "gold"])
    ledger = [found.receivable, found.unbilled_receivable, found.payable, found.unbilled_payable]
    assert [(a.code, a.type, a.currency) for a in ledger] == [
        ("receivable:acme", "asset", "USD"),
        ("unbilled_receivable:acme", "asset", "USD"),
        ("payable:acme", "liability", "USD"),
        ("unbilled_payable:acme", "liability", "USD"),
    ]
    profile = found.billing_profile
    assert (profile.code, profile.name, profile.period, profile.tax_percent) == ("acme", "acme Ltd", "month", 0)


def test_accounts_can_share_a_profile_and_stand_below_each_other(in_scope: Any) -> None:
    profile = actions.create_billing_profile(
        code="group",
        name="Acme Group plc",
        address="1 Quay\n\n Mombasa ",
        tax_name="VAT",
        tax_percent=Decimal("16"),
        period="half_month",
        payment_terms_days=14,
        at=AT,
    )
    head = make("head", billing_profile=profile)
    below = make("branch", parent=head, billing_profile=profile)
    found = queries.get_account("branch")
    assert (found.parent, found.billing_profile) == (head, profile)
    assert found.billing_profile.address_lines == ["1 Quay", "Mombasa"]
    with pytest.raises(Invalid, match="head would be above itself"):
        actions.change_account(account_id=head.pk, parent=below, at=AT)


@pytest.mark.parametrize(
    ("error_code", "given"),
    [
        ("unknown_currency", {"currency": "XYZ"}),
        ("unknown_timezone", {"timezone": "Africa/Atlantis"}),
        ("bad_short_name", {"code": "Acme Ltd"}),
        ("bad_short_name", {"code": ""}),
        ("bad_name", {"name": " "}),
        ("bad_name", {"name": "A\x00B"}),
        ("bad_account", {"is_customer": False}),
        ("bad_account", {"capacity": -1}),
        ("bad_account", {"tags": ["a,b"]}),
    ],
)
def test_what_cannot_be_an_account_is_refused(in_scope: Any, error_code: str, given: dict[str, Any]) -> None:
    refused(error_code, **given)
    assert not Account.objects.exists()


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_currencies_with_no_and_with_three_decimals_do(in_scope: Any, currency: str) -> None:
    made = make(currency=currency, credit_limit=Amount.from_text("1000.125"))
    assert (made.currency, made.receivable.currency) == (currency, currency)
    assert queries.get_account("acme").credit_limit == Amount.from_text("1000.125")


@pytest.mark.parametrize(
    "given",
    [
        {"tax_percent": Decimal("-1")},
        {"tax_percent": Decimal("1000.1")},
        {"tax_percent": Decimal("7.1234567")},
        {"period": "year"},
        {"address": "a\x00b"},
        {"language": "French"},
    ],
)
def test_what_cannot_be_a_billing_profile_is_refused(in_scope: Any, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        actions.create_billing_profile(code="p", name="P", at=AT, **given)
    assert caught.value.code == "bad_billing_profile"


def test_a_code_is_taken_once(in_scope: Any) -> None:
    make()
    refused("account_exists")
    with pytest.raises(Conflict) as caught:
        actions.create_billing_profile(code="acme", name="Again", at=AT)
    assert caught.value.code == "billing_profile_exists"


def test_an_account_is_changed_but_for_code_and_currency(in_scope: Any) -> None:
    made = make()
    actions.change_account(account_id=made.pk, name=" Acme  plc ", is_vendor=True, tags=["x"], at=AT)
    found = queries.get_account("acme")
    assert (found.name, found.is_vendor, found.tags) == ("Acme plc", True, ["x"])
    with pytest.raises(TypeError, match="currency"):
        actions.change_account(account_id=made.pk, currency="EUR", at=AT)
    with pytest.raises(Invalid):
        actions.change_account(account_id=made.pk, is_customer=False, is_vendor=False, at=AT)
    actions.change_billing_profile(
        profile_id=made.billing_profile_id, tax_percent=Decimal("7.5"), tax_name="VAT", at=AT
    )
    assert queries.get_account("acme").billing_profile.tax_percent == Decimal("7.5")


def test_a_closed_account_stays_closed(in_scope: Any) -> None:
    made = make()
    assert actions.suspend_account(account_id=made.pk, at=AT).status == "suspended"
    assert actions.resume_account(account_id=made.pk, at=AT).status == "active"
    closed = actions.close_account(account_id=made.pk, closed_on=date(2026, 3, 5), at=AT)
    assert (closed.status, closed.closed_on) == ("closed", date(2026, 3, 5))
    actions.close_account(account_id=made.pk, closed_on=date(2026, 3, 5), at=AT)
    with pytest.raises(Conflict, match="was closed on 2026-03-05"):
        actions.close_account(account_id=made.pk, closed_on=date(2026, 3, 6), at=AT)
    with pytest.raises(Conflict, match="was closed on 2026-03-05"):
        actions.resume_account(account_id=made.pk, at=AT)


def test_contacts_are_kept_and_checked(in_scope: Any) -> None:
    made = make()
    actions.add_contact(account=made, name="Noor", role="technical", email="noc@acme.test", phone="+254 20 1", at=AT)
    (found,) = queries.contacts(made)
    assert (found.name, found.role, found.email, found.phone) == ("Noor", "technical", "noc@acme.test", "+254 20 1")
    for wrong in ({"email": "nobody"}, {"role": "king"}):
        with pytest.raises(Invalid) as caught:
            actions.add_contact(account=made, name="Noor", at=AT, **wrong)
        assert caught.value.code == "bad_contact"


def test_another_tenant_has_its_own_accounts(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        mine = make()
    with scope(other_tenant, "test"):
        with pytest.raises(NotFound):
            queries.get_account("acme")
        with pytest.raises(NotFound):
            actions.suspend_account(account_id=mine.pk, at=AT)
        make(currency="EUR")
    with scope(tenant, "test"):
        assert queries.get_account("acme").currency == "USD"


def test_history_tells_who_changed_an_account(tenant: Any) -> None:
    from django.apps import apps

    with scope(tenant, "test", reason="call of 3 March"):
        made = make()
        actions.suspend_account(account_id=made.pk, at=AT)
        events = apps.get_model("parties", "AccountHistoryevent").objects.filter(id=made.pk).order_by("pgh_id")
        assert [(e.pgh_label, e.status, e.pgh_context) for e in events] == [
            ("insert", "active", {"actor": "test", "reason": "call of 3 March"}),
            ("update", "suspended", {"actor": "test", "reason": "call of 3 March"}),
        ]
