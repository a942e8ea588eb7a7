"""When reports go out, and the periods that move with the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.period import get_zone
from trunkline.reports.period import Preset, days_of, parse_preset
from trunkline.reports.queries import replaced
from trunkline.reports.schedule import Plan, parse_on, parse_time

ZONES = ("UTC", "Africa/Nairobi", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe")
PLANS = st.one_of(
    st.builds(Plan, st.just("day"), st.none(), st.times()),
    st.builds(Plan, st.just("week"), st.integers(1, 7), st.times()),
    st.builds(Plan, st.just("month"), st.integers(1, 31), st.times()),
)


@pytest.mark.parametrize(
    ("preset", "first", "end"),
    [
        ("today", "2026-03-04", "2026-03-05"),
        ("yesterday", "2026-03-03", "2026-03-04"),
        ("last_7_days", "2026-02-25", "2026-03-04"),
        ("last_30_days", "2026-02-02", "2026-03-04"),
        ("this_week", "2026-03-02", "2026-03-05"),
        ("last_week", "2026-02-23", "2026-03-02"),
        ("this_month", "2026-03-01", "2026-03-05"),
        ("last_month", "2026-02-01", "2026-03-01"),
    ],
)
def test_a_period_moves_with_the_day(preset: str, first: str, end: str) -> None:
    assert days_of(Preset(preset), date(2026, 3, 4)) == (date.fromisoformat(first), date.fromisoformat(end))


def test_a_period_is_known_by_its_name() -> None:
    assert [parse_preset(each) for each in ("", "LAST_WEEK")] == [None, Preset.LAST_WEEK]
    with pytest.raises(Invalid) as caught:
        parse_preset("next_week")
    assert caught.value.code == "unknown_period"


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"from": "2026-03-01", "to": ""}, {"by": "day", "from": "2026-03-01"}),
        ({"period": "today"}, {"by": "day", "period": "today"}),
        ({"compare": "previous"}, {"by": "day", "period": "last_week", "compare": "previous"}),
        ({}, {"by": "day", "period": "last_week"}),
    ],
)
def test_what_is_given_now_takes_the_place_of_what_was_kept(given: dict[str, str], asked: dict[str, str]) -> None:
    assert replaced({"by": "day", "period": "last_week"}, given) == asked


@pytest.mark.parametrize(
    ("plan", "zone", "at", "last", "following"),
    [
        # Wednesday 4 March 2026, noon UTC
        (Plan("day", None, time(6)), "UTC", "2026-03-04T12:00", "2026-03-04T06:00", "2026-03-05T06:00"),
        (Plan("day", None, time(12)), "UTC", "2026-03-04T12:00", "2026-03-04T12:00", "2026-03-05T12:00"),
        (Plan("day", None, time(6)), "Africa/Nairobi", "2026-03-04T02:59", "2026-03-03T03:00", "2026-03-04T03:00"),
        (Plan("week", 1, time(6)), "UTC", "2026-03-04T12:00", "2026-03-02T06:00", "2026-03-09T06:00"),
        (Plan("month", 31, time(6)), "UTC", "2026-03-04T12:00", "2026-02-28T06:00", "2026-03-31T06:00"),
        # 02:30 does not come on 29 March, and comes twice on 25 October
        (Plan("day", None, time(2, 30)), "Europe/Berlin", "2026-03-29T12:00", "2026-03-29T01:30", "2026-03-30T00:30"),
        (Plan("day", None, time(2, 30)), "Europe/Berlin", "2026-10-25T12:00", "2026-10-25T00:30", "2026-10-26T01:30"),
    ],
)
def test_a_plan_is_on_the_clock_of_its_zone(plan: Plan, zone: str, at: str, last: str, following: str) -> None:
    moment, place = datetime.fromisoformat(at).replace(tzinfo=UTC), get_zone(zone)
    found = (plan.last(moment, place), plan.next(moment, place))
    assert [f"{each:%Y-%m-%dT%H:%M}" for each in found] == [last, following]


@given(PLANS, st.sampled_from(ZONES), st.integers(0, 10 * 366 * 24 * 60))
def test_between_the_last_and_the_next_there_is_no_other(plan: Plan, zone: str, minutes: int) -> None:
    moment, place = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes), get_zone(zone)
    last, following = plan.last(moment, place), plan.next(moment, place)
    assert last <= moment < following
    assert plan.next(last, place) == following
    assert plan.last(following - timedelta(microseconds=1), place) == last


@pytest.mark.parametrize(("every", "on_day"), [("day", 1), ("week", None), ("week", 8), ("month", 0), ("year", 1)])
def test_a_day_that_is_none_is_refused(every: str, on_day: int | None) -> None:
    with pytest.raises(Invalid) as caught:
        Plan(every, on_day, time(6))
    assert caught.value.code == "bad_schedule"


def test_days_and_times_are_read_as_people_write_them() -> None:
    assert [parse_on("week", word) for word in ("Monday", "sun", "7", "")] == [1, 7, 7, None]
    assert (parse_on("month", "31"), parse_time(" 06:30 ")) == (31, time(6, 30))
    for every, word in (("week", "t"), ("week", "someday"), ("month", "first"), ("month", "١")):
        with pytest.raises(Invalid):
            parse_on(every, word)
    for word in ("25:00", "6", "06:00:30", "06:00+01:00"):
        with pytest.raises(Invalid):
            parse_time(word)
