"""Writes of signed-in sessions: those in which a person works for an operator, and no others."""

from __future__ import annotations

from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.logs import log

TENANT_KEY: Final = "tenant_id"  # what a signed-in session remembers of where the person works


def end_sessions(*, user_id: int) -> int:
    """Sign a person out wherever they work for the scope's tenant at the moment: how many sessions that were.

    Those in which they work elsewhere are not this operator's to end, nor to know of.
    """
    known = UserSession.objects.filter(user=user_id).values_list("session_key", flat=True)
    here = [
        session
        for session in Session.objects.filter(session_key__in=list(known))
        if session.get_decoded().get(TENANT_KEY) == current_tenant_id()
    ]
    keys = [session.session_key for session in here]
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    if here:
        log("sessions_ended", tenant=current_tenant_id(), user=user_id, count=len(here))
    return len(here)
