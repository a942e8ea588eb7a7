"""The tables of docs/algorithms/rate-notifications.md, run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.pricing.test_rate_changes_page import rate, there
from trunkline.core.errors import Invalid
from trunkline.engine.units import Unit
from trunkline.pricing.compare import Kind
from trunkline.pricing.notice import Notice
from trunkline.pricing.notifications.news import breaches, find_news
from trunkline.pricing.notifications.said import say_steps
from trunkline.pricing.notifications.writing import status_of

PAGE = Path(__file__).parents[3] / "docs/algorithms/rate-notifications.md"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = datetime(2026, 3, 2, tzinfo=UTC)


def table(heading: str) -> list[dict[str, str]]:
    lines = PAGE.read_text().split("## Tables")[1].split(f"### {heading}\n")[1].splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("|"))
    names = [cell.strip() for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True)))
    return rows


def day(text: str) -> datetime:
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d").replace(tzinfo=UTC)


def timeline(text: str) -> pa.Table:
    """`PRICE [from DAY] [until DAY]`, parted by semicolons."""
    rates = []
    for each in filter(None, (part.strip() for part in text.split(";"))):
        price, *words = each.split()
        bounds = dict(zip(words[::2], words[1::2], strict=True))
        given: dict[str, Any] = {"valid_from": day(bounds.get("from", "01-01"))}
        if "until" in bounds:
            given["valid_to"] = day(bounds["until"])
        rates.append(rate("254", "blocked" if price == "blocked" else f"0:{price}/60/1", **given))
    return there(*rates)


def told(news: pa.Table) -> str:
    said = []
    for line in news.to_pylist():
        price = "blocked" if line["blocked"] else line["steps"].removeprefix("0:").split("/")[0]
        what = "closed" if line["is_closed"] else f"{price} {status_of(line)}"
        said.append(f"{line['valid_from']:%m-%d} {what}")
    return "; ".join(said)


@pytest.mark.parametrize("row", table("What is told"), ids=lambda row: f"{row['known']} -> {row['now']}")
def test_what_is_told(row: dict[str, str]) -> None:
    news = find_news(timeline(row["known"]), timeline(row["now"]), unit=Unit.SECOND, at=NOW, day_begins=DAY)
    assert told(news) == row["told"]


@pytest.mark.parametrize("row", table("When it is too late"), ids=lambda row: "-".join(row.values()))
def test_when_it_is_too_late(row: dict[str, str]) -> None:
    begins, kind = row["told"].split()
    price = "0.03" if kind == "increase" else "0.01"
    now = timeline(f"0.02 until {begins}; {price} from {begins}")
    news = find_news(timeline("0.02"), now, unit=Unit.SECOND, at=NOW, day_begins=DAY)
    sent = datetime.fromisoformat(row["sent"]).replace(tzinfo=UTC)
    allowed = {Kind.INCREASE: int(Notice().first_allowed(sent, 7).timestamp())}
    assert len(breaches(news, allowed.get)) == (row["too soon"] == "yes")


@pytest.mark.parametrize("row", table("What columns can say"), ids=lambda row: row["steps"])
def test_what_columns_can_say(row: dict[str, str]) -> None:
    if row["rate"] == "cannot be told":
        with pytest.raises(Invalid) as caught:
            say_steps(row["steps"], Unit.SECOND)
        assert caught.value.code == "cannot_be_told"
        return
    said = say_steps(row["steps"], Unit.SECOND)
    assert (str(said.rate), str(said.minimum), str(said.interval)) == (row["rate"], row["minimum"], row["interval"])
