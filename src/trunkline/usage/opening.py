"""Files as they lie on disk: opened without following or waiting, unpacked within limits, watched while read.

A source is a regular file: plain, gzip (also several members on end) or a zip of plain files. Its *content* is the
decompressed bytes; the members of a zip follow each other in the order of the archive, with a line end between them if
one is missing. Everything is streamed: memory stays at a few blocks whatever the size.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from trunkline.usage.failure import FileFailed
from trunkline.usage.reasons import FileFailure

MIB: Final = 1 << 20

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
# RFC 1952 with zlib's inflate: 16 + the largest window.
_GZIP_WBITS: Final = 16 + zlib.MAX_WBITS
_PACKED_BLOCK: Final = MIB
_NEAR_OCTETS: Final = 64 << 10  # that the records of most files do not reach
_HASHED_BLOCK: Final = 16 * MIB  # between two blocks a thread that hashes waits for one that computes
# APPNOTE 4.3.16: end of central directory, 22 octets and a comment of up to 65,535.
_ZIP_END: Final = struct.Struct("<4s4H2LH")
_ZIP_TAIL: Final = _ZIP_END.size + 0xFFFF
_ZIP_ENCRYPTED: Final = 0x1
LastBoundary = Callable[[bytes], int]
_ARCHIVE_SUFFIXES: Final = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to. Text packs about 5 to 20 times; deflate cannot exceed 1,032."""

    octets: int = 64 << 30
    ratio: int = 200  # content to file, once the content exceeds `free_octets`
    free_octets: int = 64 * MIB
    members: int = 1_000
    directory_octets: int = 4 * MIB  # the zip's list of members, which has to be held in memory


class Kind(StrEnum):
    """How the content is packed."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the content that is a file of its own: a zip's member, or all of it (`name` is empty then)."""

    name: str
    member: zipfile.ZipInfo | None = None


class _Window(io.RawIOBase):
    """The first `size` bytes of an open file, by pread: what is appended meanwhile stays out."""

    def __init__(self, descriptor: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._size = size
        self._at = 0
        self.furthest = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "seek before the beginning")
        self._at = base + offset
        return self._at

    def whole(self, size: int, last_boundary: LastBoundary) -> tuple[int, bool]:
        """How many of the next `size` octets are whole records, if that is seen from the last ones; else all of them. And whether it was seen."""
        if self._at + size >= self._size:
            return size, False
        near = min(size, _NEAR_OCTETS)
        end = last_boundary(os.pread(self._descriptor, near, self._at + size - near))
        return (size - near + end, True) if end else (size, False)

    def read(self, size: int = -1, /) -> bytes:
        left = max(self._size - self._at, 0)
        block = os.pread(self._descriptor, left if size < 0 else min(size, left), self._at)
        self._at += len(block)
        self.furthest = max(self.furthest, self._at)
        return block


def after_last_line(block: bytes) -> int:
    """Where the last line of a block ends, 0 where none does."""
    return block.rfind(b"\n") + 1


class Source:
    """An open file. Use as a context manager; one thread reads it at a time; it can be read again from the start.

    `path`, `kind`, `size` (octets on disk), `parts` in reading order. `progress_octets` is how far into the file the
    present pass has come.
    """

    def __init__(self, path: Path, descriptor: int, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self._descriptor = descriptor
        self._seen = os.fstat(descriptor)
        self.size = self._seen.st_size
        self._window = _Window(descriptor, self.size)
        self.kind = _kind_of(path, os.pread(descriptor, 4, 0))
        self._zip: zipfile.ZipFile | None = None
        self.is_whole = False
        self.parts: tuple[Part, ...] = (Part(""),)
        if self.kind is Kind.ZIP:
            self._zip = self._open_zip()
            self.parts = tuple(Part(member.filename, member) for member in _members(self._zip, limits))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; harmless if it is closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def progress_octets(self) -> int:
        return min(self._window.furthest, self.size)

    def check_unchanged(self) -> None:
        """Raises FileFailed `source_changed` unless file and path are still what was opened: inode, size, time."""
        try:
            now = {_identity(os.fstat(self._descriptor)), _identity(self.path.stat(follow_symlinks=False))}
        except OSError:  # the path is gone
            now = set()
        if now != {_identity(self._seen)}:
            raise FileFailed(FileFailure.SOURCE_CHANGED, f"{self.path.name} changed while it was read.")

    def blocks(self, part: Part, size: int, last_boundary: LastBoundary = after_last_line) -> Iterator[bytes]:
        """The part's content from its start, in non-empty blocks of at most `size` octets, of a plain file of whole records where that can be told.

        `last_boundary` tells where the last one ends in a block, 0 where it cannot; `is_whole` is whether it told it of the block that came last.

        After the last block the file is checked to be unchanged. Raises FileFailed `truncated`, `zip_error`,
        `too_large`, `source_changed`.
        """
        try:
            match self.kind:
                case Kind.PLAIN:
                    yield from self._plain(size, last_boundary)
                case Kind.GZIP:
                    yield from self._within_limits(self._gzip(size))
                case Kind.ZIP:
                    yield from self._within_limits(self._member(part, size))
        except FileFailed:
            self.check_unchanged()  # a file that was being rewritten is that, not truncated
            raise
        self.check_unchanged()

    def _plain(self, size: int, last_boundary: LastBoundary) -> Iterator[bytes]:
        self._window.seek(0)

        def read() -> bytes:
            octets, self.is_whole = self._window.whole(size, last_boundary)
            return self._window.read(octets)

        # Nothing here keeps a block while the next one is read: its memory is that of the next.
        yield from iter(read, b"")
        self.is_whole = False

    def _gzip(self, size: int) -> Iterator[bytes]:
        self._window.seek(0)
        inflater = zlib.decompressobj(_GZIP_WBITS)
        packed = self._window.read(_PACKED_BLOCK)
        while packed or not inflater.eof:
            if inflater.eof:  # a further member, or the zeros that tapes and some tools pad with
                packed = packed.lstrip(b"\0")
                if not packed:
                    packed = self._window.read(_PACKED_BLOCK)
                    if not packed:
                        return
                    continue
                inflater = zlib.decompressobj(_GZIP_WBITS)
            try:
                block = inflater.decompress(packed, size)
            except zlib.error as error:
                raise FileFailed(FileFailure.ZIP_ERROR, f"{self.path.name} is damaged: {error}.") from error
            if block:
                yield block
            packed = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if not packed:
                packed = self._window.read(_PACKED_BLOCK)
                if not packed and not block and not inflater.eof:
                    raise FileFailed(
                        FileFailure.TRUNCATED, f"{self.path.name} ends after {self.size} octets, before its end mark."
                    )

    def _open_zip(self) -> zipfile.ZipFile:
        """Raises FileFailed `zip_error`, or `too_large` if the list of members does not fit the limits."""
        tail_at = max(self.size - _ZIP_TAIL, 0)
        tail = os.pread(self._descriptor, _ZIP_TAIL, tail_at)
        found = tail.rfind(_ZIP[1])
        if found < 0 or len(tail) - found < _ZIP_END.size:
            raise FileFailed(FileFailure.ZIP_ERROR, f"{self.path.name} has no list of members: it is cut or damaged.")
        _, _, _, _, members, directory_octets, _, _ = _ZIP_END.unpack_from(tail, found)
        if members > self.limits.members or directory_octets > self.limits.directory_octets:
            raise FileFailed(FileFailure.TOO_LARGE, f"{self.path.name} has more than {self.limits.members} members.")
        try:
            return zipfile.ZipFile(self._window)
        except (zipfile.BadZipFile, ValueError, OverflowError, OSError, struct.error) as error:
            raise FileFailed(FileFailure.ZIP_ERROR, f"{self.path.name} is damaged: {error}.") from error

    def _member(self, part: Part, size: int) -> Iterator[bytes]:
        assert self._zip is not None  # noqa: S101 - only a zip has members
        assert part.member is not None  # noqa: S101
        try:
            with self._zip.open(part.member) as unpacked:
                while block := unpacked.read(size):
                    yield block
        except (
            zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError,
            struct.error,
        ) as error:  # fmt: skip
            raise FileFailed(
                FileFailure.ZIP_ERROR,
                f"{part.name} in {self.path.name} cannot be unpacked: {str(error) or 'it is cut'}.",
            ) from error

    def _within_limits(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        limits = self.limits
        allowed = min(limits.octets, max(limits.free_octets, limits.ratio * self.size))
        octets = 0
        for block in blocks:
            if not octets and block.startswith((_GZIP, *_ZIP)):
                raise FileFailed(FileFailure.ZIP_ERROR, f"{self.path.name} holds a further archive.")
            octets += len(block)
            if octets > allowed:
                raise FileFailed(
                    FileFailure.TOO_LARGE,
                    f"{self.path.name} has {self.size:,} octets and unpacks to more than {allowed:,}.",
                )
            yield block


def open_source(path: Path | str, *, limits: Limits | None = None) -> Source:
    """Opens a usage file.

    Never follows a symbolic link in the last place of the path and never waits for a pipe's other end. Raises
    FileFailed `not_a_file`, `zip_error`, `too_large`.
    """
    path = Path(path)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise FileFailed(FileFailure.NOT_A_FILE, f"{path} {_why_not(error)}.") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise FileFailed(FileFailure.NOT_A_FILE, f"{path} is no regular file ({stat.filemode(mode)}).")
        return Source(path, descriptor, limits or Limits())
    except BaseException:
        os.close(descriptor)
        raise


def _identity(seen: os.stat_result) -> tuple[int, int, int, int]:
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def _why_not(error: OSError | ValueError) -> str:
    match getattr(error, "errno", None):
        case errno.ELOOP:
            return "is a symbolic link"
        case errno.ENOENT | errno.ENOTDIR:
            return "does not exist"
        case errno.EACCES | errno.EPERM:
            return "may not be read"
        case _:
            return f"cannot be opened: {getattr(error, 'strerror', None) or error}"


def _kind_of(path: Path, beginning: bytes) -> Kind:
    """By the first bytes, not by the name; but a name that promises an archive must keep its promise."""
    if beginning.startswith(_GZIP):
        return Kind.GZIP
    if beginning.startswith(_ZIP):
        return Kind.ZIP
    match path.suffix.lower():
        case ".gz":
            failure = FileFailure.ZIP_ERROR if beginning else FileFailure.TRUNCATED
            raise FileFailed(failure, f"{path.name} is no gzip file.")
        case ".zip":
            raise FileFailed(FileFailure.ZIP_ERROR, f"{path.name} is no zip file.")
        case _:
            return Kind.PLAIN


def _members(archive: zipfile.ZipFile, limits: Limits) -> list[zipfile.ZipInfo]:
    """The members to read, in order. Raises FileFailed `zip_error`, `too_large`."""
    found = []
    for member in archive.infolist():
        name = member.filename
        if _points_outside(name) or _points_outside(member.orig_filename):
            raise FileFailed(FileFailure.ZIP_ERROR, f"The archive has a member {name!r}, which points outside of it.")
        if member.is_dir() or name.startswith("__MACOSX/"):  # what macOS adds about each file
            continue
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in {0, stat.S_IFREG}:
            raise FileFailed(FileFailure.ZIP_ERROR, f"The member {name!r} is a link or device.")
        if member.flag_bits & _ZIP_ENCRYPTED:
            raise FileFailed(FileFailure.ZIP_ERROR, f"The member {name!r} is encrypted.")
        if name.lower().endswith(_ARCHIVE_SUFFIXES):
            raise FileFailed(FileFailure.ZIP_ERROR, f"The member {name!r} is itself an archive.")
        found.append(member)
    if not found:
        raise FileFailed(FileFailure.ZIP_ERROR, "The archive holds no file.")
    if len(found) > limits.members:
        raise FileFailed(FileFailure.TOO_LARGE, f"The archive has {len(found)} members, more than {limits.members}.")
    return found


def _points_outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "\0" in name or name.startswith(("/", "\\")) or ".." in parts or parts[0].endswith(":")


def content_blocks(source: Source, size: int = MIB) -> Iterator[bytes]:
    """The whole content, member after member, in blocks. Raises as `Source.blocks`."""
    last = b"\n"
    for part in source.parts:
        if last != b"\n":
            yield b"\n"
        for block in source.blocks(part, size):
            yield block
            last = block[-1:]


def content_hash(source: Source, *, size: int = _HASHED_BLOCK) -> tuple[str, int]:
    """SHA-256 of the content in hexadecimal and its length in octets: what makes a batch the same batch.

    How the file is called and packed does not matter. Two blocks of `size` octets are held at a time. Raises as `Source.blocks`.
    """
    digest = hashlib.sha256()
    octets = 0
    for block in content_blocks(source, size):
        digest.update(block)
        octets += len(block)
    return digest.hexdigest(), octets
