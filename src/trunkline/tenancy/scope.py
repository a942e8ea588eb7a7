"""`tenancy.scope`: the only way to a tenant's rows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from trunkline.kit.db.scope import Scope, ScopeError, current_scope, current_tenant_id
from trunkline.kit.db.scope import scope as _scope
from trunkline.tenancy.models import Tenant

__all__ = ["Scope", "ScopeError", "current_scope", "current_tenant_id", "scope"]


def scope(
    tenant: Tenant | int,
    actor: str,
    *,
    reason: str = "",
    snapshot: bool = False,
    context: Mapping[str, object] | None = None,
) -> AbstractContextManager[Scope]:
    """Work inside one tenant's data; see `kit.db.scope.scope`. `actor` is `cli:<user>`, `system`, `key:<id>` and so on."""
    tenant_id = tenant.pk if isinstance(tenant, Tenant) else tenant
    return _scope(tenant_id, actor, reason=reason, snapshot=snapshot, context=context)
