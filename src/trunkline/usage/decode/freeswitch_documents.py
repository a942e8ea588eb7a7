"""FreeSWITCH mod_xml_cdr, and what it shares with mod_json_cdr: a document a leg. docs/formats/freeswitch_json.md and _xml.md are the law.

Both modules write the same things in two notations. A reader (`freeswitch_json`, or the one here) makes columns of what
is asked for, named by where it stands in the document; from there on there is one way.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.chunking import LINE_OCTETS_MAX, Chunk
from trunkline.usage.decode.columns import Made, Mask, Numbers, integers, is_present, mapped
from trunkline.usage.decode.documents import DocumentFormat, Read, Records
from trunkline.usage.decode.fields import null_if_empty
from trunkline.usage.decode.formats import (
    TEXT,
    always,
    mark_key,
    read_attempt,
    read_is_last,
    read_numbers,
)
from trunkline.usage.decode.framing import XmlDocuments
from trunkline.usage.decode.freeswitch import (
    CAUSE_MAX,
    SIP_CODE_MAX,
    SIP_CODE_MIN,
    cause_of,
    is_final,
    post_dial_delay,
)
from trunkline.usage.decode.lines import Refusal
from trunkline.usage.decode.plain_xml import Place, read_plain
from trunkline.usage.decode.posted import unwrapped, without_frames, without_percent
from trunkline.usage.decode.profile import Legs, SwitchProfile
from trunkline.usage.decode.records import Draft, Marks
from trunkline.usage.decode.skeletons import Walker, XmlNotation
from trunkline.usage.decode.times import Instants, from_epoch_s, from_epoch_us, from_text
from trunkline.usage.reasons import Reason
from trunkline.usage.schema import NAME, Service

OUTGOING_LEG: Final = "outgoing_leg"
INCOMING_LEG: Final = "incoming_leg"

# What is read of a document, by where it stands. `caller`: the caller profile of the last extension; `origin` and
# `target`: the profiles in it of the leg that this one comes from, and of the one that it led to.
READ: Final[Mapping[str, tuple[str, ...]]] = {
    "channel": ("direction",),
    # As mod_json_cdr writes them: a reader that finds a name where it expects it does not look further.
    "var": (
        "direction", "uuid", "sip_from_user", "sip_req_user", "sip_auth_username", "user_name", "call_uuid", "accountcode",
        "sip_gateway", "sip_gateway_name", "originating_leg_uuid", "bridge_channel", "bridge_uuid", "originate_disposition",
        "sip_term_status", "proto_specific_hangup_cause", "last_bridge_proto_specific_hangup_cause", "sip_hangup_phrase",
        "hangup_cause", "hangup_cause_q850", "start_stamp", "answer_stamp", "end_stamp", "start_epoch", "start_uepoch",
        "answer_epoch", "answer_uepoch", "progress_uepoch", "progress_media_uepoch", "end_epoch", "end_uepoch", "billsec",
        "billmsec", "trunkline_call_id", "trunkline_attempt", "trunkline_is_last", "trunkline_calling", "trunkline_called",
        "trunkline_trunk_in", "trunkline_source_ip", "trunkline_sip_user",
    ),
    "caller": ("uuid", "caller_id_number", "destination_number", "network_addr"),
    "origin": ("uuid", "destination_number", "network_addr"),
    "target": ("uuid", "chan_name"),
    "times": ("created_time", "answered_time", "hangup_time"),
}  # fmt: skip
NAMES: Final = tuple(f"{where}.{name}" for where, names in READ.items() for name in names)
_PLACE: Final = {name: at for at, name in enumerate(NAMES)}
_ENCODED: Final = ("var.",)

# What SIP calls the codes that end calls; FreeSWITCH keeps the phrase where it has no code.
_PHRASES: Final[Mapping[str, int]] = {
    "OK": 200, "BAD REQUEST": 400, "UNAUTHORIZED": 401, "FORBIDDEN": 403, "NOT FOUND": 404, "REQUEST TIMEOUT": 408,
    "GONE": 410, "TEMPORARILY UNAVAILABLE": 480, "CALL/TRANSACTION DOES NOT EXIST": 481, "ADDRESS INCOMPLETE": 484,
    "BUSY HERE": 486, "REQUEST TERMINATED": 487, "NOT ACCEPTABLE HERE": 488, "INTERNAL SERVER ERROR": 500,
    "NOT IMPLEMENTED": 501, "BAD GATEWAY": 502, "SERVICE UNAVAILABLE": 503, "SERVER TIME-OUT": 504,
    "BUSY EVERYWHERE": 600, "DECLINE": 603, "DOES NOT EXIST ANYWHERE": 604,
}  # fmt: skip
# `sofia/gateway/NAME/number` and `sofia/profile/number@host:port`.
_GATEWAY: Final = r"^sofia/gateway/(?P<name>[^/]+)/"
_HOST: Final = r"@(?P<name>[^@:/;]+)(?::[0-9]+)?$"
_SIP_CODE: Final = re.compile(r"sip:(?P<code>[0-9]{3})")

# Where an XML document has them.
_PLACES: Final = {
    "channel": Place(("channel_data",), READ["channel"]),
    "var": Place(("variables",), READ["var"]),
    "caller": Place(("callflow", "caller_profile"), READ["caller"], takes_first=True),
    "origin": Place(("callflow", "caller_profile", "originator", "originator_caller_profile"), READ["origin"]),
    "target": Place(("callflow", "caller_profile", "originatee", "originatee_caller_profile"), READ["target"]),
    "times": Place(("callflow", "times"), READ["times"]),
}
NO_VARIABLES: Final = "The document has no variables."

FRAME: Final = "frame"
Columns = Mapping[str, pa.Array]


class FreeSwitchDocuments(DocumentFormat):
    """A document is a leg. Which legs are records of calls is the switch's option `legs`. `begins`: what documents begin with."""

    begins: frozenset[bytes]

    @abstractmethod
    def columns(self, records: Sequence[bytes]) -> tuple[Columns, dict[int, str]]:
        """The columns `NAMES` of the records that can be read, empty texts null; of the others what is wrong."""

    def read_all(self, records: Records) -> Read:
        """What is read of all records, before it is said which are wanted."""
        walked = records.walked
        if walked is None:
            return self.read_unknown(records)
        known = np.flatnonzero(walked.is_known).tolist()
        columns = Made(NAMES, lambda name: walked.column(_PLACE[name]))
        if len(known) == len(records):
            return Read(known, columns, [])
        found = self.read_each(records, np.flatnonzero(~walked.is_known).tolist())
        rows, others = [*known, *found.rows], found.columns
        order = pa.array(np.argsort(rows, kind="stable"))
        found.columns = Made(NAMES, lambda name: pa.concat_arrays([columns[name], others[name]]).take(order))
        found.rows = sorted(rows)
        return found

    def read_unknown(self, records: Records) -> Read:
        """What is read of records of which none is known by its skeleton. A notation that can read many at once does so."""
        return self.read_each(records)

    def read(self, chunk: Chunk, records: Records, profile: SwitchProfile) -> Read:
        found = self.read_all(records)
        columns = _without_percent(found.columns)
        kept, reason = _wanted(columns, profile.legs)
        if not kept.all():
            found.skipped[reason] = int((~kept).sum())
            found.rows = [row for row, is_kept in zip(found.rows, kept.tolist(), strict=True) if is_kept]
            columns = _where_kept(columns, pa.array(kept))
        found.columns = columns
        return found

    def read_each(self, records: Records, asked: Sequence[int] | None = None) -> Read:
        """What is read of the records asked for, or all, one by one: some may be something else than a document."""
        rows, texts, refusals = records.readable(asked)
        wrapped = [at for at, text in enumerate(texts) if text[:1] not in self.begins]
        for at in wrapped:
            texts[at] = unwrapped(texts[at])
        rows, texts, framed = without_frames(rows, texts)
        columns, bad = self.columns(texts)
        refusals += [Refusal(int(records.at[rows[at]]), Reason.FIELD_COUNT, detail) for at, detail in bad.items()]
        rows = [row for at, row in enumerate(rows) if at not in bad]
        return Read(rows, columns, refusals, Counter({FRAME: framed} if framed else {}))

    def draft(self, columns: Columns, rows: int, profile: SwitchProfile) -> Draft:
        marks = Marks(rows)
        texts = _Texts(columns)
        is_out = _is_outgoing(columns)
        key = texts.first("var.uuid", "caller.uuid")
        mark_key(marks, key)
        start, answer, end = (_instants(columns, name, profile) for name in ("start", "answer", "end"))
        cause, cause_name = _cause(columns), _names(columns["var.hangup_cause"])
        tried = is_out | _led_on(columns)
        attempt = read_attempt(columns["var.trunkline_attempt"], tried.astype(np.int64), marks)
        says_last = read_is_last(_names(columns["var.trunkline_is_last"]), marks)
        called = texts.first("var.trunkline_called", "origin.destination_number", "caller.destination_number",
                             "var.sip_req_user")  # fmt: skip
        calling = texts.first("var.trunkline_calling", "caller.caller_id_number", "var.sip_from_user")
        ringing = [from_epoch_us(columns[f"var.{name}_uepoch"]) for name in ("progress", "progress_media")]
        return Draft(
            marks=marks,
            fields={
                "start": texts.first("var.start_uepoch", "var.start_epoch", "var.start_stamp", "times.created_time"),
                "answer": texts.first("var.answer_uepoch", "var.answer_epoch", "var.answer_stamp"),
                "end": texts.first("var.end_uepoch", "var.end_epoch", "var.end_stamp", "times.hangup_time"),
                "duration": texts.first("var.billmsec", "var.billsec"),
            },
            key=key,
            call_id=_call_id(texts, is_out, key),
            attempt=attempt,
            is_last=says_last | answer.is_present | is_final(cause_name, cause, profile.final_causes),
            service=always(Service.VOICE.value, rows),
            is_voice=np.ones(rows, np.bool_),
            needs_number=np.ones(rows, np.bool_),
            **read_numbers(calling, _user(called), profile),
            start=start,
            answer=answer,
            end=end,
            derives_end=False,
            duration=_duration(columns),
            quantity=None,
            pdd_ms=post_dial_delay(start, ringing, answer, end),
            names=_identities(texts, columns, is_out),
            cause=cause,
            sip_code=_sip_code(columns),
        )


class FreeSwitchXml(FreeSwitchDocuments):
    """mod_xml_cdr and mod_format_cdr in XML."""

    name = "freeswitch_xml"
    title = "FreeSWITCH mod_xml_cdr"
    framing = XmlDocuments(
        "cdr",
        b"cdr=",
        Walker("freeswitch_xml", XmlNotation(lambda document: _row(document)), len(NAMES), LINE_OCTETS_MAX),  # noqa: PLW0108  it stands below
    )
    begins = frozenset({b"<"})

    def fits(self, record: bytes) -> bool:
        return _row(unwrapped(record)) is not None

    def shorten(self, record: bytes) -> bytes | None:
        row = _row(unwrapped(record))
        if row is None:
            return None
        parts = {where: _written(texts) for where, texts in nested(dict(zip(NAMES, row, strict=True))).items()}
        for role, where in (("originator", "origin"), ("originatee", "target")):
            if parts[where]:
                profile = f"<{role}_caller_profile>{parts[where]}</{role}_caller_profile>"
                parts["caller"] += f"<{role}>{profile}</{role}>"
        flow = f"<caller_profile>{parts['caller']}</caller_profile><times>{parts['times']}</times>"
        channel = f"<channel_data>{parts['channel']}</channel_data>"
        return f"<cdr>{channel}<variables>{parts['var']}</variables><callflow>{flow}</callflow></cdr>".encode()

    def columns(self, records: Sequence[bytes]) -> tuple[dict[str, pa.Array], dict[int, str]]:
        found = read_plain(records, "cdr", _PLACES)
        if found.is_plain.all() and found.has["var"].all():
            return dict(found.columns), {}
        plain = np.flatnonzero(found.is_plain)
        others = np.flatnonzero(~found.is_plain)
        columns, bad = self._parsed([records[at] for at in others.tolist()])
        said = {int(others[at]): detail for at, detail in bad.items()}
        said |= {int(at): NO_VARIABLES for at in plain[~found.has["var"]]}
        parsed = np.array([at for at in others.tolist() if at not in said], np.int64)
        order = np.argsort(np.concatenate([plain[found.has["var"]], parsed]), kind="stable")
        kept = pa.array(found.has["var"])
        return {
            name: pa.concat_arrays([found.columns[name].filter(kept), columns[name]]).take(pa.array(order))
            for name in NAMES
        }, said

    @staticmethod
    def _parsed(records: Sequence[bytes]) -> tuple[dict[str, pa.Array], dict[int, str]]:
        """The same by a parser, one document after the other."""
        bad: dict[int, str] = {}
        rows: list[tuple[str | None, ...]] = []
        for at, record in enumerate(records):
            found = _element(record)
            if isinstance(found, str):
                bad[at] = f"The record is no XML document: {found}."
            elif (row := _row_of(found)) is None:
                bad[at] = NO_VARIABLES
            else:
                rows.append(row)
        values = zip(*rows, strict=True) if rows else ((),) * len(NAMES)
        return {name: null_if_empty(pa.array(column, TEXT)) for name, column in zip(NAMES, values, strict=True)}, bad


def nested(values: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    """What is there of `NAMES`, by where it stands."""
    return {
        where: {name: text for name in names if (text := values[f"{where}.{name}"])} for where, names in READ.items()
    }


def _written(texts: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())


# XML


def _element(record: bytes) -> ElementTree.Element | str:
    """The root of a document, or why it is none. A document that declares anything is not parsed: entities could grow."""
    if b"<!" in record:
        return "it has a declaration, a comment or a CDATA section, which the module never writes"
    try:
        found = ElementTree.fromstring(record)  # noqa: S314  nothing is declared, so nothing can be expanded
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return str(error)
    return found if found.tag == "cdr" else f"its root is {found.tag[:64]}"


def _row(record: bytes) -> tuple[str | None, ...] | None:
    """The texts of `NAMES` in a document; None: it is none."""
    found = _element(record)
    return None if isinstance(found, str) else _row_of(found)


def _row_of(root: ElementTree.Element) -> tuple[str | None, ...] | None:
    """The texts of `NAMES`; None where the document has no variables."""
    parts = _parts(root)
    if "variables" not in parts:
        return None
    flow = _parts(parts.get("callflow"))
    caller = _parts(flow.get("caller_profile"))
    places = (
        parts.get("channel_data"),
        parts["variables"],
        caller.values(),
        _parts(caller.get("originator")).get("originator_caller_profile"),
        _parts(caller.get("originatee")).get("originatee_caller_profile"),
        flow.get("times"),
    )
    return tuple(
        text for place, names in zip(places, READ.values(), strict=True) for text in map(_texts_of(place).get, names)
    )


def _parts(element: ElementTree.Element | None) -> dict[str, ElementTree.Element]:
    """The elements in an element by their names, of several the first."""
    return {} if element is None else {each.tag: each for each in reversed(element)}


def _texts_of(elements: Iterable[ElementTree.Element] | None) -> Mapping[str, str | None]:
    return {} if elements is None else {each.tag: each.text for each in elements}


# From columns to a draft


def _without_percent(columns: Columns) -> Columns:
    """The columns with values of variables as they were before the module encoded them."""

    def make(name: str) -> pa.Array:
        return without_percent(columns[name]) if name.startswith(_ENCODED) else columns[name]

    return Made(NAMES, make)


def _where_kept(columns: Columns, kept: pa.Array) -> Columns:
    return Made(NAMES, lambda name: columns[name].filter(kept))


@dataclass(frozen=True, slots=True)
class _Texts:
    columns: Columns

    def first(self, *names: str) -> pa.Array:
        """The first of the columns that says something, row by row."""
        found = self.columns[names[0]]
        for name in names[1:]:
            if not found.null_count:
                break
            found = pc.coalesce(found, self.columns[name])
        return found


def _is_outgoing(columns: Columns) -> Mask:
    """Where the document says so or, if it says nothing, where it names the leg that it comes from."""
    direction = pc.coalesce(columns["var.direction"], columns["channel.direction"])
    is_out = pc.fill_null(pc.equal(direction, "outbound"), False).to_numpy(zero_copy_only=False)
    return is_out | (~is_present(direction) & is_present(columns["origin.uuid"]))


def _led_on(columns: Columns) -> Mask:
    """Where an outgoing leg was tried for the call, whatever became of it."""
    found = is_present(columns["target.uuid"])
    for name in ("bridge_uuid", "bridge_channel", "originate_disposition"):
        found = found | is_present(columns[f"var.{name}"])
    return found


def _wanted(columns: Columns, legs: Legs) -> tuple[Mask, str]:
    """Which legs are records of calls, and the reason why the others are passed over."""
    is_out = _is_outgoing(columns)
    uuid = columns["var.uuid"]
    comes_from = is_present(columns["origin.uuid"]) | is_present(columns["var.originating_leg_uuid"])
    comes_from |= pc.fill_null(pc.not_equal(columns["var.call_uuid"], uuid), False).to_numpy(zero_copy_only=False)
    if legs is Legs.INCOMING:
        return ~(is_out & comes_from), OUTGOING_LEG
    return is_out | ~_led_on(columns), INCOMING_LEG


def _call_id(texts: _Texts, is_out: Mask, key: pa.Array) -> pa.Array:
    incoming = texts.first("var.trunkline_call_id", "var.call_uuid", "var.uuid")
    outgoing = texts.first("var.trunkline_call_id", "var.originating_leg_uuid", "origin.uuid", "var.call_uuid")
    return pc.coalesce(pc.if_else(pa.array(is_out), outgoing, incoming), key)


def _instants(columns: Columns, name: str, profile: SwitchProfile) -> Instants:
    """The most exact of what the document says: microseconds of the variable or the channel, seconds, the local stamp."""
    exact = _Texts(columns).first(f"var.{name}_uepoch", _TIMES[name])
    found, has = from_epoch_us(exact), is_present(exact)
    if has.all():
        return found
    seconds, stamp = columns[f"var.{name}_epoch"], columns[f"var.{name}_stamp"]
    coarse, local = from_epoch_s(seconds), from_text(stamp, profile.timezone)
    return _where(has, found, _where(is_present(seconds), coarse, local))


_TIMES: Final = {"start": "times.created_time", "answer": "times.answered_time", "end": "times.hangup_time"}


def _where(chosen: Mask, one: Instants, other: Instants) -> Instants:
    return Instants(
        np.where(chosen, one.ms, other.ms),
        np.where(chosen, one.is_present, other.is_present),
        np.where(chosen, one.status, other.status).astype(np.int8),
        np.where(chosen, one.resolution_ms, other.resolution_ms),
    )


def _duration(columns: Columns) -> Numbers:
    ms, seconds = integers(columns["var.billmsec"]), integers(columns["var.billsec"])
    has = ms.is_present
    return Numbers(
        np.where(has, ms.values, np.clip(seconds.values, -(10**15), 10**15) * 1000),
        has | seconds.is_present,
        np.where(has, ms.is_readable, seconds.is_readable),
    )


def _names(column: pa.Array) -> pa.DictionaryArray:
    return column.dictionary_encode().cast(NAME)


def _cause(columns: Columns) -> pa.Array:
    numbers = integers(columns["var.hangup_cause_q850"]).within(1, CAUSE_MAX)
    return pc.coalesce(numbers, cause_of(_names(columns["var.hangup_cause"])))


def _sip_code(columns: Columns) -> pa.Array:
    specific = pc.coalesce(
        columns["var.proto_specific_hangup_cause"], columns["var.last_bridge_proto_specific_hangup_cause"]
    )
    said = integers(columns["var.sip_term_status"]).within(SIP_CODE_MIN, SIP_CODE_MAX)
    of_protocol = mapped(_names(specific), _code_of_protocol).within(SIP_CODE_MIN, SIP_CODE_MAX)
    phrases = mapped(_names(columns["var.sip_hangup_phrase"]), lambda phrase: _PHRASES.get(phrase.upper()))
    return pc.coalesce(said, of_protocol, phrases.within(SIP_CODE_MIN, SIP_CODE_MAX))


def _code_of_protocol(text: str) -> int | None:
    found = _SIP_CODE.fullmatch(text)
    return int(found["code"]) if found is not None else None


def _user(called: pa.Array) -> pa.Array:
    """The number before `@host`; URIs are left to the rules that read numbers."""
    if not pc.any(pc.match_substring(called, "@")).as_py():
        return called
    return pc.replace_substring_regex(called, pattern=r"^([^:@]*)@.*$", replacement=r"\1")


def _identities(texts: _Texts, columns: Columns, is_out: Mask) -> dict[str, pa.DictionaryArray]:
    channel = texts.first("target.chan_name", "var.bridge_channel")
    led_to = pc.coalesce(_part(channel, _GATEWAY), _part(channel, _HOST))
    gateway = columns["var.sip_gateway_name"]
    out = pa.array(is_out)
    nothing = pa.nulls(len(gateway), TEXT)
    trunk_in = pc.coalesce(
        columns["var.trunkline_trunk_in"], pc.if_else(out, nothing, pc.coalesce(columns["var.sip_gateway"], gateway))
    )
    address = pc.if_else(out, columns["origin.network_addr"], columns["caller.network_addr"])
    user = texts.first("var.trunkline_sip_user", "var.sip_auth_username", "var.user_name")
    return {
        "trunk_in": _names(trunk_in),
        "trunk_out": _names(pc.if_else(out, pc.coalesce(gateway, columns["var.sip_gateway"]), led_to)),
        "source_ip": _names(pc.coalesce(columns["var.trunkline_source_ip"], address)),
        "account_code": _names(columns["var.accountcode"]),
        "sip_user": _names(user),
    }


def _part(column: pa.Array, pattern: str) -> pa.Array:
    return null_if_empty(pc.struct_field(pc.extract_regex(column, pattern=pattern), "name"))
