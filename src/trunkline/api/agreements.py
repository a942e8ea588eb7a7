"""Agreements: how long before it holds a change of prices must be told."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Day, RowId, Zone, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.identity.permissions import Permission
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.choices import CountingChoice, OnBreachChoice
from trunkline.pricing.models import Agreement
from trunkline.pricing.notice import NOTICE_DAYS_MAX
from trunkline.pricing.queries import access_agreement, agreements

router = Router(tags=["agreements"])

Days = Annotated[int, Field(ge=0, le=NOTICE_DAYS_MAX, description="Days of notice.")]
Clock = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="A time of day.", examples=["17:00"])
]
TermName = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
_DAYS = ("new", "increase", "decrease", "increment", "closed", "blocked")


class NoticeDays(Body):
    """Days of notice for each kind of change. What is unchanged needs none."""

    new: Days = 0
    increase: Days = 0
    decrease: Days = 0
    increment: Days = Field(default=0, description="Other increments, and codes that move to another destination.")
    closed: Days = 0
    blocked: Days = 0


class NewAgreement(Body):
    """An agreement to be made."""

    name: TermName
    counting: CountingChoice = Field(default=CountingChoice.MIDNIGHT, description="From when on days are counted.")
    timezone: Zone = "UTC"
    hour: int = Field(default=0, ge=0, le=23, description="The hour that `counting: hour` counts from.")
    is_business: bool = Field(default=False, description="Count business days only.")
    holidays: list[Day] = Field(default=[], max_length=1000, description="Days that are no business days.")
    cut_off: Clock | None = Field(
        default=None, description="A sheet that comes then or later counts as of the next day."
    )
    on_breach: OnBreachChoice = Field(
        default=OnBreachChoice.PUSH, description="What becomes of a line that begins sooner than it may."
    )
    days: NoticeDays = Field(default_factory=NoticeDays)


class AgreementChange(Body):
    """What to change of an agreement. What is left out stays; sheets that are compared already keep their dates."""

    counting: CountingChoice | None = None
    timezone: Zone | None = None
    hour: int | None = Field(default=None, ge=0, le=23)
    is_business: bool | None = None
    holidays: list[Day] | None = Field(default=None, max_length=1000)
    cut_off: Clock | None = Field(default=None, description="null: none.")
    on_breach: OnBreachChoice | None = None
    days: NoticeDays | None = Field(default=None, description="Kinds that are left out keep theirs.")


class AgreementShown(NewAgreement):
    """How long before it holds a change of prices must be told."""

    id: int


def shown(agreement: Agreement) -> AgreementShown:
    """An agreement as the API shows it."""
    plain = ("name", "counting", "timezone", "hour", "is_business", "on_breach")
    return AgreementShown(
        **{name: getattr(agreement, name) for name in plain},
        id=agreement.pk,
        holidays=agreement.holidays,
        cut_off=None if agreement.cut_off is None else agreement.cut_off.strftime("%H:%M"),
        days=NoticeDays(**{kind: getattr(agreement, f"days_{kind}") for kind in _DAYS}),
    )


AGREEMENTS = listing.Listing(
    schema=AgreementShown,
    row=shown,
    sorts={"name": "name", "id": "id"},
    filters={"name": listing.text("name", prefix=True)},
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(AgreementShown)),
    openapi_extra={"parameters": AGREEMENTS.parameters},
)
def list_agreements(request: HttpRequest) -> JsonResponse:
    """List the agreements about notice."""
    return AGREEMENTS.answer(request, agreements())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(AgreementShown, 409, status=201))
def create_agreement(request: HttpRequest, response: HttpResponse, agreement: NewAgreement) -> Status[Any]:
    """Make an agreement."""
    made = actions.create_agreement(name=agreement.name, **_terms(agreement.model_dump(exclude={"name"})))
    response["Location"] = f"{request.path}/{made.pk}"
    return Status(201, show(response, shown(access_agreement(made.pk))))


@router.get("/{agreement_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(AgreementShown, 404))
def get_agreement(request: HttpRequest, response: HttpResponse, agreement_id: RowId) -> Any:
    """An agreement."""
    return show(response, shown(access_agreement(agreement_id)))


@router.patch("/{agreement_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(AgreementShown, 404, 412))
def change_agreement(request: HttpRequest, response: HttpResponse, agreement_id: RowId, change: AgreementChange) -> Any:
    """Change an agreement. It holds for the sheets that are compared from now on."""
    (agreement,) = lock_rows(Agreement.objects.all(), [access_agreement(agreement_id).pk])
    require_match(request, shown(agreement))
    given = change.model_dump(exclude_unset=True)
    given = {name: value for name, value in given.items() if value is not None or name == "cut_off"}
    if given:
        actions.change_agreement(agreement_id=agreement.pk, **_terms(given))
    return show(response, shown(access_agreement(agreement_id)))


def _terms(given: dict[str, Any]) -> dict[str, Any]:
    """What a request says, by the names that the actions know."""
    terms = dict(given)
    if terms.get("cut_off"):
        terms["cut_off"] = time.fromisoformat(terms["cut_off"])
    if "holidays" in terms:
        terms["holidays"] = sorted({day.isoformat() for day in terms["holidays"]})
    for kind, days in terms.pop("days", {}).items():
        terms[f"days_{kind}"] = days
    return terms
