"""What migrations do with tenant keys, tenant foreign keys and row-level security, forwards and backwards."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, migrations, models
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from trunkline.kit.db.rls import EnableRLS
from trunkline.kit.models import TenantForeignKey, tenant_key, tenant_reference

APP = "probe"
KEY = tenant_key("parent_tenant_id")
FOREIGN = TenantForeignKey(field="parent", name="child_parent_fk")


def tenant_fields() -> list[tuple[str, Any]]:
    tenant = models.ForeignKey("tenancy.Tenant", on_delete=models.RESTRICT, related_name="+", db_index=False)
    return [("id", models.BigAutoField(primary_key=True)), ("tenant", tenant)]


def make_parent() -> Operation:
    return migrations.CreateModel("Parent", tenant_fields())


def make_child(**options: Any) -> Operation:
    return migrations.CreateModel("Child", [*tenant_fields(), ("parent", tenant_reference("probe.Parent"))], options)


def before() -> ProjectState:
    return MigrationLoader(None).project_state([("tenancy", "0001_initial")])


class Migrated:
    """A database on its way: each call of `run` is one migration."""

    def __init__(self, owner: DatabaseWrapper) -> None:
        self.owner = owner
        self.states = [before()]
        self.done: list[list[Operation]] = []

    def run(self, *operations: Operation) -> None:
        state = self.states[-1].clone()
        with self.owner.schema_editor(atomic=False) as editor:
            for operation in operations:
                old = state.clone()
                operation.state_forwards(APP, state)
                operation.database_forwards(APP, editor, old, state)
        self.states.append(state)
        self.done.append(list(operations))

    def run_back(self) -> None:
        """Undo the last migration, as `migrate` does: last operation first."""
        operations, states = self.done.pop(), [self.states[-2]]
        for operation in operations:
            state = states[-1].clone()
            operation.state_forwards(APP, state)
            states.append(state)
        self.states.pop()
        with self.owner.schema_editor(atomic=False) as editor:
            for operation, old, new in reversed(list(zip(operations, states, states[1:], strict=False))):
                operation.database_backwards(APP, editor, new, old)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.owner.cursor() as cursor:
            cursor.execute(query)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def foreign_keys(self) -> list[str]:
        query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'probe_child'::regclass AND conname = 'child_parent_fk'"
        return [row[0] for row in self.rows(query)]

    def tables(self) -> list[str]:
        return [
            row[0]
            for row in self.rows("SELECT relname::text FROM pg_class WHERE relname IN ('probe_parent', 'probe_child')")
        ]

    def security(self, table: str) -> tuple[bool, bool, list[str]]:
        ((enabled, forced, names),) = self.rows(
            f"""SELECT relrowsecurity, relforcerowsecurity, ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1)
                  FROM pg_class c WHERE relname = '{table}'"""
        )
        return enabled, forced, names

    def rights(self, table: str, role: str) -> list[str]:
        query = f"""SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
                     WHERE has_table_privilege('{role}', '{table}', p)"""
        return [row[0] for row in self.rows(query)]


@pytest.fixture
def migrated(owner: DatabaseWrapper) -> Migrated:
    return Migrated(owner)


DEFINITION = "FOREIGN KEY (tenant_id, parent_id) REFERENCES probe_parent(tenant_id, id) ON DELETE RESTRICT DEFERRABLE"


def test_a_key_may_come_later_in_the_migration_than_the_reference_to_it(migrated: Migrated) -> None:
    migrated.run(
        make_parent(),
        make_child(),
        migrations.AddConstraint("child", FOREIGN),
        migrations.AddConstraint("parent", KEY),
    )
    assert migrated.foreign_keys() == [DEFINITION]


def test_a_model_may_bring_its_constraints_along(migrated: Migrated) -> None:
    migrated.run(make_parent(), make_child(constraints=[FOREIGN]), migrations.AddConstraint("parent", KEY))
    assert migrated.foreign_keys() == [DEFINITION]


def test_a_reference_is_added_taken_away_and_both_undone(migrated: Migrated) -> None:
    migrated.run(make_parent(), migrations.AddConstraint("parent", KEY), make_child())
    migrated.run(migrations.AddConstraint("child", FOREIGN))
    assert migrated.foreign_keys() == [DEFINITION]
    migrated.run(migrations.RemoveConstraint("child", "child_parent_fk"))
    assert migrated.foreign_keys() == []
    migrated.run_back()
    assert migrated.foreign_keys() == [DEFINITION]
    migrated.run_back()
    assert migrated.foreign_keys() == []
    migrated.run_back()
    assert migrated.tables() == []


def test_a_reference_added_and_taken_away_in_one_migration_is_not_there(migrated: Migrated) -> None:
    migrated.run(make_parent(), migrations.AddConstraint("parent", KEY), make_child())
    migrated.run(migrations.AddConstraint("child", FOREIGN), migrations.RemoveConstraint("child", "child_parent_fk"))
    assert migrated.foreign_keys() == []


def test_a_renamed_column_keeps_its_reference(migrated: Migrated) -> None:
    migrated.run(
        make_parent(),
        migrations.AddConstraint("parent", KEY),
        make_child(constraints=[FOREIGN]),
        migrations.RenameField("child", "parent", "elder"),
    )
    assert migrated.foreign_keys() == [DEFINITION.replace("parent_id", "elder_id")]


def test_a_broken_reference_is_refused_at_once_or_at_the_end_as_one_asks(migrated: Migrated) -> None:
    migrated.run(make_parent(), migrations.AddConstraint("parent", KEY), make_child(constraints=[FOREIGN]))
    insert = "INSERT INTO probe_child (tenant_id, parent_id) VALUES (1, 1)"
    with migrated.owner.cursor() as cursor:
        cursor.execute("SAVEPOINT here")
        with pytest.raises(IntegrityError, match="child_parent_fk"):
            cursor.execute(insert)
        cursor.execute("ROLLBACK TO here")
        cursor.execute("SET CONSTRAINTS child_parent_fk DEFERRED")
        cursor.execute(insert)
        with pytest.raises(IntegrityError, match="child_parent_fk"):
            cursor.execute("SET CONSTRAINTS child_parent_fk IMMEDIATE")


def test_a_table_is_confined_and_let_free_again(migrated: Migrated) -> None:
    migrated.run(make_parent())
    migrated.run(EnableRLS("parent"))
    assert migrated.security("probe_parent") == (True, True, ["tenant_isolation"])
    assert migrated.rights("probe_parent", "trunkline_app") == ["SELECT", "INSERT", "UPDATE", "DELETE"]
    migrated.run_back()
    assert migrated.security("probe_parent") == (False, False, [])


def test_an_append_only_table_takes_and_gives_the_right_to_change(migrated: Migrated) -> None:
    migrated.run(make_parent())
    migrated.run(EnableRLS("parent", append_only=True))
    assert migrated.rights("probe_parent", "trunkline_app") == ["SELECT", "INSERT"]
    migrated.run_back()
    assert migrated.rights("probe_parent", "trunkline_app") == ["SELECT", "INSERT", "UPDATE", "DELETE"]


def test_a_table_of_the_platform_is_read_by_its_role(migrated: Migrated) -> None:
    migrated.run(make_parent())
    migrated.run(EnableRLS("parent", platform=True))
    assert migrated.security("probe_parent") == (True, True, ["platform", "tenant_isolation"])
    assert migrated.rights("probe_parent", "trunkline_platform") == ["SELECT"]
    migrated.run_back()
    assert (migrated.security("probe_parent"), migrated.rights("probe_parent", "trunkline_platform")) == (
        (False, False, []),
        [],
    )


def changes(old: list[Any], new: list[Any]) -> list[str]:
    """What makemigrations would write between two sets of constraints of the child."""
    states = []
    for constraints in (old, new):
        state = before()
        for operation in (make_parent(), make_child(constraints=constraints)):
            operation.state_forwards(APP, state)
        states.append(state)
    found = MigrationAutodetector(*states)._detect_changes()  # type: ignore[attr-defined]
    return [operation.describe() for migration in found.get(APP, []) for operation in migration.operations]


def test_makemigrations_finds_what_changed_and_nothing_else() -> None:
    renamed = TenantForeignKey(field="parent", name="child_parent")
    assert changes([FOREIGN], [TenantForeignKey(field="parent", name="child_parent_fk")]) == []
    assert changes([], [FOREIGN]) == ["Create constraint child_parent_fk on model child"]
    assert changes([FOREIGN], []) == ["Remove constraint child_parent_fk from model child"]
    assert changes([FOREIGN], [renamed]) == [
        "Remove constraint child_parent_fk from model child",
        "Create constraint child_parent on model child",
    ]


@pytest.mark.parametrize(
    ("operation", "written"),
    [
        (EnableRLS("parent"), ("EnableRLS", ["parent"], {})),
        (EnableRLS("parent", append_only=True), ("EnableRLS", ["parent"], {"append_only": True})),
        (
            EnableRLS("parent", column="id", platform=True),
            ("EnableRLS", ["parent"], {"column": "id", "platform": True}),
        ),
        (FOREIGN, ("trunkline.kit.models.TenantForeignKey", (), {"field": "parent", "name": "child_parent_fk"})),
    ],
)
def test_they_are_written_as_they_were_made(operation: Any, written: tuple[Any, ...]) -> None:
    assert operation.deconstruct() == written
