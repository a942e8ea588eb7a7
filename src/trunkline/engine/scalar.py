"""Rating one event at a time, written as plainly as `docs/algorithms/rating.md` reads; rule numbers are that page's.

This is the oracle of the tests and what real-time charging asks: the cost of an event, the longest affordable duration,
and why. Python integers throughout: no overflow on the way, one rounding at the end. Work is a closed form per step and
stretch, never a loop over increments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_SCALE, Amount, Rounding, RoundingMode, fits_int64
from trunkline.core.period import get_zone
from trunkline.engine.parents import lineage, with_inherited
from trunkline.engine.schema import Outcome, Tariff, TimeWindow
from trunkline.engine.units import Unit

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()
_SECOND: Final = timedelta(seconds=1)
_DAY_S: Final = 86400
# Rule 14. A day short of the ends of the calendar, so that the local date exists in every zone.
CALENDAR_BEGIN_S: Final = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _SECOND
CALENDAR_END_S: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _SECOND
_NEVER: Final = CALENDAR_BEGIN_S - 1  # sorts before every instant


def within_calendar(at: int) -> int:
    """The instant, or the end of the calendar that it lies beyond."""
    return min(max(at, CALENDAR_BEGIN_S), CALENDAR_END_S)


@dataclass(frozen=True, slots=True)
class Event:
    """What is rated. `number` is digits or empty; `start` is aware; `quantity` counts whole units of the tariff.

    `caller` is the number that the event comes from; what is not digits is a caller that nobody knows.

    Raises Invalid `naive_instant`, `negative_quantity`.
    """

    number: str
    start: datetime
    quantity: int
    tags: frozenset[str] = frozenset()
    caller: str = ""

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise Invalid("naive_instant", f"{self.start.isoformat()} has no UTC offset.")
        if self.quantity < 0:
            raise Invalid("negative_quantity", f"A quantity cannot be {self.quantity}.")

    @property
    def start_s(self) -> int:
        """Whole UTC seconds since 1970; rule 6 says why the fraction does not matter."""
        return (self.start - _EPOCH) // _SECOND


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a caller is: the code of the origin deck that his number begins with, the longest, and the name it has there."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """From position `start` on, `price` (10^-10) for `per` units, charged in increments of `increment` units."""

    start: int
    price: int
    per: int
    increment: int


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One rate of a tariff, as `schema.RATE_SCHEMA` has it; instants are UTC seconds; `listed` is its place.

    `generation` says whose it is: 0 the tariff's own, 1 its parent's (rule 17).
    """

    listed: int
    rate_id: int
    code: str
    destination_id: int | None
    valid_from: int | None
    valid_to: int | None
    windows: tuple[TimeWindow, ...] | None
    weight: int
    setup_fee: int
    grace: int
    rounding: Rounding
    max_cost: int | None
    length_min: int | None
    length_max: int | None
    tag: str | None
    is_blocked: bool
    steps: tuple[Step, ...]
    origin: str | None = None
    generation: int = 0

    def fits(self, event: Event, origin: Origin | None) -> bool:
        """Number length, tag and origin, rule 1; the same for the whole event."""
        return self.fits_tags(event) and self.fits_length(event) and self.fits_origin(origin)

    def fits_origin(self, origin: Origin | None) -> bool:
        return self.origin is None or (origin is not None and origin.name == self.origin)

    def fits_tags(self, event: Event) -> bool:
        return self.tag is None or self.tag in event.tags

    def fits_length(self, event: Event) -> bool:
        length = len(event.number)
        return (self.length_min is None or length >= self.length_min) and (
            self.length_max is None or length <= self.length_max
        )

    def is_valid(self, at: int) -> bool:
        """Validity, rule 1."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)

    @property
    def never_changes(self) -> bool:
        return self.valid_from is None and self.valid_to is None and self.windows is None


@dataclass(frozen=True, slots=True)
class Part:
    """`count` increments of `increment` units from `position` on, each at `price` (10^-10) for `per` units."""

    tariff_id: int
    rate_id: int
    is_additive: bool
    position: int
    count: int
    increment: int
    price: int
    per: int

    @property
    def exact(self) -> Fraction:
        """What the part costs, in whole currency."""
        return Fraction(self.price * self.increment * self.count, self.per * PRICE_SCALE)


@dataclass(frozen=True, slots=True)
class Fee:
    """The setup fee of a rate of the start, in 10^-10."""

    tariff_id: int
    rate_id: int
    is_additive: bool
    units: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What became of an event, and why: `amount` is the exact sum of fees and parts, rounded once, then capped.

    Only a RATED event has an amount; a BLOCKED one names the rate that blocked; the others name nothing.
    """

    outcome: Outcome
    amount: Amount | None = None
    tariff_id: int | None = None
    rate_id: int | None = None
    code: str | None = None
    destination_id: int | None = None
    billed: int | None = None
    rounding: Rounding | None = None
    max_cost: Amount | None = None
    fees: tuple[Fee, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def exact(self) -> Fraction:
        """The sum before rounding and cap, in whole currency."""
        return Fraction(*_sum(self.fees, self.parts))


class _Codes:
    """Rates by code: which listed places have it, and the lengths that occur, longest first."""

    def __init__(self, places: Iterable[tuple[int, str]]) -> None:
        self.places: dict[str, list[int]] = {}
        for listed, code in places:
            self.places.setdefault(code, []).append(listed)
        self.lengths = sorted({len(code) for code in self.places}, reverse=True)
        self.rows: dict[str, tuple[PriceRow, ...]] = {}

    @classmethod
    def of_rows(cls, rows: Iterable[PriceRow]) -> _Codes:
        by_code: dict[str, list[PriceRow]] = {}
        for row in rows:
            by_code.setdefault(row.code, []).append(row)
        made = cls((row.listed, code) for code, each in by_code.items() for row in each)
        made.rows = {code: tuple(each) for code, each in by_code.items()}
        return made

    def longest_first(self, number: str) -> Iterator[str]:
        """The codes that `number` begins with."""
        for length in self.lengths:
            if length <= len(number) and number[:length] in self.places:
                yield number[:length]


class ScalarTariff:
    """A tariff made ready for rating single events: rates indexed by code, rows read from Arrow when first asked for.

    `rows` are rates that were read already, each with whether it is additive, in the order in which they are listed, those of ancestors last; those of
    `tariff` are not asked for then. Raises Invalid `unknown_timezone`, `unknown_time_profile`, `parent_differs`, `too_many_parents`.
    """

    def __init__(self, tariff: Tariff, rows: Sequence[tuple[PriceRow, bool]] | None = None) -> None:
        self.tariff = tariff
        self.id = tariff.id
        self.is_timed = tariff.unit is Unit.SECOND
        self.zone = get_zone(tariff.timezone)
        self.profiles = tariff.time_profiles
        self._origin_lengths = sorted({len(code) for code in tariff.origins}, reverse=True)
        if rows is not None:
            self.has_additive = any(is_additive for _, is_additive in rows)
            self.has_origins = any(row.origin is not None for row, _ in rows)
            self._regular = _Codes.of_rows(row for row, is_additive in rows if not is_additive)
            self._additive = _Codes.of_rows(row for row, is_additive in rows if is_additive)
            return
        rates, self._generation = with_inherited(tariff)
        # One array a column, instants as integers: most rows of a large tariff are never asked for.
        self._columns: dict[str, pa.Array] = {
            name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).combine_chunks()
            for name, column in zip(rates.column_names, rates.columns, strict=True)
        }
        for name in self._columns["time_profile"].unique().to_pylist():
            if name is not None and name not in self.profiles:
                raise Invalid(
                    "unknown_time_profile", f"{tariff.name} has no time profile {name!r}.", tariff=tariff.name
                )
        codes: list[str] = self._columns["code"].to_pylist()
        additive: list[bool] = self._columns["additive"].to_pylist()
        self.has_additive = any(additive)
        self.has_origins = self._columns["origin"].null_count < len(codes)
        self._regular = _Codes((i, code) for i, code in enumerate(codes) if not additive[i])
        self._additive = _Codes((i, code) for i, code in enumerate(codes) if additive[i])

    def origin_of(self, caller: str) -> Origin | None:
        """Where a caller is by the origin deck of the tariff, rule 18; None for one who is in none of its origins."""
        if not (caller.isascii() and caller.isdigit()):
            return None
        for length in self._origin_lengths:
            name = self.tariff.origins.get(caller[:length]) if length <= len(caller) else None
            if name is not None:
                return Origin(caller[:length], name)
        return None

    def tariff_of(self, row: PriceRow) -> Tariff:
        """The tariff in which a rate of this one stands: itself, or an ancestor."""
        return next(each for place, each in enumerate(lineage(self.tariff)) if place == row.generation)

    def rates_of(self, number: str, *, is_additive: bool = False) -> Iterator[tuple[PriceRow, ...]]:
        """The regular or the additive rates of each code that `number` begins with, as listed; the longest code first."""
        codes = self._additive if is_additive else self._regular
        for code in codes.longest_first(number):
            yield self._rows(codes, code)

    def choose(self, event: Event, at: int, *, is_additive: bool = False, by_origin: bool = False) -> PriceRow | None:
        """The rate of the start among the regular or the additive rates, or None: rules 1 to 3.

        Of the additive ones those that name an origin, or those that name none, as `by_origin` says: rule 11.
        """
        codes = self._additive if is_additive else self._regular
        for code in codes.longest_first(event.number):
            rows = self._fitting(event, code, is_additive=is_additive, by_origin=by_origin)
            row = self._first_in_force(rows, at)
            if row is not None:
                return row
        return None

    def increments(self, event: Event, at: int, row: PriceRow, *, is_additive: bool = False) -> list[Part]:
        """All increments of the event, beginning with `row`, the rate of the start: rules 5 and 6."""
        fitting = self._fitting(event, row.code, is_additive=is_additive, by_origin=row.origin is not None)
        rows = [other for other in fitting if not other.is_blocked]
        can_change = self.is_timed and not all(other.never_changes for other in rows)
        parts: list[Part] = []
        position = 0
        while position < event.quantity:
            boundary = event.quantity
            if can_change:
                boundary = self._next_change(rows, at + position, at + event.quantity) - at
            for step, end in _stretches(row.steps, boundary):
                if position < end:
                    count = -((position - end) // step.increment)  # rounded up: what has begun is charged whole
                    part = Part(
                        self.id, row.rate_id, is_additive, position, count, step.increment, step.price, step.per
                    )
                    _append(parts, part)
                    position += count * step.increment
            if can_change and position < event.quantity:
                row = self._first_in_force(rows, at + position) or row
        return parts

    def _fitting(self, event: Event, code: str, *, is_additive: bool, by_origin: bool) -> list[PriceRow]:
        codes = self._additive if is_additive else self._regular
        origin = self.origin_of(event.caller) if self.has_origins else None
        rows = [row for row in self._rows(codes, code) if row.fits(event, origin)]
        return [row for row in rows if (row.origin is not None) == by_origin] if is_additive else rows

    def _rows(self, codes: _Codes, code: str) -> tuple[PriceRow, ...]:
        rows = codes.rows.get(code)
        if rows is None:
            rows = tuple(self._read(listed) for listed in codes.places[code])
            codes.rows[code] = rows
        return rows

    def is_in_window(self, row: PriceRow, at: int) -> bool:
        """Whether the rate has no time profile or one of its windows contains the instant: rule 2."""
        return row.windows is None or window_from(row.windows, self.zone, within_calendar(at)) is not None

    def _first_in_force(self, rows: Sequence[PriceRow], at: int) -> PriceRow | None:
        """The first of rates of one code at an instant, by the order of rules 17 and 3.2."""
        at = within_calendar(at)
        first = None
        first_order: tuple[int, bool, bool, int, int, int, int] | None = None
        for row in rows:
            if not row.is_valid(at):
                continue
            begun = -1 if row.windows is None else window_from(row.windows, self.zone, at)
            if begun is None:
                continue
            valid_from = _NEVER if row.valid_from is None else row.valid_from
            order = (
                -row.generation,
                row.origin is not None,
                row.tag is not None,
                row.weight,
                begun,
                valid_from,
                -row.listed,
            )
            if first_order is None or order > first_order:
                first, first_order = row, order
        return first

    def _next_change(self, rows: Sequence[PriceRow], at: int, until: int) -> int:
        """The first instant after `at`, at most `until`, at which another of `rows` may be in force."""
        if at >= CALENDAR_END_S:
            return until
        change = min(until, CALENDAR_END_S)
        for row in rows:
            for bound in (row.valid_from, row.valid_to):
                if bound is not None and at < bound < change:
                    change = bound
        windows = [window for row in rows for window in row.windows or ()]
        if windows:
            change = self._next_edge(windows, at, change)
        return change

    def _next_edge(self, windows: Sequence[TimeWindow], at: int, until: int) -> int:
        """The first instant after `at`, at most `until`, at which a window begins or ends or the clock is moved."""
        at = max(at, CALENDAR_BEGIN_S)
        until = _next_clock_change(self.zone, at, until)
        day, second = divmod(at + _offset(self.zone, at), _DAY_S)
        midnight = at - second
        while midnight < until:
            edges = [
                midnight + edge
                for window in windows
                for edge in (window.start_s, window.end_s)
                if at < midnight + edge < until and _allows(window, day)
            ]
            if edges:
                return min(edges)
            day, midnight = day + 1, midnight + _DAY_S
        return until

    def _read(self, listed: int) -> PriceRow:
        row: dict[str, Any] = {name: column[listed].as_py() for name, column in self._columns.items()}
        profile = row["time_profile"]
        return PriceRow(
            listed=listed,
            rate_id=row["rate_id"],
            code=row["code"],
            destination_id=row["destination_id"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            windows=None if profile is None else tuple(self.profiles[profile]),
            weight=row["weight"],
            setup_fee=row["setup_fee"],
            grace=row["grace"],
            rounding=Rounding(RoundingMode(row["rounding_mode"]), row["rounding_decimals"]),
            max_cost=row["max_cost"],
            length_min=row["length_min"],
            length_max=row["length_max"],
            tag=row["tag"],
            origin=row["origin"],
            is_blocked=row["blocked"],
            steps=tuple(Step(step["start"], step["price"], step["per"], step["increment"]) for step in row["steps"]),
            generation=0 if self._generation is None else int(self._generation[listed]),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """One rate of the start that charges the event, and the tariff it stands in."""

    tariff: ScalarTariff
    row: PriceRow
    is_additive: bool


def charge(tariffs: Sequence[ScalarTariff], event: Event) -> Charge:
    """What `event` costs under an ordered list of tariffs, by `docs/algorithms/rating.md`.

    The amount is in the currency of the tariff that wins. Raises Invalid `additive_mixed` (rule 11).
    """
    at = event.start_s
    shares = choose_shares(tariffs, event, at)
    if not shares:
        return Charge(Outcome.NO_RATE)
    for share in shares:
        if share.row.is_blocked:
            row = share.row
            return Charge(Outcome.BLOCKED, None, share.tariff.id, row.rate_id, row.code, row.destination_id)
    fees: list[Fee] = []
    parts: list[Part] = []
    for share in shares:
        row = share.row
        if event.quantity == 0 or event.quantity < row.grace:  # rules 7 and 8
            continue
        if row.setup_fee:
            fees.append(Fee(share.tariff.id, row.rate_id, share.is_additive, row.setup_fee))
        parts += share.tariff.increments(event, at, row, is_additive=share.is_additive)
    regular = shares[0]
    row = regular.row
    units = row.rounding.units(*_sum(fees, parts))
    if row.max_cost is not None:
        units = min(units, row.max_cost)
    billed = sum(part.count * part.increment for part in parts if not part.is_additive)
    if not fits_int64(units) or not fits_int64(billed):
        return Charge(Outcome.OVERFLOW)
    return Charge(
        Outcome.RATED,
        Amount(units),
        regular.tariff.id,
        row.rate_id,
        row.code,
        row.destination_id,
        billed,
        row.rounding,
        None if row.max_cost is None else Amount(row.max_cost),
        tuple(fees),
        tuple(parts),
    )


def affordable(tariffs: Sequence[ScalarTariff], event: Event, funds: Amount) -> int:
    """The longest duration, at most the event's quantity, that `funds` pay for at every moment of it: rule 16.

    `funds` is in the currency of the tariff that wins. 0 where there is no rate or it is blocked. Raises Invalid
    `additive_mixed`.
    """
    at = event.start_s
    shares = choose_shares(tariffs, event, at)
    if not shares or any(share.row.is_blocked for share in shares):
        return 0
    walks = [
        (share.row, share.tariff.increments(event, at, share.row, is_additive=share.is_additive)) for share in shares
    ]
    regular = shares[0].row
    budget = max(funds.units, 0)
    longest, too_long = 0, event.quantity + 1
    while too_long - longest > 1:
        duration = (longest + too_long) // 2
        if _spent(walks, duration, regular) <= budget:
            longest = duration
        else:
            too_long = duration
    return longest


def _spent(walks: Sequence[tuple[PriceRow, Sequence[Part]]], duration: int, regular: PriceRow) -> int:
    """The cost (10^-8) of the first `duration` units of an event that has been walked whole, credits left out."""
    fees: list[Fee] = []
    begun: list[Part] = []
    for row, parts in walks:
        if duration < row.grace:
            continue
        if row.setup_fee > 0:
            fees.append(Fee(0, row.rate_id, False, row.setup_fee))
        for part in parts:
            if part.position >= duration:
                break
            if part.price > 0:
                count = min(part.count, -((part.position - duration) // part.increment))
                begun.append(Part(0, part.rate_id, False, part.position, count, part.increment, part.price, part.per))
    units = regular.rounding.units(*_sum(fees, begun))
    return units if regular.max_cost is None else min(units, regular.max_cost)


def choose_shares(tariffs: Sequence[ScalarTariff], event: Event, at: int) -> list[Share]:
    """The regular rate of the start, then the additive ones in the order of the list; empty without a regular one.

    Raises Invalid `additive_mixed` (rule 11).
    """
    if len(tariffs) > 1 and any(tariff.has_additive for tariff in tariffs):
        _require_one_measure(tariffs)
    for tariff in tariffs:
        row = tariff.choose(event, at)
        if row is not None:
            shares = [Share(tariff, row, is_additive=False)]
            break
    else:
        return []
    for tariff in tariffs:
        for by_origin in (False, True) if tariff.has_additive else ():
            row = tariff.choose(event, at, is_additive=True, by_origin=by_origin)
            if row is not None:
                shares.append(Share(tariff, row, is_additive=True))
    return shares


def _require_one_measure(tariffs: Sequence[ScalarTariff]) -> None:
    if len({(tariff.tariff.currency, tariff.tariff.unit) for tariff in tariffs}) > 1:
        raise Invalid(
            "additive_mixed",
            "Tariffs with additive rates stand in one list with tariffs of another currency or unit.",
            hint="Amounts of two currencies cannot be added: give the account tariffs of one currency and unit.",
            tariffs=[tariff.tariff.name for tariff in tariffs],
        )


def _stretches(steps: Sequence[Step], boundary: int) -> Iterator[tuple[Step, int]]:
    """Each step with the position at which it ends: where the next begins, at most `boundary`."""
    for index, step in enumerate(steps):
        yield step, min(boundary, steps[index + 1].start) if index + 1 < len(steps) else boundary


def _append(parts: list[Part], part: Part) -> None:
    """Adds increments; where only a change without consequence came between, the part before grows instead."""
    if parts:
        last = parts[-1]
        if replace(last, position=part.position, count=part.count) == part:
            parts[-1] = replace(last, count=last.count + part.count)
            return
    parts.append(part)


def _sum(fees: Sequence[Fee], parts: Sequence[Part]) -> tuple[int, int]:
    """The exact sum as numerator and denominator, in whole currency."""
    common = lcm(*(part.per for part in parts))
    units = sum(part.price * part.increment * part.count * (common // part.per) for part in parts)
    return units + common * sum(fee.units for fee in fees), common * PRICE_SCALE


def window_from(windows: Iterable[TimeWindow], zone: ZoneInfo, at: int) -> int | None:
    """The latest `from`, in seconds, among the windows that contain the instant; None if none does: rule 2."""
    day, second = divmod(at + _offset(zone, at), _DAY_S)
    return max(
        (window.start_s for window in windows if window.start_s <= second < window.end_s and _allows(window, day)),
        default=None,
    )


def _allows(window: TimeWindow, day: int) -> bool:
    """Whether the lists of the window allow the local date, given in days since 1970."""
    if not (window.weekdays or window.months or window.month_days or window.years):
        return True
    on = date.fromordinal(_EPOCH_ORDINAL + day)
    return (
        (not window.weekdays or on.isoweekday() in window.weekdays)
        and (not window.months or on.month in window.months)
        and (not window.month_days or on.day in window.month_days)
        and (not window.years or on.year in window.years)
    )


def _offset(zone: ZoneInfo, at: int) -> int:
    """What a clock in the zone is ahead of UTC at the instant, in seconds."""
    offset = (_EPOCH + timedelta(seconds=at)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _SECOND


def _next_clock_change(zone: ZoneInfo, at: int, until: int) -> int:
    """The first instant after `at` at which the offset of the zone changes, at most `until`."""
    first, last = ((_EPOCH + timedelta(seconds=instant)).year for instant in (at, until))
    for year in range(first, last + 1):
        for change in _clock_changes(zone, year):
            if change > at:
                return min(change, until)
    return until


_PROBE_S: Final = 3 * 3600  # no zone has moved its clock twice within three hours


@lru_cache(maxsize=8192)
def _clock_changes(zone: ZoneInfo, year: int) -> tuple[int, ...]:
    """The instants of a UTC year at which the offset changes, found by asking the zone itself and halving."""
    begin = max((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // _SECOND, CALENDAR_BEGIN_S)
    end = min(begin + 366 * _DAY_S, CALENDAR_END_S)
    changes: list[int] = []
    before = _offset(zone, begin)
    for probe in range(begin + _PROBE_S, end + 1, _PROBE_S):
        after = _offset(zone, probe)
        if after != before:
            low, high = probe - _PROBE_S, probe
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
            changes.append(high)
            before = after
    return tuple(changes)
