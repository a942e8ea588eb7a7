"""Rates: the prices of a tariff. A price list has hundreds of thousands, so they are loaded as a file and read page by page."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from django.http import HttpRequest, JsonResponse
from ninja import Router
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import TEXT_KINDS, body_of, by_line, read_text_file
from trunkline.api.proposed import Proposals, proposed
from trunkline.api.shapes import Body, Id, RowId, answers, page_of
from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.core.errors import Invalid
from trunkline.core.money import RoundingMode
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.tariffs.models import Rate
from trunkline.tariffs.queries import access_tariff, rates
from trunkline.tariffs.rules import parse_steps
from trunkline.usage import price_changes

router = Router(tags=["rates"])

FILE_OCTETS_MAX: Final = 64 * 2**20
VOIDED_MAX: Final = 10_000

# `from` is a word of Python, so the class is made by a call.
_STEP: Final[dict[str, Any]] = {
    "from": (int, Field(description="First unit that it is for; the first step begins at 0.")),
    "price": (str, Field(description="Exact decimal text, at most 10 decimals.")),
    "per": (int, Field(description="Units that the price is for.")),
    "increment": (int, Field(description="Units that are charged at a time; what has begun is charged whole.")),
}
RateStep: Any = create_model(
    "RateStep",
    __base__=Body,
    __doc__="From a position on, a price for so many units, charged in whole increments.",
    **_STEP,
)


class RateRounding(Body):
    """How an amount is rounded, once, at the end."""

    mode: str
    decimals: int


class RateShown(Body):
    """What calls to one code cost, from when to when, under which conditions (docs/algorithms/rating.md)."""

    id: int
    code: str = Field(description="What numbers begin with; empty: every number.")
    destination: str | None
    steps: list[RateStep]
    setup_fee: str
    grace: int = Field(description="A smaller quantity is free.")
    max_cost: str | None
    rounding: RateRounding
    valid_from: datetime | None
    valid_to: datetime | None = Field(description="The first instant after it; null: open.")
    time_profile: str | None
    weight: str
    blocked: bool
    tag: str | None
    origin: str | None = Field(
        description="Where the caller must be, as the tariff's origin deck names it; null: anywhere."
    )
    length_min: int | None
    length_max: int | None
    additive: bool = Field(description="A surcharge on the price of the other rates.")


class LoadedRates(Body):
    """What a rate file did."""

    lines: int
    rates: int
    closed: int = Field(description="Earlier rates that were given an end.")
    voided: int = Field(description="Earlier rates that hold no more, because they began with a new one or later.")
    revision: int
    proposals: Proposals


class VoidedRates(Body):
    """How many rates were taken out that were not before."""

    voided: int
    proposals: Proposals


class RatesToVoid(Body):
    """Rates that were wrong."""

    rates: list[RowId] = Field(min_length=1, max_length=VOIDED_MAX)


def _decimal(value: Decimal) -> str:
    return f"{value.normalize():f}"


def shown(rate: Rate) -> RateShown:
    """A rate as the API shows it."""
    steps = [
        RateStep(**{"from": each.start}, price=str(each.price), per=each.per, increment=each.increment)
        for each in parse_steps(rate.steps)
    ]
    return RateShown(
        id=rate.pk,
        code=rate.code,
        destination=rate.destination and rate.destination.name,
        steps=steps,
        setup_fee=str(rate.setup_fee),
        grace=rate.grace,
        max_cost=None if rate.max_cost is None else str(rate.max_cost),
        rounding=RateRounding(mode=RoundingMode(rate.rounding_mode).label, decimals=rate.rounding_decimals),
        valid_from=rate.valid_from,
        valid_to=rate.valid_to,
        time_profile=rate.time_profile and rate.time_profile.name,
        weight=_decimal(rate.weight),
        blocked=rate.blocked,
        tag=rate.tag,
        origin=rate.origin,
        length_min=rate.length_min,
        length_max=rate.length_max,
        additive=rate.additive,
    )


RATES = listing.Listing(
    schema=RateShown,
    row=shown,
    sorts={"code": "code", "id": "id"},
    filters={
        "code": listing.digits("code", CODE_DIGITS_MAX),
        "destination": listing.text("destination__name"),
        "in_force_at": listing.in_force(),
        "time_profile": listing.text("time_profile__name"),
        "tag": listing.text("tag"),
        "origin": listing.text("origin"),
        "blocked": listing.boolean("blocked"),
        "additive": listing.boolean("additive"),
        "valid_from": listing.instant("valid_from"),
        "valid_to": listing.instant("valid_to"),
    },
)


@router.get(
    "/{tariff_id}/rates",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(RateShown), 404),
    openapi_extra={"parameters": RATES.parameters},
)
def list_rates(request: HttpRequest, tariff_id: Id) -> JsonResponse:
    """List the rates of a tariff that are not voided, by code and as they are listed."""
    return RATES.answer(request, rates(access_tariff(tariff_id)))


@router.post(
    "/{tariff_id}/rates",
    auth=ApiKey(Permission.TARIFFS_WRITE, spools=True),
    response=answers(LoadedRates, 404, 409, 413, 415),
    openapi_extra=body_of(*TEXT_KINDS),
)
def load_rates(
    request: HttpRequest,
    tariff_id: Id,
    supersede: Annotated[bool, Field(description="Let a new rate end the equal one that is in force then.")] = False,
) -> Any:
    """Load a rate file (docs/formats/rates_csv.md) as the body, all of it or nothing; plain, or folded by gzip or zip."""
    data, body_hash = read_text_file(request, octets_max=FILE_OCTETS_MAX)
    begin(request, body_hash=body_hash)
    tariff = access_tariff(tariff_id)
    try:
        changed = price_changes.load_rates(tariff=tariff, data=data, supersede_earlier=supersede, at=now())
    except Invalid as error:
        raise by_line(error) from error
    done = changed.made
    return LoadedRates(
        lines=done.lines,
        rates=done.rates,
        closed=done.closed,
        voided=done.voided,
        revision=done.revision,
        proposals=proposed(changed.proposals),
    )


@router.post("/{tariff_id}/rates/void", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(VoidedRates, 404, 409))
def void_rates(request: HttpRequest, tariff_id: Id, wrong: RatesToVoid) -> Any:
    """Take wrong rates out of a tariff; records that they priced keep them."""
    changed = price_changes.void_rates(tariff=access_tariff(tariff_id), rate_ids=wrong.rates, at=now())
    return VoidedRates(voided=changed.made, proposals=proposed(changed.proposals))
