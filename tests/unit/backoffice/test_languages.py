"""The office in other languages: nothing that it says is missing in one, and nothing stands there that it does not say."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import gettext, ngettext, override

from tests.unit.backoffice.messages import PLURALS, messages, missing, of_unfold
from trunkline.backoffice.languages import FOLDER, languages
from trunkline.core.po import Entry, read_po

FIELD = re.compile(r"%\(([\w.]+)\)[sd]|(%s)")
OTHERS = sorted(set(languages()) - {"en"})
each_language = pytest.mark.parametrize("code", OTHERS)


def entries(code: str) -> list[Entry]:
    paths = sorted((FOLDER / code).glob("*.po"))
    return [entry for path in paths for entry in read_po(path.read_text(encoding="utf-8")) if entry.message]


def fields(text: str) -> set[tuple[str, str]]:
    return set(FIELD.findall(text))


def test_there_is_french() -> None:
    assert OTHERS == ["fr"] == sorted(PLURALS)


@each_language
def test_no_text_lacks_its_translation(code: str) -> None:
    lacking = [f"{place}.po: {entry.message}" for place, entry in missing(code)]
    assert lacking == [], f"`python -m tests.unit.backoffice.messages {code}` prints them for the catalogues"


@each_language
def test_no_translation_is_of_a_text_that_is_gone(code: str) -> None:
    said = messages().keys() | of_unfold().keys()
    assert [entry.message for entry in entries(code) if entry.key not in said] == []


@each_language
def test_no_text_is_translated_twice(code: str) -> None:
    keys = [entry.key for entry in entries(code)]
    assert sorted(keys) == sorted(set(keys))


@each_language
def test_a_translation_has_the_fields_of_its_text(code: str) -> None:
    wrong = [
        entry.message
        for entry in entries(code)
        for form, text in entry.translations.items()
        if fields(text) != fields(entry.plural if form and entry.plural else entry.message)
    ]
    assert wrong == []


def test_the_office_speaks_french() -> None:
    with override("fr"):
        assert gettext("Call records") == "Appels"
        assert ngettext("%(count)s rate is voided.", "%(count)s rates are voided.", 2) == "%(count)s prix sont annulés."
    with override("en"):
        assert (gettext("Search apps and models..."), gettext("batches")) == ("Search", "files")
