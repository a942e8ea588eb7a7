"""The worked tables of docs/algorithms/invoicing.md, run."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.conftest import ROOT
from trunkline.core.currency import format_amount, get_currency
from trunkline.core.money import Amount, Price
from trunkline.core.period import DatePeriod
from trunkline.invoicing.choices import LineKind, Unit
from trunkline.invoicing.document.catalogue import get_language
from trunkline.invoicing.rules import Bucket, Day, Key, Line, Sums, Terms, build_lines, sort_days, total_of
from trunkline.invoicing.terms import RateFacts, price_terms
from trunkline.tariffs.rules import parse_steps

PAGE = (ROOT / "docs/algorithms/invoicing.md").read_text(encoding="utf-8")
MARCH = DatePeriod(date(2026, 3, 1), date(2026, 4, 1))
EARLIER = 7


def tables(heading: str) -> list[list[list[str]]]:
    """The tables below a heading, without their head rows."""
    found: list[list[list[str]]] = []
    inside = False
    for line in PAGE.split(f"## Worked: {heading}\n", 1)[1].split("\n## ", 1)[0].splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            found.append([])
            inside = True
        found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return [table[2:] for table in found]


def lines_of(exact: list[str], currency: str, names: list[tuple[str, str]] | None = None) -> list[Line]:
    """Lines of those exact amounts, each a destination of its own."""
    names = names or [(f"Destination {number}", "0.10/min, 1/1") for number in range(len(exact))]
    usage = {
        Key(0, "voice", n + 1, n + 1): Sums(1, 1, 60, 60, Amount.from_text(amount)) for n, amount in enumerate(exact)
    }
    lines, _ = build_lines(
        usage,
        [Bucket(LineKind.USAGE, None, MARCH)],
        destinations={n + 1: name for n, (name, _) in enumerate(names)},
        terms={n + 1: Terms(text, Unit.SECOND) for n, (_, text) in enumerate(names)},
        currency=get_currency(currency),
        no_destination="Other",
        no_price="free",
    )
    return lines


def test_three_lines_and_their_rounding() -> None:
    lines, (totals,) = tables("three lines and their rounding")
    names = [tuple(row[0].split(", ", 1)) for row in lines]
    found = lines_of([row[1] for row in lines], "USD", [(name, text) for name, text in names])
    usd = get_currency("USD")
    assert [f"{line.destination}, {line.terms}" for line in found] == [row[0] for row in lines]
    assert [format_amount(line.amount, usd) for line in found] == [row[2] for row in lines]
    total = total_of(found, tax_percent=Decimal(16), currency=usd)
    shown = [
        str(total.exact),
        str(total.rounding),
        *(format_amount(each, usd) for each in (total.net, total.tax, total.total)),
    ]
    assert shown == totals
    assert Amount.total([total.total, -total.exact, -total.tax, total.rounding]) == Amount.zero()


@pytest.mark.parametrize("row", tables("totals")[0], ids=lambda row: f"{row[0]} {row[1]}")
def test_totals(row: list[str]) -> None:
    code, exact, percent, *figures = row
    currency = get_currency(code)
    total = total_of(lines_of(exact.split(", "), code), tax_percent=Decimal(percent), currency=currency)
    net, tax, whole = (format_amount(each, currency) for each in (total.net, total.tax, total.total))
    assert [net, str(total.rounding), tax, whole] == figures


def test_which_day_is_what() -> None:
    (rows,) = tables("which day is what")
    days = [
        Day(date.fromisoformat(day), billed == "yes", taken == "yes", EARLIER if covered == "yes" else None)
        for day, billed, taken, covered, _ in rows
    ]
    buckets, bucket_of = sort_days(days, MARCH)
    assert [buckets[bucket_of[day.day]].kind.value for day in days] == [row[-1] for row in rows]
    assert [(bucket.kind.value, bucket.corrects) for bucket in buckets] == [
        ("usage", None),
        ("late", None),
        ("late", EARLIER),
        ("adjustment", EARLIER),
    ]
    assert buckets[0].period == MARCH
    assert buckets[1].period == DatePeriod(date(2026, 1, 30), date(2026, 2, 1))


@pytest.mark.parametrize("row", tables("price texts")[0], ids=lambda row: row[-1])
def test_price_texts(row: list[str]) -> None:
    unit, currency, steps, further, text = row
    given = dict(each.split(" ", 1) for each in further.split(", ") if each)
    rate = RateFacts(
        steps=parse_steps(steps),
        unit=Unit(unit),
        currency=currency,
        setup_fee=Price.from_text(given.get("setup", "0")),
        grace=int(given.get("grace", 0)),
        max_cost=Amount.from_text(given["max"]) if "max" in given else None,
        time_profile=given.get("profile", ""),
    )
    assert price_terms(rate, account_currency="USD", language=get_language("en")) == text
