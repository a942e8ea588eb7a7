"""JSON lines: one object a line, whole columns at a time where all lines of a chunk look alike.

Arrow reads the chunk with the types that its first lines show. Where that fails (a line that is no object, a number
that is text elsewhere) the chunk is read line by line by the standard library, with the same result: texts as they
are, numbers as decimals without trailing zeros, `true` and `false`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from trunkline.usage.decode.columns import Integers, Mask
from trunkline.usage.decode.fields import TEXT, Rows, null_if_empty, usable
from trunkline.usage.decode.lines import Lines, Refusal
from trunkline.usage.reasons import Reason

_PROBED: Final = 32  # lines that are looked at for the types
_SCALE: Final = 9
_DECIMAL: Final = pa.decimal128(38, _SCALE)
_NUMBER_OCTETS_MAX: Final = 28  # of a number whose decimals are made alike; longer ones stay as they are written
_DECIMALS: Final = Decimal(1).scaleb(-_SCALE)


@dataclass(frozen=True, slots=True)
class JsonLines(Rows):
    """Rows of JSON objects; a column is named by its key, one inside of an object by both with a dot between."""

    at: Integers
    _columns: Mapping[str, pa.Array]

    @classmethod
    def of(cls, lines: Lines, names: Sequence[str]) -> tuple[Self, list[Refusal]]:
        """The rows of a chunk with the columns `names`, and the lines that are none."""
        at, refusals = usable(lines)
        texts = [lines.line(int(each)) for each in at]
        columns = _read_whole(texts, names)
        if columns is not None:
            return cls(at, columns), refusals
        columns, bad = _read_each(texts, names)
        refusals += [
            Refusal(int(at[row]), Reason.FIELD_COUNT, f"The line is no JSON object: {why}.") for row, why in bad.items()
        ]
        good = np.ones(at.size, dtype=np.bool_)
        good[list(bad)] = False
        return cls(at[good], columns), refusals

    def column(self, name: str) -> pa.Array:
        return self._columns[name]

    def where(self, kept: Mask) -> Self:
        return replace(
            self,
            at=self.at[kept],
            _columns={name: column.filter(pa.array(kept)) for name, column in self._columns.items()},
        )


def _read_whole(texts: Sequence[bytes], names: Sequence[str]) -> dict[str, pa.Array] | None:
    """The columns as Arrow reads them; None where it cannot."""
    types = _types(texts[:_PROBED], names)
    if not texts or types is None:
        return None
    data = b"\n".join(texts) + b"\n"
    options = arrow_json.ParseOptions(explicit_schema=_schema(types), unexpected_field_behavior="ignore")
    try:
        table = arrow_json.read_json(
            pa.BufferReader(data), arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1), options
        ).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    if table.num_rows != len(texts):
        return None
    return {name: _as_text(_at_path(table, name)) for name in names}


def _types(texts: Sequence[bytes], names: Sequence[str]) -> dict[str, pa.DataType] | None:
    """The types that the first lines show; None where one of them is no object."""
    seen: dict[str, set[type]] = {name: set() for name in names}
    for text in texts:
        found = _object(text)
        if isinstance(found, str):
            return None
        for name in names:
            seen[name].add(type(_value(found, name)))
    return {name: _type(kinds - {type(None)}) for name, kinds in seen.items()}


def _type(kinds: set[type]) -> pa.DataType:
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {_Integer}:
        return pa.int64()
    return _DECIMAL if kinds and kinds <= {_Integer, _Fraction} else TEXT


def _schema(types: Mapping[str, pa.DataType]) -> pa.Schema:
    tree: dict[str, Any] = {}
    for name, kind in types.items():
        *path, leaf = name.split(".")
        inner = tree
        for step in path:
            inner = inner.setdefault(step, {})
        inner[leaf] = kind
    return pa.schema(_fields(tree))


def _fields(tree: Mapping[str, Any]) -> list[pa.Field]:
    return [pa.field(name, pa.struct(_fields(each)) if isinstance(each, dict) else each) for name, each in tree.items()]


def _at_path(table: pa.Table, name: str) -> pa.Array:
    first, *path = name.split(".")
    column = table.column(first)
    array = column.chunk(0) if column.num_chunks == 1 else pa.array([], column.type)
    for step in path:
        # A field of an object that is null is null.
        array = pc.if_else(array.is_valid(), pc.struct_field(array, step), pa.scalar(None, array.type.field(step).type))
    return array


def _as_text(column: pa.Array) -> pa.Array:
    if column.type == _DECIMAL:
        column = pc.replace_substring_regex(_plain(column.cast(TEXT)), pattern=r"\.?0*$", replacement="")
    return null_if_empty(column.cast(TEXT))


def _plain(texts: pa.Array) -> pa.Array:
    """Decimals without exponents, with which Arrow writes those near to zero, and zero itself."""
    is_raised = pc.fill_null(pc.match_substring(texts, "E"), False)
    raised = texts.filter(is_raised)
    if not len(raised):
        return texts
    distinct = raised.dictionary_encode()
    written = pa.array([f"{Decimal(text):f}" for text in distinct.dictionary.to_pylist()], TEXT)
    return pc.replace_with_mask(texts, is_raised, written.take(distinct.indices))


class _Integer(str):
    __slots__ = ()


class _Fraction(str):
    __slots__ = ()


def _integer(text: str) -> _Integer:
    return _Integer("0" if text == "-0" else text)


def _fraction(text: str) -> _Fraction:
    if len(text) > _NUMBER_OCTETS_MAX:
        return _Fraction(text)
    try:
        number = Decimal(text)
        whole = number.quantize(_DECIMALS)
    except InvalidOperation:  # more digits than fit
        return _Fraction(text)
    if whole != number:
        return _Fraction(text)
    return _Fraction(f"{whole if whole else abs(whole):f}".rstrip("0").rstrip("."))


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=str)


def _object(text: bytes) -> dict[str, Any] | str:
    """The object of a line, or why it is none."""
    try:
        found = _DECODER.decode(text.decode())
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return found if isinstance(found, dict) else f"it is a {type(found).__name__}"


def _value(found: dict[str, Any], name: str) -> object:
    value: object = found
    for step in name.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _read_each(texts: Sequence[bytes], names: Sequence[str]) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """The columns of the lines that are objects, and the others by their row with what is wrong."""
    bad: dict[int, str] = {}
    values: dict[str, list[str | None]] = {name: [] for name in names}
    for row, text in enumerate(texts):
        found = _object(text)
        if isinstance(found, str):
            bad[row] = found
            continue
        for name in names:
            values[name].append(_text(_value(found, name)))
    return {name: pa.array(column, TEXT) for name, column in values.items()}, bad


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value:
        # A lone surrogate, which JSON can say and UTF-8 cannot.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return None
