"""Jobs of identity."""

from __future__ import annotations

from typing import Final

from trunkline.kit import jobs

INVITE: Final = "identity.invite"


@jobs.task(INVITE)
def invite(*, tenant_id: int, membership_id: int) -> None:
    """Tell somebody by mail that they work for an operator now."""
    from trunkline.identity.invitations import send_invitation

    send_invitation(tenant_id=tenant_id, membership_id=membership_id)
