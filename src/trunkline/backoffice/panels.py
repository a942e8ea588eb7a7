"""What belongs to a row, below its form: short tables that lead on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PANEL_ROWS = 10
WHOLE = (
    24  # characters: a cell of so few with a digit in it, an instant, an amount or a number, is not broken into lines
)


@dataclass(frozen=True, slots=True)
class Link:
    """A way to somewhere else."""

    text: Any
    url: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled table. `links` are its buttons; `empty` says what to do where it has no rows.

    Cells are text, `Link`s (shown as such) or safe HTML. Give at most PANEL_ROWS rows and a link to the list of the rest.
    """

    title: Any
    headers: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    empty: Any = ""
    links: Sequence[Link] = field(default=())
    text: Any = ""
    right: frozenset[int] = frozenset()  # columns of numbers

    @property
    def table(self) -> list[list[dict[str, Any]]]:
        """The cells as the template wants them."""
        return [
            [
                {
                    "value": cell,
                    "right": place in self.right,
                    "whole": _is_whole(str(cell.text if isinstance(cell, Link) else cell)),
                }
                for place, cell in enumerate(row)
            ]
            for row in self.rows
        ]


def _is_whole(text: str) -> bool:
    return len(text) <= WHOLE and any(character.isdigit() for character in text)
