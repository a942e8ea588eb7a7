"""The functions of a mapping's expressions, and how every part of an expression is worked out for whole columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.period import get_zone
from trunkline.usage.decode.columns import (
    Integers,
    Mask,
    Numbers,
    integers,
    is_present,
    milliseconds,
    octets_of,
)
from trunkline.usage.decode.dates import date_pattern, from_pattern
from trunkline.usage.decode.expressions import Kind, Make, Node, Parser
from trunkline.usage.decode.fields import TEXT, Rows, null_if_empty
from trunkline.usage.decode.texts import beside, extracted, matching, replaced, short, uri_number
from trunkline.usage.decode.times import (
    READ,
    UNREADABLE,
    Instants,
    absent,
    from_epoch_ms,
    from_epoch_s,
    from_epoch_us,
    from_text,
)

PATTERN_LENGTH_MAX: Final = 300
_FAR: Final = 10**17  # milliseconds beyond every limit
_CLOCK_SPAN: Final = r"^\s*(?P<sign>-?)(?:(?P<hour>[0-9]{1,6}):)?(?P<minute>[0-9]{1,3}):(?P<second>[0-9]{1,2})(?:[.,](?P<fraction>[0-9]{1,9}))?\s*$"

# What an absolute time may be written as, besides a date pattern.
_TIMES: Final[Mapping[str, Callable[[pa.Array], Instants]]] = MappingProxyType(
    {"epoch_s": from_epoch_s, "epoch_ms": from_epoch_ms, "epoch_us": from_epoch_us}
)
_ISO: Final = "iso"


@dataclass(slots=True)
class Working:
    """What expressions are worked out from; columns and named values are read once."""

    rows: Rows
    timezone: str  # of the switch
    named: Mapping[str, Node]
    _columns: dict[str, pa.Array] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> pa.Array:
        """A column of the rows."""
        if name not in self._columns:
            self._columns[name] = self.rows.column(name)
        return self._columns[name]

    def value(self, node: Node) -> Any:
        """The column that an expression makes: Arrow text, Instants, Numbers or a mask, by its kind."""
        match node.does:
            case "column":
                return self.column(node.value)
            case "value":
                if node.value not in self._values:
                    self._values[node.value] = self.value(self.named[node.value])
                return self._values[node.value]
            case "constant":
                return _constant(node, len(self.rows))
            case "coalesce" if node.kind is Kind.TEXT:
                return self._first_of(node.parts)
            case "==" | "!=" if node.parts[0].kind is Kind.TEXT and node.parts[1].does == "constant":
                text = pa.scalar(node.parts[1].value or None, TEXT)
                return _compared(node.does, self, node, self.value(node.parts[0]), text)
            case "if" if [part.does for part in node.parts[1:]] == ["column", "column"] and node.kind is Kind.TEXT:
                condition, first, second = node.parts
                return self.rows.either(self.value(condition), first.value, second.value)
            case _:
                return _WORK[node.does](self, node, *(self.value(part) for part in node.parts))

    def _first_of(self, parts: Sequence[Node]) -> pa.Array:
        """The first text that is there; the others are worked out only for the rows that still have none."""
        made = self.value(parts[0])
        for part in parts[1:]:
            if not made.null_count:
                break
            if made.null_count == len(made):
                made = self.value(part)
            elif part.does in _AT_HAND or made.null_count * 2 > len(made):
                made = pc.coalesce(made, self.value(part))
            else:
                empty = ~is_present(made)
                rest = Working(self.rows.where(empty), self.timezone, self.named)
                made = pc.replace_with_mask(made, pa.array(empty), rest.value(part))
        return made


_AT_HAND: Final = frozenset({"column", "constant", "value"})


def _constant(node: Node, rows: int) -> Any:
    if node.kind is Kind.TEXT:
        return pa.repeat(pa.scalar(node.value or None, TEXT), rows)
    return _numbers(np.full(rows, node.value, dtype=np.int64), np.ones(rows, np.bool_), np.ones(rows, np.bool_))


def _numbers(values: Integers, present: Mask, readable: Mask) -> Numbers:
    return Numbers(np.where(present, values, 0), present, readable | ~present)


def _mask(column: pa.Array) -> Mask:
    return pc.fill_null(column, False).to_numpy(zero_copy_only=False).astype(np.bool_)


# Yes or no


def _compared(sign: str, _: Working, node: Node, left: Any, right: Any) -> Mask:
    if node.parts[0].kind is Kind.TEXT:
        same = _mask(pc.equal(left, right))
        return same if sign == "==" else ~same
    if isinstance(left, Instants):
        both, low, high = left.is_known & right.is_known, left.ms, right.ms
    else:
        both = left.is_present & left.is_readable & right.is_present & right.is_readable
        low, high = left.values, right.values
    compare = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater}
    return both & compare.get(sign, np.greater_equal)(low, high)


def _is_in(_: Working, node: Node, text: pa.Array) -> Mask:
    return _mask(pc.is_in(text, value_set=pa.array(node.value, TEXT)))


def _matches(_: Working, node: Node, text: pa.Array) -> Mask:
    return _mask(matching(text, node.value))


def _has(_: Working, node: Node, value: Any) -> Mask:
    return is_present(value) if node.parts[0].kind is Kind.TEXT else value.is_present


# Texts


def _concat(_: Working, node: Node, *texts: pa.Array) -> pa.Array:
    # Arrow passes over nulls, but pyarrow 26 then loses rows in which everything is null.
    if any(not text.null_count for text in texts):
        return pc.binary_join_element_wise(*texts, node.value, null_handling="skip")
    made = texts[0]
    for text in texts[1:]:
        both = pc.binary_join_element_wise(made, text, node.value)
        made = pc.coalesce(both, made, text) if both.null_count else both
    return made


def _ordered(_: Working, node: Node, left: pa.Array, right: pa.Array) -> pa.Array:
    """Both texts, the lesser one first, so that it is the same whichever way round they stand."""
    left, right = pc.coalesce(left, pa.scalar("")), pc.coalesce(right, pa.scalar(""))
    is_first = pc.less_equal(left, right)
    return pc.binary_join_element_wise(pc.if_else(is_first, left, right), pc.if_else(is_first, right, left), node.value)


def _extract(_: Working, node: Node, text: pa.Array) -> pa.Array:
    return extracted(text, node.value)


def _replace(_: Working, node: Node, text: pa.Array) -> pa.Array:
    return replaced(text, *node.value)


def _beside(_: Working, node: Node, text: pa.Array) -> pa.Array:
    return beside(text, *node.value)


def _uri_number(_: Working, __: Node, text: pa.Array) -> pa.Array:
    return uri_number(text)


def _lookup(_: Working, node: Node, text: pa.Array, *otherwise: pa.Array) -> pa.Array:
    names = text.dictionary_encode()
    found = pa.array([node.value.get(name) for name in names.dictionary.to_pylist()], TEXT)
    made = found.take(names.indices)
    return pc.coalesce(made, *otherwise) if otherwise else made


def _lower(_: Working, __: Node, text: pa.Array) -> pa.Array:
    return pc.utf8_lower(text)


def _upper(_: Working, __: Node, text: pa.Array) -> pa.Array:
    return pc.utf8_upper(text)


def _trim(_: Working, __: Node, text: pa.Array) -> pa.Array:
    return null_if_empty(pc.utf8_trim_whitespace(text))


def _slice(_: Working, node: Node, text: pa.Array) -> pa.Array:
    start, stop = node.value
    return null_if_empty(pc.utf8_slice_codeunits(text, start, stop))


# Times and spans


def _time(working: Working, node: Node, text: pa.Array) -> Instants:
    ways, zone = node.value
    made = _read_time(text, ways[0], zone or working.timezone)
    for how in ways[1:]:
        if not (left := np.flatnonzero(made.status == UNREADABLE)).size:
            break
        again = _read_time(text.take(pa.array(left)), how, zone or working.timezone)
        read = again.status != UNREADABLE
        ms, status, resolution = made.ms.copy(), made.status.copy(), made.resolution_ms.copy()
        ms[left[read]], status[left[read]] = again.ms[read], again.status[read]
        resolution[left[read]] = again.resolution_ms[read]
        made = Instants(ms, made.is_present, status, resolution)
    return made


def _read_time(text: pa.Array, how: str, timezone: str) -> Instants:
    if how in _TIMES:
        return _TIMES[how](text)
    return from_text(text, timezone) if how == _ISO else from_pattern(text, date_pattern(how), timezone)


def _moved(sign: int, _: Working, __: Node, time: Instants, span: Numbers) -> Instants:
    present = time.is_present & span.is_present
    status = np.where(present & ~span.is_readable & (time.status == READ), UNREADABLE, time.status)
    return Instants(
        time.ms + sign * np.clip(span.values, -_FAR, _FAR), present, status.astype(np.int8), time.resolution_ms
    )


def _between(_: Working, __: Node, left: Instants, right: Instants) -> Numbers:
    return _numbers(
        left.ms - right.ms, left.is_present & right.is_present, (left.status == READ) & (right.status == READ)
    )


def _seconds(_: Working, __: Node, text: pa.Array) -> Numbers:
    return milliseconds(_few_decimals(text))


def _few_decimals(text: pa.Array) -> pa.Array:
    """Decimals beyond the third are cut off: microseconds are no use to anybody."""
    if not (octets_of(text) == ord(".")).any():
        return text
    long = pc.match_substring_regex(text, pattern=r"\.[0-9]{4,}$")
    if not pc.any(long).as_py():
        return text
    return pc.replace_substring_regex(text, pattern=r"(\.[0-9]{3})[0-9]+$", replacement=r"\1")


def _units(_: Working, node: Node, text: pa.Array) -> Numbers:
    times, by = node.value
    found = integers(text)
    return Numbers(
        np.clip(found.values, -_FAR // times, _FAR // times) * times // by, found.is_present, found.is_readable
    )


def _clock_span(_: Working, __: Node, text: pa.Array) -> Numbers:
    found = pc.extract_regex(short(text), pattern=_CLOCK_SPAN)
    parts = {name: _int(pc.struct_field(found, name)) for name in ("hour", "minute", "second")}
    fraction = pc.fill_null(pc.struct_field(found, "fraction"), "")
    ms = _int(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 3, "0"), 0, 3))
    total = ((parts["hour"] * 60 + parts["minute"]) * 60 + parts["second"]) * 1000 + ms
    negative = _mask(pc.equal(pc.struct_field(found, "sign"), "-"))
    present = is_present(text)
    return _numbers(np.where(negative, -total, total), present, is_present(found))


def _int(column: pa.Array) -> Integers:
    filled = pc.if_else(pc.equal(pc.binary_length(pc.fill_null(column, "")), 0), "0", column)
    return pc.fill_null(filled, "0").cast(pa.int64()).to_numpy(zero_copy_only=False)


# Numbers


def _number(_: Working, __: Node, text: pa.Array) -> Numbers:
    return integers(text)


def _hex(_: Working, __: Node, text: pa.Array) -> Numbers:
    names = text.dictionary_encode()
    values = [_hex_of(name) for name in names.dictionary.to_pylist()]
    at = pc.fill_null(names.indices, 0).to_numpy(zero_copy_only=False)
    present = is_present(text)
    if not values:
        return _numbers(np.zeros(len(text), np.int64), present, present)
    readable = np.array([value is not None for value in values], dtype=np.bool_)[at]
    return _numbers(np.array([value or 0 for value in values], dtype=np.int64)[at], present, readable)


def _hex_of(text: str) -> int | None:
    digits = text.strip().removeprefix("0x")
    if not 0 < len(digits) <= 15 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return None
    return int(digits, 16)


def _added(sign: int, _: Working, __: Node, left: Numbers, right: Numbers) -> Numbers:
    values = np.clip(left.values, -_FAR, _FAR) + sign * np.clip(right.values, -_FAR, _FAR)
    return _numbers(values, left.is_present & right.is_present, left.is_readable & right.is_readable)


def _times(_: Working, __: Node, left: Numbers, right: Numbers) -> Numbers:
    # The float product only tells what is too large.
    far = np.abs(left.values.astype(np.float64) * right.values) > _FAR
    sign = np.sign(left.values) * np.sign(right.values)
    values = np.where(far, sign * _FAR, np.where(far, 0, left.values) * right.values)
    return _numbers(values, left.is_present & right.is_present, left.is_readable & right.is_readable)


# Any kind


def _coalesce(_: Working, __: Node, *values: Any) -> Any:
    made = values[-1]
    for value in reversed(values[:-1]):
        made = _chosen(value.is_present, value, made)
    return made


def _if(_: Working, node: Node, condition: Mask, *values: Any) -> Any:
    if node.kind is Kind.TEXT:
        # By an array: where a scalar says null, Arrow leaves the octets of the text that is not taken.
        otherwise = values[1] if len(values) > 1 else pa.nulls(condition.size, TEXT)
        return pc.if_else(pa.array(condition), values[0], otherwise)
    if node.kind is Kind.YES_NO:
        return np.where(condition, values[0], values[1] if len(values) > 1 else False)
    if len(values) > 1:
        return _chosen(condition, values[0], values[1])
    nothing = absent(condition.size)
    none = Numbers(nothing.ms, nothing.is_present, ~nothing.is_present)
    return _chosen(condition, values[0], nothing if node.kind is Kind.TIME else none)


def _chosen(first: Mask, left: Any, right: Any) -> Any:
    if isinstance(left, Instants):
        return Instants(
            np.where(first, left.ms, right.ms),
            np.where(first, left.is_present, right.is_present),
            np.where(first, left.status, right.status),
            np.where(first, left.resolution_ms, right.resolution_ms),
        )
    return Numbers(
        np.where(first, left.values, right.values),
        np.where(first, left.is_present, right.is_present),
        np.where(first, left.is_readable, right.is_readable),
    )


_WORK: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        **{sign: partial(_compared, sign) for sign in ("==", "!=", "<", "<=", ">", ">=")},
        "and": lambda working, node, left, right: left & right,
        "or": lambda working, node, left, right: left | right,
        "not": lambda working, node, given: ~given,
        "in": _is_in, "matches": _matches, "has": _has, "concat": _concat, "ordered": _ordered,
        "extract": _extract, "replace": _replace,
        "lookup": _lookup, "lower": _lower, "upper": _upper, "trim": _trim, "slice": _slice, "beside": _beside, "uri_number": _uri_number,
        "time": _time,
        "time+": partial(_moved, 1), "time-": partial(_moved, -1), "between": _between, "seconds": _seconds,
        "units": _units, "clock_span": _clock_span, "number": _number, "hex": _hex, "+": partial(_added, 1),
        "-": partial(_added, -1), "*": _times, "coalesce": _coalesce, "if": _if,
    }
)  # fmt: skip


# What may be written


def _given(parser: Parser, at: int, name: str, given: Sequence[Node], low: int, high: int) -> None:
    if not low <= len(given) <= high:
        wanted = f"{low}" if low == high else f"{low} to {high}"
        parser.fail(at, f"gives {len(given)} values to {name}(), which takes {wanted}")


def _of_text(name: str, kind: Kind, does: str, value: Any = None) -> Make:
    """A function of one text."""

    def make(parser: Parser, at: int, given: list[Node]) -> Node:
        _given(parser, at, name, given, 1, 1)
        return Node(kind, does, (parser.need(given[0], Kind.TEXT),), value, at)

    return make


def _make_concat(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "concat", given, 1, 20)
    return Node(Kind.TEXT, "concat", tuple(parser.need(each, Kind.TEXT) for each in given), "", at)


def _make_join(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "join", given, 2, 20)
    sign = parser.constant(given[0], "text")
    return Node(Kind.TEXT, "concat", tuple(parser.need(each, Kind.TEXT) for each in given[1:]), sign, at)


def _make_ordered(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "ordered", given, 3, 3)
    sign = parser.constant(given[0], "text")
    return Node(Kind.TEXT, "ordered", tuple(parser.need(each, Kind.TEXT) for each in given[1:]), sign, at)


def _pattern(parser: Parser, at: int, node: Node) -> str:
    pattern = parser.constant(node, "pattern")
    if len(pattern) > PATTERN_LENGTH_MAX:
        parser.fail(at, f"has a pattern of more than {PATTERN_LENGTH_MAX} characters")
    return pattern


def check_pattern(parser: Parser, at: int, pattern: str, put: str = "") -> None:
    """Raises Invalid `mapping_expression` unless RE2 takes the pattern and the replacement."""
    try:
        pc.replace_substring_regex(pa.array([""]), pattern=pattern, replacement=put)
    except pa.ArrowInvalid as error:
        parser.fail(at, f"has a pattern that RE2 refuses ({error})")


def _make_extract(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "extract", given, 2, 2)
    pattern = _named_group(_pattern(parser, at, given[1]))
    check_pattern(parser, at, pattern)
    return Node(Kind.TEXT, "extract", (parser.need(given[0], Kind.TEXT),), pattern, at)


def _make_matches(parser: Parser, at: int, given: list[Node]) -> Node:
    pattern = _pattern(parser, at, given[1])
    check_pattern(parser, at, f"^(?:{pattern})$")
    return Node(Kind.YES_NO, "matches", (parser.need(given[0], Kind.TEXT),), pattern, at)


def _named_group(pattern: str) -> str:
    """The pattern with a name for its first group, which is what is extracted; without a group, all that fits."""
    is_escaped = in_class = False
    for at, sign in enumerate(pattern):
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif in_class:
            in_class = sign != "]" or pattern[at - 1] in "[^"
        elif sign == "[":
            in_class = True
        elif sign == "(" and pattern[at + 1 : at + 2] != "?":
            return f"{pattern[:at]}(?P<it>{pattern[at + 1 :]}"
    return f"(?P<it>{pattern})"


def _make_replace(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "replace", given, 3, 3)
    pattern, put = _pattern(parser, at, given[1]), parser.constant(given[2], "text")
    check_pattern(parser, at, pattern, put)
    return Node(Kind.TEXT, "replace", (parser.need(given[0], Kind.TEXT),), (pattern, put), at)


def _make_lookup(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "lookup", given, 2, 3)
    name = parser.constant(given[1], "name of a lookup")
    if name not in parser.lookups:
        parser.fail(at, f"has no lookup {name!r}", f"Known are {', '.join(parser.lookups) or 'none'}.")
    texts = tuple(parser.need(each, Kind.TEXT) for each in (given[0], *given[2:]))
    return Node(Kind.TEXT, "lookup", texts, parser.lookups[name], at)


def _make_slice(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "slice", given, 3, 3)
    places = [node.value if node.does == "constant" and node.kind is Kind.NUMBER else 0 for node in given[1:]]
    if not 1 <= places[0] <= places[1]:
        parser.fail(at, "needs slice(text, from, to) with places from 1")
    return Node(Kind.TEXT, "slice", (parser.need(given[0], Kind.TEXT),), (places[0] - 1, places[1]), at)


def _make_beside(name: str, parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, name, given, 2, 2)
    sign = parser.constant(given[1], "sign")
    if len(sign) != 1 or not sign.isascii():
        parser.fail(at, f"needs one sign that {name}() looks for, not {sign[:20]!r}")
    value = (name.startswith("before"), name.endswith("last"), ord(sign))
    return Node(Kind.TEXT, "beside", (parser.need(given[0], Kind.TEXT),), value, at)


def _make_time(default: str, zone: str, parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "time", given, 1, 3)
    how = parser.constant(given[1], "date pattern") if len(given) > 1 else default
    where = parser.constant(given[2], "timezone") if len(given) > 2 else zone
    ways = check_time(how, where)
    return Node(Kind.TIME, "time", (parser.need(given[0], Kind.TEXT),), (ways, where), at)


def check_time(how: str, zone: str) -> tuple[str, ...]:
    """The ways of writing a time that a mapping names, which are tried in order.

    Raises Invalid `date_pattern` or `unknown_timezone`.
    """
    ways = tuple(how.split("|"))
    for way in ways:
        if way not in _TIMES and way != _ISO:
            date_pattern(way)
    if zone:
        get_zone(zone)
    return ways


def is_local(node: Node) -> bool:
    """Whether a part reads times that carry no offset on the clock of the switch."""
    if node.does != "time":
        return False
    ways, zone = node.value
    return not zone and any(way not in _TIMES and "%z" not in way and "%Z" not in way for way in ways)


def _make_has(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "has", given, 1, 1)
    if given[0].kind is Kind.YES_NO:
        parser.fail(at, "asks has() of a yes/no")
    return Node(Kind.YES_NO, "has", tuple(given), at=at)


def _same_kind(parser: Parser, given: Sequence[Node]) -> tuple[Kind, tuple[Node, ...]]:
    """The values as one kind: that of the first which is no text, else text."""
    kind = next((node.kind for node in given if node.kind is not Kind.TEXT), Kind.TEXT)
    return kind, tuple(parser.need(node, kind) for node in given)


def _make_coalesce(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "coalesce", given, 2, 20)
    kind, values = _same_kind(parser, given)
    if kind is Kind.YES_NO:
        parser.fail(at, "asks coalesce() of a yes/no")
    return Node(kind, "coalesce", values, at=at)


def _make_if(parser: Parser, at: int, given: list[Node]) -> Node:
    _given(parser, at, "if", given, 2, 3)
    kind, values = _same_kind(parser, given[1:])
    return Node(kind, "if", (parser.need(given[0], Kind.YES_NO), *values), at=at)


def functions(default_time: str, zone: str) -> dict[str, Make]:
    """The functions of a mapping whose times are written so, on the clock of that zone ("": the switch's)."""
    return {
        "concat": _make_concat,
        "join": _make_join,
        "ordered": _make_ordered,
        "coalesce": _make_coalesce,
        "if": _make_if,
        "has": _make_has,
        "extract": _make_extract,
        "matches": _make_matches,
        "replace": _make_replace,
        "lookup": _make_lookup,
        "slice": _make_slice,
        "uri_number": _of_text("uri_number", Kind.TEXT, "uri_number"),
        **{name: partial(_make_beside, name) for name in ("before", "before_last", "after", "after_last")},
        "lower": _of_text("lower", Kind.TEXT, "lower"),
        "upper": _of_text("upper", Kind.TEXT, "upper"),
        "trim": _of_text("trim", Kind.TEXT, "trim"),
        "time": partial(_make_time, default_time, zone),
        "seconds": _of_text("seconds", Kind.SPAN, "seconds"),
        "milliseconds": _of_text("milliseconds", Kind.SPAN, "units", (1, 1)),
        "microseconds": _of_text("microseconds", Kind.SPAN, "units", (1, 1000)),
        "ticks": _of_text("ticks", Kind.SPAN, "units", (10, 1)),
        "clock_span": _of_text("clock_span", Kind.SPAN, "clock_span"),
        "number": _of_text("number", Kind.NUMBER, "number"),
        "hex": _of_text("hex", Kind.NUMBER, "hex"),
    }
