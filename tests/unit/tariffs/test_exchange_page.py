"""The worked example of docs/algorithms/exchange.md."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from trunkline.tariffs.exchange import ExchangeTable, needed_pairs

PAGE = Path(__file__).parents[3] / "docs/algorithms/exchange.md"
EPOCH = date(1970, 1, 1)


def _rows(first_column: str) -> list[list[str]]:
    lines = PAGE.read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    found = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


PUBLISHED = [(base, quote, date.fromisoformat(on), Decimal(rate)) for base, quote, on, rate in _rows("base")]
ASKED = _rows("question")


def _expected(rate: str, on: str) -> tuple[Fraction, date] | None:
    return (Fraction(rate), date.fromisoformat(on)) if rate else None


@pytest.mark.parametrize("row", ASKED, ids=[" ".join(row[:3]) for row in ASKED])
def test_a_question_is_answered_as_the_page_says(row: list[str]) -> None:
    _, base, quote, day, rate, on = row
    assert ExchangeTable(PUBLISHED).find(base, quote, date.fromisoformat(day)) == _expected(rate, on)


def test_the_order_of_publication_does_not_matter() -> None:
    for _, base, quote, day, rate, on in ASKED:
        assert ExchangeTable(PUBLISHED[::-1]).find(base, quote, date.fromisoformat(day)) == _expected(rate, on)


def test_whole_columns_are_answered_alike() -> None:
    rows = ASKED + ASKED
    days = np.array([(date.fromisoformat(row[3]) - EPOCH).days for row in rows], np.int32)
    base, quote = pa.array([row[1] for row in rows]), pa.chunked_array([[row[2] for row in ASKED]] * 2)
    found = ExchangeTable(PUBLISHED).table(base, quote.dictionary_encode(), days)
    assert [found.found[n] for n in found.index] == [_expected(row[4], row[5]) for row in rows]
    nothing = ExchangeTable(PUBLISHED).table(pa.array([None, "EUR"]), pa.array(["EUR", None], pa.string()), days[:2])
    assert [nothing.found[n] for n in nothing.index] == [None, None]


def test_the_pairs_between_some_currencies_are_enough_for_them() -> None:
    pairs = {(base, quote) for base, quote, _, _ in PUBLISHED}
    needed = needed_pairs(pairs, {"UGX", "EUR", "USD"})
    assert ("KWD", "CHF") not in needed
    table = ExchangeTable(row for row in PUBLISHED if row[:2] in needed)
    for _, base, quote, day, rate, on in ASKED:
        if {base, quote} <= {"UGX", "EUR", "USD"}:
            assert table.find(base, quote, date.fromisoformat(day)) == _expected(rate, on)
