"""The form of API keys."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.identity.keys import ALPHABET, FORM, PREFIX, checksum, draw_key, hash_of, is_well_formed

ZEROS = "0" * 32


def test_a_key_is_prefix_random_part_and_checksum() -> None:
    key = draw_key()
    assert FORM.fullmatch(key.text)
    assert len(key.text) == len(PREFIX) + 32 + 1 + 6
    assert is_well_formed(key.text)
    assert (key.hash, key.last_four) == (hashlib.sha256(key.text.encode()).hexdigest(), key.text[-4:])
    assert key.text not in repr(key)


def test_two_keys_differ() -> None:
    assert len({draw_key().text for _ in range(200)}) == 200


@given(st.text(ALPHABET, min_size=32, max_size=32), st.integers(0, 31), st.sampled_from(ALPHABET))
def test_a_mistyped_key_is_known_without_asking_anybody(random: str, place: int, letter: str) -> None:
    text = f"{PREFIX}{random}_{checksum(random)}"
    changed = random[:place] + letter + random[place + 1 :]
    assert is_well_formed(f"{PREFIX}{changed}_{checksum(random)}") == (changed == random)
    assert is_well_formed(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tl_live_",
        "Bearer x",
        f"tl_test_{ZEROS}_{checksum(ZEROS)}",
        f"{PREFIX}{ZEROS}_{checksum(ZEROS)}\n",
        "é" * 47,
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert not is_well_formed(text)


def test_the_hash_is_of_the_whole_key() -> None:
    assert hash_of("tl_live_a") != hash_of("tl_live_b")
