"""What a program says of itself while it works: one line an event on the standard error, as `key=value`.

The standard output is the result of a command and nothing else. Values are names, counts and codes; never a secret and no personal data.
What `logging_with` says is added to every event inside it: whose request, which tenant, which actor.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any


def log(event: str, /, *, level: str = "info", **values: Any) -> None:
    """Write one event. The library is loaded with the first."""
    import structlog

    logger = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), processors=_processors())
    getattr(logger, level)(event, **values)


@cache
def _processors() -> tuple[Any, ...]:
    """What makes a line of an event; to make them anew takes as long as the line."""
    import structlog

    return (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _printable,
        structlog.processors.LogfmtRenderer(key_order=("timestamp", "level", "event"), bool_as_flag=False),
    )


def _printable(logger: Any, name: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Control characters in what somebody gave us neither begin a line nor steer the terminal of who reads it."""
    return {key: _escaped(value) if isinstance(value, str) else value for key, value in values.items()}


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


@contextlib.contextmanager
def logging_with(**values: Any) -> Iterator[None]:
    """Add values to every event that this thread logs inside."""
    import structlog

    with structlog.contextvars.bound_contextvars(**values):
        yield
