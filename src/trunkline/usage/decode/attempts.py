"""Attempts of one call whose rows are records by themselves: which of them is the last. docs/algorithms/legs.md, forks and transfers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.engine.schema import one_array
from trunkline.usage.decode.columns import Integers
from trunkline.usage.decode.records import Decoded


def count_attempts(decoded: Decoded, callers: pa.Array) -> Decoded:
    """The records numbered among those of one caller's leg, which `callers` names beside each; empty: a call of its own.

    An answered one is the last; where none was answered, the one that began last. Their column `legs` is empty, not null: what they say of
    attempts depends on the company in which they come, and is no part of what makes two of them the same.
    """
    events = decoded.events.combine_chunks()
    is_named = pc.greater(pc.binary_length(callers), 0)
    codes = callers.dictionary_encode().indices.to_numpy().astype(np.int64)
    start, duration = (events[name].cast(pa.int64()).to_numpy() for name in ("start", "duration_ms"))
    first = _first_with(events["key"])
    is_new = first == np.arange(first.size)  # a row that comes twice is one attempt
    sizes = np.bincount(codes[is_new], minlength=codes.max(initial=0) + 1)
    several = np.flatnonzero((sizes[codes] > 1) & is_new & is_named.to_numpy(zero_copy_only=False))
    attempt = events["attempt"].to_numpy().copy()
    is_last = events["is_last"].to_numpy(zero_copy_only=False).copy()
    if several.size:
        rows = several[np.lexsort((several, start[several], codes[several]))]
        begins = np.flatnonzero(np.concatenate(([True], np.diff(codes[rows]) != 0)))
        attempt[rows], is_last[rows] = _numbered(begins, duration[rows] > 0)
    columns = {name: events[name] for name in events.column_names}
    columns |= {"attempt": pa.array(attempt[first]), "is_last": pa.array(is_last[first])}
    columns["legs"] = pc.if_else(is_named, pa.scalar(""), pa.scalar(None, pa.string()))
    return replace(decoded, events=pa.table(columns, schema=events.schema))


def _first_with(keys: pa.ChunkedArray) -> Integers:
    """The first row that has the key of each."""
    codes = one_array(keys).dictionary_encode().indices.to_numpy().astype(np.int64)
    first = np.zeros(codes.max(initial=0) + 1, np.int64)
    first[codes[::-1]] = np.arange(codes.size)[::-1]
    return first[codes]


def _numbered(begins: Integers, answered: np.typing.NDArray[np.bool_]) -> tuple[Integers, np.typing.NDArray[np.bool_]]:
    """Number and last flag of rows that stand by caller and time; the rows of a caller begin at `begins`."""
    sizes = np.diff(np.append(begins, answered.size))
    number = np.arange(answered.size) - np.repeat(begins, sizes)
    has_answer = np.repeat(np.logical_or.reduceat(answered, begins), sizes)
    is_final = number == np.repeat(sizes, sizes) - 1
    return np.minimum(number + 1, 9_999), answered | (is_final & ~has_answer)
