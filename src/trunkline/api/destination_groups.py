"""Destination groups: destinations that belong together, for special rates, the generator and reports."""

from __future__ import annotations

from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, RowId, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing.deck_queries import access_group, destination_groups, destinations_named, group_destinations
from trunkline.tariffs import actions
from trunkline.tariffs.actions.names import NAME_LENGTH_MAX
from trunkline.tariffs.models import DestinationGroup

router = Router(tags=["destination groups"])

MEMBERS_MAX: Final = 10_000
GroupName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
Note = Annotated[str, Field(max_length=500, description="What it is for, or who decides on it.")]
Members = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]],
    Field(max_length=MEMBERS_MAX, description="The names of its destinations."),
]


class NewGroup(Body):
    """A group of destinations to be made."""

    name: GroupName
    note: Note = ""
    destinations: Members = Field(default=[])


class GroupChange(Body):
    """What of a group is changed; what is left out stays. The destinations that are given are all that it has then."""

    name: GroupName | None = None
    note: Note | None = None
    destinations: Members | None = None


class GroupShown(Body):
    """Destinations that belong together, without saying which."""

    id: int
    name: str
    note: str


class GroupWithMembers(GroupShown):
    """Destinations that belong together."""

    destinations: list[str]


def shown(group: DestinationGroup) -> GroupShown:
    """A group as lists show it."""
    return GroupShown(id=group.pk, name=group.name, note=group.note)


def with_members(group: DestinationGroup) -> GroupWithMembers:
    """A group with its destinations."""
    names = list(group_destinations(group).values_list("name", flat=True))
    return GroupWithMembers(**shown(group).model_dump(), destinations=names)


GROUPS = listing.Listing(
    schema=GroupShown,
    row=shown,
    sorts={"name": "name", "id": "id"},
    filters={"name": listing.text("name", prefix=True)},
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(GroupShown)),
    openapi_extra={"parameters": GROUPS.parameters},
)
def list_destination_groups(request: HttpRequest) -> JsonResponse:
    """List the destination groups."""
    return GROUPS.answer(request, destination_groups())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(GroupWithMembers, 404, 409, status=201))
def create_destination_group(request: HttpRequest, response: HttpResponse, group: NewGroup) -> Status:
    """Make a destination group."""
    ids = destinations_named(group.destinations).values()
    made = actions.create_group(name=group.name, note=group.note, destination_ids=ids, at=now())
    response["Location"] = f"{request.path}/{made.pk}"
    return Status(201, show(response, with_members(made)))


@router.get("/{group_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(GroupWithMembers, 404))
def get_destination_group(request: HttpRequest, response: HttpResponse, group_id: RowId) -> Any:
    """A destination group with its destinations."""
    return show(response, with_members(access_group(group_id)))


@router.patch("/{group_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(GroupWithMembers, 404, 409, 412))
def change_destination_group(request: HttpRequest, response: HttpResponse, group_id: RowId, change: GroupChange) -> Any:
    """Rename a group or set its destinations; special rates for it follow."""
    lock_rows(DestinationGroup.objects.all(), [access_group(group_id).pk])
    require_match(request, with_members(access_group(group_id)))
    ids = None if change.destinations is None else destinations_named(change.destinations).values()
    changed = actions.change_group(group_id=group_id, name=change.name, note=change.note, destination_ids=ids, at=now())
    return show(response, with_members(changed))
