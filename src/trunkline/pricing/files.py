"""Where a sheet lies below the data folder: the file as it came, its lines as they were understood, and what it has ended."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final
from uuid import UUID

import pyarrow as pa

from trunkline.kit.home import folder, fsync_folder, home

ORIGINAL: Final = "original"
LINES: Final = "lines.arrow"
ERRORS: Final = "errors.arrow"
CLOSINGS: Final = "closings.arrow"
ENDED: Final = "ended.arrow"
ORIGINS: Final = "origins.arrow"  # codes of callers and the origins that the sheet says they are in; what they were in before, once it is applied


def import_folder(tenant_id: int, public_id: UUID) -> Path:
    """The folder of a sheet, made where it is missing."""
    return folder("pricing", f"tenant={tenant_id}", str(public_id))


def find_import_folder(tenant_id: int, public_id: UUID) -> Path:
    """Where the folder of a sheet is. Nothing is made."""
    return home() / "pricing" / f"tenant={tenant_id}" / str(public_id)


def import_folders(tenant_id: int) -> list[Path]:
    """The folders of all sheets of a tenant, whoever names them."""
    return sorted((home() / "pricing" / f"tenant={tenant_id}").glob("*"))


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


def remove_folder(path: Path) -> None:
    """Remove the folder of a sheet that no row names."""
    shutil.rmtree(path, ignore_errors=True)
