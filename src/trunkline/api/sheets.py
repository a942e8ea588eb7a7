"""Rate sheets of vendors: read, compared with the prices in force, applied, undone. Together they are a tariff's history."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import answer_of
from trunkline.api.shapes import Day, Id, Instant, RowId, answers, page_of
from trunkline.api.sheet_files import FORM, read_form
from trunkline.api.sheet_shapes import (
    ERRORS_SHOWN_MAX,
    KINDS,
    ClosedCode,
    SheetApply,
    SheetError,
    SheetLine,
    SheetReading,
    SheetReason,
    SheetShown,
    shown,
)
from trunkline.api.versions import require_match, show
from trunkline.api.work import done_or_asked, gone
from trunkline.core.errors import Conflict, Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions, files
from trunkline.pricing.changes import change_rows, closed_rows, error_rows
from trunkline.pricing.choices import ImportState, ImportWork, ScopeChoice
from trunkline.pricing.compare import Scope
from trunkline.pricing.intake import asked_for, read_as, reader_of
from trunkline.pricing.models import SheetImport
from trunkline.pricing.queries import access_import, access_template, find_compared, imports
from trunkline.pricing.sheets.layout import from_json
from trunkline.pricing.sheets.reading import to_report
from trunkline.pricing.sheets.recognise import Context
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.queries import require_working
from trunkline.tenancy.scope import scope as tenant_scope

router = Router(tags=["sheets"])

Subject = Annotated[
    str, Query(max_length=500, description="Subject of the mail it came with; it can name date and scope.")
]
TemplateId = Annotated[RowId | None, Query(description="Template of the vendor: what is left out here is as it says.")]


SHEETS = listing.Listing(
    schema=SheetShown,
    row=shown,
    sorts={"created_at": "created_at", "notified_at": "notified_at"},
    default="-created_at",
    filters={
        "state": listing.choice("state", ImportState),
        "tariff_id": listing.public_id("tariff__public_id"),
        "tariff": listing.text("tariff__name"),
        "template_id": listing.number("template_id"),
        "scope": listing.choice("scope", ScopeChoice),
        "file_name": listing.text("file_name", prefix=True),
        "sha256": listing.text("sha256"),
        "created_at": listing.instant("created_at"),
        "notified_at": listing.instant("notified_at"),
        "applied_at": listing.instant("applied_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(SheetShown)),
    openapi_extra={"parameters": SHEETS.parameters},
)
def list_sheets(request: HttpRequest) -> JsonResponse:
    """List the rate sheets, the latest first: what came, what became of it."""
    return SHEETS.answer(request, imports())


@router.post(
    "",
    auth=ApiKey(Permission.TARIFFS_WRITE, spools=True),
    response=answers(SheetShown, 400, 404, 409, 411, 413, 415, status=201) | {200: SheetShown},
    openapi_extra=FORM,
)
def load_sheet(
    request: HttpRequest,
    response: HttpResponse,
    tariff_id: Annotated[
        Id | None, Query(description="The tariff that it is for; that of the template if left out.")
    ] = None,
    template_id: TemplateId = None,
    agreement_id: Annotated[RowId | None, Query(description="Agreement whose notice its changes need.")] = None,
    scope: Annotated[ScopeChoice | None, Query(description="What it says of codes that it does not name.")] = None,
    effective_at: Annotated[
        Instant | None, Query(description="When lines without a date begin and left-out codes close.")
    ] = None,
    received_at: Annotated[Instant | None, Query(description="When the sheet was received; now if left out.")] = None,
    subject: Subject = "",
    reach_back: Annotated[bool, Query(description="Let lines begin before the sheet was received.")] = False,
) -> Status[Any]:
    """Compare a rate sheet with the prices in force and keep it. Nothing changes until it is applied.

    The same file, asked for in the same way while nothing has changed and it still waits, is the sheet that is already there (200): it can be
    sent again after a failure without harm, and needs no `Idempotency-Key`.
    """  # fmt: skip
    known = (
        "tariff_id",
        "template_id",
        "agreement_id",
        "scope",
        "effective_at",
        "received_at",
        "subject",
        "reach_back",
    )
    listing.refuse_unknown(request, known)
    principal = principal_of(request)
    at = now()
    with tenant_scope(principal.tenant_id, principal.actor):
        require_working(at)
        asked, kept = asked_for(
            tariff_id=tariff_id,
            template_id=template_id,
            agreement_id=agreement_id,
            scope=None if scope is None else Scope(scope),
            effective_at=effective_at,
            reaches_back=reach_back,
        )
    sheet, notified_at = read_form(request), received_at or at
    if notified_at > at:
        raise Invalid("bad_instant", "The sheet cannot have been received in the future.")
    with tenant_scope(principal.tenant_id, principal.actor):
        revision = Tariff.objects.values_list("revision", flat=True).get(pk=asked.tariff_id)
        is_plain = not (sheet.layout or effective_at or received_at or subject or reach_back)
        there = find_compared(asked, hashlib.sha256(sheet.data).hexdigest(), revision) if is_plain else None
    if there is None:
        made = actions.import_sheet(
            principal.tenant_id,
            data=sheet.data,
            file_name=sheet.name,
            read=reader_of(
                sheet.data,
                sheet.name,
                received_at=notified_at,
                effective_at=effective_at,
                subject=subject,
                layout=sheet.layout,
                template=kept,
            ),
            asked=asked,
            notified_at=notified_at,
            actor=principal.actor,
            now=now,
            subject=subject,
        )
    begin(request)
    found = access_import(str(there.public_id if there is not None else made.public_id))
    response["Location"] = f"{request.path}/{found.public_id}"
    return Status(201 if there is None else 200, show(response, shown(found)))


@router.post(
    "/read",
    auth=ApiKey(Permission.TARIFFS_READ, spools=True),
    response=answers(SheetReading, 400, 404, 411, 413, 415),
    openapi_extra=FORM,
)
def read_sheet(
    request: HttpRequest,
    template_id: TemplateId = None,
    received_on: Annotated[
        Day | None, Query(description="Day on which it came; it can settle which number of a date is the day.")
    ] = None,
    effective_on: Annotated[
        Day | None, Query(description="Day that the mail names, for a sheet that names none.")
    ] = None,
    subject: Subject = "",
) -> Any:
    """Say what is understood of a rate sheet: layout with confidence, columns, scope, counts, sample lines, rows that cannot be read. Nothing is kept.

    With `layout` in the form it is read by that, and nothing is guessed.
    """
    listing.refuse_unknown(request, ("template_id", "received_on", "effective_on", "subject"))
    principal = principal_of(request)
    template = None
    if template_id is not None:
        with tenant_scope(principal.tenant_id, principal.actor):
            kept = access_template(template_id).layout
        template = from_json(kept) if kept else None
    sheet = read_form(request)
    context = Context(sheet.name, received_on or now().date(), subject, effective_on)
    report = to_report(read_as(sheet.data, sheet.name, context, sheet.layout, template))
    report["errors"] = report["errors"][:ERRORS_SHOWN_MAX]
    return SheetReading(**report)


@router.get("/{sheet_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(SheetShown, 404))
def get_sheet(request: HttpRequest, response: HttpResponse, sheet_id: Id) -> Any:
    """A rate sheet: what it changes, what the checks say, what became of it."""
    return show(response, shown(access_import(sheet_id)))


class RowsAsked(Schema):
    """What a list of a sheet's rows takes in its address."""

    limit: int = Field(default=listing.LIMIT, ge=1, le=listing.LIMIT_MAX, description="Rows of a page.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    fields: str | None = Field(default=None, description="Only these fields, with commas.")


class LinesAsked(RowsAsked):
    """Lines can be narrowed."""

    kind: str | None = Field(
        default=None, description="Only lines of this kind of change.", json_schema_extra={"enum": list(KINDS)}
    )
    code: str = Field(default="", pattern=r"^[0-9]{0,20}$", description="Only codes that begin so.")


@router.get(
    "/{sheet_id}/lines",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(SheetLine), 404, 409),
)
def list_sheet_lines(request: HttpRequest, sheet_id: Id, asked: Query[LinesAsked]) -> JsonResponse:
    """List the lines of a sheet by kind of change, what is looked at first first."""

    def rows(sheet: SheetImport, limit: int, offset: int) -> list[dict[str, Any]]:
        return change_rows(sheet, kind=asked.kind, code=asked.code, limit=limit, offset=offset)

    return _rows(request, sheet_id, asked, SheetLine, rows)


@router.get(
    "/{sheet_id}/closed-codes",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(ClosedCode), 404, 409),
)
def list_closed_codes(request: HttpRequest, sheet_id: Id, asked: Query[RowsAsked]) -> JsonResponse:
    """List the codes that a sheet closes or leaves out, and what their numbers fall to."""

    def rows(sheet: SheetImport, limit: int, offset: int) -> list[dict[str, Any]]:
        return closed_rows(sheet, limit=limit, offset=offset)

    return _rows(request, sheet_id, asked, ClosedCode, rows)


@router.get(
    "/{sheet_id}/errors",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(SheetError), 404, 409),
)
def list_sheet_errors(request: HttpRequest, sheet_id: Id, asked: Query[RowsAsked]) -> JsonResponse:
    """List the rows of a sheet that cannot be read: where, why, and what stands there."""

    def rows(sheet: SheetImport, limit: int, offset: int) -> list[dict[str, Any]]:
        return error_rows(sheet, limit=limit, offset=offset)

    return _rows(request, sheet_id, asked, SheetError, rows)


@router.get(
    "/{sheet_id}/file",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(None, 404),
    openapi_extra=answer_of("application/octet-stream"),
)
def get_sheet_file(request: HttpRequest, sheet_id: Id) -> FileResponse:
    """The file as it came."""
    principal = principal_of(request)
    sheet = access_import(sheet_id)
    path = files.find_import_folder(principal.tenant_id, sheet.public_id) / files.ORIGINAL
    try:
        handle = path.open("rb")
    except FileNotFoundError as error:
        raise gone() from error
    return FileResponse(handle, as_attachment=True, filename=sheet.file_name, content_type="application/octet-stream")


@router.post(
    "/{sheet_id}/apply",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(SheetShown, 404, 409, 412) | {202: SheetShown},
)
def apply_sheet(request: HttpRequest, response: HttpResponse, sheet_id: Id, given: SheetApply) -> Status[Any]:
    """Make a sheet's changes true, all of them at once; a worker does it where it is large (202): poll `work`.

    A re-rating is proposed where they reach into posted traffic.
    """
    return done_or_asked(
        request,
        response,
        lambda: access_import(sheet_id),
        ImportWork.APPLYING,
        lambda: shown(access_import(sheet_id)),
        overrule=list(given.overrule),
        reason=given.reason,
    )


@router.post(
    "/{sheet_id}/undo",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(SheetShown, 404, 409, 412) | {202: SheetShown},
)
def undo_sheet(request: HttpRequest, response: HttpResponse, sheet_id: Id, given: SheetReason) -> Status[Any]:
    """Take a sheet back: the prices that stood before it stand again; a worker does it where it is large (202). Later changes of the tariff are undone first."""
    return done_or_asked(
        request,
        response,
        lambda: access_import(sheet_id),
        ImportWork.UNDOING,
        lambda: shown(access_import(sheet_id)),
        reason=given.reason,
    )


@router.post("/{sheet_id}/discard", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(SheetShown, 404, 409, 412))
def discard_sheet(request: HttpRequest, response: HttpResponse, sheet_id: Id, given: SheetReason) -> Any:
    """Say no to a sheet that is compared; it stays in the history."""

    sheet = access_import(sheet_id)
    actions.require_not_written(SheetImport.objects.filter(pk=sheet.pk))
    lock_rows(SheetImport.objects.all(), [sheet.pk])
    require_match(request, shown(access_import(sheet_id)))
    actions.discard_import(import_id=sheet.pk, reason=given.reason, at=now())
    return show(response, shown(access_import(sheet_id)))


def _rows(
    request: HttpRequest,
    sheet_id: str,
    asked: RowsAsked,
    schema: type[Schema],
    rows: Callable[[SheetImport, int, int], list[dict[str, Any]]],
) -> JsonResponse:
    """A page of the rows of a sheet, which never change: the cursor says how many came before. Raises NotFound."""
    listing.refuse_unknown(request, type(asked).model_fields)
    fields = listing.read_fields(asked.fields, schema)
    bound = listing.binding(request.path, "", request.GET.dict())
    after = listing.read_cursor(asked.cursor, bound)
    offset = int(after[0]) if after else 0
    sheet = access_import(sheet_id)
    if not sheet.compared_revision:  # 0: it has been received or read, no more
        raise Conflict(
            "not_compared", f"The sheet {sheet.file_name} is {sheet.state}, not compared.", hint="Wait, or compare it."
        )
    try:
        found = rows(sheet, asked.limit + 1, offset)
    except FileNotFoundError as error:
        raise gone() from error
    more = len(found) > asked.limit
    made = (schema(**each) for each in found[: asked.limit])
    cursor = listing.make_cursor(bound, [offset + asked.limit]) if more else None
    return listing.page(request, made, fields=fields, next_cursor=cursor)
