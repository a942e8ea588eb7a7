"""Who is at the door: for whom, as whom, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from trunkline.core.errors import Denied
from trunkline.identity.permissions import EVERYTHING, SENTENCES, Permission


class PrincipalKind(StrEnum):
    """How somebody came in."""

    USER = "user"  # staff of the tenant, signed in
    KEY = "key"  # a program with an API key
    STAFF_SESSION = "staff_session"  # somebody of the platform, for a stated reason and time
    COMMAND_LINE = "command_line"  # whoever may run the program on its machine


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody in one tenant. `id` is that of the user, key or staff session; `actor` is what `tenancy.scope` and the history take."""

    tenant_id: int
    actor: str
    permissions: frozenset[Permission]
    kind: PrincipalKind
    id: int
    user_id: int | None = None  # the person, where there is one: the user, or who opened the staff session
    withheld: frozenset[Permission] = frozenset()  # what they might, if the operator worked
    withheld_by: Denied | None = field(default=None, compare=False)  # what they are told then

    def may(self, *wanted: Permission) -> bool:
        """Whether all of these are permitted."""
        return self.permissions.issuperset(wanted)

    def require(self, *wanted: Permission) -> None:
        """Raise Denied `permission_missing`, with the permission in its context, for the first that is not permitted.

        Where the operator takes nothing new it is `trial_ended` or `tenant_suspended` for what would be permitted otherwise.

        Ask before anything is looked up, so that who may not see an object does not learn that it is there.
        """
        for permission in wanted:
            if permission in self.withheld and self.withheld_by is not None:
                told = self.withheld_by
                context = {**told.context, "permission": permission.value}
                raise Denied(told.code, told.message, hint=told.hint, **context)
            if permission not in self.permissions:
                raise Denied(
                    "permission_missing",
                    f"This needs the permission {permission.value}: {SENTENCES[permission]}",
                    hint="Whoever manages staff or keys here can give it.",
                    permission=permission.value,
                )

    def require_all_of(self, others: Iterable[Permission]) -> None:
        """Raise Denied `beyond_own_permissions` where others would get, or have, what this one has not.

        Nobody gives away, takes away or stands in for what they may not do themselves.
        """
        beyond = sorted(set(others) - self.permissions)
        if beyond:
            raise Denied(
                "beyond_own_permissions",
                f"This touches permissions that you do not have: {', '.join(beyond)}.",
                hint="Somebody who has them can do it.",
                permissions=beyond,
            )


def user_actor(user_id: int) -> str:
    """The actor of signed-in staff."""
    return f"user:{user_id}"


def key_actor(key_id: int) -> str:
    """The actor of an API key."""
    return f"key:{key_id}"


def staff_session_actor(session_id: int) -> str:
    """The actor of a staff session; its row names the person and the reason."""
    return f"staff_session:{session_id}"


def platform_actor(user_id: int) -> str:
    """The actor of somebody of the platform who does something to an operator without being in it: opens a staff session, extends a trial."""
    return f"platform:{user_id}"


def command_line(tenant_id: int, actor: str) -> Principal:
    """Whoever works at the command line of the machine: everything in that tenant. `actor` is `cli:<login>`."""
    return Principal(tenant_id, actor, EVERYTHING, PrincipalKind.COMMAND_LINE, 0)


def principal_of(request: Any) -> Principal:
    """The principal that the middleware or the API's authentication put on a request. Raises Denied `not_signed_in` where there is none."""
    found: Principal | None = getattr(request, "principal", None)
    if found is None:
        raise Denied("not_signed_in", "Nobody is signed in to an operator here.", hint="Sign in and choose one.")
    return found
