"""Compiled tariffs side by side, ready to be asked by many threads at once: the prices that a batch pins.

A snapshot numbers the rates of all its tariffs through, so that one gather prices rows of many tariffs. A *shelf* is
the regular or the additive book of a tariff with its place in that numbering and what is compiled on demand: for one
state of the clock, one set of tags and one length of number, the rate in force of every code. Those tables are plain
arrays of one entry a code, kept while there is room and made again in about a millisecond where not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS
from trunkline.engine.clock import NO_PROFILE, OUTSIDE, Clock
from trunkline.engine.scalar import ScalarTariff
from trunkline.engine.schema import Tariff
from trunkline.engine.tariff import NO_CAP, Book, CompiledTariff, Indices, Ints, Terms, compile_tariff
from trunkline.engine.units import Unit

NO_RATE: Final = -1
_TABLE_OCTETS: Final = 192 * 2**20
_NO_TAGS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """The rate of every code of a shelf in one state, int32 in the snapshot's numbering, NO_RATE for none.

    One entry more than codes, NO_RATE, so that the index -1, no code, finds none. `at_start` falls back to shorter
    codes and holds blocked rates; `later` is of exactly the code and leaves blocked rates out (rules 4 and 6).
    """

    at_start: Indices
    later: Indices

    @property
    def octets(self) -> int:
        return self.at_start.nbytes + self.later.nbytes


class _Kept:
    """Made things by key, the longest unused dropped first when they weigh too much. Safe for several threads."""

    def __init__(self, octets: int) -> None:
        self._room = octets
        self._lock = Lock()
        self._things: OrderedDict[tuple[int, ...], InForce] = OrderedDict()

    def get(self, key: tuple[int, ...], make: Callable[[], InForce]) -> InForce:
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
                return thing
        thing = make()  # two threads may make the same: equal, and rarer than waiting for each other would be
        with self._lock:
            if key not in self._things:
                self._things[key] = thing
                self._room -= thing.octets
                while self._room < 0 and len(self._things) > 1:
                    self._room += self._things.popitem(last=False)[1].octets
        return thing


class Shelf:
    """A book in its place: codes, rates and terms count from `first_code`, `first_rate`, `first_term`."""

    def __init__(
        self, number: int, compiled: CompiledTariff, book: Book, firsts: tuple[int, int, int], kept: _Kept
    ) -> None:
        # Not the book itself: its prices live on in `PriceColumns` only.
        self.number = number
        self.codes = book.codes
        self.prefixes = book.prefixes
        self.ranking = ranking = book.ranking
        self.tariff_id = compiled.tariff.id
        self.is_timed = compiled.tariff.unit is Unit.SECOND
        self.first_code, self.first_rate, self.first_term = firsts
        windows = [compiled.tariff.time_profiles[name] for name in compiled.profiles]
        self.clock = Clock(compiled.tariff.timezone, ranking.epochs_s, windows if ranking.profile is not None else ())
        self._kept = kept
        self._tag_names = compiled.tags if ranking.tag is not None else ()
        self.origins = compiled.deck if ranking.origin is not None else None
        # Kinds of origin: 0 none, then the names that rates of the tariff ask for.
        self._origin_count = 1 if ranking.origin is None else len(compiled.origins) + 1
        self._tag_kinds: dict[frozenset[str], int] = {_NO_TAGS: 0}
        self._tag_sets: list[frozenset[str]] = [_NO_TAGS]
        self._lock = Lock()
        bounds: NDArray[Any] = np.zeros(0, dtype=np.int64)
        if ranking.length_min is not None:
            bounds = np.union1d(bounds, ranking.length_min)
        if ranking.length_max is not None:
            bounds = np.union1d(bounds, ranking.length_max.astype(np.int64) + 1)
        # Numbers whose lengths lie between the same bounds meet the same rates.
        self._length_bounds = bounds.astype(np.int64)

    @property
    def has_kinds(self) -> bool:
        """Whether rates ask for tags, lengths or origins, so that `kinds` must be asked."""
        return bool(self._tag_names) or self._length_bounds.size > 0 or self._origin_count > 1

    def tag_kinds(self, tag_sets: Sequence[frozenset[str]]) -> Ints:
        """The kind of each tag set for this shelf, and behind them that of no tags."""
        names = frozenset(self._tag_names)
        kinds = []
        for tags in (*tag_sets, _NO_TAGS):
            known = tags & names
            kind = self._tag_kinds.get(known)
            if kind is None:
                with self._lock:
                    kind = self._tag_kinds.get(known)
                    if kind is None:
                        kind = len(self._tag_sets)
                        self._tag_sets.append(known)
                        self._tag_kinds[known] = kind
            kinds.append(kind)
        return np.array(kinds, dtype=np.int64)

    def kinds(
        self, number_lengths: NDArray[np.int32], tag_kinds: NDArray[np.int64] | int, origin_kinds: Indices | None = None
    ) -> Ints:
        """One number for the tags, the length and the caller's origin of each event; equal numbers meet the same rates."""
        length_kinds = np.searchsorted(self._length_bounds, number_lengths, side="right")
        kinds: Ints = length_kinds + tag_kinds * np.int64(self._length_bounds.size + 1)
        if self._origin_count > 1:
            kinds = kinds * np.int64(self._origin_count)
            kinds = kinds if origin_kinds is None else kinds + origin_kinds
        return kinds

    def origin_kinds(self, caller_keys: Ints, caller_lengths: NDArray[np.int32]) -> Indices | None:
        """The kind of each caller's origin, for `kinds`; None where rates do not ask. The key of an unknown caller is 0 and so is its length."""
        if self.origins is None:
            return None
        owner = np.append(self.origins.owner, np.int32(-1))
        return owner[self.origins.prefixes.match(caller_keys, caller_lengths)] + np.int32(1)

    def in_force(self, state: int, kind: int) -> InForce:
        """The rates in force in a state of the clock for events of a kind (see `kinds`; 0 where `has_kinds` is not)."""
        return self._kept.get((self.number, state, kind), lambda: self._make(state, kind))

    def _candidates(self, state: int, kind: int) -> tuple[NDArray[np.bool_], NDArray[np.int32] | None]:
        """Which rates are candidates (rule 1), and the `from` of the window each is in, if any rate has a profile."""
        rates, now = self.ranking, self.clock.states[state]
        is_candidate = np.ones(rates.code.size, dtype=np.bool_)
        if rates.valid_from is not None:
            is_candidate &= rates.valid_from <= now.epoch_s
        if rates.valid_to is not None:
            is_candidate &= rates.valid_to > now.epoch_s
        window_from = None
        if rates.profile is not None:
            window_from = np.array([*now.window_from, NO_PROFILE], dtype=np.int32)[rates.profile]
            is_candidate &= window_from != OUTSIDE
        kind, origin_kind = divmod(kind, self._origin_count)
        if rates.origin is not None:
            is_candidate &= (rates.origin == origin_kind - 1) | (rates.origin < 0)
        tag_kind, length_kind = divmod(kind, self._length_bounds.size + 1)
        if rates.tag is not None:
            tags = self._tag_sets[tag_kind]
            is_candidate &= np.array([*(name in tags for name in self._tag_names), True])[rates.tag]
        length = int(self._length_bounds[length_kind - 1]) if length_kind else -1
        if rates.length_min is not None:
            is_candidate &= rates.length_min <= length
        if rates.length_max is not None:
            is_candidate &= rates.length_max >= length
        return is_candidate, window_from

    def _make(self, state: int, kind: int) -> InForce:
        rates, parents = self.ranking, self.prefixes.parents
        is_candidate, window_from = self._candidates(state, kind)
        rows = np.flatnonzero(is_candidate)
        if window_from is not None:
            rows = _by_window(rows, rates.group, window_from)
        exact = _first_of_codes(rows, rates.code, parents.size)
        later = exact
        if rates.is_blocked is not None:
            later = _first_of_codes(rows[~rates.is_blocked[rows]], rates.code, parents.size)
        at_start = _with_shorter_codes(exact, parents)
        for table in (at_start,) if at_start is later else (at_start, later):
            np.add(table, np.int32(self.first_rate), out=table, where=table != NO_RATE)
        return InForce(at_start, later)


def _by_window(rows: Ints, group: Indices, window_from: NDArray[np.int32]) -> Ints:
    """`rows` with those of one group ordered by the later `from`, rule 3.2c; otherwise as they were."""
    groups, begun = group[rows], window_from[rows].astype(np.int64)
    is_pair = groups[1:] == groups[:-1]
    if not (is_pair & (begun[1:] > begun[:-1])).any():
        return rows
    return rows[np.argsort(groups * np.int64(2**18) - begun, kind="stable")]


def _first_of_codes(rows: Ints, code: Indices, size: int) -> Indices:
    """The first of `rows` for each code, which they ascend by; `size` is one more than there are codes."""
    table = np.full(size, NO_RATE, dtype=np.int32)
    if rows.size:
        codes = code[rows]
        is_first = np.append(True, codes[1:] != codes[:-1])
        table[codes[is_first]] = rows[is_first]
    return table


def _with_shorter_codes(exact: Indices, parents: Indices) -> Indices:
    """For each code its own rate or that of its longest shorter code that has one; `exact` itself if none lacks."""
    missing = np.flatnonzero(exact[:-1] == NO_RATE)
    if not missing.size:
        return exact
    table = exact.copy()
    above = parents[missing]
    while missing.size:
        rates = exact[above]
        table[missing] = rates
        is_left = (rates == NO_RATE) & (above >= 0)
        missing, above = missing[is_left], parents[above[is_left]]
    return table


@dataclass(frozen=True, slots=True, eq=False)
class PriceColumns:
    """All rates of a snapshot by their number, and the terms they point to; see `tariff.Prices` and `tariff.Terms`."""

    rate_id: Ints
    destination_id: Ints
    code: Indices
    term: Indices
    first_price: Ints
    later_prices_at: Indices
    later_prices: Ints
    setup_fee: Ints | None
    max_cost: Ints | None
    terms: Terms
    term_tariff_id: Ints
    term_scale: Ints  # 10^(10 - decimals): from 10^-10 to what the rounding keeps
    term_unscale: Ints  # 10^(8 - decimals): from there to an amount
    first_increment: Ints
    first_weight: Ints
    first_end: Ints
    quantity_limit: int  # the least of all terms
    has_grace: bool
    has_blocked: bool


class Snapshot:
    """Tariffs compiled for `engine.rate`, immutable for its users; any number of threads may rate by it at once."""

    def __init__(self, compiled: Iterable[CompiledTariff]) -> None:
        """Raises Invalid `duplicate_tariff` for two tariffs of one id."""
        self.tariffs: list[Tariff] = []
        self._has_long_codes: list[bool] = []
        self._origin_names: list[Callable[[], dict[str, str]]] = []
        self._place: dict[int, int] = {}
        self._scalar: dict[int, ScalarTariff] = {}
        self._lock = Lock()
        self.regular: list[Shelf | None] = []
        self.additive: list[Shelf | None] = []
        self.by_origin: list[Shelf | None] = []
        self.shelves: list[Shelf] = []
        books: list[Book] = []
        kept = _Kept(_TABLE_OCTETS)
        firsts = (0, 0, 0)
        for place, each in enumerate(compiled):
            if each.tariff.id in self._place:
                raise Invalid(
                    "duplicate_tariff", f"Two tariffs have the id {each.tariff.id}.", tariff_id=each.tariff.id
                )
            self._place[each.tariff.id] = place
            self.tariffs.append(each.tariff)
            self._has_long_codes.append(each.has_long_codes)
            self._origin_names.append(each.origin_names)
            for book, shelves in (
                (each.regular, self.regular),
                (each.additive, self.additive),
                (each.by_origin, self.by_origin),
            ):
                if book is None:
                    shelves.append(None)
                    continue
                shelf = Shelf(len(self.shelves), each, book, firsts, kept)
                self.shelves.append(shelf)
                books.append(book)
                shelves.append(shelf)
                sizes = (len(book.codes), book.ranking.code.size, book.terms.common.size)
                firsts = (firsts[0] + sizes[0], firsts[1] + sizes[1], firsts[2] + sizes[2])
        self.code_count, self.rate_count, _ = firsts
        # Whether it matters to any tariff where callers are.
        self.has_origins = any(shelf.origins is not None for shelf in self.shelves)
        self.prices = _price_columns(self.shelves, books) if books else None

    def place(self, tariff_id: int) -> int:
        """Where the tariff stands in `regular` and `additive`. Raises Invalid `unknown_tariff`."""
        place = self._place.get(tariff_id)
        if place is None:
            raise Invalid("unknown_tariff", f"The snapshot has no tariff {tariff_id}.", tariff_id=tariff_id)
        return place

    def has_long_codes(self, place: int) -> bool:
        return self._has_long_codes[place]

    def has_additive(self, place: int) -> bool:
        return self.additive[place] is not None or self.by_origin[place] is not None

    def measure(self, place: int) -> tuple[str, Unit]:
        """Currency and unit of a tariff."""
        tariff = self.tariffs[place]
        return tariff.currency, tariff.unit

    def scalar(self, tariff_id: int) -> ScalarTariff:
        """The same tariff for `engine.scalar`, made when first asked for."""
        made = self._scalar.get(tariff_id)
        if made is None:
            with self._lock:
                made = self._scalar.get(tariff_id)
                if made is None:
                    place = self.place(tariff_id)
                    made = ScalarTariff(replace(self.tariffs[place], origins=self._origin_names[place]()))
                    self._scalar[tariff_id] = made
        return made

    def code_texts(self, codes: Ints) -> pa.Array:
        """The texts of codes, given ascending in the snapshot's numbering."""
        edges = np.searchsorted(codes, [shelf.first_code for shelf in self.shelves]).tolist()
        texts = [
            shelf.codes.take(pa.array(codes[low:high] - shelf.first_code))
            for shelf, low, high in zip(self.shelves, edges, [*edges[1:], codes.size], strict=True)
            if low < high
        ]
        return pa.concat_arrays(texts) if texts else pa.array([], pa.string())


def compile_snapshot(tariffs: Iterable[Tariff]) -> Snapshot:
    """Tariffs ready for `engine.rate`. Raises Invalid as `tariff.compile_tariff` does, and `duplicate_tariff`."""
    return Snapshot(compile_tariff(tariff) for tariff in tariffs)


def _joined(parts: Sequence[NDArray[Any]], shifts: Sequence[int] | None = None) -> NDArray[Any]:
    if shifts is not None:
        parts = [part + np.asarray(shift, dtype=part.dtype) for part, shift in zip(parts, shifts, strict=True)]
    return np.ascontiguousarray(parts[0] if len(parts) == 1 else np.concatenate(parts))


def _joined_or_none(parts: Sequence[NDArray[Any] | None], sizes: Sequence[int], missing: int) -> NDArray[Any] | None:
    if all(part is None for part in parts):
        return None
    filled = [np.full(size, missing) if part is None else part for part, size in zip(parts, sizes, strict=True)]
    return _joined(filled)


def _price_columns(shelves: Sequence[Shelf], books: Sequence[Book]) -> PriceColumns:
    rates = [book.prices for book in books]
    every = [book.terms for book in books]
    sizes = [each.term.size for each in rates]
    step_firsts = np.cumsum([0, *(each.increment.size for each in every)]).tolist()[:-1]
    later_firsts = np.cumsum([0, *(each.later_prices.size for each in rates)]).tolist()[:-1]
    terms = Terms(
        first_step=_joined([each.first_step for each in every], step_firsts),
        **{
            name: _joined([getattr(each, name) for each in every])
            for name in Terms.__dataclass_fields__
            if name != "first_step"
        },
    )
    decimals = terms.decimals.astype(np.int64)
    return PriceColumns(
        rate_id=_joined([each.rate_id for each in rates]),
        destination_id=_joined([each.destination_id for each in rates]),
        code=_joined([shelf.ranking.code for shelf in shelves], [shelf.first_code for shelf in shelves]),
        term=_joined([each.term for each in rates], [shelf.first_term for shelf in shelves]),
        first_price=_joined([each.first_price for each in rates]),
        later_prices_at=_joined([each.later_prices_at for each in rates], later_firsts),
        later_prices=_joined([each.later_prices for each in rates]),
        setup_fee=_joined_or_none([each.setup_fee for each in rates], sizes, 0),
        max_cost=_joined_or_none([each.max_cost for each in rates], sizes, NO_CAP),
        terms=terms,
        term_tariff_id=np.repeat(
            np.array([shelf.tariff_id for shelf in shelves], dtype=np.int64), [each.common.size for each in every]
        ),
        term_scale=10 ** (PRICE_DECIMALS - decimals),
        term_unscale=10 ** (PRICE_DECIMALS - 2 - decimals),
        first_increment=terms.increment[terms.first_step],
        first_weight=terms.weight[terms.first_step],
        first_end=terms.step_end[terms.first_step],
        quantity_limit=int(terms.quantity_limit.min()),
        has_grace=bool((terms.grace > 0).any()),
        has_blocked=bool(terms.is_blocked.any()),
    )
