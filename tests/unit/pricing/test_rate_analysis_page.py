"""The tables of docs/algorithms/rate-analysis.md, run."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from trunkline.core.money import scaled_text
from trunkline.engine.rate import Snapshot, compile_snapshot
from trunkline.engine.schema import RATE_SCHEMA, Tariff
from trunkline.engine.units import Unit
from trunkline.pricing.analysis.asking import Answers, Call, Cell, List, ask, minutes_of_rows
from trunkline.pricing.analysis.compared import Table, below, by_destination, lay_out, with_margins, with_order
from trunkline.pricing.analysis.question import Average
from trunkline.tariffs.rules import parse_steps

PAGE = Path(__file__).parents[3] / "docs/algorithms/rate-analysis.md"
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
IN_DOLLARS = {"USD": Fraction(1), "EUR": Fraction(11, 10)}
NAMES = {"4": "Europe", "44": "UK"}


def _table(heading: str) -> list[dict[str, str]]:
    text = PAGE.read_text().split("## Tables")[1]
    lines = (text.split(f"### {heading}\n")[1] if heading else text).splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("|"))
    names = [cell.strip() for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True)))
    return rows


def tariff(number: int, name: str, currency: str, rates: dict[str, str]) -> Tariff:
    """A tariff of codes and steps, or `blocked`."""
    rows = [
        {
            "rate_id": number * 100 + place, "code": code, "destination_id": None, "valid_from": None, "valid_to": None, "time_profile": None, "weight": 100_000,
            "setup_fee": 0, "grace": 0, "rounding_mode": 0, "rounding_decimals": 8, "max_cost": None, "length_min": None, "length_max": None, "tag": None,
            "blocked": said == "blocked", "additive": False,
            "steps": [
                {"start": step.start, "price": step.price.units, "per": step.per, "increment": step.increment}
                for step in parse_steps("0:0/60/1" if said == "blocked" else said)
            ],
        }
        for place, (code, said) in enumerate(rates.items())
    ]  # fmt: skip
    return Tariff(number, name, currency, "UTC", Unit.SECOND, pa.Table.from_pylist(rows, RATE_SCHEMA))


def _lists() -> tuple[Snapshot, dict[str, List]]:
    tariffs = []
    for number, row in enumerate(_table(""), 1):
        rates = dict(each.split(" ") for each in row["rates"].split(", "))
        tariffs.append(tariff(number, row["list"], row["currency"], rates))
    return compile_snapshot(tariffs), {each.name: List(each.name, (each.id,)) for each in tariffs}


SNAPSHOT, LISTS = _lists()
VENDORS = [LISTS[name] for name in ("alpha", "beta", "gamma")]


def _asked(lists: list[List], units: int = 60) -> Answers:
    return ask(SNAPSHOT, lists, Call(AT, units, IN_DOLLARS.__getitem__))


def _laid_out(*, has_master: bool = False, units: np.ndarray | None = None) -> Table:
    answers = _asked([*VENDORS, LISTS["retail"]] if has_master else VENDORS)
    names = pa.array([NAMES.get(code, "UK Mobile") for code in answers.codes.to_pylist()], pa.string())
    weights = np.zeros(len(answers.codes), np.int64) if units is None else units
    return lay_out(answers, names=names, units=weights, has_master=has_master)


def _shown(units: int) -> str:
    return scaled_text(units, 8)


def _cell(table: Table, row: int, column: int) -> str:
    match Cell(int(table.cells[row, column])):
        case Cell.NONE:
            return ""
        case Cell.BLOCKED:
            return "blocked"
    return ("~" if table.is_simulated[row, column] else "") + _shown(int(table.prices[row, column]))


def test_by_code() -> None:
    table = with_order(_laid_out(), None)
    names = [each.label for each in VENDORS]
    assert table.order is not None
    found = [
        {"code": code}
        | {name: _cell(table, row, at) for at, name in enumerate(names)}
        | {"least cost": ", ".join(names[at] for at in table.order[row] if at >= 0)}
        for row, code in enumerate(table.codes.to_pylist())
    ]
    assert found == _table("By code")


@pytest.mark.parametrize("row", _table("A call of another length"), ids=lambda row: row["seconds"])
def test_a_call_of_another_length(row: dict[str, str]) -> None:
    answers = _asked(VENDORS, int(row["seconds"]))
    at = answers.codes.to_pylist().index("44")
    assert {each.label: _shown(int(each.prices[at])) for each in answers.columns} | {"seconds": row["seconds"]} == row


def test_margins_against_retail() -> None:
    table = with_margins(_laid_out(has_master=True), is_master_selling=True)
    assert table.master is not None
    assert table.margins is not None
    kept = set(below(table, 0).codes.to_pylist())
    found = []
    for row, code in enumerate(table.codes.to_pylist()):
        shown = {"code": code, "retail": _shown(int(table.master[row])) if table.has_master[row] else ""}
        for at, each in enumerate(VENDORS):
            is_there = bool(table.margins.is_there[row, at])
            amount, percent = (int(part[row, at]) for part in (table.margins.amounts, table.margins.percents))
            shown[each.label] = f"{_shown(amount)} {scaled_text(percent, 2, least=2)}" if is_there else ""
        found.append(shown | {"below 0": "yes" if code in kept else ""})
    assert found == _table("Margins against retail")


def test_by_destination() -> None:
    codes = _asked(VENDORS).codes
    units, left = minutes_of_rows(codes, {"4470": 600, "4479": 1800, "33": 60})
    assert (units.tolist(), left) == ([0, 0, 600, 1800, 0], 60)
    plain, weighed = (by_destination(_laid_out(units=units), average) for average in Average)
    found = []
    for row, name in enumerate(plain.names.to_pylist()):
        shown = {"destination": name}
        for at, each in enumerate(VENDORS):
            figures = (plain.least, plain.greatest, plain.prices, weighed.prices)
            is_offer = plain.cells[row, at] == Cell.OFFER
            shown[each.label] = " ".join(_shown(int(figure[row, at])) for figure in figures) if is_offer else ""
        found.append(shown)
    assert found == _table("By destination")
