"""Two phases: an entry that only reserves, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from trunkline.core.errors import Conflict, Invalid
from trunkline.ledger.actions.locks import lock_funds, share_book, write_funds, writing
from trunkline.ledger.actions.posting import insert_resolutions, post_many
from trunkline.ledger.choices import Outcome
from trunkline.ledger.models import Entry, Resolution
from trunkline.ledger.queries import account_facts
from trunkline.ledger.queries import drafts as read_drafts
from trunkline.ledger.rules import Draft, Line


def reserve(
    *,
    key: str,
    kind: str,
    booked_on: date,
    lines: Sequence[Line],
    timeout_s: int = 0,
    reference: str = "",
    at: datetime,
) -> Entry:
    """Post a pending entry: it takes from what accounts can spare and adds to nothing, until it is settled, voided or expires.

    `timeout_s` seconds after `at` it can no longer be settled; 0 is never. Raises what `post_many` raises.
    """
    draft = Draft(key=key, kind=kind, booked_on=booked_on, lines=lines, reference=reference, timeout_s=timeout_s)
    return post_many([draft], at=at)[0]


def settle(
    *, pending: Entry, key: str, booked_on: date, lines: Sequence[Line] | None = None, reference: str = "", at: datetime
) -> Entry:
    """Post all of a pending entry, or the part that `lines` say, and release the rest.

    Sent again under the same key it returns the first result. Raises Conflict `already_resolved`, `reservation_expired`,
    Invalid `exceeds_pending`, `not_pending`, and what `post_many` raises.
    """
    taken = read_drafts([pending])[pending.pk].lines if lines is None else lines
    draft = Draft(
        key=key, kind=pending.kind, booked_on=booked_on, lines=taken, reference=reference, settles_id=pending.pk
    )
    return post_many([draft], at=at)[0]


def void(*, pending: Entry, at: datetime) -> Resolution:
    """Release all of a pending entry. Voiding it again returns the first resolution with `is_replay` set.

    Raises Conflict `already_resolved` if it was posted or has expired, Invalid `not_pending`.
    """
    if not pending.is_pending:
        raise Invalid("not_pending", f"Entry {pending.key!r} is not pending.", key=pending.key)
    with writing():
        try:
            return _release([pending], Outcome.VOIDED, at=at)[0]
        except Conflict:
            first = Resolution.objects.get(pending=pending)
            if first.outcome != Outcome.VOIDED:
                raise
    first.is_replay = True
    return first


def expire_due(*, at: datetime, limit: int = 1000) -> list[Resolution]:
    """Release pending entries whose time is over, the oldest first, up to `limit` of them. Safe to run as often as one likes."""
    with writing():
        due = Entry.objects.filter(is_pending=True, refusal="", expires_at__lte=at)
        ended = Resolution.objects.values("pending_id")
        return _release(list(due.exclude(pk__in=ended).order_by("expires_at", "id")[:limit]), Outcome.EXPIRED, at=at)


def _release(entries: Sequence[Entry], outcome: Outcome, *, at: datetime) -> list[Resolution]:
    share_book()
    made = insert_resolutions((entry.pk for entry in entries), outcome, at=at)
    if not made:
        return []
    lines = [line for draft in read_drafts(entries).values() for line in draft.lines]
    accounts = account_facts(line.account_id for line in lines)
    standing = lock_funds(account.id for account in accounts.values() if account.no_overdraft)
    for line in lines:
        if line.account_id in standing:
            standing[line.account_id] = standing[line.account_id].releasing([line.amount.units])
    write_funds(standing, resolution_id=max(row[0] for row in made))
    return list(Resolution.objects.filter(pk__in=[row[0] for row in made]).order_by("id"))
