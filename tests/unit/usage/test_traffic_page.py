"""The worked examples of docs/algorithms/traffic-rules.md, by columns and one by one."""

from __future__ import annotations

import pickle
from datetime import datetime, time

import pytest

from tests.places import ROOT
from tests.unit.usage.rule_world import DAY, Became, Call, World, tagged, tariffs_of, trunk
from trunkline.core.money import Amount
from trunkline.engine.schema import TimeWindow
from trunkline.usage.schema import EVENTS
from trunkline.usage.traffic.kinds import RuleSide, Stage, Then
from trunkline.usage.traffic.rule import Conditions, Rule, parse_actions

PAGE = ROOT / "docs/algorithms/traffic-rules.md"


def _table(first_column: str, columns: int) -> list[dict[str, str]]:
    lines = PAGE.read_text().splitlines()
    begin = next(
        n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |") and line.count("|") == columns + 1
    )
    names = [cell.strip() for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line[1:-1].split("|")), strict=True)))
    return rows


def _instant(text: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(text), DAY.tzinfo)


def _ms(text: str) -> int | None:
    return int(_instant(text).timestamp() * 1000) if text else None


# What the page says of the tags of accounts and of time profile `office`.
TAGS: dict[int, set[str]] = {1: set(), 2: set(), 3: set(), 4: set(), 5: {"gold", "retail"}}
OFFICE = TimeWindow(weekdays=frozenset(range(1, 6)), start_s=8 * 3600, end_s=18 * 3600)


def _rule(row: dict[str, str]) -> Rule:
    given = dict(part.strip().split("=", 1) for part in row["conditions"].split(";") if part)
    conditions = Conditions.of(given)
    return Rule(
        name=row["rule"],
        stage=Stage(row["stage"]),
        position=int(row["position"]),
        side=RuleSide(row["side"]),
        account_id=int(row["account"]) if row["account"] else None,
        valid_from_ms=_ms(row["from"]),
        valid_to_ms=_ms(row["to"]),
        conditions=conditions,
        actions=parse_actions(row["actions"]),
        then=Then(row["then"]),
        account_ids=tagged(conditions, TAGS),
        windows=(OFFICE,) if conditions.time_profiles else (),
        zone="Africa/Nairobi",
    )


WORLD = World(
    rules=[_rule(row) for row in _table("rule", 10)],
    tariffs=tariffs_of([(row["side"], row["code"], row["tag"], row["price"]) for row in _table("side", 4)]),
    identities=[
        trunk(1, "in", "sell"),
        trunk(2, "out", "buy"),
        trunk(3, "us", "sell"),
        trunk(4, "tech", "sell", "77"),
        trunk(5, "shop", "sell"),
    ],
)
RECORDS = _table("record", 15)


def _call(row: dict[str, str]) -> Call:
    return Call(
        calling=row["calling"],
        called=row["called"],
        trunk_in=row["trunk in"],
        source_ip=row["address"],
        start=_instant(row["at"]),
        seconds=int(row["seconds"]),
    )


def _shown(became: Became) -> dict[str, str]:
    """What became of a record, as the table has it."""
    return {
        "→ called": became.called,
        "sell number": became.numbers["sell"],
        "sell tags": became.side_tags["sell"],
        "sell": _money(became.amounts["sell"]),
        "buy tags": became.side_tags["buy"],
        "buy": _money(became.amounts["buy"]),
        "rules": became.rules,
        "reason": became.reason,
    }


def _money(amount: str | None) -> str:
    return "" if amount is None else str(Amount.from_text(amount))


def _expected(row: dict[str, str]) -> dict[str, str]:
    names = ("→ called", "sell number", "sell tags", "sell", "buy tags", "buy", "rules", "reason")
    said = {name: row[name] for name in names}
    return said | {name: _money(said[name] or None) for name in ("sell", "buy")}


@pytest.mark.parametrize("row", RECORDS, ids=[row["record"] for row in RECORDS])
def test_a_record_alone_becomes_what_the_page_says(row: dict[str, str]) -> None:
    assert _shown(WORLD.one_by_one(_call(row))) == _expected(row)


def test_all_records_at_once_become_what_the_page_says() -> None:
    found = WORLD.by_columns([_call(row) for row in RECORDS])
    assert [_shown(each) for each in found] == [_expected(row) for row in RECORDS]


def test_a_chunk_without_records_goes_through() -> None:
    assert WORLD.by_columns([]) == []
    assert len(WORLD.priced(EVENTS.empty_table().combine_chunks())[0]) == 0


def test_a_book_travels_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(WORLD.book)) == WORLD.book  # noqa: S301  our own
