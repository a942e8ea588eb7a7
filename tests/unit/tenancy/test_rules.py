"""When an operator works, and when its trial ends on its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from trunkline.core.errors import Denied
from trunkline.tenancy.rules import (
    Standing,
    is_working,
    last_day_of_trial,
    last_trial_day,
    require_working,
    standing_of,
    trial_end,
)

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass
class Operator:
    status: str = "active"
    timezone: str = "Africa/Nairobi"
    trial_ends_at: datetime | None = None


@pytest.mark.parametrize(
    ("zone", "signed_up", "last_day", "ends_at"),
    [
        ("Africa/Nairobi", "2026-03-02T12:00", date(2026, 3, 16), "2026-03-16T21:00"),
        ("Africa/Nairobi", "2026-03-02T21:30", date(2026, 3, 17), "2026-03-17T21:00"),  # it was the 3rd there already
        ("America/New_York", "2026-03-02T03:00", date(2026, 3, 15), "2026-03-16T04:00"),  # the clocks change on the 8th
        ("UTC", "2026-02-15T00:00", date(2026, 3, 1), "2026-03-02T00:00"),
    ],
)
def test_a_trial_lasts_fourteen_whole_days_on_the_operators_clock(
    zone: str, signed_up: str, last_day: date, ends_at: str
) -> None:
    at = datetime.fromisoformat(signed_up).replace(tzinfo=UTC)
    assert last_day_of_trial(at, zone) == last_day
    end = trial_end(last_day, zone)
    assert end == datetime.fromisoformat(ends_at).replace(tzinfo=UTC)
    operator = Operator(timezone=zone, trial_ends_at=end)
    assert last_trial_day(operator) == last_day
    assert [standing_of(operator, end + step) for step in (-SECOND, timedelta(), SECOND)] == [
        Standing.TRIAL, Standing.TRIAL_ENDED, Standing.TRIAL_ENDED,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "code"),
    [
        (Operator(), None),
        (Operator(trial_ends_at=AT + SECOND), None),
        (Operator(trial_ends_at=AT), "trial_ended"),
        (Operator(status="suspended"), "tenant_suspended"),
        (Operator(status="suspended", trial_ends_at=AT + SECOND), "tenant_suspended"),
    ],
)
def test_whoever_writes_is_told_why_nothing_new_is_taken(operator: Operator, code: str | None) -> None:
    assert is_working(operator, AT) == (code is None)
    if code is None:
        require_working(operator, AT)
        return
    with pytest.raises(Denied) as caught:
        require_working(operator, AT)
    assert caught.value.code == code


def test_the_last_day_is_told_as_it_is_on_the_operators_clock() -> None:
    operator = Operator(trial_ends_at=datetime(2026, 3, 16, 21, tzinfo=UTC))
    with pytest.raises(Denied) as caught:
        require_working(operator, datetime(2026, 3, 20, tzinfo=UTC))
    assert caught.value.message.startswith("The trial ended with 2026-03-16.")
    assert caught.value.context == {"last_day": "2026-03-16"}
