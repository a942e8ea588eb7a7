"""Tariffs and time profiles through the API."""

from __future__ import annotations

from typing import Any

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking


def test_a_tariff_is_made_read_and_changed(ask: Asking) -> None:
    made = ask.post("/tariffs", {"name": "Retail", "timezone": "Africa/Nairobi"})
    tariff = ok(made, 201)
    assert tariff == {
        "id": tariff["id"],
        "name": "Retail",
        "currency": "USD",
        "timezone": "Africa/Nairobi",
        "unit": "second",
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
