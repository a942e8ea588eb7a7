"""The records of a document: found in the segments, compared with its lines, attached as CSV and Parquet.

Both files are written from one stream of rows, so they hold line by line the same records. A document whose records do not add up to its
lines is not issued.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Conflict
from trunkline.core.money import AMOUNT_DECIMALS, Amount
from trunkline.engine import zone
from trunkline.invoicing.choices import LineKind
from trunkline.invoicing.draft import Draft, Evidence
from trunkline.invoicing.rules import NO_LINE, Key, Line, Sums
from trunkline.usage.segments import connect, watch

if TYPE_CHECKING:
    import duckdb

MEMORY: Final = "512MB"
BATCH_ROWS: Final = 65_536
_UNKNOWN_LINE: Final = -1
_SUMS: Final = """count(*), count(*) FILTER (WHERE quantity > 0), coalesce(sum(quantity), 0)::HUGEINT, coalesce(sum(billed), 0)::HUGEINT,
       coalesce(sum(amount), 0)::DECIMAL(38,8)"""

# Of one account the segments are read where they are; of several they are read once, and kept in memory for all of them.
FOUND: Final = """
CREATE TEMP {keep} found AS
SELECT sell_account_id AS account_id, sell_local_day AS day, batch_id, service, coalesce(sell_destination_id, 0) AS destination_id,
       coalesce(sell_rate_id, 0) AS rate_id, call_id, start, key, calling, called, coalesce(sell_code, '') AS code, quantity,
       sell_billed AS billed, sell_amount AS amount
  FROM segments WHERE sell_account_id IN ({accounts}) AND sell_state = 1
"""
# Of days that other documents bill too, only what came in the batches that this one bills.
PICK: Final = f"""
CREATE OR REPLACE TEMP TABLE picked AS
SELECT coalesce(m.line, {_UNKNOWN_LINE}) AS line, d.bucket, f.*
  FROM found f
  JOIN days d ON d.day = f.day
  LEFT JOIN lines m ON m.bucket = d.bucket AND m.service = f.service AND m.destination_id = f.destination_id AND m.rate_id = f.rate_id
 WHERE f.account_id = $account
   AND (NOT d.is_billed OR EXISTS (SELECT 1 FROM batches b WHERE b.day = f.day AND b.batch_id = f.batch_id))
"""
SUM_BY_LINE: Final = f"SELECT bucket, line, {_SUMS} FROM picked GROUP BY bucket, line"
ADJUSTED: Final = f"""
SELECT f.service, f.destination_id, f.rate_id, {_SUMS}
  FROM found f
  JOIN days d ON d.day = f.day AND d.is_adjusted
 WHERE f.account_id = $account
 GROUP BY 1, 2, 3
"""
ATTACHED: Final = f"""
SELECT p.line, t.destination, t.terms AS price, t.unit, p.service, p.call_id, p.start, p.calling, p.called, p.code,
       p.quantity AS used, p.billed, p.amount, CAST(p.amount AS VARCHAR) AS amount_text
  FROM picked p JOIN texts t ON t.line = p.line
 WHERE p.line > {NO_LINE} AND (p.quantity <> 0 OR p.billed <> 0 OR p.amount <> 0)
 ORDER BY p.line, p.start, p.key
"""

RECORDS: Final = pa.schema(
    [
        pa.field("line", pa.int32(), nullable=False),  # number of the line on the document
        pa.field("service", pa.string(), nullable=False),
        pa.field("call_id", pa.string(), nullable=False),
        pa.field("start", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("start_local", pa.string(), nullable=False),  # on the account's clock, to the second
        pa.field("utc_offset", pa.string(), nullable=False),
        pa.field("calling", pa.string(), nullable=False),
        pa.field("called", pa.string(), nullable=False),
        pa.field("destination", pa.string(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("price", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("used", pa.int64(), nullable=False),
        pa.field("billed", pa.int64(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", pa.decimal128(18, AMOUNT_DECIMALS), nullable=False),
    ]
)
CSV_COLUMNS: Final = tuple(name for name in RECORDS.names if name != "start")
_TEXTS: Final = frozenset(
    {"service", "call_id", "calling", "called", "destination", "code", "price", "unit", "currency"}
)
# What a spreadsheet would take for a formula; a tab or a line end in front of it does not help.
_FORMULA: Final = r"^[\s]*[=+\-@]"


def find(wanted: Sequence[tuple[Draft, Evidence]]) -> duckdb.DuckDBPyConnection:
    """The records of some drafts of one snapshot, for `attach`. Close it.

    Memory is bounded; what passes it spills. Raises `SegmentsMoved` where a segment is gone.
    """
    paths = list(dict.fromkeys(each.path for _, evidence in wanted for each in evidence.files))
    accounts = ", ".join(str(int(draft.account_id)) for draft, _ in wanted) or "NULL"
    connection = connect(paths, memory=MEMORY)
    try:
        with watch(paths):
            connection.execute(FOUND.format(keep="VIEW" if len(wanted) == 1 else "TABLE", accounts=accounts))
    except BaseException:
        connection.close()
        raise
    return connection


def attach(
    found: duckdb.DuckDBPyConnection, draft: Draft, evidence: Evidence, *, csv: BinaryIO, parquet: BinaryIO
) -> int:
    """Write the records of a draft, out of what `find` has found, once they are known to be its lines; how many. Needs no scope.

    Attached is what connected, was counted or cost something; attempts that came to nothing are compared and left out.
    Raises Conflict `sums_disagree`, naming the line, and `SegmentsMoved` where a segment is gone.
    """
    with watch([each.path for each in evidence.files]):
        _register(found, draft)
        found.execute(PICK, {"account": draft.account_id})
        _require_lines(draft, found)
        if evidence.adjusted:
            _require_adjusted(draft, evidence.adjusted, found)
        return _write(draft, found, csv, parquet)


def _register(connection: duckdb.DuckDBPyConnection, draft: Draft) -> None:
    billed = {day.day for day in draft.usage.days if day.is_billed}
    rows = sorted(draft.bucket_of.items())
    connection.register(
        "days",
        pa.table(
            {
                "day": pa.array([day for day, _ in rows], pa.date32()),
                "bucket": pa.array([bucket for _, bucket in rows], pa.int32()),
                "is_billed": pa.array([day in billed for day, _ in rows], pa.bool_()),
                "is_adjusted": pa.array(
                    [draft.buckets[bucket].kind is LineKind.ADJUSTMENT for _, bucket in rows], pa.bool_()
                ),
            }
        ),
    )
    pairs = [(day, batch) for day in sorted(billed) for batch in draft.usage.batches[day]]
    connection.register("batches", _table(pairs, {"day": pa.date32(), "batch_id": pa.int64()}))
    keys = [(key.bucket, key.service, key.destination_id, key.rate_id, line) for key, line in draft.line_of.items()]
    kinds = {
        "bucket": pa.int32(),
        "service": pa.string(),
        "destination_id": pa.int64(),
        "rate_id": pa.int64(),
        "line": pa.int32(),
    }
    connection.register("lines", _table(keys, kinds))
    texts = [(line.number, line.destination, line.terms, line.unit.value) for line in draft.lines]
    connection.register(
        "texts",
        _table(texts, {"line": pa.int32(), "destination": pa.string(), "terms": pa.string(), "unit": pa.string()}),
    )


def _table(rows: Sequence[tuple[Any, ...]], kinds: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.table(
        {name: pa.array([row[index] for row in rows], kind) for index, (name, kind) in enumerate(kinds.items())}
    )


def _require_lines(draft: Draft, connection: duckdb.DuckDBPyConnection) -> None:
    """Usage and late lines are the sums of their records; records without a line come to nothing."""
    found = {(row[0], row[1]): _sums(row[2:]) for row in connection.sql(SUM_BY_LINE).fetchall()}
    for line in draft.lines:
        if line.kind is not LineKind.ADJUSTMENT:
            records = found.get((line.bucket, line.number), Sums())
            if records != line.sums:
                raise _disagree(_line_name(line), line.sums, records)
    for (bucket, number), records in found.items():
        is_adjusted = draft.buckets[bucket].kind is LineKind.ADJUSTMENT
        if number == _UNKNOWN_LINE and not is_adjusted:
            raise _disagree("What no rollup speaks of", Sums(), records)
        if number == NO_LINE and not is_adjusted and records.is_charged:
            raise _disagree("What is on no line", Sums(), records)


def _require_adjusted(draft: Draft, expected: Mapping[Key, Sums], connection: duckdb.DuckDBPyConnection) -> None:
    """On adjusted days a line is new less old, and the old records are gone: all rollups together must be the records that count."""
    rows = connection.sql(ADJUSTED, params={"account": draft.account_id}).fetchall()
    found = {Key(0, *row[:3]): _sums(row[3:]) for row in rows}
    for key in sorted(found.keys() | expected.keys(), key=lambda key: (key.service, key.destination_id, key.rate_id)):
        said, records = expected.get(key, Sums()), found.get(key, Sums())
        if said != records:
            line = next((line for line in draft.lines if _is_of(line, key, draft)), None)
            raise _disagree(_line_name(line) if line else "What is adjusted to nothing", said, records)


def _is_of(line: Line, key: Key, draft: Draft) -> bool:
    return draft.line_of.get(Key(line.bucket, key.service, key.destination_id, key.rate_id)) == line.number


def _sums(row: Sequence[Any]) -> Sums:
    return Sums(row[0], row[1], int(row[2]), int(row[3]), Amount.from_decimal(Decimal(row[4])))


def _line_name(line: Line) -> str:
    return f"Line {line.number} ({line.destination}, {line.terms})"


def _disagree(what: str, said: Sums, records: Sums) -> Conflict:
    def words(sums: Sums) -> str:
        return f"{sums.attempts} attempts, {sums.calls} calls, {sums.billed} units charged, {sums.exact}"

    return Conflict(
        "sums_disagree",
        f"{what}: the rollups say {words(said)}, the records {words(records)}. No document was made.",
        hint="`trunkline usage check` shows where rollups and records differ.",
        rollups=words(said),
        records=words(records),
    )


def _write(draft: Draft, connection: duckdb.DuckDBPyConnection, csv: BinaryIO, parquet: BinaryIO) -> int:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    count = 0
    csv_schema = pa.schema(
        [pa.field(name, pa.string() if name == "amount" else RECORDS.field(name).type) for name in CSV_COLUMNS]
    )
    with (
        pacsv.CSVWriter(csv, csv_schema, write_options=pacsv.WriteOptions(quoting_style="needed")) as csv_writer,
        pq.ParquetWriter(parquet, RECORDS, compression="zstd", store_decimal_as_integer=True) as parquet_writer,
    ):
        for batch in _batches(draft, connection):
            count += len(batch)
            parquet_writer.write_table(batch.select(RECORDS.names).cast(RECORDS))
            csv_writer.write_table(_as_csv(batch).cast(csv_schema))
    return count


def _batches(draft: Draft, connection: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
    """The attached records in their order, with the local time and the currency."""
    with contextlib.closing(connection.sql(ATTACHED).to_arrow_reader(BATCH_ROWS)) as reader:
        for batch in reader:
            table = pa.Table.from_batches([batch])
            start = table["start"].cast(pa.timestamp("ms", tz="UTC"))
            local, offset = _local(start, draft.timezone)
            yield (
                table.set_column(table.schema.get_field_index("start"), "start", start)
                .append_column("start_local", local)
                .append_column("utc_offset", offset)
                .append_column("currency", pa.repeat(draft.currency.code, len(table)))
            )


def _local(start: pa.ChunkedArray, zone_name: str) -> tuple[pa.Array, pa.Array]:
    """`2026-03-14 08:15:30` and `+03:00` for each instant."""
    seconds = np.floor_divide(start.cast(pa.int64()).to_numpy(), 1000)
    local = zone.to_local(seconds, zone_name)
    offsets, where = np.unique(local - seconds, return_inverse=True)
    texts = [_offset_text(int(offset)) for offset in offsets]
    text = pc.strftime(pa.array(local).cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")
    return text, pa.array(texts, pa.string()).take(pa.array(where))


def _offset_text(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    minutes, second = divmod(rest, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}" + (f":{second:02}" if second else "")


def _as_csv(batch: pa.Table) -> pa.Table:
    """The columns of the CSV: texts that a spreadsheet would run are made texts, amounts are written out."""
    columns = []
    for name in CSV_COLUMNS:
        column = batch["amount_text" if name == "amount" else name]
        columns.append(safe_text(column) if name in _TEXTS else column)
    return pa.table(dict(zip(CSV_COLUMNS, columns, strict=True)))


def safe_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """An apostrophe before every text that begins like a formula (`=`, `+`, `-`, `@`), as spreadsheets read it."""
    column = column.cast(pa.string())
    return pc.if_else(pc.match_substring_regex(column, _FORMULA), pc.binary_join_element_wise("'", column, ""), column)
