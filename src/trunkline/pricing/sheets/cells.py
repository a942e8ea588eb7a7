"""Columns of text to columns of values: each distinct text once, and for those that cannot be read the rows and the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.e164 import NUMBER_DIGITS_MAX
from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.reasons import RowReason

T = TypeVar("T")
Rows = npt.NDArray[np.int64]
NONE: Final = -1


class Problems:
    """The first problem of each row: rows count from the first of the table."""

    def __init__(self, height: int) -> None:
        self._reason = np.zeros(height, np.int16)
        self._column = np.full(height, NONE, np.int32)
        self._reasons: list[str] = [""]

    def add(self, rows: Rows | Sequence[int], reason: str, column: int) -> None:
        """Blame `column` of these rows, except where another was blamed before."""
        rows = np.asarray(rows, np.int64)
        if not len(rows):
            return
        if reason not in self._reasons:
            self._reasons.append(reason)
        free = rows[self._reason[rows] == 0]
        self._reason[free] = self._reasons.index(reason)
        self._column[free] = column

    def put(self, row: int, reason: str) -> None:
        """Give a row that has a problem another reason; "" takes the problem away."""
        if reason not in self._reasons:
            self._reasons.append(reason)
        self._reason[row] = self._reasons.index(reason)

    @property
    def rows(self) -> Rows:
        return np.flatnonzero(self._reason)

    def of(self, row: int) -> tuple[str, int]:
        """Reason and column of a row."""
        return self._reasons[int(self._reason[row])], int(self._column[row])

    @property
    def is_bad(self) -> npt.NDArray[np.bool_]:
        return self._reason != 0


def each_distinct(
    column: pa.Array, parse: Callable[[str], T], problems: Problems, index: int, reason: str = ""
) -> tuple[list[T | None], Rows]:
    """Every distinct text through `parse`: the values with None last, and which of them each row has.

    Where `parse` raises Invalid the row has None and a problem: its code, or `reason`.
    """
    encoded = column.dictionary_encode()
    places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    values: list[T | None] = []
    failed: dict[int, str] = {}
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(parse(text))
        except Invalid as error:
            failed[place] = _REASONS.get(error.code, reason or error.code)
            values.append(None)
    for code in set(failed.values()):
        wanted = [place for place, each in failed.items() if each == code]
        problems.add(np.flatnonzero(np.isin(places, wanted)), code, index)
    return [*values, None], places


_REASONS: Final = {str(reason): str(reason) for reason in RowReason} | {"bad_decimal": "bad_price"}


def are_plain_codes(codes: pa.Array) -> npt.NDArray[np.bool_]:
    """Where a text is 1 to 15 digits without a zero in front; far cheaper than reading each."""
    digits = pc.and_(pc.string_is_ascii(codes), pc.utf8_is_digit(codes))
    length = pc.binary_length(codes)
    short = pc.and_(pc.less_equal(length, NUMBER_DIGITS_MAX), pc.greater(length, 0))
    good = pc.and_(pc.and_(digits, short), pc.invert(pc.starts_with(codes, "0")))
    return np.asarray(pc.fill_null(good, False).to_numpy(zero_copy_only=False))


def spread(lists: Sequence[Sequence[str]], places: Rows) -> tuple[pa.Array, Rows]:
    """One row for each element: `places` is the list of each row; the elements, and the row each comes from."""
    sizes = np.array([len(each) for each in lists], np.int64)
    counts = sizes[places]
    pool = pa.array([element for each in lists for element in each], pa.string())
    first = (np.cumsum(sizes) - sizes)[places]
    parents = np.repeat(np.arange(len(places), dtype=np.int64), counts)
    at = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    return pool.take(pa.array(first[parents] + at)), parents


def fill_down(column: pa.Array) -> pa.Array:
    """Each null as the last value above it."""
    return pc.fill_null_forward(column)
