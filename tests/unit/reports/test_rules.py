"""Figures of a report and how they follow from the sums."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.reports.causes import CAUSES_OF, CauseGroup, group_of
from trunkline.reports.report import Groups, as_column, iter_sums, ordered, sorted_labels
from trunkline.reports.rules import (
    COLUMNS,
    Column,
    Key,
    Kind,
    Prefix,
    Sums,
    View,
    columns_of,
    find_column,
    parse_figures,
    parse_keys,
    ratio,
    shown,
    total,
)


def money(text: str) -> int:
    return Amount.from_text(text).units


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
    column = Column("r", "R", Kind.RATIO, decimals, lambda sums: sums.cost, lambda sums: sums.revenue)
    assert column.value(Sums(cost=numerator, revenue=denominator)) == text


whole = st.integers(-(10**6), 10**6) | st.integers(-(10**18), 10**18) | st.integers(-(10**27), 10**27)


@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=5), st.integers(0, 4))
def test_a_column_of_ratios_is_what_each_of_them_is(pairs: list[tuple[int, int]], decimals: int) -> None:
    numerators, denominators = (as_column(list(each)) for each in zip(*pairs, strict=True))
    expected = [ratio(numerator, denominator, decimals) for numerator, denominator in pairs]
    assert ratio(numerators, denominators, decimals).tolist() == expected


@given(st.lists(st.tuples(whole, whole, whole, whole), min_size=1, max_size=5))
def test_every_figure_of_a_column_is_that_of_its_row(rows: list[tuple[int, int, int, int]]) -> None:
    each = [
        Sums(attempts=abs(a), calls=abs(a), connected_calls=abs(b), seconds=abs(c), revenue=d, cost=c)
        for a, b, c, d in rows
    ]
    names = [field.name for field in fields(Sums)]
    together = Sums(**{name: as_column([getattr(sums, name) for sums in each]) for name in names})
    assert list(iter_sums(together)) == each
    for column in COLUMNS.values():
        scaled, is_there = column.scaled(together)
        there = np.broadcast_to(is_there, len(rows)).tolist()
        found = [shown(column.kind, column.decimals, *one) for one in zip(scaled.tolist(), there, strict=True)]
        assert found == [column.value(sums) for sums in each], column.name


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
    assert parse_keys("code:3,code,CODE:12") == (Prefix(3), Key.CODE, Prefix(12))
    assert parse_keys("") == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("day,week", "unknown_key"),
        ("day,code,day", "key_twice"),
        ("code:3,code:03", "key_twice"),
        ("code:0", "unknown_key"),
        ("code:16", "unknown_key"),
        ("code:", "unknown_key"),
        ("code:-1", "unknown_key"),
    ],
)
def test_keys_that_make_no_sense_are_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_keys(text)
    assert caught.value.code == code


def test_rows_stand_by_their_keys_or_by_a_figure() -> None:
    rows = [
        (("b", 2), Sums(attempts=1, calls=1, connected_calls=1)),
        (("a", None), Sums(attempts=7)),
        ((None, 1), Sums(attempts=7, calls=2, connected_calls=1)),
        (("a", 10), Sums(attempts=3, calls=4, connected_calls=3)),
        (("a", 9), Sums(attempts=3, calls=1)),
    ]
    labels = tuple(sorted_labels([values[n] for values, _ in rows], np.arange(len(rows))) for n in (0, 1))
    names = [field.name for field in fields(Sums)]
    groups = Groups(labels, Sums(**{name: as_column([getattr(sums, name) for _, sums in rows]) for name in names}))

    def values(sort_by: str | None) -> list[tuple[object, ...]]:
        found = ordered(groups, None if sort_by is None else COLUMNS[sort_by])
        return list(zip(*(each.of_rows() for each in found.labels), strict=True))

    assert values(None) == [("a", 9), ("a", 10), ("a", None), ("b", 2), (None, 1)]
    assert values("attempts") == [("a", None), (None, 1), ("a", 9), ("a", 10), ("b", 2)]
    assert values("asr") == [("b", 2), ("a", 10), (None, 1), ("a", 9), ("a", None)]


def test_a_column_that_is_not_shown_cannot_be_sorted_by() -> None:
    columns = columns_of(View.MARGIN, is_per_vendor=False)
    assert find_column("margin", columns) is COLUMNS["margin"]
    with pytest.raises(Invalid) as caught:
        find_column("asr", columns)
    assert caught.value.code == "unknown_column"


def test_figures_are_named_in_their_order() -> None:
    assert parse_figures("margin, ASR ,pdd_p95") == ("margin", "asr", "pdd_p95")
    for text, code in (("colour", "unknown_column"), ("asr,margin,asr", "column_twice")):
        with pytest.raises(Invalid) as caught:
            parse_figures(text)
        assert caught.value.code == code


def test_percentiles_are_absent_where_nothing_was_measured() -> None:
    measured = Sums(pdd_count=1, connected_voice=1, pdd_p50=1899, pdd_p95=6000, duration_p50=75, duration_p95=681)
    names = ("pdd_p50", "pdd_p95", "duration_p50", "duration_p95")
    assert [COLUMNS[name].value(measured) for name in names] == ["1.899", "6.000", "75", "681"]
    assert [COLUMNS[name].value(Sums()) for name in names] == [None] * 4


def test_no_cause_is_of_two_groups_and_what_none_names_is_other() -> None:
    named = [cause for causes in CAUSES_OF.values() for cause in causes]
    assert len(named) == len(set(named))
    assert [group_of(cause) for cause in (16, 17, 19, 34, 1, 21, 0, 127)] == [
        CauseGroup.NORMAL,
        CauseGroup.BUSY,
        CauseGroup.NO_ANSWER,
        CauseGroup.NETWORK,
        CauseGroup.NUMBER,
        CauseGroup.OTHER,
        CauseGroup.OTHER,
        CauseGroup.OTHER,
    ]
