"""The tables of docs/algorithms/rate-changes.md, run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from trunkline.pricing.checks import Looked
from trunkline.pricing.compare import LINES, Compared, Differs, Kind, Scope, allowed_begins, closings, compare
from trunkline.pricing.notice import Counting, Notice
from trunkline.pricing.weighing import Weighed, weigh
from trunkline.tariffs.rate_file import STANDING

PAGE = Path(__file__).parents[3] / "docs/algorithms/rate-changes.md"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LINE_BEGINS = datetime(2026, 3, 10, tzinfo=UTC)


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


def rate(code: str, said: str = "0:0.02/60/1", **other: Any) -> dict[str, Any]:
    """A rate of both schemas: `steps [Destination] [fee X]`, `blocked` or `closed`."""
    steps, _, fee = said.partition(" fee ")
    steps, _, destination = steps.partition(" ")
    is_priced = said not in ("blocked", "closed")
    return {
        "id": 0, "line": 0, "code": code, "destination": destination or "Kenya", "steps": steps if is_priced else "0:0/60/1",
        "setup_fee": fee or "0", "grace": 0, "valid_from": LONG_AGO, "valid_to": None, "time_profile": None, "weight": "10",
        "rounding_mode": 0, "rounding_decimals": 8, "max_cost": None, "blocked": said == "blocked", "tag": None,
        "length_min": None, "length_max": None, "additive": False, "origin": None, "is_closed": said == "closed", "refused": None,
    } | other  # fmt: skip


def there(*rates: dict[str, Any]) -> pa.Table:
    return _columns([each | {"id": number} for number, each in enumerate(rates, 1)], STANDING)


def sheet(*rates: dict[str, Any]) -> pa.Table:
    return _columns([{**each, "line": number} for number, each in enumerate(rates, 2)], LINES)


def _columns(rates: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: each[name] for name in schema.names} for each in rates], schema)


def kinds(compared: Compared) -> list[Kind]:
    return [Kind(kind) for kind in compared.kinds]


@pytest.mark.parametrize("row", _table("What a line is"), ids=lambda row: f"{row['before']}->{row['line']}")
def test_what_a_line_is(row: dict[str, str]) -> None:
    before = there(rate("254", row["before"])) if row["before"] else there()
    compared = compare(before, sheet(rate("254", row["line"], valid_from=LINE_BEGINS)))
    also = {"increment": Differs.INCREMENT, "moved": Differs.DESTINATION}
    wanted = Kind[row["class"].upper()]
    assert kinds(compared) == [wanted]
    found = Differs(int(compared.differs[0]))
    itself = {Kind.INCREMENT: Differs.INCREMENT, Kind.MOVED: Differs.DESTINATION}.get(wanted, Differs.PRICE)
    assert found & ~itself == sum((also[name] for name in filter(None, row["also"].split(", "))), Differs(0))
    assert compared.before.tolist() == [0 if row["before"] else -1]


@pytest.mark.parametrize("row", _table("What a sheet leaves out"), ids=lambda row: row["scope"])
def test_what_a_sheet_leaves_out(row: dict[str, str]) -> None:
    tariff = there(*(rate(code) for code in ("254", "25470", "255", "88213", "88216")))
    named = sheet(rate("2547", valid_from=LINE_BEGINS), rate("88213", valid_from=LINE_BEGINS))
    at = int(LINE_BEGINS.timestamp())
    ends = closings(tariff, named, is_closed=named["is_closed"].to_numpy(), scope=Scope(row["scope"]), closes_at_s=at)
    assert tariff["code"].take(pa.array(ends.rows)).to_pylist() == [code for code in row["closed"].split(", ") if code]
    assert ends.at_s.tolist() == [at] * len(ends.rows)


@pytest.mark.parametrize("row", _table("What a sheet with origins leaves out"), ids=lambda row: row["scope"])
def test_what_a_sheet_with_origins_leaves_out(row: dict[str, str]) -> None:
    tariff = there(rate("33"), rate("33", origin="EEA"), rate("336", origin="EEA"), rate("44"))
    named = sheet(rate("33", valid_from=LINE_BEGINS), rate("336", origin="EEA", valid_from=LINE_BEGINS))
    at = int(LINE_BEGINS.timestamp())
    ends = closings(tariff, named, is_closed=named["is_closed"].to_numpy(), scope=Scope(row["scope"]), closes_at_s=at)
    closed = tariff.take(pa.array(ends.rows)).select(["code", "origin"]).to_pylist()
    said = [" from ".join(filter(None, each.values())) for each in closed]
    assert said == [code for code in row["closed"].split(", ") if code]


def test_a_line_that_closes_a_code_for_an_origin_closes_that_alone() -> None:
    tariff = there(rate("33"), rate("33", origin="EEA"), rate("33", origin="Rest"))
    lines = sheet(rate("33", "closed", origin="EEA", valid_from=LINE_BEGINS))
    assert kinds(compare(tariff, lines)) == [Kind.CLOSED]
    ends = closings(tariff, lines, is_closed=lines["is_closed"].to_numpy(), scope=Scope.PARTIAL, closes_at_s=0)
    assert ends.rows.tolist() == [1]


@pytest.mark.parametrize("row", _table("When a change may begin"), ids=lambda row: "-".join(row.values()))
def test_when_a_change_may_begin(row: dict[str, str]) -> None:
    zone = ZoneInfo(row["zone"])
    counting, _, hour = row["counted"].partition(" ")
    notice = Notice(
        Counting(counting),
        zone=row["zone"],
        hour=int(hour or 0),
        is_business=row["business"] == "yes",
        cut_off=time.fromisoformat(row["cut-off"]) if row["cut-off"] else None,
    )
    notified = datetime.fromisoformat(row["notified"]).replace(tzinfo=zone)
    allowed = datetime.fromisoformat(row["first allowed"]).replace(tzinfo=zone)
    assert notice.first_allowed(notified, int(row["days"])) == allowed


@dataclass(frozen=True)
class Read:
    """What was read of numbers."""

    table: pa.Table
    days: int = 30
    is_whole: bool = True


def looked_at(tariff: pa.Table, lines: pa.Table) -> Looked:
    """A partial sheet beside a tariff, all of its lines from one instant on."""
    compared = compare(tariff, lines)
    at = int(LINE_BEGINS.timestamp())
    return Looked(
        there=tariff, lines=lines, compared=compared, closes_nothing=False, scope=Scope.PARTIAL, notified_s=at, currency="USD", errors=0,
        ends=closings(tariff, lines, is_closed=compared.kinds == Kind.CLOSED, scope=Scope.PARTIAL, closes_at_s=at),
        asked_s=np.full(len(lines), at), short=np.zeros(len(lines), np.bool_), currencies=frozenset(), doubts=(),
        is_last=np.ones(len(lines), np.bool_), is_repeated=False,
    )  # fmt: skip


def weighed(before: str, said: str, charged: str, *, part: Fraction = Fraction(1)) -> tuple[Weighed, list[str]]:
    """Rates, lines and numbers with seconds as the page writes them; `part` of the seconds is read by number. Also which numbers were asked for."""

    def row(text: str, **other: Any) -> dict[str, Any]:
        code, price, *profile = text.split()
        steps = price if price in ("blocked", "closed") else f"0:{price}/60/1"
        return rate(code, steps, time_profile=profile[0] if profile else None, **other)

    tariff = there(*map(row, before.split(", ")))
    lines = sheet(*(row(each, valid_from=LINE_BEGINS) for each in said.split(", ")))
    numbers = {number: int(seconds) for number, seconds in (each.split() for each in charged.split(", "))}
    rates = {
        number: max((each for each in tariff.to_pylist() if number.startswith(each["code"])), key=lambda each: len(each["code"]))["id"]
        for number in numbers
    }  # fmt: skip
    quantities: dict[int, int] = {}
    for number, seconds in numbers.items():
        quantities[rates[number]] = quantities.get(rates[number], 0) + seconds
    asked: list[str] = []

    def read(ids: Any, digits: int) -> Read:
        asked.extend(number for number in numbers if rates[number] in ids)
        rows = [{"rate": rates[each], "beginning": each[:digits], "units": int(numbers[each] * part)} for each in asked]
        schema = pa.schema([("rate", pa.int64()), ("beginning", pa.string()), ("units", pa.int64())])
        return Read(pa.Table.from_pylist(rows, schema), 30 if part == 1 else 7, part == 1)

    return weigh(looked_at(tariff, lines), quantities, read), asked


@pytest.mark.parametrize("row", _table("What the changes cost"), ids=lambda row: f"{row['in force']}->{row['sheet']}")
def test_what_the_changes_cost(row: dict[str, str]) -> None:
    found, _ = weighed(row["in force"], row["sheet"], row["charged"])
    assert (str(found.cost), found.by_code, found.by_number, found.without_price, found.not_weighed, found.days) == (
        row["costs more"], *(int(row[name]) for name in ("by code", "by number", "without a price", "not weighed")), 0,
    )  # fmt: skip


def test_numbers_are_read_only_of_rates_that_have_a_new_longer_code() -> None:
    charged = "44791 600, 44120 600, 33100 60"
    _, asked = weighed("33 0.01, 44 0.01, 447 0.02", "33 0.03, 44 0.02, 44791 0.05", charged)
    assert asked == ["44791", "44120"]
    assert weighed("33 0.01, 44 0.01, 447 0.02", "33 0.03, 44 0.02, 447 closed", charged)[1] == []


def test_shares_of_what_was_read_count_where_that_is_not_all() -> None:
    found, _ = weighed("447 0.02", "447 0.03, 44791 0.05", "44791 600, 44720 300", part=Fraction(1, 3))
    assert (str(found.cost), found.by_code, found.by_number, found.days) == ("0.35", 300, 600, 7)


def test_what_numbers_do_not_tell_is_not_weighed() -> None:
    found, _ = weighed("447 0.02", "447 0.03, 44791 0.05", "44791 600, 44720 300", part=Fraction(0))
    assert (str(found.cost), found.by_code, found.by_number, found.not_weighed) == ("0", 0, 0, 900)


def test_a_line_is_compared_with_the_rate_of_its_day() -> None:
    tariff = there(
        rate("254", "0:0.01/60/1", valid_to=datetime(2026, 3, 5, tzinfo=UTC)),
        rate("254", "0:0.03/60/1", valid_from=datetime(2026, 3, 5, tzinfo=UTC)),
    )
    begins = [datetime(2026, 3, day, tzinfo=UTC) for day in (4, 5)]
    for begin, kind, row in zip(begins, (Kind.INCREASE, Kind.DECREASE), (0, 1), strict=True):
        compared = compare(tariff, sheet(rate("254", valid_from=begin)))
        assert (kinds(compared), compared.before.tolist()) == ([kind], [row])


def test_a_line_that_is_put_off_is_compared_with_the_rate_of_its_new_day() -> None:
    tariff = there(
        rate("254", "0:0.03/60/1", valid_to=datetime(2026, 3, 12, tzinfo=UTC)),
        rate("254", "0:0.01/60/1", valid_from=datetime(2026, 3, 12, tzinfo=UTC)),
    )
    days = {Kind.DECREASE: 13, Kind.INCREASE: 20}
    compared, begins = allowed_begins(
        tariff,
        sheet(rate("254", valid_from=LINE_BEGINS)),
        lambda kind: int(datetime(2026, 3, days.get(kind, 1), tzinfo=UTC).timestamp()),
    )
    assert kinds(compared) == [Kind.INCREASE]
    assert begins.tolist() == [int(datetime(2026, 3, 20, tzinfo=UTC).timestamp())]


def test_a_code_that_a_line_closes_ends_with_all_its_rates() -> None:
    tariff = there(
        rate("254", "0:0.01/60/1", time_profile="peak"),
        rate("254", "0:0.02/60/1", time_profile="off-peak", valid_from=datetime(2026, 4, 1, tzinfo=UTC)),
        rate("255"),
    )
    lines = sheet(rate("254", "closed", valid_from=LINE_BEGINS))
    ends = closings(tariff, lines, is_closed=lines["is_closed"].to_numpy(), scope=Scope.PARTIAL, closes_at_s=0)
    assert (ends.rows.tolist(), ends.at_s.tolist()) == ([0, 1], [int(LINE_BEGINS.timestamp())] * 2)


def test_a_step_between_first_and_last_is_looked_at_too() -> None:
    tariff = there(rate("254", "0:0.01/60/1;60:0.02/60/1;120:0.03/60/1"))
    compared = compare(tariff, sheet(rate("254", "0:0.01/60/1;60:0.025/60/1;120:0.03/60/1", valid_from=LINE_BEGINS)))
    assert kinds(compared) == [Kind.INCREMENT]


def test_nothing_compared_with_nothing_is_nothing() -> None:
    assert kinds(compare(there(), sheet())) == []
    ends = closings(there(), sheet(), is_closed=np.empty(0, np.bool_), scope=Scope.FULL, closes_at_s=0)
    np.testing.assert_array_equal(ends.rows, [])
