"""Bill runs through the API: asked for, polled, their outcomes, tried again. Issuing is several transactions, so these tests commit for real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking, new_key
from tests.db.invoicing.books import AT, Books
from tests.db.invoicing.conftest import make_books
from tests.db.invoicing.test_issue import CALLS
from trunkline.identity.permissions import Permission
from trunkline.invoicing.models import BillRun
from trunkline.invoicing.tasks import run_bill_run
from trunkline.kit import clock
from trunkline.tenancy.scope import scope


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
def ask(books: Books, client: Client) -> Asking:
    """Requests with a key that may do everything."""
    return Asking(client, new_key(books.tenant))


def work(books: Books) -> None:
    """What a worker does with the runs that wait."""
    with scope(books.tenant, "test"):
        waiting = list(BillRun.objects.filter(state="queued").values_list("pk", flat=True))
    for run in waiting:
        run_bill_run(tenant_id=books.tenant.pk, bill_run_id=run)


def test_a_run_is_asked_for_polled_and_tried_again(ask: Asking, books: Books) -> None:
    answer = ask.post("/bill-runs", {"period": "2026-03", "issued_on": "2026-03-31"}, Idempotency_Key="march")
    asked = ok(answer, 202)
    assert answer["Location"] == f"/api/v1/bill-runs/{asked['id']}"
    nothing = {"accounts": 0, "done": 0, "issued": 0, "unchanged": 0, "nothing": 0, "refused": 0}
    assert asked | {"id": "", "asked_by": ""} == {
        "id": "",
        "state": "queued",
        "period_from": "2026-03-01",
        "period_to": "2026-04-01",
        "issued_on": "2026-03-31",
        "early": False,
        "all_accounts": True,
        "progress": nothing,
        "failure": None,
        "asked_by": "",
        "asked_at": "2026-04-02T09:30:00Z",
        "started_at": None,
        "finished_at": None,
    }
    again = ask.post("/bill-runs", {"period": "2026-03", "issued_on": "2026-03-31"}, Idempotency_Key="march")
    assert (ok(again, 202), again["Idempotency-Replayed"]) == (asked, "true")

    work(books)
    done = ok(ask.get(f"/bill-runs/{asked['id']}"))
    assert (done["state"], done["progress"]) == (
        "done",
        nothing | {"accounts": 2, "done": 2, "issued": 1, "refused": 1},
    )
    found = pages(ask, f"/bill-runs/{asked['id']}/accounts", limit=1)
    assert [(each["account"], each["outcome"], each["number"], each["reason"]) for each in found] == [
        ("acme", "issued", "INV-2026-000001", None),
        ("baobab", "refused", None, "sums_disagree"),
    ]
    assert "--" not in found[1]["detail"]
    assert pages(ask, f"/bill-runs/{asked['id']}/accounts", outcome="refused") == [found[1]]
    invoice = ok(ask.get(f"/invoices/{found[0]['invoice_id']}"))
    assert (invoice["issued_on"], invoice["due_on"]) == ("2026-03-31", "2026-04-30")

    retried = ok(ask.post(f"/bill-runs/{asked['id']}/retry"), 202)
    assert (retried["state"], retried["progress"]["refused"]) == ("queued", 0)
    refused(ask.post(f"/bill-runs/{asked['id']}/retry"), 409, "bill_run_under_way")
    stopped = ok(ask.post(f"/bill-runs/{asked['id']}/stop"))
    assert (stopped["state"], stopped["failure"]["code"]) == ("failed", "stopped")
    refused(ask.post(f"/bill-runs/{asked['id']}/stop"), 409, "bill_run_ended")


def test_runs_of_chosen_accounts_are_listed_and_narrowed(ask: Asking, books: Books) -> None:
    mine = {"period": "2026-03", "account_ids": [str(books.account.public_id)]}
    first = ok(ask.post("/bill-runs", mine), 202)
    assert (first["all_accounts"], first["progress"]["accounts"]) == (False, 1)
    work(books)
    second = ok(ask.post("/bill-runs", mine), 202)
    work(books)
    assert [each["id"] for each in pages(ask, "/bill-runs", limit=1)] == [second["id"], first["id"]]
    assert [each["progress"]["unchanged"] for each in pages(ask, "/bill-runs")] == [1, 0]
    assert pages(ask, "/bill-runs", state="queued") == []
    assert len(pages(ask, "/bill-runs", state="done", period_from="2026-03-01")) == 2


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"period": "March"}, 422, "validation_failed"),
        ({"period": "2026-03", "account_ids": []}, 422, "validation_failed"),
        ({"period": "2026-03", "account_ids": ["nothing"]}, 404, "account_not_found"),
        ({"period_from": "2026-03-02", "period_to": "2026-03-01"}, 422, "period_order"),
        ({"period": "2026-03", "issued_on": "2026-04-03"}, 422, "issue_date"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(
    client: Client, tenant: Any, more: dict[str, Any], status: int, code: str
) -> None:
    ask = Asking(client, new_key(tenant))
    refused(ask.post("/bill-runs", more), status, code)
    assert pages(ask, "/bill-runs") == []


def test_who_may_only_read_asks_for_no_run(client: Client, tenant: Any) -> None:
    ask = Asking(client, new_key(tenant, Permission.INVOICES_READ))
    refused(ask.post("/bill-runs", {"period": "2026-03"}), 403, "permission_missing")


def test_the_statement_of_an_account_has_both_balances_and_pages(ask: Asking, books: Books) -> None:
    ok(ask.post("/bill-runs", {"period": "2026-03", "account_ids": [str(books.account.public_id)]}), 202)
    work(books)
    address = f"/accounts/{books.account.public_id}/statement"
    found = ok(ask.get(address))
    assert [(each["kind"], each["account"], each["amount"], each["balance"]) for each in found["data"]] == [
        ("invoice", "receivable:acme", "0.13", "0.13")
    ]
    assert (found["books"], found["opening"], found["closing"], found["has_more"]) == ("invoiced", "0", "0.13", False)
    later = ok(ask("GET", address, query={"from": "2026-04-03"}))
    assert (later["opening"], later["closing"], later["data"]) == ("0.13", "0.13", [])
    everything = pages(ask, address, books="all", limit=1)
    assert [(each["account"], each["balance"]) for each in everything] == [
        ("unbilled_receivable:acme", "0.02520833"),
        ("unbilled_receivable:acme", "0.07520833"),
        ("unbilled_receivable:acme", "0.10020833"),
        ("receivable:acme", "0.23020833"),
        ("unbilled_receivable:acme", "0.13"),
    ]
    refused(ask("GET", address, query={"from": "2026-03-02", "to": "2026-03-01"}), 422, "period_order")
    refused(ask.get(address, books="other"), 422, "validation_failed")
