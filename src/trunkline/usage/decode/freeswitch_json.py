"""FreeSWITCH mod_json_cdr: documents of which only what is read becomes objects. docs/formats/freeswitch_json.md is the law.

msgspec walks a document once, passes over members that `READ` does not name, and takes nothing that the standard library
would not take. A document that it refuses (a value that is no text, a lone surrogate, what is no JSON) is read by the
standard library, which says what is wrong or reads it after all. docs/adr/003-libraries.md says why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from msgspec.structs import astuple

from trunkline.usage.decode.chunking import LINE_OCTETS_MAX
from trunkline.usage.decode.columns import Made
from trunkline.usage.decode.documents import Read, Records
from trunkline.usage.decode.fields import TEXT, null_if_empty
from trunkline.usage.decode.freeswitch_documents import (
    NAMES,
    NO_VARIABLES,
    READ,
    Columns,
    FreeSwitchDocuments,
    nested,
)
from trunkline.usage.decode.json_framing import JsonDocuments, JsonList
from trunkline.usage.decode.posted import unwrapped
from trunkline.usage.decode.skeletons import JsonNotation, Walker

Objects = type[msgspec.Struct]


def _objects(name: str, where: str = "", **parts: object) -> Objects:
    """Objects with the texts that are read at a place, and with parts that are objects themselves; each may be missing."""
    texts: list[tuple[str, Any, None]] = [(each, str | None, None) for each in READ.get(where, ())]
    return msgspec.defstruct(name, texts + [(each, kind, None) for each, kind in parts.items()], gc=False)


def _maybe(kind: Any) -> object:
    return kind | None


_Channel: Final = _objects("Channel", "channel")
_Variables: Final = _objects("Variables", "var")
_Origin: Final = _objects("Origin", "origin")
_Target: Final = _objects("Target", "target")
_Times: Final = _objects("Times", "times")
_Originator: Final = _objects("Originator", originator_caller_profiles=_maybe(list[_Origin]))  # type: ignore[valid-type]
_Originatee: Final = _objects("Originatee", originatee_caller_profiles=_maybe(list[_Target]))  # type: ignore[valid-type]
_Caller: Final = _objects("Caller", "caller", originator=_maybe(_Originator), originatee=_maybe(_Originatee))
_Flow: Final = _objects("Flow", caller_profile=_maybe(_Caller), times=_maybe(_Times))
_Document: Final = _objects(
    "Document",
    channel_data=_maybe(_Channel),
    variables=_maybe(_Variables),
    callflow=_maybe(list[_Flow]),  # type: ignore[valid-type]
)

# With one of these a document begins, whichever of them the module's version or a tool writes first.
_MEMBERS: Final = ("core-uuid", "switchname", "channel_data", "callStats", "variables", "app_log", "callflow")
_READER: Final = msgspec.json.Decoder(_Document)
_LIST_READER: Final = msgspec.json.Decoder(list[_Document])  # type: ignore[valid-type]
_REFUSED: Final = (msgspec.MsgspecError, RecursionError)
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class FreeSwitchJson(FreeSwitchDocuments):
    """mod_json_cdr and mod_format_cdr in JSON."""

    name = "freeswitch_json"
    title = "FreeSWITCH mod_json_cdr"
    framing = JsonDocuments(
        _MEMBERS,
        Walker("freeswitch_json", JsonNotation(lambda document: _texts_of(document)), len(NAMES), LINE_OCTETS_MAX),  # noqa: PLW0108  it stands below
    )
    begins = frozenset({b"{"})

    def fits(self, record: bytes) -> bool:
        found = _object(unwrapped(record))
        return isinstance(found, dict) and isinstance(found.get("variables"), dict)

    def shorten(self, record: bytes) -> bytes | None:
        found = _object(unwrapped(record))
        if isinstance(found, str) or not isinstance(found.get("variables"), dict):
            return None
        return json.dumps(_kept_of(found), ensure_ascii=False, separators=(",", ":")).encode()

    def read_unknown(self, records: Records) -> Read:
        text = records.plain_text(b"{", b"}")
        if text is None:
            return self.read_each(records)
        try:
            if isinstance(records.framing, JsonList):
                documents: list[Any] = _LIST_READER.decode(records.framing.as_list(text))
            else:
                documents = _READER.decode_lines(text)
        except _REFUSED:
            return self.read_each(records)
        if len(documents) != len(records) or any(each.variables is None for each in documents):
            return self.read_each(records)
        return Read(range(len(records)), _columns_of(documents), [])

    def columns(self, records: Sequence[bytes]) -> tuple[Columns, dict[int, str]]:
        documents: list[Any] = []
        bad: dict[int, str] = {}
        for row, record in enumerate(records):
            found = _document(record)
            if isinstance(found, str):
                bad[row] = found
            else:
                documents.append(found)
        return _columns_of(documents), bad


def _document(record: bytes) -> Any | str:
    """The document with what is read of it, or what is wrong with the record."""
    try:
        document: Any = _READER.decode(record)
    except _REFUSED:
        return _document_by_library(record)
    return document if document.variables is not None else NO_VARIABLES


def _document_by_library(record: bytes) -> Any | str:
    """The same, whatever msgspec thinks of it."""
    found = _object(record)
    if isinstance(found, str):
        return f"The record is no JSON document: {found}."
    if not isinstance(found.get("variables"), dict):
        return NO_VARIABLES
    return msgspec.convert(_kept_of(found), _Document)


def _columns_of(documents: Sequence[Any]) -> Columns:
    """The columns of what is read, cut out of one array of all texts: they are looked at once, in the order in which they lie in memory."""
    texts = pa.array([text for document in documents for text in _row_of(document)], TEXT)

    def make(name: str) -> pa.Array:
        return null_if_empty(texts.take(pa.array(np.arange(_PLACES[name], len(texts), len(NAMES)))))

    return Made(NAMES, make)


def _row_of(document: Any) -> list[str | None]:
    """The texts of `NAMES` in a document that has variables."""
    flow = document.callflow[0] if document.callflow else _NO_FLOW
    caller = flow.caller_profile or _NO_CALLER
    origins = caller.originator and caller.originator.originator_caller_profiles
    targets = caller.originatee and caller.originatee.originatee_caller_profiles
    return [
        *(astuple(document.channel_data) if document.channel_data else _NO_CHANNEL),
        *astuple(document.variables),
        *astuple(caller)[:_CALLER_TEXTS],
        *(astuple(origins[0]) if origins else _NO_ORIGIN),
        *(astuple(targets[0]) if targets else _NO_TARGET),
        *(astuple(flow.times) if flow.times else _NO_TIMES),
    ]


def _texts_of(record: bytes) -> list[str | None] | None:
    """The texts of `NAMES` in a document as msgspec reads it; None: it does not, or there are no variables."""
    try:
        document: Any = _READER.decode(record)
    except _REFUSED:
        return None
    return None if document.variables is None else _row_of(document)


_NO_CHANNEL: Final = astuple(_Channel())
_NO_FLOW: Final[Any] = _Flow()
_NO_CALLER: Final[Any] = _Caller()
_NO_ORIGIN: Final = astuple(_Origin())
_NO_TARGET: Final = astuple(_Target())
_NO_TIMES: Final = astuple(_Times())
_CALLER_TEXTS: Final = len(READ["caller"])
_PLACES: Final = {name: at for at, name in enumerate(NAMES)}


# By the standard library


def _object(record: bytes) -> dict[str, Any] | str:
    """The document, or why it is none."""
    try:
        found = _DECODER.decode(record.decode())
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return found if isinstance(found, dict) else f"it is a {type(found).__name__}"


def _kept_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is read of a document, where it stands in it."""
    parts = nested(_values_of(document))
    origin, target = parts.pop("origin"), parts.pop("target")
    caller: dict[str, Any] = dict(parts.pop("caller"))
    if origin:
        caller["originator"] = {"originator_caller_profiles": [origin]}
    if target:
        caller["originatee"] = {"originatee_caller_profiles": [target]}
    flow = {"caller_profile": caller, "times": parts["times"]}
    return {"channel_data": parts["channel"], "variables": parts["var"], "callflow": [flow]}


def _values_of(document: Mapping[str, Any]) -> dict[str, str | None]:
    flow = _first_member(document.get("callflow"))
    caller = _members(flow.get("caller_profile"))
    places = {
        "channel": _members(document.get("channel_data")),
        "var": _members(document.get("variables")),
        "caller": caller,
        "origin": _first_member(_members(caller.get("originator")).get("originator_caller_profiles")),
        "target": _first_member(_members(caller.get("originatee")).get("originatee_caller_profiles")),
        "times": _members(flow.get("times")),
    }
    return {f"{where}.{name}": _text(place.get(name)) for where, place in places.items() for name in READ[where]}


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first_member(value: object) -> Mapping[str, Any]:
    """The first of a list of objects, or the object that stands alone."""
    if isinstance(value, list):
        value = value[0] if value else None
    return _members(value)


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    # A lone surrogate, which JSON can say and UTF-8 cannot.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
