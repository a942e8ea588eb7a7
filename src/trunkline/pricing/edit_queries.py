"""Reads of edits of many rates. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Coalesce

from trunkline.core.errors import Conflict, NotFound
from trunkline.kit.models import find_public
from trunkline.pricing.choices import ImportState
from trunkline.pricing.models import SheetImport, TariffEdit
from trunkline.usage.models import Proposal


def edits() -> QuerySet[TariffEdit]:
    """Edits, the latest first, with tariff, agreement and sheet; `stands` is the state that `state_of` gives."""
    said = Case(When(discarded_at=None, then=Value(ImportState.COMPARED)), default=Value(ImportState.DISCARDED))
    rows = TariffEdit.objects.select_related("tariff", "agreement", "sheet")
    return rows.annotate(stands=Coalesce("sheet__state", said)).order_by("-looked_at", "-pk")


def access_edit(public_id: str) -> TariffEdit:
    """The edit of that id. Raises NotFound `not_found`."""
    found = find_public(edits(), public_id)
    if found is None:
        raise NotFound("not_found", "rate edit not found.")
    return found


def state_of(edit: TariffEdit) -> ImportState:
    """How far an edit has come: that of its sheet, once it has one."""
    if edit.sheet is not None:
        return ImportState(edit.sheet.state)
    return ImportState.COMPARED if edit.discarded_at is None else ImportState.DISCARDED


def sheet_of(edit: TariffEdit) -> SheetImport:
    """The sheet that an edit is once it is applied. Raises Conflict `not_applied`."""
    if edit.sheet is None:
        raise Conflict("not_applied", f"The edit is {state_of(edit)}, not applied.")
    edit.sheet.tariff = edit.tariff
    return edit.sheet


def proposals_of(some: Sequence[TariffEdit]) -> dict[int, list[Proposal]]:
    """The re-ratings that are proposed because of edits, and wait, by the id of the edit. There is one for a tariff, which reaches back to the earliest change."""
    applied = {each.tariff_id for each in some if each.sheet is not None and each.sheet.applied_at is not None}
    waiting = list(Proposal.objects.filter(closed_at=None, tariff_id__in=applied)) if applied else []
    return {each.pk: [proposal for proposal in waiting if _is_because_of(proposal, each)] for each in some}


def _is_because_of(proposal: Proposal, edit: TariffEdit) -> bool:
    sheet = edit.sheet
    if sheet is None or sheet.applied_at is None or sheet.begins_at is None or proposal.tariff_id != edit.tariff_id:
        return False
    is_covered = proposal.start_from is None or proposal.start_from <= sheet.begins_at
    return is_covered and proposal.made_at >= sheet.applied_at
