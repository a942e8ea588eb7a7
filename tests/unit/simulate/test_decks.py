"""Price lists: one price a destination, changes in time, the rate file and the engine's table."""

import csv
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from trunkline.core.money import Price, RoundingMode
from trunkline.engine.schema import RATE_SCHEMA
from trunkline.simulate.decks import (
    RATE_FILE_COLUMNS,
    RATE_TABLE_SCHEMA,
    DeckPlan,
    PriceChange,
    longest_code,
    make_deck,
    minute_cost,
    rate_table,
    write_rate_lines,
    write_rates,
)
from trunkline.simulate.world import breakout_codes, country_codes, deep_codes

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANGE = PriceChange(NOON, countries=300, move=80)


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_has_the_schema_of_the_engine():
    assert RATE_TABLE_SCHEMA == RATE_SCHEMA
    table = rate_table(make_deck(DeckPlan("x", 1, changes=(CHANGE,)), country_codes()))
    table.validate(full=True)
    assert table.schema == RATE_SCHEMA


def test_all_codes_of_a_destination_cost_the_same_unless_the_plan_spreads_them():
    codes = deep_codes(20_000)
    even = make_deck(DeckPlan("x", 1), codes)
    prices = {place: set(even.price[codes.place == place].tolist()) for place in np.unique(codes.place).tolist()}
    assert {len(found) for found in prices.values()} == {1}
    spread = make_deck(DeckPlan("x", 1, code_spread=40), codes)
    assert len(np.unique(spread.price)) > len(np.unique(even.price))
    assert (np.abs(spread.price - even.price) * 100 <= 5 * even.price + 100 * 10**5).all()


def test_level_and_spread_bound_the_price():
    codes = breakout_codes()
    deck = make_deck(DeckPlan("x", 4, level=1200, spread=100, decimals=6), codes)
    cost = np.asarray([minute_cost(place).units for place in codes.places])[codes.place]
    assert (deck.price >= cost * 1200 * 900 // 10**6 - 10**4).all()
    assert (deck.price <= cost * 1200 * 1100 // 10**6 + 10**4).all()


def test_prices_in_another_currency_are_converted():
    dollars = make_deck(DeckPlan("x", 1, decimals=4), country_codes())
    shillings = make_deck(DeckPlan("x", 1, decimals=4, currency_per_usd=Fraction(129)), country_codes())
    assert (np.abs(shillings.price - 129 * dollars.price) <= 129 * 10**6).all()


def test_a_change_closes_one_rate_and_opens_the_next():
    deck = make_deck(DeckPlan("x", 1, changes=(CHANGE,)), country_codes())
    at = int(NOON.timestamp())
    changed = np.flatnonzero(deck.valid_to == at)
    assert (deck.valid_from[changed + 1] == at).all()
    assert (deck.code[changed + 1] == deck.code[changed]).all()
    assert (deck.price[changed + 1] != deck.price[changed]).mean() > 0.9
    assert (deck.valid_to[changed + 1] == -1).all()
    moved = {deck.codes.places[place].iso2 for place in deck.codes.place[deck.code[changed]].tolist()}
    assert moved == {place.iso2 for place in deck.codes.places if CHANGE.moves(place.iso2)} & {
        deck.codes.places[place].iso2 for place in deck.codes.place.tolist()
    }
    assert 40 < len(moved) < 110


def test_the_longest_code_of_a_number_is_found():
    codes = breakout_codes()
    numbers = np.asarray([254722123456, 254201234567, 254, 881612345678, 1])
    found = longest_code(codes, numbers)
    assert [int(codes.code[row]) if row >= 0 else None for row in found] == [25472, 254, 254, None, 1]


def test_price_of_takes_the_first_price_of_the_longest_code():
    deck = make_deck(DeckPlan("x", 1, changes=(CHANGE,)), country_codes())
    kenya = deck.price[np.flatnonzero(deck.codes.code[deck.code] == 254)[0]]
    assert deck.price_of(np.asarray([254722123456, 881600000000])).tolist() == [int(kenya), -1]


def test_the_rate_file_says_what_the_table_says(tmp_path):
    plan = DeckPlan("x", 1, code_spread=10, setup_fees=200, rounding=(RoundingMode.HALF_UP, 4), changes=(CHANGE,))
    deck = make_deck(plan, deep_codes(9_000))
    path = tmp_path / "rates.csv"
    extra = {"code": "44301,44303", "destination": 'The "A, B" line', "price": "0.1"}
    assert write_rates(deck, path, (extra,)) == len(deck) + 1
    rows = rows_of(path)
    assert tuple(rows[0]) == RATE_FILE_COLUMNS
    assert {name: value for name, value in rows[0].items() if value} == extra
    table = rate_table(deck).to_pylist()
    assert len(rows) == len(table) + 1
    for row, rate in zip(rows[1:], table, strict=True):
        assert row["code"] == rate["code"]
        assert Price.from_text(row["price"]).units == rate["steps"][0]["price"]
        assert Price.from_text(row["setup_fee"] or "0").units == rate["setup_fee"]
        assert row["destination"] == deck.codes.places[rate["destination_id"] - 1].name
        assert row["per"] == "60"
        assert row["rounding"] == "half_up/4"
        for name in ("valid_from", "valid_to"):
            assert row[name] == (rate[name].strftime("%Y-%m-%dT%H:%M:%SZ") if rate[name] else "")
        first, following = row["increments"].split("/")
        steps = [(step["start"], step["increment"]) for step in rate["steps"]]
        assert steps == ([(0, int(first))] if first == following else [(0, int(first)), (int(first), int(following))])


def test_some_destinations_have_a_setup_fee_and_some_names_have_commas(tmp_path):
    deck = make_deck(DeckPlan("x", 1, setup_fees=100), deep_codes(40_000))
    path = tmp_path / "rates.csv"
    write_rates(deck, path)
    rows = rows_of(path)
    assert 0.02 < sum(row["setup_fee"] != "" for row in rows) / len(rows) < 0.25
    assert any("," in row["destination"] for row in rows)
    assert any(not row["destination"].isascii() for row in rows)


def test_an_unknown_column_is_refused(tmp_path):
    with pytest.raises(KeyError, match="prize"):
        write_rate_lines(({"code": "1", "prize": "2"},), tmp_path / "rates.csv")


def test_the_page_of_the_format_names_the_columns_in_their_order():

    page = (Path(__file__).parents[3] / "docs" / "formats" / "rates_csv.md").read_text()
    assert ",".join(RATE_FILE_COLUMNS) in page
