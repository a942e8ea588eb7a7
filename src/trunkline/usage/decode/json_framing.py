"""Where JSON documents begin, one behind the other or in one list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from trunkline.usage.decode.framing import Framing, Octets, Offsets, Seen, line_ends

if TYPE_CHECKING:
    from trunkline.usage.decode.skeletons import Walker

_QUOTE: Final = 0x22
_COMMA: Final = 0x2C
_LIST_OPENING: Final = 0x5B
_BLANKS: Final = b" \t\r\n"
_HEAD_OCTETS_MAX: Final = 64 << 10  # of blank space before a part shows whether it is a list

_INK: Final = re.compile(rb"[^ \t\r\n]")
_LIST: Final = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(?=\{)")
_PERHAPS_LIST: Final = re.compile(rb"[ \t\r\n]*\[?[ \t\r\n]*")
_ESCAPED_QUOTE: Final = re.compile(rb'\\+"')

# The first octets of lines inside of an indented document: blank space, and what stands between or after its members.
_CONTINUES: Final = np.isin(np.arange(256), np.frombuffer(b' \t\r\n}]",:', np.uint8))
_IS_SIGN: Final = np.isin(np.arange(256), np.frombuffer(b"{}[],", np.uint8))
_STEPS: Final = np.zeros(256, np.int64)
_STEPS[[0x7B, 0x5B]] = 1
_STEPS[[0x7D, 0x5D]] = -1


class JsonDocuments(Framing):
    """JSON documents, one a line, indented over many, or one behind the other; or all of a part in a list (`JsonList`).

    A document begins at a line that begins with neither blank space nor what continues a document, or between a brace
    that closes and one that opens: no document holds these two outside of its texts. `members` are the names with which
    a document in a list begins, and nothing inside of one. A list has no `walker`.
    """

    _meeting: Final = re.compile(rb"\}[ \t]*(?=\{)")

    def __init__(self, members: Sequence[str], walker: Walker | None = None) -> None:
        self._list = JsonList(members)
        self.walker = walker

    def of_part(self, head: bytes) -> Framing | None:
        if _LIST.match(head) is not None:
            return self._list
        is_open = len(head) < _HEAD_OCTETS_MAX and _PERHAPS_LIST.fullmatch(head) is not None
        return None if is_open else self

    def search(self, data: bytes) -> Seen:
        octets = np.frombuffer(data, np.uint8)
        ends = line_ends(data)
        lines = ends[: ends.size - data.endswith(b"\n")] + 1
        found = lines[~_CONTINUES[octets[lines]]]
        if self._meeting.search(data) is not None:
            found = np.union1d(found, np.array(list(self._meetings(data, found)), np.int64))
        return Seen(found, ends)

    def last_boundary(self, block: bytes) -> int:
        return block.rfind(b"\n{") + 1

    def _meetings(self, data: bytes, lines: Offsets) -> Iterator[int]:
        bounds = [0, *lines.tolist(), len(data)]
        for start, end in pairwise(bounds):
            is_inside, at = False, start
            for meeting in self._meeting.finditer(data, start, end):
                is_inside ^= _has_odd_quotes(data[at : meeting.start()])
                at = meeting.end()
                if not is_inside:
                    yield at


def _has_odd_quotes(text: bytes) -> bool:
    plain = text.replace(b"\\\\", b"") if b"\\" in text else text
    return (plain.count(b'"') - plain.count(b'\\"')) % 2 == 1


class JsonList(Framing):
    """The documents of a JSON list, in one line or indented over many; one list may follow the other.

    A document begins after a comma that stands in none. What is open is counted from one document to the next, quotes
    within a line, since no text goes on in the next one. Where a document is not closed, the next one begins after a
    comma and before an object whose first member is one of `members`.
    """

    margin = b" \t,["

    def __init__(self, members: Sequence[str]) -> None:
        self._members = tuple(members)
        names = b"|".join(re.escape(each.encode()) for each in members)
        self._head = re.compile(rb'[\[,][ \t\r\n]*(?=\{[ \t\r\n]*"(?:' + names + rb')"[ \t\r\n]*:)')

    def opened(self, data: bytes) -> bytes:
        found = _LIST.match(data)
        return data if found is None else found[0].replace(b"[", b" ") + data[found.end() :]

    def search(self, data: bytes) -> Seen:
        octets = np.frombuffer(data, np.uint8)
        heads = {found.start(): found.end() for found in self._head.finditer(data)}
        places = np.array(list(heads), np.int64)
        signs = _signs(data, octets, places)
        depth = np.append(0, np.cumsum(_STEPS[octets[signs]]))
        at_heads = depth[np.searchsorted(signs, places, side="right")]
        # What is open around the documents, as far as the last head before each sign says.
        around = np.append(0, at_heads)[np.searchsorted(places, signs, side="right")]
        sign = octets[signs]
        parts = signs[((sign == _COMMA) | (sign == _LIST_OPENING)) & (depth[1:] <= around)]
        parts = np.union1d(parts, places)
        opened = depth[np.searchsorted(signs, parts, side="right")]
        return Seen(
            np.array(list(self._parted(data, heads, parts.tolist(), opened.tolist())), np.int64), line_ends(data)
        )

    @staticmethod
    def _parted(data: bytes, heads: dict[int, int], parts: list[int], opened: list[int]) -> Iterator[int]:
        """Where documents begin after what may part them, of which each has so much open around it."""
        around = 0
        for place, depth in zip(parts, opened, strict=True):
            if place in heads:
                around = depth
                yield heads[place]
            elif depth <= around:  # a brace too many closes what was never opened
                around = depth
                ink = _INK.search(data, place + 1)
                if ink is not None and ink[0] not in {b",", b"]"}:
                    yield ink.start()

    def resumptions(self, data: bytes) -> Offsets:
        return np.array([found.end() for found in self._head.finditer(data)], np.int64)

    def text(self, record: bytes) -> bytes:
        text = record.rstrip(_BLANKS)
        if text.endswith((b"]", b"[")):  # the end of the list, and where another one begins
            text = text.rstrip(_BLANKS + b"[").removesuffix(b"]")
        return text.rstrip(_BLANKS + b",") or record.rstrip(_BLANKS)

    def lack(self, tail: bytes) -> str:
        is_ended = tail.rstrip(_BLANKS).endswith(b"]")
        return "" if is_ended else "is a JSON list without its end: no ']' follows what it holds last."

    def as_list(self, data: bytes) -> bytes:
        """Some documents, as they follow each other in the list, as a list of their own."""
        return b"[%b]" % self.text(data)


def _signs(data: bytes, octets: Octets, heads: Offsets) -> Offsets:
    """Where brackets, braces and commas stand outside of texts; no text goes on in another line or behind a head."""
    quotes = np.flatnonzero(octets == _QUOTE)
    if b"\\" in data:
        escaped = [found.end() - 1 for found in _ESCAPED_QUOTE.finditer(data) if len(found[0]) % 2 == 0]
        quotes = np.setdiff1d(quotes, np.array(escaped, np.int64), assume_unique=True)
    signs = np.flatnonzero(_IS_SIGN[octets])
    fresh = np.union1d(line_ends(data), heads)
    before = np.append(0, np.searchsorted(quotes, fresh))[np.searchsorted(fresh, signs, side="right")]
    return signs[(np.searchsorted(quotes, signs) - before) % 2 == 0]
