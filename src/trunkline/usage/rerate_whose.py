"""Stored records told anew whose they are: the way of a file's records once more, from what a segment keeps of them. No database.

docs/algorithms/rerating.md, *Whose it is, told anew*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.engine.schema import one_array
from trunkline.parties.kinds import Side
from trunkline.usage.chunkwork import price_sides
from trunkline.usage.decode.profile import NumberRule
from trunkline.usage.schema import EVENTS, NAME
from trunkline.usage.sides import Ints, Pinned, SettledDays, SideColumns
from trunkline.usage.stored import rows_of
from trunkline.usage.traffic.walk import RECORD_COLUMNS, numbers_again

NUMBERS: Final = ("calling", "called")


@dataclass(frozen=True, slots=True)
class Told:
    """Some rows of a row group as they are now. `reason` is why a row would not be taken, 0 where it would (`sides.REASONS`)."""

    rows: Ints
    events: pa.Table
    sides: Mapping[str, SideColumns]
    reason: NDArray[np.int8]

    @property
    def columns(self) -> dict[str, pa.Array]:
        """What the records keep beside their sides: numbers, tags and names of rules."""
        there = {*self.events.column_names}
        found = {name: one_array(self.events[name]) for name in (*NUMBERS, *RECORD_COLUMNS) if name in there}
        return {name: pa.nulls(len(self.rows), NAME) for name in RECORD_COLUMNS} | found


def tell_anew(
    table: pa.Table, rows: Ints, old: Mapping[Side, SideColumns], number_rules: tuple[NumberRule, ...], pinned: Pinned
) -> Told:
    """Rows of a complete table, whose they are and what they cost now. `old` are the sides of these rows as they are stored."""
    stored = table.select(EVENTS.names)
    events = numbers_again(stored if len(rows) == len(table) else rows_of(stored, rows), number_rules)
    settled = {side: SettledDays(each.account_id, each.local_day) for side, each in old.items()}
    events, sides, reason = price_sides(events, number_rules, pinned, settled)
    return Told(rows, events, sides, reason)
