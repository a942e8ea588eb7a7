"""The history of a row, read for people: who changed which field from what to what, when and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from trunkline.backoffice.actors import name_actors

SHOWN = 100
PARTS_SHOWN = 300  # signs of a structure, such as the layout of a sheet
_NOT_SHOWN = frozenset({"tenant", "id"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a change; `before` is empty where the row was made."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a row."""

    at: datetime
    kind: str
    who: str
    why: str
    where: str
    fields: tuple[FieldChange, ...]


def event_model(model: type[models.Model]) -> Any:
    """The table of a model's history, None where there is none."""
    events = getattr(model, "pgh_event_models", None)
    return next(iter(events.values())) if events else None


def is_tracked(model: type[models.Model]) -> bool:
    """Whether a model has a history."""
    return event_model(model) is not None


def find_changes(obj: models.Model, limit: int = SHOWN) -> list[Change]:
    """The latest changes of a row, the latest first. Needs an open scope."""
    events = event_model(type(obj))
    if events is None:
        return []
    rows: list[Any] = list(events._default_manager.filter(id=obj.pk).order_by("-pgh_id")[: limit + 1])
    who = name_actors({(row.pgh_context or {}).get("actor", "") for row in rows})
    shown = [field for field in type(obj)._meta.concrete_fields if field.name not in _NOT_SHOWN]
    shown = [field for field in shown if any(f.name == field.name for f in events._meta.concrete_fields)]
    names = _names_of(shown, rows)
    kinds = {"insert": _("Made"), "update": _("Changed"), "delete": _("Removed")}
    changes = []
    for row, before in zip(rows, [*rows[1:], None], strict=True):
        context = row.pgh_context or {}
        actor = context.get("actor", "")
        changes.append(
            Change(
                row.pgh_created_at,
                kinds.get(row.pgh_label, row.pgh_label),
                who.get(actor, actor),
                context.get("reason", ""),
                context.get("address", ""),
                tuple(_differences(shown, before, row, names)),
            )
        )
    return changes[:limit]


def _differences(shown: list[Any], before: Any, after: Any, names: dict[tuple[str, Any], str]) -> Iterable[FieldChange]:
    for field in shown:
        old = getattr(before, field.attname) if before is not None else None
        new = getattr(after, field.attname)
        if old == new or (before is None and new in (None, "", [], {})):
            continue
        label = str(field.verbose_name)
        yield FieldChange(
            label[:1].upper() + label[1:],
            _text(field, old, names) if before is not None else "",
            _text(field, new, names),
        )


def _text(field: Any, value: Any, names: dict[tuple[str, Any], str]) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(field, models.ForeignKey):
        return names.get((field.name, value), f"#{value}")
    if field.choices:
        return _(str(dict(field.flatchoices).get(value, value)))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, (dict, list)):
        text = _parts(value)
        return f"{text[:PARTS_SHOWN]}…" if len(text) > PARTS_SHOWN else text or "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


def _parts(value: Any) -> str:
    """What a structure holds, without its braces and without what is empty or 0."""
    if isinstance(value, dict):
        return ", ".join(
            f"{name}: {_parts(each)}" for name, each in value.items() if each not in (None, "", 0, "0", [], {})
        )
    if isinstance(value, list):
        between = "; " if any(isinstance(each, dict) for each in value) else ", "
        return between.join(text for text in map(_parts, value) if text)
    return str(value)


def _names_of(shown: list[Any], rows: list[Any]) -> dict[tuple[str, Any], str]:
    """What references of the history point to, by field and id: one query a field."""
    found: dict[tuple[str, Any], str] = {}
    for field in shown:
        if not isinstance(field, models.ForeignKey):
            continue
        ids = {getattr(row, field.attname) for row in rows} - {None}
        if ids:
            for each in field.related_model._default_manager.filter(pk__in=ids):
                found[field.name, each.pk] = str(each)
    return found
