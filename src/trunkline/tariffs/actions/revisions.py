"""The revision of a tariff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.core.errors import Conflict
from trunkline.core.ids import uuid7
from trunkline.tariffs.models import Tariff, TariffRevision

# A change of more rates is not written down: reading the list anew costs less than following it.
TOUCHED_MAX: Final = 20_000
KEPT_REVISIONS: Final = 32


@dataclass(frozen=True, slots=True)
class Touched:
    """The rates that a revision changed: `count` new ones with ids from `first_id` to `last_id`, and others by their ids."""

    ids: Sequence[int] = ()
    first_id: int | None = None
    last_id: int | None = None
    count: int = 0


NO_RATES: Final = Touched()


def bump(tariff: Tariff, touched: Touched | None = None) -> int:
    """Give a locked tariff a new revision, as whatever changes a price must in the same transaction; the new number.

    `touched` says which rates are other than they were; without it, copies of the tariff are made anew from all of them.
    """
    before = tariff.stamp
    tariff.revision += 1
    tariff.stamp = uuid7()
    tariff.save(update_fields=["revision", "stamp"])
    if touched is not None and len(touched.ids) + touched.count <= TOUCHED_MAX:
        TariffRevision.objects.create(
            tariff=tariff,
            revision=tariff.revision,
            before=before,
            stamp=tariff.stamp,
            first_id=touched.first_id,
            last_id=touched.last_id,
            touched=list(touched.ids),
        )
        TariffRevision.objects.filter(tariff=tariff, revision__lte=tariff.revision - KEPT_REVISIONS).delete()
    return tariff.revision


def require_revision(tariff: Tariff, revision: int) -> None:
    """Raises Conflict `tariff_changed` if a tariff has another revision."""
    if tariff.revision != revision:
        raise Conflict(
            "tariff_changed",
            f"{tariff.name} was changed meanwhile, by somebody else or by another sheet.",
            hint="Compare again with what is in force now, then apply.",
        )
