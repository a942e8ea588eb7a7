"""Closing the books."""

from __future__ import annotations

from datetime import date, datetime

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import get_zone, local_date
from trunkline.kit.db.scope import require_scope
from trunkline.ledger.actions.balances import fold
from trunkline.ledger.actions.locks import own_book, writing
from trunkline.ledger.models import Book, PeriodClose
from trunkline.ledger.queries import seal
from trunkline.tenancy.queries import current_tenant


def close_period(*, through: date, at: datetime) -> PeriodClose:
    """Take no more entries booked on `through` or before. Waits for what is being posted; closing the same day again changes nothing.

    What was in the period is sealed, so that a change behind the books' back shows in `checks.check`. Raises Invalid
    `period_not_over` (the day is not over in the tenant's zone), Conflict `period_closed` (a later day is closed already).
    """
    today = local_date(at, get_zone(current_tenant().timezone))
    if through >= today:
        raise Invalid(
            "period_not_over",
            f"{through} is not over.",
            hint=f"The last day that can be closed is the one before {today}.",
        )
    with writing():
        closed_through = own_book()
        if closed_through is not None and through <= closed_through:
            if through < closed_through:
                raise Conflict(
                    "period_closed",
                    f"The books are closed through {closed_through} already.",
                    closed_through=closed_through,
                )
            return PeriodClose.objects.get(closed_through=through)
        count, digest = seal(closed_through, through)
        actor = require_scope(PeriodClose).actor
        close = PeriodClose.objects.create(
            closed_through=through, entry_count=count, seal=digest, closed_at=at, actor=actor
        )
        Book.objects.update(closed_through=through)
        fold()
    return close
