"""Known names among very many texts: which is which, for whole columns of places at once.

A text is looked up by its first and its last eight octets and its length, in a table without collisions; what is longer than
sixteen octets is then compared to its end. So a file may have hundreds of names, and those that nobody asked for cost little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Octets

Words = NDArray[np.uint64]
Ids = NDArray[np.int16]

WORD: Final = 8
_SLOTS_BITS: Final = 12
_SHIFT: Final = np.uint64(64 - _SLOTS_BITS)
_MIX: Final = 0x9E3779B97F4A7C15  # the odd number nearest to 2^64 divided by the golden ratio
_LENGTH_MIX: Final = 0xD6E8FEB86659FD93
_ALL_BITS: Final = (1 << 64) - 1
_MASKS: Final = np.array([(1 << 8 * length) - 1 for length in range(WORD)] + [_ALL_BITS], np.uint64)


class Names:
    """Some names, each a number: its place in `names`, which are all different."""

    def __init__(self, names: Sequence[bytes]) -> None:
        self.names = tuple(names)
        self._lengths = np.array([*map(len, names), -1], np.int64)
        self._heads = _words(names, 0)
        self._tails = np.append(
            np.array([_word(name[-WORD:]) if len(name) > WORD else 0 for name in names], np.uint64), np.uint64(0)
        )
        longest = max(map(len, names), default=0)
        self._inner = [(at, _words(names, at)) for at in range(WORD, longest - WORD, WORD)]
        self._multiplier, self._slots = self._table()

    def _table(self) -> tuple[np.uint64, Ids]:
        """A multiplier with which no two names share a slot, and the number of each slot's name, -1 where there is none."""
        known = len(self.names)
        multiplier = _MIX
        while True:
            slots = _slots(self._heads[:known], self._tails[:known], self._lengths[:known], np.uint64(multiplier))
            if np.unique(slots).size == known:
                table = np.full(1 << _SLOTS_BITS, -1, np.int16)
                table[slots] = np.arange(known)
                return np.uint64(multiplier), table
            multiplier = (multiplier * _LENGTH_MIX + 2) & _ALL_BITS | 1

    def among(self, octets: Octets, start: Integers, end: Integers) -> Ids:
        """The number of the name that each text between `start` and `end` is, -1 where it is none."""
        length = end - start
        heads = words_at(octets, start) & _MASKS[np.clip(length, 0, WORD)]
        tails = words_at(octets, np.maximum(end - WORD, 0))
        tails[length <= WORD] = 0
        found = self._slots[_slots(heads, tails, length, self._multiplier)]
        same = (self._heads[found] == heads) & (self._tails[found] == tails) & (self._lengths[found] == length)
        found = np.where(same, found, np.int16(-1))
        for at, words in self._inner:
            rows = np.flatnonzero((length > at + WORD) & (found >= 0))
            if rows.size:
                wrong = words_at(octets, start[rows] + at) != words[found[rows]]
                found[rows[wrong]] = -1
        return found


def words_at(octets: Octets, places: Integers) -> Words:
    """The eight octets from each place on as one number, the first the lowest; beyond the end of the text they are 0."""
    size = octets.size
    if size < WORD:
        octets = np.concatenate([octets, np.zeros(WORD, np.uint8)])
    at_most = octets.size - WORD
    # Overlapping words: a view with a stride of one octet, which numpy reads without alignment.
    every = np.ndarray((at_most + 1,), np.dtype("<u8"), np.ascontiguousarray(octets), strides=(1,))
    late = np.flatnonzero(places > at_most)
    if not late.size:
        return every[places]
    words = every[np.minimum(places, at_most)]
    for row in late.tolist():
        words[row] = _word(octets[int(places[row]) :].tobytes())
    return words


def _word(octets: bytes) -> int:
    return int.from_bytes(octets[:WORD], "little")


def _words(names: Sequence[bytes], at: int) -> Words:
    return np.array([*(_word(name[at:]) for name in names), 0], np.uint64)


def _slots(heads: Words, tails: Words, lengths: Integers, multiplier: np.uint64) -> Integers:
    mixed = heads ^ (tails * np.uint64(_MIX)) ^ (lengths.astype(np.uint64) * np.uint64(_LENGTH_MIX))
    return ((mixed * multiplier) >> _SHIFT).astype(np.int64)
