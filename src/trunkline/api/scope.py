"""The scope of a request of the API: opened by its key, inside the view, and closed by the middleware.

Authentication is part of an operation, so the middleware hands it an `Opener`. Whatever ends in an error is rolled back, also a 4xx that
was answered by a handler, which Django would commit.
"""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from django.db import transaction

from trunkline.tenancy.scope import scope

if TYPE_CHECKING:
    from trunkline.identity.principal import Principal


class Opener:
    """Opens the scope of the tenant of a request once it is known, and closes it with the request."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.principal: Principal | None = None
        self._is_open = False

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def enter(self, principal: Principal) -> None:
        """Open the scope of whoever asks, for the rest of the request."""
        self.principal = principal
        self._stack.enter_context(scope(principal.tenant_id, principal.actor))
        self._is_open = True

    def roll_back(self) -> None:
        """Have nothing of what the request has written stay."""
        if self._is_open:
            transaction.set_rollback(True)
