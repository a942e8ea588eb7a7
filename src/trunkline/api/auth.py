"""Who asks: API keys, the permission of each operation, and what a request is held against before its operation begins."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from ninja.security import HttpBearer

from trunkline.api import idempotency, limits
from trunkline.api.problems import invalid_key
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal
from trunkline.identity.queries import find_key_principal
from trunkline.kit.clock import now

REPEATABLE: Final = frozenset({"POST", "PATCH"})


class ApiKey(HttpBearer):
    """A key of a tenant that has the permission of the operation.

    The permission is asked before anything is looked up, and the operation runs in the tenant's scope. `spools`: the operation takes a large
    body, for which no transaction is held open; it opens the scope itself (`begin`) once the body is there.
    """

    def __init__(self, permission: Permission, *, spools: bool = False) -> None:
        super().__init__()
        self.permission = permission
        self._spools = spools

    def authenticate(self, request: HttpRequest, token: str) -> Principal:
        principal = find_key_principal(token, address=request.META.get("REMOTE_ADDR", ""), at=now())
        if principal is None:
            raise invalid_key()
        limits.count(request, principal)
        principal.require(self.permission)
        if self._spools:
            return principal
        begin(request, principal)
        if request.method in REPEATABLE:
            idempotency.begin(request, principal)
        return principal


def begin(request: HttpRequest, principal: Principal) -> None:
    """Open the scope of the request."""
    opener: Any = request.tl_scope  # type: ignore[attr-defined]
    opener.enter(principal)
