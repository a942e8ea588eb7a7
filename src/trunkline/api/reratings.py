"""Re-ratings: what changes of prices propose, a look at what pricing again would change, and making it so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field, create_model

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.batches import BatchShown
from trunkline.api.batches import shown as batch_shown
from trunkline.api.shapes import Body, Id, Instant, RowId, answers, page_of
from trunkline.core.errors import Conflict, NotFound
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal, principal_of
from trunkline.invoicing.rerated import by_account, by_invoice
from trunkline.kit import jobs
from trunkline.kit.clock import now
from trunkline.parties.models import Account
from trunkline.parties.queries import access_account
from trunkline.tariffs.choices import Side
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.queries import access_tariff
from trunkline.usage.asked import Asked
from trunkline.usage.choices import RERATE, BatchState, Intake
from trunkline.usage.looks import begin_look, found_of, get_look
from trunkline.usage.models import Batch, Proposal
from trunkline.usage.proposals import asked_of, dismiss, open_proposal, proposals
from trunkline.usage.queries import access_batch, batches
from trunkline.usage.rerate import NAME_MAX, batch_moved

router = Router(tags=["re-ratings"])

_SIDE: Final = "sell: what customers owe; buy: what vendors are owed; null: both."

# `from` is a word of Python, so these classes are made by calls.
_ASKED: Final[dict[str, Any]] = {
    "from": (Instant | None, Field(default=None, description="Only what starts then or later.")),
    "to": (Instant | None, Field(default=None, description="Only what starts before.")),
    "account_id": (Id | None, Field(default=None, description="Only sides of this account.")),
    "side": (Side | None, Field(default=None, description=_SIDE)),
    "code": (
        Annotated[str, Field(pattern="^[0-9]{1,18}$")] | None,
        Field(default=None, description="Only called numbers that begin so."),
    ),
    "tariff_id": (
        Id | None,
        Field(default=None, description="Only sides that this tariff has priced or may price."),
    ),
    "identify": (
        bool,
        Field(default=False, description="Tell first whose the records are, and price both sides then."),
    ),
}
_QUESTION: Final[dict[str, Any]] = {
    "from": (datetime | None, ...),
    "to": (datetime | None, ...),
    "account_id": (UUID | None, ...),
    "account": (str | None, Field(description="Short name of the account.")),
    "side": (Side | None, ...),
    "code": (str | None, ...),
    "tariff_id": (UUID | None, ...),
    "tariff": (str | None, Field(description="Name of the tariff.")),
    "identify": (bool, ...),
}
ReratingAsked: Any = create_model(
    "ReratingAsked",
    __base__=Body,
    __doc__="Which records, and which of their sides, are priced again. What is left out does not restrict.",
    **_ASKED,
)
ReratingQuestion: Any = create_model(
    "ReratingQuestion",
    __base__=Body,
    __doc__="Which records, and which of their sides, are or were priced again.",
    **_QUESTION,
)


class MovedMoney(Body):
    """What a re-rating does to the money of one side of an account, as exact text in its currency."""

    side: Side
    account: str
    currency: str
    records: int
    before: str
    after: str
    difference: str


class MovedInvoice(Body):
    """What an issued document would have said otherwise."""

    invoice: str
    account: str
    currency: str
    difference: str


class LookFound(Body):
    """What pricing again would change."""

    looked: int = Field(description="Records that were looked at.")
    changed: int
    lost: dict[str, int] = Field(description="Changed records that would become rejects, by reason.")
    segments: int
    touched: int = Field(description="Segments that would be written anew.")
    seconds: float
    accounts: list[MovedMoney]
    invoices: list[MovedInvoice]


class LookShown(Body):
    """A look at what a re-rating would change. Nothing is written by it. Looks are kept for a week."""

    id: UUID
    state: Literal["waiting", "running", "done", "failed"]
    asked: ReratingQuestion
    done: int = Field(description="Records that were looked at so far.")
    total: int
    problem: str = Field(description="Why it failed.")
    found: LookFound | None = Field(description="Null until it is done.")


class RequestedRerating(Body):
    """A re-rating that a worker takes up: a batch for each switch of which a record changes, none where nothing does."""

    asked: ReratingQuestion
    requested_at: datetime = Field(
        description="Its batches are received then or later: `received_at[gte]` of the list of re-ratings."
    )


class ReratingShown(BatchShown):
    """Records of a switch that are, or were, priced again."""

    asked: ReratingQuestion


class ReratingWhole(ReratingShown):
    """A re-rating with what it has moved, once it is posted."""

    accounts: list[MovedMoney]


class ProposalShown(Body):
    """Prices were changed for a time in which records had been posted: they should be priced again."""

    id: int
    cause: str = Field(description="What was changed, in words.")
    asked: ReratingQuestion
    made_at: datetime
    closed_at: datetime | None


def _questions(asked: Sequence[Asked]) -> list[Any]:
    """Questions with the names and ids that they speak of: a query for each kind."""
    accounts = Account.objects.in_bulk({each.account_id for each in asked if each.account_id})
    tariffs = Tariff.objects.in_bulk({each.tariff_id for each in asked if each.tariff_id})
    found = []
    for each in asked:
        account, tariff = accounts.get(each.account_id or 0), tariffs.get(each.tariff_id or 0)
        said = {
            "from": each.start_from,
            "to": each.start_to,
            "account_id": account and account.public_id,
            "account": account and account.code,
            "side": Side(each.side) if each.side else None,
            "code": each.code or None,
            "tariff_id": tariff and tariff.public_id,
            "tariff": tariff and tariff.name,
            "identify": each.is_told_anew,
        }
        found.append(ReratingQuestion(**said))
    return found


def _read(asked: Any) -> Asked:
    """What a request asks for. Raises Invalid as `Asked`, NotFound where there is no such account or tariff."""
    return Asked(
        start_from=getattr(asked, "from"),
        start_to=asked.to,
        account_id=access_account(asked.account_id).pk if asked.account_id else None,
        side=asked.side or "",
        code=asked.code or "",
        tariff_id=access_tariff(asked.tariff_id).pk if asked.tariff_id else None,
        is_told_anew=asked.identify,
    )


def _page(rows: Sequence[Batch], _: Mapping[str, Any]) -> Iterable[ReratingShown]:
    questions = _questions([Asked.of(row.asked) for row in rows])
    return [
        ReratingShown(**dict(batch_shown(row)), asked=question) for row, question in zip(rows, questions, strict=True)
    ]


def _proposal_page(rows: Sequence[Proposal], _: Mapping[str, Any]) -> Iterable[ProposalShown]:
    questions = _questions([asked_of(row) for row in rows])
    return [
        ProposalShown(id=row.pk, cause=row.cause, asked=question, made_at=row.made_at, closed_at=row.closed_at)
        for row, question in zip(rows, questions, strict=True)
    ]


RERATINGS: Final = listing.Listing(
    schema=ReratingShown,
    page=_page,
    sorts={"received_at": "received_at"},
    default="-received_at",
    filters={
        "state": listing.choice("state", BatchState),
        "switch": listing.text("switch__name"),
        "switch_id": listing.public_id("switch__public_id"),
        "received_at": listing.instant("received_at"),
    },
)
PROPOSALS: Final = listing.Listing(
    schema=ProposalShown,
    page=_proposal_page,
    sorts={"id": "id"},
    filters={
        "is_open": listing.is_null("closed_at", "Only what waits; false: only what is closed."),
        "account_id": listing.public_id("account__public_id"),
        "tariff_id": listing.public_id("tariff__public_id"),
        "made_at": listing.instant("made_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.USAGE_READ),
    response=answers(page_of(ReratingShown)),
    openapi_extra={"parameters": RERATINGS.parameters},
)
def list_reratings(request: HttpRequest) -> JsonResponse:
    """List the re-ratings, the newest first. They are batches too, one for each switch."""
    return RERATINGS.answer(request, batches().filter(intake=Intake.RERATE))


@router.post("", auth=ApiKey(Permission.USAGE_RERATE), response=answers(RequestedRerating, 404, status=202))
def apply_rerating(request: HttpRequest, asked: ReratingAsked) -> Status[Any]:
    """Price posted records again, as prices are now. `begin_look` with the same body shows before what that changes."""
    return _request(request, _read(asked))


@router.post("/looks", auth=ApiKey(Permission.USAGE_RERATE), response=answers(LookShown, 404, status=202))
def begin_rerating_look(request: HttpRequest, response: HttpResponse, asked: ReratingAsked) -> Status[Any]:
    """Have a worker look what a re-rating would change. What it finds is polled."""
    principal = principal_of(request)
    look_id = begin_look(principal.tenant_id, _read(asked), actor=principal.actor, at=now())
    response["Location"] = f"{request.path}/{look_id}"
    return Status(202, _look(principal, look_id))


@router.get("/looks/{look_id}", auth=ApiKey(Permission.USAGE_READ), response=answers(LookShown, 404))
def get_rerating_look(request: HttpRequest, look_id: Id) -> Any:
    """A look: how far it has come, and what it has found."""
    return _look(principal_of(request), _look_id(look_id))


@router.post(
    "/looks/{look_id}/apply",
    auth=ApiKey(Permission.USAGE_RERATE),
    response=answers(RequestedRerating, 404, 409, status=202),
)
def apply_rerating_look(request: HttpRequest, look_id: Id) -> Status[Any]:
    """Make it so: price the records again that a look has looked at."""
    said = get_look(principal_of(request).tenant_id, _look_id(look_id))
    if said["state"] != "done":
        raise Conflict("look_not_done", "The look has not come to its end.", hint="Wait until its figures are there.")
    return _request(request, Asked.of(said["asked"]))


@router.get(
    "/proposals",
    auth=ApiKey(Permission.USAGE_READ),
    response=answers(page_of(ProposalShown)),
    openapi_extra={"parameters": PROPOSALS.parameters},
)
def list_rerating_proposals(request: HttpRequest) -> JsonResponse:
    """List what changes of prices propose, the oldest first; closed ones too."""
    return PROPOSALS.answer(request, proposals())


@router.post(
    "/proposals/{proposal_id}/apply",
    auth=ApiKey(Permission.USAGE_RERATE),
    response=answers(RequestedRerating, 404, status=202),
)
def apply_rerating_proposal(request: HttpRequest, proposal_id: RowId) -> Status[Any]:
    """Do what is proposed. It closes once all of it is posted."""
    return _request(request, asked_of(open_proposal(proposal_id)))


@router.post(
    "/proposals/{proposal_id}/dismiss",
    auth=ApiKey(Permission.USAGE_RERATE),
    response=answers(ProposalShown, 404),
)
def dismiss_rerating_proposal(request: HttpRequest, proposal_id: RowId) -> Any:
    """Close a proposal though nothing is priced again."""
    dismiss(proposal_id=open_proposal(proposal_id).pk, at=now())
    (found,) = _proposal_page(list(proposals().filter(pk=proposal_id)), {})
    return found


@router.get("/{batch_id}", auth=ApiKey(Permission.USAGE_READ), response=answers(ReratingWhole, 404))
def get_rerating(request: HttpRequest, batch_id: Id) -> Any:
    """A re-rating: how far it has come, and what it has moved once it is posted."""
    batch = access_batch(batch_id)
    if batch.intake != Intake.RERATE:
        raise NotFound("batch_not_found", f"There is no batch {batch_id!r}.")
    (shown,) = _page([batch], {})
    moved = by_account(batch_moved(batch.pk)) if batch.state == BatchState.POSTED else []
    accounts = [MovedMoney(**each) for each in moved]
    return ReratingWhole(**dict(shown), accounts=accounts)


def _request(request: HttpRequest, asked: Asked) -> Status[Any]:
    """Put the re-rating in the queue; the same question that waits there is the same one."""
    principal, at, said = principal_of(request), now(), asked.as_json()
    (question,) = _questions([asked])
    jobs.defer(
        RERATE,
        key=f"{RERATE}:{sorted(said.items())}",
        tenant_id=principal.tenant_id,
        asked=said,
        name=f"re-rating: {_words(question)}"[:NAME_MAX],
        actor=principal.actor,
    )
    return Status(202, RequestedRerating(asked=question, requested_at=at))


def _words(question: Any) -> str:
    """A question in words, as the name of its batches."""
    said = question.model_dump(mode="json", exclude={"account_id", "tariff_id"})
    return "; ".join(f"{name} {value}" for name, value in said.items() if value) or "everything"


def _look_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("look_not_found", "There is no such look.") from None


def _look(principal: Principal, look_id: UUID) -> LookShown:
    said = get_look(principal.tenant_id, look_id)
    (question,) = _questions([Asked.of(said["asked"])])
    found = None
    if said["state"] == "done":
        whole = found_of(said["found"])
        found = LookFound(
            **{name: getattr(whole, name) for name in ("looked", "changed", "lost", "segments", "touched", "seconds")},
            accounts=[MovedMoney(**each) for each in by_account(whole.moved)],
            invoices=[MovedInvoice(**each) for each in by_invoice(whole.moved)],
        )
    return LookShown(
        id=look_id,
        state=said["state"],
        asked=question,
        done=said.get("done", 0) if found is None else found.looked,
        total=said.get("total", 0) if found is None else found.looked,
        problem=said.get("problem", ""),
        found=found,
    )
