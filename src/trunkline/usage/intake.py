"""The ways in for one file: named on the command line, or uploaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.db import DatabaseError

from trunkline.core.ids import uuid7
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.home import folder, fsync_folder
from trunkline.usage.actions import FINAL, register
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.examine import examine
from trunkline.usage.queries import access_switch


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
    path = folder("spool", f"tenant={tenant_id}") / str(uuid7())
    try:
        with path.open("xb") as spool:
            shutil.copyfileobj(content, spool, 1 << 20)
            spool.flush()
            os.fsync(spool.fileno())
        fsync_folder(path.parent)
        examined = examine(path)
        with scope(tenant_id, actor):
            found = register(
                switch=access_switch(switch), examined=examined, intake=Intake.UPLOAD, at=now(), name=Path(name).name
            )
    except DatabaseError:
        raise  # it may be registered all the same; if it is not, the sweep removes the copy
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if found.batch.path != str(path) or found.batch.state in FINAL:
        path.unlink(missing_ok=True)
    reached("registered")
    return found.batch.pk, found.found
