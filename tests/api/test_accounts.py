"""Accounts through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Asking
from trunkline.parties.models import Account
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

ACME = {"code": "acme", "name": "Acme Telecom", "is_vendor": True, "credit_limit": "2500.5", "tags": ["gold"]}


def made(ask: Asking, **given: Any) -> Any:
    answer = ask.post("/accounts", ACME | given)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_an_account_is_made_and_read(ask: Asking, tenant: Tenant) -> None:
    billing = {"address": "1 Main Road\nNairobi", "tax_name": "VAT", "tax_percent": "16", "period": "half_month"}
    answer = ask.post("/accounts", ACME | {"billing": billing})
    account = answer.json()
    assert answer["Location"] == f"/api/v1/accounts/{account['id']}"
    assert {name: account[name] for name in ("code", "currency", "credit_limit", "status", "tags", "parent_id")} == {
        "code": "acme",
        "currency": tenant.currency,
        "credit_limit": "2500.5",
        "status": "active",
        "tags": ["gold"],
        "parent_id": None,
    }
    assert (account["billing"]["tax_percent"], account["billing"]["period"]) == ("16", "half_month")
    read = ask.get(f"/accounts/{account['id']}")
    assert (read.json(), read["ETag"]) == (account, answer["ETag"])


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"code": "acme"}, "/name", "missing"),
        (ACME | {"code": "Not Short"}, "/code", "string_pattern_mismatch"),
        (ACME | {"credit_limit": 12.5}, "/credit_limit", "string_type"),
        (ACME | {"credit_limit": "1.123456789"}, "/credit_limit", "string_pattern_mismatch"),
        (ACME | {"colour": "red"}, "/colour", "extra_forbidden"),
        (ACME | {"billing": {"tax_percent": "many"}}, "/billing/tax_percent", "string_pattern_mismatch"),
    ],
)
def test_a_wrong_value_is_pointed_at(ask: Asking, body: Any, pointer: str, code: str) -> None:
    answer = ask.post("/accounts", body)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "validation_failed"
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]


def test_what_the_room_refuses_keeps_its_code(ask: Asking) -> None:
    made(ask)
    again = ask.post("/accounts", ACME)
    assert (again.status_code, again.json()["code"]) == (409, "account_exists")
    zone = ask.post("/accounts", ACME | {"code": "other", "timezone": "Mars/Olympus"})
    assert (zone.status_code, zone.json()["code"]) == (422, "unknown_timezone")
    parent = ask.post("/accounts", ACME | {"code": "other", "parent_id": "01890000-0000-7000-8000-000000000000"})
    assert (parent.status_code, parent.json()["code"]) == (404, "account_not_found")


def test_no_json_is_said(ask: Asking) -> None:
    answer = ask.client.post(
        "/api/v1/accounts", b"{", content_type="application/json", headers={"Authorization": f"Bearer {ask.key}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_an_account_is_changed_only_as_it_was_read(ask: Asking) -> None:
    account = made(ask)
    path = f"/accounts/{account['id']}"
    seen = ask.get(path)["ETag"]
    first = ask.patch(path, {"name": "Acme Ltd", "billing": {"language": "fr"}}, If_Match=seen)
    assert (first.status_code, first.json()["name"], first.json()["billing"]["language"]) == (200, "Acme Ltd", "fr")
    late = ask.patch(path, {"name": "Other"}, If_Match=seen)
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")
    assert ask.get(path).json()["name"] == "Acme Ltd"
    assert ask.patch(path, {"capacity": 30}, If_Match=first["ETag"]).json()["capacity"] == 30
    assert ask.patch(path, {"capacity": None, "name": None}).json() == first.json()


def test_an_account_is_suspended_resumed_and_closed(ask: Asking) -> None:
    path = f"/accounts/{made(ask)['id']}"
    assert ask.post(f"{path}/suspend").json()["status"] == "suspended"
    assert ask.post(f"{path}/resume").json()["status"] == "active"
    closed = ask.post(f"{path}/close", {"closed_on": "2026-04-01"}).json()
    assert (closed["status"], closed["closed_on"]) == ("closed", "2026-04-01")
    answer = ask.post(f"{path}/suspend")
    assert (answer.status_code, answer.json()["code"]) == (409, "account_closed")


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["code"] for each in answer.json()["data"]]


def test_a_list_is_narrowed_sorted_and_cut_to_fields(ask: Asking) -> None:
    for code, given in {"a1": {"is_vendor": False}, "b2": {"tags": ["silver"]}, "a3": {"name": "Zebra"}}.items():
        made(ask, code=code, **given)
    assert codes(ask.get("/accounts")) == ["a1", "a3", "b2"]
    assert codes(ask.get("/accounts", sort="-code")) == ["b2", "a3", "a1"]
    assert codes(ask.get("/accounts", sort="name")) == ["a1", "b2", "a3"]
    assert codes(ask("GET", "/accounts", query={"code[like]": "a"})) == ["a1", "a3"]
    assert codes(ask.get("/accounts", code="a1,b2")) == ["a1", "b2"]
    assert codes(ask("GET", "/accounts", query={"code[ne]": "a1"})) == ["a3", "b2"]
    assert codes(ask.get("/accounts", tag="silver")) == ["b2"]
    assert codes(ask.get("/accounts", is_vendor="false")) == ["a1"]
    assert codes(ask("GET", "/accounts", query={"created_at[gt]": "2030-01-01T00:00:00Z"})) == []
    assert ask.get("/accounts", fields="code,name", limit=1).json()["data"] == [{"code": "a1", "name": "Acme Telecom"}]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"colour": "red"}, "?colour"),
        ({"status": "asleep"}, "?status"),
        ({"code[gt]": "a"}, "?code[gt]"),
        ({"limit": "0"}, "?limit"),
        ({"limit": "many"}, "?limit"),
        ({"sort": "colour"}, "?sort"),
        ({"fields": "colour"}, "?fields"),
        ({"cursor": "forged"}, "?cursor"),
        ({"created_at[gt]": "2026-03-01T00:00:00"}, "?created_at[gt]"),
        ({"code": "a\x00"}, "?code"),
    ],
)
def test_what_a_list_does_not_take_is_said(ask: Asking, query: dict[str, str], pointer: str) -> None:
    answer = ask("GET", "/accounts", query=query)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_pages_of_a_growing_list_have_every_old_row_once(ask: Asking) -> None:
    for number in range(7):
        made(ask, code=f"m{number}", name=f"Name {number % 3}")
    seen: list[str] = []
    cursor = None
    for page in range(10):
        answer = ask.get("/accounts", sort="name", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += codes(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
        assert answer["Link"].startswith("</api/v1/accounts?")
        made(ask, code=f"new{page}", name=f"Name {page % 3}")
    assert len(seen) == len(set(seen))
    assert {code for code in seen if code.startswith("m")} == {f"m{number}" for number in range(7)}


def test_a_cursor_holds_for_its_own_list_only(ask: Asking) -> None:
    for number in range(3):
        made(ask, code=f"m{number}")
    cursor = ask.get("/accounts", limit=1).json()["next_cursor"]
    other = ask.get("/accounts", limit=1, sort="-code", cursor=cursor)
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "bad_cursor")


def test_a_request_that_is_sent_again_has_one_effect(ask: Asking, tenant: Tenant) -> None:
    first = ask.post("/accounts", ACME, Idempotency_Key="k-1")
    again = ask.post("/accounts", ACME, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again["Idempotency-Replayed"], again["Location"], again["ETag"]) == (
        "true",
        first["Location"],
        first["ETag"],
    )
    with scope(tenant, "test"):
        assert Account.objects.count() == 1


def test_a_key_of_another_request_is_refused(ask: Asking) -> None:
    ask.post("/accounts", ACME, Idempotency_Key="k-1")
    other = ask.post("/accounts", ACME | {"code": "other"}, Idempotency_Key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_that_is_an_outcome_is_kept_and_a_wrong_value_is_not(ask: Asking) -> None:
    made(ask)
    first = ask.post("/accounts", ACME, Idempotency_Key="k-1")
    again = ask.post("/accounts", ACME, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (409, 409, "true")
    assert again.content == first.content
    wrong = ask.post("/accounts", {"code": "new"}, Idempotency_Key="k-2")
    right = ask.post("/accounts", ACME | {"code": "new"}, Idempotency_Key="k-2")
    assert (wrong.status_code, right.status_code) == (422, 201)


def test_two_keys_of_one_tenant_do_not_share_what_was_answered(ask: Asking, tenant: Tenant, key_of: Any) -> None:
    ask.post("/accounts", ACME, Idempotency_Key="k-1")
    answer = Asking(ask.client, key_of(tenant)).post("/accounts", ACME | {"code": "b"}, Idempotency_Key="k-1")
    assert answer.status_code == 201


def test_what_an_operation_wrote_before_its_error_is_taken_back(ask: Asking, tenant: Tenant) -> None:
    answer = ask.post("/accounts", ACME | {"billing": {"language": "nonsense"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_billing_profile")
    with scope(tenant, "test"):
        assert not Account.objects.exists()


def test_the_answers_say_what_the_key_may_still_ask(ask: Asking) -> None:
    answer = ask.get("/accounts")
    assert int(answer["RateLimit-Remaining"]) < int(answer["RateLimit-Limit"])
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Request-Id"]


def test_changes_stand_in_the_history_as_the_keys(ask: Asking, tenant: Tenant) -> None:
    made(ask)
    with scope(tenant, "test"):
        from trunkline.parties.models import AccountHistoryevent  # type: ignore[attr-defined]

        (event,) = AccountHistoryevent.objects.values_list("pgh_context", flat=True)
    context = json.loads(event) if isinstance(event, str) else event
    assert context["actor"].startswith("key:")
    assert (context["url"], context["address"]) == ("/api/v1/accounts", "127.0.0.1")
