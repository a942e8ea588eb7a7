"""Charts: what they show, as lines of a terminal, as SVG and as PNG."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.unit.reports.test_export import money, report
from trunkline.core.errors import Invalid
from trunkline.reports.chart import Chart, as_png, as_svg, chart_of, text_lines
from trunkline.reports.report import Compared, Row
from trunkline.reports.rules import Key, Sums

DAYS = (
    Row(("2026-03-01", "Acme"), Sums(calls=10, revenue=money("12.345"))),
    Row(("2026-03-01", "Zeta & <Co>"), Sums(calls=4, revenue=money("-2"))),
    Row(("2026-03-04", "Acme"), Sums(calls=7, revenue=money("1000"))),
)


def chart(rows: Any, *keys: Key, measure: str = "", **given: Any) -> Chart:
    return chart_of(report(rows, keys=keys, **given), measure, title="Margin, March")


def test_a_chart_of_days_has_every_day_and_a_line_for_each_value_of_the_second_key() -> None:
    shown = chart(DAYS, Key.DAY, Key.ACCOUNT, measure="revenue")
    assert (shown.measure, shown.is_time, shown.note) == ("Revenue USD", True, "")
    assert shown.labels == ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")
    assert [(each.name, each.values) for each in shown.series] == [
        ("Acme", (12_34500000, 0, 0, 1000_00000000)),
        ("Zeta & <Co>", (-2_00000000, 0, 0, 0)),
    ]
    assert [shown.text(value) for value in shown.series[0].values] == ["12.35", "0.00", "0.00", "1,000.00"]


def test_a_ratio_of_nothing_is_a_gap() -> None:
    rows = (Row((hour,), Sums(revenue=money("2"), cost=money(cost))) for hour, cost in (("01:00", "1"), ("03:00", "3")))
    shown = chart(tuple(rows), Key.HOUR, measure="margin_percent")
    assert len(shown.labels) == 24
    assert shown.series[0].values[:5] == (None, 5000, None, -5000, None)
    assert as_svg(shown).count("<circle") == 2


def test_bars_on_the_terminal() -> None:
    rows = tuple(
        Row((name,), Sums(revenue=money(amount)))
        for name, amount in (
            ("Acme", "100"),
            ("Beta Networks", "33.3"),
            ("Gamma", "-50"),
            ("Nobody", "0"),
            (None, "0.01"),
        )
    )
    assert list(text_lines(chart(rows, Key.ACCOUNT, measure="revenue"), width=41)) == [
        "Margin, March",
        "Revenue USD",
        "Acme          100.00 ████████████████████",
        "Beta Networks  33.30 ██████▋",
        "Gamma         -50.00 ░░░░░░░░░░",
        "Nobody          0.00",
        "—               0.01 ▏",
    ]


def test_two_periods_stand_under_each_other() -> None:
    rows = (Row(("Acme",), Sums(calls=4), Sums(calls=2)), Row(("Beta",), Sums(calls=1), Sums(calls=4)))
    before = report().start_from
    assert before is not None
    shown = chart(rows, Key.ACCOUNT, compared=Compared(before, before, Sums(calls=6)))
    assert list(text_lines(shown, width=30))[2:] == [
        "Acme now    4 ████████████████",
        "     before 2 ████████",
        "Beta now    1 ████",
        "     before 4 ████████████████",
    ]


def test_of_too_many_the_greatest_are_kept_in_their_order() -> None:
    rows = tuple(Row((f"a{number:02}",), Sums(calls=number % 50)) for number in range(60))
    shown = chart(rows, Key.ACCOUNT)
    assert shown.note == "the 40 greatest of 60"
    # 10 to 49 call most; 50 to 59 call as little as 0 to 9 do.
    assert shown.labels == tuple(f"a{number:02}" for number in range(10, 50))


def test_a_drawing_is_well_formed_and_says_what_it_shows() -> None:
    svg = as_svg(chart(DAYS, Key.DAY, Key.ACCOUNT, measure="revenue"))
    texts = [each.text for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert texts == [
        "Margin, March",
        "Revenue USD",
        "Acme",
        "Zeta & <Co>",
        "-500",
        "0",
        "500",
        "1,000",
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
    ]
    assert svg == as_svg(chart(DAYS, Key.DAY, Key.ACCOUNT, measure="revenue"))


def test_bars_are_as_long_as_their_values() -> None:
    rows = tuple(Row((name,), Sums(calls=calls)) for name, calls in (("a", 100), ("b", 25), ("c", 0)))
    bars = re.findall(r'<rect x="([0-9.]+)" y="\d+" width="([0-9.]+)" height="14"', as_svg(chart(rows, Key.ACCOUNT)))
    left, widths = {begin for begin, _ in bars}, [float(width) for _, width in bars]
    assert len(left) == 1
    assert widths == pytest.approx([widths[0], widths[0] / 4, 0], abs=0.02)


def test_control_characters_of_a_name_do_not_spoil_the_drawing() -> None:
    rows = (Row(("a\x00\x1b\u202eb",), Sums(calls=1)),)
    ElementTree.fromstring(as_svg(chart(rows, Key.ACCOUNT)))  # noqa: S314


@pytest.mark.parametrize("rows", [(), (Row(("Acme",), Sums()),)])
def test_a_chart_of_nothing_is_an_empty_one(rows: Any) -> None:
    shown = chart(rows, Key.ACCOUNT)
    ElementTree.fromstring(as_svg(shown))  # noqa: S314
    assert len(list(text_lines(shown, width=40))) == 2 + len(rows)


def test_a_picture_is_the_same_each_time() -> None:
    svg = as_svg(chart(DAYS, Key.DAY, Key.ACCOUNT, measure="revenue"))
    png = as_png(svg)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20]) == 1440  # 960 pixels of SVG are 720 points, drawn with 144 dots to the inch
    assert png == as_png(svg)


def test_what_cannot_be_drawn_is_refused() -> None:
    for keys in ((), (Key.DAY, Key.ACCOUNT, Key.VENDOR)):
        with pytest.raises(Invalid) as caught:
            chart((), *keys)
        assert caught.value.code == "chart_keys"
    with pytest.raises(Invalid) as caught:
        chart((), Key.DAY, measure="asr")  # not shown in this report
    assert caught.value.code == "unknown_column"
