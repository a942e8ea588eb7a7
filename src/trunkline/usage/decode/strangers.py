"""Files that hold no records of calls that can be read, and what is to be said of them: told by their first octets.

Nothing here decides whether a file is taken; it only makes the refusal say what the file is and what to ask for instead.
"""

from __future__ import annotations

import re
from typing import Final

HEAD_OCTETS: Final = 8_192

_TAP3_HINT: Final = (
    "TAP3 is a BER file for settlement between mobile operators; it is not read. Ask for a CSV export of its calls."
)
_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "It is a PDF document. Ask for the records as text."),
    (b"SQLite format 3\0", "It is an SQLite database. Export its table of calls as CSV with a header line."),
    (b"PAR1", "It is a Parquet file. Export it as CSV with a header line."),
    (b"\xd4\xc3\xb2\xa1", "It is a capture of packets (pcap), not a file of accounting records."),
    (b"\xa1\xb2\xc3\xd4", "It is a capture of packets (pcap), not a file of accounting records."),
    (b"\n\r\r\n", "It is a capture of packets (pcapng), not a file of accounting records."),
    (b"PGDMP", "It is a dump of PostgreSQL in its own form. Export the table of calls as CSV with a header line."),
    (b"BZh", "It is packed by bzip2. Pack it by gzip or zip, or not at all."),
    (b"\xfd7zXZ", "It is packed by xz. Pack it by gzip or zip, or not at all."),
    (b"(\xb5/\xfd", "It is packed by zstd. Pack it by gzip or zip, or not at all."),
    (b"7z\xbc\xaf\x27\x1c", "It is packed by 7-Zip. Pack it by gzip or zip, or not at all."),
    (b"Rar!", "It is packed by RAR. Pack it by gzip or zip, or not at all."),
    (b"\xd0\xcf\x11\xe0", "It is a workbook of an old Excel. Save the sheet as CSV."),
)
_INSERT: Final = re.compile(rb"(?im)^\s*INSERT\s+INTO\s+[`\"\[]?[\w.]+[`\"\]]?")
_WEB_PAGE: Final = re.compile(rb"(?i)^\s*(?:<!doctype html|<html)")
# `3,Acct-Session-Id,…`: a number, then a name of letters and signs, and nothing that a call has.
_FIELD_LINE: Final = re.compile(rb"(?m)^[0-9]{1,3},[A-Za-z][A-Za-z0-9_-]*(?:,[a-z0-9]{0,6})?\r?$")
_FIELDS_MIN: Final = 8
_FIELD_LISTS: Final = ((b"Acme-", "acme_sbc"), (b"H323", "cisco_cube"))
_NUMBER: Final = re.compile(rb"(?<![0-9.])\+?[0-9]{5,15}(?![0-9.])")
_TIME: Final = re.compile(rb"[0-9]{1,2}:[0-9]{2}|(?<![0-9.])1[0-9]{9,12}(?![0-9])")


def what_it_is(head: bytes) -> str:
    """What the file with this beginning is, and what to do; empty where nobody knows."""
    for signature, said in _SIGNATURES:
        if head.startswith(signature):
            return said
    for tell in (_tap3, _field_list, _dump, _web_page, _no_calls):
        if said := tell(head):
            return said
    return ""


def _tap3(head: bytes) -> str:
    """TAP3: a BER element of the class application, 1 a transfer batch, 2 a notification, with elements of that class inside."""
    if head[:1] not in {b"\x61", b"\x62"} or len(head) < 8 or _is_text(head[1:64]):
        return ""
    kind = "a transfer batch of call events" if head[0] == 0x61 else "a notification that there were no calls"
    return f"It is a TAP3 file in BER, {kind}. {_TAP3_HINT}"


def _is_text(octets: bytes) -> bool:
    return all(octet >= 0x20 or octet in b"\t\r\n" for octet in octets)


def _field_list(head: bytes) -> str:
    if len(_FIELD_LINE.findall(head)) < _FIELDS_MIN:
        return ""
    for sign, name in _FIELD_LISTS:
        if sign in head:
            return (
                f"It is a list of the fields of {name} records, not a file of records: it holds no calls. "
                f"Compare it with docs/formats/{name}.md."
            )
    return "It is a numbered list of names of fields, not a file of records: it holds no calls."


def _dump(head: bytes) -> str:
    if _INSERT.search(head) is None:
        return ""
    return "It is a dump of a database as SQL. Export the table of calls as CSV with a header line."


def _web_page(head: bytes) -> str:
    return "It is a web page: a download or a login went wrong." if _WEB_PAGE.search(head) else ""


def _no_calls(head: bytes) -> str:
    """Text in which no line has a number that can be called, or none has a time."""
    if not head or not _is_text(head):
        return ""
    lacks = [what for what, sign in (("a telephone number", _NUMBER), ("a time", _TIME)) if sign.search(head) is None]
    return f"None of its first lines has {' or '.join(lacks)}: these are no records of calls." if lacks else ""
