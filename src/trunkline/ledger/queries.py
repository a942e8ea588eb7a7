"""Every read of the books. Dates `to` are exclusive, as everywhere: what is booked before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache, reduce
from hashlib import sha256
from operator import or_
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Collate

from trunkline.core.errors import NotFound
from trunkline.core.money import Amount
from trunkline.kit.db.kept import KeptValues, fetch
from trunkline.kit.db.scope import current_tenant_id
from trunkline.ledger.choices import AccountClass
from trunkline.ledger.models import Book, Entry, LedgerAccount, PeriodClose, Posting
from trunkline.ledger.rules import AccountFacts, Draft, Funds, Line, code_for

# Cache plus what came after it. The cache of an account that may not be overdrawn is written with every entry, under the
# lock of that row, so nothing can have come after.
FUNDS = """
SELECT a.id,
       trunc(100000000 * (coalesce(b.posted, 0) + coalesce(later.posted, 0))),
       trunc(100000000 * (coalesce(b.pending_debit, 0) + coalesce(later.debit, 0) - coalesce(ended.debit, 0))),
       trunc(100000000 * (coalesce(b.pending_credit, 0) + coalesce(later.credit, 0) - coalesce(ended.credit, 0)))
  FROM ledger_account a
  LEFT JOIN ledger_balance b ON b.tenant_id = a.tenant_id AND b.account_id = a.id AND %(cached)s
  LEFT JOIN LATERAL (
       SELECT sum(p.amount) FILTER (WHERE NOT p.is_pending) AS posted,
              sum(p.amount) FILTER (WHERE p.is_pending AND p.amount > 0) AS debit,
              sum(p.amount) FILTER (WHERE p.is_pending AND p.amount < 0) AS credit
         FROM ledger_posting p
        WHERE p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.id > coalesce(b.posting_id, 0)
          AND NOT (a.no_overdraft AND b.id IS NOT NULL)) later ON true
  LEFT JOIN LATERAL (
       SELECT sum(p.amount) FILTER (WHERE p.amount > 0) AS debit, sum(p.amount) FILTER (WHERE p.amount < 0) AS credit
         FROM ledger_posting p
         JOIN ledger_resolution r ON r.tenant_id = p.tenant_id AND r.pending_id = p.entry_id
        WHERE p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.is_pending AND r.id > coalesce(b.resolution_id, 0)
          AND NOT (a.no_overdraft AND b.id IS NOT NULL)) ended ON true
 WHERE a.tenant_id = %(tenant)s AND (%(ids)s::bigint[] IS NULL OR a.id = ANY(%(ids)s))
"""


# The same as far as the books knew at an instant, of what is booked before a day; every posting there was by then is added up.
FUNDS_THEN: Final = """
SELECT p.account_id,
       trunc(100000000 * coalesce(sum(p.amount) FILTER (WHERE NOT p.is_pending), 0)),
       trunc(100000000 * coalesce(sum(p.amount) FILTER (WHERE p.is_pending AND r.id IS NULL AND p.amount > 0), 0)),
       trunc(100000000 * coalesce(sum(p.amount) FILTER (WHERE p.is_pending AND r.id IS NULL AND p.amount < 0), 0))
  FROM ledger_posting p
  JOIN ledger_entry e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
  LEFT JOIN ledger_resolution r ON r.tenant_id = p.tenant_id AND r.pending_id = p.entry_id AND p.is_pending
                               AND (%(as_of)s::timestamptz IS NULL OR r.resolved_at <= %(as_of)s)
 WHERE p.tenant_id = %(tenant)s
   AND (%(as_of)s::timestamptz IS NULL OR e.created_at <= %(as_of)s)
   AND (%(booked_to)s::date IS NULL OR p.booked_on < %(booked_to)s)
 GROUP BY p.account_id
"""


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What stands on an account, debit above zero; `available` is what it can spare, in its own direction."""

    account: AccountFacts
    name: str
    posted: Amount
    pending_debit: Amount
    pending_credit: Amount
    available: Amount

    @property
    def natural(self) -> Amount:
        """The balance as people say it: above zero what is normal for the type of account."""
        return self.posted * self.account.sign

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands on the account, posted or reserved."""
        return not (self.posted or self.pending_debit or self.pending_credit)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting and the balance after it."""

    booked_on: date
    created_at: datetime
    entry_id: int
    key: str
    kind: str
    reference: str
    amount: Amount
    balance: Amount
    account: str = ""  # code of the account that it is on


@dataclass(frozen=True, slots=True)
class Statement:
    """The postings of an account on the days `[start, end)`; opening + sum of lines = closing."""

    account: AccountFacts
    start: date | None
    end: date | None
    opening: Amount
    lines: tuple[StatementLine, ...]
    closing: Amount


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One account in a trial balance: its debits, its credits (both zero or above) and their difference."""

    account: AccountFacts
    debit: Amount
    credit: Amount

    @property
    def balance(self) -> Amount:
        return self.debit - self.credit


_FACTS = ("id", "code", "type", "currency", "no_overdraft", "opened_on", "closed_on")


def account_facts(ids: Iterable[int] | None = None) -> dict[int, AccountFacts]:
    """The accounts of those ids, or all, by id; those that are not there are missing."""
    rows = LedgerAccount.objects.all() if ids is None else LedgerAccount.objects.filter(pk__in=set(ids))
    return {row[0]: AccountFacts(*row) for row in rows.order_by("code").values_list(*_FACTS)}


def find_account(code: str) -> LedgerAccount | None:
    """The account of that code."""
    return LedgerAccount.objects.filter(code=code).first()


def access_account(code: str) -> LedgerAccount:
    """The account of that code. Raises NotFound `ledger_account_not_found`."""
    found = find_account(code)
    if found is None:
        raise NotFound(
            "ledger_account_not_found",
            f"There is no ledger account {code!r}.",
            hint="`trunkline ledger balances` lists them.",
            code=code,
        )
    return found


def ledger_accounts() -> QuerySet[LedgerAccount]:
    """All accounts of the books, by code."""
    return LedgerAccount.objects.order_by("code")


def get_ledger_account(account_id: int) -> LedgerAccount:
    """The account of that id. Raises NotFound `ledger_account_not_found`."""
    found = LedgerAccount.objects.filter(pk=account_id).first()
    if found is None:
        raise NotFound("ledger_account_not_found", f"There is no ledger account {account_id}.", account_id=account_id)
    return found


def own_account(account_class: AccountClass, currency: str) -> LedgerAccount:
    """The tenant's own account of that class in a currency. Raises NotFound; `actions.ensure_chart` makes them."""
    return access_account(code_for(account_class, currency))


def find_entry(key: str) -> Entry | None:
    """The entry of that key, refused ones left out."""
    return Entry.objects.filter(key=key, refusal="").first()


def access_entry(key: str) -> Entry:
    """The entry of that key. Raises NotFound `entry_not_found`."""
    found = find_entry(key)
    if found is None:
        raise NotFound("entry_not_found", f"There is no entry {key!r}.", key=key)
    return found


def entries() -> QuerySet[Entry]:
    """The journal, refused entries left out, the latest first."""
    return Entry.objects.filter(refusal="").order_by("-id")


def get_entry(entry_id: int) -> Entry:
    """The entry of that id. Raises NotFound `entry_not_found`, also for a refused one."""
    found = entries().filter(pk=entry_id).first()
    if found is None:
        raise NotFound("entry_not_found", f"There is no entry {entry_id}.", entry_id=entry_id)
    return found


def postings_of(entry_ids: Iterable[int]) -> dict[int, list[Posting]]:
    """The postings of some entries by entry, in their order, with their accounts."""
    found: dict[int, list[Posting]] = {}
    rows = Posting.objects.filter(entry_id__in=set(entry_ids)).select_related("account")
    for row in rows.order_by("entry_id", "position"):
        found.setdefault(row.entry_id, []).append(row)
    return found


def postings(entry: Entry) -> list[Posting]:
    """The postings of an entry, in their order."""
    return list(Posting.objects.filter(entry=entry).order_by("position"))


def drafts(entries: Sequence[Entry]) -> dict[int, Draft]:
    """What the caller of each entry said, read back from the rows: by entry id."""
    lines: dict[int, list[Line]] = {entry.pk: [] for entry in entries}
    found = Posting.objects.filter(entry_id__in=lines).order_by("entry_id", "position")
    rows: Iterable[tuple[int, int, Any]] = found.values_list("entry_id", "account_id", "amount")
    for entry_id, account_id, amount in rows:
        lines[entry_id].append(Line(account_id, amount))
    return {entry.pk: _draft(entry, lines[entry.pk]) for entry in entries}


def _draft(entry: Entry, lines: Sequence[Line]) -> Draft:
    timeout_s = None
    if entry.is_pending:
        timeout_s = int((entry.expires_at - entry.created_at).total_seconds()) if entry.expires_at else 0
    return Draft(
        key=entry.key,
        kind=entry.kind,
        booked_on=entry.booked_on,
        lines=lines,
        reference=entry.reference,
        reverses_id=entry.reverses_id,
        settles_id=entry.settles_id,
        timeout_s=timeout_s,
    )


def funds(ids: Iterable[int] | None = None, *, cached: bool = True) -> dict[int, Funds]:
    """What stands on the accounts of those ids, or on all; `cached=False` adds up every posting there ever was.

    In units of 10^-8 and without a bound, so that even impossible sums can be looked at.
    """
    wanted = None if ids is None else sorted(set(ids))
    rows = fetch(FUNDS, {"tenant": current_tenant_id(), "ids": wanted, "cached": cached})
    return {row[0]: Funds(*map(int, row[1:])) for row in rows}


def balance(
    account: LedgerAccount | int, *, booked_to: date | None = None, created_to: datetime | None = None
) -> Amount:
    """What stands posted on an account, debit above zero.

    `booked_to` leaves out what is booked on that day or later, `created_to` what the books learned at that instant or later:
    both together answer what was known then. Raises NotFound, Invalid `overflow`.
    """
    account_id = account if isinstance(account, int) else account.pk
    if booked_to is None and created_to is None:
        found = funds([account_id]).get(account_id)
        if found is None:
            raise NotFound(
                "ledger_account_not_found", f"There is no ledger account {account_id}.", account_id=account_id
            )
        return Amount(found.posted)
    return _total(_posted([account_id], booked_to, created_to))


def balances_then(
    ids: Iterable[int], *, booked_to: date | None = None, created_to: datetime | None = None
) -> dict[int, Amount]:
    """What stood posted on the accounts of those ids, by id, as `balance` says it of one."""
    wanted = sorted(set(ids))
    sums = _posted(wanted, booked_to, created_to).values("account_id").annotate(total=Sum("amount"))
    return dict.fromkeys(wanted, Amount.zero()) | {row["account_id"]: row["total"] for row in sums}


def _posted(ids: Sequence[int], booked_to: date | None, created_to: datetime | None) -> QuerySet[Posting]:
    wanted = Q(account_id__in=ids, is_pending=False)
    if booked_to is not None:
        wanted &= Q(booked_on__lt=booked_to)
    if created_to is not None:
        wanted &= Q(entry__created_at__lt=created_to)
    return Posting.objects.filter(wanted)


def _total(rows: QuerySet[Posting]) -> Amount:
    found = rows.aggregate(total=Sum("amount"))["total"]
    return found if found is not None else Amount.zero()


def balances(*, as_of: datetime | None = None, booked_to: date | None = None) -> list[AccountBalance]:
    """Every account with what stands on it, by code; `as_of` an instant what the books knew then, of the accounts that there were.

    `booked_to` leaves out what is booked on that day or later, also of what is reserved. Raises Invalid `overflow`.
    """
    accounts = LedgerAccount.objects.all() if as_of is None else LedgerAccount.objects.filter(created_at__lte=as_of)
    names = dict(accounts.values_list("id", "name"))
    standing = funds() if as_of is None and booked_to is None else _funds_then(as_of, booked_to)
    nothing = Funds(0, 0, 0)
    return [
        account_balance(facts, names[facts.id], standing.get(facts.id, nothing))
        for facts in account_facts(names).values()
    ]


def _funds_then(as_of: datetime | None, booked_to: date | None) -> dict[int, Funds]:
    with connection.cursor() as cursor:
        cursor.execute(FUNDS_THEN, {"tenant": current_tenant_id(), "as_of": as_of, "booked_to": booked_to})
        return {row[0]: Funds(*map(int, row[1:])) for row in cursor.fetchall()}


def account_balance(facts: AccountFacts, name: str, standing: Funds) -> AccountBalance:
    """`standing` as amounts."""
    return AccountBalance(
        account=facts,
        name=name,
        posted=Amount(standing.posted),
        pending_debit=Amount(standing.pending_debit),
        pending_credit=Amount(standing.pending_credit),
        available=Amount(standing.available(facts.sign)),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a statement, and the balance after it: what a page of the following lines begins with."""

    booked_on: date
    created_at: datetime
    entry_id: int
    position: int
    balance: Amount


def statement(account: LedgerAccount, start: date | None = None, end: date | None = None) -> Statement:
    """The account's postings on the days `[start, end)` in the order booked, created, id, each with the balance after it.

    None is no bound. The same whatever order the entries came in, as long as they came at the same instants.
    """
    opening = opening_balance([account.pk], start)
    lines, _ = _statement_lines([account.pk], start, end, None, opening)
    closing = lines[-1].balance if lines else opening
    return Statement(account_facts([account.pk])[account.pk], start, end, opening, tuple(lines), closing)


def opening_balance(ids: Sequence[int], start: date | None) -> Amount:
    """What stood on accounts of one currency together before a day; nothing before there was any."""
    return Amount.zero() if start is None else Amount.total(balances_then(ids, booked_to=start).values())


def statement_page(
    ids: Sequence[int], start: date | None, end: date | None, *, after: Place | None, limit: int | None
) -> tuple[list[StatementLine], Place | None]:
    """Up to so many lines of a statement of accounts of one currency together, the first ones or those after a place; and the place of
    the last, where more follow. None is no limit."""
    opening = after.balance if after is not None else opening_balance(ids, start)
    lines, places = _statement_lines(ids, start, end, after, opening, None if limit is None else limit + 1)
    if limit is None or len(lines) <= limit:
        return lines, None
    return lines[:limit], places[limit - 1]


def _statement_lines(
    ids: Sequence[int],
    start: date | None,
    end: date | None,
    after: Place | None,
    opening: Amount,
    most: int | None = None,
) -> tuple[list[StatementLine], list[Place]]:
    wanted = Q(account_id__in=list(ids), is_pending=False)
    if start is not None:
        wanted &= Q(booked_on__gte=start)
    if end is not None:
        wanted &= Q(booked_on__lt=end)
    if after is not None:
        wanted &= Q(booked_on__gte=after.booked_on) & _beyond(after)
    rows = Posting.objects.filter(wanted).order_by("booked_on", "entry__created_at", "entry_id", "position")
    columns = (
        "booked_on", "entry__created_at", "entry_id", "position", "entry__key", "entry__kind", "entry__reference", "amount", "account__code",
    )  # fmt: skip
    found: Iterable[tuple[Any, ...]] = rows.values_list(*columns)[:most]
    running, lines, places = opening, [], []
    for booked_on, created_at, entry_id, position, key, kind, reference, amount, code in found:
        running += amount
        lines.append(StatementLine(booked_on, created_at, entry_id, key, kind, reference, amount, running, code))
        places.append(Place(booked_on, created_at, entry_id, position, running))
    return lines, places


def _beyond(place: Place) -> Q:
    """What comes after a line in the order of a statement."""
    later_line = Q(entry_id__gt=place.entry_id) | Q(entry_id=place.entry_id, position__gt=place.position)
    later = Q(entry__created_at__gt=place.created_at) | Q(entry__created_at=place.created_at) & later_line
    return Q(booked_on__gt=place.booked_on) | Q(booked_on=place.booked_on) & later


def standing_of(*classes: AccountClass) -> list[dict[str, Amount]]:
    """What stands on all accounts of each class together, debit above zero, by currency; currencies without any are left out."""
    found = _accounts_of(classes).rows()
    standing = funds([account_id for account_id, _, _ in found]) if found else {}
    sums: dict[tuple[str, str], int] = {}
    for account_id, code, currency in found:
        key = (code.partition(":")[0], currency)
        sums[key] = sums.get(key, 0) + standing[account_id].posted
    return [
        {currency: Amount(total) for (of, currency), total in sorted(sums.items()) if of == each and total}
        for each in classes
    ]


@lru_cache(maxsize=8)
def _accounts_of(classes: tuple[AccountClass, ...]) -> KeptValues:
    wanted = reduce(or_, (Q(code__startswith=f"{each}:") for each in classes))
    return KeptValues(lambda: LedgerAccount.objects.filter(wanted).order_by().values_list("id", "code", "currency"))


def trial_balance(*, booked_to: date | None = None) -> dict[str, list[TrialRow]]:
    """Debits and credits of every account that has any, by currency and then by code. In each currency both add up to the same."""
    wanted = Q(is_pending=False) if booked_to is None else Q(is_pending=False, booked_on__lt=booked_to)
    rows = Posting.objects.filter(wanted).values("account_id")
    sums = rows.annotate(debit=Sum("amount", filter=Q(amount__gt=0)), credit=Sum("amount", filter=Q(amount__lt=0)))
    facts = account_facts(row["account_id"] for row in sums)
    zero = Amount.zero()
    found = [TrialRow(facts[row["account_id"]], row["debit"] or zero, -(row["credit"] or zero)) for row in sums]
    result: dict[str, list[TrialRow]] = {}
    for row in sorted(found, key=lambda row: (row.account.currency, row.account.code)):
        result.setdefault(row.account.currency, []).append(row)
    return result


def last_close() -> PeriodClose | None:
    """The latest closing of the books."""
    return PeriodClose.objects.order_by("-closed_through").first()


def closed_through() -> date | None:
    """The last day that takes no more entries, None if no period was closed yet."""
    return Book.objects.values_list("closed_through", flat=True).first()


def seal(after: date | None, through: date) -> tuple[int, str]:
    """Number and SHA-256 of the entries booked after one day and through another: keys, instants and body hashes, in the order of keys.

    A pending entry is among them, a refused one is not: that is no entry, and may be noted when the day is closed.
    """
    wanted = (
        Q(refusal="", booked_on__lte=through)
        if after is None
        else Q(refusal="", booked_on__lte=through, booked_on__gt=after)
    )
    rows = Entry.objects.filter(wanted).order_by(Collate("key", "C"))
    digest, count = sha256(), 0
    for key, created_at, body_hash in rows.values_list("key", "created_at", "body_hash").iterator(chunk_size=5000):
        digest.update(f"{key}\0{created_at.isoformat()}\0{body_hash}\n".encode())
        count += 1
    return count, digest.hexdigest()
