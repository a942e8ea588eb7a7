"""Small facts about telephone numbers as digits (ITU-T E.164). Numbering plans and names come from `phonenumbers`."""

from __future__ import annotations

import re
from typing import Final

NUMBER_DIGITS_MAX: Final = 15  # E.164, 6.1: country code and national number together

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_E164 = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_PUNCTUATION = str.maketrans("", "", " -.()/\u00a0")


def is_digits(text: str) -> bool:
    """Whether `text` is one or more ASCII digits and nothing else."""
    return _DIGITS.fullmatch(text) is not None


def is_number_text(text: str) -> bool:
    """Whether `text` is an international number as the engine takes it: 1 to 15 digits, no plus, no leading zero."""
    return _E164.fullmatch(text) is not None


def digits_of(text: str) -> str:
    """The digits of a number as people write it (`+44 (20) 7946-0000`), or `` if there is anything else in it.

    Takes off one leading plus and the usual punctuation. No national rules: a leading 00 stays.
    """
    digits = text.strip().removeprefix("+").translate(_PUNCTUATION)
    return digits if is_digits(digits) else ""


def international(digits: str) -> str:
    """As people read it: `+` and the digits; nothing for an empty number."""
    return f"+{digits}" if digits else ""
