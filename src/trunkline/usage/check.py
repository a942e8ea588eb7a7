"""What must always hold of usage, proved from the data: segments = rollups = ledger, counts add up, files are there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from trunkline.kit.home import home
from trunkline.ledger.choices import EntryKind
from trunkline.ledger.models import Posting
from trunkline.parties.models import Account
from trunkline.usage.choices import BatchState, SegmentKind, SegmentState, Side
from trunkline.usage.models import Batch, HourTotal, Rollup, Segment
from trunkline.usage.segments import connect, live_segments

SUMS = ("attempts", "connected", "raw_quantity", "billed_quantity", "amount", "base_amount")
KEYS = ("account_id", "service", "destination_id", "rate_id", "currency", "day")

SEGMENT_SUMS = """
SELECT {side}_account_id, service, {side}_destination_id, {side}_rate_id, {side}_currency, {side}_local_day,
       count(*), count(*) FILTER (quantity > 0), sum(quantity)::bigint, sum({side}_billed)::bigint,
       sum({side}_amount)::decimal(38, 8), sum({side}_base_amount)::decimal(38, 8)
  FROM segments WHERE {side}_state = 1 GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must hold: how much was looked at and what contradicts it (nothing, if it holds)."""

    name: str
    proved: str
    contradictions: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.contradictions


def check(*, read_files: bool = False) -> list[Finding]:
    """Prove usage of the tenant of the open scope, which should be a snapshot (REPEATABLE READ). `read_files` also reads every segment's bytes and compares its hash."""
    findings = [_counts(), _files(read_files=read_files)]
    findings += [_segments_and_rollups(side) for side in Side]
    findings += [_rollups_and_ledger(side) for side in Side]
    findings.append(_hours())
    return findings


def _show(problems: Iterator[str]) -> tuple[str, ...]:
    found = list(problems)
    return tuple(found[:20] + ([f"and {len(found) - 20} more"] if len(found) > 20 else []))


def _counts() -> Finding:
    batches = list(Batch.objects.filter(state=BatchState.POSTED))
    rows: dict[tuple[int, str], int] = {}
    for segment in Segment.objects.all():
        rows[segment.batch_id, segment.kind] = rows.get((segment.batch_id, segment.kind), 0) + segment.rows

    def problems() -> Iterator[str]:
        for batch in batches:
            if batch.rows_in != batch.rated + batch.rejected + batch.duplicates:
                yield f"batch {batch.name}: {batch.rows_in} in, {batch.rated} + {batch.rejected} + {batch.duplicates} accounted for"
            if rows.get((batch.pk, SegmentKind.RATED), 0) != batch.rated:
                yield f"batch {batch.name}: {batch.rated} rated, its segments hold {rows.get((batch.pk, SegmentKind.RATED), 0)}"
            if (
                rows.get((batch.pk, SegmentKind.REJECT), 0) != batch.rejected
                or sum(batch.reject_reasons.values()) != batch.rejected
            ):
                yield f"batch {batch.name}: {batch.rejected} rejected, its segments hold {rows.get((batch.pk, SegmentKind.REJECT), 0)}"

    total = sum(batch.rows_in for batch in batches)
    return Finding("in = rated + rejected + duplicates", f"{len(batches)} batches, {total} records", _show(problems()))


def _files(*, read_files: bool) -> Finding:
    segments = list(Segment.objects.filter(state=SegmentState.LIVE))

    def problems() -> Iterator[str]:
        for segment in segments:
            path = home() / segment.path
            if not path.exists() or path.stat().st_size != segment.octets:
                yield f"segment {segment.path} is missing or has another size"
            elif read_files:
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != segment.sha256:
                        yield f"segment {segment.path} has other bytes than were written"

    how = "read and hashed" if read_files else "present, size compared"
    return Finding("every live segment is there", f"{len(segments)} files {how}", _show(problems()))


def _segments_and_rollups(side: Side) -> Finding:
    paths = [segment.path for segment in live_segments()]
    with connect(paths, memory="512MB") as duck:
        rows = duck.sql(SEGMENT_SUMS.format(side=side.value)).fetchall()
    stored = {tuple(row[: len(KEYS)]): tuple(map(Decimal, row[len(KEYS) :])) for row in rows}
    rolled: dict[tuple[Any, ...], tuple[Decimal, ...]] = {}
    grouped = Rollup.objects.filter(side=side).values_list(*KEYS)
    for row in grouped.annotate(*(Sum(name) for name in SUMS)).order_by().iterator():
        sums = tuple(_decimal(value) for value in row[len(KEYS) :])
        if any(sums):
            rolled[row[: len(KEYS)]] = sums

    def problems() -> Iterator[str]:
        for key in stored.keys() | rolled.keys():
            mine = stored.get(key, (Decimal(0),) * len(SUMS))
            theirs = rolled.get(key, (Decimal(0),) * len(SUMS))
            if mine != theirs:
                yield f"{side} {dict(zip(KEYS, key, strict=True))}: segments {list(map(str, mine))}, rollups {list(map(str, theirs))}"

    return Finding(
        f"{side}: sum of rollups = sum of live segments, per key",
        f"{len(stored)} keys, {len(paths)} segments",
        _show(problems()),
    )


def _decimal(value: Any) -> Decimal:
    return value.to_decimal() if hasattr(value, "to_decimal") else Decimal(value or 0)


def _rollups_and_ledger(side: Side) -> Finding:
    kind = EntryKind.USAGE_SELL if side == Side.SELL else EntryKind.USAGE_BUY
    field = "unbilled_receivable_id" if side == Side.SELL else "unbilled_payable_id"
    sign = 1 if side == Side.SELL else -1
    owner = dict(Account.objects.values_list(field, "pk"))
    posted: dict[int, Decimal] = {}
    sums = (
        Posting.objects.filter(entry__kind=kind, account_id__in=list(owner))
        .values_list("account_id")
        .annotate(total=Sum("amount"))
    )
    for ledger_account, total in sums.order_by():
        posted[owner[ledger_account]] = sign * _decimal(total)
    rolled = {
        pk: _decimal(total)
        for pk, total in Rollup.objects.filter(side=side)
        .values_list("account_id")
        .annotate(total=Sum("amount"))
        .order_by()
    }

    def problems() -> Iterator[str]:
        for account in posted.keys() | rolled.keys():
            if posted.get(account, Decimal(0)) != rolled.get(account, Decimal(0)):
                yield f"{side} account {account}: rollups {rolled.get(account, 0)}, ledger {posted.get(account, 0)}"

    return Finding(
        f"{side}: sum of rollups = ledger, per account",
        f"{len(rolled)} accounts, {sum(rolled.values(), Decimal(0))}",
        _show(problems()),
    )


def _hours() -> Finding:
    hours = HourTotal.objects.aggregate(revenue=Sum("revenue"), cost=Sum("cost"))

    def problems() -> Iterator[str]:
        for side, name in ((Side.SELL, "revenue"), (Side.BUY, "cost")):
            rolled = _decimal(Rollup.objects.filter(side=side).aggregate(total=Sum("base_amount"))["total"])
            if rolled != _decimal(hours[name]):
                yield f"{name}: hours {_decimal(hours[name])}, rollups {rolled}"

    return Finding("sum of hours = sum of rollups", "revenue and cost in the tenant's currency", _show(problems()))
