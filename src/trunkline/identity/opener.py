"""The scope of a request whose principal is known only inside its view: the API, where a key says which tenant it is.

A middleware hands an opener to the request and closes it; the authentication enters with it.

    with Opener() as request.tl_scope:
        response = get_response(request)
        if response.status_code >= 500:
            request.tl_scope.rollback()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType

from django.db import DatabaseError, transaction

from trunkline.core.errors import Denied
from trunkline.identity.actions.keys import note_key_use
from trunkline.identity.principal import Principal, key_actor
from trunkline.identity.queries import find_key_ids, invalid_key, principal_of_key
from trunkline.identity.rules import is_use_to_be_noted
from trunkline.kit.logs import log
from trunkline.tenancy.scope import scope


class Opener:
    """One scope, opened inside and closed by whoever made the opener; what must be true whatever becomes of it is done afterwards."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._afterwards: list[Callable[[], object]] = []
        self._is_open = False
        self.entered: tuple[int, str] | None = None  # tenant and actor of the scope that is or was open

    def __enter__(self) -> Opener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._is_open = False
            self._stack.__exit__(kind, error, trace)
        finally:
            for work in self._afterwards:
                try:
                    work()
                except DatabaseError as failure:  # the request itself has been answered
                    log("afterwards_failed", level="warning", error=type(failure).__name__)

    @property
    def is_open(self) -> bool:
        """Whether a scope is open."""
        return self._is_open

    def enter(self, tenant_id: int, actor: str, *, context: Mapping[str, object] | None = None) -> None:
        """Open the scope, for the rest of the request. Raises `RuntimeError` where it was opened before."""
        if self._is_open:
            raise RuntimeError("a request has one scope")
        self._stack.enter_context(scope(tenant_id, actor, context=context))
        self._is_open, self.entered = True, (tenant_id, actor)

    def rollback(self) -> None:
        """Let nothing stay of what was written inside; for every answer that says that it was not done."""
        if self._is_open:
            transaction.set_rollback(True)

    def close(self) -> None:
        """End the scope before the request ends: what is written inside is committed, unless `rollback` was said."""
        self._is_open = False
        self._stack.close()

    def afterwards(self, work: Callable[[], object]) -> None:
        """Do `work` when the scope has ended, whether or not it was rolled back; it opens a scope of its own."""
        self._afterwards.append(work)


def enter_with_key(
    opener: Opener, text: str, *, address: str, at: datetime, context: Mapping[str, object] | None = None
) -> Principal:
    """Open the scope of the tenant that a key belongs to, as that key. Its use is noted afterwards, also where nothing else stays.

    Raises Denied `invalid_api_key`, the same for absent, expired and revoked keys, and Denied `network_not_allowed`.
    """
    found = find_key_ids(text)
    if found is None:
        raise invalid_key()
    tenant_id, key_id = found
    opener.enter(tenant_id, key_actor(key_id), context=context)
    try:
        principal, key = principal_of_key(key_id=key_id, address=address, at=at)
    except Denied:
        opener.rollback()
        raise
    if is_use_to_be_noted(at, key.last_used_at):

        def note() -> None:
            with scope(tenant_id, key_actor(key_id)):
                note_key_use(key_id=key_id, address=address, at=at)

        opener.afterwards(note)
    return principal
