"""Exact group-by sums of int64 columns: how priced records become rollups, chunk by chunk.

The key columns are packed into one int64 by their ranges, numbered by a hash table (Arrow's) and summed by number. The
groups come out ascending by the key columns in the order given, so the same rows give the same bytes whatever their
order. No sum ever wraps: where a bound does not rule it out, halves are summed apart and the result is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.core.money import INT64_MAX, fits_int64

Column = NDArray[np.int64]
Columns = dict[str, Column]

_PACKED_BITS = 63
_DENSE_SPAN = 1 << 20
_HALF = np.int64(32)
_HALF_MASK = np.int64(0xFFFFFFFF)


def _dense(column: Column) -> tuple[Column, int]:
    """Numbers from 0 in the order of the values, and how many bits they need."""
    low, high = int(column.min()), int(column.max())
    bits = (high - low).bit_length()
    if bits <= _PACKED_BITS // 2:
        return column - low, bits
    values, ranks = np.unique(column, return_inverse=True)
    return ranks.astype(np.int64, copy=False), (values.size - 1).bit_length()


def _numbered(packed: Column) -> tuple[Column, NDArray[np.int64]]:
    """(the number of each row's group, one row of each group), groups ascending by `packed`."""
    encoded = pa.array(packed).dictionary_encode()
    values = encoded.dictionary.to_numpy()
    order = np.argsort(values)
    rank = np.empty(values.size, dtype=np.int64)
    rank[order] = np.arange(values.size)
    group = rank[encoded.indices.to_numpy()]
    seen = np.empty(values.size, dtype=np.int64)
    seen[group] = np.arange(group.size)
    return group, seen


def distinct(column: Column) -> tuple[Column, NDArray[np.int64]]:
    """The values of an int64 column, ascending, and the place of each row among them: as `np.unique`, without sorting the rows."""
    if not column.size:
        return column, np.zeros(0, dtype=np.int64)
    low = int(column.min())
    span = int(column.max()) - low + 1
    if span > max(_DENSE_SPAN, column.size):
        place, seen_at = _numbered(column)
        return column[seen_at], place
    offset = column - low
    is_there = np.zeros(span, dtype=np.bool_)
    is_there[offset] = True
    return np.flatnonzero(is_there) + low, (np.cumsum(is_there) - 1)[offset]


def _groups(keys: Mapping[str, Column]) -> tuple[Column, NDArray[np.int64]]:
    size = next(iter(keys.values())).size
    packed, used_bits = np.zeros(size, dtype=np.int64), 0
    for column in keys.values():
        dense, bits = _dense(column)
        if used_bits + bits > _PACKED_BITS:
            # What is packed so far becomes the number of its group: same order, fewer bits.
            packed, seen = _numbered(packed)
            used_bits = (seen.size - 1).bit_length()
        packed = (packed << np.int64(bits)) | dense
        used_bits += bits
    if 1 << used_bits > size:
        return _numbered(packed)
    values, group = distinct(packed)
    seen = np.empty(values.size, dtype=np.int64)
    seen[group] = np.arange(size)
    return group, seen


def _sum_in_halves(name: str, values: Column, group: Column, count: int) -> Column:
    high, low = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    np.add.at(high, group, values >> _HALF)
    np.add.at(low, group, values & _HALF_MASK)
    totals = [(first << 32) + second for first, second in zip(high.tolist(), low.tolist(), strict=True)]
    for total in totals:
        if not fits_int64(total):
            raise Invalid("overflow", f"A sum of {name} is too large to be kept.", column=name, total=str(total))
    return np.array(totals, dtype=np.int64)


def _sum(name: str, values: Column, group: Column, count: int) -> Column:
    peak = max(-int(values.min()), int(values.max()))
    if peak * values.size > INT64_MAX:
        return _sum_in_halves(name, values, group, count)
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, group, values)
    return total


def fold(keys: Mapping[str, Column], sums: Mapping[str, Column]) -> Columns:
    """One row for each distinct combination of the key columns, with the exact sums of its rows.

    `keys` (at least one) and `sums` are integer columns of one length, up to 2^31 rows. Returns the key columns, then
    the sum columns, all int64, under their names, ascending by the keys in the order given.
    Raises Invalid `overflow` if a sum does not fit int64, ValueError for no key, a name used twice or unequal lengths.
    """
    if not keys:
        raise ValueError("there is nothing to group by")
    if set(keys) & set(sums):
        raise ValueError(f"both key and sum: {sorted(set(keys) & set(sums))}")
    if len({column.size for column in (*keys.values(), *sums.values())}) != 1:
        raise ValueError("the columns differ in length")
    keys = {name: column.astype(np.int64, copy=False) for name, column in keys.items()}
    sums = {name: column.astype(np.int64, copy=False) for name, column in sums.items()}
    if next(iter(keys.values())).size == 0:
        return {name: np.zeros(0, dtype=np.int64) for name in (*keys, *sums)}
    group, seen = _groups(keys)
    folded = {name: column[seen] for name, column in keys.items()}
    return folded | {name: _sum(name, values, group, seen.size) for name, values in sums.items()}


def merge(parts: Sequence[Mapping[str, Column]], keys: Sequence[str]) -> Columns:
    """Partial folds of the same columns as one: as if their rows had been folded together.

    `keys` names the key columns, in the order of the result; every other column is a sum. Returns and raises as
    `fold`; no parts give ValueError, parts of different columns KeyError.
    """
    if not parts:
        raise ValueError("there is nothing to merge")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return fold(
        {name: columns[name] for name in keys},
        {name: column for name, column in columns.items() if name not in keys},
    )
