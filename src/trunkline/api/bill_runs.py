"""Bill runs: documents for many accounts, issued in the background; how far each has come, and what became of every account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.invoices import Days
from trunkline.api.shapes import Body, Day, Id, answers, page_of
from trunkline.identity.permissions import Permission
from trunkline.invoicing import bill_runs, queries
from trunkline.invoicing.choices import BillOutcome, BillRunState
from trunkline.invoicing.models import BillRun, BillRunAccount
from trunkline.kit.clock import now
from trunkline.parties.queries import account_codes

router = Router(tags=["bill runs"])

ACCOUNTS_MAX: Final = 1000


class BillRunOrder(Days):
    """Documents to be issued: of some accounts, or of all that have something to bill."""

    account_ids: list[Id] | None = Field(
        default=None,
        min_length=1,
        max_length=ACCOUNTS_MAX,
        description="Accounts; null: all that have something to bill.",
    )
    issued_on: Day | None = Field(
        default=None,
        description="Date of the documents, today or earlier; the day on which they are issued if left out.",
    )
    early: bool = Field(default=False, description="Although the period is not over: bill what is there.")


class BillRunProgress(Body):
    """How many accounts there are, and what has become of them by now. Those of a run over all are told when it begins."""

    accounts: int
    done: int
    issued: int
    unchanged: int = Field(description="Whose document of the period was there already.")
    nothing: int = Field(description="That had nothing to bill.")
    refused: int = Field(description="Whose document could not be made; the outcome says why.")


class BillRunFailure(Body):
    """Why a run ended before its last account. What it had issued stays."""

    code: str
    detail: str


class BillRunShown(Body):
    """A bill run. Its documents are issued one by one, each all or nothing."""

    id: UUID
    state: BillRunState
    period_from: date
    period_to: date = Field(description="The first day after it.")
    issued_on: date | None
    early: bool
    all_accounts: bool
    progress: BillRunProgress
    failure: BillRunFailure | None
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class BillRunOutcome(Body):
    """What became of one account."""

    account_id: UUID
    account: str
    outcome: BillOutcome
    invoice_id: UUID | None
    number: str | None
    reason: str | None = Field(description="A stable code, where it was refused.")
    detail: str | None


def _shown(rows: Sequence[BillRun], _: Mapping[str, Any]) -> Iterator[BillRunShown]:
    found = queries.tallies(rows)
    for run in rows:
        yield _run(run, found[run.pk])


def _run(run: BillRun, tally: queries.Tally) -> BillRunShown:
    counted = {name: getattr(tally, name) for name in BillRunProgress.model_fields}
    return BillRunShown(
        id=run.public_id,
        state=BillRunState(run.state),
        period_from=run.period_from,
        period_to=run.period_to,
        issued_on=run.issued_on,
        early=run.is_early,
        all_accounts=run.is_all,
        progress=BillRunProgress(**counted),
        failure=BillRunFailure(code=run.failure, detail=run.failure_detail) if run.failure else None,
        asked_by=run.asked_by,
        asked_at=run.asked_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def _outcome(row: BillRunAccount) -> BillRunOutcome:
    return BillRunOutcome(
        account_id=row.account.public_id,
        account=row.account.code,
        outcome=BillOutcome(row.outcome),
        invoice_id=row.invoice and row.invoice.public_id,
        number=row.invoice and row.invoice.number,
        reason=row.reason or None,
        detail=row.detail or None,
    )


RUNS = listing.Listing(
    schema=BillRunShown,
    page=_shown,
    sorts={"asked_at": "asked_at"},
    default="-asked_at",
    filters={
        "state": listing.choice("state", BillRunState),
        "period_from": listing.day("period_from"),
        "period_to": listing.day("period_to"),
        "asked_at": listing.instant("asked_at"),
        "asked_by": listing.text("asked_by"),
    },
)
OUTCOMES = listing.Listing(
    schema=BillRunOutcome,
    row=_outcome,
    sorts={"account": "account__code"},
    default="account",
    filters={
        "outcome": listing.choice("outcome", BillOutcome),
        "account": listing.text("account__code"),
        "account_id": listing.public_id("account__public_id"),
        "reason": listing.text("reason"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.INVOICES_READ),
    response=answers(page_of(BillRunShown)),
    openapi_extra={"parameters": RUNS.parameters},
)
def list_bill_runs(request: HttpRequest) -> JsonResponse:
    """List bill runs, the latest first."""
    return RUNS.answer(request, queries.bill_runs())


@router.post("", auth=ApiKey(Permission.INVOICES_ISSUE), response=answers(BillRunShown, 404, 409, status=202))
def start_bill_run(request: HttpRequest, response: HttpResponse, order: BillRunOrder) -> Status[Any]:
    """Have invoices issued in the background, for some accounts or for all. Ask `GET /bill-runs/{id}` how far it has come."""
    codes = None if order.account_ids is None else account_codes(order.account_ids)
    run = bill_runs.ask(
        period=order.days, at=now(), account_codes=codes, is_early=order.early, issued_on=order.issued_on
    )
    response["Location"] = f"{request.path}/{run.public_id}"
    return Status(202, _one(run))


@router.get("/{bill_run_id}", auth=ApiKey(Permission.INVOICES_READ), response=answers(BillRunShown, 404))
def get_bill_run(request: HttpRequest, bill_run_id: Id) -> Any:
    """A bill run and how far it has come."""
    return _one(queries.access_bill_run(bill_run_id))


@router.get(
    "/{bill_run_id}/accounts",
    auth=ApiKey(Permission.INVOICES_READ),
    response=answers(page_of(BillRunOutcome), 404),
    openapi_extra={"parameters": OUTCOMES.parameters},
)
def list_bill_run_outcomes(request: HttpRequest, bill_run_id: Id) -> JsonResponse:
    """What became of the accounts of a bill run, by their short names."""
    return OUTCOMES.answer(request, queries.outcomes_of(queries.access_bill_run(bill_run_id)))


@router.post(
    "/{bill_run_id}/retry", auth=ApiKey(Permission.INVOICES_ISSUE), response=answers(BillRunShown, 404, 409, status=202)
)
def retry_bill_run(request: HttpRequest, bill_run_id: Id) -> Status[Any]:
    """Have a run that has ended done again for the accounts that have no document."""
    return Status(202, _one(bill_runs.try_again(bill_run_id=queries.access_bill_run(bill_run_id).pk)))


@router.post("/{bill_run_id}/stop", auth=ApiKey(Permission.INVOICES_ISSUE), response=answers(BillRunShown, 404, 409))
def stop_bill_run(request: HttpRequest, bill_run_id: Id) -> Any:
    """End a run before its next account. What it has issued stays."""
    return _one(bill_runs.stop(bill_run_id=queries.access_bill_run(bill_run_id).pk, at=now()))


def _one(run: BillRun) -> BillRunShown:
    return _run(run, queries.tallies([run])[run.pk])
