"""Writes of a tenant's own roles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from trunkline.core.errors import Conflict, Invalid
from trunkline.identity.models import Membership, Role
from trunkline.identity.permissions import Permission, parse_permissions, parse_role
from trunkline.identity.principal import Principal
from trunkline.kit.db.locks import lock_rows

ROLE_NAME_LENGTH = 60


def create_role(*, name: str, permissions: Iterable[str], by: Principal, at: datetime) -> Role:
    """Make a role. Raises Denied (`permission_missing`, `beyond_own_permissions`), Invalid (`bad_name`, `unknown_permission`), Conflict (`role_exists`)."""
    by.require(Permission.STAFF_MANAGE)
    wanted = parse_permissions(permissions)
    by.require_all_of(wanted)
    return _saved(Role(name=_require_name(name), permissions=sorted(wanted), created_at=at))


def change_role(
    *, role_id: int, name: str | None = None, permissions: Iterable[str] | None = None, by: Principal
) -> Role:
    """Rename a role or change what it permits, for all who have it; what is left out stays.

    Raises Denied (`permission_missing`, `beyond_own_permissions`), Invalid (`bad_name`, `unknown_permission`), Conflict (`role_exists`).
    """
    by.require(Permission.STAFF_MANAGE)
    (role,) = lock_rows(Role.objects.all(), [role_id])
    by.require_all_of(role.permission_set)
    if permissions is not None:
        wanted = parse_permissions(permissions)
        by.require_all_of(wanted)
        role.permissions = sorted(wanted)
    if name is not None:
        role.name = _require_name(name)
    return _saved(role)


def remove_role(*, role_id: int, by: Principal) -> None:
    """Forget a role that nobody has or had. Raises Denied (`permission_missing`, `beyond_own_permissions`), Conflict (`role_in_use`)."""
    by.require(Permission.STAFF_MANAGE)
    (role,) = lock_rows(Role.objects.all(), [role_id])
    by.require_all_of(role.permission_set)
    if Membership.objects.filter(own_role=role).exists():
        raise Conflict("role_in_use", f"Somebody has or had the role {role.name!r}.", hint="Give them another first.")
    role.delete()


def _saved(role: Role) -> Role:
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError as error:
        raise Conflict("role_exists", f"There is a role {role.name!r} already.") from error
    return role


def _require_name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= ROLE_NAME_LENGTH or not name.isprintable():
        raise Invalid("bad_name", f"A role's name has 1 to {ROLE_NAME_LENGTH} printable characters.")
    if parse_role(name) is not None:
        raise Invalid("bad_name", f"{name!r} is the name of a built-in role.", hint="Choose another.")
    return name
