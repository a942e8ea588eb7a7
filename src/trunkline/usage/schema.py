"""The shapes that records take between decoding and the segments: one row an attempt, one row a reject."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Service(StrEnum):
    """What was used. Voice counts seconds, SMS messages, data octets, events themselves."""

    VOICE = "voice"
    SMS = "sms"
    DATA = "data"
    EVENT = "event"


INSTANT: Final = pa.timestamp("ms", tz="UTC")
NAME: Final = pa.dictionary(pa.int32(), pa.string())  # few distinct values in many rows


def rows_where(table: pa.Table, wanted: NDArray[np.bool_]) -> pa.Table:
    """The wanted rows. Columns that are null throughout, of which a switch has many, cost nothing."""
    count, mask = int(np.count_nonzero(wanted)), pa.array(wanted)
    columns = [
        pa.nulls(count, column.type) if column.null_count == len(column) else column.filter(mask)
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)


# What every format decodes to. `answer` is null when the call was not answered. `calling` and `called` are digits
# after the switch's number rules: `calling` is empty when withheld, `called` only where the service has no number.
# The trunk out of a call that ended at a subscriber of the operator's own: no vendor carried it.
INTERNAL: Final = "(internal)"

EVENTS: Final = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),  # in the file, from 1, header and blank lines counted
        pa.field("key", pa.string(), nullable=False),  # of the record, unique within the switch
        pa.field("call_id", pa.string(), nullable=False),  # shared by the attempts of a call
        pa.field("attempt", pa.int16(), nullable=False),  # from 1; 0: no vendor was tried
        pa.field("is_last", pa.bool_(), nullable=False),
        pa.field("service", NAME, nullable=False),
        pa.field("calling_raw", pa.string(), nullable=False),
        pa.field("called_raw", pa.string(), nullable=False),
        pa.field("calling", pa.string(), nullable=False),
        pa.field("called", pa.string(), nullable=False),
        pa.field("start", INSTANT, nullable=False),
        pa.field("answer", INSTANT),
        pa.field("end", INSTANT, nullable=False),
        pa.field("duration_ms", pa.int64(), nullable=False),  # connected, as the source says
        pa.field("quantity", pa.int64(), nullable=False),  # units to be priced
        pa.field("pdd_ms", pa.int32()),
        pa.field("trunk_in", NAME),
        pa.field("trunk_out", NAME),
        pa.field("source_ip", NAME),
        pa.field("account_code", NAME),
        pa.field("sip_user", NAME),
        pa.field("cause", pa.int16()),  # Q.850
        pa.field("sip_code", pa.int16()),
        pa.field("legs", pa.string()),  # of a record made of legs: which (decode.legs); null where a row is a record
    ]
)

# A leg that waits for its partner: what the waiting table keeps of it.
WAITING: Final = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),
        pa.field("call", pa.string(), nullable=False),  # the call's key, which its record will have
        pa.field("leg", pa.string(), nullable=False),  # what tells the leg from the others of its call, as in `legs`
        pa.field("kind", pa.string(), nullable=False),  # decode.legs.Role
        pa.field("at", INSTANT, nullable=False),  # when the leg says that it began
        pa.field("raw", pa.string(), nullable=False),
    ]
)

# A line that was not taken. What could be read of it stands beside the raw line, so that rejects can be grouped.
REJECTS: Final = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),
        pa.field("reason", NAME, nullable=False),  # reasons.Reason
        pa.field("detail", pa.string(), nullable=False),
        pa.field("raw", pa.string(), nullable=False),  # decode.raw: `\xNN` for bytes that are not text
        pa.field("key", pa.string()),
        pa.field("start", INSTANT),
        pa.field("called", pa.string()),
        pa.field("service", NAME),
    ]
)
