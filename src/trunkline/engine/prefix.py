"""Longest-prefix match of whole columns of numbers, without a trie and without a loop over rows.

A text of digits becomes an int64 *key*: its first 18 digits, left-aligned (a number of 15 digits times 10^3). All
numbers that begin with a code then form one interval of keys, intervals nest or are apart, and the innermost one
around each key is a flat sorted array of bounds. A root table over the first digits says where in the bounds a key
must lie; a few halvings find it there. (Measured on the reference machine, 100,000 codes: `np.searchsorted` over all
bounds 130 ns a number, the root and halvings 13 to 25.)

The alignment pads with zeros, so a number *shorter* than a code can fall into its interval; `PrefixTable.match` climbs
from there to the code's parent, its own longest proper prefix, until the code is no longer than the number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

KEY_DIGITS: Final = 18
POWERS: Final = 10 ** np.arange(KEY_DIGITS + 1, dtype=np.int64)
KEY_END: Final = 10**KEY_DIGITS

_ZERO_DIGIT: Final = ord("0")
_NINE_DIGIT: Final = ord("9")

Keys = NDArray[np.int64]
Indices = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class DigitTexts:
    """A column of digit texts as numbers.

    `keys` int64: the first 18 digits, left-aligned (0 for the empty text). `lengths` int32: octets of the text.
    `is_odd` bool or None for none: texts that hold something else than ASCII digits; their key means nothing.
    """

    keys: Keys
    lengths: NDArray[np.int32]
    is_odd: NDArray[np.bool_] | None


def _text_buffers(texts: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    octets = np.frombuffer(data if data is not None else b"", dtype=np.uint8)
    return bounds, octets


def _odd_texts(bounds: NDArray[np.int32], octets: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    used = octets[bounds[0] : bounds[-1]]
    if used.size == 0 or (used.min() >= _ZERO_DIGIT and used.max() <= _NINE_DIGIT):
        return None
    odd_before = np.zeros(used.size + 1, dtype=np.int32)
    np.cumsum((used < _ZERO_DIGIT) | (used > _NINE_DIGIT), out=odd_before[1:])
    at = bounds - bounds[0]
    return np.asarray(odd_before[at[1:]] > odd_before[at[:-1]])


def digit_keys(texts: pa.Array) -> DigitTexts:
    """The keys of a string array without nulls. Longer texts than 18 digits count by their first 18."""
    if len(texts) == 0:
        return DigitTexts(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32), None)
    bounds, octets = _text_buffers(texts)
    lengths = np.diff(bounds)
    is_odd = _odd_texts(bounds, octets)
    shown = np.minimum(lengths, KEY_DIGITS)
    if lengths.max() > KEY_DIGITS:
        texts = pc.utf8_slice_codeunits(texts, 0, KEY_DIGITS)
    if is_odd is not None:
        texts = pc.if_else(pa.array(is_odd), "0", texts)
    if lengths.min() == 0:
        texts = pc.if_else(pa.array(lengths == 0), "0", texts)
    keys = pc.cast(texts, pa.int64()).to_numpy() * POWERS[KEY_DIGITS - shown]
    if is_odd is not None:
        keys[is_odd] = 0
    return DigitTexts(keys, lengths, is_odd)


def find_parents(starts: Keys, ends: Keys) -> Indices:
    """The index of each interval's innermost enclosing interval, int32, -1 for none.

    `starts` ascend, an enclosing interval before the enclosed; intervals nest or are apart; `ends` are exclusive.
    """
    parent = np.arange(-1, starts.size - 1, dtype=np.int32)
    # Between a candidate and the interval before it that it skips nothing can enclose a later start either, so every
    # candidate may jump to its candidate's candidate: the hops double.
    left = np.flatnonzero(ends[parent] <= starts)
    left = left[parent[left] >= 0]
    while left.size:
        parent[left] = parent[parent[left]]
        left = left[(parent[left] >= 0)]
        left = left[ends[parent[left]] <= starts[left]]
    return parent


@dataclass(frozen=True, slots=True)
class PrefixTable:
    """A set of codes, ready to be matched.

    `codes` int64 keys ascending (shorter first where equal), `lengths` int8 digits, `parents` int32 (-1 none), one a
    code; `bounds` int64 ascending from 0 and `owners` int32: keys from `bounds[i]` to the next belong to code
    `owners[i]`, -1 none; `root` int32: how many bounds lie below each beginning of `10^root_digits` equal parts.
    """

    lengths: NDArray[np.int8]
    parents: Indices
    bounds: Keys
    owners: Indices
    root: Indices
    step_count: int

    @classmethod
    def build(cls, codes: Keys, lengths: NDArray[np.int8]) -> PrefixTable:
        """From distinct codes of at most 18 digits, ascending by (key, length)."""
        ends = codes + POWERS[KEY_DIGITS - lengths]
        parents = find_parents(codes, ends)
        # At one bound a beginning goes before an end, the longest code first; of ends the outermost counts. A stable
        # sort of (ends, innermost first; beginnings, outermost first) leaves the one that counts last.
        bounds = np.concatenate([ends[::-1], codes])
        owners = np.concatenate([parents[::-1], np.arange(codes.size, dtype=np.int32)])
        order = np.argsort(bounds, kind="stable")
        bounds, owners = bounds[order], owners[order]
        is_last = np.append(bounds[1:] != bounds[:-1], True)[: bounds.size]
        is_last &= bounds < KEY_END
        bounds, owners = bounds[is_last], owners[is_last]
        if bounds.size == 0 or bounds[0] > 0:
            bounds, owners = np.insert(bounds, 0, 0), np.insert(owners, 0, np.int32(-1))
        is_change = np.append(True, owners[1:] != owners[:-1])
        bounds, owners = np.ascontiguousarray(bounds[is_change]), np.ascontiguousarray(owners[is_change])
        digits = min(max(len(str(bounds.size)) - 1, 1), 5)
        parts = np.arange(10**digits + 1, dtype=np.int64) * 10 ** (KEY_DIGITS - digits)
        below = np.searchsorted(bounds, parts, side="left").astype(np.int32)
        root = np.maximum(below - np.int32(1), np.int32(0))
        step_count = int((below[1:] - np.int32(1) - root[:-1]).max()).bit_length()
        bounds = np.concatenate([bounds, np.full(1 << step_count, np.iinfo(np.int64).max)])
        return cls(np.append(lengths, np.int8(0)), np.append(parents, np.int32(-1)), bounds, owners, root, step_count)

    @property
    def code_count(self) -> int:
        return self.parents.size - 1

    def find(self, keys: Keys) -> Indices:
        """The innermost code around each key, int32, -1 for none; short numbers are not yet told from padded ones."""
        at = self.root.take(keys // np.int64(KEY_END // (self.root.size - 1)))
        # Steps of falling powers of two. A step out of the key's part needs no check: the bounds there are larger.
        for exponent in range(self.step_count - 1, -1, -1):
            step = np.int32(1 << exponent)
            at += (self.bounds.take(at + step) <= keys) * step
        return self.owners.take(at)

    def match(self, keys: Keys, number_lengths: NDArray[np.int32]) -> Indices:
        """The index of the longest code that each number begins with, int32, -1 for none."""
        code = self.find(keys)
        if number_lengths.size and int(number_lengths.min()) < int(self.lengths.max()):
            left = np.flatnonzero(self.lengths[code] > number_lengths)
            while left.size:
                code[left] = self.parents[code[left]]
                left = left[self.lengths[code[left]] > number_lengths[left]]
        return code
