"""The clock. Only the doors ask it; everything below is given the instant."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("trunkline_clock", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


@contextlib.contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Stop the clock at an aware instant: for tests and for the demo, whose day is always the same."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
