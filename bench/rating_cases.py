"""Price lists and events that look for trouble: what `bench agree` and the property tests rate by both engines.

One generator for both. It asks a `Draw` for every decision, so that a seeded `random.Random` can make millions of cases
and Hypothesis can shrink the one that fails. The cases crowd around what is hard: codes that are prefixes of one another,
rates, windows and clock changes that begin and end within the events, increments that overrun, numbers shorter than
codes, children that have the codes of their parents, amounts at the ends of int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from trunkline.engine.rate import compile_snapshot, rate
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import CALLER_FIELD, EVENT_SCHEMA, RATE_SCHEMA, Tariff, TimeWindow
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.units import Unit

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Nairobi",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Africa/Casablanca",  # four changes a year
    "Pacific/Apia",  # left out 30 December 2011
)
# Clock changes of those zones, a leap day, ends of months and years.
ANCHORS = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 2, 15, 2, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2025, 12, 31, 23, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
    datetime(2026, 6, 17, 18, tzinfo=UTC),
)
TAGS = ("eea", "world", "night")
ORIGINS = ("home", "abroad", "mobile")
DIGITS = "0123456789"


class Draw(Protocol):
    """Where decisions come from."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""


class SeededDraw:
    """Decisions by a seed: the same seed, the same cases, on every machine."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        return self._random.choice(options)


@dataclass(frozen=True, slots=True)
class Cases:
    """Tariffs, plans over them, and events that each name a plan and perhaps a tag set."""

    tariffs: list[Tariff]
    plans: list[tuple[int, ...]]
    tag_sets: list[frozenset[str]]
    events: list[dict[str, Any]]

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self.events, schema=EVENT_SCHEMA.append(CALLER_FIELD))

    def event(self, index: int) -> Event:
        """The event for `engine.scalar`."""
        row = self.events[index]
        tags = frozenset() if row["tag_set"] is None else self.tag_sets[row["tag_set"]]
        return Event(row["number"], row["start"], row["quantity"], tags, row["caller"] or "")


def _seldom(draw: Draw, often: int = 10) -> bool:
    return draw.integer(1, often) == 1


def _digits(draw: Draw, length: int) -> str:
    # Few digits, so that numbers and codes meet.
    return "".join(draw.choice("0129") for _ in range(length))


def _code(draw: Draw) -> str:
    length = draw.integer(0, 6)
    if _seldom(draw, 60):
        length = draw.choice([17, 18, 19])
    return _digits(draw, length)


def _instant(draw: Draw, anchor: datetime) -> datetime:
    step = draw.choice([1, 60, 900, 3600, 43200])
    return anchor + timedelta(seconds=draw.integer(-6, 6) * step)


def _windows(draw: Draw, anchor: datetime) -> tuple[TimeWindow, ...]:
    windows = []
    for _ in range(draw.integer(0, 3) if _seldom(draw, 4) else draw.integer(1, 2)):
        unit = draw.choice([900, 3600, 7])
        start = draw.integer(0, 86400 // unit - 1) * unit
        end = min(start + draw.integer(1, 12) * draw.choice([1, 60, 3600, 7200]), 86400)
        if _seldom(draw, 3):
            start, end = 0, draw.choice([86400, end])
        lists: dict[str, frozenset[int]] = {}
        if _seldom(draw, 3):
            lists["weekdays"] = frozenset(draw.integer(1, 7) for _ in range(draw.integer(1, 4)))
        if _seldom(draw, 8):
            lists["months"] = frozenset({anchor.month, draw.integer(1, 12)})
        if _seldom(draw, 8):
            lists["month_days"] = frozenset({anchor.day, draw.integer(1, 31)})
        if _seldom(draw, 12):
            lists["years"] = frozenset({draw.choice([anchor.year, anchor.year + 1])})
        windows.append(TimeWindow(start_s=start, end_s=end, **lists))
    return tuple(windows)


def _price(draw: Draw) -> int:
    if _seldom(draw, 500):
        return draw.choice([2**63 - 1, -(2**63), 2**62, -(2**60), 10**17])
    size = draw.choice([1, 10**4, 10**8, 10**10])
    price = draw.integer(0, 999) * size + draw.choice([0, 0, 1])
    return -price if _seldom(draw, 8) else price


def _steps(draw: Draw) -> list[dict[str, int]]:
    start, steps = 0, []
    for _ in range(draw.choice([1, 1, 2, 2, 3, 5])):
        increment = draw.choice([1, 1, 6, 7, 30, 60, 60, 3600])
        per = draw.choice([60, 60, 60, 1, 30, 7, 1000])
        if _seldom(draw, 500):
            increment, per = draw.choice(
                [(2**40, 1), (1, 2**40 + 15), (10**9 + 7, 998244353), (2**61, 3), (2**63 - 1, 1)]
            )
        steps.append({"start": start, "price": _price(draw), "per": per, "increment": increment})
        start += draw.choice([1, 5, 30, 60, 61, 600])
    return steps


def _rate(
    draw: Draw,
    rate_id: int,
    anchor: datetime,
    codes: Sequence[str],
    profiles: Sequence[str],
    origins: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "rate_id": rate_id,
        "code": draw.choice(codes),
        "destination_id": None if _seldom(draw, 5) else rate_id * 7,
        "valid_from": _instant(draw, anchor) if _seldom(draw, 2) else None,
        "valid_to": _instant(draw, anchor) if _seldom(draw, 3) else None,
        "time_profile": draw.choice(profiles) if profiles and _seldom(draw, 2) else None,
        "weight": draw.choice([100000, 100000, 100000, 50000, 200000]),
        "setup_fee": _price(draw) if _seldom(draw, 4) else 0,
        "grace": draw.choice([1, 5, 60, 700]) if _seldom(draw, 6) else 0,
        "rounding_mode": draw.integer(0, 3),
        "rounding_decimals": draw.choice([8, 8, 6, 4, 2, 0]),
        "max_cost": draw.choice([0, 10**6, 10**8, 10**10]) if _seldom(draw, 6) else None,
        "length_min": draw.integer(0, 8) if _seldom(draw, 8) else None,
        "length_max": draw.integer(0, 12) if _seldom(draw, 8) else None,
        "tag": draw.choice(TAGS) if _seldom(draw, 6) else None,
        "origin": draw.choice(origins) if origins and _seldom(draw, 2) else None,
        "blocked": _seldom(draw, 12),
        "additive": _seldom(draw, 8),
        "steps": _steps(draw),
    }


def _tariff(draw: Draw, tariff_id: int, anchor: datetime, unit: Unit, parent: Tariff | None) -> Tariff:
    """A tariff; of a child the clock and the profiles are those of its parent, and half of its codes."""
    if parent is not None:
        profiles = dict(parent.time_profiles)
    else:
        profiles = {name: _windows(draw, anchor) for name in ("day", "peak")[: draw.choice([0, 1, 2, 2])]}
    codes = [_code(draw) for _ in range(draw.integer(1, 6))]
    if parent is not None:
        codes += parent.rates["code"].to_pylist()[: len(codes)]
    codes += [code[: draw.integer(0, len(code))] for code in codes]
    # A deck of codes that are prefixes of one another; the rates may ask for a name that it has not, or there may be no deck.
    names: Sequence[str] = () if draw.integer(0, 1) else (*ORIGINS, "nowhere")
    deck = {_digits(draw, draw.integer(1, 4)): draw.choice(ORIGINS) for _ in range(draw.integer(0, 6) if names else 0)}
    rates = [
        _rate(draw, tariff_id * 1000 + index, anchor, codes, list(profiles), names)
        for index in range(draw.integer(0, 12))
    ]
    if rates and draw.integer(0, 1):
        # Something for every number at any time, or most events would have no rate.
        last = {"code": "", "additive": False, "length_min": None, "length_max": None, "tag": None, "origin": None}
        rates.append(_rate(draw, tariff_id * 1000 + 999, anchor, codes, ()) | last | {"valid_from": None})
    return Tariff(
        id=tariff_id,
        name=f"tariff {tariff_id}",
        currency="USD",
        timezone=draw.choice(ZONES) if parent is None else parent.timezone,
        unit=unit,
        rates=pa.Table.from_pylist(rates, schema=RATE_SCHEMA),
        time_profiles=profiles,
        origins=deck,
        parent=parent,
    )


def _tariffs(draw: Draw, count: int, anchor: datetime, unit: Unit) -> list[Tariff]:
    made: list[Tariff] = []
    for tariff_id in range(1, count + 1):
        parent = draw.choice(made) if made and _seldom(draw, 2) else None
        made.append(_tariff(draw, tariff_id, anchor, unit, parent))
    return made


def _quantity(draw: Draw, unit: Unit) -> int:
    if _seldom(draw, 12):
        return 0
    if unit is not Unit.SECOND and _seldom(draw, 20):
        return draw.choice([2**40, 2**53 + 1, 2**62 + 1, 2**63 - 1])
    if _seldom(draw, 300):
        return draw.choice([3 * 86400, 20 * 86400, 401 * 86400])
    return draw.integer(1, draw.choice([2, 70, 700, 7000, 90000]))


def _event(draw: Draw, anchor: datetime, unit: Unit, codes: Sequence[str], plans: int, tag_sets: int) -> dict[str, Any]:
    number = draw.choice(codes) + _digits(draw, draw.choice([0, 1, 3, 5, 8]))
    if _seldom(draw, 8):
        number = number[: draw.integer(0, len(number))]
    if _seldom(draw, 300):
        number += draw.choice(["+", " 1", "a", "٣"])
    start = _instant(draw, anchor) - timedelta(milliseconds=draw.choice([0, 0, 1, 60000, 1800001]))
    if _seldom(draw, 500):
        start = draw.choice(
            [datetime(1, 1, 1, tzinfo=UTC), datetime(1800, 1, 1, tzinfo=UTC), datetime(9990, 5, 5, tzinfo=UTC)]
        )
    return {
        "number": number,
        "start": start,
        "quantity": _quantity(draw, unit),
        "plan": draw.integer(0, plans - 1),
        "tag_set": None if draw.integer(0, 1) else draw.integer(0, tag_sets - 1),
        "caller": _caller(draw),
    }


def _caller(draw: Draw) -> str | None:
    """A number, a withheld one, or what a switch writes for one."""
    if _seldom(draw, 5):
        return draw.choice([None, "", "anonymous", "+12", "1 2", "٣"])
    return _digits(draw, draw.choice([1, 2, 3, 6, 12, 20]))


def make_cases(draw: Draw, event_count: int) -> Cases:
    """A few tariffs of one unit, plans over them, and `event_count` events around one moment."""
    anchor = draw.choice(ANCHORS)
    unit = draw.choice([Unit.SECOND, Unit.SECOND, Unit.SECOND, Unit.OCTET])
    tariffs = _tariffs(draw, draw.integer(1, 4), anchor, unit)
    ids = [tariff.id for tariff in tariffs]
    plans = [tuple(ids[:1]), tuple(ids), tuple(draw.choice(ids) for _ in range(draw.integer(0, 3)))]
    tag_sets = [frozenset(), frozenset({"eea"}), frozenset({"world", "night", "unknown"})]
    codes = sorted({code for tariff in tariffs for code in tariff.rates["code"].to_pylist()} | {"", "2"})
    events = [_event(draw, anchor, unit, codes, len(plans), len(tag_sets)) for _ in range(event_count)]
    return Cases(tariffs, plans, tag_sets, events)


def by_columns(cases: Cases, snapshot: Snapshot | None = None) -> list[tuple[Any, ...]]:
    """What `engine.rate` makes of the events: one tuple of PRICED_SCHEMA an event."""
    snapshot = snapshot or compile_snapshot(cases.tariffs)
    priced = rate(snapshot, cases.table(), cases.plans, cases.tag_sets)
    return list(zip(*(column.to_pylist() for column in priced.columns), strict=True))


def by_scalar(cases: Cases) -> list[tuple[Any, ...]]:
    """What `engine.scalar` makes of them."""
    tariffs = {tariff.id: ScalarTariff(tariff) for tariff in cases.tariffs}
    answers = []
    for index, row in enumerate(cases.events):
        each = charge([tariffs[tariff_id] for tariff_id in cases.plans[row["plan"]]], cases.event(index))
        amount = None if each.amount is None else each.amount.units
        answers.append(
            (int(each.outcome), each.tariff_id, each.rate_id, each.code, each.destination_id, each.billed, amount)
        )
    return answers
