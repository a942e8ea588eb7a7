"""Jobs of identity."""

from __future__ import annotations

from trunkline.identity.rules import INVITE
from trunkline.kit import clock, jobs


@jobs.task(INVITE)
def invite(*, tenant_id: int, membership_id: int) -> None:
    """Tell somebody by mail that they work for an operator now."""
    from trunkline.identity.invitations import send_invitation

    send_invitation(tenant_id=tenant_id, membership_id=membership_id)


@jobs.every("17 3 * * *", "identity.tidy")
def tidy(*, timestamp: int) -> None:
    """Once a night, forget what is kept of signing in no longer."""
    from trunkline.identity.tidy import tidy as forget

    forget(at=clock.now())
