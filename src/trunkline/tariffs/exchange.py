"""Exchange rates: which one holds on a day, and cross rates as exact ratios (`docs/algorithms/exchange.md`)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Column: TypeAlias = Any  # a pyarrow Array or ChunkedArray of text, with or without a dictionary
Found = tuple[Fraction, date]
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class CrossRates:
    """Rates of many rows: row i has `found[index[i]]`; None there means no rate."""

    index: npt.NDArray[np.int32]
    found: list[Found | None]


class ExchangeTable:
    """All rates of a tenant that may be needed, made once for many questions; never changes."""

    def __init__(self, rows: Iterable[tuple[str, str, date, Decimal]]) -> None:
        """`rows`: base, quote, the day of publication, and what one unit of the base costs in the quote currency."""
        days: dict[tuple[str, str], list[tuple[int, Decimal]]] = {}
        for base, quote, on, rate in rows:
            days.setdefault((base, quote), []).append((on.toordinal(), rate))
        self._series: dict[tuple[str, str], tuple[list[int], list[Decimal]]] = {}
        self._beside: dict[str, set[str]] = {}
        for (base, quote), points in days.items():
            points.sort(key=lambda point: point[0])
            self._series[base, quote] = [on for on, _ in points], [rate for _, rate in points]
            self._beside.setdefault(base, set()).add(quote)
            self._beside.setdefault(quote, set()).add(base)

    def find(self, base: str, quote: str, on: date) -> Found | None:
        """What one unit of `base` costs in `quote` on a day, exactly, and the day on which it was published.

        None where no way of at most three published pairs leads from one to the other.
        """
        if base == quote:
            return Fraction(1), on
        day = on.toordinal()
        ways = self._ways(base, quote)
        for legs in (1, 2, 3):
            best: tuple[int, Fraction] | None = None
            for way in ways[legs]:  # by the alphabet, so that of equal ones the first stays
                crossed = self._cross(way, day)
                if crossed is not None and (best is None or crossed[0] > best[0]):
                    best = crossed
            if best is not None:
                return best[1], date.fromordinal(best[0])
        return None

    def table(self, base: Column, quote: Column, day: npt.NDArray[np.int32]) -> CrossRates:
        """`find` for whole columns: two of currency codes, and days since 1970-01-01. Null codes have no rate."""
        first, second = _encoded(base), _encoded(quote)
        names, others = [*first.dictionary.to_pylist(), None], [*second.dictionary.to_pylist(), None]
        place = first.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        other = second.indices.fill_null(len(others) - 1).to_numpy(zero_copy_only=False)
        distinct, index = np.unique(
            (day.astype(np.int64) * len(names) + place) * len(others) + other, return_inverse=True
        )
        found: list[Found | None] = []
        for code in distinct.tolist():
            rest, b = divmod(code, len(others))
            on, a = divmod(rest, len(names))
            known = names[a] is not None and others[b] is not None
            found.append(self.find(names[a], others[b], date.fromordinal(on + _EPOCH_ORDINAL)) if known else None)
        return CrossRates(index.astype(np.int32), found)

    def _ways(self, base: str, quote: str) -> dict[int, list[tuple[str, ...]]]:
        ways: dict[int, list[tuple[str, ...]]] = {1: [], 2: [], 3: []}
        near, far = self._beside.get(base, set()), self._beside.get(quote, set())
        if quote in near:
            ways[1].append((base, quote))
        for one in sorted(near - {quote}):
            if one in far:
                ways[2].append((base, one, quote))
            ways[3] += [(base, one, two, quote) for two in sorted(self._beside[one] & far - {base, one, quote})]
        return ways

    def _cross(self, way: tuple[str, ...], day: int) -> tuple[int, Fraction] | None:
        """The product of the legs of a way and the day of the oldest of them."""
        oldest, product = day, Fraction(1)
        for base, quote in pairwise(way):
            leg = self._leg(base, quote, day)
            if leg is None:
                return None
            oldest, product = min(oldest, leg[0]), product * leg[1]
        return oldest, product

    def _leg(self, base: str, quote: str, day: int) -> tuple[int, Fraction] | None:
        """The last rate of a pair on or before a day, as published one way or the other; of one day, as asked."""
        direct, inverse = self._last(base, quote, day), self._last(quote, base, day)
        if direct is not None and (inverse is None or direct[0] >= inverse[0]):
            return direct[0], Fraction(direct[1])
        return None if inverse is None else (inverse[0], 1 / Fraction(inverse[1]))

    def _last(self, base: str, quote: str, day: int) -> tuple[int, Decimal] | None:
        series = self._series.get((base, quote))
        if series is None:
            return None
        place = bisect_right(series[0], day)
        return None if place == 0 else (series[0][place - 1], series[1][place - 1])


def _encoded(column: Column) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def needed_pairs(pairs: Iterable[tuple[str, str]], currencies: Iterable[str]) -> set[tuple[str, str]]:
    """The published pairs that lie on some way of at most three legs between two of the currencies."""
    pairs, wanted = set(pairs), set(currencies)
    beside: dict[str, set[str]] = {}
    for base, quote in pairs:
        beside.setdefault(base, set()).add(quote)
        beside.setdefault(quote, set()).add(base)
    near = {one for currency in wanted for one in beside.get(currency, ())}
    return {
        (base, quote) for base, quote in pairs if base in wanted or quote in wanted or (base in near and quote in near)
    }
