"""The beginning of a file nobody has described yet: how its lines are built, what its columns hold, and a first mapping of them. No Django."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.core.errors import Invalid
from trunkline.usage.decode.mapping import COLUMNS_MAX, FileKind

LINES: Final = 50
SHOWN: Final = 5
SEPARATORS: Final = (",", ";", "\t", "|")
_PAIR: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*=")
_FIXED: Final = re.compile(r"(\S+)\s+([0-9]{1,4})\s*-\s*([0-9]{1,4})")
_VALUE: Final = re.compile(r"[0-9]|[+:@/]")  # what values have and names of columns mostly have not
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EPOCHS: Final = {
    "epoch_s": r"[0-9]{10}",
    "epoch_ms": r"[0-9]{13}",
    "epoch_us": r"[0-9]{16}",
    "%Y%m%d%H%M%S": r"[0-9]{14}",
}
_DATE: Final = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2[0-9]{4}[ T]")
_WORDS: Final = frozenset({"and", "or", "not", "in", "matches"})

# What columns of a field are often called, in lower case without signs; the first that is there wins.
SYNONYMS: Final[Mapping[str, Sequence[str]]] = {
    "key": ("key", "id", "uuid", "uniqueid", "cdrid", "recordid", "callid", "sessionid", "acctsessionid"),
    "call_id": ("callid", "sipcallid", "linkedid", "globalid", "calluuid"),
    "called": ("called", "callednumber", "calledstationid", "callee", "dst", "destination", "destinationnumber", "bnumber", "dnis", "to", "calledparty"),
    "calling": ("calling", "callingnumber", "callingstationid", "caller", "src", "source", "calleridnumber", "anumber", "ani", "from", "callingparty", "clid"),
    "start": ("start", "starttime", "setuptime", "begin", "begun", "calldate", "setup", "startstamp", "datetime", "calltime", "date", "time"),
    "answer": ("answer", "answertime", "connecttime", "connect", "answered", "answerstamp"),
    "end": ("end", "endtime", "stoptime", "stop", "disconnecttime", "ended", "hanguptime", "endstamp"),
    "duration": ("billsec", "duration", "seconds", "billedduration", "callduration", "sessiontime", "acctsessiontime", "holdtime", "length", "durationms", "billmsec"),
    "pdd": ("pdd", "postdialdelay"),
    "trunk_in": ("trunkin", "ingresstrunk", "intrunk", "ingressgateway", "callergateway", "srcgateway", "origgw", "ingress", "incomingtrunk"),
    "trunk_out": ("trunkout", "egresstrunk", "outtrunk", "egressgateway", "calleegateway", "dstgateway", "termgw", "egress", "gateway", "outgoingtrunk", "trunk"),
    "source_ip": ("sourceip", "srcip", "ip", "callerip", "remoteip", "nasipaddress", "networkaddr"),
    "account_code": ("accountcode", "account", "customer", "customerid"),
    "sip_user": ("sipuser", "username", "user", "authuser"),
    "cause": ("cause", "q850", "hangupcause", "disconnectcause", "releasecause", "causecode"),
    "sip_code": ("sipcode", "sipstatus", "sipresponse", "responsecode", "statuscode"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """How lines are built. `columns` in order; of a fixed file `places` says from where to where, from 1, both included."""

    kind: FileKind
    separator: str = ","
    has_header: bool = False
    columns: tuple[str, ...] = ()
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rows: tuple[tuple[str, ...], ...] = ()

    def values(self, column: str) -> list[str]:
        """What the first lines have in a column."""
        at = self.columns.index(column)
        return [row[at] for row in self.rows if at < len(row) and row[at]]


def guess_shape(head: bytes) -> Shape:
    """How the lines of a file are built that begins so. Raises Invalid `no_lines`."""
    lines = _lines(head)
    if all(line.lstrip().startswith("{") for line in lines[:3]):
        return shape_of(head, kind=FileKind.JSON)
    for separator in SEPARATORS:
        parts = [part for line in lines for part in line.split(separator)]
        if len(parts) > 2 * len(lines) and sum(1 for part in parts if _PAIR.match(part.strip())) > 0.7 * len(parts):
            return shape_of(head, kind=FileKind.PAIRS, separator=separator)
    separator = max(SEPARATORS, key=lambda each: _evenness(lines, each))
    rows = [*_cut(lines, separator)]
    return shape_of(head, kind=FileKind.DELIMITED, separator=separator, has_header=_is_header(rows))


def shape_of(head: bytes, *, kind: FileKind, separator: str = ",", has_header: bool = False, fixed: str = "") -> Shape:
    """The columns and first rows of a file that begins so, read as said; `fixed` are lines of name from-to. Raises Invalid `no_lines`, `fixed_columns`."""
    lines = _lines(head)
    if kind is FileKind.JSON:
        return _named([*map(_flat, lines)], kind, ",")
    if kind is FileKind.PAIRS:
        named = [dict(_pairs(line, separator)) for line in lines]
        return _named(named, kind, separator)
    if kind is FileKind.FIXED:
        places = _places(fixed)
        cut = [tuple(line[low - 1 : high].strip() for low, high in places.values()) for line in lines]
        return Shape(kind, columns=tuple(places), places=places, rows=tuple(cut))
    rows = [*_cut(lines, separator)]
    width = max(map(len, rows), default=0)
    names = _unique(rows[0], width) if has_header else tuple(f"c{number}" for number in range(1, width + 1))
    return Shape(kind, separator, has_header, names[:COLUMNS_MAX], rows=tuple(map(tuple, rows[has_header:])))


def guess_columns(shape: Shape) -> dict[str, str]:
    """The column that each field of a record probably is in, by what columns are called."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(shape.columns)}
    found = {}
    for field_name, synonyms in SYNONYMS.items():
        known = next((plain[word] for word in synonyms if word in plain), None)
        if known is not None:
            found[field_name] = known
    return found


def guess_pattern(values: Sequence[str]) -> str:
    """The pattern of times most of which look so; `iso` where that cannot be told."""
    some = [value.strip() for value in values if value.strip()]
    most = 0.6 * len(some)
    for pattern, looks in _EPOCHS.items():
        if some and sum(1 for value in some if re.fullmatch(looks, value)) >= most:
            return pattern
    dates = [found for value in some if (found := _DATE.match(value))]
    if not dates or len(dates) < most:
        return "iso"
    sign = dates[0][2]
    first, second = ("%m", "%d") if any(int(found[3]) > 12 for found in dates) else ("%d", "%m")
    return f"{first}{sign}{second}{sign}%Y %H:%M[:%S]"


def mapping_text(
    shape: Shape,
    *,
    name: str,
    title: str,
    pattern: str,
    timezone: str,
    record: Mapping[str, str],
    skips: Sequence[tuple[str, str]],
) -> str:
    """The TOML of a mapping: `record` are expressions by field, `skips` conditions and the reasons that they are counted under."""
    lines = [
        f"name = {_quoted(name)}",
        "version = 1",
        f"title = {_quoted(title)}",
        "",
        "[file]",
        f"kind = {_quoted(shape.kind.value)}",
    ]
    if shape.kind in {FileKind.DELIMITED, FileKind.PAIRS}:
        lines.append(f"separator = {_quoted(shape.separator)}")
    if shape.kind is FileKind.FIXED:
        inside = ", ".join(f"{_quoted(each)} = [{low}, {high}]" for each, (low, high) in shape.places.items())
        lines.append(f"columns = {{{inside}}}")
    else:
        if shape.has_header:
            lines.append("header = true")
        used = _used(record, skips)
        read = [each for each in shape.columns if each in used] if _reads_by_name(shape) else shape.columns
        lines += ["columns = [", *(f"  {_quoted(each)}," for each in read), "]"]
    lines += ["", "[times]", f"pattern = {_quoted(pattern)}"]
    if timezone:
        lines.append(f"timezone = {_quoted(timezone)}")
    for when, reason in skips:
        lines += ["", "[[skip]]", f"when = {_quoted(when)}", f"reason = {_quoted(reason)}"]
    lines += ["", "[record]", *(f"{each} = {_quoted(expression)}" for each, expression in record.items())]
    return "\n".join(lines) + "\n"


def column(name: str) -> str:
    """A column as an expression names it."""
    return name if _BARE.fullmatch(name) and name not in _WORDS else f"`{name}`"


def text(value: str) -> str:
    """A text as an expression has it."""
    return "'" + value.replace("'", "''") + "'"


def _reads_by_name(shape: Shape) -> bool:
    """Whether columns that are not named are passed over."""
    return shape.has_header or shape.kind is not FileKind.DELIMITED


def _used(record: Mapping[str, str], skips: Sequence[tuple[str, str]]) -> set[str]:
    said = " ".join([*record.values(), *(when for when, _ in skips)])
    outside = re.sub(r"'(?:[^']|'')*'", " ", said)
    return {*re.findall(r"`([^`]+)`", outside), *re.findall(r"[A-Za-z_][A-Za-z0-9_.]*", outside)}


def _quoted(value: str) -> str:
    """A basic string of TOML: what JSON escapes it knows too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lines(head: bytes) -> list[str]:
    whole = head[: head.rfind(b"\n") + 1] or head
    lines = [line for line in whole.decode("utf-8", "replace").removeprefix("\ufeff").splitlines() if line.strip()]
    if not lines:
        raise Invalid("no_lines", "The file has no lines of text.", hint="Choose a file of text with some records.")
    return lines[:LINES]


def _evenness(lines: Sequence[str], separator: str) -> int:
    """How much a sign looks like what parts fields: often, and as often on every line."""
    counts = [line.count(separator) for line in lines]
    usual = max(set(counts), key=counts.count)
    return usual * counts.count(usual)


def _cut(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    for row in csv.reader(lines, delimiter=separator):
        yield [value.strip() for value in row]


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    first = rows[0]
    is_named = all(first) and len(set(first)) == len(first) and len(first) > 1
    return is_named and sum(1 for value in first if _VALUE.search(value)) <= len(first) // 4 and len(rows) > 1


def _unique(names: Sequence[str], width: int) -> tuple[str, ...]:
    found: list[str] = []
    for number in range(width):
        name = (names[number] if number < len(names) else "").replace("`", "'") or f"c{number + 1}"
        found.append(
            name if name.lower() not in {each.lower() for each in found} and not name.isdigit() else f"c{number + 1}"
        )
    return tuple(found)


def _flat(line: str) -> dict[str, str]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return dict(_leaves(said, "")) if isinstance(said, dict) else {}


def _leaves(said: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{name}.")
        elif not isinstance(value, list):
            yield f"{before}{name}", "" if value is None else str(value)


def _pairs(line: str, separator: str) -> Iterator[tuple[str, str]]:
    for part in line.split(separator):
        name, sign, value = part.strip().partition("=")
        if sign and name:
            yield name, value.strip()


def _named(named: Sequence[Mapping[str, str]], kind: FileKind, separator: str) -> Shape:
    columns = tuple(dict.fromkeys(name for each in named for name in each))[:COLUMNS_MAX]
    rows = tuple(tuple(each.get(name, "") for name in columns) for each in named)
    return Shape(kind, separator, columns=columns, rows=rows)


def _places(fixed: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(fixed.splitlines(), start=1):
        if not line.strip():
            continue
        match = _FIXED.fullmatch(line.strip())
        if match is None or not 1 <= int(match[2]) <= int(match[3]) or match[1] in found:
            hint = "Write a column a line: its name, and from where to where, such as caller 17-32."
            raise Invalid(
                "fixed_columns", f"Line {number}: {line.strip()[:60]!r} says no column.", hint=hint, field="fixed"
            )
        found[match[1]] = (int(match[2]), int(match[3]))
    return found
