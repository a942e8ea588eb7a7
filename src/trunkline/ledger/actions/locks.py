"""Who waits for whom in the books.

1. Whoever posts shares the row of the book; whoever closes a period or an account, or folds the cache, has it alone.
2. Then keys are claimed, in their order.
3. Then the rows of the accounts that may not be overdrawn are locked, in the order of accounts. Other accounts are never
   locked: a hundred batches may credit the same revenue at once.

Posting is safe at every isolation level: the locks are rows, and a row that changed since the snapshot of a REPEATABLE READ
transaction makes it fail instead of letting it decide on what is no longer true. Having the book alone needs READ COMMITTED,
because those who shared it left the row as it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import date

from django.db import IntegrityError, OperationalError, connection, transaction

from trunkline.core.errors import Busy, Conflict
from trunkline.core.money import Amount
from trunkline.kit.db.scope import ScopeError, current_tenant_id
from trunkline.ledger.models import Balance
from trunkline.ledger.queries import funds as read_funds
from trunkline.ledger.rules import Funds

BUSY = {"40001": "serialization", "40P01": "deadlock", "55P03": "lock timeout"}
ONCE = {"ledger_entry_reversed_once": "already_reversed", "ledger_entry_settled_once": "already_resolved"}


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """All or nothing, as a savepoint of the scope.

    Raises Busy `ledger_busy` when another writer was in the way: run it again (`kit.outages.again_when_busy`); Conflict `already_reversed` or
    `already_resolved` when another writer did the same to an entry just before.
    """
    try:
        with transaction.atomic():
            yield
    except OperationalError as error:
        reason = BUSY.get(getattr(error.__cause__, "sqlstate", None) or "")
        if reason is None:
            raise
        raise Busy("ledger_busy", f"Another writer was in the way ({reason}).", hint="Try again.") from error
    except IntegrityError as error:
        once = ONCE.get(getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or "")
        if once is None:
            raise
        raise Conflict(once, "Somebody else did the same to this entry just before.") from error


def share_book() -> date | None:
    """Hold the books open until the transaction ends; the last day that is closed, if any."""
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                "SELECT closed_through FROM ledger_book WHERE tenant_id = %s FOR SHARE", [current_tenant_id()]
            )
            row = cursor.fetchone()
            if row is not None:
                return row[0]
            _make_book()
    raise AssertionError("a book that was made is there")


def own_book() -> date | None:
    """Have the books alone until the transaction ends, with everything committed that was being posted; the last closed day.

    Raises `ScopeError` in a scope with a snapshot: it would have the books alone and not see what was posted since it began.
    """
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                "UPDATE ledger_book SET generation = generation + 1 WHERE tenant_id = %s "
                "RETURNING closed_through, current_setting('transaction_isolation')",
                [current_tenant_id()],
            )
            row = cursor.fetchone()
            if row is not None:
                if row[1] != "read committed":
                    raise ScopeError("whoever has the books alone needs a scope without a snapshot")
                return row[0]
            _make_book()
    raise AssertionError("a book that was made is there")


def _make_book() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_book (tenant_id, generation) VALUES (%s, 0) ON CONFLICT (tenant_id) DO NOTHING",
            [current_tenant_id()],
        )


def lock_funds(account_ids: Iterable[int]) -> dict[int, Funds]:
    """Lock accounts that may not be overdrawn and say what stands on them. Whoever calls this ends with `write_funds`."""
    wanted = sorted(set(account_ids))
    if not wanted:
        return {}
    found = _lock_balances(wanted)
    missing = [account_id for account_id in wanted if account_id not in found]
    if missing:  # never used, or the cache was dropped
        made = _make_balances(missing)
        found |= read_funds(made, cached=False)
        found |= _lock_balances([account_id for account_id in missing if account_id not in made])
    return found


def _lock_balances(account_ids: list[int]) -> dict[int, Funds]:
    rows = Balance.objects.select_for_update(no_key=True).filter(account_id__in=account_ids).order_by("account_id")
    return {
        row.account_id: Funds(*(int(value * 10**8) for value in (row.posted, row.pending_debit, row.pending_credit)))
        for row in rows
    }


def _make_balances(account_ids: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_balance (tenant_id, account_id, posting_id, resolution_id, posted, pending_debit, pending_credit) "
            "SELECT %s, wanted, 0, 0, 0, 0, 0 FROM unnest(%s::bigint[]) AS wanted ON CONFLICT (tenant_id, account_id) DO NOTHING "
            "RETURNING account_id",
            [current_tenant_id(), account_ids],
        )
        return [row[0] for row in cursor.fetchall()]


def write_funds(standing: dict[int, Funds], *, posting_id: int = 0, resolution_id: int = 0) -> None:
    """Write what now stands on accounts that `lock_funds` locked; the ids are the last ones of this transaction."""
    if not standing:
        return
    columns = [[_text(getattr(funds, name)) for funds in standing.values()] for name in Funds.__slots__]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_balance b SET posted = n.posted, pending_debit = n.debit, pending_credit = n.credit, "
            "posting_id = greatest(posting_id, %s), resolution_id = greatest(resolution_id, %s) "
            "FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[]) AS n (account_id, posted, debit, credit) "
            "WHERE b.tenant_id = %s AND b.account_id = n.account_id",
            [posting_id, resolution_id, list(standing), *columns, current_tenant_id()],
        )


def _text(units: int) -> str:
    return str(Amount(units))
