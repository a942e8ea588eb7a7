"""A copy of a tariff's rates brought up to date by what its later revisions changed, instead of reading a million rows for a thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from trunkline.tariffs.models import Tariff, TariffRevision

# Beyond that reading all rates costs about the same.
CHANGES_MAX: Final = 40_000


@dataclass(frozen=True, slots=True)
class Changes:
    """The rates that were changed between two revisions: by their ids, and all with ids in a range of `ranges`, both ends included."""

    ids: frozenset[int]
    ranges: tuple[tuple[int, int], ...]

    @property
    def condition(self) -> str:
        """Which rates `r` they are, in SQL."""
        parts = [f"r.id BETWEEN {first} AND {last}" for first, last in self.ranges]
        if self.ids:
            parts.append(f"r.id = ANY('{{{','.join(map(str, sorted(self.ids)))}}}'::bigint[])")
        return f"({' OR '.join(parts) or 'false'})"

    def contains(self, ids: np.ndarray) -> np.ndarray:
        """Which of ids of rates are among them."""
        found = np.isin(ids, np.fromiter(self.ids, np.int64, len(self.ids)))
        for first, last in self.ranges:
            found |= (ids >= first) & (ids <= last)
        return found


def changes_since(row: Tariff, stamps: Iterable[UUID]) -> tuple[UUID, Changes] | None:
    """The nearest of earlier revisions, by their stamps, from which a way leads to the one of `row`, and what was changed on it; None if none does.

    Needs an open scope.
    """
    wanted = set(stamps)
    if not wanted:
        return None
    steps = {each.stamp: each for each in TariffRevision.objects.filter(tariff=row)}
    ids: set[int] = set()
    ranges: list[tuple[int, int]] = []
    stamp = row.stamp
    while stamp not in wanted:
        step = steps.pop(stamp, None)
        if step is None:
            return None
        ids.update(step.touched)
        if step.first_id is not None and step.last_id is not None:
            ranges.append((step.first_id, step.last_id))
        stamp = step.before
    return (stamp, Changes(frozenset(ids), tuple(ranges))) if len(ids) <= CHANGES_MAX else None


def brought_up(rates: pa.Table, changes: Changes, read: Callable[[str], pa.Table]) -> pa.Table:
    """`rates`, in the order of their ids, with the changed ones as `read(condition)` gives them now, in the order of theirs."""
    ids = rates["rate_id"].to_numpy()
    fresh = read(changes.condition)
    is_changed = changes.contains(ids)
    # Stretches of what stays, with what is new between them: few changes are few pieces.
    place = np.searchsorted(ids, fresh["rate_id"].to_numpy())
    changed = np.flatnonzero(is_changed)
    bounds = np.unique(np.concatenate([changed, changed + 1, place, [0, ids.size]]))
    first, last = (np.searchsorted(place, bounds, side=side).tolist() for side in ("left", "right"))
    parts = []
    for (low, high), begin, end in zip(pairwise([*bounds.tolist(), ids.size]), first, last, strict=True):
        if begin < end:
            parts.append(fresh.slice(begin, end - begin))
        if low < high and not is_changed[low]:
            parts.append(rates.slice(low, high - low))
    return pa.concat_tables(parts).combine_chunks() if parts else rates.slice(0, 0)
