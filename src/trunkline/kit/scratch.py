"""Scratch files below `tmp`, named for the process that made them, so that a sweep can tell whether it is still there.

An id alone would not do: ids of processes are used again, and two containers over one data folder count their own. So the name also says
when the process began and in which namespace. What /proc does not tell, a sweep leaves to its age.
"""

from __future__ import annotations

import os
import re
import shutil
from itertools import count
from pathlib import Path
from typing import Final

from trunkline.kit.home import folder, home

_NAME: Final = re.compile(r"(?P<what>[a-z]+)-(?P<namespace>[0-9]+)-(?P<pid>[0-9]+)-(?P<began>[0-9]+)-[0-9]+", re.ASCII)
_BEGAN: Final = 22  # proc_pid_stat(5): starttime, in clock ticks since the machine was started

_numbers = count()


def scratch_path(what: str) -> Path:
    """A path below `tmp` of the data folder that no other process and no later call has. Nothing is made there."""
    pid = os.getpid()
    return folder("tmp") / f"{what}-{_namespace()}-{pid}-{_began(pid) or 0}-{next(_numbers)}"


def is_in_use(path: Path) -> bool:
    """Whether the process that a scratch path is named for is there; False for other names and for what cannot be known."""
    found = _NAME.fullmatch(path.name)
    return found is not None and _is_ours(found) and _began(int(found["pid"])) == int(found["began"])


def sweep_scratch() -> int:
    """Remove what processes left that were killed; how many. Safe while others work."""
    left = [path for path in (home() / "tmp").glob("*-*-*-*-*") if _is_left(path)]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _is_left(path: Path) -> bool:
    found = _NAME.fullmatch(path.name)
    return found is not None and _is_ours(found) and not is_in_use(path)


def _is_ours(name: re.Match[str]) -> bool:
    """Whether the ids of the process that bears the name are of the same world as ours."""
    return int(name["namespace"]) == _namespace() and int(name["began"]) > 0


def _namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _began(pid: int) -> int | None:
    """When that process was started, None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the program's name in brackets, which may hold blanks and brackets.
    return int(text.rpartition(")")[2].split()[_BEGAN - 3])
