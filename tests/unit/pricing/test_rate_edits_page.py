"""The tables of docs/algorithms/rate-edits.md, run; and laws of edits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.places import ROOT
from trunkline.core.errors import Invalid
from trunkline.core.money import Price, RoundingMode
from trunkline.engine.units import Unit
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit, RateKind, Standing, edit_rates
from trunkline.tariffs.rate_file import STANDING

PAGE = (ROOT / "docs" / "algorithms" / "rate-edits.md").read_text()
NOW = datetime(2026, 3, 10, tzinfo=UTC)


def table(title: str) -> list[list[str]]:
    """The rows of the table below a title, without its header."""
    lines = PAGE.split("## Tables", 1)[1].split(f"### {title}\n", 1)[1].split("\n### ", 1)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def day(text: str) -> datetime | None:
    return None if text in ("", "-") else datetime.fromisoformat(f"{text}T00:00:00+00:00")


def standing(*rates: dict[str, Any]) -> pa.Table:
    usual: dict[str, Any] = {
        "destination": "Kenya", "steps": "0:0.05/60/60", "setup_fee": "0", "grace": 0, "valid_from": None, "valid_to": None, "time_profile": None,
        "weight": "10", "rounding_mode": 0, "rounding_decimals": 8, "max_cost": None, "blocked": False, "tag": None, "length_min": None,
        "length_max": None, "additive": False, "origin": None,
    }  # fmt: skip
    rows = [usual | {"id": number, "code": "254"} | rate for number, rate in enumerate(rates, 1)]
    return pa.Table.from_pylist(rows, STANDING)


def edited(there: pa.Table, edit: RateEdit, **chosen: Any) -> Any:
    which = Chosen(at=NOW, **{"standing": Standing.ALL} | chosen)
    return edit_rates(there, which.rows(there), edit, unit=Unit.SECOND, now=NOW)


@pytest.mark.parametrize(("steps", "how", "amount", "decimals", "rounding", "then"), table("The price"))
def test_prices_change_as_the_page_says(
    steps: str, how: str, amount: str, decimals: str, rounding: str, then: str
) -> None:
    edit = RateEdit(price=PriceEdit(PriceHow(how), amount, int(decimals), RoundingMode.from_name(rounding)))
    if then.startswith("0:"):
        assert edit.of(steps, Unit.SECOND) == then
    else:
        with pytest.raises(Invalid) as refused:
            edit.of(steps, Unit.SECOND)
        assert refused.value.code == then


@pytest.mark.parametrize(("price", "begins", "ends", "said", "old", "new"), table("What becomes of each"))
def test_rates_change_as_the_page_says(price: str, begins: str, ends: str, said: str, old: str, new: str) -> None:
    there = standing({"steps": f"0:{price}/60/60", "valid_from": day(begins), "valid_to": day(ends)})
    word, _, value = said.partition(" ")
    edit = RateEdit(
        price=PriceEdit(PriceHow.SET, "0.06"),
        begins_at=day(value) if word == "begins" else None,
        ends_at=day(value) if word == "ends" else None,
        sets_end=word == "ends",
    )
    found = edited(there, edit)
    made = [
        f"{row['steps'][2:].split('/')[0]} from {row['valid_from']:%Y-%m-%d} to {row['valid_to'].strftime('%Y-%m-%d') if row['valid_to'] else '-'}"
        for row in found.rates.to_pylist()
    ]
    assert made == ([new] if new else [])
    # What change_rates does with it: an end that is named, else where the new one begins.
    first = datetime.fromisoformat(f"{begins}T00:00:00+00:00")
    named = found.ends["at"].to_pylist() + found.rates["valid_from"].to_pylist()
    end = min(named, default=None)
    shown = "stays" if end is None else "void" if end <= first else f"{begins} to {end:%Y-%m-%d}"
    assert shown == old


def test_which_rates_are_chosen() -> None:
    there = standing(
        {"valid_from": day("2026-03-01"), "valid_to": day("2026-03-05")},
        {"valid_from": day("2026-03-05")},
        {"code": "2547", "destination": "Kenya Mobile", "valid_from": day("2026-04-01")},
        {"code": "255", "destination": None, "blocked": True},
        {"code": "256", "destination": "Uganda", "additive": True},
    )

    def ids(**said: Any) -> list[int]:
        return there.filter(pa.array(Chosen(at=NOW, **said).rows(there)))["id"].to_pylist()

    assert ids() == [2, 4, 5]
    assert ids(standing=Standing.PAST) == [1]
    assert ids(standing=Standing.FUTURE) == [3]
    assert ids(standing=Standing.ALL, code="2547") == [3]
    assert ids(standing=Standing.ALL, name="kenya") == [1, 2, 3]
    assert ids(kind=RateKind.BLOCKED) == [4]
    assert ids(kind=RateKind.PRICED) == [2, 5]
    assert ids(kind=RateKind.ADDITIVE) == [5]
    assert ids(ids=[2, 3]) == [2]


def test_a_later_end_stops_where_the_next_rate_begins() -> None:
    there = standing(
        {"valid_from": day("2026-03-01"), "valid_to": day("2026-03-20")}, {"valid_from": day("2026-04-01")}
    )
    found = edited(there, RateEdit(sets_end=True), ids=[1])
    assert found.rates["valid_to"].to_pylist() == [day("2026-04-01")]


def test_increments_and_blocks() -> None:
    there = standing({"valid_from": day("2026-03-01")})
    found = edited(there, RateEdit(increments="60/1", blocked=True))
    assert [(row["steps"], row["blocked"]) for row in found.rates.to_pylist()] == [("0:0.05/60/60;60:0.05/60/1", True)]
    assert edited(there, RateEdit(blocked=False)).unchanged == 1


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (RateEdit, "nothing_to_change"),
        (
            lambda: RateEdit(begins_at=day("2026-03-12"), ends_at=day("2026-03-11"), sets_end=True),
            "ends_before_it_begins",
        ),
        (lambda: RateEdit(price=PriceEdit(PriceHow.PERCENT, "-101")), "bad_amount"),
        (lambda: RateEdit(price=PriceEdit(PriceHow.SET, "x")), "bad_decimal"),
        (lambda: RateEdit(price=PriceEdit(PriceHow.SET, "1", 11)), "bad_amount"),
        (lambda: RateEdit(increments="60"), "bad_steps"),
    ],
)
def test_what_cannot_be_is_said(make: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        edited(standing({"valid_from": day("2026-03-01")}), make())
    assert refused.value.code == code


@given(units=st.integers(0, 10**14), percent=st.integers(0, 500), decimals=st.integers(0, 10))
def test_a_percentage_is_rounded_once(units: int, percent: int, decimals: int) -> None:
    found = PriceEdit(PriceHow.PERCENT, str(percent), decimals).of(Price(units)).units
    grain = 10 ** (10 - decimals)
    assert found % grain == 0
    assert abs(found * 100 - units * (100 + percent)) * 2 <= grain * 100
