"""Whole tables into PostgreSQL: `COPY` into a temporary table, since row-level security refuses it anywhere else."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv
from django.db import connection
from django.db.backends.utils import CursorWrapper

from trunkline.kit.db.planning import tables_joined_at_once


def stage(cursor: CursorWrapper, name: str, columns: str, rows: pa.Table) -> None:
    """Make the temporary table `name (columns)` that lasts until the transaction ends, filled with `rows` in their order.

    The columns of `rows` stand in the order of `columns`; a first column `n` more holds the place of each row. Needs an
    open transaction.
    """
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    cursor.execute(f"CREATE TEMPORARY TABLE {name} (n bigint, {columns}) ON COMMIT DROP")
    numbered = rows.add_column(0, "n", pa.array(range(len(rows)), pa.int64()))
    # All values quoted, null as nothing: the one form in which an empty text and null differ.
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
        for batch in numbered.to_batches(max_chunksize=50_000):
            sink = io.BytesIO()
            pyarrow.csv.write_csv(batch, sink, options)
            copy.write(sink.getbuffer())


def copy_table(query: str, schema: pa.Schema) -> pa.Table:
    """The rows of a query, whose columns are those of `schema`: instants as seconds since 1970, truth as text."""
    text = copy_out(query)
    if not text.getbuffer().nbytes:
        return schema.empty_table()
    table = pyarrow.csv.read_csv(
        text,
        read_options=pyarrow.csv.ReadOptions(column_names=schema.names),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={each.name: pa.int64() if pa.types.is_timestamp(each.type) else each.type for each in schema},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # an empty text, as the code of every number, comes quoted
        ),
    )
    return table.cast(schema).combine_chunks()


def copy_out(query: str) -> io.BytesIO:
    """The rows of a query as CSV without header, null as nothing and an empty text in quotes."""
    text = io.BytesIO()
    with (
        connection.cursor() as cursor,
        tables_joined_at_once(cursor),
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy,
    ):
        for block in copy:
            text.write(block)
    text.seek(0)
    return text
