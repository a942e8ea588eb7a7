"""Invoices and the books in the back office."""

from __future__ import annotations

from tests.backoffice.office import Office
from tests.isolation.rows import make_row
from trunkline.invoicing.models import Invoice
from trunkline.ledger.models import Entry, Posting
from trunkline.tenancy.scope import scope


def test_an_invoice_stands_in_the_list_and_is_shown_with_its_files(office: Office) -> None:
    with scope(office.ours, "test"):
        invoice = make_row(Invoice)
    client = office.client("finance")
    assert invoice.number in client.get("/office/invoicing/invoice/").content.decode()
    shown = client.get(f"/office/invoicing/invoice/{invoice.pk}/change/").content.decode()
    assert f"/office/invoices/{invoice.public_id}/pdf/" in shown
    assert f"/office/invoices/{invoice.public_id}/records/" in shown


def test_files_of_another_operators_invoice_are_not_there(office: Office) -> None:
    with scope(office.theirs, "test"):
        invoice = make_row(Invoice)
    for name in ("pdf", "records"):
        assert office.client("owner").get(f"/office/invoices/{invoice.public_id}/{name}/").status_code == 404


def test_records_are_for_those_who_may_take_them_out(office: Office) -> None:
    with scope(office.ours, "test"):
        invoice = make_row(Invoice)
    assert office.client("read_only").get(f"/office/invoices/{invoice.public_id}/records/").status_code == 403


def test_an_entry_shows_its_postings_and_the_trial_balance_adds_up(office: Office) -> None:
    with scope(office.ours, "test"):
        posting = make_row(Posting)
        entry = Entry.objects.get(pk=posting.entry_id)
        code = posting.account.code
    client = office.client("finance")
    assert code in client.get(f"/office/ledger/entry/{entry.pk}/change/").content.decode()
    assert code in client.get("/office/books/trial-balance/").content.decode()
