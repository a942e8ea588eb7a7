"""Wanted attributes of RADIUS detail records that are as plain as servers write them, for all records of a chunk at once.

Plain: lines `Name = value` of ASCII without escapes, the value bare or in quotes. A record with anything else in it is left to
the reader that goes line by line: `is_plain` says which records were read. Both read the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trunkline.usage.decode.columns import Integers, Mask, Octets
from trunkline.usage.decode.fields import texts_between
from trunkline.usage.decode.names import Ids, Names

_LF: Final = 0x0A
_TAB: Final = 0x09
_SPACE: Final = 0x20
_COMMENT: Final = 0x23
_COMMA: Final = 0x2C
_SIGN: Final = 0x3D
_BACKSLASH: Final = 0x5C
_DOUBLE: Final = 0x22
_SINGLE: Final = 0x27
_COLON: Final = 0x3A
_ASCII: Final = 0x80
_INDENT_MAX: Final = 8
_SEEDS: Final = 16
_NAMES_MAX: Final = 500

_LEARNT: Final = 2_000  # lines with unknown names that are looked at
_NAME: Final = re.compile(rb"[a-z0-9_.-]+")

_PAIR: Final = b"cisco-avpair"
_OTHER: Final = b" "  # stands for every name that nobody asked for
_IVR: Final = b"h323-ivr-out"
_INCOMING: Final = b"h323-incoming-conf-id"
_ATTRIBUTE: Final = re.compile(rb"^[ \t]*([a-z0-9_.-]+) ?=", re.MULTILINE)

Bounds = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Details:
    """Columns of the plain records, a row each, null where a record says nothing; `head` is the line above its attributes."""

    is_plain: Mask
    columns: Mapping[str, pa.Array]


@dataclass(slots=True)
class _Text:
    octets: Octets
    lower: Octets
    signs: Integers  # places of `=`, and the end
    odd: Mask  # by record


def read_plain(records: Sequence[bytes], wanted: Mapping[str, tuple[str, ...]]) -> Details:
    """The wanted columns of the records that are plain; `wanted`: attributes in lower case, of which the first that is there counts."""
    if not records:
        return Details(np.zeros(0, np.bool_), {name: pa.array([], pa.string()) for name in (*wanted, "head")})
    text = b"\n".join(records)
    octets = np.frombuffer(text, np.uint8)
    lower = np.frombuffer(text.lower(), np.uint8)
    bounds = np.cumsum([0, *(len(each) + 1 for each in records)])
    signs = np.append(np.flatnonzero(octets == _SIGN), octets.size)
    found = _Text(octets, lower, signs, _odd_records(octets, bounds, len(records)))
    attributes = tuple(dict.fromkeys(name.encode() for names in wanted.values() for name in names))
    start, end, heads = _attributes(found, records, bounds, attributes)
    rows = np.flatnonzero(~found.odd)
    numbers = {name.decode(): at for at, name in enumerate(attributes)}
    begins = bounds[rows]
    columns = {"head": texts_between(octets, begins, np.maximum(heads[rows], begins))}
    for column, names in wanted.items():
        low, high = begins, begins
        for name in reversed(names):
            own_low, own_high = start[numbers[name], rows], end[numbers[name], rows]
            says = own_high > own_low
            low, high = np.where(says, own_low, low), np.where(says, own_high, high)
        says = low < high
        columns[column] = texts_between(octets, low, high) if says.any() else pa.nulls(rows.size, pa.string())
    return Details(~found.odd, columns)


def _odd_records(octets: Octets, bounds: Integers, count: int) -> Mask:
    """Which records have octets that no plain one has: other than ASCII, escapes, controls."""
    controls = (octets < _SPACE) & (octets != _LF) & (octets != _TAB)
    places = np.flatnonzero(controls | (octets >= _ASCII) | (octets == _BACKSLASH))
    odd = np.zeros(count, np.bool_)
    odd[np.searchsorted(bounds, places, side="right") - 1] = True
    return odd


def _attributes(
    text: _Text, records: Sequence[bytes], bounds: Integers, attributes: tuple[bytes, ...]
) -> tuple[Bounds, Bounds, Integers]:
    """Where each attribute's value begins and ends in each record, and where the head line of each record ends."""
    octets = text.octets
    ends = np.append(np.flatnonzero(octets == _LF), octets.size)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    record = np.searchsorted(bounds, starts, side="right") - 1
    sign = text.signs[np.searchsorted(text.signs, starts)]
    is_first = np.diff(record, prepend=-1) != 0
    has_head = (sign[is_first] >= ends[is_first]) & (octets[np.minimum(starts[is_first], octets.size - 1)] != _COMMENT)
    heads = np.where(has_head, ends[is_first], 0)
    blank = has_head & (octets[np.maximum(ends[is_first] - 1, 0)] <= _SPACE)
    text.odd[record[is_first][blank]] = True
    lines = np.flatnonzero(sign < ends)
    starts, ends, record, sign = starts[lines], ends[lines], record[lines], sign[lines]
    for _ in range(_INDENT_MAX):
        head = octets[starts]
        blank = (head == _SPACE) | (head == _TAB)
        if not blank.any():
            break
        starts = starts + blank
    known = _known(attributes, records)
    name_ends = sign - (octets[sign - 1] == _SPACE)
    name = known.among(text.lower, starts, np.maximum(name_ends, starts))
    unknown = np.flatnonzero(name < 0)
    if unknown.size:  # names that the first records do not have
        more = _names_in(text.lower, starts[unknown[:_LEARNT]], name_ends[unknown[:_LEARNT]])
        others = _names_of(more).among(text.lower, starts[unknown], np.maximum(name_ends[unknown], starts[unknown]))
        name[unknown[others >= 0]] = known.names.index(_OTHER)
        text.odd[record[unknown[others < 0]]] = True
    low, high = _values(text, record, sign + 1, ends)
    is_wanted = (name >= 0) & (name < len(attributes))
    low, high = _without_names(text, known, name, record, low, high, is_wanted)
    start, end = np.zeros((2, len(attributes), len(records)), np.int64)
    pairs = np.flatnonzero(name == known.names.index(_PAIR))
    _take_pairs(text, known, attributes, record[pairs], low[pairs], high[pairs], start, end)
    # Of several with one name the first counts, and an attribute before a pair: what is assigned last stands.
    order = np.flatnonzero(is_wanted)[::-1]
    start[name[order], record[order]], end[name[order], record[order]] = low[order], high[order]
    return start, end, heads


@lru_cache(maxsize=64)
def _names_of(names: tuple[bytes, ...]) -> Names:
    return Names(names)


def _names_in(lower: Octets, starts: Integers, ends: Integers) -> tuple[bytes, ...]:
    found = {lower[low:high].tobytes() for low, high in zip(starts.tolist(), ends.tolist(), strict=True)}
    return tuple(sorted(name for name in found if _NAME.fullmatch(name)))[:_NAMES_MAX]


def _known(attributes: tuple[bytes, ...], records: Sequence[bytes]) -> Names:
    """The wanted names, and those that the first records have besides."""
    seeds = {name for each in records[:_SEEDS] for name in _ATTRIBUTE.findall(each.lower())}
    seeds -= {*attributes, _PAIR, _IVR}
    return _names_of((*attributes, _PAIR, _IVR, _OTHER, *sorted(seeds)[:_NAMES_MAX]))


def _values(text: _Text, record: Integers, low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """Values without their quotes. A value with blanks around it, or a comma after it, makes its record odd."""
    octets, last_place = text.octets, text.octets.size - 1
    low = low + ((low < high) & (octets[np.minimum(low, last_place)] == _SPACE))
    first, last = octets[np.minimum(low, last_place)], octets[high - 1]
    is_there = low < high
    odd = is_there & ((first <= _SPACE) | (last <= _SPACE) | (last == _COMMA))
    quoted = (high - low >= 2) & (first == last) & ((first == _DOUBLE) | (first == _SINGLE))
    low, high = low + quoted, high - quoted
    inner = low < high
    odd |= inner & ((octets[np.minimum(low, last_place)] <= _SPACE) | (octets[high - 1] <= _SPACE))
    text.odd[record[odd]] = True
    return low, high


def _without_names(
    text: _Text, known: Names, name: Ids, record: Integers, low: Integers, high: Integers, is_wanted: Mask
) -> tuple[Integers, Integers]:
    """Values without the attribute's name, which gateways repeat in them."""
    lengths = np.array([len(each) for each in known.names])[name]
    octets, last_place = text.octets, text.octets.size - 1
    after = low + lengths
    rows = np.flatnonzero(is_wanted & (after < high) & (octets[np.minimum(after, last_place)] == _SIGN))
    if rows.size:
        rows = rows[known.among(text.lower, low[rows], after[rows]) == name[rows]]
        low = low.copy()
        low[rows] = after[rows] + 1
        blank = (low[rows] < high[rows]) & (octets[np.minimum(low[rows], last_place)] <= _SPACE)
        text.odd[record[rows[blank]]] = True
    return low, high


def _take_pairs(
    text: _Text,
    known: Names,
    attributes: tuple[bytes, ...],
    record: Integers,
    low: Integers,
    high: Integers,
    start: Bounds,
    end: Bounds,
) -> None:
    """What pairs `name=value` say, in the places of the attributes that they name."""
    octets, last_place = text.octets, text.octets.size - 1
    sign = text.signs[np.searchsorted(text.signs, low)]
    rows = np.flatnonzero(sign < high)
    record, low, high, sign = record[rows], low[rows], high[rows], sign[rows]
    odd = (sign > low) & (octets[sign - 1] <= _SPACE)
    name = known.among(text.lower, low, sign).astype(np.int64)
    low = sign + 1
    incoming = attributes.index(_INCOMING)
    ivr = np.flatnonzero(name == known.names.index(_IVR))
    after = low[ivr] + len(_INCOMING)
    fits = (after < high[ivr]) & (octets[np.minimum(after, last_place)] == _COLON)
    fits &= known.among(text.lower, low[ivr], np.minimum(after, high[ivr])) == incoming
    name[ivr] = np.where(fits, incoming, -1)
    low = low.copy()
    low[ivr[fits]] = after[fits] + 1
    wanted = (name >= 0) & (name < len(attributes)) & ((low < high) | np.isin(np.arange(name.size), ivr))
    odd |= wanted & (low < high) & (octets[np.minimum(low, last_place)] <= _SPACE)
    text.odd[record[odd]] = True
    order = np.flatnonzero(wanted)[::-1]
    start[name[order], record[order]], end[name[order], record[order]] = low[order], high[order]
