"""Steps that a worker does because they are too large to wait for: asked for with 202, polled, and what was in their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.responses import Status
from pydantic import Field

from trunkline.api.shapes import Body
from trunkline.api.versions import require_match, show
from trunkline.core.errors import NotFound
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.actions.work import Row
from trunkline.pricing.choices import ImportWork


class WorkShown(Body):
    """What a worker is at, or will be."""

    step: ImportWork
    percent: int


class WorkProblem(Body):
    """What was in the way of the last step of a worker. Nothing of it was written; it can be asked for again."""

    code: str
    message: str
    hint: str


Work = Annotated[
    WorkShown | None, Field(description="What a worker is at because it is too large to wait for; null: nothing. Poll it.")
]  # fmt: skip
Problem = Annotated[WorkProblem | None, Field(description="What was in the way of the last step of a worker.")]


def work_shown(row: Row) -> WorkShown | None:
    """What a worker is at with a row."""
    if not actions.is_worked_on(row):
        return None
    return WorkShown(step=ImportWork(row.work), percent=actions.percent_of(row))


def problem_shown(row: Row) -> WorkProblem | None:
    """What was in the way of a worker."""
    found = actions.problem_of(row)
    return None if found is None else WorkProblem(**found)


def done_or_asked(
    request: HttpRequest,
    response: HttpResponse,
    row: Callable[[], Row],
    work: ImportWork,
    shown: Callable[[], Schema],
    **arguments: Any,
) -> Status[Any]:
    """Do a step of a row that is still as the request has seen it: at once (200), or by a worker (202) where it is large.

    `row` looks it up, `shown` what is answered of it, as it is then. `arguments` are those of the step. Raises as `actions.ask_if_large` and the step.
    """
    principal = principal_of(request)
    found = row()
    actions.require_idle(found)  # before waiting for a worker that has it locked
    lock_rows(type(found).objects.all(), [found.pk])
    require_match(request, shown())
    found = row()
    try:
        if actions.ask_if_large(found, work, actor=principal.actor, **arguments):
            return Status(202, show(response, shown()))
        actions.do_now(found, work, tenant_id=principal.tenant_id, actor=principal.actor, now=now, **arguments)
    except FileNotFoundError as error:
        raise gone() from error
    return Status(200, show(response, shown()))


def gone() -> NotFound:
    """Of files that are no more there."""
    return NotFound("file_gone", "Its file is not there any more.")
