"""Writes of second factors beyond what people do to their own."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from trunkline.identity.rules import FACTOR_PURPOSE, NO_TENANT
from trunkline.kit.secrets import is_stale, open_sealed, seal

SEALED = ("secret", "seed")  # of TOTP; of recovery codes


def reseal_second_factors() -> int:
    """Seal the secrets of second factors under the newest key, so that older keys can go; how many were. Safe to do again.

    Raises `Unavailable` (`secret_key_missing`) and `Invalid` (`secret_damaged`) where one does not open.
    """
    resealed = 0
    with transaction.atomic():
        for factor in Authenticator.objects.select_for_update().order_by("pk"):
            stale = [name for name in SEALED if is_stale(factor.data.get(name, ""))]
            for name in stale:
                secret = open_sealed(factor.data[name], tenant_id=NO_TENANT, purpose=FACTOR_PURPOSE)
                factor.data[name] = seal(secret, tenant_id=NO_TENANT, purpose=FACTOR_PURPOSE)
            if stale:
                factor.save(update_fields=["data"])
                resealed += 1
    return resealed
