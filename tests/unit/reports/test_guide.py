"""The page for users names every key and every column."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from trunkline.reports.causes import CAUSES_OF
from trunkline.reports.rules import COLUMNS, Key, View, columns_of

PAGE = (ROOT / "docs" / "guide" / "reports.md").read_text()


def first_cells(heading: str) -> list[str]:
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`\w+`(?:, `\w+`)*)", table, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"\w+", cell)]


def test_the_page_names_every_key_and_column() -> None:
    assert first_cells("What to group by") == list(Key)
    assert first_cells("The figures") == list(COLUMNS)


def test_the_page_says_what_the_margin_report_shows() -> None:
    marked = re.findall(r"^\| `(\w+)` \|.*\| yes \|$", PAGE, re.MULTILINE)
    assert marked == [column.name for column in columns_of(View.MARGIN, is_per_vendor=False)]


def test_the_page_names_the_causes_of_every_group() -> None:
    table = PAGE.partition("## Groups of causes\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| ([a-z ]+) \| ([0-9, to]+) \|$", table, re.MULTILINE))
    assert {name: tuple(_numbers(causes)) for name, causes in rows.items()} == {
        group.value: causes for group, causes in CAUSES_OF.items()
    }


def _numbers(text: str) -> list[int]:
    """`2, 32 to 34` as numbers."""
    found: list[int] = []
    for part in text.split(", "):
        first, _, last = part.partition(" to ")
        found += range(int(first), int(last or first) + 1)
    return found
