"""Jobs of the pricing room."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from trunkline.core.errors import TrunklineError
from trunkline.kit import clock, jobs
from trunkline.pricing.choices import (
    APPLY_DECK,
    APPLY_EDIT,
    APPLY_SHEET,
    COMPARE_DECK,
    COMPARE_SHEET,
    LOOK_INTO_MAILBOX,
    READ_SHEET,
    REMIND,
    RUN_GENERATOR,
    UNDO_DECK,
    UNDO_SHEET,
    ImportWork,
)
from trunkline.pricing.notifications.choices import PREPARE, RUN, SEND

ABANDONED: Final = timedelta(days=1)  # by then whoever wrote a folder has entered it, or is gone


@jobs.every("37 4 * * *", "pricing.sweep")
def sweep_leftovers(*, timestamp: int) -> None:
    """Once a day, forget edits that nobody has applied and old reminders, and remove the folders of sheets and notifications that have no row."""
    from trunkline.pricing.actions.edits import forget_looks
    from trunkline.pricing.mailbox.reminders import forget_reminders
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            forget_reminders(at=clock.now())
            forget_looks(at=clock.now())
        sweep(tenant_id, at=clock.now())
        sweep_notifications(tenant_id, at=clock.now())


def sweep(tenant_id: int, *, at: datetime) -> int:
    """Remove the folders of a tenant that no sheet and no change of a deck names and nobody has written to for a day; how many."""
    from trunkline.pricing import files
    from trunkline.pricing.models import DeckChange, TariffEdit
    from trunkline.pricing.queries import imports

    def named() -> Iterable[UUID]:
        rows: list[Any] = [imports(), DeckChange.objects.all(), TariffEdit.objects.all()]
        return [public_id for each in rows for public_id in each.values_list("public_id", flat=True)]

    return _sweep(tenant_id, [*files.import_folders(tenant_id), *files.deck_folders(tenant_id)], named, at)


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
    if not old:
        return 0
    with scope(tenant_id, "system"):
        known = {str(each) for each in named()}
    left = [each for each in old if each.name not in known]
    for each in left:
        files.remove_folder(each)
    return len(left)


@jobs.every("23 * * * *", "pricing.deals")
def review_deals(*, timestamp: int) -> None:
    """Every hour, bring the alarms of swap deals in line with how the deals stand."""
    from trunkline.pricing.deals import alarms
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            alarms.review_deals(at=clock.now())


@jobs.every("*/10 * * * *", "pricing.plan_notifications")
def plan_notifications(*, timestamp: int) -> None:
    """Every ten minutes, give the automatic plans of notifications whose hour has come their turn."""
    from trunkline.pricing.actions.notifications import plan_runs
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            plan_runs(at=clock.now())


@jobs.every("*/10 * * * *", "pricing.plan_reminders")
def plan_reminders(*, timestamp: int) -> None:
    """Every ten minutes, tell staff by mail of rate sheets that wait and that they were not told of; none more often than once an hour."""
    from trunkline.pricing.mailbox import reminders
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            reminders.plan_reminders(at=clock.now())


@jobs.task(REMIND)
def send_reminder(*, tenant_id: int, reminder_id: int) -> None:
    """Send one of these mails."""
    from trunkline.pricing.mailbox import reminders

    reminders.send_reminder(tenant_id=tenant_id, reminder_id=reminder_id, now=clock.now)


@jobs.task("pricing.deal_mail")
def send_deal_mail(*, tenant_id: int, alarm_id: int) -> None:
    """Send the mail of one alarm."""
    from trunkline.pricing.deals.mails import send_alarm

    send_alarm(tenant_id=tenant_id, alarm_id=alarm_id)


@jobs.task(RUN_GENERATOR, queue="pricing")
def run_generator(*, tenant_id: int, run_id: int) -> None:
    """Make the prices of a run of a generator. What is in the way stands on the run."""
    from trunkline.pricing.actions import make_run

    with contextlib.suppress(TrunklineError):
        make_run(tenant_id, run_id, actor="system", now=clock.now)


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


@jobs.task(READ_SHEET)
def read_sheet(*, tenant_id: int, import_id: int, actor: str, anew: bool = False, goes_on: bool = False) -> None:
    """Read a large sheet, for whoever waits for it; and compare it too, if that is wanted."""
    from trunkline.pricing.actions import compare_import, read_import
    from trunkline.pricing.models import SheetImport

    def step(sheet: SheetImport) -> None:
        read_import(tenant_id, sheet.pk, anew=anew, actor=actor, now=clock.now)
        if goes_on:
            compare_import(tenant_id, sheet.pk, actor=actor, now=clock.now)

    _do(SheetImport, ImportWork.READING, step, tenant_id, import_id, actor)


@jobs.task(COMPARE_SHEET)
def compare_sheet(*, tenant_id: int, import_id: int, actor: str) -> None:
    """Compare a large sheet with the prices in force."""
    from trunkline.pricing.actions import compare_import
    from trunkline.pricing.models import SheetImport

    def step(sheet: SheetImport) -> None:
        compare_import(tenant_id, sheet.pk, actor=actor, now=clock.now)

    _do(SheetImport, ImportWork.COMPARING, step, tenant_id, import_id, actor)


@jobs.task(APPLY_SHEET)
def apply_sheet(*, tenant_id: int, import_id: int, actor: str, **said: Any) -> None:
    """Apply a large sheet, or what a generator has made, that somebody has looked at."""
    from trunkline.pricing.models import SheetImport

    _write(SheetImport, ImportWork.APPLYING, tenant_id, import_id, actor, said)


@jobs.task(UNDO_SHEET)
def undo_sheet(*, tenant_id: int, import_id: int, actor: str, **said: Any) -> None:
    """Take a large sheet back, or what a generator has made, or an edit of many rates."""
    from trunkline.pricing.models import SheetImport

    _write(SheetImport, ImportWork.UNDOING, tenant_id, import_id, actor, said)


@jobs.task(COMPARE_DECK)
def compare_deck(*, tenant_id: int, change_id: int, actor: str) -> None:
    """Read a large file of codes and compare it with its deck."""
    from trunkline.pricing.actions import compare_deck_change
    from trunkline.pricing.models import DeckChange

    def step(change: DeckChange) -> None:
        compare_deck_change(tenant_id, change.pk, actor=actor, now=clock.now)

    _do(DeckChange, ImportWork.COMPARING, step, tenant_id, change_id, actor)


@jobs.task(APPLY_DECK)
def apply_deck(*, tenant_id: int, change_id: int, actor: str, **said: Any) -> None:
    """Bring a large file of codes, which was compared, into its deck."""
    from trunkline.pricing.models import DeckChange

    _write(DeckChange, ImportWork.APPLYING, tenant_id, change_id, actor, said)


@jobs.task(UNDO_DECK)
def undo_deck(*, tenant_id: int, change_id: int, actor: str, **said: Any) -> None:
    """Take a large file of codes back."""
    from trunkline.pricing.models import DeckChange

    _write(DeckChange, ImportWork.UNDOING, tenant_id, change_id, actor, said)


@jobs.task(APPLY_EDIT)
def apply_edit(*, tenant_id: int, edit_id: int, actor: str, **said: Any) -> None:
    """Apply an edit of many rates that somebody has looked at."""
    from trunkline.pricing.models import TariffEdit

    _write(TariffEdit, ImportWork.APPLYING, tenant_id, edit_id, actor, said)


def _write(model: Any, work: ImportWork, tenant_id: int, row_id: int, actor: str, said: dict[str, Any]) -> None:
    """Do a step that writes, with what was said when it was asked for."""
    from trunkline.pricing.actions import do_now

    def step(row: Any) -> None:
        do_now(row, work, tenant_id=tenant_id, actor=actor, now=clock.now, **said)

    _do(model, work, step, tenant_id, row_id, actor)


def _do(model: Any, work: ImportWork, step: Callable[[Any], None], tenant_id: int, row_id: int, actor: str) -> None:
    from trunkline.pricing.actions.work import do_step

    do_step(model, work, step, tenant_id=tenant_id, row_id=row_id, actor=actor, at=clock.now())


@jobs.every("*/10 * * * *", "pricing.follow_parents")
def follow_parents(*, timestamp: int) -> None:
    """Every ten minutes, bring the special rates of tariffs that have a parent in step with what came there."""
    from trunkline.tariffs.actions import follow_parents
    from trunkline.tenancy.queries import tenant_ids
    from trunkline.tenancy.scope import scope

    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            follow_parents(at=clock.now())
