"""What `engine.rate` promises beyond the rules themselves, which the pages' tables and the agreement tests see to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bench.rating import TARIFF_ID, make_codes, make_events, make_tariff
from trunkline.core.errors import Invalid
from trunkline.core.money import INT64_MAX
from trunkline.engine import rate as rate_module
from trunkline.engine.rate import compile_snapshot, rate
from trunkline.engine.schema import EVENT_SCHEMA, PRICED_SCHEMA, Outcome, Tariff
from trunkline.engine.vectors import parse_rating

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
Json = dict[str, Any]


def per_minute(price: str, increment: str = "1") -> list[Json]:
    return [{"price": price, "per": "60", "increment": increment}]


def tariffs(**lists: Json | list[Json]) -> list[Tariff]:
    """Tariffs numbered from 1, in USD unless said otherwise; a bare list is its rates."""
    filled = {
        name: {"currency": "USD"} | ({"rates": given} if isinstance(given, list) else given)
        for name, given in lists.items()
    }
    return list(parse_rating({"format": "rating/1", "tariffs": filled, "cases": []}).tariffs.values())


def events(*rows: tuple[str, int], **columns: Any) -> pa.Table:
    """(number, quantity) at noon by plan 0, unless columns say otherwise."""
    size = len(rows)
    table: dict[str, Any] = {
        "number": [number for number, _ in rows],
        "start": [NOON] * size,
        "quantity": [quantity for _, quantity in rows],
        "plan": [0] * size,
        "tag_set": [None] * size,
    }
    return pa.table(table | columns, schema=EVENT_SCHEMA)


def amounts(priced: pa.Table) -> list[int | None]:
    units: list[int | None] = priced["amount"].to_pylist()
    return units


def test_each_row_of_the_result_tells_what_became_of_its_event() -> None:
    snapshot = compile_snapshot(
        tariffs(
            deck=[
                {"code": "44", "steps": per_minute("0.6")},
                {"code": "447", "steps": per_minute("1.2", "60")},
                {"code": "449", "steps": per_minute("9"), "blocked": True},
                {"code": "45", "steps": per_minute("900000000", "60")},
            ]
        )
    )
    priced = rate(
        snapshot,
        events(("4420", 61), ("44770", 61), ("4490", 5), ("46", 5), ("45", 10**6), ("4420", 0)),
        [(1,)],
    )
    assert priced.schema == PRICED_SCHEMA
    rated = {"outcome": 0, "tariff_id": 1, "destination_id": None}
    nothing = dict.fromkeys(["tariff_id", "rate_id", "code", "destination_id", "billed", "amount"])
    assert priced.to_pylist() == [
        rated | {"rate_id": 1_000_001, "code": "44", "billed": 61, "amount": 61_000_000},
        rated | {"rate_id": 1_000_002, "code": "447", "billed": 120, "amount": 240_000_000},
        nothing | {"outcome": Outcome.BLOCKED, "tariff_id": 1, "rate_id": 1_000_003, "code": "449"},
        nothing | {"outcome": Outcome.NO_RATE},
        nothing | {"outcome": Outcome.OVERFLOW},
        rated | {"rate_id": 1_000_001, "code": "44", "billed": 0, "amount": 0},
    ]
    priced.validate(full=True)
    assert priced["code"].chunk(0).dictionary.to_pylist() == ["44", "447", "449"]


def test_the_dictionary_holds_each_code_once_though_two_tariffs_have_it() -> None:
    snapshot = compile_snapshot(
        tariffs(one=[{"code": "1", "steps": per_minute("1")}], two=[{"code": "1", "steps": per_minute("2")}])
    )
    priced = rate(snapshot, events(("12", 60), ("12", 60), ("2", 1), plan=[0, 1, 1]), [(1,), (2,)])
    assert priced["code"].to_pylist() == ["1", "1", None]
    assert priced["code"].chunk(0).dictionary.to_pylist() == ["1"]
    assert amounts(priced) == [10**8, 2 * 10**8, None]


def test_plans_try_their_tariffs_in_order() -> None:
    snapshot = compile_snapshot(
        tariffs(
            short=[{"code": "4", "steps": per_minute("1")}],
            long=[{"code": "44", "steps": per_minute("2")}, {"code": "5", "steps": per_minute("3")}],
            empty=[],
        )
    )
    plans = [(1, 2), (2, 1), (3, 2), (), (3,)]
    priced = rate(snapshot, events(*[("445", 60)] * 5, ("5", 60), ("6", 60), plan=[0, 1, 2, 3, 4, 0, 1]), plans)
    assert priced["tariff_id"].to_pylist() == [1, 2, 2, None, None, 2, None]


def test_plans_that_no_event_names_are_not_looked_at() -> None:
    snapshot = compile_snapshot(tariffs(deck=[{"code": "", "steps": per_minute("1")}]))
    assert amounts(rate(snapshot, events(("", 60)), [(1,), (77,)])) == [10**8]
    with pytest.raises(Invalid) as raised:
        rate(snapshot, events(("", 60), plan=[1]), [(1,), (77,)])
    assert raised.value.code == "unknown_tariff"


def test_a_surcharge_beside_another_currency_refuses_the_whole_list() -> None:
    surcharge = {"code": "", "steps": per_minute("1"), "policy": "additive"}
    snapshot = compile_snapshot(
        tariffs(
            deck=[{"code": "", "steps": per_minute("1")}],
            euro={"currency": "EUR", "rates": [surcharge]},
            octets={"unit": "octet", "rates": [surcharge]},
            dollar=[surcharge],
        )
    )
    assert amounts(rate(snapshot, events(("", 60)), [(1, 4)])) == [2 * 10**8]
    for plan in ((1, 2), (1, 3)):
        with pytest.raises(Invalid) as raised:
            rate(snapshot, events(("", 60)), [plan])
        assert raised.value.code == "additive_mixed"


def test_rows_that_arrays_cannot_hold_come_out_all_the_same() -> None:
    snapshot = compile_snapshot(
        tariffs(
            octets={
                "unit": "octet",
                "rates": [
                    {"code": "1", "steps": [{"price": "0.01", "per": "1048576", "increment": "1"}]},
                    {"code": "2", "steps": [{"price": "0", "per": "1", "increment": str(2**62)}]},
                    {"code": "1234567890123456789", "steps": [{"price": "7", "per": "1", "increment": "1"}]},
                ],
            }
        )
    )
    rows = [("1", 2**53), ("1", 2**62), ("2", 5), ("1234567890123456789", 1), ("1234567890123456780", 2**20), ("1+", 0)]
    priced = rate(snapshot, events(*rows), [(1,)])
    assert amounts(priced) == [2**33 * 10**6, 2**42 * 10**6, 0, 7 * 10**8, 10**6, 0]
    assert priced["code"].to_pylist() == ["1", "1", "2", "1234567890123456789", "1", "1"]
    assert priced["billed"].to_pylist() == [2**53, 2**62, 2**62, 1, 2**20, 0]


def test_only_a_result_outside_int64_overflows() -> None:
    rates = [
        {"code": "1", "steps": per_minute("922337203.6854775807", "60")},
        {"code": "2", "steps": per_minute("922337203.6854775807", "60"), "max_cost": "5"},
        {"code": "3", "steps": [{"price": "0", "per": "1", "increment": str(INT64_MAX)}]},
    ]
    snapshot = compile_snapshot(tariffs(deck=rates))
    priced = rate(snapshot, events(("1", 6000), ("1", 6001), ("2", 6001), ("3", 1)), [(1,)])
    assert amounts(priced) == [9223372036854775807, None, 5 * 10**8, 0]
    assert priced["outcome"].to_pylist() == [0, Outcome.OVERFLOW, 0, 0]


def test_starts_far_from_our_time_are_rated_too() -> None:
    rates = [
        {"code": "", "steps": per_minute("1"), "valid_to": "1900-01-01T00:00:00Z"},
        {"code": "", "steps": per_minute("2"), "valid_from": "1900-01-01T00:00:00Z"},
    ]
    snapshot = compile_snapshot(tariffs(deck=rates))
    starts = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1899, 12, 31, 23, 59, 30, tzinfo=UTC),
        NOON,
        datetime(9999, 12, 31, tzinfo=UTC),
    ]
    priced = rate(snapshot, events(*[("1", 60)] * 4, start=starts), [(1,)])
    assert amounts(priced) == [10**8, 15 * 10**7, 2 * 10**8, 2 * 10**8]


def test_chunked_sliced_and_untagged_events_are_read_right() -> None:
    rates = [
        {"code": "1", "steps": per_minute("1")},
        {"code": "1", "steps": per_minute("2"), "tag": "eea"},
    ]
    snapshot = compile_snapshot(tariffs(deck=rates))
    table = events(*[("1", 60)] * 4, tag_set=[None, 0, 1, None])
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1, 3)])
    tag_sets = [frozenset({"eea", "x"}), frozenset({"x"})]
    expected = [10**8, 2 * 10**8, 10**8, 10**8]
    assert amounts(rate(snapshot, chunked, [(1,)], tag_sets)) == expected
    assert amounts(rate(snapshot, table.slice(1, 2), [(1,)], tag_sets)) == expected[1:3]
    assert amounts(rate(snapshot, table.slice(3), [(1,)])) == expected[3:]


def test_no_events_and_no_tariffs() -> None:
    snapshot = compile_snapshot([])
    assert rate(snapshot, EVENT_SCHEMA.empty_table(), []).equals(PRICED_SCHEMA.empty_table())
    assert rate(snapshot, events(("1", 1)), [()])["outcome"].to_pylist() == [Outcome.NO_RATE]
    deck = compile_snapshot(tariffs(deck=[{"code": "", "steps": per_minute("1")}]))
    assert rate(deck, EVENT_SCHEMA.empty_table(), [(1,)]).num_rows == 0


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (events(("1", -1)), "negative_quantity"),
        (events(("1", 1), plan=[1]), "bad_event"),
        (events(("1", 1), plan=[-1]), "bad_event"),
        (events(("1", 1), tag_set=[2]), "bad_event"),
        (events(("1", 1)).drop_columns("plan"), "bad_event"),
        (events(("1", 1)).set_column(0, "number", pa.array([None], pa.string())), "bad_event"),
        (events(("1", 1)).set_column(2, "quantity", pa.array(["x"])), "bad_event"),
    ],
)
def test_events_of_another_shape_are_refused(table: pa.Table, code: str) -> None:
    snapshot = compile_snapshot(tariffs(deck=[{"code": "", "steps": per_minute("1")}]))
    with pytest.raises(Invalid) as raised:
        rate(snapshot, table, [(1,)], [frozenset()])
    assert raised.value.code == code


def test_the_size_of_the_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    codes = make_codes(500, rng)
    snapshot, table = compile_snapshot([make_tariff(codes, rng)]), make_events(codes, 1_000, rng)
    whole = rate(snapshot, table, [(TARIFF_ID,)])
    monkeypatch.setattr(rate_module, "_BLOCK", 7)
    assert rate(snapshot, table, [(TARIFF_ID,)]).equals(whole)


def test_many_threads_rate_by_one_snapshot() -> None:
    windows = {"peak": [{"from": f"{hour:02}:00:00", "to": f"{hour:02}:30:00"} for hour in range(24)]}
    rates = [
        {"code": str(code), "steps": per_minute(price), **more}
        for code in range(100, 400)
        for price, more in (("0.6", {}), ("1.2", {"time_profile": "peak"}), ("1.8", {"tag": "eea"}))
    ]
    deck = tariffs(deck={"time_profiles": windows, "timezone": "Europe/Berlin", "rates": rates})
    rng = np.random.default_rng(9)
    parts = [
        events(
            *[(f"{number}5", 1800) for number in rng.integers(90, 410, 300).tolist()],
            start=[NOON + timedelta(days=part, seconds=second) for second in rng.integers(0, 86400, 300).tolist()],
            tag_set=rng.integers(0, 2, 300).tolist(),
        )
        for part in range(16)
    ]
    tag_sets = [frozenset[str](), frozenset({"eea"})]
    expected = [rate(compile_snapshot(deck), part, [(1,)], tag_sets) for part in parts]
    shared = compile_snapshot(deck)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda part: rate(shared, part, [(1,)], tag_sets), parts))
    assert all(result.equals(other) for result, other in zip(results, expected, strict=True))
