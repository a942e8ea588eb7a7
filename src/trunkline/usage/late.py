"""Legs that came after the record of their call was posted, and that a person has accepted: the records of the call, made anew of all its legs.

What the legs of a posted record said is not kept, but the record was made of it: it stands in for them beside the late ones, and the call is
joined as any other. docs/algorithms/legs.md, *A late leg as a correction*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trunkline.usage.claimed_legs import adds
from trunkline.usage.decode.calls import Calls, LegTable, join_calls
from trunkline.usage.decode.columns import Integers, Mask
from trunkline.usage.decode.legs import ALONE, OWN, ROLES, Role, identities, marks, named_legs, own_name
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import EVENTS, INSTANT, WAITING
from trunkline.usage.segments import watch
from trunkline.usage.store import DAY_MS
from trunkline.usage.stored import read_rows, rows_of
from trunkline.usage.taken import EPOCH, Accepted, FindSegments, StoredFile, rows_of_keys
from trunkline.usage.traffic.walk import numbers_again

Event = dict[str, Any]
Place = tuple[StoredFile, int]  # a segment and a row in it

APART: Final = "it lies too far from the record to be of its call"
NAMELESS: Final = "an attempt of it was posted by an earlier version, which did not keep what its key would be now"
DOUBLED: Final = "another record has the key that an attempt would have"
# Beside these columns nothing of a record counts or is shown.
_BESIDE: Final = ("line", "legs")
_UNKNOWN: Final = "\0"  # the name of a leg that no record says
_NAMES: Final = {int(role): name for name, role in ROLES.items()}


@dataclass(slots=True)
class _Posted:
    """The records of a call: that which has its key, then attempts that were not the last. `others` are keys of attempts that are not of it."""

    places: list[Place]
    events: pa.Table  # as decoding made them
    others: set[str] = field(default_factory=set)

    @property
    def named(self) -> str:
        """What the record says of its legs."""
        return self.events["legs"][0].as_py() or ""

    @property
    def known(self) -> frozenset[str]:
        """All legs that are in these records."""
        return frozenset[str]().union(*map(named_legs, self.events["legs"].to_pylist()))


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the late legs of a file come to; calls are numbered.

    `events` are the records to be written, `call` is that of each, and `replaced` says by call whose place they take. `legs` are the late legs
    (schema.WAITING), `leg_call` is that of each, and `remarks` say of those that cannot be joined why not. `legs_in`: how many legs of each call the
    file has, with those that the record knows.
    """

    events: pa.Table
    call: Integers
    replaced: Sequence[Sequence[Place]]
    legs: pa.Table
    leg_call: Integers
    remarks: Sequence[str]
    legs_in: Integers


@dataclass(slots=True)
class _Found:
    """Corrections as they are found, call by call. `legs` are rows of the late legs."""

    events: list[Event] = field(default_factory=list)
    call: list[int] = field(default_factory=list)
    replaced: list[list[Place]] = field(default_factory=list)
    legs: list[int] = field(default_factory=list)
    leg_call: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    legs_in: list[int] = field(default_factory=list)


class LateLegs:
    """The late legs of one file, and the posted records of their calls (`decode.assembly.Posted`)."""

    def __init__(
        self, *, find_segments: FindSegments, window_days: int, accepted: Accepted, profile: SwitchProfile
    ) -> None:
        self._find, self._window_days, self._accepted, self._profile = find_segments, window_days, accepted, profile
        self._posted: dict[str, _Posted] = {}
        self._table: LegTable | None = None
        self._raw: Sequence[str] = ()

    def rows(self, table: LegTable, calls: Calls) -> Mask:
        """The legs of a file that are of calls for which one is late and accepted, all legs of such a call."""
        found = np.zeros(len(table), np.bool_)
        by_call = _by_call(table, np.flatnonzero((table.roles != Role.WHOLE) & (table.lines > 0)))
        posted = self._records_of({call: int(table.start[rows[0]]) for call, rows in by_call.items()})
        for call, record in posted.items():
            if self._is_late(table, calls, by_call[call], record, call):
                found[by_call[call]] = True
                self._posted[call] = record
        return found

    def put_aside(self, table: LegTable, raw: Sequence[str]) -> None:
        """Keep these legs and their text for `corrections`."""
        self._table, self._raw = table, raw

    def _is_late(self, table: LegTable, calls: Calls, rows: Integers, posted: _Posted, call: str) -> bool:
        """Whether a leg says what the record does not know and none is of a call that contradicts it, as `ClaimedLegs.judge` has it."""
        named, known = posted.named, named_legs(posted.named)
        keys = [call, *(f"{call}|{mark}" for mark in marks(table.ids[rows]).to_pylist())]
        if not known or not self._accepted.holds_any(keys):
            return False
        start, end = (posted.events[name].cast(pa.int64())[0].as_py() for name in ("start", "end"))
        is_late = False
        for number in np.unique(calls.call[rows][calls.call[rows] >= 0]).tolist():
            own = rows[calls.call[rows] == number]
            mine = frozenset(marks(table.ids[own]).to_pylist())
            if mine <= known:
                continue
            if not calls.is_complete[number]:
                said = zip(table.roles[own].tolist(), table.start[own].tolist(), strict=True)
                is_late |= any(adds(role, at, named, start, end, self._profile.legs_skew_ms) for role, at in said)
            elif named.startswith(ALONE) or known < mine:
                is_late = True
            else:
                return False
        return is_late

    # The posted records

    def _records_of(self, calls: Mapping[str, int]) -> dict[str, _Posted]:
        """The records whose keys are these calls, which begin then; of several within the window the nearest."""
        if not calls:
            return {}
        names, starts = list(calls), list(calls.values())
        keys = pa.array(names, pa.string())
        found: dict[str, tuple[int, _Posted]] = {}
        for segment in self._segments(min(starts), max(starts), self._window_days):
            hits = list(rows_of_keys(segment, keys))
            events = self._read(segment, [row for _, row in hits])
            for at, (place, row) in enumerate(hits):
                name, event = names[place], events.slice(at, 1)
                away = abs(event["start"].cast(pa.int64())[0].as_py() - starts[place])
                day = (segment.day - EPOCH).days
                if abs(day - starts[place] // DAY_MS) > self._window_days or (name in found and found[name][0] <= away):
                    continue
                found[name] = away, _Posted([(segment, row)], event)
        return {name: posted for name, (_, posted) in found.items()}

    def _segments(self, first_ms: int, last_ms: int, days: int) -> Sequence[StoredFile]:
        around = timedelta(days=days)
        first, last = (EPOCH + timedelta(days=each // DAY_MS) for each in (first_ms, last_ms))
        return self._find(first - around, last + around)

    def _read(self, segment: StoredFile, rows: Sequence[int]) -> pa.Table:
        """Rows of a segment as decoding made them, in this order."""
        wanted, parts, places, first = np.array(rows, np.int64), [EVENTS.empty_table()], list[int](), 0
        with watch([segment.path]), pq.ParquetFile(segment.path, memory_map=True) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                here = np.flatnonzero((wanted >= first) & (wanted < first + size))
                if here.size:
                    parts.append(rows_of(read_rows(file, group, EVENTS.names), wanted[here] - first).cast(EVENTS))
                    places += here.tolist()
                first += size
        found = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
        back = pa.array(np.argsort(np.array(places, np.int64)))
        return numbers_again(found.take(back).combine_chunks(), self._profile.number_rules).cast(EVENTS)

    def _add_attempts(self, table: LegTable) -> None:
        """Add the attempts that were not the last, whose keys are those of their calls with a name behind them."""
        if table.roles.min() >= Role.BEGIN:
            return
        starts = [each.events["start"].cast(pa.int64())[0].as_py() for each in self._posted.values()]
        legs = {
            call: frozenset(marks(table.ids[rows]).to_pylist())
            for call, rows in _by_call(table, np.arange(len(table))).items()
        }
        days = -(-self._profile.max_duration_s * 1000 // DAY_MS)  # an attempt begins while its call lasts
        for segment in self._segments(min(starts), max(starts), days):
            hits = list(_attempts(segment, self._posted))
            events = self._read(segment, [row for row, _ in hits])
            for at, (row, call) in enumerate(hits):
                posted, event = self._posted[call], events.slice(at, 1)
                if named_legs(event["legs"][0].as_py()) <= named_legs(posted.named) | legs[call]:
                    posted.places.append((segment, row))
                    posted.events = pa.concat_tables([posted.events, event]).unify_dictionaries().combine_chunks()
                else:
                    posted.others.add(event["key"][0].as_py())

    # What they become

    def corrections(self) -> Corrections | None:
        """What the legs come to that were put aside; None where there are none."""
        table = self._table
        if table is None:
            return None
        self._add_attempts(table)
        found = _Found()
        for call, rows in _by_call(table, np.arange(len(table))).items():
            self._correct(table, rows, call, found)
        late = np.array(found.legs, np.int64)
        legs = pa.table(
            [
                pa.array(table.lines[late]),
                table.calls.take(pa.array(late)),
                marks(table.ids[late]),
                pa.array([_NAMES[role] for role in table.roles[late].tolist()], pa.string()),
                pa.array(table.start[late]).cast(INSTANT),
                pa.array([self._raw[row] for row in late.tolist()], pa.string()),
            ],
            schema=WAITING,
        )
        return Corrections(
            pa.Table.from_pylist(found.events, schema=EVENTS),
            np.array(found.call, np.int64),
            found.replaced,
            legs,
            np.array(found.leg_call, np.int64),
            found.remarks,
            np.array(found.legs_in, np.int64),
        )

    def _correct(self, table: LegTable, rows: Integers, call: str, found: _Found) -> None:
        """Join the legs of one call with those that its records are made of."""
        posted, number = self._posted[call], len(found.legs_in)
        is_known = np.isin(marks(table.ids[rows]).to_pylist(), list(posted.known))
        if posted.known <= set(marks(table.ids[rows]).to_pylist()):  # the file has them all
            legs, is_ours, taken = table.take(rows), is_known, rows
        else:
            taken = rows[~is_known]
            stand_ins = _stand_ins(posted, call, is_dialog=bool(table.roles[rows].min() >= Role.BEGIN))
            legs = LegTable.concat([stand_ins, table.take(taken)])
            is_ours = np.arange(len(legs)) < len(stand_ins)
            taken = np.concatenate((np.full(len(stand_ins), -1), taken))
        calls = join_calls(legs, self._profile, is_final=True)
        is_new = ~is_ours & (calls.call >= 0)  # of a leg that is there twice one
        one_call = np.unique(calls.call[is_ours & (calls.call >= 0)])
        is_joined = is_new & np.isin(calls.call, one_call) & (len(one_call) == 1)
        remark, made = "", list[Event]()
        if is_joined.any():
            together = legs.take(np.flatnonzero(np.isin(calls.call, one_call)))
            made, remark = self._made(together, posted, marks(legs.ids[is_joined]).to_pylist(), call)
        found.legs_in.append(len(rows))
        found.legs += taken[is_new].tolist()
        found.leg_call += [number] * int(is_new.sum())
        found.remarks += [remark if joined else APART for joined in is_joined[is_new].tolist()]
        changed, gone = _changed(posted, made)
        found.events += changed
        found.call += [number] * len(changed)
        found.replaced.append(gone)

    def _made(self, legs: LegTable, posted: _Posted, joined: Sequence[str], call: str) -> tuple[list[Event], str]:
        """The records of a call of these legs, or why there are none."""
        calls = join_calls(legs, self._profile, is_final=True)
        made = calls.events.to_pylist()
        if len(calls.over):
            return [], f"with it, it would be {Reason.DURATION_OVER_LIMIT}"
        keys = [event["key"] for event in made]
        if f"{call}|{_UNKNOWN}" in keys:
            return [], NAMELESS
        if len(set(keys)) < len(keys) or not posted.others.isdisjoint(keys):
            return [], DOUBLED
        for event in made:
            if event["key"] == call:
                event["legs"] = _renamed(event["legs"], posted.known | set(joined))
        return made, ""


def _changed(posted: _Posted, made: Sequence[Event]) -> tuple[list[Event], list[Place]]:
    """The records that are not there as they are made, and those whose place they take; none where just the names of legs differ."""
    stored = {event["key"]: event for event in posted.events.to_pylist()}
    if not any(_differ(each, stored.get(each["key"]), _BESIDE) for each in made):
        return [], []
    changed = [each for each in made if _differ(each, stored.get(each["key"]), ("line",))]
    stay = {each["key"] for each in made} - {each["key"] for each in changed}
    return changed, [place for key, place in zip(stored, posted.places, strict=True) if key not in stay]


def _by_call(table: LegTable, rows: Integers) -> dict[str, Integers]:
    """Rows by their call, each in the order of the table."""
    found: dict[str, list[int]] = {}
    for row, call in zip(rows.tolist(), table.calls.take(pa.array(rows)).to_pylist(), strict=True):
        found.setdefault(call, []).append(row)
    return {call: np.array(some, np.int64) for call, some in found.items()}


def _attempts(segment: StoredFile, calls: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """The rows of a segment that are attempts of these calls by their keys, each with its call. None of them was connected."""
    first = 0
    with watch([segment.path]), pq.ParquetFile(segment.path, memory_map=True) as file:
        for group in range(file.num_row_groups):
            table = read_rows(file, group, ["key", "legs", "duration_ms"])
            is_leg = table["legs"].is_valid().to_numpy() & (table["duration_ms"].to_numpy() == 0)
            rows = np.flatnonzero(is_leg)
            for row, key in zip(rows.tolist(), table["key"].take(pa.array(rows)).to_pylist(), strict=True):
                at = key.find("|")
                while at >= 0:
                    if key[:at] in calls:
                        yield first + row, key[:at]
                    at = key.find("|", at + 1)
            first += len(table)


def _stand_ins(posted: _Posted, call: str, *, is_dialog: bool) -> LegTable:
    """Legs that say together what the records of a call say."""
    events = posted.events
    start, end = (events[name].cast(pa.int64()).to_numpy() for name in ("start", "end"))
    connected = events["duration_ms"].to_numpy() > 0
    roles, rows = _roles(posted, is_dialog=is_dialog)
    names = [own_name(posted.named) or _UNKNOWN, *(key[len(call) + 1 :] for key in events["key"].to_pylist()[1:])]
    legs = pa.array(
        [names[row] if role == Role.OUT else "" for role, row in zip(roles, rows, strict=True)], pa.string()
    )
    at, kinds = np.array(rows, np.int64), np.array(roles, np.int8)
    calls = pa.array([call] * len(rows), pa.string())
    begin, finish, was_connected = start[at], end[at], connected[at]
    if is_dialog:
        begin = np.where(kinds == Role.END, finish, begin)
        finish = begin
    elif roles[-1] == Role.IN and len(roles) > 1:  # it lasted as long as the attempts; if they are alone perhaps longer
        begin[-1], finish[-1] = start.min(), end[0]
        was_connected[-1] = connected.any() or posted.named.startswith(ALONE)
    duration = np.where(kinds == Role.OUT, events["duration_ms"].to_numpy()[at], -1 - np.arange(len(rows)))
    return LegTable(
        events=events.take(pa.array(at)).combine_chunks(),
        calls=calls,
        legs=legs,
        roles=kinds,
        ids=identities(calls, legs, kinds, duration),
        lines=-1 - np.arange(len(rows)),
        start=begin,
        end=finish,
        connected=was_connected,
    )


def _roles(posted: _Posted, *, is_dialog: bool) -> tuple[list[Role], list[int]]:
    """Which legs the records of a call are made of, and of which record each is told."""
    if is_dialog:
        return [Role.BEGIN, Role.END], [0, 0]
    named, outs = named_legs(posted.named), list(range(len(posted.events)))
    if not posted.named.startswith(ALONE):
        return [*(Role.OUT for _ in outs), Role.IN], [*outs, 0]
    own = [named_legs(text) <= named for text in posted.events["legs"].to_pylist()]
    if len(named) > sum(own):
        return [*(Role.OUT for _ in outs), Role.IN], [*outs, 0]
    (main,) = posted.events.slice(0, 1).to_pylist()
    has_out = own_name(posted.named) is not None or (main["attempt"] > 0 and main["trunk_out"] is not None)
    return [Role.OUT if has_out or len(outs) > 1 else Role.IN, *(Role.OUT for _ in outs[1:])], outs


def _renamed(text: str, legs: frozenset[str] | set[str]) -> str:
    """What a record says of its legs, with these in place of those that stood in for them."""
    name = own_name(text)
    own = "" if name is None else OWN + name
    return (f"{ALONE} " if text.startswith(ALONE) else "") + " ".join(sorted(legs)) + own


def _differ(one: Event, other: Event | None, beside: Sequence[str]) -> bool:
    return other is None or any(one[name] != other[name] for name in EVENTS.names if name not in beside)
