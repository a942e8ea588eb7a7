"""Writes of API keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from trunkline.core.errors import Conflict, Invalid
from trunkline.identity.keys import draw_key
from trunkline.identity.models import NAME_LENGTH, ApiKey
from trunkline.identity.permissions import NOT_FOR_KEYS, Permission, parse_permissions
from trunkline.identity.principal import Principal
from trunkline.identity.rules import KEY_USE_EVERY, parse_networks
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.secrets import Secret


def create_key(
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    allowed_networks: Sequence[str] = (),
    by: Principal,
    at: datetime,
) -> tuple[ApiKey, Secret]:
    """Make a key of the scope's tenant: its row, and the key itself, which nobody can say again.

    Raises Denied (`permission_missing`, `beyond_own_permissions`) and Invalid (`bad_name`, `bad_expiry`, `bad_network`, `unknown_permission`,
    `not_for_keys`, `no_scopes`).
    """
    by.require(Permission.KEYS_MANAGE)
    wanted = parse_permissions(scopes)
    by.require_all_of(wanted)
    if wanted & NOT_FOR_KEYS:
        raise Invalid(
            "not_for_keys",
            f"No key may do this: {', '.join(sorted(wanted & NOT_FOR_KEYS))}.",
            hint="People and keys are let in by people.",
        )
    if not wanted:
        raise Invalid("no_scopes", "A key without scopes opens nothing.", hint="Name at least one permission.")
    if expires_at is not None and expires_at <= at:
        raise Invalid("bad_expiry", "The key would have expired already.", hint="Give a later instant, or none.")
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid("bad_name", f"A key's name has 1 to {NAME_LENGTH} printable characters: say what it is for.")
    drawn = draw_key()
    made = ApiKey.objects.create(
        name=name,
        hash=drawn.hash,
        last_four=drawn.last_four,
        scopes=sorted(wanted),
        allowed_networks=parse_networks(allowed_networks),
        created_at=at,
        created_by=by.actor,
        expires_at=expires_at,
    )
    return made, Secret(drawn.text)


def revoke_key(*, key_id: int, by: Principal, at: datetime) -> ApiKey:
    """Let a key open nothing from now on, for ever. Raises Denied `permission_missing`, Conflict `already_revoked`."""
    by.require(Permission.KEYS_MANAGE)
    (key,) = lock_rows(ApiKey.objects.all(), [key_id])
    if key.revoked_at is not None:
        raise Conflict("already_revoked", f"{key} is revoked already.")
    key.revoked_at = at
    key.save(update_fields=["revoked_at"])
    return key


def note_key_use(*, key_id: int, address: str, at: datetime) -> bool:
    """Write down when and from where a key was used, at most once a minute: whether it was."""
    is_due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=at - KEY_USE_EVERY)
    return bool(ApiKey.objects.filter(is_due, pk=key_id).update(last_used_at=at, last_used_from=address or None))
