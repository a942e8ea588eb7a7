from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.engine.zone import AMBIGUOUS, DAY_S, MISSING, OK, from_local, local_day, offsets, to_local

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Nairobi",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
INSTANTS = st.integers(
    int(datetime(1900, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2150, 1, 1, tzinfo=UTC).timestamp())
)


def seconds(text: str) -> int:
    """An instant, or the time on a clock, as seconds since 1970."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def clock_of(utc_s: int, zone: str) -> int:
    local = (EPOCH + timedelta(seconds=utc_s)).astimezone(ZoneInfo(zone))
    return int(local.replace(tzinfo=UTC).timestamp())


@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=1, max_size=20))
def test_local_time_is_what_zoneinfo_says(zone: str, instants: list[int]) -> None:
    expected = [clock_of(at, zone) for at in instants]
    assert to_local(np.array(instants), zone).tolist() == expected
    assert local_day(np.array(instants), zone).tolist() == [at // DAY_S for at in expected]


@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=1, max_size=20))
def test_local_time_leads_back_to_its_instant_or_to_the_hour_that_is_shown_twice(
    zone: str, instants: list[int]
) -> None:
    local = to_local(np.array(instants), zone)
    back, status = from_local(local, zone)
    for at, found, kind, shown in zip(instants, back.tolist(), status.tolist(), local.tolist(), strict=True):
        assert clock_of(found, zone) == shown
        assert kind in (OK, AMBIGUOUS)
        if kind == OK:
            assert found == at
        else:
            assert found <= at


@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=1, max_size=20))
def test_missing_and_doubled_times_are_those_of_pep_495(zone: str, times: list[int]) -> None:
    found, status = from_local(np.array(times), zone)
    for local_s, utc_s, kind in zip(times, found.tolist(), status.tolist(), strict=True):
        naive = (EPOCH + timedelta(seconds=local_s)).replace(tzinfo=ZoneInfo(zone))
        first, second = naive.astimezone(UTC), naive.replace(fold=1).astimezone(UTC)
        expected = OK if first == second else AMBIGUOUS if first < second else MISSING
        assert (utc_s, kind) == (int(first.timestamp()), expected)


def test_berlin_skips_an_hour_in_spring_and_repeats_one_in_autumn() -> None:
    local = [
        seconds(text)
        for text in (
            "2026-03-29T01:59:59",
            "2026-03-29T02:30:00",
            "2026-03-29T03:00:00",
            "2026-10-25T02:00:00",
            "2026-10-25T02:59:59",
            "2026-10-25T03:00:00",
        )
    ]
    utc, status = from_local(np.array(local), "Europe/Berlin")
    assert status.tolist() == [OK, MISSING, OK, AMBIGUOUS, AMBIGUOUS, OK]
    assert utc.tolist() == [
        seconds(text)
        for text in (
            "2026-03-29T00:59:59Z",
            "2026-03-29T01:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:59:59Z",
            "2026-10-25T02:00:00Z",
        )
    ]


def test_samoa_left_out_a_day() -> None:
    noons = np.array([seconds(f"2011-12-{day}T22:00:00Z") for day in (28, 29, 30, 31)])
    days = local_day(noons, "Pacific/Apia") - (seconds("2011-12-01T00:00:00") // DAY_S)
    assert days.tolist() == [27, 28, 30, 31]
    _, status = from_local(np.array([seconds("2011-12-30T12:00:00")]), "Pacific/Apia")
    assert status.tolist() == [MISSING]


@pytest.mark.slow
def test_every_zone_of_the_database_has_its_changes_where_the_database_has_them() -> None:
    """The halving between probes two days apart finds what a probe each quarter of an hour finds."""
    first, last = seconds("2024-01-01T00:00:00Z"), seconds("2026-12-31T23:59:59Z")
    for name in sorted(available_timezones()):
        transitions, offset_s = offsets(name, first, last)
        zone = ZoneInfo(name)
        for at, before, after in zip(transitions[1:].tolist(), offset_s, offset_s[1:], strict=False):
            assert clock_of(at - 1, name) - (at - 1) == before
            assert clock_of(at, name) - at == after
        days = np.arange(first, last, 10 * DAY_S)
        shift = to_local(days, name) - days
        expected = [(EPOCH + timedelta(seconds=at)).astimezone(zone).utcoffset() for at in days.tolist()]
        assert [timedelta(seconds=each) for each in shift.tolist()] == expected


def test_no_two_changes_of_any_offset_lie_within_the_two_days_between_probes() -> None:
    tables = pytest.importorskip("zoneinfo._zoneinfo").ZoneInfo
    for name in sorted(available_timezones()):
        table = tables.no_cache(name)
        before = getattr(table._tti_before, "utcoff", None)
        changes: list[int] = []
        for at, kind in zip(table._trans_utc, table._ttinfos, strict=True):
            if kind.utcoff != before:
                changes.append(at)
            before = kind.utcoff
        assert min(np.diff(changes), default=DAY_S * 3) > DAY_S * 2, name


def test_the_ends_of_the_calendar_keep_the_nearest_offset() -> None:
    far = np.array([-(2**50), 2**50])
    assert (to_local(far, "Africa/Nairobi") - far).tolist() == [8836, 3 * 3600]


def test_nothing_is_nothing_and_an_unknown_zone_is_named() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert to_local(nothing, "Europe/Berlin").tolist() == []
    with pytest.raises(Invalid, match="Mars/Base") as raised:
        to_local(nothing, "Mars/Base")
    assert raised.value.code == "unknown_timezone"
    with pytest.raises(Invalid):
        offsets("../etc/passwd", 0, 1)
