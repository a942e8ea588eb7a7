"""One page after the other: a process of Python computes one thing at a time, so pages that are asked for at once are made in the order in which they came.

Left to themselves the threads of a process share it: each page takes as long as all that are in work together, the longest waits for everybody, and
the switching itself took a quarter of the processor (docs/adr/010). So a page takes a place before it begins and gives it back when its answer is
made; sending it is nobody's concern any more. What does not compute here has no place: files, large bodies on their way in, what machines ask, and
work outside a scope (`identity.outside`).

A gate gives an order and nothing else; nobody can be kept out by it. Whoever has been inside for `HELD_S`, whatever for (a lock of the database, a
long search, somebody who sends slowly), goes on without a place, and the next comes in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from time import monotonic, perf_counter
from typing import Any, Final

PLACES: Final = 1
HELD_S: Final = 0.5
# Where a request carries its turn, and when it came, as `perf_counter` says it: whoever measures it counts the waiting.
TURN: Final = "trunkline.turn"
CAME_AT: Final = "trunkline.came_at"
STATIC: Final = "/static/"
MACHINE: Final = ("/health", "/ready", "/metrics")
# A body of so few octets comes with the head of its request or right behind it.
BODY_MAX: Final = 65_536

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(slots=True, eq=False)
class Turn:
    """Somebody who waits or is inside."""

    is_in: Event = field(default_factory=Event)
    since: float = 0.0


class Gate:
    """Lets in as many as there are places, first come first served. `now` is a clock in seconds."""

    def __init__(self, places: int = PLACES, held_s: float = HELD_S, *, now: Callable[[], float] = monotonic) -> None:
        self._places, self._held_s, self._now = places, held_s, now
        self._lock = Lock()
        self._inside: list[Turn] = []  # by when they came in
        self._waiting: deque[Turn] = deque()

    def enter(self, turn: Turn) -> None:
        """Wait until it is one's turn."""
        turn.is_in.clear()
        with self._lock:
            self._waiting.append(turn)
            rest = self._let_in()
        try:
            while not turn.is_in.wait(rest):
                with self._lock:
                    rest = self._let_in()
        except BaseException:
            self.leave(turn)
            raise

    def leave(self, turn: Turn) -> None:
        """Make room for the next; nothing where one has no place any more."""
        with self._lock:
            for each in (self._inside, self._waiting):
                if turn in each:
                    each.remove(turn)
            self._let_in()

    @contextmanager
    def inside(self, turn: Turn) -> Iterator[None]:
        """Have a place."""
        self.enter(turn)
        try:
            yield
        finally:
            self.leave(turn)

    @contextmanager
    def outside(self, turn: Turn) -> Iterator[None]:
        """Give the place to others for a while, then wait for one as if one came anew. Hold nothing that others inside may wait for."""
        self.leave(turn)
        try:
            yield
        finally:
            self.enter(turn)

    def _let_in(self) -> float:
        """Give what is free to who has waited longest: seconds until somebody has been inside for too long."""
        now = self._now()
        while self._inside and now - self._inside[0].since >= self._held_s:
            del self._inside[0]
        while self._waiting and len(self._inside) < self._places:
            turn = self._waiting.popleft()
            turn.since = now
            self._inside.append(turn)
            turn.is_in.set()
        return self._inside[0].since + self._held_s - now if self._inside else self._held_s


class Gated:
    """An application of WSGI behind a gate; of one that sends its answer bit by bit only the beginning is made inside."""

    def __init__(self, application: Application, gate: Gate) -> None:
        self._application, self._gate = application, gate

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[CAME_AT] = perf_counter()
        if not _waits(environ):
            return self._application(environ, start_response)
        turn = Turn()
        environ[TURN] = (self._gate, turn)
        with self._gate.inside(turn):
            return self._application(environ, start_response)


@contextmanager
def stepped_aside(environ: Mapping[str, Any]) -> Iterator[None]:
    """Work inside that needs no place; afterwards the request waits for one again. No transaction may be open: who is inside may wait for it."""
    if TURN not in environ:
        yield
        return
    gate, turn = environ[TURN]
    with gate.outside(turn):
        yield


def _waits(environ: Mapping[str, Any]) -> bool:
    path = environ.get("PATH_INFO", "")
    if path in MACHINE or path.startswith(STATIC) or environ.get("HTTP_TRANSFER_ENCODING"):
        return False
    told = environ.get("CONTENT_LENGTH") or "0"
    return len(told) < 6 and told.isdecimal() and int(told) <= BODY_MAX
