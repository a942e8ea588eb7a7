"""Records searched, shown and explained through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.api.traffic.conftest import asking
from tests.db.usage.carrier import START, Carrier, line
from trunkline.usage.models import Batch

HOUR = timedelta(hours=1)


def keys(answer: Any) -> list[str]:
    return [each["key"] for each in ok(answer)["data"]]


@pytest.fixture
def batch(carrier: Carrier) -> Batch:
    """Five attempts, an hour apart; one was not answered."""
    lines = [line(str(n), 60 * n, called=f"25470000000{n}", start=START + n * HOUR) for n in range(5)]
    return carrier.load(carrier.write("a.csv", *lines))


def test_records_are_found_by_number_account_time_and_switch(ask: Asking, carrier: Carrier, batch: Batch) -> None:
    customer = str(carrier.accounts["cust"].public_id)
    assert keys(ask.get("/records", number="+254 700 000 002")) == ["2"]
    assert keys(ask.get("/records", number="25470*")) == ["4", "3", "2", "1", "0"]
    assert keys(ask.get("/records", account_id=customer, side="sell", limit=2)) == ["4", "3"]
    assert keys(ask.get("/records", account_id=customer, side="buy")) == []
    between = {"from": (START + HOUR).isoformat(), "to": (START + 3 * HOUR).isoformat()}
    assert keys(ask("GET", "/records", query=between)) == ["2", "1"]
    assert keys(ask.get("/records", switch="common", number="254700000001")) == ["1"]
    assert keys(ask.get("/records", cause=16)) == []
    assert keys(ask.get("/records")) == ["4", "3", "2", "1", "0"]


def test_a_found_record_says_whose_it_is_and_what_it_costs(ask: Asking, carrier: Carrier, batch: Batch) -> None:
    (found,) = ok(ask.get("/records", number="254700000002"))["data"]
    assert found == {
        "id": found["id"],
        "key": "2",
        "switch": "common",
        "batch_id": str(batch.public_id),
        "start": "2026-03-02T12:00:00Z",
        "calling": "",
        "called": "254700000002",
        "service": "voice",
        "quantity": 120,
        "cause": None,
        "sip_code": None,
        "sell": {
            "account_id": str(carrier.accounts["cust"].public_id),
            "account": "cust",
            "destination": "Kenya",
            "amount": "0.16",
            "currency": "EUR",
        },
        "buy": {
            "account_id": str(carrier.accounts["vend"].public_id),
            "account": "vend",
            "destination": "Kenya",
            "amount": "0.16",
            "currency": "USD",
        },
    }


def test_one_pages_through_all_of_them_once(ask: Asking, batch: Batch) -> None:
    for limit in (1, 2, 4):
        found = pages(ask, "/records", number="254*", limit=limit, fields="key")
        assert found == [{"key": key} for key in ("4", "3", "2", "1", "0")]
    first = ok(ask.get("/records", number="254*", limit=2))
    refused(ask.get("/records", number="2547*", limit=2, cursor=first["next_cursor"]), 422, "validation_failed")
    assert ask.get("/records", number="254*", limit=2)["Link"].endswith('rel="next"')


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"number": "abc"}, "bad_number", None),
        ({"limit": "201"}, "validation_failed", "?limit"),
        ({"from": "2026-03-01"}, "validation_failed", "?from"),
        ({"colour": "red"}, "validation_failed", "?colour"),
        ({"fields": "key,colour"}, "validation_failed", "?fields"),
        ({"cursor": "x"}, "validation_failed", "?cursor"),
        ({"side": "middle"}, "validation_failed", "?side"),
    ],
)
def test_what_cannot_be_searched_is_said(ask: Asking, asked: dict[str, str], code: str, pointer: str | None) -> None:
    problem = refused(ask("GET", "/records", query=asked), 422, code)
    assert [each["pointer"] for each in problem.get("errors", [])] == ([pointer] if pointer else [])


def test_a_record_is_shown_with_all_that_is_kept(ask: Asking, carrier: Carrier, batch: Batch) -> None:
    (found,) = ok(ask.get("/records", number="254700000002"))["data"]
    shown = ok(ask.get(f"/records/{found['id']}"))
    sell = shown["sell"]
    assert {name: shown[name] for name in found if name not in ("sell", "buy")} == {
        name: value for name, value in found.items() if name not in ("sell", "buy")
    }
    assert (shown["line"], shown["trunk_in"], shown["trunk_out"], shown["rules"]) == (4, "in", "out", [])
    assert (shown["answer"], shown["duration_ms"]) == ("2026-03-02T12:00:05Z", 120_000)
    assert (sell["is_charged"], sell["tariff"], sell["code"], sell["billed"]) == (True, "sell", "254", 120)
    assert (sell["tariff_amount"], sell["tariff_currency"], sell["base_amount"]) == ("0.2", "USD", "0.2")
    assert (sell["exchange_rate"], sell["exchange_rate_on"], sell["day"]) == ("4/5", "2026-02-27", "2026-03-02")
    assert (sell["number"], sell["tags"]) == ("254700000002", [])


def test_a_record_explains_itself(ask: Asking, batch: Batch) -> None:
    (found,) = ok(ask.get("/records", number="254700000002"))["data"]
    said = ok(ask.get(f"/records/{found['id']}/explanation"))
    assert (said["kind"], said["key"], said["agrees"]) == ("rated", "2", True)
    assert said["came_in"]["batch"] == str(batch.public_id)
    assert "segment" not in said["came_in"]  # where files lie is the installation's own
    price = said["sides"]["sell"]["price"]
    assert (price["code"], price["sum"], price["amount"], price["currency"]) == ("254", "0.2", "0.16", "EUR")


def test_what_no_search_has_given_names_no_record(ask: Asking, batch: Batch, carrier: Carrier) -> None:
    (found,) = ok(ask.get("/records", number="254700000002"))["data"]
    for wrong in ("x", "eHh4", found["id"][:-4], "ä", "LTEuMC4x", "MS4xLjE", "MS45OTk5OTk5OTk5OTk5OTk5OTkuYQ"):
        refused(ask.get(f"/records/{wrong}"), 404, "record_not_found")
        refused(ask.get(f"/records/{wrong}/explanation"), 404, "record_not_found")


def test_another_tenants_record_is_not_there(ask: Asking, batch: Batch, other: Carrier, client: Client) -> None:
    (found,) = ok(ask.get("/records", number="254700000002"))["data"]
    theirs = asking(client, other)
    refused(theirs.get(f"/records/{found['id']}"), 404, "record_not_found")
    assert keys(theirs.get("/records", number="254*")) == []
    refused(theirs.get("/records", account_id=found["sell"]["account_id"]), 404, "account_not_found")


def test_a_record_counted_otherwise_before(ask: Asking, carrier: Carrier, batch: Batch) -> None:
    (found,) = ok(ask.get("/records", number="254700000002"))["data"]
    before = (carrier.now - HOUR).isoformat()
    assert keys(ask.get("/records", number="254*", as_of=before)) == []
    refused(ask.get(f"/records/{found['id']}", as_of=before), 404, "record_not_found")
    assert ok(ask.get(f"/records/{found['id']}", as_of=carrier.now.isoformat()))["key"] == "2"
