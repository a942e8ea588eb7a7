"""Swap deals: what is promised, how far both sides are, what it is worth beside the invoices, and alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Currency, Day, Id, answers, page_of
from trunkline.api.versions import etag, require_match, show
from trunkline.core.money import Price
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.parties.queries import access_account
from trunkline.pricing import actions
from trunkline.pricing.actions import deals as limits
from trunkline.pricing.deals.choices import AlarmMailState
from trunkline.pricing.deals.progress import AlarmKind
from trunkline.pricing.deals.progress import Status as DealStatus
from trunkline.pricing.deals.queries import Standing, access_deal, alarms, deals, standings
from trunkline.pricing.deals.terms import Direction, Item, Length
from trunkline.pricing.deals.told import alarm_facts, period_facts, standing_facts
from trunkline.pricing.models import Deal

router = Router(tags=["swap deals"])

DealName = Annotated[str, Field(min_length=1, max_length=limits.NAME_MAX)]
MinutePrice = Annotated[
    str, Field(description="Price of a minute.", pattern=r"^[0-9]{1,8}(\.[0-9]{1,10})?$", examples=["0.0125"])
]
Recipients = Annotated[
    list[Annotated[str, Field(max_length=254)]],
    Field(max_length=limits.RECIPIENTS_MAX, description="Mail addresses that are told of alarms."),
]
Note = Annotated[str, Field(max_length=limits.NOTE_MAX, description="What else was agreed.")]
PeriodLength = Annotated[int, Field(ge=1, le=limits.LENGTH_MAX, description="Days or months of a period.")]
Repeats = Annotated[int, Field(ge=1, le=limits.REPEATS_MAX, description="How many periods follow each other.")]
AlertBelow = Annotated[
    int,
    Field(ge=0, le=100, description="Alarm when less than so many percent is expected at the end; 0: never."),
]
Texts = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=limits.NAMES_MAX)]


class ItemAsked(Body):
    """A promise of minutes in each period. One that names no destination and no code is for all other traffic of its direction."""

    direction: Direction = Field(description="inbound: the partner sends to us; outbound: we send to the partner.")
    minutes: int = Field(ge=1, le=limits.MINUTES_MAX)
    price: MinutePrice
    beyond: MinutePrice | None = Field(default=None, description="Of minutes beyond; null: what they cost ordinarily.")
    destinations: Texts = Field(default=[], description="Names of destinations.")
    codes: Texts = Field(default=[], description="What the codes of rates begin with.")


Items = Annotated[list[ItemAsked], Field(max_length=limits.ITEMS_MAX)]


class NewDeal(Body):
    """A deal to be made. It changes no invoice."""

    name: DealName
    account_id: Id = Field(description="The partner.")
    currency: Currency | None = Field(default=None, description="The partner's if left out.")
    starts_on: Day = Field(description="First day of the first period, on the partner's clock.")
    length: PeriodLength = 1
    unit: Length = Length.MONTHS
    repeats: Repeats = 1
    alert_below: AlertBelow = 100
    recipients: Recipients = Field(default_factory=list)
    note: Note = ""
    items: Items = Field(default_factory=list)


class DealChange(Body):
    """What of a deal is changed; what is left out stays. `items` are all of them: those that are not named go."""

    name: DealName | None = None
    currency: Currency | None = None
    starts_on: Day | None = None
    length: PeriodLength | None = None
    unit: Length | None = None
    repeats: Repeats | None = None
    alert_below: AlertBelow | None = None
    recipients: Recipients | None = None
    note: Note | None = None
    items: Items | None = None
    is_archived: bool | None = Field(default=None, description="Whether nobody looks at it any more.")


class ItemProgress(Body):
    """A promise and how far it is. Money is in the deal's currency; null where there is no exchange rate."""

    id: int
    direction: Direction
    minutes: int
    price: str
    beyond: str | None
    destinations: list[str]
    codes: list[str]
    used_minutes: str
    percent: int = Field(description="Of the promise that is there.")
    minutes_a_day: str | None = Field(description="The speed of now; null while it cannot be told.")
    expected_minutes: str = Field(description="At the end of the period.")
    expected_percent: int
    reached_on: str | None
    forecast_on: str | None = Field(description="When the promise will be kept, at the speed of now.")
    ordinary: str | None = Field(description="What the minutes cost by the tariffs.")
    by_deal: str | None
    settlement: str | None = Field(description="What the deal gives us beyond the invoices.")
    shortfall: str = Field(description="Price of the minutes that are missing.")


# `from` is a word of Python, so the class is made by a call.
_PERIOD: Final[dict[str, Any]] = {
    "from": (str, ...),
    "until": (str, ...),
    "status": (DealStatus, ...),
    "settlement": (str | None, Field(description="The live profit against ordinary prices.")),
    "items": (list[ItemProgress], ...),
}
PeriodShown: Any = create_model(
    "PeriodShown", __base__=Body, __doc__="A period of a deal. `until` is the first day after it.", **_PERIOD
)


class DealShown(Body):
    """A deal, and its period of today."""

    UNVERSIONED: ClassVar = ("status", "period")

    id: UUID
    name: str
    account: str = Field(description="Short name of the partner.")
    currency: str
    starts_on: str
    length: int
    unit: Length
    repeats: int
    alert_below: int
    recipients: list[str]
    note: str
    archived_at: datetime | None
    status: DealStatus
    periods: int
    period: PeriodShown


class DealPeriods(Body):
    """All periods of a deal, in order."""

    data: list[PeriodShown]


class DealAlarmShown(Body):
    """What was told of a period of a deal."""

    id: int
    kind: AlarmKind
    period_from: str
    detail: str
    raised_at: datetime
    cleared_at: datetime | None
    mail: AlarmMailState
    mail_detail: str


def _shown(standing: Standing) -> DealShown:
    return DealShown(**standing_facts(standing))


def shown(deal: Deal) -> DealShown:
    """A deal as the API shows it."""
    (standing,) = standings([deal], at=now())
    return _shown(standing)


def _page(rows: Sequence[Any], options: Mapping[str, Any]) -> Iterable[DealShown]:
    return map(_shown, standings(list(rows), at=now()))


DEALS: Final = listing.Listing(
    schema=DealShown,
    page=_page,
    sorts={"name": "name", "starts_on": "starts_on"},
    filters={
        "name": listing.text("name", prefix=True),
        "account_id": listing.public_id("account__public_id"),
        "starts_on": listing.day("starts_on"),
        "is_active": listing.is_null(
            "archived_at", "Only those that are looked at, or with false those that are archived."
        ),
    },
)
ALARMS: Final = listing.Listing(
    schema=DealAlarmShown,
    row=lambda alarm: DealAlarmShown(id=alarm.pk, **alarm_facts(alarm)),
    sorts={"raised_at": "raised_at", "id": "id"},
    default="-raised_at",
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(DealShown)),
    openapi_extra={"parameters": DEALS.parameters},
)
def list_deals(request: HttpRequest) -> JsonResponse:
    """List the deals with the progress of their periods of today."""
    return DEALS.answer(request, deals().order_by())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(DealShown, 404, 409, status=201))
def create_deal(request: HttpRequest, response: HttpResponse, deal: NewDeal) -> Status:
    """Make a deal."""
    partner = access_account(deal.account_id)
    made = actions.create_deal(
        account=partner,
        currency=deal.currency or partner.currency,
        at=now(),
        items=[_item(each) for each in deal.items],
        **deal.model_dump(exclude={"account_id", "currency", "items"}),
    )
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, shown(made)))


@router.get("/{deal_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(DealShown, 404))
def get_deal(request: HttpRequest, response: HttpResponse, deal_id: Id) -> Any:
    """A deal, with the progress of its period of today."""
    return show(response, shown(access_deal(deal_id)))


@router.patch("/{deal_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(DealShown, 404, 409, 412))
def change_deal(request: HttpRequest, response: HttpResponse, deal_id: Id, change: DealChange) -> Any:
    """Change, archive or restore a deal; progress of periods that are over changes with what is promised."""
    pk = access_deal(deal_id).pk
    lock_rows(Deal.objects.all(), [pk])
    require_match(request, shown(access_deal(deal_id)))
    actions.change_deal(deal_id=pk, **change.model_dump(exclude={"items", "is_archived"}, exclude_none=True))
    if change.items is not None:
        actions.put_items(deal_id=pk, items=[_item(each) for each in change.items])
    if change.is_archived is not None:
        _ = actions.archive_deal(deal_id=pk, at=now()) if change.is_archived else actions.restore_deal(deal_id=pk)
    after = shown(access_deal(deal_id))
    response["ETag"] = etag(after)
    return after


@router.get("/{deal_id}/periods", auth=ApiKey(Permission.TARIFFS_READ), response=answers(DealPeriods, 404))
def list_deal_periods(request: HttpRequest, deal_id: Id) -> Any:
    """Every period of a deal with its progress."""
    (standing,) = standings([access_deal(deal_id)], at=now())
    return DealPeriods(data=[PeriodShown(**period_facts(standing, each)) for each in standing.periods])


@router.get(
    "/{deal_id}/alarms",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(DealAlarmShown), 404),
    openapi_extra={"parameters": ALARMS.parameters},
)
def list_deal_alarms(request: HttpRequest, deal_id: Id) -> JsonResponse:
    """List what was told of a deal."""
    return ALARMS.answer(request, alarms(access_deal(deal_id)).order_by())


def _item(asked: ItemAsked) -> Item:
    return actions.make_item(
        direction=asked.direction.value,
        minutes=asked.minutes,
        price=Price.from_text(asked.price),
        beyond=None if asked.beyond is None else Price.from_text(asked.beyond),
        destinations=asked.destinations,
        codes=asked.codes,
    )
