"""What the office and the pages of signing in say: every text of theirs that goes through gettext.

`python -m tests.unit.backoffice.messages fr` prints what the French catalogues lack, by catalogue, for a translator to fill in.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import unfold

import trunkline
from trunkline.backoffice.languages import FOLDER
from trunkline.core.po import Entry, read_po
from trunkline.identity.permissions import ROLE_NAMES, SENTENCES
from trunkline.invoicing.choices import LineKind
from trunkline.parties.choices import ContactRole
from trunkline.reports.choices import AttachedFormat
from trunkline.tariffs.choices import DestinationKind
from trunkline.usage.sources.choices import AlarmKind, ReceiptState

SOURCE: Final = Path(trunkline.__file__).parent
PLURALS: Final = {"fr": "nplurals=2; plural=(n > 1);"}
SPEAKING: Final = ("backoffice", "platform", "identity", "reports", "pricing")
ONE: Final = {"gettext", "gettext_lazy", "gettext_noop", "_"}
SEVERAL: Final = {"ngettext", "ngettext_lazy"}
PLACED: Final = {"pgettext", "pgettext_lazy"}
TRANSLATE: Final = re.compile(r"""\{%\s*trans(?:late)?\s+(?:"([^"]*)"|'([^']*)')""")
BLOCK: Final = re.compile(r"\{%\s*blocktrans(?:late)?\b([^%]*)%\}(.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL)
VARIABLE: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


# Which catalogue the texts of a module stand in; those of others stand in `frame`.
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "parties": ("parties", "account_panels"),
    "prices": ("tariffs", "rates", "reference", "rate_preview", "windows"),
    "traffic": (
        "usage",
        "records",
        "rejects",
        "rerating",
        "switches",
        "legs",
        "trying",
        "traffic_rules",
        "why",
        "words",
    ),
    "sources": ("sources", "source_form", "mappings", "describing"),
    "invoices": ("invoicing", "bill_runs", "unbilled", "ledger", "statements"),
    "settings": ("staff", "operator", "first_steps", "permission_fields", "notices"),
    "reports": ("reports", "summary", "report_form", "dashboard", "business", "search"),
    "selling": ("rate_analysis", "analysis_form", "deals", "deal_form", "deal_panels"),
    "generators": ("generators", "generator_form", "generator_runs"),
    "notifications": ("notifications",),
    "mails": ("mails", "mailboxes", "mailbox_form"),
    "sheets": (
        "sheets",
        "sheet_layout",
        "sheet_changes",
        "sheet_terms",
        "sheet_words",
        "sheet_steps",
        "rates_grid",
        "rate_edits",
        "rate_forms",
        "pricing",
    ),
}


OF_ROOMS: Final = {"reports": "reports", "pricing": "notifications"}  # rooms that speak by themselves: in mails


def messages() -> dict[tuple[str, str], tuple[str, Entry]]:
    """Every text by context and message, with the catalogue that it stands in."""
    found: dict[tuple[str, str], tuple[str, Entry]] = {}
    sources = (
        _of_programs(),
        (("pages", each) for each in _of_templates()),
        (("names", each) for each in _of_models()),
        (("settings", Entry(message=each)) for each in (*SENTENCES.values(), *ROLE_NAMES.values())),
    )
    for place, entry in (each for source in sources for each in source):
        known = found.setdefault(entry.key, (place, entry))[1]
        known.plural = known.plural or entry.plural
    return found


def missing(code: str) -> list[tuple[str, Entry]]:
    """The texts that a language lacks: absent, empty, or only guessed."""
    entries = [entry for path in (FOLDER / code).glob("*.po") for entry in read_po(path.read_text(encoding="utf-8"))]
    there = {entry.key for entry in entries if entry.is_translated}
    return [found for key, found in messages().items() if key not in there]


def as_po(entries: Iterable[Entry], code: str) -> str:
    """A catalogue with those entries, as a translator wants it."""
    forms = PLURALS[code]
    head = f'msgid ""\nmsgstr ""\n"Language: {code}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: {forms}\\n"\n'
    return "\n".join([head, *map(_entry, entries)])


def _entry(entry: Entry) -> str:
    lines = [f"msgctxt {_quoted(entry.context)}"] if entry.context else []
    lines.append(f"msgid {_quoted(entry.message)}")
    if entry.plural:
        lines.append(f"msgid_plural {_quoted(entry.plural)}")
        lines += [f"msgstr[{form}] {_quoted(entry.translations.get(form, ''))}" for form in (0, 1)]
    else:
        lines.append(f"msgstr {_quoted(entry.translations.get(0, ''))}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def _of_programs() -> Iterator[tuple[str, Entry]]:
    by_module = {module: place for place, modules in PLACES.items() for module in modules}
    for folder in SPEAKING:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            place = by_module.get(path.stem, "frame") if folder == "backoffice" else OF_ROOMS.get(folder, "signing_in")
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield from ((place, entry) for entry in _of_call(node))


def _of_call(node: ast.Call) -> Iterator[Entry]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if name in ONE and texts:
        yield Entry(message=texts[0])
    elif name in SEVERAL and len(texts) > 1:
        yield Entry(message=texts[0], plural=texts[1])
    elif name in PLACED and len(texts) > 1:
        yield Entry(context=texts[0], message=texts[1])


def of_unfold() -> dict[tuple[str, str], Entry]:
    """What Unfold says, which has no French of its own."""
    folder = Path(unfold.__file__).parent
    calls = (node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    found = [entry for node in calls if isinstance(node, ast.Call) for entry in _of_call(node)]
    return {entry.key: entry for entry in [*_of_templates(folder), *found]}


def _of_templates(folder: Path = SOURCE) -> Iterator[Entry]:
    for path in sorted([*folder.rglob("templates/**/*.html"), *folder.rglob("templates/**/*.txt")]):
        text = path.read_text()
        for one, other in TRANSLATE.findall(text):
            yield Entry(message=(one or other).replace("%", "%%"))  # as Django looks it up
        for options, body in BLOCK.findall(text):
            parts = re.split(r"\{%\s*plural\s*%\}", body)
            said = [_of_block(" ".join(part.split()) if "trimmed" in options else part) for part in parts]
            yield Entry(message=said[0], plural=said[1] if len(said) > 1 else "")


def _of_block(text: str) -> str:
    return VARIABLE.sub(r"%(\1)s", text.replace("%", "%%"))


# Choices of models that have no screen of their own, shown in panels and forms of others.
CHOICES: Final = (ContactRole, DestinationKind, ReceiptState, AlarmKind, LineKind, AttachedFormat)


def _of_models() -> Iterator[Entry]:
    """Names, help and choices of what the office shows. Django's own names are Django's to translate."""
    from trunkline.backoffice.site import site

    for model, screen in site._registry.items():
        yield from _named(model._meta.verbose_name, model._meta.verbose_name_plural)
        for field in model._meta.fields:
            if not field.editable and field.name not in _shown(screen):
                continue
            yield from _named(field.verbose_name, field.help_text)
            yield from _named(*(label for _value, label in field.flatchoices))

    for choices in CHOICES:
        yield from _named(*choices.labels)


def _shown(screen: Any) -> set[str]:
    return {name for names in (screen.list_display, screen.fields or ()) for name in names if isinstance(name, str)}


def _named(*texts: Any) -> Iterator[Entry]:
    from django.utils.translation import override

    with override(None):  # as the source has it
        for text in texts:
            if str(text):
                yield Entry(message=str(text))


def main(code: str) -> None:
    """Print what a language lacks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    import django

    django.setup()
    lacking = missing(code)
    for place in sorted({place for place, _entry in lacking}):
        sys.stdout.write(f"# {place}.po\n")
        sys.stdout.writelines(_entry(entry) + "\n" for where, entry in lacking if where == place)


if __name__ == "__main__":
    main(sys.argv[1])
