"""Batches: usage files as they come in, how far each has come, and its rejects sent again."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from ninja import Query, Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import body_of
from trunkline.api.problems import too_large
from trunkline.api.shapes import Body, Id, answers, page_of
from trunkline.core.errors import Conflict, Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.usage.choices import BatchState, Intake
from trunkline.usage.intake import register_upload
from trunkline.usage.models import Batch
from trunkline.usage.queries import access_batch, batches
from trunkline.usage.resend import accept, resend

router = Router(tags=["batches"])

UPLOAD_OCTETS_MAX: Final = int(os.environ.get("TRUNKLINE_UPLOAD_OCTETS_MAX", str(4 << 30)))
# What says that the body is something else than the file alone.
_WRAPPED: Final = ("multipart/", "application/x-www-form-urlencoded")
# Under these a file whose content is known is what it was; one that had failed is tried again.
_KNOWN: Final = (BatchState.POSTED, BatchState.RUNNING, BatchState.REGISTERED)


class BatchProgress(Body):
    """How much of a batch is done. What is counted are the octets of its file, or the records of a re-rating."""

    unit: Literal["octets", "records"]
    done: int
    total: int


class BatchCounts(Body):
    """rows_in = rated + rejected + duplicates + waiting, once the batch is posted; blank lines are `skipped` and no rows."""

    rows_in: int
    rated: int
    rejected: int
    duplicates: int
    waiting: int = Field(description="Legs that wait for a partner since this file.")
    joined: int = Field(description="Legs of earlier files that waited and went on with this one.")
    skipped: int
    changed: int = Field(description="Records that a re-rating has changed.")


class BatchFailure(Body):
    """Why a whole file was not taken. Nothing of it is visible or booked."""

    code: str = Field(description="A code of docs/formats/reasons.md.")
    detail: str


class BatchShown(Body):
    """A file, known by its content: the same bytes from the same switch are one batch, however often they come."""

    id: UUID
    switch_id: UUID
    switch: str
    intake: Intake = Field(description="How it came in.")
    name: str
    state: BatchState
    progress: BatchProgress
    counts: BatchCounts
    reject_reasons: dict[str, int] = Field(description="Number of rejects by reason.")
    failure: BatchFailure | None
    remark: str = Field(description="Why the last attempt ended, where the batch waits for the next one.")
    attempt: int
    min_start: datetime | None
    max_start: datetime | None
    resends_id: UUID | None = Field(description="The batch whose rejects this one sends again.")
    received_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Acceptance(Body):
    """Which of the rejects that can be are accepted as corrections."""

    keys: list[Annotated[str, Field(min_length=1, max_length=1000)]] = Field(
        default=[], max_length=1000, description="Keys of records; none: all."
    )


def shown(batch: Batch) -> BatchShown:
    """A batch as the API shows it."""
    has_failed = batch.state == BatchState.FAILED
    return BatchShown(
        id=batch.public_id,
        switch_id=batch.switch.public_id,
        switch=batch.switch.name,
        intake=Intake(batch.intake),
        name=batch.name,
        state=BatchState(batch.state),
        progress=BatchProgress(
            unit="records" if batch.intake == Intake.RERATE else "octets",
            done=batch.progress_octets,
            total=batch.octets,
        ),
        counts=BatchCounts(**{name: getattr(batch, name) for name in BatchCounts.model_fields}),
        reject_reasons=batch.reject_reasons,
        failure=BatchFailure(code=batch.failure, detail=batch.failure_detail) if has_failed else None,
        remark="" if has_failed else batch.failure_detail,
        attempt=batch.attempt,
        min_start=batch.min_start,
        max_start=batch.max_start,
        resends_id=batch.resends and batch.resends.public_id,
        received_at=batch.received_at,
        started_at=batch.started_at,
        finished_at=batch.finished_at,
    )


BATCHES = listing.Listing(
    schema=BatchShown,
    row=shown,
    sorts={"received_at": "received_at", "name": "name"},
    default="-received_at",
    filters={
        "state": listing.choice("state", BatchState),
        "switch": listing.text("switch__name"),
        "switch_id": listing.public_id("switch__public_id"),
        "intake": listing.choice("intake", Intake),
        "name": listing.text("name", prefix=True),
        "failure": listing.text("failure"),
        "received_at": listing.instant("received_at"),
        "finished_at": listing.instant("finished_at"),
        "min_start": listing.instant("min_start"),
        "max_start": listing.instant("max_start"),
        "resends_id": listing.public_id("resends__public_id"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.USAGE_READ),
    response=answers(page_of(BatchShown)),
    openapi_extra={"parameters": BATCHES.parameters},
)
def list_batches(request: HttpRequest) -> JsonResponse:
    """List the batches, the newest first. Their progress is polled here or one by one."""
    return BATCHES.answer(request, batches())


@router.post(
    "",
    auth=ApiKey(Permission.USAGE_LOAD, spools=True),
    response=answers(BatchShown, 400, 404, 411, 413, 415, status=202) | {200: BatchShown},
    openapi_extra=body_of("application/octet-stream", "application/gzip", "application/zip", "text/plain", "text/csv"),
)
def load_file(
    request: HttpRequest,
    response: HttpResponse,
    switch: Annotated[str, Query(min_length=1, max_length=60, description="Name of the switch that wrote the file.")],
    name: Annotated[str, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/]+$")],
) -> Status[Any]:
    """Take a usage file: the body is the file itself, plain or packed by gzip or zip. Its records are taken in the background.

    The same content from the same switch is the batch that is already there (200), whatever it is called. So a file can be sent again after a
    failure without harm, and needs no `Idempotency-Key`.
    """
    principal = principal_of(request)
    incoming = _Octets(request)
    batch_id, found = register_upload(
        principal.tenant_id, switch, name, incoming, octets=incoming.octets, actor=principal.actor, now=now
    )
    begin(request)
    batch = batches().get(pk=batch_id)
    response["Location"] = f"{request.path}/{batch.public_id}"
    return Status(200 if found in _KNOWN else 202, shown(batch))


class _Octets:
    """The body of a request, piece by piece. Raises Invalid `incomplete_body` where it ends too soon.

    Raises Invalid `unsupported_media_type`, `length_required`, `payload_too_large` before any of it is read.
    """

    def __init__(self, request: HttpRequest) -> None:
        if (request.content_type or "").lower().startswith(_WRAPPED):
            hint = "Send the file itself as the body: application/octet-stream."
            raise Invalid("unsupported_media_type", "The body is a form, not a file.", hint=hint)
        said = request.META.get("CONTENT_LENGTH") or ""
        if not (said.isascii() and said.isdigit()):
            raise Invalid("length_required", "The request does not say how long its body is.")
        self._request, self._left = request, int(said)
        self.octets = self._left
        if self._left > UPLOAD_OCTETS_MAX:
            raise too_large()

    def read(self, size: int, /) -> bytes:
        """So many octets at most; none at the end."""
        if not self._left:
            return b""
        try:
            piece: bytes = self._request.read(min(size, self._left))
        except UnreadablePostError:
            piece = b""
        if not piece:
            raise Invalid("incomplete_body", f"The body ended {self._left} octets before its end.")
        self._left -= len(piece)
        return piece


@router.get("/{batch_id}", auth=ApiKey(Permission.USAGE_READ), response=answers(BatchShown, 404))
def get_batch(request: HttpRequest, batch_id: Id) -> Any:
    """A batch: how far it has come, what became of its rows, why it failed."""
    return shown(access_batch(batch_id))


@router.post(
    "/{batch_id}/resend",
    auth=ApiKey(Permission.USAGE_SEND_AGAIN, spools=True),
    response=answers(BatchShown, 404, 409, status=202),
)
def resend_rejects(request: HttpRequest, response: HttpResponse, batch_id: Id) -> Status[Any]:
    """Send the rejects of a batch through again, after their cause is mended. Answers with the new batch, which is taken in the background."""
    principal = principal_of(request)
    made = resend(principal.tenant_id, batch_public_id=batch_id, actor=principal.actor, now=now)
    if not made:
        raise Conflict("nothing_to_send_again", "No rejects of this batch wait.")
    return _taken_up(request, response, made[0])


@router.post(
    "/{batch_id}/accept",
    auth=ApiKey(Permission.USAGE_ACCEPT, spools=True),
    response=answers(BatchShown, 404, 409, status=202),
)
def accept_corrections(
    request: HttpRequest, response: HttpResponse, batch_id: Id, acceptance: Acceptance
) -> Status[Any]:
    """Accept corrections: a conflicting duplicate takes the place of the record with its key, a late leg becomes part of its record.

    The other rejects of the batch are sent again too. Answers with the new batch, which is taken in the background.
    """
    principal = principal_of(request)
    made = accept(principal.tenant_id, batch_public_id=batch_id, keys=acceptance.keys, actor=principal.actor, now=now)
    return _taken_up(request, response, made)


def _taken_up(request: HttpRequest, response: HttpResponse, batch_pk: int) -> Status[Any]:
    begin(request)
    batch = batches().get(pk=batch_pk)
    response["Location"] = f"{request.path.rsplit('/', 2)[0]}/{batch.public_id}"
    return Status(202, shown(batch))
