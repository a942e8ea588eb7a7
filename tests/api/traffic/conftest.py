"""A small carrier that takes files through the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from tests.api.conftest import Asking, new_key
from tests.databases import TestDatabase
from tests.db.usage.carrier import NOW, Carrier
from trunkline.identity.permissions import Permission
from trunkline.kit import clock
from trunkline.tenancy.queries import current_tenant


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[None]:
    """The clock of the doors stands at the instant at which the carrier works; no transaction is open around a test."""
    with clock.at(NOW):
        yield


@pytest.fixture
def carrier(committed_db: TestDatabase, tmp_path: Path) -> Carrier:
    """The carrier whose key `ask` has."""
    return Carrier.make(tmp_path / "in")


@pytest.fixture
def other(carrier: Carrier, tmp_path: Path) -> Carrier:
    """Another carrier, of whom nothing may be seen."""
    return Carrier.make(tmp_path / "other", name="Beta Telecom")


def asking(client: Client, carrier: Carrier, *permissions: Permission) -> Asking:
    """Requests with a new key of a carrier."""
    with carrier.scope():
        tenant = current_tenant()
    return Asking(client, new_key(tenant, *permissions))


@pytest.fixture
def ask(client: Client, carrier: Carrier) -> Asking:
    """Requests with a key of the carrier that may do everything."""
    return asking(client, carrier)
