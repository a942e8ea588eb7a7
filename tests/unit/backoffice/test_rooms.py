"""Errors, reasons and checks in the reader's language: nothing that the rooms say to the office is missing, and values stay what they were."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import override

from tests.unit.backoffice.said_by_rooms import missing, texts
from trunkline.backoffice.hints import error_text
from trunkline.backoffice.languages import languages
from trunkline.backoffice.rooms import FOLDER, catalogue, in_words
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.po import read_po
from trunkline.pricing.checks import CHECKS
from trunkline.usage.reasons import FileFailure, Reason

PLACE = re.compile(r"\{(\d*)\}")
OTHERS = sorted(set(languages()) - {"en"})
each_language = pytest.mark.parametrize("code", OTHERS)


def test_every_language_of_the_office_has_a_catalogue_of_the_rooms() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.po")) == OTHERS


@each_language
def test_nothing_that_the_rooms_say_lacks_its_translation(code: str) -> None:
    assert missing(catalogue(code)) == [], f"`python -m tests.unit.backoffice.said_by_rooms {code}` prints them"


@each_language
def test_no_translation_is_of_what_no_room_says(code: str) -> None:
    assert sorted(set(catalogue(code)) - set(texts())) == []


@each_language
def test_a_translation_has_a_place_for_each_value(code: str) -> None:
    for text, translation in catalogue(code).items():
        numbered = [int(found) for found in PLACE.findall(translation) if found]
        places = sorted(numbered) if numbered else list(range(len(PLACE.findall(translation))))
        assert places == list(range(text.count("{}"))), text


@each_language
def test_nothing_is_translated_twice(code: str) -> None:
    said = [entry.message for entry in read_po((FOLDER / f"{code}.po").read_text())]
    assert len(said) == len(set(said))


@each_language
def test_every_sentence_is_recognised_with_values_in_it(code: str) -> None:
    with override(code):
        for text, translation in catalogue(code).items():
            first, *rest = text.split("{}")
            values = [f"v{number}v" for number in range(len(rest))]
            told = first + "".join(f"{value}{part}" for value, part in zip(values, rest, strict=True))
            assert not values or in_words(told) == translation.format(*values), text


@pytest.mark.parametrize(
    ("text", "french"),
    [
        ("There is no switch 'edge 1'.", "Il n’y a pas de commutateur 'edge 1'."),
        # Sentences one after the other, as an error is written down with what to do about it.
        (
            "'x' is no code. Write digits, such as 254.",
            "'x' n’est pas un code. Écrivez des chiffres, tels que 254.",
        ),
        # A sentence in a sentence, and one below the other.
        ("Line 7: 'x' is no code.", "Ligne 7 : 'x' n’est pas un code."),
        (
            "Checks have stopped the sheet:\nPrices are below zero.",
            "Des contrôles ont arrêté la fiche :\nDes prix sont inférieurs à zéro.",
        ),
        # A name before a sentence, a figure after it.
        (
            "zero: Prices are zero and the codes are not blocked. (3)",
            "zero: Des prix sont nuls et les codes ne sont pas bloqués. (3)",
        ),
        # A list.
        (
            "it costs 7 more a month, and the limit is 5; 2 rows cannot be read; odd",
            "elle coûte 7 de plus par mois, et la limite est 5; 2 lignes ne peuvent pas être lues; odd",
        ),
        # An ending that may be empty.
        ("There is no space left on the disk.", "Il n’y a plus de place sur le disque."),
        ("What nobody has written down.", "What nobody has written down."),
        ("", ""),
    ],
)
def test_what_the_rooms_say_is_said_in_french(text: str, french: str) -> None:
    with override("fr"):
        assert in_words(text) == french
    for language in ("en", None):
        with override(language):
            assert in_words(text) == text


def test_of_two_that_fit_the_one_that_says_more_is_meant() -> None:
    with override("fr"):
        assert in_words("There is no code deck north.") == "Il n’y a pas de plan de codes north."


def test_an_error_says_in_french_what_is_wrong_and_what_to_do_and_keeps_its_code() -> None:
    error = Conflict(
        "deck_changed", "The deck was changed meanwhile, at 12:00.", hint="Compare again with what it has now."
    )
    command = Invalid("switch_not_found", "There is no switch 'a'.", hint="`trunkline switch list` shows them.")
    with override("fr"):
        assert error_text(error) == (
            "Le plan de codes a été modifié entre-temps, à 12:00. Comparez de nouveau avec ce qu’il a maintenant."
        )
        assert error_text(command) == "Il n’y a pas de commutateur 'a'. La liste des commutateurs les montre."
    assert (str(error), error.code) == (
        "The deck was changed meanwhile, at 12:00. Compare again with what it has now.", "deck_changed",
    )  # fmt: skip


@each_language
def test_all_reasons_and_checks_are_said(code: str) -> None:
    said = [text for each in (*Reason, *FileFailure) for text in (each.meaning, each.what_to_do)]
    said += [check.sentence for check in CHECKS.values()]
    with override(code):
        assert [text for text in said if in_words(text) == text] == []
