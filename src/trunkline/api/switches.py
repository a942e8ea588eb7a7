"""Switches: whose files are taken, in which format, on which clock, and how their numbers become E.164."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Zone, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.usage import actions
from trunkline.usage.models import Switch
from trunkline.usage.queries import access_switch_by_id, switches

router = Router(tags=["switches"])

SwitchName = Annotated[str, Field(min_length=1, max_length=60, description="Name that files are loaded under.")]
NumberRules = list[dict[str, Any]]
Options = dict[str, Any]
Seconds = Annotated[int, Field(ge=0, le=2**31 - 1)]
Days = Annotated[int, Field(ge=0, le=366)]


class NewSwitch(Body):
    """A switch to be made. Name and format never change: the keys of its records belong to them."""

    name: SwitchName
    format: str = Field(max_length=40, description="Format of its files.", examples=["common"])
    timezone: Zone = Field(default="UTC", description="IANA zone of times that carry no offset.")
    number_rules: NumberRules = Field(
        default=[], max_length=200, description="Ordered rules that make numbers E.164 (docs/formats/switch.md)."
    )
    has_buy_side: bool = Field(default=True, description="False where there is no vendor, as with retail.")
    max_duration_s: Seconds = Field(default=86_400, description="Longer calls are rejected.")
    future_limit_s: Seconds = Field(default=300, description="Records further ahead of our clock are rejected.")
    duplicate_window_days: Days = Field(
        default=3, description="Days around a file's own that are searched for records already taken."
    )
    options: Options = Field(default={}, description="Options of the format (docs/formats/switch.md).")


class SwitchChange(Body):
    """What of a switch is changed; what is left out stays. What is posted stays as it is; rejects can be sent again."""

    timezone: Zone | None = None
    number_rules: NumberRules | None = Field(default=None, max_length=200)
    has_buy_side: bool | None = None
    max_duration_s: Seconds | None = None
    future_limit_s: Seconds | None = None
    duplicate_window_days: Days | None = None
    options: Options | None = None


class SwitchShown(NewSwitch):
    """A switch whose records are taken."""

    id: UUID


def shown(switch: Switch) -> SwitchShown:
    """A switch as the API shows it."""
    return SwitchShown(
        id=switch.public_id,
        name=switch.name,
        format=switch.format,
        timezone=switch.timezone,
        number_rules=switch.number_rules,
        has_buy_side=switch.has_buy_side,
        max_duration_s=switch.max_duration_s,
        future_limit_s=switch.future_limit_s,
        duplicate_window_days=switch.duplicate_window_days,
        options=switch.options,
    )


SWITCHES = listing.Listing(
    schema=SwitchShown,
    row=shown,
    sorts={"name": "name"},
    filters={
        "name": listing.text("name", prefix=True),
        "format": listing.text("format"),
        "has_buy_side": listing.boolean("has_buy_side"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.SWITCHES_READ),
    response=answers(page_of(SwitchShown)),
    openapi_extra={"parameters": SWITCHES.parameters},
)
def list_switches(request: HttpRequest) -> JsonResponse:
    """List the switches."""
    return SWITCHES.answer(request, switches())


@router.post("", auth=ApiKey(Permission.SWITCHES_WRITE), response=answers(SwitchShown, 409, status=201))
def create_switch(request: HttpRequest, response: HttpResponse, switch: NewSwitch) -> Status[Any]:
    """Make a switch."""
    made = actions.create_switch(**switch.model_dump(), at=now())
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, shown(access_switch_by_id(str(made.public_id)))))


@router.get("/{switch_id}", auth=ApiKey(Permission.SWITCHES_READ), response=answers(SwitchShown, 404))
def get_switch(request: HttpRequest, response: HttpResponse, switch_id: Id) -> Any:
    """A switch."""
    return show(response, shown(access_switch_by_id(switch_id)))


@router.patch("/{switch_id}", auth=ApiKey(Permission.SWITCHES_WRITE), response=answers(SwitchShown, 404, 412))
def change_switch(request: HttpRequest, response: HttpResponse, switch_id: Id, change: SwitchChange) -> Any:
    """Change a switch. It holds for the files that are taken from now on."""
    (switch,) = lock_rows(Switch.objects.all(), [access_switch_by_id(switch_id).pk])
    require_match(request, shown(switch))
    given = change.model_dump(exclude_none=True)
    if given:
        actions.change_switch(switch_id=switch.pk, at=now(), **given)
    return show(response, shown(access_switch_by_id(switch_id)))
