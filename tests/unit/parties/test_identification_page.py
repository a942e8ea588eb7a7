"""The worked examples of docs/algorithms/identification.md."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from trunkline.parties.explain import Verdict, identify
from trunkline.parties.kinds import IdentityKind, IdentitySide, Side
from trunkline.parties.rules import IdentityRow, Resolver, Status, identity_value

PAGE = Path(__file__).parents[3] / "docs/algorithms/identification.md"
DAY = datetime(2026, 3, 2, tzinfo=UTC)


def _table(first_column: str) -> list[dict[str, str]]:
    lines = PAGE.read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    names = [cell.strip() for cell in lines[begin].strip("|").split("|")]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True)))
    return rows


def _instant_ms(text: str) -> int | None:
    if not text:
        return None
    return int(datetime.combine(DAY, time.fromisoformat(text), UTC).timestamp() * 1000)


def _book() -> list[IdentityRow]:
    return [
        IdentityRow(
            account_id=int(row["account"]),
            kind=IdentityKind(row["kind"]),
            side=IdentitySide(row["side"]),
            value=identity_value(IdentityKind(row["kind"]), row["value"]),
            tech_prefix=row["tech prefix"],
            switch=row["switch"] or None,
            priority=int(row["priority"]),
            valid_from_ms=_instant_ms(row["from"]),
            valid_to_ms=_instant_ms(row["to"]),
        )
        for row in _table("id")
    ]


RECORDS = _table("record")
COLUMNS = {
    "trunk": "trunk",
    "source_ip": "address",
    "account_code": "account code",
    "calling": "calling",
    "sip_user": "SIP user",
    "called": "called",
}


def _expected(row: dict[str, str]) -> tuple[int, Status, int]:
    return int(row["account"] or -1), Status[row["status"].upper()], int(row["cut"])


def _resolved(rows: list[dict[str, str]], side: Side, switch: str) -> list[tuple[int, Status, int]]:
    columns = {name: pa.array([row[title] or None for row in rows], pa.string()) for name, title in COLUMNS.items()}
    start = np.array([_instant_ms(row["at"]) for row in rows], np.int64)
    found = Resolver.compile(_book(), switch=switch).resolve(columns, start, side)
    return list(
        zip(found.account_id.tolist(), map(Status, found.status.tolist()), found.strip_len.tolist(), strict=True)
    )


@pytest.mark.parametrize("row", RECORDS, ids=[row["record"] for row in RECORDS])
def test_a_record_alone_resolves_as_the_page_says(row: dict[str, str]) -> None:
    assert _resolved([row], Side(row["side"]), row["switch"] or "west") == [_expected(row)]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("switch", ["west", "east"])
def test_all_records_of_a_side_and_switch_resolve_at_once(side: Side, switch: str) -> None:
    rows = [row for row in RECORDS if row["side"] == side and (row["switch"] or "west") == switch]
    assert _resolved(rows, side, switch) == [_expected(row) for row in rows]


@pytest.mark.parametrize("row", RECORDS, ids=[row["record"] for row in RECORDS])
def test_the_explanation_of_a_record_is_what_the_page_says(row: dict[str, str]) -> None:
    account, status, cut = _expected(row)
    fields = {name: row[title] or None for name, title in COLUMNS.items()}
    start_ms = _instant_ms(row["at"])
    assert start_ms is not None
    found = identify(_book(), fields, start_ms=start_ms, side=Side(row["side"]), switch=row["switch"] or "west")
    assert (found.account_id or -1, found.status, len(found.cut)) == (account, status, cut)
    won = {each.row.account_id for each in found.tried if each.verdict is Verdict.WON}
    tied = {each.row.account_id for each in found.tried if each.verdict is Verdict.TIED}
    assert won == ({account} if status is Status.OK else set())
    assert len(tied) == (2 if status is Status.AMBIGUOUS else 0)


def test_identities_are_passed_over_for_their_own_reasons() -> None:
    fields = {"trunk": "BETA", "source_ip": "192.0.2.7", "called": "77#4420"}
    start_ms = _instant_ms("09:00")
    assert start_ms is not None
    found = identify(_book(), fields, start_ms=start_ms, side=Side.SELL, switch="west")
    assert {each.row.account_id: str(each.verdict) for each in found.tried} == {
        30: "won",
        170: "tech_prefix",
        100: "side",
        40: "outranked",
        50: "tech_prefix",
        20: "outranked",
    }
    assert found.tried[0].row.account_id in (30, 170)  # the most specific first

    (gone,) = identify(_book(), {"trunk": "DELTA"}, start_ms=start_ms, side=Side.SELL, switch="west").tried
    assert gone.verdict is Verdict.DATES
    elsewhere = identify(_book(), {"trunk": "GAMMA"}, start_ms=start_ms, side=Side.SELL, switch="west").tried
    assert {each.row.account_id: str(each.verdict) for each in elsewhere} == {110: "switch", 120: "won"}
