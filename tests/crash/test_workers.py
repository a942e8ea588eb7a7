"""Workers that are stopped, meet, or overtake each other: each file counts once."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from bench.state import connect
from tests.crash.folder import Folder
from tests.crash.test_steps import load, watch

pytestmark = pytest.mark.crash

HOLDERS = """
SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND a.usename = 'trunkline_app'
"""


def wait_until_it_stands(process: subprocess.Popen[str]) -> None:
    """Until the process has stopped itself at its step."""
    ended = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_code == os.CLD_STOPPED, process.communicate()


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate()
    return process.returncode, err.strip()


def march(folder: Folder, *more: str) -> tuple[str, ...]:
    return "usage", "load", str(folder.files / "march.csv"), "--switch", "core", *more


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_end_finishes_the_file_in_hand(prepared: Folder, number: signal.Signals) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    prepared.command(*march(prepared, "--background"))
    worker = prepared.start("worker", fault="decoding:stop")
    wait_until_it_stands(worker)
    worker.send_signal(number)
    assert end_of(worker) == (0, "")
    prepared.assert_same_as(expected)


def test_two_that_take_the_same_file_at_once_take_it_once(prepared: Folder) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    first = prepared.start(*march(prepared), fault="decoding:stop")
    wait_until_it_stands(first)
    second = prepared.start(*march(prepared))
    assert (end_of(first)[0], end_of(second)[0]) == (0, 0)
    prepared.assert_same_as(expected)
    with connect(prepared.home) as connection:
        assert connection.execute("SELECT attempt FROM usage_batch WHERE name = 'march.csv'").fetchall() == [(1,)]


@pytest.mark.parametrize("step", ["decoding", "temporary_written", "renamed"])
def test_a_worker_that_was_overtaken_without_knowing_adds_nothing(prepared: Folder, step: str) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    slow = prepared.start(*march(prepared), fault=f"{step}:stop")
    wait_until_it_stands(slow)
    with connect(prepared.home) as connection:
        assert len(connection.execute(HOLDERS).fetchall()) == 1
    prepared.load("march.csv")
    assert end_of(slow) == (0, "")
    prepared.assert_same_as(expected)


def test_a_worker_whose_server_dies_ends_with_a_word_and_the_next_goes_on(prepared: Folder) -> None:
    expected = prepared.undisturbed("empty", watch)
    prepared.put_back("empty")
    prepared.put_into_watched()
    worker = prepared.start("worker", fault="decoding:postgres")
    code, err = end_of(worker)
    assert (code, "error: PostgreSQL went away" in err) == (1, True), err
    prepared.command("worker", "--once")
    prepared.assert_same_as(expected)
