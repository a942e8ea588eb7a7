"""Every write of the parties. All run inside an open scope."""

from trunkline.parties.actions.accounts import (
    add_contact,
    change_account,
    change_billing_profile,
    close_account,
    create_account,
    create_billing_profile,
    resume_account,
    suspend_account,
)
from trunkline.parties.actions.identities import (
    NewIdentity,
    add_identities,
    add_identity,
    end_identity,
    move_identity,
)

__all__ = [
    "NewIdentity",
    "add_contact",
    "add_identities",
    "add_identity",
    "change_account",
    "change_billing_profile",
    "close_account",
    "create_account",
    "create_billing_profile",
    "end_identity",
    "move_identity",
    "resume_account",
    "suspend_account",
]
