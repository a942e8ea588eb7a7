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
    return [tuple(f"{value:f}" if isinstance(value := row[name], Decimal) else value for name in names) for row in rows]


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


@pytest.mark.parametrize(
    "names_the_rerating", [False, True], ids=["the batch they came in", "the re-rating that wrote them"]
)
def test_records_that_a_rerating_leaves_as_they_are_count_as_before(cheap: Books, names_the_rerating: bool) -> None:
    first = cheap.batch(DEAR, OTHER)
    issue(cheap)
    late = cheap.batch(LATE)
    rerating = rerate(cheap, [DEAR], to_cheap(DEAR), first, carried=[(OTHER, None if names_the_rerating else first)])
    # For the sake of another account both segments are written anew.
    own: list[tuple[Call, Batch]] = [(to_cheap(DEAR)[0], rerating), (OTHER, first), (LATE, late)]
    carried = [(call, None if names_the_rerating else batch) for call, batch in own]
    rerate(cheap, [], [], rerating, late, carried=carried)
    second = issue(cheap, APRIL).invoice
    assert shown(cheap, second) == [("adjustment", NAIROBI, 2, "5.06", 1, "-2.49", "-2.49")]
    assert attached(second) == [
        (1, "changed", "0.03/min, 1/1", "5.00000000", "0.01/min, 1/1", "0.01000000"),
        (1, "added", "", "0.00000000", "0.03/min, 1/1", "2.50000000"),
    ]
    require_lines_are_their_records(cheap, second)
    require_everything_holds(cheap)


def test_a_file_that_came_after_the_rerating_is_late_and_no_adjustment(cheap: Books) -> None:
    batch = cheap.batch(DEAR)
    first = issue(cheap).invoice
    rerate(cheap, [DEAR], to_cheap(DEAR), batch)
    cheap.batch(LATE, *to_cheap(changed(LATE, start="2026-03-10 11:00:00", key="later")))
    second = issue(cheap, APRIL).invoice
    assert shown(cheap, second) == [
        ("late", NAIROBI, None, None, 1, "0.01", "0.01"),
        ("late", NAIROBI, None, None, 1, "2.5", "2.5"),
        ("adjustment", NAIROBI, 1, "5", 0, "-4.99", "-4.99"),
    ]
    with scope(cheap.tenant, "test"):
        assert set(InvoiceLine.objects.filter(invoice=second).values_list("corrects_id", flat=True)) == {first.pk}
    require_lines_are_their_records(cheap, second)
    require_everything_holds(cheap)


def test_late_usage_that_is_corrected_before_it_was_billed_is_late_at_its_new_price(cheap: Books) -> None:
    cheap.batch(MOBILE, changed(OTHER, rate="nairobi deep"))
    issue(cheap)
    batch = cheap.batch(LATE)
    rerate(cheap, [LATE], to_cheap(LATE), batch)
    second = issue(cheap, APRIL).invoice
    assert shown(cheap, second) == [("late", NAIROBI, None, None, 1, "0.01", "0.01")]
    assert attached(second) == [(1, "", "", None, "0.01/min, 1/1", "0.01000000")]
    require_everything_holds(cheap)


def test_what_is_corrected_twice_is_one_difference_and_corrected_again_another(cheap: Books) -> None:
    batch = cheap.batch(DEAR)
    issue(cheap)
    one, two = to_cheap(DEAR, amount="0.02"), to_cheap(DEAR, amount="0.03")
    first = rerate(cheap, [DEAR], one, batch)
    second = rerate(cheap, one, two, first)
    note = issue(cheap, APRIL).invoice
    assert shown(cheap, note) == [("adjustment", NAIROBI, 1, "5", 0, "-4.97", "-4.97")]
    assert attached(note) == [(1, "changed", "0.03/min, 1/1", "5.00000000", "0.01/min, 1/1", "0.03000000")]
    rerate(cheap, two, [DEAR], second)
    back = issue(cheap, MAY, at=AT + timedelta(days=40)).invoice
    assert shown(cheap, back) == [("adjustment", NAIROBI, 1, "0.03", 0, "4.97", "4.97")]
    assert attached(back) == [(1, "changed", "0.01/min, 1/1", "0.03000000", "0.03/min, 1/1", "5.00000000")]
    assert (note.number, back.number, back.kind) == ("CN-2026-000001", "INV-2026-000002", "invoice")
    with scope(cheap.tenant, "test"):
        corrects = InvoiceLine.objects.filter(kind="adjustment").values_list("corrects__number", flat=True)
        assert list(corrects) == ["INV-2026-000001"] * 2
    require_everything_holds(cheap)


def test_an_exchange_rate_that_was_wrong_is_an_adjustment_at_the_same_price(books: Books) -> None:
    batch = books.batch(DEAR)
    issue(books)
    rerate(books, [DEAR], [changed(DEAR, amount="4.00")], batch)
    second = issue(books, APRIL).invoice
    assert shown(books, second) == [("adjustment", NAIROBI, 1, "5", 0, "-1", "-1")]
    assert attached(second) == [(1, "changed", "0.03/min, 1/1", "5.00000000", "0.03/min, 1/1", "4.00000000")]
    require_everything_holds(books)


def test_a_call_that_went_elsewhere_is_removed_from_one_line_and_added_to_another(books: Books) -> None:
    batch = books.batch(DEAR)
    issue(books)
    rerate(books, [DEAR], [changed(DEAR, destination=SAFARICOM, rate="safaricom", amount="6.00")], batch)
    second = issue(books, APRIL).invoice
    assert shown(books, second) == [
        ("adjustment", NAIROBI, 1, "5", -1, "-5", "-5"),
        ("adjustment", SAFARICOM, 0, "0", 1, "6", "6"),
    ]
    assert attached(second) == [
        (1, "removed", "0.03/min, 1/1", "5.00000000", "free of charge", "0.00000000"),
        (2, "added", "", "0.00000000", "0.0125/min, 60/1", "6.00000000"),
    ]
    require_lines_are_their_records(books, second)
    require_everything_holds(books)


def test_an_adjustment_that_comes_to_nothing_is_an_invoice_of_zero(books: Books) -> None:
    one = changed(DEAR, amount="1.00")
    batch = books.batch(one)
    issue(books)
    rerate(books, [one], [changed(one, destination=SAFARICOM, rate="safaricom")], batch)
    second = issue(books, APRIL).invoice
    assert (second.number, second.kind, str(second.total), second.entry_id) == ("INV-2026-000002", "invoice", "0", None)
    assert len(shown(books, second)) == 2
    text = pypdf.PdfReader(home() / second.pdf_path).pages[0].extract_text()
    assert "Nothing is to be paid." in text
    require_everything_holds(books)


def test_each_document_is_corrected_at_its_own_tax(cheap: Books) -> None:
    february = changed(DEAR, start="2026-02-10 08:00:00", key="february")
    early = cheap.batch(february)
    issue(cheap, FEBRUARY)
    with scope(cheap.tenant, "test"):
        BillingProfile.objects.update(tax_percent=Decimal(18))
    batch = cheap.batch(DEAR)
    issue(cheap)
    rerate(cheap, [february], to_cheap(february), early)
    rerate(cheap, [DEAR], to_cheap(DEAR), batch)
    with scope(cheap.tenant, "test"):
        BillingProfile.objects.update(tax_percent=Decimal(20))
    cheap.batch(Call("2026-04-05 10:00:00", NAIROBI, "cheap", 60, 60, "1.00"))
    second = issue(cheap, APRIL).invoice
    assert [line[0] for line in lines_of(cheap, second)] == [1, 2, 3]
    figures = [str(each) for each in (second.net, second.tax, second.total)]
    assert figures == ["-8.98", "-1.5", "-10.48"]  # 1.00 at 20 %: 0.20; -4.99 at 16 %: -0.80; -4.99 at 18 %: -0.90
    with scope(cheap.tenant, "test"):
        rows = InvoiceLine.objects.filter(invoice=second).order_by("number")
        assert [(row.corrects and row.corrects.number, row.tax_percent) for row in rows] == [
            (None, None),
            ("INV-2026-000001", Decimal(16)),
            ("INV-2026-000002", Decimal(18)),
        ]
    text = pypdf.PdfReader(home() / second.pdf_path).pages[0].extract_text()
    assert [
        label for label in ("VAT 20 % on 1.00", "VAT 16 % on −4.99", "VAT 18 % on −4.99") if label not in text
    ] == []
    require_everything_holds(cheap)


def test_days_that_an_invoice_billed_late_are_corrected_apart(cheap: Books) -> None:
    february = changed(DEAR, start="2026-02-10 08:00:00", key="february")
    batch = cheap.batch(february, DEAR)
    first = issue(cheap).invoice
    rerate(cheap, [february, DEAR], to_cheap(february, DEAR), batch)
    second = issue(cheap, APRIL).invoice
    with scope(cheap.tenant, "test"):
        rows = InvoiceLine.objects.filter(invoice=second).order_by("number")
        assert [(row.kind, row.corrects_id, row.period_from, row.period_to, str(row.before_exact)) for row in rows] == [
            ("adjustment", first.pk, date(2026, 2, 10), date(2026, 2, 11), "5"),
            ("adjustment", first.pk, date(2026, 3, 1), date(2026, 4, 1), "5"),
        ]
    require_everything_holds(cheap)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"records": to_cheap(DEAR, amount="0.02")}, id="another amount now"),
        pytest.param({"records": []}, id="gone"),
        pytest.param({"carried": [(OTHER, None)]}, id="a record that no rollup knows"),
    ],
)
def test_records_that_disagree_with_an_adjustment_are_refused(cheap: Books, lie: dict[str, Any]) -> None:
    batch = cheap.batch(DEAR)
    issue(cheap)
    rerate(cheap, [DEAR], to_cheap(DEAR), batch, **lie)
    before = balances(cheap)
    assert refusal(cheap, period=APRIL).code == "sums_disagree"
    assert balances(cheap) == before


def test_what_was_billed_must_be_what_the_superseded_records_say(cheap: Books) -> None:
    batch = cheap.batch(DEAR)
    issue(cheap)
    rerate(cheap, [changed(DEAR, amount="4.00")], to_cheap(DEAR), batch)
    assert refusal(cheap, period=APRIL).code == "sums_disagree"


def test_a_closed_period_takes_nothing(cheap: Books) -> None:
    batch = cheap.batch(DEAR)
    issue(cheap)
    with scope(cheap.tenant, "test"):
        ledger.close_period(through=AT.date(), at=AT + timedelta(days=3))
    rerate(cheap, [DEAR], to_cheap(DEAR), batch, booked_on=date(2026, 4, 3))
    note = issue(cheap, APRIL).invoice
    with scope(cheap.tenant, "test"):
        assert (note.issued_on, note.entry.booked_on) == (date(2026, 4, 2), date(2026, 4, 3))
    require_everything_holds(cheap)
    assert [
        each.name
        for each in check_tenant(cheap.tenant.pk, "test", at=AT)
        if not each.holds and not each.name.startswith("usage")
    ] == []
