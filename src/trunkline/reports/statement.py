"""The statement of a customer's or vendor's account: what was booked on some days, with the balance before, after each line and at the end.

What it owes us is above zero, what we owe it below. Amounts are those of the books, to their last digit.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TextIO

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.ledger import queries
from trunkline.ledger.queries import Place, StatementLine
from trunkline.parties.models import Account
from trunkline.reports.export import XLSX_DIGITS_MAX, XLSX_ROWS_MAX, safe_text

COLUMNS: Final = ("booked_on", "kind", "reference", "book", "debit", "credit", "balance", "currency")
_MONEY: Final = frozenset({"debit", "credit", "balance"})


class Books(StrEnum):
    """Which of an account's books a statement goes through."""

    INVOICED = "invoiced"  # documents, and what was paid of them
    UNBILLED = "unbilled"  # usage until it stands on a document
    ALL = "all"  # both

    def of(self, account: Account) -> list[int]:
        """The accounts of the ledger that these are, by id."""
        invoiced = [account.receivable_id, account.payable_id]
        unbilled = [account.unbilled_receivable_id, account.unbilled_payable_id]
        return {Books.INVOICED: invoiced, Books.UNBILLED: unbilled, Books.ALL: invoiced + unbilled}[self]


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """A statement, or a page of one: `opening` is the balance before the first day, `closing` after the last, whatever page it is."""

    account: Account
    books: Books
    start: date | None
    end: date | None
    opening: Amount
    lines: list[StatementLine]
    closing: Amount
    following: Place | None = None  # what the next page begins after


def read_statement(
    account: Account,
    *,
    books: Books = Books.INVOICED,
    start: date | None = None,
    end: date | None = None,
    after: Place | None = None,
    limit: int | None = None,
) -> AccountStatement:
    """The statement of an account for the days `[start, end)`, None for no bound. Raises Invalid `period_order`."""
    if start is not None and end is not None and end <= start:
        raise Invalid("period_order", f"From {start} until before {end} there is no day.", field="end")
    ids = books.of(account)
    opening = queries.opening_balance(ids, start)
    lines, following = queries.statement_page(ids, start, end, after=after, limit=limit)
    is_whole = after is None and following is None
    closing = (
        (lines[-1].balance if lines else opening)
        if is_whole
        else Amount.total(queries.balances_then(ids, booked_to=end).values())
    )
    return AccountStatement(account, books, start, end, opening, lines, closing, following)


def _rows(statement: AccountStatement) -> Iterator[dict[str, Any]]:
    """A row for each line, between the balances at both ends. Amounts are `Amount`, everything else is text."""
    currency = statement.account.currency
    yield _end("opening", statement.start, statement.opening, currency)
    for line in statement.lines:
        side, amount = ("debit", line.amount) if line.amount.units >= 0 else ("credit", -line.amount)
        yield {
            "booked_on": line.booked_on.isoformat(),
            "kind": line.kind,
            "reference": line.reference or line.key,
            "book": line.account,
            side: amount,
            "balance": line.balance,
            "currency": currency,
        }
    yield _end("closing", statement.end, statement.closing, currency)


def _end(kind: str, day: date | None, balance: Amount, currency: str) -> dict[str, Any]:
    return {"booked_on": day.isoformat() if day else "", "kind": kind, "balance": balance, "currency": currency}


def write_csv(statement: AccountStatement, stream: TextIO) -> None:
    """The statement as CSV. Text that a spreadsheet would take for a formula stays text."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in _rows(statement):
        writer.writerow(
            [str(row.get(name, "")) if name in _MONEY else safe_text(row.get(name, "")) for name in COLUMNS]
        )


def xlsx(statement: AccountStatement, *, at: datetime) -> bytes:
    """The statement as a workbook, made at that instant. Amounts are numbers wherever a spreadsheet can hold all their digits.

    Raises Invalid `too_many_rows` where a sheet cannot hold it.
    """
    import xlsxwriter

    if len(statement.lines) + 3 > XLSX_ROWS_MAX:
        raise Invalid("too_many_rows", f"A sheet cannot hold {len(statement.lines)} lines.", hint="Take CSV.")
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as workbook:
        workbook.set_properties({"title": f"Statement {statement.account.code}", "created": at.replace(tzinfo=None)})
        sheet = workbook.add_worksheet("Statement")
        bold = workbook.add_format({"bold": True})
        money = workbook.add_format({"num_format": "#,##0.00######"})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(COLUMNS) - 1, 18)
        for place, name in enumerate(COLUMNS):
            sheet.write_string(0, place, name.replace("_", " ").capitalize(), bold)
        for number, row in enumerate(_rows(statement), 1):
            for place, name in enumerate(COLUMNS):
                value = row.get(name, "")
                if isinstance(value, Amount) and _fits(value):
                    # A Decimal is written with its own digits; it never becomes a float here.
                    sheet.write_number(number, place, Decimal(str(value)), money)
                elif value != "":
                    sheet.write_string(number, place, str(value))
    return out.getvalue()


def _fits(amount: Amount) -> bool:
    return len(str(amount).strip("-").replace(".", "").strip("0")) <= XLSX_DIGITS_MAX
