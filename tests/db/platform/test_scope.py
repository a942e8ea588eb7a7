"""Every page works in one tenant's data, and what an error has written is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.databases import AT
from tests.db.platform.pages import ERRORS
from tests.staff import make_member, make_user, sign_in, somebody
from trunkline.identity.actions import (
    change_member,
    close_staff_session,
    create_key,
    create_role,
    open_staff_session,
    remove_member,
    revoke_key,
    set_platform_staff,
)
from trunkline.identity.models import User
from trunkline.identity.permissions import ROLES, BuiltInRole, Permission
from trunkline.identity.queries import access_membership_of, roles
from trunkline.kit import clock
from trunkline.kit.db.scope import current_scope
from trunkline.tenancy.scope import scope

OWNER, NOC = BuiltInRole.OWNER, BuiltInRole.NOC
Logged = Callable[[], list[dict[str, str]]]


def names_of_roles(tenant: Any) -> list[str]:
    with scope(tenant, "test"):
        return [role.name for role in roles()]


def history_of_roles(tenant: Any) -> list[dict[str, Any]]:
    with scope(tenant, "test"), connection.cursor() as cursor:
        cursor.execute("SELECT pgh_context::text FROM identity_rolehistoryevent ORDER BY pgh_id")
        return [json.loads(row[0]) for row in cursor.fetchall()]


def test_who_is_not_signed_in_is_sent_to_the_sign_in(own_pages: None, db: None) -> None:
    client = Client()
    assert client.get("/who/?a=1").headers["Location"] == "/accounts/login/?next=/who/%3Fa%3D1"
    assert client.post("/who/").headers["Location"] == "/accounts/login/?next=/"
    assert client.get("/no/such/page/").status_code == 302  # nor does one learn what pages there are


def test_who_works_for_one_operator_is_there_at_once(noc: Client, tenant: Any) -> None:
    user = User.objects.get()
    assert noc.get("/who/").json() == {"tenant": tenant.pk, "actor": f"user:{user.pk}", "kind": "user"}
    assert current_scope() is None


def test_who_works_for_several_chooses(own_pages: None, tenant: Any, other_tenant: Any) -> None:
    user = make_member(tenant, OWNER).user
    make_member(other_tenant, NOC)
    client = sign_in(Client(), user)
    assert client.get("/who/").headers["Location"] == "/accounts/operator/"
    page = client.get("/accounts/operator/").content.decode()
    assert re.findall(r'name="tenant" value="(\d+)">([^<]*)<', page) == [
        (str(tenant.pk), "Alpha Carrier"),
        (str(other_tenant.pk), "Beta Telecom"),
    ]
    for each in (other_tenant, tenant):
        assert client.post("/accounts/operator/", {"tenant": each.pk}).headers["Location"] == "/office/"
        assert client.get("/who/").json()["tenant"] == each.pk


def test_nobody_chooses_an_operator_that_they_do_not_work_for(noc: Client, other_tenant: Any) -> None:
    for wanted in (other_tenant.pk, 10**12, "x", ""):
        assert noc.post("/accounts/operator/", {"tenant": wanted}).status_code == 403
    session = noc.session
    session["tenant_id"] = other_tenant.pk  # even if it were written there
    session.save()
    assert noc.get("/who/").headers["Location"] == "/accounts/operator/"
    assert "tenant_id" not in noc.session


def test_who_works_nowhere_is_told_so(own_pages: None, db: None) -> None:
    client = sign_in(Client(), make_user())
    assert client.get("/who/").headers["Location"] == "/accounts/operator/"
    assert "You work for no operator yet" in client.get("/accounts/operator/").content.decode()


def test_who_has_left_is_out_with_the_next_page(noc: Client, tenant: Any) -> None:
    make_member(tenant, OWNER, "owner@example.com")
    assert noc.get("/who/").status_code == 200
    with scope(tenant, "test"):
        remove_member(membership_id=access_membership_of("ada@example.com").pk, by=somebody(tenant), at=AT)
    assert noc.get("/who/").headers["Location"] == "/accounts/operator/"


def test_who_may_not_sign_in_any_more_is_out_with_the_next_page(noc: Client) -> None:
    User.objects.update(is_active=False)
    assert noc.get("/who/").headers["Location"] == "/accounts/login/?next=/who/"


def test_a_member_works_from_the_networks_that_are_allowed(
    own_pages: None, tenant: Any, settings: Any, logged: Logged
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    member = make_member(tenant, NOC, allowed_networks=["203.0.113.0/24"])
    client = sign_in(Client(), member.user)
    tries = [
        ({"REMOTE_ADDR": "203.0.113.9"}, 200),
        ({"REMOTE_ADDR": "198.51.100.1"}, 403),
        ({"REMOTE_ADDR": "198.51.100.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, 403),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, 200),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.1"}, 403),
    ]
    assert [client.get("/who/", **given).status_code for given, _ in tries] == [status for _, status in tries]
    denials = [line for line in logged() if line["event"] == "denied"]
    assert {(line["code"], line["user"]) for line in denials} == {("network_not_allowed", str(member.user.pk))}
    with scope(tenant, "test"):
        change_member(membership_id=member.pk, allowed_networks=[], by=somebody(tenant), at=AT)
    assert client.get("/who/", REMOTE_ADDR="198.51.100.1").status_code == 200


@pytest.mark.parametrize("role", list(BuiltInRole))
def test_every_role_may_what_it_may(own_pages: None, tenant: Any, role: BuiltInRole) -> None:
    client = sign_in(Client(), make_member(tenant, role).user)
    given = {permission: client.get(f"/asks/{permission}/").status_code for permission in Permission}
    assert given == {permission: 200 if permission in ROLES[role] else 403 for permission in Permission}


def test_a_role_holds_from_the_next_page_on(own_pages: None, tenant: Any) -> None:
    with scope(tenant, "test"):
        role = create_role(name="Mine", permissions=["usage.read"], by=somebody(tenant), at=AT)
    member = make_member(tenant, role)
    client = sign_in(Client(), member.user)
    assert [client.get(f"/asks/{each}/").status_code for each in ("usage.read", "usage.load")] == [200, 403]
    with scope(tenant, "test"):
        change_member(membership_id=member.pk, role=NOC, by=somebody(tenant), at=AT)
    assert client.get("/asks/usage.load/").status_code == 200


def test_what_is_absent_and_what_is_anothers_give_the_same_page(noc: Client, tenant: Any, other_tenant: Any) -> None:
    made = []
    for each in (tenant, other_tenant):
        with scope(each, "test"):
            made.append(create_key(name="k", scopes=["usage.read"], by=somebody(each), at=AT)[0].public_id)
    ours, theirs = (noc.get(f"/looks/{key}/") for key in made)
    absent = noc.get("/looks/00000000-0000-7000-8000-000000000000/")
    nowhere = noc.get("/no/such/page/")
    assert (ours.status_code, ours.content) == (200, b"k")
    assert [each.status_code for each in (theirs, absent, nowhere)] == [404] * 3
    assert theirs.content == absent.content == nowhere.content
    plain = {name: value for name, value in theirs.headers.items() if name != "X-Request-Id"}
    assert plain == {name: value for name, value in absent.headers.items() if name != "X-Request-Id"}


STATUS = {
    "200": 200, "302": 302, "400": 400, "500": 500, "broken": 500,
    "not_found": 404, "denied": 403, "conflict": 409, "invalid": 422, "unavailable": 503, "busy": 503, "http404": 404, "bug": 500,
}  # fmt: skip
STAYS = {"200", "302", "400"}  # an answer that the view itself gave: it knows what it has done


@pytest.mark.parametrize("then", STATUS)
def test_what_an_error_has_written_is_gone(noc: Client, tenant: Any, then: str) -> None:
    response = noc.get(f"/writes/{then}/")
    assert response.status_code == STATUS[then]
    assert names_of_roles(tenant) == ([then] if then in STAYS else [])
    assert b"secret" not in response.content
    assert current_scope() is None
    assert noc.get("/who/").status_code == 200


def test_every_error_of_the_pages_is_tried() -> None:
    assert ERRORS.keys() <= STATUS.keys()


def test_an_error_says_what_to_do(noc: Client) -> None:
    page = noc.get("/writes/invalid/").content.decode()
    assert re.findall(r"<h1>(.*)</h1>\n<p>(.*)</p>", page) == [("x is bad.", "Give a good one.")]


def test_a_page_is_rendered_inside_the_scope(noc: Client) -> None:
    noc.get("/writes/200/")
    assert noc.get("/renders/").content == b"200;"


def test_the_history_says_who_from_where_and_in_which_request(noc: Client, tenant: Any) -> None:
    response = noc.get("/writes/200/?secret=1", REMOTE_ADDR="203.0.113.9")
    user = User.objects.get()
    assert history_of_roles(tenant) == [
        {
            "actor": f"user:{user.pk}",
            "url": "/writes/200/",
            "address": "203.0.113.9",
            "request_id": response.headers["X-Request-Id"],
        }
    ]


REASON = "Ticket 4711: rejects since Monday"


def visiting(tenant: Any, user: User, **given: Any) -> Client:
    with scope(tenant, "test"):
        values = {"user": user, "reason": REASON, "until": AT + timedelta(hours=1), "at": AT}
        session_id = open_staff_session(**values | given).pk
    client = sign_in(Client(), user, tenant)
    session = client.session
    session["staff_session_id"] = session_id
    session.save()
    return client


def test_a_staff_session_is_enforced_with_every_page(own_pages: None, tenant: Any, other_tenant: Any) -> None:
    user = make_user(is_platform_staff=True)
    with clock.at(AT):
        client = visiting(tenant, user)
        session_id = client.session["staff_session_id"]
        found = client.get("/who/").json()
        assert found == {"tenant": tenant.pk, "actor": f"staff_session:{session_id}", "kind": "staff_session"}
        assert client.get("/writes/200/").status_code == 200
        assert history_of_roles(tenant)[0]["actor"] == f"staff_session:{session_id}"
        assert client.get("/asks/staff.manage/").status_code == 403
        set_platform_staff(user=user, is_platform_staff=False)
        assert client.get("/who/").headers["Location"] == "/accounts/operator/"
    assert {"tenant_id", "staff_session_id"} & set(client.session.keys()) == set()


def test_a_staff_session_ends_in_time_and_by_hand(own_pages: None, tenant: Any) -> None:
    user = make_user(is_platform_staff=True)
    late = visiting(tenant, user)
    with clock.at(AT + timedelta(hours=1)):
        assert late.get("/who/").headers["Location"] == "/accounts/operator/"
    with clock.at(AT):
        closed = visiting(tenant, user)
        with scope(tenant, "test"):
            close_staff_session(session_id=closed.session["staff_session_id"], at=AT)
        assert closed.get("/who/").headers["Location"] == "/accounts/operator/"


def test_the_number_of_anothers_staff_session_opens_nothing(own_pages: None, tenant: Any, other_tenant: Any) -> None:
    user, other = make_user(is_platform_staff=True), make_user("b@example.com", is_platform_staff=True)
    with clock.at(AT):
        theirs = visiting(tenant, other)
        stolen = visiting(other_tenant, user)
        session = stolen.session
        session["tenant_id"] = tenant.pk
        session["staff_session_id"] = theirs.session["staff_session_id"]
        session.save()
        assert stolen.get("/who/").headers["Location"] == "/accounts/operator/"


def api_key(tenant: Any, **given: Any) -> tuple[Any, str]:
    with scope(tenant, "test"):
        key, text = create_key(name="k", scopes=["usage.read"], by=somebody(tenant), at=AT, **given)
    return key, text.reveal()


def call(then: str, text: str, **given: Any) -> Any:
    client = Client(raise_request_exception=False)
    return client.get(f"/api/v1/writes/{then}/", headers={"Authorization": f"Bearer {text}"}, **given)


def test_a_program_works_in_the_tenant_of_its_key(own_pages: None, tenant: Any, other_tenant: Any) -> None:
    _, text = api_key(tenant)
    key, _ = api_key(other_tenant)
    assert call("200", text).status_code == 200
    assert (names_of_roles(tenant), names_of_roles(other_tenant)) == (["200"], [])
    assert history_of_roles(tenant)[0]["actor"].startswith("key:")
    assert key.last_used_at is None


@pytest.mark.parametrize("then", ["500", "bug", "broken", "conflict", "http404"])
def test_what_an_error_of_the_api_has_written_is_gone_but_the_keys_use_is_noted(
    own_pages: None, tenant: Any, then: str
) -> None:
    key, text = api_key(tenant)
    with clock.at(AT):
        assert call(then, text, REMOTE_ADDR="203.0.113.7").status_code >= 400
    assert names_of_roles(tenant) == []
    with scope(tenant, "test"):
        key.refresh_from_db()
    assert (key.last_used_at, key.last_used_from) == (AT, "203.0.113.7")


def test_a_key_that_opens_nothing_writes_nothing(own_pages: None, tenant: Any) -> None:
    key, text = api_key(tenant)
    with scope(tenant, "test"):
        revoke_key(key_id=key.pk, by=somebody(tenant), at=AT)
    for given in (text, "", "tl_live_x"):
        response = call("200", given)
        assert (response.status_code, response.json()) == (401, {"code": "invalid_api_key"})
    assert names_of_roles(tenant) == []


def test_a_browsers_session_opens_nothing_at_the_api(noc: Client) -> None:
    assert noc.get("/api/v1/writes/200/").status_code == 401
