"""Staff sessions as a browser has them: opened by a form, ended by leaving."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from trunkline.core.errors import Conflict
from trunkline.identity.actions import close_staff_session, open_staff_session
from trunkline.identity.actions.sessions import TENANT_KEY
from trunkline.identity.principal import platform_actor, staff_session_actor
from trunkline.kit import clock
from trunkline.platform.middleware import (
    STAFF_SESSION_KEY,
    choose_tenant,
    forget_tenant,
    history_context,
)
from trunkline.tenancy.scope import scope


def begin_visit(request: Any, *, tenant_id: int, reason: str, minutes: int) -> None:
    """Open a staff session and work in it from now on. Raises what `open_staff_session` raises."""
    end_visit(request)
    at = clock.now()
    with scope(tenant_id, platform_actor(request.user.pk), reason=reason, context=history_context(request)):
        session = open_staff_session(user=request.user, reason=reason, until=at + timedelta(minutes=minutes), at=at)
    choose_tenant(request, tenant_id, staff_session_id=session.pk)


def end_visit(request: Any) -> None:
    """Work in no tenant any more; a staff session ends with it."""
    session_id, tenant_id = request.session.get(STAFF_SESSION_KEY), request.session.get(TENANT_KEY)
    forget_tenant(request)
    if session_id is not None and tenant_id is not None:
        with (
            scope(tenant_id, staff_session_actor(session_id), context=history_context(request)),
            contextlib.suppress(Conflict),  # closed from elsewhere
        ):
            close_staff_session(session_id=session_id, at=clock.now())
