"""History: every change of a tracked row, with who and why, written by triggers in the same transaction.

The event tables carry the tenant and have the same row-level security; actor and reason come from the open scope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pghistory
import pghistory.models
from django.db import models

from trunkline.kit.models import ScopedModel, TenantQuery, TenantQuerySet

M = TypeVar("M", bound=models.Model)


class HistoryQuery(TenantQuery, pghistory.models.EventQuery):
    """History rows, inside a scope only."""


class HistoryQuerySet(TenantQuerySet, pghistory.models.EventQuerySet):
    """History rows of the tenant of the open scope."""

    query_class = HistoryQuery


class HistoryEvent(ScopedModel, pghistory.models.Event):
    """One change of one row. `pgh_label` says insert, update or delete; `pgh_context` holds actor and reason."""

    pgh_id = models.BigAutoField(primary_key=True)

    objects = HistoryQuerySet.as_manager()  # type: ignore[assignment,misc]

    class Meta:
        abstract = True
        indexes = ()
        base_manager_name = "objects"


def track(*, exclude: list[str] | None = None) -> Callable[[type[M]], type[M]]:
    """Keep the history of a tenant model. Its migration confines the event table too: `EnableRLS("xevent", append_only=True)`."""
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
