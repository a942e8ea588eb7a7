"""Jobs of the pricing room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from trunkline.kit import clock, jobs
from trunkline.pricing.notifications.choices import PREPARE, RUN, SEND

ABANDONED: Final = timedelta(days=1)  # by then whoever wrote a folder has entered it, or is gone


@jobs.every("37 4 * * *", "pricing.sweep")
def sweep_leftovers(*, timestamp: int) -> None:
    """Once a day, remove the folders of sheets and notifications that a crash left without a row."""
    from trunkline.tenancy.queries import tenant_ids

    for tenant_id in tenant_ids():
        sweep(tenant_id, at=clock.now())
        sweep_notifications(tenant_id, at=clock.now())


def sweep(tenant_id: int, *, at: datetime) -> int:
    """Remove the folders of a tenant that no sheet names and nobody has written to for a day; how many."""
    from trunkline.pricing import files
    from trunkline.pricing.queries import imports

    return _sweep(tenant_id, files.import_folders(tenant_id), lambda: imports().values_list("public_id", flat=True), at)


def sweep_notifications(tenant_id: int, *, at: datetime) -> int:
    """The same for notifications: of one that could not be made nothing is kept but its row."""
    from trunkline.pricing.notifications import places
    from trunkline.pricing.notifications.queries import notifications

    def made() -> Iterable[UUID]:
        return notifications().exclude(file_name="").values_list("public_id", flat=True)

    return _sweep(tenant_id, places.folders(tenant_id), made, at)


def _sweep(tenant_id: int, folders: Iterable[Path], named: Callable[[], Iterable[UUID]], at: datetime) -> int:
    from trunkline.pricing import files
    from trunkline.tenancy.scope import scope

    old = [each for each in folders if datetime.fromtimestamp(each.stat().st_mtime, UTC) < at - ABANDONED]
    with scope(tenant_id, "system"):
        known = {str(each) for each in named()} if old else set()
    left = [each for each in old if each.name not in known]
    for each in left:
        files.remove_folder(each)
    return len(left)


@jobs.every("*/10 * * * *", "pricing.plan_notifications")
def plan_notifications(*, timestamp: int) -> None:
    """Every ten minutes, give the automatic plans of notifications whose hour has come their turn."""
    from trunkline.pricing.actions.notifications import plan_runs
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            plan_runs(at=clock.now())


@jobs.task(PREPARE)
def prepare_notification(*, tenant_id: int, notification_id: int, put_off: int | None, reason: str) -> None:
    """Make one notification that somebody has asked for."""
    from trunkline.pricing.actions.notification_work import make

    make(tenant_id, notification_id, put_off=put_off, reason=reason, now=clock.now)


@jobs.task(RUN)
def run_notification_plan(*, tenant_id: int, plan_id: int) -> None:
    """Send what has changed for one plan."""
    from trunkline.pricing.actions.notifications import run_plan

    run_plan(tenant_id, plan_id, now=clock.now)


@jobs.task(SEND)
def send_notification(*, tenant_id: int, mail_id: int) -> None:
    """Send one mail of a notification."""
    from trunkline.pricing.notifications.mailing import send_mail

    send_mail(tenant_id=tenant_id, mail_id=mail_id, now=clock.now)
