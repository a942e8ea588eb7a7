from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.clock import ALWAYS_S, OUTSIDE, Clock, Timeline
from trunkline.engine.schema import TimeWindow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = int(datetime(2025, 12, 20, tzinfo=UTC).timestamp())
LAST = int(datetime(2026, 4, 10, tzinfo=UTC).timestamp())
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kathmandu"]
SECONDS = st.one_of(st.integers(0, 24).map(lambda hour: hour * 3600), st.integers(0, 86400))
DAYS = st.frozensets(st.integers(1, 7), max_size=3)


@st.composite
def windows(draw: st.DrawFn) -> TimeWindow:
    start_s, end_s = sorted(draw(st.tuples(SECONDS, SECONDS)))
    return TimeWindow(
        weekdays=draw(DAYS),
        months=draw(st.frozensets(st.sampled_from([1, 3, 12]), max_size=2)),
        month_days=draw(st.frozensets(st.sampled_from([1, 28, 29, 31]), max_size=2)),
        years=draw(st.frozensets(st.sampled_from([2025, 2026]), max_size=1)),
        start_s=start_s,
        end_s=end_s,
    )


def window_from(profile: list[TimeWindow], at: int, zone: str) -> int:
    """Rule 2 by the clock on the wall."""
    local = (EPOCH + timedelta(seconds=at)).astimezone(ZoneInfo(zone))
    second = local.hour * 3600 + local.minute * 60 + local.second
    on: date = local.date()
    return max(
        (
            each.start_s
            for each in profile
            if each.start_s <= second < each.end_s
            and on.isoweekday() in (each.weekdays or range(8))
            and on.month in (each.months or range(13))
            and on.day in (each.month_days or range(32))
            and on.year in (each.years or range(9999))
        ),
        default=OUTSIDE,
    )


def state_at(clock: Clock, timeline: Timeline, at: int) -> tuple[int, tuple[int, ...]]:
    place = int(np.searchsorted(timeline.begin_s, at, side="right")) - 1
    state = clock.states[int(timeline.state[place])]
    return state.epoch_s, state.window_from


@pytest.mark.slow
@given(
    st.sampled_from(ZONES),
    st.lists(st.lists(windows(), max_size=3), min_size=1, max_size=2),
    st.lists(st.integers(FIRST, LAST), max_size=2, unique=True),
    st.lists(st.integers(FIRST, LAST), min_size=1, max_size=10),
)
def test_at_every_instant_the_state_is_what_the_clock_on_the_wall_shows(
    zone: str, profiles: list[list[TimeWindow]], epochs: list[int], instants: list[int]
) -> None:
    clock = Clock(zone, np.array(sorted(epochs), dtype=np.int64), profiles)
    timeline = clock.timeline(min(instants), max(instants))
    # Beginnings are the only moments of change, so look just before and at each of those nearby too.
    nearby = timeline.begin_s[(min(instants) < timeline.begin_s) & (timeline.begin_s <= max(instants))][:20].tolist()
    for at in [*instants, *nearby, *(begin - 1 for begin in nearby)]:
        expected = (
            max((epoch for epoch in epochs if epoch <= at), default=ALWAYS_S),
            tuple(window_from(profile, at, zone) for profile in profiles),
        )
        assert state_at(clock, timeline, at) == expected
    assert (np.diff(timeline.state) != 0).all()


def test_a_tariff_without_windows_changes_at_its_epochs_only() -> None:
    clock = Clock("Europe/Berlin", np.array([100, 200]), [])
    timeline = clock.timeline(-(10**12), 10**12)
    assert timeline.begin_s[1:-1].tolist() == [100, 200]
    assert [clock.states[number].epoch_s for number in timeline.state] == [ALWAYS_S, 100, 200]


def test_the_same_days_are_the_same_states_again() -> None:
    peak = [TimeWindow(start_s=8 * 3600, end_s=18 * 3600)]
    clock = Clock("UTC", np.zeros(0, dtype=np.int64), [peak])
    year = clock.timeline(FIRST, FIRST + 365 * 86400)
    assert year.state.size > 700
    assert {state.window_from for state in clock.states} == {(OUTSIDE,), (8 * 3600,)}
    assert clock.timeline(FIRST + 86400, FIRST + 2 * 86400) is year
    later = clock.timeline(FIRST + 3000 * 86400, FIRST + 3001 * 86400)
    assert later.covers(FIRST + 3000 * 86400, FIRST + 3001 * 86400)
    assert len(clock.states) == 2


def test_threads_that_ask_for_different_times_get_what_they_asked_for() -> None:
    peak = [TimeWindow(start_s=8 * 3600, end_s=18 * 3600, weekdays=frozenset({1, 2, 3}))]
    clock = Clock("Europe/Berlin", np.zeros(0, dtype=np.int64), [peak])
    instants = [FIRST + 500 * 86400 * step + 3600 * hour for step in range(4) for hour in range(48)]
    with ThreadPoolExecutor(8) as pool:
        timelines = list(pool.map(lambda at: clock.timeline(at, at), instants))
    found = [state_at(clock, timeline, at)[1] for timeline, at in zip(timelines, instants, strict=True)]
    assert found == [(window_from(peak, at, "Europe/Berlin"),) for at in instants]
