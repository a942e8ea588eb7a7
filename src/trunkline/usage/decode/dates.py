"""Columns of dates in the order and with the signs that a mapping describes (`%d/%m/%Y %H:%M:%S`).

A pattern has the directives of strptime that name civil time, and optional parts in square brackets. Rows in which
every part has its usual width are read by digit arithmetic on a matrix of characters; the others by RE2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.core.errors import Invalid
from trunkline.usage.decode.columns import Integers, Mask, is_present, lengths_of
from trunkline.usage.decode.times import (
    Clock,
    Instants,
    absent,
    characters,
    fraction_and_offset,
    instants_of,
    once,
    seconds_of,
)

PATTERN_LENGTH_MAX: Final = 100
_OPTIONAL_MAX: Final = 4
_LOCAL: Final = 1 << 30
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MINUTE_MS: Final = 60_000

# Directive: (name, what RE2 reads, width that the fast way expects).
DIRECTIVES: Final[Mapping[str, tuple[str, str, int]]] = {
    "Y": ("year", "[0-9]{4}", 4),
    "y": ("year2", "[0-9]{2}", 2),
    "m": ("month", "[0-9]{1,2}", 2),
    "b": ("month_name", "[A-Za-z]{3,9}", 3),
    "d": ("day", "[0-9]{1,2}", 2),
    "a": ("weekday", "[A-Za-z]{2,9}", 3),
    "H": ("hour", "[0-9]{1,2}", 2),
    "I": ("hour12", "[0-9]{1,2}", 2),
    "p": ("half", "[AaPp]\\.?[Mm]\\.?", 2),
    "M": ("minute", "[0-9]{1,2}", 2),
    "S": ("second", "[0-9]{1,2}", 2),
    "f": ("fraction", "[0-9]{1,9}", 3),
    "z": ("offset", "[Zz]|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}", 5),
    "Z": ("zone", "[A-Za-z]{1,6}", 0),
}
_FAST: Final = frozenset("YmbdaHMSfzZ")
_ZONE_WIDTHS: Final = (3, 4)  # of most names of zones
_FRACTION_WIDTHS: Final = (3, 1, 6)  # milliseconds, tenths, microseconds
_WIDTH_MAX: Final = 200  # that no variant has
_FRACTION_SHOWN: Final = 3  # digits of a fraction that are read

# Names of offsets that mean one thing only: RFC 5322 4.3, those of Europe, Africa, Asia and Oceania. Others (IST, GST, BST)
# must be names of the switch's zone.
ZONES: Final[Mapping[str, int]] = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 3600, "CET": 3600, "CEST": 7200, "EET": 7200, "EEST": 10800,
    "MSK": 10800, "EST": -18000, "EDT": -14400, "CST": -21600, "CDT": -18000, "MST": -25200, "MDT": -21600,
    "PST": -28800, "PDT": -25200, "AKST": -32400, "AKDT": -28800, "HST": -36000, "BRT": -10800, "ART": -10800,
    "WAT": 3600, "CAT": 7200, "SAST": 7200, "EAT": 10800, "TRT": 10800, "PKT": 18000, "NPT": 20700, "WIB": 25200,
    "WITA": 28800, "HKT": 28800, "SGT": 28800, "PHT": 28800, "AWST": 28800, "WIT": 32400, "JST": 32400, "KST": 32400,
    "ACST": 34200, "AEST": 36000, "AEDT": 39600, "NZST": 43200, "NZDT": 46800,
}  # fmt: skip


# Of a pattern with each optional part and without, where every piece has its usual width: (directive or literal, from, width).
Variant = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A pattern, taken apart. Make one by `date_pattern`."""

    text: str
    expression: str  # for RE2
    names: frozenset[str]
    fixed: Mapping[int, Sequence[Variant]]  # by their width


@lru_cache(maxsize=512)
def date_pattern(text: str) -> DatePattern:
    """Takes a pattern apart. Raises Invalid `date_pattern` that says what is wrong with it."""
    if not 0 < len(text) <= PATTERN_LENGTH_MAX:
        raise _bad(text, f"has {len(text)} characters, 1 to {PATTERN_LENGTH_MAX} are allowed")
    pieces = _pieces(text)
    names = [DIRECTIVES[piece][0] for piece, is_directive, _ in pieces if is_directive]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _bad(text, f"has {twice[0]} twice")
    for needed in (("year", "year2"), ("month", "month_name"), ("day",), ("hour", "hour12"), ("minute",)):
        if not set(needed) & set(names):
            raise _bad(text, f"has no {needed[0]}")
    if ("hour12" in names) != ("half" in names):
        raise _bad(text, "has one of %I and %p without the other")
    return DatePattern(text, _expression(pieces), frozenset(names), _fixed(pieces))


def _bad(text: str, what: str) -> Invalid:
    known = " ".join(f"%{letter}" for letter in DIRECTIVES)
    return Invalid(
        "date_pattern",
        f"The date pattern {text[:PATTERN_LENGTH_MAX]!r} {what}.",
        hint=f"Directives are {known}; optional parts stand in square brackets.",
    )


def _pieces(text: str) -> list[tuple[str, bool, int]]:
    """(directive's letter or literal, is a directive, optional part from 1 or 0)."""
    pieces: list[tuple[str, bool, int]] = []
    optional, parts, at = 0, 0, 0
    while at < len(text):
        sign = text[at]
        if sign == "%":
            letter = text[at + 1 : at + 2]
            if letter not in DIRECTIVES:
                raise _bad(text, f"has the unknown directive %{letter}")
            pieces.append((letter, True, optional))
            at += 1
        elif sign == "[":
            if optional or parts == _OPTIONAL_MAX:
                raise _bad(text, f"has optional parts inside of each other, or more than {_OPTIONAL_MAX}")
            parts += 1
            optional = parts
        elif sign == "]":
            if not optional:
                raise _bad(text, "closes an optional part that is not open")
            optional = 0
        else:
            pieces.append((sign, False, optional))
        at += 1
    if optional:
        raise _bad(text, "does not close an optional part")
    return pieces


def _expression(pieces: Sequence[tuple[str, bool, int]]) -> str:
    found, open_part = [r"^\s*"], 0
    for piece, is_directive, part in pieces:
        if part != open_part:
            found += [")?"] * (open_part > 0) + ["(?:"] * (part > 0)
            open_part = part
        if is_directive:
            name, expression, _ = DIRECTIVES[piece]
            found.append(f"(?P<{name}>{expression})")
        else:
            found.append(r"\s+" if piece == " " else re.escape(piece))
    return "".join([*found, ")?" * (open_part > 0), r"\s*$"])


def _fixed(pieces: Sequence[tuple[str, bool, int]]) -> dict[int, list[Variant]]:
    """The variants by their width."""
    parts = max((part for _, _, part in pieces), default=0)
    variants: dict[int, list[Variant]] = {}
    letters = {piece for piece, is_directive, _ in pieces if is_directive}
    widths = product(_ZONE_WIDTHS if "Z" in letters else (0,), _FRACTION_WIDTHS if "f" in letters else (0,))
    for chosen, (zone, fraction) in product(range(1 << parts), list(widths)):
        own = {"Z": zone, "f": fraction}
        places, at = [], 0
        kept = [(piece, is_directive) for piece, is_directive, part in pieces if not part or chosen >> (part - 1) & 1]
        if any(is_directive and piece not in _FAST for piece, is_directive in kept):
            continue
        for piece, is_directive in kept:
            width = own.get(piece, DIRECTIVES[piece][2]) if is_directive else 1
            if not is_directive and not piece.isascii():
                break
            places.append((f"%{piece}" if is_directive else piece, at, width))
            at += width
        else:
            if (variant := tuple(places)) not in (others := variants.setdefault(at, [])):
                others.append(variant)
    return variants


def from_pattern(column: pa.Array, pattern: DatePattern, timezone: str) -> Instants:
    """Reads a column by a pattern; without offset or zone the times are on the clock of `timezone` (IANA).

    Raises Invalid `unknown_timezone`.
    """
    present = is_present(column)
    if not present.any():
        return absent(len(column))
    clock = Clock.blank(len(column))
    rows, lengths = np.flatnonzero(present), lengths_of(column)
    of_width = np.bincount(np.minimum(lengths[rows], _WIDTH_MAX))
    for width in np.flatnonzero(of_width).tolist():
        if width in pattern.fixed:
            alike = rows if of_width[width] == rows.size else rows[lengths[rows] == width]
            _read_fixed(column, alike, width, pattern.fixed[width], clock, timezone)
    if (left := rows[~clock.is_read[rows]]).size:
        _read_loose(column, left, pattern, clock, timezone)
    return instants_of(clock, present, timezone)


def _read_fixed(
    column: pa.Array, rows: Integers, width: int, variants: Sequence[Variant], clock: Clock, timezone: str
) -> None:
    """Reads rows, all of a width, by the first of the variants of that width that fits each."""
    matrix = characters(column, rows, width)
    for variant in variants:
        is_read = _read_variant(matrix, rows, variant, clock, timezone)
        if is_read.all():
            return
        if is_read.any():
            rows, matrix = rows[~is_read], matrix[:, ~is_read]


def _read_variant(matrix: NDArray[np.uint8], rows: Integers, variant: Variant, clock: Clock, timezone: str) -> Mask:
    """Reads the rows whose characters are of a variant; which they are. What all rows have in common is read once."""
    good = np.ones(rows.size, dtype=np.bool_)
    for piece, at, _ in variant:
        if not piece.startswith("%"):
            good &= matrix[at] == ord(piece)
    if not good.any():
        return good
    zero = np.zeros(1, dtype=np.int64)
    values: dict[str, Integers] = {}
    has_offset = np.full(1, any(piece == "%z" for piece, _, _ in variant))
    for piece, at, wide in variant:
        shown = once(matrix[at : at + wide])
        match piece:
            case "%b":
                values[piece], fits = _month(shown)
            case "%z":
                values[piece], fits = _offset(shown)
            case "%Z":
                values["%z"], has_offset, fits = _zones(_joined(shown), timezone)
            case "%f":
                values[piece], fits = _milliseconds(shown)
            case _ if piece.startswith("%") and piece != "%a":
                values[piece], fits = _digits(shown)
            case _:
                continue
        good &= fits
    month = values.get("%m", values.get("%b", zero))
    local_s, exists = seconds_of(
        [values["%Y"], month, values["%d"], values["%H"], values["%M"], values.get("%S", zero)]
    )
    good &= exists
    is_read = slice(None) if good.all() else good

    def put(column: NDArray[Any], shown: NDArray[Any]) -> None:
        column[rows[is_read]] = shown if shown.size == 1 else shown[is_read]

    put(clock.local_s, local_s)
    put(clock.ms, values.get("%f", zero))
    put(clock.offset_s, values.get("%z", zero))
    put(clock.has_offset, has_offset)
    put(clock.resolution_ms, zero if "%S" in values else zero + _MINUTE_MS)
    put(clock.is_read, np.ones(1, dtype=np.bool_))
    return good


def _joined(matrix: NDArray[np.uint8]) -> pa.Array:
    """The texts that the columns of a matrix spell; what is no letter is `?`."""
    upper = matrix & np.uint8(0xDF)
    upper = np.where((upper >= ord("A")) & (upper <= ord("Z")), upper, np.uint8(ord("?")))
    data = np.ascontiguousarray(upper.T)
    offsets = np.arange(0, data.size + 1, matrix.shape[0], dtype=np.int32)
    return pa.StringArray.from_buffers(matrix.shape[1], pa.py_buffer(offsets), pa.py_buffer(data))


def _digits(matrix: NDArray[np.uint8]) -> tuple[Integers, Mask]:
    digits = matrix - np.uint8(0x30)
    value = np.zeros(matrix.shape[1], dtype=np.int64)
    good: Mask = np.ones(matrix.shape[1], dtype=np.bool_)
    for line in digits:
        value = value * 10 + line
        good &= line <= 9
    return value, good


def _milliseconds(matrix: NDArray[np.uint8]) -> tuple[Integers, Mask]:
    """Digits after a point; of more than three the first three."""
    _, good = _digits(matrix)
    value, _ = _digits(matrix[:_FRACTION_SHOWN])
    return value * 10 ** max(_FRACTION_SHOWN - matrix.shape[0], 0), good


def _month(matrix: NDArray[np.uint8]) -> tuple[Integers, Mask]:
    upper = matrix & np.uint8(0xDF)
    code = (upper[0].astype(np.int64) << 16) | (upper[1].astype(np.int64) << 8) | upper[2]
    codes = np.array([int.from_bytes(name.encode(), "big") for name in _MONTHS])
    order = np.argsort(codes)
    at = np.minimum(np.searchsorted(codes[order], code), len(_MONTHS) - 1)
    return order[at] + 1, codes[order[at]] == code


def _offset(matrix: NDArray[np.uint8]) -> tuple[Integers, Mask]:
    (hours, good_hours), (minutes, good_minutes) = _digits(matrix[1:3]), _digits(matrix[3:5])
    is_west = matrix[0] == ord("-")
    good = (is_west | (matrix[0] == ord("+"))) & good_hours & good_minutes & (hours <= 23) & (minutes <= 59)
    return np.where(is_west, -1, 1) * (hours * 3600 + minutes * 60), good


def _read_loose(column: pa.Array, rows: Integers, pattern: DatePattern, clock: Clock, timezone: str) -> None:
    found = pc.extract_regex(column.take(pa.array(rows)), pattern=pattern.expression)
    matched = is_present(found)
    groups = {name: pc.fill_null(pc.struct_field(found, name), "") for name in pattern.names}
    blank = pa.array([""] * rows.size)
    parts = pa.StructArray.from_arrays(
        [groups.get("fraction", blank), groups.get("offset", blank)], ["fraction", "offset"]
    )
    ms, offset_s, has_offset, good = fraction_and_offset(parts)
    local_s, exists = seconds_of(_shown(groups, rows.size))
    if "zone" in groups:
        zone_s, has_zone, known = _zones(groups["zone"], timezone)
        offset_s, has_offset = np.where(has_offset, offset_s, zone_s), has_offset | has_zone
        good &= known
    clock.local_s[rows], clock.ms[rows] = local_s, ms
    clock.offset_s[rows], clock.has_offset[rows] = offset_s, has_offset
    clock.is_read[rows] = good & exists & matched
    seconds = groups.get("second")
    clock.resolution_ms[rows] = _MINUTE_MS if seconds is None else np.where(lengths_of(seconds) == 0, _MINUTE_MS, 0)


def _shown(groups: Mapping[str, pa.Array], rows: int) -> list[Integers]:
    """Year, month, day, hour, minute and second."""

    def number(name: str) -> Integers:
        if name not in groups:
            return np.zeros(rows, dtype=np.int64)
        text = groups[name]
        filled = pc.if_else(pc.equal(pc.binary_length(text), 0), "0", text)
        return filled.cast(pa.int64()).to_numpy(zero_copy_only=False)

    year, hour = number("year"), number("hour")
    if "year2" in groups:
        short = number("year2")
        year = short + np.where(short < 69, 2000, 1900)  # POSIX strptime
    if "half" in groups:
        is_noon = pc.match_substring_regex(groups["half"], pattern="^[Pp]").to_numpy(zero_copy_only=False)
        twelve = number("hour12")
        hour = np.where((twelve >= 1) & (twelve <= 12), twelve % 12 + 12 * is_noon.astype(np.int64), 99)
    month = number("month")
    if "month_name" in groups:
        names = groups["month_name"].dictionary_encode()
        values = [_month_of(name) for name in names.dictionary.to_pylist()]
        month = np.array(values, dtype=np.int64)[names.indices.to_numpy(zero_copy_only=False)]
    return [year, month, number("day"), hour, number("minute"), number("second")]


def _month_of(name: str) -> int:
    short = name[:3].upper()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _zones(column: pa.Array, timezone: str) -> tuple[Integers, Mask, Mask]:
    """(offset in seconds, has one, is known); a name of the switch's own zone has none and is known."""
    names = column.dictionary_encode()
    offsets = [_zone_offset(name.upper(), timezone) for name in names.dictionary.to_pylist()]
    at = names.indices.to_numpy(zero_copy_only=False)
    seconds = np.array([offset or 0 for offset in offsets], dtype=np.int64)
    known = np.array([offset is not None for offset in offsets], dtype=np.bool_)
    has = np.array([offset is not None and offset != _LOCAL for offset in offsets], dtype=np.bool_)
    return np.where(has, seconds, 0)[at], has[at], known[at]


def _zone_offset(name: str, timezone: str) -> int | None:
    """Seconds east; _LOCAL where the name only says that the time is on the switch's clock; None: nobody knows."""
    own = _own_names(timezone)
    if not name:
        return _LOCAL
    return own.get(name, ZONES.get(name))


@lru_cache(maxsize=64)
def _own_names(timezone: str) -> dict[str, int]:
    """What a zone calls its own offsets; _LOCAL for a name that stood for several."""
    zone = ZoneInfo(timezone)
    found: dict[str, int] = {}
    for day in (datetime(year, month, 1, tzinfo=zone) for year in (2000, 2013, 2025) for month in (1, 7)):
        name, offset = (day.tzname() or "").upper(), day.utcoffset()
        seconds = 0 if offset is None else int(offset.total_seconds())
        found[name] = seconds if found.get(name, seconds) == seconds else _LOCAL
    return found
