"""Wanted texts of XML documents that have the same tags as one seen before: those of a switch mostly do.

A skeleton is the tags of a document in their order, with the blank space that parts elements. A parser reads it once, with a number
in place of each text: so it says whether documents with this skeleton are well-formed, and after which tags the wanted texts stand. A
document has the skeleton if these are the same octet by octet; its texts and the values of its attributes may hold nothing that could
be more than text.
What has no skeleton that was found here is left to others: `Alike.rows` says which documents were read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Mask, Octets
from trunkline.usage.decode.fields import texts_between
from trunkline.usage.decode.plain_xml import DECLARATION, NAME, mark_entities, without_entities
from trunkline.usage.decode.survey import Survey

# The texts of a document that are wanted, always in the same order; None: it is none. A text is what stands right after one tag.
Reader = Callable[[bytes], Sequence[str | None] | None]

_TAGS_MAX: Final = 1_000  # of a document
_TAGS_OCTETS_MAX: Final = 64 << 10
_DOCUMENT_OCTETS_MAX: Final = 256 << 10
_KEPT_MAX: Final = 64  # skeletons, of up to 300 KiB each
# To make and try a skeleton costs as much as to read a few documents without one.
_TRIED_MAX: Final = 64  # in a chunk
_VAIN_MAX: Final = 8
_WORTH_IT: Final = 4  # documents

_TEXT: Final = pa.string()
_BLANKS: Final = b" \t\r\n"
_A_TEXT: Final = b"\x01"  # which no document holds that is told by its skeleton
_LF: Final = 0x0A
_TAB: Final = 0x09
_SPACE: Final = 0x20
_PIECE: Final = 64  # octets that are compared at a time
_ROWS: Final = 64  # documents that are: what is read of them stays near

_TAG: Final = re.compile(rb'<[^<>"]*+(?:"[^<"]*+"[^<>"]*+)*+>')
_VALUE: Final = re.compile(rb'"[^"]*+"')
_BARE_TAG: Final = re.compile(rb"<[^<>]*+>")
# The parser says whether names fit and attributes differ; namespaces, which change names, are for the parser alone.
_PLAIN_TAG: Final = re.compile(rf'</{NAME}>|<{NAME}(?:[ \t\n]+(?!xml){NAME}="")*+[ \t\n]*+/?>'.encode())
_HEAD: Final = re.compile(rf"(?:{DECLARATION}[ \t\n]*+)?".encode())


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """How documents with one sequence of `size` tags are told and read.

    Piece by piece the octets `expected`, where `mask` has ones, stand `offset` octets after the beginning of tag `tag`; the furthest
    ends `reach` after it. `patterns`: of tags with attributes. `head`: octets before the root. `last`: octets of the last tag.
    `wanted`: of each wanted text that is there the tag before it, and the octets of that, in their order. `asked`: the tags whose places are asked
    for by themselves, and `at` the number of each among them.
    """

    size: int
    tag: Integers
    offset: Integers
    expected: NDArray[np.uint64]
    mask: NDArray[np.uint64]
    reach: int
    patterns: tuple[tuple[int, str], ...]
    head: int
    last: int
    wanted: Mapping[int, tuple[int, int]]
    asked: Integers
    at: Mapping[int, int]

    def spots(self, places: Integers) -> Integers:
        """Where the tags begin that are asked for, a row for each document: columns of the whole would miss the caches at each step."""
        return places.take(self.asked, axis=1)

    def texts(self, octets: Octets, spots: Integers) -> pa.Array:
        """The wanted texts of one document after the other, each in the order of `wanted`: as they lie in memory."""
        tags = np.array([self.at[tag] for tag, _ in self.wanted.values()], np.int64)
        after = np.array([self.at[tag + 1] for tag, _ in self.wanted.values()], np.int64)
        start = spots.take(tags, axis=1) + np.array([length for _, length in self.wanted.values()], np.int64)
        return texts_between(octets, start.ravel(), spots.take(after, axis=1).ravel())


@dataclass(frozen=True, slots=True)
class _Found:
    """The documents of a skeleton, and their wanted texts."""

    rows: Integers
    texts: pa.Array
    wanted: tuple[int, ...]

    def column(self, wanted: int) -> pa.Array:
        """A row for each document."""
        if wanted not in self.wanted:
            return pa.nulls(self.rows.size, _TEXT)
        return self.texts.take(pa.array(np.arange(self.wanted.index(wanted), len(self.texts), len(self.wanted))))


@dataclass(frozen=True, slots=True)
class Alike:
    """Which documents were read, ascending, and their wanted texts."""

    rows: Integers
    _found: Sequence[_Found]
    _has_entities: bool

    def column(self, wanted: int) -> pa.Array:
        """A row for each document that was read, null where the text is empty."""
        if not self._found:
            return pa.nulls(0, _TEXT)
        column = self._found[0].column(wanted)
        if len(self._found) > 1:
            order = np.argsort(np.concatenate([each.rows for each in self._found]), kind="stable")
            column = pa.concat_arrays([each.column(wanted) for each in self._found]).take(pa.array(order))
        return without_entities(column) if self._has_entities else column


def read_alike(text: bytes, starts: Integers, seen: Survey, read: Reader) -> Alike:
    """The wanted texts of documents in UTF-8 that begin at `starts`; `seen` is the survey of the text. `read` says those of one."""
    tags = seen.tags
    octets = np.frombuffer(text, np.uint8)
    bounds = np.append(starts, len(text))
    begins = np.searchsorted(tags, bounds)
    counts = np.diff(begins)
    left = (counts > 1) & (counts <= _TAGS_MAX) & (np.diff(bounds) <= _DOCUMENT_OCTETS_MAX)
    left[left] &= tags[begins[:-1][left]] == starts[left]
    has_entities = b"&" in text
    _mark_odd(text, octets, bounds, left, is_plain=seen.is_plain)
    if has_entities:
        mark_entities(octets, bounds, left)
    is_read = np.zeros(starts.size, np.bool_)
    found: list[_Found] = []
    vain = 0
    for _ in range(_TRIED_MAX):
        if vain == _VAIN_MAX or not left.any():
            break
        first = int(np.argmax(left))
        skeleton = _skeleton(text[starts[first] : bounds[first + 1]].rstrip(_BLANKS), read)
        fitting = 0
        if skeleton is not None:
            rows = np.flatnonzero(left & (counts == skeleton.size))
            places = _places(tags, begins[rows], skeleton.size)
            spots = skeleton.spots(places)
            fits = _fits(skeleton, octets, places, np.ascontiguousarray(spots.T), bounds[rows + 1])
            if not fits.all():
                rows, spots = rows[fits], spots[fits]
            is_read[rows], left[rows] = True, False
            if rows.size:
                found.append(_Found(rows, skeleton.texts(octets, spots), tuple(skeleton.wanted)))
            fitting = rows.size
        left[first] = False
        vain += fitting < _WORTH_IT
    return Alike(np.flatnonzero(is_read), found, has_entities)


def _mark_odd(text: bytes, octets: Octets, bounds: Integers, left: Mask, *, is_plain: bool) -> None:
    """Takes out the documents that hold what no text or value holds; so may references (`mark_entities`)."""
    places: list[Integers] = []
    odd = [b"]]>"] if b"]" in text else []
    if not is_plain:
        places.append(np.flatnonzero((octets < _SPACE) & (octets != _LF) & (octets != _TAB)))
        odd += [b"\xef\xbf\xbe", b"\xef\xbf\xbf"]
    places += [np.array([found.start() for found in re.finditer(each, text)], np.int64) for each in odd]
    for each in places:
        left[np.searchsorted(bounds, each, side="right") - 1] = False


def _places(tags: Integers, begins: Integers, size: int) -> Integers:
    """Where the tags of some documents begin, a row each."""
    if begins.size and begins[-1] - begins[0] == (begins.size - 1) * size:
        return tags[begins[0] : begins[-1] + size].reshape(-1, size)
    return tags[begins[:, None] + np.arange(size)]


def _fits(skeleton: _Skeleton, octets: Octets, places: Integers, columns: Integers, ends: Integers) -> Mask:
    """Which documents have the skeleton, and nothing but blank space after it."""
    fits = np.empty(len(places), np.bool_)
    # A piece that is compared may end after the text does.
    first, last = columns[0], columns[-1]
    late = int(np.searchsorted(last, octets.size - skeleton.reach))
    _compare(skeleton, octets, places[:late], fits[:late])
    if late < len(places):
        begin = int(places[late, 0])
        tail = np.concatenate([octets[begin:], np.zeros(skeleton.reach, np.uint8)])
        _compare(skeleton, tail, places[late:] - begin, fits[late:])
    if skeleton.head:
        fits &= columns[skeleton.at[1]] - first == skeleton.head
    after = last + skeleton.last
    gaps = ends - after
    fits &= gaps >= 0
    for row in np.flatnonzero(
        fits & (gaps > 0) & ((gaps > 1) | (octets[np.minimum(after, octets.size - 1)] != _LF))
    ).tolist():
        fits[row] = not octets[after[row] : ends[row]].tobytes().strip(_BLANKS)
    if skeleton.patterns and fits.any():
        rows = np.flatnonzero(fits)
        for tag, pattern in skeleton.patterns:
            texts = texts_between(octets, columns[skeleton.at[tag], rows], columns[skeleton.at[tag + 1], rows])
            is_same = pc.all(pc.equal(texts, texts[0])).as_py()
            fitting = pc.match_substring_regex(texts[:1] if is_same else texts, pattern=pattern)
            fits[rows] &= fitting.to_numpy(zero_copy_only=False)
    return fits


def _compare(skeleton: _Skeleton, octets: Octets, places: Integers, fits: Mask) -> None:
    # Overlapping pieces: a view with a stride of one octet, which numpy reads without alignment.
    every = np.ndarray((octets.size - _PIECE + 1,), np.dtype(f"V{_PIECE}"), np.ascontiguousarray(octets), strides=(1,))
    for low in range(0, len(places), _ROWS):
        at = places[low : low + _ROWS].take(skeleton.tag, axis=1)
        at += skeleton.offset
        found = every[at].view(np.uint64)
        found &= skeleton.mask
        fits[low : low + _ROWS] = (found == skeleton.expected).all(axis=1)


def _skeleton(document: bytes, read: Reader) -> _Skeleton | None:
    """What a document has in common with others; None: it is not plain, or not well-formed, or says nothing that is wanted."""
    tags = _TAG.findall(document)
    if len(tags) != document.count(b"<"):
        return None
    head = b""
    if document.startswith(b"<?"):
        head = document[: document.index(b"<", 1)] if len(tags) > 1 else document
        del tags[0]
    between = _TAG.split(document)[-len(tags) :]  # what stands after each
    bare = b"".join(_VALUE.sub(b'""', tag) + _kept(text) for tag, text in zip(tags, between, strict=True))
    return _made(head, bare, read) if len(head) + len(bare) <= _TAGS_OCTETS_MAX else None


def _kept(text: bytes) -> bytes:
    """Blank space, which all documents of a skeleton have where it parts elements, and a sign for any other text."""
    return _A_TEXT if text.strip(_BLANKS) else text


@lru_cache(maxsize=_KEPT_MAX)
def _made(head: bytes, bare: bytes, read: Reader) -> _Skeleton | None:
    tags = _BARE_TAG.findall(bare)
    if _HEAD.fullmatch(head) is None or not all(map(_PLAIN_TAG.fullmatch, set(tags))):
        return None
    numbered = b"".join(b"%b%d" % (tag, at) for at, tag in enumerate(tags[:-1]))
    texts = read(head + numbered + tags[-1])
    if texts is None:
        return None
    first = 1 if head else 0
    wanted = {name: int(text) for name, text in enumerate(texts) if text is not None}
    if any(b'"' in tags[at] for at in wanted.values()):
        return None  # where a text begins that follows attributes is not the same in every document
    literals = [(0, head)] * first + [(at + first, text) for at, text in _runs(tags, _BARE_TAG.split(bare)[1:])]
    pieces = [(at, low, each[low : low + _PIECE]) for at, each in literals for low in range(0, len(each), _PIECE)]
    patterns = tuple((at + first, _pattern(tag)) for at, tag in enumerate(tags) if b'"' in tag)
    after_tags = [
        each for at in (*(at + first for at in wanted.values()), *(at for at, _ in patterns)) for each in (at, at + 1)
    ]
    asked = sorted({0, first, len(tags) - 1 + first, *after_tags})
    return _Skeleton(
        size=len(tags) + first,
        tag=np.array([at for at, _, _ in pieces]),
        offset=np.array([low for _, low, _ in pieces]),
        expected=_words([piece for _, _, piece in pieces]),
        mask=_words([b"\xff" * len(piece) for _, _, piece in pieces]),
        reach=max(low for _, low, _ in pieces) + _PIECE,
        patterns=patterns,
        head=len(head),
        last=len(tags[-1]),
        wanted={name: (at + first, len(tags[at])) for name, at in sorted(wanted.items(), key=itemgetter(1))},
        asked=np.array(asked),
        at={tag: number for number, tag in enumerate(asked)},
    )


def _runs(tags: Sequence[bytes], after: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The tags without values, as many in one piece as follow each other with nothing but blank space between them; and the first tag of each piece.

    What stands between an opening tag and its closing one is a text, also where it is blank.
    """
    first, run = 0, b""
    for at, (tag, text) in enumerate(zip(tags, after, strict=True)):
        if b'"' in tag:
            continue
        if not run:
            first = at
        run += tag
        follows = tags[at + 1] if at + 1 < len(tags) else b'"'
        is_leaf = follows.startswith(b"</") and not tag.startswith(b"</") and not tag.endswith(b"/>")
        if b'"' in follows or is_leaf or text == _A_TEXT:
            yield first, run
            run = b""
        else:
            run += text


def _words(pieces: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(piece.ljust(_PIECE, b"\0") for piece in pieces), np.uint64)


def _pattern(bare: bytes) -> str:
    """A pattern of a tag with values in its attributes."""
    return r"\A" + '="[^"]*"'.join(map(re.escape, bare.decode().split('=""')))
