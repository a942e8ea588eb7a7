"""What belongs to a row, below its form: short tables that lead on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

PANEL_ROWS = 10
WHOLE = (
    24  # characters: a cell of so few with a digit in it, an instant, an amount or a number, is not broken into lines
)


_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Link:
    """A way to somewhere else."""

    text: Any
    url: str
    icon: str = ""


class Cell(NamedTuple):
    """A cell as it is drawn: flush right, and on one line."""

    value: Any
    right: bool
    whole: bool


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
    def table(self) -> list[list[Cell]]:
        """The cells as they are drawn."""
        return [
            [Cell(cell, place in self.right, _is_whole(cell)) for place, cell in enumerate(row)] for row in self.rows
        ]


def _is_whole(cell: Any) -> bool:
    text = str(cell.text if isinstance(cell, Link) else cell)
    return len(text) <= WHOLE and _DIGIT.search(text) is not None
