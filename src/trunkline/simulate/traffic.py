"""Call attempts as columns: who called what by which route, when, for how long, and how it ended.

A plan says what the traffic is like; `attempts` makes a chunk of it, the same for the same plan and chunk on every
machine. Nothing here knows a file format (`formats.py`) or a file (`files.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trunkline.simulate.causes import ANSWERED, CAUSES, FAILED_OVER, NO_VENDOR, UNANSWERED
from trunkline.simulate.decks import Deck
from trunkline.simulate.draws import BoolArray, Draws, IntArray, log_normal
from trunkline.simulate.markets import markets
from trunkline.simulate.world import CodeTable, Kind, dialled_codes

# Weight of each hour of a day of voice traffic, local time: night, morning rise, noon, long afternoon, evening.
DAILY_CURVE = (14, 9, 7, 6, 7, 11, 22, 41, 63, 82, 95, 100, 98, 94, 97, 99, 98, 93, 88, 84, 76, 61, 42, 25)

_MINUTE_MS = 60_000
_REPEATED_SUBSCRIBERS = 200
_CROSSING_LEAST_MS = 60_000
_SUFFIX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends calls, and by what a record tells that it is them.

    `weight` its share of the calls. `dial` stands before the called number (a tech prefix, `+`, `00`), `caller_dial`
    before the calling one; numbers of the calling code `national` are dialled as 0 and the rest. `home` are the
    countries (ISO 3166) of its callers; `callers` its only calling numbers, if it has such.
    """

    name: str
    weight: int
    trunk: str = ""
    addresses: tuple[str, ...] = ()
    account_code: str = ""
    sip_user: str = ""
    dial: str = ""
    caller_dial: str = ""
    national: str = ""
    home: tuple[str, ...] = ("US",)
    callers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sink:
    """Who calls are sent to: a vendor's trunk."""

    name: str
    trunk: str


@dataclass(frozen=True, eq=False)
class Routes:
    """Which vendors serve which code: `order` (codes x vendors) best first, the first `depth` of a row do serve it."""

    order: IntArray
    depth: IntArray


@dataclass(frozen=True, slots=True)
class Crossing:
    """Calls that last over a change of prices: its instant, their share of all attempts by million, its countries."""

    at: datetime
    share_ppm: int
    countries: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TrafficPlan:
    """What a body of traffic is like.

    `codes` are the codes that are called, `weights` (as long) how often. `start` is the first instant, `day_weights`
    one weight for each day from there. `curve_shift_h` is how far the callers' clocks are ahead of UTC. `tries` weighs
    the calls of one, two, three attempts. Without sinks there is no vendor side. `answered`, `withheld` (numbers) and
    `unrouted` (refused before routing) are shares of the calls by thousand.
    """

    seed: int
    start: datetime
    day_weights: tuple[int, ...]
    sources: tuple[Source, ...]
    codes: CodeTable
    weights: IntArray
    sinks: tuple[Sink, ...] = ()
    routes: Routes | None = None
    stranger: Source = Source("nobody", 1, "tg-unlisted-7", ("203.0.113.250",), "999999", "nobody")
    strange_sink: Sink = Sink("nobody", "gw-unlisted-3")
    uncovered: tuple[str, ...] = ("881", "882", "883", "870")
    curve: tuple[int, ...] = DAILY_CURVE
    curve_shift_h: int = 0
    tries: tuple[int, ...] = (86, 10, 4)
    answered: int = 550
    withheld: int = 8
    unrouted: int = 10
    median_s: int = 74
    crossing: Crossing | None = None

    @cached_property
    def minutes(self) -> IntArray:
        """Cumulated weight at the end of each minute from the start; the last entry is the weight of everything."""
        shifted = [self.curve[(hour + self.curve_shift_h) % 24] for hour in range(25)]
        steps = [shifted[m // 60] * (60 - m % 60) + shifted[m // 60 + 1] * (m % 60) for m in range(1440)]
        return np.cumsum(np.concatenate([np.asarray(steps) * weight for weight in self.day_weights]))

    @cached_property
    def durations(self) -> IntArray:
        """Quantiles of the connected time in milliseconds: log-normal, mean about 2.4 times the median."""
        return log_normal(self.median_s * 1000, "1.35", 400, 4 * 3600 * 1000)

    @cached_property
    def callers(self) -> _NumberPool:
        """The codes from which the sources' own numbers are drawn."""
        return _caller_pool((*self.sources, self.stranger))

    @cached_property
    def moving(self) -> IntArray:
        """The rows of `codes` in the countries whose prices the crossing is about."""
        wanted = self.crossing.countries if self.crossing else ()
        is_moving = np.asarray([place.iso2 in wanted for place in self.codes.places])
        return np.flatnonzero(is_moving[self.codes.place])


@dataclass(frozen=True, eq=False)
class Attempts:
    """Attempts row by row; every column is as long as `source`. Instants and lengths in milliseconds, absent ones -1.

    `source` indexes the plan's sources, then its stranger; `sink` its sinks, then the strange one, -1 for none. `code`
    indexes the plan's codes. `cause` indexes `causes.CAUSES`. `call` and `leg` are two words each, for identifiers.
    """

    source: IntArray
    sink: IntArray
    code: IntArray
    called: IntArray
    caller: IntArray
    address: IntArray
    attempt: IntArray
    is_last: BoolArray
    start: IntArray
    progress: IntArray
    is_early_media: BoolArray
    answer: IntArray
    end: IntArray
    cause: IntArray
    call: npt.NDArray[np.uint64]
    leg: npt.NDArray[np.uint64]
    flaw: IntArray

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: IntArray) -> Attempts:
        """The attempts of those rows, in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def duration(self) -> IntArray:
        """Connected milliseconds, 0 if not answered."""
        return np.where(self.answer < 0, 0, self.end - self.answer)


@dataclass(frozen=True, eq=False)
class _NumberPool:
    """Codes and the length of the numbers below them: those of an owner are `count` rows from `first`."""

    code: IntArray
    digits: IntArray
    first: IntArray
    count: IntArray


def popular_codes(
    count: int, shares: Mapping[str, int] | None = None, among: CodeTable | None = None
) -> tuple[CodeTable, IntArray]:
    """`count` real codes that traffic goes to and their weights: countries by their traffic, codes of a country skewed.

    `shares` replaces the countries' traffic (then only its countries are called); `among` the codes to choose from
    (`world.dialled_codes`). Raises `ValueError` if those countries have too few codes.
    """
    table = among or dialled_codes()
    traffic = shares or {iso2: market.traffic for iso2, market in markets().items()}
    country = np.asarray([place.iso2 for place in table.places])[table.place]
    pools = {iso2: np.flatnonzero(country == iso2) for iso2 in sorted(traffic)}
    pools = {iso2: rows for iso2, rows in pools.items() if len(rows)}
    quotas = _quotas({iso2: (traffic[iso2], len(rows)) for iso2, rows in pools.items()}, count)
    rows, weights = [], []
    for iso2, pool in pools.items():
        order = np.argsort(Draws(0, "popular", iso2).words(len(pool)), kind="stable")[: quotas[iso2]]
        skew = 10**6 // (np.arange(len(order)) + 1)
        rows.append(pool[order])
        weights.append(np.maximum(skew * (traffic[iso2] * 1000) // max(int(skew.sum()), 1), 1))
    chosen, weight = np.concatenate(rows), np.concatenate(weights)
    ascending = np.argsort(chosen, kind="stable")
    return table.take(chosen[ascending]), weight[ascending]


def _quotas(offers: Mapping[str, tuple[int, int]], count: int) -> dict[str, int]:
    """How many codes of each country: by traffic, one at least, no more than it has, together `count`."""
    if count > sum(available for _, available in offers.values()):
        raise ValueError(f"there are fewer than {count} codes to choose from")
    quotas = dict.fromkeys(offers, 0)
    left = count
    while left:
        open_offers = {iso2: offer for iso2, offer in offers.items() if quotas[iso2] < offer[1]}
        total = sum(traffic for traffic, _ in open_offers.values())
        before = left
        for iso2, (traffic, available) in open_offers.items():
            extra = min(max(before * traffic // total, 1), available - quotas[iso2], left)
            quotas[iso2] += extra
            left -= extra
    return quotas


def routes_by_price(codes: CodeTable, decks: Sequence[Deck]) -> Routes:
    """Vendors, numbered as their decks are, ranked by what each code costs in USD; those without it come last."""
    prices = []
    for deck in decks:
        price = deck.price_of(codes.code)
        rate = deck.plan.currency_per_usd
        usd = price * rate.denominator // rate.numerator
        prices.append(np.where(price < 0, np.iinfo(np.int64).max, usd))
    matrix = np.stack(prices, axis=1)
    order = np.argsort(matrix, axis=1, kind="stable")
    depth = (matrix != np.iinfo(np.int64).max).sum(axis=1)
    if (depth == 0).any():
        raise ValueError(f"no deck has a price for {codes.code[int(np.argmin(depth))]}")
    return Routes(order, depth.astype(np.int64))


def attempts(plan: TrafficPlan, chunk: int, size: int, low: int, high: int) -> Attempts:
    """`size` attempts of calls that begin where the weight of the plan's minutes runs from `low` to `high`."""
    draws = Draws(plan.seed, "attempts", chunk)
    tries = 1 + draws.weighted(plan.tries, size) if plan.sinks else np.ones(size, dtype=np.int64)
    calls = int(np.searchsorted(np.cumsum(tries), size)) + 1
    tries = tries[:calls]
    tries[-1] -= int(tries.sum()) - size
    start = _starts(plan, draws, calls, low, high)
    source = draws.weighted([source.weight for source in plan.sources], calls)
    is_answered = draws.chance(plan.answered, 1000, calls)
    code = draws.weighted(plan.weights, calls)
    crosses = _crossing(plan, draws, tries, is_answered)
    if plan.crossing is not None and len(plan.moving):
        code[crosses] = plan.moving[draws.weighted(plan.weights[plan.moving], int(crosses.sum()))]
    called = _subscribers(draws, plan.codes.code[code], _digits(plan.codes)[code], repeated=True)
    caller = calling_numbers(plan, draws, source)
    words = draws.words(2 * calls).reshape(calls, 2)
    call = np.repeat(np.arange(calls), tries)
    first = np.cumsum(tries) - tries
    attempt = np.arange(size) - first[call] + 1
    made = Attempts(
        source=source[call],
        sink=np.full(size, -1),
        code=code[call],
        called=called[call],
        caller=caller[call],
        address=draws.below(1 << 16, calls)[call],
        attempt=attempt,
        is_last=attempt == tries[call],
        start=start[call],
        progress=np.full(size, -1),
        is_early_media=draws.chance(2, 5, size),
        answer=np.full(size, -1),
        end=start[call],
        cause=np.zeros(size, dtype=np.int64),
        call=words[call],
        leg=draws.words(2 * size).reshape(size, 2),
        flaw=np.zeros(size, dtype=np.int64),
    )
    made = _timed(plan, draws, made, is_answered[call] & made.is_last, first[call])
    made = _routed(plan, draws, made)
    return _moved_to_crossing(plan, draws, made, crosses[call])


def _starts(plan: TrafficPlan, draws: Draws, calls: int, low: int, high: int) -> IntArray:
    """Instants of calls in ascending order, as the curve of the plan has them."""
    minute = np.searchsorted(plan.minutes, low + draws.below(high - low, calls), side="right")
    begin = int(plan.start.timestamp()) * 1000
    return np.sort(begin + minute * _MINUTE_MS + draws.below(_MINUTE_MS, calls))


def _digits(codes: CodeTable) -> IntArray:
    return np.asarray([place.digits for place in codes.places])[codes.place]


def _subscribers(draws: Draws, code: IntArray, digits: IntArray, *, repeated: bool) -> IntArray:
    """A number below each code; if `repeated`, half of them are one of 200 numbers of their code."""
    lengths = np.searchsorted(10 ** np.arange(16, dtype=np.int64), code, side="right")
    room = np.maximum(digits - lengths, 0)
    drawn = np.minimum(room, _SUFFIX_DIGITS)
    suffix = draws.below(10**drawn, len(code))
    if repeated:
        again = draws.below(_REPEATED_SUBSCRIBERS, len(code)) * 7919 % 10**drawn
        suffix = np.where(draws.chance(1, 2, len(code)), again, suffix)
    return code * 10**room + suffix * 10 ** (room - drawn)


def _caller_pool(sources: tuple[Source, ...]) -> _NumberPool:
    table = dialled_codes()
    place_iso2 = np.asarray([place.iso2 for place in table.places])[table.place]
    is_person = np.asarray([place.kind is not Kind.FIXED for place in table.places])[table.place]
    code, digits, counts = [], [], []
    for source in sources:
        if source.callers:
            numbers = np.asarray(source.callers)
            code.append(numbers)
            digits.append(np.searchsorted(10 ** np.arange(16, dtype=np.int64), numbers, side="right"))
        else:
            rows = np.flatnonzero(np.isin(place_iso2, source.home) & is_person)
            code.append(table.code[rows])
            digits.append(_digits(table)[rows])
        counts.append(len(code[-1]))
    count = np.asarray(counts)
    return _NumberPool(np.concatenate(code), np.concatenate(digits), np.cumsum(count) - count, count)


def calling_numbers(plan: TrafficPlan, draws: Draws, source: IntArray) -> IntArray:
    """A calling number for each source (an index of the plan's, or of its stranger), -1 where withheld."""
    pool = plan.callers
    row = pool.first[source] + draws.below(pool.count[source], len(source))
    number = _subscribers(draws, pool.code[row], pool.digits[row], repeated=False)
    return np.where(draws.chance(plan.withheld, 1000, len(source)), -1, number)


_RING = log_normal(6500, "0.75", 600, 60_000)
_PDD = log_normal(1900, "0.70", 150, 18_000)
_FAILURE = log_normal(900, "0.90", 60, 12_000)


def _timed(plan: TrafficPlan, draws: Draws, made: Attempts, is_answered: BoolArray, first: IntArray) -> Attempts:
    """Causes and instants: failed attempts one after the other, then the last one, answered or not."""
    size = len(made)
    unanswered = draws.weighted([weight for _, weight in UNANSWERED], size)
    failed_over = draws.weighted([weight for _, weight in FAILED_OVER], size)
    cause = np.asarray([cause for cause, _ in UNANSWERED])[unanswered]
    cause = np.where(made.is_last, cause, np.asarray([cause for cause, _ in FAILED_OVER])[failed_over])
    cause = np.where(is_answered, ANSWERED.index, cause)
    failure = draws.quantile(_FAILURE, size)
    pdd, ring = draws.quantile(_PDD, size), draws.quantile(_RING, size)
    rings = np.asarray([found.rings for found in CAUSES])[cause]
    patience = np.asarray([found.patience for found in CAUSES])[cause]
    length = np.where(rings, pdd + ring * patience, failure)
    before = np.cumsum(length) - length
    start = made.start + before - before[first]
    progress = np.where(rings, start + pdd, -1)
    answer = np.where(is_answered, start + pdd + ring, -1)
    end = np.where(is_answered, answer + draws.quantile(plan.durations, size), start + length)
    return replace(made, cause=cause, start=start, progress=progress, answer=answer, end=end)


def _routed(plan: TrafficPlan, draws: Draws, made: Attempts) -> Attempts:
    """The vendor of each attempt: mostly the cheapest first, then the next; some calls are refused before routing."""
    if plan.routes is None:
        return made
    size = len(made)
    begin = draws.weighted((62, 23, 15), size)[np.arange(size) - made.attempt + 1]
    depth = plan.routes.depth[made.code]
    sink = plan.routes.order[made.code, (begin + made.attempt - 1) % depth]
    is_refused = (made.attempt == 1) & made.is_last & (made.answer < 0) & draws.chance(plan.unrouted, 450, size)
    cause = np.where(is_refused, NO_VENDOR.index, made.cause)
    end = np.where(is_refused, made.start + 40, made.end)
    progress = np.where(is_refused, -1, made.progress)
    return replace(made, sink=np.where(is_refused, -1, sink), cause=cause, end=end, progress=progress)


def _crossing(plan: TrafficPlan, draws: Draws, tries: IntArray, is_answered: BoolArray) -> BoolArray:
    """The calls of one attempt that shall last over the change of prices."""
    if plan.crossing is None:
        return np.zeros(len(tries), dtype=np.bool_)
    able = is_answered & (tries == 1)
    wanted = plan.crossing.share_ppm * int(tries.sum()) // 10**6
    if wanted > int(able.sum()):
        raise ValueError("more calls shall cross the change of prices than are answered")
    rows = np.flatnonzero(able)
    crosses = np.zeros(len(tries), dtype=np.bool_)
    crosses[rows[draws.sample(len(rows), wanted)]] = True
    return crosses


def _moved_to_crossing(plan: TrafficPlan, draws: Draws, made: Attempts, crosses: BoolArray) -> Attempts:
    """Moves those attempts in time so that they last over the instant, counted from setup as well as from answer."""
    if plan.crossing is None:
        return made
    at = int(plan.crossing.at.timestamp()) * 1000
    rows = np.flatnonzero(crosses)
    setup = made.answer[rows] - made.start[rows]
    length = np.maximum(made.end[rows] - made.answer[rows], _CROSSING_LEAST_MS + setup)
    answer = at - 1000 - draws.below(length - setup - 2000, len(rows))
    shift = answer - made.answer[rows]
    start, progress, answers, end = made.start.copy(), made.progress.copy(), made.answer.copy(), made.end.copy()
    start[rows] += shift
    progress[rows] += shift
    answers[rows] = answer
    end[rows] = answer + length
    return replace(made, start=start, progress=progress, answer=answers, end=end)
