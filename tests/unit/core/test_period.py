from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.period import (
    ONE_DAY,
    DatePeriod,
    Period,
    get_zone,
    is_in_force,
    local_date,
    local_day_bounds,
    month_of,
)

# Zones that change at two, at midnight, by half an hour, across the date line, and never.
ZONES = ["Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Nairobi"]
DAYS = st.dates(date(1990, 1, 1), date(2040, 12, 31))


@given(DAYS, st.sampled_from(ZONES))
def test_local_days_meet_and_hold_only_their_own_instants(day: date, name: str) -> None:
    zone = get_zone(name)
    bounds = local_day_bounds(day, zone)
    assert bounds.end == local_day_bounds(day + ONE_DAY, zone).start
    if bounds:
        last = bounds.end - timedelta(seconds=1)
        assert (local_date(bounds.start, zone), local_date(last, zone)) == (day, day)
        assert local_date(bounds.start - timedelta(seconds=1), zone) < day < local_date(bounds.end, zone)
        assert bounds.start in bounds
        assert bounds.end not in bounds


@pytest.mark.parametrize(
    ("name", "day", "start", "hours"),
    [
        ("Africa/Nairobi", date(2026, 3, 1), "2026-02-28T21:00:00+00:00", 24),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00:00+00:00", 23),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00:00+00:00", 25),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00+00:00", 23),
        ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-17T02:00:00+00:00", 25),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00+00:00", 0),
    ],
)
def test_a_local_day_has_the_hours_its_clock_gives_it(name: str, day: date, start: str, hours: int) -> None:
    bounds = local_day_bounds(day, get_zone(name))
    assert (bounds.start.isoformat(), bounds.end - bounds.start) == (start, timedelta(hours=hours))


@given(DAYS)
def test_a_month_holds_its_day_and_ends_where_the_next_begins(day: date) -> None:
    month = month_of(day)
    assert day in month
    assert month.start.day == month.end.day == 1
    assert month_of(month.end).start == month.end
    assert month_of(month.last) == month
    assert list(month) == [month.start + n * ONE_DAY for n in range(len(month))]


def test_a_month_of_days_has_bounds_in_its_zone() -> None:
    assert month_of(date(2026, 3, 15)).bounds(get_zone("Europe/Berlin")) == Period(
        datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)
    )


def test_periods_are_half_open() -> None:
    march, april = month_of(date(2026, 3, 1)), month_of(date(2026, 4, 1))
    assert not march.overlaps(april)
    assert march.overlaps(DatePeriod(date(2026, 3, 31), date(2026, 4, 1)))
    assert not DatePeriod(date(2026, 3, 5), date(2026, 3, 5))
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    hour = Period(noon, noon + timedelta(hours=1))
    assert hour
    assert not hour.overlaps(Period(hour.end, hour.end + timedelta(hours=1)))
    assert hour.overlaps(Period(hour.start, hour.end))
    assert not hour.overlaps(Period(noon, noon))


def test_a_missing_bound_is_no_bound() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    later = noon + timedelta(seconds=1)
    assert is_in_force(None, None, noon)
    assert is_in_force(noon, later, noon)
    assert not is_in_force(noon, later, later)
    assert not is_in_force(later, None, noon)
    assert not is_in_force(None, noon, noon)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe", "Europe/Berlin\0", "a" * 300]
)
def test_other_text_is_no_timezone(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        get_zone(name)
    assert caught.value.code == "unknown_timezone"


def test_periods_that_cannot_be_are_refused() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for make, code in [
        (lambda: Period(noon, noon - timedelta(seconds=1)), "period_order"),
        (lambda: Period(noon.replace(tzinfo=None), noon), "naive_instant"),
        (lambda: local_date(noon.replace(tzinfo=None), UTC), "naive_instant"),
        (lambda: DatePeriod(date(2026, 3, 2), date(2026, 3, 1)), "period_order"),
    ]:
        with pytest.raises(Invalid) as caught:
            make()
        assert caught.value.code == code
    with pytest.raises(ValueError, match="empty"):
        _ = DatePeriod(date(2026, 3, 1), date(2026, 3, 1)).last
