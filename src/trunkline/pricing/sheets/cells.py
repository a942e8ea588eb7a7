"""Columns of text to columns of values: each distinct text once, and for those that cannot be read the rows and the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

    def forget(self, where: npt.NDArray[np.bool_]) -> None:
        """Rows that are marked have no problem."""
        self._reason[where] = 0

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
    column: pa.Array, parse: Callable[[str], T | None], problems: Problems, index: int, reason: str = ""
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


@dataclass(frozen=True, slots=True)
class CodeRuns:
    """The codes of each row: `counts` of them from `first` on in the pool."""

    pool: pa.Array
    first: Rows
    counts: Rows

    @classmethod
    def of_lists(cls, lists: Sequence[Sequence[str]], places: Rows) -> CodeRuns:
        """Each row has the codes of the list at its place."""
        sizes = np.array([len(each) for each in lists], np.int64)
        pool = pa.array([element for each in lists for element in each], pa.string())
        return cls(pool, (np.cumsum(sizes) - sizes)[places], sizes[places])

    def with_lists(self, where: npt.NDArray[np.bool_], lists: Sequence[Sequence[str]], places: Rows) -> CodeRuns:
        """The same, but the rows that are marked have the codes of the list at their place."""
        more = CodeRuns.of_lists(lists, places)
        pool = pa.concat_arrays([self.pool, more.pool])
        return CodeRuns(
            pool, np.where(where, more.first + len(self.pool), self.first), np.where(where, more.counts, self.counts)
        )

    def spread(self) -> tuple[pa.Array, Rows]:
        """One row for each code, and the row that each comes from."""
        if (
            len(self.pool) == len(self.first)
            and (self.counts == 1).all()
            and (self.first == np.arange(len(self.first))).all()
        ):
            return self.pool, np.arange(len(self.first), dtype=np.int64)
        parents = np.repeat(np.arange(len(self.first), dtype=np.int64), self.counts)
        at = np.arange(len(parents)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        return self.pool.take(pa.array(self.first[parents] + at)), parents


def fill_down(column: pa.Array) -> pa.Array:
    """Each null as the last value above it."""
    return pc.fill_null_forward(column)
