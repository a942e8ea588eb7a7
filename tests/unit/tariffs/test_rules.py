"""Steps, windows, and rates that overlap or supersede each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.money import Price
from trunkline.engine.schema import TimeWindow
from trunkline.tariffs.rules import (
    STEPS_MAX,
    Step,
    describe_steps,
    find_overlaps,
    parse_steps,
    parse_windows,
    supersede,
    windows_json,
)


def test_steps_are_read_and_written() -> None:
    steps = parse_steps("0:0.20/60/60;60:0.10/60/1")
    assert steps == (Step(0, Price.from_text("0.2"), 60, 60), Step(60, Price.from_text("0.1"), 60, 1))
    assert ";".join(map(str, steps)) == "0:0.2/60/60;60:0.1/60/1"


def test_there_are_not_any_number_of_steps() -> None:
    assert len(parse_steps(";".join(f"{n}:1/1/1" for n in range(STEPS_MAX)))) == STEPS_MAX
    with pytest.raises(Invalid, match="at most 50 steps"):
        parse_steps(";".join(f"{n}:1/1/1" for n in range(STEPS_MAX + 1)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0:0.2/60/1", "0.2 per 60, 1/1"),
        ("0:0.2/60/30;30:0.2/60/6", "0.2 per 60, 30/6"),
        ("0:0.2/60/60;60:0.1/60/1", "from 0: 0.2 per 60 by 60; from 60: 0.1 per 60 by 1"),
    ],
)
def test_steps_are_told_to_people(text: str, shown: str) -> None:
    assert describe_steps(parse_steps(text)) == shown


def test_windows_are_read_and_written() -> None:
    given: list[dict[str, Any]] = [
        {"weekdays": [1, 2], "from": "08:00", "to": "18:00:30"},
        {"months": [12], "month_days": [24], "years": [2026], "from": "00:00:00", "to": "24:00:00"},
        {"from": None, "to": None, "weekdays": None},
    ]
    windows = parse_windows(given)
    assert windows == (
        TimeWindow(weekdays=frozenset({1, 2}), start_s=8 * 3600, end_s=18 * 3600 + 30),
        TimeWindow(months=frozenset({12}), month_days=frozenset({24}), years=frozenset({2026})),
        TimeWindow(),
    )
    kept = windows_json(windows)
    assert kept == [
        {"weekdays": [1, 2], "from": "08:00:00", "to": "18:00:30"},
        {"months": [12], "month_days": [24], "years": [2026]},
        {},
    ]
    assert parse_windows(kept) == windows


@pytest.mark.parametrize(
    "windows",
    [
        None,
        {},
        [],
        ["mon"],
        [{"days": [1]}],
        [{"weekdays": [0]}],
        [{"weekdays": [8]}],
        [{"weekdays": [True]}],
        [{"weekdays": "12"}],
        [{"from": "25:00"}],
        [{"from": "24:00:01"}],
        [{"to": "8:00"}],
        [{"from": 8}],
        [{"from": "18:00", "to": "08:00"}],
        [{"from": "08:00", "to": "08:00"}],
    ],
)
def test_what_is_no_window_is_refused(windows: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_windows(windows)
    assert caught.value.code == "bad_time_window"


Rows = list[tuple[int, int, int]]
EVER = np.iinfo(np.int64)
periods = st.tuples(st.integers(0, 20), st.integers(1, 8)).map(lambda p: (p[0], p[0] + p[1]))
open_periods = periods | st.sampled_from([(EVER.min, 5), (15, EVER.max), (EVER.min, EVER.max)])
keyed = st.tuples(st.integers(0, 2), open_periods).map(lambda r: (r[0], *r[1]))


def _arrays(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return columns[0].copy(), columns[1].copy(), columns[2].copy()


def _meet(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[0] == other[0] and max(one[1], other[1]) < min(one[2], other[2])


def _apart(rows: Rows) -> Rows:
    kept: Rows = []
    for row in rows:
        if not any(_meet(row, other) for other in kept):
            kept.append(row)
    return kept


@given(st.lists(keyed, max_size=12))
def test_overlaps_are_found_where_they_are(rows: Rows) -> None:
    pairs = find_overlaps(*_arrays(rows))
    assert all(earlier < later and _meet(rows[earlier], rows[later]) for earlier, later in pairs)
    assert pairs == sorted(pairs, key=lambda pair: pair[::-1])
    meeting = {n for n, one in enumerate(rows) for m, other in enumerate(rows) if m != n and _meet(one, other)}
    assert bool(pairs) == bool(meeting)
    # Without one row of each pair nothing meets any more: every mistake has been named.
    assert _apart([row for n, row in enumerate(rows) if n not in {n for pair in pairs for n in pair}]) == [
        row for n, row in enumerate(rows) if n not in {n for pair in pairs for n in pair}
    ]


@given(st.lists(keyed, max_size=10).map(_apart), st.lists(keyed, max_size=10).map(_apart))
def test_new_rates_supersede_the_old_ones_that_they_meet(old: Rows, new: Rows) -> None:
    done = supersede(_arrays(old), _arrays(new))
    ends = dict(zip(done.rows.tolist(), done.ends_s.tolist(), strict=True))
    for place, row in enumerate(old):
        begins = [other[1] for other in new if _meet(row, other)]
        if not begins:
            assert place not in ends
            assert place not in done.void
        elif min(begins) <= row[1]:
            assert place in done.void
            assert place not in ends
        else:
            assert ends[place] == min(begins)
            assert place not in done.void
    left = [(k, b, ends.get(n, e)) for n, (k, b, e) in enumerate(old) if n not in done.void]
    assert find_overlaps(*_arrays(left + new)) == []
