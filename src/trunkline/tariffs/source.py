"""Small files from outside, whole: plain, gzip or zip, with a bound on what they may unfold to. No Django."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Final

from trunkline.core.errors import Invalid

OCTETS_MAX: Final = 512 * 2**20
_PIECE: Final = 2**20


def read_source(path: Path, *, octets_max: int = OCTETS_MAX) -> bytes:
    """The unfolded bytes of a regular file; a zip holds one file and no folders.

    Raises Invalid `not_a_file` (missing, folder, link, FIFO), `file_truncated` (damaged gzip or zip), `zip_content`,
    `file_too_large`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Invalid("not_a_file", f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Invalid("not_a_file", f"{path} is no regular file.", path=str(path))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(octets_max + 1)
    return unfold(_bounded(data, octets_max), octets_max=octets_max)


def unfold(data: bytes, *, octets_max: int = OCTETS_MAX) -> bytes:
    """The bytes inside gzip or zip, told by how they begin; others as they are. Raises as `read_source` does."""
    try:
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as inner:
                return _bounded(inner.read(octets_max + 1), octets_max)
        if data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = archive.infolist()
                if len(members) != 1 or members[0].is_dir():
                    raise Invalid("zip_content", "The zip must hold one file.")
                with archive.open(members[0]) as member:
                    return _bounded(member.read(octets_max + 1), octets_max)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Invalid("file_truncated", f"The file cannot be unfolded: {error}.") from error
    return data


def _bounded(data: bytes, octets_max: int) -> bytes:
    if len(data) > octets_max:
        raise Invalid("file_too_large", f"The file unfolds to more than {octets_max // 2**20} MiB.")
    return data


def text_of(data: bytes) -> bytes:
    """The data without a byte order mark. Raises Invalid `bad_encoding` (not UTF-8, UTF-16, NUL bytes), naming the line."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Invalid("bad_encoding", "The file is UTF-16.", hint="Save it as UTF-8.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    place = data.find(b"\0")
    if place < 0:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            place = error.start
    if place >= 0:
        line = data.count(b"\n", 0, place) + 1
        raise Invalid("bad_encoding", f"Line {line} is not UTF-8 text.", hint="Save the file as UTF-8.", line=line)
    return data
