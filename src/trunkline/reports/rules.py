"""What a report can be grouped by, what it adds up and what it derives from the sums. No I/O, no float.

docs/guide/reports.md says the same to users.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_DECIMALS, INT64_MAX, Amount, scaled_text


class Key(StrEnum):
    """What rows are grouped by; any of them, in any order, none twice."""

    DAY = "day"  # of the start, in the report's zone
    HOUR = "hour"  # of that day, on the same clock
    ACCOUNT = "account"  # the customer
    VENDOR = "vendor"
    DESTINATION = "destination"  # of the sell side; where that has none, of the buy side
    COUNTRY = "country"  # of that destination
    GROUP = "group"  # the groups that this destination is in, by name with commas
    CODE = "code"  # of the sell side; where that has none, of the buy side
    ORIGIN = "origin"  # of the caller, as the rate of the sell side names it; where that names none, the rate of the buy side
    SERVICE = "service"
    CAUSE = "cause"  # Q.850
    CAUSE_GROUP = "cause_group"  # causes.CauseGroup
    TAGS = "tags"  # of both sides together, in alphabetical order
    JURISDICTION = "jurisdiction"  # usage.traffic.kinds.Jurisdiction
    ATTEMPT = "attempt"  # 1: the first vendor that was tried; 0: none was


PREFIX_DIGITS_MAX: Final = 15  # no number of E.164 is longer
_PREFIX: Final = re.compile(r"code:([0-9]{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first digits of the called number as a key."""

    digits: int

    @property
    def value(self) -> str:
        return f"code:{self.digits}"


Grouping = Key | Prefix
KeyValue = str | int | None  # a day is its ISO text, a cause its number, everything else text; None: there is none

# A whole number, or an array of whole numbers, one a row: int64, or Python's own where 64 bits might not do.
Ints = Any
# Sums beyond this are kept as Python's integers: below it, no multiplication of a `Column` leaves int64.
INT64_SUM_MAX: Final = 1 << 45


@dataclass(frozen=True, slots=True)
class Sums:
    """What a row of a report adds up, or a whole column of rows. Seconds are of voice alone.

    Money is in the tenant's currency, in units of 10^-8. Percentiles do not add up: a sum of sums has none.
    """

    attempts: Ints = 0
    calls: Ints = 0  # attempts that are the last of their call
    connected: Ints = 0  # attempts with a quantity above zero
    connected_calls: Ints = 0  # calls with a quantity above zero
    connected_voice: Ints = 0  # attempts of voice with a quantity above zero
    seconds: Ints = 0
    billed_seconds: Ints = 0  # charged to customers
    cost_seconds: Ints = 0  # charged by vendors
    pdd_ms: Ints = 0
    pdd_count: Ints = 0  # attempts that have a post-dial delay
    revenue: Ints = 0
    cost: Ints = 0
    pdd_p50: Ints = 0  # ms
    pdd_p95: Ints = 0
    duration_p50: Ints = 0  # seconds of connected voice attempts
    duration_p95: Ints = 0

    @property
    def margin(self) -> Ints:
        return self.revenue - self.cost


PERCENTILES: Final = ("pdd_p50", "pdd_p95", "duration_p50", "duration_p95")
ADDITIVE: Final = tuple(name for name in Sums.__slots__ if name not in PERCENTILES)


def total(rows: Iterable[Sums]) -> Sums:
    """The sum of all rows, without percentiles."""
    each = list(rows)
    return Sums(**{name: sum(getattr(row, name) for row in each) for name in ADDITIVE})


class Kind(StrEnum):
    """How a figure is shown."""

    COUNT = "count"  # a whole number
    RATIO = "ratio"  # a decimal rounded half up, empty where there is nothing to divide by
    MONEY = "money"  # an exact amount in the tenant's currency


Value = int | str | Amount | None


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of a report: its name in files, its title in tables, and how it follows from the sums.

    It is `numerator / denominator`, rounded half up to `decimals`; absent where the denominator is zero. Both are
    computed alike for one row and for arrays of rows.
    """

    name: str
    title: str
    kind: Kind
    decimals: int
    numerator: Callable[[Sums], Ints]
    denominator: Callable[[Sums], Ints] | None = None

    def scaled(self, sums: Sums) -> tuple[Ints, Ints]:
        """The figure in units of 10^-decimals, and whether there is one: where all rows have one, simply True."""
        numerator = self.numerator(sums)
        if self.denominator is None:
            return numerator, True
        denominator = self.denominator(sums)
        return ratio(numerator, denominator, self.decimals), denominator != 0

    def value(self, sums: Sums) -> Value:
        """The figure of one row as people and files know it: a count, decimal text, an amount, or None."""
        return shown(self.kind, self.decimals, *self.scaled(sums))


def shown(kind: Kind, decimals: int, scaled: int, is_there: bool) -> Value:
    """A figure of that many units of 10^-decimals: a count, decimal text, an amount; None where there is none."""
    if not is_there:
        return None
    if kind is Kind.MONEY:
        return Amount(int(scaled))
    return int(scaled) if kind is Kind.COUNT else scaled_text(int(scaled), decimals, least=decimals)


def ratio(numerator: Ints, denominator: Ints, decimals: int) -> Ints:
    """`numerator / denominator` in units of 10^-decimals, half up by its magnitude; 0 where the denominator is 0.

    Both are whole numbers or arrays of them. An array that would not do with 64 bits gives Python's integers.
    """
    if isinstance(numerator, np.ndarray) and numerator.dtype != object and numerator.size:
        bound = (abs(numerator).max().item() + 1) * 2 * 10**decimals + 2 * int(np.max(np.abs(denominator)))
        if bound > INT64_MAX:
            numerator = numerator.astype(object)
    sign = (2 * (numerator >= 0) - 1) * (2 * (denominator >= 0) - 1)
    divisor = abs(denominator) + (denominator == 0)
    found = sign * ((2 * abs(numerator) * 10**decimals + divisor) // (2 * divisor))
    return found * (denominator != 0)


ASR_OF_CALLS: Final = Column(
    # A call that a second vendor completes is a success to its customer.
    "asr", "ASR %", Kind.RATIO, 2, lambda sums: 100 * sums.connected_calls, lambda sums: sums.calls
)  # fmt: skip
ASR_OF_ATTEMPTS: Final = Column(
    # What a vendor failed is a failure of his.
    "asr", "ASR %", Kind.RATIO, 2, lambda sums: 100 * sums.connected, lambda sums: sums.attempts
)  # fmt: skip


def _count(name: str, title: str, of: Callable[[Sums], Ints]) -> Column:
    return Column(name, title, Kind.COUNT, 0, of)


def _minutes(name: str, title: str, seconds: Callable[[Sums], Ints]) -> Column:
    """Minutes with 4 decimals: enough to have the seconds back."""
    return Column(name, title, Kind.RATIO, 4, seconds, lambda _: 60)


def _money(name: str, title: str, of: Callable[[Sums], Ints]) -> Column:
    return Column(name, title, Kind.MONEY, AMOUNT_DECIMALS, of)


def _delay(name: str, title: str, of: Callable[[Sums], Ints]) -> Column:
    return Column(name, title, Kind.RATIO, 3, of, lambda sums: 1000 * (sums.pdd_count > 0))


def _duration(name: str, title: str, of: Callable[[Sums], Ints]) -> Column:
    return Column(name, title, Kind.RATIO, 0, of, lambda sums: 1 * (sums.connected_voice > 0))


COLUMNS: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (
        _count("attempts", "Attempts", lambda sums: sums.attempts),
        _count("calls", "Calls", lambda sums: sums.calls),
        _count("connected", "Connected", lambda sums: sums.connected),
        ASR_OF_CALLS,
        Column("acd", "ACD s", Kind.RATIO, 1, lambda sums: sums.seconds, lambda sums: sums.connected_voice),
        Column("pdd", "PDD s", Kind.RATIO, 3, lambda sums: sums.pdd_ms, lambda sums: 1000 * sums.pdd_count),
        _minutes("minutes", "Minutes", lambda sums: sums.seconds),
        _minutes("billed_minutes", "Billed min", lambda sums: sums.billed_seconds),
        _minutes("cost_minutes", "Cost min", lambda sums: sums.cost_seconds),
        _money("revenue", "Revenue", lambda sums: sums.revenue),
        _money("cost", "Cost", lambda sums: sums.cost),
        _money("margin", "Margin", lambda sums: sums.margin),
        Column(
            # None where we paid our customers: there is no share of what was earned.
            "margin_percent",
            "Margin %",
            Kind.RATIO,
            2,
            lambda sums: 100 * sums.margin,
            lambda sums: sums.revenue * (sums.revenue > 0),
        ),
        _delay("pdd_p50", "PDD P50 s", lambda sums: sums.pdd_p50),
        _delay("pdd_p95", "PDD P95 s", lambda sums: sums.pdd_p95),
        _duration("duration_p50", "Duration P50 s", lambda sums: sums.duration_p50),
        _duration("duration_p95", "Duration P95 s", lambda sums: sums.duration_p95),
    )
}


class View(StrEnum):
    """The two reports: which figures they show."""

    MARGIN = "margin"
    SUMMARY = "summary"


SHOWN: Final[Mapping[View, tuple[str, ...]]] = {
    View.MARGIN: ("calls", "connected", "minutes", "billed_minutes", "revenue", "cost", "margin", "margin_percent"),
    View.SUMMARY: tuple(name for name in COLUMNS if name not in PERCENTILES),
}


def columns_of(view: View, *, is_per_vendor: bool, names: Iterable[str] | None = None) -> tuple[Column, ...]:
    """The figures of a report, or those of `names`. Where it looks at single vendors, success is counted by attempts.

    Raises Invalid `unknown_column`.
    """
    found = [find_column(name, COLUMNS.values()) for name in (SHOWN[view] if names is None else names)]
    return tuple(ASR_OF_ATTEMPTS if each is ASR_OF_CALLS and is_per_vendor else each for each in found)


def find_column(name: str, columns: Iterable[Column]) -> Column:
    """The column of that name. Raises Invalid `unknown_column`."""
    known = {column.name: column for column in columns}
    if name not in known:
        raise Invalid("unknown_column", f"The report has no column {name!r}.", hint=f"Use one of {', '.join(known)}.")
    return known[name]


def parse_keys(text: str) -> tuple[Grouping, ...]:
    """Names of keys separated by commas, in their order. Raises Invalid `unknown_key`, `key_twice`."""
    keys: list[Grouping] = []
    for name in (part.strip().lower() for part in text.split(",") if part.strip()):
        prefix = _PREFIX.fullmatch(name)
        if prefix is not None and 1 <= int(prefix[1]) <= PREFIX_DIGITS_MAX:
            key: Grouping = Prefix(int(prefix[1]))
        elif name in Key.__members__.values():
            key = Key(name)
        else:
            raise Invalid(
                "unknown_key",
                f"A report cannot be grouped by {name!r}.",
                hint=f"Use {', '.join(Key)}, or code:N for the first N digits of the called number, N up to 15.",
            )
        if key in keys:
            raise Invalid("key_twice", f"{name!r} is named twice.")
        keys.append(key)
    return tuple(keys)


def parse_figures(text: str) -> tuple[str, ...]:
    """Names of columns separated by commas, in their order. Raises Invalid `unknown_column`, `column_twice`."""
    names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for place, name in enumerate(names):
        find_column(name, COLUMNS.values())
        if name in names[:place]:
            raise Invalid("column_twice", f"{name!r} is named twice.")
    return names
