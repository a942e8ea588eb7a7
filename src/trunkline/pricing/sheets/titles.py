"""What the words around a table say: its date, currency, increments, unit of prices, and how much of the world it covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets import words as w
from trunkline.pricing.sheets.date_cells import DateCell, DateOrder, find_order, parts_of, read_date
from trunkline.pricing.sheets.headers import cents_in, seconds_in
from trunkline.pricing.sheets.increment_cells import read_increments
from trunkline.pricing.sheets.words import currencies_in, plain


class Scope(StrEnum):
    """How much a sheet replaces: everything, the countries in it, or the codes in it."""

    FULL = "full"
    COUNTRY = "country"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Said:
    """What titles and notes say. `effective` are the dates that something calls effective, in order; `issued` others."""

    effective: tuple[str, ...] = ()
    is_at_once: bool = False
    order: str = "told"
    currency: str = ""
    currency_why: str = ""
    increments: str = ""
    increment_exceptions: tuple[tuple[str, str], ...] = ()
    in_cents: bool = False
    by_second: bool = False
    scope: Scope = Scope.UNKNOWN
    scope_why: str = ""
    texts: tuple[str, ...] = field(default=(), compare=False)


_DATES: Final = re.compile(
    r"(?<![0-9/.\-])("
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"
    r"|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"
    r"|[0-9]{1,2}(?:st|nd|rd|th|\.)?[\s\-]*(?:de |of )?[^\W\d_]{3,}\.?[\s\-,]*(?:de |of )?(?:[0-9]{4}|[0-9]{2})(?![0-9])"
    r"|[^\W\d_]{3,}\.?\s+[0-9]{1,2}(?:st|nd|rd|th)?,?\s+[0-9]{4}"
    r"|20[0-9]{6}"
    r")(?![0-9/\-])",
    re.IGNORECASE,
)
_EFFECTIVE: Final = re.compile(
    r"(?i)effective|\beff\b|\befd\b|valid|applicable|in force|w\.?e\.?f|as of|starting|start date|from|g[uü]ltig|wirksam|\bab\b"
    r"|en vigueur|valable|à partir|a partir|date d.effet"
    r"|vigen|v[aá]lid|desde|decorrenza|in vigore|dal\b|действ|вступ|\bс\b|obowi[aą]zuje|wa[zż]n|od dnia|ge[cç]erli|y[uü]r[uü]rl[uü]k|ingangsdatum|geldig|vanaf|生效"
)
_ISSUED: Final = re.compile(
    r"(?i)issued?|generated|created|printed|sent|prepared|published|updated|erstellt|ausgestellt|stand\b|cr[eé][eé]|[eé]mis"
    r"|generad|emitid|generat|emess|создан|сформирован|wygenerowan|notification|notice date|previous|supersedes|replaces"
    r"|report date|date of issue"
)
_UNTIL: Final = re.compile(r"(?i)until|expir|valid to\b|bis\b|jusqu|hasta|fino|до\b|ends?\b|\bto\b|through")
_FULL: Final = re.compile(
    r"(?i)\ba\s*(?:-|to|–|/)\s*z\b|\ba2z\b|\bfull\s+(?:rate|price|list|sheet|offer|az|deck|replacement|update)|\bcomplete\b|\bentire\b|\bfull\s*$"
    r"|komplett|vollst[aä]ndig|complet|completa|completo|полн|pe[lł]n[ay]"
)
_COUNTRY: Final = re.compile(
    r"(?i)full\s+countr|country\s+(?:update|replacement|full)|by\s+country|countries\s+(?:listed|included)\s+(?:here\s+)?(?:are\s+)?(?:fully\s+)?replaced"
)
_PARTIAL: Final = re.compile(
    r"(?i)\bpartial|\bamend|\bchanges?\s+only|\bonly\s+chang|rate\s+changes?\b|price\s+changes?\b|rate\s+update|change\s+notif|\bdelta\b|\bupdate\s+only|[aä]nderung|modification|cambios|variazioni|изменени|zmian"
)
_INCREMENTS: Final = re.compile(
    r"(?i)(?:incr|billing|round|pulse|takt|interval|seconds|cadence|pas de|factur|scatt|тариф|naliczani|all\b|default)"
)
_PAIR: Final = re.compile(r"(?<![0-9/.\-])([0-9]{1,3}\s*[/+]\s*[0-9]{1,3}(?:\s*[/+]\s*[0-9]{1,3})?)(?![0-9/.\-])")
_EXCEPTION: Final = re.compile(
    r"(?i)(?:except|excluding|,|;|\band\b|außer|sauf|salvo|кроме)\s*(?:for\s+)?([^\W\d_][\w .&'\-]{2,40}?)\s*[:=(]?\s*([0-9]{1,3}\s*[/+]\s*[0-9]{1,3})"
)


def read_titles(texts: Sequence[str], hints: DateOrder | None, near: date | None) -> Said:
    """What the texts of the rows above and below a table say; cells of one row are one text, parted by blanks."""
    effective, order = _effective(texts, hints, near)
    words = [plain(text) for text in texts]
    at_once = any(word in w.AT_ONCE for word in words) or any(
        _EFFECTIVE.search(t) and _says_at_once(plain(t)) for t in texts
    )
    currency, why = _currency(texts)
    increments, exceptions = _increments(texts)
    scope, scope_why = find_scope(texts)
    return Said(
        effective, at_once and not effective, order, currency, why, increments, exceptions,
        any(cents_in(text) for text in texts), any(seconds_in(text) and not _INCREMENTS.search(text) for text in texts), scope, scope_why, tuple(texts),
    )  # fmt: skip


def _says_at_once(word: str) -> bool:
    return any(f" {each} " in f" {word} " for each in w.AT_ONCE if len(each) > 3 and each not in {"today", "direct"})


def _effective(texts: Sequence[str], hints: DateOrder | None, near: date | None) -> tuple[tuple[str, ...], str]:
    found: list[str] = []
    for text in texts:
        if len(text) > 400:
            continue
        last = 0
        for match in _DATES.finditer(text):
            before = text[last : match.start()]
            last = match.end()
            if _ISSUED.search(before) and not _EFFECTIVE.search(before):
                continue
            if _EFFECTIVE.search(before) and not (
                _UNTIL.search(before) and not re.search(r"(?i)valid from|effective", before)
            ):
                found.append(match[1])
    if not found:
        return (), "told"
    order, how, _ = find_order(found, hints, near)
    moments: dict[str, None] = {}
    for text in found:
        try:
            cell: DateCell = read_date(text, order)
        except Invalid:
            continue
        if cell.moment is not None:
            moments[cell.moment.isoformat(" ", "seconds")] = None
    depends = any((parts := parts_of(text)) and parts[0] != parts[1] for text in found)
    return tuple(moments), how if depends else "told"


def _currency(texts: Sequence[str]) -> tuple[str, str]:
    named: dict[str, None] = {}
    for text in texts:
        said = re.search(
            r"(?i)currency|curr\b|w[aä]hrung|devise|moneda|valuta|валюта|waluta|rates? (?:are )?in|prices? (?:are )?in|preise in|prix en|precios en",
            text,
        )
        if said and len(text) < 200:
            named.update(dict.fromkeys(currencies_in(text)))
    if len(named) == 1:
        return next(iter(named)), "named in the title"
    every: dict[str, None] = {}
    for text in texts:
        if len(text) < 200:
            every.update(dict.fromkeys(currencies_in(text)))
    return (next(iter(every)), "in the title") if len(every) == 1 else ("", "")


def _increments(texts: Sequence[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    for text in texts:
        if len(text) > 400 or not _INCREMENTS.search(text):
            continue
        pairs = [match for match in _PAIR.finditer(text) if _is_increment(match[1])]
        if not pairs:
            continue
        exceptions = [
            (plain(name), pair) for name, pair in _EXCEPTION.findall(text[pairs[0].end() :]) if _is_increment(pair)
        ]
        if len(exceptions) == len(pairs) - 1:
            return pairs[0][1], tuple(exceptions)
        if len({re.sub(r"\s", "", match[1]) for match in pairs}) == 1:
            return pairs[0][1], ()
    return "", ()


def _is_increment(text: str) -> bool:
    try:
        read = read_increments(text)
    except Invalid:
        return False
    return read.first in _USUAL and read.further in _USUAL


_USUAL: Final = frozenset({1, 2, 3, 5, 6, 10, 12, 15, 18, 20, 30, 60, 120, 180})


def find_scope(texts: Sequence[str]) -> tuple[Scope, str]:
    """What the words say of the scope; UNKNOWN where they say nothing, or two things at once."""
    found: dict[Scope, str] = {}
    for text in texts:
        if len(text) > 300:
            continue
        spaced = re.sub(r"[_]+", " ", text)
        if _COUNTRY.search(spaced):
            found.setdefault(Scope.COUNTRY, text)
        elif _PARTIAL.search(spaced):
            found.setdefault(Scope.PARTIAL, text)
        elif _FULL.search(spaced):
            found.setdefault(Scope.FULL, text)
    if len(found) == 1:
        scope, text = next(iter(found.items()))
        return scope, f"{text[:80]!r}"
    return Scope.UNKNOWN, ""
