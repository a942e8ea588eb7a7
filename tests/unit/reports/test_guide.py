"""The page for users names every key and every column."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from trunkline.reports.rules import COLUMNS, Key, View, columns_of

PAGE = (ROOT / "docs" / "guide" / "reports.md").read_text()


def first_cells(heading: str) -> list[str]:
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def test_the_page_names_every_key_and_column() -> None:
    assert first_cells("What to group by") == list(Key)
    assert first_cells("The figures") == list(COLUMNS)


def test_the_page_says_what_the_margin_report_shows() -> None:
    marked = re.findall(r"^\| `(\w+)` \|.*\| yes \|$", PAGE, re.MULTILINE)
    assert marked == [column.name for column in columns_of(View.MARGIN, is_per_vendor=False)]
