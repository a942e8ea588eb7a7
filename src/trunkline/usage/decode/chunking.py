"""The content of a source cut into chunks of whole lines, so that memory does not grow with the file.

A line ends with LF, one CR before it belongs to the end; the last line needs none. A UTF-8 byte order mark at the start
of a part is skipped. Every part of a format with a header has one, and they must be the same.

A format whose records span lines says where they begin (`framing`); its chunks are cut there, and are of whole records.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from trunkline.usage.decode.bits import Words, bits_at, count_of, signs
from trunkline.usage.decode.framing import Cut, Framing
from trunkline.usage.decode.raw import RAW_OCTETS
from trunkline.usage.failure import FileFailed
from trunkline.usage.opening import MIB, LastBoundary, Part, Source, after_last_line
from trunkline.usage.reasons import FileFailure

if TYPE_CHECKING:
    from trunkline.usage.decode.skeletons import Walked

# Measured 2026-11-22, two cores, 224-octet lines: 4 to 8 MiB decode a third faster than 1 or 32 (caches, page faults).
CHUNK_OCTETS: Final = 8 * MIB
DOCUMENTS_OCTETS: Final = 24 * MIB  # a thousand documents are few for what each column costs by itself
LINE_OCTETS_MAX: Final = MIB  # also of a record that spans lines

_WIDE_MARKS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARK_OCTETS: Final = 4
_PROBE_OCTETS: Final = 64 << 10
_SEAM_OCTETS: Final = 16  # of a skipped record that are looked at again with the next block
_NUL_SHARE: Final = 0.1
_INK = re.compile(rb"[^ \t\r\n]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole lines of a source.

    `first_line` counts from 1 through all parts, headers and blank lines included. `data` ends with a line end except
    at the end of a part. `header` is the header line without its end, None if the format has none. `is_first`: the
    first rows of the source. If `overlong_octets` is not 0, the chunk is one line of that length of which `data` is the
    beginning. `cut`: where its records lie, if they span lines and it was read from a source. `end_bits`: `line_end_bits` of the data, and
    `walked`: what a walk has found in it, where one was made already.
    """

    first_line: int
    data: bytes
    header: bytes | None = None
    is_first: bool = False
    overlong_octets: int = 0
    cut: Cut | None = field(default=None, compare=False, repr=False)
    end_bits: Words | None = field(default=None, compare=False, repr=False)
    walked: Walked | None = field(default=None, compare=False, repr=False)


def line_end_bits(data: bytes) -> Words:
    """The bitmap (`bits`) of where lines end: at each LF, and at the end of a text that has none there."""
    (found,) = signs(np.frombuffer(data, np.uint8), b"\n")
    if data and not data.endswith(b"\n"):
        found |= bits_at(np.array([len(data)]), found.size)
    return found


def chunks(
    source: Source, size: int | None = None, *, has_header: bool = False, framing: Framing | None = None
) -> Iterator[Chunk]:
    """Reads the source from its start; each chunk has about `size` octets, and at least one line, or record of `framing`.

    None: as many as are decoded fastest. A line or record longer than `LINE_OCTETS_MAX` comes as a chunk of its own with its first octets only. Raises
    FileFailed `encoding` (UTF-16, UTF-32, binary), `header_changed`, `line_too_long` (the header), `no_rows`, and as
    `Source.blocks`.
    """
    cutter = _Cutter(has_header=has_header)
    size = size or (CHUNK_OCTETS if framing is None else DOCUMENTS_OCTETS)
    for part in source.parts:
        if framing is None:
            for data in cutter.lines(_text_blocks(source, part, size)):
                yield cutter.chunk(data)
        else:
            for piece in _records(source, part, size, framing):
                yield cutter.chunk(piece)
        cutter.end_part()
    if not cutter.has_rows:
        raise FileFailed(FileFailure.NO_ROWS, f"{source.path.name} holds no records.")


@dataclass(frozen=True, slots=True)
class _Piece:
    data: bytes
    overlong_octets: int = 0
    lines: int = 0  # where `data` does not show it
    cut: Cut | None = None
    walked: Walked | None = None


class _Cutter:
    """What has to be remembered from block to block: the line number, the header, whether there was any row."""

    def __init__(self, *, has_header: bool) -> None:
        self._has_header = has_header
        self._awaits_header = has_header
        self._header: bytes | None = None
        self._line = 1
        self._is_first = True
        self.has_rows = False

    def chunk(self, piece: _Piece) -> Chunk:
        end_bits = line_end_bits(piece.data) if piece.cut is None and not piece.lines else None
        chunk = Chunk(
            first_line=self._line,
            data=piece.data,
            header=self._header,
            is_first=self._is_first and not piece.overlong_octets,
            overlong_octets=piece.overlong_octets,
            cut=piece.cut,
            end_bits=end_bits,
            walked=piece.walked,
        )
        self._line += _line_count(piece) if end_bits is None else count_of(end_bits)
        has_ink = piece.overlong_octets > 0 or _INK.search(piece.data) is not None
        self._is_first = self._is_first and (piece.overlong_octets > 0 or not has_ink)
        self.has_rows = self.has_rows or has_ink
        return chunk

    def lines(self, blocks: Iterator[bytes]) -> Iterator[_Piece]:
        """Whole lines of a part; what is left of a block waits for the next one."""
        left = b""
        for read in blocks:
            block, cut = read, read.rfind(b"\n") + 1
            if not cut:
                left += block
                if len(left) <= LINE_OCTETS_MAX:
                    continue
                if self._awaits_header:
                    raise _long_header()
                head, octets, left = _skip_line(left, blocks)
                yield _Piece(head, octets, 1)
                block, cut = left, left.rfind(b"\n") + 1
                left = b""
            if cut:
                is_whole = not left and cut == len(block)
                data = self._without_header(block if is_whole else b"".join((left, memoryview(block)[:cut])))
                if data:
                    yield _Piece(data)
            left = block[cut:]
        data = self._without_header(left)
        if data:
            yield _Piece(data)

    def end_part(self) -> None:
        self._awaits_header = self._has_header

    def _without_header(self, data: bytes) -> bytes:
        if not self._awaits_header or not data:
            return data
        line, _, rest = data.partition(b"\n")
        if len(line) > LINE_OCTETS_MAX:
            raise _long_header()
        header = line.removesuffix(b"\r")
        if self._header is not None and header != self._header:
            raise FileFailed(FileFailure.HEADER_CHANGED, "The members of the archive have different header lines.")
        self._header = header
        self._awaits_header = False
        self._line += 1
        return rest


def _line_count(piece: _Piece) -> int:
    return piece.lines if piece.cut is None or piece.lines else piece.cut.line_count


def _records(source: Source, part: Part, size: int, form: Framing) -> Iterator[_Piece]:
    """Whole records of a part; what is left of a block waits for the next one. Raises FileFailed `truncated`."""
    blocks = _text_blocks(source, part, size, form.last_boundary)
    opening, framing = _opening(blocks, form)
    left = tail = b""
    blocks = chain([opening] if opening else [], blocks)
    del opening
    for block in blocks:
        if source.is_whole and not left and framing is form:
            yield _cut(framing, block)
            del block  # before the next one is read
        elif end := framing.last_boundary(block):
            data, left = b"".join((left, memoryview(block)[:end])), block[end:]
            del block
            yield _cut(framing, data)
            del data
        else:
            left += block
            seen = framing.look(left)
            end = int(seen.boundaries[-1]) if seen.boundaries.size else 0
            if end:
                data, left = left[:end], left[end:]
                yield _Piece(data, cut=framing.cut(data, seen))
        if len(left) > LINE_OCTETS_MAX:
            piece, left, tail = _skip_record(left, blocks, framing)
            yield piece
    if left:
        yield _Piece(left, cut=framing.cut(left))
    if lack := framing.lack(left or tail):
        raise FileFailed(FileFailure.TRUNCATED, f"{part.name or source.path.name} {lack}")


def _cut(framing: Framing, data: bytes) -> _Piece:
    seen = framing.look(data)
    return _Piece(data, cut=framing.cut(data, seen), walked=seen.walked)


def _opening(blocks: Iterator[bytes], form: Framing) -> tuple[bytes, Framing]:
    """The first blocks, as many as show how the records of a part follow each other; and how they do."""
    left = b""
    for block in blocks:
        left += block
        framing = form.of_part(left)
        if framing is not None:
            return framing.opened(left), framing
    return left, form


def _skip_record(start: bytes, blocks: Iterator[bytes], framing: Framing) -> tuple[_Piece, bytes, bytes]:
    """The record that begins with `start` and is too long, what follows it in the last block read, and the end of what was read."""
    octets, lines, seam = len(start), start.count(b"\n"), start[-_SEAM_OCTETS:]
    last, rest = seam[-1:], b""
    for block in blocks:
        text = seam + block
        found = framing.resumptions(text)
        found = found[found >= len(seam)]
        part = text[len(seam) : int(found[0])] if found.size else block
        octets, lines, last = octets + len(part), lines + part.count(b"\n"), part[-1:] or last
        if found.size:
            rest = text[int(found[0]) :]
            break
        seam = text[-_SEAM_OCTETS:]
    return _Piece(start[:RAW_OCTETS], octets, lines + (last != b"\n")), rest, seam


def _long_header() -> FileFailed:
    return FileFailed(FileFailure.LINE_TOO_LONG, f"The header line is longer than {LINE_OCTETS_MAX:,} octets.")


def _skip_line(start: bytes, blocks: Iterator[bytes]) -> tuple[bytes, int, bytes]:
    """The beginning and the length of the line that starts with `start`, and what follows it in the last block read."""
    octets, last = len(start), start[-1:]
    rest = b""
    for block in blocks:
        end = block.find(b"\n")
        line = block if end < 0 else block[:end]
        octets, last = octets + len(line), line[-1:] or last
        if end >= 0:
            rest = block[end + 1 :]
            break
    return start[:RAW_OCTETS], octets - (last == b"\r"), rest


def _text_blocks(
    source: Source, part: Part, size: int, last_boundary: LastBoundary = after_last_line
) -> Iterator[bytes]:
    """The part's blocks without byte order mark. Raises FileFailed `encoding`."""
    blocks = source.blocks(part, size, last_boundary)
    start = block = b""
    for block in blocks:
        start += block
        if len(start) >= min(_PROBE_OCTETS, max(size, _MARK_OCTETS)):
            break
    probe = start[:_PROBE_OCTETS]
    if start.startswith(_WIDE_MARKS):
        raise FileFailed(FileFailure.ENCODING, f"{part.name or source.path.name} is UTF-16 or UTF-32, not UTF-8.")
    if probe.count(b"\0") > len(probe) * _NUL_SHARE:
        raise FileFailed(
            FileFailure.ENCODING, f"{part.name or source.path.name} is full of NUL bytes: UTF-16, or no text at all."
        )
    start = start.removeprefix(codecs.BOM_UTF8)
    del block
    if start:
        yield start
    del start
    yield from blocks
