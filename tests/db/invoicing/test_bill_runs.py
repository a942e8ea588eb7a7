"""Bill runs: documents for many accounts, issued account by account, whatever happens in between."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from django.db import OperationalError, connection, transaction

from tests.db.invoicing.books import AT, Books, Call
from tests.db.invoicing.test_issue import CALLS, MARCH, require_everything_holds, stored
from trunkline.core.errors import Conflict, TrunklineError, Unavailable
from trunkline.core.period import DatePeriod
from trunkline.invoicing import bill_runs, files, queries, tasks
from trunkline.invoicing.actions import issuing
from trunkline.invoicing.choices import BILL
from trunkline.invoicing.models import BillRun, Invoice
from trunkline.kit import clock
from trunkline.kit.db.locks import work_lock
from trunkline.kit.home import home
from trunkline.ledger.models import Entry
from trunkline.tenancy.scope import scope

ACCOUNTS = ("acme", "baobab", "cedar")


def now() -> datetime:
    return AT


def four_accounts(books: Books) -> None:
    """Three with usage, of which the second's records are not what its rollups say, and one without any."""
    with scope(books.tenant, "test"):
        others = [books.add_account(code) for code in (*ACCOUNTS[1:], "dogwood")]
    books.batch(*CALLS)
    books.batch(*CALLS, account=others[0], records=CALLS[:1])
    books.batch(*CALLS, account=others[1])


def three_accounts(books: Books) -> None:
    with scope(books.tenant, "test"):
        others = [books.add_account(code) for code in ACCOUNTS[1:]]
    for account in (None, *others):
        books.batch(*CALLS, account=account)


def ask(books: Books, *codes: str, period: DatePeriod = MARCH, **given: Any) -> BillRun:
    with scope(books.tenant, "user:7"):
        return bill_runs.ask(period=period, at=AT, account_codes=codes or None, **given)


def process(books: Books, run: BillRun, **given: Any) -> bool:
    return bill_runs.process(tenant_id=books.tenant.pk, bill_run_id=run.pk, now=now, **given)


def outcomes(books: Books, run: BillRun) -> list[tuple[str, str, str]]:
    """Account, outcome, and the number of its document or the reason why there is none."""
    with scope(books.tenant, "test"):
        rows = list(queries.outcomes_of(run))
    return [(row.account.code, row.outcome, row.invoice.number if row.invoice else row.reason) for row in rows]


def state(books: Books, run: BillRun) -> tuple[str, str]:
    with scope(books.tenant, "test"):
        run.refresh_from_db()
    return run.state, run.failure


def numbers(books: Books) -> list[str]:
    with scope(books.tenant, "test"):
        return list(Invoice.objects.order_by("number").values_list("number", flat=True))


def jobs_of(run: BillRun) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status::text FROM procrastinate_jobs WHERE task_name = %s AND args->>'bill_run_id' = %s",
            [BILL, str(run.pk)],
        )
        return [row[0] for row in cursor.fetchall()]


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(TrunklineError) as caught:
        work()
    return caught.value.code


def test_a_run_over_all_says_of_every_account_what_became_of_it(books: Books) -> None:
    four_accounts(books)
    run = ask(books)
    assert (jobs_of(run), outcomes(books, run), state(books, run)) == (["todo"], [], ("queued", ""))
    tasks.run_bill_run(tenant_id=books.tenant.pk, bill_run_id=run.pk)
    expected = [
        ("acme", "issued", "INV-2026-000001"),
        ("baobab", "refused", "sums_disagree"),
        ("cedar", "issued", "INV-2026-000002"),
    ]
    assert (outcomes(books, run), state(books, run)) == (expected, ("done", ""))
    with scope(books.tenant, "test"):
        tally = queries.tallies([run])[run.pk]
        totals = {currency: str(total) for currency, total in queries.totals_of(run).items()}
        actors = set(Entry.objects.filter(kind="invoice").values_list("actor", flat=True))
    assert (tally.accounts, tally.done, tally.issued, tally.refused) == (3, 3, 2, 1)
    assert (totals, actors) == ({"USD": "0.26"}, {"user:7"})
    assert process(books, run)
    assert (outcomes(books, run), numbers(books)) == (expected, ["INV-2026-000001", "INV-2026-000002"])
    require_everything_holds(books)


def test_chosen_accounts_may_have_their_document_already_or_nothing_to_bill(books: Books) -> None:
    four_accounts(books)
    process(books, ask(books, "acme"))
    run = ask(books, "dogwood", "acme", "cedar", "acme")
    assert outcomes(books, run) == [("acme", "waiting", ""), ("cedar", "waiting", ""), ("dogwood", "waiting", "")]
    process(books, run)
    assert outcomes(books, run) == [
        ("acme", "unchanged", "INV-2026-000001"),
        ("cedar", "issued", "INV-2026-000002"),
        ("dogwood", "nothing", ""),
    ]


def test_what_is_asked_for_wrongly_leaves_neither_run_nor_job(books: Books) -> None:
    assert refusal(lambda: ask(books, "nobody")) == "account_not_found"
    assert refusal(lambda: ask(books, period=DatePeriod(date(2026, 3, 1), date(2026, 3, 1)))) == "period_order"
    assert refusal(lambda: ask(books, issued_on=date(2026, 4, 3))) == "issue_date"
    assert refusal(lambda: ask(books, issued_on=date(2026, 2, 28))) == "issue_date"
    with scope(books.tenant, "test"):
        run = bill_runs.ask(period=MARCH, at=AT)
        transaction.set_rollback(True)
    assert jobs_of(run) == []
    with scope(books.tenant, "test"):
        assert not BillRun.objects.exists()


def test_a_run_that_is_cut_off_goes_on_where_it_was(books: Books) -> None:
    three_accounts(books)
    run = ask(books)

    def cut_off(*_: Any) -> bool:
        raise OperationalError("the server is gone") from _gone()

    # The document of the first is committed with its outcome; what comes after that is lost.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bill_runs, "_note", cut_off)
        with pytest.raises(OperationalError):
            process(books, run)
    assert state(books, run) == ("running", "")
    assert [outcome for _, outcome, _ in outcomes(books, run)] == ["issued", "waiting", "waiting"]
    with scope(books.tenant, "test"):
        assert bill_runs.defer_unfinished(at=AT) == 0  # it may have just begun
        assert bill_runs.defer_unfinished(at=AT + timedelta(minutes=2)) == 0  # its job waits as it is
    process(books, run)
    assert state(books, run) == ("done", "")
    assert outcomes(books, run) == [(code, "issued", f"INV-2026-00000{n}") for n, code in enumerate(ACCOUNTS, 1)]
    assert len(stored(books)) == 9
    require_everything_holds(books)


def _gone() -> Exception:
    import psycopg

    return psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")


def test_a_run_that_is_cut_off_again_and_again_waits_for_a_person(books: Books) -> None:
    three_accounts(books)
    run = ask(books)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bill_runs, "ATTEMPTS_MAX", 0)
        process(books, run)
    assert state(books, run) == ("failed", "cut_off")
    with scope(books.tenant, "test"):
        bill_runs.try_again(bill_run_id=run.pk)
    process(books, run)
    assert (state(books, run), len(numbers(books))) == (("done", ""), 3)


def test_a_stopped_run_keeps_what_it_has_issued_and_goes_on_when_asked(books: Books) -> None:
    three_accounts(books)
    run = ask(books)

    def stop(outcome: object, done: int, total: int) -> None:
        assert (done, total) == (1, 3)
        with scope(books.tenant, "test"):
            bill_runs.stop(bill_run_id=run.pk, at=AT)

    process(books, run, watcher=stop)
    assert state(books, run) == ("failed", "stopped")
    assert outcomes(books, run)[0] == ("acme", "issued", "INV-2026-000001")
    assert (numbers(books), len(stored(books))) == (["INV-2026-000001"], 3)
    with scope(books.tenant, "test"):
        with pytest.raises(Conflict, match="ended already"):
            bill_runs.stop(bill_run_id=run.pk, at=AT)
        bill_runs.try_again(bill_run_id=run.pk)
        with pytest.raises(Conflict, match="has not ended"):
            bill_runs.try_again(bill_run_id=run.pk)
    process(books, run)
    assert outcomes(books, run) == [(code, "issued", f"INV-2026-00000{n}") for n, code in enumerate(ACCOUNTS, 1)]
    with scope(books.tenant, "test"), pytest.raises(Conflict, match="has its document"):
        bill_runs.try_again(bill_run_id=run.pk)


def test_a_full_disk_ends_the_run_and_no_account_is_to_blame(books: Books) -> None:
    three_accounts(books)
    run, put_in_place, calls = ask(books), files.put_in_place, list[Path]()

    def no_room(partial: files.Partial, **given: Any) -> files.StoredFile:
        calls.append(partial.path)
        if len(calls) > 3:
            raise Unavailable("documents_folder", "The documents could not be written: No space left on device.")
        return put_in_place(partial, **given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "put_in_place", no_room)
        process(books, run)
    assert state(books, run) == ("failed", "documents_folder")
    assert [outcome for _, outcome, _ in outcomes(books, run)] == ["issued", "waiting", "waiting"]
    with scope(books.tenant, "test"):
        bill_runs.try_again(bill_run_id=run.pk)
    process(books, run)
    assert numbers(books) == ["INV-2026-000001", "INV-2026-000002", "INV-2026-000003"]
    require_everything_holds(books)


def test_what_nobody_has_foreseen_of_one_account_is_its_outcome_alone(books: Books) -> None:
    three_accounts(books)
    run, read = ask(books), issuing._read

    def fail_for_one(order: Any, code: str, *given: Any) -> Any:
        if code == "baobab":
            raise ZeroDivisionError
        return read(order, code, *given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(issuing, "_read", fail_for_one)
        process(books, run)
    assert outcomes(books, run) == [
        ("acme", "issued", "INV-2026-000001"),
        ("baobab", "refused", "unforeseen"),
        ("cedar", "issued", "INV-2026-000002"),
    ]
    with scope(books.tenant, "test"):
        bill_runs.try_again(bill_run_id=run.pk)
    process(books, run)
    assert outcomes(books, run)[1] == ("baobab", "issued", "INV-2026-000003")


def test_a_long_run_lets_other_jobs_have_their_turn(books: Books) -> None:
    three_accounts(books)
    run = ask(books)
    assert process(books, run, slice_s=0.0)
    assert (state(books, run), len(numbers(books))) == (("running", ""), 1)
    assert process(books, run, slice_s=0.0)
    assert process(books, run, slice_s=0.0)
    assert (state(books, run), len(numbers(books))) == (("done", ""), 3)


def test_one_run_of_a_tenant_is_at_work_at_a_time(books: Books, other_books: Books) -> None:
    run, theirs = ask(books), ask(other_books)
    with work_lock("bill_run", books.tenant.pk):
        assert not process(books, run, wait=False)
        tasks.run_bill_run(tenant_id=books.tenant.pk, bill_run_id=run.pk)
        assert (state(books, run), state(other_books, theirs)) == (("queued", ""), ("queued", ""))
        assert process(other_books, theirs, wait=False)
    assert state(other_books, theirs) == ("done", "")


def test_a_cut_off_run_is_taken_up_every_minute(books: Books) -> None:
    three_accounts(books)
    run = ask(books)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    with clock.at(AT + timedelta(minutes=2)):
        tasks.take_up_bill_runs(timestamp=0)
        assert jobs_of(run) == ["todo"]
        tasks.take_up_bill_runs(timestamp=60)
    assert jobs_of(run) == ["todo"]


def test_invoices_are_dated_as_asked_in_the_order_of_their_numbers(books: Books) -> None:
    three_accounts(books)
    run = ask(books, "acme", issued_on=date(2026, 3, 31))
    process(books, run)
    with scope(books.tenant, "test"):
        invoice = Invoice.objects.get()
        booked = invoice.entry.booked_on
    assert (invoice.issued_on, invoice.due_on, booked) == (date(2026, 3, 31), date(2026, 4, 30), date(2026, 3, 31))
    process(books, ask(books, "baobab"))  # today, 2 April
    late = ask(books, "cedar", issued_on=date(2026, 4, 1))
    process(books, late)
    assert outcomes(books, late) == [("cedar", "refused", "date_order")]
    require_everything_holds(books)


@pytest.mark.parametrize("depth", [1, 4])
def test_every_pdf_shows_the_number_of_its_document_also_where_one_before_it_was_refused(
    depth: int, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunkline.invoicing.actions import ahead

    monkeypatch.setattr(ahead, "DEPTH", depth)
    four_accounts(books)
    with scope(books.tenant, "test"):
        other = books.add_account("elm")
    books.batch(Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03"), account=other)
    process(books, ask(books))
    with scope(books.tenant, "test"):
        found = list(Invoice.objects.order_by("number"))
    assert [invoice.number for invoice in found] == [f"INV-2026-00000{n}" for n in (1, 2, 3)]
    for invoice in found:
        text = pypdf.PdfReader(home() / invoice.pdf_path).pages[0].extract_text()
        assert set(re.findall(r"INV-2026-[0-9]+", text)) == {invoice.number}
