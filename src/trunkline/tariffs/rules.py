"""Pure decisions of the tariffs: steps and windows as text, which unit a service counts in, rates that overlap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trunkline.core.errors import Invalid
from trunkline.core.money import Price
from trunkline.core.period import first_instant
from trunkline.engine.schema import TimeWindow
from trunkline.engine.units import Unit

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

UNITS_MAX: Final = 10**15  # of a position, an increment, a `per`, a grace: more than any event has
STEPS_MAX: Final = 50
DAY_S: Final = 86400

UNIT_OF_SERVICE: Final[Mapping[str, Unit]] = {
    "voice": Unit.SECOND,
    "sms": Unit.MESSAGE,
    "data": Unit.OCTET,
    "event": Unit.MESSAGE,
}

_WHOLE = re.compile(r"[0-9]{1,16}", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
_DAY_LISTS: Final = {"weekdays": (1, 7), "months": (1, 12), "month_days": (1, 31), "years": (1970, 9999)}


@dataclass(frozen=True, slots=True)
class Step:
    """From `start` on, `price` for `per` units, charged in whole increments of `increment` units."""

    start: int
    price: Price
    per: int
    increment: int

    def __str__(self) -> str:
        return f"{self.start}:{self.price}/{self.per}/{self.increment}"


def whole(text: str, what: str, *, least: int = 0, most: int = UNITS_MAX) -> int:
    """A whole number from `least` to `most`. Raises Invalid `bad_number`."""
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise Invalid("bad_number", f"{what} is a whole number from {least} to {most}, not {text[:40]!r}.")
    return int(text)


def parse_steps(text: str) -> tuple[Step, ...]:
    """The steps of `0:0.20/60/60;60:0.10/60/1`: `from:price/per/increment`, ascending, the first from 0.

    Raises Invalid `bad_steps`, `bad_number`, `price_precision`, `bad_decimal`, `overflow`.
    """
    steps = tuple(parse_step(part.strip()) for part in text.split(";"))
    starts = [step.start for step in steps]
    if starts[0] != 0 or any(later <= earlier for earlier, later in pairwise(starts)):
        raise Invalid(
            "bad_steps", f"{text[:80]!r}: the first step begins at 0, each later one after the one before it."
        )
    if len(steps) > STEPS_MAX:
        raise Invalid("bad_steps", f"A rate has at most {STEPS_MAX} steps.")
    return steps


def parse_step(text: str) -> Step:
    """One step as `from:price/per/increment`. Raises as `parse_steps` does."""
    start, colon, rest = text.partition(":")
    parts = rest.split("/")
    if not colon or len(parts) != 3:
        raise Invalid("bad_steps", f"{text[:80]!r} is no step.", hint="Write from:price/per/increment, as 0:0.20/60/1.")
    return Step(
        whole(start.strip(), "The beginning of a step"),
        Price.from_text(parts[0].strip()),
        whole(parts[1].strip(), "The units of a price", least=1),
        whole(parts[2].strip(), "An increment", least=1),
    )


def make_steps(price: str, per: str, increments: str, unit: Unit) -> str:
    """The columns `price`, `per` and `increments` of a rate file as the text of steps (docs/formats/rates_csv.md).

    Raises Invalid `missing_price`, `bad_steps`, `bad_number`, `price_precision`, `bad_decimal`, `overflow`.
    """
    if ":" in increments:
        if price or per:
            raise Invalid("bad_steps", "Where increments gives steps, price and per are empty.")
        return ";".join(map(str, parse_steps(increments)))
    if not price:
        raise Invalid("missing_price", "There is no price.")
    amount = Price.from_text(price)
    units = whole(per, "per", least=1) if per else (60 if unit is Unit.SECOND else 1)
    first, slash, following = (increments or "1/1").partition("/")
    if not slash:
        raise Invalid("bad_steps", f"{increments[:40]!r} are no increments.", hint="Write first/next, as 60/1.")
    begin = Step(0, amount, units, whole(first.strip(), "The first increment", least=1))
    after = Step(begin.increment, amount, units, whole(following.strip(), "The next increment", least=1))
    return str(begin) if begin.increment == after.increment else f"{begin};{after}"


def parse_instant(text: str, zone: tzinfo) -> datetime:
    """An instant, in UTC, from ISO 8601 with an offset, or from a plain date: its midnight in `zone`.

    Raises Invalid `bad_time`, also for what is finer than a second.
    """
    try:
        if len(text) == len("2026-03-02"):
            return first_instant(date.fromisoformat(text), zone)
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            "bad_time", f"{text[:40]!r} is no instant.", hint="Write 2026-03-02T00:00:00Z, or the date alone."
        ) from error
    if instant.tzinfo is None:
        raise Invalid("bad_time", f"{text} has no offset.", hint="Write 2026-03-02T00:00:00Z, or the date alone.")
    if instant.microsecond:
        raise Invalid("bad_time", f"{text} is finer than a second.")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise Invalid("bad_time", f"{text} is outside the calendar.") from error


def parse_windows(windows: object) -> tuple[TimeWindow, ...]:
    """The windows of a time profile from their JSON form. Raises Invalid `bad_time_window`."""
    if not isinstance(windows, list) or not windows:
        raise Invalid("bad_time_window", "A time profile is a list of one window or more.")
    return tuple(_window(window) for window in windows)


def _window(window: object) -> TimeWindow:
    if not isinstance(window, dict):
        raise Invalid("bad_time_window", f"{window!r} is no window.")
    unknown = set(window) - set(_DAY_LISTS) - {"from", "to"}
    if unknown:
        raise Invalid("bad_time_window", f"A window has no {sorted(map(str, unknown))[0]!r}.")
    lists = {name: _days(name, window.get(name)) for name in _DAY_LISTS}
    start_s = _clock(window.get("from") or "00:00:00")
    end_s = _clock(window.get("to") or "24:00:00")
    if start_s >= end_s:
        raise Invalid(
            "bad_time_window",
            "A window ends after it begins.",
            hint="Write what crosses midnight as two windows.",
        )
    return TimeWindow(**lists, start_s=start_s, end_s=end_s)


def _days(name: str, values: Any) -> frozenset[int]:
    low, high = _DAY_LISTS[name]
    values = values or []
    if not isinstance(values, list) or not all(type(value) is int and low <= value <= high for value in values):
        raise Invalid("bad_time_window", f"{name} is a list of numbers from {low} to {high}.")
    return frozenset(values)


def _clock(text: object) -> int:
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0) if match else DAY_S + 1
    if seconds > DAY_S:
        raise Invalid(
            "bad_time_window", f"{text!r} is no time of day.", hint="Write 08:00 or 08:00:00, at most 24:00:00."
        )
    return seconds


def windows_json(windows: Iterable[TimeWindow]) -> list[dict[str, Any]]:
    """The JSON form of windows, without what is left open."""
    found = []
    for window in windows:
        shown: dict[str, Any] = {name: sorted(getattr(window, name)) for name in _DAY_LISTS if getattr(window, name)}
        if window.start_s:
            shown["from"] = _clock_text(window.start_s)
        if window.end_s != DAY_S:
            shown["to"] = _clock_text(window.end_s)
        found.append(shown)
    return found


def _clock_text(seconds: int) -> str:
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60).isoformat()


@dataclass(frozen=True, slots=True)
class Superseded:
    """What new rates do to those before them: `close` gives each row its new end in seconds, `void` rows hold never."""

    rows: npt.NDArray[np.intp]
    ends_s: Int64s
    void: npt.NDArray[np.intp]


def find_overlaps(key: Int64s, start_s: Int64s, end_s: Int64s) -> list[tuple[int, int]]:
    """Pairs of rows of one key whose periods `[start, end)` overlap: each later row with an earlier one that it meets.

    At most one pair a row, ordered by the later row of the list.
    """
    order = np.lexsort((start_s, key))
    sorted_key, begin, end = key[order], start_s[order], end_s[order]
    same = sorted_key[1:] == sorted_key[:-1]
    if not np.any(same & (begin[1:] < end[:-1])):
        return []  # if any two of a key overlap, two neighbours do
    pairs: list[tuple[int, int]] = []
    group, longest = None, 0
    for place, row in enumerate(order):
        if sorted_key[place] != group:
            group, longest = sorted_key[place], place
            continue
        if begin[place] < end[longest]:
            one, other = int(order[longest]), int(row)
            pairs.append((min(one, other), max(one, other)))
        if end[place] > end[longest]:
            longest = place
    return sorted(pairs, key=lambda pair: pair[::-1])


def supersede(old: tuple[Int64s, Int64s, Int64s], new: tuple[Int64s, Int64s, Int64s]) -> Superseded:
    """What a list of new rates does to the old ones of the same keys: (key, start, end) of each, in seconds.

    The new ones do not overlap each other. An old row ends where the first new row that it meets begins; one that
    begins with it or later holds never.
    """
    old_key, old_start, old_end = old
    order = np.lexsort((new[1], new[0]))
    new_key, new_start, new_end = (column[order] for column in new)
    # The first new row of the key that ends after the old one begins: new rows of a key ascend in both bounds.
    place = first_after(new_key, new_end, old_key, old_start)
    inside = place < len(new_key)
    at = np.minimum(place, max(len(new_key) - 1, 0))
    meets = inside & (new_key[at] == old_key) & (new_start[at] < old_end) if len(new_key) else inside
    begins = new_start[at] if len(new_key) else old_start
    void = meets & (begins <= old_start)
    close = np.flatnonzero(meets & ~void)
    return Superseded(close, begins[close], np.flatnonzero(void))


def first_after(keys: Int64s, ends: Int64s, wanted: Int64s, after: Int64s) -> npt.NDArray[np.intp]:
    """For each (wanted, after) the first place where (key, end) > it; keys and ends ascend together."""
    joined_key = np.concatenate([keys, wanted])
    joined_end = np.concatenate([ends, after])
    is_wanted = np.concatenate([np.zeros(len(keys), np.int8), np.ones(len(wanted), np.int8)])
    # Equal ends count as not after, so that they stand before the wanted ones.
    order = np.lexsort((is_wanted, joined_end, joined_key))
    rank = np.cumsum(is_wanted[order] == 0)
    place = np.empty(len(wanted), np.intp)
    mine = order >= len(keys)
    place[order[mine] - len(keys)] = rank[mine]
    return place


def describe_steps(steps: Sequence[Step]) -> str:
    """Steps for people: `0.20/60 60/60` or, where they differ in price, one after the other."""
    first = steps[0]
    if len(steps) == 1:
        return f"{first.price} per {first.per}, {first.increment}/{first.increment}"
    if len(steps) == 2 and steps[1] == Step(first.increment, first.price, first.per, steps[1].increment):
        return f"{first.price} per {first.per}, {first.increment}/{steps[1].increment}"
    return "; ".join(f"from {s.start}: {s.price} per {s.per} by {s.increment}" for s in steps)
