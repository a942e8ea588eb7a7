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

from trunkline.usage.decode.names import words_at

Offsets = NDArray[np.int64]
Octets = NDArray[np.uint8]

_LF: Final = 0x0A
_TAB: Final = 0x09
_SPACE: Final = 0x20
_COMMENT: Final = 0x23
_LESS: Final = 0x3C
_MORE: Final = 0x3E
_BLANKS: Final = b" \t\r\n"
_OPENING: Final = 0x7B
_CLOSING: Final = 0x7D
_HEAD_OCTETS: Final = 8
_PROBE_OCTETS: Final = 64 << 10
_LONG_LINE: Final = (
    1024  # octets; longer ones are found one by one in a third of the time that a look at every octet takes
)
_INK: Final = re.compile(rb"[^ \t\r\n]")


class Framing(ABC):
    """How a format parts its text into records."""

    @abstractmethod
    def boundaries(self, data: bytes) -> Offsets:
        """Where records begin by the rule of the format, ascending. A beginning at offset 0 need not be among them."""

    def starts(self, data: bytes, boundaries: Offsets | None = None) -> Offsets:
        """Where the records of the text begin, ascending: the first ink, and every boundary after it."""
        ink = _INK.search(data)
        if ink is None:
            return np.zeros(0, np.int64)
        found = self.boundaries(data) if boundaries is None else boundaries
        return np.concatenate((np.array([ink.start()]), found[found > ink.start()]))


def line_ends(data: bytes) -> Offsets:
    """Where the line ends stand, ascending."""
    if data.count(b"\n", 0, _PROBE_OCTETS) * _LONG_LINE < min(len(data), _PROBE_OCTETS):
        most = len(data) // _LONG_LINE
        found: list[int] = []
        at = data.find(b"\n")
        while at >= 0 and len(found) <= most:
            found.append(at)
            at = data.find(b"\n", at + 1)
        if at < 0:
            return np.array(found, np.int64)
    return np.flatnonzero(np.frombuffer(data, np.uint8) == _LF)


def line_offsets(data: bytes, starts: NDArray[np.integer]) -> Offsets:
    """How many lines lie before each record. Of records that share a line each counts as if it began one."""
    octets = np.frombuffer(data, np.uint8)
    before = np.searchsorted(line_ends(data), starts)
    shares = (starts > 0) & (octets[np.maximum(starts - 1, 0)] != _LF)
    shares[:1] = False  # of the first one the blank space before it is no record
    return before + np.cumsum(shares)


def line_count(data: bytes, starts: Offsets) -> int:
    """How many lines the text has, counted as `line_offsets` does."""
    if starts.size and data[:1] != b"\n" and (np.frombuffer(data, np.uint8)[starts[1:] - 1] == _LF).all():
        return _lines(data)  # each record begins a line
    shared = int((line_offsets(data, starts[-1:]) if starts.size < 2 else line_offsets(data, starts))[-1:].sum())
    after = data.count(b"\n", int(starts[-1])) if starts.size else data.count(b"\n")
    return shared + after + (not data.endswith(b"\n"))


def _lines(data: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == _LF)) + (not data.endswith(b"\n"))


class JsonDocuments(Framing):
    """JSON documents, one a line, indented over many, or one behind the other.

    A document begins at a line that begins with neither blank space nor what continues a document, or between a brace
    that closes and one that opens: no document holds these two outside of its texts.
    """

    _meeting: Final = re.compile(rb"\}[ \t]*(?=\{)")

    def boundaries(self, data: bytes) -> Offsets:
        octets = np.frombuffer(data, np.uint8)
        lines = line_ends(data) + 1
        lines = lines[lines < octets.size]
        found = lines[~_CONTINUES[octets[lines]]]
        if not self._may_meet(octets):
            return found
        return np.union1d(found, np.array(list(self._meetings(data, found)), np.int64))

    @staticmethod
    def _may_meet(octets: Octets) -> bool:
        """Whether what follows any closing brace is what can stand before an opening one: the sample that a search needs."""
        after = octets[np.flatnonzero(octets[:-1] == _CLOSING) + 1]
        return bool(((after == _OPENING) | (after == _SPACE) | (after == _TAB)).any())

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
    """XML documents whose root has one name. One begins at its declaration or root, or where ink follows a root's end.

    `posted`: so begins, or goes on, a line that holds a document in the encoding in which it was posted.
    """

    def __init__(self, root: str, posted: bytes = b"") -> None:
        self._posted = posted
        self._posted_line = re.compile(rb"^(?:[A-Za-z_]{1,16}=[^&\r\n]{0,128}&){0,4}" + re.escape(posted), re.MULTILINE)
        name = re.escape(root.encode())
        self._boundary = re.compile(rb"<\?xml(?=[\s?])|<" + name + rb"(?=[\s>/])|</" + name + rb"[ \t\r\n]*>")
        self._declaration = re.compile(rb"<\?xml[^<>]*\?>[ \t\r\n]*")
        self._heads = [head[:_HEAD_OCTETS] for head in (b"<?xml", b"<" + root.encode(), b"</" + root.encode())]
        self._closing = b"</" + root.encode() + b">"

    def boundaries(self, data: bytes) -> Offsets:
        found = self._plain_boundaries(data)
        return self._all_boundaries(data) if found is None else found

    def _plain_boundaries(self, data: bytes) -> Offsets | None:
        """The boundaries where documents follow each other with at most a few blanks between; None where they may not."""
        if not data or len(self._closing) > _HEAD_OCTETS or self._posted_line.match(data) is not None:
            return None
        octets = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(octets == _LESS)
        words = words_at(octets, places)
        declares, opens, closes = (np.flatnonzero(_begin_with(words, head)) for head in self._heads)
        whole = _begin_with(words[closes], self._closing)
        after_root = octets[np.minimum(places[opens] + len(self._heads[1]), octets.size - 1)]
        if not whole.all() or not np.isin(after_root, (_SPACE, _MORE)).all():
            return None
        nexts = np.append(places, octets.size)
        gaps = {
            data[low:high]
            for low, high in zip(
                (places[closes] + len(self._closing)).tolist(), nexts[closes + 1].tolist(), strict=True
            )
        }
        heads = [
            data[low:high] for low, high in zip(places[declares].tolist(), nexts[declares + 1].tolist(), strict=True)
        ]
        if any(gap.strip(_BLANKS) for gap in gaps) or not all(map(self._declaration.fullmatch, set(heads))):
            return None
        is_declared = np.zeros(nexts.size, np.bool_)
        is_declared[declares + 1] = True
        followed = nexts[closes + 1]
        return np.unique(
            np.concatenate([places[declares], places[opens[~is_declared[opens]]], followed[followed < octets.size]])
        )

    def _all_boundaries(self, data: bytes) -> Offsets:
        found: list[int] = []
        declared = -1
        for place in self._candidates(data):
            match = self._boundary.match(data, place)
            if match is None:
                continue
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
        # A file holds posted documents or plain ones: to look for them in every text would cost as much as to read it.
        if self._posted and self._posted_line.match(data) is not None:
            found += [match.start() for match in self._posted_line.finditer(data)]
        return np.unique(np.array(found, np.int64))

    def _candidates(self, data: bytes) -> list[int]:
        """The tags that begin as a declaration or a root does."""
        octets = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(octets == _LESS)
        words = words_at(octets, places)
        wanted = np.zeros(places.size, np.bool_)
        for head in self._heads:
            wanted |= _begin_with(words, head)
        return places[wanted].tolist()


def _begin_with(words: NDArray[np.uint64], head: bytes) -> NDArray[np.bool_]:
    """Which words, the first octet the lowest, begin with up to eight octets."""
    mask = np.uint64((1 << 8 * len(head)) - 1)
    return (words & mask) == np.uint64(int.from_bytes(head, "little"))


class Paragraphs(Framing):
    """Records of lines `name = value` below a head line, parted by blank lines: RADIUS detail files.

    A record begins after a blank line, and at a line that is neither indented nor an attribute nor a comment.
    """

    _attribute: Final = re.compile(rb"[A-Za-z0-9_.:-]+[ \t]*[:+!=<>~]*=")
    _unfinished: Final = re.compile(rb"[A-Za-z0-9_.:-]+[ \t]*[:+!=<>~]*")

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
        flush = np.flatnonzero(
            ~begins & ~is_blank & (first != 0x20) & (first != 0x09) & (first != 0x0D) & (first != _COMMENT)
        )
        for at in flush.tolist():
            begins[at] = self._attribute.match(data, int(lines[at])) is None
        # The last line, not seen to its end, may yet become an attribute.
        if flush.size and flush[-1] == lines.size - 1 and data[-1:] != b"\n":
            begins[-1] &= self._unfinished.fullmatch(data, int(lines[-1])) is None
        return lines[begins]
