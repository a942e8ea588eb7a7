"""The proof of the books: every invariant looked at again, from the rows alone, trusting nothing that should have held it.

Rooms above add invariants of their own (`ledger.invariants`), such as "what is used and not yet billed is what stands on the accounts".
Failures are values, not exceptions, so that one check says everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from trunkline.kit.db.scope import current_tenant_id
from trunkline.ledger.choices import AccountClass, EntryKind
from trunkline.ledger.invariants import Invariant, Proof, Prove, register_invariant, registered
from trunkline.ledger.models import Balance, Book, Entry, PeriodClose
from trunkline.ledger.queries import account_facts, drafts, funds, seal
from trunkline.ledger.rules import MOVES
from trunkline.tenancy.scope import scope

CHUNK = 1000
OVERDUE = timedelta(hours=1)  # the job that expires reservations runs every minute
TABLES = ("ledger_entry", "ledger_posting", "ledger_resolution", "ledger_period_close")
TRIGGERS = (
    *(f"{table}_append_only" for table in TABLES),
    "ledger_entry_whole",
    "ledger_posting_whole",
    "ledger_entry_days",
    "ledger_posting_days",
    "ledger_account_fixed",
    "ledger_book_forward",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant after the check."""

    name: str
    statement: str
    counts: Mapping[str, int]
    problems: tuple[str, ...] = ()
    problem_count: int = 0

    @property
    def holds(self) -> bool:
        return self.problem_count == 0

    @property
    def checked(self) -> str:
        """What was looked at: `12,000 entries, 24,000 postings`."""
        return ", ".join(f"{count:,} {what}" for what, count in self.counts.items())


_own_names: set[str] = set()


def invariants() -> list[Invariant]:
    """All of them: the ledger's own first, then those of the rooms above."""
    return sorted(registered(), key=lambda invariant: invariant.name not in _own_names)


def check(*, at: datetime) -> list[Finding]:
    """Look at every invariant of the tenant whose scope is open; a finding each.

    Inside `scope(..., snapshot=True)` all of them see one moment.
    """
    found = []
    for invariant in invariants():
        proof = invariant.prove(at)
        found.append(Finding(invariant.name, invariant.statement, proof.counts, proof.problems, proof.problem_count))
    return found


def check_tenant(tenant_id: int, actor: str, *, at: datetime) -> list[Finding]:
    """`check` in a scope of its own that sees one moment of the books, whatever is being posted meanwhile."""
    with scope(tenant_id, actor, snapshot=True):
        return check(at=at)


def _own(name: str, statement: str) -> Callable[[Prove], Prove]:
    def register(prove: Prove) -> Prove:
        register_invariant(name, statement, prove)
        _own_names.add(name)
        return prove

    return register


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": current_tenant_id()} | values)
        return cursor.fetchall()


def _count(what: str) -> int:
    return int(_rows(f"SELECT count(*) FROM {what}")[0][0])


@_own("zero_sum", "The lines of every entry add up to zero in every currency.")
def _zero_sum(at: datetime) -> Proof:
    rows = _rows(
        "SELECT e.key, p.currency, sum(p.amount) FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id "
        "GROUP BY e.id, e.key, p.currency HAVING sum(p.amount) <> 0 ORDER BY e.id"
    )
    counts = {"entries": _count("ledger_entry WHERE refusal = ''"), "postings": _count("ledger_posting")}
    return Proof.of(counts, (f"{key}: {total} {currency} is left" for key, currency, total in rows))


@_own("whole_entries", "Every entry has exactly the lines it was made with, at least two; a refused one has none.")
def _whole_entries(at: datetime) -> Proof:
    rows = _rows(
        "SELECT e.key, e.line_count, count(p.id) FROM ledger_entry e LEFT JOIN ledger_posting p ON p.entry_id = e.id GROUP BY e.id "
        "HAVING count(p.id) <> e.line_count OR (e.refusal = '') <> (count(p.id) >= 2) ORDER BY e.id"
    )
    orphans = _rows(
        "SELECT id FROM ledger_posting p WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.id = p.entry_id) ORDER BY id"
    )
    problems = [f"{key}: {found} lines instead of {expected}" for key, expected, found in rows]
    problems += [f"posting {row[0]} has no entry" for row in orphans]
    return Proof.of({"entries": _count("ledger_entry")}, problems)


@_own("global_zero", "All postings of all accounts together are zero in every currency, posted and pending.")
def _global_zero(at: datetime) -> Proof:
    rows = _rows(
        "SELECT currency, is_pending, sum(amount) FROM ledger_posting GROUP BY currency, is_pending ORDER BY currency, is_pending"
    )
    problems = (
        f"{currency}: {total} {'pending' if pending else 'posted'} is left"
        for currency, pending, total in rows
        if total
    )
    return Proof.of({"currencies": len({row[0] for row in rows})}, problems)


@_own("bodies", "Every entry still says what its caller said: the hash of its body is the one that was kept.")
def _bodies(at: datetime) -> Proof:
    counted = 0

    def problems() -> Iterator[str]:
        nonlocal counted
        for entries in _entries():
            bodies = drafts(entries)
            counted += len(entries)
            yield from (
                f"{entry.key}: changed after it was posted"
                for entry in entries
                if bodies[entry.pk].body_hash() != entry.body_hash
            )

    proof = Proof.of({}, problems())
    return Proof({"entries": counted}, proof.problems, proof.problem_count)


def _entries() -> Iterator[list[Entry]]:
    last = 0
    while entries := list(Entry.objects.filter(refusal="", pk__gt=last).order_by("pk")[:CHUNK]):
        yield entries
        last = entries[-1].pk


@_own("keys", "No key was used for two entries.")
def _keys(at: datetime) -> Proof:
    rows = _rows("SELECT key, count(*) FROM ledger_entry GROUP BY key HAVING count(*) > 1 ORDER BY key")
    return Proof.of({"keys": _count("ledger_entry")}, (f"{key}: {count} entries" for key, count in rows))


@_own(
    "append_only",
    "The program's role cannot change or remove what is posted, and the triggers that stop everybody else are on.",
)
def _append_only(at: datetime) -> Proof:
    rights = _rows(
        "SELECT t, r FROM unnest(%(tables)s::text[]) t, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) r "
        "WHERE has_table_privilege('trunkline_app', 'public.' || t, r) ORDER BY t, r",
        tables=list(TABLES),
    )
    present = {
        row[0]
        for row in _rows(
            "SELECT tgname FROM pg_trigger WHERE tgname = ANY(%(names)s) AND tgenabled IN ('O', 'A') AND NOT tgisinternal",
            names=list(TRIGGERS),
        )
    }
    problems = [f"trunkline_app may {right} {table}" for table, right in rights]
    problems += [f"trigger {name} is missing or off" for name in TRIGGERS if name not in present]
    return Proof.of({"tables": len(TABLES), "triggers": len(TRIGGERS)}, problems)


@_own("resolutions", "A pending entry ends once; what was posted of it is no more than it reserved and came in time.")
def _resolutions(at: datetime) -> Proof:
    ends = _rows(
        """
        SELECT p.key, p.is_pending, count(DISTINCT r.id), min(r.outcome), count(DISTINCT s.id), bool_or(s.created_at >= p.expires_at)
          FROM ledger_entry p
          LEFT JOIN ledger_resolution r ON r.pending_id = p.id
          LEFT JOIN ledger_entry s ON s.settles_id = p.id AND s.refusal = ''
         WHERE r.id IS NOT NULL OR s.id IS NOT NULL
         GROUP BY p.id
        HAVING NOT p.is_pending OR count(DISTINCT r.id) <> 1 OR (min(r.outcome) = 'posted')::int <> count(DISTINCT s.id)
            OR coalesce(bool_or(s.created_at >= p.expires_at), false)
         ORDER BY p.id
        """
    )
    parts = _rows(
        """
        WITH part AS (SELECT s.settles_id, s.key, p.account_id, p.amount > 0 AS is_debit, sum(abs(p.amount)) AS total
                        FROM ledger_entry s JOIN ledger_posting p ON p.entry_id = s.id
                       WHERE s.settles_id IS NOT NULL GROUP BY s.id, p.account_id, p.amount > 0)
        SELECT part.key FROM part
         WHERE part.total > coalesce((SELECT sum(abs(p.amount)) FROM ledger_posting p WHERE p.entry_id = part.settles_id
                                         AND p.account_id = part.account_id AND (p.amount > 0) = part.is_debit), 0)
         ORDER BY part.key
        """
    )
    problems = [
        f"{key}: {'pending' if pending else 'not pending'}, {ended} resolutions ({outcome}), posted {posted} times, {'late' if late else 'in time'}"
        for key, pending, ended, outcome, posted, late in ends
    ]
    problems += [f"{row[0]}: takes more than was reserved" for row in parts]
    return Proof.of(
        {
            "pending entries": _count("ledger_entry WHERE is_pending AND refusal = ''"),
            "resolutions": _count("ledger_resolution"),
        },
        problems,
    )


@_own("overdue", "No reservation has outlived its time by more than an hour.")
def _overdue(at: datetime) -> Proof:
    rows = _rows(
        "SELECT key, expires_at FROM ledger_entry e WHERE is_pending AND refusal = '' AND expires_at <= %(late)s "
        "AND NOT EXISTS (SELECT 1 FROM ledger_resolution r WHERE r.pending_id = e.id) ORDER BY expires_at, id",
        late=at - OVERDUE,
    )
    open_now = _count(
        "ledger_entry e WHERE is_pending AND refusal = '' AND NOT EXISTS (SELECT 1 FROM ledger_resolution r WHERE r.pending_id = e.id)"
    )
    return Proof.of(
        {"open reservations": open_now},
        (f"{key}: ended at {expires_at} and still reserves" for key, expires_at in rows),
    )


@_own("no_overdraft", "Accounts that may not be overdrawn can spare nothing below zero.")
def _no_overdraft(at: datetime) -> Proof:
    guarded = {facts.id: facts for facts in account_facts().values() if facts.no_overdraft}
    standing = funds(guarded, cached=False) if guarded else {}
    low = ((guarded[i].code, found.available(guarded[i].sign)) for i, found in sorted(standing.items()))
    return Proof.of({"accounts": len(guarded)}, (f"{code}: {units} units of 10^-8" for code, units in low if units < 0))


@_own("cache", "Balances read through the cache are those added up from every posting.")
def _cache(at: datetime) -> Proof:
    cached, added_up = funds(), funds(cached=False)
    codes = {facts.id: facts.code for facts in account_facts().values()}
    problems = (
        f"{codes[i]}: {cached[i]} cached, {added_up[i]} added up" for i in sorted(added_up) if cached[i] != added_up[i]
    )
    return Proof.of({"accounts": len(added_up), "cached": Balance.objects.count()}, problems)


@_own("currency", "Every account has one currency, and every posting on it is in that currency.")
def _currency(at: datetime) -> Proof:
    rows = _rows(
        "SELECT a.code, a.currency, p.currency, count(*) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id "
        "WHERE p.currency <> a.currency GROUP BY a.code, a.currency, p.currency ORDER BY a.code"
    )
    problems = (f"{code}: {count} postings in {other} instead of {currency}" for code, currency, other, count in rows)
    return Proof.of({"accounts": _count("ledger_account"), "postings": _count("ledger_posting")}, problems)


@_own("copies", "Every posting has its entry's day and phase and its account.")
def _copies(at: datetime) -> Proof:
    rows = _rows(
        "SELECT p.id FROM ledger_posting p LEFT JOIN ledger_entry e ON e.id = p.entry_id LEFT JOIN ledger_account a ON a.id = p.account_id "
        "WHERE e.booked_on IS DISTINCT FROM p.booked_on OR e.is_pending IS DISTINCT FROM p.is_pending OR a.id IS NULL ORDER BY p.id"
    )
    return Proof.of({"postings": _count("ledger_posting")}, (f"posting {row[0]}" for row in rows))


@_own("moves", "Every entry touches only accounts that its kind may touch.")
def _moves(at: datetime) -> Proof:
    rows = _rows(
        "SELECT e.kind, o.kind, split_part(a.code, ':', 1), count(*), min(e.key) FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id "
        "JOIN ledger_account a ON a.id = p.account_id LEFT JOIN ledger_entry o ON o.id = e.reverses_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    problems = (
        f"{kind} touches {account_class} {count} times, first in {key}"
        for kind, original, account_class, count, key in rows
        if not _may_touch(kind, original, account_class)
    )
    return Proof.of({"combinations": len(rows)}, problems)


def _may_touch(kind: str, original: str | None, account_class: str) -> bool:
    known = kind in set(EntryKind) and account_class in set(AccountClass)
    if not known or (kind == EntryKind.REVERSAL and original is None):
        return False
    return AccountClass(account_class) in MOVES[EntryKind(kind)]


@_own("reversals", "What was reversed was reversed once, by its exact opposite.")
def _reversals(at: datetime) -> Proof:
    rows = _rows(
        """
        SELECT e.key FROM ledger_entry e JOIN ledger_entry o ON o.id = e.reverses_id
         WHERE e.refusal = ''
           AND (e.line_count <> o.line_count OR EXISTS (
                SELECT account_id, amount FROM ledger_posting WHERE entry_id = e.id
                EXCEPT ALL SELECT account_id, -amount FROM ledger_posting WHERE entry_id = o.id))
         UNION ALL
        SELECT min(key) FROM ledger_entry WHERE refusal = '' AND reverses_id IS NOT NULL GROUP BY reverses_id HAVING count(*) > 1
        """
    )
    count = _count("ledger_entry WHERE reverses_id IS NOT NULL AND refusal = ''")
    return Proof.of({"reversals": count}, (f"{row[0]} is not the one opposite of what it reverses" for row in rows))


@_own("open_accounts", "Accounts were used only between their first day and their close.")
def _open_accounts(at: datetime) -> Proof:
    rows = _rows(
        "SELECT a.code, min(p.booked_on), max(p.booked_on) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id "
        "WHERE p.booked_on < a.opened_on OR p.booked_on >= a.closed_on GROUP BY a.code ORDER BY a.code"
    )
    dated = _count("ledger_account WHERE opened_on IS NOT NULL OR closed_on IS NOT NULL")
    problems = (f"{code}: used from {first} to {last}" for code, first, last in rows)
    return Proof.of({"accounts with limits": dated}, problems)


@_own("closed_periods", "Closed periods hold the entries they were sealed with, no more, no fewer and no others.")
def _closed_periods(at: datetime) -> Proof:
    closes = list(PeriodClose.objects.order_by("closed_through"))
    problems = []
    after: date | None = None
    for close in closes:
        count, digest = seal(after, close.closed_through)
        if (count, digest) != (close.entry_count, close.seal):
            problems.append(
                f"through {close.closed_through}: {count} entries, {close.entry_count} were sealed, or they differ"
            )
        after = close.closed_through
    book = Book.objects.first()
    if (book.closed_through if book else None) != after:
        problems.append(
            f"the books say closed through {book.closed_through if book else None}, the last close is {after}"
        )
    return Proof.of({"closes": len(closes), "sealed entries": sum(close.entry_count for close in closes)}, problems)
