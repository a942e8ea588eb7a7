"""Wanted texts of XML documents that are as plain as switches write them, for all documents of a chunk at once.

Plain: elements and text, attributes in double quotes, the five named entities, at most a declaration of XML 1.0 in UTF-8.
That such a document is well-formed is proved here: tags are located by their brackets, names are looked up, and pairs of an
opening and its closing tag are taken away until nothing is left. Whatever is not plain, or cannot be proved, is left to a
parser: `Found.is_plain` says which documents were read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Mask, Octets
from trunkline.usage.decode.fields import null_if_empty, texts_between
from trunkline.usage.decode.names import Ids, Names, words_at

_LT: Final = 0x3C
_GT: Final = 0x3E
_SLASH: Final = 0x2F
_QUESTION: Final = 0x3F
_AMPERSAND: Final = 0x26
_TAB: Final = 9
_CONTROLS_FROM: Final = np.uint8(11)
_CONTROLS: Final = 21  # 11 to 31
_NAMES_MAX: Final = 1_000
_SEEDS: Final = 16
_BETWEEN_MAX: Final = 3  # white space between a declaration and the root

NAME: Final = "[A-Za-z_][A-Za-z0-9_.-]*"
DECLARATION: Final = r'<\?xml version="1\.0"(?: encoding="(?i:utf-8)")?(?: standalone="yes")?[ ]?\?>'
_NAME: Final = re.compile(NAME.encode())
_ANY_NAME: Final = re.compile(f"<({NAME})".encode())
_SKELETON: Final = re.compile(rf'<({NAME})((?:[ \t\n]+{NAME}="")*)[ \t\n]*(/?)>')
_ATTRIBUTE: Final = re.compile(r'([A-Za-z0-9_.-]+)=""')
_DECLARATION: Final = re.compile(DECLARATION)
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))

OPENS: Final = 1
CLOSES: Final = -1
NEITHER: Final = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where wanted texts stand: in the elements `path` below the root, of each the first in its parent.

    `takes_first`: of several elements with one name the first counts, not the last.
    """

    path: tuple[str, ...]
    names: tuple[str, ...]
    takes_first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Columns of the wanted texts (`PLACE.NAME`), one row for each plain document; `has`: which have an element at a place."""

    is_plain: Mask
    columns: Mapping[str, pa.Array]
    has: Mapping[str, Mask]


@dataclass(frozen=True, slots=True)
class _Tags:
    """The tags of plain documents in their order, each with the document it is in."""

    low: Integers
    high: Integers
    document: Integers
    kind: NDArray[np.int8]
    name: Ids
    names: tuple[bytes, ...]

    def where(self, kept: Mask) -> _Tags:
        """Only some of the tags."""
        return _Tags(self.low[kept], self.high[kept], self.document[kept], self.kind[kept], self.name[kept], self.names)


def read_plain(documents: Sequence[bytes], root: str, places: Mapping[str, Place]) -> Found:
    """The wanted texts of the documents that are plain and whose root has the name."""
    text = b"\n".join(documents)
    octets = np.frombuffer(text, np.uint8)
    bounds = np.cumsum([0, *(len(each) + 1 for each in documents)])
    is_plain = np.ones(len(documents), np.bool_)
    tags = None if not documents or _is_odd(text, octets) else _tags(octets, documents, bounds, is_plain)
    if tags is not None:
        tags = _proved(tags, root, is_plain)
    if tags is None or not is_plain.any():
        is_plain[:] = False
        nothing = pa.array([], pa.string())
        columns = {f"{where}.{name}": nothing for where, place in places.items() for name in place.names}
        return Found(is_plain, columns, dict.fromkeys(places, is_plain[:0]))
    return _found(_Reader(octets, tags, is_plain), places)


def _is_odd(text: bytes, octets: Octets) -> bool:
    """Whether a text has anything at all that no plain document has."""
    if octets.min() < _TAB or (octets - _CONTROLS_FROM < _CONTROLS).any():
        return True
    return not text.isascii() and (b"\xef\xbf\xbe" in text or b"\xef\xbf\xbf" in text)


def _tags(octets: Octets, documents: Sequence[bytes], bounds: Integers, is_plain: Mask) -> _Tags | None:
    """The tags of the documents that may be plain; the others are marked. None where there is none."""
    low, high = np.flatnonzero(octets == _LT), np.flatnonzero(octets == _GT)
    low_counts, high_counts = np.diff(np.searchsorted(low, bounds)), np.diff(np.searchsorted(high, bounds))
    is_plain &= (low_counts == high_counts) & (low_counts > 0)
    # Nothing stands before the first tag of a document, nor after its last.
    begins, ends = np.searchsorted(low, bounds[:-1]), np.searchsorted(high, bounds[1:]) - 1
    whole = np.flatnonzero(is_plain)
    is_plain[whole] = (low[begins[whole]] == bounds[whole]) & (high[ends[whole]] == bounds[whole + 1] - 2)
    mark_entities(octets, bounds, is_plain)
    numbers = np.arange(len(documents))
    document, other = np.repeat(numbers, low_counts), np.repeat(numbers, high_counts)
    if not is_plain.all():
        low, high, document = low[is_plain[document]], high[is_plain[other]], document[is_plain[document]]
    if not low.size:
        return None
    tangled = low >= high
    tangled[1:] |= high[:-1] >= low[1:]
    is_plain[document[tangled]] = False
    kind, name, names = _named(octets, low, high, document, bounds, is_plain, documents)
    is_plain[document[name < 0]] = False
    tags, kept = _Tags(low, high, document, kind, name, names), is_plain[document] & (kind != _PASSED)
    return tags if kept.all() else tags.where(kept)


_PASSED: Final = 2  # a declaration


def mark_entities(octets: Octets, bounds: Integers, is_plain: Mask) -> None:
    """Takes out of the documents that begin at `bounds` those with a reference that is not to one of the five named entities."""
    places = np.flatnonzero(octets == _AMPERSAND)
    if not places.size:
        return
    words = words_at(octets, places)
    known = np.zeros(places.size, np.bool_)
    for written, _ in _ENTITIES:
        mask = np.uint64((1 << 8 * len(written)) - 1)
        known |= (words & mask) == np.uint64(int.from_bytes(written.encode(), "little"))
    is_plain[np.searchsorted(bounds, places[~known], side="right") - 1] = False


def _named(
    octets: Octets,
    low: Integers,
    high: Integers,
    document: Integers,
    bounds: Integers,
    is_plain: Mask,
    documents: Sequence[bytes],
) -> tuple[NDArray[np.int8], Ids, tuple[bytes, ...]]:
    """Of every tag what it does and the number of its name, below 0 where it has none; and the names."""
    second = octets[low + 1]
    closes = second == _SLASH
    kind = np.where(closes, np.int8(CLOSES), np.int8(OPENS))
    start, end = low + 1 + closes, high
    seeds = frozenset(name for each in documents[:_SEEDS] for name in _ANY_NAME.findall(each))
    known = _names_of(tuple(sorted(seeds)[:_NAMES_MAX]))
    name = known.among(octets, start, end)
    left = np.flatnonzero(name < 0)
    left = left[is_plain[document[left]]]
    if left.size:
        known = _read_others(octets, low, high, bounds[document], left, kind, name, known)
    return kind, name, known.names


def _read_others(
    octets: Octets,
    low: Integers,
    high: Integers,
    begins: Integers,
    left: Integers,
    kind: NDArray[np.int8],
    name: Ids,
    known: Names,
) -> Names:
    """Reads the tags that are more than a known name: with attributes, empty elements, declarations, further names."""
    texts = texts_between(octets, low[left], high[left] + 1)
    bare = pc.replace_substring_regex(texts, pattern=r'="[^"<>]*"', replacement='=""').dictionary_encode()
    whole = texts.dictionary_encode() if (octets[low[left] + 1] == _QUESTION).any() else None
    numbers = {each: at for at, each in enumerate(known.names)}
    read = [_read_tag(each) for each in bare.dictionary.to_pylist()]
    names = list(known.names)
    for _, each in read:
        if each and each not in numbers and len(names) < _NAMES_MAX:
            numbers[each] = len(names)
            names.append(each)
    at = bare.indices.to_numpy(zero_copy_only=False)
    kind[left] = np.array([each for each, _ in read], np.int8)[at]
    name[left] = np.array([numbers.get(each, -1) if each else -1 for _, each in read], np.int16)[at]
    if whole is not None:
        fits = [_DECLARATION.fullmatch(each) is not None for each in whole.dictionary.to_pylist()]
        declares = np.array(fits, np.bool_)[whole.indices.to_numpy(zero_copy_only=False)]
        rows = left[declares & (low[left] == begins[left])]
        rows = rows[(rows + 1 < low.size)]
        gap = low[np.minimum(rows + 1, low.size - 1)] - high[rows]
        blank = [bool(not octets[high[row] + 1 : low[row + 1]].tobytes().strip()) for row in rows[gap <= _BETWEEN_MAX]]
        rows = rows[gap <= _BETWEEN_MAX][np.array(blank, np.bool_)]
        kind[rows], name[rows] = _PASSED, 0
    return Names(names) if len(names) > len(known.names) else known


@lru_cache(maxsize=16)
def _names_of(names: tuple[bytes, ...]) -> Names:
    return Names(names)


def _read_tag(bare: str) -> tuple[int, bytes]:
    """What a tag does, its attributes being empty, and its name; no name: it is not plain."""
    if bare.startswith("</"):
        name = bare[2:-1].encode()
        return (CLOSES, name) if _NAME.fullmatch(name) else (CLOSES, b"")
    found = _SKELETON.fullmatch(bare)
    if found is None:
        return OPENS, b""
    attributes = _ATTRIBUTE.findall(found[2])
    if len(set(attributes)) < len(attributes) or any(each.startswith("xml") for each in attributes):
        return OPENS, b""
    return (NEITHER if found[3] else OPENS), found[1].encode()


_DEEPEST: Final = (
    32  # elements within each other; each takes a look at all tags, so what is deeper is left to the parser
)


def _proved(tags: _Tags, root: str, is_plain: Mask) -> _Tags | None:
    """The tags of the documents whose elements are closed in order inside of one root; the others are marked."""
    if not tags.low.size:
        return None
    left = np.flatnonzero(tags.kind != NEITHER)
    for _ in range(_DEEPEST):
        ends = (tags.kind[left[:-1]] == OPENS) & (tags.kind[left[1:]] == CLOSES)
        ends &= (tags.name[left[:-1]] == tags.name[left[1:]]) & (tags.document[left[:-1]] == tags.document[left[1:]])
        pairs = np.flatnonzero(ends)
        if not pairs.size:
            break
        kept = np.ones(left.size, np.bool_)
        kept[pairs] = kept[pairs + 1] = False
        left = left[kept]
    is_plain[tags.document[left]] = False
    first = np.flatnonzero(np.diff(tags.document, prepend=-1))
    last = np.append(first[1:], tags.document.size) - 1
    depth = np.cumsum(tags.kind, dtype=np.int32)
    outside = np.flatnonzero(depth == 0)  # after each root, if every document is closed
    number = tags.names.index(root.encode()) if root.encode() in tags.names else -2
    good = (tags.name[first] == number) & (tags.kind[first] == OPENS)
    if left.size:
        # A document that is not closed spoils the depth of those after it; they are counted again without it.
        kept = is_plain[tags.document]
        if not kept.any():
            return None
        return _proved(tags.where(kept), root, is_plain)
    more = np.bincount(tags.document[outside], minlength=is_plain.size)[tags.document[first]] != 1
    is_plain[tags.document[first[~good | more | (depth[last] != 0)]]] = False
    kept = is_plain[tags.document]
    if kept.all():
        return tags
    if not kept.any():
        return None
    return tags.where(kept)


class _Reader:
    """Finds elements among the tags of plain documents."""

    def __init__(self, octets: Octets, tags: _Tags, is_plain: Mask) -> None:
        self.octets = octets
        self.tags = tags
        self.is_plain = is_plain
        row = np.cumsum(is_plain) - 1
        self.row = row[tags.document]
        self.rows = int(is_plain.sum())
        self.depth = np.cumsum(tags.kind, dtype=np.int32) - (tags.kind == OPENS)  # of elements around
        self._numbers = {name.decode(): number for number, name in enumerate(tags.names)}

    def number(self, name: str) -> int:
        """The number of a name, -1 where no tag has it."""
        return self._numbers.get(name, -1)

    def root(self) -> tuple[Integers, Integers]:
        """The first tag and the last of each root."""
        first = np.flatnonzero(np.diff(self.row, prepend=-1))
        return first, np.append(first[1:], self.row.size) - 1

    def inside(
        self, parent: tuple[Integers, Integers], name: str, depth: int, among: Integers
    ) -> tuple[Integers, Integers]:
        """The first element with a name directly in each of the parents: its tags, -1 where there is none."""
        tags = self.tags
        rows = among[(tags.name[among] == self.number(name)) & (self.depth[among] == depth)]
        opens = rows[tags.kind[rows] == OPENS]
        closes = rows[tags.kind[rows] == CLOSES]
        opens = opens[(opens > parent[0][self.row[opens]]) & (opens < parent[1][self.row[opens]])]
        opens = opens[np.flatnonzero(np.diff(self.row[opens], prepend=-1))]
        low, high = np.full(self.rows, -1), np.full(self.rows, -1)
        low[self.row[opens]] = opens
        high[self.row[opens]] = closes[np.searchsorted(closes, opens)] if opens.size else opens
        return low, high


def _found(reader: _Reader, places: Mapping[str, Place]) -> Found:
    tags = reader.tags
    containers = {name for place in places.values() for name in place.path}
    is_container = np.zeros(len(tags.names) + 1, np.bool_)
    is_container[[reader.number(name) for name in containers if reader.number(name) >= 0]] = True
    is_wanted = np.zeros(len(tags.names) + 1, np.bool_)
    wanted = {name for place in places.values() for name in place.names}
    is_wanted[[reader.number(name) for name in wanted if reader.number(name) >= 0]] = True
    among = np.flatnonzero(is_container[tags.name])
    leaves = np.flatnonzero(is_wanted[tags.name] & (tags.kind != CLOSES))
    spans: dict[tuple[str, ...], tuple[Integers, Integers]] = {(): reader.root()}
    columns: dict[str, pa.Array] = {}
    has: dict[str, Mask] = {}
    odd = np.zeros(reader.rows, np.bool_)
    for where, place in places.items():
        for length in range(1, len(place.path) + 1):
            path = place.path[:length]
            if path not in spans:
                spans[path] = reader.inside(spans[path[:-1]], path[-1], length, among)
        span = spans[place.path]
        has[where] = span[0] >= 0
        _read_place(reader, where, place, span, leaves, columns, odd)
    if not odd.any():
        return Found(reader.is_plain, columns, has)
    # A wanted text with an element in it: what of it counts is for a parser to say.
    is_plain = reader.is_plain.copy()
    is_plain[np.flatnonzero(reader.is_plain)[odd]] = False
    kept = pa.array(~odd)
    return Found(
        is_plain,
        {name: column.filter(kept) for name, column in columns.items()},
        {where: mask[~odd] for where, mask in has.items()},
    )


def _read_place(
    reader: _Reader,
    where: str,
    place: Place,
    span: tuple[Integers, Integers],
    leaves: Integers,
    columns: dict[str, pa.Array],
    odd: Mask,
) -> None:
    tags = reader.tags
    row = reader.row[leaves]
    inside = (leaves > span[0][row]) & (leaves < span[1][row]) & (reader.depth[leaves] == len(place.path) + 1)
    leaves = leaves[inside]
    after = np.minimum(leaves + 1, tags.low.size - 1)
    is_leaf = (tags.kind[leaves] == NEITHER) | (tags.kind[after] == CLOSES)
    order = np.argsort(tags.name[leaves], kind="stable")
    leaves, is_leaf = leaves[order], is_leaf[order]
    numbers = tags.name[leaves]
    for name in place.names:
        number = reader.number(name)
        low, high = np.searchsorted(numbers, [number, number + 1]) if number >= 0 else (0, 0)
        own = leaves[low:high]
        odd[reader.row[own[~is_leaf[low:high]]]] = True
        columns[f"{where}.{name}"] = _texts(reader, own, takes_first=place.takes_first)


def _texts(reader: _Reader, own: Integers, *, takes_first: bool) -> pa.Array:
    """The texts of elements by the row of their document, null where there is none."""
    tags, rows = reader.tags, reader.row[own]
    if own.size > 1:
        step = np.diff(rows) != 0
        kept = np.concatenate([[True], step]) if takes_first else np.concatenate([step, [True]])
        if not kept.all():
            own, rows = own[kept], rows[kept]
    if not own.size:
        return pa.nulls(reader.rows, pa.string())
    start = tags.high[own] + 1
    end = np.where(tags.kind[own] == NEITHER, start, tags.low[np.minimum(own + 1, tags.low.size - 1)])
    column = texts_between(reader.octets, start, np.maximum(end, start))
    if own.size < reader.rows:
        index = np.full(reader.rows, -1)
        index[rows] = np.arange(own.size)
        column = column.take(pa.array(index, mask=index < 0))
    return null_if_empty(without_entities(column))


def without_entities(column: pa.Array) -> pa.Array:
    """The texts with the sign for each of the five named entities."""
    if not pc.any(pc.match_substring(column, "&")).as_py():
        return column
    for written, sign in _ENTITIES:
        column = pc.replace_substring(column, written, sign)
    return column
