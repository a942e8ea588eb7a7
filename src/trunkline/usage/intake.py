"""The ways in for one file: named on the command line, or uploaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from trunkline.core.errors import Invalid
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.kit.outages import explain
from trunkline.tenancy.queries import require_working
from trunkline.tenancy.storage import require_room
from trunkline.usage.actions import FINAL, register
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.examine import examine
from trunkline.usage.queries import access_switch
from trunkline.usage.spool import spooled, write_synced

_PIECE: Final = 1 << 20


def register_path(
    tenant_id: int, switch: str, path: Path, *, actor: str, now: Callable[[], datetime]
) -> tuple[int, BatchState | None]:
    """Register a file where it lies: (batch id, the state in which it was there, None if it is new). The file stays there and must stay until the batch is final."""
    with scope(tenant_id, actor):
        access_switch(switch)  # before a big file is read for nothing
        require_working(now())
    require_room(tenant_id, actor=actor, now=now)
    examined = examine(path)
    with scope(tenant_id, actor):
        found = register(switch=access_switch(switch), examined=examined, intake=Intake.COMMAND, at=now())
    reached("registered")
    return found.batch.pk, found.found


class Incoming(Protocol):
    """Octets that come in: as many as asked for at most, none at the end."""

    def read(self, size: int, /) -> bytes: ...


def register_upload(
    tenant_id: int,
    switch: str,
    name: str,
    content: Incoming,
    *,
    octets: int = 0,
    actor: str,
    now: Callable[[], datetime],
) -> tuple[int, BatchState | None]:
    """Take an upload: spooled first, in constant memory and outside any scope, then registered: (batch id, the state in which it was there, None if it is new).

    The spooled copy goes when the batch is final, or at once where the content is known already. Raises NotFound `switch_not_found` before
    anything is read, and then Denied `trial_ended`, `tenant_suspended` or, where the `octets` that it announces do not fit, `quota_reached`;
    Invalid `unsupported_media_type`; Unavailable `disk_full`; and what `content.read` raises. Nothing is left then.
    """
    with scope(tenant_id, actor):
        access_switch(switch)
        require_working(now())
    require_room(tenant_id, octets, actor=actor, now=now)
    with spooled(tenant_id) as path:
        try:
            write_synced(path, _pieces(content))
        except OSError as error:
            raise explain(error) or error from error
        examined = examine(path, is_sparing=True)
        with scope(tenant_id, actor):
            found = register(
                switch=access_switch(switch), examined=examined, intake=Intake.UPLOAD, at=now(), name=Path(name).name
            )
    if found.batch.path != str(path) or found.batch.state in FINAL:
        path.unlink(missing_ok=True)
    reached("registered")
    return found.batch.pk, found.found


# How files begin that people send by mistake, or to do harm; no text begins so, so nothing of them would ever be a record. Office's newer files
# are zips whose first member, the name of which stands at octet 30 (APPNOTE 4.3.7), is always the same.
_OTHER_KINDS: Final = {
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"%PDF-": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF87a": "a picture",
    b"GIF89a": "a picture",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"7z\xbc\xaf\x27\x1c": "an archive of 7-Zip",
    b"Rar!\x1a\x07": "an archive of RAR",
    b"\xfd7zXZ": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
} | {b"BZh%d1AY&SY" % level: "packed by bzip2" for level in range(1, 10)}
_OFFICE: Final = b"[Content_Types].xml"


def _pieces(content: Incoming) -> Iterator[bytes]:
    beginning = content.read(_PIECE)
    require_usage(beginning)
    piece = beginning
    while piece:
        yield piece
        piece = content.read(_PIECE)


def require_usage(beginning: bytes) -> None:
    """Raises Invalid `unsupported_media_type` for what begins as no usage file does."""
    found = next((kind for mark, kind in _OTHER_KINDS.items() if beginning.startswith(mark)), None)
    if found is None and beginning.startswith(b"PK") and beginning[30:].startswith(_OFFICE):
        found = "an Office document"
    if found is not None:
        raise Invalid(
            "unsupported_media_type",
            f"The file is {found}, no usage file.",
            hint="Send it plain, or packed by gzip or zip.",
        )
