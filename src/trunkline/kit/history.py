"""History: every change of a tracked row, with who and why, written by triggers in the same transaction.

The event tables carry the tenant and have the same row-level security; actor and reason come from the open scope.

Triggers are the database's. Only who makes the schema or reads the history needs their models (`kit.history_events`): a program that does
neither leaves the app `pghistory` out and starts sooner, and what it writes is kept in the history all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.apps import apps
from django.db import models

M = TypeVar("M", bound=models.Model)


def track(*, exclude: list[str] | None = None) -> Callable[[type[M]], type[M]]:
    """Keep the history of a tenant model. Its migration confines the event table too: `EnableRLS("xevent", append_only=True)`."""
    if not apps.is_installed("pghistory"):
        return _as_it_is
    import pghistory

    from trunkline.kit.history_events import HistoryEvent

    return pghistory.track(
        pghistory.InsertEvent("insert"),
        pghistory.UpdateEvent("update"),
        pghistory.DeleteEvent("delete"),
        exclude=exclude,
        base_model=HistoryEvent,
        obj_field=None,
        context_field=pghistory.ContextJSONField(),
        context_id_field=pghistory.ContextUUIDField(),
        meta={"indexes": []},
    )


def _as_it_is(model: type[M]) -> type[M]:
    return model
