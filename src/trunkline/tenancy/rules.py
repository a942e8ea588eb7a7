"""Decisions about tenants, without a database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from trunkline.core.errors import Denied
from trunkline.core.period import first_instant, get_zone, local_date

TRIAL_DAYS: Final = 14
SUSPENDED_STATUS: Final = "suspended"


class Operator(Protocol):
    """What of a tenant says whether it works."""

    @property
    def status(self) -> str: ...

    @property
    def timezone(self) -> str: ...

    @property
    def trial_ends_at(self) -> datetime | None: ...


class Standing(StrEnum):
    """Whether an operator works at an instant."""

    ACTIVE = "active"  # everything works, without an end
    TRIAL = "trial"  # everything works, until the trial ends
    TRIAL_ENDED = "trial_ended"  # one reads and exports, and nothing new is taken
    SUSPENDED = "suspended"  # the same, because whoever runs the installation said so


def standing_of(operator: Operator, at: datetime) -> Standing:
    """How an operator stands at an instant. A trial that ends at an instant is over from that instant on."""
    if operator.status == SUSPENDED_STATUS:
        return Standing.SUSPENDED
    if operator.trial_ends_at is None:
        return Standing.ACTIVE
    return Standing.TRIAL if at < operator.trial_ends_at else Standing.TRIAL_ENDED


def is_working(operator: Operator, at: datetime) -> bool:
    """Whether new things are taken."""
    return standing_of(operator, at) in (Standing.ACTIVE, Standing.TRIAL)


def refusal(standing: Standing, last_day: date | None) -> Denied | None:
    """What whoever writes is told: Denied `trial_ended` or `tenant_suspended`; None where the operator works."""
    if standing is Standing.TRIAL_ENDED:
        return Denied(
            "trial_ended",
            f"The trial ended with {last_day}. What is here can be read and exported; nothing new is taken.",
            hint="Whoever runs this installation can extend the trial or make the operator active.",
            last_day=str(last_day),
        )
    if standing is Standing.SUSPENDED:
        return Denied(
            "tenant_suspended",
            "This operator is suspended. What is here can be read and exported; nothing new is taken.",
            hint="Whoever runs this installation can make it active again.",
        )
    return None


def refusal_of(operator: Operator, at: datetime) -> Denied | None:
    """`refusal` of an operator at an instant."""
    return refusal(standing_of(operator, at), last_trial_day(operator))


def require_working(operator: Operator, at: datetime) -> None:
    """Raise Denied `trial_ended` or `tenant_suspended` where nothing new is taken."""
    refused = refusal_of(operator, at)
    if refused is not None:
        raise refused


def trial_end(last_day: date, timezone: str) -> datetime:
    """When a trial ends whose last day that is on the operator's clock: with the next day's first instant."""
    return first_instant(last_day + timedelta(1), get_zone(timezone))


def last_day_of_trial(at: datetime, timezone: str, days: int = TRIAL_DAYS) -> date:
    """The last day of a trial that begins at an instant: so many whole days after the local day of its beginning."""
    return local_date(at, get_zone(timezone)) + timedelta(days)


def last_trial_day(operator: Operator) -> date | None:
    """The last local day of an operator's trial; None where it is on none."""
    if operator.trial_ends_at is None:
        return None
    return local_date(operator.trial_ends_at - timedelta(microseconds=1), get_zone(operator.timezone))
