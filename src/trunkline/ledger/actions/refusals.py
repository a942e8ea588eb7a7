"""A key that was refused stays refused: whoever retries it must not get a yes because money has come in since."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

from trunkline.ledger.actions.locks import share_book, writing
from trunkline.ledger.actions.posting import insert_entries
from trunkline.ledger.errors import InsufficientFunds
from trunkline.ledger.models import Entry
from trunkline.ledger.rules import Draft
from trunkline.tenancy.scope import scope


def refuse(*, draft: Draft, refusal: str, at: datetime) -> Entry | None:
    """Spend the key of a draft that was refused; None if an entry of that key is there already, which then stands.

    Inside a scope of its own: the one that was refused is rolled back, and with it everything that was written there.
    """
    with writing():
        share_book()
        return insert_entries([draft], {draft.key: draft.body_hash()}, at=at, refusal=refusal).get(draft.key)


@contextlib.contextmanager
def keep_refusals(tenant_id: int, actor: str, *, at: datetime) -> Iterator[None]:
    """Put around a scope: when it ends for want of funds, the key is spent in a second scope and the error goes on.

    with keep_refusals(tenant_id, actor, at=at), scope(tenant_id, actor):
        post(...)
    """
    try:
        yield
    except InsufficientFunds as error:
        if not error.context.get("replay"):
            with scope(tenant_id, actor):
                refuse(draft=error.draft, refusal=error.code, at=at)
        raise
