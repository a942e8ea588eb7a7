"""What is done with one chunk once it is decoded: identified, priced, sifted, made into segment rows and folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.engine import rollup
from trunkline.engine.schema import one_array
from trunkline.parties.kinds import Side
from trunkline.parties.rules import Resolution
from trunkline.usage.decode import Lines, Party
from trunkline.usage.decode.numbers import normalise, rules_for
from trunkline.usage.decode.profile import NumberRule
from trunkline.usage.omitted import SAME_AS
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import NAME, REJECTS, Service, rows_where
from trunkline.usage.sides import (
    REASON_NUMBER,
    REASONS,
    SERVICES,
    Pinned,
    SettledDays,
    SideColumns,
    identify,
    identity_reasons,
    price,
)
from trunkline.usage.store import RATED, REJECTED, SIDES
from trunkline.usage.stored import where_other
from trunkline.usage.traffic.walk import DENIED_BY, RECORD_COLUMNS, ChunkWalk

HOUR_MS: Final = 3_600_000
MERGED_ROWS_MIN: Final = 100_000
MERGED_PARTS_MAX: Final = 64
FOLD_KEYS: Final = ("account_id", "service", "destination_id", "rate_id", "local_day")
HOUR_KEYS: Final = ("hour", "sell_account_id", "buy_account_id")

_SUMMED: Final = frozenset({"attempts", "connected", "raw_quantity", "billed_quantity", "amount", "base_amount"}) | {
    "seconds", "revenue", "cost", "pdd_ms", "pdd_count",
}  # fmt: skip

Columns = dict[str, NDArray[np.int64]]


@dataclass(slots=True)
class Totals:
    """Partial folds of one part, merged now and then so that they stay small."""

    sides: dict[str, list[Columns]] = field(default_factory=lambda: {side: [] for side in SIDES})
    hours: list[Columns] = field(default_factory=list)
    rated: int = 0
    duplicates: int = 0
    waiting: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def count_rejects(self, rejects: pa.Table) -> None:
        for each in pc.value_counts(rejects["reason"].combine_chunks().cast(pa.string())):
            name = each["values"].as_py()
            self.reasons[name] = self.reasons.get(name, 0) + each["counts"].as_py()

    def compact(self) -> None:
        """One fold a side and one of the hours."""
        for side, parts in self.sides.items():
            if len(parts) > 1:
                self.sides[side] = [rollup.merge(parts, FOLD_KEYS)]
        if len(self.hours) > 1:
            self.hours = [rollup.merge(self.hours, HOUR_KEYS)]

    def compact_when_grown(self) -> None:
        """Merge once there is more that is not merged than is: so every row is merged a few times, however many chunks there are."""
        rows = [len(part["account_id"]) for part in self.sides["sell"]]
        if sum(rows[1:]) > max([*rows[:1], MERGED_ROWS_MIN]) or len(self.hours) > MERGED_PARTS_MAX:
            self.compact()

    def add(self, other: Totals) -> None:
        """Take in the totals of another part, not merged yet."""
        for side, parts in other.sides.items():
            self.sides[side].extend(parts)
        self.hours.extend(other.hours)
        self.rated += other.rated
        self.duplicates += other.duplicates
        self.waiting += other.waiting
        for name, count in other.reasons.items():
            self.reasons[name] = self.reasons.get(name, 0) + count


def price_sides(
    events: pa.Table,
    number_rules: tuple[NumberRule, ...],
    pinned: Pinned,
    settled: Mapping[Side, SettledDays] | None = None,
) -> tuple[pa.Table, dict[str, SideColumns], NDArray[np.int8]]:
    """Both sides of a chunk and the first reason, if any, why a row must be rejected: whose it is before what it costs.

    `number_rules` are those of the switch, for what is left of a number without its tech prefix. `settled` are the days that stored records
    have; of a file none is settled.
    """
    walk = None if pinned.rules is None else ChunkWalk.begin(pinned.rules, events)
    if walk is not None:
        events = walk.before_identification(events)
    sell = identify(events, Side.SELL, pinned)
    buy = identify(events, Side.BUY, pinned)
    events = _without_tech_prefix(events, sell, number_rules)
    if walk is not None:
        events = walk.after_prefix_cut(events, sell.strip_len > 0)
    reason = np.zeros(len(events), np.int8)
    for side, resolved in ((Side.SELL, sell), (Side.BUY, buy)):
        _first(reason, identity_reasons(side, resolved, events, pinned))
    sides = {}
    for side, resolved in ((Side.SELL, sell), (Side.BUY, buy)):
        ruled = None if walk is None else walk.side(side, resolved.account_id)
        days = None if settled is None else settled[side].of(resolved.account_id)
        sides[str(side)] = price(events, side, resolved.account_id, pinned, ruled, days)
        _first(reason, sides[str(side)].reason)
    if walk is not None:
        events = walk.finish(events, reason, REASON_NUMBER)
    return events, sides, reason


def _first(reason: NDArray[np.int8], further: NDArray[np.int8]) -> None:
    np.copyto(reason, further, where=reason == 0)


def _without_tech_prefix(events: pa.Table, sell: Resolution, number_rules: tuple[NumberRule, ...]) -> pa.Table:
    """Take the tech prefix that told the customer off the called number, before the number rules."""
    rows = np.flatnonzero(sell.strip_len > 0)
    if not len(rows):
        return events
    lengths = sell.strip_len[rows]
    called = events["called"].to_numpy(zero_copy_only=False)
    for length in np.unique(lengths):
        here = rows[lengths == length]
        raw = pc.utf8_slice_codeunits(events["called_raw"].take(pa.array(here)), int(length))
        called[here] = normalise(raw.combine_chunks(), rules_for(number_rules, Party.CALLED)).to_numpy(
            zero_copy_only=False
        )
    return events.set_column(events.column_names.index("called"), "called", pa.array(called, pa.string()))


def late_rejects(lines: Lines, events: pa.Table, rows: NDArray[np.int64], reason: NDArray[np.int8]) -> pa.Table:
    """Rejects of rows that decoded well, with their raw lines."""
    if not len(rows):
        return REJECTS.empty_table()
    wanted = pa.array(rows)
    chosen = {name: one_array(events[name]).take(wanted) for name in ("line", "key", "start", "called", "service")}
    numbers = reason[rows]
    return pa.table(
        [
            chosen["line"],
            pa.DictionaryArray.from_arrays(
                pa.array(numbers.astype(np.int32)), pa.array([str(each or "") for each in REASONS])
            ),
            pa.array(reject_details(events, rows, reason), pa.string()),
            pa.array([lines.raw_numbered(line) for line in chosen["line"].to_pylist()], pa.string()),
            chosen["key"],
            chosen["start"],
            chosen["called"],
            chosen["service"],
        ],
        schema=REJECTS,
    )


def late_legs(legs: pa.Table, remarks: Sequence[str]) -> pa.Table:
    """Rejects of legs whose call was posted without them, each with a remark, or none where it is empty."""
    size = len(legs)
    details = [
        f"the record {call} was posted without this leg{said and f'; {said}'}."
        for call, said in zip(legs["call"].to_pylist(), remarks, strict=True)
    ]
    return pa.table(
        [
            legs["line"],
            pa.array([Reason.LATE_LEG.value] * size, pa.string()).dictionary_encode(),
            pa.array(details, pa.string()),
            legs["raw"],
            pa.array(
                [f"{call}|{leg}" for call, leg in zip(legs["call"].to_pylist(), legs["leg"].to_pylist(), strict=True)],
                pa.string(),
            ),
            legs["at"],
            pa.nulls(size, pa.string()),
            pa.nulls(size, pa.dictionary(pa.int32(), pa.string())),
        ],
        schema=REJECTS,
    )


# What of a record a reason speaks of.
_NAMED_BY: Final = {
    Reason.UNKNOWN_SELL: ("trunk_in", "source_ip", "account_code", "sip_user", "calling"),
    Reason.AMBIGUOUS_IDENTITY: ("trunk_in", "source_ip", "account_code", "sip_user", "calling"),
    Reason.UNKNOWN_BUY: ("trunk_out",),
    Reason.LATE_LEG: ("key", "legs"),
    Reason.DENIED_BY_RULE: (DENIED_BY,),
    Reason.BAD_NUMBER: (DENIED_BY, "called"),
}


def reject_details(events: pa.Table, rows: NDArray[np.int64], reason: NDArray[np.int8]) -> list[str]:
    """What of each of the rows its reason speaks of; `reason` is of all rows."""
    numbers = reason[rows]
    details = np.empty(len(rows), dtype=object)
    for number in np.unique(numbers).tolist():
        here = np.flatnonzero(numbers == number)
        details[here] = _details(_NAMED_BY.get(REASONS[number], ("called",)), events, rows[here])
    return details.tolist()


def _details(names: tuple[str, ...], events: pa.Table, rows: NDArray[np.int64]) -> list[str]:
    values = (events[name].combine_chunks().take(pa.array(rows)).to_pylist() for name in names)
    return [
        ", ".join(f"{name} {value}" for name, value in zip(names, record, strict=True) if value)
        or "nothing in the record names an account"
        for record in zip(*values, strict=True)
    ]


def segment_rows(
    events: pa.Table, sides: dict[str, SideColumns], rows: NDArray[np.int64], batch_id: int, version: str
) -> pa.Table:
    """The rows of a chunk, given ascending, as they stand in the segment."""
    columns = {name: events[name] for name in events.column_names}
    for name in RECORD_COLUMNS:
        columns.setdefault(name, pa.nulls(len(events), NAME))
    for side in SIDES:
        columns |= sides[side].columns
    columns |= {name: where_other(columns[name], columns[same]) for name, same in SAME_AS.items()}
    if len(rows) < len(events):
        is_wanted = np.zeros(len(events), np.bool_)
        is_wanted[rows] = True
        kept = rows_where(pa.table(columns), is_wanted)
        columns = dict(zip(kept.column_names, kept.columns, strict=True))
    columns["batch_id"] = pa.array(np.full(len(rows), batch_id, np.int64))
    columns["snapshot_version"] = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(rows), np.int32)), pa.array([version])
    )
    return pa.table([columns[name] for name in RATED.names], schema=RATED)


def reject_rows(rejects: pa.Table, batch_id: int) -> pa.Table:
    """Rejects as they stand in the segment."""
    return pa.table([*rejects.columns, pa.array(np.full(len(rejects), batch_id, np.int64))], schema=REJECTED)


def fold_chunk(events: pa.Table, sides: dict[str, SideColumns], rows: NDArray[np.int64], totals: Totals) -> None:
    """Add the rows to the partial sums of both sides and of the hours."""
    if not len(rows):
        return
    quantity = events["quantity"].to_numpy()
    service = _service_numbers(events)
    for side in SIDES:
        columns = sides[side]
        here = rows[columns.is_counted[rows]]
        if not len(here):
            continue
        keys = {
            "account_id": columns.account_id[here],
            "service": service[here],
            "destination_id": columns.destination_id[here],
            "rate_id": columns.rate_id[here],
            "local_day": columns.local_day[here].astype(np.int64),
        }
        sums = {
            "attempts": np.ones(len(here), np.int64),
            "connected": (quantity[here] > 0).astype(np.int64),
            "raw_quantity": quantity[here],
            "billed_quantity": columns.billed[here],
            "amount": columns.amount[here],
            "base_amount": columns.base_amount[here],
        }
        totals.sides[side].append(rollup.fold(keys, sums))
    totals.hours.append(_fold_hours(events, sides, rows, quantity, service))
    totals.compact_when_grown()


def _service_numbers(events: pa.Table) -> NDArray[np.int64]:
    service = one_array(events["service"].unify_dictionaries())
    numbers = np.array([SERVICES.index(Service(name)) for name in service.dictionary.to_pylist()], np.int64)
    return numbers[service.indices.to_numpy()]


def _fold_hours(
    events: pa.Table,
    sides: dict[str, SideColumns],
    rows: NDArray[np.int64],
    quantity: NDArray[np.int64],
    service: NDArray[np.int64],
) -> Columns:
    start = events["start"].cast(pa.int64()).to_numpy()
    pdd = one_array(events["pdd_ms"])
    has_pdd = pdd.is_valid().to_numpy(zero_copy_only=False)
    delay = pdd.fill_null(0).to_numpy().astype(np.int64)
    takes_time = service == SERVICES.index(Service.VOICE)
    sell, buy = sides["sell"], sides["buy"]
    return rollup.fold(
        {
            "hour": (start // HOUR_MS)[rows],
            "sell_account_id": np.maximum(sell.account_id[rows], 0),
            "buy_account_id": np.maximum(buy.account_id[rows], 0),
        },
        {
            "attempts": np.ones(len(rows), np.int64),
            "connected": (quantity[rows] > 0).astype(np.int64),
            "seconds": np.where(takes_time, quantity, 0)[rows],
            "revenue": sell.base_amount[rows],
            "cost": buy.base_amount[rows],
            "pdd_ms": delay[rows],
            "pdd_count": has_pdd[rows].astype(np.int64),
        },
    )


def negated(totals: Totals) -> Totals:
    """The same keys with sums of the other sign."""
    turned = Totals()
    for side, parts in totals.sides.items():
        turned.sides[side] = [_negated(part) for part in parts]
    turned.hours = [_negated(part) for part in totals.hours]
    return turned


def _negated(part: Columns) -> Columns:
    return {name: -column if name in _SUMMED else column for name, column in part.items()}
