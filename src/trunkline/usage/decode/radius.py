"""RADIUS accounting detail files. docs/formats/radius_detail.md is the law.

A call of a gateway is four records: two legs, each with a Start and a Stop. The Stops say everything: they are the legs, which are joined
wherever they stand (`assembly`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trunkline.usage.decode.assembly import alone
from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.columns import Integers, Mask, Numbers, integers, mapped
from trunkline.usage.decode.dates import date_pattern, from_pattern
from trunkline.usage.decode.documents import DocumentFormat, Read, Records
from trunkline.usage.decode.formats import TEXT, mark_key, read_numbers
from trunkline.usage.decode.framing import Paragraphs
from trunkline.usage.decode.freeswitch import CAUSE_MAX, SIP_CODE_MAX, SIP_CODE_MIN
from trunkline.usage.decode.legs import DecodedLegs, Role, good_legs
from trunkline.usage.decode.lines import Refusal
from trunkline.usage.decode.plain_detail import read_plain
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import Decoded, Draft, Marks
from trunkline.usage.decode.times import READ, Instants, absent, from_epoch_s
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import NAME, Service

START: Final = "start"
STOP: Final = "stop"
INTERIM: Final = "interim"
SYSTEM: Final = "accounting_on_off"
NO_PACKET: Final = "no_packet"

_GIGAWORD: Final = 2**32
_FAR_S: Final = 10**15
_ORIGINATE: Final = "originate"


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
_STATUS_NAME: Final = b"acct-status-type"
_PLAIN_START: Final = b"\n\tAcct-Status-Type = Start\n"
_KINDS: Final = (STOP, START, INTERIM, SYSTEM)
_UNKNOWN: Final = -1
_VOICE_TYPES: Final = frozenset({"sip-session", "sip-callee-avps", "sip-caller-avps"})
_NUMBER: Final = r"(?:sips?:|tel:)?\+?[0-9]{3,32}(?:@.*)?"

_H323_TIME: Final = date_pattern("%H:%M:%S[.%f] %Z %a %b %d %Y")
_EVENT_TIME: Final = date_pattern("%b %d %Y %H:%M:%S[ %Z]")
_HEAD_TIME: Final = date_pattern("%a %b %d %H:%M:%S %Y")


class RadiusDetail(DocumentFormat):
    """Accounting detail of FreeRADIUS and its kin: calls of gateways with h323 attributes, and sessions in octets."""

    name = "radius_detail"
    title = "RADIUS accounting detail, with h323 and Cisco attributes"
    framing = Paragraphs()
    leg_separator = b"\n\n"

    def fits(self, record: bytes) -> bool:
        found = _texts(record.decode())
        return "session" in found or "status" in found

    def has_legs(self, profile: SwitchProfile) -> bool:
        return True

    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        """What the chunk says by itself. Raises FileFailed `header_changed`, as `DocumentFormat.decode`."""
        return alone(self, chunk, profile)

    def legs(self, chunk: Chunk, profile: SwitchProfile) -> DecodedLegs:
        """The Stops of the chunk; those without a conference stand by themselves. Raises as `decode`."""
        decoded, read, draft = self._decode(chunk, profile)
        if read is None or draft is None:
            return DecodedLegs.none(decoded)
        roles = read.columns["role"].to_numpy(zero_copy_only=False)
        return good_legs(decoded, draft, read.columns["conference"], read.columns["leg"], roles)

    def read(self, chunk: Chunk, records: Records, profile: SwitchProfile) -> Read:
        rows, texts, refusals = records.readable()
        unread = [not _is_plainly_start(record) for record in texts]
        begun = len(texts) - sum(unread)
        rows, texts = list(compress(rows, unread)), list(compress(texts, unread))
        read = _read_all(texts)
        stops = np.flatnonzero(read.kinds == _KINDS.index(STOP))
        skipped = Counter({kind: int((read.kinds == at).sum()) for at, kind in enumerate(_KINDS) if kind != STOP})
        skipped[START] += begun
        for at in np.flatnonzero(read.kinds == _UNKNOWN).tolist():
            if _is_no_packet(texts[at]):
                skipped[NO_PACKET] += 1
            else:
                said = _no_status(_texts(texts[at].decode()))
                refusals.append(Refusal(int(records.at[rows[at]]), Reason.FIELD_COUNT, said))
        return Read([rows[at] for at in stops.tolist()], _columns(read.columns, stops), refusals, +skipped)

    def draft(self, columns: Mapping[str, pa.Array], rows: int, profile: SwitchProfile) -> Draft:
        marks = Marks(rows)
        mark_key(marks, columns["key"])
        is_voice = columns["is_voice"].to_numpy(zero_copy_only=False).astype(np.bool_)
        duration = _duration(columns, profile)
        lasted = np.clip(duration.values, 0, _FAR_S)
        # Of the leg that came in only the set-up must be readable: its clock may be broken where the other leg's is not.
        came_in = columns["role"].to_numpy(zero_copy_only=False) == Role.IN
        end = _end(columns, profile, came_in)
        connect = _readable_where(came_in, _h323(columns["connect"], profile))
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
            attempt=Numbers(np.ones(rows, np.int64), np.ones(rows, np.bool_), np.ones(rows, np.bool_)),
            is_last=np.ones(rows, np.bool_),
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
    """Records with the kind of each, its place among `_KINDS`, and the columns of what they say."""

    kinds: NDArray[np.int8]
    columns: Mapping[str, pa.Array]


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
    kinds = np.array([*(_UNKNOWN if kind is None else _KINDS.index(kind) for kind in known), _UNKNOWN], np.int8)
    return _Records(kinds[pc.fill_null(status.indices, -1).to_numpy(zero_copy_only=False)], columns)


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


def _is_plainly_start(record: bytes) -> bool:
    """Whether a record is a Start at first sight: half of a server's packets are, and nobody reads them."""
    return _PLAIN_START in record and record.lower().count(_STATUS_NAME) == 1


def _is_no_packet(record: bytes) -> bool:
    """Whether all lines are comments, or say what an answer should be (`==`), as in files of packets to be sent."""
    return all(line.lstrip()[:1] in {b"", b"#"} or b"==" in line for line in record.split(b"\n"))


def _no_status(found: Mapping[str, str]) -> str:
    if not found.keys() - {"head"}:
        return "The record has no attribute that is read."
    if "status" in found:
        return f"Acct-Status-Type {found['status'][:64]!r} is none that is known."
    return "Acct-Status-Type is missing."


# Columns


def _columns(read: Mapping[str, pa.Array], stops: Integers) -> dict[str, pa.Array]:
    """The columns of the Stops: what they say, and what is told by it."""
    is_all = stops.size == len(read["status"])
    columns = {name: read[name] if is_all else read[name].take(pa.array(stops)) for name in (*_ATTRIBUTES, "head")}
    nothing = pa.scalar(None, TEXT)
    is_leg = columns["conference"].is_valid()
    is_originate = pc.fill_null(pc.equal(pc.utf8_lower(columns["origin"]), _ORIGINATE), False)
    is_out = pc.and_(is_leg, is_originate)
    columns["role"] = pc.if_else(is_out, _role(Role.OUT), pc.if_else(is_leg, _role(Role.IN), _role(Role.WHOLE)))
    columns["is_voice"] = _is_voice(columns)
    columns["leg"] = _leg(columns)
    columns["key"] = _key(columns)
    # What the leg that came in says; a call without legs says it itself.
    columns["trunk_in"] = pc.if_else(is_out, nothing, columns["trunk_in"])
    columns["source_ip"] = pc.coalesce(columns["address"], pc.if_else(is_out, nothing, columns["remote"]))
    columns["trunk_out"] = pc.coalesce(columns["trunk_out"], pc.if_else(is_originate, columns["remote"], nothing))
    columns["end_text"] = pc.coalesce(*(columns[name] for name in ("disconnect", "timestamp", "event_time", "head")))
    return columns


def _role(role: Role) -> pa.Scalar:
    return pa.scalar(int(role), pa.int8())


def _is_voice(columns: Mapping[str, pa.Array]) -> pa.Array:
    says = pc.or_(columns["conference"].is_valid(), pc.or_(columns["setup"].is_valid(), columns["origin"].is_valid()))
    kind = pc.is_in(pc.utf8_lower(columns["service_type"]), value_set=pa.array(sorted(_VOICE_TYPES)))
    number = pc.fill_null(pc.match_substring_regex(columns["called"], pattern=f"^(?:{_NUMBER})$"), False)
    return pc.or_(says, pc.or_(kind, pc.and_(columns["framed"].is_null(), number)))


def _leg(columns: Mapping[str, pa.Array]) -> pa.Array:
    """What tells a leg from the others of its call; empty where nothing does."""
    of_nas = pc.binary_join_element_wise(columns["nas"], columns["session"], "|")
    return pc.coalesce(of_nas, columns["session"], pa.scalar("", TEXT))


def _key(columns: Mapping[str, pa.Array]) -> pa.Array:
    """The key of a record that stands by itself; a leg is told apart from the others of its call by it until it is joined."""
    of_leg = pc.binary_join_element_wise(columns["conference"], columns["leg"], "|")
    return pc.coalesce(of_leg, columns["unique"], columns["leg"])


# From columns to a draft


def _h323(column: pa.Array, profile: SwitchProfile) -> Instants:
    """Times of gateways. A `*` or `.` before one says that the gateway's clock was not set: it is read all the same."""
    if column.null_count == len(column):
        return absent(len(column))
    return from_pattern(pc.utf8_ltrim(column, characters="*."), _H323_TIME, profile.timezone)


def _end(columns: Mapping[str, pa.Array], profile: SwitchProfile, came_in: Mask) -> Instants:
    """When the session ended: as the gateway says, or when its Stop was received, less what it was delayed."""
    event = columns["event_time"]
    is_epoch = pc.fill_null(pc.match_substring_regex(event, pattern="^[0-9]+$"), False)
    nothing = pa.nulls(len(event), TEXT)
    delay = integers(columns["delay"])
    late_ms = np.where(delay.is_readable, np.clip(delay.values, 0, 86_400), 0) * 1000
    own = _or(
        _readable_where(came_in, _h323(columns["disconnect"], profile)),
        from_epoch_s(pc.if_else(is_epoch, event, nothing)),
    )
    received = _less(from_epoch_s(columns["timestamp"]), late_ms)
    # A zone's name in the event's time may mean two things (CST), seconds since 1970 cannot.
    named = from_pattern(pc.if_else(is_epoch, nothing, event), _EVENT_TIME, profile.timezone)
    head = _less(from_pattern(columns["head"], _HEAD_TIME, profile.timezone), late_ms)
    return _or(own, _or(received, _or(named, head)))


def _readable_where(wanted: Mask, instants: Instants) -> Instants:
    """The instants without those that cannot be read."""
    return _shown_where(~wanted | (instants.status == READ), instants)


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
