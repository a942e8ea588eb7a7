"""A finished report, column by column: a quarter of a million rows are arrays, not objects.

Rows stand in their order; what is shown of them is derived for whole columns at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trunkline.core.money import INT64_MAX
from trunkline.reports.rules import (
    INT64_SUM_MAX,
    Column,
    Grouping,
    Ints,
    KeyValue,
    Kind,
    Sums,
    Value,
    View,
    ratio,
    shown,
)

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labels:
    """One key of all rows: its distinct values in their order, an absent one last, and the place of each row's among them."""

    values: tuple[KeyValue, ...]
    places: Places

    def of_rows(self) -> list[KeyValue]:
        return [self.values[place] for place in self.places.tolist()]


def sorted_labels(values: Sequence[KeyValue], places: Places) -> Labels:
    """Labels of which the values stand in any order, some perhaps twice."""
    distinct = sorted(set(values), key=lambda value: (value is None, 0 if value is None else value))
    place_of = {value: place for place, value in enumerate(distinct)}
    rank = np.array([place_of[value] for value in values], dtype=np.int64)
    return Labels(tuple(distinct), rank[places] if len(values) else places)


@dataclass(frozen=True, slots=True)
class Groups:
    """The rows: a label for each key, and arrays of sums; `before` are those of the period compared with."""

    labels: tuple[Labels, ...]
    sums: Sums
    before: Sums | None = None

    def __len__(self) -> int:
        return len(self.sums.attempts)

    def take(self, order: Places) -> Groups:
        """The rows of those places, in that order."""
        labels = tuple(Labels(each.values, each.places[order]) for each in self.labels)
        before = None if self.before is None else map_sums(self.before, lambda column: column[order])
        return Groups(labels, map_sums(self.sums, lambda column: column[order]), before)


def map_sums(sums: Sums, change: Any) -> Sums:
    """Sums of which every column is changed by the same function."""
    return Sums(**{name: change(getattr(sums, name)) for name in Sums.__slots__})


def as_column(values: Sequence[int] | NDArray[Any]) -> Ints:
    """Whole numbers as a column of `Sums`: int64 as long as that is safe, else Python's integers."""
    if isinstance(values, np.ndarray):
        if values.dtype == object or not values.size or int(np.abs(values).max()) <= INT64_SUM_MAX:
            return values
        return values.astype(object)
    fits = all(-INT64_SUM_MAX <= value <= INT64_SUM_MAX for value in values)
    return np.array(values, dtype=np.int64 if fits else object)


class Aspect(StrEnum):
    """How a figure is looked at where two periods are compared."""

    NOW = "now"
    BEFORE = "before"
    CHANGE = "change"  # now less before
    CHANGE_PERCENT = "change_percent"  # of the magnitude of what was before; none where that was zero


PERCENT_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class Figure:
    """What stands in one column of a file: a column of the report in one of its aspects."""

    column: Column
    aspect: Aspect = Aspect.NOW

    @property
    def name(self) -> str:
        return self.column.name if self.aspect is Aspect.NOW else f"{self.column.name}_{self.aspect}"

    @property
    def kind(self) -> Kind:
        return Kind.RATIO if self.aspect is Aspect.CHANGE_PERCENT else self.column.kind

    @property
    def decimals(self) -> int:
        return PERCENT_DECIMALS if self.aspect is Aspect.CHANGE_PERCENT else self.column.decimals

    def scaled(self, sums: Sums, before: Sums | None) -> tuple[Ints, Ints]:
        """The figure in units of 10^-decimals, and whether there is one; of one row, or of arrays.

        Changes are between the figures as they are shown, so that what one reads adds up.
        """
        if self.aspect is Aspect.NOW or before is None:
            return self.column.scaled(sums)
        then, was_there = self.column.scaled(before)
        if self.aspect is Aspect.BEFORE:
            return then, was_there
        now, is_there = self.column.scaled(sums)
        change, both = _exact(now) - _exact(then), is_there & was_there
        if self.aspect is Aspect.CHANGE:
            return change, both
        return ratio(_exact(100 * _exact(change)), abs(then), PERCENT_DECIMALS), both & (then != 0)

    def value(self, sums: Sums, before: Sums | None) -> Value:
        """The figure of one row as people and files know it."""
        return shown(self.kind, self.decimals, *self.scaled(sums, before))


def _exact(column: Ints) -> Ints:
    """The same numbers, as Python's integers where a hundred of them might leave 64 bits."""
    is_wide = isinstance(column, np.ndarray) and column.dtype != object and column.size
    return column.astype(object) if is_wide and int(abs(column).max()) > INT64_MAX // 200 else column


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the values of the keys, in their order, the sums, and those of the period compared with."""

    values: tuple[KeyValue, ...]
    sums: Sums
    before: Sums | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The period that a report is compared with, and its totals."""

    start_from: datetime
    start_to: datetime
    totals: Sums


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that tables and files show. `as_of` reports what counted then."""

    view: View
    keys: tuple[Grouping, ...]
    columns: tuple[Column, ...]
    currency: str
    zone: str
    start_from: datetime | None
    start_to: datetime | None
    filters: Mapping[str, str]
    groups: Groups
    totals: Sums
    as_of: datetime | None = None
    compared: Compared | None = None

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """In which ways each figure is shown."""
        return tuple(Aspect) if self.compared is not None else (Aspect.NOW,)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The columns of a file, each with its aspects."""
        return tuple(Figure(column, aspect) for column in self.columns for aspect in self.aspects)

    @property
    def totals_before(self) -> Sums | None:
        return None if self.compared is None else self.compared.totals

    def rows(self) -> Iterator[Row]:
        """The rows one by one."""
        groups = self.groups
        values = zip(*(labels.of_rows() for labels in groups.labels), strict=True)
        before = iter_sums(groups.before) if groups.before is not None else iter([None] * len(groups))
        for row_values, sums, row_before in zip(values, iter_sums(groups.sums), before, strict=True):
            yield Row(row_values, sums, row_before)


def iter_sums(sums: Sums) -> Iterator[Sums]:
    """Columns of sums as one `Sums` a row."""
    columns = [getattr(sums, name).tolist() for name in Sums.__slots__]
    return (Sums(*row) for row in zip(*columns, strict=True))


def ordered(groups: Groups, sort_by: Column | None) -> Groups:
    """Rows by their keys, absent values last; with `sort_by` the greatest of that figure first, absent ones last."""
    if not groups.labels:
        return groups
    order = np.lexsort([labels.places for labels in reversed(groups.labels)])
    if sort_by is None:
        return groups.take(order)
    by_keys = groups.take(order)
    scaled, is_there = sort_by.scaled(by_keys.sums)
    falling = np.argsort(-scaled, kind="stable")
    absent = ~np.broadcast_to(np.asarray(is_there, dtype=np.bool_), scaled.shape)[falling]
    return by_keys.take(falling[np.argsort(absent, kind="stable")])
