"""Records that span lines: where each of them begins, and its number and raw text.

A framing finds the beginnings of records by a rule that looks only at the text around each, so that it says the same
wherever a chunk was cut. What stands before the first beginning is a record of its own: nothing is passed over but
blank space.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from trunkline.usage.decode.names import WORD, words_at
from trunkline.usage.decode.survey import Survey, survey

if TYPE_CHECKING:
    from trunkline.usage.decode.skeletons import Walked, Walker

Offsets = NDArray[np.int64]
Octets = NDArray[np.uint8]

_LF: Final = 0x0A
_SPACE: Final = 0x20
_COMMENT: Final = 0x23
_SLASH: Final = 0x2F
_MORE: Final = 0x3E
_BLANKS: Final = b" \t\r\n"
_HEAD_OCTETS: Final = 8
_DECLARATION_OCTETS: Final = 64
_MARGIN_OCTETS: Final = 32
_PROBE_OCTETS: Final = 64 << 10
_LONG_LINE: Final = 1024  # octets; such lines are found one by one in a third of the time of a look at every octet
NOT_LISTED: Final = np.zeros(0, np.int64)
_INK: Final = re.compile(rb"[^ \t\r\n]")


class Framing(ABC):
    """How a format parts its text into records. `margin`: what may stand before a record that begins a line. `walker`: of large texts."""

    margin: bytes = b""
    walker: Walker | None = None

    def look(self, data: bytes) -> Seen:
        """Where records begin by the rule of the format, in a text that begins with one; by a walk where there is one and it finds anything."""
        walked = self.walked(data)
        return self.search(data) if walked is None else Seen(walked.starts, NOT_LISTED, walked=walked)

    def walked(self, data: bytes) -> Walked | None:
        """What a walk finds in a text that `look` looks at."""
        return None if self.walker is None else self.walker.walk(data, lambda text: self.search(text).boundaries)

    @abstractmethod
    def search(self, data: bytes) -> Seen:
        """The same as `look` by the rule alone, for records of any kind."""

    def last_boundary(self, block: bytes) -> int:
        """The last boundary of a block that goes on a text and is gone on, told from its end alone; 0 where that cannot be told."""
        return 0

    def resumptions(self, data: bytes) -> Offsets:
        """The boundaries of a text that begins inside of a record which is not taken."""
        return self.look(data).boundaries

    def of_part(self, head: bytes) -> Framing | None:
        """The framing of a part that begins so; None where more of it has to be seen."""
        return self

    def starts(self, data: bytes, seen: Seen | None = None) -> Offsets:
        """Where the records of the text begin, ascending: the first ink, and every boundary after it."""
        ink = _INK.search(data)
        if ink is None:
            return np.zeros(0, np.int64)
        found = (self.look(data) if seen is None else seen).boundaries
        return np.concatenate((np.array([ink.start()]), found[(found > ink.start()) & (found < len(data))]))

    def cut(self, data: bytes, seen: Seen | None = None) -> Cut:
        """Where the records of the text lie; `seen` where it, or a text that begins with it, has been looked at."""
        seen = self.look(data) if seen is None else seen
        starts = self.starts(data, seen)
        octets = np.frombuffer(data, np.uint8)
        lines = seen.lines_before(starts) + np.cumsum(self._share_a_line(octets, starts))
        # What stands in the margin of the next text's first line is counted there.
        count = data.count(b"\n") if not starts.size else int(lines[-1]) + data.count(b"\n", int(starts[-1]))
        return Cut(
            self,
            starts.astype(np.int32),
            lines.astype(np.int32),
            count + (not data.rstrip(self.margin).endswith(b"\n")),
        )

    def _share_a_line(self, octets: Octets, starts: Offsets) -> NDArray[np.bool_]:
        """Which records begin in a line in which another stands before them."""
        last = np.maximum(starts - 1, 0)
        margin = np.frombuffer(self.margin, np.uint8)
        for _ in range(_MARGIN_OCTETS if self.margin else 0):
            last = last - np.isin(octets[last], margin)
        shares = (starts > 0) & (octets[last] != _LF)
        shares[:1] = False  # what stands before the first one is no record
        return shares

    def text(self, record: bytes) -> bytes:
        """A record, from where it begins to where the next one does, without what stands between them."""
        return record.rstrip(_BLANKS)

    def opened(self, data: bytes) -> bytes:
        """The beginning of a part without what opens it before its first record; all else stays where it is."""
        return data

    def lack(self, tail: bytes) -> str:
        """What a part that ends so lacks at its end, as the end of a sentence about it; empty where nothing is missing."""
        return ""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a look at a text has found: where records begin, ascending (one at offset 0 need not be among them), and where lines end.

    `survey`, where the text was surveyed, knows the line ends, and `walked`, where it was walked, those before its records; else they are listed.
    """

    boundaries: Offsets
    line_ends: Offsets
    survey: Survey | None = None
    walked: Walked | None = None

    def lines_before(self, places: Offsets) -> Offsets:
        """How many lines end before each place, of a walked text each of its boundaries."""
        if self.walked is not None:
            return self.walked.lines[np.searchsorted(self.walked.starts, places)]
        if self.survey is not None:
            return self.survey.line_ends.count_before(places)
        return np.searchsorted(self.line_ends, places)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Where the records of a text lie: where each begins and how many lines lie before it.

    Of records that share a line each counts as if it began one; so they do in the number of lines of the text.
    """

    framing: Framing
    starts: NDArray[np.int32]
    lines: NDArray[np.int32]
    line_count: int


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


class XmlDocuments(Framing):
    """XML documents whose root has one name. One begins at its declaration or root, or where ink follows a root's end.

    `posted`: so begins, or goes on, a line that holds a document in the encoding in which it was posted.
    """

    def __init__(self, root: str, posted: bytes = b"", walker: Walker | None = None) -> None:
        self._posted = posted
        self.walker = walker
        self._posted_line = re.compile(rb"^(?:[A-Za-z_]{1,16}=[^&\r\n]{0,128}&){0,4}" + re.escape(posted), re.MULTILINE)
        name = re.escape(root.encode())
        self._boundary = re.compile(rb"<\?xml(?=[\s?])|<" + name + rb"(?=[\s>/])|</" + name + rb"[ \t\r\n]*>")
        self._declaration = re.compile(rb"<\?xml[^<>]*\?>[ \t\r\n]*")
        self._heads = [head[:_HEAD_OCTETS] for head in (b"<?xml", b"<" + root.encode(), b"</" + root.encode())]
        self._closing = b"</" + root.encode() + b">"
        self._followed = re.compile(self._closing + rb"[ \t\r\n]*(?=<)")

    def walked(self, data: bytes) -> Walked | None:
        return None if self._posted_line.match(data) is not None else super().walked(data)

    def search(self, data: bytes) -> Seen:
        found = survey(data)
        plain = self._plain_boundaries(data, found.tags)
        return Seen(self._all_boundaries(data, found.tags) if plain is None else plain, NOT_LISTED, found)

    def last_boundary(self, block: bytes) -> int:
        end = block.rfind(self._closing)
        found = self._followed.match(block, end) if end >= 0 else None
        if found is None and end >= 0:  # the block ends with this one
            end = block.rfind(self._closing, 0, end)
            found = self._followed.match(block, end) if end >= 0 else None
        return 0 if found is None else found.end()

    def _plain_boundaries(self, data: bytes, places: Offsets) -> Offsets | None:
        """The boundaries where documents follow each other with at most a few blanks between; None where they may not."""
        if not data or len(self._closing) > _HEAD_OCTETS or self._posted_line.match(data) is not None:
            return None
        octets = np.frombuffer(data, np.uint8)
        declares, opens, closes = self._at_heads(octets, places)
        whole = _begin_with(words_at(octets, places[closes]), self._closing)
        after_root = octets[np.minimum(places[opens] + len(self._heads[1]), octets.size - 1)]
        if not whole.all() or not np.isin(after_root, (_SPACE, _MORE)).all():
            return None
        followed, after_heads = (_after(places, tags, octets.size) for tags in (closes, declares))
        gaps = _distinct(data, places[closes] + len(self._closing), followed)
        heads = _distinct(data, places[declares], after_heads)
        if any(gap.strip(_BLANKS) for gap in gaps) or not all(map(self._declaration.fullmatch, heads)):
            return None
        undeclared = opens[~np.isin(opens - 1, declares, assume_unique=True)]
        return np.union1d(np.concatenate([places[declares], places[undeclared]]), followed[followed < octets.size])

    def _at_heads(self, octets: Octets, tags: Offsets) -> tuple[Offsets, Offsets, Offsets]:
        """Which of the tags begin as a declaration, the root and the root's end do."""
        second = octets.take(tags + 1, mode="clip")
        closing = np.flatnonzero(second == _SLASH)
        third = octets.take(tags.take(closing) + 2, mode="clip")
        declaration, root, end = self._heads
        opening, ending = np.flatnonzero(second == root[1]), closing[third == end[2]]
        sieved = (
            np.flatnonzero(second == declaration[1]),
            opening[octets.take(tags.take(opening) + 2, mode="clip") == root[2]],
            ending[octets.take(tags.take(ending) + 3, mode="clip") == end[3]],
        )
        declares, opens, closes = (
            at[_begin_with(words_at(octets, tags.take(at)), head)] for at, head in zip(sieved, self._heads, strict=True)
        )
        return declares, opens, closes

    def _all_boundaries(self, data: bytes, tags: Offsets) -> Offsets:
        found: list[int] = []
        declared = -1
        candidates = self._at_heads(np.frombuffer(data, np.uint8), tags)
        for place in np.sort(tags[np.concatenate(candidates)]).tolist():
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


def _after(places: Offsets, tags: Offsets, end: int) -> Offsets:
    """Where the tag after each begins; after the last one the text ends."""
    found = places.take(tags + 1, mode="clip")
    found[tags == places.size - 1] = end
    return found


def _distinct(data: bytes, low: Offsets, high: Offsets) -> set[bytes]:
    """The texts between these places, each once: mostly all are the same."""
    if not low.size:
        return set()
    first = data[int(low[0]) : int(high[0])]
    octets = np.frombuffer(data, np.uint8)
    if (high - low == len(first)).all() and len(first) <= _DECLARATION_OCTETS:
        pieces = [first[at : at + WORD] for at in range(0, len(first), WORD)]
        if all(_begin_with(words_at(octets, low + at * WORD), piece).all() for at, piece in enumerate(pieces)):
            return {first}
    return {data[begin:end] for begin, end in zip(low.tolist(), high.tolist(), strict=True)}


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

    def search(self, data: bytes) -> Seen:
        octets = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(octets == _LF)
        lines = ends[: ends.size - data.endswith(b"\n")] + 1
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
        return Seen(lines[begins], ends)
