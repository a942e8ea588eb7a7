"""The data folder: where the embedded PostgreSQL, the usage segments, the spool and the documents live."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The data folder: `TRUNKLINE_HOME`, else `/var/lib/trunkline` for root and `~/.local/share/trunkline` for others."""
    named = os.environ.get("TRUNKLINE_HOME")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/trunkline")
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "trunkline"


def folder(*parts: str) -> Path:
    """A folder below the data folder, made where it is missing, so that a power cut does not take it away again.

    It and all between are ours alone (0700).
    """
    path = home()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part in parts:
        path /= part
        if not path.is_dir():
            path.mkdir(mode=0o700, exist_ok=True)
            fsync_folder(path.parent)
    return path


def fsync_folder(path: Path) -> None:
    """Make what was made, renamed or removed inside a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
