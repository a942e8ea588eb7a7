"""Prices as vendors write them, exact: currency signs, decimal commas, thousands, words instead of a price."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS, require_int64, scaled
from trunkline.pricing.sheets.words import BLOCKED_WORDS, CLOSED_WORDS, CURRENCY_SIGNS, currencies_in, plain


class Kind(StrEnum):
    """What a line says of its code."""

    RATE = "rate"
    BLOCKED = "blocked"  # not sold: traffic must not fall to a shorter code
    CLOSED = "closed"  # no longer offered: a shorter code may apply


class Mark(StrEnum):
    """The decimal mark of a column."""

    POINT = "."
    COMMA = ","


@dataclass(frozen=True, slots=True)
class PriceCell:
    """What a cell of a price column says: units of 10^-10, or a kind without a price; the currency if it names one."""

    units: int | None
    kind: Kind = Kind.RATE
    currency: str = ""


_PLAIN: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?", re.ASCII)
_SIGNS: Final = "".join(CURRENCY_SIGNS)
_UNIT: Final = re.compile(
    r"(?i)(?:/|\bper\b|\bpro\b|\bpar\b|\bpor\b|\bal\b|\bза\b)\s*(?:1\s*)?(?:min(?:ute|uto|uten)?s?|мин\w*|call|sms|msg)\.?\s*$"
)
_DASHES: Final = str.maketrans({"−": "-", "–": "-", "—": "-"})
_BLANKS: Final = re.compile(r"[\s\u00a0'’`]")
_NUMBER: Final = re.compile(r"([+-]?)([0-9.,]*[0-9][.,]?)(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)
_RANGE: Final = re.compile(r"[0-9]\s*(?:-|to|bis|\.\.)\s*[^0-9]{0,4}[0-9]")
_GROUPS: Final = {
    Mark.POINT: re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?", re.ASCII),
    Mark.COMMA: re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?", re.ASCII),
}
_LENGTH_MAX: Final = 64


def bare(text: str) -> tuple[str, str]:
    """The number of a cell without currency, unit and blanks, and the currency."""
    if _PLAIN.fullmatch(text):
        return text, ""
    text = text.translate(_DASHES).rstrip("*↑↓▲▼ ") or text
    currency = ""
    if not text.isascii() or any(each.isalpha() or each in _SIGNS for each in text):
        found = currencies_in(text)
        currency = found[0] if found else ""
        text = _UNIT.sub("", text)
        text = re.sub(rf"(?i)(?<![a-z])(?:{'|'.join(found)}|us|rs)(?![a-z])", "", text) if found else text
        text = re.sub(rf"[{re.escape(_SIGNS)}]", "", text)
        text = re.sub(r"(?i)(?<=[0-9])\s*(?:euros?|dollars?|pounds?|ct|cents?|cts)\.?$|^\s*(?:euros?)\s*", "", text)
    return _BLANKS.sub("", text), currency


def read_price(text: str, mark: Mark, shift: int = 0, times: int = 1) -> PriceCell:
    """A cell of a price column; `shift` decimals to the left where it counts cents, `times` 60 where it is by the second.

    Raises Invalid `bad_price`, `price_range`, `price_precision`, `negative_price`, `overflow`.
    """
    if len(text) > _LENGTH_MAX:
        raise _bad(text)
    number, currency = bare(text)
    match = _NUMBER.fullmatch(number)
    if match is None:
        kind = kind_of_word(text)
        if kind is not None:
            return PriceCell(None, kind)
        if _RANGE.search(text):
            raise Invalid("price_range", f"{text!r} is a range, no price.", hint="Ask for a price of each code.")
        raise _bad(text)
    if match[1] == "-" and match[2].strip("0.,"):
        raise Invalid("negative_price", f"{text!r} is below zero.")
    power = int(match[3] or 0) - shift
    return PriceCell(_units(decimal_text(match[2], mark, text), power, text) * times, Kind.RATE, currency)


def decimal_text(number: str, mark: Mark, text: str) -> str:
    """Digits with one point, from digits with thousands and the column's decimal mark."""
    other = "," if mark is Mark.POINT else "."
    if other in number:
        if not _GROUPS[mark].fullmatch(number):
            raise _bad(text)
        number = number.replace(other, "")
    if number.count(mark) > 1:
        raise _bad(text)
    number = number.replace(",", ".")
    number = f"0{number}" if number.startswith(".") else number
    return number.removesuffix(".")


def _units(number: str, power: int, text: str) -> int:
    whole, _, part = number.partition(".")
    if power > 0:
        part = part.ljust(power, "0")
        whole, part = whole + part[:power], part[power:]
    elif power < 0:
        whole = whole.rjust(1 - power, "0")
        whole, part = whole[:power], whole[power:] + part
    units = scaled(f"{whole}.{part}" if part else whole, PRICE_DECIMALS, code="price_precision", what="price")
    return require_int64(units, what="price")


def kind_of_word(text: str) -> Kind | None:
    """Blocked or closed, by the word in the place of a price; None for other words."""
    word = plain(text)
    if word in CLOSED_WORDS:
        return Kind.CLOSED
    if word in BLOCKED_WORDS or not re.search(r"\w", text):
        return (
            Kind.BLOCKED
            if text.strip() in {"-", "--", "---", "–", "—", "*", "x", "X"} or word in BLOCKED_WORDS
            else None
        )
    return None


def find_mark(texts: list[str]) -> tuple[Mark, str]:
    """The decimal mark of a column by all its texts, and how it is known: "told", "assumed" or "unclear".

    `0,0100` tells the comma, `0.0100` the point, `1.234,5` both at once. `1,250` alone tells nothing.
    """
    point = comma = unclear = 0
    for text in texts:
        number, _ = bare(text)
        if _NUMBER.fullmatch(number) is None:
            continue
        number = re.split("[eE]", number.lstrip("+-"))[0]
        last = max(number.rfind("."), number.rfind(","))
        if last < 0:
            continue
        mark, other = number[last], "," if number[last] == "." else "."
        if other in number or len(number) - last - 1 != 3 or number[:last].strip("0") == "":
            if number.count(mark) == 1:
                point, comma = point + (mark == "."), comma + (mark == ",")
            else:
                point, comma = point + (mark == ","), comma + (mark == ".")
        elif number.count(mark) > 1:
            point, comma = point + (mark == ","), comma + (mark == ".")
        elif mark == ",":
            unclear += 1
    if point and comma:
        return (Mark.COMMA if comma > point else Mark.POINT), "unclear"
    if comma:
        return Mark.COMMA, "told"
    if point:
        return Mark.POINT, "told"
    return Mark.POINT, "unclear" if unclear else "assumed"


def _bad(text: str) -> Invalid:
    return Invalid("bad_price", f"{text[:64]!r} is no price.")
