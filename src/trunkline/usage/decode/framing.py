"""Records that span lines: where each of them begins, and its number and raw text.

A framing finds the beginnings of records by a rule that looks only at the text around each, so that it says the same
wherever a chunk was cut. What stands before the first beginning is a record of its own: nothing is passed over but
blank space.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int64]

_LF: Final = 0x0A
_INK: Final = re.compile(rb"[^ \t\r\n]")


class Framing(ABC):
    """How a format parts its text into records."""

    @abstractmethod
    def boundaries(self, data: bytes) -> Offsets:
        """Where records begin by the rule of the format, ascending. A beginning at offset 0 need not be among them."""

    def starts(self, data: bytes) -> Offsets:
        """Where the records of the text begin, ascending: the first ink, and every boundary after it."""
        ink = _INK.search(data)
        if ink is None:
            return np.zeros(0, np.int64)
        found = self.boundaries(data)
        return np.concatenate((np.array([ink.start()]), found[found > ink.start()]))


def line_offsets(data: bytes, starts: Offsets) -> Offsets:
    """How many lines lie before each record. Of records that share a line each counts as if it began one."""
    octets = np.frombuffer(data, np.uint8)
    before = np.searchsorted(np.flatnonzero(octets == _LF), starts)
    shares = (starts > 0) & (octets[np.maximum(starts - 1, 0)] != _LF)
    shares[:1] = False  # of the first one the blank space before it is no record
    return before + np.cumsum(shares)


def line_count(data: bytes, starts: Offsets) -> int:
    """How many lines the text has, counted as `line_offsets` does."""
    shared = int((line_offsets(data, starts[-1:]) if starts.size < 2 else line_offsets(data, starts))[-1:].sum())
    after = data.count(b"\n", int(starts[-1])) if starts.size else data.count(b"\n")
    return shared + after + (not data.endswith(b"\n"))


class JsonDocuments(Framing):
    """JSON documents, one a line, indented over many, or one behind the other.

    A document begins at a line that begins with neither blank space nor what continues a document, or between a brace
    that closes and one that opens: no document holds these two outside of its texts.
    """

    _meeting: Final = re.compile(rb"\}[ \t]*(?=\{)")

    def boundaries(self, data: bytes) -> Offsets:
        octets = np.frombuffer(data, np.uint8)
        lines = np.flatnonzero(octets[:-1] == _LF) + 1
        found = lines[~_CONTINUES[octets[lines]]]
        if self._meeting.search(data) is None:
            return found
        return np.union1d(found, np.array(list(self._meetings(data, found)), np.int64))

    def _meetings(self, data: bytes, lines: Offsets) -> Iterator[int]:
        bounds = [0, *lines.tolist(), len(data)]
        for start, end in pairwise(bounds):
            is_inside, at = False, start
            for meeting in self._meeting.finditer(data, start, end):
                is_inside ^= _has_odd_quotes(data[at : meeting.start()])
                at = meeting.end()
                if not is_inside:
                    yield at


# The first octets of lines inside of an indented document: blank space, and what stands between or after its members.
_CONTINUES: Final = np.isin(np.arange(256), np.frombuffer(b' \t\r\n}]",:', np.uint8))


def _has_odd_quotes(text: bytes) -> bool:
    plain = text.replace(b"\\\\", b"") if b"\\" in text else text
    return (plain.count(b'"') - plain.count(b'\\"')) % 2 == 1


class XmlDocuments(Framing):
    """XML documents whose root has one name. One begins at its declaration or root, or where ink follows a root's end."""

    def __init__(self, root: str) -> None:
        name = re.escape(root.encode())
        self._boundary = re.compile(rb"<\?xml(?=[\s?])|<" + name + rb"(?=[\s>/])|</" + name + rb"[ \t\r\n]*>")
        self._declaration = re.compile(rb"<\?xml[^<>]*\?>[ \t\r\n]*")

    def boundaries(self, data: bytes) -> Offsets:
        found: list[int] = []
        declared = -1
        for match in self._boundary.finditer(data):
            at = match.start()
            if data.startswith(b"</", at):
                ink = _INK.search(data, match.end())
                if ink is not None:
                    found.append(ink.start())
            elif data.startswith(b"<?", at):
                found.append(at)
                head = self._declaration.match(data, at)
                declared = head.end() if head is not None else -1
            elif at != declared:
                found.append(at)
        return np.unique(np.array(found, np.int64))


class Paragraphs(Framing):
    """Records of lines `name = value` below a head line, parted by blank lines: RADIUS detail files.

    A record begins after a blank line, and at a line that is neither indented nor an attribute.
    """

    _attribute: Final = re.compile(rb"[A-Za-z0-9_.:-]+[ \t]*[:+!=<>~]*=")

    def boundaries(self, data: bytes) -> Offsets:
        octets = np.frombuffer(data, np.uint8)
        lines = np.flatnonzero(octets[:-1] == _LF) + 1
        first = octets[lines]
        is_blank = (first == _LF) | ((first == 0x0D) & (octets[np.minimum(lines + 1, octets.size - 1)] == _LF))
        follows_blank = np.zeros(lines.size, np.bool_)
        follows_blank[1:] = is_blank[:-1]
        if lines.size:
            head = data[: int(lines[0])]
            follows_blank[0] = head in {b"\n", b"\r\n"}
        begins = follows_blank & ~is_blank
        flush = np.flatnonzero(~begins & ~is_blank & (first != 0x20) & (first != 0x09) & (first != 0x0D))
        for at in flush.tolist():
            begins[at] = self._attribute.match(data, int(lines[at])) is None
        return lines[begins]
