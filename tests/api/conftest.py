"""What tests of the API need: keys of tenants, and a client that sends one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client

from tests.databases import AT
from trunkline.identity.actions.keys import create_key
from trunkline.identity.permissions import EVERYTHING, NOT_FOR_KEYS, Permission
from trunkline.identity.principal import command_line
from trunkline.kit import clock
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

PREFIX = "/api/v1"


def new_key(tenant: Tenant, *permissions: Permission) -> str:
    """The text of a new key of a tenant: of these permissions, or of all that a key may have."""
    with scope(tenant, "test"):
        by = command_line(tenant.pk, "cli:test")
        scopes = permissions or tuple(EVERYTHING - NOT_FOR_KEYS)
        _, secret = create_key(name="test", scopes=scopes, by=by, at=AT)
    return secret.reveal()


@pytest.fixture
def key_of(db: None) -> Callable[..., str]:
    """Makes keys: `key_of(tenant, *permissions)`."""
    return new_key


class Asking:
    """Sends requests of one key; bodies are JSON, but octets."""

    def __init__(self, client: Client, key: str) -> None:
        self.client, self.key = client, key

    def __call__(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None, **headers: str
    ) -> Any:
        is_file = isinstance(body, bytes)
        return self.client.generic(
            method,
            path if path.startswith("/") and path.startswith(PREFIX) else f"{PREFIX}{path}",
            body if is_file else b"" if body is None else json.dumps(body),
            content_type="application/octet-stream" if is_file else "application/json",
            headers={"Authorization": f"Bearer {self.key}"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
            query_params=dict(query) if query else None,
        )

    def get(self, path: str, **query: Any) -> Any:
        return self("GET", path, query={name: str(value) for name, value in query.items()})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self("PATCH", path, body, **headers)


@pytest.fixture
def ask(client: Client, tenant: Tenant) -> Asking:
    """Requests with a key of the tenant that may do everything."""
    with clock.at(AT):
        return Asking(client, new_key(tenant))


@pytest.fixture
def ask_other(client: Client, other_tenant: Tenant) -> Asking:
    """Requests of another tenant."""
    return Asking(client, new_key(other_tenant))


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    """The clock of the doors stands at the instant of the tests."""
    with clock.at(AT):
        yield
