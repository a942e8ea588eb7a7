"""The tables of the history as models: what `track` gives to the programs that make the schema or read the history."""

from __future__ import annotations

import pghistory
import pghistory.models
from django.db import models

from trunkline.kit.models import ScopedModel, TenantQuery, TenantQuerySet


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
