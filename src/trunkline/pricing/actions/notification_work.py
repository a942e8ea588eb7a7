"""A notification that somebody has asked for, made by a worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trunkline.core.errors import TrunklineError
from trunkline.pricing.actions.notification_dates import put_off as move
from trunkline.pricing.actions.notification_making import AUTOMATIC, give_up, prepare
from trunkline.pricing.notifications.choices import NotificationState
from trunkline.pricing.notifications.queries import notifications
from trunkline.tenancy.scope import scope

Clock = Callable[[], datetime]


def make(tenant_id: int, notification_id: int, *, put_off: int | None, reason: str, now: Clock) -> None:
    """Afterwards the notification is prepared, or discarded and says why; one that is no longer being prepared is left alone.

    `put_off` is an earlier notification whose lines that begin too soon are put off first, for `reason`.
    """
    with scope(tenant_id, AUTOMATIC):
        found = notifications().filter(pk=notification_id, state=NotificationState.PREPARING).first()
    if found is None:
        return
    try:
        if put_off is None:
            prepare(tenant_id, found.plan_id, mode=found.mode, into=found.pk, actor=AUTOMATIC, now=now)
        else:
            move(tenant_id, put_off, reason=reason, into=found.pk, actor=AUTOMATIC, now=now)
    except TrunklineError as error:
        with scope(tenant_id, AUTOMATIC):
            give_up(notification_id=found.pk, error=error, at=now())
