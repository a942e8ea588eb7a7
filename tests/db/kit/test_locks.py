"""Locks: rows in one order, names, and work that outlasts a transaction."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from tests.databases import AT, TestDatabase
from trunkline.core.errors import NotFound
from trunkline.kit.db.locks import lock_name, lock_rows, work_lock
from trunkline.tariffs.models import CodeDeck
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

HOLDER = """
import sys
from trunkline.kit.db.locks import work_lock
with work_lock("usage", 1):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def alpha(committed_db: TestDatabase) -> Tenant:
    return create_tenant(name="Alpha Carrier", currency="USD", timezone="UTC", actor="test", at=AT)


def make_decks(tenant: Tenant, count: int) -> list[int]:
    with scope(tenant, "test"):
        return [CodeDeck.objects.create(name=f"deck {n}").pk for n in range(count)]


@contextmanager
def elsewhere(action: Any) -> Iterator[threading.Thread]:
    """Run in another thread, with a connection of its own; joined at the end."""

    def run() -> None:
        try:
            action()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join()


def test_rows_come_in_the_order_of_their_ids_as_they_are_after_the_wait(alpha: Tenant) -> None:
    first, second, third = make_decks(alpha, 3)
    seen: list[list[tuple[int, str]]] = []

    def lock_all() -> None:
        with scope(alpha, "other"):
            seen.append(
                [(row.pk, row.name) for row in lock_rows(CodeDeck.objects.all(), [third, first, second, first])]
            )

    with scope(alpha, "test"):
        (held,) = lock_rows(CodeDeck.objects.all(), [second])
        with transaction.atomic():
            held.name = "renamed"
            held.save()
    with elsewhere(lock_all):
        pass
    assert seen == [[(first, "deck 0"), (second, "renamed"), (third, "deck 2")]]


def test_a_locked_row_makes_others_wait(alpha: Tenant) -> None:
    (deck,) = make_decks(alpha, 1)
    errors: list[str] = []

    def lock_impatiently() -> None:
        with scope(alpha, "other"):
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
            lock_rows(CodeDeck.objects.all(), [deck])

    def try_it() -> None:
        with pytest.raises(OperationalError) as caught:
            lock_impatiently()
        errors.append(type(caught.value.__cause__).__name__)

    with scope(alpha, "test"):
        lock_rows(CodeDeck.objects.all(), [deck])
        with elsewhere(try_it):
            pass
    assert errors == ["LockNotAvailable"]


def test_many_writers_of_the_same_rows_never_wait_for_each_other(alpha: Tenant) -> None:
    decks = make_decks(alpha, 6)
    done: list[int] = []

    def lock_often(order: list[int]) -> None:
        for _ in range(20):
            with scope(alpha, "other"):
                lock_rows(CodeDeck.objects.all(), order)
        done.append(len(order))

    with elsewhere(lambda: lock_often(decks)), elsewhere(lambda: lock_often(decks[::-1])):
        lock_often(decks[3:] + decks[:3])
    assert done == [6, 6, 6]


def test_a_row_that_is_not_there_or_not_ours_is_not_found(tenant: Tenant, other_tenant: Tenant) -> None:
    (theirs,) = make_decks(other_tenant, 1)
    for wanted in (theirs, 999_999_999):
        with scope(tenant, "test"), pytest.raises(NotFound, match="code deck not found") as caught:
            lock_rows(CodeDeck.objects.all(), [wanted])
        assert caught.value.code == "not_found"


def test_a_lock_outside_a_transaction_is_refused(committed_db: TestDatabase) -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        lock_rows(CodeDeck.objects.all(), [1])
    with pytest.raises(RuntimeError, match="outside a transaction"):
        lock_name("invoice", 1)


def test_a_name_is_held_until_the_transaction_ends(committed_db: TestDatabase) -> None:
    order: list[str] = []

    def take() -> None:
        with transaction.atomic():
            lock_name("invoice", 1)
            order.append("other")
        connection.close()

    waiting = threading.Thread(target=take)
    with transaction.atomic():
        lock_name("invoice", 1)
        waiting.start()
        wait_until_it_waits(waiting, committed_db)
        order.append("first")
    waiting.join()
    assert order == ["first", "other"]


def wait_until_it_waits(thread: threading.Thread, database: TestDatabase) -> None:
    """Until PostgreSQL says that a session waits for an advisory lock: that of the thread."""
    query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
    with database.connect() as admin:
        while not admin.execute(query).fetchall():
            assert thread.is_alive()


def end_the_holder(database: TestDatabase) -> None:
    """Take the connection that holds the lock away, as a broken network would."""
    with database.connect() as admin:
        holds = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
        assert database.end_sessions(admin, which=holds) == 1


def test_other_names_are_free(committed_db: TestDatabase) -> None:
    with work_lock("usage", 1, wait=False) as first, work_lock("usage", 2, wait=False) as second:
        assert (first, second) == (True, True)
    with work_lock("usage", "1x", wait=False), work_lock("usage1", "x", wait=False) as other:
        assert other is True


def test_work_is_held_by_one_at_a_time_and_freed_at_its_end(committed_db: TestDatabase) -> None:
    with work_lock("usage", 1, wait=False) as first:
        with work_lock("usage", 1, wait=False) as second:
            assert (first, second) == (True, False)
        with work_lock("usage", 1, wait=False) as third:
            assert third is False
    with work_lock("usage", 1, wait=False) as again:
        assert again is True


def test_work_that_fails_frees_it(committed_db: TestDatabase) -> None:
    with pytest.raises(ValueError, match="work"), work_lock("usage", 1):
        raise ValueError("work")
    with work_lock("usage", 1, wait=False) as again:
        assert again is True


def test_work_lasts_longer_than_a_transaction_and_needs_none(alpha: Tenant) -> None:
    with work_lock("usage", 1):
        with scope(alpha, "test"):
            CodeDeck.objects.create(name="a")
        with scope(alpha, "test"):
            CodeDeck.objects.create(name="b")
        with work_lock("usage", 1, wait=False) as second:
            assert second is False


@pytest.fixture
def holder(committed_db: TestDatabase) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the work lock."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDER]
    process = subprocess.Popen(command, env=committed_db.environment, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_killed_process_frees_it(holder: subprocess.Popen[str]) -> None:
    with work_lock("usage", 1, wait=False) as early:
        assert early is False
    os.kill(holder.pid, signal.SIGKILL)
    with work_lock("usage", 1) as got:
        assert got is True


def test_a_lost_connection_frees_it(holder: subprocess.Popen[str], committed_db: TestDatabase) -> None:
    end_the_holder(committed_db)
    with work_lock("usage", 1, wait=False) as got:
        assert got is True


def test_losing_the_connection_does_not_hide_what_the_work_did(committed_db: TestDatabase) -> None:
    done = []
    with work_lock("usage", 1):
        end_the_holder(committed_db)
        done.append("work")
    assert done == ["work"]
