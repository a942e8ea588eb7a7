"""Steps that are too large to wait for, which a worker does: of rate sheets, those of generators among them, of changes of decks, of edits of rates.

A step that is asked for stands in the row (`work`), and as a job of that row in the queue, both by one transaction. Where the job is gone and the step still
stands there, it came to no end. A step takes its name out of the row in the transaction that has its effect, so a job that runs twice finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from trunkline.core.errors import Conflict, TrunklineError
from trunkline.identity.permissions import Permission
from trunkline.kit import jobs
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.faults import reached
from trunkline.pricing import files
from trunkline.pricing.choices import (
    APPLY_DECK,
    APPLY_EDIT,
    APPLY_SHEET,
    COMPARE_DECK,
    COMPARE_SHEET,
    READ_SHEET,
    UNDO_DECK,
    UNDO_SHEET,
    ImportWork,
)
from trunkline.pricing.models import DeckChange, SheetImport, TariffEdit
from trunkline.tenancy.scope import scope

Row: TypeAlias = SheetImport | DeckChange | TariffEdit
R = TypeVar("R", SheetImport, DeckChange, TariffEdit)

READ_AT_ONCE_OCTETS: Final = 2 << 20  # about 40,000 rows, which take a second or two
PACKED_AT_ONCE_OCTETS: Final = 512 << 10  # the same in an archive or a workbook
_PACKED: Final = (b"PK", b"\x1f\x8b")
AT_ONCE_LINES: Final = 60_000
WRITING: Final = (ImportWork.APPLYING, ImportWork.UNDOING)
CAME_TO_NO_END: Final = {
    "code": "step_failed", "message": "The last step came to no end.", "hint": "Try it once more.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is worked on: its name in codes of errors, the argument of its jobs, where its files lie, and the job of each step."""

    name: str
    argument: str
    place: Callable[[int, UUID], Path]
    jobs: Mapping[ImportWork, str]


_KINDS: Final[Mapping[type, _Kind]] = {
    SheetImport: _Kind(
        "sheet",
        "import_id",
        files.find_import_folder,
        {
            ImportWork.READING: READ_SHEET,
            ImportWork.COMPARING: COMPARE_SHEET,
            ImportWork.APPLYING: APPLY_SHEET,
            ImportWork.UNDOING: UNDO_SHEET,
        },
    ),
    DeckChange: _Kind(
        "deck",
        "change_id",
        files.find_deck_folder,
        {
            ImportWork.COMPARING: COMPARE_DECK,
            ImportWork.APPLYING: APPLY_DECK,
            ImportWork.UNDOING: UNDO_DECK,
        },
    ),
    TariffEdit: _Kind("edit", "edit_id", files.find_import_folder, {ImportWork.APPLYING: APPLY_EDIT}),
}


def ask_for(row: Row, work: ImportWork, **arguments: Any) -> None:
    """Have a worker do the next step of a row, for whom `actor` in the arguments says. Needs an open scope.

    Raises Conflict `sheet_is_worked_on`, `deck_is_worked_on`, `edit_is_worked_on`.
    """
    kind = _KINDS[type(row)]
    lock_rows(type(row).objects.all(), [row.pk])
    row.refresh_from_db(fields=["work", "problem"])
    require_idle(row)
    row.work, row.problem = work, None
    row.save(update_fields=["work", "problem"])
    files.set_progress(place_of(row), 0)
    about = {kind.argument: row.pk}
    jobs.defer(kind.jobs[work], key=str(row.pk), tenant_id=current_tenant_id(), **about, **arguments)


def require_idle(row: Row) -> None:
    """Raises Conflict `sheet_is_worked_on`, `deck_is_worked_on`, `edit_is_worked_on` if a worker is at a row."""
    if is_worked_on(row):
        raise Conflict(
            f"{_KINDS[type(row)].name}_is_worked_on",
            f"{_called(row)} is {row.get_work_display()}.",
            hint="Wait until that is done.",
        )


def require_not_written(rows: QuerySet[Any]) -> None:
    """Raises as `require_idle` while a worker writes one of these rows: nobody can say no to it now."""
    for row in rows.filter(work__in=WRITING):
        require_idle(row)


def is_worked_on(row: Row) -> bool:
    """Whether a worker is at a row, or will be. Needs an open scope."""
    if row.work == ImportWork.NONE:
        return False
    return jobs.is_asked(*_KINDS[type(row)].jobs.values(), tenant_id=current_tenant_id(), key=str(row.pk))


def require_unwritten(tariff_id: int) -> None:
    """Raises Conflict `tariff_is_worked_on` while a worker writes into a tariff, or will: what is worked out now would be worth nothing then."""
    found = find_writing(tariff_id)
    if found is not None:
        raise Conflict(
            "tariff_is_worked_on",
            f"{found.tariff} is being changed: {_called(found)} is {found.get_work_display()}.",
            hint="Wait until that is done, then look again.",
        )


def find_writing(tariff_id: int) -> SheetImport | TariffEdit | None:
    """What a worker writes into a tariff now, or will. Needs an open scope."""
    models: tuple[type[SheetImport | TariffEdit], ...] = (SheetImport, TariffEdit)
    rows = (row for each in models for row in each.objects.filter(tariff_id=tariff_id, work__in=WRITING))
    return next((row for row in rows if is_worked_on(row)), None)


def _called(row: Row) -> str:
    if isinstance(row, TariffEdit):
        return f"The edit of {row.tariff}"
    return row.file_name or f"The change of {row.deck}" if isinstance(row, DeckChange) else row.file_name


def place_of(row: Row) -> Path:
    """Where the files of a row lie. Needs an open scope."""
    return _KINDS[type(row)].place(current_tenant_id(), row.public_id)


def percent_of(row: Row) -> int:
    """How far the step is that a worker is at."""
    return files.progress(place_of(row))


def problem_of(row: Row) -> dict[str, str] | None:
    """What was in the way of the last step: code, message, hint. None: nothing was, or a worker is at it."""
    if row.work and row.problem is None and not is_worked_on(row):
        return CAME_TO_NO_END
    return row.problem


def is_small(octets: int, path: Path) -> bool:
    """Whether a file of so many octets is read while somebody waits."""
    with path.open("rb") as file:
        is_packed = file.read(2) in _PACKED
    return octets <= (PACKED_AT_ONCE_OCTETS if is_packed else READ_AT_ONCE_OCTETS)


def is_large(row: Row) -> bool:
    """Whether a row is too large to wait for while its next step is done."""
    if isinstance(row, TariffEdit):
        return int(row.counts.get("changed", 0)) + int(row.counts.get("ended", 0)) > AT_ONCE_LINES
    if int(row.counts.get("lines", 0)) > AT_ONCE_LINES:
        return True
    return isinstance(row, SheetImport) and not is_small(row.octets, place_of(row) / files.ORIGINAL)


def do_step(
    model: type[R], work: ImportWork, step: Callable[[R], Any], *, tenant_id: int, row_id: int, actor: str, at: datetime
) -> None:
    """Do a step for whoever has asked for it, as long as it is asked for and they may; what is in its way is said in the row.

    A step that writes is done once: where the row does not ask for it any more, it is done already, or somebody has said no.
    """
    from trunkline.identity.queries import principal_of_actor  # commands do without the apps of the web (docs/adr/007)

    with scope(tenant_id, actor):
        row: R | None = model.objects.filter(pk=row_id).first()
        if row is None or (work in WRITING and row.work != work):
            return
    try:
        with scope(tenant_id, actor):
            principal_of_actor(actor, at=at).require(Permission.TARIFFS_WRITE)
        reached("change_taken_up")
        step(row)
        reached("change_after_commit")
    except TrunklineError as error:
        if error.code != "not_open":  # it has gone on without this step
            note_problem(model, tenant_id, row_id, work, error, actor=actor)
    except BaseException:
        note_problem(model, tenant_id, row_id, work, None, actor=actor)
        raise


def note_problem(
    model: type[R], tenant_id: int, row_id: int, work: ImportWork, error: TrunklineError | None, *, actor: str
) -> None:
    """Say in a row what was in the way of the step that a worker was at; None: an error of the program.

    Where another worker has done a step that writes meanwhile, or somebody else has, nothing is in its way.
    """
    with scope(tenant_id, actor):
        (row,) = lock_rows(model.objects.all(), [row_id])
        if work in WRITING and row.work != work:
            return
        row.work = ImportWork.NONE
        row.problem = (
            CAME_TO_NO_END if error is None else {"code": error.code, "message": error.message, "hint": error.hint}
        )
        row.save()
