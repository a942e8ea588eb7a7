"""Documents as files: written under a temporary name, made durable, renamed before the books say that they exist.

The name carries the number for people and the end of the public id for us, so that an attempt that was cut off never shares a name with
the one that follows. What it left behind is referred to by no document, and `sweep` removes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from trunkline.core.errors import NotFound, Unavailable
from trunkline.kit.home import folder, home

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in place: its path below the data folder and the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A finished file that still has its temporary name."""

    path: Path
    sha256: str


def documents_folder(tenant_id: int) -> Path:
    """Where the tenant's documents are, made where it is missing."""
    with _as_unavailable():
        return folder("documents", f"tenant={tenant_id}", "invoices")


@contextlib.contextmanager
def writing(tenant_id: int, public_id: UUID, suffix: str) -> Iterator[BinaryIO]:
    """A new file under its temporary name, durable once the block is left. Raises Unavailable `documents_folder`."""
    with _as_unavailable(), _partial(tenant_id, public_id, suffix).open("wb") as handle:
        yield handle
        handle.flush()
        os.fsync(handle.fileno())


def written(tenant_id: int, public_id: UUID, suffix: str) -> Partial:
    """What `writing` left."""
    path = _partial(tenant_id, public_id, suffix)
    return Partial(path, _hash(path))


def put_in_place(partial: Partial, *, number: str, public_id: UUID, suffix: str) -> StoredFile:
    """Give a file its name; durable only with `make_names_durable`."""
    name = name_of(number, f".{public_id.hex[-12:]}{suffix}")
    final = partial.path.with_name(name)
    with _as_unavailable():
        partial.path.rename(final)
    return StoredFile(str(final.relative_to(home())), partial.sha256)


def name_of(number: str, suffix: str) -> str:
    """What a file of that document is called outside: its number in letters that no header and no file system takes for something else."""
    return f"{_NOT_IN_NAMES.sub('-', number)}{suffix}"


def make_names_durable(tenant_id: int) -> None:
    """Sync the folder, so that renamed files keep their names through a power cut."""
    with _as_unavailable():
        handle = os.open(documents_folder(tenant_id), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def discard(tenant_id: int, public_id: UUID) -> None:
    """Remove whatever an attempt has written."""
    mark = public_id.hex[-12:]
    for path in documents_folder(tenant_id).iterdir():
        if mark in path.name:
            path.unlink(missing_ok=True)


def sweep(tenant_id: int, *, kept: Collection[str], before: float) -> list[Path]:
    """Remove files that no document refers to and that are older than `before` (seconds since 1970); what was removed.

    An attempt that is still running has just written its files, which is what `before` is for.
    """
    removed = []
    for path in sorted(documents_folder(tenant_id).iterdir()):
        if str(path.relative_to(home())) not in kept and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def open_stored(path: str, sha256: str) -> Path:
    """A document's file. Raises NotFound `document_missing`, Unavailable `document_changed` where it is not what was issued.

    They name the file by its place in the data folder, which says nothing of the machine.
    """
    found = home() / path
    if not found.is_file():
        raise NotFound(
            "document_missing", f"The file {path} is gone.", hint="Restore the data folder from its backup.", path=path
        )
    if _hash(found) != sha256:
        raise Unavailable(
            "document_changed",
            f"The file {path} is not the one that was issued.",
            hint="Restore it from a backup.",
            path=path,
        )
    return found


def _partial(tenant_id: int, public_id: UUID, suffix: str) -> Path:
    return documents_folder(tenant_id) / f".{public_id.hex[-12:]}{suffix}.partial"


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    """A full or unwritable disk in words."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "documents_folder",
            f"The documents could not be written: {error.strerror or error}.",
            hint="Nothing has been billed. Make room or mend the folder, then issue again.",
        ) from error
