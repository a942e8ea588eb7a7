from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.keyhash import F0, F1, K0, K1, LONG_TEXT_OCTETS, NULL_HASH, combine, hash_text

ALL = 2**64 - 1
STORED = [
    "9ca066f1a4ab2eea",
    "51fa23c6c19cd830",
    "e0bb8b6497dd332a",
    "827497678fa253b3",
    "3393fd36d82a4657",
    "c866aa94a661edae",
    "6c62272e07bb0142",
]
TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=40), st.text(min_size=250, max_size=260)), max_size=30)


def mixed(state: int) -> int:
    for factor in (int(F0), int(F1)):
        state ^= state >> 33
        state = state * factor & ALL
    return state ^ state >> 33


def absorbed(state: int, word: int) -> int:
    state = (state ^ word) * int(K1) & ALL
    return state ^ state >> 32


def hash_of(text: str | None) -> int:
    """The rule of the module, octet by octet."""
    if text is None:
        return int(NULL_HASH)
    octets = text.encode()
    if len(octets) > LONG_TEXT_OCTETS:
        return int.from_bytes(hashlib.blake2b(octets, digest_size=8).digest(), "little")
    state = int(K0) ^ (len(octets) * int(K1) & ALL)
    if len(octets) < 8:
        words = [octets] if octets else []
    else:
        words = [octets[at : at + 8] for at in range(0, len(octets) - 7, 8)]
        words += [octets[-8:]] if len(octets) % 8 else []
    for word in words:
        state = absorbed(state, int.from_bytes(word, "little"))
    return mixed(state)


@given(TEXTS, st.sampled_from([pa.string(), pa.large_string()]), st.integers(0, 5))
def test_the_hash_is_the_documented_rule_wherever_the_text_lies(
    texts: list[str | None], kind: pa.DataType, skipped: int
) -> None:
    array = pa.array(texts, kind)[skipped:]
    assert hash_text(array).tolist() == [hash_of(text) for text in texts[skipped:]]
    assert hash_text(array.cast(pa.large_binary())).tolist() == hash_text(array).tolist()


@given(TEXTS)
def test_chunks_and_dictionaries_hash_as_the_plain_column_does(texts: list[str | None]) -> None:
    array = pa.array(texts, pa.string())
    expected = hash_text(array).tolist()
    half = len(texts) // 2
    assert hash_text(pa.chunked_array([array[:half], array[half:]])).tolist() == expected
    assert hash_text(array.dictionary_encode()).tolist() == expected
    encoded = pa.chunked_array([array[:half].dictionary_encode(), array[half:].dictionary_encode()])
    assert hash_text(encoded).tolist() == expected


def test_stored_hashes_never_change() -> None:
    texts = ["", "a", "sw1:1", "abcdefgh", "7f3c1d0e-5b1a-4c55-9a77-3d2f8f1f6a10", "é" * 130, None]
    assert [f"{each:016x}" for each in hash_text(pa.array(texts)).tolist()] == STORED


def test_many_texts_of_one_length_cross_the_blocks() -> None:
    texts = [f"{number:036d}" for number in range(20_000)]
    hashes = hash_text(pa.array(texts)).tolist()
    assert len(set(hashes)) == len(texts)
    assert [hashes[at] for at in (0, 16_383, 16_384, 19_999)] == [
        hash_of(texts[at]) for at in (0, 16_383, 16_384, 19_999)
    ]


def test_one_bit_of_the_key_changes_half_of_the_hash() -> None:
    keys = [f"{number:016x}" for number in range(4096)]
    left, right = hash_text(pa.array(keys)), hash_text(pa.array([key[:-1] + "g" for key in keys]))
    flipped = np.unpackbits((left ^ right).view(np.uint8)).mean()
    assert 0.48 < flipped < 0.52


def test_combined_hashes_depend_on_the_order_of_the_columns() -> None:
    left, right = hash_text(pa.array(["a", "b"])), hash_text(pa.array(["b", "a"]))
    both = combine(left, right)
    expected = [
        mixed(absorbed(absorbed(int(K0) ^ (16 * int(K1) & ALL), first), second))
        for first, second in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert both.tolist() == expected
    assert combine(right, left).tolist() == expected[::-1]


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        hash_text(pa.array([1]))
    with pytest.raises(ValueError, match="nothing"):
        combine()
