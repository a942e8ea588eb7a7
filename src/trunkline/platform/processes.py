"""How gunicorn makes its processes: `gunicorn --config python:trunkline.platform.processes`.

The product is loaded once, before the processes part, which then share it: each holds a quarter less memory, and one that is renewed begins
at once.
"""

from __future__ import annotations

import gc
from typing import Any, Final

from django.db import connections

preload_app: Final = True


def pre_fork(server: Any, worker: Any) -> None:
    """Before a process is made: a connection must not be shared, and what is there stays, so that nobody writes marks into it."""
    connections.close_all()
    gc.freeze()
