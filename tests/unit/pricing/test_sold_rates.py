"""The price list of a customer: special rates before the tariff's own, its own before those of its parent, at each instant and code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pricing.test_notification_laws import DAY, holds, timelines
from tests.unit.pricing.test_rate_changes_page import rate, there
from trunkline.pricing.notifications.sold import layered


def told(*chain: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """code, price, from, to of the list."""
    rows = layered([there(*rates) for rates in chain]).sort_by([("code", "ascending"), ("valid_from", "ascending")])
    return [
        (row["code"], row["steps"].split("/")[0].removeprefix("0:"), f"{row['valid_from']:%m-%d}", f"{row['valid_to']:%m-%d}" if row["valid_to"] else "")
        for row in rows.to_pylist()
    ]  # fmt: skip


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def test_a_parent_prices_what_the_child_does_not() -> None:
    child = [rate("44", "0:0.02/60/1", valid_from=day(3, 1), valid_to=day(3, 10))]
    parent = [rate("44", "0:0.015/60/1"), rate("447911", "0:0.05/60/1")]
    assert told(child, parent) == [
        ("44", "0.015", "01-01", "03-01"),
        ("44", "0.02", "03-01", "03-10"),
        ("44", "0.015", "03-10", ""),
        ("447911", "0.05", "01-01", ""),
    ]


def test_a_special_rate_goes_before_the_others_of_its_code() -> None:
    regular = [rate("254", "0:0.05/60/1"), rate("254", "0:0.04/60/1", time_profile="night")]
    special = [rate("254", "0:0.01/60/1", weight="99999999.9999", valid_from=day(4, 1))]
    assert told([*regular, *special]) == [
        ("254", "0.05", "01-01", "04-01"),
        ("254", "0.04", "01-01", "04-01"),
        ("254", "0.01", "04-01", ""),
    ]


def test_a_condition_of_the_child_leaves_the_parents_price_beside_it() -> None:
    child = [rate("254", "0:0.04/60/1", time_profile="night")]
    parent = [rate("254", "0:0.05/60/1"), rate("254", "0:0.045/60/1", time_profile="night")]
    assert sorted(told(child, parent)) == [("254", "0.04", "01-01", ""), ("254", "0.05", "01-01", "")]


def test_a_surcharge_stays_beside_a_price() -> None:
    child = [rate("254", "0:0.04/60/1")]
    assert len(told(child, [rate("254", "0:0.01/60/1", additive=True)])) == 2


@given(chain=st.lists(timelines(), max_size=3))
def test_at_each_instant_the_nearest_tariff_that_has_a_price_gives_it(chain: list[list[dict[str, Any]]]) -> None:
    rates = layered([there(*each) for each in chain]).to_pylist()
    for code in ("254", "2547", "255", "44", "447911"):
        for days in range(-25, 60):
            at = DAY + timedelta(days=days)
            nearest = next(filter(None, (holds(each, code, at) for each in chain)), None)
            assert holds(rates, code, at) == nearest
            assert sum(holds([each], code, at) is not None for each in rates) <= 1
