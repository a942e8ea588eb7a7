"""What a code says of its destination: the country, and the kind that its name suggests. No Django."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE, region_code_for_number

_CALLING_CODE_DIGITS: Final = (1, 2, 3)
TELLING_DIGITS_MAX: Final = 6  # of a national number; no country that shares a calling code needs more
_TELLING_DIGITS: Final = {"1": 3}  # the area code
_FILLINGS: Final = "2570"
_KINDS: Final = (
    ("toll_free", re.compile(r"\b(toll.?free|freephone)\b", re.IGNORECASE)),
    ("special", re.compile(r"\b(premium|special|satellite|shared.cost|personal|paging|pager)\b", re.IGNORECASE)),
    ("mobile", re.compile(r"\b(mobiles?|cellular|gsm|pcs)\b", re.IGNORECASE)),
    ("fixed", re.compile(r"\b(fixed|proper|landline|geographic)\b", re.IGNORECASE)),
)


def country_of(code: str) -> str:
    """ISO 3166 code of the country that numbers with this code are in; "" for none, or a code shorter than a country's.

    Where several countries share a calling code, as in North America, the one that whole numbers with this code are in;
    the main one where that is not known.
    """
    for digits in _CALLING_CODE_DIGITS:
        calling = code[:digits]
        regions = (
            COUNTRY_CODE_TO_REGION_CODE.get(int(calling)) if len(calling) == digits and calling[0] != "0" else None
        )
        if regions is not None:
            return _region(int(calling), code[digits:][: _TELLING_DIGITS.get(calling, TELLING_DIGITS_MAX)])
    return ""


@lru_cache(maxsize=100_000)
def _region(calling: int, national: str) -> str:
    regions = COUNTRY_CODE_TO_REGION_CODE[calling]
    main = str(regions[0])
    if main == "001":  # the calling code of no country
        return ""
    if len(regions) == 1 or not national:
        return main
    # Which of them a code belongs to is known of whole numbers only: make it one, in a few ways.
    metadata = PhoneMetadata.metadata_for_region(main)
    for digits in metadata.general_desc.possible_length if metadata and metadata.general_desc else ():
        for filling in _FILLINGS if digits >= len(national) else "":
            whole = int(national.ljust(digits, filling))
            number = phonenumbers.PhoneNumber(calling, whole, italian_leading_zero=national[0] == "0")
            region = region_code_for_number(number)
            if region is not None:
                return str(region)
    return main


def kind_of(name: str) -> str:
    """The kind of a destination by the words in its name; `other` if it says none."""
    return next((kind for kind, words in _KINDS if words.search(name)), "other")
