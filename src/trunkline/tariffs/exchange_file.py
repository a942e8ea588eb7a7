"""Files of exchange rates (docs/formats/exchange_rates_csv.md). No Django, no database."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from trunkline.core.currency import get_currency
from trunkline.core.errors import Invalid
from trunkline.tariffs.source import text_of

RATE_DECIMALS: Final = 12
RATE_DIGITS: Final = 24

_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NONE: Final = ("", "N/A", "-")
_LONG_HEADER: Final = ["date", "base", "quote", "rate"]


@dataclass(frozen=True, slots=True)
class ExchangeFile:
    """What a file says. `skipped`: currencies of its header that are not (or no longer) in use anywhere."""

    rates: list[tuple[str, str, date, Decimal]]  # base, quote, on, rate
    skipped: tuple[str, ...]


def read_exchange_file(data: bytes, *, base: str = "EUR") -> ExchangeFile:
    """Read a file of the European Central Bank (a column for each currency, what one `base` costs) or a list of pairs
    (`date,base,quote,rate`), told by the first line.

    Raises Invalid `bad_encoding`, `bad_header`, `bad_exchange_rate` naming the line, `unknown_currency`,
    `no_exchange_rates`.
    """
    rows = csv.reader(text_of(data).decode().splitlines())
    header = [name.strip() for name in next(rows, [])]
    while header and not header[-1]:
        header.pop()  # the bank ends its lines with a comma
    if [name.lower() for name in header] == _LONG_HEADER:
        found = ExchangeFile([_pair(line, row) for line, row in _numbered(rows)], ())
    elif len(header) > 1 and header[0].lower() == "date" and all(re.fullmatch("[A-Z]{3}", n) for n in header[1:]):
        found = _columns(header, rows, get_currency(base).code)
    else:
        raise Invalid(
            "bad_header",
            "The first line is wrong.",
            hint="It is Date and currency codes, or date,base,quote,rate.",
        )
    if not found.rates:
        raise Invalid("no_exchange_rates", "The file has no exchange rates.")
    return found


def exchange_rate(text: str) -> Decimal:
    """A rate above zero with at most 12 decimals. Raises Invalid `bad_exchange_rate`."""
    try:
        rate = Decimal(text) if _RATE.fullmatch(text) else Decimal(0)
    except InvalidOperation:
        rate = Decimal(0)
    if rate <= 0:
        raise Invalid(
            "bad_exchange_rate",
            f"{text[:40]!r} is no exchange rate.",
            hint="It is a number above zero with at most 12 digits before and after the point.",
        )
    return rate


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for line, row in enumerate(rows, start=2):
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield line, cells


def _columns(header: Sequence[str], rows: Iterator[list[str]], base: str) -> ExchangeFile:
    known = [_is_known(name) and name != base for name in header[1:]]
    found = []
    for line, row in _numbered(rows):
        values = row[1 : len(header)]
        if len(values) != len(header) - 1 or any(row[len(header) :]):
            raise _bad(line, f"There are {len(row)} values where the header has {len(header)}.")
        on = _day(line, row[0])
        for name, is_known, text in zip(header[1:], known, values, strict=True):
            if is_known and text not in _NONE:
                found.append((base, name, on, _rate(line, text)))
    skipped = tuple(name for name, is_known in zip(header[1:], known, strict=True) if not is_known and name != base)
    return ExchangeFile(found, skipped)


def _pair(line: int, row: Sequence[str]) -> tuple[str, str, date, Decimal]:
    if len(row) != len(_LONG_HEADER):
        raise _bad(line, f"There are {len(row)} values where the header has {len(_LONG_HEADER)}.")
    base, quote = get_currency(row[1]).code, get_currency(row[2]).code
    if base == quote:
        raise _bad(line, f"{base} to itself is always 1.")
    return base, quote, _day(line, row[0]), _rate(line, row[3])


def _is_known(code: str) -> bool:
    try:
        get_currency(code)
    except Invalid:
        return False
    return True


def _rate(line: int, text: str) -> Decimal:
    try:
        return exchange_rate(text)
    except Invalid as error:
        raise _bad(line, error.message) from error


def _day(line: int, text: str) -> date:
    """`2026-10-30`, or `30 October 2026` as in the bank's daily file."""
    words = text.split()
    try:
        if len(words) == 3 and words[1] in _MONTHS:
            return date(int(words[2]), _MONTHS.index(words[1]) + 1, int(words[0]))
        return date.fromisoformat(text)
    except ValueError as error:
        raise _bad(line, f"{text[:40]!r} is no date.") from error


def _bad(line: int, text: str) -> Invalid:
    return Invalid("bad_exchange_rate", f"Line {line}: {text}", line=line)
