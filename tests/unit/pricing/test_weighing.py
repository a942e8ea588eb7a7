"""What changes cost, against charging every number again, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.pricing.test_rate_changes_page import LINE_BEGINS, Read, looked_at, rate, sheet, there
from trunkline.core.money import EXACT
from trunkline.pricing.weighing import weigh

LATER = datetime(2026, 4, 10, tzinfo=UTC)
CODES = ("4", "44", "447", "4479", "44791", "448", "5", "51")
NUMBERS = ("41", "445", "4471", "44795", "447911", "4481", "500", "512", "9")
codes = st.sampled_from(CODES)
prices = st.sampled_from(["0.01", "0.02", "0.03", "0.05", "blocked"])


@dataclass(frozen=True)
class Case:
    """A tariff and a sheet by code, and seconds by number."""

    before: dict[str, str]
    lines: dict[str, str]
    charged: dict[str, int]


cases = st.builds(
    Case,
    st.dictionaries(codes, prices, min_size=2),
    st.dictionaries(codes, prices | st.just("closed"), min_size=2),
    st.fixed_dictionaries(dict.fromkeys(NUMBERS, st.integers(1, 1000))),
)


def longest(codes: Any, number: str) -> str | None:
    return max((each for each in codes if number.startswith(each)), key=len, default=None)


def charged_again(case: Case) -> tuple[Fraction, int]:
    """What all of it costs more, and the units without a price, number by number."""
    after = {code: price for code, price in (case.before | case.lines).items() if price != "closed"}
    cost, without = Fraction(0), 0
    for number, seconds in case.charged.items():
        was, now = longest(case.before, number), longest(after, number)
        if was is None or case.before[was] == "blocked":
            continue
        if now is None or after[now] == "blocked":
            without += seconds
        else:
            cost += (Fraction(after[now]) - Fraction(case.before[was])) * seconds / 60
    return cost, without


@pytest.mark.slow
@settings(max_examples=200)
@given(cases)
def test_it_is_what_charging_every_number_again_costs(case: Case) -> None:
    def row(code: str, price: str, **more: Any) -> dict[str, Any]:
        return rate(code, price if price in ("blocked", "closed") else f"0:{price}/60/1", **more)

    tariff = there(*(row(*each) for each in case.before.items()))
    lines = sheet(*(row(*each, valid_from=LINE_BEGINS) for each in case.lines.items()))
    ids = {each["code"]: each["id"] for each in tariff.to_pylist()}
    by = {number: longest(case.before, number) for number in case.charged}
    units = {
        number: seconds
        for number, seconds in case.charged.items()
        if case.before.get(by[number] or "", "blocked") != "blocked"
    }
    quantities: dict[int, int] = {}
    for number, seconds in units.items():
        key = ids[str(by[number])]
        quantities[key] = quantities.get(key, 0) + seconds

    def read(rates: Any, digits: int) -> Read:
        rows = [
            {"rate": ids[str(by[number])], "beginning": number[:digits], "units": seconds}
            for number, seconds in units.items()
            if ids[str(by[number])] in rates
        ]
        schema = pa.schema([("rate", pa.int64()), ("beginning", pa.string()), ("units", pa.int64())])
        return Read(pa.Table.from_pylist(rows, schema))

    found = weigh(looked_at(tariff, lines), quantities, read)
    cost, without = charged_again(case)
    assert (found.cost, found.without_price, found.not_weighed) == (
        EXACT.ratio(cost.numerator, cost.denominator), without, 0,
    )  # fmt: skip
