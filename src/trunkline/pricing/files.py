"""Where a sheet, or a change of a code deck, lies below the data folder: the file as it came, its lines as they were understood, what it has ended."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa

from trunkline.kit.home import folder, fsync_folder, home

ORIGINAL: Final = "original"
READ: Final = "read.arrow"  # its lines as they were read, before a tariff is looked at
UNREAD: Final = "unread.arrow"
REPORT: Final = "report.json"  # what was understood, and how its worksheets begin and end
CORRECTIONS: Final = "corrections.json"  # what somebody says of its layout, until it is read again
PROGRESS: Final = "progress"
SHOWN_ERRORS: Final = 200  # of the rows that cannot be read, in the report; all of them stand in `UNREAD`
LINES: Final = "lines.arrow"
ERRORS: Final = "errors.arrow"
CLOSINGS: Final = "closings.arrow"
ENDED: Final = "ended.arrow"
ORIGINS: Final = "origins.arrow"  # codes of callers and the origins that the sheet says they are in; what they were in before, once it is applied
GROUND: Final = "ground.arrow"  # the rates of a tariff as an edit of many has found them
CODES: Final = "codes.arrow"
CHANGED: Final = "changed.arrow"


def import_folder(tenant_id: int, public_id: UUID) -> Path:
    """The folder of a sheet, made where it is missing."""
    return folder("pricing", f"tenant={tenant_id}", str(public_id))


def find_import_folder(tenant_id: int, public_id: UUID) -> Path:
    """Where the folder of a sheet is. Nothing is made."""
    return home() / "pricing" / f"tenant={tenant_id}" / str(public_id)


def import_folders(tenant_id: int) -> list[Path]:
    """The folders of all sheets of a tenant, whoever names them."""
    return sorted((home() / "pricing" / f"tenant={tenant_id}").glob("*"))


def deck_folder(tenant_id: int, public_id: UUID) -> Path:
    """The folder of a change of a deck, made where it is missing."""
    return folder("decks", f"tenant={tenant_id}", str(public_id))


def find_deck_folder(tenant_id: int, public_id: UUID) -> Path:
    """Where the folder of a change of a deck is. Nothing is made."""
    return home() / "decks" / f"tenant={tenant_id}" / str(public_id)


def deck_folders(tenant_id: int) -> list[Path]:
    """The folders of all changes of decks of a tenant, whoever names them."""
    return sorted((home() / "decks" / f"tenant={tenant_id}").glob("*"))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table, whole or not at all, so that a power cut does not take it away again."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    fsync_folder(path.parent)


def read_table(path: Path) -> pa.Table:
    """A table that `write_table` has written."""
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        return reader.read_all()


def write_json(path: Path, said: Any) -> None:
    """Write plain values; whoever reads meanwhile sees what was before, or these."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(said))
    beside.replace(path)


def read_json(path: Path) -> Any:
    """What `write_json` has written; None where nothing has been."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def set_progress(place: Path, percent: int) -> None:
    """Say how far the step is that somebody waits for."""
    write_json(place / PROGRESS, percent)


def progress(place: Path) -> int:
    """How far that step is, in percent."""
    return int(read_json(place / PROGRESS) or 0)


def remove_folder(path: Path) -> None:
    """Remove the folder of a sheet that no row names."""
    shutil.rmtree(path, ignore_errors=True)
