"""The traffic rules in the walk of a usage file: what `chunkwork` and `sides` ask of them, for one chunk.

A chunk of a tenant without rules never comes here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine.schema import Outcome
from trunkline.parties.kinds import Side
from trunkline.usage.decode.numbers import is_number, normalise, rules_for
from trunkline.usage.decode.profile import NumberRule, Party
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import EVENTS
from trunkline.usage.traffic.columns import EMPTIED, NO_DENIAL, Carried, Int32s, Int64s, Known, Rated, Rows, Stages
from trunkline.usage.traffic.kinds import Stage
from trunkline.usage.traffic.rule import RuleBook, read_tags, tags_text

# The columns of a record that the rules fill; null where they had nothing to say.
RECORD_COLUMNS: Final = ("tags", "rules")
DENIED_BY: Final = "rule"  # of the chunk alone: the name of the rule that rejected the record

_REASONS: Final = {EMPTIED: Reason.BAD_NUMBER}  # any other denial is the rule's own


def numbers_again(events: pa.Table, number_rules: tuple[NumberRule, ...]) -> pa.Table:
    """Stored records with calling and called number as decoding made them, before traffic rules and without a tech prefix cut off.

    Whoever prices stored records once more (`price_sides`) begins with this: stage `before_identification` must not see what it made itself.
    A raw number that is null is the number. What else was made of the records goes.
    """
    events = events.select(EVENTS.names)
    for name, party in (("calling", Party.CALLING), ("called", Party.CALLED)):
        raw = pc.coalesce(_array(events[f"{name}_raw"]), _array(events[name]))
        made = normalise(raw, rules_for(number_rules, party))
        made = pc.if_else(pa.array(is_number(made)), made, "")
        for column, values in ((name, made), (f"{name}_raw", raw)):
            events = events.set_column(events.column_names.index(column), column, values)
    return events


@dataclass(slots=True)
class SideWalk:
    """One side of a chunk on its way to its price."""

    side: Side
    stages: Stages
    carried: Carried
    account_id: Int64s

    @property
    def tag_sets(self) -> list[frozenset[str]]:
        """The sets of tags that occur, for `engine.rate`."""
        return self.stages.tag_sets.values

    def tag_set(self, rows: Rows) -> pa.Array:
        """The place of each row's tags in `tag_sets`; null without any."""
        tags = self.carried.tags[rows]
        return pa.array(tags, mask=tags == 0)

    def numbers(self, rows: Rows) -> pa.Array:
        """The numbers by which rows are priced."""
        return self.carried.priced_number.take(pa.array(rows))

    def after_rate(self, priced: pa.Table, rows: Rows, price: Callable[[Rows], pa.Table]) -> pa.Table:
        """Take priced rows through stage `after_rate`, and price once more those whose number or tags it changed.

        `priced` and what `price` gives are of PRICED_SCHEMA, row for row as `rows`.
        """
        book = self.stages.book
        if not book.of(Stage.AFTER_RATE, self.side):
            return priced
        outcome = priced["outcome"].to_numpy()
        rated = np.flatnonzero(outcome == Outcome.RATED)
        if not len(rated):
            return priced
        number, tags = self.carried.priced_number, self.carried.tags.copy()
        self.stages.go_through(
            Stage.AFTER_RATE,
            self.carried,
            rows[rated],
            side=self.side,
            account_id=self.account_id,
            rated=self._spread(priced, rows),
        )
        is_other = self.carried.tags[rows] != tags[rows]
        if self.carried.priced_number is not number:
            same = pc.equal(self.carried.priced_number, number).to_numpy(zero_copy_only=False)
            is_other |= ~same.astype(np.bool_)[rows]
        again = np.flatnonzero(is_other)
        if not len(again):
            return priced
        places = np.arange(len(rows))
        places[again] = len(rows) + np.arange(len(again))
        both = pa.concat_tables([priced, price(rows[again])]).unify_dictionaries()
        return both.take(pa.array(places)).combine_chunks()

    def _spread(self, priced: pa.Table, rows: Rows) -> Rated:
        size = len(self.account_id)
        destination = np.zeros(size, np.int64)
        destination[rows] = priced["destination_id"].fill_null(0).to_numpy()
        code = priced["code"].unify_dictionaries().combine_chunks()
        place = np.full(size, -1, np.int32)
        place[rows] = code.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return Rated(destination, pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), code.dictionary))

    def columns(self, called: pa.ChunkedArray) -> dict[str, pa.Array]:
        """What the record keeps of this side, given its called numbers."""
        number = self.carried.priced_number
        other = pc.if_else(pc.equal(number, _array(called)), pa.scalar(None, pa.string()), number)
        return {"tags": self.stages.tags_column(self.carried.tags), "number": other}


@dataclass(frozen=True, slots=True)
class StoredWalk:
    """One side of stored records on its way to another price: with the number and the tags that the rules left it with when it was rated."""

    tag_sets: list[frozenset[str]]
    _tags: pa.DictionaryArray
    _number: pa.Array
    _called: pa.Array

    @classmethod
    def of(cls, records: pa.Table, side: str) -> StoredWalk | None:
        """Of complete rows of a segment; None where no rule had to do with them."""
        tags, number = _array(records[f"{side}_tags"]), _array(records[f"{side}_number"])
        if tags.null_count == number.null_count == len(records):
            return None
        sets = [read_tags(text) for text in tags.dictionary.to_pylist()]
        return cls(sets, tags, number, _array(records["called"]))

    def tag_set(self, rows: Rows) -> pa.Array:
        """The place of each row's tags in `tag_sets`; null without any."""
        return self._tags.indices.take(pa.array(rows))

    def numbers(self, rows: Rows) -> pa.Array:
        """The numbers by which rows are priced."""
        return pc.coalesce(self._number, self._called).take(pa.array(rows))

    def after_rate(self, priced: pa.Table, rows: Rows, price: Callable[[Rows], pa.Table]) -> pa.Table:
        """The priced rows: what their destination has to say in tags, it said when they were rated."""
        return priced

    def columns(self, called: pa.ChunkedArray) -> dict[str, pa.Array]:
        """What the records keep of this side."""
        return {"tags": self._tags, "number": self._number}


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


@dataclass(slots=True)
class ChunkWalk:
    """A chunk on its way through the rules: first as records, then side by side.

    `before_identification`, `after_prefix_cut`, `side` for each side, `finish`: in this order.
    """

    stages: Stages
    carried: Carried
    _first: Carried
    _sides: dict[Side, SideWalk] = field(default_factory=dict)

    @classmethod
    def begin(cls, book: RuleBook, events: pa.Table) -> ChunkWalk:
        """Of decoded events, one chunk of rows."""
        carried = Carried.begin(_array(events["calling"]), _array(events["called"]))
        return cls(Stages(book, Known.of(events)), carried, carried.copy())

    def before_identification(self, events: pa.Table) -> pa.Table:
        """The events with the numbers by which they are identified."""
        if not self.stages.book.of(Stage.BEFORE_IDENTIFICATION):
            return events
        self._go_through_first(np.arange(len(events)))
        return self._with_numbers(events)

    def after_prefix_cut(self, events: pa.Table, is_cut: NDArray[np.bool_]) -> pa.Table:
        """The events with the numbers that they keep: where a tech prefix was cut off, the stage is gone through once more."""
        rows = np.flatnonzero(is_cut)
        if not len(rows) or not self.stages.book.of(Stage.BEFORE_IDENTIFICATION):
            self.carried.set_number(Party.CALLED, _array(events["called"]))
            return events
        again, before = self._first.copy(), self.carried
        again.set_number(Party.CALLED, _array(events["called"]))
        self.carried = again
        self._go_through_first(rows)
        self.carried = _either(is_cut, again, before)
        return self._with_numbers(events)

    def _go_through_first(self, rows: Rows) -> None:
        self.stages.go_through(Stage.BEFORE_IDENTIFICATION, self.carried, rows)

    def _with_numbers(self, events: pa.Table) -> pa.Table:
        for name, numbers in (("calling", self.carried.calling), ("called", self.carried.called)):
            events = events.set_column(events.column_names.index(name), name, numbers)
        return events

    def side(self, side: Side, account_id: Int64s) -> SideWalk:
        """One side, gone through stage `after_account`. `account_id` is -1 where there is none."""
        found = SideWalk(side, self.stages, self.carried.copy(), account_id)
        self.stages.go_through(
            Stage.AFTER_ACCOUNT, found.carried, np.flatnonzero(account_id >= 0), side=side, account_id=account_id
        )
        self._sides[side] = found
        return found

    def finish(self, events: pa.Table, reason: NDArray[np.int8], numbers: dict[Reason | None, int]) -> pa.Table:
        """The events with what records keep of the rules; denials are put into `reason`, `numbers` of which is each reason's.

        A record of quantity zero is not rejected.
        """
        used = events["quantity"].to_numpy() > 0
        sides = [self._sides[side].carried for side in Side]
        denial, by = self.carried.denial.copy(), self.carried.denied_by.copy()
        for carried in sides:
            first = denial == NO_DENIAL
            denial[first], by[first] = carried.denial[first], carried.denied_by[first]
        rejected = np.flatnonzero(used & (denial != NO_DENIAL))
        for kind in np.unique(denial[rejected]).tolist():
            here = rejected[denial[rejected] == kind]
            reason[here] = numbers[_REASONS.get(kind, Reason.DENIED_BY_RULE)]
        rules = self.stages.book.rules
        names = pa.DictionaryArray.from_arrays(
            pa.array(by, mask=by < 0), pa.array([rule.name for rule in rules], pa.string())
        )
        return (
            events.append_column("tags", self._joined([each.tags for each in sides], self._tags))
            .append_column("rules", self._joined([each.path for each in sides], self._names))
            .append_column(DENIED_BY, names)
        )

    def _joined(self, numbers: list[Int32s], text: Callable[[int, int], str | None]) -> pa.Array:
        """A dictionary column of a text of each pair of numbers, of sell and buy."""
        sell, buy = (each.astype(np.int64) for each in numbers)
        encoded = pa.array(sell << 32 | buy).dictionary_encode()
        texts = [text(pair >> 32, pair & 0xFFFFFFFF) for pair in encoded.dictionary.to_pylist()]
        is_null = np.array([each is None for each in texts], np.bool_)
        place = encoded.indices.to_numpy()
        return pa.DictionaryArray.from_arrays(
            pa.array(place, mask=is_null[place]), pa.array([each or "" for each in texts], pa.string())
        )

    def _tags(self, sell: int, buy: int) -> str | None:
        sets = self.stages.tag_sets.values
        return tags_text(sets[sell] | sets[buy])

    def _names(self, sell: int, buy: int) -> str | None:
        paths = self.stages.paths.values
        return self.stages.rule_names([*paths[sell], *paths[buy]])


def _either(is_first: NDArray[np.bool_], first: Carried, other: Carried) -> Carried:
    """The rows of `first` where that is marked, those of `other` elsewhere."""
    mask = pa.array(is_first)
    routing = None
    if first.routing is not None or other.routing is not None:
        ours, theirs = ("" if each.routing is None else each.routing for each in (first, other))
        routing = pc.if_else(mask, ours, theirs)
    arrays = (
        np.where(is_first, getattr(first, name), getattr(other, name))
        for name in ("tags", "path", "denial", "denied_by")
    )
    return Carried(
        pc.if_else(mask, first.calling, other.calling), pc.if_else(mask, first.called, other.called), routing, *arrays
    )
