"""The tables of docs/algorithms/rate-sheets.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline.core.errors import Invalid
from trunkline.core.money import PRICE_DECIMALS, scaled_text
from trunkline.pricing.sheets.code_cells import read_codes
from trunkline.pricing.sheets.date_cells import DateOrder, read_date
from trunkline.pricing.sheets.increment_cells import read_increments
from trunkline.pricing.sheets.price_cells import Mark, read_price

PAGE = Path(__file__).parents[3] / "docs/algorithms/rate-sheets.md"


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table with a column `cell` below that heading."""
    text = PAGE.read_text().split(f"\n## {heading}", 1)[1]
    lines = text[text.index("| cell |") :].split("\n")[2:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        found.append([cell.strip().strip("`").replace("\\|", "|") for cell in cells])
    return found


def outcome(read: Callable[[], str]) -> str:
    try:
        return read()
    except Invalid as error:
        return f"error {error.code}"


@pytest.mark.parametrize("row", rows("3."), ids=lambda row: " in ".join(row[:2]))
def test_codes(row: list[str]) -> None:
    cell, country, codes = row
    assert outcome(lambda: " ".join(read_codes(cell, country))) == codes


@pytest.mark.parametrize("row", rows("4."), ids=lambda row: " with ".join(row[:2]))
def test_prices(row: list[str]) -> None:
    cell, mark, price, kind = row

    def read() -> str:
        found = read_price(cell, Mark(mark))
        assert str(found.kind) == kind
        return "" if found.units is None else scaled_text(found.units, PRICE_DECIMALS)

    assert outcome(read) == price


@pytest.mark.parametrize("row", rows("5."), ids=lambda row: row[0])
def test_increments(row: list[str]) -> None:
    cell, first, *rest = row

    def read() -> str:
        found = read_increments(cell)
        assert [str(value or "") for value in (found.further, found.grace)] == rest
        return str(found.first)

    assert outcome(read) == first


@pytest.mark.parametrize("row", rows("6."), ids=lambda row: " ".join(row[:2]))
def test_dates(row: list[str]) -> None:
    cell, order, moment = row

    def read() -> str:
        found = read_date(cell, DateOrder(order))
        return "at once" if found.is_at_once else found.moment.isoformat() if found.moment else ""

    assert outcome(read) == moment
