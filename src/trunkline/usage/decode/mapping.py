"""A mapping: the description of a file of records, read from TOML, JSON or YAML and checked before any line is decoded.

`docs/formats/mapping.md` is the law. Whatever is wrong with a description is an `Invalid` whose code begins with
`mapping_` and whose message says what, where and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from trunkline.core.errors import Invalid
from trunkline.usage.decode.expressions import Kind, Node, Parser
from trunkline.usage.decode.fields import Layout, Quotes
from trunkline.usage.decode.functions import check_time, functions
from trunkline.usage.decode.mapping_text import (
    Language,
    language_of_name,
    language_of_text,
    line_of,
    line_of_error,
    read,
)
from trunkline.usage.reasons import Reason

MAPPING_OCTETS_MAX: Final = 256 << 10
COLUMNS_MAX: Final = 1_000
VALUES_MAX: Final = 100
RULES_MAX: Final = 50
LOOKUP_ENTRIES_MAX: Final = 10_000
WIDTH_MAX: Final = 65_536
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COUNTS: Final = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")
_PLACE: Final = re.compile(r"[0-9]{1,4}")

# What a record has, and of which kind it is.
RECORD: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("key", "call_id", "service", "calling", "called"), Kind.TEXT),
    **dict.fromkeys(("trunk_in", "trunk_out", "source_ip", "account_code", "sip_user"), Kind.TEXT),
    **dict.fromkeys(("start", "answer", "end"), Kind.TIME),
    **dict.fromkeys(("duration", "pdd"), Kind.SPAN),
    **dict.fromkeys(("attempt", "quantity", "cause", "sip_code"), Kind.NUMBER),
    "is_last": Kind.YES_NO,
}
REQUIRED: Final = ("key", "called", "start")
LEGS: Final = ("call", "leg", "role")  # of a row that is a leg of a call
ATTEMPTS_OF: Final = "attempts_of"  # of a row that is a record: the leg that the call came in by


class FileKind(StrEnum):
    """How the lines of a file are built."""

    DELIMITED = "delimited"
    FIXED = "fixed"
    PAIRS = "pairs"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShape:
    """What the lines look like. `layouts` of a delimited file without header, `names` of one with, or of pairs and JSON;
    `places` and `width` of fixed columns."""

    kind: FileKind
    separator: bytes = b","
    sign: bytes = b"="
    quotes: Quotes = Quotes.STRICT
    has_header: bool = False
    names: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    layouts: tuple[Layout, ...] = ()
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    width: int = 0

    @property
    def known(self) -> list[str]:
        """All names of columns."""
        found = [*self.names, *self.optional, *self.places]
        for layout in self.layouts:
            found += [name for name in layout.places if name not in found]
        return found

    def is_column(self, name: str) -> bool:
        """Whether an expression may name it: a column, or a place of a delimited line, from 1."""
        is_place = self.kind is FileKind.DELIMITED and _PLACE.fullmatch(name) is not None and int(name) > 0
        return is_place or name in self.known


@dataclass(frozen=True, slots=True)
class Skip:
    """Lines that are no records of calls and are passed over."""

    when: Node
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Rows that are rejected for what they say."""

    when: Node
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A mapping that has been read and checked."""

    name: str
    version: int
    title: str
    file: FileShape
    timezone: str
    values: Mapping[str, Node]
    recognise: Node | None
    skips: tuple[Skip, ...]
    rejections: tuple[Rejection, ...]
    record: Mapping[str, Node]
    legs: Mapping[str, Node]  # LEGS, ATTEMPTS_OF, or empty where each row is a record
    lacks: Mapping[str, str]  # what files of this kind never say, in words


def read_mapping(path: Path) -> Description:
    """The mapping of a file: TOML, or JSON or YAML where its name says so. Raises Invalid `mapping_*`."""
    try:
        if path.stat().st_size > MAPPING_OCTETS_MAX:
            raise _wrong("mapping_file", path.name, f"has more than {MAPPING_OCTETS_MAX:,} octets")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(
            "mapping_file", str(path), f"cannot be read: {error}", "Name a TOML, JSON or YAML file."
        ) from error
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str = "", language: Language | None = None) -> Description:
    """The mapping of a text; `name` is that of the file, which messages begin with. Without one its language is told by how it begins.

    Raises Invalid `mapping_*`, whose `context["line"]` is the line that it is about, as far as that is known.
    """
    language = language or (language_of_name(name) if name else language_of_text(text))
    given = read_mapping_text(text, name, language)
    try:
        return check_mapping(given, name)
    except Invalid as error:
        error.context["line"] = line_of(text, language, str(error.context.get("where", "")))
        raise


def read_mapping_text(text: str, name: str = "", language: Language | None = None) -> object:
    """What the text of a mapping says, not yet checked. Raises Invalid `mapping_syntax`, `mapping_file`."""
    if len(text.encode()) > MAPPING_OCTETS_MAX:
        raise _wrong("mapping_file", name or "the mapping", f"has more than {MAPPING_OCTETS_MAX:,} octets")
    try:
        return read(text, language or (language_of_name(name) if name else language_of_text(text)))
    except (ValueError, RecursionError) as error:
        hint = "A mapping is TOML, JSON in a file whose name ends in .json, or YAML in one that ends in .yaml or .yml."
        raise Invalid(
            "mapping_syntax",
            f"{name or 'the mapping'} cannot be read: {error}.",
            hint=hint if name else "A mapping is TOML, JSON or YAML.",
            line=line_of_error(error, text),
        ) from error


def check_mapping(given: object, name: str) -> Description:
    """The mapping of a value as TOML, JSON or YAML give it. Raises Invalid `mapping_*`."""
    try:
        return _Reader(_table(given, "the mapping")).description()
    except Invalid as error:
        begins = f"{name}: " if name else ""
        raise Invalid(error.code, f"{begins}{error.message}", hint=error.hint, **error.context) from error


def _wrong(code: str, where: str, what: str, hint: str = "See docs/formats/mapping.md.") -> Invalid:
    return Invalid(code, f"{where} {what}.", hint=hint, where=where)


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong("mapping_type", where, "is no table")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong("mapping_type", where, f"is {value!r}, not a text")
    return value


def _tables(value: object, where: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _wrong("mapping_type", where, "is no list of tables")
    if len(value) > RULES_MAX:
        raise _wrong("mapping_size", where, f"has more than {RULES_MAX} entries")
    return [_table(each, f"{where}[{number}]") for number, each in enumerate(value, start=1)]


def _only(given: Mapping[str, Any], where: str, allowed: Sequence[str], required: Sequence[str] = ()) -> None:
    for name in given:
        if name not in allowed:
            error = _wrong("mapping_key", where, f"has the unknown key {name!r}", f"Known are {', '.join(allowed)}.")
            error.context["where"] = name if where == "the mapping" else f"{where}.{name}"
            raise error
    for name in required:
        if name not in given:
            raise _wrong("mapping_key", where, f"lacks {name!r}")


class _Reader:
    """Reads a description from the top to the bottom."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        _only(
            given,
            "the mapping",
            (
                "name",
                "version",
                "title",
                "file",
                "times",
                "lookups",
                "values",
                "recognise",
                "skip",
                "reject",
                "record",
                "legs",
                "lacks",
            ),
            ("name", "file", "record"),
        )
        self._given = given
        self._values: dict[str, Node] = {}
        self._file = _file(_table(given["file"], "file"))
        self._lookups = self._read_lookups()
        times = _table(given.get("times", {}), "times")
        _only(times, "times", ("pattern", "timezone"))
        self._timezone = _text(times.get("timezone", ""), "times.timezone")
        pattern = _text(times.get("pattern", "iso"), "times.pattern")
        with _Where("times"):
            check_time(pattern, self._timezone)
        self._functions = functions(pattern, self._timezone)

    def description(self) -> Description:
        given = self._given
        name, version = _text(given["name"], "name"), given.get("version", 1)
        if not _NAME.fullmatch(name):
            raise _wrong("mapping_name", f"name {name[:60]!r}", "is not 1 to 40 lower-case letters, digits and _")
        if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= 999:
            raise _wrong("mapping_type", "version", "is no number from 1 to 999")
        self._read_values()
        recognise = _text(given["recognise"], "recognise") if "recognise" in given else None
        return Description(
            name=name,
            version=version,
            title=_text(given.get("title", name), "title"),
            file=self._file,
            timezone=self._timezone,
            values=self._values,
            recognise=None if recognise is None else self._expression(recognise, "recognise", Kind.YES_NO),
            skips=tuple(self._skip(each, n) for n, each in enumerate(_tables(given.get("skip", []), "skip"), 1)),
            rejections=tuple(self._reject(e, n) for n, e in enumerate(_tables(given.get("reject", []), "reject"), 1)),
            record=self._record(),
            legs=self._legs(),
            lacks={key: _text(said, f"lacks.{key}") for key, said in _table(given.get("lacks", {}), "lacks").items()},
        )

    def _expression(self, text: object, where: str, kind: Kind | None = None) -> Node:
        with _Where(where):
            parser = Parser(
                _text(text, "the expression"),
                is_column=self._file.is_column,
                known=self._file.known[:60],
                values={name: node.kind for name, node in self._values.items()},
                lookups=self._lookups,
                functions=self._functions,
            )
            node = parser.parse()
            return node if kind is None else parser.need(node, kind)

    def _read_lookups(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for name, entries in _table(self._given.get("lookups", {}), "lookups").items():
            where = f"lookups.{name}"
            table = _table(entries, where)
            if len(table) > LOOKUP_ENTRIES_MAX:
                raise _wrong("mapping_size", where, f"has more than {LOOKUP_ENTRIES_MAX:,} entries")
            found[name] = {key: _text(value, f"{where}.{key}") for key, value in table.items()}
        return found

    def _read_values(self) -> None:
        given = _table(self._given.get("values", {}), "values")
        if len(given) > VALUES_MAX:
            raise _wrong("mapping_size", "values", f"has more than {VALUES_MAX} entries")
        for name in given:
            if not _NAME.fullmatch(name) or self._file.is_column(name):
                hint = "Choose another name: lower-case letters, digits and _."
                raise _wrong("mapping_name", f"values.{name}", "is the name of a column, or no name", hint)
        # In whatever order: a database that keeps a mapping as JSON does not keep that of its keys.
        waiting, tried = dict(given), -1
        while waiting:
            failures: list[Invalid] = []
            for name, text in list(waiting.items()):
                try:
                    self._values[name] = self._expression(text, f"values.{name}")
                    del waiting[name]
                except Invalid as error:
                    failures.append(error)
            if failures and len(failures) == tried:  # nothing has become known by this round
                raise failures[0]
            tried = len(failures)

    def _skip(self, given: Mapping[str, Any], number: int) -> Skip:
        where = f"skip[{number}]"
        _only(given, where, ("when", "reason"), ("when", "reason"))
        reason = _text(given["reason"], f"{where}.reason")
        if not _NAME.fullmatch(reason) or reason == "blank":
            raise _wrong("mapping_name", f"{where}.reason", f"{reason[:60]!r} is no name for a reason")
        return Skip(self._expression(given["when"], f"{where}.when", Kind.YES_NO), reason)

    def _reject(self, given: Mapping[str, Any], number: int) -> Rejection:
        where = f"reject[{number}]"
        _only(given, where, ("when", "reason", "detail"), ("when", "reason", "detail"))
        reason = _text(given["reason"], f"{where}.reason")
        if reason not in list(Reason):
            hint = f"Known are {', '.join(Reason)}."
            raise _wrong("mapping_name", f"{where}.reason", f"{reason[:60]!r} is no reason", hint)
        detail = _text(given["detail"], f"{where}.detail")
        return Rejection(self._expression(given["when"], f"{where}.when", Kind.YES_NO), Reason(reason), detail)

    def _record(self) -> dict[str, Node]:
        given = _table(self._given["record"], "record")
        _only(given, "record", tuple(RECORD), REQUIRED)
        if not {"duration", "quantity"} & set(given) and not {"answer", "end"} <= set(given):
            hint = "Give duration, or quantity, or both answer and end."
            raise _wrong("mapping_key", "record", "does not say how much was used", hint)
        return {name: self._expression(text, f"record.{name}", RECORD[name]) for name, text in given.items()}

    def _legs(self) -> dict[str, Node]:
        if "legs" not in self._given:
            return {}
        given = _table(self._given["legs"], "legs")
        names = (ATTEMPTS_OF,) if ATTEMPTS_OF in given else LEGS
        _only(given, "legs", names, names)
        return {name: self._expression(text, f"legs.{name}", Kind.TEXT) for name, text in given.items()}


class _Where:
    """Says in front of an error's message where in the mapping it is."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Invalid):
            code = error.code if error.code.startswith("mapping_") else f"mapping_{error.code}"
            raise Invalid(code, f"{self._where}: {error.message}", hint=error.hint, where=self._where) from error


def _file(given: Mapping[str, Any]) -> FileShape:
    kind = given.get("kind")
    if kind not in list(FileKind):
        raise _wrong("mapping_key", "file.kind", f"is {kind!r}", f"Known are {', '.join(FileKind)}.")
    match FileKind(kind):
        case FileKind.DELIMITED:
            return _delimited(given)
        case FileKind.FIXED:
            return _fixed(given)
        case FileKind.PAIRS:
            _only(given, "file", ("kind", "separator", "sign", "columns"), ("columns",))
            return FileShape(
                kind=FileKind.PAIRS,
                separator=_sign(given.get("separator", ","), "file.separator"),
                sign=_sign(given.get("sign", "="), "file.sign"),
                names=_names(given["columns"], "file.columns"),
            )
        case FileKind.JSON:
            _only(given, "file", ("kind", "columns"), ("columns",))
            names = _names(given["columns"], "file.columns")
            for name in names:
                if any(other.startswith(f"{name}.") for other in names) or ".." in f".{name}.":
                    raise _wrong("mapping_name", f"file.columns {name!r}", "is a value and an object at once, or empty")
            return FileShape(kind=FileKind.JSON, names=names)


def _delimited(given: Mapping[str, Any]) -> FileShape:
    _only(given, "file", ("kind", "separator", "quotes", "header", "columns", "optional", "layouts"))
    quotes, header = given.get("quotes", "strict"), given.get("header", False)
    if quotes not in list(Quotes):
        raise _wrong("mapping_key", "file.quotes", f"is {quotes!r}", f"Known are {', '.join(Quotes)}.")
    if not isinstance(header, bool):
        raise _wrong("mapping_type", "file.header", "is neither true nor false")
    separator = _sign(given.get("separator", ","), "file.separator")
    if header:
        _only(given, "file", ("kind", "separator", "quotes", "header", "columns", "optional"), ("columns",))
        names = _names(given["columns"], "file.columns")
        optional = _names(given.get("optional", []), "file.optional")
        return FileShape(
            kind=FileKind.DELIMITED, separator=separator, quotes=Quotes(quotes), has_header=True, names=names,
            optional=optional,
        )  # fmt: skip
    if "layouts" in given:
        _only(given, "file", ("kind", "separator", "quotes", "header", "layouts"))
        layouts = tuple(_layout(each, n) for n, each in enumerate(_tables(given["layouts"], "file.layouts"), 1))
    else:
        _only(given, "file", ("kind", "separator", "quotes", "header", "columns"), ("columns",))
        names = _names(given["columns"], "file.columns")
        layouts = (Layout(((len(names), len(names)),), {name: at for at, name in enumerate(names)}),)
    if not layouts:
        raise _wrong("mapping_key", "file.layouts", "is empty")
    return FileShape(kind=FileKind.DELIMITED, separator=separator, quotes=Quotes(quotes), layouts=layouts)


def _sign(value: object, where: str) -> bytes:
    text = _text(value, where)
    if len(text) != 1 or not text.isascii() or text in '"\r\n' or text.isalnum():
        raise _wrong("mapping_type", where, f"is {text[:20]!r}, not one sign", 'A tab is written "\\t".')
    return text.encode()


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _wrong("mapping_type", where, "is no list of names")
    names = tuple(_text(name, where) for name in value)
    if len(names) > COLUMNS_MAX:
        raise _wrong("mapping_size", where, f"has more than {COLUMNS_MAX:,} names")
    for name in names:
        _column_name(name, where)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _wrong("mapping_name", where, f"has {twice[0]!r} twice")
    return names


def _column_name(name: str, where: str) -> None:
    if not name or "`" in name or _PLACE.fullmatch(name):
        raise _wrong("mapping_name", where, f"has {name!r}, which is no name of a column")


def _layout(given: Mapping[str, Any], number: int) -> Layout:
    where = f"file.layouts[{number}]"
    _only(given, where, ("fields", "columns"), ("fields", "columns"))
    columns = given["columns"]
    if isinstance(columns, Mapping):
        places = {name: _place(place, f"{where}.columns.{name}") - 1 for name, place in columns.items()}
        for name in places:
            _column_name(name, f"{where}.columns")
    else:
        places = {name: at for at, name in enumerate(_names(columns, f"{where}.columns"))}
    fields = given["fields"]
    counts = tuple(_count(each, f"{where}.fields") for each in (fields if isinstance(fields, list) else [fields]))
    return Layout(counts, places)


def _place(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 9_999:
        raise _wrong("mapping_type", where, f"is {value!r}, not a place from 1")
    return value


def _count(value: object, where: str) -> tuple[int, int]:
    found = _COUNTS.fullmatch(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    if found is None or not 1 <= int(found[1]) <= int(found[2] or found[1]):
        raise _wrong("mapping_type", where, f"is {value!r}, not a number of fields", 'Write 16 or "16-21".')
    return int(found[1]), int(found[2] or found[1])


def _fixed(given: Mapping[str, Any]) -> FileShape:
    _only(given, "file", ("kind", "columns", "width"), ("columns",))
    places: dict[str, tuple[int, int]] = {}
    for name, value in _table(given["columns"], "file.columns").items():
        where = f"file.columns.{name}"
        _column_name(name, "file.columns")
        if not isinstance(value, list) or len(value) != 2:
            raise _wrong("mapping_type", where, "is no pair of places", "Write [7, 36]: from and to, both included.")
        low, high = _place(value[0], where), _place(value[1], where)
        if low > high:
            raise _wrong("mapping_type", where, "ends before it begins")
        places[name] = (low - 1, high)
    width = given.get("width", max((high for _, high in places.values()), default=0))
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= WIDTH_MAX:
        raise _wrong("mapping_type", "file.width", f"is no number from 1 to {WIDTH_MAX:,}")
    return FileShape(kind=FileKind.FIXED, places=places, width=width)
