"""What a file holds: told by its first octets, never by its name; unpacked within limits.

A sheet can be text with any delimiter, XLSX, XLS, ODS, a web page with tables that calls itself XLS, and any of these in a zip or gzip.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.apart import read_book_apart
from trunkline.pricing.sheets.books import read_book
from trunkline.pricing.sheets.delimited import read_delimited
from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.markup import read_markup
from trunkline.pricing.sheets.measure import XlsxSize

MIB: Final = 1 << 20

_ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS: Final = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"SQLite format 3": "a database",
}
_MARKUP: Final = re.compile(rb"(?i)\A\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!doctype|<html|<table|<meta|<style|<head)")
_BLOCK: Final = MIB
_TEXT_SUFFIXES: Final = frozenset({".csv", ".tsv", ".tab", ".txt", ".dat", ".asc", ".prn", ".sql", ""})
_SHEET_SUFFIXES: Final = _TEXT_SUFFIXES | {".xlsx", ".xlsm", ".xls", ".ods", ".gz", ".zip", ".htm", ".html", ".xml"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken of one file. Sheets of a million rows are 40 to 100 MiB of text, 8 to 60 MiB of XLSX."""

    packed: int = 512 * MIB
    unpacked: int = 1024 * MIB
    ratio: int = 100  # unpacked to packed, above `free`
    free: int = 64 * MIB
    members: int = 200
    depth: int = 2  # archives in archives
    cells: int = 48_000_000  # of one sheet of a workbook, empty ones within its corners counted


class _Budget:
    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits = limits
        self.most = min(limits.unpacked, max(limits.free, packed * limits.ratio))
        self.spent = 0
        self.members = 0

    def spend(self, octets: int) -> None:
        self.spent += octets
        if self.spent > self.most:
            raise Invalid(
                "sheet_too_large",
                f"The file unpacks to more than {self.most // MIB} MiB.",
                hint="Send the sheet as it is, or in parts; an archive that grows so much is refused unread.",
                octets=self.most,
            )


def read_file(data: bytes, name: str, limits: Limits = Limits()) -> list[Grid]:
    """Every sheet of a file, in order, as grids.

    Raises Invalid: `sheet_empty`, `sheet_too_large` (also archives that unpack to too much), `sheet_damaged`, `sheet_encrypted`,
    `sheet_kind` where the file is none of the kinds that are read.
    """
    if len(data) > limits.packed:
        raise Invalid("sheet_too_large", f"The file has more than {limits.packed // MIB} MiB.")
    grids = list(_read(data, PurePosixPath(name).name, "", _Budget(limits, len(data)), limits.depth))
    if not any(column.null_count < len(column) for grid in grids for column in grid.columns):
        raise Invalid("sheet_empty", "The file has no cells.")
    return grids


def _read(data: bytes, name: str, member: str, budget: _Budget, depth: int) -> Iterator[Grid]:
    if data.startswith(_GZIP):
        _deeper(depth)
        yield from _read(_gunzip(data, budget), name.removesuffix(".gz"), member, budget, depth - 1)
    elif data.startswith(_ZIP):
        yield from _read_zip(data, name, member, budget, depth)
    elif data.startswith(_OLE):
        yield from _named(read_book_apart(data), member)
    else:
        for start, what in _OTHERS.items():
            if data.startswith(start):
                raise Invalid(
                    "sheet_kind",
                    f"{name} is {what}.",
                    hint="Ask the vendor for CSV, XLSX, XLS or ODS, or a zip of these.",
                )
        if _MARKUP.match(data[:512]):
            yield from _named(read_markup(data, _stem(name)), member)
        else:
            yield from _named([read_delimited(data, _stem(name))], member)


def _deeper(depth: int) -> None:
    if depth <= 0:
        raise Invalid("sheet_too_large", "Archives lie in archives, too deep to be a rate sheet.")


def _read_zip(data: bytes, name: str, member: str, budget: _Budget, depth: int) -> Iterator[Grid]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError) as error:
        raise Invalid("sheet_damaged", f"{name} is a damaged archive.", hint="Ask for the file again.") from error
    budget.members += len(members)
    names = {each.filename for each in members}
    is_book = "[Content_Types].xml" in names or "content.xml" in names or any(n.startswith("xl/") for n in names)
    if budget.members > (10_000 if is_book else budget.limits.members):
        raise Invalid("sheet_too_large", f"{name} has too many files in it.")
    if any(each.flag_bits & 1 for each in members):
        raise Invalid("sheet_encrypted", f"{name} has a password.", hint="Ask for it without one.")
    if is_book:
        for each in members:
            _measure(archive, each, name, budget)
        yield from _named(read_book_apart(data) if "content.xml" in names else read_book(data), member)
        return
    _deeper(depth)
    for each in members:
        path = PurePosixPath(each.filename)
        hidden = path.name.startswith((".", "~$")) or "__MACOSX" in path.parts
        if each.is_dir() or hidden or path.suffix.lower() not in _SHEET_SUFFIXES:
            continue
        content = b"".join(_blocks(archive, each, name, budget))
        if content:
            yield from _read(content, path.name, each.filename, budget, depth - 1)


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, budget: _Budget) -> Iterator[bytes]:
    try:
        with archive.open(member) as stream:
            while block := stream.read(_BLOCK):
                budget.spend(len(block))
                yield block
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        raise Invalid(
            "sheet_damaged", f"{member.filename[:80]!r} in {name} is damaged.", hint="Ask for the file again."
        ) from error


def _measure(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, budget: _Budget) -> None:
    """Count what a part of a workbook really unpacks to, and how far its cells reach, before anything lays them out."""
    path = member.filename.replace("\\", "/").lower()
    if path.endswith("workbook.bin"):
        raise Invalid("sheet_kind", f"{name} is a binary workbook (XLSB).", hint="Save it as XLSX.")
    # Any part may be named as a sheet by the workbook, whatever its name says.
    size = None if path == "content.xml" else XlsxSize()
    for block in _blocks(archive, member, name, budget):
        if size is not None:
            size.feed(block)
    if size is not None:
        size.end()
        if size.cells > budget.limits.cells:
            raise _sparse(name)


def _sparse(name: str) -> Invalid:
    return Invalid(
        "sheet_too_large",
        f"{name} has cells so far apart that the sheet would fill the memory.",
        hint="Delete what stands far below or right of the table, and save it again.",
    )


def _gunzip(data: bytes, budget: _Budget) -> bytes:
    parts: list[bytes] = []
    rest = data
    try:
        while rest.lstrip(b"\0"):
            inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
            pending = rest
            while pending and not inflater.eof:
                part = inflater.decompress(pending, _BLOCK)
                pending = inflater.unconsumed_tail
                budget.spend(len(part))
                parts.append(part)
            if not inflater.eof:
                raise Invalid("sheet_damaged", "The file ends early.", hint="Ask for it again.")
            rest = inflater.unused_data
    except zlib.error as error:
        raise Invalid("sheet_damaged", "The file is damaged.", hint="Ask for it again.") from error
    return b"".join(parts)


def _named(grids: list[Grid], member: str) -> Iterator[Grid]:
    for grid in grids:
        grid.member = member
        yield grid


def _stem(name: str) -> str:
    return PurePosixPath(name).stem or name
