"""Watched folders: new files are taken when they have come to rest, moved aside when they are done, and never lost."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from trunkline.core.errors import Denied, Unavailable
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.tenancy.queries import is_working, tenant_ids
from trunkline.tenancy.storage import PATIENT, require_room
from trunkline.usage.actions import FINAL, defer_unfinished, register
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.decode import FileFailed
from trunkline.usage.examine import Examined, examine, stamp_of
from trunkline.usage.models import Batch, Source, Switch
from trunkline.usage.reasons import FileFailure
from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.queries import get_feed
from trunkline.usage.sources.receipts import note_arrival
from trunkline.usage.sources.rules import FAILURES_ALARM

ACTOR = "system"
Clock = Callable[[], datetime]
REST_SECONDS: Final = 5  # a file that was written to more recently is still being written
CUT_REST_SECONDS: Final = 60  # an archive without its end more likely than not is, too
F_SETSIG: Final = 10  # Linux, fcntl(2)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one name in a watched folder."""

    switch: str
    path: Path
    fate: str  # registered, known, waiting, refused
    detail: str = ""

    @property
    def name(self) -> str:
        """The file's name, printable whatever bytes it has."""
        return os.fsencode(self.path.name).decode("utf-8", "backslashreplace")


def look_everywhere(*, now: Clock, is_patient: bool = True) -> None:
    """What a worker does every ten seconds, for every tenant: take up what a dead worker left, look into the watched folders.

    Batches that were tried several times for nothing are tried less often, unless it `is_patient` no more: somebody asks for them.
    """
    for tenant_id in tenant_ids():
        take_up_abandoned(tenant_id, at=now() if is_patient else None)
        watch(tenant_id, now=now)


def watch(tenant_id: int, *, now: Clock) -> list[Seen]:
    """Look once into every watched folder of the tenant and register what has come to rest; the jobs that take the files are deferred.

    What cannot be read or moved is said and keeps nothing else from being taken.
    """
    return [seen for source in _watched(tenant_id, now()) for seen in _look_into(tenant_id, source, now)]


def watch_one(tenant_id: int, source_id: int, *, now: Clock) -> list[Seen]:
    """Look once into one watched folder, also where it is paused."""
    with scope(tenant_id, ACTOR):
        source = Source.objects.select_related("switch").get(pk=source_id)
    return list(_look_into(tenant_id, source, now))


def _watched(tenant_id: int, at: datetime) -> list[Source]:
    """Active folders; none where the tenant takes nothing new: its files stay where they are until it does."""
    with scope(tenant_id, ACTOR):
        if not is_working(at):
            return []
        found = Source.objects.select_related("switch").filter(kind=SourceKind.FOLDER, is_active=True)
        return list(found.order_by("name"))


def take_up_abandoned(tenant_id: int, *, at: datetime | None = None) -> int:
    """Defer the batches that no worker has finished. One that a living worker holds stays its own: the work lock says so.

    With `at`, batches that were tried several times for nothing are tried less often.
    """
    with scope(tenant_id, ACTOR):
        return defer_unfinished(at=at)


def _look_into(tenant_id: int, source: Source, now: Clock) -> Iterator[Seen]:
    folder, switch = Path(source.path), source.switch
    try:
        is_there = folder.is_dir()
        paths = (
            sorted(path for path in folder.glob(source.pattern) if not path.name.startswith(".")) if is_there else []
        )
    except OSError as error:
        _note(tenant_id, source, f"{folder} cannot be read: {error.strerror}.", now)
        yield Seen(switch.name, folder, "refused", f"cannot be read: {error.strerror}")
        return
    _note(tenant_id, source, "" if is_there else f"{folder} is no folder.", now)
    if paths:
        try:
            require_room(tenant_id, now=now, patience=PATIENT)
        except Denied as error:  # the files stay where they are until there is room
            _note(tenant_id, source, error.for_screens, now, code=error.code)
            yield Seen(switch.name, folder, "waiting", str(error))
            return
    for path in paths:
        try:
            yield from _look(tenant_id, source, path, now)
        except FileNotFoundError:
            continue  # somebody took it away meanwhile
        except OSError as error:
            yield Seen(switch.name, path, "refused", f"cannot be read: {error.strerror}")
        except Unavailable as error:
            if error.code != "watched_folder":
                raise
            yield Seen(switch.name, path, "refused", str(error))


def _note(tenant_id: int, source: Source, failure: str, now: Clock, *, code: str = "folder_missing") -> None:
    """Keep how the folder is doing, where that is news: looks are many."""
    with scope(tenant_id, ACTOR):
        feed = get_feed(source.pk)
        if not failure and feed.failures == 0:
            return
        if failure and feed.failures >= FAILURES_ALARM and feed.failure_detail == failure:
            return
        feed.looked_at, feed.failures = now(), feed.failures + 1 if failure else 0
        feed.failure, feed.failure_detail = code if failure else "", failure
        feed.save(update_fields=["looked_at", "failures", "failure", "failure_detail"])


def _look(tenant_id: int, source: Source, path: Path, now: Clock) -> Iterator[Seen]:
    switch = source.switch
    seen = path.lstat()
    if stat.S_ISDIR(seen.st_mode):
        return  # done/, failed/ and whatever else is kept there
    if not stat.S_ISREG(seen.st_mode):
        yield Seen(switch.name, path, "refused", f"{FileFailure.NOT_A_FILE}: {FileFailure.NOT_A_FILE.meaning}")
        return
    at = now().timestamp()
    # A file from a machine whose clock is ahead: when it came to us is what this machine says.
    rest = at - (seen.st_mtime if seen.st_mtime <= at else seen.st_ctime)
    if rest < REST_SECONDS or is_open_for_writing(path):
        yield Seen(switch.name, path, "waiting", "is still being written")
        return
    try:
        state = _state_of(tenant_id, switch, path)
        if state in (BatchState.REGISTERED, BatchState.RUNNING):
            return
        if state == BatchState.POSTED:
            if retire(path, "done", stamp=stamp_of(path)):
                yield Seen(switch.name, path, "known")
            return
        examined = examine(path)
    except FileFailed as error:
        yield Seen(switch.name, path, "refused" if error.failure is FileFailure.NOT_A_FILE else "waiting", str(error))
        return
    if examined.failure is not None and _is_cut(examined.failure) and rest < CUT_REST_SECONDS:
        yield Seen(switch.name, path, "waiting", str(examined.failure))
        return
    yield _register(tenant_id, source, examined, now)


def is_open_for_writing(path: Path) -> bool:
    """Whether some process of this machine still writes to the file, however long it has been silent: a log that grows, an upload that stalls.

    Only the file's owner and root are told (a read lease is refused while there is a writer, fcntl(2)); for others, and on network
    file systems, the answer is False.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Whoever opens the file in this very moment is told to us by this signal, which nobody heeds; SIGIO would end the process.
        fcntl.fcntl(descriptor, F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def _state_of(tenant_id: int, switch: Switch, path: Path) -> BatchState | None:
    """State of the batch that this very file is, if it has one: nothing of it need be read again."""
    if not str(path).isprintable():
        return None  # `examine` says what is wrong with its name
    with scope(tenant_id, ACTOR):
        found = Batch.objects.filter(switch=switch, path=str(path), stamp=stamp_of(path)).order_by("-pk").first()
    return None if found is None else BatchState(found.state)


def _is_cut(failure: FileFailed) -> bool:
    return failure.failure in (FileFailure.TRUNCATED, FileFailure.ZIP_ERROR)


def _register(tenant_id: int, source: Source, examined: Examined, now: Clock) -> Seen:
    switch = source.switch
    with scope(tenant_id, ACTOR):
        at = now()
        found = register(switch=switch, examined=examined, intake=Intake.FOLDER, at=at)
        note_arrival(source, found, str(examined.path), at=at)
    batch = found.batch
    reached("registered")
    if batch.state not in FINAL:
        return Seen(switch.name, examined.path, "registered")
    is_posted = batch.state == BatchState.POSTED
    retire(examined.path, "done" if is_posted else "failed", stamp=examined.stamp)
    return Seen(switch.name, examined.path, "known" if is_posted else "refused", batch.failure_detail)


def retire(path: Path, folder: str, *, stamp: str) -> bool:
    """Move a file that is through out of the watched folder, under a name that no earlier one has.

    False where it is not there any more, where another file has taken its name or where somebody still writes to it: that one stays and
    is looked at next time. Raises Unavailable `watched_folder` where the folder does not let it be moved.
    """
    try:
        with _alone_in(path.parent):
            if _stamp(path) != stamp or is_open_for_writing(path):
                return False
            target = path.parent / folder
            target.mkdir(exist_ok=True)
            moved = _free(target / path.name)
            path.rename(moved)
            if _stamp(moved) != stamp:  # replaced or written to in this very moment: it has not been read
                moved.rename(_free(path))
                return False
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unavailable(
            "watched_folder",
            f"{path} was taken but cannot be moved to {folder}/: {error.strerror}.",
            hint="The worker must be allowed to write into the watched folder.",
        ) from error


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Only one of our processes moves files of a folder at a time, so that none overwrites what another has just moved."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _stamp(path: Path) -> str:
    try:
        return stamp_of(path)
    except FileNotFoundError:
        return ""


def _free(path: Path) -> Path:
    """The path itself, or with a number where that is taken."""
    free, number = path, 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free
