"""What the rooms say, in the reader's language: errors with what to do about them, reasons of rejects and of files that failed, checks of sheets.

The rooms speak English, to commands and to the API; codes are what programs go by. Here their sentences are recognised by their fixed words and said in the
language of whoever reads them in the office. The catalogues are `said_by_rooms/CODE.po`: `{}` stands where a value stands; a translation that needs
another order numbers them from the left, `{1}` before `{0}`. What no catalogue knows is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.utils.translation import get_language

from trunkline.core.po import read_po

FOLDER: Final = Path(__file__).parent / "said_by_rooms"
LONGEST: Final = 4000  # longer texts are no sentences
DEEPEST: Final = 3  # a value may be a sentence itself: what is wrong with a line
_END: Final = re.compile(r"(?<=[.!?:]) (?=\S)")
_BETWEEN: Final = "; "


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of the rooms with a place for each value, and what it is in another language."""

    pattern: re.Pattern[str]
    words: int  # how much of it is fixed: of two that fit, the one that says more is meant
    translation: str


def in_words(text: str) -> str:
    """A text of the rooms, one sentence or several, in the language of the reader."""
    code = get_language() or "en"
    if code == "en" or not text or len(text) > LONGEST:
        return text
    return _said(text, code.partition("-")[0], 0)


def _said(text: str, code: str, depth: int) -> str:
    if found := _as_one(text, code, depth):
        return found
    if "\n" in text:
        return "\n".join(_said(line, code, depth) for line in text.split("\n"))
    return _as_several(text, code, depth) or text


def _as_one(text: str, code: str, depth: int) -> str:
    """The text as one that stands in the catalogue as a whole; '' where it does not."""
    known = catalogue(code).get(text)
    if known is not None:
        return known
    fitting = [(each, found) for each in _sentences(code) if (found := each.pattern.fullmatch(text)) is not None]
    if not fitting:
        return ""
    sentence, found = max(fitting, key=lambda each: each[0].words)
    values = [_said(each, code, depth + 1) if depth < DEEPEST else each for each in found.groups()]
    return sentence.translation.format(*values)


def _as_several(text: str, code: str, depth: int) -> str:
    """The text as several sentences of which the first is known, as a name with a colon and one after it, or as a list; '' where it is none of these."""
    for place in _END.finditer(text):
        first, rest = text[: place.start()], text[place.end() :]
        known, further = _as_one(first, code, depth), _said(rest, code, depth)
        if known or (first.endswith(":") and further != rest):
            return f"{known or first} {further}"
    if _BETWEEN in text:
        return _BETWEEN.join(_as_one(each, code, depth) or each for each in text.split(_BETWEEN))
    return ""


@lru_cache(maxsize=8)
def catalogue(code: str) -> Mapping[str, str]:
    """The sentences of a language by the English ones; none where there is no such catalogue."""
    path = FOLDER / f"{code}.po"
    if not path.exists():
        return {}
    entries = read_po(path.read_text(encoding="utf-8"))
    return {entry.message: entry.translations[0] for entry in entries if entry.message and entry.is_translated}


@lru_cache(maxsize=8)
def _sentences(code: str) -> tuple[_Sentence, ...]:
    found = []
    for text, translation in catalogue(code).items():
        parts = text.split("{}")
        if len(parts) > 1:
            pattern = re.compile("(.*?)".join(map(re.escape, parts)), re.DOTALL)
            found.append(_Sentence(pattern, sum(map(len, parts)), translation))
    return tuple(found)
