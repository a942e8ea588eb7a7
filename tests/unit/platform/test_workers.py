"""The processes that serve the web: who takes a connection, and what is answered while all are at work."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from gunicorn.config import Config

from tests.unit.platform import served
from trunkline.platform.workers import REST_S, Board, EvenWorker

HOST = "127.0.0.1"
PATIENCE_S = 30.0
PROCESSES, THREADS = 2, 2


def test_a_board_says_who_has_the_fewest() -> None:
    board = Board(3)
    assert board.least() == 0
    places = [board.take() for _ in range(3)]
    for place, connections in zip(places, (5, 2, 9), strict=True):
        board.say(place, connections)
    assert board.least() == 2
    board.free(places[1])
    assert board.least() == 5
    assert board.take() == places[1]
    assert board.least() == 0
    with pytest.raises(ValueError, match="not in list"):
        board.take()


class Listener:
    """A socket on which one connection waits until it is taken."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.is_taken = False

    def fileno(self) -> int:
        return self.ours.fileno()


@pytest.fixture
def worker() -> Iterator[EvenWorker]:
    """A process with a listener on which a connection waits; what it takes is noted."""

    class Noting(EvenWorker):
        pass

    found = Noting(1, 1, [Listener()], None, 10, Config(), None)
    found.poller = selectors.DefaultSelector()
    found.board = Board(2)
    found.place = found.board.take()
    found.board.take()
    found.set_accept_enabled(True)
    listener: Any = found.sockets[0]
    listener.theirs.send(b"somebody")
    yield found
    found.tmp.close()
    found.poller.close()
    listener.ours.close()
    listener.theirs.close()


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What gunicorn's own worker took."""
    found: list[Any] = []
    monkeypatch.setattr("gunicorn.workers.gthread.ThreadWorker.accept", lambda self, listener: found.append(listener))
    monkeypatch.setattr(Listener, "setblocking", lambda self, flag: None, raising=False)
    return found


def test_who_has_no_more_than_others_takes_a_connection_at_once(worker: EvenWorker, taken: list[Any]) -> None:
    worker.wait_for_and_dispatch_events(0)
    assert taken == worker.sockets


def test_who_has_more_leaves_it_for_a_moment_and_then_takes_it(worker: EvenWorker, taken: list[Any]) -> None:
    worker.nr_conns = 1
    worker.wait_for_and_dispatch_events(0)
    assert taken == []
    begin = monotonic()
    worker.wait_for_and_dispatch_events(PATIENCE_S)  # no longer than the rest
    assert taken == worker.sockets
    assert REST_S / 2 < monotonic() - begin < PATIENCE_S


def test_a_process_that_ends_while_it_rests_listens_no_more(worker: EvenWorker) -> None:
    worker.nr_conns = 1
    worker.wait_for_and_dispatch_events(0)
    worker.set_accept_enabled(False)
    assert not worker.poller.get_map()


def test_a_process_that_ends_is_not_waited_for(worker: EvenWorker) -> None:
    worker.alive = False
    worker.wait_for_and_dispatch_events(0)
    worker.board.say(1 - worker.place, 7)
    assert worker.board.least() == 7


class Server:
    """gunicorn with two processes of two threads, as `up` sets it up, in front of `served`."""

    def __init__(self, folder: Path) -> None:
        self.go_on = folder / "go-on"
        with socket.create_server((HOST, 0)) as free:
            self.port = int(free.getsockname()[1])
        command = [sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{self.port}", "--workers", str(PROCESSES)]
        command += ["--threads", str(THREADS), "--config", "python:trunkline.platform.processes", "--no-control-socket"]
        command += ["--log-level", "warning", "tests.unit.platform.served:application"]
        settings = {"DJANGO_SETTINGS_MODULE": "trunkline.platform.settings", "TRUNKLINE_HOME": str(folder)}
        environment = os.environ | settings | {served.GO_ON: str(self.go_on)}
        self.process = subprocess.Popen(command, env=environment)
        self.open: list[HTTPConnection] = []

    def ask(self, path: str = "/") -> HTTPConnection:
        """A request on a new connection, which stays open."""
        connection = HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        self.open.append(connection)
        connection.request("GET", path)
        return connection

    def pid(self, path: str = "/") -> int:
        """Who answers on a new connection, which stays open."""
        answer = self.ask(path).getresponse()
        assert answer.status == 200
        return int(answer.read())

    def wait(self) -> None:
        """Until every process answers."""
        end, pids = monotonic() + PATIENCE_S, set[int]()
        while len(pids) < PROCESSES and monotonic() < end:
            try:
                pids.add(self.pid())
            except ConnectionRefusedError:
                sleep(0.05)
        self.hang_up()
        assert len(pids) == PROCESSES

    def hang_up(self) -> None:
        for each in self.open:
            each.close()
        self.open.clear()

    def close(self) -> None:
        self.go_on.touch()
        self.hang_up()
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    try:
        found.wait()
        yield found
    finally:
        found.close()


def test_connections_are_spread_over_the_processes(server: Server) -> None:
    counts = Counter(server.pid() for _ in range(20))
    assert len(counts) == PROCESSES
    assert max(counts.values()) <= 14  # 10, where the machine has time for both


def test_a_process_that_hangs_keeps_nobody_waiting(server: Server) -> None:
    pids: set[int] = set()
    while len(pids) < PROCESSES:
        pids.add(server.pid())
    hung, other = sorted(pids)
    os.kill(hung, signal.SIGSTOP)
    try:
        assert {server.pid() for _ in range(6)} == {other}
    finally:
        os.kill(hung, signal.SIGCONT)


def test_what_machines_ask_is_answered_while_all_threads_are_at_work(server: Server) -> None:
    slow = [server.ask("/slow") for _ in range(4 * PROCESSES * THREADS)]
    for path in ("/health", "/ready", "/metrics", "/health"):
        server.pid(path)
    server.go_on.touch()
    assert [each.getresponse().read() for each in slow].count(b"") == 0


def test_a_connection_on_which_nothing_is_asked_takes_no_thread(server: Server) -> None:
    idle = [socket.create_connection((HOST, server.port)) for _ in range(4 * PROCESSES * THREADS)]
    begin = monotonic()
    server.pid()
    assert monotonic() - begin < 5  # after which gunicorn itself takes a thread from whoever asks nothing
    for each in idle:
        each.close()
