"""Issuing: what is on the document, in the books and on the disk afterwards, and when nothing is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pypdf
import pytest

from tests.databases import TestDatabase
from tests.db.in_the_way import book_is_locked
from tests.db.invoicing.books import AT, Books, Call, changed
from trunkline.core.errors import Conflict, TrunklineError
from trunkline.core.money import Amount
from trunkline.core.period import DatePeriod
from trunkline.invoicing import actions, queries, rules
from trunkline.invoicing.check import check
from trunkline.invoicing.models import BilledRollup, Invoice, InvoiceLine, NumberSequence
from trunkline.kit.home import home
from trunkline.ledger.models import Entry, Posting
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Segment

MARCH = DatePeriod(date(2026, 3, 1), date(2026, 4, 1))
APRIL = DatePeriod(date(2026, 4, 1), date(2026, 5, 1))
CALLS = (
    Call("2026-03-10 08:00:00", "Kenya Mobile Safaricom", "safaricom", 61, 61, "0.01270833"),
    Call("2026-03-10 08:00:10", "Kenya Mobile Safaricom", "safaricom", 30, 60, "0.01250000"),
    Call("2026-03-10 08:05:00", "Kenya Mobile Safaricom", "safaricom", 0, 0, "0"),
    Call("2026-03-11 23:59:59", "Kenya Fixed Nairobi", "nairobi", 100, 100, "0.05000000"),
    Call("2026-03-12 00:00:00", "Kenya Fixed Nairobi", "nairobi deep", 50, 50, "0.02500000"),
)


def issue(books: Books, period: DatePeriod = MARCH, account: str = "acme", **given: Any) -> actions.Issued:
    return actions.issue(
        tenant_id=books.tenant.pk,
        actor="test",
        account_code=account,
        period=period,
        **{"at": AT, "is_early": True} | given,
    )


def issue_all(books: Books, period: DatePeriod = MARCH, **given: Any) -> Iterator[actions.Outcome]:
    """The outcomes of all accounts with something unbilled, but of those whose attempts never connected."""
    with scope(books.tenant, "test"):
        waiting = [(each.account.code, each.records) for each in queries.unbilled(until=period.end)]
    order = actions.Order(books.tenant.pk, "test", period, AT, **given)
    for codes in rules.groups_to_read(waiting):
        for outcome in actions.issue_together(order, codes):
            if outcome.error is None or outcome.error.code != "nothing_to_bill":
                yield outcome


def as_csv(row: dict[str, Any]) -> dict[str, str]:
    """A row of the Parquet file as the CSV has it."""
    texts = {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in row.items()}
    return {name: "" if value is None else str(value) for name, value in texts.items() if name != "start"}


def lines_of(books: Books, invoice: Invoice) -> list[tuple[Any, ...]]:
    columns = ("number", "kind", "destination", "terms", "attempts", "calls", "billed", "exact", "amount")
    with scope(books.tenant, "test"):
        rows = InvoiceLine.objects.filter(invoice=invoice).order_by("number").values_list(*columns)
        return [(*row[:-2], str(row[-2]), str(row[-1])) for row in rows]


def balances(books: Books) -> dict[str, str]:
    found: dict[str, Amount] = {}
    with scope(books.tenant, "test"):
        for code, amount in Posting.objects.values_list("account__code", "amount"):
            found[code] = found.get(code, Amount.zero()) + amount
    return {code: str(amount) for code, amount in sorted(found.items()) if amount}


def require_everything_holds(books: Books) -> None:
    with scope(books.tenant, "test"):
        assert [finding for finding in check() if not finding.holds] == []


def stored(books: Books) -> list[str]:
    folder = home() / "documents" / f"tenant={books.tenant.pk}" / "invoices"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def refusal(books: Books, **given: Any) -> TrunklineError:
    with pytest.raises(TrunklineError) as caught:
        issue(books, **given)
    return caught.value


def test_a_month_becomes_a_document_with_lines_entry_stamps_and_records(books: Books) -> None:
    books.batch(*CALLS)
    issued = issue(books)
    invoice = issued.invoice
    assert issued.is_new
    assert (invoice.number, invoice.kind, invoice.state) == ("INV-2026-000001", "invoice", "issued")
    assert lines_of(books, invoice) == [
        (1, "usage", "Kenya Fixed Nairobi", "0.03/min, 1/1", 2, 2, 150, "0.075", "0.08"),
        (2, "usage", "Kenya Mobile Safaricom", "0.0125/min, 60/1", 3, 2, 121, "0.02520833", "0.03"),
    ]
    figures = (invoice.exact, invoice.rounding, invoice.net, invoice.tax, invoice.total)
    assert [str(figure) for figure in figures] == ["0.10020833", "-0.00979167", "0.11", "0.02", "0.13"]
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 4, 2), date(2026, 5, 2))
    assert invoice.buyer == {"name": "Acme Ltd", "lines": ["1 Quay Street", "Mombasa"], "tax_number": ""}
    assert invoice.seller["name"] == books.tenant.name
    assert balances(books) == {
        "receivable:acme": "0.13",
        "revenue:USD": "-0.10020833",
        "rounding:USD": "-0.00979167",
        "tax_payable:USD": "-0.02",
    }
    with scope(books.tenant, "test"):
        assert BilledRollup.objects.filter(invoice=invoice, released_at=None).count() == 3
        assert invoice.entry.reference == "INV-2026-000001"
        assert queries.unbilled() == []
    require_everything_holds(books)


def test_the_attached_files_hold_the_same_records_line_by_line(books: Books) -> None:
    books.batch(*CALLS)
    invoice = issue(books).invoice
    with (home() / invoice.csv_path).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["line"], row["start_local"], row["used"], row["billed"], row["amount"]) for row in rows] == [
        ("1", "2026-03-11 23:59:59", "100", "100", "0.05000000"),
        ("1", "2026-03-12 00:00:00", "50", "50", "0.02500000"),
        ("2", "2026-03-10 08:00:00", "61", "61", "0.01270833"),
        ("2", "2026-03-10 08:00:10", "30", "60", "0.01250000"),
    ]
    assert {
        name: rows[0][name]
        for name in ("service", "utc_offset", "calling", "called", "destination", "code", "price", "unit", "currency")
    } == {
        "service": "voice",
        "utc_offset": "+00:00",
        "calling": "4930123456",
        "called": "254700000001",
        "destination": "Kenya Fixed Nairobi",
        "code": "254700",
        "price": "0.03/min, 1/1",
        "unit": "second",
        "currency": "USD",
    }
    table = pq.read_table(home() / invoice.parquet_path)
    assert [as_csv(row) for row in table.to_pylist()] == rows
    assert invoice.records == len(rows)
    assert str(sum(table["amount"].to_pylist())) == str(invoice.exact)


def test_the_pdf_is_the_document(books: Books) -> None:
    books.batch(*CALLS)
    invoice = issue(books).invoice
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(home() / invoice.pdf_path).pages)
    for expected in (
        "INV-2026-000001",
        "Acme Ltd",
        books.tenant.name,
        "1 March 2026 to 31 March 2026",
        "0.0125/min, 60/1",
        "VAT 16 %",
        "2 May 2026",
        "Page 1 of 1",
    ):
        assert expected in text
    for figure in ("0.10020833", "0.00979167", "0.08", "0.03", "0.11", "0.02", "0.13", "2.50"):
        assert figure in text
    assert stored(books) == [
        f"INV-2026-000001.{invoice.public_id.hex[-12:]}{suffix}"
        for suffix in (".pdf", ".records.csv", ".records.parquet")
    ]


def test_records_start_on_the_clock_of_the_account_and_days_are_its_own(books: Books) -> None:
    with scope(books.tenant, "test"):
        nairobi = books.add_account("savanna", timezone="Africa/Nairobi")
    inside = Call("2026-02-28 21:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03")
    outside = Call("2026-02-28 20:59:59", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03")
    books.batch(inside, account=nairobi)
    invoice = issue(books, account="savanna").invoice
    (row,) = pq.read_table(home() / invoice.parquet_path).to_pylist()
    assert (row["start_local"], row["utc_offset"]) == ("2026-03-01 00:00:00", "+03:00")
    books.batch(outside, account=nairobi)
    assert [line[1] for line in lines_of(books, issue(books, account="savanna").invoice)] == ["late"]


def test_issued_again_with_nothing_new_the_same_document_comes_back(books: Books) -> None:
    books.batch(*CALLS)
    first = issue(books)
    again = issue(books)
    assert (again.invoice.pk, again.is_new) == (first.invoice.pk, False)
    with scope(books.tenant, "test"):
        assert (Invoice.objects.count(), NumberSequence.objects.get().next) == (1, 2)
    assert len(stored(books)) == 3


def test_a_late_record_lands_on_the_next_document_marked_late(books: Books) -> None:
    books.batch(*CALLS)
    first = issue(books).invoice
    books.batch(
        Call("2026-03-10 08:30:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03"),
        Call("2026-04-05 10:00:00", "Kenya Fixed Nairobi", "nairobi", 120, 120, "0.06"),
    )
    second = issue(books, APRIL).invoice
    assert [(line[1], line[2], line[5], line[8]) for line in lines_of(books, second)] == [
        ("usage", "Kenya Fixed Nairobi", 1, "0.06"),
        ("late", "Kenya Fixed Nairobi", 1, "0.03"),
    ]
    with scope(books.tenant, "test"):
        late = InvoiceLine.objects.get(invoice=second, kind="late")
        assert (late.corrects_id, late.period_from, late.period_to) == (first.pk, date(2026, 3, 10), date(2026, 3, 11))
    rows = pq.read_table(home() / second.parquet_path).to_pylist()
    assert [(row["line"], row["used"]) for row in rows] == [(1, 120), (2, 60)]
    require_everything_holds(books)


def test_usage_of_days_that_no_document_covers_is_late_too(books: Books) -> None:
    books.batch(Call("2026-02-27 10:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03"))
    invoice = issue(books).invoice
    assert [(line[1], line[8]) for line in lines_of(books, invoice)] == [("late", "0.03")]
    require_everything_holds(books)


def test_a_rerating_before_the_invoice_leaves_no_trace_on_it(books: Books) -> None:
    wrong = Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "9.99")
    first = books.batch(wrong)
    books.batch(changed(wrong, amount="0.03"), takes_back=[wrong], supersedes=first)
    invoice = issue(books).invoice
    assert lines_of(books, invoice) == [(1, "usage", "Kenya Fixed Nairobi", "0.03/min, 1/1", 1, 1, 60, "0.03", "0.03")]
    with scope(books.tenant, "test"):
        assert BilledRollup.objects.count() == 3
    require_everything_holds(books)


def test_a_rerating_after_the_invoice_becomes_an_adjustment_and_a_negative_total_a_credit_note(books: Books) -> None:
    dear = Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "5.00")
    batch = books.batch(dear)
    first = issue(books).invoice
    books.rate("cheap", "Kenya Fixed Nairobi", "0:0.01/60/1")
    books.batch(changed(dear, rate="cheap", amount="0.01"), takes_back=[dear], supersedes=batch)
    note = issue(books, APRIL).invoice
    assert (note.number, note.kind, str(note.net), str(note.tax), str(note.total)) == (
        "CN-2026-000001",
        "credit_note",
        "-4.99",
        "-0.8",
        "-5.79",
    )
    assert lines_of(books, note) == [
        (1, "adjustment", "Kenya Fixed Nairobi", "0.01/min, 1/1", 0, 0, 0, "-4.99", "-4.99"),
    ]
    with scope(books.tenant, "test"):
        assert set(InvoiceLine.objects.filter(invoice=note).values_list("corrects_id", flat=True)) == {first.pk}
    text = pypdf.PdfReader(home() / note.pdf_path).pages[0].extract_text()
    assert "Adjustment of INV-2026-000001" in text
    assert "USD 5.79 is credited to your account." in text
    assert balances(books)["receivable:acme"] == "0.01"
    require_everything_holds(books)
    with scope(books.tenant, "test"), pytest.raises(Conflict) as caught:
        actions.void(number=first.number, reason="mistake", at=AT)
    assert (caught.value.code, caught.value.hint) == (
        "adjusted_later",
        "Void CN-2026-000001 first, or both with --with-adjustments.",
    )


@pytest.mark.parametrize(
    ("records", "named"),
    [
        pytest.param(
            [changed(CALLS[0], amount="0.0127"), *CALLS[1:]], "Line 2 (Kenya Mobile Safaricom", id="another amount"
        ),
        pytest.param(CALLS[1:], "Line 2 (Kenya Mobile Safaricom", id="a record missing"),
        pytest.param([*CALLS, CALLS[3]], "Line 1 (Kenya Fixed Nairobi", id="a record twice"),
        pytest.param(
            [changed(CALLS[2], rate="none"), *CALLS[:2], *CALLS[3:]],
            "Line 2 (Kenya Mobile Safaricom",
            id="an attempt elsewhere",
        ),
    ],
)
def test_sums_that_disagree_refuse_to_issue_and_nothing_has_happened(
    books: Books, records: list[Call], named: str
) -> None:
    books.batch(*CALLS, records=records)
    before = balances(books)
    error = refusal(books)
    assert (error.code, error.message.startswith(named)) == ("sums_disagree", True)
    with scope(books.tenant, "test"):
        assert (Invoice.objects.count(), BilledRollup.objects.count(), NumberSequence.objects.count()) == (0, 0, 0)
    assert (balances(books), stored(books)) == (before, [])


def test_an_adjustment_whose_records_disagree_is_refused(books: Books) -> None:
    dear = Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "5.00")
    batch = books.batch(dear)
    issue(books)
    books.batch(
        changed(dear, amount="0.01"), takes_back=[dear], supersedes=batch, records=[changed(dear, amount="0.02")]
    )
    error = refusal(books, period=APRIL)
    assert (error.code, error.message.startswith("Line 1 (Kenya Fixed Nairobi")) == ("sums_disagree", True)


def test_a_period_that_is_not_over_is_billed_only_when_asked(books: Books) -> None:
    books.batch(Call("2026-04-01 10:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03"))
    assert refusal(books, period=APRIL, is_early=False).code == "period_open"
    assert issue(books, APRIL).is_new


def test_attempts_alone_are_nothing_to_bill(books: Books) -> None:
    books.batch(CALLS[2])
    assert refusal(books).code == "nothing_to_bill"
    assert list(issue_all(books)) == []


def test_all_accounts_are_issued_and_one_that_cannot_be_does_not_stop_the_others(books: Books) -> None:
    with scope(books.tenant, "test"):
        others = [books.add_account(code) for code in ("baobab", "cedar")]
    books.batch(*CALLS)
    books.batch(*CALLS, account=others[0], records=CALLS[:1])
    books.batch(*CALLS, account=others[1])
    outcomes = list(issue_all(books))
    assert [
        (each.account_code, each.issued.invoice.number if each.issued else each.error and each.error.code)
        for each in outcomes
    ] == [
        ("acme", "INV-2026-000001"),
        ("baobab", "sums_disagree"),
        ("cedar", "INV-2026-000002"),
    ]
    require_everything_holds(books)


def three_accounts(books: Books) -> None:
    with scope(books.tenant, "test"):
        others = [books.add_account(code) for code in ("baobab", "cedar")]
    for account in (None, *others):
        books.batch(*CALLS, account=account)


def outcomes(books: Books) -> Iterator[tuple[str, str]]:
    """Of a run over all accounts: the number of each document, with a star if it is new, or the code of the error."""
    for each in issue_all(books):
        if each.issued is not None:
            yield each.account_code, each.issued.invoice.number + "*" * each.issued.is_new
        elif each.error is not None:
            yield each.account_code, each.error.code


@pytest.mark.parametrize("together", [1, 2, 3])
def test_documents_are_the_same_however_many_accounts_are_read_together(
    together: int, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_accounts(books)
    monkeypatch.setattr(rules, "GROUP_ACCOUNTS", together)
    assert list(outcomes(books)) == [
        ("acme", "INV-2026-000001*"),
        ("baobab", "INV-2026-000002*"),
        ("cedar", "INV-2026-000003*"),
    ]
    assert len(stored(books)) == 9
    with scope(books.tenant, "test"):
        shown = [(invoice.records, str(invoice.total)) for invoice in Invoice.objects.order_by("number")]
        read = [pq.read_table(home() / invoice.parquet_path) for invoice in Invoice.objects.order_by("number")]
    assert shown == [(4, "0.13")] * 3
    assert [len({call.split("-")[1] for call in table["call_id"].to_pylist()}) for table in read] == [1, 1, 1]
    require_everything_holds(books)
    assert list(outcomes(books)) == []


def test_a_run_that_is_broken_off_keeps_what_it_has_issued_and_leaves_no_files(books: Books) -> None:
    three_accounts(books)
    run = outcomes(books)
    assert next(run) == ("acme", "INV-2026-000001*")
    run.close()
    assert len(stored(books)) == 3
    require_everything_holds(books)
    assert list(outcomes(books)) == [("baobab", "INV-2026-000002*"), ("cedar", "INV-2026-000003*")]


def test_what_somebody_else_bills_during_a_run_is_found_there(books: Books) -> None:
    three_accounts(books)
    run = outcomes(books)
    assert next(run) == ("acme", "INV-2026-000001*")
    assert issue(books, account="baobab").invoice.number == "INV-2026-000002"
    assert list(run) == [("baobab", "INV-2026-000002"), ("cedar", "INV-2026-000003*")]
    require_everything_holds(books)


def test_an_account_whose_segment_is_gone_does_not_keep_the_others_from_their_documents(books: Books) -> None:
    three_accounts(books)
    with scope(books.tenant, "test"):
        other = books.add_account("dogwood")
    books.batch(Call("2026-02-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03"), account=other)
    with scope(books.tenant, "test"):
        (home() / Segment.objects.order_by("day")[0].path).unlink()
    assert [code for _, code in outcomes(books)] == [
        "INV-2026-000001*",
        "INV-2026-000002*",
        "INV-2026-000003*",
        "segments_moved",
    ]


def test_a_segment_that_is_gone_says_so_and_nothing_has_happened(books: Books) -> None:
    books.batch(*CALLS)
    with scope(books.tenant, "test"):
        Path(home() / Segment.objects.order_by("day")[0].path).unlink()
    assert refusal(books).code == "segments_moved"
    assert stored(books) == []


def test_a_disk_that_cannot_be_written_bills_nothing_and_draws_no_number(books: Books) -> None:
    books.batch(*CALLS)
    (home() / "documents").write_text("in the way")
    assert refusal(books).code == "documents_folder"
    with scope(books.tenant, "test"):
        assert (
            Invoice.objects.count(),
            NumberSequence.objects.count(),
            Entry.objects.filter(kind="invoice").count(),
        ) == (0, 0, 0)
    (home() / "documents").unlink()
    assert issue(books).invoice.number == "INV-2026-000001"


def test_texts_that_look_like_formulas_are_texts_in_the_csv_and_untouched_in_parquet(books: Books) -> None:
    texts = ["=1+1", "+44", "-1", "@sum", "\t=1", 'a,"b"\nc', "plain"]
    books.rate("evil", "=HYPERLINK(A1)", "0:-0.03/60/1")
    books.batch(
        *(
            Call(f"2026-03-10 08:00:0{n}", "=HYPERLINK(A1)", "evil", 60, 60, "-0.03", calling=text)
            for n, text in enumerate(texts)
        )
    )
    invoice = issue(books).invoice
    rows = list(csv.DictReader(io.StringIO((home() / invoice.csv_path).read_bytes().decode())))
    assert [row["calling"] for row in rows] == ["'=1+1", "'+44", "'-1", "'@sum", "'\t=1", 'a,"b"\nc', "plain"]
    assert {(row["destination"], row["price"], row["amount"]) for row in rows} == {
        ("'=HYPERLINK(A1)", "'-0.03/min, 1/1", "-0.03000000")
    }
    table = pq.read_table(home() / invoice.parquet_path).to_pylist()
    assert [row["calling"] for row in table] == texts
    assert {row["destination"] for row in table} == {"=HYPERLINK(A1)"}


@pytest.mark.parametrize(
    ("currency", "figures"),
    [
        ("JPY", ["150.49999999", "-0.50000001", "151", "24", "175"]),
        ("KWD", ["150.49999999", "-0.00000001", "150.5", "24.08", "174.58"]),
    ],
)
def test_documents_round_to_the_minor_unit_of_their_currency(books: Books, currency: str, figures: list[str]) -> None:
    with scope(books.tenant, "test"):
        account = books.add_account("minor", currency=currency)
    books.batch(
        Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "100.5"),
        Call("2026-03-10 09:00:00", "Kenya Mobile Safaricom", "safaricom", 60, 60, "49.99999999"),
        account=account,
    )
    invoice = issue(books, account="minor").invoice
    found = (invoice.exact, invoice.rounding, invoice.net, invoice.tax, invoice.total)
    assert [str(each) for each in found] == figures
    assert lines_of(books, invoice)[0][3] == "USD 0.03/min, 1/1"
    require_everything_holds(books)


def test_services_have_their_own_tables_and_units(books: Books) -> None:
    books.rate("text", "Kenya Mobile Safaricom", "0:0.005/1/1", unit="message")
    books.rate("surf", "Roaming Kenya", "0:0.10/1000000/1000", unit="octet")
    books.batch(
        Call("2026-03-10 08:00:00", "Kenya Mobile Safaricom", "text", 2, 2, "0.01", service="sms"),
        Call("2026-03-10 09:00:00", "Roaming Kenya", "surf", 1_499_500, 1_500_000, "0.15", service="data"),
        CALLS[3],
    )
    invoice = issue(books).invoice
    assert [(line[2], line[3], line[6]) for line in lines_of(books, invoice)] == [
        ("Kenya Fixed Nairobi", "0.03/min, 1/1", 100),
        ("Kenya Mobile Safaricom", "0.005 each", 2),
        ("Roaming Kenya", "0.10/MB, 1000/1000", 1_500_000),
    ]
    text = pypdf.PdfReader(home() / invoice.pdf_path).pages[0].extract_text()
    assert "1.50 MB" in text
    require_everything_holds(books)


def test_documents_are_issued_although_the_books_were_held_for_a_moment(
    books: Books, test_database: TestDatabase
) -> None:
    three_accounts(books)
    with book_is_locked(test_database, books.tenant.pk) as refusals:
        assert issue(books, account="cedar").invoice.number == "INV-2026-000001"
    assert len(refusals) == 1
    with book_is_locked(test_database, books.tenant.pk) as refusals:
        assert list(outcomes(books)) == [("acme", "INV-2026-000002*"), ("baobab", "INV-2026-000003*")]
    assert len(refusals) == 1
    require_everything_holds(books)
