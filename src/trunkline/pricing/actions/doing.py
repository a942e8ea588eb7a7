"""What somebody asks for of a sheet, a change of a deck or an edit of rates, one way for all: whether it can be done, at once or by a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from trunkline.pricing.actions.decks import apply_deck_change, require_deck_step, undo_deck_change
from trunkline.pricing.actions.edits import apply_edit, require_edit_step
from trunkline.pricing.actions.imports import apply_import, require_sheet_step, undo_import
from trunkline.pricing.actions.work import Row, ask_for, is_large, require_idle, require_unwritten
from trunkline.pricing.choices import ImportWork
from trunkline.pricing.models import DeckChange, SheetImport, TariffEdit

_STEPS: Final[Mapping[tuple[type, ImportWork], Callable[..., Any]]] = {
    (SheetImport, ImportWork.APPLYING): apply_import,
    (SheetImport, ImportWork.UNDOING): undo_import,
    (DeckChange, ImportWork.APPLYING): apply_deck_change,
    (DeckChange, ImportWork.UNDOING): undo_deck_change,
    (TariffEdit, ImportWork.APPLYING): apply_edit,
}


def ask_if_large(row: Row, work: ImportWork, *, actor: str, **arguments: Any) -> bool:
    """Have a worker do a step that is too large to wait for: True. False: whoever asks does it at once (`do_now`). Needs an open scope.

    What can be told of it is told in either case: raises Conflict `sheet_is_worked_on`, `deck_is_worked_on`, `edit_is_worked_on`, `tariff_is_worked_on`, and
    what the step itself refuses of a state, a revision, or checks that were not overruled.
    """
    require_idle(row)
    if isinstance(row, DeckChange):
        require_deck_step(row, work, arguments)
    elif isinstance(row, TariffEdit):
        require_unwritten(row.tariff_id)
        require_edit_step(row)
    else:
        require_unwritten(row.tariff_id)
        require_sheet_step(row, work, arguments)
    if not is_large(row):
        return False
    ask_for(row, work, actor=actor, **arguments)
    return True


def do_now(
    row: Row, work: ImportWork, *, tenant_id: int, actor: str, now: Callable[[], datetime], **arguments: Any
) -> Any:
    """Do a step. Raises what the step does."""
    return _STEPS[type(row), work](tenant_id, row.pk, actor=actor, now=now, **arguments)
