"""The books: accounts and what stands on them, statements, the journal, the trial balance. Debit is above zero, credit below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from ninja import Query, Router
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Day, RowId, answers, page_of
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.ledger import queries
from trunkline.ledger.choices import AccountType, EntryKind
from trunkline.ledger.models import Entry, LedgerAccount, Posting
from trunkline.parties.queries import ledger_account_ids

router = Router(tags=["ledger"])

STATEMENT_LIMIT: Final = 200
STATEMENT_LIMIT_MAX: Final = 1000


class LedgerAccountShown(Body):
    """A place where value stands, and what stands there."""

    id: int
    code: str = Field(description="What it is for and whose it is.", examples=["receivable:acme"])
    name: str
    type: AccountType
    currency: str
    opened_on: date | None
    closed_on: date | None
    balance: str = Field(description="Posted; debit above zero, credit below.")
    pending_debit: str | None = Field(description="Reserved and not yet posted; null of an earlier time.")
    pending_credit: str | None
    available: str | None = Field(description="What it can spare, in its own direction; null of an earlier time.")


class PostingShown(Body):
    """One line of an entry."""

    account_id: int
    account: str
    amount: str = Field(description="Debit above zero, credit below.")
    currency: str


class EntryShown(Body):
    """Something that happened, as postings that add up to zero in every currency. Never changed, never deleted."""

    id: int
    key: str = Field(description="Made by who posted it, so that what is sent twice is booked once.")
    kind: EntryKind
    booked_on: date = Field(description="The day that it counts for.")
    created_at: datetime = Field(description="When the books learned of it.")
    actor: str
    reference: str
    reverses_id: int | None
    settles_id: int | None = Field(description="The pending entry that it posts, in whole or in part.")
    is_pending: bool = Field(description="Whether it only reserves.")
    expires_at: datetime | None
    postings: list[PostingShown]


class StatementLineShown(Body):
    """One posting and the balance after it."""

    booked_on: date
    created_at: datetime
    entry_id: int
    key: str
    kind: EntryKind
    reference: str
    account: str = Field(description="The account of the books that it is on.")
    amount: str
    balance: str


# `from` is a word of Python, so classes that have it are made by a call.
_ASKED: Final[dict[str, Any]] = {
    "from": (Day | None, Field(default=None, description="First day.")),
    "to": (Day | None, Field(default=None, description="Day after the last.")),
    "limit": (int, Field(default=STATEMENT_LIMIT, ge=1, le=STATEMENT_LIMIT_MAX)),
    "cursor": (str | None, Field(default=None, description="`next_cursor` of the page before.")),
}
StatementAsked: Any = create_model("StatementAsked", __base__=Body, __doc__="Which part of a statement.", **_ASKED)
_STATEMENT: Final[dict[str, Any]] = {
    "account_id": (int, ...),
    "account": (str, ...),
    "currency": (str, ...),
    "from": (date | None, ...),
    "to": (date | None, Field(description="The first day after it.")),
    "opening": (str, Field(description="What stood there before the first day.")),
    "closing": (str, Field(description="What stands there after the last; opening and all lines.")),
    "data": (list[StatementLineShown], ...),
    "has_more": (bool, ...),
    "next_cursor": (str | None, Field(description="Give it as `cursor` for the lines that follow; null at the end.")),
}
StatementShown: Any = create_model(
    "StatementShown", __base__=Body, __doc__="The postings of an account, page by page.", **_STATEMENT
)


class TrialRow(Body):
    """One account in a trial balance."""

    account_id: int
    account: str
    type: AccountType
    debit: str
    credit: str
    balance: str


class TrialCurrency(Body):
    """The accounts of a currency. Debits and credits add up to the same."""

    currency: str
    debit: str
    credit: str
    accounts: list[TrialRow]


class TrialBalance(Body):
    """Debits and credits of every account that has any, by currency and code."""

    booked_to: date | None
    data: list[TrialCurrency]


def _accounts(rows: Sequence[LedgerAccount], options: Mapping[str, Any]) -> Iterator[LedgerAccountShown]:
    """A page of accounts, with what stands on all of them asked at once."""
    ids = [row.pk for row in rows]
    if options:
        then = queries.balances_then(ids, booked_to=options.get("booked_to"), created_to=options.get("as_of"))
        for row in rows:
            yield _account(row, balance=str(then[row.pk]), pending_debit=None, pending_credit=None, available=None)
        return
    standing, facts = queries.funds(ids), queries.account_facts(ids)
    for row in rows:
        now = queries.account_balance(facts[row.pk], row.name, standing[row.pk])
        yield _account(
            row,
            balance=str(now.posted),
            pending_debit=str(now.pending_debit),
            pending_credit=str(now.pending_credit),
            available=str(now.available),
        )


def _account(row: LedgerAccount, **standing: str | None) -> LedgerAccountShown:
    return LedgerAccountShown(
        id=row.pk,
        code=row.code,
        name=row.name,
        type=AccountType(row.type),
        currency=row.currency,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
        **standing,  # type: ignore[arg-type]
    )


def _of_party(_: str, public_id: UUID) -> Q:
    return Q(pk__in=ledger_account_ids(public_id))


BEFORE: Final = {
    "booked_to": listing.Option(
        date.fromisoformat, listing.DAY, "Balances without what is booked on that day or later."
    ),
    "as_of": listing.Option(
        listing.read_instant, listing.INSTANT, "Balances without what the books learned at that instant or later."
    ),
}
ACCOUNTS = listing.Listing(
    schema=LedgerAccountShown,
    page=_accounts,
    sorts={"code": "code", "id": "id"},
    filters={
        "code": listing.text("code", prefix=True),
        "type": listing.choice("type", AccountType),
        "currency": listing.text("currency"),
        "account_id": listing.Filter(
            "id",
            UUID,
            {"type": "string", "format": "uuid"},
            where=_of_party,
            description="Only the ledger accounts of this customer or vendor.",
        ),
    },
    options=BEFORE,
)


def _entries(rows: Sequence[Entry], _: Mapping[str, Any]) -> Iterator[EntryShown]:
    """A page of the journal, with the postings of all entries read at once."""
    postings = queries.postings_of(row.pk for row in rows)
    for row in rows:
        yield _entry(row, postings.get(row.pk, []))


def _entry(row: Entry, postings: Sequence[Posting]) -> EntryShown:
    return EntryShown(
        id=row.pk,
        key=row.key,
        kind=EntryKind(row.kind),
        booked_on=row.booked_on,
        created_at=row.created_at,
        actor=row.actor,
        reference=row.reference,
        reverses_id=row.reverses_id,
        settles_id=row.settles_id,
        is_pending=row.is_pending,
        expires_at=row.expires_at,
        postings=[
            PostingShown(
                account_id=each.account_id,
                account=each.account.code,
                amount=str(each.amount),
                currency=each.currency,
            )
            for each in postings
        ],
    )


def _touching(_: str, account_id: int) -> Q:
    return Q(pk__in=Posting.objects.filter(account_id=account_id).values("entry_id"))


ENTRIES = listing.Listing(
    schema=EntryShown,
    page=_entries,
    default="-id",
    filters={
        "kind": listing.choice("kind", EntryKind),
        "key": listing.text("key"),
        "reference": listing.text("reference"),
        "booked_on": listing.day("booked_on"),
        "created_at": listing.instant("created_at"),
        "is_pending": listing.boolean("is_pending"),
        "ledger_account_id": listing.Filter(
            "id",
            listing.read_number,
            {"type": "integer"},
            where=_touching,
            description="Only entries with a posting on this account of the books.",
        ),
    },
)


@router.get(
    "/accounts",
    auth=ApiKey(Permission.LEDGER_READ),
    response=answers(page_of(LedgerAccountShown)),
    openapi_extra={"parameters": ACCOUNTS.parameters},
)
def list_ledger_accounts(request: HttpRequest) -> JsonResponse:
    """List the accounts of the books and what stands on them, now or then."""
    return ACCOUNTS.answer(request, queries.ledger_accounts())


@router.get(
    "/accounts/{ledger_account_id}", auth=ApiKey(Permission.LEDGER_READ), response=answers(LedgerAccountShown, 404)
)
def get_ledger_account(request: HttpRequest, ledger_account_id: RowId) -> Any:
    """An account of the books and what stands on it."""
    (found,) = _accounts([queries.get_ledger_account(ledger_account_id)], {})
    return found


@router.get(
    "/accounts/{ledger_account_id}/statement",
    auth=ApiKey(Permission.LEDGER_READ),
    response=answers(StatementShown, 404),
)
def get_statement(
    request: HttpRequest,
    ledger_account_id: RowId,
    asked: Query[StatementAsked],
) -> Any:
    """The postings of an account on some days, in their order, each with the balance after it."""
    listing.refuse_unknown(request, StatementAsked.model_fields)
    account = queries.get_ledger_account(ledger_account_id)
    start, end = getattr(asked, "from"), asked.to
    bound = listing.binding(request.path, "", {"from": str(start), "to": str(end)})
    after = read_place(listing.read_cursor(asked.cursor, bound))
    lines, last = queries.statement_page([account.pk], start, end, after=after, limit=asked.limit)
    return StatementShown(
        **{"from": start},
        to=end,
        account_id=account.pk,
        account=account.code,
        currency=account.currency,
        opening=str(queries.opening_balance([account.pk], start)),
        closing=str(queries.balance(account, booked_to=end)),
        data=[statement_line(each) for each in lines],
        has_more=last is not None,
        next_cursor=None if last is None else statement_cursor(bound, last),
    )


def statement_line(line: queries.StatementLine) -> StatementLineShown:
    return StatementLineShown(
        booked_on=line.booked_on,
        created_at=line.created_at,
        entry_id=line.entry_id,
        key=line.key,
        kind=EntryKind(line.kind),
        reference=line.reference,
        account=line.account,
        amount=str(line.amount),
        balance=str(line.balance),
    )


def statement_cursor(bound: str, last: queries.Place) -> str:
    place = [
        last.booked_on.isoformat(),
        last.created_at.isoformat(),
        last.entry_id,
        last.position,
        str(last.balance),
    ]
    return listing.make_cursor(bound, place)


def read_place(said: list[Any] | None) -> queries.Place | None:
    if said is None:
        return None
    booked_on, created_at, entry_id, position, balance = said
    return queries.Place(
        date.fromisoformat(booked_on),
        datetime.fromisoformat(created_at),
        entry_id,
        position,
        Amount.from_text(balance),
    )


@router.get(
    "/entries",
    auth=ApiKey(Permission.LEDGER_READ),
    response=answers(page_of(EntryShown)),
    openapi_extra={"parameters": ENTRIES.parameters},
)
def list_entries(request: HttpRequest) -> JsonResponse:
    """List the journal, the latest entry first."""
    return ENTRIES.answer(request, queries.entries())


@router.get("/entries/{entry_id}", auth=ApiKey(Permission.LEDGER_READ), response=answers(EntryShown, 404))
def get_entry(request: HttpRequest, entry_id: RowId) -> Any:
    """An entry of the journal with its postings."""
    (found,) = _entries([queries.get_entry(entry_id)], {})
    return found


@router.get("/trial-balance", auth=ApiKey(Permission.LEDGER_READ), response=answers(TrialBalance))
def get_trial_balance(
    request: HttpRequest,
    booked_to: Annotated[Day | None, Field(description="Without what is booked on that day or later.")] = None,
) -> Any:
    """Debits and credits of every account, by currency."""
    found = queries.trial_balance(booked_to=booked_to)
    return TrialBalance(booked_to=booked_to, data=[_of_currency(code, rows) for code, rows in found.items()])


def _of_currency(currency: str, rows: Sequence[queries.TrialRow]) -> TrialCurrency:
    return TrialCurrency(
        currency=currency,
        debit=str(Amount.total(row.debit for row in rows)),
        credit=str(Amount.total(row.credit for row in rows)),
        accounts=[
            TrialRow(
                account_id=row.account.id,
                account=row.account.code,
                type=AccountType(row.account.type),
                debit=str(row.debit),
                credit=str(row.credit),
                balance=str(row.balance),
            )
            for row in rows
        ],
    )
