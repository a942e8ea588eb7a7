"""What surrounds every operation of the API inside its scope: the kept answer, and the headers that all answers have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from trunkline.api import idempotency
from trunkline.api.limits import Allowance
from trunkline.kit.clock import now

PREFIX: Final = "/api/"
JSON: Final = ("application/json", "application/problem+json")


class AnswerMiddleware:
    """Stands inside the scope: what it keeps of an answer is written in the transaction of the effect."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        response = self._get_response(request)
        if not request.path.startswith(PREFIX):
            return response
        idempotency.keep(request, response, at=now())
        allowance: Allowance | None = getattr(request, "tl_allowance", None)
        if allowance is not None:
            response["RateLimit-Limit"] = str(allowance.limit)
            response["RateLimit-Remaining"] = str(allowance.remaining)
            response["RateLimit-Reset"] = str(allowance.reset_s)
        response["Cache-Control"] = "no-store"
        if (
            response.get("Content-Type", "").partition(";")[0] in JSON
        ):  # nobody's browser takes it for a page, whatever stands in it
            response.headers.setdefault("Content-Disposition", 'attachment; filename="api.json"')
        return response
