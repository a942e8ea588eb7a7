"""Jobs: they exist exactly if what caused them was committed, and no dead worker keeps one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import TaskNotFound

from tests.databases import AT, TestDatabase
from trunkline.kit import jobs
from trunkline.tariffs.models import CodeDeck
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import current_scope, scope


@pytest.fixture
def note() -> Iterator[list[Any]]:
    """A task that is there for the test alone, and what it has done."""
    done: list[Any] = []

    @jobs.task("test.note")
    def write(*, tenant_id: int, name: str) -> None:
        if name == "bad":
            raise ValueError(name)
        done.append((name, current_scope()))
        with scope(tenant_id, "system"):
            CodeDeck.objects.create(name=name)
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user::text")
                done.append(cursor.fetchone()[0])

    yield done
    del app.tasks["test.note"]


@pytest.fixture
def alpha(committed_db: TestDatabase) -> Tenant:
    return create_tenant(name="Alpha Carrier", currency="USD", timezone="UTC", actor="test", at=AT)


def queue() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'name', status::text FROM procrastinate_jobs WHERE task_name = 'test.note' ORDER BY id"
        )
        rows: list[tuple[str, str]] = cursor.fetchall()
        return rows


def test_a_job_is_part_of_the_transaction(alpha: Tenant, note: list[Any]) -> None:
    with scope(alpha, "test"):
        assert jobs.defer("test.note", tenant_id=alpha.pk, name="undone") is True
        transaction.set_rollback(True)
    assert queue() == []
    with scope(alpha, "test"):
        jobs.defer("test.note", tenant_id=alpha.pk, name="kept")
    assert queue() == [("kept", "todo")]


def test_a_waiting_job_of_the_same_key_makes_another_needless(alpha: Tenant, note: list[Any]) -> None:
    with scope(alpha, "test"):
        CodeDeck.objects.create(name="before")
        deferred = [jobs.defer("test.note", key="1", tenant_id=alpha.pk, name=name) for name in ("first", "second")]
        CodeDeck.objects.create(name="after")
    assert (deferred, queue()) == ([True, False], [("first", "todo")])
    with scope(alpha, "test"):  # the refusal did not spoil the transaction
        assert sorted(CodeDeck.objects.values_list("name", flat=True)) == ["after", "before"]


def test_keys_of_tenants_do_not_meet(tenant: Tenant, other_tenant: Tenant, note: list[Any]) -> None:
    for owner in (tenant, other_tenant):
        assert jobs.defer("test.note", key="1", tenant_id=owner.pk, name=owner.slug) is True
    assert queue() == [("alpha-carrier", "todo"), ("beta-telecom", "todo")]


def test_once_it_has_run_the_key_is_free(alpha: Tenant, note: list[Any]) -> None:
    assert jobs.defer("test.note", key="1", tenant_id=alpha.pk, name="first") is True
    jobs.work()
    assert jobs.defer("test.note", key="1", tenant_id=alpha.pk, name="second") is True
    assert queue() == [("second", "todo")]


def test_a_name_that_no_task_has_is_refused(db: None) -> None:
    with pytest.raises(TaskNotFound):
        jobs.defer("test.nobody", tenant_id=1)


def test_the_worker_runs_what_waits_as_the_app_role_and_then_ends(alpha: Tenant, note: list[Any]) -> None:
    for name in ("a", "b"):
        jobs.defer("test.note", tenant_id=alpha.pk, name=name)
    jobs.work()
    assert note == [("a", None), "trunkline_app", ("b", None), "trunkline_app"]  # each opened its own scope
    with scope(alpha, "test"):
        assert sorted(CodeDeck.objects.values_list("name", flat=True)) == ["a", "b"]
    assert queue() == []


def test_a_job_that_fails_stays_to_be_looked_at_and_others_go_on(alpha: Tenant, note: list[Any]) -> None:
    for name in ("bad", "good"):
        jobs.defer("test.note", tenant_id=alpha.pk, name=name)
    jobs.work()
    assert [name for name, _ in note[::2]] == ["good"]
    assert queue() == [("bad", "failed")]


def test_a_worker_takes_only_the_queues_it_is_told(alpha: Tenant, note: list[Any]) -> None:
    jobs.defer("test.note", tenant_id=alpha.pk, name="a")
    jobs.work(queues=["usage"])
    assert queue() == [("a", "todo")]


def let_a_worker_die(database: TestDatabase) -> None:
    """In the middle of the job that waits. Its last sign of life is then moved into the past."""
    command = [sys.executable, "-m", "tests.db.kit.worker"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=database.environment, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with database.connect() as admin:
        admin.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '31 seconds'")


def test_the_job_of_a_killed_worker_is_taken_up_by_the_next(
    alpha: Tenant, note: list[Any], committed_db: TestDatabase
) -> None:
    jobs.defer("test.note", tenant_id=alpha.pk, name="a")
    let_a_worker_die(committed_db)
    assert queue() == [("a", "doing")]
    jobs.work()
    assert (note, queue()) == ([("a", None), "trunkline_app"], [])


def test_the_job_of_a_killed_worker_goes_where_another_of_its_key_waits(
    alpha: Tenant, note: list[Any], committed_db: TestDatabase
) -> None:
    jobs.defer("test.note", key="1", tenant_id=alpha.pk, name="first")
    let_a_worker_die(committed_db)
    jobs.defer("test.note", key="1", tenant_id=alpha.pk, name="second")
    assert (jobs.take_up(), queue()) == (0, [("second", "todo")])


def test_the_job_of_a_living_worker_stays_its_own(alpha: Tenant, note: list[Any], committed_db: TestDatabase) -> None:
    jobs.defer("test.note", tenant_id=alpha.pk, name="a")
    let_a_worker_die(committed_db)
    with committed_db.connect() as admin:
        admin.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() + interval '1 hour'"
        )  # however slow we are
    assert (jobs.take_up(), queue()) == (0, [("a", "doing")])
