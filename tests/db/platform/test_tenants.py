"""The platform's pages: how each operator is doing, its trial, and the only way in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.databases import AT, TestDatabase
from tests.staff import make_member, make_user, sign_in
from trunkline.identity.models import StaffSession, User
from trunkline.kit import clock
from trunkline.kit.db.connections import Role
from trunkline.platform.tenants import get_health, list_health
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.rules import Standing
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import create_switch
from trunkline.usage.choices import BatchState, Intake, SegmentKind
from trunkline.usage.models import Batch, Segment

END = datetime(2026, 3, 16, 21, tzinfo=UTC)
REASON = "Ticket 4711: rejects since Monday"


@pytest.fixture
def operators(committed_db: TestDatabase, settings: Any) -> list[Tenant]:
    """Two operators, of whom the first has files: one of each state, and one that failed long ago."""
    settings.PLATFORM_DATABASE = committed_db.parameters[Role.PLATFORM]
    first = create_tenant(
        name="Savanna", currency="KES", timezone="Africa/Nairobi", trial_ends_at=END, actor="test", at=AT
    )
    second = create_tenant(name="Beta Telecom", currency="EUR", timezone="UTC", actor="test", at=AT)
    with scope(first, "test"):
        switch = create_switch(name="s", format="common", at=AT)
        states = [(BatchState.POSTED, 0), (BatchState.RUNNING, 0), (BatchState.FAILED, 0), (BatchState.FAILED, 8)]
        for number, (state, days) in enumerate(states):
            batch = Batch.objects.create(
                switch=switch, intake=Intake.COMMAND, name=f"secret-{number}.csv", path="", content_hash=str(number),
                octets=1, state=state, received_at=AT - timedelta(days=days), finished_at=AT - timedelta(days=days),
            )  # fmt: skip
        Segment.objects.create(
            batch=batch, switch=switch, kind=SegmentKind.RATED, day=AT.date(), path="x", rows=1000, octets=3 << 20,
            sha256="", created_at=AT,
        )  # fmt: skip
    return [first, second]


@pytest.fixture
def root(operators: list[Tenant]) -> Client:
    """Somebody of the platform's staff, signed in with a second factor."""
    return sign_in(Client(), with_second_factor(make_user("root@example.com", name="Root", is_platform_staff=True)))


def with_second_factor(user: User) -> User:
    from allauth.mfa.models import Authenticator

    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return user


def test_health_is_read_as_the_platform_role(operators: list[Tenant]) -> None:
    beta, savanna = list_health(at=AT)
    assert (beta.name, beta.in_progress, beta.failed, beta.last_activity_at, beta.octets) == (
        "Beta Telecom", 0, 0, None, 0,
    )  # fmt: skip
    assert (savanna.name, savanna.in_progress, savanna.failed, savanna.last_activity_at) == ("Savanna", 1, 1, AT)
    assert (savanna.records, savanna.octets, savanna.trial_day) == (1000, 3 << 20, date(2026, 3, 16))
    assert [savanna.standing(at) for at in (AT, END)] == [Standing.TRIAL, Standing.TRIAL_ENDED]
    assert [each.slug for each in list_health(at=AT, wanted="VANN")] == ["savanna"]
    assert get_health("savanna", at=AT) == savanna


def test_the_list_shows_no_data_of_an_operator(root: Client) -> None:
    with clock.at(AT):
        pages = [root.get("/platform/"), root.get("/platform/savanna/"), root.get("/platform/?q=beta")]
    assert [page.status_code for page in pages] == [200, 200, 200]
    text = pages[0].content.decode()
    assert all(said in text for said in ("Savanna", "Beta Telecom", "on trial", "3.0 MiB", "1,000", "2026-03-16"))
    assert "secret-" not in "".join(page.content.decode() for page in pages)
    assert "Savanna" not in pages[2].content.decode()


OFFICE = ("/office/", "/office/usage/batch/", "/office/parties/account/", "/office/settings/operator/", "/operator/")


def test_without_a_staff_session_the_platforms_staff_see_no_page_of_an_operator(
    operators: list[Tenant], root: Client
) -> None:
    answers = [root.get(address) for address in OFFICE]
    assert [(each.status_code, each.headers["Location"]) for each in answers] == [(302, "/accounts/operator/")] * len(
        OFFICE
    )
    session = root.session
    session["tenant_id"] = operators[0].pk  # as if they had chosen it
    session.save()
    answers = [root.get(address) for address in OFFICE]
    assert [each.status_code for each in answers] == [302] * len(OFFICE)
    assert root.post("/accounts/operator/", {"tenant": operators[0].pk}).status_code == 403


def test_a_reason_and_a_time_let_one_in_a_banner_says_so_and_ends_it(operators: list[Tenant], root: Client) -> None:
    def enter(**given: Any) -> Any:
        return root.post("/platform/savanna/enter/", {"reason": REASON, "minutes": 30} | given)

    with clock.at(AT):
        assert [enter(reason="because").status_code, enter(minutes=481).status_code] == [422, 422]
        assert enter().headers["Location"] == "/office/"
        page = root.get("/office/usage/batch/").content.decode()
        assert "secret-0.csv" in page
        assert "Staff session until 2026-03-02 15:30: Ticket 4711: rejects since Monday." in page
        assert 'action="/accounts/operator/leave/"' in page
        assert root.post("/accounts/operator/leave/").status_code == 302
        assert root.get("/office/usage/batch/").status_code == 302
    with scope(operators[0], "test"):
        found = StaffSession.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pgh_context->>'actor', pgh_context->>'reason' FROM identity_staffsessionhistoryevent LIMIT 1")  # fmt: skip
            assert cursor.fetchone() == (f"platform:{found.user_id}", REASON)
    assert (found.reason, found.closed_at) == (REASON, AT)


def test_a_staff_session_ends_at_its_time(root: Client) -> None:
    with clock.at(AT):
        root.post("/platform/savanna/enter/", {"reason": REASON, "minutes": 30})
    with clock.at(AT + timedelta(minutes=30) - timedelta(seconds=1)):
        assert root.get("/office/usage/batch/").status_code == 200
    with clock.at(AT + timedelta(minutes=30)):
        assert root.get("/office/usage/batch/").headers["Location"] == "/accounts/operator/"


def test_a_trial_is_extended_and_an_operator_made_active_with_a_reason(operators: list[Tenant], root: Client) -> None:
    def change(**given: Any) -> int:
        return root.post("/platform/savanna/standing/", {"reason": "asked by phone"} | given).status_code

    def trial_end() -> Any:
        with scope(operators[0], "test"):
            return current_tenant().trial_ends_at, current_tenant().status

    with clock.at(END):
        assert [change(what="extend"), change(what="extend", last_day="2026-03-01"), change(what="fly")] == [422] * 3
        assert change(what="activate", reason="") == 422
        assert trial_end() == (END, "active")
        assert change(what="extend", last_day="2026-03-31") == 302
        assert trial_end() == (datetime(2026, 3, 31, 21, tzinfo=UTC), "active")
        assert change(what="suspend") == 302
        assert trial_end()[1] == "suspended"
        assert change(what="activate") == 302
        assert trial_end() == (None, "active")
    with scope(operators[0], "test"), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT pgh_context->>'reason' FROM tenancy_tenanthistoryevent WHERE pgh_label = 'update'")  # fmt: skip
        assert cursor.fetchall() == [("asked by phone",)]


PAGES = [("GET", "/platform/"), ("GET", "/platform/savanna/"), ("POST", "/platform/savanna/enter/"), ("POST", "/platform/savanna/standing/")]  # fmt: skip


def test_nobody_else_sees_the_platforms_pages(operators: list[Tenant]) -> None:
    def statuses(client: Client) -> list[int]:
        return [client.generic(method, address).status_code for method, address in PAGES]

    owner = sign_in(Client(), with_second_factor(make_member(operators[0]).user))
    assert statuses(owner) == [404] * 4
    assert statuses(Client()) == [302] * 4
    weak = sign_in(Client(), make_user("weak@example.com", is_platform_staff=True))
    assert statuses(weak) == [403] * 4  # no second factor
    gone = make_user("gone@example.com", is_platform_staff=True)
    client = sign_in(Client(), with_second_factor(gone))
    User.objects.filter(pk=gone.pk).update(is_platform_staff=False)
    assert statuses(client) == [404] * 4


def test_an_operator_that_is_not_there_is_not_found(root: Client) -> None:
    assert root.get("/platform/nobody/").status_code == 404
    assert root.post("/platform/nobody/standing/", {"what": "activate", "reason": "x"}).status_code == 404
