"""Records made by hand: each says only what matters to its test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trunkline.usage.store import RATED, REJECTED

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


def record(**given: Any) -> dict[str, Any]:
    """A connected call of a minute at 10:00 on 1 March 2026, charged on no side. `sell` and `buy` are (account, amount in USD)."""
    sell, buy = given.pop("sell", None), given.pop("buy", None)
    quantity = given.get("quantity", 60)
    row: dict[str, Any] = {
        "line": 1,
        "key": "k",
        "call_id": "c",
        "attempt": 1,
        "is_last": True,
        "service": "voice",
        "calling_raw": "",
        "called_raw": "",
        "calling": "254700000001",
        "called": "442070000001",
        "start": START,
        "quantity": quantity,
        "duration_ms": quantity * 1000,
        "batch_id": 1,
        "sell_state": 0,
        "buy_state": 0,
    }
    for side, charged in (("sell", sell), ("buy", buy)):
        if charged is not None:
            account, amount = charged
            row |= {
                f"{side}_state": 1,
                f"{side}_account_id": account,
                f"{side}_billed": quantity,
                f"{side}_amount": Decimal(amount),
                f"{side}_base_amount": Decimal(amount),
                f"{side}_currency": "USD",
            }
    row |= given
    row.setdefault("end", row["start"] + timedelta(milliseconds=row["duration_ms"]))
    return row


def reject(**given: Any) -> dict[str, Any]:
    """A reject for no sell account."""
    return {"line": 1, "reason": "unknown_sell", "detail": "trunk_in t", "raw": "raw line", "batch_id": 1} | given


def write_file(path: Path, rows: Sequence[dict[str, Any]], *, kind: str = "rated", row_group_rows: int = 2) -> pa.Table:
    """Write the rows as a segment's file; gives them as a table."""
    table = pa.Table.from_pylist(list(rows), schema=RATED if kind == "rated" else REJECTED)
    pq.write_table(table, path, row_group_size=row_group_rows, compression="zstd", store_decimal_as_integer=True)
    return table
