"""Edits of many rates through the API: looked at, applied, taken back; what is wrong is pointed at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking, new_key
from tests.databases import AT
from tests.waiting_jobs import work_off
from trunkline.identity.models import ApiKey
from trunkline.identity.permissions import Permission
from trunkline.kit import clock
from trunkline.pricing.actions import create_agreement
from trunkline.pricing.actions import work as room
from trunkline.tariffs import actions as tariffs
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

FILE = (
    "code,destination,price,per,increments,valid_from\n"
    "254,Kenya,0.05,60,60/60,2026-01-01\n"
    "2547,Kenya Mobile,0.10,60,60/1,2026-01-01\n"
    "255,Tanzania,0.20,60,60/60,2027-04-01\n"
)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
FIVE_PERCENT = {"change": {"price": {"how": "percent", "amount": "5", "decimals": 4}}}


@pytest.fixture
def tariff(tenant: Tenant) -> Any:
    with scope(tenant, "test"):
        made = tariffs.create_tariff(name="Vendor", currency="USD", at=AT)
        tariffs.load_rates(tariff_id=made.pk, data=FILE.encode(), at=AT)
        return made


@pytest.fixture
def at() -> Any:
    with clock.at(NOW):
        yield


def prices(ask: Asking, tariff: Any) -> dict[str, str]:
    rows = ok(ask.get(f"/tariffs/{tariff.public_id}/rates", in_force_at="2026-03-10T12:00:01Z"))["data"]
    return {row["code"]: row["steps"][-1]["price"] for row in rows}


def look(ask: Asking, tariff: Any, said: Any = FIVE_PERCENT) -> Any:
    return ok(ask.post(f"/tariffs/{tariff.public_id}/rate-edits", said), 201)


@pytest.mark.usefixtures("at")
def test_an_edit_is_looked_at_applied_and_taken_back(ask: Asking, tenant: Tenant, tariff: Any) -> None:
    with scope(tenant, "test"):
        agreement = create_agreement(name="Alpine", days_increase=7)
    said = FIVE_PERCENT | {"chosen": {"code": "254"}, "agreement_id": agreement.pk, "reason": "spring"}
    answer = ask.post(f"/tariffs/{tariff.public_id}/rate-edits", said)
    seen = ok(answer, 201)
    address = f"/rate-edits/{seen['id']}"
    assert answer["Location"] == f"/api/v1{address}"
    assert (seen["state"], seen["revision"], seen["sheet_id"], seen["reason"]) == ("compared", 2, None, "spring")
    assert seen["counts"] == {
        "chosen": 2, "changed": 2, "ended": 0, "unchanged": 0, "over": 0, "begin_in_the_past": 0, "kinds": {"increase": 2},
        "monthly_cost": "0",
    }  # fmt: skip
    assert [(each["code"], each["before"], each["after"], each["begins"]) for each in seen["samples"]] == [
        ("254", "0.05 per 60, 60/60", "0.0525 per 60, 60/60", "2026-03-10T12:00:00Z"),
        ("2547", "0.1 per 60, 60/1", "0.105 per 60, 60/1", "2026-03-10T12:00:00Z"),
    ]
    assert seen["breaches"] == {"increase": {"count": 2, "first_allowed": "2026-03-17T00:00:00Z"}}
    assert [(each["check"], each["level"], each["lines"]) for each in seen["findings"]] == [("short_notice", "warn", 2)]
    assert prices(ask, tariff) == {"254": "0.05", "2547": "0.1"}

    done = ok(ask.post(f"{address}/apply", {}, If_Match=answer["ETag"]))
    assert (done["state"], done["reason"], done["begins_at"]) == ("applied", "spring", "2026-03-10T12:00:00Z")
    assert prices(ask, tariff) == {"254": "0.0525", "2547": "0.105"}
    lines = ok(ask.get(f"/sheets/{done['sheet_id']}/lines"))["data"]
    assert [(each["kind"], each["code"], each["before"], each["price"]) for each in lines] == [
        ("increase", "254", "0.05 per 60, 60/60", "0.0525 per 60, 60/60"),
        ("increase", "2547", "0.1 per 60, 60/1", "0.105 per 60, 60/1"),
    ]
    refused(ask.post(f"{address}/apply", {}), 409, "not_compared")
    refused(ask.post(f"{address}/discard", {"reason": "no"}), 409, "not_compared")

    assert ok(ask.post(f"{address}/undo", {"reason": "too dear"}))["state"] == "undone"
    assert prices(ask, tariff) == {"254": "0.05", "2547": "0.1"}
    refused(ask.post(f"{address}/undo", {"reason": "again"}), 409, "not_applied")
    assert [each["id"] for each in pages(ask, "/rate-edits", state="undone", tariff_id=str(tariff.public_id))] == [seen["id"]]  # fmt: skip
    assert pages(ask, "/rate-edits", state="applied,compared") == []


@pytest.mark.usefixtures("at")
def test_one_key_makes_and_applies_one_edit_however_often_it_is_sent(ask: Asking, tariff: Any) -> None:
    address = f"/tariffs/{tariff.public_id}/rate-edits"
    first = ask.post(address, FIVE_PERCENT, Idempotency_Key="look")
    again = ask.post(address, FIVE_PERCENT, Idempotency_Key="look")
    assert ok(first, 201) == ok(again, 201)
    assert again["Idempotency-Replayed"] == "true"
    apply = f"/rate-edits/{first.json()['id']}/apply"
    done, same = (ask.post(apply, {}, Idempotency_Key="apply") for _ in range(2))
    assert ok(done) == ok(same)
    assert prices(ask, tariff) == {"254": "0.0525", "2547": "0.105"}


@pytest.mark.usefixtures("at")
def test_an_edit_is_not_applied_to_another_revision_or_another_version(
    ask: Asking, tenant: Tenant, tariff: Any
) -> None:
    seen, other = look(ask, tariff), look(ask, tariff)
    etag = ask.get(f"/rate-edits/{seen['id']}")["ETag"]
    ok(ask.post(f"/rate-edits/{other['id']}/apply", {}))
    refused(ask.post(f"/rate-edits/{seen['id']}/apply", {}), 409, "tariff_changed")
    assert ok(ask.post(f"/rate-edits/{seen['id']}/discard", {"reason": "overtaken"}))["state"] == "discarded"
    refused(ask.post(f"/rate-edits/{seen['id']}/discard", {"reason": "again"}, If_Match=etag), 412, "version_conflict")


@pytest.mark.usefixtures("at")
def test_what_begins_at_once_begins_when_it_is_applied(ask: Asking, tariff: Any) -> None:
    seen = look(ask, tariff, {"chosen": {"code": "2547"}, "change": {"increments": "1/1"}})
    with clock.at(datetime(2026, 3, 10, 15, tzinfo=UTC)):
        done = ok(ask.post(f"/rate-edits/{seen['id']}/apply", {"reason": "new switch"}))
    assert done["begins_at"] == "2026-03-10T15:00:00Z"
    assert (done["samples"][0]["begins"], done["reason"]) == ("2026-03-10T12:00:00Z", "new switch")


@pytest.mark.usefixtures("at")
def test_rates_end_where_it_is_said_and_an_open_end_is_said_by_null(ask: Asking, tariff: Any) -> None:
    ending = look(ask, tariff, {"chosen": {"code": "254"}, "change": {"ends_at": "2026-04-01T00:00:00Z"}})
    assert (ending["counts"]["ended"], ending["counts"]["changed"]) == (2, 0)
    ok(ask.post(f"/rate-edits/{ending['id']}/apply", {}))
    opening = look(ask, tariff, {"chosen": {"code": "254"}, "change": {"ends_at": None}})
    assert (opening["counts"]["ended"], opening["counts"]["changed"]) == (0, 2)
    ok(ask.post(f"/rate-edits/{opening['id']}/apply", {}))
    rows = ok(ask.get(f"/tariffs/{tariff.public_id}/rates", in_force_at="2026-05-01T00:00:00Z"))["data"]
    assert [row["code"] for row in rows] == ["254", "2547"]


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize(
    ("said", "code", "pointer"),
    [
        ({"change": {}}, "nothing_to_change", "/change"),
        ({"change": {"price": {"how": "percent", "amount": "x"}}}, "bad_decimal", "/change/price/amount"),
        ({"change": {"price": {"how": "percent", "amount": "2000"}}}, "bad_amount", "/change/price/amount"),
        ({"change": {"price": {"how": "add", "amount": "-1"}}}, "negative_price", "/change/price/amount"),
        ({"change": {"price": {"how": "set", "amount": "0.12345678901"}}}, "price_precision", "/change/price/amount"),
        ({"change": {"increments": "a/b"}}, "bad_number", "/change/increments"),
        (
            {"change": {"begins_at": "2026-05-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}},
            "ends_before_it_begins",
            "/change/ends_at",
        ),
    ],
)
def test_what_an_edit_refuses_points_at_its_value(ask: Asking, tariff: Any, said: Any, code: str, pointer: str) -> None:
    answer = refused(ask.post(f"/tariffs/{tariff.public_id}/rate-edits", said), 422, code)
    assert [each["pointer"] for each in answer["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({}, "/change"),
        ({"change": {"price": {"how": "double", "amount": "1"}}}, "/change/price/how"),
        ({"change": {"price": {"how": "set", "amount": "1", "decimals": 11}}}, "/change/price/decimals"),
        ({"change": {"begins_at": "tomorrow"}}, "/change/begins_at"),
        ({"change": {"blocked": True}, "chosen": {"code": "+254"}}, "/chosen/code"),
        ({"change": {"blocked": True}, "chosen": {"state": "gone"}}, "/chosen/state"),
        ({"change": {"blocked": True}, "chosen": {"rates": []}}, "/chosen/rates"),
        ({"change": {"blocked": True, "price_": 1}}, "/change/price_"),
    ],
)
def test_what_cannot_be_read_points_at_its_value(ask: Asking, tariff: Any, said: Any, pointer: str) -> None:
    answer = refused(ask.post(f"/tariffs/{tariff.public_id}/rate-edits", said), 422, "validation_failed")
    assert [each["pointer"] for each in answer["errors"]] == [pointer]


@pytest.mark.usefixtures("at")
def test_an_edit_of_nothing_is_looked_at_and_not_applied(ask: Asking, tariff: Any) -> None:
    seen = look(ask, tariff, {"chosen": {"code": "999"}, "change": {"blocked": True}})
    assert (seen["counts"]["chosen"], seen["samples"]) == (0, [])
    refused(ask.post(f"/rate-edits/{seen['id']}/apply", {}), 422, "nothing_chosen")
    refused(
        ask.post(f"/tariffs/{tariff.public_id}/rate-edits", FIVE_PERCENT | {"agreement_id": 999_999}), 404, "not_found"
    )


@pytest.mark.usefixtures("at")
def test_what_is_large_is_answered_with_202_and_polled(
    ask: Asking, tariff: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "AT_ONCE_LINES", 0)
    seen, other = look(ask, tariff), look(ask, tariff)
    address = f"/rate-edits/{seen['id']}"
    etag = ask.get(address)["ETag"]
    asked = ask.post(f"{address}/apply", {}, If_Match=etag, Idempotency_Key="apply")
    assert ok(asked, 202)["work"] == {"step": "applying", "percent": 0}
    assert ok(ask.post(f"{address}/apply", {}, If_Match=etag, Idempotency_Key="apply"), 202) == asked.json()
    assert (asked.json()["state"], asked["ETag"]) == (
        "compared",
        etag,
    )  # the version is what it says, not how far a worker is
    refused(ask.post(f"{address}/apply", {}), 409, "edit_is_worked_on")
    refused(ask.post(f"{address}/discard", {"reason": "no"}), 409, "edit_is_worked_on")
    refused(ask.post(f"/rate-edits/{other['id']}/apply", {}), 409, "tariff_is_worked_on")
    assert prices(ask, tariff) == {"254": "0.05", "2547": "0.1"}
    assert work_off("pricing.apply_edit") == 1
    done = ok(ask.get(address))
    assert (done["state"], done["work"], done["problem"]) == ("applied", None, None)
    assert prices(ask, tariff) == {"254": "0.0525", "2547": "0.105"}
    undone = ok(ask.post(f"{address}/undo", {"reason": "too dear"}), 202)
    assert (undone["state"], undone["work"]["step"]) == ("applied", "undoing")
    assert work_off("pricing.undo_sheet") == 1
    assert ok(ask.get(address))["state"] == "undone"


@pytest.mark.usefixtures("at")
def test_a_key_that_is_revoked_meanwhile_has_nothing_done_and_the_edit_says_so(
    ask: Asking, tenant: Tenant, tariff: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "AT_ONCE_LINES", 0)
    seen = look(ask, tariff)
    ok(ask.post(f"/rate-edits/{seen['id']}/apply", {}), 202)
    with scope(tenant, "test"):
        ApiKey.objects.update(revoked_at=NOW)
    assert work_off("pricing.apply_edit") == 1
    other = Asking(ask.client, new_key(tenant))
    found = ok(other.get(f"/rate-edits/{seen['id']}"))
    assert (found["state"], found["work"], found["problem"]["code"]) == ("compared", None, "invalid_api_key")
    assert prices(other, tariff) == {"254": "0.05", "2547": "0.1"}


def test_permissions_come_first_and_what_is_anothers_is_not_there(
    ask: Asking, ask_other: Asking, tenant: Tenant, tariff: Any
) -> None:
    with clock.at(NOW):
        seen = look(ask, tariff)
        reader = Asking(ask.client, new_key(tenant, Permission.TARIFFS_READ))
        assert ok(reader.get(f"/rate-edits/{seen['id']}"))["state"] == "compared"
        refused(reader.post(f"/tariffs/{tariff.public_id}/rate-edits", FIVE_PERCENT), 403, "permission_missing")
        for verb, body in (("apply", {}), ("undo", {"reason": "x"}), ("discard", {"reason": "x"})):
            refused(reader.post(f"/rate-edits/{seen['id']}/{verb}", body), 403, "permission_missing")
            refused(ask_other.post(f"/rate-edits/{seen['id']}/{verb}", body), 404, "not_found")
        refused(ask_other.get(f"/rate-edits/{seen['id']}"), 404, "not_found")
        refused(ask_other.post(f"/tariffs/{tariff.public_id}/rate-edits", FIVE_PERCENT), 404, "tariff_not_found")
        assert pages(ask_other, "/rate-edits") == []
