"""How parties and prices are shown to people: instants on the clock that they are meant on, tables without empty columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trunkline.cli.door import table
from trunkline.core.period import get_zone


def given_instant(text: str | None, timezone: str) -> datetime | None:
    """An option that may be an instant or a local date. Raises Invalid `bad_time`."""
    return None if text is None else required_instant(text, timezone)


def required_instant(text: str, timezone: str) -> datetime:
    """An instant, or a local date for its midnight. Raises Invalid `bad_time`."""
    from trunkline.tariffs.rules import parse_instant

    return parse_instant(text, get_zone(timezone))


def print_rows(
    title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, right: Sequence[str] = ()
) -> None:
    """Print rows as a table of `columns` (name of the fact: heading), without those in which no row says anything."""
    used = (
        [name for name in columns if any(row[name] not in (None, "", False) for row in rows)] if rows else list(columns)
    )
    shown = [[_word(row[name]) for name in used] for row in rows]
    table(title, [columns[name] for name in used], shown, right=[columns[name] for name in right])


def _word(value: object) -> object:
    return "yes" if value is True else "" if value is False else value
