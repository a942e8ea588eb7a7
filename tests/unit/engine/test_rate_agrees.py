"""`engine.rate` and `engine.scalar` are one function: to the last digit, on whatever the generator comes up with.

`HYPOTHESIS_PROFILE=thorough` looks longer; `bin/trunkline bench agree --cases 1000000` longer still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import agree
from bench.rating_cases import by_columns, by_scalar, make_cases
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.tariff import compile_tariff, from_arrow, to_arrow

T = TypeVar("T")


class DataDraw:
    """Hypothesis decides, and so it can shrink."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def integer(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))

    def choice(self, options: Sequence[T]) -> T:
        return self._data.draw(st.sampled_from(options))


@settings(max_examples=settings().max_examples // 4)  # an example draws hundreds of decisions
@given(st.data())
def test_columns_and_single_events_agree_to_the_last_digit(data: st.DataObject) -> None:
    cases = make_cases(DataDraw(data), 4)
    expected: list[tuple[Any, ...]] = by_scalar(cases)
    assert by_columns(cases) == expected
    stored = [(tariff, to_arrow(compile_tariff(tariff))) for tariff in cases.tariffs]
    assert by_columns(cases, Snapshot(from_arrow(*each) for each in stored)) == expected


@pytest.mark.slow
def test_thousands_of_seeded_cases_agree() -> None:
    result = agree.run(cases=6_000, seed=40_000)
    assert result["first_disagreements"] == []
    assert (result["cases"], result["disagreements"]) == (6_000, 0)
    assert set(result["outcomes"]) == {"rated", "no_rate", "blocked", "overflow"}
