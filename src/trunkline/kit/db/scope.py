"""The tenant scope: one transaction that row-level security confines to one tenant.

`scope()` is the only way to a tenant's rows. It opens a transaction, tells PostgreSQL the tenant and the actor for just that transaction,
and remembers both so that a query outside any scope raises here instead of finding nothing there.
"""

from __future__ import annotations

import contextlib
import json
import select
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from django.db import connection, transaction
from psycopg.errors import error_from_result
from psycopg.pq import Escaping, ExecStatus, TransactionStatus

from trunkline.core.ids import uuid7

GIVE_REASON = """SELECT set_config('pghistory.context_metadata',
                (current_setting('pghistory.context_metadata')::jsonb || jsonb_build_object('reason', %s::text))::text, true)"""


class ScopeError(RuntimeError):
    """A programming error: tenant data touched outside a scope, or a scope of another tenant opened inside one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who works, in whose data, and why. `kept` is what was read once and holds while the scope is open."""

    tenant_id: int
    actor: str
    reason: str = ""
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


_current: ContextVar[Scope | None] = ContextVar("trunkline_scope", default=None)

CHECKED_EVERY_S: Final = 1.0
_CHECKED: Final = "trunkline_checked_at"  # of a connection: when it was asked last whether its server is there

SET = """SELECT set_config('app.tenant', %s, true), set_config('app.actor', %s, true),
                set_config('pghistory.context_id', %s, true), set_config('pghistory.context_metadata', %s, true)"""


def renew_connection(**_: object) -> None:
    """Connect again where the server was restarted since, instead of failing; also a receiver of Django's signals around requests.

    A server that goes away ends its side of the socket, which is seen without asking. Whether it is there is asked once a second besides, or
    after an error: the question takes as long as a query.
    """
    if connection.in_atomic_block:
        return
    at = monotonic()
    is_due = at - getattr(connection, _CHECKED, -CHECKED_EVERY_S) >= CHECKED_EVERY_S
    if is_due or connection.errors_occurred or _has_been_told():
        connection.close_if_unusable_or_obsolete()
        setattr(connection, _CHECKED, at)


def _has_been_told() -> bool:
    """Whether the server has said something that nobody asked for: mostly that it ends."""
    if connection.connection is None or connection.connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.connection.fileno(), select.POLLIN | select.POLLHUP)
    return bool(poll.poll(0))


def current_scope() -> Scope | None:
    """The scope that is open, None outside."""
    return _current.get()


def current_tenant_id() -> int:
    """Tenant of the open scope. Raises `ScopeError` outside."""
    return _required("a tenant's data").tenant_id


def require_scope(model: Any) -> Scope:
    """The open scope. Raises `ScopeError` naming the model outside."""
    return _required(model._meta.label)


def _required(what: str) -> Scope:
    found = _current.get()
    if found is None:
        raise ScopeError(f"{what} was touched outside tenancy.scope(): open one for the tenant first.")
    return found


@contextlib.contextmanager
def scope(
    tenant_id: int,
    actor: str,
    *,
    reason: str = "",
    snapshot: bool = False,
    context: Mapping[str, object] | None = None,
) -> Iterator[Scope]:
    """Work inside one tenant's data: one transaction, committed at the end, rolled back by an exception.

    A scope inside a scope of the same tenant joins it as a savepoint, under the outer one's actor and reason; of another tenant it
    raises `ScopeError`. `snapshot` asks for REPEATABLE READ, so that every query sees one moment; it needs a transaction of its own.
    History rows written inside carry `actor`, `reason` and what `context` says besides: from which page, address and request.
    """
    outer = _current.get()
    if outer is not None:
        _require_joinable(outer, tenant_id, snapshot)
        with transaction.atomic():
            yield outer
        return
    if type(tenant_id) is not int or not actor:
        raise ScopeError(f"a scope needs the id of a tenant and an actor, not {tenant_id!r} and {actor!r}")
    if snapshot and connection.in_atomic_block:
        raise ScopeError("a snapshot begins with its transaction, and one is open already")
    renew_connection()
    opened = Scope(tenant_id, actor, reason)
    metadata = {"actor": actor, **({"reason": reason} if reason else {}), **(context or {})}
    said = (str(tenant_id), actor, str(uuid7()), json.dumps(metadata))
    with transaction.atomic():
        if snapshot:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute(SET, said)
        elif not _begin(said):
            with connection.cursor() as cursor:
                cursor.execute(SET, said)
        token = _current.set(opened)
        try:
            yield opened
        finally:
            _current.reset(token)
        _clear()


def _begin(said: tuple[str, ...]) -> bool:
    """Begin the transaction and say `said` in one message to the server, where the transaction has not begun: every request does this.

    False where it has, and where somebody looks at what is asked.
    """
    own: Any = connection
    server = own.connection.pgconn
    if server.transaction_status != TransactionStatus.IDLE or own.queries_logged or own.execute_wrappers:
        return False
    if any("\0" in each for each in said):
        return False  # libpq would read up to it; the way by the cursor refuses it
    escaped = Escaping(server)
    text = SET.encode() % tuple(escaped.escape_literal(each.encode()) for each in said)
    with own.wrap_database_errors:
        result = server.exec_(b"BEGIN;" + text)
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result, encoding="utf-8")
    return True


def _require_joinable(outer: Scope, tenant_id: int, snapshot: bool) -> None:
    if outer.tenant_id != tenant_id:
        raise ScopeError(
            f"a scope of tenant {outer.tenant_id} is open; one of tenant {tenant_id} cannot be opened inside it"
        )
    if snapshot:
        raise ScopeError("a snapshot begins with its transaction; it cannot be opened inside a scope")


def give_reason(reason: str) -> None:
    """Say why what is written in the open scope from here on is written: history rows carry it. Raises `ScopeError` outside."""
    _required("a reason")
    with connection.cursor() as cursor:
        cursor.execute(GIVE_REASON, [reason])


def _clear() -> None:
    """Forget the tenant where the transaction goes on (a test's outer one); elsewhere it ends with the transaction anyway."""
    if connection.savepoint_ids and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute(SET, ["", "", "", ""])
