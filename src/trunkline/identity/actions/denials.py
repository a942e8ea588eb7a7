"""Writes of denials: in a scope of their own, after what was denied has been taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F

from trunkline.core.errors import Denied
from trunkline.identity.models import Denial

KEPT: Final = timedelta(days=90)
ROUTE_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """What a door says of a denial. `route` has no ids: it is the pattern of the address."""

    actor: str
    error: Denied
    method: str
    route: str
    address: str


def note_denial(refused: Refused, *, at: datetime) -> None:
    """Write a denial down: a row for the first of an hour, a number for those that are like it, so that nobody fills the table by asking."""
    alike = {
        "hour": at.replace(minute=0, second=0, microsecond=0),
        "actor": refused.actor,
        "code": refused.error.code,
        "permission": str(refused.error.context.get("permission", "")),
        "method": refused.method[:8],
        "route": refused.route[:ROUTE_LENGTH],
    }
    address = refused.address or None
    again = {"count": F("count") + 1, "last_at": at, "last_from": address}
    if Denial.objects.filter(**alike).update(**again):
        return
    try:
        with transaction.atomic():
            Denial.objects.create(**alike, first_at=at, last_at=at, last_from=address)
    except IntegrityError:  # somebody was quicker
        Denial.objects.filter(**alike).update(**again)


def forget_denials(*, at: datetime) -> int:
    """Remove those of the scope's tenant that are older than ninety days: how many."""
    removed, _ = Denial.objects.filter(last_at__lt=at - KEPT).delete()
    return removed
