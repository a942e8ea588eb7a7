"""The messages of documents as they stand in the program, and what a catalogue lacks of them."""

from __future__ import annotations

import ast
import gettext
import io
import re
import string
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT
from trunkline.core.currency import CURRENCIES
from trunkline.core.po import compile_mo, read_po
from trunkline.core.quantity import OCTET_UNITS

INVOICING = ROOT / "src/trunkline/invoicing"
_ARGUMENTS = {
    "gettext": ("message",),
    "marked": ("message",),
    "ngettext": ("message", "plural"),
    "pgettext": ("context", "message"),
}


class Message(NamedTuple):
    """A text of the source; `context` and `plural` are empty where it has none."""

    context: str
    message: str
    plural: str = ""


def source_messages() -> set[Message]:
    """Every message of the calls in `invoicing`, and the names that stand in tables of `core`."""
    found = {Message("currency", currency.name) for currency in CURRENCIES.values()}
    found |= {Message("unit of data", unit) for unit in OCTET_UNITS}
    for path in sorted(INVOICING.rglob("*.py")):
        found |= _messages(path)
    return found


def _messages(path: Path) -> set[Message]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        names = _ARGUMENTS.get(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        if names is None:
            continue
        said = dict(zip(names, (each.value for each in node.args if isinstance(each, ast.Constant)), strict=False))
        if len(said) == len(names):  # else the text comes from a table, whose entries are marked
            found.add(Message(str(said.get("context", "")), str(said["message"]), str(said.get("plural", ""))))
    return found


def faults(text: str, code: str) -> list[str]:
    """What keeps the catalogue of a language from being complete and sound, a sentence each."""
    entries = read_po(text)
    translations = gettext.GNUTranslations(io.BytesIO(compile_mo(entries)))
    header = translations.info()
    forms = int(re.findall(r"nplurals=(\d)", header.get("plural-forms", ""))[0])
    found = [] if header.get("language") == code else [f"the header names the language {header.get('language')}"]
    found += [] if max(translations.plural(n) for n in range(1000)) == forms - 1 else ["the plural forms are not used"]
    source = source_messages()
    said = {Message(*entry.key, entry.plural): entry for entry in entries[1:]}
    found += [f"{message} is missing" for message in sorted(source - said.keys())]
    found += [f"{message} is no text of a document" for message in sorted(said.keys() - source)]
    for message, entry in said.items():
        if not entry.is_translated or len(entry.translations) != (forms if message.plural else 1):
            found.append(f"{message} is not translated")
        elif any(_fields(each) not in _allowed(message) for each in entry.translations.values()):
            found.append(f"{message} has other fields in its translation")
    return found


def _allowed(message: Message) -> list[set[str]]:
    """The fields a translation may have. The form for one thing need not name the number, nor the first of a month its day."""
    singular, whole = _fields(message.message), _fields(message.message) | _fields(message.plural)
    if message.context == "date, the first of a month":
        return [whole, whole - {"day"}]
    return [whole, singular] if message.plural else [whole]


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
