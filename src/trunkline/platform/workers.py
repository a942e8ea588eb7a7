"""The processes of gunicorn that serve the web: connections spread evenly over them, and a short way for what machines ask.

A browser keeps its connection, and all its pages are made by the process that took it. Who takes a new one is whoever looks first: of twenty,
two processes had 8 and 12, and who came to the larger half waited half as long again (docs/adr/010). So each process says how many it has, and one that
has more than another leaves a new one to the others for a moment. If nobody has taken it then, it does: a process that hangs keeps nobody waiting.

A connection gets a thread when its request has begun to arrive, so that one that is only held ready takes none. `/health`, `/ready` and `/metrics` have
threads of their own: they are answered also where all others are at work.
"""

from __future__ import annotations

import selectors
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from mmap import mmap
from time import monotonic
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from trunkline.platform.gate import MACHINE

REST_S: Final = 0.02
FIRST_REQUEST_S: Final = 7.0  # as long as gunicorn itself waits for it, five of them with a thread
MACHINE_THREADS: Final = 2
PROCESSES_MAX: Final = 256
MANY: Final = 1 << 30  # whoever has so many takes no more
_ASKED_BY_MACHINES: Final = tuple(f"GET {path} ".encode() for path in MACHINE)
_PEEKED: Final = max(map(len, _ASKED_BY_MACHINES))


class Board:
    """How many connections each process has, for all of them to see. It is made before the processes part, and so is the same for all."""

    def __init__(self, places: int = PROCESSES_MAX) -> None:
        self._said = memoryview(mmap(-1, 4 * places)).cast("i")  # one more than the connections; 0: nobody's place

    def take(self) -> int:
        """A place for a process that begins. Only their parent asks. Raises ValueError where there is none."""
        place = self._said.tolist().index(0)
        self.say(place, 0)
        return place

    def free(self, place: int) -> None:
        """Its process has ended. Only their parent says so."""
        self._said[place] = 0

    def say(self, place: int, connections: int) -> None:
        """How many a process has now."""
        self._said[place] = connections + 1

    def least(self) -> int:
        """How many the process has that has the fewest."""
        return min(filter(None, self._said.tolist()), default=1) - 1


class EvenWorker(ThreadWorker):
    """gunicorn's worker with threads; `board` and `place` are given to it by `processes.pre_fork`."""

    board: Board
    place: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rests_until: float | None = None

    def init_process(self) -> None:
        self._for_machines = ThreadPoolExecutor(max_workers=MACHINE_THREADS)
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Take a new connection, or leave it to a process that has fewer."""
        if self._rests_until is not None:
            return
        if self.nr_conns > self.board.least():
            self._rests_until = monotonic() + REST_S
            for each in self.sockets:
                self.poller.unregister(each)
            return
        super().accept(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if self._rests_until is not None:
            timeout = max(0.0, min(timeout, self._rests_until - monotonic()))
        super().wait_for_and_dispatch_events(timeout)
        if self._rests_until is not None and monotonic() >= self._rests_until:
            self._end_rest()
            for each in self.sockets:
                super().accept(each)  # what nobody has taken
        self.board.say(self.place, self.nr_conns if self.alive else MANY)

    def set_accept_enabled(self, enabled: bool) -> None:
        if self._rests_until is not None:
            self._end_rest()
        super().set_accept_enabled(enabled)

    def _end_rest(self) -> None:
        self._rests_until = None
        for each in self.sockets:
            self.poller.register(each, selectors.EVENT_READ, self.accept)

    def enqueue_req(self, conn: Any) -> None:
        """Have a request answered by a thread, as soon as it has begun to arrive."""
        begin = _begin(conn.sock)
        if begin is None:
            self._wait_for_request(conn)
            return
        pool = self._for_machines if begin.startswith(_ASKED_BY_MACHINES) else self.tpool
        conn.data_ready = True
        done = pool.submit(self.handle, conn)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def _wait_for_request(self, conn: Any) -> None:
        conn.sock.setblocking(False)
        conn.timeout = monotonic() + FIRST_REQUEST_S
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))


def _begin(sock: socket.socket) -> bytes | None:
    """What has arrived of a request, and stays to be read; None while that is nothing."""
    try:
        return sock.recv(_PEEKED, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # the thread finds out what is wrong
