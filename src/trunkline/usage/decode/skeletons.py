"""Wanted texts of documents that have the same parts in the same order as one seen before: those of a switch mostly do.

A skeleton is a document without its texts: pieces that are the same octet by octet in all documents that have it, and between them holes,
each for a text of one kind. A parser reads it once, with the number of its hole in place of each text: so it says whether documents with
this skeleton are well-formed, and which holes hold what is wanted. `walk` then goes from document to document and sees whether the pieces
are there and nothing in the holes could be more than text. What has no skeleton that was found here is left to others: `Walked.is_known`.

docs/algorithms/documents.md is the law.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Mask, Octets
from trunkline.usage.decode.plain_xml import DECLARATION, NAME, without_entities
from trunkline.usage.decode.raw import is_utf8

# The texts of a document that are wanted, always in the same order, None for those that are not there; None: it is none.
Reader = Callable[[bytes], Sequence[str | None] | None]
# Where the records of a text begin by the rule of its format, ascending; one at its own beginning need not be among them.
Parted = Callable[[bytes], Integers]

OCTETS_MIN: Final = 64 << 10  # of a text that is walked: of few documents few have the same skeleton
LOADED_AFTER: Final = 32 << 20  # octets that a process has read otherwise: in half a second, which loading takes too
_OCTETS_MAX: Final = 64 << 10  # of a skeleton
_OCTETS_LEAST: Final = 32  # of a skeleton, and so of each document that has it
_DOCUMENT_OCTETS_MAX: Final = 256 << 10  # of one from which a skeleton is made
_KNOWN_MAX: Final = 64
# To make a skeleton costs as much as to read some documents without one: so many are made on credit in a text, each further one
# for so many documents that were known since.
_ON_CREDIT: Final = 8
_WORTH_IT: Final = 4

_TEXT: Final = pa.string()
_BLANKS: Final = b" \t\r\n"
_INK: Final = re.compile(rb"[^ \t\r\n]")
_WORD: Final = 8
# As `walk` has them, which is loaded late: the octets of a piece that are compared at once, and the kinds of holes.
_BLOCK: Final = 64
_END, _OF_ELEMENT, _OF_ATTRIBUTE, _STRING, _NUMBER = range(5)

Piece = tuple[bytes, int]  # octets, and the kind of the hole after them


def load() -> None:
    """Have the walk ready: it takes half a second, and some more where it has to be compiled first."""
    opening, closing = (b"<%ba>" % (mark + b"a" * _OCTETS_LEAST) for mark in (b"", b"/"))
    one = Skeleton(((opening, _OF_ELEMENT), (closing, _END)), (0, -1))
    going = _Going(
        opening + b"1" + closing, 0, _Tables.of((one,), 1), XmlNotation(lambda _: None), _DOCUMENT_OCTETS_MAX
    )
    going.go()
    if (found := going.walked()) is None or found.column(0).to_pylist() != ["1"]:
        raise RuntimeError("the walk does not find what is there")


def is_loaded() -> bool:
    """Whether the walk is ready in this process."""
    return "trunkline.usage.decode.walk" in sys.modules


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The pieces of a document, the last one with no hole after it; `wanted`: for each hole the number of the wanted text in it, or -1."""

    pieces: tuple[Piece, ...]
    wanted: tuple[int, ...]


class Notation(ABC):
    """How documents are taken apart. `is_json`: what may part them, and what a text may hold."""

    is_json: bool

    def __init__(self, read: Reader) -> None:
        self._read = read

    def skeleton(self, document: bytes) -> Skeleton | None:
        """The skeleton of a document; None: it is not plain, or not well-formed, or says nothing that is wanted."""
        if len(document) > _DOCUMENT_OCTETS_MAX:
            return None
        pieces = self.pieces(document)
        whole = b"".join(octets for octets, _ in pieces)
        # What is beyond ASCII may be no UTF-8, which is looked at in texts.
        return _made(self, pieces) if _OCTETS_LEAST <= len(whole) <= _OCTETS_MAX and whole.isascii() else None

    def takes(self, text: bytes) -> bool:
        """Whether texts beyond ASCII may be as they are here."""
        return is_utf8(text)

    @abstractmethod
    def pieces(self, document: bytes) -> tuple[Piece, ...]:
        """The pieces of a document; none if it is not plain."""

    def numbered(self, pieces: Sequence[Piece]) -> bytes:
        """A document with these pieces and the number of each hole as its text."""
        return b"".join(octets + _FILLED[kind](hole) for hole, (octets, kind) in enumerate(pieces))

    def wanted(self, pieces: Sequence[Piece]) -> tuple[int, ...] | None:
        """For each hole the wanted text in it, as the parser says."""
        texts = self._read(self.numbered(pieces))
        if texts is None:
            return None
        found = [-1] * len(pieces)
        for number, text in enumerate(texts):
            if text is None:
                continue
            if not text.isdecimal() or found[int(text)] >= 0:
                return None  # a text that is always the same, or that two ask for
            found[int(text)] = number
        return tuple(found)


_FILLED: Final[dict[int, Callable[[int], bytes]]] = {
    _END: lambda _: b"",
    _OF_ELEMENT: lambda hole: b"%d" % hole,
    _OF_ATTRIBUTE: lambda _: b"",
    _STRING: lambda hole: b"%d" % hole,
    _NUMBER: lambda _: b"0",
}


@lru_cache(maxsize=2 * _KNOWN_MAX)
def _made(notation: Notation, pieces: tuple[Piece, ...]) -> Skeleton | None:
    wanted = notation.wanted(pieces)
    return None if wanted is None else Skeleton(pieces, wanted)


class XmlNotation(Notation):
    """XML with attributes in double quotes, the five named entities, and at most a declaration of XML 1.0 in UTF-8."""

    is_json = False

    _tag = re.compile(rb'<[^<>"]*+(?:"[^<"]*+"[^<>"]*+)*+>')
    _value = re.compile(rb'"[^"]*+"')
    # The parser says whether names fit and attributes differ; namespaces, which change names, are for the parser alone.
    _plain_tag = re.compile(rf'</{NAME}>|<{NAME}(?:[ \t\n]+(?!xml){NAME}="")*+[ \t\n]*+/?>'.encode())
    _head = re.compile(rf"(?:{DECLARATION}[ \t\n]*+)?".encode())

    def takes(self, text: bytes) -> bool:
        return super().takes(text) and b"\xef\xbf\xbe" not in text and b"\xef\xbf\xbf" not in text

    def pieces(self, document: bytes) -> tuple[Piece, ...]:
        head, body = b"", document
        if document.startswith(b"<?"):
            end = document.find(b"<", 1)
            head, body = (document[:end], document[end:]) if end > 0 else (document, b"")
        tags = self._tag.findall(body)
        if not tags or len(tags) != body.count(b"<") or not body.startswith(b"<") or self._head.fullmatch(head) is None:
            return ()
        bare = [self._value.sub(b'""', tag) for tag in tags]
        if not all(map(self._plain_tag.fullmatch, set(bare))):
            return ()
        return tuple(self._parted(head, bare, self._tag.split(body)[1:]))

    @staticmethod
    def _parted(head: bytes, tags: Sequence[bytes], texts: Sequence[bytes]) -> Iterator[Piece]:
        """What stands between an opening tag and its closing one is a text, also where it is blank; other blank space parts elements."""
        piece = head
        for at, (tag, text) in enumerate(zip(tags, texts, strict=True)):
            *before, rest = tag.split(b'""')
            for each in before:
                yield piece + each + b'"', _OF_ATTRIBUTE
                piece = b'"'
            piece += rest
            if at + 1 == len(tags):
                break  # after the root nothing follows but blank space
            is_opening = not tag.startswith(b"</") and not tag.endswith(b"/>")
            if text.strip(_BLANKS) or (is_opening and tags[at + 1].startswith(b"</")):
                yield piece, _OF_ELEMENT
                piece = b""
            else:
                piece += text
        yield piece, _END


class JsonNotation(Notation):
    """JSON, where names and what is neither text nor number are the same in every document of a skeleton."""

    is_json = True

    _token = re.compile(
        rb'(?P<name>"[^"\\\x00-\x1f]*+"[ \t\r\n]*+:)|"(?P<text>(?:[^"\\\x00-\x1f]|\\.)*+)"(?P<odd_name>[ \t\r\n]*+:)?'
        rb"|(?P<number>-?[0-9][0-9.eE+-]*+)"
    )

    def pieces(self, document: bytes) -> tuple[Piece, ...]:
        found: list[Piece] = []
        begin = 0
        for token in self._token.finditer(document):
            if token["odd_name"] is not None:  # a name with an escape, which would be taken for a text
                return ()
            if token["text"] is not None:
                found.append((document[begin : token.start("text")], _STRING))
                begin = token.end("text")
            elif token["number"] is not None:
                found.append((document[begin : token.start()], _NUMBER))
                begin = token.end()
        return (*found, (document[begin:], _END))


@dataclass(frozen=True, eq=False)
class Walked:
    """The documents of a text: where each begins and how many lines end before it, and which of them have a skeleton that is known."""

    starts: Integers
    lines: Integers
    is_known: Mask
    _skeletons: NDArray[np.int16]  # of those that are known
    _firsts: NDArray[np.int32]  # their first kept texts
    _ranks: NDArray[np.int32]  # (wanted text, skeleton): its number among the kept texts, -1 where there is none
    _ends: NDArray[np.int32]  # of the kept texts
    _copied: Octets
    _has_entities: bool

    def column(self, wanted: int) -> pa.Array:
        """A row for each document that is known, null where the text is empty or not there."""
        all_offsets, all_empty, octets = self._columns
        offsets, empty = all_offsets[wanted], int(all_empty[wanted])
        is_there = pa.py_buffer(np.packbits(np.diff(offsets) > 0, bitorder="little")) if empty else None
        buffers = [is_there, pa.py_buffer(offsets), pa.py_buffer(octets)]
        column = pa.Array.from_buffers(_TEXT, self._firsts.size, buffers, empty)
        return without_entities(column) if self._has_entities else column

    @cached_property
    def _columns(self) -> tuple[NDArray[np.int32], Integers, Octets]:
        """The offsets of the texts of each column, how many of them are empty, and what they are offsets into."""
        from trunkline.usage.decode import walk

        where = (self._ends, self._firsts, self._skeletons, self._ranks)
        offsets = np.empty((len(self._ranks), self._firsts.size + 1), np.int32)
        empty = np.zeros(len(self._ranks), np.int64)
        octets = np.empty(walk.lay_out(*where, offsets, empty), np.uint8)
        walk.gather(*where, _overlapping(self._copied), offsets, _overlapping(octets))
        return offsets, empty, octets


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Skeletons as `walk` takes them. `ranks`: (wanted text, skeleton), its number among the kept texts, -1 where there is none."""

    skeletons: tuple[Skeleton, ...]
    arrays: tuple[NDArray[np.generic], ...]
    ranks: NDArray[np.int32]

    @classmethod
    def of(cls, skeletons: tuple[Skeleton, ...], wanted: int) -> _Tables:
        if not skeletons:
            return cls((), (), np.zeros((wanted, 0), np.int32))
        words, masks, sizes, kinds, numbers, lines = (
            np.concatenate(column) for column in zip(*map(_columns_of, skeletons), strict=True)
        )
        ranks = np.full((wanted, len(skeletons)), -1, np.int32)
        for at, each in enumerate(skeletons):
            kept = [number for number in each.wanted if number >= 0]
            ranks[kept, at] = np.arange(len(kept))
        first_blocks = np.append(0, np.cumsum(-(-sizes // _BLOCK)))
        first_pieces = np.cumsum([0, *(len(each.pieces) for each in skeletons)], dtype=np.int64)
        return cls(skeletons, (words, masks, first_blocks, sizes, kinds, numbers >= 0, first_pieces, lines), ranks)


@lru_cache(maxsize=2 * _KNOWN_MAX)
def _columns_of(skeleton: Skeleton) -> tuple[NDArray[np.generic], ...]:
    """The blocks of the pieces with their masks, the size of each and the kind of the hole after it, what is wanted there, and the line ends in all."""
    blocks = [octets[at : at + _BLOCK] for octets, _ in skeleton.pieces for at in range(0, len(octets), _BLOCK)]
    return (
        np.frombuffer(b"".join(block.ljust(_BLOCK, b"\0") for block in blocks), np.uint64),
        np.frombuffer(b"".join((b"\xff" * len(block)).ljust(_BLOCK, b"\0") for block in blocks), np.uint64),
        np.array([len(octets) for octets, _ in skeleton.pieces], np.int64),
        np.array([kind for _, kind in skeleton.pieces], np.int8),
        np.array(skeleton.wanted, np.int64),
        np.array([sum(octets.count(b"\n") for octets, _ in skeleton.pieces)], np.int64),
    )


class Walker:
    """Walks through the texts of one format, and keeps the skeletons that it has met. What it finds does not depend on these.

    Sent to another process it is the one of that name there.
    """

    def __init__(self, name: str, notation: Notation, wanted: int, longest: int) -> None:
        self._name = name
        _walkers[name] = self
        self._notation = notation
        self._longest = longest
        self._read = 0  # octets
        self._tables = _Tables.of((), wanted)  # replaced as a whole: others may be walking

    def __reduce__(self) -> tuple[Callable[[str], Walker], tuple[str]]:
        return _walker_named, (self._name,)

    def walk(self, text: bytes, parted: Parted) -> Walked | None:
        """The documents of a text; `parted`: of its format. None where it is not worth it, or nothing is known in the text."""
        self._read += len(text)
        if self._read < LOADED_AFTER and not is_loaded():
            return None
        ink = _INK.search(text) if len(text) >= OCTETS_MIN else None
        if ink is None:
            return None
        going = _Going(text, ink.start(), self._tables, self._notation, self._longest)
        bounds: list[int] = []
        at_bound = made = 0
        while going.go():
            if not bounds:
                bounds = [*parted(text).tolist(), len(text)]
                going.make_room(len(bounds))
            while bounds[at_bound] <= going.at:
                at_bound += 1
            end = bounds[at_bound]
            if made < min(_ON_CREDIT + going.owed // _WORTH_IT, _KNOWN_MAX):
                made += 1
                skeleton = self._fresh(text[going.at : end].rstrip(_BLANKS), going.tables.skeletons, parted)
                if skeleton is not None:
                    going.add(skeleton)
                    continue
            going.pass_over(end)
        self._tables = going.kept()
        return going.walked()

    def _fresh(self, document: bytes, known: Sequence[Skeleton], parted: Parted) -> Skeleton | None:
        """The skeleton of a document, unless it is known already or the document is more than one record."""
        skeleton = self._notation.skeleton(document)
        if skeleton is None or skeleton in known:
            return None
        found = parted(document)
        return None if ((found > 0) & (found < len(document))).any() else skeleton


_walkers: Final[dict[str, Walker]] = {}


def _walker_named(name: str) -> Walker:
    return _walkers[name]


class _Going:
    """A walk through a text that is going on, and what it has found."""

    def __init__(self, text: bytes, at: int, tables: _Tables, notation: Notation, longest: int) -> None:
        from trunkline.usage.decode import walk

        self._walk = walk
        self._text = text
        self._notation = notation
        self._longest = longest
        self._old = tables
        self.tables = tables
        self._octets = np.frombuffer(text, np.uint8)
        self._every = _overlapping(self._octets)
        self._state = np.zeros(walk.STATE, np.int64)
        self._state[walk.AT], self._state[walk.LINE] = at, text.count(b"\n", 0, at)
        rows = len(text) // _OCTETS_LEAST + 1
        self._found: tuple[NDArray[np.signedinteger], ...] = tuple(
            np.empty(rows, kind) for kind in (np.int32, np.int32, np.int16, np.int32, np.int8)
        )
        self._ends = np.empty(len(text) // _WORD + 1, np.int32)
        self._ends[0] = 0
        self._copied = np.empty(len(text) + _BLOCK, np.uint8)
        self._order = np.arange(len(tables.skeletons))
        self._counts = np.zeros(len(tables.skeletons), np.int64)

    @property
    def at(self) -> int:
        """Where the document begins that has no skeleton yet."""
        return int(self._state[self._walk.AT])

    @property
    def owed(self) -> int:
        """Documents that had skeletons which were added."""
        return int(self._counts[len(self._old.skeletons) :].sum())

    def go(self) -> bool:
        """Go on as far as documents are known. Whether there are more."""
        if self.tables.skeletons:
            self._walk.walk(
                self._every, self._octets, self._notation.is_json, self._longest, self.tables.arrays, self._order,
                self._counts, self._state, self._found, self._ends, _overlapping(self._copied),
            )  # fmt: skip
        return self.at < len(self._text)

    def make_room(self, rows: int) -> None:
        """For documents that are passed over, of which there may be more than of those with a skeleton."""
        if rows > self._found[0].size:
            self._found = tuple(np.resize(each, rows) for each in self._found)

    def add(self, skeleton: Skeleton) -> None:
        """One more skeleton, which is tried first."""
        self._order = np.append(len(self.tables.skeletons), self._order)
        self._counts = np.append(self._counts, 0)
        self.tables = _Tables.of((*self.tables.skeletons, skeleton), len(self.tables.ranks))

    def pass_over(self, end: int) -> None:
        """The document has no skeleton; the next one begins at `end`."""
        at, line, row, element, _ = self._state.tolist()
        for column, value in zip(self._found, (at, line, -1, element, 0), strict=True):
            column[row] = value
        self._state[:3] = end, line + self._text.count(b"\n", at, end), row + 1

    def kept(self) -> _Tables:
        """The skeletons that have shown their worth, those met last first."""
        if self.tables is self._old:
            return self._old
        worth = [at for at in self._order.tolist() if at < len(self._old.skeletons) or self._counts[at] >= _WORTH_IT]
        return _Tables.of(tuple(self.tables.skeletons[at] for at in worth[:_KNOWN_MAX]), len(self.tables.ranks))

    def walked(self) -> Walked | None:
        """What was found; None: nothing."""
        _, _, rows, elements, octets = self._state.tolist()
        starts, lines, skeletons, firsts, flags = (each[:rows] for each in self._found)
        is_known = skeletons >= 0
        is_wide = flags & self._walk.IS_WIDE > 0
        if is_wide.any() and not self._notation.takes(self._text):
            is_known &= ~is_wide
        if not is_known.any():
            return None
        return Walked(
            starts.astype(np.int64),
            lines.astype(np.int64),
            is_known,
            skeletons[is_known],
            firsts[is_known],
            self.tables.ranks,
            self._ends[: elements + 1],
            self._copied[: octets + _BLOCK],
            bool((flags & self._walk.HAS_ENTITY).any()),
        )


def _overlapping(octets: Octets) -> NDArray[np.uint64]:
    """The word of eight octets that begins at each: a view with a stride of one octet, which need not be aligned."""
    return np.ndarray((octets.size - _WORD + 1,), np.dtype("<u8"), octets, strides=(1,))
