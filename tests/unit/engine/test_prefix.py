from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.prefix import KEY_DIGITS, PrefixTable, digit_keys

CODES = st.lists(
    st.one_of(st.text("012", max_size=5), st.text("09", min_size=16, max_size=18)), min_size=1, max_size=40, unique=True
)
NUMBERS = st.lists(
    st.one_of(st.text("0129", max_size=7), st.text("09", min_size=15, max_size=22)), min_size=1, max_size=40
)


def table_of(codes: list[str]) -> PrefixTable:
    digits = digit_keys(pa.array(codes))
    return PrefixTable.build(digits.keys, digits.lengths.astype(np.int8))


def longest_code(codes: list[str], number: str) -> int:
    return max(
        (index for index, code in enumerate(codes) if number.startswith(code)),
        key=lambda index: len(codes[index]),
        default=-1,
    )


@given(CODES, NUMBERS)
def test_the_longest_code_is_found_that_a_number_begins_with(codes: list[str], numbers: list[str]) -> None:
    codes.sort()  # as text: a code before those that it begins
    digits = digit_keys(pa.array(numbers))
    found = table_of(codes).match(digits.keys, digits.lengths)
    assert found.tolist() == [longest_code(codes, number) for number in numbers]


@given(CODES)
def test_parents_are_the_longest_proper_prefixes(codes: list[str]) -> None:
    codes.sort()
    parents = table_of(codes).parents
    assert parents.tolist() == [
        *(longest_code([other if other != code else "x" for other in codes], code) for code in codes),
        -1,
    ]


def test_a_deck_of_every_shape_matches_as_text_does() -> None:
    rng = np.random.default_rng(11)
    dense = [f"1{area}{exchange}" for area in range(201, 260) for exchange in range(200, 400)]
    sparse = [str(code) for code in rng.integers(2, 10**9, 5_000).tolist()]
    codes = sorted({*dense, *sparse, "1", "12", "1201", ""})
    numbers = [code + str(tail) for code, tail in zip(codes, rng.integers(0, 10**6, len(codes)).tolist(), strict=True)]
    numbers += [str(number) for number in rng.integers(10**9, 10**12, 5_000).tolist()]
    digits = digit_keys(pa.array(numbers))
    found = table_of(codes).match(digits.keys, digits.lengths).tolist()
    place = {code: index for index, code in enumerate(codes)}
    expected = [
        next(place[number[:end]] for end in range(len(number), -1, -1) if number[:end] in place) for number in numbers
    ]
    assert found == expected


def test_keys_are_the_first_18_digits_left_aligned() -> None:
    digits = digit_keys(pa.array(["", "7", "007", "123456789012345678", "1234567890123456789", "999999999999999999"]))
    assert digits.keys.tolist() == [
        0,
        7 * 10**17,
        7 * 10**15,
        123456789012345678,
        123456789012345678,
        10**KEY_DIGITS - 1,
    ]
    assert digits.lengths.tolist() == [0, 1, 3, 18, 19, 18]
    assert digits.is_odd is None


def test_what_is_not_digits_is_marked_and_harms_no_neighbour() -> None:
    texts = ["44", "+44", "0x1F", "1 2", "-5", "٣", "a" * 30, "", "49"]
    for array in (pa.array(texts), pa.array(["x", *texts, "y"])[1:-1]):
        digits = digit_keys(array)
        assert digits.is_odd is not None
        assert digits.is_odd.tolist() == [False, True, True, True, True, True, True, False, False]
        assert digits.keys[[0, 7, 8]].tolist() == [44 * 10**16, 0, 49 * 10**16]


def test_a_slice_of_a_column_is_read_from_its_own_place() -> None:
    digits = digit_keys(pa.array(["1", "22", "333", "4444"])[1:3])
    assert digits.keys.tolist() == [22 * 10**16, 333 * 10**15]
    assert digits.lengths.tolist() == [2, 3]


def test_no_codes_and_no_numbers() -> None:
    nothing = digit_keys(pa.array([], pa.string()))
    assert nothing.keys.tolist() == []
    empty = PrefixTable.build(nothing.keys, nothing.lengths.astype(np.int8))
    one = digit_keys(pa.array(["1"]))
    assert empty.match(one.keys, one.lengths).tolist() == [-1]
    assert table_of(["1"]).match(nothing.keys, nothing.lengths).tolist() == []
