"""Copies of our own in the spool: written outside any scope, then registered as the file of a batch, with which they go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError

from trunkline.core.ids import uuid7
from trunkline.kit.home import folder, fsync_folder


@contextmanager
def spooled(tenant_id: int, stem: str = "") -> Iterator[Path]:
    """A path for a new copy. Unless it is registered inside, nothing of it is left.

    Where the database fails it may be registered all the same, so the copy stays; if it is not, the sweep removes it.
    """
    path = folder("spool", f"tenant={tenant_id}") / f"{stem}{uuid7()}"
    try:
        yield path
    except DatabaseError:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_synced(path: Path, pieces: Iterable[bytes], *, header: str = "") -> int:
    """Write a new file of these pieces, under a header line if there is one, so that a power cut leaves it whole; its octets."""
    with path.open("xb") as file:
        if header:
            file.write(header.encode() + b"\n")
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        octets = file.tell()
    fsync_folder(path.parent)
    return octets
