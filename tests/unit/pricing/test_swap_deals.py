"""Laws of swap deals, for any usage: forecasts are kept by their own speed, money is exact, corrections leave no trace."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pricing.test_swap_deals_page import MARCH, item
from trunkline.core.money import Amount, Price
from trunkline.pricing.deals.progress import Progress, Status, Used, judge
from trunkline.pricing.deals.terms import Direction, Matcher

DAYS = st.lists(st.integers(-20_000, 200_000), max_size=30)
TODAY = st.integers(-2, 40).map(lambda number: MARCH.start + timedelta(days=number))
PRICES = st.integers(0, 10**10).map(Price)
CODES = st.text("012", min_size=1, max_size=4)


def used(seconds: list[int], ordinary: int = 0) -> Used:
    return Used({MARCH.start + timedelta(days=at): each for at, each in enumerate(seconds)}, Amount(ordinary))


def judged(seconds: list[int], today: date, minutes: int) -> tuple[Status, Progress]:
    found = judge(MARCH, [(item(minutes=minutes), used(seconds))], today)
    return found.status, found.items[0]


@given(seconds=DAYS, today=TODAY, minutes=st.integers(1, 20_000))
def test_a_forecast_is_the_first_day_on_which_its_own_speed_is_enough(
    seconds: list[int], today: date, minutes: int
) -> None:
    status, progress = judged(seconds, today, minutes)
    complete = sum(
        each
        for at, each in enumerate(seconds)
        if MARCH.start + timedelta(days=at) < min(max(today, MARCH.start), MARCH.end)
    )
    assert (status is Status.SUCCESS) == (sum(seconds) >= minutes * 60 and today >= MARCH.start)
    assert progress.expected >= progress.seconds == sum(seconds)
    if progress.forecast_on is None:
        return
    assert progress.reached_on is None
    assert progress.speed is not None
    assert progress.forecast_on >= today

    def by(day: date) -> Fraction:
        return complete + progress.speed * ((day - today).days + 1)  # type: ignore[operator]

    assert by(progress.forecast_on) >= minutes * 60
    if progress.forecast_on > today:
        assert by(progress.forecast_on - timedelta(days=1)) < minutes * 60


@given(
    seconds=st.integers(0, 10**7),
    minutes=st.integers(1, 10**5),
    price=PRICES,
    beyond=st.none() | PRICES,
    ordinary=st.integers(0, 10**14),
    direction=st.sampled_from(Direction),
)
def test_what_a_deal_is_worth_is_exact_and_rounded_once(
    seconds: int, minutes: int, price: Price, beyond: Price | None, ordinary: int, direction: Direction
) -> None:
    asked = item(direction, minutes, "0")
    asked = type(asked)(direction, minutes, price, beyond)
    (progress,) = judge(MARCH, [(asked, used([seconds], ordinary))], MARCH.end).items
    within = min(seconds, minutes * 60)
    over = seconds - within
    exact = Fraction(price.units * within, 60 * 10**10)
    if over:
        exact += (
            Fraction(ordinary, 10**8) * over / seconds if beyond is None else Fraction(beyond.units * over, 60 * 10**10)
        )
    assert progress.by_deal is not None
    assert progress.settlement is not None
    assert abs(Fraction(progress.by_deal.units, 10**8) - exact) <= Fraction(1, 2 * 10**8)
    sign = 1 if direction is Direction.INBOUND else -1
    assert progress.settlement.units == sign * (progress.by_deal.units - ordinary)


@given(
    codes=st.lists(CODES, unique=True, max_size=6),
    names=st.lists(st.sampled_from("ABC"), unique=True),
    has_rest=st.booleans(),
    sums=st.lists(st.tuples(CODES, st.sampled_from("ABCD"), st.integers(-100, 100)), max_size=12),
)
def test_every_sum_is_of_one_item_and_what_is_taken_back_counts_no_more(
    codes: list[str], names: list[str], has_rest: bool, sums: list[tuple[str, str, int]]
) -> None:
    items = {number: item(codes=frozenset({code})) for number, code in enumerate(codes)}
    items |= {100 + number: item(destinations=frozenset({name})) for number, name in enumerate(names)}
    if has_rest:
        items[999] = item()
    matcher = Matcher(items)
    counted: Counter[int | None] = Counter()
    for code, name, count in sums:
        number = matcher.find(code, name)
        fits = [each for each in codes if code.startswith(each)]
        if fits:
            wanted: int | None = codes.index(max(fits, key=len))
        else:
            wanted = 100 + names.index(name) if name in names else 999 if has_rest else None
        assert number == wanted
        counted[number] += count
    assert sum(counted.values()) == sum(count for _, _, count in sums)
    for code, name, count in sums:
        counted[matcher.find(code, name)] -= count
    assert set(counted.values()) <= {0}
