"""Lists of a model are put into its class; everything else is rendered as Django does."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.migrations import operations
from django.db.migrations.state import ModelState, ProjectState
from pgtrigger import compiler
from pgtrigger.migrations import AddTrigger, RemoveTrigger

from trunkline.kit.db.rendering import lists_in_place

TRIGGER = compiler.Trigger(
    name="guard",
    sql=compiler.UpsertTriggerSql(
        func="RETURN NEW;",
        hash="0",
        operation="UPDATE",
        pgid="pgtrigger_guard_00000",
        table="app_switch",
        when="BEFORE",
    ),
)
POSITIVE = models.CheckConstraint(condition=models.Q(number__gt=0), name="positive")
UNIQUE = models.UniqueConstraint(fields=("number",), name="one")
INDEX = models.Index(fields=["number"], name="by_number")
CHANGES: list[Any] = [
    operations.AddConstraint("switch", POSITIVE),
    operations.AddConstraint("switch", UNIQUE),
    operations.AddIndex("switch", INDEX),
    AddTrigger("switch", TRIGGER),
    operations.RemoveConstraint("switch", "positive"),
    operations.RemoveIndex("switch", "by_number"),
    RemoveTrigger("switch", "guard"),
]


def rendered() -> ProjectState:
    state = ProjectState()
    number = ("number", models.IntegerField())
    state.add_model(ModelState("app", "Switch", [("id", models.AutoField(primary_key=True)), number]))
    refers = ("switch", models.ForeignKey("app.Switch", models.CASCADE))
    state.add_model(ModelState("app", "Trunk", [("id", models.AutoField(primary_key=True)), refers]))
    assert state.apps
    return state


def lists(state: ProjectState) -> dict[str, list[Any]]:
    meta: Any = state.apps.get_model("app", "switch")._meta
    return {
        name: list(getattr(meta, name, ()))
        for name in ("constraints", "indexes", "triggers", "total_unique_constraints")
    }


@pytest.mark.parametrize("count", range(1, len(CHANGES) + 1))
def test_lists_are_as_django_renders_them(count: int) -> None:
    plain, quick = rendered(), rendered()
    for change in CHANGES[:count]:
        change.state_forwards("app", plain)
        with lists_in_place():
            change.state_forwards("app", quick)
    assert lists(quick) == lists(plain)
    assert quick == plain


def test_no_class_is_made_anew() -> None:
    state = rendered()
    before = {name: state.apps.get_model("app", name) for name in ("switch", "trunk")}
    with lists_in_place():
        for change in CHANGES:
            change.state_forwards("app", state)
    assert {name: state.apps.get_model("app", name) for name in before} == before


def test_a_state_without_classes_gets_its_lists_when_they_are_made() -> None:
    state = rendered()
    del state.__dict__["apps"]
    with lists_in_place():
        operations.AddIndex("switch", INDEX).state_forwards("app", state)
    assert lists(state)["indexes"] == [INDEX]


def test_another_change_is_rendered() -> None:
    state = rendered()
    before = state.apps.get_model("app", "trunk")
    with lists_in_place():
        operations.AddField("switch", "name", models.TextField(default="")).state_forwards("app", state)
    assert state.apps.get_model("app", "trunk") is not before
    assert state.apps.get_model("app", "trunk")._meta.get_field("switch").related_model._meta.get_field("name")


def test_afterwards_django_is_as_it_was() -> None:
    methods = [ProjectState._append_option, AddTrigger.state_forwards, RemoveTrigger.state_forwards]
    with lists_in_place():
        pass
    assert [ProjectState._append_option, AddTrigger.state_forwards, RemoveTrigger.state_forwards] == methods
