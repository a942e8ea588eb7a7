"""Identifiers: time-ordered public ids and content keys."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7(at: datetime | None = None) -> UUID:
    """A version 7 UUID (RFC 9562, 5.7): 48 bits of milliseconds since 1970, then 74 random bits.

    `at` is the instant it carries; without one, the machine's clock, because an id is made where a row is made and says
    nothing about the business. Ids of one millisecond are in no order.
    """
    milliseconds = time.time_ns() // 1_000_000 if at is None else (at - _EPOCH) // _MILLISECOND
    if not 0 <= milliseconds < 1 << 48:
        raise ValueError("the instant does not fit a version 7 UUID")
    random = secrets.randbits(74)
    high = milliseconds << 16 | 0x7 << 12 | random >> 62
    return UUID(int=high << 64 | 0b10 << 62 | random & (1 << 62) - 1)


def content_key(*parts: str | int | bytes | None) -> str:
    """The SHA-256, in hex, of the parts in their order.

    Each part is hashed with its kind and its length, so that no two different tuples share a key: ("ab", "c") and
    ("a", "bc"), 1 and "1", None and "" all differ.
    """
    digest = sha256()
    for part in parts:
        if part is None:
            kind, data = b"n", b""
        elif isinstance(part, bytes):
            kind, data = b"b", part
        elif isinstance(part, str):
            kind, data = b"s", part.encode()
        else:
            kind, data = b"i", str(int(part)).encode()
        digest.update(b"%b%d:" % (kind, len(data)))
        digest.update(data)
    return digest.hexdigest()
