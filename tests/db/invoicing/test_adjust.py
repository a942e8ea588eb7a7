"""Adjustments of issued documents: what a re-rating makes of the next one, and what its records say."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pypdf
import pytest

from tests.db.invoicing.books import AT, Books, Call, changed
from tests.db.invoicing.test_issue import (
    APRIL,
    MARCH,
    as_csv,
    balances,
    issue,
    lines_of,
    refusal,
    require_everything_holds,
)
from trunkline.core.period import DatePeriod
from trunkline.invoicing.models import Invoice, InvoiceLine
from trunkline.kit.home import home
from trunkline.ledger import actions as ledger
from trunkline.ledger.checks import check_tenant
from trunkline.parties.models import BillingProfile
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Batch

FEBRUARY = DatePeriod(date(2026, 2, 1), date(2026, 3, 1))
MAY = DatePeriod(date(2026, 5, 1), date(2026, 6, 1))
NAIROBI, SAFARICOM = "Kenya Fixed Nairobi", "Kenya Mobile Safaricom"
DEAR = Call("2026-03-10 08:00:00", NAIROBI, "nairobi", 60, 60, "5.00", key="dear")
OTHER = Call("2026-03-10 09:00:00", NAIROBI, "nairobi", 120, 120, "0.06", key="other")
MOBILE = Call("2026-03-11 08:00:00", SAFARICOM, "safaricom", 61, 61, "0.01270833", key="mobile")
LATE = Call("2026-03-10 10:00:00", NAIROBI, "nairobi", 30, 30, "2.50", key="late")


@pytest.fixture
def cheap(books: Books) -> Books:
    """The books, with a lower price to Nairobi that a re-rating finds."""
    books.rate("cheap", NAIROBI, "0:0.01/60/1")
    return books


def rerate(books: Books, old: list[Call], new: list[Call], *superseded: Batch, **given: Any) -> Batch:
    return books.batch(*new, takes_back=old, supersedes=superseded, **given)


def to_cheap(*calls: Call, amount: str = "0.01") -> list[Call]:
    return [changed(call, rate="cheap", amount=amount) for call in calls]


def shown(books: Books, invoice: Invoice) -> list[tuple[Any, ...]]:
    """Kind, destination, calls and exact amount before, of the difference, and the amount of each line."""
    with scope(books.tenant, "test"):
        return [
            (
                line.kind,
                line.destination,
                line.before_calls,
                None if line.before_exact is None else str(line.before_exact),
                line.calls,
                str(line.exact),
                str(line.amount),
            )
            for line in InvoiceLine.objects.filter(invoice=invoice).order_by("number")
        ]


def attached(invoice: Invoice) -> list[tuple[Any, ...]]:
    """Line, what changed, price and amount before and now of each record; the CSV says the same."""
    rows = pq.read_table(home() / invoice.parquet_path).to_pylist()
    with (home() / invoice.csv_path).open(encoding="utf-8", newline="") as handle:
        assert list(csv.DictReader(handle)) == [as_csv(row) for row in rows]
    names = ("line", "change", "price_before", "amount_before", "price", "amount")
    return [tuple(str(value) if isinstance(value := row[name], Decimal) else value for name in names) for row in rows]


def require_lines_are_their_records(books: Books, invoice: Invoice) -> None:
    rows = pq.read_table(home() / invoice.parquet_path).to_pylist()
    with scope(books.tenant, "test"):
        for line in InvoiceLine.objects.filter(invoice=invoice):
            own = [row for row in rows if row["line"] == line.number]
            assert sum(row["amount"] - (row["amount_before"] or 0) for row in own) == line.exact.to_decimal()
            assert sum(row["billed"] - (row["billed_before"] or 0) for row in own) == line.billed


def test_an_adjustment_says_what_was_billed_what_it_should_be_and_the_difference(cheap: Books) -> None:
    batch = cheap.batch(DEAR, OTHER, MOBILE)
    first = issue(cheap).invoice
    rerate(cheap, [DEAR], to_cheap(DEAR), batch, carried=[(OTHER, batch), (MOBILE, batch)])
    cheap.batch(Call("2026-04-05 10:00:00", NAIROBI, "cheap", 60, 60, "0.01"))
    second = issue(cheap, APRIL).invoice
    assert shown(cheap, second) == [
        ("usage", NAIROBI, None, None, 1, "0.01", "0.01"),
        ("adjustment", NAIROBI, 2, "5.06", 0, "-4.99", "-4.99"),
    ]
    with scope(cheap.tenant, "test"):
        line = InvoiceLine.objects.get(invoice=second, kind="adjustment")
        assert (line.corrects_id, line.period_from, line.period_to) == (first.pk, date(2026, 3, 1), date(2026, 4, 1))
        assert (line.before_terms, line.terms) == ("0.03/min, 1/1", "0.01/min, 1/1; 0.03/min, 1/1")
        assert (line.before_billed, line.billed, line.tax_percent) == (180, 0, None)
    assert attached(second) == [
        (1, "", "", None, "0.01/min, 1/1", "0.01000000"),
        (2, "changed", "0.03/min, 1/1", "5.00000000", "0.01/min, 1/1", "0.01000000"),
    ]
    assert (second.kind, second.records) == ("credit_note", 2)
    require_lines_are_their_records(cheap, second)
    require_everything_holds(cheap)


@pytest.mark.parametrize("names_the_rerating", [False, True], ids=["own batch", "the re-rating"])
def test_records_that_a_rerating_leaves_as_they_are_count_as_before(cheap: Books, names_the_rerating: bool) -> None:
    first, late = cheap.batch(DEAR, OTHER), None
    issue(cheap)
    late = cheap.batch(LATE)
    rerating = rerate(cheap, [DEAR], to_cheap(DEAR), first)
    # It touches the late file's segment for the sake of others and writes it anew around it.
    with scope(cheap.tenant, "test"):
        assert rerating.pk > late.pk
    other = rerate(cheap, [], [], rerating, late)
    with scope(cheap.tenant, "test"):
        carried = [(to_cheap(DEAR)[0], rerating), (OTHER, first), (LATE, late)]
        cheap._write_segments(
            other, cheap.account, [], [(call, other if names_the_rerating else source) for call, source in carried]
        )
    second = issue(cheap, APRIL).invoice
    assert shown(cheap, second) == [("adjustment", NAIROBI, 2, "5.06", 1, "-2.49", "-2.49")]
    assert attached(second) == [
        (1, "changed", "0.03/min, 1/1", "5.00000000", "0.01/min, 1/1", "0.01000000"),
        (1, "added", "", "0.00000000", "0.03/min, 1/1", "2.50000000"),
    ]
    require_lines_are_their_records(cheap, second)
    require_everything_holds(cheap)
