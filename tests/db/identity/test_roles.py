"""Roles of a tenant's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from tests.databases import AT
from tests.staff import make_member, somebody
from trunkline.core.errors import TrunklineError
from trunkline.identity.actions import change_member, change_role, create_role, remove_role
from trunkline.identity.models import Role
from trunkline.identity.permissions import ROLES, BuiltInRole, Permission
from trunkline.identity.principal import Principal, PrincipalKind
from trunkline.identity.queries import get_role, principal_of_user, roles
from trunkline.tenancy.scope import scope


def code_of(action: Any, **given: Any) -> str:
    with pytest.raises(TrunklineError) as caught, transaction.atomic():
        action(**given)
    return caught.value.code


def test_a_role_is_a_name_and_what_it_permits(in_scope: Any) -> None:
    by = somebody(in_scope)
    role = create_role(name=" Night  shift ", permissions=["usage.read", "sources.pull"], by=by, at=AT)
    assert (role.name, role.permissions) == ("Night shift", ["sources.pull", "usage.read"])
    assert get_role("night SHIFT") == role
    assert get_role("noc") == BuiltInRole.NOC
    member = make_member(in_scope, role)
    found = principal_of_user(user_id=member.user_id, address="", at=AT)
    assert found.permissions == {Permission.USAGE_READ, Permission.SOURCES_PULL}
    change_role(role_id=role.pk, permissions=["records.read"], by=by)
    assert principal_of_user(user_id=member.user_id, address="", at=AT).permissions == {Permission.RECORDS_READ}
    assert (member.role_name, str(role)) == ("Night shift", "Night shift")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": ""}, "bad_name"),
        ({"name": "x" * 61}, "bad_name"),
        ({"name": "Read-only"}, "bad_name"),
        ({"name": "night shift"}, "role_exists"),
        ({"permissions": ["usage.fly"]}, "unknown_permission"),
    ],
)
def test_bad_roles_are_refused(in_scope: Any, given: dict[str, Any], code: str) -> None:
    by = somebody(in_scope)
    create_role(name="Night shift", permissions=[], by=by, at=AT)
    assert code_of(create_role, **{"name": "Day shift", "permissions": [], "by": by, "at": AT} | given) == code
    other = create_role(name="Day shift", permissions=[], by=by, at=AT)
    assert code_of(change_role, **{"role_id": other.pk, "by": by} | given) == code
    assert [role.name for role in roles()] == ["Day shift", "Night shift"]


def test_a_role_that_somebody_has_or_had_stays(in_scope: Any) -> None:
    by = somebody(in_scope)
    role = create_role(name="Night shift", permissions=[], by=by, at=AT)
    member = make_member(in_scope, role)
    assert code_of(remove_role, role_id=role.pk, by=by) == "role_in_use"
    change_member(membership_id=member.pk, role=BuiltInRole.NOC, by=by, at=AT)
    remove_role(role_id=role.pk, by=by)
    assert Role.objects.count() == 0
    assert code_of(get_role, name="Night shift") == "role_not_found"


def test_an_admin_does_not_widen_a_role_beyond_their_own(in_scope: Any) -> None:
    owners = create_role(name="Owners too", permissions=["owners.manage"], by=somebody(in_scope), at=AT)
    plain = create_role(name="Plain", permissions=["usage.read"], by=somebody(in_scope), at=AT)
    by = Principal(in_scope.pk, "user:9", ROLES[BuiltInRole.ADMIN], PrincipalKind.USER, 9, 9)
    codes = {
        code_of(change_role, role_id=plain.pk, permissions=["owners.manage"], by=by),
        code_of(change_role, role_id=owners.pk, permissions=["usage.read"], by=by),
        code_of(remove_role, role_id=owners.pk, by=by),
    }
    assert codes == {"beyond_own_permissions"}


def test_a_role_of_another_tenant_gives_nothing(tenant: Any, other_tenant: Any) -> None:
    with scope(other_tenant, "test"):
        foreign = create_role(name="Foreign", permissions=["usage.read"], by=somebody(other_tenant), at=AT)
    with scope(tenant, "test"):
        assert code_of(change_role, role_id=foreign.pk, name="x", by=somebody(tenant)) == "not_found"
        assert code_of(get_role, name="Foreign") == "role_not_found"
