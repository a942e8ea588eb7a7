"""What people write of an analysis, at any door, as what it is asked. Needs an open scope for the operator's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from enum import StrEnum
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from trunkline.core.currency import get_currency
from trunkline.core.errors import Invalid
from trunkline.core.money import scaled
from trunkline.core.period import get_zone
from trunkline.parties.kinds import Side
from trunkline.pricing.analysis.question import PERCENT_DECIMALS, WEIGHED_DAYS, Asked, Average, By, Form, Wanted
from trunkline.tariffs.rules import UNIT_OF_SERVICE, parse_instant
from trunkline.tenancy.queries import current_tenant

DAY_LENGTH: Final = len("2026-03-01")
NOON: Final = time(12)
MINUTES_OF: Final[Mapping[str, Side]] = {"customers": Side.SELL, "vendors": Side.BUY}
TAGS_MAX: Final = 50

Word = TypeVar("Word", bound=StrEnum)
Said = Mapping[str, str | Sequence[str]]


def parse_asked(said: Said, *, at: datetime) -> Asked:
    """What is asked, by the names of the options: `tariff`, `vendor`, `customer` (lists of names), `at`, `service`, `currency`, `call`, `by`, `form`,
    `positions`, `against_tariff`, `against_vendor`, `against_customer`, `against` (sell or buy), `below`, `code`, `destination`, `country`, `deck`, `average`,
    `minutes`, `days`, `tag`. What is left out or empty is as usual; `at` is the present.

    Raises Invalid as `Asked` does, `bad_time`, `bad_number`, `bad_word`, `two_masters`, `unknown_currency`.
    """
    one = {name: value for name, value in said.items() if isinstance(value, str) and value}
    average = _word(one, "average", Average, Average.CODES)
    minutes = _one_of(one, "minutes", MINUTES_OF) if "minutes" in one else None
    master, buys = _master(one)
    currency = one.get("currency")
    return Asked(
        columns=(
            *(Wanted(name) for name in _names(said, "tariff")),
            *(Wanted(name, Side.BUY) for name in _names(said, "vendor")),
            *(Wanted(name, Side.SELL) for name in _names(said, "customer")),
        ),
        at=parse_at(one["at"], get_zone(current_tenant().timezone)) if "at" in one else at,
        service=_one_of(one, "service", {name: name for name in UNIT_OF_SERVICE}) if "service" in one else "voice",
        currency=get_currency(currency).code if currency else None,
        call=_whole(one, "call"),
        by=_word(one, "by", By, By.CODE),
        form=_word(one, "form", Form, Form.SIDE_BY_SIDE),
        positions=_whole(one, "positions"),
        master=master,
        master_buys=buys,
        below=_percent(one["below"]) if "below" in one else None,
        code=one.get("code", "").removeprefix("+"),
        destination=one.get("destination", ""),
        country=one.get("country", ""),
        deck=one.get("deck", ""),
        average=average,
        minutes_of=minutes or (Side.SELL if average is Average.MINUTES else None),
        days=_whole(one, "days") or WEIGHED_DAYS,
        tags=_tags(_names(said, "tag")),
    )


def parse_at(text: str, zone: ZoneInfo) -> datetime:
    """An instant; of a day its noon on that clock. Raises Invalid `bad_time`."""
    found = parse_instant(text, zone)
    if len(text.strip()) > DAY_LENGTH:
        return found
    return datetime.combine(found.astimezone(zone).date(), NOON, zone)


def _names(said: Said, name: str) -> tuple[str, ...]:
    value = said.get(name, ())
    given = value.split(",") if isinstance(value, str) else value
    return tuple(filter(None, (each.strip() for each in given)))


def _master(one: Mapping[str, str]) -> tuple[Wanted | None, bool]:
    kinds: dict[str, Side | None] = {"against_tariff": None, "against_vendor": Side.BUY, "against_customer": Side.SELL}
    found = [Wanted(one[name], side) for name, side in kinds.items() if name in one]
    if len(found) > 1:
        raise Invalid(
            "two_masters", "Margins are against one price list.", hint="Name a tariff, a vendor or a customer."
        )
    role = _word(one, "against", Side, Side.SELL)
    return (found[0] if found else None), role is Side.BUY


def _word(one: Mapping[str, str], name: str, words: type[Word], usual: Word) -> Word:
    return _one_of(one, name, {each.value: each for each in words}) if name in one else usual


Value = TypeVar("Value")


def _one_of(one: Mapping[str, str], name: str, words: Mapping[str, Value]) -> Value:
    if one[name] not in words:
        raise Invalid(
            "bad_word", f"{one[name][:40]!r} is no {name}.", hint=f"Write one of {', '.join(words)}.", field=name
        )
    return words[one[name]]


def _whole(one: Mapping[str, str], name: str) -> int | None:
    text = one.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Invalid("bad_number", f"{text[:40]!r} is no whole number.", field=name)
    return int(text)


def _percent(text: str) -> int:
    return scaled(text.removesuffix("%").strip(), PERCENT_DECIMALS, code="bad_number", what="percentage")


def _tags(given: tuple[str, ...]) -> frozenset[str]:
    if len(given) > TAGS_MAX:
        raise Invalid("bad_number", f"At most {TAGS_MAX} tags.", field="tag")
    return frozenset(given)
