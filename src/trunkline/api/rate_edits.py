"""Edits of many rates of a tariff at once: looked at first, applied then, taken back where they were wrong (docs/algorithms/rate-edits.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.problems import FieldError, InvalidFields
from trunkline.api.proposed import Proposals, proposed
from trunkline.api.shapes import Body, Id, Instant, Money, RowId, answers, page_of
from trunkline.api.sheet_shapes import SheetFinding, SheetReason
from trunkline.api.versions import require_match, show
from trunkline.api.work import Problem, Work, done_or_asked, problem_shown, work_shown
from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS, RoundingMode
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.choices import ImportState, ImportWork
from trunkline.pricing.edit_queries import access_edit, edits, proposals_of, sheet_of, state_of
from trunkline.pricing.models import TariffEdit
from trunkline.pricing.queries import access_agreement
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit, RateKind, Standing
from trunkline.tariffs.queries import access_tariff
from trunkline.usage.models import Proposal

router = Router(tags=["rates"])
kept_router = Router(tags=["rates"])

IDS_MAX: Final = 10_000

Rounding = Literal["half_up", "half_even", "up", "down"]


class ChosenRates(Body):
    """Which rates of a tariff: those for which all of this holds. What special rates have written is never among them."""

    state: Standing = Field(default=Standing.CURRENT, description="How they stand to the instant `at`.")
    at: Instant | None = Field(default=None, description="Null: now.")
    code: str = Field(
        default="", pattern=rf"^[0-9]{{0,{CODE_DIGITS_MAX}}}$", description="What their codes begin with; empty: any."
    )
    destination: str = Field(default="", max_length=100, description="Words in the name of their destination.")
    kind: RateKind = Field(default=RateKind.ANY, description="With a price, blocked, or surcharges; empty: all.")
    rates: list[RowId] | None = Field(
        default=None, min_length=1, max_length=IDS_MAX, description="Of these only the rates with such ids; null: all."
    )


class ChangedPrice(Body):
    """How prices change. Each step of a price changes by itself; what comes out is rounded once."""

    how: PriceHow = Field(description="Set to an amount, more by percent, or more by an amount; below zero means less.")
    amount: str = Field(min_length=1, max_length=40, examples=["5", "0.0125"])
    decimals: int = Field(default=PRICE_DECIMALS, ge=0, le=PRICE_DECIMALS)
    rounding: Rounding = "half_up"


class ChangedRates(Body):
    """What is changed of the chosen rates; what is left out, or null unless it says otherwise, stays."""

    price: ChangedPrice | None = None
    increments: str | None = Field(default=None, min_length=1, max_length=40, examples=["60/60"])
    blocked: bool | None = Field(default=None, description="Whether calls for which they are chosen are refused.")
    begins_at: Instant | None = Field(
        default=None, description="Left out: when the edit is applied; rates to come keep their beginning."
    )
    ends_at: Instant | None = Field(default=None, description="Left out: their end stays; null: they have none.")


class NewRateEdit(Body):
    """An edit to be looked at."""

    chosen: ChosenRates = Field(default_factory=ChosenRates)
    change: ChangedRates
    agreement_id: RowId | None = Field(
        default=None, description="Say which of the changes this agreement does not allow yet."
    )
    reason: str = Field(default="", max_length=500, description="Why; it stands in the history of the tariff.")


class RateEditCounts(Body):
    """What becomes of the chosen rates."""

    chosen: int
    changed: int = Field(description="New rates that it makes.")
    ended: int = Field(description="Rates that only end.")
    unchanged: int = Field(description="Rates that are like that already.")
    over: int = Field(description="Rates that have ended, or end before the change begins.")
    begin_in_the_past: int
    kinds: dict[str, int] = Field(description="New rates by kind of change, beside what is in force when each begins.")
    monthly_cost: Money = Field(
        description="What the new prices cost a month more by the last 30 days' quantities, in the tariff's currency."
    )


class RateEditSample(Body):
    """One of the rates, before and after."""

    code: str
    destination: str
    before: str
    after: str = Field(description="Empty: it only ends.")
    begins: datetime | None
    ends: datetime | None


class NoticeBreach(Body):
    """Changes that begin sooner than the agreement allows."""

    count: int
    first_allowed: datetime


class RateEditShown(Body):
    """An edit of many rates: what it would do, and what became of it. `chosen` and `change` are as they were asked for."""

    id: UUID
    tariff_id: UUID
    tariff: str
    currency: str
    agreement_id: int | None
    state: ImportState
    revision: int = Field(description="Revision of the tariff that was looked at: it is applied to no other.")
    chosen: dict[str, Any]
    change: dict[str, Any]
    counts: RateEditCounts
    samples: list[RateEditSample]
    findings: list[SheetFinding] = Field(description="What checks have found; none of them stops an edit.")
    breaches: dict[str, NoticeBreach] = Field(description="By kind of change.")
    sheet_id: UUID | None = Field(description="The sheet that it is once it is applied, with all its lines.")
    looked_at: datetime
    applied_at: datetime | None
    begins_at: datetime | None = Field(description="When the first of its changes begins, once it is applied.")
    ended_at: datetime | None = Field(description="When it was undone or discarded.")
    reason: str
    proposals: Proposals
    work: Work
    problem: Problem

    UNVERSIONED: ClassVar = ("work", "proposals")


class RateEditApply(Body):
    """Why it is applied; what was said before if left out."""

    reason: str = Field(default="", max_length=500)


def shown(edit: TariffEdit) -> RateEditShown:
    """An edit as the API shows it."""
    return _page([edit], {})[0]


def _page(rows: Sequence[TariffEdit], _: Mapping[str, Any]) -> list[RateEditShown]:
    proposals = proposals_of(rows)
    return [_row(each, proposals[each.pk]) for each in rows]


def _row(edit: TariffEdit, proposals: Sequence[Proposal]) -> RateEditShown:
    sheet, counts = edit.sheet, edit.counts
    counted = {name: counts.get(name, 0) for name in RateEditCounts.model_fields}
    return RateEditShown(
        id=edit.public_id,
        tariff_id=edit.tariff.public_id,
        tariff=edit.tariff.name,
        currency=edit.tariff.currency,
        agreement_id=edit.agreement_id,
        state=state_of(edit),
        counts=RateEditCounts(
            **counted | {"kinds": counts.get("kinds", {}), "monthly_cost": str(counted["monthly_cost"])}
        ),
        samples=[RateEditSample(**each) for each in edit.samples],
        findings=[SheetFinding(**each) for each in edit.findings],
        breaches={kind: NoticeBreach(**each) for kind, each in edit.breaches.items()},
        sheet_id=sheet and sheet.public_id,
        applied_at=sheet and sheet.applied_at,
        begins_at=sheet and sheet.begins_at,
        proposals=proposed(proposals),
        work=work_shown(sheet or edit),
        problem=problem_shown(sheet or edit),
        ended_at=edit.discarded_at if sheet is None else sheet.ended_at,
        **{name: getattr(edit, name) for name in ("revision", "chosen", "change", "looked_at", "reason")},
    )


EDITS = listing.Listing(
    schema=RateEditShown,
    page=_page,
    sorts={"looked_at": "looked_at"},
    default="-looked_at",
    filters={
        "state": listing.choice("stands", ImportState),
        "tariff_id": listing.public_id("tariff__public_id"),
        "looked_at": listing.instant("looked_at"),
    },
)


@kept_router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(RateEditShown)),
    openapi_extra={"parameters": EDITS.parameters},
)
def list_rate_edits(request: HttpRequest) -> JsonResponse:
    """List the edits of many rates, the latest first."""
    return EDITS.answer(request, edits())


@router.post(
    "/{tariff_id}/rate-edits",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(RateEditShown, 404, 409, status=201),
)
def look_at_rate_edit(request: HttpRequest, response: HttpResponse, tariff_id: Id, edit: NewRateEdit) -> Status[Any]:
    """Say what an edit of many rates would do, and keep it. Nothing changes until it is applied."""
    tariff, principal, at = access_tariff(tariff_id), principal_of(request), now()
    agreement = None if edit.agreement_id is None else access_agreement(edit.agreement_id)
    with _pointed():
        made = actions.keep_edit(
            principal.tenant_id,
            tariff_id=tariff.pk,
            chosen=_chosen(edit.chosen, at),
            edit=_change(edit.change),
            agreement_id=None if agreement is None else agreement.pk,
            reason=edit.reason,
            actor=principal.actor,
            at=at,
        )
    response["Location"] = f"/api/v1/rate-edits/{made.public_id}"
    return Status(201, show(response, shown(access_edit(str(made.public_id)))))


@kept_router.get("/{rate_edit_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(RateEditShown, 404))
def get_rate_edit(request: HttpRequest, response: HttpResponse, rate_edit_id: Id) -> Any:
    """An edit of many rates: what it would do, what became of it."""
    return show(response, shown(access_edit(rate_edit_id)))


@kept_router.post(
    "/{rate_edit_id}/apply",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(RateEditShown, 404, 409, 412) | {202: RateEditShown},
)
def apply_rate_edit(
    request: HttpRequest, response: HttpResponse, rate_edit_id: Id, given: RateEditApply
) -> Status[Any]:
    """Make an edit true, all of it at once; a worker does it where it is large (202): poll `work`. A re-rating is proposed where it reaches into posted traffic.

    409 `tariff_changed` where the tariff was changed since it was looked at: look again.
    """
    return done_or_asked(
        request,
        response,
        lambda: access_edit(rate_edit_id),
        ImportWork.APPLYING,
        lambda: shown(access_edit(rate_edit_id)),
        reason=given.reason,
    )


@kept_router.post(
    "/{rate_edit_id}/undo",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(RateEditShown, 404, 409, 412) | {202: RateEditShown},
)
def undo_rate_edit(request: HttpRequest, response: HttpResponse, rate_edit_id: Id, given: SheetReason) -> Status[Any]:
    """Take an edit back: the prices that stood before it stand again; a worker does it where it is large (202). Later changes of the tariff are undone first."""
    return done_or_asked(
        request,
        response,
        lambda: sheet_of(access_edit(rate_edit_id)),
        ImportWork.UNDOING,
        lambda: shown(access_edit(rate_edit_id)),
        reason=given.reason,
    )


@kept_router.post(
    "/{rate_edit_id}/discard",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(RateEditShown, 404, 409, 412),
)
def discard_rate_edit(request: HttpRequest, response: HttpResponse, rate_edit_id: Id, given: SheetReason) -> Any:
    """Say no to an edit that is not applied; it stays in the history."""
    edit = access_edit(rate_edit_id)
    actions.require_idle(edit)
    lock_rows(TariffEdit.objects.all(), [edit.pk])
    require_match(request, shown(access_edit(rate_edit_id)))
    actions.discard_edit(edit_id=edit.pk, reason=given.reason, at=now())
    return show(response, shown(access_edit(rate_edit_id)))


def _chosen(said: ChosenRates, at: datetime) -> Chosen:
    return Chosen(
        at=said.at or at, standing=said.state, code=said.code, name=said.destination, kind=said.kind, ids=said.rates
    )


def _change(said: ChangedRates) -> RateEdit:
    price = None
    if said.price is not None:
        mode = RoundingMode.from_name(said.price.rounding)
        price = PriceEdit(said.price.how, said.price.amount, said.price.decimals, mode)
    return RateEdit(
        price=price,
        increments=said.increments,
        blocked=said.blocked,
        begins_at=said.begins_at,
        ends_at=said.ends_at,
        sets_end="ends_at" in said.model_fields_set,
    )


# Where in the body stands what an edit refuses.
_PLACES: Final[Mapping[str, str]] = {
    "bad_amount": "/change/price/amount",
    "bad_decimal": "/change/price/amount",
    "price_precision": "/change/price/amount",
    "precision": "/change/price/amount",
    "negative_price": "/change/price/amount",
    "bad_steps": "/change/increments",
    "bad_number": "/change/increments",
    "ends_before_it_begins": "/change/ends_at",
    "nothing_to_change": "/change",
}


@contextmanager
def _pointed() -> Iterator[None]:
    """Have what an edit refuses point at its value in the body."""
    try:
        yield
    except Invalid as error:
        place = _PLACES.get(error.code)
        if place is None:
            raise
        raise InvalidFields(
            [FieldError(place, error.code, error.message)], code=error.code, message=error.message
        ) from error
