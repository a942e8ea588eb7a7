"""Code expressions of rate files: `44301,44303`, `44301-44303`, `443(0-2)1` are sets of plain codes.

The engine and the database know plain codes only; an expression is spread out when a file is read.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import Final

from trunkline.core.errors import Invalid

CODES_MAX: Final = 100_000
CODE_DIGITS_MAX: Final = 18  # what an int64 key of the prefix index holds

_ITEM = re.compile(r"(?:[^,;\s()\[\]]|\([^()\[\]]*\)|\[[^()\[\]]*\])+")
_SEPARATORS = re.compile(r"[,;\s]*")
_PIECE = re.compile(r"[0-9]+|\([^)]*\)|\[[^\]]*\]", re.ASCII)
_MEMBER = re.compile(r"[^,;\s]+")
_RANGE = re.compile(r"([0-9]+)-([0-9]+)", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def expand_codes(expression: str) -> list[str]:
    """The plain codes of `expression`, each once, in the order written.

    A list by comma, semicolon or space; a range of codes of equal length; digit sets in brackets, which may hold lists
    and ranges themselves: `443(0-2,7)1`. The empty code is no expression and is refused like any other bad text.
    Raises Invalid: `bad_code`; `too_many_codes` for more than 100,000, told before they are spread out.
    """
    if not _SEPARATORS.fullmatch(_ITEM.sub("", expression)):
        raise _bad(expression)
    codes: dict[str, None] = {}
    count = 0
    for match in _ITEM.finditer(expression):
        alternatives = _alternatives(match[0])
        count += prod(map(len, alternatives))
        if count > CODES_MAX:
            raise _too_many()
        codes.update(dict.fromkeys(map("".join, product(*alternatives))))
    if not codes:
        raise Invalid("bad_code", "There is no code.")
    for code in codes:
        if len(code) > CODE_DIGITS_MAX:
            raise Invalid("bad_code", f"{code} has more than {CODE_DIGITS_MAX} digits.", code=code)
    return list(codes)


def _alternatives(item: str) -> list[list[str]]:
    """One list item as the parts whose product it is: `443(0-2)1` gives ["443"], ["0", "1", "2"], ["1"]."""
    if _RANGE.fullmatch(item):
        return [_range(item)]
    if _PIECE.sub("", item):
        raise _bad(item)
    alternatives: list[list[str]] = []
    size = 1
    for match in _PIECE.finditer(item):
        piece = match[0]
        alternatives.append(_digit_set(piece) if piece[0] in "([" else [piece])
        size *= len(alternatives[-1])
        if size > CODES_MAX or len(alternatives) > 2 * CODE_DIGITS_MAX:
            raise _too_many() if size > CODES_MAX else _bad(item)
    return alternatives


def _digit_set(piece: str) -> list[str]:
    digits: dict[str, None] = {}
    for match in _MEMBER.finditer(piece[1:-1]):
        member = match[0]
        digits.update(dict.fromkeys([member] if _DIGITS.fullmatch(member) else _range(member)))
        if len(digits) > CODES_MAX:
            raise _too_many()
    if not digits:
        raise _bad(piece)
    return list(digits)


def _range(text: str) -> list[str]:
    match = _RANGE.fullmatch(text)
    if match is None or len(text) > 2 * CODE_DIGITS_MAX + 1:
        raise _bad(text)
    first, last = match.groups()
    if len(first) != len(last) or first > last:
        raise Invalid(
            "bad_code",
            f"{text} is no range of codes.",
            hint="Both ends have as many digits, the lower first.",
            text=text,
        )
    if int(last) - int(first) >= CODES_MAX:
        raise _too_many()
    return [str(code).rjust(len(first), "0") for code in range(int(first), int(last) + 1)]


def _bad(text: str) -> Invalid:
    return Invalid(
        "bad_code",
        f"{text[:64]!r} is no code.",
        hint="Write 44301, 44301-44303 or 443(0-2)1, several with commas.",
        text=text[:64],
    )


def _too_many() -> Invalid:
    return Invalid("too_many_codes", f"That stands for more than {CODES_MAX} codes.", hint="Use shorter codes.")
