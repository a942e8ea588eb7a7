"""Watched folders: new files are taken when they have come to rest, moved aside when they are done, and never lost."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.usage.actions import defer_unfinished, examine, register, stamp_of
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.decode import FileFailed
from trunkline.usage.models import Batch, Switch
from trunkline.usage.reasons import FileFailure

ACTOR = "system"
REST_SECONDS: Final = 5  # a file that was written to more recently is still being written


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one name in a watched folder."""

    switch: str
    path: Path
    fate: str  # registered, known, waiting, refused
    detail: str = ""


def watch(tenant_id: int, *, now: Callable[[], datetime]) -> list[Seen]:
    """Look once into every watched folder of the tenant and register what has come to rest; the jobs that take the files are deferred."""
    with scope(tenant_id, ACTOR):
        switches = list(Switch.objects.exclude(watch_folder="").order_by("name"))
    return [seen for switch in switches for path in _names(switch) for seen in _look(tenant_id, switch, path, now)]


def take_up_abandoned(tenant_id: int) -> int:
    """Defer the batches that no worker has finished. One that a living worker holds stays its own: the work lock says so."""
    with scope(tenant_id, ACTOR):
        return defer_unfinished()


def _names(switch: Switch) -> list[Path]:
    folder = Path(switch.watch_folder)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob(switch.watch_pattern) if not path.name.startswith("."))


def _look(tenant_id: int, switch: Switch, path: Path, now: Callable[[], datetime]) -> Iterator[Seen]:
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return  # somebody took it away meanwhile
    if stat.S_ISDIR(seen.st_mode):
        return  # done/, failed/ and whatever else is kept there
    if not stat.S_ISREG(seen.st_mode):
        yield Seen(switch.name, path, "refused", f"{FileFailure.NOT_A_FILE}: {FileFailure.NOT_A_FILE.meaning}")
        return
    if now().timestamp() - seen.st_mtime < REST_SECONDS:
        yield Seen(switch.name, path, "waiting", "is still being written")
        return
    with scope(tenant_id, ACTOR):
        underway = Batch.objects.filter(switch=switch, path=str(path), stamp=stamp_of(path)).exclude(
            state__in=[BatchState.POSTED, BatchState.FAILED]
        )
        if underway.exists():
            return
    try:
        examined = examine(path)
    except FileFailed as error:
        yield Seen(switch.name, path, "waiting", str(error))
        return
    with scope(tenant_id, ACTOR):
        found = register(switch=switch, examined=examined, intake=Intake.FOLDER, at=now())
    reached("registered")
    if found.batch.state in (BatchState.POSTED, BatchState.FAILED):
        retire(path, "done" if found.batch.state == BatchState.POSTED else "failed")
        yield Seen(
            switch.name,
            path,
            "known" if found.batch.state == BatchState.POSTED else "refused",
            found.batch.failure_detail,
        )
    else:
        yield Seen(switch.name, path, "registered")


def retire(path: Path, folder: str) -> None:
    """Move a file that is through out of the watched folder, under a name that no earlier one has."""
    target = free = path.parent / folder / path.name
    target.parent.mkdir(exist_ok=True)
    number = 1
    while free.exists():
        number += 1
        free = target.with_name(f"{target.stem}.{number}{target.suffix}")
    path.replace(free)
