"""People and clients for tests of pages: a member of staff in any role, signed in."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.databases import AT
from trunkline.identity.actions import add_member, ensure_user
from trunkline.identity.models import Membership, Role, User
from trunkline.identity.permissions import BuiltInRole
from trunkline.identity.principal import Principal, command_line
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

PASSWORD = "correct horse battery staple"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def somebody(tenant: Tenant) -> Principal:
    """Whoever may do everything in a tenant."""
    return command_line(tenant.pk, "cli:test")


def make_user(email: str = "ada@example.com", *, name: str = "Ada", password: str = PASSWORD, **more: Any) -> User:
    """A person with a proved e-mail address and a password."""
    from allauth.account.models import EmailAddress

    user = ensure_user(email=email, name=name, at=AT)
    if not user.has_usable_password():
        user.set_password(password)
    for field, value in more.items():
        setattr(user, field, value)
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


def make_member(
    tenant: Tenant, role: BuiltInRole | Role = BuiltInRole.OWNER, email: str = "ada@example.com", **more: Any
) -> Membership:
    """A person who works for the tenant, and may sign in."""
    make_user(email)
    with scope(tenant, "test"):
        return add_member(email=email, role=role, by=somebody(tenant), at=AT, **more)


def sign_in(client: Client, user: User, tenant: Tenant | None = None) -> Client:
    """The client, signed in without the pages of signing in; in that tenant, if one is given."""
    client.force_login(user, backend=BACKEND)
    if tenant is not None:
        session = client.session
        session["tenant_id"] = tenant.pk
        session.save()
    return client
