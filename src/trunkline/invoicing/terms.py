"""What a price row says, in the words of an invoice: `0.0125/min, 30/6`.

Two rows of one destination that say the same are one line of the invoice, whatever their codes, so the text is also a key: it holds every
term that a charge depends on and no term twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trunkline.core.currency import get_currency
from trunkline.core.money import AMOUNT_DECIMALS, PRICE_DECIMALS, Amount, Price, scaled_text
from trunkline.core.quantity import OCTET_UNITS
from trunkline.invoicing.choices import Unit
from trunkline.tariffs.rules import Step

Words = Mapping[str, str]

_FREE = Price(0)
_SECONDS = {1: "per_second", 60: "per_minute", 3600: "per_hour"}
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


def price_terms(rate: RateFacts, *, account_currency: str, words: Words) -> str:
    """The terms of a price row in one line of text.

    The currency is named where it is not the account's. `words` is a language's catalogue (`document/<language>.json`).
    """
    parts = [_steps_text(rate, words)]
    if rate.setup_fee:
        parts.append(words["plus_setup_fee"].format(price=_price_text(rate.setup_fee, rate.currency)))
    if rate.grace:
        parts.append(words["free_below"].format(quantity=_length_text(rate.grace, rate.unit, words)))
    if rate.max_cost is not None:
        least = get_currency(rate.currency).minor_units
        parts.append(words["at_most"].format(amount=scaled_text(rate.max_cost.units, AMOUNT_DECIMALS, least=least)))
    text = ", ".join(parts)
    if rate.time_profile:
        text = f"{text} ({rate.time_profile})"
    return text if rate.currency == account_currency else f"{rate.currency} {text}"


def _steps_text(rate: RateFacts, words: Words) -> str:
    steps = rate.steps
    prices = [_unit_price(step, rate, words) for step in steps]
    if len(set(prices)) == 1 and (notation := _increments(steps)):
        return prices[0] if rate.unit is not Unit.SECOND and notation == "1/1" else f"{prices[0]}, {notation}"
    texts = [
        words["in_increments"].format(price=price, quantity=_length_text(step.increment, rate.unit, words))
        for price, step in zip(prices, steps, strict=True)
    ]
    if len(texts) == 1:
        return texts[0]
    first = words["for_the_first"].format(price=texts[0], quantity=_length_text(steps[1].start, rate.unit, words))
    later = [
        words["then_for"].format(price=text, quantity=_length_text(following.start - step.start, rate.unit, words))
        for text, (step, following) in zip(texts[1:-1], pairwise(steps[1:]), strict=True)
    ]
    return ", ".join([first, *later, words["then"].format(price=texts[-1])])


def _increments(steps: Sequence[Step]) -> str:
    """The trade's notation: 60/1 is a first increment of 60, then ones of 1. Empty where it does not fit."""
    if len(steps) == 1:
        return f"{steps[0].increment}/{steps[0].increment}"
    if len(steps) == 2 and steps[1].start == steps[0].increment:
        return f"{steps[0].increment}/{steps[1].increment}"
    return ""


def _unit_price(step: Step, rate: RateFacts, words: Words) -> str:
    price = _price_text(step.price, rate.currency)
    if rate.unit is Unit.SECOND:
        word = _SECONDS.get(step.per)
        return f"{price}{words[word]}" if word else words["per_seconds"].format(price=price, count=step.per)
    if rate.unit is Unit.OCTET:
        unit = _OCTETS.get(step.per)
        return f"{price}/{unit}" if unit else words["per_octets"].format(price=price, count=step.per)
    return (
        f"{price}{words['per_message']}" if step.per == 1 else words["per_messages"].format(price=price, count=step.per)
    )


def _price_text(price: Price, currency: str) -> str:
    return scaled_text(price.units, PRICE_DECIMALS, least=get_currency(currency).minor_units)


def _length_text(quantity: int, unit: Unit, words: Words) -> str:
    return words[f"count_{unit.value}"].format(count=quantity)
