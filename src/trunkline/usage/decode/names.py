"""Known names among very many texts: which is which, for whole columns of places at once.

A text is looked up by a mix of its octets, eight at a time, in a table in which no two of the names share a slot, and then
compared. So a file may have hundreds of names, and those that nobody asked for cost little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Octets

Words = NDArray[np.uint64]
Ids = NDArray[np.int16]

WORD: Final = 8
LENGTH_MAX: Final = 256  # octets of a name
_BITS_MIN: Final = 8
_TRIES: Final = 64
_MIX: Final = 0x9E3779B97F4A7C15  # the odd number nearest to 2^64 divided by the golden ratio
_LENGTH_MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_ALL_BITS: Final = (1 << 64) - 1
MASKS: Final = np.array([(1 << 8 * length) - 1 for length in range(WORD)] + [_ALL_BITS], np.uint64)


class Names:
    """Some names, each a number: its place in `names`, which are all different.

    Of names that cannot be told apart by their mix, which nobody writes but on purpose, only the first is ever found; so is none
    that is longer than `LENGTH_MAX`.
    """

    def __init__(self, names: Sequence[bytes]) -> None:
        self.names = tuple(names)
        ends = np.cumsum([len(name) for name in names]) if names else np.zeros(0, np.int64)
        self._lengths = np.append(np.diff(ends, prepend=0), -1)
        octets = np.frombuffer(b"".join(names), np.uint8)
        starts = ends - self._lengths[:-1]
        self._words = [
            np.append(_place(octets, starts, self._lengths[:-1], at), np.uint64(0))
            for at in range(0, min(max(map(len, names), default=0), LENGTH_MAX), WORD)
        ]
        mixed = self._lengths[:-1].astype(np.uint64) * _LENGTH_MIX
        for turn, words in zip(_turns(), self._words, strict=False):
            mixed ^= words[:-1] * turn
        self._shift, self._multiplier, self._slots = _table(mixed)

    def among(self, octets: Octets, start: Integers, end: Integers) -> Ids:
        """The number of the name that each text between `start` and `end` is, -1 where it is none."""
        length = end - start
        mixed = length.astype(np.uint64) * _LENGTH_MIX
        found_words: list[tuple[Integers | slice, Words]] = []
        rows: Integers | slice = slice(None)
        for at, turn in zip(range(0, len(self._words) * WORD, WORD), _turns(), strict=False):
            if at:
                rows = np.flatnonzero(length > at)
                if not rows.size:
                    break
            words = _place(octets, start[rows], length[rows], at)
            mixed[rows] ^= words * turn
            found_words.append((rows, words))
        found = self._slots[((mixed * self._multiplier) >> self._shift).astype(np.int64)]
        same = self._lengths[found] == length
        for known, (at_rows, words) in zip(self._words, found_words, strict=False):
            same[at_rows] &= known[found[at_rows]] == words
        return np.where(same, found, np.int16(-1))


def _turns() -> Iterator[np.uint64]:
    """What the words of a text are multiplied by, one after the other: 1, and odd numbers."""
    turn = 1
    while True:
        yield np.uint64(turn)
        turn = (turn * _MIX) & _ALL_BITS | 1


def _place(octets: Octets, start: Integers, length: Integers, at: int) -> Words:
    """The eight octets of each text from `at` on, 0 beyond its end."""
    words = words_at(octets, start + at)
    words &= MASKS[np.clip(length - at, 0, WORD)]
    return words


def _table(mixed: Words) -> tuple[np.uint64, np.uint64, Ids]:
    """How far to shift, a multiplier with which no two names share a slot, and each slot's name, -1 where there is none."""
    bits = max(_BITS_MIN, 2 * int(mixed.size).bit_length())
    shift, by = np.uint64(64 - bits), _MIX
    for _ in range(_TRIES):
        slots = ((mixed * np.uint64(by)) >> shift).astype(np.int64)
        if np.unique(slots).size == mixed.size:
            break
        by = (by * int(_LENGTH_MIX)) & _ALL_BITS | 1
    table = np.full(1 << bits, -1, np.int16)
    table[slots[::-1]] = np.arange(mixed.size)[::-1]
    return shift, np.uint64(by), table


def words_at(octets: Octets, places: Integers) -> Words:
    """The eight octets from each place on as one number, the first the lowest; beyond the end of the text they are 0."""
    if octets.size < WORD:
        octets = np.concatenate([octets, np.zeros(WORD - octets.size, np.uint8)])
    at_most = octets.size - WORD
    # Overlapping words: a view with a stride of one octet, which numpy reads without alignment.
    every = np.ndarray((at_most + 1,), np.dtype("<u8"), np.ascontiguousarray(octets), strides=(1,))
    late = np.flatnonzero(places > at_most)
    if not late.size:
        return every[places]
    words = every[np.minimum(places, at_most)]
    beyond = np.minimum(places[late] - at_most, WORD).astype(np.uint64)
    words[late] = np.where(beyond < WORD, words[late] >> (beyond % np.uint64(WORD) * np.uint64(8)), 0)
    return words
