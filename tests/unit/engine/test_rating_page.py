"""Runs the worked tables of docs/algorithms/rating.md: every section is a small vector file written as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.core.money import Amount
from trunkline.engine.scalar import Event, ScalarTariff, affordable, charge
from trunkline.engine.vectors import RatingVectors, parse_rating, run

PAGE = Path(__file__).parents[3] / "docs" / "algorithms" / "rating.md"
START = "2024-06-03T10:00:00Z"
LISTS = ("weekdays", "months", "month_days", "years")

Row = dict[str, str]


def sections() -> Iterator[tuple[str, list[list[Row]]]]:
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        title, _, body = section.partition("\n")
        if title.startswith("Table: "):
            yield title.removeprefix("Table: "), [list(rows(text)) for text in re.findall(r"(?:^\|.*\n)+", body, re.M)]


def rows(table: str) -> Iterator[Row]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    for cells in lines[2:]:
        yield {name: cell for name, cell in zip(lines[0], cells, strict=True) if cell}


def unquoted(text: str) -> str:
    return "" if text == '""' else text


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def rate(row: Row) -> dict[str, object]:
    fields: dict[str, object] = {name: cell for name, cell in row.items() if name != "tariff"}
    fields["code"] = unquoted(row["code"])
    fields["steps"] = []
    for text in words(row["steps"]):
        step = re.fullmatch(r"(\d+): (\S+)/(\d+) by (\d+)", text)
        assert step, text
        fields["steps"].append(dict(zip(("from", "price", "per", "increment"), step.groups(), strict=True)))
    if "rounding" in row:
        mode, decimals = row["rounding"].split()
        fields["rounding"] = {"mode": mode, "decimals": int(decimals)}
    if "blocked" in row:
        assert row["blocked"] == "yes"
        fields["blocked"] = True
    return fields


def document(tables: list[list[Row]]) -> dict[str, object]:
    """A section as the JSON of a vector file; its longest affordable durations are left to the other test."""
    tariffs: dict[str, dict[str, object]] = {}
    profiles: dict[str, list[object]] = {}
    cases: list[object] = []
    for table in tables:
        for row in table:
            if "steps" in row:
                tariff = tariffs.setdefault(row["tariff"], {"currency": "USD", "rates": [], "time_profiles": profiles})
                tariff["rates"].append(rate(row))  # type: ignore[attr-defined]
            elif "amount" in row:
                cases.append(case(row, len(cases) + 1))
            elif "origin_code" in row:
                tariffs[row["tariff"]].setdefault("origins", {})[row["origin_code"]] = row["origin"]  # type: ignore[index]
            elif "tariff" in row and "funds" not in row:
                tariffs[row["tariff"]].update({name: cell for name, cell in row.items() if name != "tariff"})
            elif "time_profile" in row:
                window = {name: row[name] for name in ("from", "to") if name in row}
                lists = {name: [int(number) for number in words(row[name])] for name in LISTS if name in row}
                profiles.setdefault(row["time_profile"], []).append({**window, **lists})
    return {"format": "rating/1", "tariffs": tariffs, "cases": cases}


def case(row: Row, line: int) -> dict[str, object]:
    is_amount = not row["amount"].replace("_", "").isalpha()
    return {
        "id": f"line {line}: {row['tariff']}, {row['number']}, {row['quantity']}",
        "tariffs": words(row["tariff"]),
        "number": unquoted(row["number"]),
        "start": row.get("start", START),
        "quantity": row["quantity"],
        "tags": words(row["tags"]) if "tags" in row else [],
        "caller": row.get("caller", ""),
        "expect": {"amount": row["amount"], "code": unquoted(row["code"])} if is_amount else {"error": row["amount"]},
    }


SECTIONS = dict(sections())


def read(title: str) -> tuple[RatingVectors, list[Row]]:
    tables = SECTIONS[title]
    return parse_rating(document(tables)), [row for table in tables for row in table if "quantity" in row]


def test_the_page_has_its_tables() -> None:
    assert list(SECTIONS) == [
        "steps and increments",
        "the choice",
        "several tariffs, lengths, tags, blocked",
        "changes inside an event",
        "the clock of the tariff",
        "rounding, cap, zero, grace",
        "data and messages",
        "additive rates",
        "parents",
        "origins",
        "negative prices",
        "limits",
        "the longest affordable duration",
    ]
    assert sum("quantity" in row for tables in SECTIONS.values() for table in tables for row in table) > 170


@pytest.mark.parametrize("title", [title for title in SECTIONS if "affordable" not in title])
def test_every_line_comes_to_what_the_page_says(title: str) -> None:
    vectors, lines = read(title)
    results = run(vectors)
    assert len(results) == len(lines)
    assert [(r.id, str(r.expected), str(r.scalar), str(r.columns)) for r in results if not r.passed] == []


@pytest.mark.parametrize("title", [title for title in SECTIONS if "affordable" not in title])
def test_billed_quantities_are_those_of_the_page(title: str) -> None:
    vectors, lines = read(title)
    tariffs = {name: ScalarTariff(tariff) for name, tariff in vectors.tariffs.items()}
    for each, row in zip(vectors.cases, lines, strict=True):
        charged = charge([tariffs[name] for name in each.tariffs], each.event)
        if "billed" in row:
            assert charged.billed == int(row["billed"]), each.id


def test_durations_are_affordable_as_the_page_says() -> None:
    vectors, lines = read("the longest affordable duration")
    tariffs = {name: ScalarTariff(tariff) for name, tariff in vectors.tariffs.items()}
    found = []
    for row in lines:
        asked = case({**row, "amount": "0", "code": ""}, 0)
        (parsed,) = parse_rating({**document(SECTIONS["the longest affordable duration"]), "cases": [asked]}).cases
        event: Event = parsed.event
        found.append((row, affordable([tariffs[row["tariff"]]], event, Amount.from_text(row["funds"]))))
    assert [(row, duration) for row, duration in found if duration != int(row["duration"])] == []
