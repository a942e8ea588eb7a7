"""The generator against a model that prices one code at a time with fractions (docs/algorithms/rate-generator.md)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pricing.test_rate_generator_page import BEGINS, deck_of
from trunkline.core.money import PRICE_DECIMALS, RoundingMode, round_ratio
from trunkline.engine.units import Unit
from trunkline.pricing.generator.generate import Became, Source, Target, generate
from trunkline.pricing.generator.settings import LongerCodes, Method, PercentOf, Settings, Terms
from trunkline.tariffs.asked import ASKED


@dataclass(frozen=True)
class Listed:
    """A rate of a vendor."""

    code: str
    price: int  # 10^-10 for `per` seconds
    per: int
    increment: int
    blocked: bool
    is_timed: bool


@dataclass(frozen=True)
class Offer:
    """What a vendor asks for a code: 10^-10 of the target's currency a minute."""

    price: Fraction
    increment: int


def asked(rates: list[Listed], code: str, deck: list[str], longer_codes: LongerCodes) -> Offer | None:
    """Rules 2 to 6 of "What a vendor asks for a code"."""
    own = {rate.code for rate in rates}

    def of_code(wanted: str) -> Offer | None:
        mine = [rate for rate in rates if rate.code == wanted]
        if any(rate.blocked for rate in mine):
            return None
        offers = [Offer(Fraction(rate.price * 60, rate.per), rate.increment) for rate in mine]
        if all(rate.is_timed for rate in mine):
            shorter = longest(own, wanted[:-1])
            below = None if shorter is None else of_code(shorter)
            offers += [] if below is None else [below]
        return dearest(offers)

    found = longest(own, code)
    offer = None if found is None else of_code(found)
    if offer is None or longer_codes is LongerCodes.IGNORE:
        return offer
    longer = [each for each in own if each.startswith(code) and each != code and longest(set(deck), each) == code]
    return dearest([offer, *filter(None, map(of_code, longer))])


def longest(codes: set[str], number: str) -> str | None:
    fitting = [each for each in codes if number.startswith(each)]
    return max(fitting, key=len) if fitting else None


def dearest(offers: list[Offer]) -> Offer:
    return Offer(max(each.price for each in offers), max(each.increment for each in offers))


def cost_of(prices: list[Fraction], said: Settings) -> Fraction:
    """ "Which cost counts"; the prices ascend and there is one at least."""
    match said.method:
        case Method.POSITION:
            return prices[min(said.position, len(prices)) - 1]
        case Method.AVERAGE:
            used = prices[: said.position]
            return sum(used, Fraction(0)) / len(used)
        case Method.ALL:
            return sum(prices, Fraction(0)) / len(prices)
        case Method.BLEND:
            pairs = list(zip(said.weights, prices, strict=False))
            return sum((weight * price for weight, price in pairs), Fraction(0)) / sum(weight for weight, _ in pairs)


def price_of(cost: Fraction, prices: list[Fraction], terms: Terms, said: Settings) -> int:
    """ "From the cost to the price"."""
    percent = terms.percent or Fraction(0)
    factor = 1 + percent if said.percent_of is PercentOf.COST else 1 / (1 - percent)
    exact = cost * factor + (terms.absolute or 0)
    step = 10 ** (PRICE_DECIMALS - said.decimals)
    price = round_ratio(exact.numerator, exact.denominator * step, said.rounding) * step
    if terms.max_price is not None:
        price = min(price, floor(Fraction(terms.max_price, step)) * step)
    floors = [Fraction(terms.min_price)] if terms.min_price is not None else []
    floors += [cost + terms.min_margin] if terms.min_margin is not None else []
    floors += [cost * (1 + terms.min_margin_percent)] if terms.min_margin_percent is not None else []
    if terms.not_below_position is not None:
        floors.append(prices[min(terms.not_below_position, len(prices)) - 1])
    return max([price, *(ceil(each / step) * step for each in floors)])


CODES = st.text("12", min_size=1, max_size=4)
PRICES = st.integers(0, 40).map(lambda n: n * 10**7) | st.integers(-(10**6), 10**14)
LISTED = st.builds(
    Listed, CODES, PRICES, st.sampled_from([1, 60, 7]), st.sampled_from([1, 6, 30, 60]), st.sampled_from([False, False, False, True]), st.booleans()
)  # fmt: skip
EXCHANGE = st.just(Fraction(1)) | st.fractions(Fraction(1, 1000), 1000) | st.just(Fraction(10**15 + 37, 10**14 + 31))
PERCENT = st.none() | st.integers(-90_0000, 300_0000).map(lambda n: Fraction(n, 1_000_000))
MONEY = st.none() | st.integers(0, 10**10)
TERMS = st.builds(
    Terms, percent=PERCENT, absolute=MONEY, min_price=MONEY, min_margin=MONEY, min_margin_percent=PERCENT,
    not_below_position=st.none() | st.integers(1, 4), max_price=MONEY,
)  # fmt: skip
SETTINGS = st.builds(
    Settings,
    method=st.sampled_from(Method),
    position=st.integers(1, 4),
    weights=st.lists(st.integers(1, 10**10), min_size=1, max_size=4).map(tuple),
    terms=TERMS,
    percent_of=st.sampled_from(PercentOf),
    decimals=st.integers(0, PRICE_DECIMALS),
    rounding=st.sampled_from(RoundingMode),
    increments=st.just(None),
    longer_codes=st.sampled_from(LongerCodes),
)


def columns(rates: list[Listed]) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {
            "code": each.code,
            "steps": f"0:{_text(each.price)}/{each.per}/{each.increment}",
            "blocked": each.blocked,
            "is_timed": each.is_timed,
            "has_fee": False,
        }
        for each in rates
    ]
    return pa.Table.from_pylist(rows, ASKED)


def _text(units: int) -> str:
    return f"{'-' if units < 0 else ''}{abs(units) // 10**10}.{abs(units) % 10**10:010d}"


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    deck=st.sets(CODES, min_size=1, max_size=12).map(sorted),
    vendors=st.lists(st.tuples(st.lists(LISTED, max_size=10), EXCHANGE), min_size=1, max_size=4),
    said=SETTINGS,
)
def test_whole_columns_agree_with_one_code_at_a_time(
    deck: list[str], vendors: list[tuple[list[Listed], Fraction]], said: Settings
) -> None:
    sources = [Source(f"V{n}", columns(rates), exchange) for n, (rates, exchange) in enumerate(vendors)]
    made = generate(
        deck_of(dict.fromkeys(deck, "Somewhere")), sources, said, Target(Unit.SECOND, pa.array([], pa.string())), BEGINS
    )
    steps = dict(zip(made.lines["code"].to_pylist(), made.lines["steps"].to_pylist(), strict=True))
    for row in made.made.to_pylist():
        offers = []
        for number, (rates, exchange) in enumerate(vendors):
            found = asked(rates, row["code"], deck, said.longer_codes)
            if found is not None:
                offers.append((found.price * exchange, number, found.increment))
        assert row["offers"] == len(offers)
        if not offers:
            assert row["became"] == Became.LEFT_OUT
            continue
        prices = sorted(price for price, _, _ in offers)
        cost = cost_of(prices, said)
        price = price_of(cost, prices, said.terms, said)
        assert row["price"] == price
        assert row["cost"] == round_ratio(cost.numerator, cost.denominator, RoundingMode.HALF_UP)
        assert row["is_below_cost"] == (price < cost)
        assert row["cheapest"] == min(offers)[1]
        increment = max(each for _, _, each in offers)
        assert steps[row["code"]].endswith(f"/60/{increment}")


@given(SETTINGS)
def test_settings_come_back_from_their_json(said: Settings) -> None:
    if said.percent_of is PercentOf.COST:
        assert Settings.of(said.as_json()) == said
