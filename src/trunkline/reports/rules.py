"""What a report can be grouped by, what it adds up and what it derives from the sums. No I/O, no float.

docs/guide/reports.md says the same to users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, RoundingMode, round_ratio, scaled_text


class Key(StrEnum):
    """What rows are grouped by; any of them, in any order, none twice."""

    DAY = "day"  # of the start, in the report's zone
    ACCOUNT = "account"  # the customer
    VENDOR = "vendor"
    DESTINATION = "destination"  # of the sell side; where that has none, of the buy side
    COUNTRY = "country"  # of that destination
    CODE = "code"  # of the sell side; where that has none, of the buy side
    SERVICE = "service"
    CAUSE = "cause"  # Q.850


ZERO: Final = Amount.zero()

KeyValue = str | int | None  # a day is its ISO text, a cause its number, everything else text; None: there is none


@dataclass(frozen=True, slots=True)
class Sums:
    """What a row of a report adds up. Seconds are of voice alone; money is in the tenant's currency."""

    attempts: int = 0
    calls: int = 0  # attempts that are the last of their call
    connected: int = 0  # attempts with a quantity above zero
    connected_calls: int = 0  # calls with a quantity above zero
    connected_voice: int = 0  # attempts of voice with a quantity above zero
    seconds: int = 0
    billed_seconds: int = 0  # charged to customers
    cost_seconds: int = 0  # charged by vendors
    pdd_ms: int = 0
    pdd_count: int = 0  # attempts that have a post-dial delay
    revenue: Amount = ZERO
    cost: Amount = ZERO

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Sums)))

    @property
    def margin(self) -> Amount:
        return self.revenue - self.cost


def total(rows: Iterable[Sums]) -> Sums:
    """The sum of all rows."""
    out = Sums()
    for row in rows:
        out += row
    return out


class Kind(StrEnum):
    """How a figure is shown."""

    COUNT = "count"  # a whole number
    RATIO = "ratio"  # a decimal rounded half up, empty where there is nothing to divide by
    MONEY = "money"  # an exact amount in the tenant's currency


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the values of the keys, in their order, and the sums."""

    values: tuple[KeyValue, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of a report: its name in files, its title in tables, and how it follows from the sums."""

    name: str
    title: str
    kind: Kind
    value: Callable[[Sums], int | str | Amount | None]


def ratio_text(numerator: int, denominator: int, decimals: int) -> str | None:
    """`numerator / denominator` half up to exactly that many decimals; None where the denominator is zero."""
    if not denominator:
        return None
    ratio = Fraction(numerator * 10**decimals, denominator)
    return scaled_text(round_ratio(ratio.numerator, ratio.denominator, RoundingMode.HALF_UP), decimals, least=decimals)


def minutes(seconds: int) -> str | None:
    """Minutes with 4 decimals: enough to have the seconds back."""
    return ratio_text(seconds, 60, 4)


def margin_percent(sums: Sums) -> str | None:
    """The margin as percent of the revenue; None without revenue, and where we paid our customers."""
    if sums.revenue.units <= 0:
        return None
    return ratio_text(100 * sums.margin.units, sums.revenue.units, 2)


def asr_of_calls(sums: Sums) -> str | None:
    """Percent of the calls that were connected: a call that a second vendor completes is a success to its customer."""
    return ratio_text(100 * sums.connected_calls, sums.calls, 2)


def asr_of_attempts(sums: Sums) -> str | None:
    """Percent of the attempts that were connected: what a vendor failed is a failure of his."""
    return ratio_text(100 * sums.connected, sums.attempts, 2)


ASR_OF_CALLS: Final = Column("asr", "ASR %", Kind.RATIO, asr_of_calls)
ASR_OF_ATTEMPTS: Final = Column("asr", "ASR %", Kind.RATIO, asr_of_attempts)

COLUMNS: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (
        Column("attempts", "Attempts", Kind.COUNT, lambda sums: sums.attempts),
        Column("calls", "Calls", Kind.COUNT, lambda sums: sums.calls),
        Column("connected", "Connected", Kind.COUNT, lambda sums: sums.connected),
        ASR_OF_CALLS,
        Column("acd", "ACD s", Kind.RATIO, lambda sums: ratio_text(sums.seconds, sums.connected_voice, 1)),
        Column("pdd", "PDD s", Kind.RATIO, lambda sums: ratio_text(sums.pdd_ms, 1000 * sums.pdd_count, 3)),
        Column("minutes", "Minutes", Kind.RATIO, lambda sums: minutes(sums.seconds)),
        Column("billed_minutes", "Billed min", Kind.RATIO, lambda sums: minutes(sums.billed_seconds)),
        Column("cost_minutes", "Cost min", Kind.RATIO, lambda sums: minutes(sums.cost_seconds)),
        Column("revenue", "Revenue", Kind.MONEY, lambda sums: sums.revenue),
        Column("cost", "Cost", Kind.MONEY, lambda sums: sums.cost),
        Column("margin", "Margin", Kind.MONEY, lambda sums: sums.margin),
        Column("margin_percent", "Margin %", Kind.RATIO, margin_percent),
    )
}


class View(StrEnum):
    """The two reports: which figures they show."""

    MARGIN = "margin"
    SUMMARY = "summary"


_SHOWN: Final[Mapping[View, tuple[str, ...]]] = {
    View.MARGIN: ("calls", "connected", "minutes", "billed_minutes", "revenue", "cost", "margin", "margin_percent"),
    View.SUMMARY: tuple(COLUMNS),
}


def columns_of(view: View, *, is_per_vendor: bool) -> tuple[Column, ...]:
    """The figures of a report. Where it looks at single vendors, success is counted by attempts."""
    shown = (COLUMNS[name] for name in _SHOWN[view])
    return tuple(ASR_OF_ATTEMPTS if each is ASR_OF_CALLS and is_per_vendor else each for each in shown)


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report: everything that tables and files show."""

    view: View
    keys: tuple[Key, ...]
    columns: tuple[Column, ...]
    currency: str
    zone: str
    start_from: datetime | None
    start_to: datetime | None
    filters: Mapping[str, str]
    rows: tuple[Row, ...]
    totals: Sums


def ordered(rows: Iterable[Row], sort_by: Column | None) -> list[Row]:
    """Rows by their keys, absent values last; with `sort_by` the greatest of that figure first, absent ones last."""
    by_keys = sorted(rows, key=lambda row: [(value is None, 0 if value is None else value) for value in row.values])
    if sort_by is None:
        return by_keys

    def rank(row: Row) -> tuple[bool, Fraction]:
        value = sort_by.value(row.sums)
        if value is None:
            return True, Fraction(0)
        return False, -Fraction(value.units if isinstance(value, Amount) else value)

    return sorted(by_keys, key=rank)


def find_column(name: str, columns: Iterable[Column]) -> Column:
    """The column of that name. Raises Invalid `unknown_column`."""
    shown = {column.name: column for column in columns}
    if name not in shown:
        raise Invalid("unknown_column", f"The report has no column {name!r}.", hint=f"Use one of {', '.join(shown)}.")
    return shown[name]


def parse_keys(text: str) -> tuple[Key, ...]:
    """Names of keys separated by commas, in their order. Raises Invalid `unknown_key`, `key_twice`."""
    keys: list[Key] = []
    for name in (part.strip().lower() for part in text.split(",") if part.strip()):
        if name not in Key.__members__.values():
            raise Invalid("unknown_key", f"A report cannot be grouped by {name!r}.", hint=f"Use {', '.join(Key)}.")
        if name in keys:
            raise Invalid("key_twice", f"{name!r} is named twice.")
        keys.append(Key(name))
    return tuple(keys)
