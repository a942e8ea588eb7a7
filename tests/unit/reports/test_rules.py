"""Figures of a report and how they follow from the sums."""

from __future__ import annotations

import pytest

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.reports.rules import (
    COLUMNS,
    Key,
    Row,
    Sums,
    View,
    columns_of,
    find_column,
    ordered,
    parse_keys,
    ratio_text,
    total,
)

money = Amount.from_text


def figures(sums: Sums, view: View = View.SUMMARY, *, is_per_vendor: bool = False) -> dict[str, str]:
    return {each.name: str(each.value(sums)) for each in columns_of(view, is_per_vendor=is_per_vendor)}


# 8 attempts of 6 calls: two were re-routed once; 4 calls connected, 3 of them voice with 61 + 59 + 1 seconds.
TRAFFIC = Sums(
    attempts=8,
    calls=6,
    connected=4,
    connected_calls=4,
    connected_voice=3,
    seconds=121,
    billed_seconds=126,
    cost_seconds=124,
    pdd_ms=20_001,
    pdd_count=7,
    revenue=money("0.30000001"),
    cost=money("0.1"),
)


def test_every_figure_follows_from_the_sums() -> None:
    assert figures(TRAFFIC) == {
        "attempts": "8",
        "calls": "6",
        "connected": "4",
        "asr": "66.67",  # 4 of 6 calls
        "acd": "40.3",  # 121 s / 3
        "pdd": "2.857",  # 20.001 s / 7
        "minutes": "2.0167",
        "billed_minutes": "2.1000",
        "cost_minutes": "2.0667",
        "revenue": "0.30000001",
        "cost": "0.1",
        "margin": "0.20000001",
        "margin_percent": "66.67",
    }


def test_where_single_vendors_are_looked_at_success_is_counted_by_attempts() -> None:
    assert figures(TRAFFIC, is_per_vendor=True)["asr"] == "50.00"  # 4 of 8 attempts
    assert figures(TRAFFIC)["asr"] == "66.67"


def test_the_margin_report_shows_the_money() -> None:
    names = ["calls", "connected", "minutes", "billed_minutes", "revenue", "cost", "margin", "margin_percent"]
    assert list(figures(TRAFFIC, View.MARGIN)) == names


def test_without_traffic_there_are_no_ratios() -> None:
    assert figures(Sums()) == {
        "attempts": "0",
        "calls": "0",
        "connected": "0",
        "asr": "None",
        "acd": "None",
        "pdd": "None",
        "minutes": "0.0000",
        "billed_minutes": "0.0000",
        "cost_minutes": "0.0000",
        "revenue": "0",
        "cost": "0",
        "margin": "0",
        "margin_percent": "None",
    }


@pytest.mark.parametrize(
    ("revenue", "cost", "percent"),
    [
        ("100", "75", "25.00"),
        ("100", "130", "-30.00"),
        ("3", "2", "33.33"),
        ("0.00000003", "0.00000001", "66.67"),
        ("0", "5", "None"),
        ("-10", "5", "None"),  # we paid our customer: there is no share of what was earned
        ("10", "-5", "150.00"),
    ],
)
def test_margin_percent_is_of_the_revenue(revenue: str, cost: str, percent: str) -> None:
    assert figures(Sums(revenue=money(revenue), cost=money(cost)))["margin_percent"] == percent


@pytest.mark.parametrize(
    ("numerator", "denominator", "decimals", "text"),
    [
        (1, 8, 2, "0.13"),
        (-1, 8, 2, "-0.13"),
        (5, 10, 0, "1"),
        (1, 3, 4, "0.3333"),
        (2, -16, 2, "-0.13"),
        (10**30, 3, 1, "333333333333333333333333333333.3"),
        (7, 0, 2, None),
    ],
)
def test_a_ratio_is_rounded_half_up_by_its_magnitude(
    numerator: int, denominator: int, decimals: int, text: str | None
) -> None:
    assert ratio_text(numerator, denominator, decimals) == text


def test_whole_seconds_can_be_had_back_from_minutes() -> None:
    for seconds in range(4000):
        shown = str(COLUMNS["minutes"].value(Sums(seconds=seconds)))
        whole, part = shown.split(".")
        assert round((int(whole) * 10_000 + int(part)) * 60 / 10_000) == seconds


def test_totals_add_every_sum() -> None:
    assert total([TRAFFIC, TRAFFIC, Sums(attempts=1, cost=money("-0.00000001"))]) == Sums(
        attempts=17,
        calls=12,
        connected=8,
        connected_calls=8,
        connected_voice=6,
        seconds=242,
        billed_seconds=252,
        cost_seconds=248,
        pdd_ms=40_002,
        pdd_count=14,
        revenue=money("0.60000002"),
        cost=money("0.19999999"),
    )
    assert total([]) == Sums()


def test_keys_keep_the_order_in_which_they_are_named() -> None:
    assert parse_keys("vendor, Day ,cause") == (Key.VENDOR, Key.DAY, Key.CAUSE)
    assert parse_keys("") == ()


@pytest.mark.parametrize(("text", "code"), [("day,week", "unknown_key"), ("day,code,day", "key_twice")])
def test_keys_that_make_no_sense_are_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_keys(text)
    assert caught.value.code == code


def test_rows_stand_by_their_keys_or_by_a_figure() -> None:
    rows = [
        Row(("b", 2), Sums(attempts=1, calls=1, connected_calls=1)),
        Row(("a", None), Sums(attempts=7)),
        Row((None, 1), Sums(attempts=7, calls=2, connected_calls=1)),
        Row(("a", 10), Sums(attempts=3, calls=4, connected_calls=3)),
        Row(("a", 9), Sums(attempts=3, calls=1)),
    ]

    def shown(sort_by: str | None) -> list[tuple[object, ...]]:
        column = None if sort_by is None else COLUMNS[sort_by]
        return [row.values for row in ordered(rows, column)]

    assert shown(None) == [("a", 9), ("a", 10), ("a", None), ("b", 2), (None, 1)]
    assert shown("attempts") == [("a", None), (None, 1), ("a", 9), ("a", 10), ("b", 2)]
    assert shown("asr") == [("b", 2), ("a", 10), (None, 1), ("a", 9), ("a", None)]


def test_a_column_that_is_not_shown_cannot_be_sorted_by() -> None:
    columns = columns_of(View.MARGIN, is_per_vendor=False)
    assert find_column("margin", columns) is COLUMNS["margin"]
    with pytest.raises(Invalid) as caught:
        find_column("asr", columns)
    assert caught.value.code == "unknown_column"
