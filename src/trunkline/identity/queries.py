"""Every read of staff and keys. What must come before a scope goes through functions of the owner that return ids only."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from trunkline.core.errors import Denied, NotFound
from trunkline.identity.keys import hash_of, is_well_formed
from trunkline.identity.models import ApiKey, Membership, Role, StaffSession, User, normal_email
from trunkline.identity.permissions import STAFF_SESSION, WITHOUT_WORKING, BuiltInRole, Permission, parse_role
from trunkline.identity.principal import (
    Principal,
    PrincipalKind,
    command_line,
    key_actor,
    staff_session_actor,
    user_actor,
)
from trunkline.identity.rules import is_from, is_usable_key, is_within
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.scope import current_tenant_id
from trunkline.tenancy.queries import keep_tenant
from trunkline.tenancy.rules import refusal_of

# Before a scope: users are global, the two look-ups give away ids.


def find_user(email: str) -> User | None:
    """The person of that e-mail address."""
    return User.objects.filter(email=normal_email(email)).first()


def get_user(email: str) -> User:
    """The person of that e-mail address. Raises NotFound `user_not_found`."""
    found = find_user(email)
    if found is None:
        raise NotFound("user_not_found", f"Nobody signs in as {email!r}.", hint="`trunkline staff add` lets people in.")
    return found


def tenant_ids_of_user(user_id: int, at: datetime) -> list[int]:
    """Ids of the tenants for which a person works at that instant, ascending."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_ids_of_user(%s, %s)", [user_id, at])
        return [row[0] for row in cursor.fetchall()]


def find_key_ids(text: str) -> tuple[int, int] | None:
    """Ids of the tenant and the row of an API key, whether or not it still opens anything; None for what is no key."""
    if not is_well_formed(text):
        return None
    hashed = hash_of(text)
    known = _key_ids.get(hashed)
    if known is not None:
        return known
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_and_key_by_hash(%s)", [hashed])
        (found,) = cursor.fetchone()
    if found is None:
        return None
    if len(_key_ids) >= KEY_IDS_MAX:
        _key_ids.clear()
    return _key_ids.setdefault(hashed, (found[0], found[1]))


# Which row a hash belongs to never changes; what the key opens is asked of the row each time (`principal_of_key`).
KEY_IDS_MAX: Final = 10_000
_key_ids: dict[str, tuple[int, int]] = {}


# Who somebody is, inside the scope of the tenant where they want to be it.


def principal_of_user(*, user_id: int, address: str | None, at: datetime) -> Principal:
    """Signed-in staff, as a member of the scope's tenant.

    Raises Denied `not_a_member`, also for who has left or not begun, and Denied `network_not_allowed`.
    """
    found = _MEMBER.find(user_id)
    if found is None or not is_within(at, found.valid_from, found.valid_to):
        raise Denied("not_a_member", "You do not work here.", hint="Somebody who manages staff can invite you.")
    _require_network(address, found.allowed_networks)
    return _principal(found, found.permission_set, at, user_actor(user_id), PrincipalKind.USER, user_id, user_id)


def principal_of_key(*, key_id: int, address: str | None, at: datetime) -> tuple[Principal, ApiKey]:
    """A program with that key of the scope's tenant, and the key's row.

    Raises Denied `invalid_api_key` where it has expired or was revoked, and Denied `network_not_allowed`.
    """
    found = _KEY.find(key_id)
    if found is None or not is_usable_key(at, found.expires_at, found.revoked_at):
        raise invalid_key()
    _require_network(address, found.allowed_networks)
    return _principal(found, found.permission_set, at, key_actor(found.pk), PrincipalKind.KEY, found.pk, None), found


# Asked for at every page of the office, and at every request of the API.
_MEMBER = Kept(
    lambda user_id: Membership.objects.select_related("own_role", "tenant").filter(user_id=user_id).order_by("pk"),
    2**62 + 1,
)
_KEY = Kept(lambda key_id: ApiKey.objects.select_related("tenant").filter(pk=key_id), 2**62 + 1)


def principal_of_staff_session(*, session_id: int, user: User, at: datetime) -> Principal:
    """Somebody of the platform in a staff session in the scope's tenant. Raises Denied `staff_session_ended` where it is over or not theirs."""
    found = StaffSession.objects.select_related("tenant").filter(pk=session_id, user=user).first()
    if (
        found is None
        or not (user.is_active and user.is_platform_staff)
        or found.closed_at is not None
        or not is_within(at, found.opened_at, found.until)
    ):
        raise _ended()
    kind = PrincipalKind.STAFF_SESSION
    return _principal(found, STAFF_SESSION, at, staff_session_actor(found.pk), kind, found.pk, user.pk)


def principal_of_actor(actor: str, *, at: datetime) -> Principal:
    """Whoever has asked for work that is done later, as they are now: what they may no more is not done for them.

    Networks are asked for where it is asked for. Raises Denied `not_a_member`, `invalid_api_key`, `staff_session_ended`.
    """
    kind, _, number = actor.partition(":")
    match kind:
        case PrincipalKind.USER:
            return principal_of_user(user_id=int(number), address=None, at=at)
        case PrincipalKind.KEY:
            return principal_of_key(key_id=int(number), address=None, at=at)[0]
        case PrincipalKind.STAFF_SESSION:
            session = StaffSession.objects.select_related("user").filter(pk=int(number)).first()
            if session is None:
                raise _ended()
            return principal_of_staff_session(session_id=session.pk, user=session.user, at=at)
    return command_line(current_tenant_id(), actor)  # a command, or the program itself


def _principal(
    found: Membership | ApiKey | StaffSession,
    permitted: frozenset[Permission],
    at: datetime,
    actor: str,
    kind: PrincipalKind,
    row_id: int,
    user_id: int | None,
) -> Principal:
    """Somebody, without what is withheld where the operator takes nothing new. `found` has its tenant with it."""
    keep_tenant(found.tenant)
    told = refusal_of(found.tenant, at)
    withheld = frozenset() if told is None else permitted - WITHOUT_WORKING
    return Principal(current_tenant_id(), actor, permitted - withheld, kind, row_id, user_id, withheld, told)


def _ended() -> Denied:
    return Denied("staff_session_ended", "This staff session has ended.", hint="Open another one, with its reason.")


def invalid_key() -> Denied:
    """One error for every key that opens nothing, whatever the reason."""
    return Denied(
        "invalid_api_key",
        "The API key is missing or opens nothing.",
        hint="Send it as `Authorization: Bearer tl_live_…`.",
    )


def _require_network(address: str | None, networks: list[str]) -> None:
    """Work that is done later has no address (None)."""
    if address is not None and not is_from(address, networks):
        raise Denied(
            "network_not_allowed",
            "This cannot be done from your network.",
            hint="Somebody who manages staff or keys here can allow it.",
        )


# Lists and doors of the scope's tenant.


def memberships() -> QuerySet[Membership]:
    """Everybody who works or has worked for the tenant, with person and role, by e-mail."""
    return Membership.objects.select_related("user", "own_role").order_by("user__email")


def members_who_may(permission: Permission, at: datetime) -> list[Membership]:
    """The staff who work here at an instant, can sign in, and have a permission by their role."""
    found = memberships().filter(Q(valid_to=None) | Q(valid_to__gt=at), valid_from__lte=at, user__is_active=True)
    return [each for each in found if permission in each.permission_set]


def access_membership(public_id: UUID) -> Membership:
    """Somebody's membership. Raises NotFound `member_not_found`."""
    found = memberships().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("member_not_found", "There is no such member of staff.")
    return found


def access_membership_of(email: str) -> Membership:
    """The membership of the person of that e-mail address. Raises NotFound `member_not_found`."""
    found = memberships().filter(user__email=normal_email(email)).first()
    if found is None:
        raise NotFound(
            "member_not_found", f"{email!r} does not work here.", hint="`trunkline staff list` shows who does."
        )
    return found


def roles() -> QuerySet[Role]:
    """The tenant's own roles, by name."""
    return Role.objects.order_by("name")


def access_role(public_id: UUID) -> Role:
    """A role of the tenant's own. Raises NotFound `role_not_found`."""
    found = roles().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("role_not_found", "There is no such role.")
    return found


def get_role(name: str) -> BuiltInRole | Role:
    """The role of that name, built in or the tenant's own. Raises NotFound `role_not_found`."""
    built_in = parse_role(name)
    if built_in is not None:
        return built_in
    found = roles().filter(name__iexact=name.strip()).first()
    if found is None:
        own = "".join(f", {role.name}" for role in roles())
        raise NotFound(
            "role_not_found",
            f"There is no role {name!r}.",
            hint=f"There are {', '.join(BuiltInRole)}{own}.",
        )
    return found


def api_keys() -> QuerySet[ApiKey]:
    """All keys of the tenant, the newest first; revoked and expired ones too."""
    return ApiKey.objects.order_by("-id")


def access_key(public_id: UUID) -> ApiKey:
    """A key of the tenant. Raises NotFound `key_not_found`."""
    found = api_keys().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("key_not_found", "There is no such key.")
    return found


def staff_sessions() -> QuerySet[StaffSession]:
    """When and why the platform's staff worked in the tenant's data, the latest first."""
    return StaffSession.objects.select_related("user").order_by("-opened_at", "-id")
