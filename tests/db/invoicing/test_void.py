"""Taking documents back, previews, numbers, and what the database itself holds."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from tests.db.invoicing.books import AT, Books, Call, changed
from tests.db.invoicing.test_issue import (
    APRIL,
    CALLS,
    MARCH,
    balances,
    issue,
    lines_of,
    require_everything_holds,
    stored,
)
from trunkline.core.errors import Conflict, Invalid, NotFound, TrunklineError
from trunkline.invoicing import actions, queries
from trunkline.invoicing.check import check
from trunkline.invoicing.draft import read_draft
from trunkline.invoicing.models import BilledRollup, Invoice, InvoiceLine, InvoicingProfile, NumberSequence
from trunkline.invoicing.queries import find_billing
from trunkline.kit.home import home
from trunkline.ledger.models import Entry
from trunkline.parties.queries import get_account
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup


def void(books: Books, number: str, reason: str = "wrong customer") -> Invoice:
    with scope(books.tenant, "test", reason=reason):
        return actions.void(number=number, reason=reason, at=AT + timedelta(hours=1))


def refused(books: Books, number: str, **given: Any) -> TrunklineError:
    with pytest.raises(TrunklineError) as caught:
        void(books, number, **given)
    return caught.value


def test_a_voided_document_is_reversed_and_its_usage_is_billed_anew_under_the_next_number(books: Books) -> None:
    books.batch(*CALLS)
    unbilled = balances(books)
    first = issue(books).invoice
    voided = void(books, first.number)
    assert (voided.state, voided.voided_at, voided.void_reason) == ("void", AT + timedelta(hours=1), "wrong customer")
    assert balances(books) == unbilled
    with scope(books.tenant, "test"):
        assert set(BilledRollup.objects.values_list("invoice_id", "released_at")) == {
            (first.pk, AT + timedelta(hours=1))
        }
        reversal = Entry.objects.get(pk=voided.void_entry_id)
        assert (reversal.kind, reversal.reverses_id, reversal.reference) == (
            "invoice_void",
            first.entry_id,
            first.number,
        )
    second = issue(books)
    assert (second.is_new, second.invoice.number) == (True, "INV-2026-000002")
    assert lines_of(books, second.invoice) == lines_of(books, first)
    assert len(stored(books)) == 6
    require_everything_holds(books)


def test_a_rollup_names_the_document_that_bills_it(books: Books) -> None:
    books.batch(*CALLS)

    def billing() -> set[str | None]:
        with scope(books.tenant, "test"):
            rollups = [each.pk for each in Rollup.objects.filter(side="sell")]
            found = find_billing(rollups)
        return {found[each].number if each in found else None for each in rollups}

    assert billing() == {None}
    first = issue(books).invoice
    assert billing() == {first.number}
    void(books, first.number)
    assert billing() == {None}


def test_a_document_is_voided_once_and_with_a_reason(books: Books) -> None:
    books.batch(*CALLS)
    number = issue(books).invoice.number
    assert refused(books, number, reason=" ").code == "reason_missing"
    assert refused(books, "INV-2026-000099").code == "invoice_not_found"
    void(books, number)
    assert refused(books, number).code == "already_void"


def test_voided_from_the_last_to_the_first_all_is_as_before(books: Books) -> None:
    dear = Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "5.00")
    batch = books.batch(dear)
    first = issue(books).invoice
    books.batch(changed(dear, amount="0.03"), takes_back=[dear], supersedes=batch)
    unbilled = "0.03"
    note = issue(books, APRIL).invoice
    void(books, note.number)
    void(books, first.number)
    assert balances(books) == {"revenue:USD": f"-{unbilled}", "unbilled_receivable:acme": unbilled}
    again = issue(books).invoice
    assert lines_of(books, again) == [(1, "usage", "Kenya Fixed Nairobi", "0.03/min, 1/1", 1, 1, 60, "0.03", "0.03")]
    require_everything_holds(books)


def test_a_preview_has_no_side_effects(books: Books) -> None:
    books.batch(*CALLS)

    def everything() -> dict[str, int]:
        with scope(books.tenant, "test"):
            models = [
                model
                for label in ("invoicing", "ledger", "usage", "parties")
                for model in apps.get_app_config(label).get_models()
            ]
            return {model._meta.label: model._default_manager.count() for model in models}

    before = everything()
    with scope(books.tenant, "test", snapshot=True):
        draft = read_draft(get_account("acme"), MARCH)
    assert (everything(), stored(books)) == (before, [])
    invoice = issue(books).invoice
    assert [(line.destination, line.sums.exact, line.amount) for line in draft.lines] == [
        (line.destination, line.exact, line.amount) for line in _lines(books, invoice)
    ]
    assert (draft.totals.total, draft.totals.rounding) == (invoice.total, invoice.rounding)


def _lines(books: Books, invoice: Invoice) -> list[InvoiceLine]:
    with scope(books.tenant, "test"):
        return list(InvoiceLine.objects.filter(invoice=invoice).order_by("number"))


def _in_threads(work: list[Any]) -> list[Any]:
    """Run all at once, each on its own connection."""
    barrier = threading.Barrier(len(work))

    def run(each: Any) -> Any:
        try:
            barrier.wait()
            return each()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(run, each) for each in work]]


def test_numbers_have_no_gaps_when_many_are_issued_at_once(books: Books) -> None:
    codes = [f"c{number}" for number in range(6)]
    with scope(books.tenant, "test"):
        accounts = [books.add_account(code) for code in codes]
    for account in accounts:
        books.batch(*CALLS, account=account)
    issued = _in_threads([lambda code=code: issue(books, account=code) for code in codes])
    assert sorted(each.invoice.serial for each in issued) == [1, 2, 3, 4, 5, 6]
    require_everything_holds(books)


def test_the_same_document_issued_at_once_by_four_is_one(books: Books) -> None:
    books.batch(*CALLS)
    issued = _in_threads([lambda: issue(books)] * 4)
    assert sorted(each.is_new for each in issued) == [False, False, False, True]
    assert {each.invoice.number for each in issued} == {"INV-2026-000001"}
    assert len(stored(books)) == 3
    require_everything_holds(books)


def test_two_tenants_count_for_themselves_and_see_nothing_of_each_other(books: Books, other_books: Books) -> None:
    for each in (books, other_books):
        each.batch(*CALLS)
    mine = issue(books).invoice
    with scope(other_books.tenant, "test"):
        with pytest.raises(NotFound) as foreign:
            queries.access_invoice(mine.number)
        with pytest.raises(NotFound) as absent:
            queries.access_invoice("INV-2026-000009")
        assert (foreign.value.code, foreign.value.message.replace(mine.number, "INV-2026-000009")) == (
            absent.value.code,
            absent.value.message,
        )
        assert (
            Invoice.objects.count(),
            InvoiceLine.objects.count(),
            BilledRollup.objects.count(),
            NumberSequence.objects.count(),
        ) == (0, 0, 0, 0)
        assert [each.calls for each in queries.unbilled()] == [4]
    theirs = issue(other_books).invoice
    assert theirs.number == mine.number
    assert mine.pdf_path.split("/")[:2] == ["documents", f"tenant={books.tenant.pk}"]
    with scope(books.tenant, "test"):
        stamp = BilledRollup(rollup=Rollup.objects.all()[0], invoice_id=theirs.pk, released_at=AT)
        with pytest.raises(IntegrityError, match="billedrollup_invoice_fk"), transaction.atomic():
            stamp.save()
    require_everything_holds(books)
    require_everything_holds(other_books)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoicing_invoice SET total = 1",
        "UPDATE invoicing_invoice SET number = 'X'",
        "UPDATE invoicing_invoice SET pdf_sha256 = ''",
        "DELETE FROM invoicing_invoice",
        "UPDATE invoicing_invoiceline SET amount = 1",
        "DELETE FROM invoicing_invoiceline",
        "UPDATE invoicing_billedrollup SET rollup_id = 1",
        "DELETE FROM invoicing_billedrollup",
        "DELETE FROM invoicing_numbersequence",
        "TRUNCATE invoicing_invoice CASCADE",
    ],
)
def test_the_database_lets_nobody_edit_what_was_issued(books: Books, statement: str) -> None:
    with (
        scope(books.tenant, "test"),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_database_lets_no_rollup_stand_on_two_documents(books: Books) -> None:
    books.batch(*CALLS)
    invoice = issue(books).invoice
    with scope(books.tenant, "test"):
        second = BilledRollup(rollup=Rollup.objects.all()[0], invoice=invoice)
        with pytest.raises(IntegrityError, match="billedrollup_once"), transaction.atomic():
            second.save()


def test_who_voided_and_why_is_in_the_history(books: Books) -> None:
    books.batch(*CALLS)
    number = issue(books).invoice.number
    void(books, number, reason="billed twice")
    history = apps.get_model("invoicing", "InvoiceHistoryevent")
    with scope(books.tenant, "test"):
        rows = history.objects.filter(number=number).order_by("pgh_id").values_list("pgh_label", "state", "pgh_context")
        assert [(label, state, context.get("reason", "")) for label, state, context in rows] == [
            ("insert", "issued", ""),
            ("update", "void", "billed twice"),
        ]


def test_a_template_of_numbers_is_taken_for_the_next_document(books: Books) -> None:
    with scope(books.tenant, "test"):
        actions.set_profile(name="Meridian", invoice_number="M/{number:04}", address="1 Quay\n2 Harbour")
        with pytest.raises(Invalid) as caught:
            actions.set_profile(credit_note_number="M/{number:04}")
        assert caught.value.code == "number_series"
    with scope(books.tenant, "test"):
        assert InvoicingProfile.objects.get().credit_note_number == "CN-{year}-{number:06}"
    books.batch(*CALLS)
    invoice = issue(books).invoice
    assert (invoice.number, invoice.year, invoice.serial) == ("M/0001", 0, 1)
    assert invoice.seller["lines"] == ["1 Quay", "2 Harbour"]
    assert invoice.pdf_path.rsplit("/", 1)[1].startswith("M-0001.")
    require_everything_holds(books)


def test_a_number_that_was_used_before_is_refused_and_nothing_has_happened(books: Books) -> None:
    books.batch(CALLS[0])
    issue(books)
    with scope(books.tenant, "test"):
        actions.set_profile(invoice_number="INV-2026-{number:06}")
    books.batch(Call("2026-04-01 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03"))
    with pytest.raises(Conflict) as caught:
        issue(books, APRIL)
    assert caught.value.code == "number_taken"
    require_everything_holds(books)


def test_what_an_attempt_left_behind_is_swept_and_documents_stay(books: Books) -> None:
    books.batch(*CALLS)
    issue(books)
    kept = stored(books)
    folder = home() / "documents" / f"tenant={books.tenant.pk}" / "invoices"
    for name, age in (
        (".0123456789ab.pdf.partial", 7200),
        ("INV-2026-000002.0123456789ab.pdf", 7200),
        (".fresh.pdf.partial", 60),
    ):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (AT.timestamp() - age,) * 2)
    for name in kept:
        os.utime(folder / name, (AT.timestamp() - 7200,) * 2)
    with scope(books.tenant, "test"):
        removed = actions.sweep(at=AT)
    assert sorted(path.name for path in removed) == [".0123456789ab.pdf.partial", "INV-2026-000002.0123456789ab.pdf"]
    assert stored(books) == sorted([".fresh.pdf.partial", *kept])


def test_the_check_finds_a_document_that_was_changed_on_the_disk(books: Books) -> None:
    books.batch(*CALLS)
    invoice = issue(books).invoice
    (home() / invoice.pdf_path).write_bytes(b"%PDF")
    (home() / invoice.csv_path).unlink()
    with scope(books.tenant, "test"):
        (finding,) = [finding for finding in check() if not finding.holds]
    assert finding.name == "documents are on the disk"
    assert len(finding.contradictions) == 2
