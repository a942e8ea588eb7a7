"""Attempts: calls that are tried, rerouted, answered, and how much of each."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from trunkline.simulate.causes import CAUSES, FAILED_OVER
from trunkline.simulate.decks import DeckPlan, PriceChange, longest_code, make_deck
from trunkline.simulate.markets import markets
from trunkline.simulate.traffic import Crossing, Sink, Source, TrafficPlan, attempts, popular_codes, routes_by_price
from trunkline.simulate.world import breakout_codes, country_codes, deep_codes

SIZE = 60_000
START = datetime(2026, 3, 2, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@cache
def base() -> TrafficPlan:
    codes, weights = popular_codes(1000)
    tables = (country_codes(), breakout_codes())
    decks = [make_deck(DeckPlan(f"v{row}", row, spread=90), table) for row, table in enumerate(tables)]
    return TrafficPlan(
        seed=9,
        start=START,
        day_weights=(1,),
        sources=(
            Source("a", 3, home=("US",)),
            Source("b", 1, home=("GB", "IE")),
            Source("c", 1, callers=(254201234567,)),
        ),
        codes=codes,
        weights=weights,
        sinks=(Sink("v0", "v0"), Sink("v1", "v1")),
        routes=routes_by_price(codes, decks),
    )


def plan_of(**changes) -> TrafficPlan:
    return replace(base(), **changes) if changes else base()


def all_of(plan: TrafficPlan, size: int = SIZE):
    return attempts(plan, 0, size, 0, int(plan.minutes[-1]))


def test_the_same_plan_makes_the_same_attempts():
    first, again = all_of(plan_of()), all_of(plan_of())
    other = all_of(plan_of(seed=10))
    for name in ("start", "end", "called", "leg"):
        assert (getattr(first, name) == getattr(again, name)).all()
    assert (first.called != other.called).any()


def test_attempts_of_a_call_follow_each_other_and_only_the_last_is_answered():
    made = all_of(plan_of())
    assert len(made) == SIZE
    firsts = np.flatnonzero(made.attempt == 1)
    assert firsts[0] == 0
    same = (made.call[1:] == made.call[:-1]).all(axis=1)
    assert ((made.attempt[1:] == made.attempt[:-1] + 1) == same).all()
    assert (made.is_last[:-1] == ~same).all()
    assert made.is_last[-1]
    assert made.attempt.max() == 3
    assert (made.start[1:][same] == made.end[:-1][same]).all()
    assert (made.called[1:][same] == made.called[:-1][same]).all()
    assert (made.sink[1:][same] != made.sink[:-1][same]).all()
    assert not ((made.answer >= 0) & ~made.is_last).any()
    failed_over = {index for index, _ in FAILED_OVER}
    assert set(made.cause[~made.is_last].tolist()) <= failed_over


def test_shares_are_what_the_plan_says():
    made = all_of(plan_of())
    calls = made.is_last.sum()
    assert 0.54 < (made.answer >= 0).sum() / calls < 0.56
    assert 0.57 < (made.source == 0).mean() < 0.63
    assert 0.13 < (made.attempt > 1).mean() < 0.19
    assert 0.004 < (made.caller < 0).mean() < 0.012
    assert (made.caller[made.source == 2] <= 254201234567).all()
    connected = made.duration()[made.answer >= 0]
    assert 160_000 < connected.mean() < 200_000
    assert (connected > 3_600_000).sum() > 10
    assert connected.min() >= 400


def test_instants_are_in_order_inside_the_day_and_follow_the_curve():
    plan = plan_of()
    made = all_of(plan)
    begin = int(START.timestamp()) * 1000
    assert (made.start[made.attempt == 1] >= begin).all()
    assert (made.start[made.attempt == 1] < begin + 86_400_000).all()
    rung = made.progress >= 0
    assert (made.progress[rung] >= made.start[rung]).all()
    assert (made.end[rung] >= made.progress[rung]).all()
    answered = made.answer >= 0
    assert (made.answer[answered] >= made.progress[answered]).all()
    assert (made.end >= made.start).all()
    assert all(CAUSES[cause].name == "NORMAL_CLEARING" for cause in np.unique(made.cause[answered]))
    hours = np.bincount((made.start - begin) // 3_600_000, minlength=24)
    assert hours[10:17].min() > 5 * hours[0:5].max()


def test_a_slice_of_the_weight_is_a_slice_of_the_day():
    plan = plan_of()
    made = attempts(plan, 3, 1000, int(plan.minutes[599]), int(plan.minutes[659]))
    hour = (made.start[made.attempt == 1] - int(START.timestamp()) * 1000) // 3_600_000
    assert set(hour.tolist()) == {10}


def test_called_numbers_lie_below_real_codes_and_many_codes_are_seen():
    plan = plan_of()
    made = all_of(plan)
    row = longest_code(plan.codes, made.called)
    assert (row == made.code).all()
    assert 900 < len(np.unique(row)) <= 1000
    digits = np.asarray([place.digits for place in plan.codes.places])[plan.codes.place][row]
    assert (np.char.str_len(made.called.astype(str)) == digits).all()
    busiest = np.sort(np.bincount(row, minlength=1000))[::-1]
    assert busiest[:100].sum() > 0.25 * SIZE


def test_the_cheapest_vendor_comes_first_and_those_without_the_code_never():
    codes, weights = popular_codes(1000)
    africa = breakout_codes()
    places = np.asarray([place.iso2 for place in africa.places])[africa.place]
    partial = make_deck(DeckPlan("partial", 3, level=500), africa.take(np.isin(places, np.asarray(["KE", "NG"]))))
    world = make_deck(DeckPlan("world", 4), deep_codes(9_000))
    routes = routes_by_price(codes, [world, partial])
    reached = np.asarray([place.iso2 in {"KE", "NG"} for place in codes.places])[codes.place]
    assert (routes.depth == 1 + reached).all()
    assert (routes.order[reached, 0] == 1).all()
    made = all_of(plan_of(routes=routes, weights=weights))
    assert not ((made.sink == 1) & ~reached[made.code]).any()
    with pytest.raises(ValueError, match="no deck has a price"):
        routes_by_price(codes, [partial])


def test_calls_that_are_refused_before_routing_have_no_vendor():
    made = all_of(plan_of())
    refused = made.sink < 0
    assert 0.002 < refused.mean() < 0.03
    assert {CAUSES[cause].name for cause in np.unique(made.cause[refused])} == {"NO_ROUTE_DESTINATION"}
    assert (made.answer[refused] < 0).all()


def test_without_sinks_every_attempt_is_a_call():
    made = all_of(plan_of(sinks=(), routes=None))
    assert (made.sink == -1).all()
    assert made.is_last.all()


def test_a_share_of_the_attempts_crosses_the_change_of_prices():
    change = PriceChange(NOON, countries=250, move=50)
    moving = tuple(iso2 for iso2 in markets() if change.moves(iso2))
    plan = plan_of(crossing=Crossing(NOON, 50_000, moving))
    made = all_of(plan)
    at = int(NOON.timestamp()) * 1000
    iso2 = np.asarray([place.iso2 for place in plan.codes.places])[plan.codes.place][made.code]
    moves = np.isin(iso2, np.asarray(moving)) & (made.answer >= 0)
    from_answer = moves & (made.answer < at) & (made.end > at)
    from_setup = moves & (made.start < at) & (made.start + made.duration() > at)
    assert SIZE * 0.05 <= (from_answer & from_setup).sum() < SIZE * 0.053


def test_countries_of_a_share_are_the_only_ones_called():
    codes, weights = popular_codes(60, {"KE": 90, "UG": 10})
    iso2 = np.asarray([place.iso2 for place in codes.places])[codes.place]
    assert set(iso2.tolist()) == {"KE", "UG"}
    assert len(codes) == len(weights) == 60
    assert 0.85 < weights[iso2 == "KE"].sum() / weights.sum() < 0.95
    with pytest.raises(ValueError, match="fewer than"):
        popular_codes(100_000, {"KE": 1})
