"""Fixtures of the kit's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.databases import TestDatabase
from trunkline.kit.db.connections import Role


@pytest.fixture
def owner(test_database: TestDatabase, django_db_blocker: pytest.FixtureRequest) -> Iterator[DatabaseWrapper]:
    """Django's connection of the owner, as migrations have it. What a test changes is undone."""
    given = test_database.parameters[Role.OWNER]
    settings = connection.settings_dict | {"USER": given.get("user", ""), "OPTIONS": {}}
    if "options" in given:
        settings["OPTIONS"] = {"options": given["options"]}
    made = DatabaseWrapper(settings, alias="default")
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        made.set_autocommit(False)
        yield made
        made.rollback()
        made.close()
