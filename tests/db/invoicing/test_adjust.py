"""Adjustments of issued documents: what a re-rating makes of the next one, and what its records say."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pypdf
import pytest

from tests.db.invoicing.books import AT, Books, Call, changed
from tests.db.invoicing.test_commands import run, run_json
from tests.db.invoicing.test_issue import (
    APRIL,
    as_csv,
    balances,
    issue,
    issue_all,
    lines_of,
    refusal,
    require_everything_holds,
)
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.period import DatePeriod
from trunkline.invoicing import actions, queries
from trunkline.invoicing.actions import issuing
from trunkline.invoicing.models import Invoice, InvoiceLine
from trunkline.kit.home import home
from trunkline.ledger import actions as ledger
from trunkline.ledger.checks import check_tenant
from trunkline.ledger.queries import balances as ledger_balances
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
        (1, "removed", "0.03/min, 1/1", "5.00000000", "", "0.00000000"),
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
    void(cheap, note.number)
    with scope(cheap.tenant, "test"):
        assert Invoice.objects.get(pk=note.pk).void_entry.booked_on == date(2026, 4, 3)
    require_everything_holds(cheap)
    assert [
        each.name
        for each in check_tenant(cheap.tenant.pk, "test", at=AT)
        if not each.holds and not each.name.startswith("usage")
    ] == []


def void(books: Books, number: str, *, chain: bool = False, at: datetime = AT) -> list[str]:
    with scope(books.tenant, "test", reason="wrong"):
        if chain:
            return [each.number for each in actions.void_with_adjustments(number=number, reason="wrong", at=at)]
        return [actions.void(number=number, reason="wrong", at=at).number]


def adjusted(books: Books) -> tuple[Invoice, Invoice]:
    """March billed at the high price, and the credit note of its re-rating."""
    batch = books.batch(DEAR, MOBILE)
    first = issue(books).invoice
    rerate(books, [DEAR], to_cheap(DEAR), batch, carried=[(MOBILE, batch)])
    return first, issue(books, APRIL).invoice


def test_a_voided_adjustment_is_unbilled_and_adjusted_again_by_the_next_document(cheap: Books) -> None:
    _, note = adjusted(cheap)
    said = shown(cheap, note)
    before = balances(cheap)
    assert void(cheap, note.number) == ["CN-2026-000001"]
    with scope(cheap.tenant, "test"):
        assert [(each.account.code, str(each.amount)) for each in queries.unbilled()] == [("acme", "-4.99")]
    require_everything_holds(cheap)
    again = issue(cheap, APRIL).invoice
    assert (again.number, shown(cheap, again), balances(cheap)) == ("CN-2026-000002", said, before)
    require_everything_holds(cheap)


def test_from_the_last_to_the_first_the_days_are_billed_at_their_new_prices(cheap: Books) -> None:
    first, note = adjusted(cheap)
    void(cheap, note.number)
    void(cheap, first.number)
    again = issue(cheap).invoice
    assert shown(cheap, again) == [
        ("usage", NAIROBI, None, None, 1, "0.01", "0.01"),
        ("usage", SAFARICOM, None, None, 1, "0.01270833", "0.01"),
    ]
    require_everything_holds(cheap)


def test_the_first_alone_is_refused_and_nothing_has_happened(cheap: Books) -> None:
    first, note = adjusted(cheap)
    before = balances(cheap)
    with pytest.raises(Conflict) as caught:
        void(cheap, first.number)
    assert (caught.value.code, caught.value.context["number"]) == ("adjusted_later", note.number)
    assert balances(cheap) == before
    require_everything_holds(cheap)


def test_a_chain_is_voided_from_its_last_document_to_the_first(cheap: Books) -> None:
    first, note = adjusted(cheap)
    with scope(cheap.tenant, "test"):
        rerating = Batch.objects.latest("id")
    rerate(cheap, to_cheap(DEAR), to_cheap(DEAR, amount="0.02"), rerating, carried=[(MOBILE, None)])
    last = issue(cheap, MAY, at=AT + timedelta(days=40)).invoice
    cheap.batch(LATE)
    late = issue(cheap, MAY, at=AT + timedelta(days=41)).invoice
    assert void(cheap, first.number, chain=True) == [last.number, note.number, first.number]
    require_everything_holds(cheap)
    again = issue(cheap).invoice
    assert [(line[0], line[5]) for line in shown(cheap, again)] == [("usage", "0.02"), ("usage", "0.01270833")]
    with scope(cheap.tenant, "test"):
        assert Invoice.objects.get(pk=late.pk).state == "issued"
    require_everything_holds(cheap)


def test_billed_anew_what_was_corrected_meanwhile_is_usage_although_late_usage_is_billed(cheap: Books) -> None:
    batch = cheap.batch(DEAR)
    first = issue(cheap).invoice
    rerate(cheap, [DEAR], to_cheap(DEAR), batch)
    note = issue(cheap, APRIL).invoice
    cheap.batch(LATE)
    issue(cheap, MAY, at=AT + timedelta(days=40))
    void(cheap, note.number)
    void(cheap, first.number)
    again = issue(cheap).invoice
    assert shown(cheap, again) == [("usage", NAIROBI, None, None, 1, "0.01", "0.01")]
    assert attached(again) == [(1, "", "", None, "0.01/min, 1/1", "0.01000000")]
    require_everything_holds(cheap)


def test_a_document_whose_late_usage_was_taken_back_is_not_voided_before_the_adjustment(cheap: Books) -> None:
    deep = changed(DEAR, rate="nairobi deep")
    cheap.batch(deep)
    first = issue(cheap).invoice
    batch = cheap.batch(LATE)
    late = issue(cheap, APRIL).invoice
    rerate(cheap, [LATE], to_cheap(LATE), batch)
    note = issue(cheap, MAY, at=AT + timedelta(days=40)).invoice
    assert [(line[0], line[5]) for line in shown(cheap, note)] == [("adjustment", "-2.49")]
    for number in (late.number, first.number):
        with pytest.raises(Conflict) as caught:
            void(cheap, number)
        assert caught.value.context["number"] == note.number
    assert void(cheap, late.number, chain=True) == [note.number, late.number]
    require_everything_holds(cheap)


def test_as_it_was_before_and_after_the_correction_and_the_voiding(cheap: Books) -> None:
    days = [AT + timedelta(days=number) for number in range(8)]
    batch = cheap.batch(DEAR, at=days[0])
    first = issue(cheap, at=days[1]).invoice
    rerate(cheap, [DEAR], to_cheap(DEAR), batch, at=days[2])
    note = issue(cheap, APRIL, at=days[3]).invoice
    void(cheap, note.number, at=days[5])

    def unbilled(at: datetime) -> list[str]:
        return [str(each.amount) for each in queries.unbilled(as_of=at)]

    with scope(cheap.tenant, "test"):
        assert [unbilled(day) for day in (days[0] - timedelta(days=1), *days[:7])] == [
            [], ["5"], [], ["-4.99"], [], [], ["-4.99"], ["-4.99"],
        ]  # fmt: skip
        for day in days:  # the books of that day say the same
            books = {row.account.code: str(row.posted) for row in ledger_balances(as_of=day)}
            assert books["unbilled_receivable:acme"] == (unbilled(day) or ["0"])[0]
        for at, numbers, state in (
            (days[0], [], None),
            (days[1], [first.number], None),
            (days[4], [note.number, first.number], "issued"),
            (days[6], [note.number, first.number], "void"),
        ):
            assert [each.number for each in queries.list_invoices(as_of=at)] == numbers
            found = queries.as_it_was(Invoice.objects.get(pk=note.pk), at)
            assert (found and found.state) == state
        assert [each.number for each in queries.adjusting(first, as_of=days[4])] == [note.number]
        assert queries.adjusting(first, as_of=days[6]) == queries.adjusting(first) == []
        with pytest.raises(NotFound):
            queries.access_invoice(note.number, as_of=days[2])


def test_the_commands_know_adjustments(cheap: Books) -> None:
    first, note = adjusted(cheap)
    shown_note = run_json(cheap, "show", note.number)
    (line,) = shown_note["lines"]
    assert (shown_note["kind"], line["kind"], line["corrects"]) == ("credit_note", "adjustment", first.number)
    assert line["before"] == {"terms": "0.03/min, 1/1", "calls": 1, "used": 60, "billed": 60, "exact": "5"}
    assert line["after"] == {"terms": "0.01/min, 1/1", "calls": 1, "used": 60, "billed": 60, "exact": "0.01"}
    printed = run(cheap, "show", note.number)
    assert [text for text in ("Billed", "Corrected", "-4.99", f"corrects {first.number}") if text not in printed] == []
    assert run_json(cheap, "show", first.number)["adjusted_by"] == [note.number]
    assert f"adjusted by {note.number} on 2026-04-02: -5.79" in run(cheap, "show", first.number)
    assert run_json(cheap, "list", "--as-of", "2026-04-01")["invoices"] == []
    assert len(run_json(cheap, "list", "--as-of", "2026-04-02")["invoices"]) == 2
    assert run_json(cheap, "unbilled", "--as-of", "2026-04-01T00:00")["unbilled"] == []
    with pytest.raises(NotFound):
        run(cheap, "show", first.number, "--as-of", "2026-04-01")
    run(cheap, "void", first.number, "--reason", "wrong", "--with-adjustments")
    assert run_json(cheap, "show", first.number)["state"] == "void"
    preview = run_json(cheap, "preview", "--account", "acme", "--period", "2026-03")
    assert [(each["kind"], each["exact"], each["before"]) for each in preview["lines"]] == [
        ("usage", "0.01", None),
        ("usage", "0.01270833", None),
    ]


def test_a_preview_shows_the_adjustment_that_is_issued(cheap: Books) -> None:
    batch = cheap.batch(DEAR)
    first = issue(cheap).invoice
    rerate(cheap, [DEAR], to_cheap(DEAR), batch)
    preview = run_json(cheap, "preview", "--account", "acme", "--period", "2026-04")
    printed = run(cheap, "preview", "--account", "acme", "--period", "2026-04")
    assert f"corrects {first.number}" in printed
    note = issue(cheap, APRIL).invoice
    assert preview["lines"] == run_json(cheap, "show", note.number)["lines"]
    assert (preview["kind"], preview["total"]) == (note.kind, str(note.total))


def test_accounts_that_are_read_together_have_their_own_adjustments(cheap: Books) -> None:
    with scope(cheap.tenant, "test"):
        other = cheap.add_account("baobab")
    mine, theirs = cheap.batch(DEAR), cheap.batch(changed(DEAR, amount="7.00", key="theirs"), account=other)
    for outcome in issue_all(cheap):
        assert outcome.issued is not None
    rerate(cheap, [DEAR], to_cheap(DEAR), mine)
    rerate(cheap, [changed(DEAR, amount="7.00")], to_cheap(changed(DEAR, key="theirs")), theirs, account=other)
    made = list(issue_all(cheap, APRIL, is_early=True))
    assert [(each.account_code, str(each.issued and each.issued.invoice.net)) for each in made] == [
        ("acme", "-4.99"),
        ("baobab", "-6.99"),
    ]
    for each in made:
        assert each.issued is not None
        require_lines_are_their_records(cheap, each.issued.invoice)
    require_everything_holds(cheap)


def test_an_invoice_that_is_voided_while_its_adjustment_is_made_is_not_adjusted(
    cheap: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = cheap.batch(DEAR)
    first = issue(cheap).invoice
    rerate(cheap, [DEAR], to_cheap(DEAR), batch)
    attach, voided = issuing._attach, list[str]()

    def attach_late(*given: Any) -> Any:
        if not voided:
            voided.extend(void(cheap, first.number))
        return attach(*given)

    monkeypatch.setattr(issuing, "_attach", attach_late)
    second = issue(cheap, APRIL).invoice
    assert voided == [first.number]
    assert shown(cheap, second) == [("late", NAIROBI, None, None, 1, "0.01", "0.01")]
    require_everything_holds(cheap)
