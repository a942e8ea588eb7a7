"""What a data folder holds, read past every door: for telling whether two histories came to the same end.

Ids, paths, attempts and instants of the work itself are left out: they differ between two runs of the same work. All else is there, down to
the columns of every record and the postings of every entry.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trunkline.engine.keyhash import combine, hash_text
from trunkline.kit.db.connections import DATABASE, Role, parameters

Rows = Counter[tuple[str, ...]]
State = Mapping[str, Rows]

QUERIES = {
    "batches": """
        SELECT s.name, b.name, b.state, b.failure, b.rows_in, b.rated, b.rejected, b.duplicates, b.skipped, b.waiting, b.joined,
               b.reject_reasons
          FROM usage_batch b JOIN usage_switch s ON s.id = b.switch_id""",
    "waiting legs": """
        SELECT s.name, b.name, w.call, w.leg, w.kind, w.at, w.raw
          FROM usage_waitingleg w JOIN usage_batch b ON b.id = w.batch_id JOIN usage_switch s ON s.id = w.switch_id""",
    "rollups": """
        SELECT s.name, b.name, side, a.code, service, destination_id, rate_id, r.currency, day, attempts, connected, raw_quantity,
               billed_quantity, amount, base_amount
          FROM usage_rollup r JOIN usage_batch b ON b.id = r.batch_id JOIN usage_switch s ON s.id = b.switch_id
          JOIN parties_account a ON a.id = r.account_id""",
    "hours": """
        SELECT s.name, b.name, hour, sell_account_id, buy_account_id, attempts, connected, seconds, revenue, cost, pdd_ms, pdd_count
          FROM usage_hourtotal h JOIN usage_batch b ON b.id = h.batch_id JOIN usage_switch s ON s.id = b.switch_id""",
    "entries": """
        SELECT regexp_replace(e.key, '^(batch|invoice):[^:]*', '\\1'), e.kind, e.booked_on, a.code, p.amount
          FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id JOIN ledger_account a ON a.id = p.account_id""",
    "balances": """
        SELECT a.code, a.currency, sum(p.amount) FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id GROUP BY 1, 2""",
    "invoices": """
        SELECT i.number, a.code, i.state, i.period_from, i.period_to, i.exact, i.rounding, i.net, i.tax, i.total, i.records
          FROM invoicing_invoice i JOIN parties_account a ON a.id = i.account_id""",
    "invoice lines": """
        SELECT i.number, l.number, l.kind, l.destination, l.terms, l.attempts, l.calls, l.used, l.billed, l.exact, l.amount
          FROM invoicing_invoiceline l JOIN invoicing_invoice i ON i.id = l.invoice_id""",
    "billed": """
        SELECT i.number, r.side, r.day, r.destination_id, r.rate_id, r.amount
          FROM invoicing_billedrollup x JOIN invoicing_invoice i ON i.id = x.invoice_id JOIN usage_rollup r ON r.id = x.rollup_id
         WHERE x.released_at IS NULL""",
}
# The same whatever the order in which the files were taken, and whichever of two files gave a record that both hold.
TOTALS = {
    "counts": """
        SELECT s.name, b.state, b.failure, sum(rows_in), sum(rated), sum(rejected), sum(duplicates), sum(skipped)
          FROM usage_batch b JOIN usage_switch s ON s.id = b.switch_id GROUP BY 1, 2, 3""",
    "rollups": """
        SELECT side, account_id, service, destination_id, rate_id, currency, day, sum(attempts), sum(connected), sum(raw_quantity),
               sum(billed_quantity), sum(amount), sum(base_amount)
          FROM usage_rollup GROUP BY 1, 2, 3, 4, 5, 6, 7""",
    "hours": """
        SELECT hour, sell_account_id, buy_account_id, sum(attempts), sum(connected), sum(seconds), sum(revenue), sum(cost), sum(pdd_ms),
               sum(pdd_count)
          FROM usage_hourtotal GROUP BY 1, 2, 3""",
    "balances": QUERIES["balances"],
}
LIVE = "SELECT path FROM usage_segment WHERE kind = %s AND state = 'live'"
INDEXES = re.compile(r"\.(keys|numbers)$")


@contextlib.contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Make that data folder the one of this process, and its own server the one in use."""
    before = {name: os.environ.pop(name, None) for name in ("TRUNKLINE_HOME", "TRUNKLINE_DATABASE_URL")}
    os.environ["TRUNKLINE_HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ["TRUNKLINE_HOME"]
        os.environ |= {name: value for name, value in before.items() if value is not None}


@contextlib.contextmanager
def connect(home: Path) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the running server of that data folder that sees every tenant."""
    with at_home(home):
        given = parameters(Role.ADMIN, DATABASE)
    with psycopg.connect(**given, autocommit=True) as connection:
        yield connection


def read_state(home: Path) -> State:
    """Everything that counts in a data folder, as text. Its server runs."""
    with connect(home) as connection:
        state = {name: _rows(connection.execute(query.encode())) for name, query in QUERIES.items()}
        for kind in ("rated", "reject"):
            paths = [home / path for (path,) in connection.execute(LIVE, [kind])]
            state[f"{kind} records"] = _records(paths, left_out=("batch_id",))
    return state


def read_totals(home: Path) -> State:
    """What must be the same in whatever order files were taken: `records`, their `keys`, rejects, sums and balances. The server runs."""
    with connect(home) as connection:
        state = {name: _rows(connection.execute(query.encode())) for name, query in TOTALS.items()}
        rated, rejected = (
            [home / path for (path,) in connection.execute(LIVE, [kind])] for kind in ("rated", "reject")
        )
    state["records"] = _fingerprints(rated, left_out=("batch_id", "line"))
    state["keys"] = Counter(row[:1] for row in state["records"].elements())
    state["rejects"] = _records(rejected, left_out=("batch_id", "line"))
    return state


def _rows(rows: psycopg.Cursor[Any]) -> Rows:
    return Counter(tuple(map(str, row)) for row in rows)


def _records(paths: list[Path], *, left_out: tuple[str, ...]) -> Rows:
    found: Rows = Counter()
    for path in paths:
        columns = [column.to_pylist() for column in _as_text(path, left_out)]
        found.update(zip(*columns, strict=True))
    return found


def _fingerprints(paths: list[Path], *, left_out: tuple[str, ...]) -> Rows:
    """The key of each record and a hash of all its columns: enough to tell records apart, and quick for hundreds of thousands."""
    found: Rows = Counter()
    for path in paths:
        hashes = combine(*(hash_text(column) for column in _as_text(path, left_out)))
        keys = pq.read_table(path, partitioning=None, columns=["key"])["key"].to_pylist()
        found.update(zip(keys, map(str, hashes.tolist()), strict=True))
    return found


def _as_text(path: Path, left_out: tuple[str, ...]) -> list[pa.ChunkedArray]:
    columns = []
    table = pq.read_table(path, partitioning=None)
    for name in table.column_names:
        column = table[name].cast(pa.int64()) if pa.types.is_timestamp(table[name].type) else table[name]
        if name not in left_out:
            columns.append(pc.fill_null(column.cast(pa.string()), ""))
    return columns


def differences(expected: State, found: State, *, shown: int = 5) -> list[str]:
    """What is lost and what is surplus, a line each; nothing if both are the same."""
    lines = []
    for name in expected.keys() | found.keys():
        for what, rows in (("lost", expected[name] - found[name]), ("surplus", found[name] - expected[name])):
            if rows:
                lines.append(f"{name}: {rows.total()} {what}, such as:")
                lines += [f"    {' '.join(row)}" for row, _ in rows.most_common(shown)]
    return lines


def strays(home: Path) -> list[str]:
    """Files below the data folder that belong to nobody: segments that no catalogue names, spooled copies, scratch, documents."""
    with connect(home) as connection:
        named = {path for (path,) in connection.execute("SELECT path FROM usage_segment")}
        for column in ("pdf_path", "csv_path", "parquet_path"):
            named |= {path for (path,) in connection.execute(f"SELECT {column} FROM invoicing_invoice".encode())}
        awaited = {
            path
            for (path,) in connection.execute("SELECT path FROM usage_batch WHERE state IN ('registered', 'running')")
        }
    found = []
    for folder in ("usage", "spool", "tmp", "documents"):
        for path in (home / folder).rglob("*"):
            name = INDEXES.sub("", str(path.relative_to(home)))
            if path.is_file() and name not in named and str(path) not in awaited:
                found.append(str(path.relative_to(home)))
    return sorted(found)
