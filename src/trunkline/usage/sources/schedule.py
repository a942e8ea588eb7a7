"""What a worker does every minute: sources that are due are put in the queue, and alarms are brought in line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from trunkline.kit import jobs
from trunkline.kit.db.scope import scope
from trunkline.tenancy.queries import is_working, tenant_ids
from trunkline.usage.actions import FINAL
from trunkline.usage.models import Feed, Receipt
from trunkline.usage.sources import alarms
from trunkline.usage.sources.choices import PULL, ReceiptState, SourceKind

ACTOR: Final = "system"
Clock = Callable[[], datetime]


def look_after_all(*, now: Clock) -> None:
    """Look after the sources of every tenant."""
    for tenant_id in tenant_ids():
        look_after(tenant_id, at=now())


def look_after(tenant_id: int, *, at: datetime) -> int:
    """Defer a job for each active source that is due, or of which files wait for their end; review the alarms. Number of jobs made.

    Nothing of it where the tenant takes nothing new: its files stay where they are until it does.
    """
    made = 0
    with scope(tenant_id, ACTOR):
        if not is_working(at):
            return 0
        # Those that could not be moved or deleted (`detail`) wait for the next look.
        final = Receipt.objects.filter(state=ReceiptState.TAKEN, batch__state__in=FINAL, detail="")
        to_settle = set(final.values_list("source_id", flat=True).distinct())
        for feed in Feed.objects.select_related("source").filter(source__is_active=True).order_by("pk"):
            alarms.review(feed.source, feed, at=at)
            if feed.source.kind == SourceKind.FOLDER:
                continue  # `usage.collect` looks into these every ten seconds
            is_due = feed.next_at <= at
            if is_due or (feed.source_id in to_settle and not feed.failures):
                made += jobs.defer(
                    PULL, key=str(feed.source_id), tenant_id=tenant_id, source_id=feed.source_id, only_settle=not is_due
                )
    return made


def review_all(*, at: datetime) -> None:
    """Bring the alarms of the tenant's active sources in line; needs its scope."""
    for feed in Feed.objects.select_related("source").filter(source__is_active=True).order_by("pk"):
        alarms.review(feed.source, feed, at=at)
