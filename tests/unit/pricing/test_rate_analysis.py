"""Rate analysis against a model that asks every list for every number, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pricing.test_rate_analysis_page import tariff
from trunkline.core.errors import Invalid
from trunkline.engine.rate import compile_snapshot
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import Outcome
from trunkline.pricing.analysis.asking import Call, Cell, List, ask, minutes_of_rows, rows_of
from trunkline.pricing.analysis.compared import below, by_destination, lay_out, with_margins, with_order
from trunkline.pricing.analysis.question import Asked, Average, Wanted, percent_text

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
RATES = {"USD": Fraction(1), "EUR": Fraction(1113, 1024), "JPY": Fraction(1, 157)}
CODES = st.text("012", min_size=0, max_size=4)
STEPS = st.builds(
    lambda price, first, later: f"0:{price}/60/{first};{first}:{price}/60/{later}",
    st.integers(0, 300).map(lambda units: Decimal(units).scaleb(-4)),
    st.sampled_from([1, 6, 30, 60]),
    st.sampled_from([1, 6, 60]),
)
LISTS = st.dictionaries(CODES, st.one_of(STEPS, STEPS, STEPS, st.just("blocked")), max_size=8)


@dataclass
class Model:
    """What one list has for a number: the outcome, the price of a minute, the code."""

    outcome: Outcome
    price: Fraction | None
    code: str | None


def half_up(value: Fraction, decimals: int) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def modelled(tariffs: list[ScalarTariff], number: str, seconds: int) -> Model:
    found = charge(tariffs, Event(number, AT, seconds, frozenset()))
    if found.amount is None:
        return Model(found.outcome, None, found.code)
    currency = next(each.tariff.currency for each in tariffs if each.tariff.id == found.tariff_id)
    price = Fraction(found.amount.units, 10**8) * RATES[currency] * 60 / seconds
    return Model(found.outcome, Fraction(half_up(price, 8)), found.code)


@given(
    lists=st.lists(LISTS, min_size=1, max_size=4),
    pair=st.booleans(),
    seconds=st.sampled_from([1, 60, 61, 3599]),
    tails=st.lists(st.text("012", max_size=3), min_size=1, max_size=4),
)
def test_every_number_costs_what_its_row_says(
    lists: list[dict[str, str]], pair: bool, seconds: int, tails: list[str]
) -> None:
    """The longest row that a number begins with says of every list what the list asks for the number itself."""
    made = [tariff(number, f"t{number}", sorted(RATES)[number % 3], rates) for number, rates in enumerate(lists, 1)]
    plans = [(each.id,) for each in made]
    if pair and len(plans) > 1:
        plans = [(1, 2), *plans[2:]]
    snapshot = compile_snapshot(made)
    scalars = {each.id: ScalarTariff(each) for each in made}
    answers = ask(snapshot, [List(str(plan), plan) for plan in plans], Call(AT, seconds, RATES.__getitem__))
    codes = answers.codes.to_pylist()
    assert codes == sorted(set(codes))
    assert set(codes) <= {code for rates in lists for code in rates}
    numbers = [code + tail for code in {code for rates in lists for code in rates} for tail in tails]
    rows = rows_of(answers.codes, pa.array(numbers, pa.string())) if codes and numbers else []
    for number, row in zip(numbers, rows, strict=True):
        for plan, column in zip(plans, answers.columns, strict=True):
            model = modelled([scalars[each] for each in plan], number, seconds)
            cell = Cell(int(column.cells[row])) if row >= 0 else Cell.NONE
            assert cell.name == {"RATED": "OFFER", "NO_RATE": "NONE"}.get(model.outcome.name, model.outcome.name)
            if cell is Cell.OFFER:
                assert Fraction(int(column.prices[row]), 10**8) == model.price
                assert column.used[int(row)].as_py() == model.code
                assert column.is_simulated[row] == (model.code != codes[row])


@given(
    lists=st.lists(LISTS, min_size=2, max_size=4),
    names=st.dictionaries(CODES, st.sampled_from("ABC")),
    weights=st.dictionaries(CODES, st.integers(-50, 900)),
    average=st.sampled_from(Average),
)
def test_positions_margins_and_destinations_are_those_of_the_cells(
    lists: list[dict[str, str]], names: dict[str, str], weights: dict[str, int], average: Average
) -> None:
    made = [tariff(number, f"t{number}", "USD", rates) for number, rates in enumerate(lists, 1)]
    answers = ask(
        compile_snapshot(made), [List(each.name, (each.id,)) for each in made], Call(AT, 60, RATES.__getitem__)
    )
    codes = answers.codes.to_pylist()
    units, left = minutes_of_rows(answers.codes, weights)
    assert int(units.sum()) + left == sum(weights.values())
    named = pa.array([names.get(code, "") for code in codes], pa.string())
    by_code = lay_out(answers, names=named, units=units, has_master=True)
    table = with_order(with_margins(by_code, is_master_selling=True), 2)
    shown = range(len(made) - 1)
    for row in range(len(codes)):
        offers = [at for at in shown if by_code.cells[row, at] == Cell.OFFER]
        ranked = sorted(offers, key=lambda at: (int(by_code.prices[row, at]), at))[:2]
        assert [at for at in table.order[row].tolist() if at >= 0] == ranked
        for at in shown:
            is_there = at in offers and bool(by_code.has_master[row])
            assert bool(table.margins.is_there[row, at]) == is_there
            if is_there and by_code.master[row] > 0:
                price, sold = int(by_code.prices[row, at]), int(by_code.master[row])
                assert (
                    percent_text(int(table.margins.percents[row, at]))
                    == f"{half_up(Fraction((sold - price) * 100, sold), 2):.2f}"
                )
    low = below(table, 1000)
    assert [code for code in codes if code in low.codes.to_pylist()] == [
        code
        for row, code in enumerate(codes)
        if any(
            table.margins.is_there[row, at]
            and (table.margins.percents[row, at] < 1000 if table.margins.has_percent[row, at] else table.margins.amounts[row, at] < 0)
            for at in table.order[row].tolist()
            if at >= 0
        )
    ]  # fmt: skip
    grouped = by_destination(by_code, average)
    assert grouped.names.to_pylist() == sorted(set(named.to_pylist()))
    for row, name in enumerate(grouped.names.to_pylist()):
        members = [place for place, each in enumerate(named.to_pylist()) if each == name]
        assert (int(grouped.counts[row]), int(grouped.units[row])) == (len(members), int(units[members].sum()))
        for at in shown:
            offered = [place for place in members if by_code.cells[place, at] == Cell.OFFER]
            kinds = {Cell(int(by_code.cells[place, at])) for place in members}
            assert Cell(int(grouped.cells[row, at])) == (
                Cell.OFFER if offered else Cell.BLOCKED if Cell.BLOCKED in kinds else Cell.NONE
            )
            if offered:
                prices = [int(by_code.prices[place, at]) for place in offered]
                counted = [max(int(units[place]), 0) for place in offered]
                if average is Average.CODES or not sum(counted):
                    counted = [1] * len(offered)
                exact = Fraction(sum(p * w for p, w in zip(prices, counted, strict=True)), sum(counted))
                assert int(grouped.prices[row, at]) == int(half_up(exact, 0))
                assert (int(grouped.least[row, at]), int(grouped.greatest[row, at])) == (min(prices), max(prices))


def test_a_surcharge_for_a_longer_code_is_a_row_and_no_simulation() -> None:
    base = tariff(1, "t", "USD", {"44": "0:0.01/60/1", "447": "0:0.002/60/1"})
    additive = pa.array([False, True])
    place = base.rates.schema.get_field_index("additive")
    rates = base.rates.set_column(place, base.rates.schema.field(place), additive)
    snapshot = compile_snapshot([type(base)(1, "t", "USD", "UTC", base.unit, rates)])
    answers = ask(snapshot, [List("t", (1,))], Call(AT, 60, RATES.__getitem__))
    (column,) = answers.columns
    assert answers.codes.to_pylist() == ["44", "447"]
    assert column.prices.tolist() == [1_000_000, 1_200_000]
    assert column.is_simulated.tolist() == [False, False]


def test_a_question_that_contradicts_itself_is_refused() -> None:
    columns = (Wanted("a"),)
    wrong = {
        "no_columns": {"columns": ()},
        "too_many_columns": {"columns": tuple(Wanted(str(number)) for number in range(25))},
        "repeated_column": {"columns": columns * 2},
        "bad_call": {"columns": columns, "call": 0},
        "bad_positions": {"columns": columns, "positions": 0},
        "no_master": {"columns": columns, "below": 0},
        "no_minutes": {"columns": columns, "average": Average.MINUTES},
        "bad_days": {"columns": columns, "days": 0},
        "bad_code": {"columns": columns, "code": "44x"},
    }
    for code, asked in wrong.items():
        with pytest.raises(Invalid) as caught:
            Asked(at=AT, **asked)  # type: ignore[arg-type]
        assert caught.value.code == code
