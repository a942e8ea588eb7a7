"""Invoices and credit notes: previews, documents with their lines and files, what is on none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field, model_validator

from trunkline.api import idempotency, listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import answer_of
from trunkline.api.shapes import Body, Day, Id, Instant, answers, page_of
from trunkline.api.versions import show
from trunkline.core.errors import Invalid
from trunkline.core.period import DatePeriod
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing import actions, queries
from trunkline.invoicing.choices import InvoiceKind, InvoiceState, LineKind, Unit
from trunkline.invoicing.draft import Draft, read_draft
from trunkline.invoicing.files import name_of, open_stored
from trunkline.invoicing.models import Invoice, InvoiceLine
from trunkline.invoicing.rules import Line, Sums, period_of
from trunkline.kit.clock import now
from trunkline.parties.queries import access_account
from trunkline.tenancy.scope import scope
from trunkline.usage.segments import WEB

router = Router(tags=["invoices"])

# A month of a large account is many files, and whoever issues its invoice waits for it.
ISSUING: Final = replace(WEB, timeout_s=120)


class Days(Body):
    """The days that a document is for, in the account's zone: `period`, or both of the other two."""

    period: str | None = Field(
        default=None,
        pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$",
        examples=["2026-03"],
        description="A month, or a day.",
    )
    period_from: Day | None = None
    period_to: Day | None = Field(default=None, description="The first day after it.")

    @model_validator(mode="after")
    def _is_said_once(self) -> Days:
        if (self.period is None) is (self.period_from is None and self.period_to is None) or (
            (self.period_from is None) is not (self.period_to is None)
        ):
            raise ValueError("say `period`, or `period_from` and `period_to`")
        return self

    @property
    def days(self) -> DatePeriod:
        """The days. Raises Invalid `bad_period`, `period_order`."""
        if self.period_from is not None and self.period_to is not None:
            found = DatePeriod(self.period_from, self.period_to)
            if not found:
                raise Invalid("period_order", "The period has no day: `period_to` is the first day after it.")
            return found
        return period_of(self.period or "")


class BilledPeriod(Days):
    """An account and the days that a document of it is for."""

    account_id: Id


class InvoiceOrder(BilledPeriod):
    """A document to be issued."""

    issued_on: Day | None = Field(default=None, description="Its date, today or earlier; today if left out.")
    early: bool = Field(default=False, description="Although the period is not over: bill what is there.")


class Voiding(Body):
    """Why a document is taken back."""

    reason: str = Field(min_length=1, max_length=500, description="Kept with the document.")
    with_adjustments: bool = Field(
        default=False, description="Before it, take back the later documents that adjust it."
    )


class ComparedSums(Body):
    """What a line billed before it was corrected, or what it should be."""

    terms: str
    calls: int
    used: int
    billed: int
    exact: str


class InvoiceLineShown(Body):
    """One line: a destination at a price, or an adjustment of a destination; then its figures are the difference."""

    number: int
    kind: LineKind
    service: str
    unit: Unit
    destination: str
    terms: str
    attempts: int
    calls: int
    used: int
    billed: int
    exact: str = Field(description="To 8 decimals.")
    amount: str = Field(description="Half up at the currency's minor unit.")
    period_from: date
    period_to: date
    corrects: str | None = Field(description="Number of the document that an adjustment corrects.")
    tax_percent: str | None = Field(description="Where its tax is not that of the document.")
    before: ComparedSums | None
    after: ComparedSums | None


class InvoiceFigures(Body):
    """What a document, or the preview of one, says at its head and its foot."""

    account_id: UUID
    account: str = Field(description="Short name of the account.")
    kind: InvoiceKind
    period_from: date
    period_to: date = Field(description="The first day after it.")
    timezone: str
    language: str
    currency: str
    exact: str = Field(description="Sum of the lines before they were rounded.")
    rounding: str = Field(description="What the lines lose by rounding: exact less net.")
    net: str
    tax: str
    total: str
    tax_name: str
    tax_percent: str


class InvoicePreview(InvoiceFigures):
    """What a document would say. Nothing of it is kept."""

    corrects: list[str] = Field(description="Numbers of the documents that its adjustments correct.")
    lines: list[InvoiceLineShown]


class InvoiceShown(InvoiceFigures):
    """A document: numbered, in the books, never edited; voiding alone is added."""

    id: UUID
    number: str
    state: InvoiceState
    issued_at: datetime
    issued_on: date
    due_on: date
    records: int = Field(description="Records attached.")
    voided_at: datetime | None
    void_reason: str


class InvoiceWhole(InvoiceShown):
    """A document with its lines."""

    lines: list[InvoiceLineShown]
    adjusted_by: list[str] = Field(description="Numbers of the documents that correct this one.")


class VoidedInvoices(Body):
    """The documents that were taken back, in that order."""

    voided: list[InvoiceShown]


class UnbilledShown(Body):
    """What of one account is on no document."""

    account_id: UUID
    account: str
    first_day: date
    last_day: date
    calls: int
    currency: str
    amount: str


class UnbilledUsage(Body):
    """What is on no document, by account."""

    data: list[UnbilledShown]


def _percent(percent: Decimal) -> str:
    return f"{percent.normalize():f}"


def shown(invoice: Invoice) -> InvoiceShown:
    """A document as lists show it."""
    return InvoiceShown(
        id=invoice.public_id,
        number=invoice.number,
        account_id=invoice.account.public_id,
        account=invoice.account.code,
        kind=InvoiceKind(invoice.kind),
        state=InvoiceState(invoice.state),
        period_from=invoice.period_from,
        period_to=invoice.period_to,
        timezone=invoice.timezone,
        language=invoice.language,
        currency=invoice.currency,
        exact=str(invoice.exact),
        rounding=str(invoice.rounding),
        net=str(invoice.net),
        tax=str(invoice.tax),
        total=str(invoice.total),
        tax_name=invoice.tax_name,
        tax_percent=_percent(invoice.tax_percent),
        issued_at=invoice.issued_at,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        records=invoice.records,
        voided_at=invoice.voided_at,
        void_reason=invoice.void_reason,
    )


def _whole(invoice: Invoice) -> InvoiceWhole:
    return InvoiceWhole(
        **shown(invoice).model_dump(),
        lines=[_line(each) for each in queries.lines_of(invoice)],
        adjusted_by=[each.number for each in queries.adjusting(invoice)],
    )


def _line(line: InvoiceLine) -> InvoiceLineShown:
    before = line.before
    return InvoiceLineShown(
        number=line.number,
        kind=LineKind(line.kind),
        service=line.service,
        unit=Unit(line.unit),
        destination=line.destination,
        terms=line.terms,
        **_figures(line.sums),
        amount=str(line.amount),
        period_from=line.period_from,
        period_to=line.period_to,
        corrects=line.corrects and line.corrects.number,
        tax_percent=None if line.tax_percent is None else _percent(line.tax_percent),
        before=None if before is None else _compared(line.before_terms or "", before),
        after=None if before is None else _compared(line.terms, before + line.sums),
    )


def _figures(sums: Sums) -> Mapping[str, Any]:
    return {
        "attempts": sums.attempts,
        "calls": sums.calls,
        "used": sums.used,
        "billed": sums.billed,
        "exact": str(sums.exact),
    }


def _compared(terms: str, sums: Sums) -> ComparedSums:
    return ComparedSums(terms=terms, calls=sums.calls, used=sums.used, billed=sums.billed, exact=str(sums.exact))


def _previewed(draft: Draft, account_id: UUID) -> InvoicePreview:
    totals = draft.totals
    return InvoicePreview(
        account_id=account_id,
        account=draft.account_code,
        kind=draft.kind,
        period_from=draft.period.start,
        period_to=draft.period.end,
        timezone=draft.timezone,
        language=draft.language,
        currency=draft.currency.code,
        exact=str(totals.exact),
        rounding=str(totals.rounding),
        net=str(totals.net),
        tax=str(totals.tax),
        total=str(totals.total),
        tax_name=draft.tax_name,
        tax_percent=_percent(draft.tax_percent),
        corrects=[each.number for each in draft.adjusts],
        lines=[_drafted(line, draft) for line in draft.lines],
    )


def _drafted(line: Line, draft: Draft) -> InvoiceLineShown:
    before = line.before
    return InvoiceLineShown(
        number=line.number,
        kind=line.kind,
        service=line.service,
        unit=line.unit,
        destination=line.destination,
        terms=line.terms,
        **_figures(line.sums),
        amount=str(line.amount),
        period_from=line.period.start,
        period_to=line.period.end,
        corrects=None if line.corrects is None else draft.corrected[line.corrects].number,
        tax_percent=None if line.tax is None else _percent(line.tax.percent),
        before=None if before is None else _compared(line.before_terms, before),
        after=None if before is None else _compared(line.terms, line.after),
    )


def _within(_: str, period: DatePeriod) -> Q:
    return Q(period_from__gte=period.start, period_to__lte=period.end)


INVOICES = listing.Listing(
    schema=InvoiceShown,
    row=shown,
    sorts={"issued_at": "issued_at", "number": "number", "due_on": "due_on"},
    default="-issued_at",
    filters={
        "account_id": listing.public_id("account__public_id"),
        "account": listing.text("account__code"),
        "state": listing.choice("state", InvoiceState),
        "kind": listing.choice("kind", InvoiceKind),
        "number": listing.text("number", prefix=True),
        "period": listing.Filter(
            "period_from",
            listing.reading(period_of),
            {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"},
            where=_within,
            description="Only documents of days within this month or day.",
        ),
        "period_from": listing.day("period_from"),
        "period_to": listing.day("period_to"),
        "issued_on": listing.day("issued_on"),
        "issued_at": listing.instant("issued_at"),
        "due_on": listing.day("due_on"),
        "currency": listing.text("currency"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.INVOICES_READ),
    response=answers(page_of(InvoiceShown)),
    openapi_extra={"parameters": INVOICES.parameters},
)
def list_invoices(request: HttpRequest) -> JsonResponse:
    """List invoices and credit notes, the latest first."""
    return INVOICES.answer(request, queries.list_invoices())


@router.post("/preview", auth=ApiKey(Permission.INVOICES_READ, spools=True), response=answers(InvoicePreview, 404, 409))
def preview_invoice(request: HttpRequest, billed: BilledPeriod) -> Any:
    """What an invoice would say. Nothing is billed, numbered or kept."""
    principal = principal_of(request)
    with scope(principal.tenant_id, principal.actor, snapshot=True):
        account = access_account(billed.account_id)
        draft = read_draft(account, billed.days)
    return _previewed(draft, account.public_id)


@router.post(
    "",
    auth=ApiKey(Permission.INVOICES_ISSUE, spools=True),
    response=answers(InvoiceWhole, 404, 409, status=201) | {200: InvoiceWhole},
)
def issue_invoice(request: HttpRequest, response: HttpResponse, order: InvoiceOrder) -> Status:
    """Issue an invoice: lines, number, files and ledger entry, all or nothing. With nothing new to bill, 200 and the one that is there."""
    principal = principal_of(request)
    with scope(principal.tenant_id, principal.actor):
        idempotency.begin(request, principal)
        code = access_account(order.account_id).code
    issued = actions.issue(
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        account_code=code,
        period=order.days,
        at=now(),
        is_early=order.early,
        issued_on=order.issued_on,
        limits=ISSUING,
    )
    begin(request, body_hash=hashlib.sha256(request.body).hexdigest())
    invoice = queries.access_document(str(issued.invoice.public_id))
    response["Location"] = f"{request.path}/{invoice.public_id}"
    return Status(201 if issued.is_new else 200, _whole(invoice))


@router.get("/unbilled", auth=ApiKey(Permission.INVOICES_READ), response=answers(UnbilledUsage))
def list_unbilled(
    request: HttpRequest,
    until: Annotated[Day | None, Field(description="Only days before this one.")] = None,
    as_of: Annotated[Instant | None, Field(description="What was on no document at that instant.")] = None,
) -> Any:
    """What is on no document yet, by account."""
    found = [
        UnbilledShown(
            account_id=each.account.public_id,
            account=each.account.code,
            first_day=each.first_day,
            last_day=each.last_day,
            calls=each.calls,
            currency=each.account.currency,
            amount=str(each.amount),
        )
        for each in queries.unbilled(until=until, as_of=as_of)
    ]
    return UnbilledUsage(data=found)


@router.get("/{invoice_id}", auth=ApiKey(Permission.INVOICES_READ), response=answers(InvoiceWhole, 404))
def get_invoice(request: HttpRequest, response: HttpResponse, invoice_id: Id) -> Any:
    """An invoice or credit note with its lines, and the documents that adjust it."""
    return show(response, _whole(queries.access_document(invoice_id)))


@router.get(
    "/{invoice_id}/pdf",
    auth=ApiKey(Permission.INVOICES_READ),
    response=answers(None, 404),
    openapi_extra=answer_of("application/pdf"),
)
def get_invoice_pdf(request: HttpRequest, invoice_id: Id) -> FileResponse:
    """The document as it was issued."""
    invoice = queries.access_document(invoice_id)
    return _file(invoice, invoice.pdf_path, invoice.pdf_sha256, ".pdf", "application/pdf")


@router.get(
    "/{invoice_id}/records.csv",
    auth=ApiKey(Permission.RECORDS_EXPORT),
    response=answers(None, 404),
    openapi_extra=answer_of("text/csv"),
)
def get_invoice_records(request: HttpRequest, invoice_id: Id) -> FileResponse:
    """The records that the document bills, as they were attached to it."""
    invoice = queries.access_document(invoice_id)
    return _file(invoice, invoice.csv_path, invoice.csv_sha256, ".records.csv", "text/csv")


@router.post("/{invoice_id}/void", auth=ApiKey(Permission.INVOICES_VOID), response=answers(VoidedInvoices, 404, 409))
def void_invoice(request: HttpRequest, invoice_id: Id, voiding: Voiding) -> Any:
    """Take a document back: the books are reversed and its usage is unbilled again. Its number stays used."""
    said: Any = {"number": queries.access_document(invoice_id).number, "reason": voiding.reason, "at": now()}
    voided = actions.void_with_adjustments(**said) if voiding.with_adjustments else [actions.void(**said)]
    return VoidedInvoices(voided=[shown(queries.access_document(str(each.public_id))) for each in voided])


def _file(invoice: Invoice, path: str, sha256: str, suffix: str, kind: str) -> FileResponse:
    """A finished file, which is sent after the scope has ended; its path comes from the row that the policy lets one see."""
    handle = open_stored(path, sha256).open("rb")
    return FileResponse(handle, as_attachment=True, filename=name_of(invoice.number, suffix), content_type=kind)
