"""Sets of tables that name each other's rows: destinations, rates, and which rate holds for which destination (the tariff plans of CGRateS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trunkline.pricing.sheets.grid import Grid
from trunkline.pricing.sheets.layout import Purpose

KEYED: Final = "keyed"


def find_keyed(grids: Sequence[Grid]) -> dict[int, Purpose]:
    """The purpose of each grid of such a set; empty where the file is none."""
    return {}
