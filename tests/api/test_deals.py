"""Swap deals and rate analysis through the API."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.databases import AT
from trunkline.parties.models import Account
from trunkline.pricing.deals.alarms import review_deals
from trunkline.pricing.models import Deal
from trunkline.tariffs.models import AccountTariff, Destination, Rate, Tariff
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup

OUT = {"direction": "outbound", "minutes": 1000, "price": "0.02", "codes": ["2547"]}
REST = {"direction": "outbound", "minutes": 10, "price": "0.01", "beyond": "0.005"}


@pytest.fixture(autouse=True)
def carrier(tenant: Tenant) -> Tenant:
    """Two vendors, of which one has the longer code, and a retail price list."""
    with scope(tenant, "test"):
        mobile = Destination.objects.create(name="=Kenya Mobile", country="KE")
        for name, code, price in (("alpha", "254", "0.03"), ("beta", "2547", "0.02"), ("retail", "2547", "0.025")):
            tariff = Tariff.objects.create(name=name, currency="USD", created_at=AT)
            Rate.objects.create(tariff=tariff, code=code, destination=mobile, steps=f"0:{price}/60/1")
    return tenant


@pytest.fixture
def peer(ask: Asking, carrier: Tenant) -> Any:
    """A partner from whom we buy, with minutes of the day before."""
    made = ok(ask.post("/accounts", {"code": "peer", "name": "Peer", "is_vendor": True, "timezone": "UTC"}), 201)
    with scope(carrier, "test"):
        account = Account.objects.get()
        tariff = Tariff.objects.get(name="beta")
        AccountTariff.objects.create(account=account, side="buy", position=1, tariff=tariff)
        rate = Rate.objects.get(tariff=tariff)
        Rollup.objects.create(
            batch_id=1, side="buy", account=account, service="voice", destination_id=rate.destination_id, rate=rate, currency="USD", day=AT.date(), attempts=1,
            connected=1, raw_quantity=6000, billed_quantity=6000, amount="2.5", base_amount="2.5",
        )  # fmt: skip
    return made


def made(ask: Asking, peer: Any, **given: Any) -> Any:
    body = {"name": "Swap", "account_id": peer["id"], "starts_on": "2026-03-01", "items": [OUT, REST]}
    return ok(ask.post("/deals", body | given), 201)


def test_a_deal_is_made_and_says_how_far_it_is(ask: Asking, peer: Any) -> None:
    deal = made(ask, peer, recipients=["noc@alpha.example"])
    assert {name: deal[name] for name in deal if name not in ("id", "period")} == {
        "name": "Swap", "account": "peer", "currency": "USD", "starts_on": "2026-03-01", "length": 1, "unit": "months", "repeats": 1, "alert_below": 100,
        "recipients": ["noc@alpha.example"], "note": "", "archived_at": None, "status": "in_process", "periods": 1,
    }  # fmt: skip
    first = deal["period"]["items"][0]
    assert first == {
        "id": first["id"], "direction": "outbound", "minutes": 1000, "price": "0.02", "beyond": None, "destinations": [], "codes": ["2547"],
        "used_minutes": "100.00", "percent": 10, "minutes_a_day": None, "expected_minutes": "100.00", "expected_percent": 10, "reached_on": None,
        "forecast_on": None, "ordinary": "2.5", "by_deal": "2", "settlement": "0.5", "shortfall": "18",
    }  # fmt: skip
    assert (deal["period"]["from"], deal["period"]["until"]) == ("2026-03-01", "2026-04-01")
    read = ask.get(f"/deals/{deal['id']}")
    assert read.json() == deal
    assert [each["name"] for each in pages(ask, "/deals", limit=1)] == ["Swap"]
    assert ok(ask.get("/deals", fields="name,status"))["data"] == [{"name": "Swap", "status": "in_process"}]
    assert ok(ask.get("/deals", is_active="false"))["data"] == []


def test_a_deal_changes_is_archived_and_comes_back(ask: Asking, peer: Any) -> None:
    deal = made(ask, peer)
    path = f"/deals/{deal['id']}"
    version = ask.get(path)["ETag"]
    changed = ok(ask.patch(path, {"repeats": 3, "length": 30, "unit": "days", "items": [OUT]}, If_Match=version))
    assert (changed["periods"], len(changed["period"]["items"])) == (3, 1)
    assert changed["period"]["items"][0]["id"] == deal["period"]["items"][0]["id"]
    refused(ask.patch(path, {"repeats": 4}, If_Match=version), 412, "version_conflict")
    periods = ok(ask.get(f"{path}/periods"))["data"]
    assert [each["status"] for each in periods] == ["in_process", "pending", "pending"]
    assert ok(ask.patch(path, {"is_archived": True}))["archived_at"] is not None
    assert ok(ask.patch(path, {"is_archived": False}))["archived_at"] is None


def test_alarms_of_a_deal_are_told(ask: Asking, peer: Any, carrier: Tenant) -> None:
    deal = made(ask, peer, items=[{"direction": "outbound", "minutes": 100, "price": "0.02"}])
    with scope(carrier, "test"):
        review_deals(at=AT)
    (alarm,) = pages(ask, f"/deals/{deal['id']}/alarms")
    assert (alarm["kind"], alarm["period_from"], alarm["mail"]) == ("achieved", "2026-03-01", "none")


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"currency": "XXZ"}, 422, "unknown_currency"),
        ({"items": [OUT, OUT]}, 422, "items_overlap"),
        ({"items": [OUT | {"destinations": ["Atlantis"]}]}, 422, "unknown_destination"),
        ({"items": [OUT | {"codes": ["x"]}]}, 422, "bad_item"),
        ({"recipients": ["nobody"]}, 422, "bad_recipients"),
        ({"length": 3000, "repeats": 120}, 422, "bad_period"),
        ({"account_id": "01890000-0000-7000-8000-000000000000"}, 404, "account_not_found"),
    ],
)
def test_what_cannot_be_agreed_is_refused(ask: Asking, peer: Any, given: Any, status: int, code: str) -> None:
    body = {"name": "Swap", "account_id": peer["id"], "starts_on": "2026-03-01", "items": [OUT]}
    refused(ask.post("/deals", body | given), status, code)


def test_two_deals_of_one_name_are_a_conflict(ask: Asking, peer: Any, carrier: Tenant) -> None:
    made(ask, peer)
    body = {"name": "Swap", "account_id": peer["id"], "starts_on": "2026-03-01"}
    refused(ask.post("/deals", body), 409, "exists")
    with scope(carrier, "test"):
        assert Deal.objects.count() == 1


def test_price_lists_are_compared_page_by_page(ask: Asking, peer: Any) -> None:
    answer = ask(
        "GET", "/rate-analysis?tariff=alpha&tariff=beta&against_tariff=retail&minutes=vendors&limit=1&offset=1"
    )
    found = ok(answer)
    assert {name: found[name] for name in ("lists", "master", "rows", "offset", "currency", "call")} == {
        "lists": ["alpha", "beta"], "master": "retail", "rows": 2, "offset": 1, "currency": "USD", "call": 60,
    }  # fmt: skip
    (row,) = found["data"]
    assert (row["code"], row["destination"], row["minutes"], row["master"]) == (
        "2547", "=Kenya Mobile", "100.00", "0.025",
    )  # fmt: skip
    assert row["cells"] == [
        {"list": "alpha", "state": "offer", "price": "0.03", "simulated": True, "code": "254", "increments": "1/1", "margin": "-0.005", "margin_percent": "-20.00"},
        {"list": "beta", "state": "offer", "price": "0.02", "simulated": False, "code": "2547", "increments": "1/1", "margin": "0.005", "margin_percent": "20.00"},
    ]  # fmt: skip


def test_the_least_cost_list_and_its_files(ask: Asking, peer: Any) -> None:
    asked = "/rate-analysis?vendor=peer&tariff=alpha&form=least&positions=1"
    assert [(row["code"], [each["list"] for each in row["offers"]]) for row in ok(ask("GET", asked))["data"]] == [
        ("254", ["alpha"]),
        ("2547", ["peer (buy)"]),
    ]
    text = b"".join(ask("GET", f"{asked}&format=csv").streaming_content).decode()
    assert list(csv.reader(io.StringIO(text)))[2] == ["2547", "'=Kenya Mobile", "peer (buy)", "0.02", "", "1/1"]
    answer = ask("GET", asked, Accept="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content)))
    assert book.get_sheet_by_name("Analysis").to_python()[2][:4] == ["2547", "=Kenya Mobile", "peer (buy)", 0.02]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 422, "no_columns"),
        ("?tariff=none", 404, "tariff_not_found"),
        ("?tariff=alpha&below=0", 422, "no_master"),
        ("?tariff=alpha&country=XX", 422, "unknown_country"),
        ("?tariff=alpha&at=soon", 422, "bad_time"),
        ("?tariff=alpha&colour=red", 422, "validation_failed"),
    ],
)
def test_what_cannot_be_compared_is_refused(ask: Asking, query: str, status: int, code: str) -> None:
    refused(ask("GET", f"/rate-analysis{query}"), status, code)
