"""The one transaction that makes a batch true: catalogue, rollups, ledger and state, or nothing."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection
from numpy.typing import NDArray

from trunkline.core.money import Amount
from trunkline.engine import rollup
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.faults import reached
from trunkline.ledger.actions import ensure_chart, post_many
from trunkline.ledger.choices import AccountClass, EntryKind
from trunkline.ledger.queries import last_close
from trunkline.ledger.rules import Draft, Line
from trunkline.parties.models import Account
from trunkline.tenancy.storage import note_stored
from trunkline.usage.choices import BatchState, SegmentKind, SegmentState
from trunkline.usage.chunkwork import Totals
from trunkline.usage.models import Batch, Segment
from trunkline.usage.pipeline import Outcome
from trunkline.usage.queries import posting_key
from trunkline.usage.sides import SERVICES
from trunkline.usage.store import SIDES, WrittenSegment, amounts, stored_octets
from trunkline.usage.waiting import LostAttempt, add_to_waiting, take_from_waiting

Columns = dict[str, NDArray[np.int64]]

FINISHING: Final = "15min"
WIDE: Final = pa.decimal128(28, 8)
STAGE: Final = """
CREATE TEMPORARY TABLE usage_rollup_stage (
    account_id bigint, service text, destination_id bigint, rate_id bigint, day date,
    attempts bigint, connected bigint, raw_quantity bigint, billed_quantity bigint, amount numeric, base_amount numeric
) ON COMMIT DROP
"""
# RLS refuses COPY into the table itself: rows are staged and inserted (35 % dearer, design, tenancy rule 4).
INSERT: Final = """
INSERT INTO usage_rollup (tenant_id, batch_id, side, account_id, service, destination_id, rate_id, currency, day,
                          attempts, connected, raw_quantity, billed_quantity, amount, base_amount)
SELECT %(tenant)s, %(batch)s, %(side)s, s.account_id, s.service, s.destination_id, s.rate_id, c.currency, s.day,
       s.attempts, s.connected, s.raw_quantity, s.billed_quantity, s.amount, s.base_amount
  FROM usage_rollup_stage s JOIN unnest(%(accounts)s::bigint[], %(currencies)s::text[]) AS c (account_id, currency) USING (account_id)
"""


HOUR_COLUMNS: Final = (
    "hour, sell_account_id, buy_account_id, attempts, connected, seconds, revenue, cost, pdd_ms, pdd_count"
)
STAGE_HOURS: Final = """
CREATE TEMPORARY TABLE usage_hour_stage (
    hour timestamptz, sell_account_id bigint, buy_account_id bigint, attempts bigint, connected bigint, seconds bigint,
    revenue numeric, cost numeric, pdd_ms bigint, pdd_count bigint
) ON COMMIT DROP
"""
INSERT_HOURS: Final = f"""
INSERT INTO usage_hourtotal (tenant_id, batch_id, {HOUR_COLUMNS})
SELECT %(tenant)s, %(batch)s, {HOUR_COLUMNS} FROM usage_hour_stage
"""


def post(*, batch_id: int, attempt: int, outcome: Outcome, version: str, at: datetime) -> None:
    """Make the outcome of an attempt true. Raises `LostAttempt` if the attempt is no longer the batch's own. Needs an open scope."""
    # First what nobody can wait for; the locks come when there is nothing left to wait for, so that a worker that hangs holds up no other.
    insert_sums(batch_id, outcome.totals)
    insert_sums(batch_id, outcome.taken_back)
    with connection.cursor() as cursor:  # a slow disk may take a while
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = %s", [FINISHING])
    segments = outcome.finish()
    (batch,) = lock_rows(Batch.objects.all(), [batch_id])
    if batch.attempt != attempt or batch.state != BatchState.RUNNING:
        raise LostAttempt("lost_attempt", f"Batch {batch_id} was taken over by another worker.")
    if batch.resends_id is not None:
        _supersede_rejects(batch, batch.resends_id, at)
    if outcome.superseded:
        _supersede(batch, outcome.superseded, at)
    post_many(_drafts(batch, outcome, at), at=at)
    _catalogue(batch, segments, at)
    note_stored("usage", sum(stored_octets(written.path) for written in segments), at=at)
    batch.joined = take_from_waiting(batch, outcome.taken_legs)
    add_to_waiting(batch, outcome.waiting)
    batch.waiting = outcome.totals.waiting
    batch.state = BatchState.POSTED
    batch.snapshot_version, batch.header = version, outcome.header
    batch.rows_in, batch.rated, batch.rejected = outcome.rows_in, outcome.totals.rated, outcome.rejected
    batch.duplicates, batch.skipped, batch.changed = outcome.totals.duplicates, outcome.skipped, outcome.changed
    batch.reject_reasons = dict(sorted(outcome.totals.reasons.items()))
    batch.min_start = min((s.min_start for s in segments if s.min_start), default=None)
    batch.max_start = max((s.max_start for s in segments if s.max_start), default=None)
    batch.finished_at, batch.progress_octets = at, batch.octets
    batch.save()
    reached("before_commit")


def _catalogue(batch: Batch, segments: Iterable[WrittenSegment], at: datetime) -> None:
    Segment.objects.bulk_create(
        Segment(
            batch=batch,
            switch_id=batch.switch_id,
            kind=written.kind,
            day=written.day,
            path=written.path,
            rows=written.rows,
            octets=written.octets,
            sha256=written.sha256,
            min_start=written.min_start,
            max_start=written.max_start,
            state=SegmentState.LIVE,
            created_at=at,
        )
        for written in segments
    )


def _supersede_rejects(batch: Batch, source_id: int, at: datetime) -> None:
    """The rejects that were sent again count no more: what is still wrong with them is this batch's."""
    reached("superseding")
    rejects = Segment.objects.filter(batch_id=source_id, kind=SegmentKind.REJECT, state=SegmentState.LIVE)
    rejects.update(state=SegmentState.SUPERSEDED, superseded_by=batch, superseded_at=at)


def _supersede(batch: Batch, segment_ids: Sequence[int], at: datetime) -> None:
    """The segments that were written anew count no more. Raises `LostAttempt` if one of them did not any more: then all is done again."""
    reached("superseding")
    live = Segment.objects.filter(pk__in=segment_ids, state=SegmentState.LIVE)
    if live.update(state=SegmentState.SUPERSEDED, superseded_by=batch, superseded_at=at) != len(segment_ids):
        raise LostAttempt("segments_superseded", f"Segments of batch {batch.pk} were superseded by another one.")


def insert_sums(batch_id: int, totals: Totals) -> None:
    """Add all sums of a batch, of both sides and of the hours."""
    for side in SIDES:
        for columns in totals.sides[side]:
            insert_rollups(batch_id, side, columns)
    _insert_hours(batch_id, totals.hours)


def insert_rollups(batch_id: int, side: str, columns: Columns) -> None:
    """Add folded sums of one side as rollup rows of a batch."""
    if not len(columns["account_id"]):
        return
    accounts = dict(
        Account.objects.filter(pk__in=np.unique(columns["account_id"]).tolist()).values_list("pk", "currency")
    )
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS usage_rollup_stage")
        cursor.execute(STAGE)
        with cursor.copy("COPY usage_rollup_stage FROM STDIN (FORMAT csv)") as copy:
            copy.write(_as_csv(columns))
        cursor.execute(
            INSERT,
            {
                "tenant": current_tenant_id(),
                "batch": batch_id,
                "side": side,
                "accounts": list(accounts),
                "currencies": list(accounts.values()),
            },
        )


def _csv(table: pa.Table) -> memoryview:
    text = io.BytesIO()
    pacsv.write_csv(table, text, pacsv.WriteOptions(include_header=False))
    return text.getbuffer()


def _as_csv(columns: Columns) -> memoryview:
    services = pa.array([str(service) for service in SERVICES])
    table = pa.table(
        {
            "account_id": columns["account_id"],
            "service": services.take(pa.array(columns["service"])),
            "destination_id": _or_null(columns["destination_id"]),
            "rate_id": _or_null(columns["rate_id"]),
            "day": pa.array(columns["local_day"].astype(np.int32)).cast(pa.date32()),
            **{name: columns[name] for name in ("attempts", "connected", "raw_quantity", "billed_quantity")},
            "amount": amounts(columns["amount"], kind=WIDE),
            "base_amount": amounts(columns["base_amount"], kind=WIDE),
        }
    )
    return _csv(table)


def _or_null(ids: NDArray[np.int64]) -> pa.Array:
    return pa.array(ids, mask=ids == 0)


def _insert_hours(batch_id: int, parts: list[Columns]) -> None:
    for part in parts:
        table = pa.table(
            {
                "hour": pa.array(part["hour"] * 3600).cast(pa.timestamp("s", tz="UTC")),
                "sell_account_id": _or_null(part["sell_account_id"]),
                "buy_account_id": _or_null(part["buy_account_id"]),
                **{name: part[name] for name in ("attempts", "connected", "seconds")},
                "revenue": amounts(part["revenue"], kind=WIDE),
                "cost": amounts(part["cost"], kind=WIDE),
                "pdd_ms": part["pdd_ms"],
                "pdd_count": part["pdd_count"],
            }
        )
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS usage_hour_stage")
            cursor.execute(STAGE_HOURS)
            with cursor.copy("COPY usage_hour_stage FROM STDIN (FORMAT csv)") as copy:
                copy.write(_csv(table))
            cursor.execute(INSERT_HOURS, {"tenant": current_tenant_id(), "batch": batch_id})


def _drafts(batch: Batch, outcome: Outcome, at: datetime) -> list[Draft]:
    """One entry per side, account and local day. A day of a closed period is booked on the first open day; its key keeps the day."""
    close = last_close()
    first_open = close.closed_through + timedelta(days=1) if close is not None else date.min
    found: list[Draft] = []
    for side in SIDES:
        parts = [*outcome.totals.sides[side], *outcome.taken_back.sides[side]]
        by_day = [
            rollup.fold({name: part[name] for name in ("account_id", "local_day")}, {"amount": part["amount"]})
            for part in parts
        ]
        if by_day:
            found += _side_drafts(batch, side, rollup.merge(by_day, ("account_id", "local_day")), first_open, at)
    return found


def _side_drafts(batch: Batch, side: str, by_day: Columns, first_open: date, at: datetime) -> list[Draft]:
    accounts = {
        account.pk: account for account in Account.objects.filter(pk__in=np.unique(by_day["account_id"]).tolist())
    }
    currencies = sorted({account.currency for account in accounts.values()})
    charts = {currency: ensure_chart(currency=currency, at=at) for currency in currencies}
    drafts = []
    for account_id, local_day, units in zip(
        *(by_day[name].tolist() for name in ("account_id", "local_day", "amount")), strict=True
    ):
        if not units:
            continue
        account, day = accounts[account_id], date(1970, 1, 1) + timedelta(days=local_day)
        amount = Amount(units)
        if side == "sell":
            own = charts[account.currency][AccountClass.REVENUE]
            lines = [Line(account.unbilled_receivable_id, amount), Line(own.pk, -amount)]
        else:
            own = charts[account.currency][AccountClass.TRAFFIC_COST]
            lines = [Line(own.pk, amount), Line(account.unbilled_payable_id, -amount)]
        drafts.append(
            Draft(
                key=posting_key(batch.pk, side, account_id, day),
                kind=EntryKind.USAGE_SELL if side == "sell" else EntryKind.USAGE_BUY,
                booked_on=max(day, first_open),
                lines=lines,
                reference=f"batch {batch.public_id}",
            )
        )
    return drafts
