"""What an operator has stored below the data folder, and how much it may (docs/operations/web.md, *How much an operator may store*).

The files themselves are counted once an hour, outside any scope (`count_storage`). Whatever comes in meanwhile is written down as a row in the
transaction that registers it, so that to ask is to add up a handful of rows: no door walks through folders. What goes meanwhile is seen by the
next count. Until then the sum is too high rather than too low, so nobody is refused by a count that is older than a minute: whoever
would be has the files counted first. Sources, folders and mailboxes, which ask again by themselves, do with one of the last quarter of an hour.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Max, Q, Sum

from trunkline.core.errors import Denied
from trunkline.core.octets import read_octets, shown_octets
from trunkline.kit.db.locks import work_lock
from trunkline.kit.db.scope import scope
from trunkline.kit.home import home
from trunkline.tenancy.models import Stored
from trunkline.tenancy.queries import current_tenant

ACTOR: Final = "system"
NEAR_PERCENT: Final = 80
WRITTEN: Final = tuple(
    (f"{letter}{i}B", (1024 if i else 1000) ** power)
    for power, letter in ((4, "T"), (3, "G"), (2, "M"))
    for i in ("i", "")
)
FRESH: Final = timedelta(minutes=1)
PATIENT: Final = timedelta(minutes=15)  # of what asks by itself, again and again, and can wait
# Compiled prices are made again whenever they are missing, so they are nobody's burden.
NOT_COUNTED: Final = frozenset({"snapshots"})


@dataclass(frozen=True, slots=True)
class Storage:
    """How much an operator has stored, and how much it may; `quota` is None where there is no limit."""

    octets: int
    quota: int | None
    counted_at: datetime | None

    @property
    def free(self) -> int | None:
        """Octets for which there is room still; None where there is no limit."""
        return None if self.quota is None else max(self.quota - self.octets, 0)

    @property
    def percent(self) -> int | None:
        """How much of the quota is used, rounded down; None where there is no limit."""
        return None if self.quota is None else 100 * self.octets // self.quota

    @property
    def is_near(self) -> bool:
        """Whether 80 % are reached: it is time to ask for more."""
        return self.percent is not None and self.percent >= NEAR_PERCENT

    def has_room(self, octets: int) -> bool:
        """Whether so many more octets fit. Where nothing is free, not even what takes no room by itself: it grows when it is read."""
        return self.free is None or 0 < self.free >= octets


def quota_of(own: int | None) -> int | None:
    """The octets that an operator may store: its own, else the installation's (`TRUNKLINE_QUOTA`); None without a limit."""
    found: int | None = settings.STORAGE_QUOTA if own is None else own
    return found or None


def read_quota(text: str) -> int | None:
    """A quota as people write it: nothing or `default`: None; `none`: 0; else octets. Raises Invalid `bad_size`."""
    word = text.strip().lower()
    if word in ("", "default"):
        return None
    return 0 if word == "none" else read_octets(word)


def written_quota(own: int | None) -> str:
    """A quota as `read_quota` takes it."""
    if not own:
        return "" if own is None else "none"
    unit, weight = next(((unit, weight) for unit, weight in WRITTEN if not own % weight), ("B", 1))
    return f"{own // weight} {unit}"


def storage() -> Storage:
    """How much the scope's tenant has stored."""
    said = Stored.objects.aggregate(octets=Sum("octets"), counted_at=Max("at", filter=Q(is_count=True)))
    return Storage(max(said["octets"] or 0, 0), quota_of(current_tenant().quota_octets), said["counted_at"])


def stored_by_folder() -> dict[str, int]:
    """The octets of the scope's tenant by the folder of the data folder in which they lie."""
    rows = Stored.objects.order_by("folder").values_list("folder").annotate(octets=Sum("octets"))
    return {name: octets for name, octets in rows if octets}


def note_stored(folder: str, octets: int, *, at: datetime) -> None:
    """Write down that so many octets have come into a folder; part of the transaction that registers them. Needs an open scope."""
    if octets:
        Stored.objects.create(folder=folder, octets=octets, at=at)


def note_folder(place: Path, *, at: datetime) -> None:
    """The same of all files of one new folder, such as that of a sheet. Needs an open scope."""
    note_stored(place.relative_to(home()).parts[0], _size(place), at=at)


def room_for(octets: int = 0) -> int | None:
    """How many octets the scope's tenant may still store; None without a limit. Raises Denied `quota_reached` where so many do not fit."""
    found = storage()
    if not found.has_room(octets):
        raise _refusal(found, octets)
    return found.free


def require_room(
    tenant_id: int,
    octets: int = 0,
    *,
    now: Callable[[], datetime],
    actor: str = ACTOR,
    patience: timedelta = FRESH,
) -> int | None:
    """`room_for` at a door, before anything is read and outside a scope: files are counted anew before anything is refused by a count that is as
    old as `patience`. What is larger than all that may be stored is refused without that."""
    with scope(tenant_id, actor):
        found = storage()
    may_fit = found.quota is None or octets <= found.quota
    if may_fit and not found.has_room(octets) and (found.counted_at is None or found.counted_at + patience <= now()):
        count_storage(tenant_id, at=now())
        with scope(tenant_id, actor):
            found = storage()
    if not found.has_room(octets):
        raise _refusal(found, octets)
    return found.free


def count_storage(tenant_id: int, *, at: datetime) -> None:
    """Count the files of a tenant, in place of what was counted and written down before. Twice at once, the second comes after the first.

    What is written down while the files are counted stays, so that it may count double until the next time, and is never left out.
    """
    with work_lock("storage", tenant_id):
        with scope(tenant_id, ACTOR):
            before = list(Stored.objects.values_list("pk", flat=True))
        counted = {"usage": 0} | _counted(tenant_id)
        with scope(tenant_id, ACTOR):
            Stored.objects.filter(pk__in=before).delete()
            Stored.objects.bulk_create(
                Stored(folder=name, octets=octets, at=at, is_count=True) for name, octets in counted.items()
            )


def _counted(tenant_id: int) -> dict[str, int]:
    own = f"tenant={tenant_id}"
    found: dict[str, int] = {}
    for place in (*home().glob(f"*/{own}"), *home().glob(f"cache/*/{own}")):
        name = place.relative_to(home()).parts[0]
        if name not in NOT_COUNTED:
            found[name] = found.get(name, 0) + _size(place)
    return found


def _size(place: Path) -> int:
    """Octets of all files below a folder. What goes while it is looked at is not there."""
    octets, left = 0, [str(place)]
    while left:
        with contextlib.suppress(FileNotFoundError), os.scandir(left.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                    continue
                with contextlib.suppress(FileNotFoundError):
                    octets += entry.stat(follow_symlinks=False).st_size
    return octets


def _refusal(found: Storage, octets: int) -> Denied:
    quota = found.quota or 0
    stored, allowed, more = (shown_octets(each) for each in (found.octets, quota, octets))
    return Denied(
        "quota_reached",
        f"{stored} of {allowed} that this operator may store are used; {more} more do not fit."
        if octets
        else f"{stored} of {allowed} that this operator may store are used.",
        hint="What is here works on, and nothing is lost: what waits outside is taken once there is room. "
        "Whoever runs this installation can give more.",
        stored_octets=found.octets,
        quota_octets=quota,
        octets=octets,
    )
