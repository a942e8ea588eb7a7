"""Rating of whole columns: events in, priced events out, row for row. The rules are `docs/algorithms/rating.md`.

The rows are taken apart by tariff; a longest-prefix match and the table of the moment give each its rate of the start
(`engine.snapshot`), and the increments are counted in closed form for all tariffs at once (`engine.accrue`). The few
events whose rate changes on the way, or that have a surcharge, are then charged again, stretch by stretch. What arrays
of int64 cannot hold, a handful of rows in a lifetime, goes to `engine.scalar` one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.engine.accrue import Change, accrue, accrue_with_changes, settle, too_large
from trunkline.engine.clock import Timeline
from trunkline.engine.prefix import KEY_DIGITS, DigitTexts, digit_keys
from trunkline.engine.scalar import Charge, Event, charge
from trunkline.engine.schema import CALLER_FIELD, EVENT_SCHEMA, PRICED_SCHEMA, Outcome, one_array
from trunkline.engine.snapshot import NO_RATE, PriceColumns, Shelf, Snapshot, compile_snapshot
from trunkline.engine.tariff import ANY_LENGTH, NO_DESTINATION, QUANTITY_LIMIT, Indices, Ints

__all__ = ["Snapshot", "compile_snapshot", "rate"]

Marks = NDArray[np.bool_]
Rows = slice | Ints

# Rows a time, so that the columns at hand stay in the second-level cache (measured: 8k to 32k are alike, a whole chunk
# of a million at once costs 1.4 times as much).
_BLOCK: Final = 32768
# Outside these the calendar is left to `engine.scalar`.
_CALENDAR_FIRST_S: Final = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp())
_CALENDAR_LAST_S: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())
_LONGEST_S: Final = 400 * 86400  # as are events in seconds that take longer
_FEW_BEGINNINGS: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_LAST_MS: Final = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


@dataclass(slots=True)
class _Events:
    """The events of one call. Rows of `is_hard` go to `engine.scalar`; their other columns are made harmless."""

    keys: Ints
    lengths: NDArray[np.int32]
    start_s: Ints
    quantity: Ints
    plan: NDArray[np.int32]
    tag_set: NDArray[np.int32] | None  # -1 for none
    is_hard: Marks | None = None
    callers: pa.ChunkedArray | None = None
    _caller_digits: DigitTexts | None = None

    def caller_digits(self) -> DigitTexts | None:
        """The callers' numbers, read when first asked for; key and length of an unknown one are 0. None: nobody knows any."""
        if self._caller_digits is None and self.callers is not None:
            digits = digit_keys(one_array(self.callers.fill_null("")))
            if digits.is_odd is not None:
                digits = replace(digits, lengths=np.where(digits.is_odd, np.int32(0), digits.lengths))
            self._caller_digits = digits
        return self._caller_digits

    def __len__(self) -> int:
        return int(self.keys.size)

    def mark_hard(self, rows: Ints | Marks) -> None:
        if self.is_hard is None:
            self.is_hard = np.zeros(len(self), dtype=np.bool_)
        self.is_hard[rows] = True


@dataclass(slots=True)
class _Crossing:
    """Events of a shelf that go on into another state of its clock: their rows, codes, kinds and place in time."""

    shelf: Shelf
    timeline: Timeline
    at: Ints
    rates: Indices
    codes: Indices
    interval: Ints
    kinds: Ints


@dataclass(slots=True)
class _Chosen:
    """The rate of the start of every event, NO_RATE for none, and who goes on into another state."""

    rates: Indices
    crossings: list[_Crossing] = field(default_factory=list)


def _indices(table: pa.Table, name: str, size: int, *, is_nullable: bool = False) -> NDArray[np.int32]:
    column = one_array(table[name])
    if column.null_count and is_nullable:
        column = column.fill_null(-1)
    values: NDArray[np.int32] = column.to_numpy()
    least = -1 if is_nullable else 0
    if values.size and not (least <= values.min() and values.max() < size):
        raise Invalid("bad_event", f"An event names a {name} outside the {size} given.", column=name)
    return values


def _read_events(table: pa.Table, plan_count: int, tag_set_count: int) -> _Events:
    callers = None
    if CALLER_FIELD.name in table.column_names:
        callers = table[CALLER_FIELD.name]
        if callers.type != CALLER_FIELD.type:
            raise Invalid("bad_event", f"The callers of the events are {callers.type}, not text.", column="caller")
        callers = None if callers.null_count == len(callers) else callers
        table = table.drop_columns([CALLER_FIELD.name])
    if table.schema.remove_metadata() != EVENT_SCHEMA:
        try:
            table = table.select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError, ValueError) as error:
            raise Invalid("bad_event", f"The events have another shape than EVENT_SCHEMA: {error}") from error
    for name in ("number", "start", "quantity", "plan"):
        if table[name].null_count:
            raise Invalid("bad_event", f"The column {name} of the events has nulls.", column=name)
    digits = digit_keys(one_array(table["number"]))
    quantity: Ints = one_array(table["quantity"]).to_numpy()
    start_s = one_array(table["start"]).cast(pa.int64()).to_numpy() // 1000
    has_tags = table["tag_set"].null_count < table.num_rows
    events = _Events(
        digits.keys,
        digits.lengths,
        start_s,
        quantity,
        _indices(table, "plan", plan_count),
        _indices(table, "tag_set", tag_set_count, is_nullable=True) if has_tags else None,
        callers=callers,
    )
    if not quantity.size:
        return events
    if quantity.min() < 0:
        raise Invalid("negative_quantity", f"A quantity cannot be {int(quantity.min())}.")
    if digits.is_odd is not None:
        events.mark_hard(digits.is_odd)
    if digits.lengths.max() >= ANY_LENGTH:
        events.mark_hard(digits.lengths >= ANY_LENGTH)
    if start_s.min() < _CALENDAR_FIRST_S or start_s.max() >= _CALENDAR_LAST_S:
        is_far = (start_s < _CALENDAR_FIRST_S) | (start_s >= _CALENDAR_LAST_S)
        events.mark_hard(is_far)
        # Any other start will do; one nearby keeps the timelines short.
        events.start_s = np.where(is_far, start_s[np.argmin(is_far)] if not is_far.all() else 0, start_s)
    if quantity.max() > QUANTITY_LIMIT:
        is_far = quantity > QUANTITY_LIMIT
        events.mark_hard(is_far)
        events.quantity = np.where(is_far, 0, quantity)
    return events


class _Plans:
    """The plans that events name, by position: which tariff of the snapshot stands there, -1 for none."""

    def __init__(self, snapshot: Snapshot, plans: Sequence[tuple[int, ...]], plan: NDArray[np.int32]) -> None:
        self.used = np.flatnonzero(np.bincount(plan, minlength=1)) if plan.size else np.zeros(0, dtype=np.int64)
        named = {index: [snapshot.place(tariff_id) for tariff_id in plans[index]] for index in self.used.tolist()}
        depth = max(map(len, named.values()), default=0)
        self.positions = [np.full(len(plans), -1, dtype=np.int32) for _ in range(depth)]
        for index, places in named.items():
            for position, place in enumerate(places):
                self.positions[position][index] = place
        self.has_additive = any(snapshot.has_additive(place) for places in named.values() for place in places)
        if self.has_additive:
            for index, places in named.items():
                _require_one_measure(snapshot, plans[index], places)


def _require_one_measure(snapshot: Snapshot, plan: tuple[int, ...], places: Sequence[int]) -> None:
    is_mixed = len({snapshot.measure(place) for place in places}) > 1
    if is_mixed and any(snapshot.has_additive(place) for place in places):
        raise Invalid(
            "additive_mixed",
            "Tariffs with additive rates stand in one list with tariffs of another currency or unit.",
            hint="Amounts of two currencies cannot be added: give the account tariffs of one currency and unit.",
            tariff_ids=list(plan),
        )


def _by_place(
    place_of_plan: NDArray[np.int32], plan: NDArray[np.int32], rows: Ints | None
) -> Iterator[tuple[int, Rows]]:
    """`rows` (None: all) taken apart by the tariff that their plan names here; rows whose plan names none are left."""
    named = np.unique(place_of_plan)
    if rows is None and named.size == 1:
        if named[0] >= 0:
            yield int(named[0]), slice(0, plan.size)
        return
    places = place_of_plan[plan if rows is None else plan[rows]]
    if places.size == 0:
        return
    small = places.astype(np.int16) if named[-1] < 2**15 else places  # numpy sorts 16 bits by counting
    order = np.argsort(small, kind="stable")
    edges = np.searchsorted(places[order], named).tolist()
    for place, low, high in zip(named.tolist(), edges, [*edges[1:], order.size], strict=True):
        if place >= 0 and low < high:
            yield place, order[low:high] if rows is None else rows[order[low:high]]


def _blocks(rows: Rows) -> Iterator[Rows]:
    if isinstance(rows, slice):
        for low in range(rows.start, rows.stop, _BLOCK):
            yield slice(low, min(low + _BLOCK, rows.stop))
    else:
        for low in range(0, rows.size, _BLOCK):
            yield rows[low : low + _BLOCK]


def _absolute(rows: Rows, picked: Ints) -> Ints:
    return picked + rows.start if isinstance(rows, slice) else rows[picked]


def _look_up(
    shelf: Shelf, state: NDArray[np.int32] | int, kinds: Ints | None, codes: Indices, *, is_later: bool
) -> Indices:
    """The rate in force for each code, in each event's state of the clock and of its kind."""

    def table(one_state: int, kind: int) -> Indices:
        made = shelf.in_force(one_state, kind)
        return made.later if is_later else made.at_start

    if kinds is None and isinstance(state, int):
        return table(state, 0).take(codes)
    states = np.full(codes.size, state, dtype=np.int64) if isinstance(state, int) else state.astype(np.int64)
    width = 1 if kinds is None else int(kinds.max(initial=0)) + 1
    both = states * width if kinds is None else states * width + kinds
    rates = np.empty(codes.size, dtype=np.int32)
    for value in np.flatnonzero(np.bincount(both)).tolist():
        here = np.flatnonzero(both == value)
        rates[here] = table(*divmod(value, width)).take(codes[here])
    return rates


def _intervals(timeline: Timeline, start_s: Ints) -> Ints | int:
    """Which interval of the timeline each start lies in; one number if it is the same for all."""
    begin_s = timeline.begin_s
    low, high = (np.searchsorted(begin_s, [start_s.min(), start_s.max()], side="right") - 1).tolist()
    if low == high:
        return int(low)
    if high - low > _FEW_BEGINNINGS:
        return np.searchsorted(begin_s[low + 1 : high + 1], start_s, side="right") + low
    interval = np.full(start_s.size, low, dtype=np.int64)
    for at in range(low + 1, high + 1):
        interval += start_s >= begin_s[at]
    return interval


def _choose(shelf: Shelf, events: _Events, rows: Rows, tag_kinds: Ints | None, chosen: _Chosen) -> None:
    """The rate of the start of one block of events, from one shelf; those without one stay NO_RATE."""
    start_s, lengths = events.start_s[rows], events.lengths[rows]
    codes = shelf.prefixes.match(events.keys[rows], lengths)
    kinds = None
    if shelf.has_kinds:
        tags: Ints | int = 0
        if tag_kinds is not None:
            tags = tag_kinds[-1] if events.tag_set is None else tag_kinds[events.tag_set[rows]]
        origins, callers = None, events.caller_digits() if shelf.origins is not None else None
        if callers is not None:
            origins = shelf.origin_kinds(callers.keys[rows], callers.lengths[rows])
        kinds = shelf.kinds(lengths, tags, origins)
    end_s = None
    last_s = int(start_s.max())
    if shelf.is_timed:
        quantity = events.quantity[rows]
        if int(quantity.max()) > _LONGEST_S:
            is_long = quantity > _LONGEST_S
            events.mark_hard(_absolute(rows, np.flatnonzero(is_long)))
            quantity = np.where(is_long, 0, quantity)
        end_s = start_s + quantity
        last_s = int(end_s.max())
    timeline = shelf.clock.timeline(int(start_s.min()), last_s)
    interval = _intervals(timeline, start_s)
    state = int(timeline.state[interval]) if isinstance(interval, int) else timeline.state[interval]
    rates = _look_up(shelf, state, kinds, codes, is_later=False)
    chosen.rates[rows] = rates
    if end_s is None:
        return
    until = timeline.begin_s[interval + 1]
    if last_s <= np.min(until):
        return
    crosses = np.flatnonzero((end_s > until) & (rates >= 0))
    if crosses.size:
        at = _absolute(rows, crosses)
        rates = rates[crosses]
        # The code of the rate, which may be shorter than the one matched.
        codes = shelf.ranking.code[rates - shelf.first_rate]
        whole = np.full(crosses.size, interval, dtype=np.int64) if isinstance(interval, int) else interval[crosses]
        none = np.zeros(crosses.size, dtype=np.int64)
        chosen.crossings.append(
            _Crossing(shelf, timeline, at, rates, codes, whole, none if kinds is None else kinds[crosses])
        )


def _tag_kinds(shelf: Shelf, tag_sets: Sequence[frozenset[str]]) -> Ints | None:
    return shelf.tag_kinds(tag_sets) if shelf.has_kinds else None


def _choose_regular(snapshot: Snapshot, events: _Events, plans: _Plans, tag_sets: Sequence[frozenset[str]]) -> _Chosen:
    """Rule 3: the first tariff of the plan that has a candidate."""
    chosen = _Chosen(np.full(len(events), NO_RATE, dtype=np.int32))
    pending: Ints | None = None
    for position, places in enumerate(plans.positions):
        if position:
            lacking = np.flatnonzero(chosen.rates == NO_RATE) if pending is None else pending
            pending = lacking[chosen.rates[lacking] == NO_RATE]
            if not pending.size:
                break
        for place, rows in _by_place(_of_used(places, plans.used), events.plan, pending):
            shelf = snapshot.regular[place]
            if snapshot.has_long_codes(place):
                _leave_long_numbers(events, rows)
            if shelf is not None:
                kinds = _tag_kinds(shelf, tag_sets)
                for block in _blocks(rows):
                    _choose(shelf, events, block, kinds, chosen)
    return chosen


def _of_used(places: NDArray[np.int32], used: Ints) -> NDArray[np.int32]:
    """`places` with what no event names made equal to something that is, so that one tariff is seen to be one."""
    if used.size == places.size or not used.size:
        return places
    filled = np.full(places.size, places[used[0]], dtype=np.int32)
    filled[used] = places[used]
    return filled


def _leave_long_numbers(events: _Events, rows: Rows) -> None:
    is_long = events.lengths[rows] > KEY_DIGITS
    if is_long.any():
        events.mark_hard(_absolute(rows, np.flatnonzero(is_long)))


def _any_shelf(shelves: Sequence[Shelf | None], places: NDArray[np.int32]) -> bool:
    return any(shelves[place] is not None for place in np.unique(places).tolist() if place >= 0)


def _choose_additive(
    snapshot: Snapshot,
    events: _Events,
    plans: _Plans,
    tag_sets: Sequence[frozenset[str]],
    rated: Ints,
) -> Iterator[_Chosen]:
    """Rule 11: for each position of the plans, the additive rate that its tariff has for the events `rated`, then the one that names an origin."""
    for places, shelves in product(plans.positions, (snapshot.additive, snapshot.by_origin)):
        if shelves is snapshot.by_origin and not _any_shelf(shelves, places):
            continue
        chosen = _Chosen(np.full(len(events), NO_RATE, dtype=np.int32))
        for place, rows in _by_place(places, events.plan, rated):
            shelf = shelves[place]
            if snapshot.has_long_codes(place):
                _leave_long_numbers(events, rows)
            if shelf is not None:
                kinds = _tag_kinds(shelf, tag_sets)
                for block in _blocks(rows):
                    _choose(shelf, events, block, kinds, chosen)
        yield chosen


def _changes(events: _Events, crossing: _Crossing) -> Iterator[Change]:
    """Rule 6, one change of state after the other, for the events to which it brings another rate, or none."""
    shelf, timeline = crossing.shelf, crossing.timeline
    at, now, codes, interval = crossing.at, crossing.rates, crossing.codes, crossing.interval
    kinds = crossing.kinds
    start_s = events.start_s[at]
    end_s = start_s + events.quantity[at]
    while at.size:
        interval = interval + 1
        begin_s = timeline.begin_s[interval]
        goes_on = begin_s < end_s
        if not goes_on.all():
            at, now, codes, interval, kinds = (
                at[goes_on],
                now[goes_on],
                codes[goes_on],
                interval[goes_on],
                kinds[goes_on],
            )
            start_s, end_s, begin_s = start_s[goes_on], end_s[goes_on], begin_s[goes_on]
            if not at.size:
                return
        rates = _look_up(shelf, timeline.state[interval], kinds, codes, is_later=True)
        is_new = rates != now
        if is_new.any():
            yield Change(at[is_new], (begin_s - start_s)[is_new], rates[is_new])
            now = rates


def _gather_changes(events: _Events, crossings: Sequence[_Crossing]) -> list[Change]:
    """The changes of all shelves, the n-th of every event in the n-th place or later, in the order of time."""
    rounds: list[list[Change]] = []
    for crossing in crossings:
        for number, change in enumerate(_changes(events, crossing)):
            if number == len(rounds):
                rounds.append([])
            rounds[number].append(change)
    return [Change.joined(parts) for parts in rounds]


@dataclass(slots=True)
class _Priced:
    """The results of one call, row for row; `rates` is the rate that charges or blocks, NO_RATE for none."""

    rates: Indices
    outcome: NDArray[np.int8]
    amount: Ints
    billed: Ints


def _price(prices: PriceColumns, events: _Events, rates_of_start: Indices) -> _Priced:
    """Every event charged as if the rate of its start held to its end."""
    size = len(events)
    outcome = np.zeros(size, dtype=np.int8)
    amount, billed = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    for block in _blocks(slice(0, size)):
        rates, quantity = rates_of_start[block], events.quantity[block]
        lacking = rates < 0
        if lacking.any():
            outcome[block][lacking] = Outcome.NO_RATE
            rates = np.maximum(rates, 0)
        if prices.has_blocked:
            outcome[block][prices.terms.is_blocked[prices.term[rates]] & ~lacking] = Outcome.BLOCKED
        wanted = quantity
        if prices.has_grace:
            wanted = np.where(quantity < prices.terms.grace.take(prices.term.take(rates)), 0, quantity)
        wide = too_large(prices, rates, wanted)
        if wide is not None:
            events.mark_hard(_absolute(block, np.flatnonzero(wide)))
            wanted = np.where(wide, 0, wanted)
        accrual = accrue(prices, rates, wanted)
        amount[block] = settle(prices, rates, quantity, accrual)
        billed[block] = accrual.position
        if accrual.is_wide is not None:
            events.mark_hard(_absolute(block, np.flatnonzero(accrual.is_wide)))
    return _Priced(rates_of_start, outcome, amount, billed)


def _block_by_surcharges(prices: PriceColumns, priced: _Priced, surcharges: Sequence[_Chosen]) -> None:
    """Rule 11: the first blocked additive rate in the order of the list blocks what no regular rate has blocked."""
    if not prices.has_blocked:
        return
    for surcharge in surcharges:
        at = np.flatnonzero((surcharge.rates >= 0) & (priced.outcome == Outcome.RATED))
        rates = surcharge.rates[at]
        is_blocked = prices.terms.is_blocked[prices.term[rates]]
        priced.outcome[at[is_blocked]] = Outcome.BLOCKED
        priced.rates[at[is_blocked]] = rates[is_blocked]


def _price_apart(
    prices: PriceColumns, events: _Events, priced: _Priced, regular: _Chosen, surcharges: Sequence[_Chosen]
) -> None:
    """Events whose rate changes on the way, or with a surcharge: charged again as they are, in place."""
    changes = _gather_changes(events, regular.crossings)
    charged = [np.flatnonzero(surcharge.rates >= 0) for surcharge in surcharges]
    apart = [change.slots for change in changes] + charged
    if not any(rows.size for rows in apart):
        return
    every = np.unique(np.concatenate(apart))
    slot = np.zeros(len(events), dtype=np.int64)
    slot[every] = np.arange(every.size)
    rates, quantity = regular.rates[every], events.quantity[every]
    total = accrue_with_changes(prices, rates, quantity, [change.moved(slot) for change in changes])
    priced.billed[every] = total.position
    for surcharge, at in zip(surcharges, charged, strict=True):
        if not at.size:
            continue
        place = np.zeros(len(events), dtype=np.int64)
        place[at] = np.arange(at.size)
        part = accrue_with_changes(
            prices,
            surcharge.rates[at],
            events.quantity[at],
            [change.moved(place) for change in _gather_changes(events, surcharge.crossings)],
        )
        total.add(slot[at], part.units, part.common)
        if part.is_wide is not None:
            events.mark_hard(at[part.is_wide])
    priced.amount[every] = settle(prices, rates, quantity, total)
    if total.is_wide is not None:
        events.mark_hard(every[total.is_wide])


def _charge_singly(
    snapshot: Snapshot,
    table: pa.Table,
    rows: Ints,
    plans: Sequence[tuple[int, ...]],
    tag_sets: Sequence[frozenset[str]],
) -> list[Charge]:
    """The events `rows` by `engine.scalar`. A start outside the years 1 to 9999 counts as their end."""
    picked = table.take(pa.array(rows))
    starts = picked["start"].cast(pa.int64()).to_pylist()
    columns = (picked[name].to_pylist() for name in ("number", "quantity", "plan", "tag_set"))
    callers = picked["caller"].to_pylist() if "caller" in picked.column_names else [None] * len(starts)
    return [
        charge(
            [snapshot.scalar(tariff_id) for tariff_id in plans[plan]],
            Event(
                number,
                _EPOCH + timedelta(milliseconds=min(max(start_ms, _FIRST_MS), _LAST_MS)),
                quantity,
                frozenset() if tag_set is None else tag_sets[tag_set],
                caller or "",
            ),
        )
        for start_ms, caller, number, quantity, plan, tag_set in zip(starts, callers, *columns, strict=True)
    ]


def _bitmap(is_valid: Marks) -> pa.Buffer | None:
    return None if is_valid.all() else pa.py_buffer(np.packbits(is_valid, bitorder="little"))


def _column_of(values: Ints, bitmap: pa.Buffer | None) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), values.size, [bitmap, pa.py_buffer(values)])


def _codes(snapshot: Snapshot, rates: Indices, bitmap: pa.Buffer | None, singly: dict[int, str]) -> pa.Array:
    """The codes of the rates as a dictionary of those that occur; `singly` are rows whose code is given as text."""
    texts, indices = pa.array([], pa.string()), np.zeros(rates.size, dtype=np.int32)
    prices = snapshot.prices
    chosen = rates if bitmap is None else rates[rates >= 0]
    if prices is not None and chosen.size:
        is_used = np.zeros(snapshot.code_count, dtype=np.bool_)
        is_used[prices.code.take(chosen)] = True
        used = np.flatnonzero(is_used)
        texts = snapshot.code_texts(used)
        number = np.zeros(snapshot.code_count, dtype=np.int32)
        number[used] = np.arange(used.size, dtype=np.int32)
        indices = number.take(prices.code.take(np.maximum(rates, 0)))
    if singly:
        indices[list(singly)] = np.arange(len(texts), len(texts) + len(singly), dtype=np.int32)
        texts = pa.concat_arrays([texts, pa.array(singly.values(), pa.string())])
    if len(texts) and (singly or len(snapshot.shelves) > 1):  # two tariffs may have the same code
        distinct = texts.dictionary_encode()
        texts, indices = distinct.dictionary, distinct.indices.to_numpy().take(indices)
    return pa.DictionaryArray.from_arrays(
        pa.Array.from_buffers(pa.int32(), rates.size, [bitmap, pa.py_buffer(indices)]), texts
    )


def _result(snapshot: Snapshot, priced: _Priced, hard_rows: Ints, charges: Sequence[Charge]) -> pa.Table:
    """The columns of PRICED_SCHEMA; the events `hard_rows` came to `charges`."""
    prices, rates, outcome = snapshot.prices, priced.rates, priced.outcome
    rates[hard_rows] = NO_RATE
    size = rates.size
    tariff_id, rate_id, destination_id = (np.zeros(size, dtype=np.int64) for _ in range(3))
    if prices is not None:
        safe = np.maximum(rates, 0)
        rate_id = prices.rate_id.take(safe)
        destination_id = prices.destination_id.take(safe)
        tariff_id = prices.term_tariff_id.take(prices.term.take(safe))
    singly: dict[int, str] = {}
    for row, each in zip(hard_rows.tolist(), charges, strict=True):
        outcome[row] = each.outcome
        if each.tariff_id is not None and each.rate_id is not None and each.code is not None:
            tariff_id[row], rate_id[row], singly[row] = each.tariff_id, each.rate_id, each.code
            destination_id[row] = NO_DESTINATION if each.destination_id is None else each.destination_id
        if each.amount is not None and each.billed is not None:
            priced.amount[row], priced.billed[row] = each.amount.units, each.billed
    is_rated = outcome == Outcome.RATED
    is_named = is_rated | (outcome == Outcome.BLOCKED)
    named, rated = _bitmap(is_named), _bitmap(is_rated)
    columns = [
        pa.array(outcome),
        _column_of(tariff_id, named),
        _column_of(rate_id, named),
        _codes(snapshot, rates, named, singly),
        _column_of(destination_id, _bitmap(is_named & (destination_id != NO_DESTINATION))),
        _column_of(priced.billed, rated),
        _column_of(priced.amount, rated),
    ]
    return pa.Table.from_arrays(columns, schema=PRICED_SCHEMA)


def rate(
    snapshot: Snapshot,
    events: pa.Table,
    plans: Sequence[tuple[int, ...]],
    tag_sets: Sequence[frozenset[str]] = (),
) -> pa.Table:
    """Prices a column of events: a table of EVENT_SCHEMA in, one of PRICED_SCHEMA out, row for row.

    The table may have the column `caller` besides (`CALLER_FIELD`).
    `plans` are ordered tariff ids, `tag_sets` sets of tags, which the columns `plan` and `tag_set` index. Chunks of
    75,000 to a million rows work best; memory is about 120 octets a row. Safe for several threads on one snapshot.
    Raises Invalid: `bad_event` (schema, nulls, an index out of range), `negative_quantity`, `unknown_tariff` (a plan
    names a tariff that the snapshot lacks), `additive_mixed` (rule 11). What becomes of single events is their outcome.
    """
    batch = _read_events(events, len(plans), len(tag_sets))
    named = _Plans(snapshot, plans, batch.plan)
    regular = _choose_regular(snapshot, batch, named, tag_sets)
    prices = snapshot.prices
    if prices is None or not len(batch):
        size = len(batch)
        nothing = np.zeros(size, dtype=np.int64)
        priced = _Priced(regular.rates, np.full(size, Outcome.NO_RATE, dtype=np.int8), nothing, nothing.copy())
    else:
        priced = _price(prices, batch, regular.rates.copy())
        surcharges: list[_Chosen] = []
        if named.has_additive:
            rated = np.flatnonzero(priced.outcome == Outcome.RATED)
            surcharges = list(_choose_additive(snapshot, batch, named, tag_sets, rated))
            _block_by_surcharges(prices, priced, surcharges)
        _price_apart(prices, batch, priced, regular, surcharges)
    hard_rows = np.zeros(0, dtype=np.int64) if batch.is_hard is None else np.flatnonzero(batch.is_hard)
    charges = _charge_singly(snapshot, events, hard_rows, plans, tag_sets) if hard_rows.size else []
    return _result(snapshot, priced, hard_rows, charges)
