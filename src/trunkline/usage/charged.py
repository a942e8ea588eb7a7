"""The numbers that rates charged: how many units of which beginnings, from the records. Needs an open scope throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pyarrow as pa

from trunkline.usage.segments import (
    COMMAND,
    Limits,
    SegmentFile,
    connect,
    limited,
    live_segments,
    retry_when_moved,
    watch,
)

ROWS_MAX: Final = 12_000_000  # about two seconds on two cores

BEGINNINGS: Final = pa.schema(
    [pa.field("rate", pa.int64()), pa.field("beginning", pa.string()), pa.field("units", pa.int64())]
)
# The number by which a side was priced is the called one where its own column is empty.
_SIDE: Final = """
SELECT {side}_rate_id AS rate, coalesce({side}_number, called)[:$digits] AS beginning, sum({side}_billed)::BIGINT AS units
  FROM segments
 WHERE {side}_account_id IN (SELECT id FROM {side}_accounts) AND {side}_local_day >= $day_from AND {side}_billed > 0
   AND {side}_rate_id IN (SELECT id FROM rates)
 GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Units by rate and beginning of the charged number, of `BEGINNINGS`; of how many of the days asked for, the newest."""

    table: pa.Table
    days: int
    is_whole: bool


def charged_beginnings(
    *,
    rate_ids: Sequence[int],
    accounts: Mapping[str, Sequence[int]],
    day_from: date,
    digits: int,
    rows_max: int = ROWS_MAX,
    limits: Limits = COMMAND,
) -> Beginnings:
    """What those rates charged since that day of each account's zone, by the first `digits` of the numbers.

    `accounts` are the ids by side: others are not looked at. Of more than `rows_max` records of all accounts the newest days are read, at least one.
    Raises as `segments.limited` does, and `SegmentsMoved`.
    """

    def work() -> Beginnings:
        # Days of segments are those of UTC, which begin up to half a day before or after an account's.
        there = live_segments(day_from=day_from - timedelta(days=1))
        chosen, days, is_whole = _newest(there, rows_max)
        if not chosen:
            return Beginnings(BEGINNINGS.empty_table(), 0, is_whole=True)
        sides = [side for side, ids in accounts.items() if ids]
        paths = [each.path for each in chosen]
        with (
            watch(paths),
            connect(paths, limits=limits, later=[f"{side}_number" for side in sides]) as connection,
            limited(connection, limits),
        ):
            connection.register("rates", pa.table({"id": pa.array(rate_ids, pa.int64())}))
            for side in sides:
                connection.register(f"{side}_accounts", pa.table({"id": pa.array(accounts[side], pa.int64())}))
            query = " UNION ALL ".join(_SIDE.format(side=side) for side in sides)
            found: pa.Table = connection.sql(query, params={"digits": digits, "day_from": day_from}).to_arrow_table()
        return Beginnings(found.cast(BEGINNINGS), days, is_whole)

    return retry_when_moved(work)


def _newest(segments: Sequence[SegmentFile], rows_max: int) -> tuple[list[SegmentFile], int, bool]:
    """Segments of the newest days that have so many rows together, how many days these are, and whether they are all."""
    rows: dict[date, int] = {}
    for each in segments:
        rows[each.day] = rows.get(each.day, 0) + each.rows
    total, days = 0, set[date]()
    for day in sorted(rows, reverse=True):
        total += rows[day]
        if days and total > rows_max:
            break
        days.add(day)
    return [each for each in segments if each.day in days], len(days), len(days) == len(rows)
