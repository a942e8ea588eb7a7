"""Tariffs: price lists, and the time profiles that their rates can be limited to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.proposed import Proposals, proposed
from trunkline.api.shapes import Body, Currency, Id, RowId, Zone, answers, page_of
from trunkline.api.versions import etag, require_match, show
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.tariffs import actions
from trunkline.tariffs.actions import UNCHANGED
from trunkline.tariffs.actions.tariffs import NAME_LENGTH_MAX, PROFILE_NAME_LENGTH_MAX
from trunkline.tariffs.choices import TariffUnit
from trunkline.tariffs.models import Tariff, TimeProfile
from trunkline.tariffs.queries import access_tariff, access_time_profile, get_code_deck, tariffs, time_profiles
from trunkline.tenancy.queries import current_tenant
from trunkline.usage import price_changes

router = Router(tags=["tariffs"])
profiles = Router(tags=["time profiles"])

TariffName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
DeckName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
ProfileName = Annotated[str, Field(min_length=1, max_length=PROFILE_NAME_LENGTH_MAX)]

_ORIGIN_DECK = "Name of the code deck that says where callers are, for rates that name an origin."
_PARENT = "A tariff of the same currency, unit and zone that prices what this one has no price for; the longest code of both wins."


class NewTariff(Body):
    """A price list to be made, without rates."""

    name: TariffName
    currency: Currency | None = Field(default=None, description="The tenant's if left out. Never changes.")
    timezone: Zone | None = Field(default=None, description="Of its time profiles and dates; the tenant's if left out.")
    unit: TariffUnit = Field(default=TariffUnit.SECOND, description="What its quantities count. Never changes.")
    origin_deck: DeckName | None = Field(default=None, description=_ORIGIN_DECK)
    parent_id: Id | None = Field(default=None, description=_PARENT)


class TariffChange(Body):
    """What of a tariff is changed; what is left out stays."""

    name: TariffName | None = None
    timezone: Zone | None = None
    origin_deck: DeckName | None = Field(default=None, description=f"{_ORIGIN_DECK} null: it asks no longer.")
    parent_id: Id | None = Field(default=None, description=f"{_PARENT} Null takes it away; left out, it stays.")


class TariffShown(Body):
    """A price list. Its `revision` grows with every change of anything that decides a price."""

    id: UUID
    name: str
    currency: str
    timezone: str
    unit: TariffUnit
    origin_deck: str | None = Field(description=_ORIGIN_DECK)
    parent_id: UUID | None = Field(description="The tariff that prices what this one has no price for.")
    revision: int
    created_at: datetime


class TariffChanged(TariffShown):
    """A tariff after a change."""

    proposals: Proposals


def shown(tariff: Tariff) -> TariffShown:
    """A tariff as the API shows it."""
    return TariffShown(
        id=tariff.public_id,
        name=tariff.name,
        currency=tariff.currency,
        timezone=tariff.timezone,
        unit=TariffUnit(tariff.unit),
        origin_deck=tariff.origin_deck and tariff.origin_deck.name,
        parent_id=tariff.parent and tariff.parent.public_id,
        revision=tariff.revision,
        created_at=tariff.created_at,
    )


TARIFFS = listing.Listing(
    schema=TariffShown,
    row=shown,
    sorts={"name": "name", "created_at": "created_at"},
    filters={
        "name": listing.text("name", prefix=True),
        "currency": listing.text("currency"),
        "unit": listing.choice("unit", TariffUnit),
        "origin_deck": listing.text("origin_deck__name"),
        "parent_id": listing.public_id("parent__public_id"),
        "created_at": listing.instant("created_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(TariffShown)),
    openapi_extra={"parameters": TARIFFS.parameters},
)
def list_tariffs(request: HttpRequest) -> JsonResponse:
    """List the tariffs."""
    return TARIFFS.answer(request, tariffs().select_related("origin_deck"))


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(TariffShown, 404, 409, status=201))
def create_tariff(request: HttpRequest, response: HttpResponse, tariff: NewTariff) -> Status:
    """Make a tariff without rates."""
    own = current_tenant()
    made = actions.create_tariff(
        name=tariff.name,
        currency=tariff.currency or own.currency,
        timezone=tariff.timezone or own.timezone,
        unit=tariff.unit,
        origin_deck=None if tariff.origin_deck is None else get_code_deck(tariff.origin_deck),
        parent=access_tariff(tariff.parent_id) if tariff.parent_id else None,
        at=now(),
    )
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, shown(made)))


@router.get("/{tariff_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(TariffShown, 404))
def get_tariff(request: HttpRequest, response: HttpResponse, tariff_id: Id) -> Any:
    """A tariff."""
    return show(response, shown(access_tariff(tariff_id)))


@router.patch("/{tariff_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(TariffChanged, 404, 409, 412))
def change_tariff(request: HttpRequest, response: HttpResponse, tariff_id: Id, change: TariffChange) -> Any:
    """Rename a tariff, set its clock, its origin deck or its parent."""
    lock_rows(Tariff.objects.all(), [access_tariff(tariff_id).pk])
    tariff = access_tariff(tariff_id)
    require_match(request, shown(tariff))
    deck: Any = UNCHANGED
    if "origin_deck" in change.model_fields_set:
        deck = None if change.origin_deck is None else get_code_deck(change.origin_deck)
    parent: Any = UNCHANGED
    if "parent_id" in change.model_fields_set:
        parent = None if change.parent_id is None else access_tariff(change.parent_id)
    changed = price_changes.change_tariff(
        tariff=tariff, name=change.name, timezone=change.timezone, origin_deck=deck, parent=parent, at=now()
    )
    after = shown(access_tariff(tariff_id))
    response["ETag"] = etag(after)
    return TariffChanged(**after.model_dump(), proposals=proposed(changed.proposals))


def _clock(said: str, example: str) -> Any:
    return (str | None, Field(default=None, max_length=8, description=said, examples=[example]))


# `from` is a word of Python, so the class is made by a call.
TimeWindow: Any = create_model(
    "TimeWindow",
    __base__=Body,
    __doc__="Local times: on any of these days, in these months and years, from one time of the day to another. What is left out restricts nothing.",
    weekdays=(list[Annotated[int, Field(ge=1, le=7)]] | None, Field(default=None, description="1 is Monday.")),
    months=(list[Annotated[int, Field(ge=1, le=12)]] | None, None),
    month_days=(list[Annotated[int, Field(ge=1, le=31)]] | None, None),
    years=(list[Annotated[int, Field(ge=1970, le=9999)]] | None, None),
    **{"from": _clock("First moment of the day.", "08:00"), "to": _clock("No longer inside; at most 24:00.", "18:00")},
)
Windows = Annotated[list[TimeWindow], Field(min_length=1, max_length=200)]


class NewTimeProfile(Body):
    """A named set of local times to be made."""

    name: ProfileName
    windows: Windows


class TimeProfileChange(Body):
    """The windows that a time profile shall have."""

    windows: Windows


class TimeProfileShown(Body):
    """A named set of local times that rates and traffic rules can be limited to; the clock is that of the tariff."""

    id: int
    name: str
    windows: list[TimeWindow]


class TimeProfileChanged(TimeProfileShown):
    """A time profile after a change."""

    proposals: Proposals


def profile_shown(profile: TimeProfile) -> TimeProfileShown:
    """A time profile as the API shows it."""
    return TimeProfileShown(id=profile.pk, name=profile.name, windows=[TimeWindow(**each) for each in profile.windows])


PROFILES = listing.Listing(
    schema=TimeProfileShown,
    row=profile_shown,
    sorts={"name": "name", "id": "id"},
    filters={"name": listing.text("name", prefix=True)},
)


def _windows(windows: list[Any]) -> list[dict[str, Any]]:
    return [each.model_dump(exclude_none=True) for each in windows]


@profiles.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(TimeProfileShown)),
    openapi_extra={"parameters": PROFILES.parameters},
)
def list_time_profiles(request: HttpRequest) -> JsonResponse:
    """List the time profiles."""
    return PROFILES.answer(request, time_profiles())


@profiles.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(TimeProfileShown, 409, status=201))
def create_time_profile(request: HttpRequest, response: HttpResponse, profile: NewTimeProfile) -> Status:
    """Make a time profile."""
    made = actions.create_time_profile(name=profile.name, windows=_windows(profile.windows), at=now())
    response["Location"] = f"{request.path}/{made.pk}"
    return Status(201, show(response, profile_shown(made)))


@profiles.get("/{profile_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(TimeProfileShown, 404))
def get_time_profile(request: HttpRequest, response: HttpResponse, profile_id: RowId) -> Any:
    """A time profile."""
    return show(response, profile_shown(access_time_profile(profile_id)))


@profiles.patch(
    "/{profile_id}",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(TimeProfileChanged, 404, 412),
)
def change_time_profile(
    request: HttpRequest, response: HttpResponse, profile_id: RowId, change: TimeProfileChange
) -> Any:
    """Set the windows of a time profile, for every tariff that uses it."""
    lock_rows(TimeProfile.objects.all(), [access_time_profile(profile_id).pk])
    profile = access_time_profile(profile_id)
    require_match(request, profile_shown(profile))
    changed = price_changes.change_time_profile(profile=profile, windows=_windows(change.windows), at=now())
    after = profile_shown(changed.made)
    response["ETag"] = etag(after)
    return TimeProfileChanged(**after.model_dump(), proposals=proposed(changed.proposals))
