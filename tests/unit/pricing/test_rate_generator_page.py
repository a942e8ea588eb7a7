"""The tables of docs/algorithms/rate-generator.md, run."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trunkline.core.money import Price
from trunkline.engine.units import Unit
from trunkline.pricing.generator.generate import Generated, Source, Target, generate, price_text
from trunkline.pricing.generator.prices import HeldBy
from trunkline.pricing.generator.settings import Settings, read_line
from trunkline.tariffs.asked import ASKED, DECK, with_inherited

PAGE = Path(__file__).parents[3] / "docs/algorithms/rate-generator.md"
BEGINS = datetime(2026, 4, 1, tzinfo=UTC)
NO_CODES = pa.array([], pa.string())


def _table(heading: str) -> list[dict[str, str]]:
    lines = PAGE.read_text().split("## Tables")[1].split(f"### {heading}\n")[1].splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("|"))
    names = [cell.strip() for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True)))
    return rows


def deck_of(codes: dict[str, str]) -> pa.Table:
    rows = [{"code": code, "destination": name, "country": "", "kind": "other"} for code, name in sorted(codes.items())]
    return pa.Table.from_pylist(rows, DECK)


def vendor(name: str, *rates: tuple[str, str, str], exchange: Fraction = Fraction(1)) -> Source:
    """A price list of (code, price a minute or `blocked`, `peak` or nothing)."""
    rows = [
        {
            "code": code,
            "steps": "0:0/60/1" if price == "blocked" else f"0:{price}/60/1",
            "blocked": price == "blocked",
            "is_timed": when == "peak",
            "has_fee": False,
        }
        for code, price, when in rates
    ]
    return Source(name, pa.Table.from_pylist(rows, ASKED), exchange)


def run(
    sources: list[Source], codes: dict[str, str] | None = None, target: Target | None = None, **said: Any
) -> Generated:
    settings = Settings.of(said)
    target = target or Target(Unit.SECOND, NO_CODES)
    return generate(deck_of(codes or {"44": "UK"}), sources, settings, target, BEGINS)


def only(generated: Generated) -> dict[str, Any]:
    (row,) = generated.made.to_pylist()
    return row


@pytest.mark.parametrize("row", _table("Which cost counts"), ids=lambda row: f"{row['vendors']}, {row['method']}")
def test_which_cost_counts(row: dict[str, str]) -> None:
    sources = [
        vendor(f"V{number}", *([] if price == "-" else [("44", price, "")]))
        for number, price in enumerate(row["vendors"].split())
    ]
    method, _, figure = row["method"].partition(" ")
    said = {"weights": figure.split("/")} if method == "blend" else {"position": figure or 1}
    made = only(run(sources, method=method, **said))
    assert (price_text(made["cost"]) if made["offers"] else "") == row["cost"]


@pytest.mark.parametrize(
    "row", _table("From the cost to the price"), ids=lambda row: f"{row['cost']}, {row['terms']}, {row['rounding']}"
)
def test_from_the_cost_to_the_price(row: dict[str, str]) -> None:
    words = row["terms"].split()
    terms = dict(zip(words[::2], words[1::2], strict=True))
    if "percent_of_price" in terms:
        terms |= {"percent": terms.pop("percent_of_price"), "percent_of": "price"}
    generated = run(
        [vendor("V", ("44", row["cost"], ""))], decimals=int(row["decimals"]), rounding=row["rounding"], **terms
    )
    made = only(generated)
    held = {HeldBy.NOTHING: "", HeldBy.FLOOR: "floor", HeldBy.MAXIMUM: "maximum"}[HeldBy(made["held_by"])]
    assert (price_text(made["price"]), held) == (row["price"], row["held by"])
    assert generated.lines["steps"].to_pylist() == [f"0:{row['price']}/60/1"]


@pytest.mark.parametrize(
    "row", _table("What a vendor asks for a code"), ids=lambda row: f"{row['vendor']}, {row['longer codes']}"
)
def test_what_a_vendor_asks_for_a_code(row: dict[str, str]) -> None:
    rates = [tuple([*each.split(), ""][:3]) for each in row["vendor"].split(", ") if each]
    generated = run(
        [vendor("V", *rates)],  # type: ignore[arg-type]
        {"44": "UK", "447": "UK Mobile", "44791": "UK Mobile O2"},
        longer_codes=row["longer codes"],
    )
    found = {each["code"]: price_text(each["cost"]) if each["offers"] else "-" for each in generated.made.to_pylist()}
    assert found == {code: row[code] for code in ("44", "447", "44791")}


@pytest.mark.parametrize("row", _table("What a source with parents asks"), ids=lambda row: "; ".join(row.values()))
def test_what_a_source_with_parents_asks(row: dict[str, str]) -> None:
    lists = []
    for name in ("source", "parent", "parent's parent"):
        said = [[*each.split(), ""][:3] for each in row[name].split(", ") if each]
        lists.append(vendor(name, *((code, price, when) for code, price, when in said)).rates)
    source = Source("V", with_inherited(lists), Fraction(1))
    made = run(
        [source], {"44": "UK", "447": "UK Mobile", "44791": "UK Mobile"}, longer_codes="dearest", no_offer="keep"
    )
    found = {each["code"]: price_text(each["cost"]) if each["offers"] else "-" for each in made.made.to_pylist()}
    assert found == {code: row[code] for code in ("44", "447", "44791")}


@pytest.mark.parametrize("row", _table("Currencies"), ids=lambda row: row["vendors"])
def test_currencies(row: dict[str, str]) -> None:
    rates = {"USD": Fraction(1), "EUR": Fraction(5, 4), "GBP": Fraction(3, 2)}
    offers = [each.split() for each in row["vendors"].split(", ")]
    sources = [vendor(currency, ("44", price, ""), exchange=rates[currency]) for price, currency in offers]
    assert price_text(only(run(sources))["price"]) == row["price"]


@pytest.mark.parametrize("row", _table("Collapse"), ids=lambda row: row["written"])
def test_collapse(row: dict[str, str]) -> None:
    codes = {"254": "Kenya", "2547": "Kenya", "25471": "Kenya", "2548": "Kenya Mobile"}
    said = {code: row[code] for code in codes}
    asked = [(code, "0.06" if price == "other" else price, "") for code, price in said.items()]
    others = [code for code, price in said.items() if price == "other"]
    codes = {code: name for code, name in codes.items() if code not in others}
    target = Target(Unit.SECOND, pa.array(others, pa.string()))
    generated = run([vendor("V", *asked)], codes, target, collapse=True)
    assert " ".join(generated.lines["code"].to_pylist()) == row["written"]


def test_a_line_says_what_a_sheet_would() -> None:
    generated = run([vendor("V", ("44", "0.01", ""))], increments="60/1", percent="20")
    (line,) = generated.lines.to_pylist()
    assert {name: line[name] for name in ("line", "code", "destination", "steps", "blocked", "is_closed")} == {
        "line": 1, "code": "44", "destination": "UK", "steps": "0:0.012/60/60;60:0.012/60/1", "blocked": False, "is_closed": False,
    }  # fmt: skip
    assert line["valid_from"] == BEGINS


def test_the_worst_increments_are_those_of_whoever_offers() -> None:
    rows = [
        {"code": "44", "steps": steps, "blocked": blocked, "is_timed": False, "has_fee": False}
        for steps, blocked in (("0:0.01/60/30;30:0.01/60/6", False), ("0:0.02/60/20", False), ("0:0/60/60", True))
    ]
    sources = [Source(str(n), pa.Table.from_pylist([row], ASKED), Fraction(1)) for n, row in enumerate(rows)]
    assert run(sources, increments="worst").lines["steps"].to_pylist() == ["0:0.01/60/30;30:0.01/60/20"]


def test_a_price_that_no_array_of_64_bits_holds_is_made_all_the_same() -> None:
    odd = Fraction(10**15 + 37, 10**14 + 31)
    sources = [vendor("A", ("44", "123456.7891234567", ""), exchange=odd), vendor("B", ("44", "99.9999999999", ""))]
    made = only(run(sources, method="blend", weights=["33.3333", "66.6667"], percent="12.3456", decimals=10))
    high, low = (
        Price.from_text("123456.7891234567").units * odd,
        Fraction(Price.from_text("99.9999999999").units),
    )
    wanted = (low * 333333 + high * 666667) / 1_000_000 * (1 + Fraction(123456, 1_000_000))
    assert made["price"] == int(wanted + Fraction(1, 2))


def test_a_rule_can_be_for_a_group_of_destinations() -> None:
    codes = {"33": "France", "44": "UK", "49": "Germany"}
    settings = Settings.of({"rules": [{"group": "EEA", "percent": "50"}], "exclude": [{"group": "Islands"}]})
    sources = [vendor("V", *((code, "0.01", "") for code in codes))]
    groups = {"EEA": frozenset({"France", "Germany"}), "Islands": frozenset({"UK"})}
    made = generate(deck_of(codes), sources, settings, Target(Unit.SECOND, NO_CODES), BEGINS, groups)
    assert dict(zip(made.lines["code"].to_pylist(), made.lines["steps"].to_pylist(), strict=True)) == {
        "33": "0:0.015/60/1", "49": "0:0.015/60/1",
    }  # fmt: skip


def test_a_code_with_a_special_rate_stands_between_a_code_and_its_parent() -> None:
    codes = {"254": "Kenya", "25471": "Kenya"}
    sources = [vendor("V", *((code, "0.01", "") for code in codes))]
    target = Target(Unit.SECOND, NO_CODES, pa.array(["2547"]))
    for others in ("keep", "close"):
        made = run(sources, codes, target, collapse=True, other_codes=others)
        assert made.lines["code"].to_pylist() == ["254", "25471"]


def test_rules_are_read_from_lines() -> None:
    assert read_line('destination="Kenya Mobile*" percent=15') == {"destination": "Kenya Mobile*", "percent": "15"}


def test_without_any_source_that_offers_nothing_is_priced() -> None:
    generated = run([vendor("V")], no_offer="block")
    assert generated.lines["blocked"].to_pylist() == [True]
    assert np.array_equal(generated.made["price"].to_numpy(), [0])
