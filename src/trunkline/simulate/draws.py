"""Random draws that give the same values on every machine and with every version of numpy.

NumPy promises a stable stream only for the raw output of a bit generator and for `SeedSequence` (NEP 19), not for the
distributions of `Generator`; and `exp`, `log` or `power` may differ in the last place from one processor to the next.
So everything here is made of raw 64-bit words by integer arithmetic, and curves are tables of integers (`quantiles`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Context, Decimal
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_DECIMAL = Context(prec=28)
_QUANTILE_BITS = 12


def stream_seed(seed: int, *names: str | int) -> int:
    """A 128-bit seed for one named stream of `seed`: the same names give the same stream, others an unrelated one."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


class Draws:
    """A stream of reproducible draws, told apart by a seed and names (a purpose, a chunk number)."""

    def __init__(self, seed: int, *names: str | int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(stream_seed(seed, *names)))

    def words(self, size: int) -> npt.NDArray[np.uint64]:
        """`size` uniform 64-bit words."""
        return np.asarray(self._bits.random_raw(size), dtype=np.uint64)

    def below(self, bound: int | IntArray, size: int) -> IntArray:
        """`size` integers in `[0, bound)`; `bound` is one integer or an array of `size`, each from 1 to 2^31.

        The upper half of a word times the bound: off uniform by at most bound / 2^32, the same everywhere.
        """
        high = self.words(size) >> np.uint64(32)
        return np.asarray((high * np.asarray(bound, dtype=np.uint64)) >> np.uint64(32), dtype=np.int64)

    def between(self, low: int, high: int, size: int) -> IntArray:
        """`size` integers in `[low, high]`."""
        return self.below(high - low + 1, size) + low

    def chance(self, numerator: int, denominator: int, size: int) -> BoolArray:
        """`size` booleans, each true with probability numerator / denominator."""
        return np.asarray(self.below(denominator, size) < numerator)

    def weighted(self, weights: Sequence[int] | IntArray, size: int) -> IntArray:
        """`size` indices, index i with probability weights[i] / sum; whole numbers, their sum at most 2^31."""
        upper = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.asarray(np.searchsorted(upper, self.below(int(upper[-1]), size), side="right"), dtype=np.int64)

    def quantile(self, table: IntArray, size: int) -> IntArray:
        """`size` values of the distribution whose quantiles are `table` (see `log_normal`), linear between them."""
        words = self.words(size)
        position = np.asarray(words >> np.uint64(64 - _QUANTILE_BITS), dtype=np.int64)
        inside = np.asarray((words >> np.uint64(20)) & np.uint64(0xFFFFFFFF), dtype=np.int64)
        low, high = table[position], table[position + 1]
        return low + (((high - low) * inside) >> 32)

    def sample(self, population: int, size: int) -> IntArray:
        """`size` different integers of `[0, population)` in ascending order."""
        if size > population:
            raise ValueError(f"cannot take {size} of {population}")
        if 3 * size > population:
            return np.sort(np.argsort(self.words(population), kind="stable")[:size])
        taken = np.zeros(0, dtype=np.int64)
        while len(taken) < size:
            drawn = np.concatenate([taken, self.below(population, 2 * size + 8)])
            _, first = np.unique(drawn, return_index=True)
            taken = drawn[np.sort(first)[:size]]
        return np.sort(taken)


def mix64(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): scatters words, one to one."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


@cache
def log_normal(median: int, sigma: str, lowest: int, highest: int) -> IntArray:
    """A table of 4,097 quantiles of a log-normal distribution, for `Draws.quantile`, whole numbers in ascending order.

    Made with decimal arithmetic and rounded normal quantiles, so that no machine's `exp` takes part.
    """
    count = 1 << _QUANTILE_BITS
    normal = NormalDist()
    spread = Decimal(sigma)
    values = []
    for step in range(count + 1):
        share = (step + 0.5) / (count + 1)
        deviation = Decimal(f"{normal.inv_cdf(share):.6f}")
        value = int(_DECIMAL.multiply(Decimal(median), _DECIMAL.exp(_DECIMAL.multiply(spread, deviation))))
        values.append(min(max(value, lowest), highest))
    values[-1] = highest
    table = np.asarray(values, dtype=np.int64)
    table.setflags(write=False)
    return table
