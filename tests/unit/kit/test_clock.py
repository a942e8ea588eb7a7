"""The clock, which tests and the demo can stop."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from trunkline.kit import clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_now_is_the_present_instant_in_utc() -> None:
    before = datetime.now(UTC)
    seen = clock.now()
    assert before <= seen <= datetime.now(UTC)
    assert seen.tzinfo is UTC


def test_a_stopped_clock_stands_still_and_goes_on_afterwards() -> None:
    with clock.at(NOON):
        assert (clock.now(), clock.now()) == (NOON, NOON)
    assert clock.now() != NOON


def test_an_instant_of_another_zone_is_said_in_utc() -> None:
    with clock.at(datetime(2026, 3, 2, 15, tzinfo=ZoneInfo("Africa/Nairobi"))):
        assert (clock.now(), clock.now().tzinfo) == (NOON, UTC)


def test_stopping_it_inside_a_stop_holds_until_its_end() -> None:
    later = datetime(2026, 3, 3, tzinfo=UTC)
    with clock.at(NOON):
        with clock.at(later):
            assert clock.now() == later
        assert clock.now() == NOON


def test_it_goes_on_after_an_exception() -> None:
    with pytest.raises(ValueError, match="inside"), clock.at(NOON):
        raise ValueError("inside")
    assert clock.now() != NOON


def test_other_threads_are_not_stopped() -> None:
    seen: list[datetime] = []
    with clock.at(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen[0] != NOON


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"), clock.at(datetime(2026, 3, 2)):  # noqa: DTZ001
        pass
