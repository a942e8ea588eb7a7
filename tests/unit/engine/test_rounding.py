from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import money
from trunkline.core.money import INT64_MAX, RoundingMode
from trunkline.engine.rounding import round_ratio

NUMERATORS = st.one_of(st.integers(-100, 100), st.integers(-INT64_MAX, INT64_MAX))
DENOMINATORS = st.one_of(st.integers(1, 12), st.integers(1, INT64_MAX))
ROWS = st.lists(st.tuples(NUMERATORS, DENOMINATORS, st.sampled_from(RoundingMode)), min_size=1, max_size=30)


@given(ROWS)
def test_arrays_round_as_single_numbers_do(rows: list[tuple[int, int, RoundingMode]]) -> None:
    numerator, denominator, mode = (np.array(column) for column in zip(*rows, strict=True))
    rounded = round_ratio(numerator, denominator, mode.astype(np.int8))
    assert rounded.tolist() == [money.round_ratio(n, d, m) for n, d, m in rows]


@given(st.lists(NUMERATORS, min_size=1, max_size=30), DENOMINATORS, st.sampled_from(RoundingMode))
def test_one_denominator_and_one_mode_serve_all_rows(
    numerators: list[int], denominator: int, mode: RoundingMode
) -> None:
    rounded = round_ratio(np.array(numerators), denominator, int(mode))
    assert rounded.tolist() == [money.round_ratio(n, denominator, mode) for n in numerators]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (RoundingMode.HALF_UP, [-2, -1, -1, 0, 0, 1, 1, 2, 3]),
        (RoundingMode.HALF_EVEN, [-2, -1, 0, 0, 0, 0, 1, 2, 2]),
        (RoundingMode.UP, [-2, -1, -1, -1, 1, 1, 1, 2, 3]),
        (RoundingMode.DOWN, [-1, -1, 0, 0, 0, 0, 1, 1, 2]),
    ],
)
def test_quarters_round_by_magnitude(mode: RoundingMode, expected: list[int]) -> None:
    quarters = np.array([-6, -4, -2, -1, 1, 2, 4, 6, 10])
    assert round_ratio(quarters, 4, int(mode)).tolist() == expected


def test_no_rows_round_to_no_rows() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert round_ratio(nothing, nothing, nothing.astype(np.int8)).tolist() == []


@pytest.mark.parametrize("mode", [4, -1, np.array([0, 7], dtype=np.int8), np.array([-1, 0], dtype=np.int8)])
def test_a_mode_that_does_not_exist_is_refused(mode: int) -> None:
    with pytest.raises(ValueError, match=r"RoundingMode|negative"):
        round_ratio(np.array([1, 2]), 3, mode)
