"""What a sheet would change in a tariff (docs/algorithms/rate-changes.md): whole columns at a time, no Django, no database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.money import PRICE_DECIMALS, Price
from trunkline.tariffs.countries import country_of
from trunkline.tariffs.rate_file import LOAD_SCHEMA, STANDING, rate_bounds, rate_keys
from trunkline.tariffs.rules import first_after, parse_steps

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

COUNTRY_DIGITS: Final = 9  # what tells the country of a code
_NO_COUNTRY_DIGITS: Final = 5
_INSTANT: Final = pa.timestamp("s", tz="UTC")

# Lines of a sheet: rates; `is_closed` where the line says that the code is no longer offered (its steps count for nothing), `refused` why it cannot be taken.
LINES: Final = pa.schema(
    [*LOAD_SCHEMA, pa.field("is_closed", pa.bool_(), nullable=False), pa.field("refused", pa.string())]
)


class Kind(IntEnum):
    """What a line is; the first that fits."""

    UNCHANGED = 0
    NEW = 1
    INCREASE = 2
    DECREASE = 3
    INCREMENT = 4
    MOVED = 5
    BLOCKED = 6
    CLOSED = 7
    REFUSED = 8  # it cannot be taken, or the agreement does not allow it


class Differs(IntFlag):
    """All that is different from the rate in force."""

    PRICE = 1
    INCREMENT = 2
    DESTINATION = 4


class Scope(StrEnum):
    """What a sheet says of the codes that it does not name."""

    FULL = "full"
    COUNTRY = "country"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Compared:
    """What the lines are, row for row, each against the rate that is in force when it begins.

    `before` is that rate's row in `there`, -1 where there is none.
    """

    kinds: npt.NDArray[np.int8]
    differs: npt.NDArray[np.int8]
    before: Int64s


def same_rates(there: pa.Table, lines: pa.Table) -> Int64s:
    """A number for each row of `there` and then of the lines, equal where they are the same rate."""
    shared = [field.name for field in LOAD_SCHEMA if field.name in STANDING.names]
    return rate_keys(pa.concat_tables([there.select(shared), lines.select(shared)]).combine_chunks())


def compare(there: pa.Table, lines: pa.Table) -> Compared:
    """Compare lines of `LINES` with the rates `there` of `STANDING`, at the instants at which the lines begin.

    The lines have no two that are the same rate at the same time.
    """
    shared = [field.name for field in LOAD_SCHEMA if field.name in STANDING.names]
    both = pa.concat_tables([there.select(shared), lines.select(shared)]).combine_chunks()
    count = len(there)
    keys = same_rates(there, lines)
    start, end = rate_bounds(both)
    place = _in_force(keys[:count], start[:count], end[:count], keys[count:], start[count:])
    looks = _Looks.of(both)
    mine = np.arange(count, len(both))
    is_there = place.is_covered
    was = np.where(is_there, place.row, mine)  # where nothing is in force a line is compared with itself
    higher, lower = looks.orders(was, mine)
    differs = np.zeros(len(lines), np.int8)
    differs[higher | lower] |= Differs.PRICE
    differs[looks.shape[was] != looks.shape[mine]] |= Differs.INCREMENT
    differs[(looks.destination[was] != looks.destination[mine]) & (looks.destination[mine] >= 0)] |= Differs.DESTINATION
    blocked = both["blocked"].to_numpy()
    was_blocked = blocked[was] & is_there
    is_closed = lines["is_closed"].to_numpy()
    kinds = np.select(
        [
            lines["refused"].combine_chunks().is_valid().to_numpy(zero_copy_only=False),
            is_closed & place.is_met,
            is_closed,
            blocked[mine] & ~was_blocked,
            blocked[mine],
            ~is_there | was_blocked,
            higher,
            lower,
            (differs & Differs.INCREMENT) != 0,
            (differs & Differs.DESTINATION) != 0,
        ],
        [
            Kind.REFUSED,
            Kind.CLOSED,
            Kind.UNCHANGED,
            Kind.BLOCKED,
            Kind.UNCHANGED,
            Kind.NEW,
            Kind.INCREASE,
            Kind.DECREASE,
            Kind.INCREMENT,
            Kind.MOVED,
        ],
        Kind.UNCHANGED,
    ).astype(np.int8)
    is_compared = np.isin(kinds, [Kind.INCREASE, Kind.DECREASE, Kind.INCREMENT, Kind.MOVED])
    return Compared(kinds, np.where(is_compared, differs, 0).astype(np.int8), np.where(is_there, place.row, -1))


@dataclass(frozen=True, slots=True)
class _Places:
    """For each wanted instant: the first row of its key that ends later, whether it is in force then, whether there is one at all."""

    row: Int64s
    is_covered: Bools
    is_met: Bools


def _in_force(keys: Int64s, start: Int64s, end: Int64s, wanted: Int64s, at: Int64s) -> _Places:
    if not len(keys):
        nothing = np.zeros(len(wanted), np.bool_)
        return _Places(np.full(len(wanted), -1, np.int64), nothing, nothing)
    order = np.lexsort((start, keys))
    place = first_after(keys[order], end[order], wanted, at)
    row = order[np.minimum(place, len(order) - 1)]
    is_met = (place < len(order)) & (keys[row] == wanted)
    return _Places(row, is_met & (start[row] <= at), is_met)


def in_force(keys: Int64s, start: Int64s, end: Int64s, wanted: Int64s, at: Int64s) -> tuple[Int64s, Bools]:
    """For each wanted key and instant the row in force, and whether there is one; start and end in seconds."""
    found = _in_force(keys, start, end, wanted, at)
    return found.row, found.is_covered


@dataclass(frozen=True, slots=True)
class _Looks:
    """Numbers that compare as what they stand for: prices by order, shapes and destinations by equality (-1: no name)."""

    last: Int64s
    first: Int64s
    fee: Int64s
    shape: Int64s
    destination: Int64s

    @staticmethod
    def of(rates: pa.Table) -> _Looks:
        texts, steps = _encoded(rates["steps"])
        parsed = [parse_steps(text) if text else () for text in texts]
        prices = [[Fraction(step.price.units, step.per) for step in each] for each in parsed]
        shapes = [
            tuple((s.start, s.increment, p) for s, p in zip(each, price, strict=True))
            for each, price in zip(parsed, prices, strict=True)
        ]
        forms = [_form(shape) for shape in shapes]
        fees, fee = _encoded(rates["setup_fee"])
        combined = _numbers(forms)[steps] * (int(pc.max(rates["grace"]).as_py() or 0) + 1) + rates["grace"].to_numpy()
        names, name = _encoded(rates["destination"])
        return _Looks(
            _ranks([each[-1] if each else Fraction(0) for each in prices])[steps],
            _ranks([each[0] if each else Fraction(0) for each in prices])[steps],
            _ranks([Price.from_text(text).units for text in fees])[fee],
            combined,
            np.where(name == len(names), -1, name),
        )

    def orders(self, was: Int64s, now: Int64s) -> tuple[Bools, Bools]:
        """Where a price is higher than it was, and where lower."""
        sign = np.zeros(len(was), np.int64)
        for column in (self.last, self.first, self.fee):
            sign = np.where(sign == 0, np.sign(column[now] - column[was]), sign)
        return sign > 0, sign < 0


def _form(shape: Sequence[tuple[int, int, Fraction]]) -> tuple[tuple[int, int, Fraction | None], ...]:
    """Steps without those that charge as the one before does, and without the prices of the first and the last, which are told apart."""
    kept: list[tuple[int, int, Fraction | None]] = []
    before: tuple[int, Fraction] | None = None
    for start, increment, price in shape:
        if before == (increment, price) and (start - kept[-1][0]) % increment == 0:
            continue
        kept.append((start, increment, price))
        before = increment, price
    ends = {0, len(kept) - 1}
    return tuple(
        (start, increment, None if place in ends else price) for place, (start, increment, price) in enumerate(kept)
    )


def _encoded(column: pa.ChunkedArray) -> tuple[list[Any], Int64s]:
    """The distinct values, and which of them each row has; their number for null."""
    encoded = pc.dictionary_encode(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    values = encoded.dictionary.to_pylist()
    return values, encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False).astype(np.int64)


def unit_prices(steps: pa.ChunkedArray) -> tuple[list[Fraction], Int64s]:
    """What one unit of a long event costs, in the tariff's currency, for each distinct text of steps; and which text each row has."""
    texts, index = _encoded(steps)
    last = [parse_steps(text)[-1] for text in texts]
    return [Fraction(step.price.units, step.per * 10**PRICE_DECIMALS) for step in last], index


def _ranks(values: Sequence[Any]) -> Int64s:
    order = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return np.array([order[value] for value in values], np.int64)


def _numbers(values: Sequence[Any]) -> Int64s:
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)


@dataclass(frozen=True, slots=True)
class Ends:
    """Rates that a sheet ends without putting others in their place: rows of `there`, and when in seconds.

    One that begins then or later holds never.
    """

    rows: Int64s
    at_s: Int64s


def closings(there: pa.Table, lines: pa.Table, *, is_closed: Bools, scope: Scope, closes_at_s: int) -> Ends:
    """What ends because a line closes its code, and because the sheet leaves its code out; of a code for an origin only what is for that origin.

    `is_closed` marks the lines that close; `closes_at_s` is when left-out codes close, in seconds since 1970.
    """
    codes = there["code"].combine_chunks()
    _, end = rate_bounds(there)
    closed = lines.filter(pa.array(is_closed))
    places = _with_origins(there)
    by_line = _positions(places, _with_origins(closed))
    starts, _ = rate_bounds(closed)
    at = np.where(by_line >= 0, starts[np.maximum(by_line, 0)] if len(starts) else 0, 0)
    ends = by_line >= 0
    if scope is not Scope.PARTIAL:
        is_named = pc.is_in(places, _with_origins(lines)).to_numpy(zero_copy_only=False)
        left_out = ~is_named
        if scope is Scope.COUNTRY:
            country, named = _country_numbers(codes, lines["code"].combine_chunks())
            left_out &= np.isin(country, named)
        at = np.where(left_out, closes_at_s, at)
        ends = ends | left_out
    rows = np.flatnonzero(ends & (end > at))
    return Ends(rows, at[rows])


def _with_origins(rates: pa.Table) -> pa.Array:
    """The codes of rates, each with the origin that it is for: what a sheet names or leaves out."""
    codes, origins = rates["code"].combine_chunks(), rates["origin"].combine_chunks()
    if origins.null_count == len(origins):
        return codes
    return pc.if_else(pc.is_valid(origins), pc.binary_join_element_wise(codes, pc.fill_null(origins, ""), "<"), codes)


def _positions(wanted: pa.Array, among: pa.Array) -> Int64s:
    found = pc.index_in(wanted, among)
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False)).astype(np.int64)


def _country_numbers(*columns: pa.Array) -> tuple[Int64s, ...]:
    """The country of each code as a number."""
    heads, index = _encoded(
        pa.chunked_array([pc.utf8_slice_codeunits(column, 0, COUNTRY_DIGITS) for column in columns])
    )
    numbers = _numbers([country_of(head) or head[:_NO_COUNTRY_DIGITS] for head in heads])[index]
    return tuple(np.split(numbers, np.cumsum([len(column) for column in columns])[:-1]))


def allowed_begins(there: pa.Table, lines: pa.Table, first_allowed_s: Callable[[Kind], int]) -> tuple[Compared, Int64s]:
    """What the lines are at the instants at which they may begin, and those instants in seconds.

    A line that is put off can be of another kind then, which can put it off again.
    """
    allowed = np.array([first_allowed_s(kind) for kind in Kind], np.int64)
    begins, _ = rate_bounds(lines)
    for _ in Kind:
        compared = compare(there, _beginning(lines, begins))
        later = np.maximum(begins, allowed[compared.kinds])
        if (later == begins).all():
            break
        begins = later
    return compared, begins


def _beginning(lines: pa.Table, begins_s: Int64s) -> pa.Table:
    at = lines.schema.get_field_index("valid_from")
    return lines.set_column(at, lines.schema.field(at), pa.array(begins_s).cast(_INSTANT))
