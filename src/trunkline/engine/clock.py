"""When the rates of a tariff can change: validity bounds and time windows as one list of moments.

Between two neighbouring moments nothing changes, so the tariff is in one *state* there: an epoch (which validity
bounds have passed) and, for each time profile, the `from` of the window it is in. States repeat day after day and are
numbered, so that what is compiled for one is found again. Rules: `docs/algorithms/rating.md` 1, 2 and 3.2c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trunkline.engine.schema import TimeWindow
from trunkline.engine.zone import DAY_S, offsets

Seconds = NDArray[np.int64]

ALWAYS_S: Final = -(2**62)  # before every instant: a missing valid_from
NEVER_S: Final = 2**62  # after every instant: a missing valid_to

OUTSIDE: Final = -2  # the profile is in no window
NO_PROFILE: Final = -1  # sorts after every window, see rule 3.2c

_YEAR_S: Final = 366 * DAY_S
_MARGIN_S: Final = 31 * DAY_S


@dataclass(frozen=True, slots=True)
class State:
    """The tariff between two moments: an instant of the epoch, and each profile's `from` or OUTSIDE."""

    epoch_s: int
    window_from: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """`state[i]` holds from `begin_s[i]` to `begin_s[i + 1]`; one beginning more than states; int64 and int32."""

    begin_s: Seconds
    state: NDArray[np.int32]

    def covers(self, first_s: int, last_s: int) -> bool:
        return bool(self.begin_s[0] <= first_s and last_s < self.begin_s[-1])


def windows_from(windows: Sequence[TimeWindow], local_s: Seconds) -> NDArray[np.int32]:
    """For each local time (`engine.zone.to_local`) the latest `from` of the windows that contain it, or OUTSIDE."""
    day = local_s // DAY_S
    second = local_s - day * DAY_S
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    fields = {
        "weekdays": (day + 3) % 7 + 1,  # 1970-01-01 was a Thursday, 4
        "months": month.astype(np.int64) % 12 + 1,
        "month_days": (date - month).astype(np.int64) + 1,
        "years": date.astype("datetime64[Y]").astype(np.int64) + 1970,
    }
    begun = np.full(local_s.size, OUTSIDE, dtype=np.int32)
    for window in windows:
        is_inside = (window.start_s <= second) & (second < window.end_s)
        for name, values in fields.items():
            allowed: frozenset[int] = getattr(window, name)
            if allowed:
                is_inside &= np.isin(values, np.array(sorted(allowed), dtype=np.int64))
        np.maximum(begun, np.int32(window.start_s), out=begun, where=is_inside)
    return begun


def _edges(windows: Sequence[TimeWindow], zone: str, first_s: int, last_s: int) -> Seconds:
    """Instants in `[first_s, last_s]`, the first included, at which any of the windows may begin or end."""
    seconds = np.array(sorted({0} | {edge for each in windows for edge in (each.start_s, each.end_s)}), dtype=np.int64)
    changes, offset_s = offsets(zone, first_s, last_s)
    found = [np.array([first_s], dtype=np.int64)]
    for index, offset in enumerate(offset_s.tolist()):
        low = first_s if index == 0 else max(int(changes[index]), first_s)
        high = last_s if index + 1 == changes.size else min(int(changes[index + 1]) - 1, last_s)
        if low > high:
            continue
        days = np.arange((low + offset) // DAY_S, (high + offset) // DAY_S + 1, dtype=np.int64)
        edges = (days[:, None] * DAY_S + seconds).ravel() - offset
        found += [np.array([low], dtype=np.int64), edges[(low <= edges) & (edges <= high)]]
    return np.unique(np.concatenate(found))


class Clock:
    """The moments of one tariff. `epochs_s` are its distinct finite validity bounds, ascending.

    Safe for several threads: what is kept is only ever added to, or replaced whole.
    """

    def __init__(self, zone: str, epochs_s: Seconds, profiles: Sequence[Sequence[TimeWindow]]) -> None:
        self._zone = zone
        self._epoch_begin = np.concatenate([np.array([ALWAYS_S], dtype=np.int64), epochs_s])
        self._profiles = tuple(tuple(windows) for windows in profiles)
        self._lock = Lock()
        self._numbers: dict[State, int] = {}
        self.states: list[State] = []
        self._timeline: Timeline | None = None
        if not self._profiles:
            states = [self._number(State(epoch, ())) for epoch in self._epoch_begin.tolist()]
            begin = np.append(self._epoch_begin, np.int64(NEVER_S))
            self._timeline = Timeline(begin, np.array(states, dtype=np.int32))

    def _number(self, state: State) -> int:
        number = self._numbers.get(state)
        if number is None:
            with self._lock:
                number = self._numbers.get(state)
                if number is None:
                    # In this order: who reads the number without the lock finds its state.
                    number = len(self.states)
                    self.states.append(state)
                    self._numbers[state] = number
        return number

    def timeline(self, first_s: int, last_s: int) -> Timeline:
        """The states from `first_s` to `last_s` or a wider range."""
        known = self._timeline
        if known is not None and known.covers(first_s, last_s):
            return known
        first, last = first_s - _MARGIN_S, last_s + _MARGIN_S
        if known is not None and max(last, int(known.begin_s[-1])) - min(first, int(known.begin_s[0])) <= 2 * _YEAR_S:
            first, last = min(first, int(known.begin_s[0])), max(last, int(known.begin_s[-1]))
        made = self._make(first, last)
        self._timeline = made
        return made

    def _make(self, first_s: int, last_s: int) -> Timeline:
        windows = [window for profile in self._profiles for window in profile]
        epochs = self._epoch_begin
        inside = epochs[(first_s <= epochs) & (epochs <= last_s)]
        moments = np.union1d(_edges(windows, self._zone, first_s, last_s), inside)
        changes, offset_s = offsets(self._zone, first_s, last_s)
        shift = offset_s[np.maximum(np.searchsorted(changes, moments, side="right") - 1, 0)]
        epoch = np.searchsorted(epochs, moments, side="right") - 1
        columns: list[NDArray[Any]] = [epoch, *(windows_from(profile, moments + shift) for profile in self._profiles)]
        facts = np.stack([column.astype(np.int64) for column in columns], axis=1)
        is_change = np.append(True, (facts[1:] != facts[:-1]).any(axis=1))
        facts, moments = facts[is_change], moments[is_change]
        distinct, which = np.unique(facts, axis=0, return_inverse=True)
        numbers = [self._number(State(int(epochs[row[0]]), tuple(row[1:]))) for row in distinct.tolist()]
        state = np.array(numbers, dtype=np.int32)[which.reshape(-1)]
        return Timeline(np.append(moments, np.int64(last_s + 1)), state)
