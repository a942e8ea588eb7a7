"""A stable 64-bit hash of text columns, to pre-filter record keys before the full key decides.

The hash is the same on every machine and in every version, because it is stored. All arithmetic is modulo 2^64.
With K0, K1, F0, F1 as below, for a text of `length` octets:

    state = K0 xor (length * K1)
    for each 8-octet little-endian word:  state = (state xor word) * K1;  state = state xor (state >> 32)
    result = mix(state)
    mix(h):  h ^= h >> 33;  h *= F0;  h ^= h >> 33;  h *= F1;  h ^= h >> 33

The words lie at octets 0, 8, 16 ...; a rest of fewer than 8 octets is covered by the word of the last 8 octets, in a
text shorter than 8 by its octets and zeros above them; the empty text has no word. A text longer than 256 octets is
its BLAKE2b digest of 8 octets, little-endian. Null is NULL_HASH. It is no defence against chosen keys: whoever can
choose keys can make them collide, which costs the look-up of a full key and nothing else.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.engine.schema import one_array

Hashes = NDArray[np.uint64]

K0: Final = np.uint64(0x9E3779B97F4A7C15)
K1: Final = np.uint64(0xD6E8FEB86659FD93)
F0: Final = np.uint64(0xFF51AFD7ED558CCD)
F1: Final = np.uint64(0xC4CEB9FE1A85EC53)
NULL_HASH: Final = np.uint64(0x6C62272E07BB0142)

LONG_TEXT_OCTETS: Final = 256
_WORD: Final = 8
# Rows a time: states and words of one block stay in the second-level cache.
_BLOCK: Final = 16384
_32: Final = np.uint64(32)
_33: Final = np.uint64(33)


def _absorb(state: Hashes, word: Hashes) -> None:
    np.bitwise_xor(state, word, out=state)
    np.multiply(state, K1, out=state)
    np.bitwise_xor(state, state >> _32, out=state)


def _mix(state: Hashes) -> Hashes:
    for factor in (F0, F1):
        np.bitwise_xor(state, state >> _33, out=state)
        np.multiply(state, factor, out=state)
    return np.bitwise_xor(state, state >> _33, out=state)


def _start(count: int, length: int) -> Hashes:
    seed = int(K0) ^ (length * int(K1) & 0xFFFFFFFFFFFFFFFF)
    return np.full(count, seed, dtype=np.uint64)


def _word_positions(length: int) -> list[int]:
    whole = list(range(0, length - _WORD + 1, _WORD))
    return whole if length % _WORD == 0 else [*whole, length - _WORD]


def _hash_short(data: NDArray[np.uint8], first: NDArray[np.int64], length: int) -> Hashes:
    state = _start(first.size, length)
    if length:
        word = np.zeros(first.size, dtype=np.uint64)
        for at in range(length):
            word |= data[first + at].astype(np.uint64) << np.uint64(8 * at)
        _absorb(state, word)
    return _mix(state)


def _hash_scattered(data: NDArray[np.uint8], first: NDArray[np.int64], length: int) -> Hashes:
    """Texts of one length anywhere in `data`."""
    if length < _WORD:
        return _hash_short(data, first, length)
    # Every 8 octets of the buffer as a word, overlapping: a view, nothing is copied but what is picked.
    words: Hashes = np.ndarray(shape=(data.size - _WORD + 1,), dtype="<u8", buffer=data.data, strides=(1,))
    state = _start(first.size, length)
    for at in _word_positions(length):
        _absorb(state, words[first + at])
    return _mix(state)


def _hash_adjacent(data: NDArray[np.uint8], first: int, count: int, length: int) -> Hashes:
    """`count` texts of one length, at least 8 octets, one after the other from octet `first`."""
    out = np.empty(count, dtype=np.uint64)
    for low in range(0, count, _BLOCK):
        size = min(_BLOCK, count - low)
        state = _start(size, length)
        for at in _word_positions(length):
            offset = first + low * length + at
            _absorb(state, np.ndarray(shape=(size,), dtype="<u8", buffer=data.data, offset=offset, strides=(length,)))
        out[low : low + size] = _mix(state)
    return out


def _hash_long(data: NDArray[np.uint8], first: NDArray[np.int64], lengths: NDArray[np.int64]) -> Hashes:
    digests = (
        hashlib.blake2b(data[low : low + length].data, digest_size=8).digest()
        for low, length in zip(first.tolist(), lengths.tolist(), strict=True)
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _hash_array(array: pa.Array) -> Hashes:
    count = len(array)
    if count == 0:
        return np.zeros(0, dtype=np.uint64)
    is_large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offset_buffer, data_buffer = array.buffers()
    octets_of = np.int64 if is_large else np.int32
    bounds = np.frombuffer(offset_buffer, dtype=octets_of)[array.offset : array.offset + count + 1].astype(np.int64)
    data = np.frombuffer(data_buffer if data_buffer is not None else b"", dtype=np.uint8)
    first, lengths = bounds[:-1], np.diff(bounds)
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest == longest and _WORD <= longest <= LONG_TEXT_OCTETS:
        out = _hash_adjacent(data, int(first[0]), count, longest)
    else:
        out = np.empty(count, dtype=np.uint64)
        by_length = np.argsort(np.minimum(lengths, LONG_TEXT_OCTETS + 1).astype(np.int16), kind="stable")
        sorted_lengths = lengths[by_length]
        edges = np.searchsorted(sorted_lengths, np.arange(min(longest, LONG_TEXT_OCTETS) + 2))
        for length in np.flatnonzero(np.diff(edges)).tolist():
            for low in range(int(edges[length]), int(edges[length + 1]), _BLOCK):
                rows = by_length[low : min(low + _BLOCK, int(edges[length + 1]))]
                out[rows] = _hash_scattered(data, first[rows], length)
        if longest > LONG_TEXT_OCTETS:
            rows = np.flatnonzero(lengths > LONG_TEXT_OCTETS)
            out[rows] = _hash_long(data, first[rows], lengths[rows])
    if array.null_count:
        out[array.is_null().to_numpy(zero_copy_only=False)] = NULL_HASH
    return out


def hash_text(column: pa.Array | pa.ChunkedArray) -> Hashes:
    """The hash of each text, uint64, in the order of `column` (string or binary, also large; null is NULL_HASH).

    Raises TypeError for another type.
    """
    if pa.types.is_dictionary(column.type):
        if isinstance(column, pa.ChunkedArray):
            column = one_array(column.unify_dictionaries())
        hashes = np.append(hash_text(column.dictionary), NULL_HASH)
        return hashes[column.indices.fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)]
    kinds = (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())
    if column.type not in kinds:
        raise TypeError(f"text or binary is hashed, not {column.type}")
    if isinstance(column, pa.Array):
        return _hash_array(column)
    if column.num_chunks == 1:
        return _hash_array(column.chunk(0))
    return np.concatenate([np.zeros(0, dtype=np.uint64), *map(_hash_array, column.chunks)])


def combine(*hashes: Hashes) -> Hashes:
    """One hash of several columns, dependent on their order: the text rule with each hash as one word of eight.

    Takes at least one array, all of one length. Raises ValueError otherwise.
    """
    if not hashes:
        raise ValueError("nothing to combine")
    state = _start(hashes[0].size, _WORD * len(hashes))
    for each in hashes:
        _absorb(state, each)
    return _mix(state)
