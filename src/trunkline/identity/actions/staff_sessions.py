"""Writes of staff sessions: how the platform's staff enter a tenant, and who they are."""

from __future__ import annotations

from datetime import datetime, timedelta

from trunkline.core.errors import Conflict, Denied, Invalid
from trunkline.identity.models import StaffSession, User
from trunkline.identity.rules import STAFF_SESSION_LONGEST
from trunkline.kit.db.locks import lock_name, lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.logs import log

REASON_SHORTEST = 10
REASON_LONGEST = 500


def open_staff_session(*, user: User, reason: str, until: datetime, at: datetime) -> StaffSession:
    """Let somebody of the platform's staff into the scope's tenant. A session of theirs that is open there is closed.

    The tenant sees who, why and until when. Raises Denied `not_platform_staff`, Invalid (`bad_reason`, `bad_until`).
    """
    if not (user.is_active and user.is_platform_staff):
        raise Denied("not_platform_staff", "Only the platform's own staff enter an operator this way.")
    reason = " ".join(reason.split())
    if not REASON_SHORTEST <= len(reason) <= REASON_LONGEST or not reason.isprintable():
        raise Invalid(
            "bad_reason",
            f"A reason has {REASON_SHORTEST} to {REASON_LONGEST} printable characters.",
            hint="Say what it is about, such as the number of a ticket; the operator reads it.",
        )
    if not timedelta() < until - at <= STAFF_SESSION_LONGEST:
        raise Invalid("bad_until", f"A staff session ends within {STAFF_SESSION_LONGEST} and not before it begins.")
    lock_name("identity.staff_session", current_tenant_id(), user.pk)
    for earlier in StaffSession.objects.filter(user=user, closed_at=None, until__gt=at):
        close_staff_session(session_id=earlier.pk, at=at)
    made = StaffSession.objects.create(user=user, reason=reason, opened_at=at, until=until)
    log(
        "staff_session_opened", tenant=current_tenant_id(), user=user.pk, staff_session=made.pk, until=until.isoformat()
    )
    return made


def close_staff_session(*, session_id: int, at: datetime) -> StaffSession:
    """End a staff session before its time. Raises Conflict `already_closed`."""
    (session,) = lock_rows(StaffSession.objects.all(), [session_id])
    if session.closed_at is not None:
        raise Conflict("already_closed", "This staff session is closed already.")
    session.closed_at = at
    session.save(update_fields=["closed_at"])
    log("staff_session_closed", tenant=current_tenant_id(), user=session.user_id, staff_session=session.pk)
    return session


def set_platform_staff(*, user: User, is_platform_staff: bool) -> User:
    """Say whether a person runs the installation. Takes effect at once, in open staff sessions too."""
    user.is_platform_staff = is_platform_staff
    user.save(update_fields=["is_platform_staff"])
    log("platform_staff", user=user.pk, is_platform_staff=is_platform_staff)
    return user
