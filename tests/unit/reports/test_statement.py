"""Statements as files: what a spreadsheet would run is text, and every digit of an amount is there."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

from trunkline.core.money import Amount
from trunkline.ledger.queries import StatementLine
from trunkline.reports.statement import AccountStatement, Books, write_csv, xlsx

AT = datetime(2026, 4, 2, tzinfo=UTC)
numbers = count(1)


def line(reference: str, amount: str, balance: str) -> StatementLine:
    amounts = Amount.from_text(amount), Amount.from_text(balance)
    return StatementLine(date(2026, 3, 31), AT, next(numbers), "key", "invoice", reference, *amounts, "receivable:acme")


def statement(*lines: StatementLine, closing: str) -> AccountStatement:
    account: Any = SimpleNamespace(code="acme", currency="USD")
    opening, closing_amount = Amount.from_text("-1.5"), Amount.from_text(closing)
    return AccountStatement(account, Books.INVOICED, None, None, opening, list(lines), closing_amount)


def rows(made: AccountStatement) -> list[list[str]]:
    out = io.StringIO()
    write_csv(made, out)
    return list(csv.reader(io.StringIO(out.getvalue())))[1:]


def test_a_cell_that_looks_like_a_formula_is_text_and_an_amount_below_zero_is_none() -> None:
    made = statement(line("=cmd|' /C calc'!A1", "-2.00000001", "-3.50000001"), closing="-3.50000001")
    assert rows(made) == [
        ["", "opening", "", "", "", "", "-1.5", "USD"],
        ["2026-03-31", "invoice", "'=cmd|' /C calc'!A1", "receivable:acme", "", "2.00000001", "-3.50000001", "USD"],
        ["", "closing", "", "", "", "", "-3.50000001", "USD"],
    ]


def test_a_workbook_has_numbers_where_all_digits_fit_and_no_formulas() -> None:
    from python_calamine import CalamineWorkbook

    made = statement(
        line("@SUM(1)", "0.5", "-1"),
        line("", "12345678901.12345678", "12345678900.12345678"),
        closing="12345678900.12345678",
    )
    found = CalamineWorkbook.from_filelike(io.BytesIO(xlsx(made, at=AT))).get_sheet_by_index(0).to_python()
    assert found[0] == ["Booked on", "Kind", "Reference", "Book", "Debit", "Credit", "Balance", "Currency"]
    assert [row[2:7] for row in found[1:]] == [
        ["", "", "", "", -1.5],
        ["@SUM(1)", "receivable:acme", 0.5, "", -1.0],
        ["key", "receivable:acme", "12345678901.12345678", "", "12345678900.12345678"],
        ["", "", "", "", "12345678900.12345678"],
    ]
