"""Scratch folders, one for each process that wants one: it goes with the process, and where that is killed the next sweep takes it.

Whether a process is still there is told by a lock on a file beside its folder, which the kernel frees however the process ends. A process id
would not do: ids are used again, and two containers over one data folder count their own.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from trunkline.kit.home import folder, home

_PREFIX: Final = "process-"
_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class _Own:
    """The folder of a process and the lock that says that it lives."""

    pid: int
    path: Path
    lock: BinaryIO


_own: dict[Path, _Own] = {}
_making = threading.Lock()


def scratch_folder() -> Path:
    """The folder of this process below `tmp` of the data folder, made where it is missing. What lies in it goes when the process ends."""
    root = home() / "tmp"
    with _making:
        found = _own.get(root)
        # A fork has its parent's, which is not its own; and somebody may have emptied `tmp`.
        if found is None or found.pid != os.getpid() or not found.path.is_dir():
            found = _own[root] = _make()
    return found.path


def _make() -> _Own:
    """A new folder, locked before it is there. A sweep that came between the making of the lock's file and the lock has removed the file: once more."""
    while True:
        path = folder("tmp") / f"{_PREFIX}{uuid4()}"
        lock = _lock_file(path).open("xb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _lock_file(path).exists():
            break
        lock.close()
    path.mkdir(mode=0o700)
    made = _Own(os.getpid(), path, lock)
    atexit.register(_remove, made)
    return made


def _remove(own: _Own) -> None:
    if own.pid == os.getpid():
        _clear(own.path)


def _clear(path: Path) -> None:
    """Remove a folder, and last its lock, so that what is left of it after a crash is still found."""
    shutil.rmtree(path, ignore_errors=True)
    _lock_file(path).unlink(missing_ok=True)


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + _LOCK)


def is_scratch(path: Path) -> bool:
    """Whether something below `tmp` is a process's folder or lock, which `sweep_scratch` alone removes."""
    return path.name.startswith(_PREFIX)


def sweep_scratch() -> int:
    """Remove the folders of processes that were killed; how many. Safe while others work."""
    swept = 0
    for held in (home() / "tmp").glob(f"{_PREFIX}*{_LOCK}"):
        try:
            with held.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _clear(held.with_name(held.name.removesuffix(_LOCK)))
        except (FileNotFoundError, BlockingIOError):
            continue  # its process has just removed it, or lives
        swept += 1
    return swept
