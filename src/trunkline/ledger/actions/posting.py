"""Posting: entries come in as drafts and stay for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from trunkline.core.errors import Conflict, NotFound
from trunkline.core.money import Amount
from trunkline.kit.db.scope import current_tenant_id, require_scope
from trunkline.ledger.actions.locks import lock_funds, share_book, write_funds, writing
from trunkline.ledger.choices import EntryKind, Outcome
from trunkline.ledger.errors import InsufficientFunds
from trunkline.ledger.models import Entry, Resolution
from trunkline.ledger.queries import account_facts
from trunkline.ledger.queries import drafts as read_drafts
from trunkline.ledger.rules import (
    AccountFacts,
    Draft,
    Funds,
    Line,
    check_draft,
    check_part,
    check_reversal,
    differences,
    opposite,
)

INSERT_ENTRIES = """
INSERT INTO ledger_entry (tenant_id, created_at, actor, refusal, key, kind, booked_on, reference, reverses_id, settles_id,
                          is_pending, expires_at, line_count, body_hash)
SELECT %s, %s, %s, %s, e.*
  FROM unnest(%s::text[], %s::text[], %s::date[], %s::text[], %s::bigint[], %s::bigint[],
              %s::boolean[], %s::timestamptz[], %s::smallint[], %s::text[]) AS e
    ON CONFLICT (tenant_id, key) DO NOTHING
RETURNING key, id
"""
INSERT_POSTINGS = """
INSERT INTO ledger_posting (tenant_id, entry_id, position, account_id, amount, currency, booked_on, is_pending)
SELECT %s, p.*
  FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::numeric[], %s::text[], %s::date[], %s::boolean[]) AS p
RETURNING id
"""
INSERT_RESOLUTIONS = """
INSERT INTO ledger_resolution (tenant_id, pending_id, outcome, resolved_at, actor)
SELECT %s, pending_id, %s, %s, %s FROM unnest(%s::bigint[]) AS pending_id ORDER BY pending_id
    ON CONFLICT (tenant_id, pending_id) DO NOTHING
RETURNING id, pending_id
"""


def post(*, key: str, kind: str, booked_on: date, lines: Sequence[Line], reference: str = "", at: datetime) -> Entry:
    """Post one entry, once: sent again with the same body it returns the first one with `is_replay` set.

    Raises what `post_many` raises.
    """
    draft = Draft(key=key, kind=kind, booked_on=booked_on, lines=lines, reference=reference)
    return post_many([draft], at=at)[0]


def reverse(
    *, entry: Entry, key: str, booked_on: date, kind: str = EntryKind.REVERSAL, reference: str = "", at: datetime
) -> Entry:
    """Post the exact opposite of an entry. An entry is reversed once; the reversal can be reversed in turn.

    Raises Conflict `already_reversed`, Invalid `not_reversible`, and what `post_many` raises.
    """
    lines = opposite(read_drafts([entry])[entry.pk].lines)
    draft = Draft(key=key, kind=kind, booked_on=booked_on, lines=lines, reference=reference, reverses_id=entry.pk)
    return post_many([draft], at=at)[0]


def post_many(drafts: Sequence[Draft], *, at: datetime) -> list[Entry]:
    """Post all of these or none; the entries come back in the order of the drafts, those known before with `is_replay` set.

    Afterwards each entry is in the books exactly once, whoever else was sending the same keys. Funds are looked at in the order of
    the drafts. Raises Conflict `key_reused` (the same key with another body), `period_closed`, `account_not_open`,
    `already_reversed`, `already_resolved`, `reservation_expired`, `insufficient_funds` (an `InsufficientFunds`); Invalid and
    NotFound as `rules.check_draft`, `check_reversal` and `check_part` say; Busy `ledger_busy`.
    """
    hashes = _hashes(drafts)
    with writing():
        closed_through = share_book()
        known = _read_known(hashes)
        _require_same_bodies(drafts, hashes, known)
        fresh = {draft.key: draft for draft in drafts if draft.key not in known}
        if fresh:
            accounts = account_facts(line.account_id for draft in fresh.values() for line in draft.lines)
            for draft in fresh.values():
                check_draft(draft, accounts, closed_through)
            related = _read_related(fresh.values())
            _check_related(fresh.values(), related, at)
            claimed = insert_entries(fresh.values(), hashes, at=at)
            if len(claimed) < len(fresh):  # the same keys were being posted by somebody else, who was first
                late = _read_known(key for key in fresh if key not in claimed)
                _require_same_bodies(drafts, hashes, late)
                known |= late
                fresh = {key: draft for key, draft in fresh.items() if key in claimed}
            _write_lines(fresh, claimed, accounts, related, at)
            known |= claimed
    return _in_order(drafts, known)


def _hashes(drafts: Sequence[Draft]) -> dict[str, str]:
    """The body hash by key. Raises Conflict `key_reused` if two drafts of one call share a key and nothing else."""
    found: dict[str, str] = {}
    for draft in drafts:
        body = draft.body_hash()
        if found.setdefault(draft.key, body) != body:
            raise _reused(draft, ["body"])
    return found


def _in_order(drafts: Sequence[Draft], known: Mapping[str, Entry]) -> list[Entry]:
    return [known[draft.key] for draft in drafts]


def _read_known(keys: Iterable[str]) -> dict[str, Entry]:
    found = {entry.key: entry for entry in Entry.objects.filter(key__in=list(keys))}
    for entry in found.values():
        entry.is_replay = True
    return found


def _require_same_bodies(drafts: Iterable[Draft], hashes: Mapping[str, str], known: Mapping[str, Entry]) -> None:
    for draft in drafts:
        entry = known.get(draft.key)
        if entry is None:
            continue
        if entry.body_hash != hashes[draft.key]:
            raise _reused(draft, _differences(entry, draft))
        if entry.refusal:
            raise InsufficientFunds(
                entry.refusal,
                f"Entry {draft.key!r} was refused; its key is spent.",
                hint="Send it under a new key.",
                draft=draft,
                replay=True,
            )


def _differences(entry: Entry, draft: Draft) -> list[str]:
    first = read_drafts([entry])[entry.pk]
    found = differences(first, draft)
    return [name for name in found if name not in ("accounts", "amount")] or ["lines"] if entry.refusal else found


def _reused(draft: Draft, differs: list[str]) -> Conflict:
    return Conflict(
        "key_reused",
        f"The key {draft.key!r} was used for another entry: it differs in {', '.join(differs)}.",
        hint="A key belongs to one request.",
        key=draft.key,
        differs=differs,
    )


@dataclass(frozen=True, slots=True)
class _Related:
    """An entry that drafts reverse or settle."""

    entry: Entry
    draft: Draft


def _read_related(drafts: Iterable[Draft]) -> dict[int, _Related]:
    wanted = {found for draft in drafts for found in (draft.reverses_id, draft.settles_id) if found is not None}
    if not wanted:
        return {}
    entries = list(Entry.objects.filter(pk__in=wanted, refusal=""))
    bodies = read_drafts(entries)
    missing = wanted - bodies.keys()
    if missing:
        raise NotFound("entry_not_found", f"There is no entry {min(missing)}.", entry_id=min(missing))
    return {entry.pk: _Related(entry, bodies[entry.pk]) for entry in entries}


def _check_related(drafts: Iterable[Draft], related: Mapping[int, _Related], at: datetime) -> None:
    if not related:
        return
    for draft in drafts:
        if draft.reverses_id is not None:
            check_reversal(draft, related[draft.reverses_id].draft)
        if draft.settles_id is not None:
            pending = related[draft.settles_id]
            check_part(draft, pending.draft, pending.entry.expires_at, at)
    earlier = Entry.objects.filter(
        reverses_id__in=[draft.reverses_id for draft in drafts if draft.reverses_id], refusal=""
    ).first()
    if earlier is not None:
        raise Conflict("already_reversed", f"The entry was reversed before, by {earlier.key!r}.", by=earlier.key)
    _require_unresolved(draft.settles_id for draft in drafts if draft.settles_id is not None)


def _require_unresolved(pending_ids: Iterable[int]) -> None:
    first = Resolution.objects.filter(pending_id__in=list(pending_ids)).order_by("id").first()
    if first is not None:
        raise Conflict(
            "already_resolved",
            f"The pending entry {first.pending_id} was {first.outcome} at {first.resolved_at}.",
            pending_id=first.pending_id,
            outcome=first.outcome,
        )


def insert_entries(
    drafts: Iterable[Draft], hashes: Mapping[str, str], *, at: datetime, refusal: str = ""
) -> dict[str, Entry]:
    """Claim the keys, in their order, and return the entries whose key was still free, by key."""
    ordered = sorted(
        drafts, key=lambda draft: draft.key
    )  # two callers with the same keys then wait for each other in one direction
    entries = [
        Entry(
            created_at=at,
            actor=require_scope(Entry).actor,
            refusal=refusal,
            key=draft.key,
            kind=str(draft.kind),
            booked_on=draft.booked_on,
            reference=draft.reference,
            reverses_id=draft.reverses_id,
            settles_id=draft.settles_id,
            is_pending=draft.is_pending,
            expires_at=draft.expires_at(at),
            line_count=0 if refusal else len(draft.lines),
            body_hash=hashes[draft.key],
        )
        for draft in ordered
    ]
    names = (
        "key",
        "kind",
        "booked_on",
        "reference",
        "reverses_id",
        "settles_id",
        "is_pending",
        "expires_at",
        "line_count",
        "body_hash",
    )
    columns = [[getattr(entry, name) for entry in entries] for name in names]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_ENTRIES, [current_tenant_id(), at, require_scope(Entry).actor, refusal, *columns])
        ids = dict(cursor.fetchall())
    for entry in entries:
        entry.pk = ids.get(entry.key)
        entry._state.adding = False
    return {entry.key: entry for entry in entries if entry.key in ids}


def _write_lines(
    drafts: Mapping[str, Draft],
    entries: Mapping[str, Entry],
    accounts: Mapping[int, AccountFacts],
    related: Mapping[int, _Related],
    at: datetime,
) -> None:
    """What follows once the keys are ours: resolutions, the look at the funds, the postings."""
    settled = {
        draft.settles_id: related[draft.settles_id].draft for draft in drafts.values() if draft.settles_id is not None
    }
    resolution_id = max((row[0] for row in insert_resolutions(settled, Outcome.POSTED, at=at)), default=0)
    guarded = {account.id for account in accounts.values() if account.no_overdraft}
    if settled:
        guarded |= _guarded(line.account_id for pending in settled.values() for line in pending.lines)
    standing = lock_funds(guarded)
    for draft in drafts.values():
        release = settled.get(draft.settles_id) if draft.settles_id is not None else None
        apply_draft(draft, release, accounts, standing)
    posting_id = _insert_postings(drafts.values(), entries, accounts)
    write_funds(standing, posting_id=posting_id, resolution_id=resolution_id)


def _guarded(account_ids: Iterable[int]) -> set[int]:
    return {account.id for account in account_facts(account_ids).values() if account.no_overdraft}


def apply_draft(
    draft: Draft, release: Draft | None, accounts: Mapping[int, AccountFacts], standing: dict[int, Funds]
) -> None:
    """Move the funds of the guarded accounts in `standing` as the draft says, `release` first. Raises `InsufficientFunds`."""
    if not standing:
        return
    if release is not None:
        for account_id, amounts in _amounts(release.lines, standing).items():
            standing[account_id] = standing[account_id].releasing(amounts)
    for account_id, amounts in _amounts(draft.lines, standing).items():
        before, account = standing[account_id], accounts[account_id]
        after = before.reserving(amounts) if draft.is_pending else before.posting(amounts)
        left = after.available(account.sign)
        # Money that comes in is never refused; what settles was looked at when it was reserved.
        if release is None and left < 0 and left < before.available(account.sign):
            raise InsufficientFunds(
                "insufficient_funds",
                f"Entry {draft.key!r} takes more from {account.code} than the {Amount(before.available(account.sign))} that it can spare.",
                key=draft.key,
                account=account.code,
                available=str(Amount(before.available(account.sign))),
                draft=draft,
            )
        standing[account_id] = after


def _amounts(lines: Iterable[Line], standing: Mapping[int, Funds]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        if line.account_id in standing:
            found[line.account_id].append(line.amount.units)
    return found


def _insert_postings(
    drafts: Iterable[Draft], entries: Mapping[str, Entry], accounts: Mapping[int, AccountFacts]
) -> int:
    """Write the lines in the order of the keys; returns the last id."""
    rows = [
        (
            entries[draft.key].pk,
            position,
            line.account_id,
            str(line.amount),
            accounts[line.account_id].currency,
            draft.booked_on,
            draft.is_pending,
        )
        for draft in sorted(drafts, key=lambda draft: draft.key)
        for position, line in enumerate(draft.ordered_lines, start=1)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    if not columns:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(INSERT_POSTINGS, [current_tenant_id(), *columns])
        return max(row[0] for row in cursor.fetchall())


def insert_resolutions(pending_ids: Iterable[int], outcome: Outcome, *, at: datetime) -> list[tuple[int, int]]:
    """End pending entries, in the order of their ids: (resolution id, pending id) of each. Raises Conflict `already_resolved` if one has ended."""
    wanted = sorted(set(pending_ids))
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_RESOLUTIONS, [current_tenant_id(), outcome.value, at, require_scope(Resolution).actor, wanted]
        )
        made: list[tuple[int, int]] = cursor.fetchall()
    if len(made) < len(wanted):
        _require_unresolved(set(wanted) - {row[1] for row in made})
    return made
