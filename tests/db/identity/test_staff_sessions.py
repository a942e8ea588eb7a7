"""How the platform's staff enter a tenant, and how one signs up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, transaction

from tests.databases import AT
from tests.staff import make_user
from trunkline.core.errors import TrunklineError
from trunkline.identity.actions import (
    ask_for_operator,
    close_staff_session,
    finish_signup,
    open_staff_session,
    set_platform_staff,
    sign_up,
)
from trunkline.identity.models import Membership, Signup, StaffSession
from trunkline.identity.permissions import STAFF_SESSION
from trunkline.identity.principal import Principal, PrincipalKind, staff_session_actor
from trunkline.identity.queries import principal_of_actor, principal_of_staff_session, staff_sessions
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.scope import scope

HOUR = timedelta(hours=1)
REASON = "Ticket 4711: rejects since Monday"


def code_of(action: Any, **given: Any) -> str:
    with pytest.raises(TrunklineError) as caught, transaction.atomic():
        action(**given)
    return caught.value.code


def test_a_session_is_seen_by_the_operator_with_reason_and_end(in_scope: Any) -> None:
    user = make_user(is_platform_staff=True)
    made = open_staff_session(user=user, reason=f" {REASON} ", until=AT + HOUR, at=AT)
    assert list(staff_sessions()) == [made]
    assert (made.user, made.reason, made.opened_at, made.until, made.closed_at) == (user, REASON, AT, AT + HOUR, None)
    found = principal_of_staff_session(session_id=made.pk, user=user, at=AT)
    assert found == Principal(
        in_scope.pk, f"staff_session:{made.pk}", STAFF_SESSION, PrincipalKind.STAFF_SESSION, made.pk, user.pk
    )


def test_a_session_ends_by_itself_by_hand_and_with_the_office(in_scope: Any) -> None:
    user, other = make_user(is_platform_staff=True), make_user("b@example.com", is_platform_staff=True)
    made = open_staff_session(user=user, reason=REASON, until=AT + HOUR, at=AT)
    asked = {"session_id": made.pk, "user": user}
    assert code_of(principal_of_staff_session, **asked, at=AT + HOUR) == "staff_session_ended"
    assert code_of(principal_of_staff_session, session_id=made.pk, user=other, at=AT) == "staff_session_ended"
    set_platform_staff(user=user, is_platform_staff=False)
    assert code_of(principal_of_staff_session, **asked, at=AT) == "staff_session_ended"
    set_platform_staff(user=user, is_platform_staff=True)
    principal_of_staff_session(**asked, at=AT)
    close_staff_session(session_id=made.pk, at=AT)
    assert code_of(principal_of_staff_session, **asked, at=AT) == "staff_session_ended"
    assert code_of(close_staff_session, session_id=made.pk, at=AT) == "already_closed"


def test_work_for_a_session_is_done_as_long_as_the_session_lasts(in_scope: Any) -> None:
    user = make_user(is_platform_staff=True)
    made = open_staff_session(user=user, reason=REASON, until=AT + HOUR, at=AT)
    actor = staff_session_actor(made.pk)
    assert principal_of_actor(actor, at=AT) == principal_of_staff_session(session_id=made.pk, user=user, at=AT)
    assert code_of(principal_of_actor, actor=actor, at=AT + HOUR) == "staff_session_ended"
    assert code_of(principal_of_actor, actor=staff_session_actor(made.pk + 1), at=AT) == "staff_session_ended"


def test_a_second_session_closes_the_first(in_scope: Any) -> None:
    user = make_user(is_platform_staff=True)
    first = open_staff_session(user=user, reason=REASON, until=AT + HOUR, at=AT)
    second = open_staff_session(user=user, reason=REASON, until=AT + 2 * HOUR, at=AT + HOUR / 2)
    first.refresh_from_db()
    assert (first.closed_at, second.closed_at) == (AT + HOUR / 2, None)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"reason": "because"}, "bad_reason"),
        ({"reason": "x" * 501}, "bad_reason"),
        ({"until": AT}, "bad_until"),
        ({"until": AT + timedelta(hours=8, seconds=1)}, "bad_until"),
    ],
)
def test_a_session_needs_a_reason_and_an_end(in_scope: Any, given: dict[str, Any], code: str) -> None:
    values = {"user": make_user(is_platform_staff=True), "reason": REASON, "until": AT + HOUR, "at": AT}
    assert code_of(open_staff_session, **values | given) == code
    assert StaffSession.objects.count() == 0


def test_nobody_else_enters(in_scope: Any) -> None:
    values = {"reason": REASON, "until": AT + HOUR, "at": AT}
    assert code_of(open_staff_session, user=make_user(), **values) == "not_platform_staff"
    gone = make_user("gone@example.com", is_platform_staff=True, is_active=False)
    assert code_of(open_staff_session, user=gone, **values) == "not_platform_staff"


def test_a_session_of_another_tenant_opens_nothing_here(tenant: Any, other_tenant: Any) -> None:
    user = make_user(is_platform_staff=True)
    with scope(other_tenant, "test"):
        made = open_staff_session(user=user, reason=REASON, until=AT + HOUR, at=AT)
    with scope(tenant, "test"):
        assert code_of(principal_of_staff_session, session_id=made.pk, user=user, at=AT) == "staff_session_ended"


@pytest.mark.parametrize("change", [{"reason": "something else"}, {"until": AT + 9 * HOUR}, {"opened_at": AT - HOUR}])
def test_of_a_session_only_its_end_is_written(in_scope: Any, change: dict[str, Any]) -> None:
    made = open_staff_session(user=make_user(is_platform_staff=True), reason=REASON, until=AT + HOUR, at=AT)
    for write in (lambda: StaffSession.objects.filter(pk=made.pk).update(**change), made.delete):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            write()


def test_who_signs_up_owns_an_operator_on_trial(db: None) -> None:
    user = make_user()
    made = sign_up(user=user, name=" Savanna  Net ", currency="KES", timezone="Africa/Nairobi", at=AT)
    with scope(made, "test"):
        tenant, member = current_tenant(), Membership.objects.get()
    assert (tenant.name, tenant.slug, tenant.currency, tenant.timezone) == (
        "Savanna Net", "savanna-net", "KES", "Africa/Nairobi",
    )  # fmt: skip
    assert f"{tenant.trial_ends_at}" == "2026-03-16 21:00:00+00:00"  # the end of 16 March in Nairobi
    assert (member.user, member.role, member.name, member.valid_from) == (user, "owner", "Ada", AT)


def test_a_name_that_is_taken_tells_nobody(db: None) -> None:
    user = make_user()
    values = {"user": user, "currency": "USD", "timezone": "UTC", "at": AT}
    made = [sign_up(name=name, **values) for name in ("Savanna Net", "Savanna Net", "savanna-net", "網", "網絡")]
    found = []
    for each in made:
        with scope(each, "test"):
            found.append((current_tenant().name, current_tenant().slug))
    assert found == [
        ("Savanna Net", "savanna-net"),
        ("Savanna Net 2", "savanna-net-2"),
        ("savanna-net 3", "savanna-net-3"),
        ("網", "operator"),
        ("網絡 2", "operator-2"),
    ]


def test_an_operator_is_made_when_the_address_is_proved_and_once(db: None) -> None:
    user = make_user()
    assert finish_signup(user=user, at=AT) is None
    ask_for_operator(user=user, name="First", currency="USD", timezone="UTC", at=AT)
    ask_for_operator(user=user, name="Second", currency="EUR", timezone="UTC", at=AT)
    made = finish_signup(user=user, at=AT + HOUR)
    assert isinstance(made, Tenant)
    assert (made.name, made.currency, made.trial_ends_at) == ("Second", "EUR", datetime(2026, 3, 17, tzinfo=UTC))
    assert finish_signup(user=user, at=AT + HOUR) is None
    assert Signup.objects.count() == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": " "}, "bad_name"),
        ({"name": "x" * 201}, "bad_name"),
        ({"currency": "XXL"}, "unknown_currency"),
        ({"timezone": "Mars/Olympus"}, "unknown_timezone"),
    ],
)
def test_a_bad_sign_up_is_refused_at_once(db: None, given: dict[str, Any], code: str) -> None:
    values = {"user": make_user(), "name": "Net", "currency": "USD", "timezone": "UTC", "at": AT} | given
    assert code_of(ask_for_operator, **values) == code
    assert code_of(sign_up, **values) == code
    assert Signup.objects.count() == 0
