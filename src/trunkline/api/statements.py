"""Statements of accounts of customers and vendors: what was booked, with the balance before, after each line and at the end."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.ledger import (
    STATEMENT_LIMIT,
    STATEMENT_LIMIT_MAX,
    StatementLineShown,
    read_place,
    statement_cursor,
    statement_line,
)
from trunkline.api.shapes import Body, Day, Id, answers
from trunkline.identity.permissions import Permission
from trunkline.parties.queries import access_account
from trunkline.reports.statement import Books, read_statement

router = Router(tags=["accounts"])

# `from` is a word of Python, so classes that have it are made by a call.
_ASKED: Final[dict[str, Any]] = {
    "books": (
        Books,
        Field(
            default=Books.INVOICED,
            description="`invoiced`: documents and payments; `unbilled`: usage until it is on a document; or `all`.",
        ),
    ),
    "from": (Day | None, Field(default=None, description="First day.")),
    "to": (Day | None, Field(default=None, description="Day after the last.")),
    "limit": (int, Field(default=STATEMENT_LIMIT, ge=1, le=STATEMENT_LIMIT_MAX)),
    "cursor": (str | None, Field(default=None, description="`next_cursor` of the page before.")),
}
AccountStatementAsked: Any = create_model(
    "AccountStatementAsked", __base__=Body, __doc__="Which part of which statement.", **_ASKED
)
_STATEMENT: Final[dict[str, Any]] = {
    "account_id": (UUID, ...),
    "account": (str, Field(description="Short name of the account.")),
    "currency": (str, ...),
    "books": (Books, ...),
    "from": (date | None, ...),
    "to": (date | None, Field(description="The first day after it.")),
    "opening": (str, Field(description="What it owed us before the first day; below zero: we owed it.")),
    "closing": (str, Field(description="What it owes us after the last; opening and all lines.")),
    "data": (list[StatementLineShown], ...),
    "has_more": (bool, ...),
    "next_cursor": (str | None, Field(description="Give it as `cursor` for the lines that follow; null at the end.")),
}
AccountStatementShown: Any = create_model(
    "AccountStatementShown",
    __base__=Body,
    __doc__="What was booked of a customer or vendor, page by page.",
    **_STATEMENT,
)


@router.get(
    "/{account_id}/statement",
    auth=ApiKey(Permission.LEDGER_READ),
    response=answers(AccountStatementShown, 404),
)
def get_account_statement(request: HttpRequest, account_id: Id, asked: Query[AccountStatementAsked]) -> Any:
    """What was booked of an account on some days, each line with the balance after it. What it owes us is above zero."""
    listing.refuse_unknown(request, AccountStatementAsked.model_fields)
    account = access_account(account_id)
    start, end = getattr(asked, "from"), asked.to
    bound = listing.binding(request.path, asked.books, {"from": str(start), "to": str(end)})
    after = read_place(listing.read_cursor(asked.cursor, bound))
    found = read_statement(account, books=asked.books, start=start, end=end, after=after, limit=asked.limit)
    return AccountStatementShown(
        **{"from": start},
        to=end,
        account_id=account.public_id,
        account=account.code,
        currency=account.currency,
        books=asked.books,
        opening=str(found.opening),
        closing=str(found.closing),
        data=[statement_line(each) for each in found.lines],
        has_more=found.following is not None,
        next_cursor=None if found.following is None else statement_cursor(bound, found.following),
    )
