"""The records of calls from the rows of their legs: whole columns, once it is known which legs are one call (`legs.tie`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Mask
from trunkline.usage.decode.legs import ALONE, MARK, OWN, DecodedLegs, Role, Ties, identities, marks, tie
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import rounded_seconds
from trunkline.usage.schema import EVENTS, INSTANT, NAME

# What the leg that came in knows better than the one that went out.
_OF_CALLER: Final = (("calling_raw", "calling"), ("called_raw", "called"))
_OF_INCOMING: Final = ("trunk_in", "source_ip", "account_code", "sip_user")


@dataclass(frozen=True, slots=True)
class LegTable:
    """Legs, one a row, and records that stand by themselves (`Role.WHOLE`). `lines` of legs of earlier files are negative."""

    events: pa.Table
    calls: pa.Array
    legs: pa.Array
    roles: NDArray[np.int8]
    ids: NDArray[np.uint64]
    lines: Integers
    start: Integers
    end: Integers
    connected: Mask

    def __len__(self) -> int:
        return int(self.roles.size)

    def take(self, rows: Integers) -> LegTable:
        """Some of the rows."""
        at = pa.array(rows)
        return LegTable(
            events=self.events.take(at).combine_chunks(),
            calls=self.calls.take(at),
            legs=self.legs.take(at),
            roles=self.roles[rows],
            ids=self.ids[rows],
            lines=self.lines[rows],
            start=self.start[rows],
            end=self.end[rows],
            connected=self.connected[rows],
        )

    def with_lines(self, lines: Integers) -> LegTable:
        """The same legs on other lines."""
        return replace(self, lines=lines)

    @staticmethod
    def concat(tables: Sequence[LegTable]) -> LegTable:
        """All rows, in this order."""
        if len(tables) == 1:
            return tables[0]
        events = pa.concat_tables([EVENTS.empty_table(), *(table.events for table in tables)])
        nothing = pa.array([], pa.string())
        return LegTable(
            events=events.unify_dictionaries().combine_chunks(),
            calls=pa.concat_arrays([nothing, *(table.calls for table in tables)]),
            legs=pa.concat_arrays([nothing, *(table.legs for table in tables)]),
            roles=np.concatenate([np.empty(0, np.int8), *(table.roles for table in tables)]),
            ids=np.concatenate([np.empty(0, np.uint64), *(table.ids for table in tables)]),
            lines=np.concatenate([np.empty(0, np.int64), *(table.lines for table in tables)]),
            start=np.concatenate([np.empty(0, np.int64), *(table.start for table in tables)]),
            end=np.concatenate([np.empty(0, np.int64), *(table.end for table in tables)]),
            connected=np.concatenate([np.empty(0, np.bool_), *(table.connected for table in tables)]),
        )


def leg_table(found: DecodedLegs) -> LegTable:
    """The legs of a chunk."""
    events = found.decoded.events.combine_chunks()
    duration = events["duration_ms"].to_numpy()
    return LegTable(
        events,
        found.calls,
        found.legs,
        found.roles,
        identities(found.calls, found.legs, found.roles, duration),
        events["line"].to_numpy(),
        events["start"].cast(pa.int64()).to_numpy(),
        events["end"].cast(pa.int64()).to_numpy(),
        duration > 0,
    )


@dataclass(frozen=True, slots=True)
class Calls:
    """What became of the rows of a table.

    `over` are records of calls that lasted longer than the switch allows. `call`: the number of each row's call, -1 where it has none or is
    a copy. `is_complete`: of each call. `is_emitted`: legs whose call has gone on, as records in `events` or as `is_lone`: nobody can charge what
    they say. `records` of the events are calls, the others were records already.
    """

    events: pa.Table
    over: pa.Table
    call: Integers
    is_complete: Mask
    is_whole: Mask
    is_emitted: Mask
    is_lone: Mask
    records: int
    repeated: Sequence[int]
    first: Sequence[int]


def join_calls(table: LegTable, profile: SwitchProfile, *, is_final: bool) -> Calls:
    """Join the legs of calls that are complete; with `is_final` also of those that are not, which are marked `alone`."""
    is_whole = table.roles == Role.WHOLE
    legs = np.flatnonzero(~is_whole)
    ties = _tie(table, legs, profile)
    call = np.full(len(table), -1, np.int64)
    call[legs] = ties.call
    complete = ties.is_complete
    record_call = ties.call[ties.base]
    can_stand = complete[record_call] | ((table.roles[legs[ties.base]] < Role.BEGIN) & is_final)
    kept = np.flatnonzero(can_stand)
    has_call = call >= 0
    is_done = complete | is_final if complete.size else complete
    is_emitted = np.zeros(len(table), np.bool_)
    is_emitted[has_call] = is_done[call[has_call]]
    is_lone = is_emitted & (table.roles >= Role.BEGIN)
    is_lone[has_call] &= ~complete[call[has_call]]
    records = _records(table, legs, ties, kept, record_call, complete, call, profile)
    is_over = pc.greater(records["duration_ms"], profile.max_duration_s * 1000)
    over = records.filter(is_over)
    records = records.filter(pc.invert(is_over)) if len(over) else records
    whole = table.events.filter(pa.array(is_whole))
    events = pa.concat_tables([whole, records]) if len(whole) and len(records) else (records if len(records) else whole)
    events = events.unify_dictionaries().combine_chunks()
    if len(whole) and len(records):
        events = events.take(pc.sort_indices(events["line"])).combine_chunks()
    return Calls(
        events,
        over,
        call,
        complete,
        is_whole,
        is_emitted,
        is_lone,
        len(records),
        legs[ties.repeated].tolist(),
        legs[ties.first].tolist(),
    )


def _tie(table: LegTable, legs: Integers, profile: SwitchProfile) -> Ties:
    codes = table.calls.take(pa.array(legs)).dictionary_encode().indices.to_numpy().astype(np.int64)
    return tie(
        codes,
        table.ids[legs],
        table.roles[legs],
        table.start[legs],
        table.end[legs],
        table.connected[legs],
        skew_ms=profile.legs_skew_ms,
        span_ms=2 * profile.max_duration_s * 1000,  # a call beyond the limit is one call, and rejected for it
    )


def _records(
    table: LegTable,
    legs: Integers,
    ties: Ties,
    kept: Integers,
    record_call: Integers,
    complete: Mask,
    call: Integers,
    profile: SwitchProfile,
) -> pa.Table:
    if not kept.size:
        return EVENTS.empty_table()
    base, other = legs[ties.base[kept]], ties.other[kept]
    has_other = other >= 0
    other = np.where(has_other, legs[np.maximum(other, 0)], 0)
    columns = _taken(table.events, table.events.column_names, pa.array(base))
    is_main = ties.is_main[kept]
    calls = table.calls.take(pa.array(base))
    names = pc.binary_join_element_wise(calls, table.legs.take(pa.array(base)), "|")
    columns["key"] = pc.if_else(pa.array(is_main), calls, names)
    columns["attempt"] = pa.array(ties.attempt[kept].astype(np.int16))
    columns["is_last"] = pa.array(ties.is_last[kept])
    columns["line"] = pa.array(_lines(table, call, base, record_call[kept]))
    columns["legs"] = _named(table, call, base, is_main, record_call[kept], complete)
    went_out = table.roles[base] == Role.OUT
    if (went_out & has_other).any():
        _take_from_incoming(columns, table, pa.array(other, mask=~has_other), went_out & has_other)
    ended = (table.roles[base] == Role.BEGIN) & has_other
    if ended.any():
        _end_with(columns, table, base, other, ended, profile)
    return pa.table([columns[field.name] for field in EVENTS], schema=EVENTS)


def _taken(events: pa.Table, names: Iterable[str], rows: pa.Array) -> dict[str, pa.Array]:
    """Columns of some rows. A column that is null throughout, of which a format has many, costs nothing."""
    taken = {}
    for name in names:
        column = events[name]
        whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        taken[name] = pa.nulls(len(rows), whole.type) if whole.null_count == len(whole) else whole.take(rows)
    return taken


def _take_from_incoming(columns: dict[str, pa.Array], table: LegTable, other: pa.Array, wanted: Mask) -> None:
    """Whose call it is and what was dialled: as the leg that came in says, where it says so."""
    partner = _taken(table.events, (*chain.from_iterable(_OF_CALLER), *_OF_INCOMING), other)
    for raw, number in _OF_CALLER:
        has = pc.and_(pa.array(wanted), pc.fill_null(pc.greater(pc.binary_length(partner[raw]), 0), False))
        columns[raw] = pc.if_else(has, partner[raw], columns[raw])
        columns[number] = pc.if_else(has, partner[number], columns[number])
    for name in _OF_INCOMING:
        if partner[name].null_count < len(other):
            said, own = partner[name].cast(pa.string()), columns[name].cast(pa.string())
            columns[name] = pc.if_else(pa.array(wanted), pc.coalesce(said, own), own).dictionary_encode().cast(NAME)


def _end_with(
    columns: dict[str, pa.Array], table: LegTable, base: Integers, other: Integers, wanted: Mask, profile: SwitchProfile
) -> None:
    """A call lasts from its begin to its end. An end before the begin, by clocks that differ, is the begin."""
    begin = table.start[base]
    end = np.where(wanted, np.maximum(table.start[other], begin), table.end[base])
    duration = np.where(wanted, end - begin, columns["duration_ms"].to_numpy(zero_copy_only=False))
    quantity = np.where(wanted, rounded_seconds(duration, profile.ms_rounding), columns["quantity"].to_numpy())
    columns["end"] = pa.array(end).cast(INSTANT)
    columns["duration_ms"] = pa.array(duration)
    columns["quantity"] = pa.array(quantity)


def _lines(table: LegTable, call: Integers, base: Integers, record_call: Integers) -> Integers:
    """The line of a record: of the leg that it is made of, or, where that is of an earlier file, of one of its call that is not."""
    lines = table.lines[base]
    foreign = np.flatnonzero(lines < 0)
    if foreign.size:
        own = np.zeros(int(call.max(initial=-1)) + 1, np.int64)
        here = np.flatnonzero((call >= 0) & (table.lines > 0))
        own[call[here]] = table.lines[here]
        lines = lines.copy()
        lines[foreign] = np.maximum(own[record_call[foreign]], 1)
    return lines


def _named(
    table: LegTable, call: Integers, base: Integers, is_main: Mask, record_call: Integers, complete: Mask
) -> pa.Array:
    """The legs that a record accounts for: all of its call but those of further records with its key; its own where it is an earlier attempt."""
    is_other = np.zeros(len(table), np.bool_)
    is_other[base[is_main]] = True  # each of them is added again where it is its own
    rows = np.flatnonzero((call >= 0) & ~is_other)
    rows = rows[np.argsort(call[rows], kind="stable")]
    bounds = np.searchsorted(call[rows], np.arange(complete.size + 1))
    low = bounds[record_call]
    others = np.where(is_main, bounds[record_call + 1] - low, 0)
    text = marks(table.ids[base])
    two = np.flatnonzero(others == 1)
    if two.size:
        pair = np.sort(np.stack((table.ids[base[two]], table.ids[rows[low[two]]])) & MARK, axis=0)
        both = pc.binary_join_element_wise(marks(pair[0]), marks(pair[1]), " ")
        text = pc.replace_with_mask(text, pa.array(others == 1), both)
    many = np.flatnonzero(others > 1)
    if many.size:
        ordered = marks(table.ids[rows]).to_pylist()
        spans = zip(text.take(pa.array(many)).to_pylist(), low[many].tolist(), others[many].tolist(), strict=True)
        named = [" ".join(sorted([own, *ordered[at : at + count]])) for own, at, count in spans]
        text = pc.replace_with_mask(text, pa.array(others > 1), pa.array(named, pa.string()))
    is_alone = ~complete[record_call]
    if is_alone.any():
        text = pc.if_else(pa.array(is_alone), pc.binary_join_element_wise(pa.scalar(ALONE), text, " "), text)
    # A leg that comes late may show that this attempt was not the last: then it has the key of any other, which has its name.
    can_move = is_main & (table.roles[base] == Role.OUT) & ~table.connected[base]
    if can_move.any():
        names = table.legs.take(pa.array(base))
        text = pc.if_else(pa.array(can_move), pc.binary_join_element_wise(text, names, OWN), text)
    return text


def lone_details(table: LegTable, rows: Integers) -> list[str]:
    """What is missing beside each of these legs."""
    missing = {Role.BEGIN: "its end", Role.END: "its begin"}
    return [
        f"the call {call} came without {missing[Role(role)]}."
        for call, role in zip(table.calls.take(pa.array(rows)).to_pylist(), table.roles[rows].tolist(), strict=True)
    ]
