"""The cache of balances. Nothing depends on it: reads add what came after it, and it can be dropped at any time."""

from __future__ import annotations

from django.db import connection

from trunkline.kit.db.scope import current_tenant_id
from trunkline.ledger.actions.locks import own_book, writing
from trunkline.ledger.models import Balance
from trunkline.ledger.queries import FUNDS

FOLD = f"""
INSERT INTO ledger_balance (tenant_id, account_id, posted, pending_debit, pending_credit, posting_id, resolution_id)
SELECT %(tenant)s, f.account_id, 0.00000001 * f.posted, 0.00000001 * f.debit, 0.00000001 * f.credit,
       (SELECT coalesce(max(p.id), 0) FROM ledger_posting p WHERE p.tenant_id = %(tenant)s AND p.account_id = f.account_id),
       (SELECT coalesce(max(id), 0) FROM ledger_resolution WHERE tenant_id = %(tenant)s)
  FROM ({FUNDS}) AS f (account_id, posted, debit, credit)
    ON CONFLICT (tenant_id, account_id) DO UPDATE
   SET posted = excluded.posted, pending_debit = excluded.pending_debit, pending_credit = excluded.pending_credit,
       posting_id = excluded.posting_id, resolution_id = excluded.resolution_id
"""


def refresh_balances() -> int:
    """Fold what came since the last time into the cache, so that reads add up less; returns the number of accounts."""
    with writing():
        own_book()  # ids are given out before they are committed: with nobody posting, none can come in below the last one
        return fold()


def drop_balances() -> int:
    """Throw the cache away; returns the number of rows. The next look adds up everything, the next spend of an account makes its row again."""
    with writing():
        own_book()
        return Balance.objects.all().delete()[0]


def rebuild_balances() -> int:
    """Make the cache again from every posting there is; returns the number of accounts."""
    with writing():
        own_book()
        Balance.objects.all().delete()
        return fold()


def fold() -> int:
    """`refresh_balances` for who has the books alone already."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD, {"tenant": current_tenant_id(), "ids": None, "cached": True})
        return cursor.rowcount
