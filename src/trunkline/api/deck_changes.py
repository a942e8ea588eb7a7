"""Changes of code decks: compared first, applied then, taken back where they were wrong (docs/algorithms/decks.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, answers, page_of
from trunkline.api.versions import show
from trunkline.api.work import Problem, Work, done_or_asked, problem_shown, work_shown
from trunkline.core.codes import CODE_DIGITS_MAX
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.choices import DeckSource, ImportState, ImportWork
from trunkline.pricing.deck_compare import DeckMode
from trunkline.pricing.deck_queries import access_deck_change, compared_rows, deck_changes, unreadable_rows
from trunkline.pricing.models import DeckChange

router = Router(tags=["code decks"])

LINES_MAX: Final = 1_000

Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why; it stands in the history of the deck.")]
Offset = Annotated[int, Field(ge=0, le=10_000_000, description="Lines to pass over.")]
Limit = Annotated[int, Field(ge=1, le=LINES_MAX, description="Lines at most.")]
KindName = Literal["contradicted", "moved", "renamed", "respelled", "new", "same"]


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
    work: Work
    problem: Problem

    UNVERSIONED: ClassVar = ("work",)


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


class Application(Body):
    """How a change is applied."""

    mode: DeckMode | None = Field(default=None, description="Another mode than it was compared for.")
    skip_conflicts: bool = Field(default=False, description="Take what is fine and leave the rest out.")
    reason: str = Field(default="", max_length=500)


class Because(Body):
    """Why something is taken back or refused."""

    reason: Reason


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
        work=work_shown(change),
        problem=problem_shown(change),
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
    response=answers(page_of(ChangeShown)),
    openapi_extra={"parameters": CHANGES.parameters},
)
def list_deck_changes(request: HttpRequest) -> JsonResponse:
    """List the changes of code decks, the latest first."""
    return CHANGES.answer(request, deck_changes())


@router.get("/{deck_change_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(ChangeShown, 404))
def get_deck_change(request: HttpRequest, response: HttpResponse, deck_change_id: Id) -> Any:
    """A change of a code deck."""
    return show(response, change_shown(access_deck_change(deck_change_id)))


@router.get("/{deck_change_id}/lines", auth=ApiKey(Permission.TARIFFS_READ), response=answers(ComparedLines, 404))
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


@router.post(
    "/{deck_change_id}/apply",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(ChangeShown, 404, 409, 412) | {202: ChangeShown},
)
def apply_deck_change(
    request: HttpRequest, response: HttpResponse, deck_change_id: Id, how: Application
) -> Status[Any]:
    """Bring what was compared into the deck, all of it at once; special rates follow. A worker does it where it is large (202): poll `work`."""
    return done_or_asked(
        request,
        response,
        lambda: access_deck_change(deck_change_id),
        ImportWork.APPLYING,
        lambda: change_shown(access_deck_change(deck_change_id)),
        mode=how.mode,
        skip_conflicts=how.skip_conflicts,
        reason=how.reason,
    )


@router.post(
    "/{deck_change_id}/undo",
    auth=ApiKey(Permission.TARIFFS_WRITE),
    response=answers(ChangeShown, 404, 409, 412) | {202: ChangeShown},
)
def undo_deck_change(request: HttpRequest, response: HttpResponse, deck_change_id: Id, because: Because) -> Status[Any]:
    """Take a change of a deck back: each of its codes is what it was before. A worker does it where it is large (202)."""
    return done_or_asked(
        request,
        response,
        lambda: access_deck_change(deck_change_id),
        ImportWork.UNDOING,
        lambda: change_shown(access_deck_change(deck_change_id)),
        reason=because.reason,
    )


@router.post(
    "/{deck_change_id}/discard", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(ChangeShown, 404, 409)
)
def discard_deck_change(request: HttpRequest, deck_change_id: Id, because: Because) -> Any:
    """Say no to a change that is compared; it stays in the history."""
    change = access_deck_change(deck_change_id)
    done = actions.discard_deck_change(change_id=change.pk, reason=because.reason, at=now())
    return change_shown(done)
