"""What a generator is told: its method, terms, rules and exclusions, as objects, as JSON and as lines of text."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, TypeVar

from trunkline.core.e164 import is_digits
from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS, Price, RoundingMode, scaled, scaled_text

E = TypeVar("E", bound=StrEnum)

POSITION_MAX: Final = 100
WEIGHTS_MAX: Final = 20
WEIGHT_DECIMALS: Final = 4
PERCENT_DECIMALS: Final = 4
PERCENT_MAX: Final = 100_000
RULES_MAX: Final = 1_000
INCREMENT_MAX: Final = 86_400
DAYS_MAX: Final = 365
WORST: Final = "worst"


class Method(StrEnum):
    """Which of the offers make the cost."""

    POSITION = "position"
    AVERAGE = "average"
    BLEND = "blend"
    ALL = "all"


class PercentOf(StrEnum):
    """What a percentage is one of."""

    COST = "cost"
    PRICE = "price"


class NoOffer(StrEnum):
    """What becomes of a code that no vendor offers."""

    LEAVE_OUT = "leave_out"
    BLOCK = "block"
    KEEP = "keep"


class OtherCodes(StrEnum):
    """What becomes of the target's codes that the deck does not have."""

    KEEP = "keep"
    CLOSE = "close"


class LongerCodes(StrEnum):
    """What a vendor's codes count for that are longer than those of the deck."""

    DEAREST = "dearest"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Condition:
    """Which codes are meant: all that is given must fit. `destination` is a name, with `*` at its end for what begins so; case does not matter."""

    code: str = ""
    destination: str = ""
    group: str = ""
    country: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """From a cost to a price; None: not said. Percentages are fractions (20 % is 1/5), money counts 10^-10 of the target's currency."""

    percent: Fraction | None = None
    absolute: int | None = None
    min_price: int | None = None
    min_margin: int | None = None
    min_margin_percent: Fraction | None = None
    not_below_position: int | None = None
    max_price: int | None = None

    def over(self, general: Terms) -> Terms:
        """These terms, with those of the general ones that they do not say."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(general, **{name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Rule:
    """Terms for some codes."""

    condition: Condition
    terms: Terms


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Codes for which nothing is generated; with a source, for which only that vendor's offers do not count."""

    condition: Condition
    source: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the tariffs and the deck. `weights` and `position` are those that the method needs; `increments` is None for the worst of the sources."""

    method: Method = Method.POSITION
    position: int = 1
    weights: tuple[int, ...] = ()
    terms: Terms = Terms()
    percent_of: PercentOf = PercentOf.COST
    rules: tuple[Rule, ...] = ()
    decimals: int = 4
    rounding: RoundingMode = RoundingMode.HALF_UP
    increments: tuple[int, int] | None = (1, 1)
    exclusions: tuple[Exclusion, ...] = ()
    no_offer: NoOffer = NoOffer.LEAVE_OUT
    other_codes: OtherCodes = OtherCodes.KEEP
    longer_codes: LongerCodes = LongerCodes.DEAREST
    is_collapsed: bool = False
    effective_in_days: int = 0

    @property
    def groups(self) -> frozenset[str]:
        """The groups of destinations that rules and exclusions name."""
        conditions = [rule.condition for rule in self.rules] + [each.condition for each in self.exclusions]
        return frozenset(each.group for each in conditions if each.group)

    def terms_of(self, rule: int) -> Terms:
        """The terms of a rule by its number, the general ones for -1."""
        return self.terms if rule < 0 else self.rules[rule].terms.over(self.terms)

    @staticmethod
    def of(said: Mapping[str, Any]) -> Settings:
        """From the JSON form; what is left out is as usual. Raises Invalid `bad_generator`, `bad_decimal`, `price_precision`, `unknown_rounding_mode`."""
        rest = dict(said)
        method = _choice(Method, rest.pop("method", Method.POSITION), "method")
        weights = tuple(
            _whole_weight(each) for each in _list(rest.pop("weights", ()) or (), "weights", most=WEIGHTS_MAX)
        )
        if method is Method.BLEND and not weights:
            raise _bad("A blend needs weights.", "Write them as 80/15/5, the cheapest first.")
        made = Settings(
            method=method,
            position=_number(rest.pop("position", 1), "position", 1, POSITION_MAX),
            weights=weights,
            terms=_terms(rest),
            percent_of=(of := _choice(PercentOf, rest.pop("percent_of", PercentOf.COST), "percent_of")),
            rules=tuple(_rule(each) for each in _list(rest.pop("rules", ()) or (), "rules", most=RULES_MAX)),
            decimals=_number(rest.pop("decimals", 4), "decimals", 0, PRICE_DECIMALS),
            rounding=RoundingMode.from_name(str(rest.pop("rounding", RoundingMode.HALF_UP.label))),
            increments=_increments(rest.pop("increments", "1/1")),
            exclusions=tuple(
                _exclusion(each) for each in _list(rest.pop("exclude", ()) or (), "exclude", most=RULES_MAX)
            ),
            no_offer=_choice(NoOffer, rest.pop("no_offer", NoOffer.LEAVE_OUT), "no_offer"),
            other_codes=_choice(OtherCodes, rest.pop("other_codes", OtherCodes.KEEP), "other_codes"),
            longer_codes=_choice(LongerCodes, rest.pop("longer_codes", LongerCodes.DEAREST), "longer_codes"),
            is_collapsed=_truth(rest.pop("collapse", False), "collapse"),
            effective_in_days=_number(rest.pop("effective_in_days", 0), "effective_in_days", 0, DAYS_MAX),
        )
        _refuse_rest(rest, "A generator")
        if of is PercentOf.PRICE:
            for terms in (made.terms, *(rule.terms for rule in made.rules)):
                if terms.percent is not None and terms.percent >= 1:
                    raise _bad("A margin is less than 100 percent of the price.", "Or take the percentage of the cost.")
        return made

    def as_json(self) -> dict[str, Any]:
        """The JSON form, which `of` reads; terms that are not said are left out."""
        return {
            "method": str(self.method),
            "position": self.position,
            "weights": [scaled_text(each, WEIGHT_DECIMALS) for each in self.weights],
            **_terms_json(self.terms),
            "percent_of": str(self.percent_of),
            "rules": [_condition_json(rule.condition) | _terms_json(rule.terms) for rule in self.rules],
            "decimals": self.decimals,
            "rounding": self.rounding.label,
            "increments": WORST if self.increments is None else "{}/{}".format(*self.increments),
            "exclude": [
                _condition_json(each.condition) | ({"source": each.source} if each.source else {})
                for each in self.exclusions
            ],
            "no_offer": str(self.no_offer),
            "other_codes": str(self.other_codes),
            "longer_codes": str(self.longer_codes),
            "collapse": self.is_collapsed,
            "effective_in_days": self.effective_in_days,
        }


def read_line(text: str) -> dict[str, str]:
    """A rule or an exclusion as a line of `name=value`, as `destination="Kenya Mobile*" percent=15`. Raises Invalid `bad_generator`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _bad(f"{text[:80]!r} cannot be read: {error}.", 'Write name=value, as destination="Kenya*".') from error
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not value or name in found:
            raise _bad(f"{word[:80]!r} is not name=value, or stands twice.", 'As code=254 percent=15 min_price="0.02".')
        found[name] = value
    return found


def write_line(said: Mapping[str, Any]) -> str:
    """The line of text that `read_line` reads, the condition first."""
    order = [each.name for each in (*fields(Condition), *fields(Terms))]
    names = sorted(said, key=lambda name: order.index(name) if name in order else len(order))
    return " ".join(f"{name}={shlex.quote(str(said[name]))}" for name in names)


def read_weights(text: str) -> list[str]:
    """The weights of `80/15/5`."""
    return [each.strip() for each in text.split("/") if each.strip()]


def _bad(text: str, hint: str = "") -> Invalid:
    return Invalid("bad_generator", text, hint=hint)


def _choice(kind: type[E], value: Any, name: str) -> E:
    try:
        return kind(value)
    except ValueError as error:
        raise _bad(f"{name} is not {str(value)[:40]!r}.", f"Use {', '.join(kind)}.") from error


def _number(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        value = int(value)
    if type(value) is not int or not least <= value <= most:
        raise _bad(f"{name} is a whole number from {least} to {most}, not {str(value)[:40]!r}.")
    return value


def _truth(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise _bad(f"{name} is true or false, not {str(value)[:40]!r}.")
    return value


def _list(value: Any, name: str, *, most: int) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise _bad(f"{name} is a list of at most {most}.")
    return value


def _decimal(value: Any, decimals: int, what: str) -> int:
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        raise _bad(f"{what} is decimal text, not {str(value)[:40]!r}.", 'Write it in quotes, as "0.0125".')
    return scaled(value.strip(), decimals, what=what)


def _whole_weight(value: Any) -> int:
    weight = _decimal(value, WEIGHT_DECIMALS, "weight")
    if not 0 < weight <= 10**10:
        raise _bad(f"A weight is above zero and at most a million, not {str(value)[:40]}.")
    return weight


def _percent(value: Any, name: str) -> Fraction:
    units = _decimal(value, PERCENT_DECIMALS, name)
    if not -100 * 10**PERCENT_DECIMALS <= units <= PERCENT_MAX * 10**PERCENT_DECIMALS:
        raise _bad(f"{name} is from -100 to {PERCENT_MAX}, not {str(value)[:40]}.")
    return Fraction(units, 100 * 10**PERCENT_DECIMALS)


def _money(value: Any, name: str) -> int:
    return Price(_decimal(value, PRICE_DECIMALS, name)).units


_PERCENTS: Final = ("percent", "min_margin_percent")
_MONEY: Final = ("absolute", "min_price", "min_margin", "max_price")


def _terms(rest: dict[str, Any]) -> Terms:
    """The terms among what is said, which are taken out of it."""
    found: dict[str, Any] = {}
    for each in fields(Terms):
        value = rest.pop(each.name, None)
        if value is None or value == "":
            continue
        if each.name in _PERCENTS:
            found[each.name] = _percent(value, each.name)
        elif each.name in _MONEY:
            found[each.name] = _money(value, each.name)
        else:
            found[each.name] = _number(value, each.name, 1, POSITION_MAX)
    return Terms(**found)


def _terms_json(terms: Terms) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields(terms):
        value = getattr(terms, each.name)
        if value is None:
            continue
        if each.name in _PERCENTS:
            found[each.name] = scaled_text(int(value * 100 * 10**PERCENT_DECIMALS), PERCENT_DECIMALS)
        elif each.name in _MONEY:
            found[each.name] = scaled_text(value, PRICE_DECIMALS)
        else:
            found[each.name] = value
    return found


def _condition(rest: dict[str, Any]) -> Condition:
    found = {}
    for each in fields(Condition):
        value = rest.pop(each.name, "") or ""
        if not isinstance(value, str) or len(value) > 200:
            raise _bad(f"{each.name} is text, not {str(value)[:40]!r}.")
        found[each.name] = value.strip()
    condition = Condition(**found)
    if condition.code and not is_digits(condition.code):
        raise _bad(f"{condition.code[:40]!r} is no beginning of codes.", "Write digits only, as 2547.")
    if condition.country and not (len(condition.country) == 2 and condition.country.isalpha()):
        raise _bad(f"{condition.country[:40]!r} is no country.", "Write its code of two letters, as KE.")
    if condition == Condition():
        raise _bad(
            "A rule or an exclusion says for which codes it is.", "Name a code, destination, group, country or kind."
        )
    return replace(condition, country=condition.country.upper())


def _condition_json(condition: Condition) -> dict[str, str]:
    return {each.name: value for each in fields(condition) if (value := getattr(condition, each.name))}


def _object(value: Any, what: str) -> dict[str, Any]:
    if isinstance(value, str):
        return dict(read_line(value))
    if not isinstance(value, Mapping):
        raise _bad(f"{what} is an object, not {str(value)[:40]!r}.")
    return dict(value)


def _rule(value: Any) -> Rule:
    rest = _object(value, "A rule")
    condition, terms = _condition(rest), _terms(rest)
    _refuse_rest(rest, "A rule")
    if terms == Terms():
        raise _bad("A rule has no terms.", "Say percent, absolute, min_price or another one.")
    return Rule(condition, terms)


def _exclusion(value: Any) -> Exclusion:
    rest = _object(value, "An exclusion")
    source = rest.pop("source", "") or ""
    condition = _condition(rest)
    _refuse_rest(rest, "An exclusion")
    return Exclusion(condition, str(source).strip())


def _increments(value: Any) -> tuple[int, int] | None:
    if value == WORST:
        return None
    first, slash, following = str(value).partition("/")
    if not slash:
        raise _bad(f"{str(value)[:40]!r} are no increments.", f"Write first/following, as 60/1, or {WORST}.")
    made = _number(first.strip(), "The first increment", 1, INCREMENT_MAX)
    return made, _number(following.strip(), "The following increment", 1, INCREMENT_MAX)


def _refuse_rest(rest: Mapping[str, Any], what: str) -> None:
    if rest:
        raise _bad(f"{what} has no {sorted(map(str, rest))[0][:40]!r}.")
