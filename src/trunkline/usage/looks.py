"""Looks at what a re-rating would change, made by a worker and kept as drafts for whoever asked: they can be made again at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from trunkline.core.errors import TrunklineError
from trunkline.kit import jobs
from trunkline.kit.drafts import Drafts
from trunkline.usage.asked import Asked
from trunkline.usage.choices import LOOK
from trunkline.usage.rerate import Found, Moved, preview

LOOKS: Final = Drafts(
    "looks",
    timedelta(days=7),
    "look_not_found",
    "There is no such look.",
    "Looks are kept for a week: look again.",
)
PROGRESS_S: Final = 1.0


def begin_look(tenant_id: int, asked: Asked, *, actor: str, at: datetime) -> UUID:
    """Have a worker look what a re-rating would change; the id of the look. Those of last week go."""
    said = {"asked": asked.as_json(), "state": "waiting", "begun_at": at.isoformat()}
    look_id = LOOKS.begin(tenant_id, said, at=at)
    jobs.defer(LOOK, tenant_id=tenant_id, look_id=str(look_id), actor=actor)
    return look_id


def get_look(tenant_id: int, look_id: UUID) -> dict[str, Any]:
    """A look: `asked` as `Asked.as_json`, `state` (waiting, running, done, failed), `done` and `total` records, `found` where it is done, as
    `found_of` reads it, `problem` where it failed. Raises NotFound `look_not_found`."""
    return LOOKS.read(tenant_id, look_id)


def found_of(said: Mapping[str, Any]) -> Found:
    """What a look that is done has found."""
    moved = [
        Moved(side, batch, account, date.fromisoformat(day), *sums)
        for side, batch, account, day, *sums in said["moved"]
    ]
    return Found(**{name: value for name, value in said.items() if name != "moved"}, moved=moved)


def make_look(tenant_id: int, look_id: UUID, *, actor: str) -> None:
    """Do what `begin_look` has asked for; again does no harm."""
    said = get_look(tenant_id, look_id)
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if monotonic() - told >= PROGRESS_S:
            told = monotonic()
            LOOKS.write(tenant_id, look_id, said | {"state": "running", "done": done, "total": total})

    try:
        found = preview(tenant_id, Asked.of(said["asked"]), actor=actor, on_progress=tell)
    except TrunklineError as error:
        LOOKS.write(tenant_id, look_id, said | {"state": "failed", "problem": str(error)})
        return
    lines = [
        [value.isoformat() if isinstance(value, date) else value for value in astuple(each)] for each in found.moved
    ]
    plain = {
        name: getattr(found, name) for name in ("stored", "looked", "changed", "segments", "touched", "seconds", "lost")
    }
    LOOKS.write(tenant_id, look_id, said | {"state": "done", "found": plain | {"moved": lines}})
