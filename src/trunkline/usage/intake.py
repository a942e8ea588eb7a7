"""The ways in for one file: named on the command line, or uploaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.usage.actions import FINAL, register
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.examine import examine
from trunkline.usage.queries import access_switch
from trunkline.usage.spool import spooled, write_synced


def register_path(
    tenant_id: int, switch: str, path: Path, *, actor: str, now: Callable[[], datetime]
) -> tuple[int, BatchState | None]:
    """Register a file where it lies: (batch id, the state in which it was there, None if it is new). The file stays there and must stay until the batch is final."""
    with scope(tenant_id, actor):
        access_switch(switch)  # before a big file is read for nothing
    examined = examine(path)
    with scope(tenant_id, actor):
        found = register(switch=access_switch(switch), examined=examined, intake=Intake.COMMAND, at=now())
    reached("registered")
    return found.batch.pk, found.found


def register_upload(
    tenant_id: int, switch: str, name: str, content: BinaryIO, *, actor: str, now: Callable[[], datetime]
) -> tuple[int, BatchState | None]:
    """Take an upload: spooled first, in constant memory and outside any scope, then registered: (batch id, the state in which it was there, None if it is new).

    The spooled copy goes when the batch is final, or at once where the content is known already.
    """
    with spooled(tenant_id) as path:
        write_synced(path, iter(partial(content.read, 1 << 20), b""))
        examined = examine(path)
        with scope(tenant_id, actor):
            found = register(
                switch=access_switch(switch), examined=examined, intake=Intake.UPLOAD, at=now(), name=Path(name).name
            )
    if found.batch.path != str(path) or found.batch.state in FINAL:
        path.unlink(missing_ok=True)
    reached("registered")
    return found.batch.pk, found.found
