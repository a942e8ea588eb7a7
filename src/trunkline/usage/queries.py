"""Reads of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from trunkline.core.errors import NotFound
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.models import Batch, Switch

if TYPE_CHECKING:  # what lists batches does without Arrow
    from trunkline.usage.decode import Format


def access_switch(name: str) -> Switch:
    """The switch of that name. Raises `NotFound` (`switch_not_found`)."""
    found = Switch.objects.filter(name=name).first()
    if found is None:
        raise NotFound("switch_not_found", f"There is no switch {name!r}.", hint="`trunkline switch list` shows them.")
    return found


def access_batch(public_id: str) -> Batch:
    """The batch of that public id. Raises `NotFound` (`batch_not_found`)."""
    from django.core.exceptions import ValidationError

    try:
        found = Batch.objects.filter(public_id=public_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise NotFound(
            "batch_not_found", f"There is no batch {public_id!r}.", hint="`trunkline usage batches` shows them."
        )
    return found


def form_of(batch: Batch) -> Format:
    """What the lines of a batch, and of its rejects, are written in."""
    from trunkline.usage.stored import STORED, form_named

    origin = batch
    while origin.resends_id is not None:
        origin = Batch.objects.get(pk=origin.resends_id)
    return STORED if origin.intake == Intake.RERATE else form_named(batch.switch.format)


def name_batches(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lines that tell their batch by its internal id (`batch_id`), with its public id (`batch`) and the name of its file (`file`) instead."""
    ids = {line["batch_id"] for line in lines}
    found = {
        pk: {"batch": str(public_id), "file": name}
        for pk, public_id, name in Batch.objects.filter(pk__in=ids).values_list("pk", "public_id", "name")
    }
    return [
        found[line["batch_id"]] | {name: value for name, value in line.items() if name != "batch_id"} for line in lines
    ]


def find_rerating(batch: Batch, version: str) -> Batch | None:
    """The re-rating under whose prices a record of the batch stands; None where it stands under those that it came in with."""
    if version == batch.snapshot_version:
        return None
    posted = Batch.objects.filter(switch_id=batch.switch_id, intake=Intake.RERATE, state=BatchState.POSTED)
    return posted.filter(snapshot_version=version).order_by("-pk").first()


def list_batches(*, state: str = "", limit: int = 50) -> list[Batch]:
    """The newest batches, of one state if named."""
    found = Batch.objects.order_by("-pk")
    return list((found.filter(state=state) if state else found)[:limit])


def posting_key(batch_id: int, side: str, account_id: int, day: date) -> str:
    """The key of the ledger entry that holds what a batch charges to one side of one account on a day of its zone."""
    return f"batch:{batch_id}:{side}:{account_id}:{day:%Y-%m-%d}"
