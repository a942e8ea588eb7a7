"""The shapes that the engine takes and gives: tariffs as Arrow tables, events in, priced events out.

Money inside the engine is scaled int64: prices in units of 10^-10, amounts in units of 10^-8 (`core.money`).
Instants are whole UTC seconds or milliseconds in Arrow timestamps; a missing bound is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import pyarrow as pa

from trunkline.engine.units import Unit


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array; where it is one already nothing is copied, as `combine_chunks` would."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class Outcome(IntEnum):
    """What became of one event on one side. The names in lower case are the stable reason codes."""

    RATED = 0
    NO_RATE = 1
    BLOCKED = 2
    OVERFLOW = 3


WEIGHT_DECIMALS = 4
DEFAULT_WEIGHT = 10 * 10**WEIGHT_DECIMALS

STEP_TYPE = pa.struct(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("price", pa.int64(), nullable=False),
        pa.field("per", pa.int64(), nullable=False),
        pa.field("increment", pa.int64(), nullable=False),
    ]
)

# One row a rate, in the order in which the price list states them (the last tie-break of the choice).
RATE_SCHEMA = pa.schema(
    [
        pa.field("rate_id", pa.int64(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("destination_id", pa.int64()),
        pa.field("valid_from", pa.timestamp("s", tz="UTC")),
        pa.field("valid_to", pa.timestamp("s", tz="UTC")),
        pa.field("time_profile", pa.string()),
        pa.field("weight", pa.int64(), nullable=False),  # 10^-4
        pa.field("setup_fee", pa.int64(), nullable=False),  # 10^-10
        pa.field("grace", pa.int64(), nullable=False),  # units
        pa.field("rounding_mode", pa.int8(), nullable=False),  # core.money.RoundingMode
        pa.field("rounding_decimals", pa.int8(), nullable=False),
        pa.field("max_cost", pa.int64()),  # 10^-8
        pa.field("length_min", pa.int8()),
        pa.field("length_max", pa.int8()),
        pa.field("tag", pa.string()),
        pa.field("blocked", pa.bool_(), nullable=False),
        pa.field("additive", pa.bool_(), nullable=False),
        pa.field("steps", pa.list_(STEP_TYPE), nullable=False),  # ascending start, the first 0
        pa.field("origin", pa.string()),  # where the caller must be, a name of the tariff's `origins`
    ]
)


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A set of local instants: `[start_s, end_s)` of the local day on the days that every list allows.

    An empty set of days means any; weekday 1 is Monday; `end_s` may be 86400.
    """

    weekdays: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    years: frozenset[int] = frozenset()
    start_s: int = 0
    end_s: int = 86400


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price list: its rates as one Arrow table of `RATE_SCHEMA`, its clock and its currency.

    `rates` are its own; those of its ancestors come from `parent` (rule 17). `time_profiles` and
    `origins` are those that hold for both.
    """

    id: int
    name: str
    currency: str
    timezone: str
    unit: Unit
    rates: pa.Table
    time_profiles: Mapping[str, tuple[TimeWindow, ...]] = field(default_factory=dict)
    origins: Mapping[str, str] = field(
        default_factory=dict
    )  # the origin deck: codes of callers and their origins' names
    parent: Tariff | None = None


# What `engine.rate` takes, one row an event. `plan` indexes the caller's list of ordered tariff-id tuples;
# `tag_set` indexes the caller's list of tag sets (null: no tags).
EVENT_SCHEMA = pa.schema(
    [
        pa.field("number", pa.string(), nullable=False),  # digits only; may be empty
        pa.field("start", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("quantity", pa.int64(), nullable=False),
        pa.field("plan", pa.int32(), nullable=False),
        pa.field("tag_set", pa.int32()),
    ]
)

# A column that the events may have besides: the caller's number in E.164, digits only. Null, empty or anything else is a caller that
# nobody knows. It is asked for by tariffs with origins alone.
CALLER_FIELD = pa.field("caller", pa.string())

# What `engine.rate` gives, row for row. Where the outcome is not RATED, all but `outcome` is null
# (BLOCKED keeps the rate that blocked).
PRICED_SCHEMA = pa.schema(
    [
        pa.field("outcome", pa.int8(), nullable=False),
        pa.field("tariff_id", pa.int64()),
        pa.field("rate_id", pa.int64()),
        pa.field("code", pa.dictionary(pa.int32(), pa.string())),
        pa.field("destination_id", pa.int64()),
        pa.field("billed", pa.int64()),  # units charged: whole increments, 0 below grace
        pa.field("amount", pa.int64()),  # 10^-8 in the tariff's currency
    ]
)
