from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bench.rating import TARIFF_ID, make_codes, make_events, make_tariff
from trunkline.core.errors import Invalid
from trunkline.engine.rate import compile_snapshot, rate
from trunkline.engine.schema import RATE_SCHEMA, STEP_TYPE, Tariff
from trunkline.engine.snapshot import Snapshot
from trunkline.engine.tariff import compile_tariff, from_arrow, to_arrow
from trunkline.engine.vectors import parse_rating

Json = dict[str, Any]
STEP = {"price": "0.6", "per": "60", "increment": "1"}


def tariff(*rates: Json) -> Tariff:
    """Rates numbered from 1,000,001 in the order given; one step unless they say otherwise."""
    listed = [{"steps": [STEP]} | each for each in rates]
    profiles = {"peak": [{"from": "08:00:00", "to": "18:00:00"}]}
    deck = {"currency": "USD", "time_profiles": profiles, "rates": listed}
    return parse_rating({"format": "rating/1", "tariffs": {"deck": deck}, "cases": []}).tariffs["deck"]


def with_column(deck: Tariff, name: str, value: object) -> Tariff:
    column = RATE_SCHEMA.field(name)
    values = pa.array([value] * deck.rates.num_rows, column.type)
    return replace(deck, rates=deck.rates.set_column(deck.rates.schema.get_field_index(name), column, values))


def test_rates_stand_by_code_and_then_by_rank() -> None:
    book = compile_tariff(
        tariff(
            {"code": "44"},
            {"code": "4"},
            {"code": "44", "weight": "20"},
            {"code": "44", "tag": "eea", "weight": "1"},
            {"code": "44", "valid_from": "2026-01-01T00:00:00Z"},
            {"code": "440"},
            {"code": "44", "valid_from": "2026-01-01T00:00:00Z"},
            {"code": "44", "valid_from": "2025-01-01T00:00:00Z", "time_profile": "peak"},
        )
    ).regular
    assert book is not None
    assert book.codes.to_pylist() == ["4", "44", "440"]
    assert (book.prices.rate_id - 1_000_000).tolist() == [2, 4, 3, 5, 7, 8, 1, 6]
    assert book.ranking.code.tolist() == [0, 1, 1, 1, 1, 1, 1, 2]
    assert book.ranking.group.tolist() == [0, 1, 2, 3, 3, 3, 3, 4]


def test_rates_that_differ_in_prices_alone_share_their_terms() -> None:
    def rate_of(code: str, price: str, **more: object) -> Json:
        steps = [
            {"price": price, "per": "60", "increment": "60"},
            {"from": "60", "price": price, "per": "60", "increment": "6"},
        ]
        return {"code": code, "steps": steps, **more}

    book = compile_tariff(
        tariff(rate_of("1", "0.1"), rate_of("2", "0.2"), {"code": "3"}, rate_of("4", "0.3", grace="5"))
    ).regular
    assert book is not None
    assert book.prices.term.tolist()[0] == book.prices.term.tolist()[1]
    assert len(set(book.prices.term.tolist())) == book.terms.common.size == 3
    shared = int(book.prices.term[0])
    first = int(book.terms.first_step[shared])
    # 60 for 60 costs one price, 6 for 60 a tenth of one: ten and one over the common ten.
    assert book.terms.common[shared] == 10
    assert book.terms.weight[first : first + 2].tolist() == [10, 1]
    assert book.terms.step_end[first : first + 2].tolist() == [60, np.iinfo(np.int64).max]
    assert book.prices.later_prices.tolist() == [10**9, 2 * 10**9, 3 * 10**9]


def test_regular_additive_and_overlong_codes_are_kept_apart() -> None:
    compiled = compile_tariff(tariff({"code": "1"}, {"code": "2", "policy": "additive"}, {"code": "3" * 19}))
    assert compiled.regular is not None
    assert compiled.additive is not None
    assert compiled.regular.codes.to_pylist() == ["1"]
    assert compiled.additive.codes.to_pylist() == ["2"]
    assert compiled.has_long_codes
    empty = compile_tariff(tariff())
    assert (empty.regular, empty.additive) == (None, None)


def steps_of(*starts: int, per: int = 60, increment: int = 1) -> list[dict[str, int]]:
    return [{"start": start, "price": 1, "per": per, "increment": increment} for start in starts]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("code", "+44", "bad_code"),
        ("time_profile", "night", "unknown_time_profile"),
        ("steps", [], "no_steps"),
        ("steps", steps_of(5), "bad_steps"),
        ("steps", steps_of(0, 60, 60), "bad_steps"),
        ("steps", steps_of(0, per=0), "bad_steps"),
        ("steps", steps_of(0, increment=0), "bad_steps"),
        ("rounding_decimals", 9, "rounding_decimals"),
        ("rounding_decimals", -1, "rounding_decimals"),
        ("rounding_mode", 4, "unknown_rounding_mode"),
        ("max_cost", -1, "negative_max_cost"),
    ],
)
def test_rates_that_make_no_sense_are_refused(column: str, value: object, code: str) -> None:
    with pytest.raises(Invalid, match="deck") as raised:
        compile_tariff(with_column(tariff({"code": "1"}, {"code": "2"}), column, value))
    assert raised.value.code == code


def test_rates_of_another_shape_are_refused() -> None:
    deck = tariff({"code": "1"})
    with pytest.raises(Invalid) as raised:
        compile_tariff(replace(deck, rates=deck.rates.drop_columns("weight")))
    assert raised.value.code == "bad_rates"


def test_columns_in_another_order_and_in_chunks_are_read_by_name() -> None:
    deck = tariff({"code": "1"}, {"code": "2"}, {"code": "3"})
    parts = [deck.rates.slice(low, 1).select(RATE_SCHEMA.names[::-1]) for low in range(3)]
    book = compile_tariff(replace(deck, rates=pa.concat_tables(parts))).regular
    assert book is not None
    assert book.codes.to_pylist() == ["1", "2", "3"]


def test_two_tariffs_of_one_id_are_refused() -> None:
    with pytest.raises(Invalid) as raised:
        compile_snapshot([tariff({"code": "1"})] * 2)
    assert raised.value.code == "duplicate_tariff"


def test_a_compiled_tariff_is_read_from_a_mapped_file_and_prices_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    codes = make_codes(3_000, rng)
    deck = make_tariff(codes, rng)
    path = tmp_path / "deck.arrow"
    table = to_arrow(compile_tariff(deck))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pa.memory_map(str(path)) as mapped:
        stored = pa.ipc.open_file(mapped).read_all()
        before = pa.total_allocated_bytes()
        compiled = from_arrow(deck, stored)
        assert pa.total_allocated_bytes() - before < 10_000  # nothing was copied
        events = make_events(codes, 5_000, rng)
        expected = rate(compile_snapshot([deck]), events, [(TARIFF_ID,)])
        assert rate(Snapshot([compiled]), events, [(TARIFF_ID,)]).equals(expected)


def test_a_compiled_form_of_other_rates_is_refused() -> None:
    stored = to_arrow(compile_tariff(tariff({"code": "1"})))
    with pytest.raises(Invalid) as raised:
        from_arrow(tariff({"code": "1"}, {"code": "2"}), stored)
    assert raised.value.code == "stale_compiled_tariff"


def test_the_limits_of_a_tariff_follow_from_its_dearest_rate() -> None:
    cheap = compile_tariff(tariff({"code": "1"})).regular
    dear = compile_tariff(
        tariff({"code": "1"}, {"code": "2", "steps": [{"price": "900000000", "per": "60", "increment": "60"}]})
    ).regular
    assert cheap is not None
    assert dear is not None
    assert cheap.terms.quantity_limit.tolist() == [2**28 - 1]
    assert set(dear.terms.quantity_limit.tolist()) == {0}


def test_a_thousand_terms_are_told_apart() -> None:
    count = 1_000
    rates = tariff(*({"code": str(number), "grace": str(number)} for number in range(count))).rates
    long_steps = pa.array([steps_of(*range(number % 40 + 1)) for number in range(count)], pa.list_(STEP_TYPE))
    deck = Tariff(1, "deck", "USD", "UTC", tariff().unit, rates.set_column(17, RATE_SCHEMA.field("steps"), long_steps))
    book = compile_tariff(deck).regular
    assert book is not None
    graces = book.terms.grace[book.prices.term]
    counts = book.terms.step_count[book.prices.term]
    numbers = book.prices.rate_id - 1_000_001
    assert graces.tolist() == numbers.tolist()
    assert counts.tolist() == (numbers % 40 + 1).tolist()
