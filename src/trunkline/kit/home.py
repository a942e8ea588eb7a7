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
    """A folder below the data folder, made (0700) where it is missing."""
    path = home().joinpath(*parts)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
