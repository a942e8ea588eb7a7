"""What a price row says, in the words of an invoice: `0.0125/min, 30/6`.

Two rows of one destination that say the same are one line of the invoice, whatever their codes, so the text is also a key: it holds every
term that a charge depends on and no term twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trunkline.core.currency import get_currency
from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS, Amount, Price, scaled_text
from trunkline.core.quantity import OCTET_UNITS
from trunkline.invoicing.choices import Unit
from trunkline.invoicing.document.language import Language, marked
from trunkline.tariffs.rules import Step

_FREE = Price(0)
_SECONDS = {1: marked("{price}/s"), 60: marked("{price}/min"), 3600: marked("{price}/h")}
_LENGTHS = {Unit.SECOND: marked("{count} s"), Unit.OCTET: marked("{count} B"), Unit.MESSAGE: "{count}"}
_OCTETS = {size: unit for unit, size in OCTET_UNITS.items()}


@dataclass(frozen=True, slots=True)
class RateFacts:
    """What of a price row and its tariff stands on an invoice."""

    steps: tuple[Step, ...]
    unit: Unit
    currency: str
    setup_fee: Price = _FREE
    grace: int = 0
    max_cost: Amount | None = None
    time_profile: str = ""


def price_terms(rate: RateFacts, *, account_currency: str, language: Language) -> str:
    """The terms of a price row in one line of text; the currency is named where it is not the account's."""
    parts = [_steps_text(rate, language)]
    if rate.setup_fee:
        fee = _price_text(rate.setup_fee, rate.currency, language)
        parts.append(language.gettext("plus {price} once").format(price=fee))
    if rate.grace:
        grace = _length_text(rate.grace, rate.unit, language)
        parts.append(language.gettext("free below {quantity}").format(quantity=grace))
    if rate.max_cost is not None:
        least = get_currency(rate.currency).minor_units
        most = language.decimal(scaled_text(rate.max_cost.units, AMOUNT_DECIMALS, least=least))
        parts.append(language.gettext("at most {amount}").format(amount=most))
    text = ", ".join(parts)
    if rate.time_profile:
        text = f"{text} ({rate.time_profile})"
    if rate.currency == account_currency:
        return text
    return language.pgettext("price in another currency", "{currency} {terms}").format(
        currency=rate.currency, terms=text
    )


def _steps_text(rate: RateFacts, language: Language) -> str:
    steps = rate.steps
    prices = [_unit_price(step, rate, language) for step in steps]
    if len(set(prices)) == 1 and (notation := _increments(steps)):
        return prices[0] if rate.unit is not Unit.SECOND and notation == "1/1" else f"{prices[0]}, {notation}"
    in_increments = language.gettext("{price} in steps of {quantity}")
    texts = [
        in_increments.format(price=price, quantity=_length_text(step.increment, rate.unit, language))
        for price, step in zip(prices, steps, strict=True)
    ]
    if len(texts) == 1:
        return texts[0]
    length = _length_text(steps[1].start, rate.unit, language)
    first = language.gettext("{price} for the first {quantity}").format(price=texts[0], quantity=length)
    then_for = language.gettext("then {price} for {quantity}")
    later = [
        then_for.format(price=text, quantity=_length_text(following.start - step.start, rate.unit, language))
        for text, (step, following) in zip(texts[1:-1], pairwise(steps[1:]), strict=True)
    ]
    return ", ".join([first, *later, language.gettext("then {price}").format(price=texts[-1])])


def _increments(steps: Sequence[Step]) -> str:
    """The trade's notation: 60/1 is a first increment of 60, then ones of 1. Empty where it does not fit."""
    if len(steps) == 1:
        return f"{steps[0].increment}/{steps[0].increment}"
    if len(steps) == 2 and steps[1].start == steps[0].increment:
        return f"{steps[0].increment}/{steps[1].increment}"
    return ""


def _unit_price(step: Step, rate: RateFacts, language: Language) -> str:
    price, count = _price_text(step.price, rate.currency, language), step.per
    if rate.unit is Unit.SECOND:
        text = language.gettext(_SECONDS.get(count, marked("{price} per {count} s")))
        return text.format(price=price, count=count)
    if rate.unit is Unit.OCTET:
        if count in _OCTETS:
            return f"{price}/{language.data_unit(_OCTETS[count])}"
        return language.gettext("{price} per {count} B").format(price=price, count=count)
    return language.ngettext("{price} each", "{price} per {count}", count).format(price=price, count=count)


def _price_text(price: Price, currency: str, language: Language) -> str:
    return language.decimal(scaled_text(price.units, PRICE_DECIMALS, least=get_currency(currency).minor_units))


def _length_text(quantity: int, unit: Unit, language: Language) -> str:
    return language.gettext(_LENGTHS[unit]).format(count=quantity)
