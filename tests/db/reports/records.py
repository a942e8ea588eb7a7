"""Segments of the catalogue, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from tests.unit.reports.records import START, record, reject, write_file
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.home import home
from trunkline.parties.actions import create_account
from trunkline.parties.models import Account
from trunkline.tariffs.models import Destination
from trunkline.usage.models import Batch, Segment, Switch
from trunkline.usage.number_index import BlockTimes, number_entries, write_number_index

__all__ = ["AT", "START", "make_account", "make_batch", "make_destination", "make_segment", "record", "reject"]

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def make_account(code: str, name: str = "") -> Account:
    return create_account(code=code, name=name or code, currency="USD", timezone="UTC", is_vendor=True, at=AT)


def make_destination(name: str, country: str = "") -> int:
    return Destination.objects.create(name=name, country=country).pk


def make_batch(name: str = "a.csv") -> Batch:
    switch, _ = Switch.objects.get_or_create(name="sw", defaults={"format": "common"})
    return Batch.objects.create(
        switch=switch,
        intake="command",
        name=name,
        path=name,
        content_hash=name,
        octets=1,
        state="posted",
        received_at=AT,
    )


def make_segment(
    rows: Sequence[dict[str, Any]],
    *,
    kind: str = "rated",
    name: str = "batch-1-1-0",
    day: date | None = None,
    has_index: bool = True,
    row_group_rows: int = 2,
    **fields: Any,
) -> Segment:
    """Write the rows as a segment of the open scope's tenant and put it into the catalogue."""
    starts = [row["start"] for row in rows if row.get("start") is not None]
    day = day or min(starts).date()
    path = home() / "usage" / f"tenant={current_tenant_id()}" / f"day={day}" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = write_file(path, rows, kind=kind, row_group_rows=row_group_rows)
    if kind == "rated" and has_index:
        times = BlockTimes()
        times.add(table["start"].cast("int64").combine_chunks().to_numpy())
        write_number_index(path, [number_entries(table["calling"], table["called"], 0)], times)
    batch = fields.pop("batch", None) or Batch.objects.first() or make_batch()
    return Segment.objects.create(
        **{
            "batch": batch,
            "switch": batch.switch,
            "kind": kind,
            "day": day,
            "path": str(path.relative_to(home())),
            "rows": len(rows),
            "octets": path.stat().st_size,
            "sha256": "0" * 64,
            "min_start": min(starts, default=None),
            "max_start": max(starts, default=None),
            "created_at": AT,
        }
        | fields
    )
