"""Who may sign in to the demo's operators: an owner each, with a password that is new whenever the demo serves."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trunkline.identity.actions import add_member, ensure_user, give_password
from trunkline.identity.permissions import BuiltInRole
from trunkline.identity.principal import command_line
from trunkline.identity.queries import memberships
from trunkline.tenancy.scope import scope

PASSWORD_OCTETS: Final = 12


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody types to come in."""

    tenant: str
    email: str
    password: str


def make_logins(tenants: Mapping[str, int], *, actor: str, at: datetime) -> list[Login]:
    """An owner of each of those tenants (their ids by short name), made if need be, with a new password."""
    logins = []
    for slug, tenant_id in tenants.items():
        email, password = f"owner@{slug}.example", secrets.token_urlsafe(PASSWORD_OCTETS)
        with scope(tenant_id, actor):
            if not memberships().filter(user__email=email).exists():
                by = command_line(tenant_id, actor)
                add_member(email=email, role=BuiltInRole.OWNER, name="Owner", by=by, at=at)
        give_password(user=ensure_user(email=email, at=at), password=password)
        logins.append(Login(slug, email, password))
    return logins
