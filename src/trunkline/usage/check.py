"""What must always hold of usage, proved from the data: segments = rollups = ledger, counts add up, files are there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
from django.db import connection
from django.db.models import Count, Sum

from trunkline.kit.home import home
from trunkline.ledger.choices import EntryKind
from trunkline.ledger.invariants import Proof
from trunkline.ledger.models import Posting
from trunkline.parties.models import Account
from trunkline.tariffs.models import Destination
from trunkline.usage.choices import BatchState, SegmentKind, SegmentState, Side
from trunkline.usage.models import Batch, HourTotal, Rollup, Segment, WaitingLeg
from trunkline.usage.segments import SegmentsMoved, connect, live_segments

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
    """One thing that must hold: how much was looked at, and the proof with what contradicts it (nothing, if it holds)."""

    name: str
    proved: str
    proof: Proof

    @property
    def holds(self) -> bool:
        return self.proof.holds

    @property
    def contradictions(self) -> tuple[str, ...]:
        """The first problems, and how many there are besides."""
        more = self.proof.problem_count - len(self.proof.problems)
        return self.proof.problems + ((f"and {more} more",) if more else ())


def check(*, read_files: bool = False) -> list[Finding]:
    """Prove usage of the tenant of the open scope, which should be a snapshot (REPEATABLE READ). `read_files` also reads every segment's bytes and compares its hash."""
    return [_files(read_files=True) if read_files and name == "usage_files" else find(name) for name in PROOFS]


def find(name: str) -> Finding:
    """Prove the one invariant of that name (`usage.invariants`)."""
    return PROOFS[name]()


def _stay_open() -> None:
    """Let the snapshot outlive the time for which a transaction may be idle: reading the segments of a big tenant takes longer."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def _counts() -> Finding:
    batches = list(Batch.objects.filter(state=BatchState.POSTED))
    rows: dict[tuple[int, str], int] = {}
    for segment in Segment.objects.all():
        rows[segment.batch_id, segment.kind] = rows.get((segment.batch_id, segment.kind), 0) + segment.rows

    def problems() -> Iterator[str]:
        for batch in batches:
            found = (batch.rated, batch.rejected, batch.duplicates, batch.waiting)
            if batch.rows_in != sum(found):
                yield f"batch {batch.name}: {batch.rows_in} in, {' + '.join(map(str, found))} accounted for"
            if rows.get((batch.pk, SegmentKind.RATED), 0) != batch.rated:
                yield f"batch {batch.name}: {batch.rated} rated, its segments hold {rows.get((batch.pk, SegmentKind.RATED), 0)}"
            if (
                rows.get((batch.pk, SegmentKind.REJECT), 0) != batch.rejected
                or sum(batch.reject_reasons.values()) != batch.rejected
            ):
                yield f"batch {batch.name}: {batch.rejected} rejected, its segments hold {rows.get((batch.pk, SegmentKind.REJECT), 0)}"

    total = sum(batch.rows_in for batch in batches)
    counts = {"batches": len(batches), "records": total}
    return Finding(
        "in = rated + rejected + duplicates + waiting",
        f"{len(batches)} batches, {total} records",
        Proof.of(counts, problems()),
    )


def _waiting() -> Finding:
    """Of each switch: the legs that batches left to wait, less those that batches took away, are there."""
    left = Batch.objects.filter(state=BatchState.POSTED).values_list("switch_id", "switch__name").order_by("switch_id")
    there = dict(WaitingLeg.objects.values_list("switch_id").annotate(count=Count("pk")).order_by())
    count = sum(there.values())
    switches = list(left.annotate(waiting=Sum("waiting"), joined=Sum("joined")))

    def problems() -> Iterator[str]:
        for switch_id, name, waiting, joined in switches:
            if waiting - joined != there.pop(switch_id, 0):
                yield f"switch {name}: {waiting} legs left to wait, {joined} joined, another number waits"
        for switch_id in there:
            yield f"switch {switch_id}: legs wait that no batch has left"

    counts = {"switches": len(switches), "legs": count}
    return Finding("legs left to wait = joined + waiting", f"{count} legs wait", Proof.of(counts, problems()))


def _files(*, read_files: bool = False) -> Finding:
    segments = list(Segment.objects.filter(state=SegmentState.LIVE))
    _stay_open()

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
    proof = Proof.of({"files": len(segments)}, problems())
    return Finding("every live segment is there", f"{len(segments)} files {how}", proof)


def _segments_and_rollups(side: Side) -> Finding:
    paths = [segment.path for segment in live_segments()]
    name = f"{side}: sum of rollups = sum of live segments, per key"
    _stay_open()
    try:
        stored = _stored(side, paths)
    except (SegmentsMoved, duckdb.IOException, duckdb.InvalidInputException) as error:
        unread = f"the segments cannot be read: {error}"
        return Finding(name, f"{len(paths)} segments", Proof.of({"segments": len(paths)}, [unread]))
    rolled: dict[tuple[Any, ...], tuple[Decimal, ...]] = {}
    grouped = Rollup.objects.filter(side=side).values_list(*KEYS)
    for row in grouped.annotate(*(Sum(name) for name in SUMS)).order_by().iterator():
        sums = tuple(_decimal(value) for value in row[len(KEYS) :])
        if any(sums):
            rolled[row[: len(KEYS)]] = sums

    def problems() -> Iterator[str]:
        nothing = (Decimal(0),) * len(SUMS)
        wrong = [key for key in stored.keys() | rolled.keys() if stored.get(key, nothing) != rolled.get(key, nothing)]
        for key, words in _in_words(wrong).items():
            mine, theirs = stored.get(key, nothing), rolled.get(key, nothing)
            yield f"{side} {words}: segments {list(map(str, mine))}, rollups {list(map(str, theirs))}"

    return Finding(
        name,
        f"{len(stored)} keys, {len(paths)} segments",
        Proof.of({"keys": len(stored), "segments": len(paths)}, problems()),
    )


def _in_words(keys: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """Keys of sums with the names that people know: `2026-03-02 acme voice Kenya, rate 17, USD`; in order of day and name."""
    if not keys:
        return {}
    codes = dict(Account.objects.values_list("pk", "code"))
    names = dict(Destination.objects.filter(pk__in={key[2] for key in keys}).values_list("pk", "name"))
    found = {}
    for key in keys:
        account, service, destination, rate, currency, day = key
        where, price = names.get(destination, "no destination"), f"rate {rate}" if rate else "no rate"
        found[key] = f"{day} {codes.get(account, account)} {service} {where}, {price}, {currency}"
    return dict(sorted(found.items(), key=lambda each: each[1]))


def _stored(side: Side, paths: Sequence[Path]) -> dict[tuple[Any, ...], tuple[Decimal, ...]]:
    """What the records of live segments add up to, by key."""
    with connect(paths) as duck:
        rows = duck.sql(SEGMENT_SUMS.format(side=side.value)).fetchall()
    return {tuple(row[: len(KEYS)]): tuple(map(Decimal, row[len(KEYS) :])) for row in rows}


def _decimal(value: Any) -> Decimal:
    return value.to_decimal() if hasattr(value, "to_decimal") else Decimal(value or 0)


def _rollups_and_ledger(side: Side) -> Finding:
    kind = EntryKind.USAGE_SELL if side == Side.SELL else EntryKind.USAGE_BUY
    field = "unbilled_receivable_id" if side == Side.SELL else "unbilled_payable_id"
    sign = 1 if side == Side.SELL else -1
    owner = dict(Account.objects.values_list(field, "pk"))
    codes = dict(Account.objects.values_list("pk", "code"))
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
                yield f"{side} {codes.get(account, account)}: rollups {rolled.get(account, 0)}, ledger {posted.get(account, 0)}"

    return Finding(
        f"{side}: sum of rollups = ledger, per account",
        f"{len(rolled)} accounts, {sum(rolled.values(), Decimal(0))}",
        Proof.of({"accounts": len(rolled)}, problems()),
    )


def _hours() -> Finding:
    hours = HourTotal.objects.aggregate(count=Count("pk"), revenue=Sum("revenue"), cost=Sum("cost"))

    def problems() -> Iterator[str]:
        for side, name in ((Side.SELL, "revenue"), (Side.BUY, "cost")):
            rolled = _decimal(Rollup.objects.filter(side=side).aggregate(total=Sum("base_amount"))["total"])
            if rolled != _decimal(hours[name]):
                yield f"{name}: hours {_decimal(hours[name])}, rollups {rolled}"

    proof = Proof.of({"hours": hours["count"]}, problems())
    return Finding("sum of hours = sum of rollups", "revenue and cost in the tenant's currency", proof)


PROOFS: Final[dict[str, Callable[[], Finding]]] = {
    "usage_batches": _counts,
    "usage_waiting": _waiting,
    "usage_files": _files,
    "usage_sell_segments": partial(_segments_and_rollups, Side.SELL),
    "usage_buy_segments": partial(_segments_and_rollups, Side.BUY),
    "usage_sell_ledger": partial(_rollups_and_ledger, Side.SELL),
    "usage_buy_ledger": partial(_rollups_and_ledger, Side.BUY),
    "usage_hours": _hours,
}
