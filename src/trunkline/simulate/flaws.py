"""What is wrong with some records: one flaw a record, each with the reason for which Trunkline must reject it.

Some flaws are in the call itself (`spoil`, before a format writes it), the others in how it is written
(`formats.py` looks at the column `flaw`). The reasons are explained in docs/formats/reasons.md.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import numpy as np

from trunkline.simulate.draws import BoolArray, Draws, IntArray
from trunkline.simulate.traffic import Attempts, TrafficPlan, calling_numbers

_DAY_MS = 86_400_000
_FUTURE_MS = 50 * 365 * _DAY_MS
_OVER_LIMIT_MS = 30 * 3_600_000
_BACKWARDS_MS = 30_000
_LEAST_CONNECTED_MS = 2000


class Flaw(IntEnum):
    """The flaws that can be put into records."""

    NONE = 0
    BAD_ENCODING = 1
    FIELD_COUNT = 2
    BAD_TIME = 3
    TIME_IN_FUTURE = 4
    TIME_ORDER = 5
    DURATION_NEGATIVE = 6
    DURATION_OVER_LIMIT = 7
    DURATION_MISMATCH = 8
    BAD_NUMBER = 9
    UNKNOWN_SELL = 10
    UNKNOWN_BUY = 11
    NO_RATE_SELL = 12
    NO_RATE_BUY = 13
    CONFLICTING_DUPLICATE = 14

    @property
    def reason(self) -> str:
        """The stable code of the reject that it leads to."""
        return self.name.lower()


# Only a connected call shows these: without a quantity nothing is priced, and there is no duration to be wrong.
_NEEDS_CONNECTION = frozenset(
    {
        Flaw.TIME_ORDER,
        Flaw.DURATION_NEGATIVE,
        Flaw.DURATION_OVER_LIMIT,
        Flaw.DURATION_MISMATCH,
        Flaw.UNKNOWN_SELL,
        Flaw.UNKNOWN_BUY,
        Flaw.NO_RATE_SELL,
        Flaw.NO_RATE_BUY,
        Flaw.CONFLICTING_DUPLICATE,
    }
)


def suits(plan: TrafficPlan, made: Attempts, flaw: Flaw) -> BoolArray:
    """The attempts that can have that flaw and, for it alone, be rejected."""
    free = made.flaw == Flaw.NONE
    if flaw in _NEEDS_CONNECTION:
        free &= made.duration() >= _LEAST_CONNECTED_MS
    if flaw is Flaw.UNKNOWN_BUY:
        free &= made.sink >= 0
    if flaw is Flaw.NO_RATE_BUY:
        free &= np.zeros(len(made), dtype=np.bool_) if plan.routes is None else _lacks_vendors(plan)[made.code]
    return free


def _lacks_vendors(plan: TrafficPlan) -> BoolArray:
    return np.zeros(len(plan.codes), dtype=np.bool_) if plan.routes is None else plan.routes.depth < len(plan.sinks)


def spoil(plan: TrafficPlan, draws: Draws, made: Attempts, flaw: Flaw, rows: IntArray) -> Attempts:
    """The attempts with that flaw in those rows; a flaw of the writing is only marked."""
    marks = made.flaw.copy()
    marks[rows] = flaw
    made = replace(made, flaw=marks)
    start, answer, end = made.start.copy(), made.answer.copy(), made.end.copy()
    progress, called = made.progress.copy(), made.called.copy()
    source, sink, caller = made.source.copy(), made.sink.copy(), made.caller.copy()
    match flaw:
        case Flaw.TIME_IN_FUTURE:
            for instants in (start, answer, end, progress):
                instants[rows] += np.where(instants[rows] < 0, 0, _FUTURE_MS)
        case Flaw.TIME_ORDER:
            answer[rows] = start[rows] - _BACKWARDS_MS
        case Flaw.DURATION_OVER_LIMIT:
            end[rows] = answer[rows] + _OVER_LIMIT_MS
        case Flaw.UNKNOWN_SELL:
            source[rows] = len(plan.sources)
            caller[rows] = calling_numbers(plan, draws, source[rows])  # a number may be what tells a customer
        case Flaw.UNKNOWN_BUY:
            sink[rows] = len(plan.sinks)
        case Flaw.NO_RATE_SELL:
            codes = np.asarray([int(code) for code in plan.uncovered])
            called[rows] = codes[draws.below(len(codes), len(rows))] * 10**9 + draws.below(10**9, len(rows))
        case Flaw.NO_RATE_BUY if plan.routes is not None:
            sink[rows] = plan.routes.order[made.code[rows], -1]
        case _:
            return made
    return replace(
        made,
        start=start,
        answer=answer,
        end=end,
        progress=progress,
        called=called,
        source=source,
        sink=sink,
        caller=caller,
    )


def contradiction(made: Attempts, rows: IntArray) -> Attempts:
    """Copies of those attempts with the same keys that lasted seven seconds longer."""
    copies = made.take(rows)
    return replace(copies, end=copies.end + 7000, flaw=np.full(len(rows), int(Flaw.CONFLICTING_DUPLICATE)))
