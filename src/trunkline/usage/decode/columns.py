"""Columns of text to columns of numbers, whole columns at a time.

Every reader has a fast way for the column that is as it should be and a slow one, still inside Arrow, for the rows that
are not. Text columns are Arrow strings (or dictionaries of strings) in which an empty field is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]
Integers: TypeAlias = NDArray[np.int64]
Octets: TypeAlias = NDArray[np.uint8]

# Integers of up to 18 digits always fit int64; longer ones are read as this, which is beyond every limit.
LARGEST: Final = 10**18
_SAFE_DIGITS: Final = 18
_SAFE_SECONDS: Final = 10**15
_DOT: Final = 0x2E


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column read as numbers: `values` int64 (0 where absent or unreadable), and two masks of the same length."""

    values: Integers
    is_present: Mask
    is_readable: Mask  # also where absent

    def within(self, low: int, high: int) -> pa.Array:
        """The numbers from `low` to `high` as int64, null elsewhere: for columns that are only informative."""
        good = self.is_present & self.is_readable & (self.values >= low) & (self.values <= high)
        return pa.array(np.where(good, self.values, 0), mask=~good)


class Made(Mapping[str, pa.Array]):
    """Columns by name, each made when it is first asked for: what nobody reads costs nothing."""

    def __init__(self, names: Sequence[str], make: Callable[[str], pa.Array]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, pa.Array] = {}

    def __getitem__(self, name: str) -> pa.Array:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def is_present(column: pa.Array) -> Mask:
    """Where the column is not null."""
    if column.null_count == 0:
        return np.ones(len(column), dtype=np.bool_)
    return column.is_valid().to_numpy(zero_copy_only=False)


def offsets_of(column: pa.Array) -> NDArray[np.int32]:
    """The n + 1 offsets of a string or binary column into `octets_of` its buffer."""
    return np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]


def buffer_of(column: pa.Array) -> Octets:
    """The buffer that the offsets of a string or binary column point into."""
    data = column.buffers()[2]
    return np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)


def octets_of(column: pa.Array) -> Octets:
    """All octets of the column's texts, one after the other."""
    if len(column) == 0:
        return np.zeros(0, dtype=np.uint8)
    offsets = offsets_of(column)
    return buffer_of(column)[offsets[0] : offsets[-1]]


def lengths_of(column: pa.Array) -> NDArray[np.int32]:
    """The length of each text in octets, 0 for null."""
    return np.diff(offsets_of(column)) if len(column) else np.zeros(0, dtype=np.int32)


def odd_rows(column: pa.Array, also: bytes = b"") -> Integers:
    """The rows whose text has anything but ASCII digits and the octets of `also`, ascending."""
    octets = octets_of(column)
    other = (octets < 0x30) | (octets > 0x39)
    for octet in also:
        other &= octets != octet
    return np.unique(_rows_at(column, np.flatnonzero(other)))


def _rows_at(column: pa.Array, places: Integers) -> Integers:
    """The row that each place of `octets_of` belongs to."""
    if not places.size:
        return places
    offsets = offsets_of(column)
    return np.searchsorted(offsets - offsets[0], places, side="right") - 1


def text_of(column: pa.Array) -> pa.Array:
    """The column with empty text for null."""
    return pc.fill_null(column, "") if column.null_count else column


def _numpy(column: pa.Array) -> Integers:
    return column.to_numpy(zero_copy_only=False)


def _matches(column: pa.Array, pattern: str) -> Mask:
    return _numpy(pc.match_substring_regex(column, pattern=pattern)).astype(np.bool_)


def _without(column: pa.Array, rows: Integers) -> pa.Array:
    """The column with "0" for null and in the given rows."""
    if rows.size:
        mask = np.zeros(len(column), dtype=np.bool_)
        mask[rows] = True
        column = pc.if_else(pa.array(mask), "0", column)
    return pc.fill_null(column, "0") if column.null_count else column


def integers(column: pa.Array) -> Numbers:
    """Reads decimal integers, with a sign where negative. Spaces around them are taken off."""
    odd = np.union1d(odd_rows(column), np.flatnonzero((lengths_of(column) > _SAFE_DIGITS) | _is_blank(column)))
    values = _numpy(_without(column, odd).cast(pa.int64()))
    readable = np.ones(len(column), dtype=np.bool_)
    if odd.size:
        text = pc.ascii_trim_whitespace(column.take(pa.array(odd)))
        whole = _matches(text, r"^-?[0-9]+$")
        fits = _matches(text, r"^-?[0-9]{1,18}$")
        some = _numpy(pc.if_else(pa.array(fits), text, "0").cast(pa.int64()))
        beyond = np.where(_matches(text, "^-"), -LARGEST, LARGEST)
        values, readable[odd] = values.copy(), whole
        values[odd] = np.where(whole & ~fits, beyond, some)
    return Numbers(values, is_present(column), readable)


def _is_blank(column: pa.Array) -> Mask:
    """Empty texts that are not null: the CSV reader makes none."""
    return is_present(column) & (lengths_of(column) == 0)


def milliseconds(column: pa.Array) -> Numbers:
    """Reads seconds with up to three decimals as whole milliseconds; what is larger than 10^15 s counts as that."""
    dots = np.flatnonzero(octets_of(column) == _DOT)
    if not dots.size:
        whole = integers(column)
        return Numbers(np.clip(whole.values, -_SAFE_SECONDS, _SAFE_SECONDS) * 1000, whole.is_present, whole.is_readable)
    odd = np.union1d(odd_rows(column, b"."), _oddly_dotted(column, dots))
    decimals = _without(column, odd).cast(pa.decimal128(18, 3))
    # 18 digits fit the lower half of the 128 bits.
    values = np.frombuffer(decimals.buffers()[1], dtype=np.int64)[: 2 * len(column) : 2]
    readable = np.ones(len(column), dtype=np.bool_)
    if odd.size:
        text = pc.ascii_trim_whitespace(column.take(pa.array(odd)))
        fits = _matches(text, r"^-?[0-9]{1,15}(\.[0-9]{1,3})?$")
        huge = _matches(text, r"^-?[0-9]{16,}(\.[0-9]+)?$")
        some = pc.if_else(pa.array(fits), text, "0").cast(pa.decimal128(18, 3))
        beyond = np.where(_matches(text, "^-"), -_SAFE_SECONDS, _SAFE_SECONDS) * 1000
        values, readable[odd] = values.copy(), fits | huge
        values[odd] = np.where(huge, beyond, np.frombuffer(some.buffers()[1], dtype=np.int64)[: 2 * odd.size : 2])
    return Numbers(values, is_present(column), readable)


def _oddly_dotted(column: pa.Array, dots: Integers) -> Integers:
    """The rows that are not 1 to 15 digits with, after one dot, 1 to 3 more. Other rows of digits may be as long."""
    offsets = offsets_of(column).astype(np.int64)
    offsets = offsets - offsets[0]
    rows = _rows_at(column, dots)
    before, after = dots - offsets[rows], offsets[rows + 1] - dots - 1
    bad = (before < 1) | (before > _SAFE_DIGITS - 3) | (after < 1) | (after > 3)
    bad[1:] |= rows[1:] == rows[:-1]
    undotted = lengths_of(column) > _SAFE_DIGITS - 3
    undotted[rows] = False
    return np.union1d(rows[bad], np.flatnonzero(undotted | _is_blank(column)))


def mapped(column: pa.DictionaryArray, meaning: Callable[[str], int | None]) -> Numbers:
    """Reads a column of few distinct texts by their meaning; None: the text has none."""
    present = is_present(column)
    meanings = [meaning(text) for text in column.dictionary.to_pylist()]
    if not meanings:
        return Numbers(np.zeros(len(column), dtype=np.int64), present, np.ones(len(column), dtype=np.bool_))
    at = _numpy(pc.fill_null(column.indices, 0))
    values = np.array([value or 0 for value in meanings], dtype=np.int64)[at]
    known = np.array([value is not None for value in meanings], dtype=np.bool_)[at]
    return Numbers(np.where(present, values, 0), present, known | ~present)


def constant(text: str, rows: int) -> pa.DictionaryArray:
    """A dictionary column that says the same in every row."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([text]))


def chosen(column: pa.DictionaryArray, wanted: Callable[[str], bool]) -> Mask:
    """Where a dictionary column has a text that is wanted; null never is."""
    if len(column.dictionary) == 1 and not column.null_count:
        return np.full(len(column), wanted(column.dictionary[0].as_py()))
    return mapped(column, lambda text: int(wanted(text))).values > 0
