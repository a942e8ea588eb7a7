"""What the traffic rules would do with the records of a file that is only tried. No database: what is pinned is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.chunkwork import late_rejects, price_sides
from trunkline.usage.decode import Decoded, SwitchProfile
from trunkline.usage.reasons import Reason
from trunkline.usage.sides import REASON_NUMBER, Pinned
from trunkline.usage.traffic.rule import read_tags

# Of a record that is read well these come from a rule alone.
_DENIALS: Final = tuple(REASON_NUMBER[reason] for reason in (Reason.DENIED_BY_RULE, Reason.BAD_NUMBER))


@dataclass(frozen=True, slots=True)
class Ruled:
    """A chunk as the rules leave it: the records that they deny are among its rejects.

    `did` says row for row, of denied ones too, which rules fitted and what the record then has that is not as it was decoded.
    """

    decoded: Decoded
    did: pa.Table

    def first(self, count: int) -> dict[int, dict[str, Any]]:
        """What the rules did with the first records, by their lines: the names of those that fitted, and what they changed."""
        return {row["line"]: _shown(row) for row in self.did.slice(0, count).to_pylist()}


def through_rules(decoded: Decoded, profile: SwitchProfile, pinned: Pinned) -> Ruled:
    """Take the records of a chunk through the rules, as loading the file would, with the accounts and prices that they ask for."""
    before = decoded.events.combine_chunks()
    after, sides, reason = price_sides(before, profile.number_rules, pinned)
    is_denied = np.isin(reason, _DENIALS)
    denied = late_rejects(decoded.lines, after, np.flatnonzero(is_denied), reason)
    did = {name: after[name] for name in ("line", "rules")}
    for name in ("calling", "called"):
        did[name] = pc.if_else(pc.equal(before[name], after[name]), pa.scalar(None, pa.string()), after[name])
    for side, columns in sides.items():
        did |= {name: columns.columns[name] for name in (f"{side}_number", f"{side}_tags")}
    return Ruled(
        replace(
            decoded,
            events=before.filter(pa.array(~is_denied)),
            rejects=pa.concat_tables([decoded.rejects, denied]).sort_by("line"),
        ),
        pa.table(did),
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name: value for name, value in row.items() if name not in ("line", "rules") and value is not None}
    tags = {name: sorted(read_tags(value)) for name, value in changed.items() if name.endswith("_tags")}
    return {"fitted": row["rules"].split(",") if row["rules"] else [], "changed": changed | tags}
