"""Somebody who is in the way for a moment: the book of a tenant is locked until the first who wants it has given up waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

from tests.databases import TestDatabase


@contextmanager
def book_is_locked(database: TestDatabase, tenant_id: int, *, times: int = 1) -> Iterator[list[str]]:
    """Hold the tenant's book; it is let go of when it was asked for `times` times in vain. Yields what the refusals said."""
    refusals: list[str] = []
    with database.connect() as holder:
        holder.autocommit = False
        locked = holder.execute("SELECT 1 FROM ledger_book WHERE tenant_id = %s FOR UPDATE", [tenant_id]).fetchone()
        assert locked, "the tenant has no book yet"

        def watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                refusals.append(str(error).splitlines()[0])
                if len(refusals) == times:
                    holder.rollback()
                raise

        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        with connection.execute_wrapper(watch):
            yield refusals
