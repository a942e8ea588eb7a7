"""Columns of texts made from other texts: by patterns, by signs, by what is known of URIs.

Texts of which there are few kinds are looked at once each. Null stays null, and so becomes what is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.bits import Ranked, bits_of, places_of, signs
from trunkline.usage.decode.columns import Integers, Mask, Octets, buffer_of, offsets_of
from trunkline.usage.decode.fields import TEXT, null_if_empty, texts_between

TEXT_OCTETS_MAX: Final = 4_096  # of a text that a pattern looks at
_MANY: Final = 2_048  # texts, from which on it is worth the while to look whether they are of few kinds
_SAMPLE: Final = 256
_FEW: Final = 32  # kinds in a sample
_HEAD: Final = re.compile(r"\^([A-Za-z0-9/_@:-]+)(?![*?{+])")
_PLUS: Final = 0x2B
_S: Final = 0x73
_AFTER: Final = 4  # octets behind the texts, so that what stands behind a sign can be looked at
_WORD: Final = np.dtype("<u4")
_SIP, _TEL, _SECURE = (int.from_bytes(end, "little") for end in (b"sip:", b"tel:", b"ips:"))


def short(text: pa.Array) -> pa.Array:
    """The texts with null for those that are longer than a pattern looks at."""
    long = pc.greater(pc.binary_length(text), TEXT_OCTETS_MAX)
    return pc.if_else(long, pa.nulls(len(text), TEXT), text) if pc.any(long).as_py() else text


def _each_once(text: pa.Array, read: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """What is made of texts, worked out once for each of those that are the same, where they are of few kinds."""
    if len(text) < _MANY or len(text.slice(0, _SAMPLE).unique()) > _FEW:
        return read(text)
    kinds = text.dictionary_encode()
    return read(kinds.dictionary).take(kinds.indices)


def matching(text: pa.Array, pattern: str) -> pa.Array:
    """Whether a pattern fits the whole text; null for what is null or too long."""
    return _each_once(text, lambda each: pc.match_substring_regex(short(each), pattern=f"^(?:{pattern})$"))


def extracted(text: pa.Array, pattern: str) -> pa.Array:
    """What the group `it` of a pattern takes of each text."""
    head = _head_of(pattern)
    if head and not pc.starts_with(text, head).true_count:
        return pa.nulls(len(text), TEXT)
    return _each_once(
        text, lambda each: null_if_empty(pc.struct_field(pc.extract_regex(short(each), pattern=pattern), "it"))
    )


@lru_cache(maxsize=256)
def _head_of(pattern: str) -> str:
    """What every text begins with that the pattern fits, as far as that is plain to see."""
    found = _HEAD.match(pattern)
    return found[1] if found is not None and "|" not in pattern else ""


def replaced(text: pa.Array, pattern: str, put: str) -> pa.Array:
    """The texts with something put for whatever a pattern fits."""
    return _each_once(
        text, lambda each: null_if_empty(pc.replace_substring_regex(short(each), pattern=pattern, replacement=put))
    )


def beside(text: pa.Array, is_before: bool, is_last: bool, sign: int) -> pa.Array:
    """What stands before or after the first or the last of a sign; nothing where there is none."""
    if not len(text):
        return text
    offsets, octets = offsets_of(text).astype(np.int64), buffer_of(text)
    (bits,) = signs(octets[: offsets[-1]], (sign,))
    places = np.concatenate([np.full(1, -1), places_of(bits), np.full(1, octets.size)])
    start, end = offsets[:-1], offsets[1:]
    ranked = Ranked.of(bits)
    place = places[ranked.count_before(end)] if is_last else places[ranked.count_before(start) + 1]
    found = (place >= start) & (place < end)
    place = np.where(found, place, start)
    if is_before:
        return texts_between(octets, start, place)
    return texts_between(octets, np.where(found, place + 1, end), end)


def uri_number(text: pa.Array) -> pa.Array:
    r"""The number of the first URI sip:, sips: or tel: that goes on with one: what the pattern `(?:sips?|tel):(\+?[0-9]+)` extracts."""
    text = short(text)
    offsets = offsets_of(text).astype(np.int64)
    octets = np.append(buffer_of(text)[offsets[0] : offsets[-1]], np.zeros(_AFTER, np.uint8))
    offsets -= offsets[0]
    is_digit = octets - np.uint8(0x30) <= 9
    colon = places_of(signs(octets, b":")[0])
    scheme, begin = _scheme_before(octets, colon)
    digits = colon + 1 + (octets[colon + 1] == _PLUS)
    found = np.flatnonzero(scheme & is_digit[digits])
    row = np.searchsorted(offsets, colon[found], side="right") - 1
    is_within = (begin[found] >= offsets[row]) & (digits[found] < offsets[row + 1])
    found, row = found[is_within], row[is_within]
    is_first = np.diff(row, prepend=-1) > 0
    found, row = found[is_first], row[is_first]
    others = Ranked.of(bits_of(~is_digit))
    start, end = offsets[:-1].copy(), offsets[:-1].copy()
    start[row] = colon[found] + 1
    end[row] = np.minimum(others.next(digits[found], others.count_before(digits[found])), offsets[row + 1])
    return texts_between(octets, start, end)


def _scheme_before(octets: Octets, colon: Integers) -> tuple[Mask, Integers]:
    """Before which colons a scheme stands, and where it begins."""
    every = np.ndarray((octets.size - _WORD.itemsize + 1,), _WORD, octets, strides=(1,))
    word = every[np.maximum(colon - 3, 0)]
    begin = colon - 3 - (word == _SECURE)
    is_secure = (word == _SECURE) & (octets[np.maximum(begin, 0)] == _S)
    return (colon >= 3) & ((word == _SIP) | (word == _TEL) | (is_secure & (begin >= 0))), begin
