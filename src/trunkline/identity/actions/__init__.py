"""Writes of staff and keys, one function for each verb."""

from __future__ import annotations

from trunkline.identity.actions.denials import Refused, forget_denials, note_denial
from trunkline.identity.actions.keys import create_key, note_key_use, revoke_key
from trunkline.identity.actions.members import add_member, change_member, invite_again, remove_member, sign_member_out
from trunkline.identity.actions.roles import change_role, create_role, remove_role
from trunkline.identity.actions.signup import ask_for_operator, finish_signup, sign_up
from trunkline.identity.actions.staff_sessions import close_staff_session, open_staff_session, set_platform_staff
from trunkline.identity.actions.users import change_user, ensure_user, give_password

__all__ = [
    "Refused",
    "add_member",
    "ask_for_operator",
    "change_member",
    "change_role",
    "change_user",
    "close_staff_session",
    "create_key",
    "create_role",
    "ensure_user",
    "finish_signup",
    "forget_denials",
    "give_password",
    "invite_again",
    "note_denial",
    "note_key_use",
    "open_staff_session",
    "remove_member",
    "remove_role",
    "revoke_key",
    "set_platform_staff",
    "sign_member_out",
    "sign_up",
]
