"""The worked tables of docs/algorithms/invoicing.md, run."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.conftest import ROOT
from trunkline.core.currency import format_amount, get_currency
from trunkline.core.money import Amount, Price, scaled_text
from trunkline.core.period import DatePeriod
from trunkline.invoicing.choices import LineKind, Unit
from trunkline.invoicing.document.catalogue import get_language
from trunkline.invoicing.rules import (
    Bucket,
    Day,
    Key,
    Line,
    Piece,
    Sums,
    TaxRate,
    Terms,
    Texts,
    build_lines,
    find_adjusted,
    sort_days,
    total_of,
)
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
        texts=Texts(
            {n + 1: name for n, (name, _) in enumerate(names)},
            {n + 1: Terms(text, Unit.SECOND) for n, (_, text) in enumerate(names)},
            "Other",
            "free",
        ),
        currency=get_currency(currency),
    )
    return lines


def test_three_lines_and_their_rounding() -> None:
    lines, (totals,) = tables("three lines and their rounding")
    names = [tuple(row[0].split(", ", 1)) for row in lines]
    found = lines_of([row[1] for row in lines], "USD", [(name, text) for name, text in names])
    usd = get_currency("USD")
    assert [f"{line.destination}, {line.terms}" for line in found] == [row[0] for row in lines]
    assert [format_amount(line.amount, usd) for line in found] == [row[2] for row in lines]
    total = total_of(found, tax=TaxRate("VAT", Decimal(16)), currency=usd)
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
    total = total_of(lines_of(exact.split(", "), code), tax=TaxRate("VAT", Decimal(percent)), currency=currency)
    net, tax, whole = (format_amount(each, currency) for each in (total.net, total.tax, total.total))
    assert [net, str(total.rounding), tax, whole] == figures


def test_which_day_is_what() -> None:
    (rows,) = tables("which day is what")
    days = [
        Day(date.fromisoformat(day), billed == "yes", EARLIER if covered == "yes" else None)
        for day, billed, covered, _ in rows
    ]
    buckets, bucket_of, adjusted = sort_days(days, MARCH)
    assert [buckets[bucket_of[day.day]].kind.value for day in days] == [row[-1] for row in rows]
    assert [(bucket.kind.value, bucket.corrects) for bucket in buckets] == [
        ("usage", None),
        ("late", None),
        ("late", EARLIER),
    ]
    assert buckets[0].period == MARCH
    assert buckets[1].period == DatePeriod(date(2026, 1, 31), date(2026, 2, 1))
    assert adjusted == {}


def adjustment_cases() -> dict[str, list[list[str]]]:
    (rows,) = tables("which rollup is an adjustment")
    return {case: [row[1:] for row in rows if row[0] == case] for case in dict.fromkeys(row[0] for row in rows)}


@pytest.mark.parametrize("case", adjustment_cases())
def test_which_rollup_is_an_adjustment(case: str) -> None:
    rows = adjustment_cases()[case]
    batches = list(dict.fromkeys(row[1] for row in rows))
    pieces = [
        Piece(int(number), batches.index(batch), ("voice", 1, ord(price)), int(attempts) < 0, billed == "yes")
        for number, batch, price, attempts, billed, _ in rows
    ]
    assert find_adjusted(pieces) == {int(row[0]) for row in rows if row[-1] == "adjustment"}
    assert all((row[-1] == "") == (row[-2] == "yes") for row in rows)


def test_an_adjustment_and_its_tax() -> None:
    (told,), rows, (totals,) = tables("an adjustment and its tax")
    usd, february = get_currency("USD"), DatePeriod(date(2026, 2, 1), date(2026, 3, 1))
    own, earlier = TaxRate("VAT", Decimal(rows[0][3])), TaxRate("VAT", Decimal(rows[1][3]))

    def amount(text: str) -> Amount:
        return Amount.from_text(text)

    lines, _ = build_lines(
        {
            Key(0, "voice", 1, 1): Sums(1, 1, 60, 60, amount(rows[0][1])),
            Key(1, "voice", 2, 2): Sums(-40, -40, -2400, -2400, amount("-40")),
            Key(1, "voice", 2, 3): Sums(40, 40, 2400, 2400, amount("15.995")),
        },
        [Bucket(LineKind.USAGE, None, MARCH), Bucket(LineKind.ADJUSTMENT, EARLIER, february)],
        texts=Texts(
            {1: "Kenya Mobile Safaricom", 2: "Kenya Fixed Nairobi"},
            {number: Terms(f"0.0{number}/min, 1/1", Unit.SECOND) for number in (1, 2, 3, 4)},
            "Other",
            "free",
        ),
        currency=usd,
        before={
            Key(1, "voice", 2, 2): Sums(40, 40, 2400, 2400, amount("40")),
            Key(1, "voice", 2, 4): Sums(60, 60, 3600, 3600, amount("20")),
            Key(1, "voice", 1, 1): Sums(7, 7, 420, 420, amount("7")),
        },
        taxes={EARLIER: earlier},
    )
    adjustment = lines[1]
    assert adjustment.before is not None
    sums = [
        f"{each.calls} calls, {scaled_text(each.exact.units, 8, least=2)}"
        for each in (adjustment.before, adjustment.after, adjustment.sums)
    ]
    assert [f"adjustment, {adjustment.destination}", *sums, format_amount(adjustment.amount, usd)] == told
    assert (adjustment.before_terms, adjustment.terms) == (
        "0.02/min, 1/1; 0.04/min, 1/1",
        "0.03/min, 1/1; 0.04/min, 1/1",
    )
    assert [
        [f"{line.kind.value}, {line.destination}", str(line.sums.exact), format_amount(line.amount, usd)]
        for line in lines
    ] == [row[:3] for row in rows]
    total = total_of(lines, tax=own, currency=usd)
    assert [each.rate for each in total.taxes] == [own, earlier]
    shown = [str(total.exact), str(total.rounding), format_amount(total.net, usd)]
    shown += [format_amount(each, usd) for each in (*(each.tax for each in total.taxes), total.tax, total.total)]
    assert shown == totals
    entry = [total.total, -total.exact, -total.tax, total.rounding]
    assert [str(each) for each in entry] == ["-16.05", "14.001", "2.04", "0.009"]
    assert Amount.total(entry) == Amount.zero()


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
