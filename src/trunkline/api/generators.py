"""Generators of selling tariffs: kept, run, what a run makes of each code, and making it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, Instant, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.api.work import Problem, Work, done_or_asked, problem_shown, work_shown
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions, generated
from trunkline.pricing.choices import ImportWork, RunState
from trunkline.pricing.models import Generator, GeneratorRun
from trunkline.pricing.queries import get_agreement
from trunkline.tariffs.queries import access_tariff

router = Router(tags=["generators"])
runs = Router(tags=["generators"])

CODES_MAX: Final = 1_000
OFFSET_MAX: Final = 10**7

GeneratorName = Annotated[str, Field(min_length=1, max_length=120, description="As the product that it prices.")]
DeckName = Annotated[str, Field(min_length=1, max_length=120, description="Name of the code deck.")]
AgreementName = Annotated[str, Field(max_length=120, description="Agreement whose notice its changes need.")]
Sources = Annotated[
    list[Id], Field(min_length=1, max_length=100, description="The vendors' tariffs; of equal prices the first counts.")
]
SettingsSaid = Annotated[
    dict[str, Any],
    Field(
        description="Method, margins, floors, rounding, exclusions; what is left out is as usual (docs/guide/make-a-selling-tariff.md).",
        examples=[
            {
                "method": "blend",
                "weights": ["80", "15", "5"],
                "percent": "20",
                "rules": [{"code": "2547", "percent": "15"}],
            }
        ],
    ),
]
Why = Annotated[str, Field(min_length=1, max_length=500, description="Stands in the history of the tariff.")]


class NewGenerator(Body):
    """A generator to be kept."""

    name: GeneratorName
    tariff_id: Id = Field(description="The tariff that it makes the prices of.")
    deck: DeckName
    source_ids: Sources
    agreement: AgreementName | None = Field(default=None, description="Null: its changes need no notice.")
    settings: SettingsSaid = Field(default_factory=dict)


class GeneratorChange(Body):
    """What of a generator is changed; what is left out stays. `settings` are all of them."""

    name: GeneratorName | None = None
    tariff_id: Id | None = None
    deck: DeckName | None = None
    source_ids: Sources | None = None
    agreement: AgreementName | None = Field(default=None, description="Null: its changes need no notice.")
    settings: SettingsSaid | None = None


class GeneratorShown(Body):
    """How the prices of one of our tariffs are made from those of vendors."""

    id: UUID
    name: str
    tariff_id: UUID
    tariff: str
    deck: str
    source_ids: list[UUID]
    sources: list[str]
    agreement: str | None
    settings: dict[str, Any]


class NewRun(Body):
    """A run to be made."""

    effective_at: Instant | None = Field(
        default=None, description="When its prices begin; null: now, or so many days on as the generator says."
    )
    prices_at: Instant | None = Field(
        default=None, description="When the vendors' prices are taken; null: when ours begin."
    )


class RunFailure(Body):
    """Why a run has made nothing."""

    code: str
    detail: str


class RunShown(Body):
    """A run of a generator. Its sheet is applied, undone and discarded like a vendor's."""

    id: UUID
    generator_id: UUID
    generator: str
    tariff: str
    state: Literal["waiting", "failed", "received", "read", "compared", "applied", "undone", "discarded"]
    effective_at: datetime
    prices_at: datetime
    asked_at: datetime
    finished_at: datetime | None
    begins_at: datetime | None = Field(description="When the first of its changes begins, once it is applied.")
    sheet_id: UUID | None
    counts: dict[str, Any] = Field(description="Codes by kind of change.")
    figures: dict[str, Any] = Field(
        description="What became of the codes; what they earn and cost on the traffic of the last 30 days."
    )
    sources: list[dict[str, Any]] = Field(
        description="Of each vendor: revision, parents whose prices it takes over, exchange rate, where it is cheapest."
    )
    findings: list[dict[str, Any]] = Field(description="What the checks have found.")
    failure: RunFailure | None
    work: Work
    problem: Problem

    UNVERSIONED: ClassVar = ("work",)


class GeneratedCode(Body):
    """What a run makes of one code. Money is a minute's, or that of one message or octet, in the currency of the tariff."""

    code: str
    destination: str
    became: Literal["priced", "blocked", "left_out", "kept", "excluded", "collapsed", "other"]
    kind: str = Field(description="The kind of change; empty where nothing is written.")
    before: str
    price: str
    cost: str
    margin: str
    margin_percent: str = Field(description="Of the price.")
    offers: int
    cheapest: str = Field(description="The vendor that asks least.")
    held_by: Literal["", "floor", "maximum"]
    is_below_cost: bool
    units: int = Field(description="Seconds, messages or octets charged in the last 30 days.")
    begins: str


class GeneratedCodes(Body):
    """A part of the codes of a run, what matters most first."""

    codes: list[GeneratedCode]
    next_offset: int | None = Field(description="Give it as `offset` for the codes that follow; null at the end.")


class Application(Body):
    """A run whose prices are to be true."""

    overrule: list[Annotated[str, Field(max_length=60)]] = Field(
        default_factory=list, max_length=50, description="Checks that stopped it and were looked at."
    )
    reason: str = Field(default="", max_length=500, description="Stands in the history of the tariff.")


class Refusal(Body):
    """Why it is taken back, or not wanted."""

    reason: Why


def _shown(generator: Generator) -> GeneratorShown:
    sources = list(generator.sources.all())
    return GeneratorShown(
        id=generator.public_id,
        name=generator.name,
        tariff_id=generator.tariff.public_id,
        tariff=generator.tariff.name,
        deck=generator.deck.name,
        source_ids=[each.tariff.public_id for each in sources],
        sources=[each.tariff.name for each in sources],
        agreement=generator.agreement and generator.agreement.name,
        settings=generator.settings,
    )


def _run(run: GeneratorRun) -> RunShown:
    sheet = run.sheet
    found: Any = generated.state_of(run)
    failure = RunFailure(code=run.failure, detail=run.failure_detail) if run.state == RunState.FAILED else None
    return RunShown(
        id=run.public_id,
        generator_id=run.generator.public_id,
        generator=run.generator.name,
        tariff=run.generator.tariff.name,
        state=found,
        sheet_id=sheet and sheet.public_id,
        begins_at=sheet and sheet.begins_at,
        counts=sheet.counts if sheet else {},
        findings=sheet.findings if sheet else [],
        failure=failure,
        work=None if sheet is None else work_shown(sheet),
        problem=None if sheet is None else problem_shown(sheet),
        **{
            name: getattr(run, name)
            for name in ("effective_at", "prices_at", "asked_at", "finished_at", "figures", "sources")
        },
    )


def _generators(rows: Sequence[Generator], _: Mapping[str, Any]) -> list[GeneratorShown]:
    return [_shown(row) for row in rows]


GENERATORS: Final = listing.Listing(
    schema=GeneratorShown,
    page=_generators,
    sorts={"name": "name"},
    filters={"name": listing.text("name"), "tariff_id": listing.public_id("tariff__public_id")},
)
RUNS: Final = listing.Listing(
    schema=RunShown,
    row=_run,
    sorts={"asked_at": "asked_at"},
    default="-asked_at",
    filters={
        "asked_at": listing.instant("asked_at"),
        "generator_id": listing.public_id("generator__public_id"),
        "tariff_id": listing.public_id("generator__tariff__public_id"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(GeneratorShown)),
    openapi_extra={"parameters": GENERATORS.parameters},
)
def list_generators(request: HttpRequest) -> JsonResponse:
    """List the generators."""
    return GENERATORS.answer(request, generated.generators())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(GeneratorShown, 404, 409, status=201))
def create_generator(request: HttpRequest, response: HttpResponse, generator: NewGenerator) -> Status[Any]:
    """Keep how a tariff is made from vendors' prices."""
    given = _given(generator, {"name", "settings"})
    made = actions.create_generator(**given, at=now())
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, _shown(generated.access_generator(str(made.public_id)))))


@router.get("/{generator_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(GeneratorShown, 404))
def get_generator(request: HttpRequest, response: HttpResponse, generator_id: Id) -> Any:
    """A generator."""
    return show(response, _shown(generated.access_generator(generator_id)))


@router.patch("/{generator_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(GeneratorShown, 404, 409, 412))
def change_generator(request: HttpRequest, response: HttpResponse, generator_id: Id, change: GeneratorChange) -> Any:
    """Change a generator. Runs that were made stay what they are."""
    found = generated.access_generator(generator_id)
    lock_rows(Generator.objects.all(), [found.pk])
    require_match(request, _shown(generated.access_generator(generator_id)))
    said = change.model_fields_set
    given = _given(change, {name for name in ("name", "settings") if getattr(change, name) is not None})
    if "agreement" in said and change.agreement is None:
        given["agreement_id"] = None
    actions.change_generator(generator_id=found.pk, **given)
    return show(response, _shown(generated.access_generator(generator_id)))


def _given(said: NewGenerator | GeneratorChange, names: set[str]) -> dict[str, Any]:
    """What is said of a generator, as the actions want it."""
    given: dict[str, Any] = said.model_dump(include=names)
    if said.tariff_id is not None:
        given["tariff_id"] = access_tariff(said.tariff_id).pk
    if said.deck is not None:
        given["deck_id"] = generated.get_deck(said.deck).pk
    if said.source_ids is not None:
        given["source_ids"] = [access_tariff(each).pk for each in said.source_ids]
    if said.agreement is not None:
        given["agreement_id"] = get_agreement(said.agreement).pk
    return given


@router.post("/{generator_id}/runs", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(RunShown, 404, status=202))
def run_generator(request: HttpRequest, response: HttpResponse, generator_id: Id, run: NewRun) -> Status[Any]:
    """Have a worker make the prices and compare them with the tariff's. Ask `GET /generator-runs/{id}` how far it has come."""
    found = generated.access_generator(generator_id)
    made = actions.ask_run(generator_id=found.pk, effective_at=run.effective_at, prices_at=run.prices_at, at=now())
    response["Location"] = f"{request.path.partition('/generators')[0]}/generator-runs/{made.public_id}"
    return Status(202, _run(generated.access_run(str(made.public_id))))


@runs.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(RunShown)),
    openapi_extra={"parameters": RUNS.parameters},
)
def list_generator_runs(request: HttpRequest) -> JsonResponse:
    """List the runs of all generators, the latest first."""
    return RUNS.answer(request, generated.runs())


@runs.get("/{generator_run_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(RunShown, 404))
def get_generator_run(request: HttpRequest, response: HttpResponse, generator_run_id: Id) -> Any:
    """A run: how far it has come, and what it makes."""
    return show(response, _run(generated.access_run(generator_run_id)))


@runs.get("/{generator_run_id}/codes", auth=ApiKey(Permission.TARIFFS_READ), response=answers(GeneratedCodes, 404, 409))
def list_generated_codes(
    request: HttpRequest,
    generator_run_id: Id,
    kind: Annotated[
        Literal["new", "increase", "decrease", "increment", "moved", "blocked", "closed", "refused", "unchanged"]
        | None,
        Field(description="Only changes of this kind."),
    ] = None,
    only: Annotated[
        Literal["floor", "maximum", "below_cost", "no_offer", "excluded", "collapsed", "no_line"] | None,
        Field(description="Only these codes."),
    ] = None,
    code: Annotated[str, Field(pattern="^[0-9]{0,18}$", description="Only codes that begin so.")] = "",
    limit: Annotated[int, Field(ge=1, le=CODES_MAX)] = 100,
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0,
) -> Any:
    """What a run makes of the codes: price before and now, cost and margin; what matters most first."""
    run, _ = generated.access_made(generator_run_id)
    rows = generated.run_rows(run, kind=kind, only=only, code=code, limit=limit + 1, offset=offset)
    more = offset + limit if len(rows) > limit else None
    return GeneratedCodes(codes=[GeneratedCode(**row) for row in rows[:limit]], next_offset=more)


@runs.post(
    "/{generator_run_id}/apply",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(RunShown, 404, 409, 412) | {202: RunShown},
)
def apply_generator_run(
    request: HttpRequest, response: HttpResponse, generator_run_id: Id, application: Application
) -> Status[Any]:
    """Make the prices of a run true, all of them at once; a worker does it where they are many (202): poll `work`."""
    return done_or_asked(
        request,
        response,
        lambda: generated.access_made(generator_run_id)[1],
        ImportWork.APPLYING,
        lambda: _run(generated.access_run(generator_run_id)),
        overrule=list(application.overrule),
        reason=application.reason,
    )


@runs.post(
    "/{generator_run_id}/undo",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(RunShown, 404, 409, 412) | {202: RunShown},
)
def undo_generator_run(
    request: HttpRequest, response: HttpResponse, generator_run_id: Id, refusal: Refusal
) -> Status[Any]:
    """Take a run back: the prices that stood before it stand again; a worker does it where they are many (202)."""
    return done_or_asked(
        request,
        response,
        lambda: generated.access_made(generator_run_id)[1],
        ImportWork.UNDOING,
        lambda: _run(generated.access_run(generator_run_id)),
        reason=refusal.reason,
    )


@runs.post("/{generator_run_id}/discard", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(RunShown, 404, 409))
def discard_generator_run(request: HttpRequest, generator_run_id: Id, refusal: Refusal) -> Any:
    """Say no to a run that is not applied; it stays in the history."""
    _, sheet = generated.access_made(generator_run_id)
    actions.discard_import(import_id=sheet.pk, reason=refusal.reason, at=now())
    return _run(generated.access_run(generator_run_id))
