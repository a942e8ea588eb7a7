"""What several writes of rate notifications ask before they begin."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trunkline.core.errors import Conflict, Invalid
from trunkline.parties.choices import AccountStatus
from trunkline.pricing.models import Notification, NotificationPlan
from trunkline.pricing.notifications.choices import NotificationState
from trunkline.pricing.notifications.queries import is_assigned

NOTE_MAX: Final = 500


def require_plan(plan: NotificationPlan, at: datetime) -> None:
    """Raise Conflict `plan_ended`, `not_assigned` where a customer is told no more, or buys by the tariff no more."""
    if not plan.is_active:
        raise Conflict("plan_ended", f"{plan.account.code} is told of {plan.tariff.name} no more.")
    if plan.account.status == AccountStatus.CLOSED or not is_assigned(plan.account, plan.tariff, at):
        raise Conflict("not_assigned", f"{plan.account.code} does not buy by {plan.tariff.name}.")


def require_open(plan: NotificationPlan) -> None:
    """Raise Conflict `being_sent` while it is not known what the customer knows."""
    if Notification.objects.filter(plan=plan, state=NotificationState.SENDING).exists():
        raise Conflict(
            "being_sent",
            f"A notification of {plan.tariff.name} is on its way to {plan.account.code}.",
            hint="What comes next depends on whether it arrives: wait until it is sent or has failed.",
        )


def end(notification: Notification, reason: str, at: datetime) -> None:
    """Discard a notification; nobody was told."""
    notification.state, notification.ended_at, notification.reason = NotificationState.DISCARDED, at, reason
    notification.save()


def reason_of(text: str) -> str:
    """A reason as it is kept. Raises Invalid `reason_needed`."""
    note = text.strip()[:NOTE_MAX]
    if not note:
        raise Invalid("reason_needed", "Say why.", hint="The reason stands in the history.", field="reason")
    return note


def require_state(notification: Notification, wanted: NotificationState) -> None:
    """Raise Conflict `not_prepared` and the like where a notification is in another state."""
    if notification.state != wanted:
        raise Conflict(f"not_{wanted}", f"The notification {notification} is {notification.state}, not {wanted}.")
