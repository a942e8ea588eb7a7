"""The records of a document: found in the segments, compared with its lines, attached as CSV and Parquet.

Both files are written from one stream of rows, so they hold line by line the same records. A document whose records do not add up to its
lines is not issued.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Conflict
from trunkline.core.money import AMOUNT_DECIMALS, Amount
from trunkline.engine import zone
from trunkline.invoicing.choices import LineKind
from trunkline.invoicing.draft import Draft, Evidence, Version
from trunkline.invoicing.rules import NO_LINE, Key, Line, Sums
from trunkline.usage.segments import COMMAND, Limits, connect, limited, text_literal, watch
from trunkline.usage.store import RATED

if TYPE_CHECKING:
    import duckdb

BATCH_ROWS: Final = 65_536
_UNKNOWN_LINE: Final = -1
_NO_BUCKET: Final = -1
_SUMS: Final = """count(*), count(*) FILTER (WHERE quantity > 0), coalesce(sum(quantity), 0)::HUGEINT, coalesce(sum(billed), 0)::HUGEINT,
       coalesce(sum(amount), 0)::DECIMAL(38,8)"""

_FIELDS: Final = """sell_local_day AS day, service, coalesce(sell_destination_id, 0) AS destination_id, coalesce(sell_rate_id, 0) AS rate_id,
       call_id, start, key, calling, called, coalesce(sell_code, '') AS code, quantity, sell_billed AS billed, sell_amount AS amount"""

# Of one account the segments are read where they are; of several they are read once, and kept in memory for all of them, account by account,
# so that most of them are passed over when one account's are looked up.
FOUND: Final = """
CREATE TEMP {keep} found AS
SELECT sell_account_id AS account_id, batch_id, {fields} FROM {segments} s WHERE sell_account_id IN ({accounts}) AND sell_state = 1 {order}
"""
# Every version of the records of days that other documents bill too, in the segments where they stand or stood.
VERSIONS: Final = """
CREATE TEMP TABLE versions AS
SELECT sell_account_id AS account_id, h.id AS segment_id, h.switch_id, h.batch_id AS writer, h.superseded_by, s.batch_id, {fields}
  FROM read_parquet([{paths}], union_by_name=true, hive_partitioning=false, filename=true) s JOIN history h ON h.path = s.filename
 WHERE sell_account_id IN ({accounts}) AND sell_state = 1
"""
# A record came in the batch whose segment first said of it what it says; segments written anew around it do not count.
TOLD: Final = """
CREATE OR REPLACE TEMP TABLE told AS
SELECT * EXCLUDE (is_new, batch_id),
       arg_max(writer, segment_id) FILTER (WHERE is_new) OVER w AS batch_id
  FROM (SELECT v.*, said IS DISTINCT FROM lag(said) OVER w OR writer IS DISTINCT FROM lag(superseded_by) OVER w AS is_new
          FROM (SELECT *, row(day, service, destination_id, rate_id, quantity, billed, amount) AS said
                  FROM versions WHERE account_id = $account) v
        WINDOW w AS (PARTITION BY switch_id, key ORDER BY segment_id))
WINDOW w AS (PARTITION BY switch_id, key ORDER BY segment_id)
"""
# Of days that other documents bill too, what came in the batches that this one bills.
NOW: Final = {
    False: "SELECT NULL::BIGINT AS switch_id, f.* FROM found f WHERE f.account_id = $account",
    True: "SELECT t.switch_id, t.* EXCLUDE (segment_id, switch_id, writer, superseded_by, said) FROM told t WHERE superseded_by IS NULL",
}
PICK: Final = f"""
CREATE OR REPLACE TEMP TABLE picked AS
SELECT coalesce(m.line, {_UNKNOWN_LINE}) AS line, d.bucket, NULL::BIGINT AS switch_id, f.*
  FROM found f
  JOIN days d ON d.day = f.day AND NOT d.is_billed
  LEFT JOIN lines m ON m.bucket = d.bucket AND m.service = f.service AND m.destination_id = f.destination_id AND m.rate_id = f.rate_id
 WHERE f.account_id = $account
UNION ALL BY NAME
SELECT coalesce(m.line, {_UNKNOWN_LINE}) AS line, p.bucket, n.*
  FROM ({{now}}) n
  JOIN (SELECT DISTINCT day, batch_id FROM places) b ON b.day = n.day AND b.batch_id = n.batch_id
  LEFT JOIN places p ON p.day = n.day AND p.batch_id = n.batch_id AND p.service = n.service AND p.destination_id = n.destination_id
                    AND p.rate_id = n.rate_id
  LEFT JOIN lines m ON m.bucket = p.bucket AND m.service = p.service AND m.destination_id = p.destination_id AND m.rate_id = p.rate_id
"""
# What is billed of a record is what the last batch said of it that is billed; it is replaced where a batch that is not took that back.
REPLACED: Final = f"""
CREATE OR REPLACE TEMP TABLE replaced AS
SELECT coalesce(m.line, {_UNKNOWN_LINE}) AS line, a.bucket, o.*
  FROM (SELECT * FROM told t
         WHERE NOT EXISTS (SELECT 1 FROM places p WHERE p.day = t.day AND p.batch_id = t.batch_id)
        QUALIFY row_number() OVER (PARTITION BY switch_id, key ORDER BY segment_id DESC) = 1) o
  JOIN billed_days d ON d.day = o.day
  LEFT JOIN adjusted_days a ON a.day = o.day
  LEFT JOIN lines m ON m.bucket = a.bucket AND m.service = o.service AND m.destination_id = o.destination_id AND m.rate_id = o.rate_id
 WHERE EXISTS (SELECT 1 FROM places p WHERE p.day = o.day AND p.batch_id = o.superseded_by)
"""
NONE_REPLACED: Final = "CREATE OR REPLACE TEMP TABLE replaced AS SELECT * FROM picked WHERE false"
SUM_BY_LINE: Final = f"SELECT bucket, line, {_SUMS} FROM picked GROUP BY bucket, line"
SUM_BY_KEY: Final = f"SELECT bucket, service, destination_id, rate_id, {_SUMS} FROM {{table}} GROUP BY 1, 2, 3, 4"
ADJUSTED: Final = f"""
SELECT 0, f.service, f.destination_id, f.rate_id, {_SUMS}
  FROM found f
  JOIN adjusted_days d ON d.day = f.day
 WHERE f.account_id = $account
 GROUP BY 1, 2, 3, 4
"""
_COLUMNS: Final = "service, call_id, start, key, calling, called, code"
ATTACHED: Final = f"""
SELECT t.destination, CASE WHEN change = 'removed' THEN '' ELSE coalesce(p.text, $no_price) END AS price, t.unit, r.*, CAST(r.amount AS VARCHAR) AS amount_text,
       CASE WHEN change IN ('', 'added') THEN '' ELSE coalesce(b.text, $no_price) END AS price_before,
       CAST(r.amount_before AS VARCHAR) AS amount_before_text
  FROM (SELECT line, {_COLUMNS}, rate_id, quantity AS used, billed, amount, '' AS change, NULL::BIGINT AS rate_before,
               NULL::BIGINT AS used_before, NULL::BIGINT AS billed_before, NULL::DECIMAL(18,8) AS amount_before
          FROM picked WHERE line NOT IN (SELECT line FROM texts WHERE is_adjustment)
        UNION ALL
        SELECT {", ".join(f"coalesce(n.{name}, o.{name})" for name in f"line, {_COLUMNS}, rate_id".split(", "))},
               coalesce(n.quantity, 0), coalesce(n.billed, 0), coalesce(n.amount, 0),
               CASE WHEN o.key IS NULL THEN 'added' WHEN n.key IS NULL THEN 'removed' ELSE 'changed' END, o.rate_id,
               coalesce(o.quantity, 0), coalesce(o.billed, 0), coalesce(o.amount, 0)
          FROM (SELECT * FROM picked WHERE line IN (SELECT line FROM texts WHERE is_adjustment)) n
          FULL JOIN (SELECT * FROM replaced WHERE line > {NO_LINE}) o USING (switch_id, key, line)) r
  JOIN texts t ON t.line = r.line
  LEFT JOIN prices p ON p.rate_id = r.rate_id
  LEFT JOIN prices b ON b.rate_id = r.rate_before
 WHERE r.used <> 0 OR r.billed <> 0 OR r.amount <> 0 OR r.used_before <> 0 OR r.billed_before <> 0 OR r.amount_before <> 0
 ORDER BY r.line, r.start, r.key, r.change
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
        # Of adjustments alone: what became of the record, and what it was as billed.
        pa.field("change", pa.string(), nullable=False),
        pa.field("price_before", pa.string(), nullable=False),
        pa.field("used_before", pa.int64()),
        pa.field("billed_before", pa.int64()),
        pa.field("amount_before", pa.decimal128(18, AMOUNT_DECIMALS)),
    ]
)
CSV_COLUMNS: Final = tuple(name for name in RECORDS.names if name != "start")
_TEXTS: Final = frozenset(
    {
        "service",
        "call_id",
        "calling",
        "called",
        "destination",
        "code",
        "price",
        "unit",
        "currency",
        "change",
        "price_before",
    }
)
_AMOUNTS: Final = {"amount": "amount_text", "amount_before": "amount_before_text"}
# What a spreadsheet would take for a formula; a tab or a line end in front of it does not help.
_FORMULA: Final = r"^[\s]*[=+\-@]"


def find(wanted: Sequence[tuple[Draft, Evidence]], limits: Limits = COMMAND) -> duckdb.DuckDBPyConnection:
    """The records of some drafts of one snapshot, for `attach`. Close it.

    Memory is bounded; what passes it spills. Raises `SegmentsMoved` where a segment is gone, and as `segments.limited` does.
    """
    paths = list(dict.fromkeys(each.path for _, evidence in wanted for each in evidence.files))
    history = {each.id: each for _, evidence in wanted for each in evidence.history}
    everything = list(dict.fromkeys([*paths, *(each.path for each in history.values())]))
    accounts = ", ".join(str(int(draft.account_id)) for draft, _ in wanted) or "NULL"
    connection = connect(everything, limits=limits, has_view=False)
    try:
        with watch(everything), limited(connection, limits):
            keep, order = ("VIEW", "") if len(wanted) == 1 else ("TABLE", "ORDER BY account_id")
            segments = _segments(connection, paths)
            found = FOUND.format(keep=keep, fields=_FIELDS, segments=segments, accounts=accounts, order=order)
            connection.execute(found)
            if history:
                _read_versions(connection, [history[number] for number in sorted(history)], wanted)
    except BaseException:
        connection.close()
        raise
    return connection


def _segments(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> str:
    if not paths:
        connection.register("no_segments", RATED.empty_table())
        return "no_segments"
    files = ", ".join(text_literal(str(path)) for path in paths)
    return f"read_parquet([{files}], union_by_name=true, hive_partitioning=false)"


def _read_versions(
    connection: duckdb.DuckDBPyConnection, history: Sequence[Version], wanted: Sequence[tuple[Draft, Evidence]]
) -> None:
    rows = [(each.id, str(each.path), each.switch_id, each.batch_id, each.superseded_by) for each in history]
    kinds = {
        "id": pa.int64(),
        "path": pa.string(),
        "switch_id": pa.int64(),
        "batch_id": pa.int64(),
        "superseded_by": pa.int64(),
    }
    connection.register("history", _table(rows, kinds))
    accounts = ", ".join(str(int(draft.account_id)) for draft, evidence in wanted if evidence.history)
    paths = ", ".join(text_literal(str(each.path)) for each in history)
    connection.execute(VERSIONS.format(fields=_FIELDS, paths=paths, accounts=accounts))


def attach(
    found: duckdb.DuckDBPyConnection, draft: Draft, evidence: Evidence, *, csv: BinaryIO, parquet: BinaryIO
) -> int:
    """Write the records of a draft, out of what `find` has found, once they are known to be its lines; how many. Needs no scope.

    Attached is what connected, was counted or cost something, now or as billed; attempts that came to nothing are compared and left out.
    Raises Conflict `sums_disagree`, naming the line, and `SegmentsMoved` where a segment is gone.
    """
    account = {"account": draft.account_id}
    with watch(evidence.paths):
        _register(found, draft, evidence)
        if evidence.history:
            found.execute(TOLD, account)
        found.execute(PICK.format(now=NOW[bool(evidence.history)]), account)
        found.execute(REPLACED if evidence.history else NONE_REPLACED)
        _require_lines(draft, found)
        if evidence.adjusted:
            _require_differences(draft, found)
            _require_adjusted(draft, evidence.adjusted, found)
        return _write(draft, found, csv, parquet)


def _register(connection: duckdb.DuckDBPyConnection, draft: Draft, evidence: Evidence) -> None:
    billed = {day.day for day in draft.usage.days if day.is_billed}
    days = [(day, bucket, day in billed) for day, bucket in sorted(draft.bucket_of.items())]
    connection.register("days", _table(days, {"day": pa.date32(), "bucket": pa.int32(), "is_billed": pa.bool_()}))
    connection.register("billed_days", _table([(day,) for day in sorted(billed)], {"day": pa.date32()}))
    adjusted = sorted(draft.adjusted_bucket_of.items())
    connection.register("adjusted_days", _table(adjusted, {"day": pa.date32(), "bucket": pa.int32()}))
    key = {"service": pa.string(), "destination_id": pa.int64(), "rate_id": pa.int64()}
    kinds = {"bucket": pa.int32(), "day": pa.date32(), "batch_id": pa.int64(), **key}
    connection.register("places", _table(evidence.places, kinds))
    lines = [(key.bucket, key.service, key.destination_id, key.rate_id, line) for key, line in draft.line_of.items()]
    connection.register("lines", _table(lines, {"bucket": pa.int32(), **key, "line": pa.int32()}))
    texts = [(line.number, line.destination, line.unit.value, line.kind is LineKind.ADJUSTMENT) for line in draft.lines]
    kinds = {"line": pa.int32(), "destination": pa.string(), "unit": pa.string(), "is_adjustment": pa.bool_()}
    connection.register("texts", _table(texts, kinds))
    prices = [(number, terms.text) for number, terms in draft.texts.terms.items()]
    connection.register("prices", _table(prices, {"rate_id": pa.int64(), "text": pa.string()}))


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
        if number == _UNKNOWN_LINE:
            raise _disagree("What no rollup speaks of", Sums(), records)
        is_adjusted = draft.buckets[bucket].kind is LineKind.ADJUSTMENT
        if number == NO_LINE and not is_adjusted and records.is_charged:
            raise _disagree("What is on no line", Sums(), records)


def _require_differences(draft: Draft, connection: duckdb.DuckDBPyConnection) -> None:
    """The difference of an adjustment is its records as they are now less those that they replace, key by key."""
    found: dict[Key, Sums] = defaultdict(Sums)
    for table, is_old in (("picked", False), ("replaced", True)):
        for row in connection.sql(SUM_BY_KEY.format(table=table)).fetchall():
            if row[0] is None or draft.buckets[row[0]].kind is LineKind.ADJUSTMENT:
                key = Key(_NO_BUCKET if row[0] is None else row[0], *row[1:4])
                found[key] += -_sums(row[4:]) if is_old else _sums(row[4:])
    said = {key: sums for key, sums in draft.sums.items() if draft.buckets[key.bucket].kind is LineKind.ADJUSTMENT}
    _require_same(draft, said, found)


def _require_adjusted(draft: Draft, expected: Mapping[Key, Sums], connection: duckdb.DuckDBPyConnection) -> None:
    """All rollups of adjusted days, billed or not, are together the records that count."""
    rows = connection.sql(ADJUSTED, params={"account": draft.account_id}).fetchall()
    _require_same(draft, expected, {Key(*row[:4]): _sums(row[4:]) for row in rows})


def _require_same(draft: Draft, expected: Mapping[Key, Sums], found: Mapping[Key, Sums]) -> None:
    def place(key: Key) -> tuple[int, str, int, int]:
        return key.bucket, key.service, key.destination_id, key.rate_id

    for key in sorted(found.keys() | expected.keys(), key=place):
        said, records = expected.get(key, Sums()), found.get(key, Sums())
        if said != records:
            line = next((line for line in draft.lines if _is_of(line, key, draft)), None)
            raise _disagree(_line_name(line) if line else "What is adjusted to nothing", said, records)


def _is_of(line: Line, key: Key, draft: Draft) -> bool:
    own = Key(line.bucket, key.service, key.destination_id, key.rate_id)
    return line.kind is LineKind.ADJUSTMENT and draft.line_of.get(own) == line.number


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
        [pa.field(name, pa.string() if name in _AMOUNTS else RECORDS.field(name).type) for name in CSV_COLUMNS]
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
    rows = connection.sql(ATTACHED, params={"no_price": draft.texts.no_price})
    with contextlib.closing(rows.to_arrow_reader(BATCH_ROWS)) as reader:
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
        column = batch[_AMOUNTS.get(name, name)]
        columns.append(safe_text(column) if name in _TEXTS else column)
    return pa.table(dict(zip(CSV_COLUMNS, columns, strict=True)))


def safe_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """An apostrophe before every text that begins like a formula (`=`, `+`, `-`, `@`), as spreadsheets read it."""
    column = column.cast(pa.string())
    return pc.if_else(pc.match_substring_regex(column, _FORMULA), pc.binary_join_element_wise("'", column, ""), column)
