"""Two operators with staff of every role, for the tests of the back office."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.test import Client

from tests.databases import AT
from trunkline.identity.models import Membership, User
from trunkline.identity.permissions import BuiltInRole
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

PASSWORDS = "django.contrib.auth.backends.ModelBackend"


@dataclass
class Office:
    """`ours` is where the tests work; `theirs` is another operator, of which nothing may be seen."""

    ours: Tenant
    theirs: Tenant
    people: dict[tuple[int, str], User] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)  # of the sessions of who has signed in before, by role

    def person(self, role: str, tenant: Tenant | None = None) -> User:
        """Somebody who works there in that built-in role."""
        tenant = tenant or self.ours
        key = (tenant.pk, role)
        if key not in self.people:
            user = User.objects.create(email=f"{role}@{tenant.slug}.example", created_at=AT)
            with scope(tenant, "test"):
                Membership.objects.create(user=user, role=role, valid_from=AT)
            self.people[key] = user
        return self.people[key]

    def client(self, role: str = BuiltInRole.OWNER, tenant: Tenant | None = None, **headers: Any) -> Client:
        """A browser in which somebody of that role is signed in."""
        client = Client(headers=headers or None)
        if tenant is None and str(role) in self.cookies:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[str(role)]
        else:
            client.force_login(
                self.person(str(role), tenant), backend="allauth.account.auth_backends.AuthenticationBackend"
            )
        return client

    def sign_everybody_in(self) -> None:
        """Each built-in role signs in once, for all tests that work with these operators."""
        self.cookies = {
            str(role): self.client(role).cookies[settings.SESSION_COOKIE_NAME].value for role in BuiltInRole
        }
