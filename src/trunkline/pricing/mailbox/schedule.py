"""What a worker does every minute: mailboxes that are due are put in the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from trunkline.kit import jobs
from trunkline.kit.db.scope import scope
from trunkline.pricing.choices import LOOK_INTO_MAILBOX
from trunkline.pricing.models import MailboxFeed
from trunkline.tenancy.queries import is_working, tenant_ids

ACTOR: Final = "system"


def look_after_all(*, now: Callable[[], datetime]) -> None:
    """Look after the mailboxes of every tenant."""
    for tenant_id in tenant_ids():
        look_after(tenant_id, at=now())


def look_after(tenant_id: int, *, at: datetime) -> int:
    """Defer a job for each mailbox that is due; none where the tenant takes nothing new: its mails stay where they are. Number of jobs made."""
    with scope(tenant_id, ACTOR):
        if not is_working(at):
            return 0
        due = MailboxFeed.objects.filter(mailbox__is_active=True, next_at__lte=at).order_by("pk")
        return sum(look_soon(tenant_id, mailbox_id) for mailbox_id in due.values_list("mailbox_id", flat=True))


def look_soon(tenant_id: int, mailbox_id: int) -> bool:
    """Have a worker look into a mailbox; whether that was not asked for already. Needs an open scope."""
    return jobs.defer(LOOK_INTO_MAILBOX, key=str(mailbox_id), tenant_id=tenant_id, mailbox_id=mailbox_id)
