"""FreeSWITCH mod_cdr_csv: its default template, and ours with both trunks. docs/formats/freeswitch*.md are the law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import Integers, Mask, Numbers, chosen, integers, is_present, mapped
from trunkline.usage.decode.formats import (
    TEXT,
    CsvFormat,
    Layout,
    always,
    column_of,
    mark_key,
    read_attempt,
    read_is_last,
    read_numbers,
)
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import Draft, Marks
from trunkline.usage.decode.times import Instants, from_epoch_us, from_text
from trunkline.usage.schema import NAME, Service

PDD_MAX_MS: Final = 2**31 - 1
CAUSE_MAX: Final = 127  # Q.850
SIP_CODE_MIN: Final = 100
SIP_CODE_MAX: Final = 699
_CANCEL: Final = "ORIGINATOR_CANCEL"

# FreeSWITCH's names of the causes of ITU-T Q.850. Its own causes beyond 127 it writes as 16; so do we.
CAUSES: Final[Mapping[str, int]] = {
    "UNALLOCATED_NUMBER": 1,
    "NO_ROUTE_TRANSIT_NET": 2,
    "NO_ROUTE_DESTINATION": 3,
    "CHANNEL_UNACCEPTABLE": 6,
    "CALL_AWARDED_DELIVERED": 7,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "SUBSCRIBER_ABSENT": 20,
    "CALL_REJECTED": 21,
    "NUMBER_CHANGED": 22,
    "REDIRECTION_TO_NEW_DESTINATION": 23,
    "EXCHANGE_ROUTING_ERROR": 25,
    "DESTINATION_OUT_OF_ORDER": 27,
    "INVALID_NUMBER_FORMAT": 28,
    "FACILITY_REJECTED": 29,
    "RESPONSE_TO_STATUS_ENQUIRY": 30,
    "NORMAL_UNSPECIFIED": 31,
    "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "SWITCH_CONGESTION": 42,
    "ACCESS_INFO_DISCARDED": 43,
    "REQUESTED_CHAN_UNAVAIL": 44,
    "PRE_EMPTED": 45,
    "FACILITY_NOT_SUBSCRIBED": 50,
    "OUTGOING_CALL_BARRED": 52,
    "INCOMING_CALL_BARRED": 54,
    "BEARERCAPABILITY_NOTAUTH": 57,
    "BEARERCAPABILITY_NOTAVAIL": 58,
    "SERVICE_UNAVAILABLE": 63,
    "BEARERCAPABILITY_NOTIMPL": 65,
    "CHAN_NOT_IMPLEMENTED": 66,
    "FACILITY_NOT_IMPLEMENTED": 69,
    "SERVICE_NOT_IMPLEMENTED": 79,
    "INVALID_CALL_REFERENCE": 81,
    "INCOMPATIBLE_DESTINATION": 88,
    "INVALID_MSG_UNSPECIFIED": 95,
    "MANDATORY_IE_MISSING": 96,
    "MESSAGE_TYPE_NONEXIST": 97,
    "WRONG_MESSAGE": 98,
    "IE_NONEXIST": 99,
    "INVALID_IE_CONTENTS": 100,
    "WRONG_CALL_STATE": 101,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
    "MANDATORY_IE_LENGTH_ERROR": 103,
    "PROTOCOL_ERROR": 111,
    "INTERWORKING": 127,
    **dict.fromkeys(
        (
            _CANCEL, "SUCCESS", "CRASH", "SYSTEM_SHUTDOWN", "LOSE_RACE", "MANAGER_REQUEST", "BLIND_TRANSFER",
            "ATTENDED_TRANSFER", "ALLOTTED_TIMEOUT", "USER_CHALLENGE", "MEDIA_TIMEOUT", "PICKED_OFF",
            "USER_NOT_REGISTERED", "PROGRESS_TIMEOUT", "INVALID_GATEWAY", "GATEWAY_DOWN", "INVALID_URL",
            "INVALID_PROFILE", "NO_PICKUP", "SRTP_READ_ERROR",
        ),
        16,
    ),
}  # fmt: skip


def cause_of(names: pa.DictionaryArray) -> pa.Array:
    """The numbers of FreeSWITCH's names of causes, null for others."""
    return mapped(names, lambda name: CAUSES.get(name.upper())).within(1, CAUSE_MAX)


class FreeSwitch(CsvFormat):
    """The 15 columns of the template `example`, which a fresh installation uses. One row a call, no vendor side."""

    name = "freeswitch"
    title = "FreeSWITCH mod_cdr_csv, default template"
    _names = (
        "caller_id_name", "calling", "called", "context", "start", "answer", "end", "total", "duration",
        "hangup_cause", "key", "bleg_uuid", "account_code", "read_codec", "write_codec",
    )  # fmt: skip
    _types: Final = {
        **dict.fromkeys(("key", "calling", "called", "start", "answer", "end", "duration"), TEXT),
        **dict.fromkeys(("hangup_cause", "account_code"), NAME),
    }

    def layout(self, chunk: Chunk) -> Layout:
        return Layout(self._names, self._types)

    def read(self, table: pa.Table, profile: SwitchProfile) -> Draft:
        text = {name: column_of(table, name) for name in self._types}
        rows = table.num_rows
        marks = Marks(rows)
        mark_key(marks, text["key"])
        seconds = integers(text["duration"])
        duration_ms = np.clip(seconds.values, -(10**15), 10**15) * 1000
        return Draft(
            marks=marks,
            fields=text,
            key=text["key"],
            call_id=text["key"],
            attempt=Numbers(np.ones(rows, np.int64), np.ones(rows, np.bool_), np.ones(rows, np.bool_)),
            is_last=np.ones(rows, dtype=np.bool_),
            service=always(Service.VOICE.value, rows),
            is_voice=np.ones(rows, dtype=np.bool_),
            needs_number=np.ones(rows, dtype=np.bool_),
            **read_numbers(text["calling"], text["called"], profile),
            start=from_text(text["start"], profile.timezone),
            answer=from_text(text["answer"], profile.timezone),
            end=from_text(text["end"], profile.timezone),
            derives_end=False,
            duration=Numbers(duration_ms, seconds.is_present, seconds.is_readable),
            quantity=None,
            pdd_ms=pa.nulls(rows, pa.int64()),
            names={"account_code": text["account_code"]},
            cause=cause_of(text["hangup_cause"]),
            sip_code=pa.nulls(rows, pa.int64()),
        )


class FreeSwitchTrunks(CsvFormat):
    """Our template: one row an attempt, both trunks, epoch microseconds."""

    name = "freeswitch_trunks"
    title = "FreeSWITCH mod_cdr_csv, Trunkline's template with both trunks"
    _names = (
        "key", "call_id", "attempt", "is_last", "calling", "called", "start", "progress", "progress_media", "answer",
        "end", "duration", "hangup_cause", "cause", "sip_code", "trunk_in", "trunk_out", "source_ip", "account_code",
        "sip_user",
    )  # fmt: skip
    _types: Final = {
        **dict.fromkeys(_names, TEXT),
        **dict.fromkeys(
            ("is_last", "hangup_cause", "trunk_in", "trunk_out", "source_ip", "account_code", "sip_user"), NAME
        ),
    }

    def layout(self, chunk: Chunk) -> Layout:
        return Layout(self._names, self._types)

    def read(self, table: pa.Table, profile: SwitchProfile) -> Draft:
        text = {name: column_of(table, name) for name in self._names}
        rows = table.num_rows
        marks = Marks(rows)
        mark_key(marks, text["key"])
        attempt = read_attempt(text["attempt"], is_present(text["trunk_out"]).astype(np.int64), marks)
        says_last = read_is_last(text["is_last"], marks)
        start, answer, end = (from_epoch_us(text[name]) for name in ("start", "answer", "end"))
        cause = _q850(integers(text["cause"]), text["hangup_cause"])
        return Draft(
            marks=marks,
            fields=text,
            key=text["key"],
            call_id=pc.coalesce(text["call_id"], text["key"]) if text["call_id"].null_count else text["call_id"],
            attempt=attempt,
            is_last=says_last | answer.is_present | is_final(text["hangup_cause"], cause, profile.final_causes),
            service=always(Service.VOICE.value, rows),
            is_voice=np.ones(rows, dtype=np.bool_),
            needs_number=np.ones(rows, dtype=np.bool_),
            **read_numbers(text["calling"], text["called"], profile),
            start=start,
            answer=answer,
            end=end,
            derives_end=False,
            duration=integers(text["duration"]),
            quantity=None,
            pdd_ms=post_dial_delay(
                start, [from_epoch_us(text["progress"]), from_epoch_us(text["progress_media"])], answer, end
            ),
            names={name: text[name] for name in ("trunk_in", "trunk_out", "source_ip", "account_code", "sip_user")},
            cause=cause,
            sip_code=integers(text["sip_code"]).within(SIP_CODE_MIN, SIP_CODE_MAX),
        )


def _q850(numbers: Numbers, names: pa.DictionaryArray) -> pa.Array:
    given = numbers.within(1, CAUSE_MAX)
    return pc.coalesce(given, cause_of(names)) if given.null_count else given


def is_final(names: pa.DictionaryArray, cause: pa.Array, final_causes: frozenset[str]) -> Mask:
    """Where no further vendor was tried whatever the flag says: the caller gave up, or the switch stops here."""
    final = chosen(names, lambda name: name.upper() == _CANCEL or name.upper() in final_causes)
    numbers = [int(text) for text in final_causes if text.isdecimal()]
    if numbers:
        final |= np.isin(pc.fill_null(cause, 0).to_numpy(zero_copy_only=False), numbers)
    return final


def post_dial_delay(start: Instants, signs: list[Instants], answer: Instants, end: Instants) -> pa.Array:
    """Milliseconds from start to the first sign of ringing, or to the answer; null where there is none in between."""
    never = np.iinfo(np.int64).max
    first: Integers = np.full(start.ms.size, never)
    for sign in signs:
        first = np.minimum(first, np.where(sign.is_known, sign.ms, never))
    first = np.where((first == never) & answer.is_known, answer.ms, first)
    delay = first - start.ms
    good = start.is_known & (delay >= 0) & (first <= end.ms) & (delay <= PDD_MAX_MS)
    return pa.array(np.where(good, delay, 0), mask=~good)
