"""Reads of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from trunkline.core.errors import NotFound
from trunkline.usage.choices import BatchState
from trunkline.usage.models import Batch, Switch


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


def list_batches(*, state: str = "", limit: int = 50) -> list[Batch]:
    """The newest batches, of one state if named."""
    found = Batch.objects.order_by("-pk")
    return list((found.filter(state=state) if state else found)[:limit])


def unfinished_batches(switch_id: int) -> list[int]:
    """Ids of the batches of a switch that wait or are worked on, the oldest first."""
    found = Batch.objects.filter(switch=switch_id, state__in=(BatchState.REGISTERED, BatchState.RUNNING))
    return list(found.order_by("pk").values_list("pk", flat=True))


def posting_key(batch_id: int, side: str, account_id: int, day: date) -> str:
    """The key of the ledger entry that holds what a batch charges to one side of one account on a day of its zone."""
    return f"batch:{batch_id}:{side}:{account_id}:{day:%Y-%m-%d}"
