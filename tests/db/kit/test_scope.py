"""The scope: the only way to a tenant's rows, one transaction long."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from tests.databases import AT, TestDatabase
from trunkline.tariffs.models import CodeDeck
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import Scope, ScopeError, current_scope, current_tenant_id, scope


def setting(name: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT NULLIF(current_setting(%s, true), '')", [name])
        found: str | None = cursor.fetchone()[0]
        return found


def decks() -> list[str]:
    return sorted(CodeDeck.objects.values_list("name", flat=True))


def add_and_fail(tenant: Tenant) -> None:
    with scope(tenant, "test"):
        CodeDeck.objects.create(name="undone")
        raise ValueError("inside")


@pytest.fixture
def committed_tenant(committed_db: TestDatabase) -> Tenant:
    return create_tenant(name="Alpha Carrier", currency="USD", timezone="UTC", actor="test", at=AT)


def test_inside_a_scope_python_and_postgresql_know_who_works_for_whom(tenant: Tenant) -> None:
    with scope(tenant, "cli:ann", reason="ticket 7") as opened:
        assert opened == current_scope() == Scope(tenant.pk, "cli:ann", "ticket 7")
        assert current_tenant_id() == tenant.pk
        assert (setting("app.tenant"), setting("app.actor")) == (str(tenant.pk), "cli:ann")
    assert current_scope() is None
    assert (setting("app.tenant"), setting("app.actor")) == (None, None)


def test_a_tenant_is_named_by_itself_or_by_its_id(tenant: Tenant) -> None:
    with scope(tenant.pk, "test"):
        assert current_tenant_id() == tenant.pk


def test_there_is_no_tenant_outside(db: None) -> None:
    with pytest.raises(ScopeError, match="open one for the tenant first"):
        current_tenant_id()


def test_a_scope_of_the_same_tenant_joins_as_a_savepoint(tenant: Tenant) -> None:
    with scope(tenant, "outer") as outer:
        CodeDeck.objects.create(name="kept")
        with scope(tenant, "inner") as inner:
            assert inner is outer  # whoever opened it acts
        with pytest.raises(ValueError, match="inside"):
            add_and_fail(tenant)
        assert (current_scope(), decks()) == (outer, ["kept"])


def test_a_scope_of_another_tenant_cannot_be_opened_inside(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = scope(other_tenant, "test")
    with scope(tenant, "test"):
        with pytest.raises(ScopeError, match=f"tenant {tenant.pk} is open; one of tenant {other_tenant.pk}"), foreign:
            pass
        assert setting("app.tenant") == str(tenant.pk)


def test_one_after_the_other_each_sees_its_own(tenant: Tenant, other_tenant: Tenant) -> None:
    for owner in (tenant, other_tenant):
        with scope(owner, "test"):
            CodeDeck.objects.create(name=f"deck of {owner.slug}")
    for owner in (tenant, other_tenant):
        with scope(owner, "test"):
            assert decks() == [f"deck of {owner.slug}"]


def test_an_exception_undoes_everything_and_leaves_nothing_open(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="inside"):
        add_and_fail(tenant)
    assert (current_scope(), setting("app.tenant")) == (None, None)
    with scope(tenant, "test"):
        assert decks() == []


def test_an_error_of_the_database_leaves_nothing_open(tenant: Tenant) -> None:
    with pytest.raises(Exception, match="division by zero"), scope(tenant, "test"), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert (current_scope(), setting("app.tenant")) == (None, None)


@pytest.mark.parametrize(("tenant_id", "actor"), [(None, "test"), ("1", "test"), (True, "test"), (1, "")])
def test_a_scope_needs_a_tenant_and_an_actor(db: None, tenant_id: Any, actor: str) -> None:
    with pytest.raises(ScopeError, match="a scope needs"), scope(tenant_id, actor):
        pass


def test_what_is_asked_for_inside_and_read_outside_raises(tenant: Tenant) -> None:
    with scope(tenant, "test"):
        CodeDeck.objects.create(name="deck")
        late = CodeDeck.objects.all()
        deferred = CodeDeck.objects.only("id").get()
    with pytest.raises(ScopeError, match=r"tariffs\.CodeDeck"):
        list(late)
    with pytest.raises(ScopeError, match=r"tariffs\.CodeDeck"):
        str(deferred.name)


def test_a_commit_ends_it_for_postgresql_too(committed_tenant: Tenant) -> None:
    with scope(committed_tenant, "test"):
        CodeDeck.objects.create(name="deck")
    assert (connection.in_atomic_block, setting("app.tenant")) == (False, None)
    with scope(committed_tenant, "test"):
        assert decks() == ["deck"]


def test_what_runs_on_commit_has_no_scope(committed_tenant: Tenant) -> None:
    seen: list[object] = []
    with scope(committed_tenant, "test"):
        transaction.on_commit(lambda: seen.append((current_scope(), setting("app.tenant"))))
    assert seen == [(None, None)]


def test_a_scope_is_of_one_thread(committed_tenant: Tenant) -> None:
    seen: list[object] = []
    with scope(committed_tenant, "test"):
        thread = threading.Thread(target=lambda: seen.append(current_scope()))
        thread.start()
        thread.join()
    assert seen == [None]


def add_deck_elsewhere(tenant: Tenant, name: str) -> None:
    def add() -> None:
        with scope(tenant, "elsewhere"):
            CodeDeck.objects.create(name=name)
        connection.close()

    thread = threading.Thread(target=add)
    thread.start()
    thread.join()


@pytest.mark.parametrize(("snapshot", "seen"), [(True, []), (False, ["new"])])
def test_a_snapshot_is_one_moment_for_every_query(committed_tenant: Tenant, snapshot: bool, seen: list[str]) -> None:
    with scope(committed_tenant, "test", snapshot=snapshot):
        assert decks() == []
        add_deck_elsewhere(committed_tenant, "new")
        assert decks() == seen
    with scope(committed_tenant, "test"):
        assert decks() == ["new"]


@pytest.mark.parametrize("around", ["a scope", "a transaction"])
def test_a_snapshot_needs_a_transaction_of_its_own(committed_tenant: Tenant, around: str) -> None:
    opened = scope(committed_tenant, "test") if around == "a scope" else transaction.atomic()
    inside = scope(committed_tenant, "test", snapshot=True)
    with opened, pytest.raises(ScopeError, match="a snapshot begins with its transaction"), inside:
        pass


def test_after_the_server_went_away_the_next_scope_connects_again(
    committed_tenant: Tenant, committed_db: TestDatabase
) -> None:
    with scope(committed_tenant, "test"):
        CodeDeck.objects.create(name="before")
    with committed_db.connect() as admin:
        assert committed_db.end_sessions(admin) == 1
    with scope(committed_tenant, "test"):
        assert decks() == ["before"]


def test_a_scope_begins_with_one_message_to_the_server(committed_tenant: Tenant) -> None:
    asked: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with scope(committed_tenant, "cli:o'brien \\ é", reason="it's % done"):
        assert connection.in_atomic_block
        assert setting("app.tenant") == str(committed_tenant.pk)
        assert setting("app.actor") == "cli:o'brien \\ é"
        assert '"it\'s % done"' in str(setting("pghistory.context_metadata"))
    assert setting("app.tenant") is None
    with connection.execute_wrapper(note), scope(committed_tenant, "test"):
        assert setting("app.actor") == "test"
    assert asked[0].startswith("SELECT set_config('app.tenant'")


def test_a_scope_that_the_server_refuses_leaves_no_transaction_behind(committed_tenant: Tenant) -> None:
    with pytest.raises(DataError, match="NUL"), scope(committed_tenant, "nul\x00"):
        pass
    assert (current_scope(), connection.in_atomic_block) == (None, False)
    with scope(committed_tenant, "test"):
        assert setting("app.tenant") == str(committed_tenant.pk)
