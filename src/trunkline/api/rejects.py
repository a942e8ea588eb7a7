"""Rejects: what was not taken and waits to be mended, in groups and line by line."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Query, Router
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Instant, answers, page_of
from trunkline.identity.permissions import Permission
from trunkline.usage import search
from trunkline.usage.models import Batch
from trunkline.usage.queries import Named, access_batch, named
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import Service
from trunkline.usage.search import Record, RejectGroup, RejectPlace
from trunkline.usage.segments import WEB

router = Router(tags=["rejects"])

PREFIX_DIGITS_MAX: Final = 18


class RejectGroupShown(Body):
    """Rejects of one reason whose called numbers begin alike, with the first of them as an example."""

    reason: Reason
    meaning: str
    what_to_do: str
    prefix: str = Field(description="Empty where no number could be read.")
    rejects: int
    detail: str = Field(description="Of the example: which value, which limit.")
    raw: str = Field(description="Of the example, as it stood in its file.")
    batch_id: UUID
    file: str
    line: int


class RejectGroups(Body):
    """All rejects that wait, in groups, the largest first."""

    data: list[RejectGroupShown]


class RejectShown(Body):
    """A line that was not taken, with what could be read of it."""

    batch_id: UUID
    file: str
    switch: str
    line: int = Field(description="In its file, from 1.")
    reason: Reason
    detail: str
    raw: str = Field(description="The line as it stood in its file (docs/formats/reasons.md).")
    key: str | None
    start: datetime | None
    called: str | None
    service: Service | None


# `from` is a word of Python, so classes that have it are made by a call.
_NARROWED: Final[dict[str, Any]] = {
    "reason": (Reason | None, Field(default=None, description="Only rejects of this reason.")),
    "batch_id": (Id | None, Field(default=None, description="Only rejects of this batch.")),
    "from": (Instant | None, Field(default=None, description="Only what starts then or later.")),
    "to": (Instant | None, Field(default=None, description="Only what starts before.")),
}
GroupsAsked: Any = create_model(
    "GroupsAsked",
    __base__=Body,
    __doc__="Which rejects are grouped, and by how many digits.",
    **_NARROWED,
    digits=(int, Field(default=3, ge=0, le=PREFIX_DIGITS_MAX, description="Digits of the called number to group by.")),
)
RejectsAsked: Any = create_model(
    "RejectsAsked",
    __base__=Body,
    __doc__="Which rejects are listed.",
    **_NARROWED,
    number=(str | None, Field(default=None, max_length=80, description="Called number; its beginning with a star.")),
    limit=(int, Field(default=listing.LIMIT, ge=1, le=listing.LIMIT_MAX)),
    cursor=(str | None, Field(default=None, description="`next_cursor` of the page before.")),
    fields=(str | None, Field(default=None, description="Only these fields, with commas.")),
)


@router.get("", auth=ApiKey(Permission.USAGE_READ), response=answers(RejectGroups, 404))
def group_rejects(request: HttpRequest, asked: Query[GroupsAsked]) -> Any:
    """Count the rejects that wait by reason and by the first digits of the called number, the most first, each with an example."""
    listing.refuse_unknown(request, GroupsAsked.model_fields)
    found = search.group_rejects(prefix_digits=asked.digits, **_narrowed(asked), limits=WEB)
    batches = named([{"batch_id": each.batch_id} for each in found]).batches
    return RejectGroups(data=[_group(each, batches[each.batch_id]) for each in found])


@router.get("/lines", auth=ApiKey(Permission.USAGE_READ), response=answers(page_of(RejectShown), 404))
def list_rejects(request: HttpRequest, asked: Query[RejectsAsked]) -> JsonResponse:
    """List the rejects that wait line by line, the newest batch first."""
    listing.refuse_unknown(request, RejectsAsked.model_fields)
    fields = listing.read_fields(asked.fields, RejectShown)
    bound = listing.binding(request.path, "", request.GET.dict())
    after = listing.read_cursor(asked.cursor, bound)
    found = search.list_rejects(
        number=asked.number,
        **_narrowed(asked),
        after=RejectPlace(*after) if after else None,
        limit=asked.limit,
        limits=WEB,
    )
    names = named(found.records)
    cursor = None
    if not found.is_complete:
        place = RejectPlace.of(found.records[-1])
        cursor = listing.make_cursor(bound, [place.batch_id, place.line, place.key, place.reason])
    shown = (_shown(each, names) for each in found.records)
    return listing.page(request, shown, fields=fields, next_cursor=cursor)


def _narrowed(asked: Any) -> dict[str, Any]:
    return {
        "reason": asked.reason,
        "batch_id": access_batch(asked.batch_id).pk if asked.batch_id else None,
        "start_from": getattr(asked, "from"),
        "start_to": asked.to,
    }


def _group(group: RejectGroup, batch: Batch) -> RejectGroupShown:
    reason = Reason(group.reason)
    return RejectGroupShown(
        reason=reason,
        meaning=reason.meaning,
        what_to_do=reason.what_to_do,
        prefix=group.prefix,
        rejects=group.rejects,
        detail=group.detail,
        raw=group.raw,
        batch_id=batch.public_id,
        file=batch.name,
        line=group.line,
    )


def _shown(reject: Record, names: Named) -> RejectShown:
    batch = names.batches[reject["batch_id"]]
    said = ("line", "reason", "detail", "raw", "key", "start", "called", "service")
    return RejectShown(
        batch_id=batch.public_id,
        file=batch.name,
        switch=batch.switch.name,
        **{name: reject[name] for name in said},
    )
