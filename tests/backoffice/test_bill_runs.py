"""What is unbilled, previews, bill runs with their progress, and statements, in the back office. Issuing commits for real."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from tests.backoffice.office import Office
from tests.db.invoicing.books import AT, Books
from tests.db.invoicing.conftest import make_books
from tests.db.invoicing.test_issue import CALLS
from tests.waiting_jobs import work_off
from trunkline.invoicing.choices import BILL
from trunkline.invoicing.models import BillRun, Invoice
from trunkline.kit import clock
from trunkline.tenancy.scope import scope

ADD = "/office/invoicing/billrun/add/"
MARCH = {"period_from": "2026-03-01", "period_to": "2026-04-01"}


@pytest.fixture
def books(committed_db: Any, data_folder: Any) -> Iterator[Books]:
    """Two customers, of whom the records of the second are not what its rollups say, and the clock in April."""
    with clock.at(AT):
        made = make_books("Meridian Carrier")
        with scope(made.tenant, "test"):
            other = made.add_account("baobab")
        made.batch(*CALLS)
        made.batch(*CALLS, account=other, records=CALLS[:1])
        yield made


@pytest.fixture
def office(books: Books) -> Office:
    return Office(books.tenant, books.tenant)


def shown(client: Client, address: str, status: int = 200, **query: str) -> str:
    response = client.get(address, query)
    assert response.status_code == status, response.content
    return response.content.decode()


def test_what_is_unbilled_is_previewed_chosen_and_issued_in_the_background(books: Books, office: Office) -> None:
    client = office.client("finance")
    unbilled = client.get(reverse("admin:unbilled"), {"until": "2026-04-01"})
    rows = unbilled.context_data["panel"].rows
    assert [(row[1].text, str(row[3]), row[5]) for row in rows] == [
        ("acme", "2026-03-10", "4"),
        ("baobab", "2026-03-10", "4"),
    ]
    months = client.get(reverse("admin:unbilled")).context_data["period"]
    assert {name: str(day) for name, day in months.items()} == MARCH
    preview = shown(client, rows[0][-1].url)
    assert ("Kenya Fixed Nairobi" in preview, "0.13" in preview, "0.10020833 USD" in preview) == (True, True, True)
    pdf = client.get(reverse("admin:invoice_preview_pdf", args=["acme"]), MARCH)
    text = pypdf.PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert "This is a preview, not an invoice" in text
    with scope(books.tenant, "test"):
        assert not Invoice.objects.exists()

    asked = client.get(ADD, {"accounts": ["acme", "baobab"], **MARCH})
    assert 'value="acme, baobab"' in asked.content.decode()
    answer = client.post(ADD, {"accounts": "acme, baobab", "issued_on": "2026-03-31", **MARCH})
    with scope(books.tenant, "test"):
        run = BillRun.objects.get()
        assert not Invoice.objects.exists()  # nothing is done within the page
    address = reverse("admin:invoicing_billrun_change", args=(run.pk,))
    assert answer["Location"] == address
    waiting = shown(client, address)
    assert ("data-follow=" in waiting, "Queued" in waiting, "0 / 2 (0 %)" in waiting) == (True, True, True)

    assert work_off(BILL) == 1
    done = shown(client, address)
    assert ("data-follow=" in done, "2 / 2 (100 %)" in done, "sums_disagree" in done) == (False, True, True)
    assert ("INV-2026-000001" in done, "0.13 USD" in done, "Try again" in done) == (True, True, True)
    with scope(books.tenant, "test"):
        invoice = Invoice.objects.get()
    assert (str(invoice.issued_on), invoice.account_id) == ("2026-03-31", books.account.pk)
    every = shown(client, reverse("admin:invoicing_billrunaccount_changelist"), run=str(run.pk))
    assert ("acme" in every, "baobab" in every) == (True, True)
    assert "No row fits" in shown(client, reverse("admin:invoicing_billrunaccount_changelist"), run="999999")
    document = shown(client, reverse("admin:invoicing_invoice_change", args=(invoice.pk,)))
    assert reverse("admin:invoice_pdf", args=[invoice.public_id]) in document
    assert ("&#x27;invoice&#x27;" in document, "Issued" in document) == (False, True)

    client.post(reverse("admin:invoicing_billrun_try_again", args=(run.pk,)))
    assert "data-follow=" in shown(client, address)
    client.post(reverse("admin:invoicing_billrun_stop", args=(run.pk,)))
    assert "Somebody has stopped it." in shown(client, address)
    assert "finance@" in shown(client, reverse("admin:invoicing_billrun_changelist"))


def test_all_are_issued_only_when_all_is_said(books: Books, office: Office) -> None:
    client = office.client()
    for given in ({}, {"accounts": "acme", "is_all": "on"}):
        refused = client.post(ADD, {**MARCH, **given})
        assert (refused.status_code, "Name accounts, or choose all" in refused.content.decode()) == (200, True)
    unknown = client.post(ADD, {**MARCH, "accounts": "nobody"}).content.decode()
    assert "There is no account" in unknown
    assert client.post(ADD, {**MARCH, "is_all": "on"}).status_code == 302
    work_off(BILL)
    with scope(books.tenant, "test"):
        run = BillRun.objects.get()
        assert (run.is_all, run.state, run.outcomes.count()) == (True, "done", 2)


def test_a_preview_says_what_is_in_its_way(books: Books, office: Office) -> None:
    client = office.client()
    address = reverse("admin:invoice_preview")
    assert "Preview of an invoice" in shown(client, address)
    assert "There is no account" in shown(client, address, 422, account="nobody")
    february = {"period_from": "2026-02-01", "period_to": "2026-03-01"}
    assert "has nothing to bill" in shown(client, address, 422, account="acme", **february)
    backwards = {"period_from": "2026-03-01", "period_to": "2026-03-01"}
    assert "at least one day" in shown(client, address, 422, account="acme", **backwards)
    assert client.get(reverse("admin:invoice_preview_pdf", args=["nobody"]), MARCH).status_code == 404
    assert client.get(reverse("admin:invoice_preview_pdf", args=["acme"])).status_code == 400


def test_a_statement_has_both_balances_and_leaves_as_csv_and_xlsx(books: Books, office: Office) -> None:
    client = office.client("finance")
    client.post(ADD, {"accounts": "acme", "issued_on": "2026-03-31", **MARCH})
    work_off(BILL)
    address = reverse("admin:statement")
    asked = {"account": "acme", "start": "2026-03-01", "end": "2026-04-01", "books": "invoiced"}
    response = client.get(address, asked)
    rows = [[str(cell) for cell in row] for row in response.context_data["panel"].rows]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("2026-03-01", "Opening balance", ""),
        ("2026-03-31", "Invoice", "INV-2026-000001"),
        ("2026-04-01", "Closing balance", ""),
    ]
    told = client.get(address, asked | {"format": "csv"})
    assert list(csv.reader(io.StringIO(told.content.decode()))) == [
        ["booked_on", "kind", "reference", "book", "debit", "credit", "balance", "currency"],
        ["2026-03-01", "opening", "", "", "", "", "0", "USD"],
        ["2026-03-31", "invoice", "INV-2026-000001", "receivable:acme", "0.13", "", "0.13", "USD"],
        ["2026-04-01", "closing", "", "", "", "", "0.13", "USD"],
    ]
    content = client.get(address, asked | {"format": "xlsx"}).content
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert sheet[2] == ["2026-03-31", "invoice", "INV-2026-000001", "receivable:acme", 0.13, "", 0.13, "USD"]
    assert "There is no account" in shown(client, address, 422, account="nobody")
    assert client.get(address, asked | {"format": "exe"}).status_code == 422
    account = shown(client, reverse("admin:parties_account_change", args=(books.account.pk,)))
    assert (f"{address}?account=acme" in account, f"{ADD}?accounts=acme" in account) == (True, True)


def test_who_may_not_issue_sees_no_way_to_it(books: Books, office: Office) -> None:
    client = office.client("read_only")
    unbilled = shown(client, reverse("admin:unbilled"))
    assert ("acme" in unbilled, "billrun/add" in unbilled, "checkbox" in unbilled) == (True, False, False)
    assert client.get(ADD).status_code == client.post(ADD, {**MARCH, "is_all": "on"}).status_code == 403
    assert "billrun/add" not in shown(client, reverse("admin:invoice_preview"), account="acme", **MARCH)
