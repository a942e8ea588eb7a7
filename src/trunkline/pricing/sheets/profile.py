"""What the cells of a column look like, whatever its header says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets import words as w
from trunkline.pricing.sheets.code_cells import read_codes, unwrapped
from trunkline.pricing.sheets.date_cells import SERIAL_MAX, SERIAL_MIN, is_date
from trunkline.pricing.sheets.grid import Cell, CellKind
from trunkline.pricing.sheets.increment_cells import read_increments
from trunkline.pricing.sheets.price_cells import Mark, read_price
from trunkline.pricing.sheets.words import plain

_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_WHOLE: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,15}(?:[.,]0+)?", re.ASCII)
_FRACTION: Final = re.compile(r"0*[.,][0-9]+|[0-9]*[.,][0-9]*[1-9][0-9]*", re.ASCII)
_APART: Final = re.compile(r"[0-9][,;]? +[0-9]", re.ASCII)
_PAIR: Final = re.compile(r"\s*[0-9]+\s*s?\s*[/+:x\-]\s*[0-9]+\s*s?\s*(?:[/+:\-]\s*[0-9.…]+\s*)*", re.ASCII)
_ISO: Final = re.compile(r"[A-Z]{2,3}")
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}|[$€£¥]|US\$")
INTERVALS: Final = frozenset({1, 2, 3, 5, 6, 10, 12, 15, 18, 20, 24, 30, 36, 45, 60, 90, 120, 180, 300, 600})


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares, 0 to 1, of the cells that are not empty; `filled` is the share of those, `count` their number."""

    count: int = 0
    filled: float = 0.0
    code: float = 0.0
    digits: float = 0.0
    price: float = 0.0
    fraction: float = 0.0
    date: float = 0.0
    serial: float = 0.0
    pair: float = 0.0
    interval: float = 0.0
    text: float = 0.0
    change: float = 0.0
    slot: float = 0.0
    flag: float = 0.0
    iso: float = 0.0
    currency: float = 0.0
    word: float = 0.0  # blocked, closed and the like
    undated: float = 0.0  # words for no date
    wide: float = 0.0  # three digits and more
    distinct: float = 0.0
    texts: tuple[str, ...] = ()


# What `_facts` tells of a cell, in its order.
_FACTS: Final = (
    "code", "digits", "price", "fraction", "date", "serial", "pair", "interval", "text", "change", "slot", "flag", "iso", "currency", "word", "undated", "wide",
)  # fmt: skip


@lru_cache(maxsize=65_536)
def _facts(text: str, kind: CellKind) -> tuple[bool, ...]:
    word = plain(text)
    letters = bool(_LETTERS.search(text)) or (len(text) == 1 and text.isalpha())
    digits = bool(_DIGITS.fullmatch(text))
    whole = int(text) if _WHOLE.fullmatch(text) else -1
    dated = (
        kind is CellKind.DATE
        or word in w.AT_ONCE
        or (not digits and is_date(text))
        or (len(text) == 8 and digits and is_date(text))
    )
    return (
        kind is not CellKind.DATE and _is_code(text),
        digits,
        kind is not CellKind.DATE and _is_price(text),
        bool(_FRACTION.fullmatch(re.sub(r"[^0-9.,]", "", text)))
        and not _APART.search(text)
        and kind is not CellKind.DATE
        and not dated,
        dated,
        whole != -1 and SERIAL_MIN <= whole <= SERIAL_MAX,
        bool(_PAIR.fullmatch(text)) and _is_increment(text),
        whole in INTERVALS,
        letters,
        word in w.CHANGE_WORDS or word in w.CLOSED_WORDS or word in w.BLOCKED_WORDS or text in {"+", "-", "="},
        word in w.SLOTS,
        word in w.YES or word in w.NO,
        bool(_ISO.fullmatch(text)),
        bool(_CURRENCY.fullmatch(text)) and bool(w.currencies_in(text)),
        word in w.BLOCKED_WORDS or word in w.CLOSED_WORDS,
        word in w.UNDATED,
        sum(map(str.isdigit, text)) >= 3,
    )


def profile_of(cells: Sequence[Cell]) -> Profile:
    """The profile of a sample of a column."""
    filled = [cell for cell in cells if cell.text]
    if not filled:
        return Profile()
    facts = [_facts(cell.text, cell.kind) for cell in filled]
    shares = [sum(each) / len(facts) for each in zip(*facts, strict=True)]
    texts = tuple(dict.fromkeys(cell.text for cell in filled))
    named = dict(zip(_FACTS, shares, strict=True))
    return Profile(len(filled), len(filled) / len(cells), **named, distinct=len(texts) / len(filled), texts=texts[:200])


def _is_code(text: str) -> bool:
    stripped = unwrapped(text)
    if not stripped or ("," in stripped and re.fullmatch(r"[0-9]+,[0-9]{3,}", stripped) and stripped.startswith("0")):
        return False
    if re.fullmatch(r"[0-9]*\.[0-9]*[1-9][0-9]*", stripped):
        return False
    try:
        read_codes(text, "44" if stripped.startswith("0") else "")
    except Invalid as error:
        return error.code == "code_digits_lost"
    return True


def _is_price(text: str) -> bool:
    for mark in Mark:
        try:
            read_price(text, mark)
        except Invalid as error:
            if error.code in {"price_precision", "price_range"}:
                return True
            continue
        return True
    return False


def _is_increment(text: str) -> bool:
    try:
        read_increments(text)
    except Invalid:
        return False
    return True


def looks_like_data(cells: Sequence[Cell]) -> bool:
    """Whether a row of the sheet holds values: a number or a date among its cells."""
    return any(
        cell.kind in {CellKind.NUMBER, CellKind.DATE}
        or (
            cell.text
            and not _LETTERS.search(cell.text)
            and any(each.isdigit() for each in cell.text)
            and _is_value(cell.text)
        )
        for cell in cells
    )


def _is_value(text: str) -> bool:
    facts = _facts(text, CellKind.TEXT)
    return facts[0] or facts[2] or facts[4]
