"""System checks: what the models promise against what the database holds.

A forgotten policy is invisible to `makemigrations` and to every test that uses one tenant, so the comparison is a check of its own.
`check` looks at the models (E001, E002, E007); `check --database default` at the database besides.

| code | what is wrong |
|---|---|
| trunkline.E001 | a reference to a tenant model without `TenantForeignKey`, or with a constraint or rule of Django's own beside it |
| trunkline.E002 | a unique key that does not lead with the tenant |
| trunkline.E003 | a table or view without a tenant that is not in `kit/db/global_tables.py` |
| trunkline.E004 | a table without forced row-level security, or without its policy: `EnableRLS` is missing |
| trunkline.E005 | a model whose table is not in the database |
| trunkline.E006 | a policy that is none of ours, or not the plain equality |
| trunkline.E007 | a tenant model whose manager does not ask for the scope |
| trunkline.E008 | a role that could look past row-level security, or an app role that owns something |
| trunkline.E009 | a function that runs with its owner's rights and no fixed search path |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections, models

from trunkline.kit.db.embedded import ROLES
from trunkline.kit.db.global_tables import GLOBAL_TABLES
from trunkline.kit.db.rls import OWNER_LOOKUP_POLICY, OWNER_LOOKUP_TABLES, PLATFORM_POLICY, TENANT_POLICY
from trunkline.kit.db.roles import UNSAFE

# Confined by the tenant's own id.
TENANT_TABLES = ("tenancy_tenant", "tenancy_tenanthistoryevent")

TABLES = """
SELECT c.oid, c.relname, c.relkind::text, c.relrowsecurity AND c.relforcerowsecurity, pg_get_userbyid(c.relowner),
       coalesce('security_invoker=true' = ANY(c.reloptions) OR 'security_invoker=on' = ANY(c.reloptions), false)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
 ORDER BY c.relname
"""
POLICIES = """
SELECT p.polname, p.polcmd::text, p.polpermissive, coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
       ARRAY(SELECT CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r)::text END FROM unnest(p.polroles) r)
  FROM pg_policy p WHERE p.polrelid = %s ORDER BY p.polname
"""
LOOKUPS = """
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prosecdef
   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^search_path=.*pg_temp$')
"""


def register() -> None:
    """Tell Django of the checks; the database part runs with `check --database default`."""
    checks.register(check_models)
    checks.register(check_catalogue, checks.Tags.database)


def tenant_models() -> list[type[models.Model]]:
    """Every concrete model with a tenant, history tables included."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and any(f.name == "tenant" for f in model._meta.fields)
    ]


def check_models(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every reference between tenant models carries the tenant; every unique key leads with it; every query asks for the scope."""
    found: list[checks.CheckMessage] = []
    for model in tenant_models():
        found += _check_manager(model)
        if not hasattr(model, "pgh_tracked_model"):
            found += _check_references(model)
            found += _check_unique_keys(model)
    return found


def _check_manager(model: type[models.Model]) -> Iterable[checks.CheckMessage]:
    from trunkline.kit.models import TenantQuerySet

    for name in ("_default_manager", "_base_manager"):
        if not isinstance(getattr(model, name).get_queryset(), TenantQuerySet):
            yield checks.Error(
                f"{name} is no TenantManager: outside a scope it finds nothing", obj=model, id="trunkline.E007"
            )


def _check_references(model: type[models.Model]) -> Iterable[checks.CheckMessage]:
    from trunkline.kit.models import TenantForeignKey

    keyed = {c.field for c in model._meta.constraints if isinstance(c, TenantForeignKey)}
    keyed |= getattr(model, "UNCHECKED_REFERENCES", frozenset())  # bulk rows, with the reason beside them
    for field in model._meta.fields:
        if not isinstance(field, models.ForeignKey) or field.name == "tenant":
            continue
        if not any(f.name == "tenant" for f in field.related_model._meta.fields):
            continue
        if field.name not in keyed:
            yield checks.Error(f"{field.name} has no TenantForeignKey constraint", obj=model, id="trunkline.E001")
        if getattr(field, "db_constraint", True) or field.remote_field.on_delete is not models.RESTRICT:
            yield checks.Error(f"{field.name} is not made by tenant_reference()", obj=model, id="trunkline.E001")
    for many in model._meta.local_many_to_many:
        yield checks.Error(
            f"{many.name}: a table between has no tenant; make it a model", obj=model, id="trunkline.E001"
        )


def _check_unique_keys(model: type[models.Model]) -> Iterable[checks.CheckMessage]:
    wrong = [f.name for f in model._meta.local_fields if f.unique and not f.primary_key]
    wrong += [", ".join(fields) for fields in model._meta.unique_together if fields[0] != "tenant"]
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            first = constraint.fields[0] if constraint.fields else _first_column(constraint)
            if first != "tenant":
                wrong.append(constraint.name)
    for name in wrong:
        yield checks.Error(f"unique key {name} does not lead with the tenant", obj=model, id="trunkline.E002")


def _first_column(constraint: models.UniqueConstraint) -> str | None:
    return getattr(constraint.expressions[0], "name", None)


def check_catalogue(databases: Iterable[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The database holds what the models promise; see `check_database`."""
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            found += check_database(cursor)
    return found


def check_database(cursor: Any) -> list[checks.CheckMessage]:
    """Every table is confined to the tenant or listed as global with a reason; policies, roles and functions are as they must be."""
    return [*_check_tables(cursor), *_check_roles(cursor), *_check_functions(cursor)]


def _check_tables(cursor: Any) -> Iterable[checks.CheckMessage]:
    confined = {m._meta.db_table: "tenant_id" for m in tenant_models()} | dict.fromkeys(TENANT_TABLES, "id")
    cursor.execute(TABLES)
    present = cursor.fetchall()
    for oid, name, kind, secured, owner, is_invoker in present:
        if owner in ("trunkline_app", "trunkline_platform"):
            yield checks.Error(f"{name} belongs to {owner}", id="trunkline.E008")
        if name in GLOBAL_TABLES or (kind == "v" and is_invoker):
            continue
        if name not in confined:
            hint = (
                "make it security_invoker" if kind == "v" else "it has no tenant and is not in kit/db/global_tables.py"
            )
            yield checks.Error(f"table {name}: {hint}", id="trunkline.E003")
            continue
        if not secured:
            yield checks.Error(f"table {name} has no forced row-level security: add EnableRLS", id="trunkline.E004")
        cursor.execute(POLICIES, [oid])
        yield from _check_policies(name, confined[name], cursor.fetchall())
    for table in sorted(confined.keys() - {row[1] for row in present}):
        yield checks.Error(f"table {table} is not in the database: migrate", id="trunkline.E005")


def _check_policies(table: str, column: str, policies: list[tuple[Any, ...]]) -> Iterable[checks.CheckMessage]:
    equality = f"({column} = ( SELECT app_tenant() AS app_tenant))"
    wanted = {
        TENANT_POLICY: ("*", True, equality, equality, ["public"]),
        PLATFORM_POLICY: ("r", True, "true", "", ["trunkline_platform"]),
    }
    if table in OWNER_LOOKUP_TABLES:
        wanted[OWNER_LOOKUP_POLICY] = ("r", True, "true", "", ["trunkline_owner"])
    for name, *rest in policies:
        if name not in wanted:
            yield checks.Error(f"{table}: unknown policy {name}", id="trunkline.E006")
        elif tuple(rest) != wanted[name]:
            yield checks.Error(f"{table}: policy {name} is not as EnableRLS makes it: {rest}", id="trunkline.E006")
    if TENANT_POLICY not in {policy[0] for policy in policies}:
        yield checks.Error(f"table {table} has no policy {TENANT_POLICY}: add EnableRLS", id="trunkline.E004")


def _check_roles(cursor: Any) -> Iterable[checks.CheckMessage]:
    cursor.execute(UNSAFE, {"roles": list(ROLES)})
    for (role,) in cursor.fetchall():
        yield checks.Error(f"role {role} could look past row-level security", id="trunkline.E008")


def _check_functions(cursor: Any) -> Iterable[checks.CheckMessage]:
    cursor.execute(LOOKUPS)
    for (name,) in cursor.fetchall():
        yield checks.Error(f"function {name} has its owner's rights and no fixed search path", id="trunkline.E009")
