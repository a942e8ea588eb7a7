"""The revision of a tariff."""

from __future__ import annotations

from trunkline.core.ids import uuid7
from trunkline.tariffs.models import Tariff


def bump(tariff: Tariff) -> int:
    """Give a locked tariff a new revision, as whatever changes a price must in the same transaction; the new number."""
    tariff.revision += 1
    tariff.stamp = uuid7()
    tariff.save(update_fields=["revision", "stamp"])
    return tariff.revision
