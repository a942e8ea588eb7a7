"""What the office and the pages of signing in say: every text of theirs that goes through gettext."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import trunkline
from trunkline.core.po import Entry

SOURCE: Final = Path(trunkline.__file__).parent
SPEAKING: Final = ("backoffice", "platform", "identity")
ONE: Final = {"gettext", "gettext_lazy", "gettext_noop", "_"}
SEVERAL: Final = {"ngettext", "ngettext_lazy"}
PLACED: Final = {"pgettext", "pgettext_lazy"}
TRANSLATE: Final = re.compile(r"""\{%\s*trans(?:late)?\s+(?:"([^"]*)"|'([^']*)')""")
BLOCK: Final = re.compile(r"\{%\s*blocktrans(?:late)?\b([^%]*)%\}(.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL)
VARIABLE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def messages() -> dict[tuple[str, str], Entry]:
    """Every text by context and message, with where it stands as its only translation."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in [*_of_programs(), *_of_templates(), *_of_models()]:
        found.setdefault(entry.key, entry)
    return found


def _of_programs() -> Iterator[Entry]:
    for folder in SPEAKING:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[Entry]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if name in ONE and texts:
        yield Entry(message=texts[0])
    elif name in SEVERAL and len(texts) > 1:
        yield Entry(message=texts[0], plural=texts[1])
    elif name in PLACED and len(texts) > 1:
        yield Entry(context=texts[0], message=texts[1])


def _of_templates() -> Iterator[Entry]:
    for path in sorted(SOURCE.rglob("templates/**/*.html")):
        text = path.read_text()
        for one, other in TRANSLATE.findall(text):
            yield Entry(message=one or other)
        for options, body in BLOCK.findall(text):
            parts = re.split(r"\{%\s*plural\s*%\}", body)
            said = [VARIABLE.sub(r"%(\1)s", " ".join(part.split()) if "trimmed" in options else part) for part in parts]
            yield Entry(message=said[0], plural=said[1] if len(said) > 1 else "")


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


def _shown(screen: Any) -> set[str]:
    return {name for names in (screen.list_display, screen.fields or ()) for name in names if isinstance(name, str)}


def _named(*texts: Any) -> Iterator[Entry]:
    from django.utils.translation import override

    with override(None):  # as the source has it
        for text in texts:
            if str(text):
                yield Entry(message=str(text))
