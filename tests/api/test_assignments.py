"""Who has which tariff, contacts, and exchange rates, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking


@pytest.fixture
def account(ask: Asking) -> Any:
    """A customer that is no vendor."""
    return ok(ask.post("/accounts", {"code": "acme", "name": "Acme"}), 201)


@pytest.fixture
def tariff(ask: Asking) -> Any:
    """A tariff without rates."""
    return ok(ask.post("/tariffs", {"name": "Retail"}), 201)


def test_a_tariff_is_given_to_an_account_and_taken_from_it(ask: Asking, account: Any, tariff: Any) -> None:
    address = f"/accounts/{account['id']}/tariffs"
    given = ok(ask.post(address, {"tariff_id": tariff["id"], "valid_from": "2026-01-01T00:00:00+03:00"}), 201)
    assert given == {
        "id": given["id"],
        "account_id": account["id"],
        "tariff_id": tariff["id"],
        "tariff": "Retail",
        "side": "sell",
        "service": "voice",
        "position": 1,
        "valid_from": "2025-12-31T21:00:00Z",
        "valid_to": None,
        "proposals": [],
    }
    assert pages(ask, address) == [{name: given[name] for name in given if name != "proposals"}]
    ended = ok(ask.post(f"{address}/{given['id']}/end", {"valid_to": "2026-02-01T00:00:00Z"}))
    assert ended == given | {"valid_to": "2026-02-01T00:00:00Z"}
    assert pages(ask, address, in_force_at="2026-01-15T00:00:00Z") == pages(ask, address, side="sell")
    assert pages(ask, address, in_force_at="2026-02-01T00:00:00Z") == pages(ask, address, side="buy") == []


def test_what_cannot_be_assigned_is_refused(ask: Asking, account: Any, tariff: Any) -> None:
    address = f"/accounts/{account['id']}/tariffs"
    given = {"tariff_id": tariff["id"], "position": 1}
    ok(ask.post(address, given), 201)
    refused(ask.post(address, given), 409, "place_is_taken")
    refused(ask.post(address, given | {"side": "buy"}), 422, "not_a_vendor")
    refused(ask.post(address, given | {"service": "data"}), 422, "wrong_unit")
    refused(ask.post(address, given | {"side": "both"}), 422, "validation_failed")
    refused(ask.post(address, given | {"valid_from": "2026-01-01T00:00:00"}), 422, "validation_failed")
    dates = {"valid_from": "2026-02-01T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}
    refused(ask.post(address, given | dates), 422, "validity_order")


def test_an_assignment_is_ended_at_its_own_account_alone(ask: Asking, account: Any, tariff: Any) -> None:
    other = ok(ask.post("/accounts", {"code": "other", "name": "Other"}), 201)
    given = ok(ask.post(f"/accounts/{account['id']}/tariffs", {"tariff_id": tariff["id"]}), 201)
    ending = {"valid_to": "2026-02-01T00:00:00Z"}
    refused(ask.post(f"/accounts/{other['id']}/tariffs/{given['id']}/end", ending), 404, "assignment_not_found")


def test_contacts_are_added_and_listed(ask: Asking, account: Any) -> None:
    address = f"/accounts/{account['id']}/contacts"
    noc = {"name": "NOC", "role": "technical", "email": "noc@acme.example", "phone": "+254 700 000000", "note": "24/7"}
    added = ok(ask.post(address, noc), 201)
    assert added == noc | {"id": added["id"]}
    ok(ask.post(address, {"name": "Jo"}), 201)
    assert pages(ask, address, role="technical") == [added]
    assert [each["name"] for each in pages(ask, address, sort="name")] == ["Jo", "NOC"]
    refused(ask.post(address, {"name": "Jo", "email": "nobody"}), 422, "bad_contact")
    refused(ask.post(address, {"name": "Jo", "role": "boss"}), 422, "validation_failed")


def test_exchange_rates_are_stated_loaded_and_crossed(ask: Asking) -> None:
    stated = {"base": "USD", "quote": "KES", "on": "2026-03-01", "rate": "129.35"}
    one = ok(ask.post("/exchange-rates", stated))
    assert one == stated | {"id": one["id"], "source": "manual", "proposals": []}
    again = ok(ask.post("/exchange-rates", stated | {"rate": "129.5"}))
    assert (again["id"], again["rate"]) == (one["id"], "129.5")
    file = b"Date,USD,KES\n2026-03-02,1.0815,139.9\n"
    loaded = ok(ask.post("/exchange-rates/load", file))
    assert loaded == {"rates": 2, "added": 2, "replaced": 0, "skipped": [], "proposals": []}
    rows = pages(ask, "/exchange-rates", limit=1)
    assert [(each["base"], each["quote"], each["on"], each["rate"], each["source"]) for each in rows] == [
        ("EUR", "KES", "2026-03-02", "139.9", "ECB"),
        ("EUR", "USD", "2026-03-02", "1.0815", "ECB"),
        ("USD", "KES", "2026-03-01", "129.5", "manual"),
    ]
    effective = {"base": "KES", "quote": "USD", "on": "2026-03-05"}
    assert ok(ask.get("/exchange-rates/effective", **effective)) == effective | {
        "rate": "0.007722007722",
        "rate_exact": "2/259",
        "published_on": "2026-03-01",
    }
    early = effective | {"on": "2026-02-01"}
    refused(ask.get("/exchange-rates/effective", **early), 404, "no_exchange_rate")


def test_exchange_rates_that_cannot_be_are_refused(ask: Asking) -> None:
    stated = {"base": "USD", "quote": "KES", "on": "2026-03-01", "rate": "129.35"}
    refused(ask.post("/exchange-rates", stated | {"quote": "USD"}), 422, "bad_exchange_rate")
    refused(ask.post("/exchange-rates", stated | {"rate": "0"}), 422, "bad_exchange_rate")
    refused(ask.post("/exchange-rates", stated | {"rate": "-1"}), 422, "validation_failed")
    refused(ask.post("/exchange-rates", stated | {"base": "ZZZ"}), 422, "unknown_currency")
    refused(ask.post("/exchange-rates", stated | {"on": "0001-01-01"}), 422, "validation_failed")
    refused(ask.post("/exchange-rates/load", b"Date,USD\nyesterday,1\n"), 422, "bad_exchange_rate")
    ok(ask.post("/exchange-rates/load", b"Date,USD\n2026-03-02,1.1\n"))
    refused(ask.post("/exchange-rates/load", b"Date,USD\n2026-03-02,1.2\n"), 409, "exchange_rate_differs")
    replaced = ask("POST", "/exchange-rates/load", b"Date,USD\n2026-03-02,1.2\n", query={"replace": "true"})
    assert ok(replaced)["replaced"] == 1
