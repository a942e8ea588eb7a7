"""Identities: the marks by which traffic is told to be an account's."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Instant, RowId, answers, page_of
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties import actions
from trunkline.parties.choices import IdentityKind, IdentitySide
from trunkline.parties.models import Identity
from trunkline.parties.queries import access_account, get_identity, identities
from trunkline.parties.rules import PRIORITY_MAX

router = Router(tags=["identities"])


class NewIdentity(Body):
    """A mark by which traffic is told to be an account's."""

    account_id: Id
    kind: IdentityKind
    value: str = Field(min_length=1, max_length=200, description="The name, number, address or network.")
    side: IdentitySide = IdentitySide.BOTH
    switch: str | None = Field(default=None, max_length=60, description="Name of the switch; null: any.")
    tech_prefix: str = Field(default="", max_length=32, description="What called numbers begin with.")
    priority: int = Field(default=100, ge=0, le=PRIORITY_MAX, description="The lower number wins.")
    valid_from: Instant | None = Field(default=None, description="Null: always was.")
    valid_to: Instant | None = Field(default=None, description="The first instant after it; null: open.")


class Ending(Body):
    """When an identity ends."""

    valid_to: Instant = Field(description="The first instant after it; before its beginning means never.")


class Move(Body):
    """To whom an identity goes, and when."""

    account_id: Id
    moved_at: Instant = Field(description="The old one ends and the new one begins then.")


class IdentityShown(Body):
    """A mark by which traffic is told to be an account's; it holds for records that start in `[valid_from, valid_to)`."""

    id: int
    account_id: UUID
    kind: IdentityKind
    value: str
    side: IdentitySide
    switch: str | None
    tech_prefix: str
    priority: int
    valid_from: datetime | None
    valid_to: datetime | None


def shown(identity: Identity) -> IdentityShown:
    """An identity as the API shows it."""
    return IdentityShown(
        id=identity.pk,
        account_id=identity.account.public_id,
        kind=IdentityKind(identity.kind),
        value=identity.value,
        side=IdentitySide(identity.side),
        switch=identity.switch,
        tech_prefix=identity.tech_prefix,
        priority=identity.priority,
        valid_from=identity.valid_from,
        valid_to=identity.valid_to,
    )


IDENTITIES = listing.Listing(
    schema=IdentityShown,
    row=shown,
    sorts={"id": "id", "value": "value"},
    filters={
        "account_id": listing.public_id("account__public_id"),
        "kind": listing.choice("kind", IdentityKind),
        "side": listing.choice("side", IdentitySide),
        "value": listing.text("value", prefix=True),
        "switch": listing.text("switch"),
        "valid_from": listing.instant("valid_from"),
        "valid_to": listing.instant("valid_to"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.ACCOUNTS_READ),
    response=answers(page_of(IdentityShown)),
    openapi_extra={"parameters": IDENTITIES.parameters},
)
def list_identities(request: HttpRequest) -> JsonResponse:
    """List the identities."""
    return IDENTITIES.answer(request, identities())


@router.post("", auth=ApiKey(Permission.IDENTITIES_WRITE), response=answers(IdentityShown, 404, 409, status=201))
def add_identity(request: HttpRequest, response: HttpResponse, identity: NewIdentity) -> Status[Any]:
    """Tell traffic by one more mark."""
    given = identity.model_dump(exclude={"account_id"})
    added = actions.add_identity(account=access_account(identity.account_id), **given, at=now())
    response["Location"] = f"{request.path}/{added.pk}"
    return Status(201, shown(added))


@router.get("/{identity_id}", auth=ApiKey(Permission.ACCOUNTS_READ), response=answers(IdentityShown, 404))
def show_identity(request: HttpRequest, identity_id: RowId) -> Any:
    """An identity."""
    return shown(get_identity(identity_id))


@router.post("/{identity_id}/end", auth=ApiKey(Permission.IDENTITIES_WRITE), response=answers(IdentityShown, 404, 409))
def end_identity(request: HttpRequest, identity_id: RowId, ending: Ending) -> Any:
    """Let an identity end."""
    get_identity(identity_id)
    actions.end_identity(identity_id=identity_id, valid_to=ending.valid_to, at=now())
    return shown(get_identity(identity_id))


@router.post("/{identity_id}/move", auth=ApiKey(Permission.IDENTITIES_WRITE), response=answers(IdentityShown, 404, 409))
def move_identity(request: HttpRequest, identity_id: RowId, move: Move) -> Any:
    """Give an identity to another account from an instant on. Answers with the new one."""
    get_identity(identity_id)
    account = access_account(move.account_id)
    moved = actions.move_identity(identity_id=identity_id, account=account, moved_at=move.moved_at, at=now())
    return shown(get_identity(moved.pk))
