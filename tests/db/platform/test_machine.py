"""What every answer carries, and what machines ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.db import connection
from django.test import Client

from tests.staff import make_member, make_user, sign_in
from trunkline.platform import pages

Logged = Callable[[], list[dict[str, str]]]
PAGES = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/health", "/no/such/page/"]
REQUEST_ID = re.compile(r"req_[0-9a-f]{32}")


@pytest.mark.parametrize("page", PAGES)
def test_no_page_lets_anything_inline_run(db: None, page: str) -> None:
    response = Client().get(page)
    policy = response.headers["Content-Security-Policy"]
    assert re.findall(r"script-src ([^;]*)", policy) == ["'self'"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    given = {name: response.headers[name] for name in ("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy")}
    assert given == {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


SIGNED_IN = [
    "/", "/accounts/operator/", "/accounts/profile/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/",
    "/accounts/reauthenticate/", "/accounts/logout/",
]  # fmt: skip


@pytest.mark.parametrize("page", [*PAGES, *SIGNED_IN])
def test_no_page_has_anything_inline(tenant: Any, page: str) -> None:
    client = Client() if page in PAGES else sign_in(Client(), make_member(tenant).user)
    text = client.get(page).content.decode()
    assert re.findall(r"<script(?![^>]*(?:src=|type=\"application/json\"))[^>]*>", text) == []
    assert re.findall(r"\son[a-z]+=|javascript:|<style|\sstyle=", text) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", text) == []  # nor from anybody else's machine


def test_only_the_screens_of_unfold_get_its_needs(own_pages: None, tenant: Any) -> None:
    client = sign_in(Client(), make_member(tenant).user)
    assert "'unsafe-eval'" in client.get("/office/who/").headers["Content-Security-Policy"]
    assert "unsafe" not in client.get("/who/").headers["Content-Security-Policy"]
    assert "unsafe" not in client.get("/api/v1/x/").headers["Content-Security-Policy"]


def test_every_answer_names_its_request_and_a_trusted_proxy_may_have_named_it(
    db: None, settings: Any, logged: Logged
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    given = "from-the-proxy-1"
    tries = [
        ({}, False),
        ({"HTTP_X_REQUEST_ID": given}, False),
        ({"HTTP_X_REQUEST_ID": given, "REMOTE_ADDR": "10.0.0.1"}, True),
        ({"HTTP_X_REQUEST_ID": "a b\r\nX: y", "REMOTE_ADDR": "10.0.0.1"}, False),
    ]
    for headers, is_taken in tries:
        answered = Client().get("/accounts/login/", **headers).headers["X-Request-Id"]
        assert answered == given if is_taken else REQUEST_ID.fullmatch(answered)
        assert [line["request_id"] for line in logged() if line["event"] == "request"] == [answered]


def test_a_request_is_logged_with_tenant_and_actor_and_without_persons(
    own_pages: None, tenant: Any, logged: Logged
) -> None:
    user = make_member(tenant).user
    client = sign_in(Client(raise_request_exception=False), user)
    client.get("/asks/owners.manage/?q=254700000001")
    client.get("/writes/denied/")
    (fine, denied, failed) = [line for line in logged() if line["event"] in ("request", "denied")]
    who = {"tenant": str(tenant.pk), "actor": f"user:{user.pk}"}
    assert {name: value for name, value in fine.items() if name not in ("ms", "request_id")} == {
        "level": "info", "event": "request", "method": "GET", "route": "asks/<str:permission>/", "status": "200", **who,
    }  # fmt: skip
    assert (denied["event"], denied["code"], denied["tenant"]) == ("denied", "permission_missing", str(tenant.pk))
    assert (failed["status"], failed["route"]) == ("403", "writes/<str:then>/")
    assert "254700000001" not in str((fine, denied, failed))


def test_an_error_is_logged_by_kind_and_place_and_not_by_text() -> None:
    from trunkline.core.errors import Conflict
    from trunkline.platform.logs import describe

    try:
        raise Conflict("x_exists", "ada@example.com is here already")
    except Conflict as error:
        said = describe(error)
    assert (said["error"], said["code"]) == ("Conflict", "x_exists")
    assert "ada@example.com" not in str(said)
    assert re.fullmatch(r"test_machine\.py:\d+", str(said["at"]))


def test_health_asks_nobody(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/health")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert Client().post("/health").status_code == 405


def test_ready_means_that_the_database_is_of_this_version(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Client().get("/ready").status_code, Client().get("/ready").json()) == (200, {"ready": True})
    monkeypatch.setattr("trunkline.cli.ready.wanted_migrations", lambda: {"identity.9999_not_run"})
    response = Client().get("/ready")
    assert (response.status_code, response.json()) == (503, {"ready": False, "reason": "migrations_missing"})


def test_ready_says_when_the_database_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away() -> None:
        raise OperationalError("secret address")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        response = Client().get("/ready")
    assert (response.status_code, response.json()) == (503, {"ready": False, "reason": "database_unreachable"})


def test_figures_are_for_this_machine_and_for_the_platforms_staff(tenant: Any) -> None:
    def asked(client: Client, **given: Any) -> int:
        return client.get("/metrics", **given).status_code

    anybody, member = Client(), sign_in(Client(), make_member(tenant).user)
    staff = sign_in(Client(), make_user("p@example.com", is_platform_staff=True))
    far = {"REMOTE_ADDR": "203.0.113.7"}
    behind_a_proxy = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"}
    assert [asked(anybody), asked(anybody, **far), asked(anybody, **behind_a_proxy)] == [200, 404, 404]
    assert [asked(member, **far), asked(staff, **far)] == [404, 200]
    assert Client().get("/metrics", **far).content == Client().get("/accounts/no/such/page").content


def test_the_figures(own_pages: None, tenant: Any) -> None:
    def counted() -> tuple[float, str]:
        text = Client().get("/metrics").content.decode()
        wanted = 'trunkline_requests_total{method="GET",route="looks/<str:key>/",status="404"} '
        return sum(float(line.removeprefix(wanted)) for line in text.splitlines() if line.startswith(wanted)), text

    client = sign_in(Client(), make_member(tenant).user)  # whose invitation waits in the queue
    before, _ = counted()
    client.get("/looks/00000000-0000-7000-8000-000000000000/")
    after, text = counted()
    assert after - before == 1
    assert 'trunkline_request_seconds_bucket{le="0.005",route="looks/<str:key>/"}' in text
    assert 'trunkline_jobs{queue="default",status="todo"} 1.0' in text
    assert "00000000-0000" not in text


def test_a_form_from_elsewhere_is_refused(tenant: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/accounts/login/", {"login": "a@b.example", "password": "x"}).status_code == 403
    assert b"out of date" in client.post("/accounts/login/", {}).content


def test_an_unknown_host_is_refused(db: None) -> None:
    assert Client().get("/health", HTTP_HOST="evil.example").status_code == 400


def test_every_family_of_errors_has_a_status() -> None:
    from trunkline.core import errors

    families = {errors.NotFound: 404, errors.Denied: 403, errors.Conflict: 409, errors.Invalid: 422, errors.Unavailable: 503, errors.Busy: 503}  # fmt: skip
    assert {kind: pages.status_of(kind("x", "x")) for kind in families} == families
    assert pages.status_of(errors.TrunklineError("x", "x")) == 500


def test_the_scope_encloses_the_page_and_axes_comes_last() -> None:
    order = [name.rpartition(".")[2] for name in real_settings.MIDDLEWARE]
    wanted = ["RequestMiddleware", "SessionMiddleware", "AuthenticationMiddleware", "AccountMiddleware", "ScopeMiddleware", "AxesMiddleware"]  # fmt: skip
    assert [name for name in order if name in wanted] == wanted
    assert (order[0], order[-1]) == ("RequestMiddleware", "AxesMiddleware")
