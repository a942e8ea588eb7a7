"""Code decks: what codes are called; files of codes compared with a deck, applied, taken back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.deck_changes import ChangeShown, Reason, change_shown
from trunkline.api.files import answer_of, body_of, read_octets
from trunkline.api.shapes import Body, RowId, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.deck_compare import DeckMode
from trunkline.pricing.deck_export import deck_csv, deck_xlsx
from trunkline.pricing.deck_queries import (
    access_deck,
    all_codes,
    codes_of_deck,
)
from trunkline.pricing.models import DeckChange
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.names import NAME_LENGTH_MAX
from trunkline.tariffs.choices import DestinationKind
from trunkline.tariffs.models import Code, CodeDeck
from trunkline.tariffs.queries import code_decks

router = Router(tags=["code decks"])
codes_router = Router(tags=["code decks"])

FILE_OCTETS_MAX: Final = 64 << 20
CODES_AT_ONCE_MAX: Final = 10_000
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS: Final = ("application/octet-stream", "text/csv", XLSX, "application/zip")

DeckName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]


class Depth(StrEnum):
    """How deep the world's numbering plans are taken."""

    COUNTRIES = "countries"
    MOBILES = "mobiles"


class ExportFormat(StrEnum):
    """What a deck is exported as."""

    CSV = "csv"
    XLSX = "xlsx"


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


class World(Body):
    """The world's numbering plans, as the library phonenumbers has them."""

    depth: Depth = Field(default=Depth.MOBILES, description="Countries alone, or mobile ranges too.")
    mode: DeckMode = DeckMode.ADD


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


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(DeckShown)),
    openapi_extra={"parameters": DECKS.parameters},
)
def list_decks(request: HttpRequest) -> JsonResponse:
    """List the code decks."""
    return DECKS.answer(request, code_decks())


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
    response=answers(ChangeShown, 404, 409, 413, 415, status=201) | {202: ChangeShown},
    openapi_extra=body_of(*KINDS),
)
def compare_deck(
    request: HttpRequest,
    response: HttpResponse,
    deck_id: RowId,
    name: Annotated[str, Field(min_length=1, max_length=255, description="Name of the file.")] = "codes.csv",
    mode: Annotated[DeckMode, Field(description="What becomes of codes that the deck has.")] = DeckMode.ADD,
) -> Status:
    """Compare a file of codes and names, the body, with a deck: CSV of any kind, XLSX, XLS, ODS, zip; a rate sheet too. Nothing changes yet.

    A worker does it where the file is large (202): poll `GET /deck-changes/{deck_change_id}`.
    """
    data, body_hash = read_octets(request, octets_max=FILE_OCTETS_MAX)
    begin(request, body_hash=body_hash)
    principal = principal_of(request)
    made = actions.receive_deck(
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
    response=answers(page_of(CodeShown)),
    openapi_extra={"parameters": CODES.parameters},
)
def list_codes(request: HttpRequest) -> JsonResponse:
    """List the codes of decks, by code."""
    return CODES.answer(request, all_codes())


def _made(response: HttpResponse, change: DeckChange) -> Status:
    response["Location"] = f"/api/v1/deck-changes/{change.public_id}"
    return Status(202 if change.work else 201, show(response, change_shown(change)))
