"""Reads of tenants. What must come before a scope goes through functions of the owner that return ids only."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from trunkline.core.errors import NotFound
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.scope import require_scope
from trunkline.tenancy import rules
from trunkline.tenancy.models import Tenant

KEPT = "tenant"


def find_tenant_id(slug_or_name: str) -> int | None:
    """Id of the tenant of that slug or name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id_by_name(%s)", [slug_or_name])
        (found,) = cursor.fetchone()
    return found


def get_tenant_id(slug_or_name: str) -> int:
    """Id of the tenant of that slug or name. Raises `NotFound` (`tenant_not_found`)."""
    found = find_tenant_id(slug_or_name)
    if found is None:
        raise NotFound(
            "tenant_not_found", f"There is no tenant {slug_or_name!r}.", hint="`trunkline tenant list` shows them."
        )
    return found


def tenant_ids() -> list[int]:
    """Ids of all tenants, ascending."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_all_ids()")
        return [row[0] for row in cursor.fetchall()]


def current_tenant() -> Tenant:
    """The tenant of the open scope, read once: every line of a list asks for its zone. Whoever changes it calls `forget_tenant`."""
    scope = require_scope(Tenant)
    found: Tenant | None = scope.kept.get(KEPT)
    if found is None:
        found = scope.kept[KEPT] = _BY_ID.find(scope.tenant_id)
    if found is None:
        raise Tenant.DoesNotExist
    return found


def keep_tenant(tenant: Tenant) -> None:
    """Let `current_tenant` be this one: the row of the open scope's tenant, which was read with another."""
    scope = require_scope(Tenant)
    if tenant.pk == scope.tenant_id:
        scope.kept.setdefault(KEPT, tenant)


def is_working(at: datetime) -> bool:
    """Whether the open scope's tenant takes new things: it is not suspended, and its trial, if it is on one, has not ended."""
    return rules.is_working(current_tenant(), at)


def require_working(at: datetime) -> None:
    """Raise Denied `trial_ended` or `tenant_suspended` where the open scope's tenant takes nothing new."""
    rules.require_working(current_tenant(), at)


def forget_tenant() -> None:
    """Let `current_tenant` read it anew: it was changed in this scope."""
    require_scope(Tenant).kept.pop(KEPT, None)


_BY_ID = Kept(lambda tenant_id: Tenant.objects.filter(pk=tenant_id), 2**62 + 1)
