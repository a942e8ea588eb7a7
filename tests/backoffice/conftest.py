"""Fixtures of the back office."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.backoffice.office import Office
from tests.isolation.world import World, undone


@pytest.fixture
def office(tenant: Any, other_tenant: Any) -> Office:
    """Two operators without data."""
    return Office(tenant, other_tenant)


@pytest.fixture(scope="module")
def made_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Two operators with a row of every model each; made once a file, and never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World.make()
        transaction.set_rollback(True)


@pytest.fixture
def world(made_world: World) -> Iterator[World]:
    """The same for every test: what a test changes is undone."""
    with undone():
        yield made_world
