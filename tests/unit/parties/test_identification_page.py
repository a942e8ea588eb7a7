"""The worked examples of docs/algorithms/identification.md."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

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
