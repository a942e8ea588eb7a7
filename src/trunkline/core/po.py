"""Translation files of GNU gettext without its programs: `.po` text in, `.mo` bytes out.

The formats are those of the GNU gettext manual, "The Format of PO Files" and "The Format of GNU MO Files"; Python's own `gettext` reads the
second one only. Fuzzy and empty translations are left out, as `msgfmt` does, so their messages stay in the language of the source.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_MAGIC: Final = 0x950412DE
_HEADER_WORDS: Final = 7
_STRING: Final = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr)(?:\[([0-9])\])?[ \t]+)?"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class Entry:
    """A message of the source and its translations: one, or one for each plural form. The header is the message `""`."""

    context: str = ""
    message: str = ""
    plural: str = ""
    translations: dict[int, str] = field(default_factory=dict)
    is_fuzzy: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What a message is looked up by: its context (empty: none) and its text."""
        return self.context, self.message

    @property
    def is_translated(self) -> bool:
        """Whether a document would show it: nothing is empty, nothing only guessed."""
        return not self.is_fuzzy and bool(self.translations) and all(self.translations.values())


def read_po(text: str) -> list[Entry]:
    """The entries of a `.po` file in its order, the header first. Raises ValueError that names the line."""
    found: list[Entry] = []
    entry, part, is_fuzzy = Entry(), "", False
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        if not line or line.startswith("#"):
            is_fuzzy |= line.startswith("#,") and "fuzzy" in line
            continue
        match = _STRING.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} is neither a comment nor a text in quotes: {line}")
        keyword, form, quoted = match.groups()
        if keyword in ("msgctxt", "msgid") and not (keyword == "msgid" and part == "msgctxt"):
            entry, is_fuzzy = Entry(is_fuzzy=is_fuzzy), False
            found.append(entry)
        if not found:
            raise ValueError(f"line {number} belongs to no message: {line}")
        part = keyword or part
        place = int(form or 0) if keyword else max(entry.translations, default=0)
        _append(entry, part, place, _unescaped(quoted, number))
    return found


def compile_mo(entries: Iterable[Entry]) -> bytes:
    """The `.mo` file of what is translated. Raises ValueError for a message that is there twice."""
    texts: dict[bytes, bytes] = {}
    for entry in entries:
        if not entry.is_translated:
            continue
        message = f"{entry.context}\x04{entry.message}" if entry.context else entry.message
        name = (f"{message}\0{entry.plural}" if entry.plural else message).encode()
        if name in texts:
            raise ValueError(f"{entry.message!r} is translated twice")
        texts[name] = "\0".join(text for _, text in sorted(entry.translations.items())).encode()
    names = sorted(texts)
    tables = _HEADER_WORDS * 4
    start = tables + 16 * len(names)
    places, strings = [], b""
    for text in (*names, *(texts[name] for name in names)):
        places += [len(text), start + len(strings)]
        strings += text + b"\0"
    header = (_MAGIC, 0, len(names), tables, tables + 8 * len(names), 0, start)
    return struct.pack(f"<{_HEADER_WORDS + len(places)}I", *header, *places) + strings


def _append(entry: Entry, part: str, form: int, text: str) -> None:
    match part:
        case "msgctxt":
            entry.context += text
        case "msgid":
            entry.message += text
        case "msgid_plural":
            entry.plural += text
        case _:
            entry.translations[form] = entry.translations.get(form, "") + text


def _unescaped(quoted: str, line: int) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise ValueError(f"line {line} has the unknown escape \\{match[1]}")
        return _ESCAPES[match[1]]

    return _ESCAPE.sub(plain, quoted)
