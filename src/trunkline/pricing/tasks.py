"""Jobs of the pricing room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trunkline.core.errors import TrunklineError
from trunkline.kit import clock, jobs
from trunkline.pricing.choices import APPLY_SHEET, COMPARE_SHEET, READ_SHEET

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


@jobs.task(READ_SHEET)
def read_sheet(*, tenant_id: int, import_id: int, actor: str, anew: bool = False, goes_on: bool = False) -> None:
    """Read a large sheet, for whoever waits for it; and compare it too, if that is wanted."""
    from trunkline.pricing.actions import compare_import, read_import

    def do() -> None:
        read_import(tenant_id, import_id, anew=anew, actor=actor, now=clock.now)
        if goes_on:
            compare_import(tenant_id, import_id, actor=actor, now=clock.now)

    _said(do, tenant_id, import_id, actor)


@jobs.task(COMPARE_SHEET)
def compare_sheet(*, tenant_id: int, import_id: int, actor: str) -> None:
    """Compare a large sheet with the prices in force."""
    from trunkline.pricing.actions import compare_import

    _said(lambda: compare_import(tenant_id, import_id, actor=actor, now=clock.now), tenant_id, import_id, actor)


@jobs.task(APPLY_SHEET)
def apply_sheet(*, tenant_id: int, import_id: int, actor: str, overrule: list[str], reason: str) -> None:
    """Apply a large sheet that somebody has looked at. One that is applied already stays so."""
    from trunkline.pricing.actions import apply_import
    from trunkline.pricing.choices import ImportState
    from trunkline.pricing.models import SheetImport
    from trunkline.tenancy.scope import scope

    with scope(tenant_id, actor):
        if SheetImport.objects.filter(pk=import_id, state=ImportState.APPLIED).exists():
            return
    _said(
        lambda: apply_import(tenant_id, import_id, overrule=overrule, reason=reason, actor=actor, now=clock.now),
        tenant_id,
        import_id,
        actor,
    )


def _said(step: Callable[[], Any], tenant_id: int, import_id: int, actor: str) -> None:
    """Do a step; what is in its way is said in the sheet."""
    from trunkline.pricing.actions.steps import note_problem

    try:
        step()
    except TrunklineError as error:
        note_problem(tenant_id, import_id, error, actor=actor)
    except BaseException:
        note_problem(tenant_id, import_id, None, actor=actor)
        raise
