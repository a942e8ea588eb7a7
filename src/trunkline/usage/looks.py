"""Looks at what a re-rating would change, made by a worker and kept for whoever asked: a file each below `cache` of the data folder.

A look is nothing that must not be lost: it can be made again at any time. It is known by a UUID and lies in its tenant's folder, so nobody finds
another operator's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import astuple
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import UUID

from trunkline.core.errors import NotFound, TrunklineError
from trunkline.core.ids import uuid7
from trunkline.kit import jobs
from trunkline.kit.home import folder
from trunkline.usage.asked import Asked
from trunkline.usage.choices import LOOK
from trunkline.usage.rerate import Found, Moved, preview

KEPT: Final = timedelta(days=7)
PROGRESS_S: Final = 1.0


def begin_look(tenant_id: int, asked: Asked, *, actor: str, at: datetime) -> UUID:
    """Have a worker look what a re-rating would change; the id of the look. Those of last week go."""
    for path in _folder(tenant_id).glob("*.json"):
        if path.stat().st_mtime < (at - KEPT).timestamp():
            path.unlink(missing_ok=True)
    look_id = uuid7()
    _write(tenant_id, look_id, {"asked": asked.as_json(), "state": "waiting", "begun_at": at.isoformat()})
    jobs.defer(LOOK, tenant_id=tenant_id, look_id=str(look_id), actor=actor)
    return look_id


def get_look(tenant_id: int, look_id: UUID) -> dict[str, Any]:
    """A look: `asked` as `Asked.as_json`, `state` (waiting, running, done, failed), `done` and `total` records, `found` where it is done, as
    `found_of` reads it, `problem` where it failed. Raises NotFound `look_not_found`."""
    try:
        said: dict[str, Any] = json.loads(_path(tenant_id, look_id).read_text())
    except FileNotFoundError:
        raise NotFound(
            "look_not_found", "There is no such look.", hint="Looks are kept for a week: look again."
        ) from None
    return said


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
            _write(tenant_id, look_id, said | {"state": "running", "done": done, "total": total})

    try:
        found = preview(tenant_id, Asked.of(said["asked"]), actor=actor, on_progress=tell)
    except TrunklineError as error:
        _write(tenant_id, look_id, said | {"state": "failed", "problem": str(error)})
        return
    lines = [
        [value.isoformat() if isinstance(value, date) else value for value in astuple(each)] for each in found.moved
    ]
    plain = {
        name: getattr(found, name) for name in ("stored", "looked", "changed", "segments", "touched", "seconds", "lost")
    }
    _write(tenant_id, look_id, said | {"state": "done", "found": plain | {"moved": lines}})


def _folder(tenant_id: int) -> Path:
    return folder("cache", "looks", f"tenant={tenant_id}")


def _path(tenant_id: int, look_id: UUID) -> Path:
    return _folder(tenant_id) / f"{look_id}.json"


def _write(tenant_id: int, look_id: UUID, said: Mapping[str, Any]) -> None:
    path = _path(tenant_id, look_id)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(said))
    beside.replace(path)
