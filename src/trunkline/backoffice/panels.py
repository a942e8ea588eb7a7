"""What belongs to a row, below its form: short tables that lead on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PANEL_ROWS = 10
WHOLE = 22  # characters: a cell of so few, such as an instant, an amount or a number, is not broken into lines


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
                    "header": self.headers[place],
                    "right": place in self.right,
                    "whole": len(str(cell.text if isinstance(cell, Link) else cell)) <= WHOLE,
                    "link": cell if isinstance(cell, Link) else None,
                }
                for place, cell in enumerate(row)
            ]
            for row in self.rows
        ]
