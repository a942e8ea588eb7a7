"""Codes as vendors write them, to plain digits. The rules stand in docs/algorithms/rate-sheets.md, section 3.

One cell can hold a list, ranges, digit sets, a pattern, the country apart from its cities, and what a spreadsheet made of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import product
from math import prod
from typing import Final

from phonenumbers import PhoneMetadata
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from trunkline.core.e164 import NUMBER_DIGITS_MAX
from trunkline.core.errors import Invalid

CODES_MAX: Final = (
    20_000  # of one cell; a list beyond a spreadsheet's cell of 32,767 characters is split over rows anyway
)


class Hyphen(StrEnum):
    """What a hyphen between two pieces of equal rights means in a column."""

    RANGE = "range"
    SEPARATOR = "separator"


@dataclass(frozen=True, slots=True)
class CodeRules:
    """How the cells of one sheet are read. `hyphen` decides only where both readings make sense."""

    hyphen: Hyphen = Hyphen.RANGE
    joins_country: bool = True  # area codes beside a country column lack the country, unless they begin with it


_SCIENTIFIC: Final = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})", re.ASCII)
_FRACTION: Final = re.compile(r"([0-9]+)[.,]0+", re.ASCII)
_FORMULA: Final = re.compile(r'="?([^"]*)"?')
_PATTERN: Final = re.compile(r"\^?\+?([0-9\[\]|(),?:\-]*?)(?:\.\*|\.\+|\\d[*+]|\[0-9\][*+]|\.)?\$?")
_SIMPLE_PATTERN: Final = re.compile(r"\^([1-9][0-9]{0,14})\.\*", re.ASCII)
_TRAILING: Final = re.compile(r"(?:[xX*#%_]+|\.+)$")
_LETTER_SETS: Final = {
    "x": "0123456789",
    "X": "0123456789",
    "z": "123456789",
    "Z": "123456789",
    "n": "23456789",
    "N": "23456789",
}
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_ALLOWED: Final = re.compile(r"[0-9+()\[\]{}\-–—−,;/|.:&\s\"'=^*?$\\xXeEdDzZnN~_#tothrubisTOHRUBIS]+")
_DASHES: Final = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "~": "-",
        "\u00a0": " ",
        "（": "(",
        "）": ")",
        "，": ",",
        "；": ";",
        "、": ",",
    }
)
_RANGE: Final = re.compile(r"([0-9]+)\s*(?:-|\.\.+|:)\s*([0-9]+)", re.ASCII)
_WORD_RANGE: Final = re.compile(r"([0-9])\s+(?:to|bis|thru|through)\s+([0-9])", re.IGNORECASE)
_ITEM: Final = re.compile(r"(?:\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|[^,;|/&\s()\[\]{}])+")
_SETS: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}")
_HYPHENED: Final = re.compile(r"\(?\+?([0-9]+)\s*-\s*([0-9]+)\)?", re.ASCII)
_HEAD_SETS: Final = re.compile(r"\+?([0-9]+)\s+[(\[]([0-9,;\s\-]+)[)\]]", re.ASCII)
_HEAD_LIST: Final = re.compile(r"\+?([0-9]{1,4})\s*[:=\s]\s*([0-9].*)", re.ASCII)


def read_codes(text: str, country: str = "", rules: CodeRules = CodeRules()) -> list[str]:
    """The plain codes of a cell, each once, in the order written; `country` is the country code of another column, if there is one.

    Raises Invalid `bad_code`, `no_code`, `code_digits_lost`, `too_many_codes`.
    """
    simple = _SIMPLE_PATTERN.fullmatch(text)
    if simple and not country:
        return [simple[1]]
    text = unwrapped(text)
    if not text:
        raise Invalid("no_code", "There is no code.")
    if not _ALLOWED.fullmatch(text):
        raise _bad(text)
    plain = _spreadsheet_number(text)
    if plain is not None:
        return _placed([plain], country, rules)
    found: dict[str, None] = {}
    for code in _expanded(_WORD_RANGE.sub(r"\1-\2", text), country, rules):
        found[code] = None
        if len(found) > CODES_MAX:
            raise _too_many()
    if not found:
        raise _bad(text)
    return list(found)


def unwrapped(text: str) -> str:
    """Without what a spreadsheet or a database wraps a code in: `'44`, `="44"`, dots at the end, the blanks of other alphabets."""
    text = text.translate(_DASHES).strip().strip("'`´’\"").strip()
    formula = _FORMULA.fullmatch(text)
    if formula:
        text = formula[1].strip()
    return text.strip(" .,;\"'")


def _spreadsheet_number(text: str) -> str | None:
    """`447911.0` and `4.47911E+05` are 447911; a power of ten that has more digits than are written has lost some."""
    if _DIGITS.fullmatch(text):
        return text
    fraction = _FRACTION.fullmatch(text)
    if fraction:
        return fraction[1]
    match = _SCIENTIFIC.fullmatch(text)
    if match is None:
        return None
    whole, part, power = match[1], (match[2] or "").rstrip("0"), int(match[3])
    if power > len(match[2] or ""):
        raise Invalid(
            "code_digits_lost",
            f"{text} is a number of {power + 1} digits of which {1 + len(match[2] or '')} are left.",
            hint="Ask for the sheet with codes kept as text.",
        )
    if power < len(part):
        raise _bad(text)
    return whole + (match[2] or "")[:power]


def _expanded(text: str, country: str, rules: CodeRules) -> list[str]:
    if "^" in text or ".*" in text or "\\d" in text or "$" in text:
        return [
            code
            for item in re.split(r"[;\s]+|,(?![^(\[]*[)\]])", text)
            if item
            for code in _placed(_pattern(item), country, rules)
        ]
    # 880 (17,18): the country, then a list in brackets; without the blank it is a digit set.
    head = _HEAD_SETS.fullmatch(text)
    if head:
        return _placed(_list(head[2], rules), head[1], rules)
    if not country:
        head = _HEAD_LIST.fullmatch(text)
        if head and _is_country_head(head[1], head[2]):
            return _placed(_list(head[2], rules), head[1], rules)
    return _placed(_list(text, rules), country, rules)


def _is_country_head(head: str, rest: str) -> bool:
    """Whether in `44 7, 447911` or `61 38,39` the first piece is a country that the others belong to, not one of a list.

    In a list by blanks alone, as `447911 447912`, the first is a code like the others.
    """
    if not is_country(head) and not (head.startswith("1") and len(head) == 4):
        return False
    items = [item for item in re.split(r"[,;|/&]+", rest) if item.strip()]
    first = items[0].split()[0] if items else ""
    return len(items) > 1 or (len(rest.split()) == 1 and bool(first))


def _list(text: str, rules: CodeRules) -> list[str]:
    text = re.sub(r"\s*-\s*", "-", text)
    left = _ITEM.sub("", text)
    if re.sub(r"[,;|/&\s]+", "", left):
        raise _bad(text)
    codes: list[str] = []
    for match in _ITEM.finditer(text):
        codes += _item(match[0], rules)
        if len(codes) > CODES_MAX:
            raise _too_many()
    return codes


def _item(item: str, rules: CodeRules) -> list[str]:
    item = item.removeprefix("+").strip("'\"").rstrip(".")
    # (+1-264), (0044): brackets around all of it are no digit set.
    if item.startswith("(") and item.endswith(")") and item.count("(") == 1 and not re.search(r"[,;\s]", item[1:-1]):
        item = item[1:-1].removeprefix("+")
    if _DIGITS.fullmatch(item):
        return [item]
    whole = _spreadsheet_number(item)
    if whole is not None:
        return [whole]
    item = re.sub(r"\(\+?([0-9]+)\)(?=-|$)", r"\1", item) if item.startswith("(") else item
    if "-" in item and not _SETS.search(item):
        return _hyphened(item, rules)
    match = _RANGE.fullmatch(item)
    if match:
        return _range_or_joined(match[1], match[2], rules)
    item = _TRAILING.sub("", item)
    return _product(item)


def _hyphened(item: str, rules: CodeRules) -> list[str]:
    parts = item.split("-")
    if not all(map(_DIGITS.fullmatch, parts)):
        stripped = _TRAILING.sub("", item)
        if stripped != item and stripped:
            return _item(stripped, rules)
        raise _bad(item)
    if len(parts) == 2:
        return _range_or_joined(parts[0], parts[1], rules)
    if len(parts) == 3 and is_country(parts[0]):
        country, left, right = parts
        if country == "1" and len(left) == len(right) == 3:
            return ["".join(parts)]  # 1-809-529, as telephone numbers are grouped
        if len(left) == len(right) and right >= left:
            return [country + code for code in _range(left, right)]
        return ["".join(parts)]
    raise _bad(item)


def _range_or_joined(left: str, right: str, rules: CodeRules) -> list[str]:
    can_join = is_country(left) or (len(left) == 4 and left[0] == "1")
    last = right if len(right) == len(left) else left[: len(left) - len(right)] + right
    can_range = len(right) <= len(left) and last >= left
    if can_range and (not can_join or rules.hyphen is Hyphen.RANGE):
        return _range(left, last)
    if can_join:
        return [left + right]
    raise Invalid(
        "bad_code",
        f"{left}-{right} is no range of codes.",
        hint="The right side of a range is not below the left, and not longer.",
    )


def hyphen_readings(text: str) -> tuple[bool, bool]:
    """Whether `12-34` can be a range, and whether it can be a country with a city."""
    match = _HYPHENED.fullmatch(unwrapped(text))
    if match is None:
        return False, False
    left, right = match.groups()
    last = right if len(right) == len(left) else left[: len(left) - len(right)] + right
    return len(right) <= len(left) and last >= left, is_country(left) or (len(left) == 4 and left[0] == "1")


def _range(first: str, last: str) -> list[str]:
    if len(first) > NUMBER_DIGITS_MAX:
        raise _bad(first)
    if int(last) - int(first) >= CODES_MAX:
        raise _too_many()
    return [str(code).rjust(len(first), "0") for code in range(int(first), int(last) + 1)]


def _product(item: str) -> list[str]:
    """`443(0-2)1`, `44[7-9]`, `447xx1`: the product of its pieces."""
    pieces: list[list[str]] = []
    at = 0
    for match in _SETS.finditer(item):
        pieces += _plain_pieces(item[at : match.start()])
        pieces.append(_members(next(group for group in match.groups() if group is not None)))
        at = match.end()
    pieces += _plain_pieces(item[at:])
    if not pieces:
        raise _bad(item)
    if prod(map(len, pieces)) > CODES_MAX:
        raise _too_many()
    return ["".join(each) for each in product(*pieces)]


def _plain_pieces(text: str) -> list[list[str]]:
    if not text:
        return []
    if _DIGITS.fullmatch(text):
        return [[text]]
    pieces = []
    for each in text:
        if each in "0123456789":
            pieces.append([each])
        elif each in _LETTER_SETS:
            pieces.append(list(_LETTER_SETS[each]))
        else:
            raise _bad(text)
    return pieces


def _members(text: str) -> list[str]:
    found: dict[str, None] = {}
    for member in re.split(r"[,;|\s]+", text.strip()):
        if not member:
            continue
        match = _RANGE.fullmatch(member)
        if match:
            left, right = match.groups()
            last = right if len(right) == len(left) else left[: len(left) - len(right)] + right
            if len(right) > len(left) or last < left:
                raise _bad(text)
            found.update(dict.fromkeys(_range(left, last)))
        elif _DIGITS.fullmatch(member):
            found[member] = None
        else:
            raise _bad(text)
    if not found:
        raise _bad(text)
    return list(found)


def _pattern(item: str) -> list[str]:
    """`^9370.*`: what any number must begin with. Alternatives in round brackets, digits in square ones."""
    match = _PATTERN.fullmatch(item.strip().strip("/"))
    body = match[1].replace("?:", "") if match else ""
    if not body:
        raise _bad(item)
    pieces: list[list[str]] = []
    at = 0
    sets = re.compile(r"\(([0-9|\[\]\-]+)\)|\[([0-9\-,]+)\]|([0-9]+)")
    for piece in sets.finditer(body):
        if piece.start() != at:
            raise _bad(item)
        at = piece.end()
        if piece[1] is not None:
            pieces.append([code for branch in piece[1].split("|") for code in _pattern(branch)])
        elif piece[2] is not None:
            pieces.append(_class(piece[2], item))
        else:
            pieces.append([piece[3]])
    if at != len(body):
        raise _bad(item)
    if prod(map(len, pieces)) > CODES_MAX:
        raise _too_many()
    return ["".join(each) for each in product(*pieces)]


def _class(text: str, item: str) -> list[str]:
    """The digits of a character class: single digits and ranges of two."""
    digits: dict[str, None] = {}
    for match in re.finditer(r"([0-9])-([0-9])|([0-9])|,", text):
        if match[1]:
            if match[1] > match[2]:
                raise _bad(item)
            digits.update(dict.fromkeys(str(each) for each in range(int(match[1]), int(match[2]) + 1)))
        elif match[3]:
            digits[match[3]] = None
    if not digits or "--" in text:
        raise _bad(item)
    return list(digits)


def _placed(codes: list[str], country: str, rules: CodeRules) -> list[str]:
    """As E.164 codes: joined with the country of another column or of the head, or without an international prefix."""
    placed = []
    for code in codes:
        if country:
            repeats = not rules.joins_country or repeats_country(code, country)
            whole = code if repeats else country + _without_trunk_zero(country, code)
        else:
            whole = _without_international(code)
        if not whole or whole[0] == "0" or len(whole) > NUMBER_DIGITS_MAX or not _DIGITS.fullmatch(whole):
            raise _bad(code)
        placed.append(whole)
    return placed


def repeats_country(code: str, country: str) -> bool:
    """Whether a token beside a country begins with it, as 447911 beside 44, and is no area code that only looks so: 39 beside 39.

    It is one of the country's own where numbers that begin so exist there.
    """
    return code.startswith(country) and len(code) > len(country) and not exists(country, code)


@lru_cache(maxsize=65_536)
def exists(country: str, national: str) -> bool:
    """Whether the country's numbering plan has numbers that begin like this; true for a country that has no plan here."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(country)) if len(country) <= 3 else None
    if not regions:
        return True
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region) or PhoneMetadata.metadata_for_nongeo_region(int(country))
        if metadata is None or metadata.general_desc is None:
            return True
        pattern = re.compile(str(metadata.general_desc.national_number_pattern))
        for digits in metadata.general_desc.possible_length:
            if digits >= len(national) and any(
                pattern.fullmatch(national.ljust(digits, filling)) for filling in "0123456789"
            ):
                return True
    return False


def _without_international(code: str) -> str:
    for prefix in ("011", "00"):
        if code.startswith(prefix) and len(code) > len(prefix):
            return code[len(prefix) :].lstrip("0") if prefix == "00" and code[2:3] == "0" else code[len(prefix) :]
    return code


@lru_cache(maxsize=4_096)
def _trunk_prefix(country: str) -> str:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(country)) if len(country) <= 3 else None
    metadata = PhoneMetadata.metadata_for_region(regions[0]) if regions else None
    return (metadata.national_prefix or "") if metadata else ""


def _without_trunk_zero(country: str, code: str) -> str:
    """The 0 that is dialled at home only is no part of the number; in Italy and some more it is."""
    return code[1:] if code.startswith("0") and len(code) > 1 and _trunk_prefix(country) == "0" else code


def is_country(digits: str) -> bool:
    """Whether these digits are a calling code of a country or of a network that is treated as one."""
    return len(digits) <= 3 and digits.isdecimal() and int(digits) in _CALLING_CODES and digits[0] != "0"


# Calling codes that phonenumbers has no plan for, but which sheets price: satellites and networks.
_CALLING_CODES: Final = frozenset(COUNTRY_CODE_TO_REGION_CODE) | {881, 882, 883, 888, 878, 979, 991}


def _bad(text: str) -> Invalid:
    return Invalid("bad_code", f"{text[:64]!r} is no code.", hint="Write 44301, 44301-44303 or 443(0-2)1.")


def _too_many() -> Invalid:
    return Invalid("too_many_codes", f"The cell stands for more than {CODES_MAX} codes.")
