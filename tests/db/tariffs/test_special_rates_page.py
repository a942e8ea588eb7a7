"""The tables of docs/algorithms/special-rates.md, run against the database and priced by the engine."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.money import Amount
from trunkline.engine.explain import explain
from trunkline.engine.scalar import Event
from trunkline.tariffs import actions
from trunkline.tariffs.models import CodeDeck, Destination, DestinationGroup, SpecialRate, Tariff
from trunkline.tariffs.single import rates_of_number

PAGE = Path(__file__).parents[3] / "docs/algorithms/special-rates.md"
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def rows_after(text: str) -> list[dict[str, str]]:
    lines = PAGE.read_text().split("## Tables")[1].split(text)[1].splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("|"))
    names = [cell.strip() or "text" for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True)))
    return rows


def instant(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time.min, UTC)


def _load(tariff: Tariff, lines: list[str], at: datetime) -> None:
    text = "code,destination,price,valid_from,tag\n" + "\n".join(lines) + "\n"
    actions.load_rates(tariff_id=tariff.pk, data=text.encode(), supersede_earlier=True, at=at)


def _special(tariff: Tariff, deck: CodeDeck, said: str, at: datetime) -> None:
    name, price, begin = re.fullmatch(r"(.+) at (\S+) from (\S+)", said).groups()  # type: ignore[union-attr]
    target: dict[str, int]
    if name.startswith("group "):
        name, members = re.fullmatch(r"group (\S+) of (.+)", name).groups()  # type: ignore[union-attr]
        ids = Destination.objects.filter(name__in=members.split(", ")).values_list("pk", flat=True)
        target = {"group_id": actions.create_group(name=name, destination_ids=ids, at=at).pk}
    else:
        target = {"destination_id": Destination.objects.get(name=name).pk}
    actions.create_special_rate(
        tariff_id=tariff.pk, deck_id=deck.pk, steps=f"0:{price}/60/1", valid_from=instant(begin), at=at, **target
    )


def _happen(tariff: Tariff, deck: CodeDeck, what: str, said: str, at: datetime) -> None:
    if what == "special":
        _special(tariff, deck, said, at)
    elif what == "rates":
        found = re.findall(r"(\d+) at (\S+) from ([\d-]+)", said)
        _load(tariff, [f"{code},UK Mobile,{price},{begin}," for code, price, begin in found], at)
    elif what == "deck":
        actions.load_code_deck(name=deck.name, codes=dict(re.findall(r"(\d+) becomes ([\w ]+)", said)), at=at)
    else:
        name, end = re.fullmatch(r"(?:group )?(.+) at (\S+)", said).groups()  # type: ignore[union-attr]
        target = (
            {"group": DestinationGroup.objects.get(name=name)}
            if said.startswith("group")
            else {"destination__name": name}
        )
        special = SpecialRate.objects.get(**target)
        actions.end_special_rate(special_id=special.pk, valid_to=instant(end), at=at)


def played() -> Tariff:
    january = instant("2026-01-01")
    tariff = actions.create_tariff(name="Retail", currency="USD", at=january)
    said = PAGE.read_text().split("## Tables")[1].split("The deck has ")[1].split(".")[0]
    codes = dict(re.fullmatch(r"(\d+) (.+)", each.strip()).groups() for each in said.split(","))  # type: ignore[union-attr]
    deck = actions.load_code_deck(name="World", codes=codes, at=january)
    rates = rows_after("The tariff has these rates")
    _load(tariff, [f"{r['code']},{r['destination']},{r['price']},2026-01-01,{r['tag']}" for r in rates], january)
    for row in rows_after("### What happens"):
        _happen(tariff, deck, row["what"], row["text"], instant(row["on"]))
    return tariff


@pytest.mark.parametrize("row", rows_after("### What a minute costs"), ids=lambda row: f"{row['number']} {row['at']}")
def test_what_a_minute_costs(row: dict[str, str], in_scope: Any) -> None:
    tariff = played()
    event = Event(row["number"], instant(row["at"]), 60, frozenset(filter(None, [row["tag"]])))
    found = explain(rates_of_number([tariff], row["number"], known_at=LATER).tariffs, event)
    assert (found.charge.code, found.charge.amount) == (row["code"], Amount.from_text(row["price"]))
