"""What a header means, by the words in it: told by their set, so that order and filling do not matter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from trunkline.pricing.sheets import words as w
from trunkline.pricing.sheets.words import plain


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header seems to mean (a Role, or a word that `roles` makes one of), how sure, and whether the words are a fixed term."""

    role: str
    score: float


_SCRIPT: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_SIGNS: Final = re.compile(f"[{re.escape(''.join(w.CURRENCY_SIGNS))}]")
_PERCENT: Final = re.compile(r"%|\bpct\b|percent", re.IGNORECASE)
_CENTS: Final = re.compile(
    r"(?i)¢|\bppm\b|\bcpm\b|\bpence\b|\b(?:us|euro?)?-?cents?\b|\bcts?\b|\bcentimes?\b|\bc[eé]ntimos?\b|\bcentesimi\b|\bcentavos\b|\bц[еe]нт\w*|\bкоп\w*|\(p\)|\(c\)|\b[pc]/min|\beuroct\b|\bgrosz\w*"
)
_SECONDS: Final = re.compile(
    r"(?i)(?:\bper\s+|/\s*|\bpro\s+|\bpar\s+|\bpor\s+|\bal\s+|\bза\s+)(?:1\s*)?(?:sec|second|sek|sekunde|seconde|segundo|secondo|сек\w*)\b"
)
_NAMED: Final = frozenset(
    ["name", "names", "bezeichnung", "nom", "nombre", "nome", "nazwa", "adi", "название", "наименование", "名称"]
)
_VALID: Final = w.words_of("valid effective gultig valable valido vigente geldig действует")
_SINCE: Final = w.words_of("from since ab partir desde dal vanaf с")
_OPERATORS: Final = w.words_of(
    "operator operators operador operatore operateur betreiber network networks carrier reseau netz оператор"
)
_KNOWN: Final = (
    w.PRICE
    | w.CODE
    | w.NAME
    | w.COUNTRY
    | w.DATE_ONLY
    | w.INCREMENT
    | w.OLD
    | w.NEW
    | w.PEAK
    | w.OFFPEAK
    | w.FILLING
    | w.INTER
    | w.INTRA
    | w.FIRST
    | w.NEXT
    | w.AREA
)


@lru_cache(maxsize=16_384)
def meaning_of(header: str) -> Meaning | None:
    """What the header means; None where no word of it is known."""
    if len(header) > 90:
        return None
    text = plain(_SIGNS.sub(" ", header))
    if not text:
        return (
            Meaning("price", 0.7) if _SIGNS.search(header) else Meaning("other", 0.3) if header.strip() == "#" else None
        )
    percent = bool(_PERCENT.search(header))
    if text in w.WHOLE:
        return Meaning("other", 0.9) if percent else Meaning(w.WHOLE[text], 1.0)
    tokens = _tokens(text)
    kept = [token for token in tokens if token not in w.FILLING]
    if percent:
        return Meaning("other", 0.9)
    if not kept and (w.currencies_in(header) or cents_in(header)):
        return Meaning("price", 0.8)  # EUR/min
    if kept and " ".join(kept) in w.WHOLE:
        return Meaning(w.WHOLE[" ".join(kept)], 0.95)
    role = _by_words(frozenset(tokens))
    unknown = sum(token not in _EVERY and token not in w.FILLING for token in tokens)
    return Meaning(role, max(0.9 - 0.1 * unknown, 0.5)) if role else None


def cents_in(header: str) -> bool:
    """Whether prices under this header, or after this title, count hundredths of the currency."""
    return bool(_CENTS.search(header))


def seconds_in(header: str) -> bool:
    """Whether prices under this header are by the second."""
    return bool(_SECONDS.search(header))


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for token in text.split():
        if _SCRIPT.search(token) and token not in _EVERY:
            tokens += _cut(token, 2) or [token]
        elif token not in _EVERY and len(token) >= 7:
            tokens += _cut(token, 3) or [token]
        else:
            tokens.append(token)
    return tokens


def _cut(token: str, least: int) -> list[str]:
    """`minutenpreis`, `ratepermin`, `目的地名称` cut into words that are known; nothing where a piece is not."""
    best: list[list[str] | None] = [[]] + [None] * len(token)
    for end in range(1, len(token) + 1):
        for start in range(max(0, end - 20), end - least + 1):
            before, piece = best[start], token[start:end]
            if before is not None and piece in _KNOWN:
                found = best[end]
                if found is None or len(found) > len(before) + 1:
                    best[end] = [*before, piece]
    return best[-1] or []


def _by_words(t: frozenset[str]) -> str:
    """The meaning of a set of words; "" for none. The order of the questions is the rule."""
    if t & w.CODE and not t & (w.PRICE - w.CODE - {"charge"}):
        return _code(t)
    if t & w.PRICE:
        return _price(t)
    return _else(t)


def _code(t: frozenset[str]) -> str:
    if t & w.CURRENCY:
        return "currency"
    if t & _NAMED:
        return "destination"
    if t & {"iso", "mcc", "mnc", "ocn", "type", "change", "status", "length", "id"}:
        return "other"
    if t & w.OLD:
        return "other"
    if t & (w.ORIGIN - {"source"}):
        return "origin_code"
    if t & w.COUNTRY:
        return "country_code"
    if t & w.AREA and not t & (w.NAME - w.AREA):
        return "area_code"
    return "code"


def _price(t: frozenset[str]) -> str:
    if t & w.CURRENCY:
        return "currency"
    if (t & w.OTHER and not t & {"margin", "account"}) or t & {"name", "plan"}:
        return "other"
    if t & _VALID and t & _SINCE:
        return "effective"
    if t & w.LEVEL and t & {"class", "type", "quality", "level"}:
        return "level"
    if t & w.CHANGE:
        return "change"
    if t & (w.DATE_ONLY - {"effective", "efd"}) or (t & w.DATE and "date" in t):
        return "expiry" if t & w.END else "effective"
    if t & {"minimum", "min"} and "charge" in t and not t & {"per", "pro"} and not t & (w.PRICE - {"charge"}):
        return "other"
    if t & {"increment", "increments", "incr", "interval", "pulse"} and not t & {"next", "first", "initial"}:
        return "increment"
    if t & w.SETUP or ("fee" in t and not t & (w.PRICE - {"fee"})):
        return "setup"
    if t & w.NEW:
        return "price_new"
    if t & w.OLD:
        return "price_old"
    if t & {"2", "3", "4", "5", "2nd"}:
        return "price"  # of several; which one, the header does not say
    for known, role in (
        (w.INTER, "inter"), (w.INTRA, "intra"), (w.INDETERMINATE, "indeterminate"), (w.LOCAL, "local"), (w.DEFAULT, "price_default"),
        (w.OFFPEAK, "price_offpeak"), (w.WEEKEND, "price_weekend"), (w.PEAK, "price_peak"),
        (w.FIRST - {"min", "minimum", "one", "i", "start"}, "price_first"), (w.NEXT - {"sec", "second", "increment"}, "price_next"),
    ):  # fmt: skip
        if t & known:
            return role
    return "price"


def _else(t: frozenset[str]) -> str:
    if t & w.OTHER and not t & (w.CHANGE | {"time", "billing", "service"}):
        return "other"
    if t & w.DISCONTINUED and not t & w.DATE_ONLY:
        return "discontinued"
    if t & w.BLOCK and not t & w.DATE_ONLY:
        return "blocked"
    if t & (w.INCREMENT - {"period", "okres"}) and not (t & w.DATE_ONLY):
        return _increment(t)
    if t & w.END and t & (w.DATE_ONLY | {"valid", "gultig", "validity"}):
        return "expiry"
    if t & w.ORIGIN and not t & w.DATE_ONLY:
        return "origin"
    if t & w.SLOT:
        return "slot"
    if t & w.DATE:
        return "effective"
    if t & w.END:
        return "expiry"
    if t & w.CURRENCY:
        return "currency"
    if t & w.CHANGE:
        return "change"
    if t & w.GRACE:
        return "grace"
    for known, role in ((w.INTER, "inter"), (w.INTRA, "intra"), (w.INDETERMINATE, "indeterminate")):
        if t & known:
            return role
    if t & w.NAME and not t & {"service"}:
        return "network" if t & _OPERATORS and not t & w.COUNTRY else "destination"
    if t & w.LEVEL:
        return "level"
    if t & w.COUNTRY:
        return "country"
    for known, role in (
        (w.OFFPEAK, "price_offpeak"),
        (w.WEEKEND, "price_weekend"),
        (w.PEAK - {"day", "tag", "jour", "dia"}, "price_peak"),
    ):
        if t & known:
            return role
    if t & (w.SETUP - {"base", "mise", "fixed"}):
        return "setup"
    if t & {"period", "time"} and t & (w.FIRST | w.NEXT):
        return _increment(t)
    return ""


def _increment(t: frozenset[str]) -> str:
    if t & w.GRACE:
        return "grace"
    if t & (w.NEXT - {"increment", "sec", "second", "following"}):
        return "interval"
    if t & (w.FIRST - {"one"}) and not (
        t & {"min", "minimum", "minimal"} and t <= {"min", "minimum", "billing", "increment", "inc", "minute"}
    ):
        return "first"
    return "increment"


_EVERY: Final = frozenset().union(
    *(each for each in vars(w).values() if isinstance(each, frozenset) and all(" " not in word for word in each))
)
