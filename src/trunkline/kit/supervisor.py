"""Keeps a few processes running: starts them, starts again what ends, and ends all of them in good order.

The supervisor itself does no work, so it has no reason to fail. Its children are ended when it ends, also by kill -9 (prctl(2)); what a
worker had in hand then is taken up again by the queue, as after any crash.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from types import FrameType
from typing import Final

PATIENCE_S: Final = 60.0  # a worker may finish the job in hand
STABLE_S: Final = 60.0  # whoever has run so long begins with a short pause again
PAUSE_S: Final = 0.5
PAUSE_MAX_S: Final = 30.0
STARTS_MAX: Final = 8  # so many in a row that never became stable: something is wrong that starting again does not mend
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Service:
    """A process to be kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Kept:
    """A service at work."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    starts: int = 0  # in a row, without having become stable
    next_start: float = 0.0


class Supervisor:
    """Runs services until it is told to stop. `say` takes a line for whoever watches."""

    def __init__(self, services: Sequence[Service], *, say: Callable[[str], None]) -> None:
        self._kept = [_Kept(service) for service in services]
        self._say = say
        self._wake = threading.Event()
        self._told: int | None = None

    def run(self) -> int:
        """Run until SIGTERM or SIGINT (0), or until a service does not come up however often it is started (1)."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._on_child)
        try:
            while self._told is None:
                if not self._tend():
                    return 1
                self._wake.wait(self._until_next())
                self._wake.clear()
            return 0
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._told = number
        self._wake.set()

    def _on_child(self, number: int, frame: FrameType | None) -> None:
        self._wake.set()

    def _tend(self) -> bool:
        """Start what is not running and may be; False if one has failed too often."""
        now = monotonic()
        for kept in self._kept:
            if kept.process is not None and (code := kept.process.poll()) is not None:
                kept.process = None
                kept.starts = 0 if now - kept.started_at >= STABLE_S else kept.starts
                if kept.starts >= STARTS_MAX:
                    self._say(
                        f"{kept.service.name} has ended {kept.starts} times in a row (last with {code}): giving up"
                    )
                    return False
                pause = min(PAUSE_S * 2 ** max(kept.starts - 1, 0), PAUSE_MAX_S)
                kept.next_start = now + pause
                self._say(f"{kept.service.name} has ended with {code}; it is started again in {pause:g} s")
            if kept.process is None and now >= kept.next_start:
                kept.process = _start(kept.service)
                kept.started_at, kept.starts = now, kept.starts + 1
        return True

    def _until_next(self) -> float | None:
        """Seconds until something is to be started; None: until something happens."""
        waiting = [kept.next_start for kept in self._kept if kept.process is None]
        return max(0.0, min(waiting) - monotonic()) if waiting else None

    def _end_all(self) -> None:
        """SIGTERM to all at once; whoever has not ended after a while is killed."""
        running = [(kept.service.name, kept.process) for kept in self._kept if kept.process is not None]
        for _, process in running:
            process.terminate()
        deadline = monotonic() + PATIENCE_S
        for name, process in running:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{name} does not end and is killed")
                process.kill()
                process.wait()


def _start(service: Service) -> subprocess.Popen[bytes]:
    """Start a service in a process group of its own: Ctrl-C reaches the supervisor, which ends everything in order."""
    return subprocess.Popen(
        service.command,
        env=os.environ | service.environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - the supervisor has no other threads
    )


def _die_with_parent() -> None:
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
