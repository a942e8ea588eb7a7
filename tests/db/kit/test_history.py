"""History: who changed what, and why, written in the same transaction."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from tests.databases import AT, TestDatabase
from trunkline.tariffs.models import CodeDeck
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import ScopeError, scope

EVENTS: Any = CodeDeck.pgh_event_model  # type: ignore[attr-defined]


def told() -> list[tuple[str, str, dict[str, str]]]:
    return [(e.pgh_label, e.name, e.pgh_context) for e in EVENTS.objects.order_by("pgh_id")]


def test_every_change_is_told_with_actor_and_reason(tenant: Tenant) -> None:
    with scope(tenant, "cli:ann", reason="ticket 7"):
        deck = CodeDeck.objects.create(name="world")
    with scope(tenant, "key:3"):
        deck.name = "World"
        deck.save()
    with scope(tenant, "system"):
        deck.delete()
        assert told() == [
            ("insert", "world", {"actor": "cli:ann", "reason": "ticket 7"}),
            ("update", "World", {"actor": "key:3"}),
            ("delete", "World", {"actor": "system"}),
        ]


def test_bulk_writes_and_plain_sql_are_told_too(tenant: Tenant) -> None:
    with scope(tenant, "test"):
        CodeDeck.objects.bulk_create([CodeDeck(name="a"), CodeDeck(name="b")])
        CodeDeck.objects.filter(name="b").update(name="c")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM tariffs_codedeck WHERE name = 'a'")
        labels = [(label, name) for label, name, _ in told()]
        assert labels == [("insert", "a"), ("insert", "b"), ("update", "c"), ("delete", "a")]


def test_a_write_that_changes_nothing_is_not_told(tenant: Tenant) -> None:
    with scope(tenant, "test"):
        CodeDeck.objects.create(name="world")
        CodeDeck.objects.update(name=F("name"))
        assert [label for label, _, _ in told()] == ["insert"]


def test_what_is_undone_was_never_told(tenant: Tenant) -> None:
    with scope(tenant, "test"):
        CodeDeck.objects.create(name="world")
        transaction.set_rollback(True)
    with scope(tenant, "test"):
        assert told() == []


def test_changes_of_one_scope_share_a_context_and_those_of_the_next_have_another(tenant: Tenant) -> None:
    for names in (["a", "b"], ["c"]):
        with scope(tenant, "test"):
            CodeDeck.objects.bulk_create([CodeDeck(name=name) for name in names])
    with scope(tenant, "test"):
        first, second, third = EVENTS.objects.order_by("pgh_id").values_list("pgh_context_id", flat=True)
        assert first == second != third


def test_history_is_its_tenants_alone(tenant: Tenant, other_tenant: Tenant) -> None:
    with scope(tenant, "test"):
        CodeDeck.objects.create(name="world")
    with scope(other_tenant, "test"):
        assert told() == []
    with pytest.raises(ScopeError):
        told()


def test_what_a_command_writes_is_told_though_it_does_not_load_the_history(committed_db: TestDatabase) -> None:
    tenant = create_tenant(name="Alpha Carrier", currency="USD", timezone="UTC", actor="test", at=AT)
    program = f"""
import sys
from trunkline.cli.ready import set_up_django
set_up_django()
from trunkline.tariffs.models import CodeDeck
from trunkline.tenancy.scope import scope
with scope({tenant.pk}, "cli:ann", reason="ticket 7"):
    deck = CodeDeck.objects.create(name="world")
    deck.name = "World"
    deck.save()
assert "pghistory" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], env=committed_db.environment, check=True)
    with scope(tenant, "test"):
        who = {"actor": "cli:ann", "reason": "ticket 7"}
        assert told() == [("insert", "world", who), ("update", "World", who)]
