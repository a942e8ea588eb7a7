"""The 25 layouts of rate sheets found in the wild, each drawn at random: titles, blank rows, order of columns, synonyms, forms of dates."""

from __future__ import annotations

from random import Random
from typing import Final

from trunkline.simulate import sheet_layouts_published, sheet_layouts_software
from trunkline.simulate.sheet_drawing import LAYOUTS
from trunkline.simulate.sheets import MadeSheet

MODULES: Final = (sheet_layouts_published, sheet_layouts_software)  # each puts its layouts into the list
CATALOGUE: Final = tuple(LAYOUTS)


def make_sheet(layout: str, seed: int) -> MadeSheet:
    """A sheet in that layout; the same seed gives the same one."""
    return LAYOUTS[layout](Random(f"{layout} {seed}"))
