"""The system checks: each of their codes, provoked."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test.utils import isolate_apps

from trunkline.kit import checks
from trunkline.kit.models import TenantForeignKey, TenantModel, tenant_reference

EQUALITY = "tenant_id = (SELECT app_tenant())"


def found(cursor: Any) -> list[tuple[str | None, str]]:
    return [(error.id, error.msg) for error in checks.check_database(cursor)]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["SELECT 1"], []),
        (
            ["CREATE TABLE stray (id int)"],
            [("trunkline.E003", "table stray: it has no tenant and is not in kit/db/global_tables.py")],
        ),
        (
            ["CREATE VIEW stray AS SELECT * FROM tariffs_codedeck"],
            [("trunkline.E003", "table stray: make it security_invoker")],
        ),
        (["CREATE VIEW stray WITH (security_invoker = true) AS SELECT * FROM tariffs_codedeck"], []),
        (
            ["CREATE MATERIALIZED VIEW stray AS SELECT id FROM tariffs_codedeck"],
            [("trunkline.E003", "table stray: it has no tenant and is not in kit/db/global_tables.py")],
        ),
        (
            ["CREATE SCHEMA aside", "CREATE TABLE aside.stray (id int)"],
            [("trunkline.E003", "table stray: it has no tenant and is not in kit/db/global_tables.py")],
        ),
        (
            ["ALTER TABLE tariffs_codedeck NO FORCE ROW LEVEL SECURITY"],
            [("trunkline.E004", "table tariffs_codedeck has no forced row-level security: add EnableRLS")],
        ),
        (
            ["DROP POLICY tenant_isolation ON tariffs_codedeck"],
            [("trunkline.E004", "table tariffs_codedeck has no policy tenant_isolation: add EnableRLS")],
        ),
        (
            ["ALTER TABLE tariffs_codedeck RENAME TO stray"],
            [
                ("trunkline.E003", "table stray: it has no tenant and is not in kit/db/global_tables.py"),
                ("trunkline.E005", "table tariffs_codedeck is not in the database: migrate"),
            ],
        ),
        (
            ["CREATE POLICY extra ON tariffs_codedeck USING (true)"],
            [("trunkline.E006", "tariffs_codedeck: unknown policy extra")],
        ),
        (
            ["CREATE POLICY owner_lookup ON tariffs_codedeck FOR SELECT TO trunkline_owner USING (true)"],
            [("trunkline.E006", "tariffs_codedeck: unknown policy owner_lookup")],
        ),
        (
            ["CREATE FUNCTION stray() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
            [("trunkline.E009", "function stray has its owner's rights and no fixed search path")],
        ),
        (
            [
                "CREATE FUNCTION stray() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS 'SELECT 1'"
            ],
            [("trunkline.E009", "function stray has its owner's rights and no fixed search path")],
        ),
    ],
)
def test_what_the_database_lacks_is_said(
    owner: DatabaseWrapper, statements: list[str], expected: list[tuple[str, str]]
) -> None:
    with owner.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        assert found(cursor) == expected


@pytest.mark.parametrize(
    "change",
    [
        f"USING ({EQUALITY} OR true)",
        f"USING ({EQUALITY} OR tenant_id IS NULL)",
        "USING (CASE WHEN app_tenant() IS NULL THEN false ELSE tenant_id = app_tenant() END)",
        "USING (tenant_id >= (SELECT app_tenant()))",
        "USING (id = (SELECT app_tenant()))",
        "WITH CHECK (true)",
        "TO trunkline_platform",
    ],
)
def test_a_policy_other_than_the_plain_equality_is_said(owner: DatabaseWrapper, change: str) -> None:
    with owner.cursor() as cursor:
        cursor.execute(f"ALTER POLICY tenant_isolation ON tariffs_codedeck {change}")
        ((code, message),) = found(cursor)
    assert code == "trunkline.E006"
    assert message.startswith("tariffs_codedeck: policy tenant_isolation is not as EnableRLS makes it")


def test_a_policy_for_some_commands_only_is_said(owner: DatabaseWrapper) -> None:
    with owner.cursor() as cursor:
        cursor.execute("DROP POLICY tenant_isolation ON tariffs_codedeck")
        cursor.execute(f"CREATE POLICY tenant_isolation ON tariffs_codedeck FOR SELECT USING ({EQUALITY})")
        assert [code for code, _ in found(cursor)] == ["trunkline.E006"]


@pytest.mark.parametrize("command", ["GRANT stray_role TO trunkline_app", "ALTER TABLE stray OWNER TO trunkline_app"])
def test_a_role_that_is_more_than_it_must_be_is_said(test_database: Any, command: str) -> None:
    with test_database.connect() as admin, admin.transaction(force_rollback=True), admin.cursor() as cursor:
        cursor.execute("CREATE ROLE stray_role")
        cursor.execute("CREATE VIEW stray WITH (security_invoker = true) AS SELECT 1")
        cursor.execute("GRANT CREATE ON SCHEMA public TO trunkline_app")
        assert found(cursor) == []
        cursor.execute(command)
        assert [code for code, _ in found(cursor)] == ["trunkline.E008"]


class Unconfined(models.Manager[Any]):
    """A manager that asks for no scope."""


def messages(monkeypatch: pytest.MonkeyPatch, model: type[models.Model]) -> list[tuple[str | None, str]]:
    monkeypatch.setattr(checks, "tenant_models", lambda: [model])
    return [(error.id, error.msg) for error in checks.check_models()]


@isolate_apps("trunkline.kit")
def test_a_reference_without_its_constraint_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Child(TenantModel):
        deck = tenant_reference("tariffs.CodeDeck")
        plain = models.ForeignKey("tariffs.CodeDeck", on_delete=models.CASCADE, related_name="+")
        many = models.ManyToManyField("tariffs.CodeDeck", related_name="+")

        class Meta:
            app_label = "kit"
            constraints = (TenantForeignKey(field="plain", name="child_plain_fk"),)

    resolve(Child)
    assert messages(monkeypatch, Child) == [
        ("trunkline.E001", "deck has no TenantForeignKey constraint"),
        ("trunkline.E001", "plain is not made by tenant_reference()"),
        ("trunkline.E001", "many: a table between has no tenant; make it a model"),
    ]


def resolve(model: type[models.Model]) -> None:
    """What the app registry does for models that are no part of a test: names become models."""
    from trunkline.tariffs.models import CodeDeck
    from trunkline.tenancy.models import Tenant

    for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
        if field.remote_field:
            field.remote_field.model = Tenant if field.name == "tenant" else CodeDeck


@isolate_apps("trunkline.kit")
def test_a_reference_that_may_go_unchecked_is_named_by_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    class Child(TenantModel):
        deck = tenant_reference("tariffs.CodeDeck")
        UNCHECKED_REFERENCES = frozenset({"deck"})

        class Meta:
            app_label = "kit"

    resolve(Child)
    assert messages(monkeypatch, Child) == []


@isolate_apps("trunkline.kit")
def test_a_unique_key_that_does_not_lead_with_the_tenant_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Child(TenantModel):
        code = models.CharField(max_length=10, unique=True)
        name = models.CharField(max_length=10)

        class Meta:
            app_label = "kit"
            unique_together = (("name", "code"),)
            constraints = (
                models.UniqueConstraint(fields=["tenant", "name"], name="right"),
                models.UniqueConstraint(fields=["name", "tenant"], name="turned"),
                models.UniqueConstraint(models.F("tenant"), models.functions.Lower("name"), name="right_expression"),
                models.UniqueConstraint(models.functions.Lower("name"), name="expression"),
            )

    assert messages(monkeypatch, Child) == [
        ("trunkline.E002", f"unique key {name} does not lead with the tenant")
        for name in ("code", "name, code", "turned", "expression")
    ]


@isolate_apps("trunkline.kit")
def test_a_manager_that_does_not_ask_for_the_scope_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Child(TenantModel):
        objects = Unconfined()

        class Meta:
            app_label = "kit"

    assert messages(monkeypatch, Child) == [
        ("trunkline.E007", "_default_manager is no TenantManager: outside a scope it finds nothing"),
        ("trunkline.E007", "_base_manager is no TenantManager: outside a scope it finds nothing"),
    ]


def test_tenant_models_are_all_that_have_one_history_included() -> None:
    names = {model._meta.label for model in checks.tenant_models()}
    assert {"parties.Account", "parties.AccountHistoryevent", "ledger.Entry"} <= names
    assert "tenancy.Tenant" not in names
