"""Invoices through the API. Issuing is several transactions, so these tests commit for real."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking, new_key
from tests.db.invoicing.books import AT, Books, Call, changed
from tests.db.invoicing.conftest import make_books
from trunkline.identity.permissions import Permission
from trunkline.invoicing.actions import set_profile
from trunkline.invoicing.models import Invoice
from trunkline.kit import clock
from trunkline.kit.home import home
from trunkline.tenancy.scope import scope

NAIROBI, MOBILE = "Kenya Fixed Nairobi", "Kenya Mobile Safaricom"
CALLS = (
    Call("2026-03-10 08:00:00", MOBILE, "safaricom", 61, 61, "0.01270833"),
    Call("2026-03-10 08:05:00", MOBILE, "safaricom", 0, 0, "0"),
    Call("2026-03-11 10:00:00", NAIROBI, "nairobi", 100, 100, "5", calling="=HYPERLINK(1)", key="dear"),
)


@pytest.fixture
def books(committed_db: Any, data_folder: Any) -> Iterator[Books]:
    """A customer, two destinations, and the clock in April."""
    with clock.at(AT):
        yield make_books("Meridian Carrier")


@pytest.fixture
def ask(books: Books, client: Client) -> Asking:
    """Requests with a key that may do everything."""
    return Asking(client, new_key(books.tenant))


@pytest.fixture
def march(books: Books) -> dict[str, str]:
    """What is asked for of the customer's March."""
    return {"account_id": str(books.account.public_id), "period": "2026-03"}


def test_a_preview_is_what_is_issued_then(ask: Asking, books: Books, march: dict[str, str]) -> None:
    books.batch(*CALLS)
    preview = ok(ask.post("/invoices/preview", march))
    assert preview["lines"] == [
        {
            "number": 1,
            "kind": "usage",
            "service": "voice",
            "unit": "second",
            "destination": NAIROBI,
            "terms": "0.03/min, 1/1",
            "attempts": 1,
            "calls": 1,
            "used": 100,
            "billed": 100,
            "exact": "5",
            "amount": "5",
            "period_from": "2026-03-01",
            "period_to": "2026-04-01",
            "corrects": None,
            "tax_percent": None,
            "before": None,
            "after": None,
        },
        preview["lines"][1],
    ]
    figures = {name: preview[name] for name in ("kind", "net", "tax", "total", "exact", "rounding", "currency")}
    assert figures == {
        "kind": "invoice",
        "net": "5.01",
        "tax": "0.8",
        "total": "5.81",
        "exact": "5.01270833",
        "rounding": "0.00270833",
        "currency": "USD",
    }
    assert pages(ask, "/invoices") == []
    answer = ask.post("/invoices", march)
    issued = ok(answer, 201)
    assert {name: issued[name] for name in preview if name != "corrects"} == {
        name: value for name, value in preview.items() if name != "corrects"
    }
    assert (issued["number"], issued["state"], issued["records"]) == ("INV-2026-000001", "issued", 2)
    assert answer["Location"] == f"/api/v1/invoices/{issued['id']}"
    assert ok(ask.get(f"/invoices/{issued['id']}")) == issued
    again = ask.post("/invoices", march)
    assert (ok(again), again["Location"]) == (issued, answer["Location"])
    refused(ask.post("/invoices/preview", march), 409, "nothing_to_bill")


def test_an_order_sent_again_with_its_key_has_the_same_answer(ask: Asking, books: Books, march: dict[str, str]) -> None:
    books.batch(*CALLS)
    first = ask.post("/invoices", march, Idempotency_Key="march")
    again = ask.post("/invoices", march, Idempotency_Key="march")
    assert (ok(again, 201), again["Idempotency-Replayed"]) == (ok(first, 201), "true")
    refused(
        ask.post("/invoices", march | {"period": "2026-04"}, Idempotency_Key="march"), 422, "idempotency_key_reused"
    )
    assert len(pages(ask, "/invoices")) == 1


def test_a_period_is_said_once_and_is_over(ask: Asking, books: Books, march: dict[str, str]) -> None:
    account = {"account_id": march["account_id"]}
    refused(ask.post("/invoices", account), 422, "validation_failed")
    refused(ask.post("/invoices", march | {"period_from": "2026-03-01"}), 422, "validation_failed")
    refused(ask.post("/invoices", account | {"period_from": "2026-03-01"}), 422, "validation_failed")
    refused(ask.post("/invoices", account | {"period": "2026-13"}), 422, "bad_period")
    dates = {"period_from": "2026-03-02", "period_to": "2026-03-01"}
    refused(ask.post("/invoices", account | dates), 422, "period_order")
    books.batch(*CALLS, Call("2026-04-01 08:00:00", NAIROBI, "nairobi", 60, 60, "0.03"))
    april = account | {"period_from": "2026-04-01", "period_to": "2026-05-01"}
    problem = refused(ask.post("/invoices", april), 409, "period_open")
    assert "--early" not in problem["detail"]
    early = ok(ask.post("/invoices", april | {"early": True}), 201)
    assert [line["kind"] for line in early["lines"]] == ["usage", "late", "late"]


def test_documents_are_narrowed_and_paged(ask: Asking, books: Books, march: dict[str, str]) -> None:
    with scope(books.tenant, "test"):
        other = books.add_account("other")
    books.batch(*CALLS)
    books.batch(changed(CALLS[0], start="2026-03-12 08:00:00"), account=other)
    mine = ok(ask.post("/invoices", march), 201)
    with clock.at(AT + timedelta(days=1)):
        theirs = ok(ask.post("/invoices", march | {"account_id": str(other.public_id)}), 201)

    def numbers(**query: Any) -> list[str]:
        return [each["number"] for each in pages(ask, "/invoices", **query)]

    first, second = mine["number"], theirs["number"]
    assert numbers() == numbers(limit=1) == [second, first]
    assert numbers(sort="number", limit=1) == [first, second]
    assert numbers(account_id=march["account_id"]) == numbers(account="acme") == [first]
    assert numbers(**{"number[like]": "INV-2026"}, sort="number") == [first, second]
    assert numbers(number=second) == numbers(**{"issued_on[gt]": "2026-04-02"}) == [second]
    assert numbers(period="2026-03", state="issued", kind="invoice") == [second, first]
    assert numbers(period="2026-04") == numbers(kind="credit_note") == numbers(state="void") == []
    refused(ask.get("/invoices", period="March"), 422, "validation_failed")


def test_the_files_are_those_that_were_issued(ask: Asking, books: Books, march: dict[str, str], client: Client) -> None:
    books.batch(*CALLS)
    address = f"/invoices/{ok(ask.post('/invoices', march), 201)['id']}"
    pdf = ask.get(f"{address}/pdf")
    content = b"".join(pdf)
    assert (pdf.status_code, pdf["Content-Type"], pdf["Content-Length"]) == (200, "application/pdf", str(len(content)))
    assert pdf["Content-Disposition"] == 'attachment; filename="INV-2026-000001.pdf"'
    assert "INV-2026-000001" in pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text()
    records = ask.get(f"{address}/records.csv")
    assert records["Content-Disposition"] == 'attachment; filename="INV-2026-000001.records.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(records).decode())))
    assert [(row["calling"], row["amount"]) for row in rows] == [
        ("'=HYPERLINK(1)", "5.00000000"),
        ("4930123456", "0.01270833"),
    ]
    reader = Asking(client, new_key(books.tenant, Permission.INVOICES_READ))
    refused(reader.get(f"{address}/records.csv"), 403, "permission_missing")
    with scope(books.tenant, "test"):
        path = home() / Invoice.objects.get().pdf_path
    path.write_bytes(b"something else")
    problem = refused(ask.get(f"{address}/pdf"), 503, "document_changed")
    assert str(home()) not in problem["detail"]
    path.unlink()
    refused(ask.get(f"{address}/pdf"), 404, "document_missing")


def test_a_number_with_odd_letters_does_not_reach_a_header(ask: Asking, books: Books, march: dict[str, str]) -> None:
    with scope(books.tenant, "test"):
        set_profile(invoice_number='A"; filename="evil.exe"; x="{year}/{number}')
    books.batch(*CALLS)
    answer = ask.get(f"/invoices/{ok(ask.post('/invoices', march), 201)['id']}/pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="A-filename-evil.exe-x-2026-1.pdf"'
    answer.close()


def test_a_document_is_taken_back_with_those_that_adjust_it(ask: Asking, books: Books, march: dict[str, str]) -> None:
    batch = books.batch(*CALLS)
    first = ok(ask.post("/invoices", march), 201)
    cheaper = changed(CALLS[2], amount="0.05")
    kept = [(call, batch) for call in CALLS[:2]]
    books.batch(cheaper, takes_back=[CALLS[2]], supersedes=batch, carried=kept)
    note = ok(ask.post("/invoices", march | {"period": "2026-04", "early": True}), 201)
    assert (note["kind"], note["total"], note["lines"][0]["corrects"]) == ("credit_note", "-5.74", first["number"])
    assert (note["lines"][0]["before"]["exact"], note["lines"][0]["after"]["exact"]) == ("5", "0.05")
    address = f"/invoices/{first['id']}"
    assert ok(ask.get(address))["adjusted_by"] == [note["number"]]
    assert pages(ask, "/invoices", kind="credit_note")[0]["id"] == note["id"]
    refused(ask.post(f"{address}/void", {"reason": " "}), 422, "validation_failed")
    problem = refused(ask.post(f"{address}/void", {"reason": "wrong"}), 409, "adjusted_later")
    assert "--with-adjustments" not in problem["detail"]
    voided = ok(ask.post(f"{address}/void", {"reason": "wrong", "with_adjustments": True}))["voided"]
    assert [(each["number"], each["state"], each["void_reason"]) for each in voided] == [
        (note["number"], "void", "wrong"),
        (first["number"], "void", "wrong"),
    ]
    refused(ask.post(f"{address}/void", {"reason": "again"}), 409, "already_void")


def test_what_is_unbilled_is_told_by_account(ask: Asking, books: Books, march: dict[str, str]) -> None:
    books.batch(*CALLS)
    unbilled = {
        "account_id": march["account_id"],
        "account": "acme",
        "first_day": "2026-03-10",
        "last_day": "2026-03-11",
        "calls": 2,
        "currency": "USD",
        "amount": "5.01270833",
    }
    assert ok(ask.get("/invoices/unbilled")) == {"data": [unbilled]}
    until = ok(ask.get("/invoices/unbilled", until="2026-03-11"))["data"][0]
    assert (until["last_day"], until["amount"]) == ("2026-03-10", "0.01270833")
    ok(ask.post("/invoices", march), 201)
    assert ok(ask.get("/invoices/unbilled")) == {"data": []}
    with clock.at(AT + timedelta(days=1)):
        before = ok(ask.get("/invoices/unbilled", as_of=(AT - timedelta(seconds=1)).isoformat()))
    assert before == {"data": []}  # the file came in at that instant
    refused(ask.get("/invoices/unbilled", until="soon"), 422, "validation_failed")


def test_another_tenants_documents_are_not_there(
    ask: Asking, books: Books, march: dict[str, str], client: Client
) -> None:
    books.batch(*CALLS)
    address = f"/invoices/{ok(ask.post('/invoices', march), 201)['id']}"
    with clock.at(AT):
        stranger = Asking(client, new_key(make_books("Savanna Net").tenant))
    for asked in (stranger.get(address), stranger.get(f"{address}/pdf"), stranger.get(f"{address}/records.csv")):
        refused(asked, 404, "invoice_not_found")
    refused(stranger.post(f"{address}/void", {"reason": "mine"}), 404, "invoice_not_found")
    refused(stranger.post("/invoices", march), 404, "account_not_found")
    refused(stranger.post("/invoices/preview", march), 404, "account_not_found")
    assert pages(stranger, "/invoices") == []
