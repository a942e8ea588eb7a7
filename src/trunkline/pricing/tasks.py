"""Jobs of the pricing room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from trunkline.kit import clock, jobs
from trunkline.pricing.choices import LOOK_INTO_MAILBOX

ABANDONED: Final = timedelta(days=1)  # by then whoever wrote a folder has entered it, or is gone


@jobs.every("37 4 * * *", "pricing.sweep")
def sweep_leftovers(*, timestamp: int) -> None:
    """Once a day, remove the folders of sheets that a crash left without a row."""
    from trunkline.tenancy.queries import tenant_ids

    for tenant_id in tenant_ids():
        sweep(tenant_id, at=clock.now())


def sweep(tenant_id: int, *, at: datetime) -> int:
    """Remove the folders of a tenant that no sheet names and nobody has written to for a day; how many."""
    from trunkline.pricing import files
    from trunkline.pricing.queries import imports
    from trunkline.tenancy.scope import scope

    folders = files.import_folders(tenant_id)
    old = [each for each in folders if datetime.fromtimestamp(each.stat().st_mtime, UTC) < at - ABANDONED]
    with scope(tenant_id, "system"):
        known = {str(each) for each in imports().values_list("public_id", flat=True)} if old else set()
    left = [each for each in old if each.name not in known]
    for each in left:
        files.remove_folder(each)
    return len(left)


@jobs.every("* * * * *", "pricing.mailboxes", queue="sources")
def look_after_mailboxes(*, timestamp: int) -> None:
    """Every minute, put the mailboxes that are due in the queue."""
    from trunkline.pricing.mailbox.schedule import look_after_all

    look_after_all(now=clock.now)


@jobs.task(LOOK_INTO_MAILBOX, queue="sources")
def look_into_mailbox(*, tenant_id: int, mailbox_id: int) -> None:
    """Look into one mailbox; nothing happens where somebody else is at it, or it was paused or removed meanwhile."""
    from trunkline.pricing.mailbox.look import look
    from trunkline.pricing.mailbox.queries import is_to_look

    if is_to_look(tenant_id, mailbox_id, clock.now()):
        look(tenant_id=tenant_id, mailbox_id=mailbox_id, now=clock.now)
