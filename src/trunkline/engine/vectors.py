"""Worked examples as data: the vector file format `rating/1`, read strictly and run through both engines.

Operators keep their own tariffs honest with such files, and so do we: the tables of `docs/algorithms/rating.md` and the
files of `docs/algorithms/vectors/` are read here too. Beyond the published keys a rate may carry `tag`, `length_min`,
`length_max`, `origin`, `blocked` and `policy`, a tariff `parent` (the name of another of the file) and `origins`
(codes of callers and their origins' names), a case `tags`, `caller` and,
instead of `tariff`, an ordered list `tariffs`.
Unknown keys, doubled keys and JSON fractions are errors: a misspelt price list must not pass as a cheap one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import pyarrow as pa

from trunkline.core.errors import Invalid
from trunkline.core.money import (
    AMOUNT_DECIMALS,
    EXACT,
    INT64_MAX,
    PRICE_DECIMALS,
    Amount,
    Rounding,
    RoundingMode,
    require_int64,
    scaled,
)
from trunkline.core.period import get_zone
from trunkline.engine.parents import with_inherited
from trunkline.engine.rate import compile_snapshot, rate
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import (
    CALLER_FIELD,
    DEFAULT_WEIGHT,
    EVENT_SCHEMA,
    RATE_SCHEMA,
    WEIGHT_DECIMALS,
    Outcome,
    Tariff,
    TimeWindow,
)
from trunkline.engine.units import Unit

FORMAT: Final = "rating/1"

_T = TypeVar("_T")
_Word = TypeVar("_Word", bound=str)

_EXPECTED_DECIMALS = 30  # an expectation may be written finer than an amount; it then never comes true
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])|24:00:00", re.ASCII)
_DIGITS = re.compile(r"[0-9]*", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an event came to: an amount and the code that priced it, or the name of an error (`no_rate`, `blocked`)."""

    amount: Decimal | None = None
    code: str | None = None
    error: str | None = None

    def agrees(self, expected: Answer) -> bool:
        """Equal as numbers; an expectation without a code takes any."""
        return (self.amount, self.error) == (expected.amount, expected.error) and (
            expected.code is None or self.code == expected.code
        )

    def __str__(self) -> str:
        if self.amount is None:
            return self.error or ""
        amount = f"{self.amount.normalize():f}"
        return amount if self.code is None else f"{amount} at {self.code or 'any code'}"


@dataclass(frozen=True, slots=True)
class Case:
    """One event, the ordered tariffs it is rated by, and what must come out."""

    id: str
    tariffs: tuple[str, ...]
    event: Event
    expected: Answer


@dataclass(frozen=True, slots=True)
class RatingVectors:
    """A file as read: tariffs by name, cases in the order of the file."""

    tariffs: Mapping[str, Tariff]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case as it was to be and as the two engines have it; `passed` if all three agree."""

    id: str
    expected: Answer
    scalar: Answer
    columns: Answer

    @property
    def passed(self) -> bool:
        return self.scalar.agrees(self.expected) and self.columns.agrees(self.expected)


def run_rating(path: Path | str) -> list[CaseResult]:
    """The results of a vector file. Raises Invalid `vector_file` (unreadable, no JSON), `bad_vector`."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise Invalid("vector_file", f"{path} cannot be read: {error}.") from error
    return run(read_rating(text))


def run(vectors: RatingVectors) -> list[CaseResult]:
    """Every case through `engine.scalar`, one by one, and through `engine.rate`, all at once."""
    scalar_tariffs = {name: ScalarTariff(tariff) for name, tariff in vectors.tariffs.items()}
    by_columns = _rate_columns(vectors)
    results: list[CaseResult] = []
    for case, columns in zip(vectors.cases, by_columns, strict=True):
        charged = charge([scalar_tariffs[name] for name in case.tariffs], case.event)
        scalar = _answer(charged.outcome, charged.amount, charged.code)
        results.append(CaseResult(case.id, case.expected, scalar, columns))
    return results


def _rate_columns(vectors: RatingVectors) -> list[Answer]:
    plans: dict[tuple[int, ...], int] = {}
    tag_sets: dict[frozenset[str], int] = {}
    rows = [
        {
            "number": case.event.number,
            "start": case.event.start,
            "quantity": case.event.quantity,
            "plan": plans.setdefault(tuple(vectors.tariffs[name].id for name in case.tariffs), len(plans)),
            "tag_set": tag_sets.setdefault(case.event.tags, len(tag_sets)) if case.event.tags else None,
            "caller": case.event.caller or None,
        }
        for case in vectors.cases
    ]
    events = pa.Table.from_pylist(rows, schema=EVENT_SCHEMA.append(CALLER_FIELD))
    priced = rate(compile_snapshot(vectors.tariffs.values()), events, list(plans), list(tag_sets))
    columns = (priced[name].to_pylist() for name in ("outcome", "amount", "code"))
    return [
        _answer(Outcome(outcome), None if units is None else Amount(units), code)
        for outcome, units, code in zip(*columns, strict=True)
    ]


def _answer(outcome: Outcome, amount: Amount | None, code: str | None) -> Answer:
    if outcome is Outcome.RATED and amount is not None:
        return Answer(amount.to_decimal(), code)
    return Answer(error=outcome.name.lower())


def read_rating(text: str) -> RatingVectors:
    """A vector file's text as tariffs and cases. Raises Invalid `vector_file` (no JSON), `bad_vector`."""
    try:
        document = json.loads(text, object_pairs_hook=_pairs, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Invalid("vector_file", f"This is not JSON: {error}.") from error
    return parse_rating(document)


def parse_rating(document: object) -> RatingVectors:
    """The parsed JSON of a vector file as tariffs and cases. Raises Invalid `bad_vector`, with the place."""
    fields = _fields(document, "the file", {"format", "tariffs", "cases"}, {"about"})
    if fields["format"] != FORMAT:
        _refuse("format", f"is {fields['format']!r}, not {FORMAT!r}")
    tariffs: dict[str, Tariff] = {}
    for name, tariff in _object(fields["tariffs"], "tariffs").items():
        tariffs[name] = _tariff(tariff, f"tariffs.{name}", name, len(tariffs) + 1)
    parents = {name: tariff["parent"] for name, tariff in fields["tariffs"].items() if tariff.get("parent") is not None}
    tariffs = {name: _with_parent(name, tariffs, parents) for name in tariffs}
    cases = [_case(case, f"cases[{index}]", tariffs) for index, case in enumerate(_list(fields["cases"], "cases"))]
    return RatingVectors(tariffs, tuple(cases))


def _tariff(value: object, where: str, name: str, tariff_id: int) -> Tariff:
    fields = _fields(value, where, {"currency", "rates"}, {"timezone", "unit", "time_profiles", "parent", "origins"})
    currency = _text(fields["currency"], f"{where}.currency")
    if not _CURRENCY.fullmatch(currency):
        _refuse(f"{where}.currency", f"is no currency code: {currency!r}")
    timezone = _text(fields.get("timezone", "UTC"), f"{where}.timezone")
    _within(f"{where}.timezone", lambda: get_zone(timezone))
    unit = _choice(fields.get("unit", Unit.SECOND), f"{where}.unit", Unit)
    profiles = {
        profile: tuple(
            _window(window, f"{where}.time_profiles.{profile}[{index}]")
            for index, window in enumerate(_list(windows, f"{where}.time_profiles.{profile}"))
        )
        for profile, windows in _object(fields.get("time_profiles", {}), f"{where}.time_profiles").items()
    }
    rates = [
        _rate(row, f"{where}.rates[{index}]", tariff_id * 1_000_000 + index + 1, profiles)
        for index, row in enumerate(_list(fields["rates"], f"{where}.rates"))
    ]
    origins = {
        _digits(code, f"{where}.origins"): _text(origin, f"{where}.origins.{code}")
        for code, origin in _object(fields.get("origins", {}), f"{where}.origins").items()
    }
    if "" in origins:
        _refuse(f"{where}.origins", "has a code without digits: a caller that nobody knows has no origin")
    table = pa.Table.from_pylist(rates, schema=RATE_SCHEMA)
    return Tariff(tariff_id, name, currency, timezone, unit, table, profiles, origins)


def _with_parent(name: str, tariffs: Mapping[str, Tariff], parents: Mapping[str, object]) -> Tariff:
    """The tariff with its ancestors, whose time profiles are its own too."""
    where = f"tariffs.{name}.parent"
    family = [tariffs[name]]
    while (parent := parents.get(family[-1].name)) is not None:
        if _text(parent, where) not in tariffs:
            _refuse(where, f"names no tariff of the file: {parent!r}")
        if parent in {each.name for each in family}:
            _refuse(where, "leads back to a tariff itself")
        family.append(tariffs[str(parent)])
    made = family.pop()
    while family:
        child = family.pop()
        profiles = dict(child.time_profiles)
        for profile, windows in made.time_profiles.items():
            if profiles.setdefault(profile, windows) != windows:
                _refuse(where, f"has another time profile of the name {profile!r}")
        made = replace(child, time_profiles=profiles, parent=made, origins=child.origins or made.origins)
    _within(where, lambda: with_inherited(made))
    return made


def _window(value: object, where: str) -> TimeWindow:
    fields = _fields(value, where, set(), {"weekdays", "months", "month_days", "years", "from", "to"})
    start_s = _clock(fields.get("from", "00:00:00"), f"{where}.from")
    end_s = _clock(fields.get("to", "24:00:00"), f"{where}.to")
    if end_s <= start_s:
        _refuse(where, "ends before it begins; what crosses midnight is written as two windows")
    return TimeWindow(
        _numbers(fields.get("weekdays", []), f"{where}.weekdays", 1, 7),
        _numbers(fields.get("months", []), f"{where}.months", 1, 12),
        _numbers(fields.get("month_days", []), f"{where}.month_days", 1, 31),
        _numbers(fields.get("years", []), f"{where}.years", 1, 9999),
        start_s,
        end_s,
    )


_RATE_KEYS = {
    "valid_from", "valid_to", "time_profile", "weight", "setup_fee", "grace", "rounding", "max_cost",
    "length_min", "length_max", "tag", "origin", "blocked", "policy",
}  # fmt: skip


def _rate(value: object, where: str, rate_id: int, profiles: Mapping[str, object]) -> dict[str, object]:
    """One rate as a row of `RATE_SCHEMA`."""
    fields = _fields(value, where, {"code", "steps"}, _RATE_KEYS)
    profile = fields.get("time_profile")
    if profile is not None and _text(profile, f"{where}.time_profile") not in profiles:
        _refuse(f"{where}.time_profile", f"names no time profile of the tariff: {profile!r}")
    rounding = _rounding(fields["rounding"], f"{where}.rounding") if "rounding" in fields else EXACT
    max_cost = None
    if "max_cost" in fields:
        max_cost = _scaled(fields["max_cost"], f"{where}.max_cost", AMOUNT_DECIMALS)
        if max_cost < 0:
            _refuse(f"{where}.max_cost", "is below zero")
    weight = DEFAULT_WEIGHT
    if "weight" in fields:
        weight = _scaled(fields["weight"], f"{where}.weight", WEIGHT_DECIMALS)
    blocked = fields.get("blocked", False)
    if not isinstance(blocked, bool):
        _refuse(f"{where}.blocked", "is neither true nor false")
    return {
        "rate_id": rate_id,
        "code": _digits(fields["code"], f"{where}.code"),
        "destination_id": None,
        "valid_from": _validity(fields.get("valid_from"), f"{where}.valid_from"),
        "valid_to": _validity(fields.get("valid_to"), f"{where}.valid_to"),
        "time_profile": profile,
        "weight": weight,
        "setup_fee": _scaled(fields.get("setup_fee", "0"), f"{where}.setup_fee", PRICE_DECIMALS),
        "grace": _whole(fields.get("grace", "0"), f"{where}.grace"),
        "rounding_mode": int(rounding.mode),
        "rounding_decimals": rounding.decimals,
        "max_cost": max_cost,
        "length_min": _length(fields.get("length_min"), f"{where}.length_min"),
        "length_max": _length(fields.get("length_max"), f"{where}.length_max"),
        "tag": None if "tag" not in fields else _text(fields["tag"], f"{where}.tag"),
        "origin": None if "origin" not in fields else _text(fields["origin"], f"{where}.origin"),
        "blocked": blocked,
        "additive": _choice(fields.get("policy", "regular"), f"{where}.policy", ("regular", "additive")) == "additive",
        "steps": _steps(fields["steps"], f"{where}.steps"),
    }


def _steps(value: object, where: str) -> list[dict[str, int]]:
    steps: list[dict[str, int]] = []
    for index, step in enumerate(_list(value, where)):
        place = f"{where}[{index}]"
        fields = _fields(step, place, {"price", "per", "increment"}, {"from"})
        steps.append(
            {
                "start": _whole(fields.get("from", "0"), f"{place}.from"),
                "price": _scaled(fields["price"], f"{place}.price", PRICE_DECIMALS),
                "per": _whole(fields["per"], f"{place}.per", least=1),
                "increment": _whole(fields["increment"], f"{place}.increment", least=1),
            }
        )
    steps.sort(key=lambda step: step["start"])
    starts = [step["start"] for step in steps]
    if not starts or starts[0] != 0:
        _refuse(where, "has no step that begins at 0")
    if len(set(starts)) < len(starts):
        _refuse(where, "has two steps that begin at the same position")
    return steps


def _rounding(value: object, where: str) -> Rounding:
    fields = _fields(value, where, {"mode", "decimals"}, set())
    mode = _text(fields["mode"], f"{where}.mode")
    return _within(
        where, lambda: Rounding(RoundingMode.from_name(mode), _whole(fields["decimals"], f"{where}.decimals"))
    )


def _case(value: object, where: str, tariffs: Mapping[str, Tariff]) -> Case:
    fields = _fields(
        value, where, {"id", "number", "start", "quantity", "expect"}, {"tariff", "tariffs", "tags", "caller", "note"}
    )
    where = f"{where} ({_text(fields['id'], f'{where}.id')})"
    if ("tariff" in fields) == ("tariffs" in fields):
        _refuse(where, "needs either `tariff` or `tariffs`")
    names = [fields["tariff"]] if "tariff" in fields else _list(fields["tariffs"], f"{where}.tariffs")
    for name in names:
        if _text(name, f"{where}.tariff") not in tariffs:
            _refuse(f"{where}.tariff", f"names no tariff of the file: {name!r}")
    tags = frozenset(_text(tag, f"{where}.tags") for tag in _list(fields.get("tags", []), f"{where}.tags"))
    event = Event(
        number=_digits(fields["number"], f"{where}.number"),
        start=_instant(fields["start"], f"{where}.start"),
        quantity=_whole(fields["quantity"], f"{where}.quantity"),
        tags=tags,
        caller=_text(fields.get("caller", ""), f"{where}.caller"),
    )
    return Case(fields["id"], tuple(names), event, _expectation(fields["expect"], f"{where}.expect"))


def _expectation(value: object, where: str) -> Answer:
    fields = _fields(value, where, set(), {"amount", "code", "error"})
    if ("amount" in fields) == ("error" in fields):
        _refuse(where, "needs either `amount` or `error`")
    if "error" in fields:
        if "code" in fields:
            _refuse(where, "has a code beside an error")
        errors = [outcome.name.lower() for outcome in Outcome if outcome is not Outcome.RATED]
        return Answer(error=_choice(fields["error"], f"{where}.error", errors))
    amount = _text(fields["amount"], f"{where}.amount")
    _within(f"{where}.amount", lambda: scaled(amount, _EXPECTED_DECIMALS, what="amount"))
    code = _digits(fields["code"], f"{where}.code") if "code" in fields else None
    return Answer(Decimal(amount), code)


def _refuse(where: str, complaint: str) -> NoReturn:
    raise Invalid("bad_vector", f"{where} {complaint}.", where=where)


def _within(where: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except Invalid as error:
        raise Invalid("bad_vector", f"{where}: {error}", where=where) from error


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise Invalid("bad_vector", f"The key {doubled!r} stands twice in one object.")
    return fields


def _no_number(text: str) -> NoReturn:
    raise Invalid("bad_vector", f"{text} is a JSON number.", hint='Write amounts and prices as text, like "0.25".')


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(where, "is not an object")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(where, "is not a list")
    return value


def _fields(value: object, where: str, required: set[str], optional: set[str]) -> dict[str, Any]:
    """The fields of an object; null means that the key is missing."""
    fields = _object(value, where)
    unknown = sorted(fields.keys() - required - optional)
    if unknown:
        _refuse(where, f"has an unknown key: {unknown[0]!r}")
    given = {key: field for key, field in fields.items() if field is not None}
    missing = sorted(required - given.keys())
    if missing:
        _refuse(where, f"lacks {missing[0]!r}")
    return given


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        _refuse(where, f"is not text: {value!r}")
    return value


def _choice(value: object, where: str, choices: Iterable[_Word]) -> _Word:
    for choice in choices:
        if value == str(choice):
            return choice
    _refuse(where, f"is {value!r}, not one of {', '.join(choices)}")


def _digits(value: object, where: str) -> str:
    text = _text(value, where)
    if not _DIGITS.fullmatch(text):
        _refuse(where, f"has more than digits: {text!r}")
    return text


def _scaled(value: object, where: str, decimals: int) -> int:
    text = _text(value, where)
    return _within(where, lambda: require_int64(scaled(text, decimals)))


def _whole(value: object, where: str, *, least: int = 0) -> int:
    """A whole number, written as text like all quantities or as a JSON integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        text = _text(value, where)
        number = _within(where, lambda: scaled(text, 0, what="whole number"))
    if not least <= number <= INT64_MAX:
        _refuse(where, f"is {number}, not between {least} and {INT64_MAX}")
    return number


def _numbers(value: object, where: str, least: int, most: int) -> frozenset[int]:
    numbers = _list(value, where)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            _refuse(where, f"has {number!r}, not a number from {least} to {most}")
    return frozenset(numbers)


def _length(value: object, where: str) -> int | None:
    if value is None:
        return None
    length = _whole(value, where)
    if length > 127:
        _refuse(where, "is longer than any number")
    return length


def _clock(value: object, where: str) -> int:
    text = _text(value, where)
    if not _CLOCK.fullmatch(text):
        _refuse(where, f"is no time of day: {text!r}")
    hours, minutes, seconds = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def _instant(value: object, where: str) -> datetime:
    text = _text(value, where)
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            _refuse(where, f"has no UTC offset: {text!r}")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("bad_vector", f"{where} is no instant: {text!r}.", where=where) from error


def _validity(value: object, where: str) -> datetime | None:
    if value is None:
        return None
    instant = _instant(value, where)
    if instant.microsecond:
        _refuse(where, "is not a whole second")
    return instant
