"""Lines of KEY=value fields in any order.

Lines of one switch nearly always have the same keys in the same order. So lines are proved, many at once, to have the keys of
another line at the same places, and their values are taken from there; only in lines with other keys each key is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Self

import numpy as np
import pyarrow as pa

from trunkline.usage.decode.bits import places_of, signs
from trunkline.usage.decode.columns import Integers, Mask, Octets
from trunkline.usage.decode.fields import Rows, texts_between, trimmed, usable
from trunkline.usage.decode.lines import Lines, Refusal
from trunkline.usage.decode.names import MASKS, WORD, Names, words_at

_QUOTE: Final = 0x22
_SPACE: Final = 0x20
_INDENT_MAX: Final = 4  # spaces between a separator and a key
_LAYOUTS_MAX: Final = 4  # lines of a chunk that others are compared with
_WORTH: Final = 0.1  # of the lines must be like such a line, or no other is tried


@dataclass(frozen=True, slots=True)
class Pairs(Rows):
    """Rows of KEY=value fields in any order; of a key that comes twice the first counts."""

    at: Integers
    _fields: _Fields
    _parts: Sequence[_Alike | _Found]
    _chosen: Mask

    @classmethod
    def of(cls, lines: Lines, separator: bytes, sign: bytes, names: Sequence[str]) -> tuple[Self, list[Refusal]]:
        """The rows of a chunk with the columns `names`, and the lines that are none.

        Spaces before a key and around a value do not count, nor do quotes around a value.
        """
        at, refusals = usable(lines)
        fields = _Fields.of(lines, at, separator, sign)
        left = np.arange(at.size)
        parts: list[_Alike | _Found] = []
        while left.size and len(parts) < _LAYOUTS_MAX:
            part, others = _Alike.of(fields, left, names)
            parts.append(part)
            is_worth_it = part.rows.size > _WORTH * left.size
            left = others
            if not is_worth_it:
                break
        if left.size:
            parts.append(_Found.of(fields, left, names))
        return cls(at, fields, parts, np.ones(at.size, dtype=np.bool_)), refusals

    def column(self, name: str) -> pa.Array:
        start, end = self._values(name)
        if not self._chosen.all():
            start, end = start[self._chosen], end[self._chosen]
        octets = self._fields.octets
        if self._fields.has_quotes:
            head, last = octets[np.minimum(start, octets.size - 1)], octets[end - 1]
            quoted = (end - start >= 2) & (head == _QUOTE) & (last == _QUOTE)
            start, end = start + quoted, end - quoted
        return trimmed(texts_between(octets, start, end))

    def _values(self, name: str) -> tuple[Integers, Integers]:
        """Where the value of a key begins and ends in each row; both are the same where the row has no such key."""
        start = self._fields.start[self._fields.first]
        end = start.copy()
        for part in self._parts:
            rows, low, high = part.values(name)
            if rows.size == start.size:
                return low, high
            start[rows], end[rows] = low, high
        return start, end

    def where(self, kept: Mask) -> Self:
        chosen = self._chosen.copy()
        chosen[chosen] = kept
        return replace(self, at=self.at[kept], _chosen=chosen)


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of the rows. A row's are those from `first` on, as many as `count`; field f lies from `start[f]` to `end[f]`."""

    octets: Octets
    sign: int
    start: Integers
    end: Integers
    first: Integers
    count: Integers
    has_quotes: bool

    @classmethod
    def of(cls, lines: Lines, at: Integers, separator: bytes, sign: bytes) -> Self:
        (bits,) = signs(lines.octets, separator)
        end = places_of(bits | lines.end_bits)
        start = np.append(0, end[:-1] + 1)
        first = np.append(0, np.searchsorted(end, lines.line_ends) + 1)
        if lines.has_returns:
            end[first[1:] - 1] = lines.ends
        return cls(lines.octets, sign[0], start, end, first[at], np.diff(first)[at], lines.has_quotes)

    def of_rows(self, rows: Integers, count: int) -> tuple[Integers, Integers]:
        """Where the fields of some rows of so many fields begin and end, a line for each row."""
        first = self.first[rows]
        low, high = int(first[0]), int(first[-1]) + count
        if high - low == count * rows.size:  # one row behind the other
            return self.start[low:high].reshape(-1, count), self.end[low:high].reshape(-1, count)
        field = first[:, np.newaxis] + np.arange(count)
        return self.start[field], self.end[field]

    def text(self, row: int) -> list[bytes]:
        """The fields of a row."""
        low, high = int(self.first[row]), int(self.first[row] + self.count[row])
        bounds = zip(self.start[low:high].tolist(), self.end[low:high].tolist(), strict=True)
        return [self.octets[one:other].tobytes() for one, other in bounds]


@dataclass(frozen=True, slots=True)
class _Alike:
    """Rows that have the keys of one row, all in the same order. `places`: of a key its first field, and the octets before its value."""

    rows: Integers
    _start: Integers  # of each field of each row
    _end: Integers
    _places: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, fields: _Fields, left: Integers, names: Sequence[str]) -> tuple[Self, Integers]:
        """Those among the rows `left` that are like the first with a usual number of fields, and the others."""
        count = fields.count[left]
        usual = int(np.bincount(count).argmax())
        is_usual = count == usual
        rows = left[is_usual]
        start, end = fields.of_rows(rows, usual)
        texts = fields.text(int(rows[0]))
        is_like = _begin_alike(fields, start, end, texts, names)
        others = np.sort(np.concatenate([left[~is_usual], rows[~is_like]]))
        if not is_like.all():
            rows, start, end = rows[is_like], start[is_like], end[is_like]
        return cls(rows, start, end, _places(texts, fields.sign, names)), others

    def values(self, name: str) -> tuple[Integers, Integers, Integers]:
        """The rows that have the key, and where their values begin and end."""
        if name not in self._places:
            return self.rows[:0], self.rows[:0], self.rows[:0]
        field, octets = self._places[name]
        return self.rows, self._start[:, field] + octets, self._end[:, field]


def _begin_alike(fields: _Fields, start: Integers, end: Integers, texts: Sequence[bytes], names: Sequence[str]) -> Mask:
    """The rows that have the keys `names` where the texts of a row have them, and nowhere else.

    Each of their fields begins as the text does, with key and sign, or is as long as the text where that has no sign. Where no name begins with
    the first octets of a key, those are proof enough.
    """
    sign = bytes([fields.sign])
    heads = [text[: text.find(sign) + 1] or text for text in texts]
    is_whole = [sign not in text for text in texts]
    lengths = np.array([len(head) for head in heads])
    is_like = (end[:, is_whole] - start[:, is_whole] == lengths[is_whole]).all(axis=1)
    is_told = [head[:1] != b" " and not any(name.encode().startswith(head[:WORD]) for name in names) for head in heads]
    for at in range(0, int(lengths.max()), WORD):
        columns = np.flatnonzero((lengths > at) & ~np.array(is_told)) if at else np.arange(lengths.size)
        words = np.array([int.from_bytes(heads[column][at : at + WORD], "little") for column in columns], np.uint64)
        masks = MASKS[np.clip(lengths[columns] - at, 0, WORD)]
        places = start[:, columns] + at if at else start
        differences = words_at(fields.octets, places.ravel()).reshape(places.shape)
        differences ^= words
        differences &= masks
        if differences.any():
            is_like &= ~differences.any(axis=1)
    return is_like


def _places(texts: Sequence[bytes], sign: int, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Where the keys stand: of each its first field, and how many octets of it are before the value."""
    places: dict[str, tuple[int, int]] = {}
    known = {name.encode(): name for name in names}
    for at, text in enumerate(texts):
        key, found, _ = text.partition(bytes([sign]))
        indent = min(len(key) - len(key.lstrip(b" ")), _INDENT_MAX)
        if found and (name := known.get(key[indent:])) is not None:
            places.setdefault(name, (at, len(key) + 1))
    return places


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows whose keys are looked up."""

    _values: Mapping[str, tuple[Integers, Integers, Integers]]

    @classmethod
    def of(cls, fields: _Fields, rows: Integers, names: Sequence[str]) -> Self:
        octets, counts = fields.octets, fields.count[rows]
        row = np.repeat(rows, counts)
        within = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
        field = fields.first[row] + within
        start, end = fields.start[field], fields.end[field]
        key = start
        for _ in range(_INDENT_MAX):
            indented = (key < end) & (octets[np.minimum(key, octets.size - 1)] == _SPACE)
            if not indented.any():
                break
            key = key + indented
        signs = np.append(np.flatnonzero(octets == fields.sign), octets.size)
        sign = signs[np.searchsorted(signs, key)]
        known = _names_of(tuple(names)).among(octets, key, np.where(sign < end, sign, key - 1))
        order = np.argsort(known, kind="stable")
        bounds = np.searchsorted(known[order], np.arange(len(names) + 1))
        values = {}
        for number, name in enumerate(names):
            found = order[bounds[number] : bounds[number + 1]]
            found = found[np.diff(row[found], prepend=-1) != 0]
            values[name] = row[found], sign[found] + 1, end[found]
        return cls(values)

    def values(self, name: str) -> tuple[Integers, Integers, Integers]:
        """The rows that have the key, and where their values begin and end."""
        return self._values[name]


@lru_cache(maxsize=128)
def _names_of(names: tuple[str, ...]) -> Names:
    return Names([name.encode() for name in names])
