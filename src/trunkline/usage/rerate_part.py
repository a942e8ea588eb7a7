"""Pricing stored records again: one segment at a time, row group by row group. No database.

What differs is folded twice, as it was and as it is now; where the work writes, the segment is written anew from the first row group on
that has something to change. docs/algorithms/rerating.md says the rules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trunkline.engine import rollup
from trunkline.kit.home import fsync_folder, home
from trunkline.parties.kinds import Side
from trunkline.usage.asked import Asked
from trunkline.usage.chunkwork import Columns, Totals, fold_chunk, reject_details, reject_rows
from trunkline.usage.decode.profile import NumberRule
from trunkline.usage.number_index import rebuild_number_index
from trunkline.usage.rerate_whose import NUMBERS, Told, tell_anew
from trunkline.usage.segments import SegmentFile, watch
from trunkline.usage.sides import REASONS, Bools, Ints, Pinned, SideColumns, price
from trunkline.usage.store import INDEX_SUFFIXES, SIDES, SegmentWriter, WrittenSegment, amount_units, write_key_index
from trunkline.usage.stored import as_stored, read_rows, reject_table, rows_of
from trunkline.usage.taken import keys_by_row
from trunkline.usage.traffic.walk import StoredWalk

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PRICED: Final = (
    "state", "account_id", "tariff_id", "rate_id", "code", "destination_id", "billed", "tariff_currency", "tariff_amount", "exchange_rate",
    "rate_date", "amount", "currency", "base_amount", "local_day",
)  # fmt: skip
_LOOKED: Final = ("called", "start", "quantity", "is_last", "service")
_FOLDED: Final = (*_LOOKED, "batch_id", "pdd_ms")
_SIDE: Final = ("state", "account_id", "tariff_id", "rate_id", "destination_id", "billed")
_MONEY: Final = ("tariff_amount", "amount", "base_amount")
_NAMES: Final = ("exchange_rate", "rate_date", "local_day", "tags", "number")
_RULED: Final = ("tags", "number")
MOVED_KEYS: Final = ("batch_id", "account_id", "local_day")
# Money that a row group moves is folded at once; a segment has few batches and accounts.
MOVED_PARTS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class RerateWork:
    """What a re-rating works with; it can be sent to another process. `number_rules` are the switch's, for records that are told anew.

    `holders` are the accounts, by side, in whose lists the tariff that is asked for stands. `batch_id` and `attempt` are 0 where nothing is
    written. `is_probe`: the first record that changes is answer enough.
    """

    tenant_id: int
    batch_id: int
    attempt: int
    pinned: Pinned
    number_rules: tuple[NumberRule, ...]
    asked: Asked
    holders: Mapping[str, tuple[int, ...]]
    received_on: date
    scratch: Path
    is_probe: bool = False

    @property
    def writes(self) -> bool:
        """Whether segments are written anew."""
        return self.batch_id > 0

    def part(self, number: int) -> RerateWork:
        """Every process does whatever piece it is given."""
        return self

    def do(self, piece: Piece, on_rows: Callable[[int], object] = lambda rows: None) -> Relooked:
        """Price a segment again; `on_rows` is told how many rows are done, whenever there are more."""
        return _Segment(self, piece).work(on_rows)

    def abandon(self) -> None:
        """What was written is removed by the attempt's own name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment, and its number in the batch: the new files are named by it."""

    number: int
    segment: SegmentFile


@dataclass(slots=True)
class Relooked:
    """What pricing a segment again has found. `before` and `after` hold the sums of changed records, each side where it changed.

    `moved` says by side what that does to the money of a batch, an account and a day: `records`, `before`, `after`. What comes from another
    account is of batch 0: no document bills it.
    """

    piece: Piece
    looked: int = 0
    changed: int = 0
    kept: int = 0  # rows of the new segment
    before: Totals = field(default_factory=Totals)
    after: Totals = field(default_factory=Totals)
    moved: dict[str, list[Columns]] = field(default_factory=lambda: {side: [] for side in SIDES})
    written: list[WrittenSegment] = field(default_factory=list)

    def compact(self) -> None:
        """Few parts instead of many."""
        self.before.compact()
        self.after.compact()
        for side, parts in self.moved.items():
            if len(parts) > 1:
                self.moved[side] = [rollup.merge(parts, MOVED_KEYS)]


@dataclass(slots=True)
class _Again:
    """One side of a row group, priced again: the rows, what came out, and which of the rows differ."""

    rows: Ints
    priced: SideColumns
    differs: Bools


@dataclass(slots=True)
class _Anew:
    """What a row group comes to: its rows that were looked at, the sides that were priced again, and why a row must be rejected (0: it need not).

    `told` is there where records were told anew whose they are.
    """

    looked: Bools
    reason: NDArray[np.int8]
    sides: dict[str, _Again] = field(default_factory=dict)
    told: Told | None = None

    @property
    def lost(self) -> Bools:
        """The rows that must be rejected."""
        return self.reason != 0

    @property
    def changed(self) -> Bools:
        """The rows that change, those among them that are lost."""
        changed = self.lost
        for each in self.sides.values():
            changed[each.rows] |= each.differs
        return changed


class _Segment:
    """The work on one segment."""

    def __init__(self, work: RerateWork, piece: Piece) -> None:
        self._work = work
        self._piece = piece
        self._found = Relooked(piece)
        self._rated: SegmentWriter | None = None
        self._rejects: SegmentWriter | None = None
        self._is_kept = np.ones(piece.segment.rows, np.bool_)
        self._has_other_numbers = False

    def work(self, on_rows: Callable[[int], object]) -> Relooked:
        path = self._piece.segment.path
        try:
            with watch([path]), pq.ParquetFile(path, memory_map=True) as file:
                first = 0
                for group in range(file.num_row_groups):
                    self._look(file, group, first)
                    rows = file.metadata.row_group(group).num_rows
                    first += rows
                    on_rows(rows)
                    if self._work.is_probe and self._found.changed:
                        break
            self._finish()
        except BaseException:
            for writer in (self._rated, self._rejects):
                if writer is not None:
                    with suppress(OSError):
                        writer.abandon()
            raise
        self._found.compact()
        return self._found

    def _finish(self) -> None:
        if self._rated is None or self._rejects is None:
            return
        rated = self._rated.finish()
        for new in rated:  # one, or none where no record has a price any more
            self._index(home() / new.path)
        self._found.written = [*rated, *self._rejects.finish()]

    def _index(self, new: Path) -> None:
        """Give the new segment its indexes: those of the old one, if it has the same records with the same numbers."""
        if self._is_kept.all() and not self._has_other_numbers and _has_linked(self._piece.segment.path, new):
            return
        write_key_index(new, [keys_by_row(self._piece.segment).take(self._is_kept)])
        rebuild_number_index(new)

    def _look(self, file: pq.ParquetFile, group: int, first: int) -> None:
        """Price a row group again, which begins with row `first` of the segment."""
        asked = self._work.asked
        is_open = self._rated is not None
        if not is_open and not _may_hold(file, group, asked):
            return
        columns = None if is_open or asked.is_told_anew else self._looked_columns()
        table = read_rows(file, group, columns)
        anew = self._tell_anew(table) if asked.is_told_anew else self._price_again(table)
        self._found.looked += int(anew.looked.sum())
        changed = anew.changed
        if not changed.any():
            if is_open:
                self._copy(table)
            return
        self._found.changed += int(changed.sum())
        if self._work.is_probe:
            return
        if self._work.writes and not is_open:
            self._begin_writing(file, group)
        if columns is not None:
            missing = [f"{side}_{name}" for side in SIDES for name in (*_SIDE, *_MONEY, *_NAMES)]
            table = read_rows(file, group, None if self._work.writes else [*_FOLDED, *missing])
        self._fold(table, anew, changed)
        if self._work.writes:
            self._write(table, anew, changed, first)

    def _looked_columns(self) -> list[str]:
        """What is read of a row group to see whether anything changes."""
        sides = [side for side in SIDES if self._work.asked.side in {"", side}]
        return [
            *_LOOKED,
            *self._callers(),
            *(f"{side}_{name}" for side in sides for name in (*_SIDE, *_MONEY, *_NAMES)),
        ]

    def _callers(self) -> list[str]:
        """The column of the callers' numbers, where any tariff asks where they are."""
        return ["calling"] if self._work.pinned.snapshot.has_origins else []

    def _price_again(self, table: pa.Table) -> _Anew:
        """The sides that are asked for, each by itself."""
        asked = self._work.asked
        fits = _fits(table, asked)
        anew = _Anew(np.zeros(len(table), np.bool_), np.zeros(len(table), np.int8))
        for side in Side:
            if asked.side not in {"", str(side)}:
                continue
            rows = np.flatnonzero(fits & _is_meant(table, str(side), self._work))
            anew.looked[rows] = True
            if len(rows):
                anew.sides[str(side)] = again = self._price(table, side, rows)
                anew.reason[rows] = np.where(anew.reason[rows] == 0, again.priced.reason, anew.reason[rows])
        return anew

    def _tell_anew(self, table: pa.Table) -> _Anew:
        """The records that are asked for, whole: whose they are, and what they cost then."""
        work = self._work
        looked = _fits(table, work.asked)
        if work.asked.account_id is not None or work.asked.tariff_id is not None:
            looked &= np.logical_or.reduce([_is_meant(table, side, work) for side in SIDES])
        anew = _Anew(looked, np.zeros(len(table), np.int8))
        rows = np.flatnonzero(looked)
        if len(rows):
            old = {side: stored_side(table, str(side), rows) for side in Side}
            anew.told = told = tell_anew(table, rows, old, work.number_rules, work.pinned)
            anew.reason[rows] = told.reason
            for side in Side:
                priced = told.sides[str(side)]
                anew.sides[str(side)] = _Again(rows, priced, _differs(table, side, rows, old[side], priced))
        return anew

    def _price(self, table: pa.Table, side: Side, rows: Ints) -> _Again:
        names = [*_LOOKED, *self._callers(), f"{side}_tags", f"{side}_number"]
        events = table.select(names) if len(rows) == len(table) else rows_of(table.select(names), rows)
        old = stored_side(table, str(side), rows)
        walk = StoredWalk.of(events, str(side))
        priced = price(events, side, old.account_id, self._work.pinned, walk, old.local_day)
        return _Again(rows, priced, _differs(table, side, rows, old, priced))

    def _fold(self, table: pa.Table, anew: _Anew, changed: Bools) -> None:
        """Add what the changed records were to `before`, and what they are to `after`; a side that stays is in neither."""
        everything = np.arange(len(table))
        rows, lost = np.flatnonzero(changed), anew.lost
        before, after = {}, {}
        for side in SIDES:
            old = stored_side(table, side, everything)
            new, differs = old, np.zeros(len(table), np.bool_)
            if side in anew.sides:
                each = anew.sides[side]
                differs[each.rows] = each.differs
                new = _replaced(old, each)
            differs |= lost
            before[side] = _counting(old, old.is_counted & differs)
            after[side] = _counting(new, new.is_counted & differs & ~lost)
            self._move(table, side, before[side], after[side])
        found = self._found
        fold_chunk(table, before, rows, found.before)
        fold_chunk(table, after, np.flatnonzero(changed & ~lost), found.after)
        for number, count in zip(*np.unique(anew.reason[lost], return_counts=True), strict=True):
            name = str(REASONS[int(number)])
            found.after.reasons[name] = found.after.reasons.get(name, 0) + int(count)

    def _move(self, table: pa.Table, side: str, before: SideColumns, after: SideColumns) -> None:
        """Note the money of a side that moves: under the account and the day it had, and under those it has now where they are others."""
        batch_id = table["batch_id"].to_numpy()
        stays = (before.account_id == after.account_id) & (before.local_day == after.local_day)
        nothing = np.zeros(len(table), np.int64)
        was, now = (np.where(each.is_counted, each.amount, 0) for each in (before, after))
        self._note(side, before, batch_id, before.is_counted | (after.is_counted & stays), was, np.where(stays, now, 0))
        self._note(side, after, nothing, after.is_counted & ~stays, nothing, now)
        parts = self._found.moved[side]
        if len(parts) > MOVED_PARTS_MAX:
            parts[:] = [rollup.merge(parts, MOVED_KEYS)]

    def _note(self, side: str, whose: SideColumns, batch_id: Ints, counted: Bools, was: Ints, now: Ints) -> None:
        rows = np.flatnonzero(counted)
        if not len(rows):
            return
        keys = {
            "batch_id": batch_id[rows],
            "account_id": whose.account_id[rows],
            "local_day": whose.local_day[rows].astype(np.int64),
        }
        sums = {"records": np.ones(len(rows), np.int64), "before": was[rows], "after": now[rows]}
        self._found.moved[side].append(rollup.fold(keys, sums))

    def _begin_writing(self, file: pq.ParquetFile, group: int) -> None:
        """Open the new files and take over the row groups before this one, in which nothing changes."""
        work, names = self._work, dict[str, Any]()
        names |= {"tenant_id": work.tenant_id, "batch_id": work.batch_id, "attempt": work.attempt}
        names |= {"part": self._piece.number, "received_on": work.received_on}
        self._rated = SegmentWriter(**names, kind="rated")
        self._rejects = SegmentWriter(**names, kind="reject")
        for earlier in range(group):
            self._copy(read_rows(file, earlier))

    def _copy(self, table: pa.Table) -> None:
        """Take rows over as they are."""
        if self._rated is not None:
            self._rated.add(as_stored(table))
            self._found.kept += len(table)

    def _write(self, table: pa.Table, anew: _Anew, changed: Bools, first: int) -> None:
        if self._rated is None or self._rejects is None:
            raise RuntimeError("nothing is written before the files are open")
        lost = anew.lost
        if lost.any():
            self._rejects.add(reject_rows(_rejects(table, anew), self._work.batch_id))
        columns = {name: table[name].chunk(0) for name in table.column_names}
        is_new = np.zeros(len(table), np.bool_)
        # Of records told anew both sides are: what a side's number is stands beside the record's own, which may be another now.
        names = [*PRICED, *(_RULED if anew.told is not None else ())]
        for side, each in anew.sides.items():
            taken = np.flatnonzero(each.differs if anew.told is None else changed[each.rows])
            if not len(taken):
                continue
            at = each.rows[taken]
            is_new[at] = True
            for name in names:
                columns[f"{side}_{name}"] = _spliced(
                    columns[f"{side}_{name}"], each.priced.columns[f"{side}_{name}"], at, taken
                )
        if anew.told is not None:
            self._splice_record(columns, anew.told, changed)
        at = np.flatnonzero(is_new)
        version = pa.array([self._work.pinned.version], pa.string()).dictionary_encode()
        columns["snapshot_version"] = _spliced(columns["snapshot_version"], version, at, np.zeros(len(at), np.int64))
        rows = as_stored(pa.table(columns))
        if lost.any():
            rows = rows.filter(pa.array(~lost))
            self._is_kept[first : first + len(table)] = ~lost
        self._rated.add(rows)
        self._found.kept += len(rows)

    def _splice_record(self, columns: dict[str, pa.Array], told: Told, changed: Bools) -> None:
        """Give the changed records their numbers, tags and names of rules."""
        taken = np.flatnonzero(changed[told.rows])
        at = told.rows[taken]
        for name, new in told.columns.items():
            old = columns[name]
            columns[name] = _spliced(old, new, at, taken)
            self._has_other_numbers |= name in NUMBERS and not columns[name].equals(old)


def _rejects(table: pa.Table, anew: _Anew) -> pa.Table:
    """The records that are lost, as rejects."""
    rows = np.flatnonzero(anew.lost)
    reasons = [str(REASONS[number]) for number in anew.reason[rows].tolist()]
    if anew.told is None:
        details = reject_details(table, rows, anew.reason)
    else:
        details = reject_details(anew.told.events, np.flatnonzero(anew.told.reason != 0), anew.told.reason)
    return reject_table(rows_of(table, rows), reasons, details)


def _has_linked(old: Path, new: Path) -> bool:
    """Whether the indexes of the old segment are the new one's too, without a copy. False where the file system does not have that."""
    try:
        for suffix in INDEX_SUFFIXES:
            os.link(old.with_name(old.name + suffix), new.with_name(new.name + suffix))
    except OSError:
        for suffix in INDEX_SUFFIXES:
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        return False
    fsync_folder(new.parent)
    return True


def _may_hold(file: pq.ParquetFile, group: int, asked: Asked) -> bool:
    """Whether a row group may hold a record of the period, by what the file says of it."""
    if asked.start_from is None and asked.start_to is None:
        return True
    said = file.metadata.row_group(group)
    column = said.column(file.schema_arrow.get_field_index("start"))
    bounds = column.statistics
    if bounds is None or not bounds.has_min_max or column.path_in_schema != "start":
        return True
    return (asked.start_from is None or bounds.max >= asked.start_from) and (
        asked.start_to is None or bounds.min < asked.start_to
    )


def _fits(table: pa.Table, asked: Asked) -> Bools:
    """Which records are asked for, by start and called number."""
    fits = np.ones(len(table), np.bool_)
    start = table["start"].chunk(0).cast(pa.int64()).to_numpy()
    if asked.start_from is not None:
        fits &= start >= _milliseconds(asked.start_from)
    if asked.start_to is not None:
        fits &= start < _milliseconds(asked.start_to)
    if asked.code:
        fits &= pc.starts_with(table["called"].chunk(0), asked.code).to_numpy(zero_copy_only=False)
    return fits


def _milliseconds(instant: datetime) -> int:
    # Starts are kept to the millisecond; a bound that is finer takes effect with the next one.
    return -((EPOCH - instant) // timedelta(milliseconds=1))


def _is_meant(table: pa.Table, side: str, work: RerateWork) -> Bools:
    """Of which records this side is asked for, by account and tariff. A side without an account has no price."""
    account = _whole(table[f"{side}_account_id"])
    meant: Bools = account > 0
    if work.asked.account_id is not None:
        meant &= account == work.asked.account_id
    if work.asked.tariff_id is not None:
        used = _whole(table[f"{side}_tariff_id"]) == work.asked.tariff_id
        meant &= used | np.isin(account, np.array(work.holders.get(side, ()), np.int64))
    return meant


def _whole(column: pa.ChunkedArray | pa.Array) -> Ints:
    """A column of whole numbers or days; 0 where null."""
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_date32(array.type):
        array = array.cast(pa.int32())
    values = array.fill_null(0).to_numpy() if array.null_count else array.to_numpy()
    return values.astype(np.int64, copy=False)


def _texts(column: pa.ChunkedArray | pa.Array) -> NDArray[np.object_]:
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    return np.array([None, *array.dictionary.to_pylist()], object)[array.indices.fill_null(-1).to_numpy() + 1]


def _differs(table: pa.Table, side: Side, rows: Ints, old: SideColumns, priced: SideColumns) -> Bools:
    """Of which of these rows the side is not what is stored."""
    differs = priced.is_counted != old.is_counted
    for name in ("account_id", "rate_id", "destination_id", "billed", "amount", "base_amount"):
        differs |= getattr(priced, name) != getattr(old, name)
    for name in ("tariff_id", "rate_date"):
        differs |= _whole(priced.columns[f"{side}_{name}"]) != _whole(table[f"{side}_{name}"])[rows]
    new, kept = priced.columns[f"{side}_tariff_amount"], table[f"{side}_tariff_amount"]
    differs |= amount_units(new) != amount_units(kept)[rows]
    new, kept = priced.columns[f"{side}_exchange_rate"], table[f"{side}_exchange_rate"]
    if new.null_count < len(new) or kept.null_count < len(kept):
        differs |= _texts(new) != _texts(kept)[rows]
    return differs


def stored_side(table: pa.Table, side: str, rows: Ints) -> SideColumns:
    """One side of some rows as it is stored; `columns` stay out."""

    def of(name: str) -> Ints:
        return _whole(table[f"{side}_{name}"])[rows]

    account = table[f"{side}_account_id"].chunk(0).fill_null(-1).to_numpy()
    return SideColumns(
        columns={},
        reason=np.zeros(len(rows), np.int8),
        account_id=account[rows],
        is_counted=of("state") == 1,
        local_day=of("local_day").astype(np.int32),
        rate_id=of("rate_id"),
        destination_id=of("destination_id"),
        billed=of("billed"),
        amount=amount_units(table[f"{side}_amount"])[rows],
        base_amount=amount_units(table[f"{side}_base_amount"])[rows],
    )


def _replaced(old: SideColumns, again: _Again) -> SideColumns:
    """A side of all rows, with what was told or priced again where it differs."""
    at, taken = again.rows[again.differs], again.differs
    new: dict[str, Any] = {}
    for name in (
        "account_id",
        "local_day",
        "is_counted",
        "rate_id",
        "destination_id",
        "billed",
        "amount",
        "base_amount",
    ):
        new[name] = getattr(old, name).copy()
        new[name][at] = getattr(again.priced, name)[taken]
    return SideColumns(columns={}, reason=old.reason, **new)


def _counting(side: SideColumns, is_counted: Bools) -> SideColumns:
    """The side, of which just these rows are counted. The money of the others is not, in the hours either."""
    return SideColumns(
        columns={},
        reason=side.reason,
        account_id=side.account_id,
        is_counted=is_counted,
        local_day=side.local_day,
        rate_id=side.rate_id,
        destination_id=side.destination_id,
        billed=side.billed,
        amount=side.amount,
        base_amount=side.base_amount,
    )


def _spliced(old: pa.Array, new: pa.Array, at: Ints, taken: Ints) -> pa.Array:
    """The old column with the rows `taken` of the new one at the places `at`."""
    where = np.arange(len(old))
    where[at] = len(old) + taken
    if not pa.types.is_dictionary(old.type):
        return pa.concat_arrays([old, new.cast(old.type)]).take(pa.array(where))
    both = pa.chunked_array([old, new.cast(old.type)]).unify_dictionaries()
    indices = pa.concat_arrays([each.indices for each in both.chunks]).take(pa.array(where))
    return pa.DictionaryArray.from_arrays(indices, both.chunk(0).dictionary)
