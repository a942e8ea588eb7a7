"""System checks: what the models promise against what the database holds.

A forgotten policy is invisible to `makemigrations` and to every test that uses one tenant, so the comparison is a check of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections, models

from trunkline.kit.db.global_tables import GLOBAL_TABLES
from trunkline.kit.db.rls import PLATFORM_POLICY, TENANT_EXPRESSION, TENANT_POLICY

CATALOGUE = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
       (SELECT array_agg(p.polname::text || ' ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '') ORDER BY p.polname)
          FROM pg_policy p WHERE p.polrelid = c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""


def register() -> None:
    """Tell Django of the checks; the database part runs with `check --database default` and before every test run."""
    checks.register(check_models)
    checks.register(check_catalogue, checks.Tags.database)


def tenant_models() -> list[type[models.Model]]:
    """Every concrete model with a tenant, history tables included."""
    return [m for m in apps.get_models() if m._meta.managed and any(f.name == "tenant" for f in m._meta.fields)]


def check_models(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every reference between tenant models carries the tenant; every unique key leads with it."""
    found: list[checks.CheckMessage] = []
    for model in tenant_models():
        if hasattr(model, "pgh_tracked_model"):
            continue
        found += _check_references(model)
        for constraint in model._meta.constraints:
            if (
                isinstance(constraint, models.UniqueConstraint)
                and constraint.fields
                and constraint.fields[0] != "tenant"
            ):
                found.append(
                    checks.Error(
                        f"unique key {constraint.name} does not lead with the tenant", obj=model, id="trunkline.E002"
                    )
                )
    return found


def _check_references(model: type[models.Model]) -> Iterable[checks.CheckMessage]:
    from trunkline.kit.models import TenantForeignKey

    keyed = {c.field for c in model._meta.constraints if isinstance(c, TenantForeignKey)}
    keyed |= getattr(model, "UNCHECKED_REFERENCES", frozenset())  # bulk rows, with the reason beside them
    for field in model._meta.fields:
        if isinstance(field, models.ForeignKey) and field.name != "tenant" and field.name not in keyed:
            target = field.related_model
            if any(f.name == "tenant" for f in target._meta.fields):
                yield checks.Error(f"{field.name} has no TenantForeignKey constraint", obj=model, id="trunkline.E001")


def check_catalogue(databases: Iterable[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every table is confined to the tenant or listed as global with a reason; policies are the plain equality."""
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(CATALOGUE)
            rows = cursor.fetchall()
        confined = {m._meta.db_table for m in tenant_models()} | {"tenancy_tenant"}
        for table, enabled, forced, policies in rows:
            if table in GLOBAL_TABLES:
                continue
            if table not in confined:
                found.append(
                    checks.Error(
                        f"table {table} has no tenant and is not in kit/db/global_tables.py", id="trunkline.E003"
                    )
                )
                continue
            if not (enabled and forced):
                found.append(
                    checks.Error(f"table {table} has no forced row-level security: add EnableRLS", id="trunkline.E004")
                )
            found += _check_policies(table, policies or [])
        for table in confined - {row[0] for row in rows}:
            found.append(checks.Error(f"table {table} is not in the database: migrate", id="trunkline.E005"))
    return found


def _check_policies(table: str, policies: list[str]) -> Iterable[checks.CheckMessage]:
    for policy in policies:
        name, _, expression = policy.partition(" ")
        if name == TENANT_POLICY and "SELECT app_tenant()" not in expression:
            yield checks.Error(f"{table}: {name} is not an equality with {TENANT_EXPRESSION}", id="trunkline.E006")
        elif name not in (TENANT_POLICY, PLATFORM_POLICY, "owner_lookup"):
            yield checks.Error(f"{table}: unknown policy {name}", id="trunkline.E006")
    if not any(policy.startswith(f"{TENANT_POLICY} ") for policy in policies):
        yield checks.Error(f"{table} has no policy {TENANT_POLICY}", id="trunkline.E004")
