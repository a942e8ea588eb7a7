"""An explanation says what was charged, and nothing but that: its parts add up, its verdicts are the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.rating_cases import Cases, SeededDraw, make_cases
from tests.unit.engine.test_rate_agrees import DataDraw
from trunkline.core.money import PRICE_SCALE, Amount
from trunkline.engine.explain import Explanation, Verdict, explain
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import Outcome
from trunkline.engine.vectors import parse_rating

START = datetime(2024, 6, 3, 10, tzinfo=UTC)  # a Monday


def require_sound(cases: Cases) -> int:
    """Check every event of the cases; how many were rated."""
    tariffs = {tariff.id: ScalarTariff(tariff) for tariff in cases.tariffs}
    rated = 0
    for index, row in enumerate(cases.events):
        event = cases.event(index)
        plan = [tariffs[tariff_id] for tariff_id in cases.plans[row["plan"]]]
        found = explain(plan, event)
        assert found.charge == charge(plan, event)
        require_verdicts(found)
        if found.charge.outcome is Outcome.RATED:
            require_sum(found, event)
            rated += 1
        else:
            assert (found.rounded, found.waived, found.is_capped) == (None, (), False)
    return rated


def require_sum(found: Explanation, event: Event) -> None:
    charged = found.charge
    row = next(tried.chosen for tried in found.tried if not tried.is_additive and tried.chosen is not None)
    fees = sum((Fraction(fee.units, PRICE_SCALE) for fee in charged.fees), Fraction(0))
    exact = fees + sum((part.exact for part in charged.parts), Fraction(0))
    assert found.exact == exact
    rounded = row.rounding.units(exact.numerator, exact.denominator)
    assert found.rounded == rounded
    capped = rounded if row.max_cost is None else min(rounded, row.max_cost)
    assert charged.amount == Amount(capped)
    assert found.is_capped == (capped != rounded)
    regular = [part for part in charged.parts if not part.is_additive]
    assert charged.billed == sum(part.count * part.increment for part in regular)
    position = 0
    for part in regular:  # one after the other, without a gap, until what was used is covered
        assert part.position == position
        position += part.count * part.increment
    assert position >= event.quantity or row in found.waived or event.quantity == 0


def require_verdicts(found: Explanation) -> None:
    for tried in found.tried:
        verdicts = [each.verdict for each in tried.rates]
        assert verdicts.count(Verdict.CHOSEN) == (tried.chosen is not None)
        lengths = [len(each.row.code) for each in tried.rates]
        assert lengths == sorted(lengths, reverse=True)
        if tried.chosen is None:
            assert not set(verdicts) & {Verdict.ORDER, Verdict.SHORTER}
        for each in tried.rates:
            if each.verdict in (Verdict.CHOSEN, Verdict.ORDER) and tried.chosen is not None:
                assert each.row.code == tried.chosen.code


@settings(max_examples=settings().max_examples // 4)  # an example draws hundreds of decisions
@given(st.data())
def test_fees_and_parts_add_up_to_the_amount(data: st.DataObject) -> None:
    require_sound(make_cases(DataDraw(data), 4))


def test_they_add_up_in_thousands_of_seeded_cases() -> None:
    assert sum(require_sound(make_cases(SeededDraw(seed), 100)) for seed in range(50_000, 50_040)) > 1_000


def verdicts(rates: list[dict[str, object]], *, number: str = "447900", **event: object) -> list[tuple[str, str]]:
    """(steps, verdict) of each rate that is looked at, for a price list of these rates."""
    profiles = {"night": [{"from": "22:00:00"}]}
    tariff = {"currency": "USD", "time_profiles": profiles, "rates": [RATE | each for each in rates]}
    tariffs = parse_rating({"format": "rating/1", "tariffs": {"list": tariff}, "cases": []}).tariffs
    found = explain([ScalarTariff(tariffs["list"])], Event(number, START, 60, **event))  # type: ignore[arg-type]
    return [(str(each.row.steps[0].price // PRICE_SCALE), str(each.verdict)) for each in found.tried[0].rates]


RATE: dict[str, object] = {"code": "44", "steps": []}


def steps(price: str) -> list[dict[str, str]]:
    return [{"from": "0", "price": price, "per": "60", "increment": "1"}]


def test_each_rate_is_passed_over_for_its_own_reason() -> None:
    later = (START + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    earlier = (START - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert verdicts(
        [
            {"code": "4", "steps": steps("1")},
            {"code": "447", "steps": steps("2"), "tag": "eea"},
            {"code": "4479", "steps": steps("3"), "length_min": 10},
            {"code": "44", "steps": steps("4"), "valid_from": later},
            {"code": "44", "steps": steps("5"), "valid_to": earlier},
            {"code": "44", "steps": steps("6"), "time_profile": "night"},
            {"code": "44", "steps": steps("7"), "weight": "5"},
            {"code": "44", "steps": steps("8")},
            {"code": "49", "steps": steps("9")},
        ]
    ) == [
        ("3", "length"),
        ("2", "tag"),
        ("4", "not_yet_in_force"),
        ("5", "no_longer_in_force"),
        ("6", "time_profile"),
        ("7", "order"),
        ("8", "chosen"),
        ("1", "shorter_code"),
    ]


def test_a_blocked_rate_is_the_one_chosen() -> None:
    assert verdicts([{"steps": steps("1"), "blocked": True}, {"code": "4", "steps": steps("2")}]) == [
        ("1", "chosen"),
        ("2", "shorter_code"),
    ]


def test_without_a_candidate_every_rate_has_a_reason() -> None:
    assert verdicts([{"steps": steps("1"), "tag": "eea"}], tags=frozenset({"other"})) == [("1", "tag")]
