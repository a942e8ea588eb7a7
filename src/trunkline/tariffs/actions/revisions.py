"""The revision of a tariff."""

from __future__ import annotations

from trunkline.core.errors import Conflict
from trunkline.core.ids import uuid7
from trunkline.tariffs.models import Tariff


def bump(tariff: Tariff) -> int:
    """Give a locked tariff a new revision, as whatever changes a price must in the same transaction; the new number."""
    tariff.revision += 1
    tariff.stamp = uuid7()
    tariff.save(update_fields=["revision", "stamp"])
    return tariff.revision


def require_revision(tariff: Tariff, revision: int) -> None:
    """Raises Conflict `tariff_changed` if a tariff has another revision."""
    if tariff.revision != revision:
        raise Conflict(
            "tariff_changed",
            f"{tariff.name} was changed meanwhile, by somebody else or by another sheet.",
            hint="Compare again with what is in force now, then apply.",
        )
