"""Special rates: exclusive prices of a tariff for a destination or a group of them (docs/algorithms/special-rates.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.proposed import Proposals, proposed
from trunkline.api.rates import RateStep
from trunkline.api.shapes import Body, Id, Instant, RowId, answers, page_of
from trunkline.api.versions import show
from trunkline.core.money import Price
from trunkline.engine.units import Unit
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.pricing.deck_queries import (
    access_deck,
    access_group,
    access_special_rate,
    destinations_named,
    get_deck,
    special_rates,
)
from trunkline.tariffs.models import SpecialRate
from trunkline.tariffs.queries import access_tariff
from trunkline.tariffs.rules import make_steps, parse_steps
from trunkline.usage import price_changes

router = Router(tags=["special rates"])

PriceText = Annotated[
    str, Field(description="Exact decimal text, at most 10 decimals.", max_length=40, examples=["0.0300"])
]


class NewSpecialRate(Body):
    """An exclusive price to be made, for a destination or for a group."""

    tariff_id: Id
    destination: str | None = Field(default=None, min_length=1, max_length=200, description="Its name.")
    group_id: RowId | None = Field(default=None, description="The group, in place of a destination.")
    deck_id: RowId | None = Field(default=None, description="Which codes that is; the default deck if left out.")
    price: PriceText
    per: int | None = Field(
        default=None, ge=1, le=2**31, description="Units that the price is for; 60 seconds if left out."
    )
    increments: str = Field(default="", max_length=1000, description="First and next, as 60/60; 1/1 if left out.")
    setup_fee: PriceText = "0"
    grace: int = Field(default=0, ge=0, le=2**31, description="A smaller quantity is free.")
    valid_from: Instant
    valid_to: Instant | None = None
    note: str = Field(default="", max_length=500, description="Why there is this price.")


class SpecialRateEnd(Body):
    """When a special rate ends."""

    valid_to: Instant


class SpecialRateShown(Body):
    """An exclusive price of a tariff for a destination or a group of them."""

    id: UUID
    tariff_id: UUID
    deck_id: int
    destination: str | None
    group_id: int | None
    steps: list[RateStep]
    setup_fee: str
    grace: int
    valid_from: datetime
    valid_to: datetime | None
    note: str
    created_at: datetime


class SpecialRateChanged(SpecialRateShown):
    """A special rate after a change: how many rates were written or ended."""

    rates: int
    proposals: Proposals


def shown(special: SpecialRate) -> SpecialRateShown:
    """A special rate as the API shows it."""
    steps = [
        RateStep(**{"from": each.start}, price=str(each.price), per=each.per, increment=each.increment)
        for each in parse_steps(special.steps)
    ]
    return SpecialRateShown(
        id=special.public_id,
        tariff_id=special.tariff.public_id,
        deck_id=special.deck_id,
        destination=special.destination and special.destination.name,
        group_id=special.group_id,
        steps=steps,
        setup_fee=str(special.setup_fee),
        grace=special.grace,
        valid_from=special.valid_from,
        valid_to=special.valid_to,
        note=special.note,
        created_at=special.created_at,
    )


SPECIAL_RATES = listing.Listing(
    schema=SpecialRateShown,
    row=shown,
    sorts={"valid_from": "valid_from", "created_at": "created_at"},
    default="-valid_from",
    filters={
        "tariff_id": listing.public_id("tariff__public_id"),
        "destination": listing.text("destination__name", prefix=True),
        "group_id": listing.number("group_id"),
        "deck_id": listing.number("deck_id"),
        "in_force_at": listing.in_force(),
        "valid_from": listing.instant("valid_from"),
        "valid_to": listing.instant("valid_to"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(SpecialRateShown)),
    openapi_extra={"parameters": SPECIAL_RATES.parameters},
)
def list_special_rates(request: HttpRequest) -> JsonResponse:
    """List the special rates, the latest first."""
    return SPECIAL_RATES.answer(request, special_rates())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(SpecialRateChanged, 404, 409, status=201))
def create_special_rate(request: HttpRequest, response: HttpResponse, special: NewSpecialRate) -> Status:
    """Give a destination or a group an exclusive price; an earlier special rate of the same ends where this begins."""
    tariff = access_tariff(special.tariff_id)
    name = special.destination
    per = "" if special.per is None else str(special.per)
    done = price_changes.create_special_rate(
        tariff=tariff,
        deck_id=(get_deck() if special.deck_id is None else access_deck(special.deck_id)).pk,
        destination_id=destinations_named([name])[name] if name is not None else None,
        group_id=None if special.group_id is None else access_group(special.group_id).pk,
        steps=make_steps(special.price, per, special.increments, Unit(tariff.unit)),
        setup_fee=Price.from_text(special.setup_fee),
        grace=special.grace,
        valid_from=special.valid_from,
        valid_to=special.valid_to,
        note=special.note,
        at=now(),
    )
    response["Location"] = f"{request.path}/{done.made.special.public_id}"
    return Status(201, _changed(done))


@router.get("/{special_rate_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(SpecialRateShown, 404))
def get_special_rate(request: HttpRequest, response: HttpResponse, special_rate_id: Id) -> Any:
    """A special rate."""
    return show(response, shown(access_special_rate(special_rate_id)))


@router.post(
    "/{special_rate_id}/end", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(SpecialRateChanged, 404, 409)
)
def end_special_rate(request: HttpRequest, special_rate_id: Id, end: SpecialRateEnd) -> Any:
    """Let a special rate end; the tariff's other rates hold again from then on."""
    special = access_special_rate(special_rate_id)
    done = price_changes.end_special_rate(special=special, valid_to=end.valid_to, at=now())
    return _changed(done)


def _changed(done: price_changes.Changed[Any]) -> SpecialRateChanged:
    after = access_special_rate(str(done.made.special.public_id))
    return SpecialRateChanged(
        **shown(after).model_dump(by_alias=True), rates=done.made.rates, proposals=proposed(done.proposals)
    )
