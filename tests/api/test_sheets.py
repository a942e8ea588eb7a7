"""Rate sheets through the API: read, compared, looked at, applied, undone, discarded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from trunkline.api import sheet_files
from trunkline.pricing.models import SheetImport
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

HEAD = "Destination,Code,Rate,Effective Date,Billing Increment\n"
FIRST = (
    HEAD
    + "Kenya,254,0.0500,2026-03-10,60/1\nKenya Mobile,2547,0.1000,2026-03-10,60/60\nUganda,256,0.0800,2026-03-10,60/1\n"
)
SECOND = HEAD + "Kenya,254,0.0600,2026-04-01,60/1\nUganda,256,Blocked,2026-04-01,\nRwanda,no code,0.1,2026-04-01,60/1\n"


def post(ask: Asking, path: str, text: str | bytes, layout: Any = None, name: str = "sheet.csv", **query: Any) -> Any:
    form: dict[str, Any] = {"file": SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)}
    if layout is not None:
        form["layout"] = SimpleUploadedFile("layout.json", json.dumps(layout).encode())
    return ask.client.post(
        f"/api/v1{path}", form, headers={"Authorization": f"Bearer {ask.key}"}, query_params={n: str(v) for n, v in query.items()}
    )  # fmt: skip


def new_tariff(ask: Asking, name: str = "Vendor") -> str:
    return str(ok(ask.post("/tariffs", {"name": name, "currency": "USD", "timezone": "UTC"}), 201)["id"])


def load(ask: Asking, text: str, status: int = 201, **query: Any) -> Any:
    return ok(post(ask, "/sheets", text, **query), status)


@pytest.fixture
def tariff_id(ask: Asking) -> str:
    return new_tariff(ask)


def counted(sheet: Any) -> dict[str, int]:
    return {name: count for name, count in sheet["counts"].items() if count and name not in {"lines", "monthly_cost"}}


def test_what_is_understood_of_a_sheet_is_said_and_nothing_kept(ask: Asking) -> None:
    read = ok(post(ask, "/sheets/read", SECOND))
    assert read["layout"]["verdict"] == "read"
    assert [column["meaning"] for column in read["columns"]] == [
        "destination",
        "code",
        "price",
        "effective",
        "increment",
    ]
    assert (read["counts"]["lines"], read["counts"]["errors"]) == (2, 1)
    assert [(each["line"], each["reason"], each["text"]) for each in read["errors"]] == [(4, "bad_code", "no code")]
    assert [(each["code"], each["price"], each["kind"]) for each in read["sample"]] == [
        ("254", "0.06", "rate"),
        ("256", None, "blocked"),
    ]
    assert pages(ask, "/sheets") == []


def test_a_corrected_layout_is_taken_and_nothing_guessed(ask: Asking, tariff_id: str) -> None:
    text = "A,B,C\n" + "".join(f"{254700 + number},0.0{number + 11},0.0{number + 21}\n" for number in range(20))
    layout = ok(post(ask, "/sheets/read", text))["layout"]
    assert layout["verdict"] == "cannot_tell"
    sheet = layout["sheets"][0]
    sheet["columns"] = [
        each | {"role": role} for each, role in zip(sheet["columns"], ("code", "ignored", "price"), strict=True)
    ]
    layout |= {"doubts": [], "confidence": 1.0}
    read = ok(post(ask, "/sheets/read", text, layout))
    assert (read["layout"]["verdict"], read["sample"][0]["price"]) == ("read", "0.021")
    loaded = ok(post(ask, "/sheets", text, {"layout": layout}, tariff_id=tariff_id), 201)
    assert (counted(loaded)["new"], loaded["findings"]) == (20, [])


@pytest.mark.parametrize(
    ("layout", "code"), [("no layout", "bad_layout"), ({"version": 99}, "bad_layout"), ([1], "bad_layout")]
)
def test_what_is_no_layout_is_refused(ask: Asking, layout: Any, code: str) -> None:
    refused(post(ask, "/sheets/read", FIRST, layout), 422, code)


def test_a_sheet_goes_from_file_to_prices_and_back(ask: Asking, tariff_id: str) -> None:
    sheet = load(ask, FIRST, tariff_id=tariff_id)
    assert (sheet["state"], counted(sheet), sheet["counts"]["monthly_cost"]) == ("compared", {"new": 3}, "0")
    assert ok(ask.get(f"/tariffs/{tariff_id}/rates"))["data"] == []
    applied = ok(ask.post(f"/sheets/{sheet['id']}/apply", {}))
    assert (applied["state"], applied["begins_at"]) == ("applied", "2026-03-10T00:00:00Z")
    assert [rate["code"] for rate in ok(ask.get(f"/tariffs/{tariff_id}/rates"))["data"]] == ["254", "2547", "256"]
    refused(ask.post(f"/sheets/{sheet['id']}/apply", {}), 409, "not_compared")
    undone = ok(ask.post(f"/sheets/{sheet['id']}/undo", {"reason": "wrong vendor"}))
    assert (undone["state"], undone["reason"]) == ("undone", "wrong vendor")
    assert ok(ask.get(f"/tariffs/{tariff_id}/rates"))["data"] == []


def test_lines_are_paged_by_kind_with_rows_that_cannot_be_read_beside_them(ask: Asking, tariff_id: str) -> None:
    ok(ask.post(f"/sheets/{load(ask, FIRST, tariff_id=tariff_id)['id']}/apply", {}))
    sheet = load(ask, SECOND, tariff_id=tariff_id)
    lines = pages(ask, f"/sheets/{sheet['id']}/lines", limit=1)
    assert [(each["kind"], each["code"], each["before"] != "", each["begins"]) for each in lines] == [
        ("increase", "254", True, "2026-04-01"),
        ("blocked", "256", True, "2026-04-01"),
    ]
    assert [each["code"] for each in pages(ask, f"/sheets/{sheet['id']}/lines", kind="blocked")] == ["256"]
    assert pages(ask, f"/sheets/{sheet['id']}/lines", code="255") == []
    assert ok(ask.get(f"/sheets/{sheet['id']}/lines", fields="code", code="254"))["data"] == [{"code": "254"}]
    assert pages(ask, f"/sheets/{sheet['id']}/errors") == [
        {"sheet": "sheet", "line": 4, "column": "Code", "reason": "bad_code", "text": "no code"}
    ]
    refused(ask.get(f"/sheets/{sheet['id']}/lines", kind="odd"), 422, "unknown_kind")
    refused(ask.get(f"/sheets/{sheet['id']}/lines", odd="1"), 422, "validation_failed")


def test_codes_that_close_say_what_their_numbers_fall_to(ask: Asking, tariff_id: str) -> None:
    ok(ask.post(f"/sheets/{load(ask, FIRST, tariff_id=tariff_id)['id']}/apply", {}))
    left = HEAD + "Kenya,254,0.0500,2026-04-01,60/1\nUganda,256,0.0800,2026-04-01,60/1\n"
    sheet = load(ask, left, tariff_id=tariff_id, scope="full", effective_at="2026-04-01T00:00:00Z")
    (closed,) = pages(ask, f"/sheets/{sheet['id']}/closed-codes")
    assert (closed["code"], closed["closes"], closed["falls_to"].startswith("254: 0.05")) == (
        "2547",
        "2026-04-01",
        True,
    )


def test_checks_stop_a_sheet_until_they_are_overruled_by_name(ask: Asking, tariff_id: str) -> None:
    sheet = load(ask, SECOND, tariff_id=tariff_id)
    assert [(each["check"], each["level"]) for each in sheet["findings"]] == [("errors", "stop")]
    refused(ask.post(f"/sheets/{sheet['id']}/apply", {}), 409, "stopped_by_checks")
    assert (
        ok(ask.post(f"/sheets/{sheet['id']}/apply", {"overrule": ["errors"], "reason": "seen"}))["state"] == "applied"
    )


def test_a_sheet_that_waits_is_not_there_twice(ask: Asking, tariff_id: str) -> None:
    first = load(ask, FIRST, tariff_id=tariff_id)
    assert load(ask, FIRST, 200, tariff_id=tariff_id)["id"] == first["id"]
    assert load(ask, FIRST, tariff_id=tariff_id, scope="full")["id"] != first["id"]
    assert ok(ask.post(f"/sheets/{first['id']}/discard", {"reason": "no"}))["state"] == "discarded"
    again = load(ask, FIRST, tariff_id=tariff_id)
    assert again["id"] != first["id"]
    assert [each["id"] for each in pages(ask, "/sheets", state="compared", scope="partial")] == [again["id"]]


def test_a_verb_is_done_once_with_a_key_and_not_to_another_version(ask: Asking, tariff_id: str) -> None:
    answer = post(ask, "/sheets", FIRST, tariff_id=tariff_id)
    path = f"/sheets/{ok(answer, 201)['id']}"
    assert answer["Location"] == f"/api/v1{path}"
    refused(ask.post(f"{path}/apply", {}, If_Match='"other"'), 412, "version_conflict")
    once = ok(ask.post(f"{path}/apply", {}, If_Match=answer["ETag"], Idempotency_Key="1"))
    again = ask.post(f"{path}/apply", {}, If_Match=answer["ETag"], Idempotency_Key="1")
    assert (ok(again), again["Idempotency-Replayed"]) == (once, "true")


def test_the_file_is_given_back_as_it_came(ask: Asking, tariff_id: str) -> None:
    sheet = ok(post(ask, "/sheets", FIRST, tariff_id=tariff_id, name="../März 2026.csv"), 201)
    answer = ask.get(f"/sheets/{sheet['id']}/file")
    assert (sheet["file_name"], b"".join(answer.streaming_content)) == ("März 2026.csv", FIRST.encode())


def test_bad_requests_say_what_is_missing(ask: Asking, tariff_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(post(ask, "/sheets", FIRST), 422, "tariff_needed")
    refused(post(ask, "/sheets", FIRST, tariff_id="01890000-0000-7000-8000-000000000000"), 404, "tariff_not_found")
    refused(post(ask, "/sheets", FIRST, tariff_id=tariff_id, received_at="2027-01-01T00:00:00Z"), 422, "bad_instant")
    refused(post(ask, "/sheets", b"%PDF-1.7", tariff_id=tariff_id), 422, "sheet_kind")
    refused(post(ask, "/sheets", b"", tariff_id=tariff_id), 422, "sheet_empty")
    refused(ask.post(f"/sheets?tariff_id={tariff_id}", b"x"), 415, "unsupported_media_type")
    monkeypatch.setattr(sheet_files, "SHEET_OCTETS_MAX", 10)
    refused(post(ask, "/sheets", FIRST, tariff_id=tariff_id), 413, "payload_too_large")


def test_a_template_says_all_that_a_sheet_needs(ask: Asking, tariff_id: str) -> None:
    terms = {"name": "Kenya Telecom", "days": {"increase": 7}, "cut_off": "17:00", "holidays": ["2026-12-25"]}
    agreement = ok(ask.post("/agreements", terms), 201)
    assert (agreement["days"]["increase"], agreement["cut_off"], agreement["on_breach"]) == (7, "17:00", "push")
    given = {
        "name": "KT",
        "tariff_id": tariff_id,
        "agreement_id": agreement["id"],
        "scope": "full",
        "checks": {"one_date": "stop"},
    }
    template = ok(ask.post("/sheet-templates", given), 201)
    refused(ask.post("/sheet-templates", given), 409, "exists")
    sheet = load(ask, FIRST, template_id=template["id"])
    assert (sheet["template"], sheet["agreement"], sheet["scope"]) == ("KT", "Kenya Telecom", "full")
    assert [each["check"] for each in sheet["findings"]] == ["one_date"]


def test_terms_are_changed_in_the_version_that_was_read(ask: Asking, tariff_id: str) -> None:
    answer = ask.post("/agreements", {"name": "A", "days": {"new": 1, "closed": 30}})
    path = f"/agreements/{ok(answer, 201)['id']}"
    changed = ok(ask.patch(path, {"days": {"increase": 14}, "cut_off": "16:30"}, If_Match=answer["ETag"]))
    assert (changed["days"]["new"], changed["days"]["increase"], changed["cut_off"]) == (1, 14, "16:30")
    refused(ask.patch(path, {"hour": 3}, If_Match=answer["ETag"]), 412, "version_conflict")
    assert ok(ask.patch(path, {"cut_off": None}))["cut_off"] is None
    refused(ask.patch(path, {"timezone": "Mars/Olympus"}), 422, "unknown_timezone")
    refused(ask.patch(path, {"counting": "hours", "is_business": True}), 422, "bad_notice")
    template = ok(
        ask.post("/sheet-templates", {"name": "T", "tariff_id": tariff_id, "agreement_id": changed["id"]}), 201
    )
    path = f"/sheet-templates/{template['id']}"
    layout = ok(post(ask, "/sheets/read", FIRST))["layout"]
    changed = ok(ask.patch(path, {"agreement_id": None, "layout": layout, "checks": {"jump": "ignore"}}))
    assert (changed["agreement"], changed["layout"]["verdict"], changed["checks"]) == (None, "read", {"jump": "ignore"})
    refused(ask.patch(path, {"checks": {"odd": "stop"}}), 422, "unknown_check")
    refused(ask.patch(path, {"checks": {"jump": {"level": []}}}), 422, "bad_check")
    refused(ask.patch(path, {"layout": {"version": 0}}), 422, "bad_layout")


def test_a_sheet_that_is_only_read_has_no_lines_yet(ask: Asking, tenant: Tenant, tariff_id: str) -> None:
    sheet = load(ask, FIRST, tariff_id=tariff_id)
    assert load(ask, FIRST, tariff_id=tariff_id, reach_back=True)["id"] != sheet["id"]
    with scope(tenant, "test"):
        SheetImport.objects.filter(public_id=sheet["id"]).update(state="read", compared_revision=0, counts={"rows": 3})
    assert counted(ok(ask.get(f"/sheets/{sheet['id']}"))) == {}
    for what in ("lines", "closed-codes", "errors"):
        refused(ask.get(f"/sheets/{sheet['id']}/{what}"), 409, "not_compared")


def test_another_tenant_sees_none_of_it(ask: Asking, ask_other: Asking, tariff_id: str) -> None:
    sheet = load(ask, FIRST, tariff_id=tariff_id)
    template = ok(ask.post("/sheet-templates", {"name": "T", "tariff_id": tariff_id}), 201)
    assert pages(ask_other, "/sheets") == pages(ask_other, "/sheet-templates") == pages(ask_other, "/agreements") == []
    refused(ask_other.get(f"/sheets/{sheet['id']}/lines"), 404, "not_found")
    refused(post(ask_other, "/sheets", FIRST, template_id=template["id"]), 404, "not_found")
    refused(post(ask_other, "/sheets", FIRST, tariff_id=tariff_id), 404, "tariff_not_found")
    refused(post(ask_other, "/sheets/read", FIRST, template_id=template["id"]), 404, "not_found")
