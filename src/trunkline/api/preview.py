"""Previews of prices: what an event would cost that nobody made, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from django.http import HttpRequest, JsonResponse
from ninja import Router
from pydantic import Field, create_model, model_validator

from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Instant, answers
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.parties import kinds
from trunkline.parties.queries import access_account
from trunkline.tariffs.choices import Service, Side
from trunkline.tariffs.queries import access_tariff
from trunkline.usage.explained import price_json
from trunkline.usage.preview import Previewed, Supposed, preview_by_tariff, preview_for_account
from trunkline.usage.traffic.traced import looked_json

router = Router(tags=["prices"])

QUANTITY_MAX: Final = 10**15
Digits = Annotated[str, Field(pattern=r"^\+?[0-9]{0,32}$", examples=["254712345678"])]
Tag = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f,]{1,60}$")]


class SupposedEvent(Body):
    """An event that nobody made: priced for an account, with its list of tariffs and its traffic rules, or by one tariff alone."""

    account_id: Id | None = Field(default=None, description="Say this or `tariff_id`.")
    tariff_id: Id | None = None
    side: Side = Field(default=Side.SELL, description="Of the account. sell: it pays us; buy: we pay it.")
    service: Service = Field(default=Service.VOICE, description="Of the account's list.")
    called: Digits = Field(description="The called number, in E.164.")
    calling: Digits = Field(
        default="", description="The calling number, in E.164, which traffic rules and rates by origin ask for."
    )
    start: Instant | None = Field(default=None, description="When it starts; null: now.")
    quantity: int = Field(default=60, ge=0, le=QUANTITY_MAX, description="Seconds, messages or octets.")
    tags: list[Tag] = Field(default=[], max_length=50, description="Tags that it carries from the beginning.")
    switch: str | None = Field(
        default=None,
        max_length=60,
        description="Switch whose traffic rules it goes through; null: only rules that are for every switch.",
    )

    @model_validator(mode="after")
    def _is_of_one(self) -> SupposedEvent:
        if (self.account_id is None) is (self.tariff_id is None):
            raise ValueError("say `account_id` or `tariff_id`")
        return self


def _made(name: str, said: str, **fields: Any) -> Any:
    """A class by a call: `from` is a word of Python."""
    return create_model(name, __base__=Body, __doc__=said, **fields)


PreviewedStep: Any = _made(
    "PreviewedStep",
    "From a position on, a price for so many units, charged in whole increments.",
    **{"from": (int, ...), "price": (str, ...), "per": (int, ...), "increment": (int, ...)},
)


class PreviewedRate(Body):
    """A rate that was looked at, and what became of it."""

    rate: int
    code: str
    destination: str | None
    steps: list[PreviewedStep]
    setup_fee: str
    grace: int
    max_cost: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    windows: list[dict[str, Any]] | None
    tag: str | None
    origin: str | None = Field(description="Where the caller must be; null: anywhere.")
    length_min: int | None
    length_max: int | None
    is_blocked: bool
    tariff: str = Field(description="The tariff it stands in: that of the list, or an ancestor of it.")
    verdict: str = Field(description="chosen, or why it was passed over.")


class PreviewedOrigin(Body):
    """Where the caller is, by the longest code of the tariff's origin deck that the number begins with."""

    code: str
    name: str


class PreviewedTariff(Body):
    """The regular or the additive rates of a tariff that were looked at, the longest code first."""

    tariff: str
    is_additive: bool
    origin: PreviewedOrigin | None = Field(description="null: nowhere, or no rate asks.")
    rates: list[PreviewedRate]


class PreviewedFee(Body):
    """A setup fee."""

    tariff: str
    rate: int
    is_additive: bool
    amount: str


PreviewedIncrements: Any = _made(
    "PreviewedIncrements",
    "Increments of one price.",
    tariff=(str, ...),
    rate=(int, ...),
    is_additive=(bool, ...),
    count=(int, ...),
    increment=(int, ...),
    units=(int, ...),
    price=(str, ...),
    per=(int, ...),
    amount=(str, Field(description="Half up at the 10th decimal.")),
    amount_exact=(str, Field(description="The exact ratio.")),
    **{"from": (int, ...)},
)


class PreviewedRounding(Body):
    """How the amount was rounded, once, at the end."""

    mode: str
    decimals: int


PreviewedConversion: Any = _made(
    "PreviewedConversion",
    "An amount brought into another currency.",
    before=(str, ...),
    rate=(str, ...),
    rate_exact=(str, ...),
    published_on=(str | None, ...),
    after=(str, ...),
    to=(str, ...),
    **{"from": (str, ...)},
)


class PreviewedPrice(Body):
    """How the price came about (docs/guide/explain-a-charge.md)."""

    basis: str
    outcome: str
    tariffs: list[str]
    tried: list[PreviewedTariff]
    tariff: str | None
    rate: int | None
    code: str | None
    destination: str | None
    billed: int | None
    grace: int
    waived: list[int]
    fees: list[PreviewedFee]
    increments: list[PreviewedIncrements]
    sum: str
    sum_exact: str
    rounding: PreviewedRounding | None
    rounded: str | None
    max_cost: str | None
    is_capped: bool
    tariff_amount: str | None
    tariff_currency: str | None
    to_account: PreviewedConversion | None
    amount: str | None
    currency: str
    to_base: PreviewedConversion | None
    base_amount: str | None
    base_currency: str
    differences: list[str]


class PreviewedRule(Body):
    """A traffic rule that was looked at, and what became of it."""

    rule: str
    stage: str
    position: int
    verdict: str
    actions: str
    then: str
    changed: dict[str, Any]
    reason: str | None


class RatePreview(Body):
    """What the event costs, and every step to it. Nothing was written."""

    outcome: str = Field(description="rated, or why there is no amount.", examples=["rated"])
    amount: str | None
    currency: str | None = Field(description="The account's, or that of the tariff asked for.")
    base_amount: str | None
    base_currency: str = Field(description="The tenant's.")
    start: datetime
    number: str = Field(description="The number that was priced.")
    tags: list[str]
    rules: list[PreviewedRule]
    denied_by: str | None = Field(description="The traffic rule that refuses it.")
    price: PreviewedPrice | None


@router.post("", auth=ApiKey(Permission.TARIFFS_READ), response=answers(RatePreview, 404, 409))
def preview_rate(request: HttpRequest, event: SupposedEvent) -> JsonResponse:
    """What an event would cost, and why; by the prices, traffic rules and exchange rates of now."""
    at = now()
    supposed = Supposed(
        called=event.called.removeprefix("+"),
        calling=event.calling.removeprefix("+"),
        start=event.start or at,
        quantity=event.quantity,
        tags=frozenset(event.tags),
    )
    if event.tariff_id is not None:
        found = preview_by_tariff(access_tariff(event.tariff_id), supposed, known_at=at)
    else:
        found = preview_for_account(
            access_account(event.account_id or ""),
            supposed,
            side=kinds.Side(event.side),
            service=event.service,
            switch=event.switch,
            known_at=at,
        )
    return JsonResponse(_shown(found, supposed.start))


def _shown(found: Previewed, start: datetime) -> dict[str, Any]:
    """As `RatePreview` has it; made by hand, because to check it against that takes as long as to make it."""
    priced, state = found.priced, found.state
    return {
        "outcome": found.outcome,
        "amount": None if priced is None or priced.amount is None else str(priced.amount),
        "currency": None if priced is None else priced.currency,
        "base_amount": None if priced is None or priced.base_amount is None else str(priced.base_amount),
        "base_currency": found.base_currency,
        "start": start,
        "number": state.priced_number,
        "tags": sorted(state.tags),
        "rules": looked_json(found.looked, found.given),
        "denied_by": None if state.denied_by is None else state.denied_by.name,
        "price": None
        if priced is None
        else price_json(priced, destinations=found.destinations, base_currency=found.base_currency),
    }
