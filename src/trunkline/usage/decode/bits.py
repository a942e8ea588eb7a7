"""Where signs stand in a text, as one bit for each octet.

A bitmap of a text is an eighth of it, and what is asked of all octets at once (which quotes are open, how many separators come
before a place) takes a few operations on words of 64 octets. The place of the n-th sign is worked out only where somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Mask, Octets

Words = NDArray[np.uint64]

_WORD: Final = 8  # octets of a bitmap in a word
_BITS: Final = 64  # of a word, each an octet of the text
_SHIFT: Final = 6
_WITHIN: Final = _BITS - 1
_ONE: Final = np.uint64(1)
_LAST: Final = np.uint64(_WITHIN)
SLAB: Final = 1 << 18  # octets that stay in the nearest caches while their signs are looked for
_DENSE: Final = 1 / 64  # signs an octet, from which on it is cheaper to look at each bit
_SPREAD: Final = tuple(np.uint64(1 << power) for power in range(_SHIFT))

_BYTE: Final = np.uint64(8)
_OCTET: Final = np.uint64(0xFF)
_ONES: Final = np.uint64(0x0101010101010101)
_HIGHS: Final = np.uint64(0x8080808080808080)
_PAIRS: Final = np.uint64(0x5555555555555555)
_FOURS: Final = np.uint64(0x3333333333333333)
_EIGHTS: Final = np.uint64(0x0F0F0F0F0F0F0F0F)


def _places_in_octets() -> NDArray[np.int64]:
    """Of each octet the places of its bits, eight for each, the lowest first."""
    found = np.zeros((256, 8), np.int64)
    for octet in range(256):
        places = [bit for bit in range(8) if octet >> bit & 1]
        found[octet, : len(places)] = places
    return found.ravel()


_PLACES: Final = _places_in_octets()


def empty_bits(octets: int) -> Octets:
    """The octets of a bitmap of so many, all 0 (`signs`)."""
    return np.zeros((octets // _BITS + 2) * _WORD, np.uint8)


def signs(octets: Octets, wanted: Sequence[int]) -> list[Words]:
    """A bitmap for each of the signs: word w, bit b (the lowest first) is octet 64 w + b. Beyond the text there are at least 65 bits, all 0."""
    found = [empty_bits(octets.size) for _ in wanted]
    is_sign = np.empty(min(octets.size, SLAB), np.bool_)
    for at in range(0, octets.size, SLAB):
        slab = octets[at : at + SLAB]
        for sign, bits in zip(wanted, found, strict=True):
            packed = np.packbits(np.equal(slab, sign, out=is_sign[: slab.size]), bitorder="little")
            bits[at // 8 : at // 8 + packed.size] = packed
    return [bits.view(np.uint64) for bits in found]


def bits_of(mask: Mask) -> Words:
    """The bitmap of what is so of each octet."""
    found = empty_bits(mask.size)
    packed = np.packbits(mask, bitorder="little")
    found[: packed.size] = packed
    return found.view(np.uint64)


def bits_at(places: Integers, words: int) -> Words:
    """A bitmap of so many words with a bit at each place."""
    found = np.zeros(words, np.uint64)
    np.bitwise_or.at(found, places >> _SHIFT, _ONE << (places & _WITHIN).view(np.uint64))
    return found


def count_of(words: Words) -> int:
    """How many bits there are."""
    return int(np.bitwise_count(words).sum(dtype=np.int64))


def places_of(words: Words) -> Integers:
    """Where the bits are, ascending."""
    if count_of(words) > words.size * _BITS * _DENSE:
        return _each_place(words)
    at = np.flatnonzero(words != 0)
    left, found = words[at], []
    while at.size:  # the lowest bit of each word, then the next one of those that have more
        found.append((at << _SHIFT) + np.bitwise_count(~left & (left - _ONE)))
        left = left & (left - _ONE)
        more = left != 0
        at, left = at[more], left[more]
    return np.sort(np.concatenate(found)) if len(found) > 1 else found[0] if found else at


def _each_place(words: Words) -> Integers:
    # As booleans: numpy takes three times as long to find what is not 0 among other octets.
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_))


def before(words: Words) -> Words:
    """The bitmap moved so that a bit stands one place further: each place says what stands before it."""
    moved = words << _ONE
    moved[1:] |= words[:-1] >> _LAST
    return moved


def after(words: Words) -> Words:
    """The bitmap moved so that a bit stands one place earlier: each place says what stands after it."""
    moved = words >> _ONE
    moved[:-1] |= words[1:] << _LAST
    return moved


def opened(words: Words) -> Words:
    """Bits where an odd number stands before and at a place: from every first on, up to every second, which is left out."""
    found, moved = words.copy(), np.empty_like(words)
    for power in _SPREAD:
        found ^= np.left_shift(found, power, out=moved)
    if words.size > 1:  # a word is turned round where the words before it have an odd number: the same among words
        is_odd = np.zeros(-(-words.size // _BITS) * _BITS, np.uint8)
        is_odd[: words.size] = found >> _LAST
        turned = opened(np.packbits(is_odd, bitorder="little").view(np.uint64))
        found[1:] ^= -np.unpackbits(turned.view(np.uint8), bitorder="little")[: words.size - 1].astype(np.uint64)
    return found


@dataclass(frozen=True, slots=True)
class Ranked:
    """The bits of a bitmap, numbered from 0."""

    words: Words
    _before: Integers  # how many are before each word
    _listed: Integers | None

    @classmethod
    def of(cls, words: Words, most_listed: int = 0) -> Self:
        """The places of up to so many bits are listed, which is cheap where nearly all of them will be asked for."""
        counts = np.bitwise_count(words)
        ends = np.cumsum(counts, dtype=np.int64)
        listed = _each_place(words) if ends[-1] <= most_listed else None
        return cls(words, ends - counts, listed)

    @property
    def is_listed(self) -> bool:
        """Whether it costs nothing to ask for the place of a number."""
        return self._listed is not None

    def count_before(self, places: Integers) -> Integers:
        """How many bits there are before each place."""
        at = places >> _SHIFT
        below = (_ONE << (places & _WITHIN).view(np.uint64)) - _ONE
        return self._before[at] + np.bitwise_count(self.words[at] & below)

    def place(self, numbers: Integers) -> Integers:
        """Where the bits of those numbers are."""
        if self._listed is not None:
            return self._listed[numbers]
        at = np.searchsorted(self._before, numbers, side="right") - 1
        word = self.words[at]
        number = (numbers - self._before[at]).view(np.uint64)
        # In its word it is in the octet before whose end there are more bits than its number.
        counts = word - ((word >> _ONE) & _PAIRS)
        counts = (counts & _FOURS) + ((counts >> np.uint64(2)) & _FOURS)
        upto = ((counts + (counts >> np.uint64(4))) & _EIGHTS) * _ONES
        more = ((upto | _HIGHS) - (number + _ONE) * _ONES) & _HIGHS
        octet = (_BYTE - np.bitwise_count(more)) << np.uint64(3)
        within = number - (((upto << _BYTE) >> octet) & _OCTET)
        bits = (word >> octet) & _OCTET
        return (at << _SHIFT) + octet.view(np.int64) + _PLACES[((bits << np.uint64(3)) + within).view(np.int64)]

    def next(self, places: Integers, numbers: Integers) -> Integers:
        """The same for bits of which each is the first at or after a place."""
        if self._listed is not None:
            return self._listed[numbers]
        octets = self.words.view(np.uint8)
        # Overlapping words: a view with a stride of one octet, which numpy reads without alignment.
        every = np.ndarray((octets.size - _WORD + 1,), np.dtype("<u8"), octets, strides=(1,))
        found = every[places >> 3]
        found >>= (places & 7).view(np.uint64)
        upto = np.bitwise_count(found ^ (found - _ONE))  # the zeros before the bit, and the bit
        ends = places + upto
        ends -= 1
        if upto.size and upto.max() == _BITS:  # further away than the word reaches, or just within
            far = np.flatnonzero(upto == _BITS)
            ends[far] = self.place(numbers[far])
        return ends
