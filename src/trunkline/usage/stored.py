"""Stored records as whole columns: the one place that knows which of them a segment leaves out, and puts them back.

Whoever works on the columns of a segment (re-rating, its key index) reads them here, and gives back what shall be stored again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trunkline.engine.schema import one_array
from trunkline.usage.decode import FORMATS
from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.formats import Format, one_reject
from trunkline.usage.decode.lines import Lines
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.raw import raw_text
from trunkline.usage.decode.records import Decoded
from trunkline.usage.omitted import ONLY_WITH, SAME_AS
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import EVENTS, INSTANT, REJECTS
from trunkline.usage.store import RATED
from trunkline.usage.traffic.walk import numbers_again

LINES_AT_ONCE: Final = 8_192
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def read_rows(file: pq.ParquetFile, group: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a row group with these columns, all of them for None, each of one piece and complete.

    A column that segments did not have yet when this one was written is null.
    """
    names = RATED.names if columns is None else list(columns)
    others = {other for name in names for pairs in (SAME_AS, ONLY_WITH) if (other := pairs.get(name)) is not None}
    needed = [*names, *sorted(others.difference(names))]
    there = set(file.schema_arrow.names)
    table = file.read_row_group(group, columns=[name for name in needed if name in there])
    size = file.metadata.row_group(group).num_rows
    found = {name: _one(table[name]) if name in there else pa.nulls(size, RATED.field(name).type) for name in needed}
    return complete(pa.table(found)).select(names)


def complete(table: pa.Table) -> pa.Table:
    """Rows of a segment with what it leaves out; the columns that say it must be there."""
    for name, same in SAME_AS.items():
        if name in table.column_names and table[name].null_count:
            whole = pc.coalesce(table[name], table[same])
            if name in ONLY_WITH:
                whole = pc.if_else(table[ONLY_WITH[name]].is_valid(), whole, table[name])
            table = table.set_column(table.column_names.index(name), name, whole)
    return table


def as_stored(table: pa.Table) -> pa.Table:
    """Complete rows as a segment keeps them."""
    columns = {name: table[name] for name in RATED.names}
    return pa.table(
        columns | {name: where_other(columns[name], columns[same]) for name, same in SAME_AS.items()}, schema=RATED
    )


def where_other(column: pa.ChunkedArray, same: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """The column where it does not say what the other one does, else null."""
    is_same = None if column is same else pc.equal(column, same)
    if is_same is None or pc.all(is_same).as_py():  # what is null throughout costs nothing on its way
        return pa.nulls(len(column), column.type)
    return pc.if_else(is_same, pa.scalar(None, column.type), column)


def _one(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type) and column.num_chunks > 1:
        column = column.unify_dictionaries()
    return one_array(column)


class StoredRecords(Format):
    """Records that lost their price in a re-rating, a JSON object a line: what they are sent again as. No switch writes this."""

    name = "stored"
    title = "Records as Trunkline keeps them"

    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        if chunk.overlong_octets:
            return one_reject(chunk)
        lines, events, rejects, skipped = Lines(chunk), [], [], 0
        for at in range(len(lines)):
            text = lines.line(at)
            if not text.strip():
                skipped += 1
                continue
            try:
                events.append(_event(json.loads(text)) | {"line": chunk.first_line + at})
            except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
                refused = {"line": chunk.first_line + at, "reason": Reason.FIELD_COUNT.value, "raw": raw_text(text)}
                rejects.append(refused | {"detail": f"The line is no stored record: {error!r}."[:200]})
        given = numbers_again(pa.Table.from_pylist(events, schema=EVENTS), profile.number_rules)
        return Decoded(given, pa.Table.from_pylist(rejects, schema=REJECTS), skipped, lines)


STORED: Final = StoredRecords()


def form_named(name: str) -> Format:
    """The format of that name: a switch's, or the stored records'."""
    return STORED if name == STORED.name else FORMATS[name]


def _event(said: object) -> dict[str, Any]:
    """The event of a line. Raises ValueError, TypeError or OverflowError if it is none. A field that came later may be missing."""
    if not isinstance(said, dict):
        raise TypeError("it is no object")
    event: dict[str, Any] = {name: said.get(name) for name in EVENTS.names if name != "line"}
    for field in EVENTS:
        if field.name == "line":
            continue
        if field.type == INSTANT and event[field.name] is not None:
            event[field.name] = _EPOCH + int(event[field.name]) * _MILLISECOND
        if event[field.name] is None and not field.nullable:
            raise ValueError(f"{field.name} is missing")
        pa.scalar(event[field.name], field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
    return event


def record_lines(table: pa.Table) -> list[str]:
    """Complete rows as raw lines of the format `stored`."""
    lines: list[str] = []
    for first in range(0, len(table), LINES_AT_ONCE):  # as Python's objects they take twenty times the room
        some = table.slice(first, LINES_AT_ONCE)
        columns = [
            (some[field.name].cast(pa.int64()) if field.type == INSTANT else some[field.name]).to_pylist()
            for field in EVENTS
        ]
        lines += (
            raw_text(json.dumps(dict(zip(EVENTS.names, values, strict=True)), ensure_ascii=False).encode())
            for values in zip(*columns, strict=True)
        )
    return lines


def reject_table(table: pa.Table, reasons: Iterable[str], details: Iterable[str]) -> pa.Table:
    """Complete rows that must be rejected, and why, as rejects."""
    columns = {
        "line": table["line"],
        "reason": pa.array(list(reasons), pa.string()).dictionary_encode(),
        "detail": pa.array(list(details), pa.string()),
        "raw": pa.array(record_lines(table), pa.string()),
        **{name: table[name] for name in ("key", "start", "called", "service")},
    }
    return pa.table([columns[name] for name in REJECTS.names], schema=REJECTS)


def rows_of(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Some rows of a table, each column of one piece."""
    return pa.table({name: _one(table[name]).take(pa.array(rows)) for name in table.column_names})
