"""What surrounds every request of the API: its scope, its kept answer, its headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from trunkline.api import idempotency
from trunkline.api.limits import Allowance
from trunkline.api.scope import Opener
from trunkline.kit.clock import now

PREFIX: Final = "/api/"


class ApiScopeMiddleware:
    """Gives each request of the API an `Opener` and closes it; an answer of an error leaves nothing written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PREFIX):
            return self._get_response(request)
        with Opener() as opener:
            request.tl_scope = opener  # type: ignore[attr-defined]
            response = self._get_response(request)
            if response.status_code >= 500:
                opener.roll_back()
            elif opener.principal is not None:
                idempotency.keep(request, response, at=now())
        idempotency.keep_outcome(request, response, opener.principal, at=now())
        allowance: Allowance | None = getattr(request, "tl_allowance", None)
        if allowance is not None:
            response["RateLimit-Limit"] = str(allowance.limit)
            response["RateLimit-Remaining"] = str(allowance.remaining)
            response["RateLimit-Reset"] = str(allowance.reset_s)
        response["Cache-Control"] = "no-store"
        return response
