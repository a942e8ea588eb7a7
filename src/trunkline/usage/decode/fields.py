"""The fields of a chunk's lines, located whole columns at a time: delimited and fixed width (`pairs`: key=value).

The separators of the text are counted once; a field is then two offsets into it, worked out for the columns that a mapping
reads. So lines of one chunk may have different numbers of fields, and columns nobody reads cost little.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.decode.bits import Ranked, Words, after, before, bits_at, opened, places_of, signs
from trunkline.usage.decode.columns import (
    Integers,
    Mask,
    Octets,
    buffer_of,
    is_present,
    lengths_of,
    octets_of,
    offsets_of,
)
from trunkline.usage.decode.lines import Lines, Refusal
from trunkline.usage.reasons import Reason

TEXT: Final = pa.string()
_LF: Final = 0x0A
_QUOTE: Final = 0x22
_APOSTROPHE: Final = 0x27
_SPACE: Final = 0x20
_CR: Final = 0x0D
_TAB: Final = 0x09
_ALL: Final = 1 << 20
_NEAR: Final = 3  # fields from one to the next are sooner stepped over than a field is looked up
_LISTED_FIELDS: Final = 40  # in lines of up to so many all are located at once, in longer ones those that are read


class Quotes(StrEnum):
    """What double quotes mean."""

    NONE = "none"  # nothing
    STRICT = "strict"  # RFC 4180: a field is quoted as a whole, quotes inside are doubled
    LENIENT = "lenient"  # the same; in a line that breaks this rule, a quote inside of a field is text


class Rows(ABC):
    """The lines that hold something, as rows whose fields can be asked for by name. `at`: the line of each row."""

    at: Integers

    def __len__(self) -> int:
        return int(self.at.size)

    @abstractmethod
    def column(self, name: str) -> pa.Array:
        """The texts of a column, null where it is empty or the row has none of that name."""

    def either(self, is_first: Mask, first: str, second: str) -> pa.Array:
        """Of two columns the first where that is said, the second elsewhere."""
        return pc.if_else(pa.array(is_first), self.column(first), self.column(second))

    @abstractmethod
    def where(self, kept: Mask) -> Self:
        """Only some of the rows."""

    def wrong(self) -> Mask:
        """Which rows do not have the shape that the mapping describes."""
        return np.zeros(len(self), dtype=np.bool_)

    def wrong_detail(self, row: int) -> str:
        """What is wrong with the shape of a row."""
        return ""


def usable(lines: Lines) -> tuple[Integers, list[Refusal]]:
    """The lines that can be read and are not blank, and the refusals of those that cannot be read."""
    refusals = lines.unreadable()
    starts = lines.starts
    good = lines.ends > starts
    head = lines.octets[np.minimum(starts, max(lines.octets.size - 1, 0))] if len(lines) else lines.octets
    for line in np.flatnonzero(good & ((head == _SPACE) | (head == _TAB))).tolist():
        good[line] = bool(lines.line(line).strip(b" \t\r"))
    good[[refusal.at for refusal in refusals]] = False
    return np.flatnonzero(good), refusals


@dataclass(frozen=True, slots=True)
class _Cut:
    """Fields of all lines of a chunk. Field f ends before the place f of `ends`, a separator or line end; line k has those from `first[k]`."""

    octets: Octets
    ends: Ranked
    first: Integers  # one more than there are lines
    has_quotes: bool
    broken: Mask  # lines whose quotes break the rule

    def starts(self, fields: Integers) -> Integers:
        """Where fields begin."""
        begins = self.ends.place(np.maximum(fields - 1, 0)) + 1
        if fields.size and fields[0] == 0:  # they ascend
            begins[0] = 0
        return begins


def texts_between(octets: Octets, start: Integers, end: Integers) -> pa.Array:
    """Texts that lie in ascending order in `octets`, one for each start and end; null where there is nothing between."""
    offsets = np.empty(2 * start.size + 1, dtype=np.int32)
    offsets[0:-1:2], offsets[1::2] = start, end
    offsets[-1] = octets.size
    between = pa.StringArray.from_buffers(2 * start.size, pa.py_buffer(offsets), pa.py_buffer(octets))
    empty = start == end
    return between.take(pa.array(np.arange(0, 2 * start.size, 2), mask=empty if empty.any() else None))


def _cut(lines: Lines, separator: bytes, quotes: Quotes) -> _Cut:
    octets = lines.octets
    has_quotes = quotes is not Quotes.NONE and lines.has_quotes
    ends, *marks = signs(octets, (separator[0], _QUOTE) if has_quotes else separator)
    ends |= lines.end_bits
    broken = np.zeros(len(lines), np.bool_)
    if has_quotes:
        quoted = opened(marks[0])
        if not _keep_rule(lines, ends, marks[0], quoted):
            octets, pairs, broken = _whole_pairs(lines, octets, places_of(marks[0]), separator, quotes)
            quoted = opened(bits_at(pairs, ends.size))
        ends &= ~quoted
    ranked = Ranked.of(ends, most_listed=len(lines) * _LISTED_FIELDS)
    first = np.append(0, ranked.count_before(lines.line_ends) + 1)
    return _Cut(octets, ranked, first, has_quotes, broken)


def _keep_rule(lines: Lines, ends: Words, marks: Words, quoted: Words) -> bool:
    """Whether the quotes of all lines keep the rule, in their order each opening or closing (`_pairs`)."""
    opening, inner = marks & quoted, ~(ends | marks)
    if (after(opening) & inner).any() or (lines.end_bits & quoted).any():
        return False
    if lines.has_returns:
        inner &= ~signs(lines.octets, (_CR,))[0]
    return not (before(marks ^ opening) & inner).any()


def _whole_pairs(
    lines: Lines, octets: Octets, marks: Integers, separator: bytes, quotes: Quotes
) -> tuple[Octets, Integers, Mask]:
    """The text in which a quote is one, its quotes in pairs, and the lines whose quotes break the rule."""
    pairs, broken = _pairs(lines, octets, marks, separator)
    if quotes is Quotes.LENIENT and broken.any():
        octets, marks = _without_inner_quotes(lines, octets, marks, separator, broken)
        pairs, broken = _pairs(lines, octets, marks, separator)
    return octets, pairs, broken


def _pairs(lines: Lines, octets: Octets, marks: Integers, separator: bytes) -> tuple[Integers, Mask]:
    """Quotes in pairs, each within a line, and the lines whose quotes break the rule.

    A quote opens a field or follows one that closed (a doubled quote inside); what closes ends its field or is followed so.
    """
    upto = np.searchsorted(marks, lines.line_ends)
    count = np.diff(upto, prepend=0)
    broken = count % 2 == 1
    if broken.any():  # the last quote of such a line has no partner; each line must count for itself
        marks = np.delete(marks, upto[broken] - 1)
    opens, closes = marks[0::2], marks[1::2]
    before = octets[opens - 1]
    after = octets[np.minimum(closes + 1, octets.size - 1)]
    stray = (before != separator[0]) & (before != _LF) & (before != _QUOTE) & (opens > 0)
    stray |= (after != separator[0]) & (after != _LF) & (after != _CR) & (after != _QUOTE) & (closes + 1 < octets.size)
    if stray.any():
        broken[np.searchsorted(lines.line_ends, opens[stray])] = True
    return marks, broken


def _without_inner_quotes(
    lines: Lines, octets: Octets, marks: Integers, separator: bytes, broken: Mask
) -> tuple[Octets, Integers]:
    """The text with an apostrophe for each quote of a broken line that does not begin or end a whole field; and its quotes.

    A quote begins a field if it stands at a field's beginning and the next quote that stands at a beginning or an end
    stands at an end; that one ends it.
    """
    octets = octets.copy()
    line = np.searchsorted(lines.line_ends, marks)
    at = np.flatnonzero(broken[line])
    places, line = marks[at], line[at]
    opens = (places == lines.starts[line]) | (octets[places - 1] == separator[0])
    closes = (places + 1 >= lines.ends[line]) | (octets[np.minimum(places + 1, octets.size - 1)] == separator[0])
    edge = np.flatnonzero(opens ^ closes)
    begins = np.zeros(edge.size, dtype=np.bool_)
    begins[:-1] = opens[edge[:-1]] & closes[edge[1:]] & (line[edge[:-1]] == line[edge[1:]])
    kept = np.zeros(places.size, dtype=np.bool_)
    kept[edge[begins]] = True
    kept[edge[1:][begins[:-1]]] = True
    octets[places[~kept]] = _APOSTROPHE
    return octets, np.delete(marks, at[~kept])


def _whole_lines(cut: _Cut, at: Integers) -> tuple[Integers, list[Refusal]]:
    """The lines whose quotes keep the rule, and the refusals of the others."""
    if not cut.broken.any():
        return at, []
    broken = cut.broken[at]
    detail = "A quote is not closed, or text follows its closing quote."
    return at[~broken], [Refusal(int(each), Reason.FIELD_COUNT, detail) for each in at[broken]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of the places of a line, for lines with one of some numbers of fields.

    `counts`: the numbers from, to (both included) of fields that lines of this layout have; `places` from 0.
    """

    counts: tuple[tuple[int, int], ...]
    places: Mapping[str, int]

    def fits(self, counts: Integers) -> Mask:
        """Which numbers of fields are this layout's."""
        fits = np.zeros(counts.size, dtype=np.bool_)
        for low, high in self.counts:
            fits |= (counts >= low) & (counts <= high)
        return fits


@dataclass(frozen=True, slots=True)
class Delimited(Rows):
    """Rows of separated fields. A name that is a number is the field at that place, from 1, in any layout."""

    at: Integers
    layouts: Sequence[Layout]
    _cut: _Cut
    _layout: NDArray[np.int8]
    _counts: Integers
    _lines: Lines
    _firsts: Integers  # the first field of each row
    _fewest: int  # fields of a row
    _present: tuple[int, ...]  # the layouts that rows have, -1 where one has none
    _known: dict[int, Integers]  # where the fields at a place end, in all rows
    _texts: dict[int, pa.Array]  # the columns at a place

    @classmethod
    def of(
        cls, lines: Lines, separator: bytes, quotes: Quotes, layouts: Sequence[Layout]
    ) -> tuple[Self, list[Refusal]]:
        """The rows of a chunk, and the lines that are none. The first layout that fits a line is its own."""
        at, refusals = usable(lines)
        cut = _cut(lines, separator, quotes)
        at, broken = _whole_lines(cut, at)
        counts = np.diff(cut.first)[at]
        layout = np.full(at.size, -1, dtype=np.int8)
        for number, each in enumerate(layouts):
            layout[(layout < 0) & each.fits(counts)] = number
        return cls._with(at, layouts, cut, layout, counts, lines, {}), refusals + broken

    @classmethod
    def _with(
        cls,
        at: Integers,
        layouts: Sequence[Layout],
        cut: _Cut,
        layout: NDArray[np.int8],
        counts: Integers,
        lines: Lines,
        known: dict[int, Integers],
    ) -> Self:
        fewest = int(counts.min(initial=_ALL))
        present = tuple((np.flatnonzero(np.bincount(layout + 1)) - 1).tolist())
        return cls(at, layouts, cut, layout, counts, lines, cut.first[at], fewest, present, known, {})

    def column(self, name: str) -> pa.Array:
        place = self._place_of(name)
        if not isinstance(place, int):
            return self._text(*self._bounds(place))
        if place < 0:
            return pa.nulls(len(self), TEXT)
        if place not in self._texts:
            self._texts[place] = self._text(*self._bounds(place))
        return self._texts[place]

    def either(self, is_first: Mask, first: str, second: str) -> pa.Array:
        left, right = self._bounds(self._place_of(first)), self._bounds(self._place_of(second))
        start, end = (np.where(is_first, one, other) for one, other in zip(left, right, strict=True))
        return self._text(start, end)

    def _bounds(self, place: int | Integers) -> tuple[Integers, Integers]:
        """Where the fields at a place begin and end in the rows; where a row has none, both are where its line begins."""
        present: Mask | None = None
        if isinstance(place, int) and 0 <= place < self._fewest:
            start, end = self._start_of(place), self._end_of(place)
        else:
            present = (place >= 0) & (place < self._counts)
            if not present.any():
                return self._start_of(0), self._start_of(0)
            fields = self._firsts + np.where(present, place, 0)
            start = self._cut.starts(fields)
            end = self._cut.ends.next(start, fields)
        if self._lines.has_returns:
            end = np.minimum(end, self._lines.ends[self.at])
        return start, end if present is None else np.where(present, end, start)

    def _start_of(self, place: int) -> Integers:
        return self._lines.starts[self.at] if place == 0 else self._end_of(place - 1) + 1

    def _end_of(self, place: int) -> Integers:
        if place not in self._known:
            fields, near = self._firsts + place, range(max(place - _NEAR, 0), place)
            if self._cut.ends.is_listed or not (place < _NEAR or any(other in self._known for other in near)):
                self._known[place] = self._cut.ends.place(fields)
            else:
                self._known[place] = self._cut.ends.next(self._start_of(place), fields)
        return self._known[place]

    def _text(self, start: Integers, end: Integers) -> pa.Array:
        octets = self._cut.octets
        if not start.size or not self._cut.has_quotes:
            return texts_between(octets, start, end)
        quoted = octets[np.minimum(start, octets.size - 1) if start[-1] == octets.size else start] == _QUOTE
        if not quoted.any():
            return texts_between(octets, start, end)
        quoted &= end - start >= 2
        column = texts_between(octets, start + quoted, end - quoted)
        if (octets_of(column) == _QUOTE).any():
            column = pc.if_else(pa.array(quoted), pc.replace_substring(column, '""', '"'), column)
        return column

    def _place_of(self, name: str) -> int | Integers:
        """The place of a column, from 0, of every row or of all; negative where a row has none."""
        if name.isdecimal():
            return int(name) - 1
        places = np.array([*(each.places.get(name, -1) for each in self.layouts), -1])
        found = {int(places[layout]) for layout in self._present}
        return found.pop() if len(found) == 1 else places[self._layout]

    def where(self, kept: Mask) -> Self:
        known = {place: ends[kept] for place, ends in self._known.items()}
        return self._with(
            self.at[kept], self.layouts, self._cut, self._layout[kept], self._counts[kept], self._lines, known
        )

    def wrong(self) -> Mask:
        return self._layout < 0

    def wrong_detail(self, row: int) -> str:
        return f"{self._counts[row]} fields instead of {' or '.join(_counts_text(each) for each in self.layouts)}."

    def unnamed(self) -> int:
        """How many fields the longest row has after the last of a layout that names all of its fields."""
        named = np.array([_named_fields(each) for each in self.layouts] + [_ALL])
        return max(0, int((self._counts - named[self._layout]).max(initial=0)))


def _named_fields(layout: Layout) -> int:
    """How many fields a layout names; `_ALL` where it leaves some out and so never meant to name them."""
    last = max(layout.places.values(), default=-1) + 1
    return last if last == len(layout.places) else _ALL


def _counts_text(layout: Layout) -> str:
    return " or ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in layout.counts)


def trimmed(column: pa.Array) -> pa.Array:
    """The texts without spaces around them, null where nothing is left."""
    if not _may_be_blank(octets_of(column)).any():
        return column
    offsets, octets = offsets_of(column), buffer_of(column)
    has_text = offsets[1:] > offsets[:-1]
    edges = np.concatenate([octets[offsets[:-1][has_text]], octets[offsets[1:][has_text] - 1]])
    return null_if_empty(pc.utf8_trim_whitespace(column) if _may_be_blank(edges).any() else column)


def _may_be_blank(octets: Octets) -> Mask:
    return (octets <= _SPACE) | (octets >= 0x80)


def null_if_empty(column: pa.Array) -> pa.Array:
    """The column with null for empty texts."""
    empty = lengths_of(column) == 0
    if column.null_count:
        empty &= is_present(column)
    return pc.if_else(pa.array(empty), pa.scalar(None, TEXT), column) if empty.any() else column


@dataclass(frozen=True, slots=True)
class FixedWidth(Rows):
    """Rows whose columns stand at fixed places, which are counted in characters. Spaces around a value do not count."""

    at: Integers
    places: Mapping[str, tuple[int, int]]  # from, from 0; to, not included
    width: int  # characters that a line has at least
    _lines: Lines
    _boundaries: Mapping[int, Integers]  # of a line that is not ASCII: where each of its characters starts

    @classmethod
    def of(cls, lines: Lines, places: Mapping[str, tuple[int, int]], width: int) -> tuple[Self, list[Refusal]]:
        """The rows of a chunk, and the lines that are none."""
        at, refusals = usable(lines)
        wide = np.unique(np.searchsorted(lines.ends, np.flatnonzero(lines.octets >= 0x80), side="right"))
        boundaries = {
            int(line): np.flatnonzero((lines.octets[lines.starts[line] : lines.ends[line]] & 0xC0) != 0x80)
            for line in np.intersect1d(wide, at)
        }
        return cls(at, places, width, lines, boundaries), refusals

    def column(self, name: str) -> pa.Array:
        low, high = self.places[name]
        line_start, line_end = self._lines.starts[self.at], self._lines.ends[self.at]
        start, end = np.minimum(line_start + low, line_end), np.minimum(line_start + high, line_end)
        for row, bounds in self._wide_rows():
            start[row] = line_start[row] + bounds[low] if low < bounds.size else line_end[row]
            end[row] = line_start[row] + bounds[high] if high < bounds.size else line_end[row]
        return trimmed(texts_between(self._lines.octets, start, end))

    def _wide_rows(self) -> list[tuple[int, Integers]]:
        """The rows that are not ASCII, with where each of their characters starts."""
        if not self._boundaries:
            return []
        lines = np.fromiter(self._boundaries, dtype=np.int64)
        return [(int(row), self._boundaries[int(self.at[row])]) for row in np.flatnonzero(np.isin(self.at, lines))]

    def where(self, kept: Mask) -> Self:
        return replace(self, at=self.at[kept])

    def _width_of(self, line: int) -> int:
        bounds = self._boundaries.get(line)
        return int(self._lines.ends[line] - self._lines.starts[line]) if bounds is None else bounds.size

    def wrong(self) -> Mask:
        widths = self._lines.ends[self.at] - self._lines.starts[self.at]
        for row, bounds in self._wide_rows():
            widths[row] = bounds.size
        return widths < self.width

    def wrong_detail(self, row: int) -> str:
        return f"{self._width_of(int(self.at[row]))} characters instead of {self.width}."
