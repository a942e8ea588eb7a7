"""Lines, totals, periods and numbers: what holds for all of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.currency import get_currency, round_to_minor
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.core.period import DatePeriod
from trunkline.invoicing.choices import LineKind, Unit
from trunkline.invoicing.rules import (
    GROUP_ACCOUNTS,
    GROUP_RECORDS,
    NO_LINE,
    Bucket,
    Day,
    Key,
    Line,
    Sums,
    TaxRate,
    Terms,
    Texts,
    build_lines,
    check_number_template,
    groups_to_read,
    number_text,
    period_of,
    series_year,
    sort_days,
    total_of,
)

MARCH = DatePeriod(date(2026, 3, 1), date(2026, 4, 1))
BUCKETS = [
    Bucket(LineKind.USAGE, None, MARCH),
    Bucket(LineKind.LATE, 3, DatePeriod(date(2026, 2, 1), date(2026, 3, 1))),
]
DESTINATIONS = {1: "Kenya Mobile", 2: "Kenya Mobile", 3: "Uganda"}  # two ids, one name
TERMS = {
    1: Terms("0.01/min, 1/1", Unit.SECOND),
    2: Terms("0.01/min, 1/1", Unit.SECOND),
    3: Terms("0.02/min, 1/1", Unit.SECOND),
}

TEXTS = Texts(DESTINATIONS, TERMS, "Other destinations", "free of charge", "several prices")

keys = st.builds(Key, st.integers(0, 1), st.sampled_from(["voice", "sms"]), st.integers(0, 4), st.integers(0, 4))
sums = st.builds(
    Sums,
    st.integers(-5, 100),
    st.integers(-5, 50),
    st.integers(-500, 10**6),
    st.integers(-500, 10**6),
    st.integers(-(10**13), 10**13).map(Amount),
)


def lines_of(usage: dict[Key, Sums], currency: str = "USD") -> tuple[list[Line], dict[Key, int]]:
    return build_lines(
        usage,
        BUCKETS,
        texts=TEXTS,
        currency=get_currency(currency),
    )


@given(
    st.dictionaries(keys, sums, max_size=30),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.integers(0, 3000).map(lambda n: Decimal(n) / 100),
)
def test_lines_add_up_and_with_the_residue_they_are_the_exact_sum(
    usage: dict[Key, Sums], code: str, percent: Decimal
) -> None:
    currency = get_currency(code)
    lines, _ = lines_of(usage, code)
    totals = total_of(lines, tax=TaxRate("VAT", percent), currency=currency)
    assert totals.exact == Amount.total(each.exact for each in usage.values())
    assert Amount.total(line.amount for line in lines) == totals.net
    assert totals.net + totals.rounding == totals.exact
    assert totals.total == totals.net + totals.tax
    assert all(line.amount == round_to_minor(line.sums.exact, currency) for line in lines)
    half = 5 * 10 ** (7 - currency.minor_units)
    assert abs(totals.rounding.units) <= half * len(lines)


@given(st.dictionaries(keys, sums, max_size=30))
def test_every_key_is_on_its_line_or_comes_to_nothing(usage: dict[Key, Sums]) -> None:
    lines, line_of = lines_of(usage)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    by_line: dict[int, Sums] = {}
    for key, each in usage.items():
        by_line[line_of[key]] = by_line.get(line_of[key], Sums()) + each
    assert {line.number: line.sums for line in lines} == {
        number: each for number, each in by_line.items() if number != NO_LINE
    }
    rest = by_line.get(NO_LINE, Sums())
    assert (rest.calls, rest.billed, rest.exact) == (0, 0, Amount.zero())


def test_price_rows_that_cost_the_same_at_one_destination_are_one_line() -> None:
    one = Sums(2, 1, 60, 60, Amount.from_text("0.01"))
    usage = {
        Key(0, "voice", 1, 1): one,
        Key(0, "voice", 2, 2): one,
        Key(0, "voice", 3, 3): one,
        Key(1, "voice", 1, 1): one,
        Key(0, "sms", 0, 0): one,
    }
    lines, _ = lines_of(usage)
    assert [
        (line.kind.value, line.service, line.destination, line.terms, line.unit.value, line.sums.calls)
        for line in lines
    ] == [
        ("usage", "voice", "Kenya Mobile", "0.01/min, 1/1", "second", 2),
        ("usage", "voice", "Uganda", "0.02/min, 1/1", "second", 1),
        ("usage", "sms", "Other destinations", "free of charge", "message", 1),
        ("late", "voice", "Kenya Mobile", "0.01/min, 1/1", "second", 1),
    ]


def test_free_calls_are_a_line_and_attempts_alone_are_none() -> None:
    lines, line_of = lines_of({Key(0, "voice", 1, 1): Sums(3, 1, 20, 20), Key(0, "voice", 3, 3): Sums(9)})
    assert [(line.destination, str(line.amount)) for line in lines] == [("Kenya Mobile", "0")]
    assert line_of[Key(0, "voice", 3, 3)] == NO_LINE


def test_late_days_stand_together_per_document_they_belong_to() -> None:
    days = [
        Day(date(2026, 2, 3), True, 4),
        Day(date(2026, 2, 9), False, 4),
        Day(date(2026, 1, 3), True, 2),
    ]
    buckets, bucket_of, _ = sort_days(days, MARCH)
    assert buckets == [
        Bucket(LineKind.LATE, 2, DatePeriod(date(2026, 1, 3), date(2026, 1, 4))),
        Bucket(LineKind.LATE, 4, DatePeriod(date(2026, 2, 3), date(2026, 2, 10))),
    ]
    assert bucket_of == {date(2026, 2, 3): 1, date(2026, 2, 9): 1, date(2026, 1, 3): 0}


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2026-03", MARCH),
        ("2026-12", DatePeriod(date(2026, 12, 1), date(2027, 1, 1))),
        ("2028-02", DatePeriod(date(2028, 2, 1), date(2028, 3, 1))),
        ("2026-03-14", DatePeriod(date(2026, 3, 14), date(2026, 3, 15))),
    ],
)
def test_a_month_or_a_day_is_a_period(text: str, period: DatePeriod) -> None:
    assert period_of(text) == period


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-02-30", "2026-3", "20260301", "2026-W10-1", "9999-12-31", "9999-12", "march"]
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        period_of(text)
    assert caught.value.code == "bad_period"


@pytest.mark.parametrize(
    ("template", "year", "number"),
    [
        ("INV-{year}-{number:06}", 2026, "INV-2026-000042"),
        ("{number}", 0, "42"),
        ("A{number:4}/{year}", 2026, "A  42/2026"),
        ("{{x}}{number:03}", 0, "{x}042"),
    ],
)
def test_numbers_are_written_as_the_template_says(template: str, year: int, number: str) -> None:
    assert check_number_template(template) == template
    assert series_year(template, 2026) == year
    assert number_text(template, year=2026, serial=42) == number


@pytest.mark.parametrize(
    "template",
    [
        "",
        "INV",
        "INV-{year}",
        "{number}{number}",
        "{number.real}",
        "{number!r}",
        "{0}",
        "{number:>6}",
        "{number:999}",
        "{other}{number}",
        "{number",
        "x" * 40 + "{number}",
        "a\n{number}",
    ],
)
def test_templates_that_could_repeat_or_run_something_are_refused(template: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_number_template(template)
    assert caught.value.code == "number_template"


@given(st.lists(st.integers(0, 2 * GROUP_RECORDS), max_size=2 * GROUP_ACCOUNTS))
def test_accounts_are_read_in_groups_that_fit_into_memory(counts: list[int]) -> None:
    groups = groups_to_read([(str(number), count) for number, count in enumerate(counts)])
    assert [code for group in groups for code in group] == [str(number) for number in range(len(counts))]
    sizes = [sum(counts[int(code)] for code in group) for group in groups]
    assert all(len(group) <= GROUP_ACCOUNTS for group in groups)
    assert all(size <= GROUP_RECORDS or len(group) == 1 for group, size in zip(groups, sizes, strict=True))
    full = [
        size + counts[int(following[0])] > GROUP_RECORDS or len(group) == GROUP_ACCOUNTS
        for group, following, size in zip(groups, groups[1:], sizes, strict=False)
    ]
    assert all(full)
