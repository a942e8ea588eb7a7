"""Tariffs and time profiles through the API."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import ABSENT, Callers
from trunkline.identity.permissions import Permission
from trunkline.tariffs.actions import create_tariff
from trunkline.tenancy.scope import scope

READ, WRITE = Permission.TARIFFS_READ, Permission.TARIFFS_WRITE


def test_a_tariff_is_made_read_and_changed(caller: Callers) -> None:
    program = caller(READ, WRITE)
    made = program.post("/tariffs", {"name": "Retail", "timezone": "Africa/Nairobi"})
    tariff = made.ok(201)
    assert tariff | {"id": "", "created_at": ""} == {
        "id": "",
        "name": "Retail",
        "currency": "USD",
        "timezone": "Africa/Nairobi",
        "unit": "second",
        "revision": 1,
        "created_at": "",
    }
    address = f"/tariffs/{tariff['id']}"
    assert made.headers["Location"] == f"/api/v1{address}"
    read = program.get(address)
    assert read.ok() == tariff
    assert read.headers["ETag"] == made.headers["ETag"]
    changed = program.patch(address, {"name": "Retail Kenya"}, headers={"If-Match": read.headers["ETag"]}).ok()
    assert (changed["name"], changed["revision"], changed["proposals"]) == ("Retail Kenya", 2, [])
    stale = program.patch(address, {"name": "Retail"}, headers={"If-Match": read.headers["ETag"]})
    stale.refused(412, "version_conflict")
    assert program.get(address).ok()["name"] == "Retail Kenya"
    program.post("/tariffs", {"name": "Retail Kenya"}).refused(409, "tariff_exists")


def test_what_cannot_be_a_tariff_is_named_by_its_place(caller: Callers) -> None:
    problem = caller(WRITE).post("/tariffs", {"name": "", "currency": "usd", "unit": "hour", "colour": "red"})
    places = {each["pointer"] for each in problem.refused(422, "validation_failed")["errors"]}
    assert places == {"/name", "/currency", "/unit", "/colour"}
    caller(WRITE).post("/tariffs", {"name": "X", "currency": "ZZZ"}).refused(422, "unknown_currency")
    caller(WRITE).post("/tariffs", {"name": "X", "timezone": "Mars/Base"}).refused(422, "unknown_timezone")


def test_tariffs_are_listed_narrowed_and_paged(caller: Callers) -> None:
    program = caller(READ, WRITE)
    for name, unit in (("Retail", "second"), ("Wholesale", "second"), ("Messages", "message")):
        program.post("/tariffs", {"name": name, "unit": unit}).ok(201)

    def names(**asked: Any) -> list[str]:
        return [each["name"] for each in program.pages("/tariffs", **asked)]

    assert names() == names(limit=1) == ["Messages", "Retail", "Wholesale"]
    assert names(sort="-name", limit=2) == ["Wholesale", "Retail", "Messages"]
    assert names(unit="second") == ["Retail", "Wholesale"]
    assert names(name__like="Wh") == ["Wholesale"]
    assert names(name="Retail,Messages") == ["Messages", "Retail"]
    assert program.get("/tariffs", fields="name", limit=1).ok()["data"] == [{"name": "Messages"}]
    program.get("/tariffs", colour="red").refused(422, "validation_failed")


def test_a_tariff_of_somebody_else_is_as_good_as_none(caller: Callers, other_tenant: Any, at: Any) -> None:
    with scope(other_tenant, "test"):
        theirs = create_tariff(name="Theirs", currency="EUR", at=at)
    foreign, absent = f"/tariffs/{theirs.public_id}", f"/tariffs/{ABSENT}"
    program = caller(READ, WRITE)
    assert program.get("/tariffs").ok()["data"] == []
    for ask in (program.get, lambda path: program.patch(path, {"name": "Mine"})):
        ask(foreign).refused(404, "tariff_not_found")
        assert ask(foreign).said == ask(absent).said
    program.get("/tariffs/no-id").refused(404, "tariff_not_found")
    caller(READ).patch(foreign, {"name": "Mine"}).refused(403, "permission_missing")
    caller(WRITE).get(foreign).refused(403, "permission_missing")


def test_a_time_profile_is_made_read_and_changed(caller: Callers) -> None:
    program = caller(READ, WRITE)
    windows = [{"weekdays": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:00"}, {"months": [12]}]
    made = program.post("/time-profiles", {"name": "peak", "windows": windows}).ok(201)
    nothing = dict.fromkeys(("weekdays", "months", "month_days", "years", "from", "to"))
    assert made["windows"] == [
        nothing | {"weekdays": [1, 2, 3, 4, 5], "from": "08:00:00", "to": "18:00:00"},
        nothing | {"months": [12]},
    ]
    address = f"/time-profiles/{made['id']}"
    assert program.get(address).ok() == made == program.get("/time-profiles", name="peak").ok()["data"][0]
    changed = program.patch(address, {"windows": [{"weekdays": [7]}]}).ok()
    assert changed == {
        "id": made["id"],
        "name": "peak",
        "windows": [nothing | {"weekdays": [7]}],
        "proposals": [],
    }
    program.post("/time-profiles", {"name": "peak", "windows": windows}).refused(409, "time_profile_exists")
    program.patch(address, {"windows": [{"from": "18:00", "to": "08:00"}]}).refused(422, "bad_time_window")
    program.patch(address, {"windows": [{"weekdays": [8]}]}).refused(422, "validation_failed")
    program.get("/time-profiles/987654321").refused(404, "time_profile_not_found")
    caller(READ).patch(address, {"windows": windows}).refused(403, "permission_missing")
