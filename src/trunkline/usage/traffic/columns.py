"""The traffic rules for whole columns: the records of a chunk go through a stage together, rule after rule.

What a record carries is kept as small numbers of sets that occur (of tags, of rules that fitted), so a rule costs its conditions and little
else. `scalar` says the same of one record, as plainly as docs/algorithms/traffic-rules.md reads; a property test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine.clock import OUTSIDE, windows_from
from trunkline.engine.prefix import KEY_DIGITS, POWERS, DigitTexts, PrefixTable
from trunkline.engine.zone import to_local
from trunkline.parties.kinds import Side
from trunkline.usage.decode.numbers import is_number
from trunkline.usage.decode.profile import Party
from trunkline.usage.traffic.jurisdiction import JURISDICTIONS, digits_of_column, jurisdictions
from trunkline.usage.traffic.kinds import Stage, Then
from trunkline.usage.traffic.rule import (
    Action,
    Add,
    Replace,
    RouteBy,
    Rule,
    RuleBook,
    Strip,
    Tag,
    Untag,
    lies_in,
    tags_text,
    whole,
)

V = TypeVar("V", bound=Hashable)
Rows = NDArray[np.intp]
Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

NO_DENIAL: Final = 0
DENIED: Final = 1
EMPTIED: Final = 2  # an action would have left no number
_FEW_PREFIXES: Final = 3  # so many are compared one by one; measured, a table costs as much as four comparisons


class Numbered(Generic[V]):
    """Values that occur, numbered from 0 in the order in which they first did; 0 is `first`."""

    def __init__(self, first: V) -> None:
        self.values: list[V] = [first]
        self._number: dict[V, int] = {first: 0}

    def number(self, value: V) -> int:
        found = self._number.get(value)
        if found is None:
            found = self._number[value] = len(self.values)
            self.values.append(value)
        return found

    def change(self, numbers: Int32s, rows: Rows, change: Callable[[V], V]) -> None:
        """Change the values of some rows."""
        now = numbers[rows]
        present = np.flatnonzero(np.bincount(now, minlength=1))
        lookup = np.zeros(int(present[-1]) + 1 if len(present) else 1, np.int32)
        for each in present.tolist():
            lookup[each] = self.number(change(self.values[each]))
        numbers[rows] = lookup[now]


@dataclass(slots=True)
class Known:
    """What is known of the records besides their numbers: dictionary columns as (place of each row, values, None last)."""

    start_ms: Int64s
    named: dict[str, tuple[NDArray[Any], list[str | None]]]

    @classmethod
    def of(cls, events: pa.Table) -> Known:
        names = ("service", "trunk_in", "trunk_out", "source_ip")
        return cls(events["start"].cast(pa.int64()).to_numpy(), {name: _placed(events[name]) for name in names})


def _placed(column: pa.ChunkedArray) -> tuple[NDArray[Any], list[str | None]]:
    array = column.unify_dictionaries().combine_chunks()
    values: list[str | None] = [*array.dictionary.to_pylist(), None]
    return array.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False), values


@dataclass(frozen=True, slots=True)
class Rated:
    """What stage `after_rate` knows of the price of each record. `code` is a dictionary column."""

    destination_id: Int64s
    code: pa.Array


@dataclass(slots=True)
class Carried:
    """What the records carry through the stages, row for row. Changed in place; columns of text are replaced.

    `tags` and `path` are numbers of `Interned`; `denial` is one of the constants above, `denied_by` the place of the rule in
    the book, -1 none.
    """

    calling: pa.Array
    called: pa.Array
    routing: pa.Array | None  # "" where there is none; None: nowhere
    tags: Int32s
    path: Int32s
    denial: NDArray[np.int8]
    denied_by: Int32s
    _digits: dict[Party, DigitTexts] = field(default_factory=dict)
    _jurisdiction: NDArray[np.int8] | None = None

    @classmethod
    def begin(cls, calling: pa.Array, called: pa.Array) -> Carried:
        size = len(calling)
        return cls(
            calling,
            called,
            None,
            np.zeros(size, np.int32),
            np.zeros(size, np.int32),
            np.zeros(size, np.int8),
            np.full(size, -1, np.int32),
        )

    def copy(self) -> Carried:
        """The copy of one side."""
        return Carried(
            self.calling,
            self.called,
            self.routing,
            self.tags.copy(),
            self.path.copy(),
            self.denial.copy(),
            self.denied_by.copy(),
            dict(self._digits),
            self._jurisdiction,
        )

    def number(self, party: Party) -> pa.Array:
        return self.called if party is Party.CALLED else self.calling

    def set_number(self, party: Party, numbers: pa.Array) -> None:
        if party is Party.CALLED:
            self.called = numbers
        else:
            self.calling = numbers
        self._digits.pop(party, None)
        self._jurisdiction = None

    def set_routing(self, numbers: pa.Array) -> None:
        self.routing, self._jurisdiction = numbers, None

    @property
    def priced_number(self) -> pa.Array:
        """The routing number, or the called number where there is none."""
        if self.routing is None:
            return self.called
        return pc.if_else(pc.equal(self.routing, ""), self.called, self.routing)

    def digits(self, party: Party) -> DigitTexts:
        found = self._digits.get(party)
        if found is None:
            found = self._digits[party] = digits_of_column(self.number(party))
        return found

    def jurisdiction(self) -> NDArray[np.int8]:
        if self._jurisdiction is None:
            called = self.digits(Party.CALLED) if self.routing is None else digits_of_column(self.priced_number)
            self._jurisdiction = jurisdictions(self.digits(Party.CALLING), called)
        return self._jurisdiction


@dataclass(slots=True)
class Stages:
    """The rules of a book with the sets that occur in one chunk. `paths` are the places of rules in the book."""

    book: RuleBook
    known: Known
    tag_sets: Numbered[frozenset[str]] = field(default_factory=lambda: Numbered(frozenset()))
    paths: Numbered[tuple[int, ...]] = field(default_factory=lambda: Numbered(()))

    def go_through(
        self,
        stage: Stage,
        carried: Carried,
        rows: Rows,
        *,
        side: Side | None = None,
        account_id: Int64s | None = None,
        rated: Rated | None = None,
    ) -> None:
        """Take those rows through a stage. `account_id` is of the side, -1 none; `rated` is for `after_rate`."""
        rows = rows[carried.denial[rows] == NO_DENIAL]
        for place, rule in enumerate(self.book.rules):
            if rule.stage is not stage or not rule.side.covers(side):
                continue
            if not len(rows):
                return
            fits = _fitting(self, rule, carried, rows, account_id, rated)
            if not len(fits):
                continue
            self.paths.change(carried.path, fits, lambda path, place=place: (*path, place))  # type: ignore[misc]
            for action in rule.actions:
                fits = self._act(action, place, carried, fits)
            if rule.then is Then.DENY:
                carried.denial[fits], carried.denied_by[fits] = DENIED, place
            if rule.then is Then.ALLOW:
                rows = np.setdiff1d(rows, fits, assume_unique=True)
            rows = rows[carried.denial[rows] == NO_DENIAL]

    def _act(self, action: Action, place: int, carried: Carried, rows: Rows) -> Rows:
        """Carry an action out; the rows that go on."""
        match action:
            case Tag() | Untag():
                self.tag_sets.change(carried.tags, rows, action.apply)
            case RouteBy(pattern, put):
                called = carried.called.take(pa.array(rows))
                fits = _mask(pc.match_substring_regex(called, pattern=whole(pattern)))
                routed = _replaced(called.filter(pa.array(fits)), pattern, put)
                return self._put(carried, None, rows, rows[fits], routed, place)
            case Strip(party, count):
                number = carried.number(party).take(pa.array(rows))
                return self._put(carried, party, rows, rows, pc.utf8_slice_codeunits(number, count), place)
            case Add(party, more):
                number = carried.number(party).take(pa.array(rows))
                added = pc.binary_join_element_wise(more, number, "")
                if party is Party.CALLING:  # a withheld number stays withheld
                    added = pc.if_else(pc.equal(number, ""), "", added)
                return self._put(carried, party, rows, rows, added, place)
            case Replace(party, pattern, put):
                number = carried.number(party).take(pa.array(rows))
                return self._put(carried, party, rows, rows, _replaced(number, pattern, put), place)
        return rows

    def _put(self, carried: Carried, party: Party | None, rows: Rows, at: Rows, numbers: pa.Array, place: int) -> Rows:
        """Set the numbers of the rows `at` (None: the routing numbers), which are some of `rows`; the rows that go on."""
        is_good = is_number(numbers)
        if party is Party.CALLING:  # what is none counts as withheld
            _scatter(carried, party, at, pc.if_else(pa.array(is_good), numbers, ""))
            return rows
        bad = at[~is_good]
        carried.denial[bad], carried.denied_by[bad] = EMPTIED, place
        _scatter(carried, party, at[is_good], numbers.filter(pa.array(is_good)))
        return rows[carried.denial[rows] == NO_DENIAL]

    def tags_column(self, numbers: Int32s) -> pa.Array:
        """Tags as records keep them."""
        return _dictionary(numbers, [tags_text(tags) for tags in self.tag_sets.values])

    def rule_names(self, places: Sequence[int]) -> str | None:
        """The names of rules as records keep them, each once."""
        return ",".join(self.book.rules[place].name for place in dict.fromkeys(places)) or None


def _replaced(numbers: pa.Array, pattern: str, put: str) -> pa.Array:
    return pc.replace_substring_regex(numbers, pattern=whole(pattern), replacement=put, max_replacements=1)


def _scatter(carried: Carried, party: Party | None, rows: Rows, numbers: pa.Array) -> None:
    """Put numbers at those rows, which ascend."""
    if not len(rows):
        return
    size = len(carried.called)
    is_meant = np.zeros(size, np.bool_)
    is_meant[rows] = True
    if party is not None:
        carried.set_number(party, pc.replace_with_mask(carried.number(party), pa.array(is_meant), numbers))
        return
    before = carried.routing if carried.routing is not None else pa.array([""]).take(pa.array(np.zeros(size, np.int64)))
    carried.set_routing(pc.replace_with_mask(before, pa.array(is_meant), numbers))


def _dictionary(numbers: Int32s, texts: Sequence[str | None]) -> pa.Array:
    """A dictionary column of texts by their number; None is null."""
    is_null = np.array([text is None for text in texts], np.bool_)
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers, mask=is_null[numbers]), pa.array([text or "" for text in texts], pa.string())
    )


def _mask(column: pa.Array) -> Bools:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)


def _fitting(
    stages: Stages, rule: Rule, carried: Carried, rows: Rows, account_id: Int64s | None, rated: Rated | None
) -> Rows:
    """Of the rows those that fulfil every condition of the rule, in the order of rule 3: the cheap ones first."""
    said, known = rule.conditions, stages.known
    if rule.valid_from_ms is not None:
        rows = rows[known.start_ms[rows] >= rule.valid_from_ms]
    if rule.valid_to_ms is not None:
        rows = rows[known.start_ms[rows] < rule.valid_to_ms]
    if said.time_profiles and len(rows):
        rows = rows[windows_from(rule.windows, to_local(known.start_ms[rows] // 1000, rule.zone)) != OUTSIDE]
    if rule.account_id is not None and account_id is not None:
        rows = rows[account_id[rows] == rule.account_id]
    if (said.account_tags or said.not_account_tags) and account_id is not None:
        rows = rows[np.isin(account_id[rows], list(rule.account_ids))]
    for name, wanted in (("service", said.services), ("trunk_in", said.trunks_in), ("trunk_out", said.trunks_out)):
        if wanted:
            rows = _where_named(known, name, rows, lambda value, wanted=wanted: value in wanted)  # type: ignore[misc]
    if said.source_ips:
        rows = _where_named(known, "source_ip", rows, lambda value: lies_in(value, said.source_ips))
    if said.tags or said.not_tags:
        all_of, none_of = frozenset(said.tags), frozenset(said.not_tags)
        has = np.array([all_of <= tags and not none_of & tags for tags in stages.tag_sets.values], np.bool_)
        rows = rows[has[carried.tags[rows]]]
    for party, prefixes, is_wanted in (
        (Party.CALLED, said.called_begins, True),
        (Party.CALLED, said.called_not_begins, False),
        (Party.CALLING, said.calling_begins, True),
        (Party.CALLING, said.calling_not_begins, False),
    ):
        if prefixes and len(rows):
            rows = rows[_begins(carried.digits(party), rows, prefixes) == is_wanted]
    for party, pattern in ((Party.CALLED, said.called_pattern), (Party.CALLING, said.calling_pattern)):
        if pattern and len(rows):
            numbers = carried.number(party).take(pa.array(rows))
            rows = rows[_mask(pc.match_substring_regex(numbers, pattern=whole(pattern)))]
    if said.jurisdictions and len(rows):
        wanted_ones = [place for place, each in enumerate(JURISDICTIONS) if each in said.jurisdictions]
        rows = rows[np.isin(carried.jurisdiction()[rows], wanted_ones)]
    if rated is not None:
        rows = _with_price(rule, rated, rows)
    return rows


def _with_price(rule: Rule, rated: Rated, rows: Rows) -> Rows:
    said = rule.conditions
    if said.destinations or said.countries:
        rows = rows[np.isin(rated.destination_id[rows], list(rule.destination_ids))]
    if said.codes:
        begins = np.array([*(code.startswith(said.codes) for code in rated.code.dictionary.to_pylist()), False])
        place = rated.code.indices.fill_null(len(begins) - 1).to_numpy(zero_copy_only=False)
        rows = rows[begins[place[rows]]]
    return rows


def _where_named(known: Known, name: str, rows: Rows, fits: Callable[[str | None], bool]) -> Rows:
    place, values = known.named[name]
    return rows[np.array([bool(value) and fits(value) for value in values], np.bool_)[place[rows]]]


def _begins(digits: DigitTexts, rows: Rows, prefixes: tuple[str, ...]) -> Bools:
    """Whether each number begins with one of the prefixes."""
    keys, lengths = digits.keys[rows], digits.lengths[rows]
    if len(prefixes) > _FEW_PREFIXES:
        return np.asarray(_prefix_table(prefixes).match(keys, lengths) >= 0)
    found = np.zeros(len(rows), np.bool_)
    for prefix in prefixes:
        first = int(prefix.ljust(KEY_DIGITS, "0"))
        found |= (keys >= first) & (keys < first + POWERS[KEY_DIGITS - len(prefix)]) & (lengths >= len(prefix))
    return found


@lru_cache(maxsize=1000)
def _prefix_table(prefixes: tuple[str, ...]) -> PrefixTable:
    ordered = sorted(set(prefixes), key=lambda prefix: (int(prefix.ljust(KEY_DIGITS, "0")), len(prefix)))
    keys = np.array([int(prefix.ljust(KEY_DIGITS, "0")) for prefix in ordered], np.int64)
    return PrefixTable.build(keys, np.array([len(prefix) for prefix in ordered], np.int8))
