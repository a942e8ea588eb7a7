"""How gunicorn makes its processes: `gunicorn --config python:trunkline.platform.processes`.

The product is loaded once, before the processes part, which then share it (`platform.wsgi` keeps the garbage collector from what is there):
each holds a quarter less memory, and one that is renewed begins at once. What they share besides is how many connections each has (`platform.workers`).
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connections

from trunkline.platform.workers import Board, EvenWorker

preload_app: Final = True
worker_class: Final = EvenWorker
board: Final = Board()


def pre_fork(server: Any, worker: Any) -> None:
    """Before a process is made: a connection must not be shared."""
    connections.close_all()
    worker.board, worker.place = board, board.take()


def child_exit(server: Any, worker: Any) -> None:
    """After a process has ended."""
    board.free(worker.place)
