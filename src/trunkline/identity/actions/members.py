"""Writes of memberships: who works for the tenant of the scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from trunkline.core.errors import Conflict
from trunkline.identity.actions.sessions import end_sessions
from trunkline.identity.actions.users import ensure_user, require_name
from trunkline.identity.models import Membership, Role
from trunkline.identity.permissions import ROLES, BuiltInRole, Permission
from trunkline.identity.principal import Principal
from trunkline.identity.rules import INVITE, is_within, parse_networks
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_name, lock_rows
from trunkline.kit.db.scope import current_tenant_id


def add_member(
    *,
    email: str,
    role: BuiltInRole | Role,
    name: str = "",
    allowed_networks: Sequence[str] = (),
    by: Principal,
    at: datetime,
) -> Membership:
    """Let a person work for the tenant; they are told by mail, with a link to set a password if they never had one here.

    Raises Denied (`permission_missing`, `beyond_own_permissions`), Invalid (`bad_email`, `bad_name`, `bad_network`) and Conflict
    (`already_member`).
    """
    by.require(Permission.STAFF_MANAGE)
    by.require_all_of(_permissions(role))
    networks, name = parse_networks(allowed_networks), require_name(name)
    _lock_staff()
    user = ensure_user(email=email, name=name, at=at)
    found = Membership.objects.filter(user=user).first()
    if found is not None and is_within(at, found.valid_from, found.valid_to):
        raise Conflict("already_member", f"{user.email} works here already.", hint="Change the role instead.")
    values = {**_role_fields(role), "name": name, "allowed_networks": networks, "valid_from": at, "valid_to": None}
    if found is None:
        member = Membership.objects.create(user=user, **values)
    else:
        member = _written(found, values)
    jobs.defer(INVITE, tenant_id=current_tenant_id(), membership_id=member.pk)
    return member


def change_member(
    *,
    membership_id: int,
    role: BuiltInRole | Role | None = None,
    name: str | None = None,
    allowed_networks: Sequence[str] | None = None,
    by: Principal,
    at: datetime,
) -> Membership:
    """Change somebody's role, name or networks; what is left out stays. It holds from their next request on.

    Raises Denied (`permission_missing`, `beyond_own_permissions`), Invalid (`bad_name`, `bad_network`), Conflict (`last_owner`, `has_left`).
    """
    by.require(Permission.STAFF_MANAGE)
    values: dict[str, Any] = {}
    if role is not None:
        by.require_all_of(_permissions(role))
        values |= _role_fields(role)
    if name is not None:
        values["name"] = require_name(name)
    if allowed_networks is not None:
        values["allowed_networks"] = parse_networks(allowed_networks)
    member = _locked(membership_id, by, at)
    if role is not None and role != BuiltInRole.OWNER:
        _require_another_owner(member, at)
    return _written(member, values)


def remove_member(*, membership_id: int, by: Principal, at: datetime) -> Membership:
    """Let somebody work here no more, from this instant on, and sign them out; what they did keeps their name.

    Raises Denied (`permission_missing`, `beyond_own_permissions`) and Conflict (`last_owner`, `has_left`).
    """
    by.require(Permission.STAFF_MANAGE)
    member = _locked(membership_id, by, at)
    _require_another_owner(member, at)
    end_sessions(user_id=member.user_id)
    return _written(member, {"valid_to": max(at, member.valid_from)})


def sign_member_out(*, membership_id: int, by: Principal, at: datetime) -> int:
    """End the sessions in which somebody works here: how many. They may sign in again.

    Raises Denied (`permission_missing`, `beyond_own_permissions`) and Conflict `has_left`.
    """
    by.require(Permission.STAFF_MANAGE)
    return end_sessions(user_id=_locked(membership_id, by, at).user_id)


def invite_again(*, membership_id: int, by: Principal, at: datetime) -> Membership:
    """Send somebody the mail of their invitation once more. Raises as `sign_member_out` does."""
    by.require(Permission.STAFF_MANAGE)
    member = _locked(membership_id, by, at)
    jobs.defer(INVITE, tenant_id=current_tenant_id(), membership_id=member.pk)
    return member


def make_first_owner(*, user_id: int, name: str, at: datetime) -> Membership:
    """The first owner of a tenant that has no staff yet. Raises Conflict `already_member` where it has."""
    _lock_staff()
    if Membership.objects.exists():
        raise Conflict("already_member", "This operator has staff already.")
    return Membership.objects.create(user_id=user_id, role=BuiltInRole.OWNER.value, name=name, valid_from=at)


def _permissions(role: BuiltInRole | Role) -> frozenset[Permission]:
    return ROLES[role] if isinstance(role, BuiltInRole) else role.permission_set


def _role_fields(role: BuiltInRole | Role) -> dict[str, Any]:
    if isinstance(role, BuiltInRole):
        return {"role": role.value, "own_role": None}
    return {"role": "", "own_role": role}


def _lock_staff() -> None:
    """One change of staff at a time: two owners must not remove each other at once."""
    lock_name("identity.staff", current_tenant_id())


def _locked(membership_id: int, by: Principal, at: datetime) -> Membership:
    _lock_staff()
    (member,) = lock_rows(Membership.objects.select_related("user", "own_role"), [membership_id])
    by.require_all_of(member.permission_set)
    if not is_within(at, member.valid_from, member.valid_to):
        raise Conflict("has_left", f"{member} does not work here any more.", hint="Add them again.")
    return member


def _require_another_owner(member: Membership, at: datetime) -> None:
    if member.role != BuiltInRole.OWNER:
        return
    others = Membership.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=at), role=BuiltInRole.OWNER.value, valid_from__lte=at
    ).exclude(pk=member.pk)
    if not others.exists():
        raise Conflict(
            "last_owner", f"{member} is the last owner.", hint="Make somebody else an owner first: an operator has one."
        )


def _written(member: Membership, values: dict[str, Any]) -> Membership:
    for name, value in values.items():
        setattr(member, name, value)
    if values:
        member.save(update_fields=list(values))
    return member
