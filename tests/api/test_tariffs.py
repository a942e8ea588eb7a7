"""Tariffs and time profiles through the API."""

from __future__ import annotations

from typing import Any

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.databases import AT
from trunkline.tariffs.actions import load_code_deck
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope


def test_a_tariff_is_made_read_and_changed(ask: Asking) -> None:
    made = ask.post("/tariffs", {"name": "Retail", "timezone": "Africa/Nairobi"})
    tariff = ok(made, 201)
    assert tariff == {
        "id": tariff["id"],
        "name": "Retail",
        "currency": "USD",
        "timezone": "Africa/Nairobi",
        "unit": "second",
        "origin_deck": None,
        "parent_id": None,
        "revision": 1,
        "created_at": "2026-03-02T12:00:00Z",
    }
    address = f"/tariffs/{tariff['id']}"
    assert made["Location"] == f"/api/v1{address}"
    read = ask.get(address)
    assert (ok(read), read["ETag"]) == (tariff, made["ETag"])
    changed = ok(ask.patch(address, {"name": "Retail Kenya"}, If_Match=read["ETag"]))
    assert (changed["name"], changed["revision"], changed["proposals"]) == ("Retail Kenya", 2, [])
    refused(ask.patch(address, {"name": "Retail"}, If_Match=read["ETag"]), 412, "version_conflict")
    assert ok(ask.get(address))["name"] == "Retail Kenya"
    refused(ask.post("/tariffs", {"name": "Retail Kenya"}), 409, "tariff_exists")


def test_a_tariff_is_given_an_origin_deck_and_none_again(ask: Asking, tenant: Tenant) -> None:
    with scope(tenant, "test"):
        load_code_deck(name="EEA", codes={"33": "EEA", "44": "Rest"}, at=AT)
    tariff = ok(ask.post("/tariffs", {"name": "Retail", "origin_deck": "EEA"}), 201)
    assert tariff["origin_deck"] == "EEA"
    address = f"/tariffs/{tariff['id']}"
    assert ok(ask.patch(address, {"name": "Renamed"}))["origin_deck"] == "EEA"
    assert [each["name"] for each in pages(ask, "/tariffs", origin_deck="EEA")] == ["Renamed"]
    ok(ask.post(f"{address}/rates", b"code,price,origin\n254,0.10,\n254,0.04,EEA\n"))
    assert [each["origin"] for each in pages(ask, f"{address}/rates")] == [None, "EEA"]
    assert len(pages(ask, f"{address}/rates", origin="EEA")) == 1
    for caller, amount in (("33155512345", "0.04"), ("44207123456", "0.1"), ("", "0.1")):
        asked = {"tariff_id": tariff["id"], "called": "254700000001", "calling": caller}
        priced = ok(ask.post("/rate-preview", asked))
        assert priced["amount"] == amount
    assert priced["price"]["tried"][0]["origin"] is None
    assert [each["verdict"] for each in priced["price"]["tried"][0]["rates"]] == ["chosen", "origin"]
    refused(ask.patch(address, {"origin_deck": None}), 409, "origin_in_use")
    refused(ask.patch(address, {"origin_deck": "Nowhere"}), 404, "deck_not_found")
    other = ok(ask.post("/tariffs", {"name": "Other", "origin_deck": "EEA"}), 201)
    assert ok(ask.patch(f"/tariffs/{other['id']}", {"origin_deck": None}))["origin_deck"] is None
    refused(ask.post("/tariffs", {"name": "X", "origin_deck": "Nowhere"}), 404, "deck_not_found")


def test_a_tariff_is_given_a_parent_and_loses_it(ask: Asking) -> None:
    base, other = (ok(ask.post("/tariffs", {"name": name}), 201)["id"] for name in ("Base", "Other"))
    made = ask.post("/tariffs", {"name": "Retail", "parent_id": base})
    address = f"/tariffs/{ok(made, 201)['id']}"
    assert ok(ask.get(address))["parent_id"] == base
    changed = ask.patch(address, {"parent_id": other}, If_Match=made["ETag"])
    assert (ok(changed)["parent_id"], ok(changed)["revision"]) == (other, 2)
    assert [each["name"] for each in pages(ask, "/tariffs", parent_id=other)] == ["Retail"]
    refused(ask.patch(address, {"parent_id": base}, If_Match=made["ETag"]), 412, "version_conflict")
    assert ok(ask.patch(address, {"name": "Retail 2"}))["parent_id"] == other
    refused(ask.patch(f"/tariffs/{other}", {"parent_id": ok(ask.get(address))["id"]}), 422, "parent_cycle")
    refused(ask.patch(address, {"timezone": "Asia/Tokyo"}), 409, "timezone_of_family")
    assert ok(ask.patch(address, {"parent_id": None, "timezone": "Asia/Tokyo"}))["parent_id"] is None
    refused(ask.patch(address, {"parent_id": base}), 422, "parent_differs")
    nobody = "00000000-0000-7000-8000-000000000000"
    refused(ask.patch(address, {"parent_id": nobody}), 404, "tariff_not_found")
    refused(ask.post("/tariffs", {"name": "X", "parent_id": nobody}), 404, "tariff_not_found")


def test_what_cannot_be_a_tariff_is_named_by_its_place(ask: Asking) -> None:
    wrong = ask.post("/tariffs", {"name": "", "currency": "usd", "unit": "hour", "colour": "red"})
    places = {each["pointer"] for each in refused(wrong, 422, "validation_failed")["errors"]}
    assert places == {"/name", "/currency", "/unit", "/colour"}
    refused(ask.post("/tariffs", {"name": "X", "currency": "ZZZ"}), 422, "unknown_currency")
    refused(ask.post("/tariffs", {"name": "X", "timezone": "Mars/Base"}), 422, "unknown_timezone")


def test_tariffs_are_listed_narrowed_and_paged(ask: Asking) -> None:
    for name, unit in (("Retail", "second"), ("Wholesale", "second"), ("Messages", "message")):
        ok(ask.post("/tariffs", {"name": name, "unit": unit}), 201)

    def names(**query: Any) -> list[str]:
        return [each["name"] for each in pages(ask, "/tariffs", **query)]

    assert names() == names(limit=1) == ["Messages", "Retail", "Wholesale"]
    assert names(sort="-name", limit=2) == ["Wholesale", "Retail", "Messages"]
    assert names(unit="second") == ["Retail", "Wholesale"]
    assert names(**{"name[like]": "Wh"}) == ["Wholesale"]
    assert names(name="Retail,Messages") == ["Messages", "Retail"]
    refused(ask.get("/tariffs", colour="red"), 422, "validation_failed")


def test_a_time_profile_is_made_read_and_changed(ask: Asking) -> None:
    windows = [{"weekdays": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:00"}, {"months": [12]}]
    made = ok(ask.post("/time-profiles", {"name": "peak", "windows": windows}), 201)
    nothing = dict.fromkeys(("weekdays", "months", "month_days", "years", "from", "to"))
    assert made["windows"] == [
        nothing | {"weekdays": [1, 2, 3, 4, 5], "from": "08:00:00", "to": "18:00:00"},
        nothing | {"months": [12]},
    ]
    address = f"/time-profiles/{made['id']}"
    assert ok(ask.get(address)) == made == ok(ask.get("/time-profiles", name="peak"))["data"][0]
    assert ok(ask.patch(address, {"windows": [{"weekdays": [7]}]})) == {
        "id": made["id"],
        "name": "peak",
        "windows": [nothing | {"weekdays": [7]}],
        "proposals": [],
    }
    refused(ask.post("/time-profiles", {"name": "peak", "windows": windows}), 409, "time_profile_exists")
    refused(ask.patch(address, {"windows": [{"from": "18:00", "to": "08:00"}]}), 422, "bad_time_window")
    refused(ask.patch(address, {"windows": [{"weekdays": [8]}]}), 422, "validation_failed")
