"""Who asks: API keys, the permission of each operation, and what a request is held against before its operation begins."""

from __future__ import annotations

from typing import Any, Final

from ninja.security import HttpBearer

from trunkline.api import idempotency, limits
from trunkline.identity.opener import Opener, enter_with_key
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal
from trunkline.identity.queries import invalid_key
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

    def __call__(self, request: Any) -> Principal:
        scheme, _, token = request.headers.get(self.header, "").partition(" ")
        if scheme.lower() != self.openapi_scheme:
            raise invalid_key()
        return self.authenticate(request, token.strip())

    def authenticate(self, request: Any, token: str) -> Principal:
        """The principal, who is on the request from then on. Raises Denied `invalid_api_key`, `rate_limited`, `permission_missing`."""
        said = {"address": request.META["REMOTE_ADDR"], "at": now(), "context": _context(request)}
        request.tl_asking = request.tl_scope
        if self._spools:
            with Opener() as brief:
                request.tl_asking = brief
                principal = enter_with_key(brief, token, **said)
        else:
            principal = enter_with_key(request.tl_scope, token, **said)
        request.principal = principal
        limits.count(request, principal)
        principal.require(self.permission)
        if request.method in REPEATABLE and not self._spools:
            idempotency.begin(request, principal)
        return principal


def begin(request: Any, *, body_hash: str | None = None) -> None:
    """Open the scope of a request that spooled its body first; with the SHA-256 of that body its idempotency key counts.

    Raises as `idempotency.begin` does.
    """
    principal: Principal = request.principal
    request.tl_scope.enter(principal.tenant_id, principal.actor, context=_context(request))
    if body_hash is not None and request.method in REPEATABLE:
        idempotency.begin(request, principal, body_hash=body_hash)


def _context(request: Any) -> dict[str, object]:
    """What the history says of a change besides the actor."""
    return {"url": request.path, "address": request.META["REMOTE_ADDR"], "request_id": request.request_id}
