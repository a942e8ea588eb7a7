"""Which column means what: by its header, checked against its cells, and by its cells alone where the header says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from trunkline.pricing.sheets.headers import cents_in, meaning_of, seconds_in
from trunkline.pricing.sheets.layout import Column, Role
from trunkline.pricing.sheets.profile import Profile
from trunkline.pricing.sheets.reasons import Doubt

PRICES: Final = (
    Role.PRICE, Role.PRICE_FIRST, Role.PRICE_PEAK, Role.PRICE_OFFPEAK, Role.PRICE_WEEKEND, Role.INTER, Role.INTRA, Role.INDETERMINATE, Role.LOCAL,
)  # fmt: skip
CODES: Final = (Role.CODE, Role.COUNTRY_CODE, Role.AREA_CODE, Role.NPA, Role.NXX)
NAMES: Final = (Role.DESTINATION, Role.COUNTRY, Role.NETWORK)
_SECONDS: Final = frozenset({"increment", "first", "interval", "grace", "included"})
_PRICE_WORDS: Final = frozenset(
    {
        "price",
        "price_new",
        "price_old",
        "price_first",
        "price_next",
        "price_peak",
        "price_offpeak",
        "price_weekend",
        "price_default",
        "inter",
        "intra",
        "indeterminate",
        "local",
        "setup",
    }
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A column before the whole is decided: a word for its meaning, how sure, why."""

    index: int
    header: str
    role: str
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns with their meanings, and what is doubted."""

    columns: tuple[Column, ...]
    doubts: tuple[tuple[Doubt, str, str], ...] = ()

    def has(self, *roles: Role) -> bool:
        return any(column.role in roles for column in self.columns)


def assign(headers: Sequence[str], profiles: Sequence[Profile]) -> Roles:
    """The meaning of every column of a table with a header."""
    guesses = [
        _guess(index, header, profile) for index, (header, profile) in enumerate(zip(headers, profiles, strict=True))
    ]
    doubts: list[tuple[Doubt, str, str]] = []
    _settle_codes(guesses, profiles, doubts)
    _settle_names(guesses, profiles)
    _settle_prices(guesses, profiles, doubts)
    _settle_dates(guesses, profiles)
    _settle_increments(guesses, profiles)
    for role in (
        "blocked",
        "discontinued",
        "change",
        "currency",
        "level",
        "slot",
        "direction",
        "origin",
        "origin_code",
        "setup",
        "grace",
        "included",
    ):
        _keep_one(guesses, role)
    columns = []
    for guess in guesses:
        role = Role(guess.role) if guess.role in _ROLES else Role.IGNORED
        shift = 2 if role in {*PRICES, Role.SETUP} and cents_in(guess.header) else 0
        times = 60 if role in PRICES and seconds_in(guess.header) else 1
        columns.append(Column(guess.index, guess.header, role, round(guess.score, 2), guess.why, shift, times))
    return Roles(tuple(columns), tuple(doubts))


_ROLES: Final = frozenset(map(str, Role))


def fits(role: str, p: Profile) -> bool | None:
    """Whether cells of that kind can stand under that meaning; None where there are no cells."""
    if not p.count:
        return None
    match role:
        case "code" | "area_code" | "country_code":
            return p.code >= 0.6
        case "npa" | "nxx":
            return p.digits > 0.95
        case "destination" | "country" | "network" | "id":
            return p.text >= 0.5
        case "effective" | "expiry":
            return (p.date > 0 and p.date + p.undated >= 0.6) or p.serial >= 0.9
        case "increment":
            return p.pair >= 0.6 or p.interval >= 0.6 or _reads_seconds(p)
        case "first" | "interval" | "grace" | "included":
            return p.digits >= 0.8 or _reads_seconds(p)
        case (
            "change"
            | "level"
            | "slot"
            | "comment"
            | "direction"
            | "origin"
            | "origin_code"
            | "blocked"
            | "discontinued"
            | "other"
        ):
            return True
        case "currency":
            return p.currency >= 0.8
    return p.price >= 0.6 and p.date < 0.5


def _reads_seconds(p: Profile) -> bool:
    from trunkline.core.errors import Invalid
    from trunkline.pricing.sheets.increment_cells import read_seconds

    good = 0
    for text in p.texts[:50]:
        try:
            read_seconds(text, 0)
            good += 1
        except Invalid:
            continue
    return good >= 0.6 * max(len(p.texts[:50]), 1)


def _guess(index: int, header: str, p: Profile) -> Guess:
    meaning = meaning_of(header)
    if meaning is None:
        return Guess(
            index, header, "", 0.0, "the header says nothing that is known" if header else "there is no header"
        )
    role = meaning.role
    if role == "first_or_setup":
        role = "setup" if p.fraction > 0.2 or not p.interval > 0.8 else "first"
    if role == "comment":
        role = "change" if p.count and p.change >= 0.9 and len(p.texts) < 20 else "comment"
    agreed = fits(role, p)
    if agreed:
        return Guess(index, header, role, meaning.score, "header and cells agree")
    if agreed is None:
        return Guess(index, header, role, meaning.score * 0.9, "by the header; there are no cells")
    return Guess(index, header, _instead(role, p), 0.5, f"the header says {role}, the cells do not")


def _instead(role: str, p: Profile) -> str:
    """What a column is whose cells contradict its header."""
    if role in {"destination", "country", "network", "id"} and p.code > 0.9 and p.wide > 0.3:
        return "code"
    if role in {"code", "country_code", "area_code"} and p.text > 0.8 and p.iso < 0.5:
        return "destination" if role != "country_code" else "country"
    if role in {"first", "interval", "increment"} and p.fraction > 0.5 and p.price > 0.8:
        return {"first": "price_first", "interval": "price_next", "increment": "contradicted"}[role]
    if role in {"first", "interval"} and p.pair > 0.8:
        return "increment"
    if role in _PRICE_WORDS | {"effective"}:
        return "contradicted"
    if role == "expiry" and p.text > 0.5:
        return "other"
    return "other"


def _of(guesses: Sequence[Guess], *roles: str) -> list[Guess]:
    return [guess for guess in guesses if guess.role in roles]


def _put(guesses: list[Guess], guess: Guess, role: str, *, score: float | None = None, why: str = "") -> None:
    guesses[guess.index] = replace(
        guess, role=role, score=guess.score if score is None else score, why=why or guess.why
    )


def _settle_codes(guesses: list[Guess], profiles: Sequence[Profile], doubts: list[tuple[Doubt, str, str]]) -> None:
    if len(_of(guesses, "npa")) == len(_of(guesses, "nxx")) == 1:
        return
    for guess in _of(guesses, "npa", "nxx"):
        _put(guesses, guess, "code" if profiles[guess.index].wide > 0.5 else "other")
    countries = _of(guesses, "country_code")
    codes = _of(guesses, "code")
    areas = _of(guesses, "area_code")
    if len(codes) > 1:
        codes = _one_code(guesses, codes, profiles, doubts)
    if codes and areas:
        # "Code" beside "Area Code": the country and the city, or one of them empty.
        short = share_countries(profiles[codes[0].index])
        if not countries and short > 0.9:
            _put(guesses, codes[0], "country_code", why="holds country codes, and area codes stand beside it")
        else:
            for guess in areas:
                _put(guesses, guess, "other", why="a column with whole codes stands beside it")
    elif codes and countries:
        _put(guesses, codes[0], "area_code", why="a country code stands beside it")
    elif not codes and not areas and countries:
        _put(guesses, countries[0], "code", why="the only code in the sheet")
        countries = countries[1:]
    elif not codes and areas and not countries:
        _put(guesses, areas[0], "code", why="the only code in the sheet")
    for guess in [*countries[1:], *_of(guesses, "area_code")[1:]]:
        _put(guesses, guess, "other")
    if not _of(guesses, "code", "area_code", "country_code"):
        found = [
            g
            for g in _of(guesses, "")
            if profiles[g.index].code > 0.95
            and (profiles[g.index].wide > 0.5 or share_countries(profiles[g.index]) > 0.9)
            and profiles[g.index].distinct > 0.5
            and not profiles[g.index].date > 0.5
        ]
        if len(found) == 1:
            _put(guesses, found[0], "code", score=0.7, why="the only column whose cells can be codes")
        elif len(found) > 1:
            doubts.append(
                (Doubt.SEVERAL_CODE_COLUMNS, "Several columns could be the codes.", "Say which column is the code.")
            )


def share_countries(p: Profile) -> float:
    """The share of the cells that are calling codes of countries."""
    from trunkline.pricing.sheets.code_cells import is_country, unwrapped

    texts = [unwrapped(text).lstrip("+") for text in p.texts]
    return sum(is_country(text) for text in texts) / max(len(texts), 1)


def _one_code(
    guesses: list[Guess], codes: list[Guess], profiles: Sequence[Profile], doubts: list[tuple[Doubt, str, str]]
) -> list[Guess]:
    filled = [g for g in codes if profiles[g.index].count]
    if (
        len(filled) > 1
        and share_countries(profiles[filled[0].index]) > 0.95
        and share_countries(profiles[filled[1].index]) < 0.5
    ):
        _put(guesses, filled[0], "country_code", why="holds country codes, and longer ones stand beside it")
        _put(guesses, filled[1], "area_code", why="a country code stands beside it")
        for guess in filled[2:]:
            _put(guesses, guess, "other")
        return []
    same = all(profiles[g.index].texts == profiles[filled[0].index].texts for g in filled) if filled else True
    best = max(filled or codes, key=lambda g: (g.score, profiles[g.index].wide, -g.index))
    if not same and sum(g.score == best.score for g in filled) > 1:
        names = ", ".join(repr(g.header) for g in filled)
        doubts.append(
            (Doubt.SEVERAL_CODE_COLUMNS, f"Both could be the codes: {names}.", "Say which column is the code.")
        )
    for guess in codes:
        if guess.index != best.index:
            _put(guesses, guess, "other", why=f"{best.header!r} is the code")
    return [best]


def _settle_names(guesses: list[Guess], profiles: Sequence[Profile]) -> None:
    named = _of(guesses, "destination")
    if len(named) > 1:
        best = max(named, key=lambda g: (g.score, profiles[g.index].distinct, -g.index))
        for guess in named:
            if guess.index != best.index:
                _put(guesses, guess, "other", why=f"{best.header!r} is the destination")
    for role in ("country", "network"):
        _keep_one(guesses, role)
    if not _of(guesses, "destination", "country"):
        for role in ("id", "comment", ""):
            found = [guess for guess in _of(guesses, role) if _holds_names(profiles[guess.index])]
            if len(found) == 1 or (found and role == ""):
                best = max(found, key=lambda g: profiles[g.index].distinct)
                _put(guesses, best, "destination", score=0.7, why="the only column of names")
                return
    elif not _of(guesses, "destination"):
        country = _of(guesses, "country")[0]
        if not _of(guesses, "network"):
            _put(guesses, country, "destination")


def _holds_names(p: Profile) -> bool:
    """Whether a column holds names of destinations, and no remarks: those are few, or missing in many rows."""
    several = len(p.texts) >= max(min(5, p.count), 0.1 * p.count)
    return p.text > 0.8 and p.change < 0.5 and p.slot < 0.5 and p.filled > 0.95 and (several or len(p.texts) >= 100)


def _settle_prices(guesses: list[Guess], profiles: Sequence[Profile], doubts: list[tuple[Doubt, str, str]]) -> None:
    for guess in _of(guesses, "contradicted"):
        if (
            not any(g.role in _PRICE_WORDS and g.role != "setup" for g in guesses)
            and meaning_role(guess.header) in _PRICE_WORDS
        ):
            doubts.append(
                (
                    Doubt.HEADER_CONTRADICTED,
                    f"{guess.header!r} should be a price; its cells are none.",
                    "Say which column is the price.",
                )
            )
        _put(guesses, guess, "other")
    new, old, plain_ = _of(guesses, "price_new"), _of(guesses, "price_old"), _of(guesses, "price")
    if new:
        for guess in [*old, *plain_]:
            _put(guesses, guess, "other", why="the new price stands beside it")
        _put(guesses, new[0], "price")
    elif old and not plain_ and not _of(guesses, *(_PRICE_WORDS - {"price_old", "setup"})):
        _put(guesses, old[0], "price", why="the only price in the sheet")
    for guess in _of(guesses, "price_old", "price_new"):
        _put(guesses, guess, "other", why="not the price that will hold")
    default = _of(guesses, "price_default")
    if default:
        for guess in _of(guesses, "price"):
            _put(guesses, guess, "other", why="the default price stands beside it")
        _put(guesses, default[0], "price")
    first, following = _of(guesses, "price_first"), _of(guesses, "price_next")
    if first and not following and _of(guesses, "price") and "1" in first[0].header:
        _put(guesses, first[0], "price")  # Rate 1 beside Rate 2 is no first interval's
        first = []
    if following and first and not _of(guesses, "price"):
        _put(guesses, following[0], "price")
    elif first and not _of(guesses, "price") and not following:
        _put(guesses, first[0], "price", why="the only price in the sheet")
    elif following and _of(guesses, "price") and not first:
        _put(guesses, _of(guesses, "price")[0], "price_first")
        _put(guesses, following[0], "price")
    elif following and not first:
        _put(guesses, following[0], "price", why="the only price in the sheet")
    for guess in _of(guesses, "price_next"):
        _put(guesses, guess, "other")
    _one_price(guesses, profiles, doubts)
    for role in (
        "price_first",
        "price_peak",
        "price_offpeak",
        "price_weekend",
        "inter",
        "intra",
        "indeterminate",
        "local",
    ):
        _keep_one(guesses, role, doubts)
    if not any(g.role in _PRICE_WORDS and g.role != "setup" for g in guesses):
        _price_by_cells(guesses, profiles, doubts)


def meaning_role(header: str) -> str:
    """The meaning by the header alone; "" for none."""
    meaning = meaning_of(header)
    return meaning.role if meaning else ""


def _one_price(guesses: list[Guess], profiles: Sequence[Profile], doubts: list[tuple[Doubt, str, str]]) -> None:
    prices = _of(guesses, "price")
    if len(prices) < 2:
        return
    filled = [g for g in prices if profiles[g.index].count] or prices[:1]
    same = all(profiles[g.index].texts == profiles[filled[0].index].texts for g in filled)
    best = max(filled, key=lambda g: (g.score, -g.index))
    if len(filled) > 1 and not same:
        names = ", ".join(repr(g.header) for g in filled)
        doubts.append(
            (
                Doubt.SEVERAL_PRICE_COLUMNS,
                f"Each of these could be the price: {names}.",
                "Say which column is the price.",
            )
        )
    for guess in prices:
        if guess.index != best.index:
            _put(guesses, guess, "other", why=f"{best.header!r} is the price")


def _price_by_cells(guesses: list[Guess], profiles: Sequence[Profile], doubts: list[tuple[Doubt, str, str]]) -> None:
    found = [g for g in _of(guesses, "") if profiles[g.index].price > 0.9 and profiles[g.index].fraction > 0.5]
    if len(found) == 1:
        _put(guesses, found[0], "price", score=0.7, why="the only column whose cells can be prices")
    elif len(found) > 1:
        doubts.append(
            (Doubt.SEVERAL_PRICE_COLUMNS, "Several columns could be the price.", "Say which column is the price.")
        )


def _settle_dates(guesses: list[Guess], profiles: Sequence[Profile]) -> None:
    for role in ("effective", "expiry"):
        found = _of(guesses, role)
        if len(found) > 1:
            best = max(
                found, key=lambda g: (profiles[g.index].count > 0, _effective_words(g.header), g.score, -g.index)
            )
            for guess in found:
                if guess.index != best.index:
                    _put(guesses, guess, "other", why=f"{best.header!r} is the date")
    if not _of(guesses, "effective"):
        found = [g for g in _of(guesses, "") if profiles[g.index].date > 0.9]
        if len(found) == 1 and not _of(guesses, "expiry"):
            _put(guesses, found[0], "effective", score=0.6, why="the only column of dates")


def _effective_words(header: str) -> int:
    text = header.lower()
    return (
        2 if "effect" in text or "valid" in text or "gültig" in text else 1 if "from" in text or "start" in text else 0
    )


def _settle_increments(guesses: list[Guess], profiles: Sequence[Profile]) -> None:
    whole = _of(guesses, "increment")
    if len(whole) > 1:
        pairs = [g for g in whole if profiles[g.index].pair > 0.5]
        best = (pairs or whole)[0]
        for guess in whole:
            if guess.index != best.index:
                _put(guesses, guess, "other")
        whole = [best]
    if whole and _of(guesses, "first") and not _of(guesses, "interval") and profiles[whole[0].index].pair < 0.5:
        _put(guesses, whole[0], "interval")
    elif whole and _of(guesses, "interval") and not _of(guesses, "first") and profiles[whole[0].index].pair < 0.5:
        _put(guesses, whole[0], "first")
    elif whole and _of(guesses, "first", "interval"):
        if profiles[whole[0].index].pair > 0.5:
            for guess in _of(guesses, "first", "interval"):
                _put(guesses, guess, "other", why="one column holds all increments")
        else:
            _put(guesses, whole[0], "other")
    for role in ("first", "interval"):
        _keep_one(guesses, role)
    first, further = _of(guesses, "first"), _of(guesses, "interval")
    if bool(first) != bool(further) and not _of(guesses, "increment"):
        found = [g for g in _of(guesses, "") if profiles[g.index].interval > 0.95]
        if len(found) == 1:
            _put(guesses, found[0], "interval" if first else "first", score=0.7, why="the only other column of seconds")
    if not _of(guesses, "increment", "first", "interval"):
        found = [g for g in _of(guesses, "") if profiles[g.index].pair > 0.95]
        if len(found) == 1:
            _put(guesses, found[0], "increment", score=0.7, why="the only column whose cells can be increments")


def _keep_one(guesses: list[Guess], role: str, doubts: list[tuple[Doubt, str, str]] | None = None) -> None:
    found = _of(guesses, role)
    if len(found) < 2:
        return
    best = max(found, key=lambda g: (g.score, -g.index))
    if doubts is not None and sum(g.score == best.score for g in found) > 1:
        names = ", ".join(repr(g.header) for g in found)
        doubts.append(
            (
                Doubt.SEVERAL_PRICE_COLUMNS,
                f"Each of these could be the same price: {names}.",
                "Say which column is which.",
            )
        )
    for guess in found:
        if guess.index != best.index:
            _put(guesses, guess, "other", why=f"{best.header!r} is it")
