"""Which country each number is in, as a table of prefixes: what `countries.country_of` says, for whole columns at a time.

Of a calling code that several countries share, the smaller ones are known by what their numbers look like. Those descriptions are regular
expressions; their first digits are what is needed here. No Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from phonenumbers import PhoneMetadata
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from trunkline.tariffs.countries import TELLING_DIGITS_MAX, country_of

_DIGITS: Final = "0123456789"
_AREA_CODE_DIGITS: Final = 3
_NANP: Final = 1
_DESCRIPTIONS: Final = ("fixed_line", "mobile", "toll_free", "premium_rate", "voip")
_TOKEN = re.compile(r"\[[^]]*\]|\\d|\(\?:|[()|]|\{(?P<least>\d+)(?:,\d*)?\}|[?*+]|\d", re.ASCII)


@lru_cache(maxsize=1)
def country_prefixes() -> Mapping[str, str]:
    """The prefixes by which countries are told, each with the ISO 3166 code; the longest that a number begins with counts.

    "" for calling codes of no country. About a thousand prefixes of up to nine digits.
    """
    found: dict[str, str] = {}
    for calling, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        found[str(calling)] = "" if regions[0] == "001" else str(regions[0])
        digits = _AREA_CODE_DIGITS if calling == _NANP else TELLING_DIGITS_MAX
        for region in regions[1:]:
            for national in _beginnings(str(region), digits):
                prefix = f"{calling}{national}"
                country = country_of(prefix)
                if country != found[str(calling)]:
                    found[prefix] = country
    return found


def _beginnings(region: str, digits: int) -> set[str]:
    """The first digits, up to that many, by which a region's national numbers are known."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return set()
    if metadata.leading_digits is not None:
        return {each for each in _first_digits(metadata.leading_digits, digits) if each}
    patterns = (getattr(metadata, name) for name in _DESCRIPTIONS)
    return {
        each
        for description in patterns
        if description is not None and description.national_number_pattern
        for each in _first_digits(description.national_number_pattern, digits)
        if len(each) > 1
    }


def _first_digits(pattern: str, digits: int) -> Iterator[str]:
    """What texts of the pattern begin with: as far as it names digits, and no further than `digits`."""
    tokens = [match[0] for match in _TOKEN.finditer(pattern)]
    if "".join(tokens) != pattern:
        raise ValueError(f"not understood: {pattern}")
    beginnings, at = _alternatives(tokens, 0, digits)
    if at != len(tokens):
        raise ValueError(f"not understood: {pattern}")
    for text, _ in beginnings:
        yield text


# What a part of a pattern can begin with, and whether it is known to its end: then what follows goes on from there.
_Beginnings = set[tuple[str, bool]]


def _alternatives(tokens: list[str], at: int, digits: int) -> tuple[_Beginnings, int]:
    found: _Beginnings = set()
    branch: _Beginnings = {("", True)}
    while at < len(tokens) and tokens[at] != ")":
        if tokens[at] == "|":
            found |= branch
            branch, at = {("", True)}, at + 1
            continue
        part, at = _part(tokens, at, digits)
        branch = _joined(branch, part, digits)
    return found | branch, at


def _part(tokens: list[str], at: int, digits: int) -> tuple[_Beginnings, int]:
    token = tokens[at]
    if token in ("(", "(?:"):
        part, at = _alternatives(tokens, at + 1, digits)
        at += 1
    else:
        part, at = _single(token), at + 1
    if at < len(tokens) and (tokens[at][0] in "?*+{"):
        quantifier, at = tokens[at], at + 1
        fixed = re.fullmatch(r"\{(\d+)\}", quantifier)
        if fixed is None:  # it may be there or not: nothing is known from here on
            return {("", False)}, at
        repeated: _Beginnings = {("", True)}
        for _ in range(min(int(fixed[1]), digits)):
            repeated = _joined(repeated, part, digits)
        part = repeated
    return part, at


def _single(piece: str) -> _Beginnings:
    if piece == r"\d":
        return {("", False)}
    if piece[0] != "[":
        return {(piece, True)}
    named = set()
    for first, last in re.findall(r"(\d)(?:-(\d))?", piece):
        named |= set(_DIGITS[int(first) : int(last or first) + 1])
    return {(digit, True) for digit in named}


def _joined(before: _Beginnings, after: _Beginnings, digits: int) -> _Beginnings:
    joined: _Beginnings = set()
    for text, is_whole in before:
        if not is_whole or len(text) >= digits:
            joined.add((text[:digits], False))
            continue
        joined |= {((text + more)[:digits], ends) for more, ends in after}
    return joined
