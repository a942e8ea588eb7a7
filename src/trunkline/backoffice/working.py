"""Steps of sheets, of changes of decks and of edits of rates on pages: done at once or given to a worker, followed, and what was in their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from trunkline.backoffice.hints import error_text
from trunkline.backoffice.shown import choice, state
from trunkline.core.errors import TrunklineError
from trunkline.identity.outside import Outside
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.actions.work import Row
from trunkline.pricing.choices import ImportWork


@dataclass(frozen=True, slots=True)
class Working:
    """What a worker is at with a row, how far it is, and what was in the way of the last step."""

    is_busy: bool
    text: str
    percent: int
    problem: dict[str, str] | None


def working(row: Row | None) -> Working:
    """How it stands with the steps of a row that a worker does."""
    if row is None or not (row.work or row.problem):
        return Working(False, "", 0, None)
    is_busy = actions.is_worked_on(row)
    return Working(
        is_busy,
        choice(row, "work") if is_busy else "",
        actions.percent_of(row) if is_busy else 0,
        actions.problem_of(row),
    )


def work_state(row: Row | None) -> SafeString | None:
    """The state of a row in a list while a worker is at it. None: nobody is."""
    return state("work", choice(row, "work"), {"work": "info"}) if row is not None and row.work else None


def outside(request: HttpRequest, work: Callable[[], Any], then: Callable[[Any], str], back: str) -> HttpResponse:
    """Work that opens its own scopes; `then` says where to go with what it gave. What it refuses is said on the page `back`."""

    def safely() -> Any:
        try:
            return work()
        except TrunklineError as error:
            return error

    def answer(done: Any) -> HttpResponse:
        if isinstance(done, TrunklineError):
            messages.error(request, error_text(done))
            return HttpResponseRedirect(back)
        return HttpResponseRedirect(then(done))

    return Outside(safely, answer)


def carry_out(
    request: HttpRequest,
    row: Row,
    work: ImportWork,
    *,
    to: str,
    told: str | Promise | Callable[[Any], str],
    back: str = "",
    **arguments: Any,
) -> HttpResponse:
    """Do a step of a row: at once, then the page `to` says what was done; or by a worker where it is large, whom that page follows.

    What it refuses while it is done is said on the page `back`, or on `to`. Raises as `actions.ask_if_large`.
    """
    principal = principal_of(request)
    if actions.ask_if_large(row, work, actor=principal.actor, **arguments):
        return HttpResponseRedirect(to)

    def do() -> Any:
        return actions.do_now(row, work, tenant_id=principal.tenant_id, actor=principal.actor, now=now, **arguments)

    def then(done: Any) -> str:
        messages.success(request, told(done) if callable(told) else str(told))
        return to

    return outside(request, do, then, back or to)
