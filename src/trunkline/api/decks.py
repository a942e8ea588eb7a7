"""Code decks: what codes are called; files of codes compared with a deck, applied, taken back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.files import answer_of, body_of, read_octets
from trunkline.api.shapes import Body, Id, Page, RowId, answers, sparse
from trunkline.api.versions import require_match, show
from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.choices import DeckSource, ImportState
from trunkline.pricing.deck_compare import DeckMode
from trunkline.pricing.deck_export import deck_csv, deck_xlsx
from trunkline.pricing.deck_queries import (
    access_deck,
    access_deck_change,
    all_codes,
    codes_of_deck,
    compared_rows,
    deck_changes,
    decks,
    unreadable_rows,
)
from trunkline.pricing.models import DeckChange
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.names import NAME_LENGTH_MAX
from trunkline.tariffs.choices import DestinationKind
from trunkline.tariffs.models import Code, CodeDeck

router = Router(tags=["code decks"])
codes_router = Router(tags=["code decks"])
changes_router = Router(tags=["code decks"])

FILE_OCTETS_MAX: Final = 64 << 20
CODES_AT_ONCE_MAX: Final = 10_000
LINES_MAX: Final = 1_000
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS: Final = ("application/octet-stream", "text/csv", XLSX, "application/zip")

DeckName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why; it stands in the history of the deck.")]
Offset = Annotated[int, Field(ge=0, le=10_000_000, description="Lines to pass over.")]
Limit = Annotated[int, Field(ge=1, le=LINES_MAX, description="Lines at most.")]


class Depth(StrEnum):
    """How deep the world's numbering plans are taken."""

    COUNTRIES = "countries"
    MOBILES = "mobiles"


class ExportFormat(StrEnum):
    """What a deck is exported as."""

    CSV = "csv"
    XLSX = "xlsx"


KindName = Literal["contradicted", "moved", "renamed", "respelled", "new", "same"]


class NewDeck(Body):
    """A code deck to be made, without codes."""

    name: DeckName


class DeckToChange(Body):
    """What of a deck is changed; what is left out stays."""

    name: DeckName | None = None
    is_default: bool | None = Field(
        default=None, description="Whether destinations that a sheet names without codes have those of this deck."
    )


class DeckShown(Body):
    """A list of codes and what they are called."""

    id: int
    name: str
    is_default: bool


class CodeShown(Body):
    """A code of a deck and its destination."""

    id: int
    deck_id: int
    code: str
    destination: str
    country: str = Field(description="ISO 3166 code; empty: none or several.")
    kind: DestinationKind


class CodeToName(Body):
    """A code and what it is to be called."""

    code: str = Field(pattern=rf"^[0-9]{{1,{CODE_DIGITS_MAX}}}$", examples=["254"])
    destination: str | None = Field(min_length=1, max_length=200, description="Its name; null takes the code out.")


class CodesToName(Body):
    """Codes with their new names; of a code that stands there twice the last one counts."""

    codes: list[CodeToName] = Field(min_length=1, max_length=CODES_AT_ONCE_MAX)
    reason: Reason


class ChangeShown(Body):
    """A change of a deck: what came, how many codes of each kind it has, and what became of it (docs/algorithms/decks.md)."""

    id: UUID
    deck_id: int
    deck: str
    source: DeckSource
    file_name: str
    mode: DeckMode
    state: ImportState
    counts: dict[str, int] = Field(description="Codes by kind; added, changed and removed once it is applied.")
    doubts: list[str] = Field(description="Why it is not sure what the columns mean.")
    reason: str
    created_at: datetime
    applied_at: datetime | None
    ended_at: datetime | None


class ComparedLine(Body):
    """A code of a file beside the deck's."""

    sheet: str
    line: int
    kind: str
    code: str
    before: str | None = Field(description="What the deck called it when it was compared.")
    name: str = Field(description="What the deck will call it.")
    written: str = Field(description="The name as the file has it.")


class UnreadableRow(Body):
    """A row that gave no code."""

    sheet: str
    line: int
    column: str
    reason: str
    text: str


class ComparedLines(Body):
    """Lines of a change, conflicts first, and rows that cannot be read."""

    data: list[ComparedLine]
    unreadable: list[UnreadableRow]


class World(Body):
    """The world's numbering plans, as the library phonenumbers has them."""

    depth: Depth = Field(default=Depth.MOBILES, description="Countries alone, or mobile ranges too.")
    mode: DeckMode = DeckMode.ADD


class Application(Body):
    """How a change is applied."""

    mode: DeckMode | None = Field(default=None, description="Another mode than it was compared for.")
    skip_conflicts: bool = Field(default=False, description="Take what is fine and leave the rest out.")
    reason: str = Field(default="", max_length=500)


class Because(Body):
    """Why something is taken back or refused."""

    reason: Reason


def shown(deck: CodeDeck) -> DeckShown:
    """A deck as the API shows it."""
    return DeckShown(id=deck.pk, name=deck.name, is_default=deck.is_default)


def code_shown(code: Code) -> CodeShown:
    """A code as the API shows it."""
    place = code.destination
    return CodeShown(
        id=code.pk,
        deck_id=code.deck_id,
        code=code.code,
        destination=place.name,
        country=place.country,
        kind=DestinationKind(place.kind),
    )


def change_shown(change: DeckChange) -> ChangeShown:
    """A change of a deck as the API shows it."""
    return ChangeShown(
        id=change.public_id,
        deck_id=change.deck_id,
        deck=change.deck.name,
        source=DeckSource(change.source),
        file_name=change.file_name,
        mode=DeckMode(change.mode),
        state=ImportState(change.state),
        counts={name: count for name, count in change.counts.items() if name != "doubts"},
        doubts=change.counts.get("doubts", []),
        reason=change.reason,
        created_at=change.created_at,
        applied_at=change.applied_at,
        ended_at=change.ended_at,
    )


DECKS = listing.Listing(
    schema=DeckShown,
    row=shown,
    sorts={"name": "name", "id": "id"},
    filters={"name": listing.text("name", prefix=True), "is_default": listing.boolean("is_default")},
)
CODES = listing.Listing(
    schema=CodeShown,
    row=code_shown,
    sorts={"code": "code", "id": "id"},
    filters={
        "deck_id": listing.number("deck_id"),
        "code": listing.digits("code", CODE_DIGITS_MAX),
        "destination": listing.text("destination__name", prefix=True),
        "country": listing.text("destination__country"),
        "kind": listing.choice("destination__kind", DestinationKind),
    },
)
CHANGES = listing.Listing(
    schema=ChangeShown,
    row=change_shown,
    sorts={"created_at": "created_at"},
    default="-created_at",
    filters={
        "deck_id": listing.number("deck_id"),
        "state": listing.choice("state", ImportState),
        "source": listing.choice("source", DeckSource),
        "created_at": listing.instant("created_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(Page[sparse(DeckShown)]),  # type: ignore[misc]
    openapi_extra={"parameters": DECKS.parameters},
)
def list_decks(request: HttpRequest) -> JsonResponse:
    """List the code decks."""
    return DECKS.answer(request, decks())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(DeckShown, 409, status=201))
def create_deck(request: HttpRequest, response: HttpResponse, deck: NewDeck) -> Status:
    """Make a code deck without codes; the first one is the default."""
    made = tariffs.create_deck(name=deck.name, at=now())
    response["Location"] = f"{request.path}/{made.pk}"
    return Status(201, show(response, shown(made)))


@router.get("/{deck_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(DeckShown, 404))
def get_deck(request: HttpRequest, response: HttpResponse, deck_id: RowId) -> Any:
    """A code deck."""
    return show(response, shown(access_deck(deck_id)))


@router.patch("/{deck_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(DeckShown, 404, 409, 412))
def change_deck(request: HttpRequest, response: HttpResponse, deck_id: RowId, change: DeckToChange) -> Any:
    """Rename a code deck, or choose the one that sheets of names are matched to."""
    lock_rows(CodeDeck.objects.all(), [access_deck(deck_id).pk])
    require_match(request, shown(access_deck(deck_id)))
    changed = tariffs.change_deck(deck_id=deck_id, name=change.name, is_default=change.is_default, at=now())
    return show(response, shown(changed))


@router.get(
    "/{deck_id}/export",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(None, 404),
    openapi_extra=answer_of("text/csv", XLSX),
)
def export_deck(request: HttpRequest, deck_id: RowId, kind: ExportFormat = ExportFormat.CSV) -> HttpResponse:
    """A code deck as a file; compared with the deck it changes nothing."""
    rows = codes_of_deck(access_deck(deck_id))
    if kind is ExportFormat.CSV:
        return HttpResponse(deck_csv(rows), content_type="text/csv")
    return HttpResponse(deck_xlsx(rows), content_type=XLSX)


@router.post("/{deck_id}/codes", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(ChangeShown, 404, 409))
def name_codes(request: HttpRequest, deck_id: RowId, change: CodesToName) -> Any:
    """Name codes by hand, or take them out, at once."""
    deck = access_deck(deck_id)
    names = {each.code: each.destination for each in change.codes}
    return change_shown(actions.change_deck_codes(deck_id=deck.pk, names=names, reason=change.reason, at=now()))


@router.post(
    "/{deck_id}/changes",
    auth=ApiKey(Permission.TARIFFS_WRITE, spools=True),
    response=answers(ChangeShown, 404, 409, 413, 415, status=201),
    openapi_extra=body_of(*KINDS),
)
def compare_deck(
    request: HttpRequest,
    response: HttpResponse,
    deck_id: RowId,
    name: Annotated[str, Field(min_length=1, max_length=255, description="Name of the file.")] = "codes.csv",
    mode: Annotated[DeckMode, Field(description="What becomes of codes that the deck has.")] = DeckMode.ADD,
) -> Status:
    """Compare a file of codes and names, the body, with a deck: CSV of any kind, XLSX, XLS, ODS, zip; a rate sheet too. Nothing changes yet."""
    data, body_hash = read_octets(request, octets_max=FILE_OCTETS_MAX)
    begin(request, body_hash=body_hash)
    principal = principal_of(request)
    made = actions.import_deck(
        principal.tenant_id,
        deck=access_deck(deck_id).name,
        data=data,
        file_name=name,
        mode=mode,
        actor=principal.actor,
        now=now,
    )
    return _made(response, made)


@router.post(
    "/{deck_id}/world", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(ChangeShown, 404, 409, status=201)
)
def compare_world(request: HttpRequest, response: HttpResponse, deck_id: RowId, world: World) -> Status:
    """Compare the world's numbering plans with a deck: a start for one's own. Nothing changes yet."""
    principal = principal_of(request)
    made = actions.compare_world(
        principal.tenant_id,
        deck=access_deck(deck_id).name,
        depth=world.depth,
        mode=world.mode,
        actor=principal.actor,
        now=now,
    )
    return _made(response, made)


@codes_router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(Page[sparse(CodeShown)]),  # type: ignore[misc]
    openapi_extra={"parameters": CODES.parameters},
)
def list_codes(request: HttpRequest) -> JsonResponse:
    """List the codes of decks, by code."""
    return CODES.answer(request, all_codes())


@changes_router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(Page[sparse(ChangeShown)]),  # type: ignore[misc]
    openapi_extra={"parameters": CHANGES.parameters},
)
def list_deck_changes(request: HttpRequest) -> JsonResponse:
    """List the changes of code decks, the latest first."""
    return CHANGES.answer(request, deck_changes())


@changes_router.get("/{deck_change_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(ChangeShown, 404))
def get_deck_change(request: HttpRequest, response: HttpResponse, deck_change_id: Id) -> Any:
    """A change of a code deck."""
    return show(response, change_shown(access_deck_change(deck_change_id)))


@changes_router.get(
    "/{deck_change_id}/lines", auth=ApiKey(Permission.TARIFFS_READ), response=answers(ComparedLines, 404)
)
def list_deck_change_lines(
    request: HttpRequest,
    deck_change_id: Id,
    kind: Annotated[KindName | None, Field(description="Only lines of this kind.")] = None,
    code: Annotated[str, Field(pattern=rf"^[0-9]{{0,{CODE_DIGITS_MAX}}}$", description="Codes that begin so.")] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    """The lines of a change as they were compared, conflicts first; and the rows that gave none."""
    change = access_deck_change(deck_change_id)
    rows = compared_rows(change, kind=kind or "", code=code, limit=limit, offset=offset)
    errors = unreadable_rows(change, limit=limit)
    return ComparedLines(
        data=[ComparedLine(**row) for row in rows], unreadable=[UnreadableRow(**row) for row in errors]
    )


@changes_router.post(
    "/{deck_change_id}/apply", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(ChangeShown, 404, 409)
)
def apply_deck_change(request: HttpRequest, deck_change_id: Id, how: Application) -> Any:
    """Bring what was compared into the deck, all of it at once; special rates follow."""
    principal, change = principal_of(request), access_deck_change(deck_change_id)
    done = actions.apply_deck_change(
        principal.tenant_id,
        change.pk,
        mode=how.mode,
        skip_conflicts=how.skip_conflicts,
        reason=how.reason,
        actor=principal.actor,
        now=now,
    )
    return change_shown(done)


@changes_router.post(
    "/{deck_change_id}/undo", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(ChangeShown, 404, 409)
)
def undo_deck_change(request: HttpRequest, deck_change_id: Id, because: Because) -> Any:
    """Take a change of a deck back: each of its codes is what it was before."""
    principal, change = principal_of(request), access_deck_change(deck_change_id)
    done = actions.undo_deck_change(
        principal.tenant_id, change.pk, reason=because.reason, actor=principal.actor, now=now
    )
    return change_shown(done)


@changes_router.post(
    "/{deck_change_id}/discard", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(ChangeShown, 404, 409)
)
def discard_deck_change(request: HttpRequest, deck_change_id: Id, because: Because) -> Any:
    """Say no to a change that is compared; it stays in the history."""
    change = access_deck_change(deck_change_id)
    done = actions.discard_deck_change(change_id=change.pk, reason=because.reason, at=now())
    return change_shown(done)


def _made(response: HttpResponse, change: DeckChange) -> Status:
    response["Location"] = f"/api/v1/deck-changes/{change.public_id}"
    return Status(201, show(response, change_shown(change)))
