"""RADIUS accounting detail files. docs/formats/radius_detail.md is the law.

A call of a gateway is four records: two legs, each with a Start and a Stop. The Stops say everything; the two of a call
stand near each other, because both legs end together, and become one attempt. How far apart they may stand is the
window of the format, counted in octets of the file, so that what a record means does not depend on where a chunk ends.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import Integers, Mask, Numbers, integers, mapped
from trunkline.usage.decode.dates import date_pattern, from_pattern
from trunkline.usage.decode.documents import DocumentFormat, Read, Records
from trunkline.usage.decode.fields import null_if_empty
from trunkline.usage.decode.formats import TEXT, mark_key, read_numbers
from trunkline.usage.decode.framing import Paragraphs
from trunkline.usage.decode.freeswitch import CAUSE_MAX, SIP_CODE_MAX, SIP_CODE_MIN
from trunkline.usage.decode.lines import Refusal
from trunkline.usage.decode.plain_detail import read_plain
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import Draft, Marks
from trunkline.usage.decode.times import Instants, absent, from_epoch_s
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import NAME, Service

WINDOW_OCTETS: Final = 256 << 10  # some 350 records; both legs of a call stop within a second
START: Final = "start"
STOP: Final = "stop"
START_ALONE: Final = "start_without_stop"
INTERIM: Final = "interim"
SYSTEM: Final = "accounting_on_off"
JOINED: Final = "joined_leg"
NO_PACKET: Final = "no_packet"

_GIGAWORD: Final = 2**32
_FAR_S: Final = 10**15
_ORIGINATE: Final = "originate"
_PAIRING: Final = ("nas", "session", "conference", "origin", "seconds")
_OF_SESSION: Final = 4  # of these tell a session

_Pairing = tuple[str | None, str | None, str | None, str | None, str | None]

# The attributes that are read, in lower case, by the name of their column.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": ("acct-status-type",),
    "session": ("acct-session-id",),
    "unique": ("acct-unique-session-id",),
    "seconds": ("acct-session-time",),
    "called": ("called-station-id",),
    "calling": ("calling-station-id",),
    "user": ("user-name",),
    "nas": ("nas-ip-address", "nas-ipv6-address", "nas-identifier"),
    "conference": ("h323-conf-id",),
    "incoming": ("h323-incoming-conf-id",),
    "origin": ("h323-call-origin",),
    "setup": ("h323-setup-time",),
    "connect": ("h323-connect-time",),
    "disconnect": ("h323-disconnect-time",),
    "cause": ("h323-disconnect-cause",),
    "remote": ("h323-remote-address",),
    "trunk_in": ("in-trunkgroup-label",),
    "trunk_out": ("out-trunkgroup-label",),
    "account": ("subscriber",),
    "sip_code": ("sip-response-code",),
    "service_type": ("service-type",),
    "framed": ("framed-protocol", "framed-ip-address"),
    "address": ("framed-ip-address",),
    "octets_in": ("acct-input-octets",),
    "octets_out": ("acct-output-octets",),
    "giga_in": ("acct-input-gigawords",),
    "giga_out": ("acct-output-gigawords",),
    "event_time": ("event-timestamp",),
    "timestamp": ("timestamp",),
    "delay": ("acct-delay-time",),
}
_ATTRIBUTES: Final = tuple(_COLUMNS)
_WANTED: Final = frozenset(name for names in _COLUMNS.values() for name in names)
_AVPAIR: Final = "cisco-avpair"
_LINE: Final = re.compile(r"^[ \t]*([A-Za-z0-9_.-]+)(?::[0-9]+)?[ \t]*[:+]?=[ \t]*([^\r\n]*)", re.MULTILINE)
_IVR_CONFERENCE: Final = "h323-incoming-conf-id:"
_ESCAPE: Final = re.compile(r"\\(?:([0-7]{3})|(.))")

_STATUSES: Final[Mapping[str, str]] = {
    "start": START, "1": START, "stop": STOP, "2": STOP, "interim-update": INTERIM, "alive": INTERIM, "3": INTERIM,
    "accounting-on": SYSTEM, "7": SYSTEM, "accounting-off": SYSTEM, "8": SYSTEM,
}  # fmt: skip
_VOICE_TYPES: Final = frozenset({"sip-session", "sip-callee-avps", "sip-caller-avps"})
_NUMBER: Final = r"(?:sips?:|tel:)?\+?[0-9]{3,32}(?:@.*)?"

_H323_TIME: Final = date_pattern("%H:%M:%S[.%f] %Z %a %b %d %Y")
_EVENT_TIME: Final = date_pattern("%b %d %Y %H:%M:%S[ %Z]")
_HEAD_TIME: Final = date_pattern("%a %b %d %H:%M:%S %Y")


@dataclass(slots=True)
class _Stop:
    """A Stop of the chunk or of its windows. `row` counts the records of the chunk, None in a window."""

    row: int | None
    place: int  # in the octets of chunk and windows
    at: int  # in the columns of all records that were read
    nas: str
    session: str
    conference: str
    is_originate: bool
    is_connected: bool
    pairing: _Pairing

    @classmethod
    def of(cls, row: int | None, place: int, at: int, pairing: _Pairing) -> _Stop:
        """A Stop by what tells its session, and how long it lasted."""
        nas, session, conference, origin, seconds = pairing
        is_originate = origin is not None and origin.lower() == _ORIGINATE
        is_connected = (seconds or "0").lstrip("0") != ""
        return cls(row, place, at, nas or "", session or "", conference or "", is_originate, is_connected, pairing)


class RadiusDetail(DocumentFormat):
    """Accounting detail of FreeRADIUS and its kin: calls of gateways with h323 attributes, and sessions in octets."""

    name = "radius_detail"
    title = "RADIUS accounting detail, with h323 and Cisco attributes"
    framing = Paragraphs(WINDOW_OCTETS)

    def fits(self, record: bytes) -> bool:
        found = _texts(record.decode())
        return "session" in found or "status" in found

    def read(self, chunk: Chunk, records: Records, profile: SwitchProfile) -> Read:
        rows, texts, refusals = records.readable()
        places = (records.record_starts[rows] if rows else np.zeros(0, np.int64)) + len(chunk.before)
        read = _read_all(texts)
        stops, columns = self._around(chunk, read)
        begun: list[tuple[str | None, ...]] = []
        skipped: Counter[str] = Counter()
        paired = zip(rows, places.tolist(), texts, read.statuses, read.pairing(), strict=True)
        for at, (row, place, record, status, found) in enumerate(paired):
            if status == STOP:
                stops.append(_Stop.of(row, place, at, found))
            elif status == START:
                begun.append(found[:_OF_SESSION])
            elif status is not None:
                skipped[status] += 1
            elif _is_no_packet(record):
                skipped[NO_PACKET] += 1
            else:
                refusals.append(Refusal(int(records.at[row]), Reason.FIELD_COUNT, _no_status(_texts(record.decode()))))
        ended = {stop.pairing[:_OF_SESSION] for stop in stops}
        for session in begun:
            skipped[START if session in ended else START_ALONE] += 1
        attempts = _attempts(stops)
        skipped[JOINED] += sum(stop.row is not None for stop in stops) - len(attempts)
        return Read([attempt.row for attempt in attempts], _columns(attempts, columns), refusals, +skipped)

    def _around(self, chunk: Chunk, read: _Records) -> tuple[list[_Stop], dict[str, pa.Array]]:
        """The Stops of the windows around the chunk, and the columns of its records with those of the windows after them."""
        found: list[_Stop] = []
        parts = [read]
        for text, first in ((chunk.before, 0), (chunk.after, len(chunk.before) + len(chunk.data))):
            neighbours = self.records(replace(chunk, data=text))
            rows, records, _ = neighbours.readable()
            others = _read_all(records)
            begin = sum(len(part.statuses) for part in parts)
            places = neighbours.record_starts
            for at, (row, status, texts) in enumerate(zip(rows, others.statuses, others.pairing(), strict=True)):
                if status == STOP:
                    found.append(_Stop.of(None, first + int(places[row]), begin + at, texts))
            parts.append(others)
        return found, {name: pa.concat_arrays([part.columns[name] for part in parts]) for name in read.columns}

    def draft(self, columns: Mapping[str, pa.Array], rows: int, profile: SwitchProfile) -> Draft:
        marks = Marks(rows)
        mark_key(marks, columns["key"])
        is_voice = columns["is_voice"].to_numpy(zero_copy_only=False).astype(np.bool_)
        duration = _duration(columns, profile)
        lasted = np.clip(duration.values, 0, _FAR_S)
        end = _end(columns, profile)
        connect = _h323(columns["connect"], profile)
        was_connected = is_voice & (duration.values > 0)
        answer = _shown_where(was_connected, _or_before(connect, end, lasted))
        setup = _h323(columns["setup"], profile)
        start = _or(setup, _or(answer, _or_before(absent(rows), end, lasted)))
        octets = _octets(columns)
        marks.mark(
            ~is_voice & ~octets.is_present,
            Reason.FIELD_COUNT,
            lambda row: (
                "Neither a call nor a session with octets: no number was called, Acct-Input-Octets and "
                "Acct-Output-Octets are missing."
            ),
        )
        quantity = Numbers(octets.values, octets.is_present & ~is_voice, octets.is_readable | is_voice)
        nothing = pa.nulls(rows, TEXT)
        calling, called = columns["calling"], pc.if_else(pa.array(is_voice), columns["called"], nothing)
        return Draft(
            marks=marks,
            fields={
                "start": pc.coalesce(columns["setup"], columns["end_text"]),
                "answer": pc.coalesce(columns["connect"], columns["end_text"]),
                "end": columns["end_text"],
                "duration": columns["seconds"],
                "quantity": columns["octets_out"],
            },
            key=columns["key"],
            call_id=pc.coalesce(columns["conference"], columns["key"]),
            attempt=Numbers(
                columns["attempt"].to_numpy(zero_copy_only=False), np.ones(rows, np.bool_), np.ones(rows, np.bool_)
            ),
            is_last=columns["is_last"].to_numpy(zero_copy_only=False).astype(np.bool_) | was_connected,
            service=_service(is_voice),
            is_voice=is_voice,
            needs_number=is_voice,
            **read_numbers(calling, called, profile),
            start=start,
            answer=answer,
            end=end,
            derives_end=False,
            duration=duration,
            quantity=quantity if quantity.is_present.any() else None,
            pdd_ms=pa.nulls(rows, pa.int64()),
            names={
                "trunk_in": _names(columns["trunk_in"]),
                "trunk_out": _names(columns["trunk_out"]),
                "source_ip": _names(columns["source_ip"]),
                "account_code": _names(columns["account"]),
                "sip_user": _names(columns["user"]),
            },
            cause=_cause(columns["cause"], was_connected),
            sip_code=integers(columns["sip_code"]).within(SIP_CODE_MIN, SIP_CODE_MAX),
        )


# Records


@dataclass(frozen=True, slots=True)
class _Records:
    """Records with the status of each, None where it has none that is known, and the columns of what they say."""

    statuses: Sequence[str | None]
    columns: Mapping[str, pa.Array]

    def pairing(self) -> list[_Pairing]:
        """Of each record what tells its session, and how long it lasted."""
        return list(zip(*(self.columns[name].to_pylist() for name in _PAIRING), strict=True))


def _read_all(records: Sequence[bytes]) -> _Records:
    plain = read_plain(records, _COLUMNS)
    columns = dict(plain.columns)
    odd = np.flatnonzero(~plain.is_plain)
    if odd.size:
        others = [_texts(records[row].decode()) for row in odd.tolist()]
        order = pa.array(np.argsort(np.concatenate([np.flatnonzero(plain.is_plain), odd]), kind="stable"))
        columns = {
            name: pa.concat_arrays([column, pa.array([each.get(name) for each in others], TEXT)]).take(order)
            for name, column in columns.items()
        }
    status = columns["status"].dictionary_encode()
    known = [_STATUSES.get(text.lower()) for text in status.dictionary.to_pylist()]
    return _Records([None if at is None else known[at] for at in status.indices.to_pylist()], columns)


def _texts(record: str) -> dict[str, str]:
    """The attributes of a record by the names of their columns, and its head line as `head`."""
    named: dict[str, str] = {}
    pairs: list[str] = []
    for name, written in _LINE.findall(record):
        lower = name.lower()
        if lower in _WANTED:
            named.setdefault(lower, _value(lower, written))
        elif lower == _AVPAIR:
            pairs.append(_unquoted(written))
    for pair in pairs:
        _read_pair(pair, named)
    found = {
        column: text for column, names in _COLUMNS.items() if (text := next(filter(None, map(named.get, names)), ""))
    }
    head = record.partition("\n")[0].strip()
    if head and "=" not in head and not head.startswith("#"):
        found["head"] = head
    return found


def _read_pair(pair: str, named: dict[str, str]) -> None:
    """A Cisco-AVPair says `name=value`; what an attribute of that name says itself stands."""
    name, _, value = pair.partition("=")
    lower = name.strip().lower()
    if lower in _WANTED and value:
        named.setdefault(lower, value.strip())
    elif lower == "h323-ivr-out" and value.lower().startswith(_IVR_CONFERENCE):
        named.setdefault("h323-incoming-conf-id", value[len(_IVR_CONFERENCE) :].strip())


def _value(name: str, written: str) -> str:
    """The value without quotes, and without the attribute's name, which gateways repeat in it."""
    text = _unquoted(written)
    if text[: len(name) + 1].lower() == f"{name}=":
        text = text[len(name) + 1 :]
    return text.strip()


def _unquoted(written: str) -> str:
    text = written.strip().removesuffix(",")
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
        if "\\" in text:
            text = _ESCAPE.sub(_unescaped, text)
    return text


def _unescaped(found: re.Match[str]) -> str:
    """A character written as three octal digits or behind a backslash; control characters are left out."""
    if found[1] is None:
        return " " if found[2] in "nrt" else found[2]
    character = chr(int(found[1], 8))
    return character if character.isprintable() else ""


def _is_no_packet(record: bytes) -> bool:
    """Whether all lines are comments, or say what an answer should be (`==`), as in files of packets to be sent."""
    return all(line.lstrip()[:1] in {b"", b"#"} or b"==" in line for line in record.split(b"\n"))


def _no_status(found: Mapping[str, str]) -> str:
    if not found.keys() - {"head"}:
        return "The record has no attribute that is read."
    if "status" in found:
        return f"Acct-Status-Type {found['status'][:64]!r} is none that is known."
    return "Acct-Status-Type is missing."


# Legs


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What becomes a row: a Stop, and the other leg's where there is one."""

    row: int
    stop: _Stop
    incoming: _Stop | None  # the leg that the call came in by
    number: int
    is_last: bool


def _attempts(stops: Sequence[_Stop]) -> list[_Attempt]:
    """The rows of the chunk, ascending; Stops that were joined to another are left out.

    Every leg that went out is an attempt. It takes the nearest leg that came in within the window; a leg that came in is
    an attempt of its own only where none went out.
    """
    calls: dict[tuple[str, str], list[_Stop]] = defaultdict(list)
    for stop in sorted(stops, key=lambda stop: stop.place):
        if stop.conference:
            calls[stop.nas, stop.conference].append(stop)
    found = [_Attempt(stop.row, stop, None, 1, True) for stop in stops if stop.row is not None and not stop.conference]
    for legs in calls.values():
        outgoing = [leg for leg in legs if leg.is_originate]
        incoming = [leg for leg in legs if not leg.is_originate]
        for leg in legs:
            if leg.row is None:
                continue
            near = _near(outgoing, leg)
            if leg.is_originate:
                before = {other.session for other in near if other.place < leg.place}
                number = 1 + len(before - {leg.session})
                is_last = all(other.place <= leg.place for other in near)
                found.append(_Attempt(leg.row, leg, _nearest(incoming, leg), number, is_last))
            elif not near:
                found.append(_Attempt(leg.row, leg, leg, 1 if leg.is_connected else 0, True))
    return sorted(found, key=lambda attempt: attempt.row)


def _near(legs: Sequence[_Stop], leg: _Stop) -> Sequence[_Stop]:
    """The legs, which ascend, within the window around a leg."""
    low = bisect_left(legs, leg.place - WINDOW_OCTETS, key=lambda other: other.place)
    return legs[low : bisect_right(legs, leg.place + WINDOW_OCTETS, key=lambda other: other.place)]


def _nearest(legs: Sequence[_Stop], leg: _Stop) -> _Stop | None:
    return min(_near(legs, leg), key=lambda other: abs(other.place - leg.place), default=None)


def _columns(attempts: Sequence[_Attempt], read: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of the attempts: what their Stops say, and what of it the leg says that the call came in by."""
    own = pa.array([each.stop.at for each in attempts], pa.int64())
    came_in = pa.array([None if each.incoming is None else each.incoming.at for each in attempts], pa.int64())
    is_out = pa.array([each.stop.is_originate for each in attempts], pa.bool_())
    is_connected = pa.array([each.stop.is_connected for each in attempts], pa.bool_())
    columns = {name: read[name].take(own) for name in (*_ATTRIBUTES, "head")}
    # A call without legs says itself what the leg that came in says.
    leg = pc.if_else(columns["conference"].is_valid(), came_in, own)
    nothing = pa.scalar(None, TEXT)
    columns["is_voice"] = _is_voice(columns)
    columns["attempt"] = pa.array([each.number for each in attempts], pa.int64())
    columns["is_last"] = pa.array([each.is_last for each in attempts], pa.bool_())
    columns["key"] = _key(columns, is_connected)
    columns["source_ip"] = pc.coalesce(columns["address"], read["remote"].take(leg))
    columns["trunk_in"] = read["trunk_in"].take(leg)
    columns["trunk_out"] = pc.coalesce(columns["trunk_out"], pc.if_else(is_out, columns["remote"], nothing))
    columns["end_text"] = pc.coalesce(*(columns[name] for name in ("disconnect", "timestamp", "event_time", "head")))
    for name in ("called", "calling", "account", "user"):  # as the caller dialled, and whose call it is
        columns[name] = pc.coalesce(read[name].take(came_in), columns[name])
    return columns


def _is_voice(columns: Mapping[str, pa.Array]) -> pa.Array:
    says = pc.or_(columns["conference"].is_valid(), pc.or_(columns["setup"].is_valid(), columns["origin"].is_valid()))
    kind = pc.is_in(pc.utf8_lower(columns["service_type"]), value_set=pa.array(sorted(_VOICE_TYPES)))
    number = pc.fill_null(pc.match_substring_regex(columns["called"], pattern=f"^(?:{_NUMBER})$"), False)
    return pc.or_(says, pc.or_(kind, pc.and_(columns["framed"].is_null(), number)))


def _key(columns: Mapping[str, pa.Array], is_connected: pa.Array) -> pa.Array:
    """A connected call has one key however many of its legs are seen, so that none can be charged twice."""
    conference = columns["conference"]
    session = pc.fill_null(columns["session"], "")
    attempt = pc.if_else(is_connected, conference, pc.binary_join_element_wise(conference, session, "|"))
    of_nas = pc.binary_join_element_wise(columns["nas"], columns["session"], "|")
    return null_if_empty(pc.coalesce(attempt, columns["unique"], of_nas, columns["session"]))


# From columns to a draft


def _h323(column: pa.Array, profile: SwitchProfile) -> Instants:
    """Times of gateways. A `*` or `.` before one says that the gateway's clock was not set: it is read all the same."""
    if column.null_count == len(column):
        return absent(len(column))
    return from_pattern(pc.utf8_ltrim(column, characters="*."), _H323_TIME, profile.timezone)


def _end(columns: Mapping[str, pa.Array], profile: SwitchProfile) -> Instants:
    """When the session ended: as the gateway says, or when its Stop was received, less what it was delayed."""
    event = columns["event_time"]
    is_epoch = pc.fill_null(pc.match_substring_regex(event, pattern="^[0-9]+$"), False)
    nothing = pa.nulls(len(event), TEXT)
    delay = integers(columns["delay"])
    late_ms = np.where(delay.is_readable, np.clip(delay.values, 0, 86_400), 0) * 1000
    own = _or(
        _h323(columns["disconnect"], profile),
        from_epoch_s(pc.if_else(is_epoch, event, nothing)),
    )
    received = _less(from_epoch_s(columns["timestamp"]), late_ms)
    # A zone's name in the event's time may mean two things (CST), seconds since 1970 cannot.
    named = from_pattern(pc.if_else(is_epoch, nothing, event), _EVENT_TIME, profile.timezone)
    head = _less(from_pattern(columns["head"], _HEAD_TIME, profile.timezone), late_ms)
    return _or(own, _or(received, _or(named, head)))


def _less(instants: Instants, ms: Integers) -> Instants:
    return replace(instants, ms=instants.ms - ms)


def _or(one: Instants, other: Instants) -> Instants:
    """The first, and where it is absent the other."""
    has = one.is_present
    if has.all():
        return one
    return Instants(
        np.where(has, one.ms, other.ms),
        has | other.is_present,
        np.where(has, one.status, other.status).astype(np.int8),
        np.where(has, one.resolution_ms, other.resolution_ms),
    )


def _or_before(instants: Instants, end: Instants, lasted_ms: Integers) -> Instants:
    """The instants, and where they are absent what lies so long before the end."""
    return _or(instants, _less(end, lasted_ms))


def _shown_where(wanted: Mask, instants: Instants) -> Instants:
    status = np.where(wanted, instants.status, 0).astype(np.int8)
    return replace(instants, is_present=instants.is_present & wanted, status=status)


def _duration(columns: Mapping[str, pa.Array], profile: SwitchProfile) -> Numbers:
    """Acct-Session-Time, or what lies between the gateway's connect and disconnect."""
    seconds = integers(columns["seconds"])
    ms = np.clip(seconds.values, -_FAR_S, _FAR_S) * 1000
    if seconds.is_present.all():
        return Numbers(ms, seconds.is_present, seconds.is_readable)
    connect, disconnect = _h323(columns["connect"], profile), _h323(columns["disconnect"], profile)
    both = connect.is_known & disconnect.is_known & ~seconds.is_present
    return Numbers(np.where(both, disconnect.ms - connect.ms, ms), seconds.is_present | both, seconds.is_readable)


def _octets(columns: Mapping[str, pa.Array]) -> Numbers:
    """Octets of both directions; a gigaword is 2^32 of them."""
    total = np.zeros(len(columns["key"]), np.int64)
    present, readable = np.zeros(total.size, np.bool_), np.ones(total.size, np.bool_)
    for way in ("in", "out"):
        low, high = integers(columns[f"octets_{way}"]), integers(columns[f"giga_{way}"])
        total += np.clip(low.values, -_FAR_S, _FAR_S) + np.clip(high.values, -(2**18), 2**18) * _GIGAWORD
        present |= low.is_present
        readable &= low.is_readable & high.is_readable
    return Numbers(total, present, readable)


def _service(is_voice: Mask) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(np.where(is_voice, 0, 1).astype(np.int32)), pa.array([Service.VOICE.value, Service.DATA.value])
    )


def _cause(column: pa.Array, was_connected: Mask) -> pa.Array:
    """Q.850 in hexadecimal, as Cisco writes it.

    A call that was connected and ended with 16 was written in decimal: hexadecimal 16 says that the number was changed,
    which no call that was connected ends with.
    """
    names = _names(column)
    causes = mapped(names, _hexadecimal)
    is_plain = was_connected & mapped(names, lambda text: int(text == "16")).values.astype(np.bool_)
    return Numbers(np.where(is_plain, 16, causes.values), causes.is_present, causes.is_readable).within(1, CAUSE_MAX)


def _hexadecimal(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"(?:0[xX])?[0-9A-Fa-f]{1,2}", text) else None


def _names(column: pa.Array) -> pa.DictionaryArray:
    return column.dictionary_encode().cast(NAME)
