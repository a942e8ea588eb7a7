"""Workers that are stopped, meet, or overtake each other: each file counts once."""

from __future__ import annotations

import signal
import time

import pytest

from bench.forks import Command, Done
from bench.state import connect
from tests.crash.folder import Folder
from tests.crash.steps import load

pytestmark = pytest.mark.crash

HOLDERS = """
SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND a.usename = 'trunkline_app'
"""
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def stop_at(folder: Folder, step: str, *arguments: str) -> Command:
    """Start a command and wait until it stands at the step."""
    command = folder.start(*arguments, fault=f"{step}:stop")
    assert command.stands(), command.done()
    return command


def go_on(command: Command) -> Done:
    """Let a command that stands go on, and wait for its end."""
    command.send(signal.SIGCONT)
    return command.done()


def wait_until_it_waits(folder: Folder, command: Command) -> None:
    """Until the command waits for a lock that another one holds."""
    with connect(folder.home) as connection:
        while not connection.execute(WAITING).fetchall():
            assert not command.has_ended(), command.done()
            time.sleep(0.01)


def march(folder: Folder, *more: str) -> tuple[str, ...]:
    return "usage", "load", str(folder.files / "march.csv"), "--switch", "core", *more


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_end_finishes_the_file_in_hand(prepared: Folder, number: signal.Signals) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    prepared.command(*march(prepared, "--background"))
    worker = stop_at(prepared, "decoding", "worker")
    worker.send(number)
    done = go_on(worker)
    assert (done.code, done.err.strip()) == (0, ""), done
    prepared.assert_same_as(expected)


def test_two_that_take_the_same_file_at_once_take_it_once(prepared: Folder) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    first = stop_at(prepared, "decoding", *march(prepared))
    second = prepared.start(*march(prepared))
    wait_until_it_waits(prepared, second)
    assert (go_on(first).code, second.done().code) == (0, 0)
    prepared.assert_same_as(expected)
    with connect(prepared.home) as connection:
        assert connection.execute("SELECT attempt FROM usage_batch WHERE name = 'march.csv'").fetchall() == [(1,)]


@pytest.mark.parametrize("step", ["decoding", "temporary_written", "renamed"])
def test_a_worker_that_was_overtaken_without_knowing_adds_nothing(prepared: Folder, step: str) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    slow = stop_at(prepared, step, *march(prepared))
    with connect(prepared.home) as connection:
        assert len(connection.execute(HOLDERS).fetchall()) == 1
    prepared.load("march.csv")
    done = go_on(slow)
    assert (done.code, done.err.strip()) == (0, ""), done
    prepared.assert_same_as(expected)


def test_a_worker_whose_server_dies_ends_with_a_word_and_the_next_goes_on(prepared: Folder) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    prepared.command(*march(prepared, "--background"))
    done = prepared.run("worker", fault="decoding:postgres")
    assert (done.code, "error: PostgreSQL went away" in done.err) == (1, True), done
    prepared.command("worker", "--once")
    prepared.assert_same_as(expected)
