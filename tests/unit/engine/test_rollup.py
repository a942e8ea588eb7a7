from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.money import INT64_MAX, INT64_MIN, fits_int64
from trunkline.engine.rollup import Columns, distinct, fold, merge

KEYS = st.one_of(st.integers(-2, 2), st.integers(INT64_MIN, INT64_MAX))
VALUES = st.one_of(st.integers(-5, 5), st.integers(INT64_MIN, INT64_MAX))
ROWS = st.lists(st.tuples(KEYS, st.integers(0, 1), KEYS, VALUES, st.integers(-9, 9)), max_size=40)
Row = tuple[int, int, int, int, int]


def columns(rows: list[Row]) -> tuple[Columns, Columns]:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 5).T
    keys = {"account": table[0], "side": table[1], "rate": table[2]}
    return keys, {"amount": table[3], "quantity": table[4]}


def sums_of(rows: list[Row]) -> list[Row]:
    totals: dict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0, 0])
    for *key, amount, quantity in rows:
        total = totals[key[0], key[1], key[2]]
        total[0] += amount
        total[1] += quantity
    return [(*key, totals[key][0], totals[key][1]) for key in sorted(totals)]


def rows_of(folded: Columns) -> list[tuple[int, ...]]:
    assert list(folded) == ["account", "side", "rate", "amount", "quantity"]
    assert all(column.dtype == np.int64 for column in folded.values())
    return list(zip(*(column.tolist() for column in folded.values()), strict=True))


@given(ROWS)
def test_sums_are_exact_and_ascend_by_key_or_overflow_is_told(rows: list[Row]) -> None:
    expected = sums_of(rows)
    if all(fits_int64(row[3]) for row in expected):
        assert rows_of(fold(*columns(rows))) == expected
    else:
        with pytest.raises(Invalid) as raised:
            fold(*columns(rows))
        assert raised.value.code == "overflow"


@given(st.lists(st.lists(st.tuples(KEYS, st.integers(0, 1), KEYS, st.integers(-9, 9), st.integers(-9, 9)), max_size=9)))
def test_partial_folds_merge_to_the_fold_of_all_rows(chunks: list[list[Row]]) -> None:
    parts = [fold(*columns(chunk)) for chunk in chunks]
    whole = fold(*columns([row for chunk in chunks for row in chunk]))
    if parts:
        assert rows_of(merge(parts, ["account", "side", "rate"])) == rows_of(whole)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    keys = {name: rng.integers(0, 50, 20_000) for name in ("a", "b", "c")}
    sums = {"amount": rng.integers(-(10**15), 10**15, 20_000)}
    order = rng.permutation(20_000)
    first = fold(keys, sums)
    second = fold({name: column[order] for name, column in keys.items()}, {"amount": sums["amount"][order]})
    assert {name: column.tolist() for name, column in first.items()} == {
        name: column.tolist() for name, column in second.items()
    }
    assert int(first["amount"].sum()) == int(sums["amount"].sum())


def test_halves_that_leave_int64_on_the_way_sum_to_what_fits() -> None:
    key = {"account": np.array([7, 7, 7])}
    folded = fold(key, {"amount": np.array([INT64_MAX, 1, -5])})
    assert folded["amount"].tolist() == [INT64_MAX - 4]


def test_narrow_integers_are_widened() -> None:
    folded = fold({"day": np.array([3, 3], dtype=np.int32)}, {"attempts": np.array([100, 100], dtype=np.int8)})
    assert folded["attempts"].tolist() == [200]


def test_what_cannot_be_folded_is_refused() -> None:
    column = np.array([1])
    with pytest.raises(ValueError, match="nothing to group"):
        fold({}, {"a": column})
    with pytest.raises(ValueError, match="both key and sum"):
        fold({"a": column}, {"a": column})
    with pytest.raises(ValueError, match="length"):
        fold({"a": column}, {"b": np.array([1, 2])})
    with pytest.raises(ValueError, match="nothing to merge"):
        merge([], ["a"])


@given(st.lists(KEYS, max_size=40), st.integers(0, 2**40))
def test_distinct_is_numpys_unique(values: list[int], spread: int) -> None:
    column = np.array([*values, *range(0, spread, max(spread // 3, 1))], dtype=np.int64)
    found, where = distinct(column)
    expected, place = np.unique(column, return_inverse=True)
    assert (found.tolist(), where.tolist()) == (expected.tolist(), place.tolist())
