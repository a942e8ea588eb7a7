"""Two periods beside each other: rows of the same keys become one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from trunkline.core.period import get_zone
from trunkline.reports.report import Compared, Groups, Labels, Places, Report, map_sums, ordered, sorted_labels
from trunkline.reports.rules import Column, Ints, Key, KeyValue, Sums


def compare(now: Report, before: Report, sort_by: Column | None) -> Report:
    """The report `now` with the figures of `before` beside its own; rows of which one period has nothing count as zero.

    The n-th day of `before` stands beside the n-th of `now`, under the latter's date.
    """
    if now.start_from is None or before.start_from is None or before.start_to is None:
        raise ValueError("periods that are compared have both ends")
    zone = get_zone(now.zone)
    shift = now.start_from.astimezone(zone).date() - before.start_from.astimezone(zone).date()
    compared = Compared(before.start_from, before.start_to, before.totals)
    shifted = [
        _shifted(labels, shift) if key is Key.DAY else labels
        for key, labels in zip(before.keys, before.groups.labels, strict=True)
    ]
    groups = _joined(now.groups, replace(before.groups, labels=tuple(shifted)))
    return replace(now, compared=compared, groups=ordered(groups, sort_by))


def _shifted(labels: Labels, shift: timedelta) -> Labels:
    def later(value: KeyValue) -> KeyValue:
        return None if value is None else (date.fromisoformat(str(value)) + shift).isoformat()

    return Labels(tuple(later(value) for value in labels.values), labels.places)


def _joined(now: Groups, before: Groups) -> Groups:
    """The rows of both: first those of `now`, then those that only `before` has."""
    pairs = [_merged(mine, other) for mine, other in zip(now.labels, before.labels, strict=True)]
    keys_now = list(zip(*(mine.tolist() for _, mine, _ in pairs), strict=True))
    keys_before = list(zip(*(other.tolist() for _, _, other in pairs), strict=True))
    place_of = {key: place for place, key in enumerate(keys_now)}
    places = np.array([place_of.setdefault(key, len(place_of)) for key in keys_before], dtype=np.int64)
    size = len(place_of)
    columns = np.array(list(place_of), dtype=np.int64).reshape(size, len(pairs))
    labels = tuple(Labels(values, columns[:, place]) for place, (values, _, _) in enumerate(pairs))
    return Groups(labels, _placed(now.sums, np.arange(len(now)), size), _placed(before.sums, places, size))


def _merged(mine: Labels, other: Labels) -> tuple[tuple[KeyValue, ...], Places, Places]:
    """The values of both in their order, and the places of both among them."""
    merged = sorted_labels([*mine.values, *other.values], np.arange(len(mine.values) + len(other.values)))
    first, second = merged.places[: len(mine.values)], merged.places[len(mine.values) :]
    return (
        merged.values,
        first[mine.places] if len(first) else mine.places,
        second[other.places] if len(second) else other.places,
    )


def _placed(sums: Sums, places: Places, size: int) -> Sums:
    def column(values: Ints) -> Ints:
        out = np.zeros(size, dtype=values.dtype)
        out[places] = values
        return out

    return map_sums(sums, column)
