"""Assignments: which tariffs an account has, on which side, for which service, in which order."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.proposed import Proposals, proposed
from trunkline.api.shapes import Body, Id, Instant, RowId, answers, page_of
from trunkline.core.errors import NotFound
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties.queries import access_account
from trunkline.tariffs.actions.assignments import POSITION_MAX
from trunkline.tariffs.choices import Service, Side
from trunkline.tariffs.models import AccountTariff
from trunkline.tariffs.queries import access_assignment, access_tariff, assignments
from trunkline.usage import price_changes

router = Router(tags=["assignments"])


class NewAssignment(Body):
    """A tariff that an account shall have."""

    tariff_id: Id
    side: Side = Field(default=Side.SELL, description="sell: it pays us; buy: we pay it.")
    service: Service = Service.VOICE
    position: int | None = Field(
        default=None, ge=0, le=POSITION_MAX, description="Place in the list, the lower asked first; null: the last."
    )
    valid_from: Instant | None = Field(default=None, description="Null: always was.")
    valid_to: Instant | None = Field(default=None, description="The first instant after it; null: open.")


class AssignmentEnding(Body):
    """When an account has a tariff no longer."""

    valid_to: Instant = Field(description="The first instant after it; before its beginning means never.")


class AssignmentShown(Body):
    """One place in an account's list of tariffs. The first tariff of the list that has any rate for an event prices it."""

    id: int
    account_id: UUID
    tariff_id: UUID
    tariff: str = Field(description="Name of the tariff.")
    side: Side
    service: Service
    position: int
    valid_from: datetime | None
    valid_to: datetime | None


class AssignmentChanged(AssignmentShown):
    """An assignment after a change."""

    proposals: Proposals


def shown(row: AccountTariff) -> AssignmentShown:
    """An assignment as the API shows it."""
    return AssignmentShown(
        id=row.pk,
        account_id=row.account.public_id,
        tariff_id=row.tariff.public_id,
        tariff=row.tariff.name,
        side=Side(row.side),
        service=Service(row.service),
        position=row.position,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _changed(changed: price_changes.Changed[AccountTariff]) -> AssignmentChanged:
    after = shown(access_assignment(changed.made.pk))
    return AssignmentChanged(**after.model_dump(), proposals=proposed(changed.proposals))


ASSIGNMENTS = listing.Listing(
    schema=AssignmentShown,
    row=shown,
    sorts={"position": "position", "id": "id"},
    filters={
        "tariff_id": listing.public_id("tariff__public_id"),
        "side": listing.choice("side", Side),
        "service": listing.choice("service", Service),
        "in_force_at": listing.in_force(),
    },
)


@router.get(
    "/{account_id}/tariffs",
    auth=ApiKey(Permission.ACCOUNTS_READ),
    response=answers(page_of(AssignmentShown), 404),
    openapi_extra={"parameters": ASSIGNMENTS.parameters},
)
def list_assignments(request: HttpRequest, account_id: Id) -> JsonResponse:
    """List the tariffs of an account; ended ones too."""
    return ASSIGNMENTS.answer(request, assignments(access_account(account_id)))


@router.post(
    "/{account_id}/tariffs",
    auth=ApiKey(Permission.TARIFFS_ASSIGN),
    response=answers(AssignmentChanged, 404, 409, status=201),
)
def assign_tariff(request: HttpRequest, response: HttpResponse, account_id: Id, assignment: NewAssignment) -> Status:
    """Give an account a tariff."""
    changed = price_changes.assign_tariff(
        account=access_account(account_id),
        tariff=access_tariff(assignment.tariff_id),
        **assignment.model_dump(exclude={"tariff_id"}),
        at=now(),
    )
    return Status(201, _changed(changed))


@router.post(
    "/{account_id}/tariffs/{assignment_id}/end",
    auth=ApiKey(Permission.TARIFFS_ASSIGN),
    response=answers(AssignmentChanged, 404, 409),
)
def end_assignment(request: HttpRequest, account_id: Id, assignment_id: RowId, ending: AssignmentEnding) -> Any:
    """Let an account have a tariff no longer."""
    account = access_account(account_id)
    if access_assignment(assignment_id).account_id != account.pk:
        raise NotFound("assignment_not_found", f"There is no assignment {assignment_id}.")
    changed = price_changes.end_assignment(assignment_id=assignment_id, valid_to=ending.valid_to, at=now())
    return _changed(changed)
