"""Fenced connections to DuckDB that the web keeps open: to open one costs 17 ms of processor, to search with it hardly more.

A fence is never moved: a connection serves only whoever may read exactly the files for which it was opened, by the catalogue of the moment and with
the same limits, and one reader at a time. What it keeps between readers is how the files are laid out, no answer.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final

from trunkline.usage.segments import Limits, connect

if TYPE_CHECKING:
    import duckdb

KEPT_MAX: Final = 4  # in a process, idle
KEPT_S: Final = 300.0  # since it was opened: what a segment that is gone has left in memory goes with it


class _Kept:
    """Idle connections with what they are for and since when they are open, the one that was used last at the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[tuple[Hashable, float, duckdb.DuckDBPyConnection]] = []

    def take(self, key: Hashable, now: float) -> tuple[float, duckdb.DuckDBPyConnection] | None:
        with self._lock:
            for index in reversed(range(len(self._idle))):
                found, since, connection = self._idle[index]
                if found == key and now - since < KEPT_S:
                    del self._idle[index]
                    return since, connection
        return None

    def put(self, key: Hashable, since: float, connection: duckdb.DuckDBPyConnection, now: float) -> None:
        with self._lock:
            self._idle.append((key, since, connection))
            fresh = [each for each in self._idle if now - each[1] < KEPT_S][-KEPT_MAX:]
            over = [each for each in self._idle if each not in fresh]
            self._idle = fresh
        for _, _, old in over:
            old.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, _, connection in idle:
            connection.close()


_kept = _Kept()


@contextmanager
def lend(paths: Sequence[Path], *, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as `segments.connect` makes it, fenced in to `paths`, without a view; it is the caller's alone while inside.

    Whoever reads makes nothing in it and changes nothing. It is kept for the next who reads the same files where the limits have a time, as those of the
    web have; after an error it is closed. Raises as `connect` does.
    """
    if limits.timeout_s is None:
        with connect(paths, has_view=False, limits=limits) as connection:
            yield connection
        return
    key = (os.getpid(), limits, tuple(map(str, paths)))
    taken = _kept.take(key, monotonic())
    since, connection = taken or (monotonic(), connect(paths, has_view=False, limits=limits))
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _kept.put(key, since, connection, monotonic())


def close_kept() -> None:
    """Close what is idle."""
    _kept.close()


atexit.register(close_kept)
