"""What one tenant can do with the rows of another: nothing. Generated for every tenant model, history tables included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from psycopg import errors

from tests.isolation.rows import make_row
from tests.isolation.world import World, query, refusal, touched, undone
from trunkline.kit.checks import check_catalogue, check_models, tenant_models
from trunkline.kit.db.rls import EnableRLS
from trunkline.kit.db.scope import ScopeError
from trunkline.kit.models import TenantForeignKey
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

MODELS = {model._meta.label: model for model in tenant_models()}
REFERENCES = {
    f"{label}.{constraint.field}": (model, constraint)
    for label, model in MODELS.items()
    for constraint in model._meta.constraints
    if isinstance(constraint, TenantForeignKey)
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))


def append_only_models() -> dict[str, type[models.Model]]:
    """Those that a migration declares so."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {
        apps.get_model(migration.app_label, operation.model)._meta.label: apps.get_model(
            migration.app_label, operation.model
        )
        for _, migration in sorted(loader.disk_migrations.items())  # which are read in no order
        for operation in migration.operations
        if isinstance(operation, EnableRLS) and operation.append_only and operation.column == "tenant_id"
    }


APPEND_ONLY = append_only_models()


def quoted(model: type[models.Model]) -> tuple[str, str]:
    """Names of the table and of its primary key, for SQL."""
    assert model._meta.pk is not None
    return connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(model._meta.pk.column)


def copying(model: type[models.Model], **changed: str) -> str:
    """SQL that inserts a copy of a row: a new id, other values in its unique keys, and the changed columns as given."""
    table, key = quoted(model)
    columns = {
        field.column: connection.ops.quote_name(field.column)
        for field in model._meta.concrete_fields
        if not field.primary_key and not field.generated
    }
    for field in unique_fields(model):
        columns[field.column] = another_value(field, columns[field.column])
    columns |= changed
    names = ", ".join(map(connection.ops.quote_name, columns))
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(columns.values())} FROM {table} WHERE {key} = %s"


def unique_fields(model: type[models.Model]) -> list[Any]:
    """Fields of unique keys that are free to change."""
    names = {name for c in model._meta.constraints if isinstance(c, models.UniqueConstraint) for name in c.fields}
    fields = [model._meta.get_field(name) for name in sorted(names - {"tenant"})]
    unchecked = getattr(model, "UNCHECKED_REFERENCES", ())
    return [f for f in fields if not (f.primary_key or f.choices) and (not f.is_relation or f.name in unchecked)]


def another_value(field: Any, column: str) -> str:
    if isinstance(field, models.UUIDField):
        return "gen_random_uuid()"
    if isinstance(field, models.CharField):
        return f"right({column} || '~', {field.max_length})"
    if isinstance(field, models.BooleanField):
        return column
    if isinstance(field, models.DateTimeField):
        return f"{column} + interval '1000 days'"
    return f"{column} + 1000"


def test_models_and_database_agree(world: World) -> None:
    assert check_models() == []
    assert check_catalogue(databases=["default"]) == []


def test_everything_here_runs_as_the_app_role(world: World) -> None:
    assert query("SELECT current_user::text") == [("trunkline_app",)]


@every_model
def test_a_foreign_row_is_invisible(world: World, model: Any) -> None:
    table, key = quoted(model)
    row = world.row(world.ours, model)
    seen = f"SELECT count(*) FROM {table} WHERE {key} = %s"
    with scope(world.ours, "test"):
        assert (query(seen, [row.pk]), model.objects.filter(pk=row.pk).count()) == ([(1,)], 1)
    with scope(world.theirs, "test"):
        assert (query(seen, [row.pk]), model.objects.filter(pk=row.pk).count()) == ([(0,)], 0)
        assert query(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", [world.ours.pk]) == [(0,)]


@every_model
def test_a_row_of_another_tenant_cannot_be_inserted(world: World, model: Any) -> None:
    row = world.row(world.ours, model)
    with scope(world.ours, "test"):
        refused = refusal(copying(model, tenant_id=str(world.theirs.pk)), [row.pk])
    assert isinstance(refused, errors.InsufficientPrivilege)
    # By its own policy: that of a history table behind it comes too late.
    assert refused.diag.message_primary == (
        f'new row violates row-level security policy for table "{model._meta.db_table}"'
    )


@every_model
@pytest.mark.parametrize("statement", ["UPDATE {table} SET tenant_id = tenant_id", "DELETE FROM {table}"])
def test_a_foreign_row_is_not_touched(world: World, model: Any, statement: str) -> None:
    table, key = quoted(model)
    row = world.row(world.ours, model)
    with scope(world.theirs, "test"):
        sql = f"{statement.format(table=table)} WHERE {key} = %s"
        refused = refusal(sql, [row.pk])
        if refused is None:
            assert touched(sql, [row.pk]) == 0
        else:
            assert isinstance(refused, errors.InsufficientPrivilege)  # no row of this table may be touched so at all


@every_model
def test_a_row_cannot_be_moved_to_another_tenant(world: World, model: Any) -> None:
    table, key = quoted(model)
    row = world.row(world.ours, model)
    with scope(world.ours, "test"):
        refused = refusal(f"UPDATE {table} SET tenant_id = %s WHERE {key} = %s", [world.theirs.pk, row.pk])
    assert isinstance(refused, errors.InsufficientPrivilege)
    assert "historyevent" not in str(refused) or "historyevent" in table


@every_model
def test_without_a_scope_sql_sees_nothing(world: World, model: Any) -> None:
    table, _key = quoted(model)
    world.row(world.ours, model)
    assert query(f"SELECT count(*) FROM {table}") == [(0,)]
    assert query(f"SELECT count(*) FROM tenancy_tenant t LEFT JOIN {table} x ON x.tenant_id = t.id") == [(0,)]


USES: dict[str, Callable[[Any, Any], object]] = {
    "list": lambda model, row: list(model.objects.all()),
    "values": lambda model, row: list(model.objects.values_list("pk")),
    "count": lambda model, row: model.objects.count(),
    "exists": lambda model, row: model.objects.filter(pk=row.pk).exists(),
    "get": lambda model, row: model.objects.get(pk=row.pk),
    "first": lambda model, row: model.objects.first(),
    "in_bulk": lambda model, row: model.objects.in_bulk([row.pk]),
    "iterator": lambda model, row: list(model.objects.iterator()),
    "aggregate": lambda model, row: model.objects.aggregate(models.Max("pk")),
    "union": lambda model, row: list(model.objects.all().union(model.objects.all())),
    "subquery": lambda model, row: list(Tenant._base_manager.filter(pk__in=model.objects.values("tenant"))),
    "raw": lambda model, row: list(model.objects.raw(f"SELECT * FROM {quoted(model)[0]}")),
    "base manager": lambda model, row: model._base_manager.filter(pk=row.pk).exists(),
    "select_for_update": lambda model, row: list(model.objects.select_for_update()),
    "update": lambda model, row: model.objects.update(tenant=row.tenant_id),
    "queryset delete": lambda model, row: model.objects.all().delete(),
    "create": lambda model, row: model.objects.create(),
    "bulk_create": lambda model, row: model.objects.bulk_create([row]),
    "bulk_update": lambda model, row: model.objects.bulk_update([row], ["tenant"]),
    "save": lambda model, row: row.save(),
    "delete": lambda model, row: row.delete(),
    "refresh": lambda model, row: row.refresh_from_db(),
}


@every_model
def test_without_a_scope_python_raises(world: World, model: Any) -> None:
    row = world.row(world.ours, model)
    outcomes = {name: outcome_of(lambda use=use: use(model, row)) for name, use in USES.items()}
    assert outcomes == dict.fromkeys(USES, "ScopeError")


def outcome_of(use: Callable[[], object]) -> str:
    try:
        with undone():
            return f"gave {use()!r}"
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize(("model", "constraint"), REFERENCES.values(), ids=list(REFERENCES))
def test_a_reference_cannot_point_to_another_tenant(world: World, model: Any, constraint: TenantForeignKey) -> None:
    """Tried as an update, and as an insert where the app role may not change the column."""
    reference = model._meta.get_field(constraint.field)
    table, key = quoted(model)
    row, foreign = world.row(world.ours, model), world.row(world.theirs, reference.related_model)
    with scope(world.ours, "test"):
        column = connection.ops.quote_name(reference.column)
        tries = (
            refusal(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", [foreign.pk, row.pk]),
            refusal(copying(model, **{reference.column: str(foreign.pk)}), [row.pk]),
        )
    assert None not in tries
    broken = [t.diag.constraint_name for t in tries if isinstance(t, errors.ForeignKeyViolation)]
    assert set(broken) == {constraint.name}


@pytest.mark.parametrize(("model", "constraint"), REFERENCES.values(), ids=list(REFERENCES))
def test_a_reference_is_a_key_of_tenant_and_row(world: World, model: Any, constraint: TenantForeignKey) -> None:
    reference = model._meta.get_field(constraint.field)
    found = query(
        """SELECT contype::text, convalidated, confdeltype::text, confrelid::regclass::text,
                  ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k(n, o)
                          JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY o),
                  ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k(n, o)
                          JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY o)
             FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s""",
        [model._meta.db_table, constraint.name],
    )
    ((kind, is_valid, on_delete, target, columns, keys),) = found
    assert (kind, is_valid, on_delete, target) == ("f", True, "r", reference.related_model._meta.db_table)
    assert (columns[:2], keys[:2]) == (["tenant_id", reference.column], ["tenant_id", "id"])
    assert columns[2:] == keys[2:]  # copied columns, held equal


@pytest.mark.parametrize("model", APPEND_ONLY.values(), ids=list(APPEND_ONLY))
@pytest.mark.parametrize(
    "statement", ["UPDATE {table} SET tenant_id = tenant_id", "DELETE FROM {table}", "TRUNCATE {table}"]
)
def test_an_append_only_table_refuses_changes_even_to_its_own_rows(world: World, model: Any, statement: str) -> None:
    world.row(world.ours, model)
    with scope(world.ours, "test"):
        assert isinstance(refusal(statement.format(table=quoted(model)[0])), errors.InsufficientPrivilege)


def test_all_history_is_append_only() -> None:
    history = {label for label, model in MODELS.items() if hasattr(model, "pgh_tracked_model")}
    assert history - APPEND_ONLY.keys() == set()


def test_a_tenant_sees_and_changes_only_its_own_row(world: World) -> None:
    with scope(world.ours, "test"):
        assert list(Tenant.objects.all()) == [world.ours]
        assert touched("UPDATE tenancy_tenant SET name = 'x' WHERE id = %s", [world.theirs.pk]) == 0
        assert touched("DELETE FROM tenancy_tenant WHERE id = %s", [world.theirs.pk]) == 0
        assert isinstance(refusal("UPDATE tenancy_tenant SET id = %s", [world.theirs.pk]), errors.InsufficientPrivilege)
        assert isinstance(
            refusal(
                "INSERT INTO tenancy_tenant (public_id, slug, name, currency, timezone, status, created_at)"
                " VALUES (gen_random_uuid(), 'new', 'New', 'USD', 'UTC', 'active', now())"
            ),
            errors.InsufficientPrivilege,
        )
    assert query("SELECT count(*) FROM tenancy_tenant") == [(0,)]
    with pytest.raises(ScopeError):
        list(Tenant.objects.all())


def test_a_model_without_a_recipe_is_said(world: World) -> None:
    world.failures["ledger.Book"] = ValueError("why not")
    try:
        with pytest.raises(pytest.fail.Exception, match=r"ledger\.Book .* Add a recipe"):
            world.row(world.ours, MODELS["ledger.Book"])
    finally:
        del world.failures["ledger.Book"]


def test_rows_of_a_model_are_made_as_often_as_one_likes(world: World) -> None:
    with scope(world.ours, "test"):
        made = [make_row(MODELS["parties.Account"]) for _ in range(2)]
    assert made[0].pk != made[1].pk
