"""The shapes that records take between decoding and the segments: one row an attempt, one row a reject."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import pyarrow as pa


class Service(StrEnum):
    """What was used. Voice counts seconds, SMS messages, data octets, events themselves."""

    VOICE = "voice"
    SMS = "sms"
    DATA = "data"
    EVENT = "event"


INSTANT: Final = pa.timestamp("ms", tz="UTC")
NAME: Final = pa.dictionary(pa.int32(), pa.string())  # few distinct values in many rows

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
