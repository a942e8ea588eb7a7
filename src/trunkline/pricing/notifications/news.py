"""What a customer is to be told of a tariff (docs/algorithms/rate-notifications.md): whole columns at a time, no Django, no database.

Both what the customer knows and what holds now are *timelines*: for each rate (code, time profile, tag and so on) what holds from when to when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trunkline.core.errors import Invalid
from trunkline.engine.units import Unit
from trunkline.pricing.compare import LINES, Kind, compare, same_rates
from trunkline.pricing.notifications.columns import Mode
from trunkline.pricing.notifications.said import say_steps
from trunkline.tariffs.rate_file import STANDING, rate_bounds
from trunkline.tariffs.rules import first_after

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EVER: Final = np.iinfo(np.int64)
_INSTANT: Final = pa.timestamp("s", tz="UTC")

# Lines of a notification: rates as `compare.LINES` has them; `kind` against what the customer knows, `before` that rate's steps and setup fee.
NEWS: Final = pa.schema(
    [
        *(field for field in LINES if field.name != "refused"),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("before_steps", pa.string()),
        pa.field("before_blocked", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class _Timelines:
    """Rows of one side: which rate, from when to when in seconds, and what holds, equal where the customer is told the same."""

    rate: Int64s
    start: Int64s
    end: Int64s
    content: Int64s

    def order(self) -> Int64s:
        """The rows, by rate and time."""
        return np.lexsort((self.start, self.rate))

    def row_at(self, rates: Int64s, instants: Int64s) -> Int64s:
        """The row that holds for each rate at each instant; -1 where none does."""
        if not len(self.rate):
            return np.full(len(rates), -1, np.int64)
        order = self.order()
        place = first_after(self.rate[order], self.end[order], rates, instants)
        row = order[np.minimum(place, len(order) - 1)]
        holds = (place < len(order)) & (self.rate[row] == rates) & (self.start[row] <= instants)
        return np.where(holds, row, -1)

    def content_at(self, rates: Int64s, instants: Int64s) -> Int64s:
        """What holds for each rate at each instant; -1 where nothing does."""
        row = self.row_at(rates, instants)
        return np.where(row >= 0, self.content[row] if len(self.content) else -1, -1)


def find_news(
    told: pa.Table, now: pa.Table, *, unit: Unit, at: datetime, day_begins: datetime, mode: Mode = Mode.CHANGES
) -> pa.Table:
    """The lines, of `NEWS` and by code and time, from which a customer who knows `told` learns what holds `now` from `at` on.

    Both tables are of `STANDING`. A rate without a beginning is told from `day_begins` on. With `Mode.ALL` what has not changed is told too.
    """
    told, now = told.select(STANDING.names).combine_chunks(), now.select(STANDING.names).combine_chunks()
    at_s = int(at.timestamp())
    known, holding, count = _timelines(told, now, unit)
    differs = _first_differences(known, holding, count, at_s)
    gone = _gone(known, holding, differs, at_s, is_all=mode is Mode.ALL)
    first = np.full(count, at_s, np.int64) if mode is Mode.ALL else differs
    lines = [_rates(holding, first, at_s), _ends(holding, first), gone]
    both = pa.concat_tables([told, now]).combine_chunks()
    place = np.concatenate([lines[0][0] + len(told), lines[1][0] + len(told), lines[2][0]])
    begins = np.concatenate([instants for _, instants in lines])
    begins = np.where(begins == EVER.min, int(day_begins.timestamp()), begins)
    is_closed = np.repeat([False, True, True], [len(rows) for rows, _ in lines])
    made = _lines(both.take(pa.array(place)), begins, is_closed)
    return _compared(told, made)


def _timelines(told: pa.Table, now: pa.Table, unit: Unit) -> tuple[_Timelines, _Timelines, int]:
    """Both sides with rates and contents numbered alike, and how many rates there are."""
    lines = _lines(now, rate_bounds(now)[0], np.zeros(len(now), np.bool_), keep_ends=True)
    distinct, rate = np.unique(same_rates(told, lines), return_inverse=True)
    both = pa.concat_tables([told, now]).combine_chunks()
    start, end = rate_bounds(both)
    content = _contents(both, unit)
    split = len(told)
    sides = (
        _Timelines(rate[part], start[part], end[part], content[part]) for part in (slice(split), slice(split, None))
    )
    known, holding = sides
    return known, holding, len(distinct)


def _contents(rates: pa.Table, unit: Unit) -> Int64s:
    """A number for each row, equal where the customer is told the same."""
    combined = _numbers(rates["steps"], lambda text: _said(text, unit))
    for name in ("setup_fee", "grace", "destination", "blocked"):
        more = _numbers(rates[name], lambda value: value)
        combined = np.unique(combined * (int(more.max(initial=0)) + 1) + more, return_inverse=True)[1]
    return combined.astype(np.int64)


def _said(text: str, unit: Unit) -> object:
    try:
        return say_steps(text, unit)
    except Invalid:
        return text


def _numbers(column: pa.ChunkedArray, meaning: Callable[[Any], object]) -> Int64s:
    """A number for each value of a column, equal where their meanings are."""
    encoded = column.combine_chunks().dictionary_encode()
    known: dict[object, int] = {}
    of_value = [known.setdefault(meaning(value), len(known)) for value in encoded.dictionary.to_pylist()]
    index = encoded.indices.fill_null(len(of_value)).to_numpy(zero_copy_only=False)
    return np.array([*of_value, len(known)], np.int64)[index]


def _first_differences(known: _Timelines, holding: _Timelines, count: int, at_s: int) -> Int64s:
    """The first instant of each rate, from `at_s` on, at which what is known is not what holds; the end of time where there is none."""
    first = np.full(count, EVER.max, np.int64)
    rates, instants = [np.arange(count)], [np.full(count, at_s)]
    for side in (known, holding):
        for bound in (side.start, side.end):
            later = (bound > at_s) & (bound < EVER.max)
            rates.append(side.rate[later])
            instants.append(bound[later])
    wanted, when = np.concatenate(rates), np.concatenate(instants)
    differs = known.content_at(wanted, when) != holding.content_at(wanted, when)
    np.minimum.at(first, wanted[differs], when[differs])
    return first


def _rates(holding: _Timelines, first: Int64s, at_s: int) -> tuple[Int64s, Int64s]:
    """The rates that are told, and from when on: their own beginning, or where what is known ceases to hold."""
    begin = first[holding.rate]
    rows = np.flatnonzero(holding.end > begin)
    start, begin = holding.start[rows], begin[rows]
    return rows, np.where(begin == at_s, start, np.maximum(start, begin))


def _ends(holding: _Timelines, first: Int64s) -> tuple[Int64s, Int64s]:
    """Those of them that end and are followed by nothing, and when they do."""
    rows = np.flatnonzero((holding.end > first[holding.rate]) & (holding.end < EVER.max))
    following = holding.row_at(holding.rate[rows], holding.end[rows])
    rows = rows[following < 0]
    return rows, holding.end[rows]


def _gone(known: _Timelines, holding: _Timelines, first: Int64s, at_s: int, *, is_all: bool) -> tuple[Int64s, Int64s]:
    """Rates that are known and hold no more, with the instant since which they do not. With `is_all` those of which no line takes the place anyway."""
    rates = np.flatnonzero(first < EVER.max)
    begin = first[rates]
    row = known.row_at(rates, begin)
    is_gone = (row >= 0) & (holding.row_at(rates, begin) < 0)
    if is_all:
        earliest = np.full(len(first), EVER.max, np.int64)
        to_come = holding.end > at_s
        np.minimum.at(earliest, holding.rate[to_come], holding.start[to_come])
        is_gone &= earliest[rates] > begin
    rates, row, begin = rates[is_gone], row[is_gone], begin[is_gone]
    # What ended before the notification ended then; what was taken back never held.
    ended = np.full(len(first), EVER.min, np.int64)
    over = holding.end <= at_s
    np.maximum.at(ended, holding.rate[over], holding.end[over])
    since = np.maximum(ended[rates], known.start[row])
    return row, np.where(begin > at_s, begin, since)


def _lines(rates: pa.Table, begins_s: Int64s, is_closed: Bools, *, keep_ends: bool = False) -> pa.Table:
    """Rates of `STANDING` as lines of `compare.LINES` with these beginnings; what closes has no end of its own."""
    count = len(rates)
    ends = rates["valid_to"]
    if not keep_ends and count:
        ends = pa.array(np.where(is_closed, EVER.max, rate_bounds(rates)[1]))
        ends = pa.array(ends.to_numpy(), mask=ends.to_numpy() == EVER.max).cast(_INSTANT)
    starts = pa.array(begins_s, mask=begins_s == EVER.min).cast(_INSTANT)
    columns = {
        "line": pa.array(np.zeros(count, np.int32)), "valid_from": starts, "valid_to": ends,
        "is_closed": pa.array(is_closed), "refused": pa.nulls(count, pa.string()),
    }  # fmt: skip
    made = [columns.get(name, rates[name] if name in STANDING.names else None) for name in LINES.names]
    return pa.table(made, schema=LINES).combine_chunks()


def _compared(told: pa.Table, lines: pa.Table) -> pa.Table:
    """The lines with what each is against what the customer knows to hold when it begins, by code and time."""
    compared = compare(told, lines)
    before = pa.array(compared.before, mask=compared.before < 0)
    table = lines.drop_columns(["refused"])
    table = table.append_column("kind", pa.array(compared.kinds))
    table = table.append_column("before_steps", told["steps"].take(before))
    table = table.append_column("before_blocked", told["blocked"].take(before))
    order = [(name, "ascending") for name in ("code", "valid_from", "is_closed", "time_profile", "tag")]
    table = table.sort_by(order).combine_chunks()
    numbered = pa.array(np.arange(1, len(table) + 1, dtype=np.int32))
    return table.set_column(table.schema.get_field_index("line"), "line", numbered).select(NEWS.names).cast(NEWS)


def are_held_by(own: pa.Table, lines: pa.Table) -> Bools:
    """The lines of `NEWS` that are where one of `own` rates (of `STANDING`) begins, or ends: the others are of special rates or of a parent."""
    wide = lines.append_column("refused", pa.nulls(len(lines), pa.string())).select(LINES.names)
    keys = same_rates(own, wide)
    starts, ends = rate_bounds(own)
    begins, _ = rate_bounds(lines)
    bounds = [set(zip(keys[: len(own)].tolist(), each.tolist(), strict=True)) for each in (starts, ends)]
    held = [
        (key, begin) in bounds[is_closed]
        for key, begin, is_closed in zip(
            keys[len(own) :].tolist(), begins.tolist(), lines["is_closed"].to_pylist(), strict=True
        )
    ]
    return np.array(held, np.bool_)


def breaches(news: pa.Table, first_allowed_s: Callable[[Kind], int | None]) -> Int64s:
    """The lines that begin sooner than they may, by row. `first_allowed_s` is None for kinds that need no notice."""
    allowed = {kind: first_allowed_s(kind) for kind in Kind}
    limits = np.array([EVER.min if allowed[kind] is None else allowed[kind] for kind in Kind], np.int64)
    begins, _ = rate_bounds(news)
    return np.flatnonzero(begins < limits[news["kind"].to_numpy()]).astype(np.int64)
