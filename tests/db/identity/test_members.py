"""Who works for a tenant, and who may say so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tests.databases import AT
from tests.staff import make_member, make_user, somebody
from trunkline.core.errors import Denied, NotFound, TrunklineError
from trunkline.identity.actions import add_member, change_member, create_role, remove_member
from trunkline.identity.models import Membership, User
from trunkline.identity.permissions import ROLES, BuiltInRole
from trunkline.identity.principal import Principal, PrincipalKind
from trunkline.identity.queries import (
    access_membership,
    access_membership_of,
    memberships,
    principal_of_user,
    tenant_ids_of_user,
)
from trunkline.tenancy.scope import scope

LATER = AT + timedelta(days=1)
OWNER, ADMIN, NOC = BuiltInRole.OWNER, BuiltInRole.ADMIN, BuiltInRole.NOC


def acting(tenant: Any, role: BuiltInRole) -> Principal:
    return Principal(tenant.pk, "user:99", ROLES[role], PrincipalKind.USER, 99, 99)


def code_of(action: Any, **given: Any) -> str:
    with pytest.raises(TrunklineError) as caught, transaction.atomic():
        action(**given)
    return caught.value.code


def test_a_person_is_added_once_and_told_by_a_job(in_scope: Any) -> None:
    member = add_member(
        email=" Ada@Example.com ", role=NOC, name="Ada", allowed_networks=["203.0.113.7"], by=somebody(in_scope), at=AT
    )
    assert (member.user.email, member.name, member.role, member.role_name) == ("ada@example.com", "Ada", "noc", "NOC")
    assert (member.allowed_networks, member.valid_from, member.valid_to) == (["203.0.113.7/32"], AT, None)
    assert not member.user.has_usable_password()
    assert code_of(add_member, email="ada@example.com", role=ADMIN, by=somebody(in_scope), at=AT) == "already_member"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->'tenant_id', args->'membership_id' FROM procrastinate_jobs WHERE task_name = 'identity.invite'"
        )
        assert cursor.fetchall() == [(str(in_scope.pk), str(member.pk))]


def test_a_person_may_work_for_several_tenants(tenant: Any, other_tenant: Any) -> None:
    here = make_member(tenant, OWNER)
    there = make_member(other_tenant, NOC)
    assert here.user == there.user
    assert tenant_ids_of_user(here.user_id, AT) == [tenant.pk, other_tenant.pk]
    assert User.objects.count() == 1
    with scope(tenant, "test"):
        assert list(memberships()) == [here]


def test_who_has_left_may_come_back(in_scope: Any) -> None:
    make_member(in_scope, OWNER, "owner@example.com")
    member = make_member(in_scope, NOC)
    remove_member(membership_id=member.pk, by=somebody(in_scope), at=LATER)
    assert tenant_ids_of_user(member.user_id, LATER) == []
    assert code_of(change_member, membership_id=member.pk, role=ADMIN, by=somebody(in_scope), at=LATER) == "has_left"
    back = add_member(email=member.user.email, role=ADMIN, by=somebody(in_scope), at=LATER)
    assert (back.pk, back.role, back.valid_from, back.valid_to) == (member.pk, "admin", LATER, None)


def test_changes_leave_the_rest_as_it_is(in_scope: Any) -> None:
    make_member(in_scope, OWNER, "owner@example.com")
    member = make_member(in_scope, NOC, name="Ada")
    change_member(membership_id=member.pk, allowed_networks=["2001:db8::/32"], by=somebody(in_scope), at=LATER)
    changed = change_member(membership_id=member.pk, role=ADMIN, by=somebody(in_scope), at=LATER)
    assert (changed.name, changed.role, changed.allowed_networks) == ("Ada", "admin", ["2001:db8::/32"])


def test_an_operator_keeps_an_owner(in_scope: Any) -> None:
    first = make_member(in_scope, OWNER, "first@example.com")
    by = somebody(in_scope)
    assert code_of(remove_member, membership_id=first.pk, by=by, at=AT) == "last_owner"
    assert code_of(change_member, membership_id=first.pk, role=ADMIN, by=by, at=AT) == "last_owner"
    change_member(membership_id=first.pk, role=OWNER, name="First", by=by, at=AT)
    second = make_member(in_scope, OWNER, "second@example.com")
    remove_member(membership_id=first.pk, by=by, at=AT)
    assert code_of(remove_member, membership_id=second.pk, by=by, at=AT) == "last_owner"


@pytest.mark.parametrize("role", [r for r in BuiltInRole if r not in (OWNER, ADMIN)])
def test_who_does_not_manage_staff_changes_none(in_scope: Any, role: BuiltInRole) -> None:
    make_member(in_scope, OWNER, "owner@example.com")
    member, by = make_member(in_scope, NOC), acting(in_scope, role)
    codes = {
        code_of(add_member, email="new@example.com", role=role, by=by, at=AT),
        code_of(change_member, membership_id=member.pk, name="x", by=by, at=AT),
        code_of(remove_member, membership_id=member.pk, by=by, at=AT),
        code_of(change_member, membership_id=10**9, name="x", by=by, at=AT),  # asked before it is looked for
        code_of(create_role, name="Mine", permissions=[], by=by, at=AT),
    }
    assert codes == {"permission_missing"}
    assert User.objects.filter(email="new@example.com").count() == 0


def test_an_admin_neither_makes_nor_touches_owners(in_scope: Any) -> None:
    owner, noc = make_member(in_scope, OWNER, "owner@example.com"), make_member(in_scope, NOC)
    make_member(in_scope, OWNER, "second@example.com")
    by = acting(in_scope, ADMIN)
    codes = {
        code_of(add_member, email="new@example.com", role=OWNER, by=by, at=AT),
        code_of(change_member, membership_id=noc.pk, role=OWNER, by=by, at=AT),
        code_of(change_member, membership_id=owner.pk, role=NOC, by=by, at=AT),
        code_of(remove_member, membership_id=owner.pk, by=by, at=AT),
        code_of(create_role, name="Boss", permissions=["owners.manage"], by=by, at=AT),
    }
    assert codes == {"beyond_own_permissions"}
    add_member(email="new@example.com", role=ADMIN, by=by, at=AT)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"email": "nobody"}, "bad_email"),
        ({"email": f"{'a' * 250}@b.example"}, "bad_email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "bad_email"),
        ({"name": "x" * 201}, "bad_name"),
        ({"name": "a\x00b"}, "bad_name"),
        ({"allowed_networks": ["everywhere"]}, "bad_network"),
    ],
)
def test_bad_input_leaves_nothing(in_scope: Any, given: dict[str, Any], code: str) -> None:
    values = {"email": "ada@example.com", "role": NOC, "by": somebody(in_scope), "at": AT} | given
    assert code_of(add_member, **values) == code
    assert (User.objects.count(), Membership.objects.count()) == (0, 0)


def test_another_tenants_member_is_not_there(tenant: Any, other_tenant: Any) -> None:
    foreign = make_member(other_tenant, NOC)
    with scope(tenant, "test"):
        for look in (lambda: access_membership(foreign.public_id), lambda: access_membership_of("nobody@example.com")):
            with pytest.raises(NotFound):
                look()
        with pytest.raises(NotFound):
            remove_member(membership_id=foreign.pk, by=somebody(tenant), at=AT)


def test_membership_makes_the_principal(in_scope: Any) -> None:
    member = make_member(in_scope, NOC, allowed_networks=["203.0.113.0/24"])
    found = principal_of_user(user_id=member.user_id, address="203.0.113.9", at=AT)
    assert found == Principal(
        in_scope.pk, f"user:{member.user_id}", ROLES[NOC], PrincipalKind.USER, member.user_id, member.user_id
    )
    refused = [
        (member.user_id, "198.51.100.1", AT, "network_not_allowed"),
        (member.user_id, "", AT, "network_not_allowed"),
        (member.user_id, "203.0.113.9", AT - timedelta(seconds=1), "not_a_member"),
        (make_user("b@example.com").pk, "203.0.113.9", AT, "not_a_member"),
    ]
    for user_id, address, at, code in refused:
        with pytest.raises(Denied) as caught:
            principal_of_user(user_id=user_id, address=address, at=at)
        assert caught.value.code == code


def test_the_ids_of_a_persons_tenants_are_those_of_the_moment(tenant: Any, other_tenant: Any) -> None:
    member = make_member(tenant, OWNER)
    other = make_member(other_tenant, NOC)
    make_member(other_tenant, OWNER, "owner@example.com")
    with scope(other_tenant, "test"):
        remove_member(membership_id=other.pk, by=somebody(other_tenant), at=LATER)
    moments = (AT - timedelta(seconds=1), AT, LATER)
    assert [tenant_ids_of_user(member.user_id, at) for at in moments] == [[], [tenant.pk, other_tenant.pk], [tenant.pk]]


def test_a_membership_has_one_role(in_scope: Any) -> None:
    member = make_member(in_scope, NOC)
    with pytest.raises(IntegrityError, match="identity_membership_one_role"), transaction.atomic():
        Membership.objects.filter(pk=member.pk).update(role="")


def test_e_mail_is_kept_in_small_letters(db: None) -> None:
    with pytest.raises(IntegrityError, match="identity_user_email_small"), transaction.atomic():
        User.objects.create(email="Ada@example.com", created_at=AT)


def test_changes_of_staff_are_in_the_history(in_scope: Any) -> None:
    member = make_member(in_scope, NOC)
    make_member(in_scope, OWNER, "owner@example.com")
    remove_member(membership_id=member.pk, by=somebody(in_scope), at=LATER)
    events = Membership.pgh_event_models["insert"]._default_manager.filter(id=member.pk).order_by("pgh_id")  # type: ignore[attr-defined]
    told = [(e.pgh_label, e.role, e.valid_to, e.pgh_context["actor"]) for e in events]
    assert told == [("insert", "noc", None, "test"), ("update", "noc", LATER, "test")]
