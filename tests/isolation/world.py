"""Two tenants with a row of every tenant model each, in one transaction that is never committed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from django.db import Error, connection, models, transaction

from tests.databases import AT
from tests.isolation.rows import make_row
from trunkline.kit.checks import tenant_models
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope


@dataclass
class World:
    """Rows by tenant and model; where none could be made, why."""

    ours: Tenant
    theirs: Tenant
    rows: dict[tuple[int, str], models.Model] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)

    @classmethod
    def make(cls) -> World:
        ours, theirs = (
            create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=AT)
            for name in ("Alpha Carrier", "Beta Telecom")
        )
        world = cls(ours, theirs)
        for tenant in (ours, theirs):
            for model in tenant_models():
                world._add(tenant, model)
        return world

    def _add(self, tenant: Tenant, model: type[models.Model]) -> None:
        try:
            with scope(tenant, "test"):
                self.rows[tenant.pk, model._meta.label] = make_row(model)
        except Exception as error:  # one model's failure is not another's
            self.failures[model._meta.label] = error

    def row(self, tenant: Tenant, model: type[models.Model]) -> Any:
        """The row of that tenant; the test fails where none could be made."""
        label = model._meta.label
        if label in self.failures:
            pytest.fail(
                f"no row of {label} could be made: {self.failures[label]!r}. Add a recipe to tests/isolation/rows.py."
            )
        return self.rows[tenant.pk, label]


def query(statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Rows of a statement, past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def touched(statement: str, parameters: Sequence[object] = ()) -> int:
    """How many rows a statement touched; what it did is undone."""
    with undone(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """A savepoint that is rolled back in any case."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def refusal(statement: str, parameters: Sequence[object] = ()) -> psycopg.Error | None:
    """The error with which PostgreSQL refuses a statement, None where it lets it pass; it is undone in any case."""
    try:
        with undone(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
    except Error as error:
        if isinstance(error.__cause__, psycopg.Error):
            return error.__cause__
        raise
    return None
