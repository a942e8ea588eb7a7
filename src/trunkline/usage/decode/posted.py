"""Documents as modules post them and tools keep them: `cdr=`, percent-encoded or in base64, tags around all of a file."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.columns import octets_of
from trunkline.usage.decode.fields import null_if_empty
from trunkline.usage.decode.names import words_at
from trunkline.usage.decode.raw import is_utf8

TEXT: Final = pa.string()
_POSTED: Final = re.compile(rb"(?:[A-Za-z_]{1,16}=[^&\r\n]{0,128}&){0,4}cdr=")
_ENCODED_START: Final = re.compile(rb"[+\s]*%(?:7[Bb]|3[Cc])")
_BASE64: Final = re.compile(rb"(?:ey|ew|PD|Cj|Cg)[A-Za-z0-9+/%]{30,}={0,2}")
_FRAME: Final = re.compile(rb"(?:<\?xml[^<>]*\?>\s*)?</?(?!cdr[\s>/])[A-Za-z_][A-Za-z0-9_:.-]*(?:\s[^<>]*)?>")
_FRAME_OCTETS_MAX: Final = 300
_PERCENT: Final = 0x25
_THREE_OCTETS: Final = np.uint64(0xFFFFFF)
_ESCAPES_MAX: Final = 16


def unwrapped(record: bytes) -> bytes:
    """The document of a record that was kept as the module posted it: `cdr=`, percent-encoded or in base64."""
    if record[:1] in {b"{", b"<", b"["}:
        return record
    found = _POSTED.match(record)
    text = record[found.end() :] if found is not None else record
    if _ENCODED_START.match(text):
        text = unquote_to_bytes(text.replace(b"+", b" "))
    elif _BASE64.fullmatch(text):
        try:
            text = b64decode(unquote_to_bytes(text), validate=True)
        except ValueError:
            return record
    text = text.strip()
    return text if text[:1] in {b"{", b"<"} and b"\0" not in text and is_utf8(text) else record


def without_frames(rows: list[int], texts: list[bytes]) -> tuple[list[int], list[bytes], int]:
    """The records without the tags that a tool put around all documents of a file, and how many those were."""
    frames = {at for at, text in enumerate(texts) if len(text) <= _FRAME_OCTETS_MAX and _FRAME.fullmatch(text)}
    if not frames:
        return rows, texts, 0
    kept = [at for at in range(len(rows)) if at not in frames]
    return [rows[at] for at in kept], [texts[at] for at in kept], len(frames)


def without_percent(column: pa.Array) -> pa.Array:
    """The column without percent-encoding: the modules encode the values of variables."""
    octets = octets_of(column)
    places = np.flatnonzero(octets == _PERCENT)
    if not places.size:
        return column
    escapes = np.unique(words_at(octets, places) & _THREE_OCTETS)
    written = [int(each).to_bytes(3, "little").decode("latin-1") for each in escapes.tolist()]
    known = {each: unquote(each, errors="replace") for each in written}
    if len(known) > _ESCAPES_MAX or not all(text.isascii() for text in known.values()):
        encoded = column.dictionary_encode()
        plain = [unquote(text, errors="replace") for text in encoded.dictionary.to_pylist()]
        return null_if_empty(pa.array(plain, TEXT).take(encoded.indices))
    # The percent sign comes last, or what it makes would be read again.
    for each in sorted(known, key=lambda each: each == "%25"):
        if known[each] != each:
            column = pc.replace_substring(column, each, known[each])
    return null_if_empty(column)
