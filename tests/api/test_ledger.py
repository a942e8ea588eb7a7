"""The books through the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.db.ledger.books import AT, account, draft
from trunkline.ledger import actions
from trunkline.ledger.queries import find_account
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope


@pytest.fixture
def books(tenant: Tenant) -> Tenant:
    """Three payments of two days, told to the books one minute after the other, and one that is only reserved."""
    told = (
        ("p1", "bank:USD 10; wallet:ann -10", date(2026, 3, 1)),
        ("p2", "bank:USD 2.5; wallet:ann -2.5", date(2026, 3, 2)),
        ("p3", "bank:USD 1; wallet:bob -1", date(2026, 3, 1)),
    )
    with scope(tenant, "test"):
        for minute, (key, text, day) in enumerate(told):
            said = draft(key, text, day=day, reference=f"receipt {key}")
            actions.post_many([said], at=AT + timedelta(minutes=minute))
    return tenant


def id_of(tenant: Tenant, code: str) -> int:
    with scope(tenant, "test"):
        found = find_account(code)
        assert found is not None
        return found.pk


def standing(ask: Asking, **query: Any) -> dict[str, str]:
    return {each["code"]: each["balance"] for each in pages(ask, "/ledger/accounts", limit=1, **query)}


def test_accounts_show_what_stands_on_them_now_and_then(ask: Asking, books: Tenant) -> None:
    assert standing(ask) == {"bank:USD": "13.5", "wallet:ann": "-12.5", "wallet:bob": "-1"}
    assert standing(ask, booked_to="2026-03-02") == {"bank:USD": "11", "wallet:ann": "-10", "wallet:bob": "-1"}
    learned = (AT + timedelta(minutes=1)).isoformat()
    assert standing(ask, as_of=learned) == {"bank:USD": "10", "wallet:ann": "-10", "wallet:bob": "0"}
    assert standing(ask, as_of=learned, booked_to="2026-03-01") == dict.fromkeys(standing(ask), "0")
    assert standing(ask, **{"code[like]": "wallet:"}, sort="-code") == {"wallet:bob": "-1", "wallet:ann": "-12.5"}
    assert standing(ask, type="asset", currency="USD") == {"bank:USD": "13.5"}
    ann = ok(ask.get(f"/ledger/accounts/{id_of(books, 'wallet:ann')}"))
    assert ann == {
        "id": id_of(books, "wallet:ann"),
        "code": "wallet:ann",
        "name": "wallet:ann",
        "type": "liability",
        "currency": "USD",
        "opened_on": None,
        "closed_on": None,
        "balance": "-12.5",
        "pending_debit": "0",
        "pending_credit": "0",
        "available": "12.5",
    }
    assert pages(ask, "/ledger/accounts", code="wallet:ann") == [ann]
    refused(ask.get("/ledger/accounts", as_of="yesterday"), 422, "validation_failed")


def test_the_accounts_of_a_customer_are_found_by_its_id(ask: Asking) -> None:
    acme = ok(ask.post("/accounts", {"code": "acme", "name": "Acme"}), 201)
    codes = [each["code"] for each in pages(ask, "/ledger/accounts", account_id=acme["id"])]
    assert codes == ["payable:acme", "receivable:acme", "unbilled_payable:acme", "unbilled_receivable:acme"]


def test_a_statement_goes_on_from_page_to_page(ask: Asking, books: Tenant) -> None:
    address = f"/ledger/accounts/{id_of(books, 'bank:USD')}/statement"
    whole = ok(ask.get(address))
    assert (whole["account"], whole["from"], whole["to"]) == ("bank:USD", None, None)
    assert (whole["opening"], whole["closing"], whole["has_more"]) == ("0", "13.5", False)
    lines = [(each["key"], each["booked_on"], each["amount"], each["balance"]) for each in whole["data"]]
    assert lines == [
        ("p1", "2026-03-01", "10", "10"),
        ("p3", "2026-03-01", "1", "11"),
        ("p2", "2026-03-02", "2.5", "13.5"),
    ]
    assert pages(ask, address, limit=1) == pages(ask, address, limit=2) == whole["data"]
    second = ok(ask.get(address, **{"from": "2026-03-02", "to": "2026-03-03"}))
    assert (second["opening"], second["closing"], second["data"]) == ("11", "13.5", whole["data"][2:])
    first = ok(ask.get(address, to="2026-03-02", limit=1))
    assert (first["opening"], first["closing"], first["has_more"]) == ("0", "11", True)
    refused(ask.get(address, to="2026-03-03", cursor=first["next_cursor"]), 422, "validation_failed")
    refused(ask.get(address, cursor="made-up"), 422, "validation_failed")
    refused(ask.get(address, limit=0), 422, "validation_failed")
    refused(ask.get(address, since="2026-03-01"), 422, "validation_failed")


def test_the_journal_is_narrowed_and_shows_its_postings(ask: Asking, books: Tenant) -> None:
    def keys(**query: Any) -> list[str]:
        return [each["key"] for each in pages(ask, "/ledger/entries", limit=2, **query)]

    assert keys() == ["p3", "p2", "p1"]
    assert keys(sort="id", booked_on="2026-03-01") == ["p1", "p3"]
    assert keys(**{"booked_on[gte]": "2026-03-02"}) == ["p2"]
    assert keys(reference="receipt p3") == keys(ledger_account_id=id_of(books, "wallet:bob")) == ["p3"]
    assert keys(kind="payment", is_pending="false") == ["p3", "p2", "p1"]
    assert keys(kind="invoice") == keys(key="p9") == []
    (entry,) = pages(ask, "/ledger/entries", key="p2")
    assert ok(ask.get(f"/ledger/entries/{entry['id']}")) == entry
    assert entry == {
        "id": entry["id"],
        "key": "p2",
        "kind": "payment",
        "booked_on": "2026-03-02",
        "created_at": "2026-03-02T12:01:00Z",
        "actor": "test",
        "reference": "receipt p2",
        "reverses_id": None,
        "settles_id": None,
        "is_pending": False,
        "expires_at": None,
        "postings": [
            {"account_id": id_of(books, "bank:USD"), "account": "bank:USD", "amount": "2.5", "currency": "USD"},
            {"account_id": id_of(books, "wallet:ann"), "account": "wallet:ann", "amount": "-2.5", "currency": "USD"},
        ],
    }


def test_the_trial_balance_balances_in_each_currency(ask: Asking, books: Tenant) -> None:
    with scope(books, "test"):
        account("bank:KES", currency="KES"), account("wallet:kim", currency="KES")
        actions.post_many([draft("p4", "bank:KES 100; wallet:kim -100")], at=AT)
    found = ok(ask.get("/ledger/trial-balance"))
    assert [(each["currency"], each["debit"], each["credit"]) for each in found["data"]] == [
        ("KES", "100", "100"),
        ("USD", "13.5", "13.5"),
    ]
    assert found["data"][1]["accounts"][1] == {
        "account_id": id_of(books, "wallet:ann"),
        "account": "wallet:ann",
        "type": "liability",
        "debit": "0",
        "credit": "12.5",
        "balance": "-12.5",
    }
    earlier = ok(ask.get("/ledger/trial-balance", booked_to="2026-03-02"))
    assert (earlier["booked_to"], earlier["data"][1]["debit"]) == ("2026-03-02", "11")


def test_pages_of_accounts_and_entries_take_few_queries(
    ask: Asking, books: Tenant, django_assert_max_num_queries: Any
) -> None:
    for path in ("/ledger/accounts", "/ledger/entries"):
        with django_assert_max_num_queries(15):
            ok(ask.get(path, limit=200))
