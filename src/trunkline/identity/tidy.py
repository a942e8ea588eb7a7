"""What is kept of signing in, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessFailureLog
from django.contrib.sessions.models import Session

from trunkline.identity.actions.denials import forget_denials
from trunkline.identity.models import Signup
from trunkline.tenancy.queries import tenant_ids
from trunkline.tenancy.scope import scope

FAILURES_KEPT: Final = timedelta(days=30)
SIGNUPS_KEPT: Final = timedelta(days=14)


def tidy(*, at: datetime) -> None:
    """Forget sessions that are over, failed sign-ins of a month ago, operators that were asked for and never proved, and denials of a quarter
    ago. Safe to do again.
    """
    Session.objects.filter(expire_date__lt=at).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    for model in (AccessAttempt, AccessFailureLog):
        model.objects.filter(attempt_time__lt=at - FAILURES_KEPT).delete()
    Signup.objects.filter(created_at__lt=at - SIGNUPS_KEPT).delete()
    for tenant_id in tenant_ids():
        with scope(tenant_id, "system"):
            forget_denials(at=at)
