"""Locks: rows in a fixed order, and advisory locks for work that outlasts a transaction."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import psycopg
from django.db import connection
from django.db.models import Model, QuerySet
from psycopg.pq import Conninfo

from trunkline.core.errors import NotFound

M = TypeVar("M", bound=Model)

# The holder waits as long as it takes and is idle for hours; a server elsewhere learns within two minutes that our machine is gone.
HOLD = (
    "SET lock_timeout = 0",
    "SET statement_timeout = 0",
    "SET idle_session_timeout = 0",
    "SET tcp_keepalives_idle = 60",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 6",
)


def lock_rows(rows: QuerySet[M], ids: Iterable[int]) -> list[M]:
    """Lock rows by id, ascending, so that two writers can never wait for each other; rows as they are after the wait.

    Raises `NotFound` if one of them is not there, and `RuntimeError` outside a transaction.
    """
    _require_transaction()
    wanted = sorted(set(ids))
    found = list(rows.select_for_update(of=("self",), no_key=True).filter(pk__in=wanted).order_by("pk"))
    if len(found) != len(wanted):
        raise NotFound("not_found", f"{rows.model._meta.verbose_name} not found.")
    return found


def lock_name(*parts: object) -> None:
    """Hold an advisory lock on a name until the transaction ends; waits for whoever holds it."""
    _require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_number(parts)])


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("a lock outside a transaction is freed at once")


@contextlib.contextmanager
def work_lock(*parts: object, wait: bool = True) -> Iterator[bool]:
    """Hold a lock on a name for long work, on a connection of its own and outside any transaction; yields whether it was got.

    PostgreSQL frees it when the process or the server dies, which is how abandoned work is told from work in progress. A worker that has
    lost its connection does not know: what it writes at the end must be fenced (`usage`: only the batch's last attempt may post).
    """
    holder = psycopg.connect(**_connection_parameters(), autocommit=True)
    try:
        for statement in HOLD:
            holder.execute(statement)
        number = _lock_number(parts)
        if wait:
            holder.execute("SELECT pg_advisory_lock(%s)", [number])
            is_ours = True
        else:
            got = holder.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
            is_ours = bool(got and got[0])
        yield is_ours
        if is_ours:
            # Closing frees it too, but a moment later: whoever asks at once would be told that somebody is at it.
            with contextlib.suppress(psycopg.Error):
                holder.execute("SELECT pg_advisory_unlock(%s)", [number])
    finally:
        holder.close()  # frees the lock, and says nothing if the server is gone


def _connection_parameters() -> dict[str, Any]:
    """What Django's own connection is made with, so that a lock is in the same database."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    return {name: value for name, value in connection.get_connection_params().items() if name in known}


def _lock_number(parts: tuple[object, ...]) -> int:
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
