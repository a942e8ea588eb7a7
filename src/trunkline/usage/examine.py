"""A file as it was when its content was hashed: what makes a batch the same batch. Quick to load, so that it can be begun at once."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

from trunkline.usage.failure import FileFailed
from trunkline.usage.opening import MIB, content_hash, open_source
from trunkline.usage.reasons import FileFailure

PATH_CHARACTERS: Final = 1000  # as the batch keeps it

_begun: Final[dict[Path, Future[Examined]]] = {}


@dataclass(frozen=True, slots=True)
class Examined:
    """A file as it was when its content was hashed. Where it cannot be read as a whole, `failure` says why and the hash is that of its raw bytes."""

    path: Path
    content_hash: str
    octets: int
    stamp: str
    failure: FileFailed | None = None


def stamp_of(path: Path) -> str:
    """Inode, size and time of change: if these are the same, the file is taken to be the same."""
    seen = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    return f"{seen.st_dev}:{seen.st_ino}:{seen.st_size}:{seen.st_mtime_ns}"


def begin(path: Path) -> None:
    """Begin to examine a large file while the program is still loading."""
    ahead: Future[Examined] = Future()
    _begun[path] = ahead

    def work() -> None:
        try:
            ahead.set_result(_examine(path))
        except BaseException as error:  # whoever asks is told
            ahead.set_exception(error)

    Thread(target=work, daemon=True).start()


def examine(path: Path, *, is_sparing: bool = False) -> Examined:
    """Read a file through once. Needs no scope: a big file takes seconds. `is_sparing`: in small blocks, beside others who need memory.

    Raises `FileFailed` where there is no file to read (`not_a_file`) or it changes while it is read (`source_changed`).
    """
    ahead = _begun.pop(path, None)
    return ahead.result() if ahead is not None else _examine(path, is_sparing=is_sparing)


def _examine(path: Path, *, is_sparing: bool = False) -> Examined:
    path = path.absolute()
    _require_nameable(path)
    before = stamp_if_there(path)
    try:
        with open_source(path) as source:
            stamp = stamp_of(path)
            digest, octets = content_hash(source, size=MIB) if is_sparing else content_hash(source)
            return Examined(path, digest, octets, stamp)
    except FileFailed as error:
        if error.failure in (FileFailure.NOT_A_FILE, FileFailure.SOURCE_CHANGED):
            raise
        return _as_failed(path, before, error)
    except FileNotFoundError as error:  # taken away between two looks
        raise FileFailed(FileFailure.SOURCE_CHANGED, f"{path.name} was taken away while it was read.") from error


def _as_failed(path: Path, stamp: str, failure: FileFailed) -> Examined:
    """A file that cannot be read as a whole, known by its raw bytes; what changes meanwhile is not known at all."""
    digest, octets = hashlib.sha256(), 0
    try:
        with open(path, "rb", opener=_open_plain) as raw:
            while block := raw.read(1 << 20):
                digest.update(block)
                octets += len(block)
    except OSError as error:
        raise FileFailed(FileFailure.SOURCE_CHANGED, f"{path.name} changed while it was read.") from error
    if stamp_if_there(path) != stamp:
        raise FileFailed(FileFailure.SOURCE_CHANGED, f"{path.name} changed while it was read.") from failure
    return Examined(path, digest.hexdigest(), octets, stamp, failure=failure)


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def stamp_if_there(path: Path) -> str:
    """The stamp of what lies there, empty for nothing."""
    try:
        return stamp_of(path)
    except OSError:
        return ""


def _require_nameable(path: Path) -> None:
    """The register keeps paths as text: a name of other bytes, or one too long, cannot be told apart from another later."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise FileFailed(FileFailure.NOT_A_FILE, f"{shown} has a name that is not UTF-8: rename it.") from error
    if len(str(path)) > PATH_CHARACTERS:
        raise FileFailed(
            FileFailure.NOT_A_FILE, f"The path of {path.name} is longer than {PATH_CHARACTERS} characters."
        )
