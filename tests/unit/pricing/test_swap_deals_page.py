"""The tables of docs/algorithms/swap-deals.md, run."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, Price, scaled_text
from trunkline.core.period import DatePeriod
from trunkline.pricing.deals.progress import AlarmKind, PeriodProgress, Status, Used, alarms_of, judge, status_of
from trunkline.pricing.deals.terms import Direction, Item, Length, Matcher, period_of, require_apart

PAGE = Path(__file__).parents[3] / "docs/algorithms/swap-deals.md"
MARCH = DatePeriod(date(2026, 3, 1), date(2026, 3, 31))


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


def item(direction: str = "outbound", minutes: int = 3000, price: str = "0.02", **more: object) -> Item:
    return Item(Direction(direction), minutes, Price.from_text(price), **more)  # type: ignore[arg-type]


def used(minutes: list[int], ordinary: str | None = "0") -> Used:
    days = {MARCH.start + timedelta(days=at): each * 60 for at, each in enumerate(minutes)}
    return Used(days, None if ordinary is None else Amount.from_text(ordinary))


@pytest.mark.parametrize("row", _table("Periods"), ids=lambda row: "-".join(row.values()))
def test_periods(row: dict[str, str]) -> None:
    length, unit = row["length"].split()
    found = period_of(date.fromisoformat(row["first day"]), int(length), Length(unit), int(row["number"]))
    assert (str(found.start), str(found.end)) == (row["from"], row["until before"])


@pytest.mark.parametrize("row", _table("Whose minutes"), ids=lambda row: "-".join(row.values()))
def test_whose_minutes(row: dict[str, str]) -> None:
    items = {
        0: item(codes=frozenset({"2547", "25411"})),
        1: item(codes=frozenset({"254711"}), destinations=frozenset({"Kenya"})),
        2: item(),
    }
    found = Matcher(items).find(row["code of the rate"], row["destination"])
    assert found is not None
    assert "ABC"[found] == row["item"]


@pytest.mark.parametrize(
    "row", _table("How far it is"), ids=lambda row: f"{row['today']}: {row['minutes of the days']}"
)
def test_how_far_it_is(row: dict[str, str]) -> None:
    minutes = [int(each) for each in row["minutes of the days"].split()]
    found = judge(MARCH, [(item(), used(minutes))], date.fromisoformat(row["today"]))
    (progress,) = found.items
    assert {
        "today": row["today"],
        "minutes of the days": row["minutes of the days"],
        "speed a day": "" if progress.speed is None else str(progress.speed / 60),
        "expected": str(progress.expected // 60),
        "reached": str(progress.reached_on or ""),
        "forecast": str(progress.forecast_on or ""),
        "the period is": found.status.value.replace("_", " "),
    } == row


@pytest.mark.parametrize("row", _table("What it is worth"), ids=lambda row: "-".join(row.values()))
def test_what_it_is_worth(row: dict[str, str]) -> None:
    beyond = Price.from_text(row["price beyond"]) if row["price beyond"] else None
    asked = item(row["direction"], 1000, beyond=beyond)
    (found,) = judge(MARCH, [(asked, used([int(row["minutes"])], row["ordinary"]))], date(2026, 4, 2)).items
    assert (str(found.by_deal), str(found.settlement), str(found.shortfall)) == (
        row["by the deal"],
        row["settlement"],
        row["shortfall"],
    )


def test_a_deal_is_as_its_period_of_today_and_in_the_end_as_all_of_them() -> None:
    april = DatePeriod(MARCH.end, date(2026, 4, 30))
    full = Used({MARCH.start: 3000 * 60, april.start: 3000 * 60}, None)
    half = Used({MARCH.start: 3000 * 60}, None)

    def of(last: Used, today: date) -> Status:
        return status_of([judge(each, [(item(), last)], today) for each in (MARCH, april)], today)

    assert of(full, date(2026, 2, 28)) is Status.PENDING
    assert of(half, date(2026, 3, 5)) is Status.SUCCESS
    assert of(half, date(2026, 4, 5)) is Status.IN_PROCESS
    assert of(half, date(2026, 5, 1)) is Status.FAIL
    assert of(full, date(2026, 5, 1)) is Status.SUCCESS


def test_without_an_exchange_rate_only_the_money_is_missing() -> None:
    (found,) = judge(MARCH, [(item(minutes=1000), used([1500], None))], date(2026, 4, 2)).items
    assert (found.seconds, found.by_deal, found.settlement, found.percent) == (90_000, None, None, 150)
    priced = item(minutes=1000, beyond=Price.from_text("0.01"))
    both = judge(MARCH, [(priced, used([1500], None)), (priced, used([1500], "30"))], date(2026, 4, 2))
    assert (str(both.items[0].by_deal), both.items[0].settlement, both.settlement) == ("25", None, None)


def _alarms(progress: PeriodProgress, today: date, below: int = 90) -> list[AlarmKind]:
    return list(alarms_of(progress, below=below, today=today))


def test_alarms_say_when_a_commitment_will_be_missed_is_kept_or_is_lost() -> None:
    slow = [80] * 10
    for day, below, wanted in (
        (date(2026, 3, 3), 90, []),  # too early to tell
        (date(2026, 3, 11), 90, [AlarmKind.BEHIND]),
        (date(2026, 3, 11), 80, []),
        (date(2026, 4, 1), 80, [AlarmKind.FAILED]),
        (date(2026, 2, 11), 90, []),
    ):
        assert _alarms(judge(MARCH, [(item(), used(slow))], day), day, below) == wanted
    one_of_two = judge(MARCH, [(item(), used([3000])), (item("inbound"), used(slow))], date(2026, 3, 11))
    found = alarms_of(one_of_two, below=90, today=date(2026, 3, 11))
    assert [each.item.direction for each in found[AlarmKind.BEHIND]] == [Direction.INBOUND]
    assert _alarms(judge(MARCH, [(item(), used([3000]))], date(2026, 3, 2)), date(2026, 3, 2)) == [AlarmKind.ACHIEVED]


def test_no_two_items_of_a_side_are_for_the_same() -> None:
    kenya = frozenset({"Kenya"})
    apart = [item(destinations=kenya), item("inbound", destinations=kenya), item(codes=frozenset({"254"})), item()]
    require_apart([*apart, item(codes=frozenset({"2547"}))])
    for double in (item(destinations=kenya), item(codes=frozenset({"2", "254"})), item()):
        with pytest.raises(Invalid) as caught:
            require_apart([*apart, double])
        assert caught.value.code == "items_overlap"


def test_a_deal_ends_before_the_calendar_does() -> None:
    for unit in Length:
        with pytest.raises(Invalid) as caught:
            period_of(date(9999, 12, 1), 40, unit, 1)
        assert caught.value.code == "bad_period"


def test_a_price_is_that_of_a_minute() -> None:
    (found,) = judge(MARCH, [(item(minutes=10, price="0.0123456789"), Used({MARCH.start: 61}, None))], MARCH.end).items
    assert str(found.by_deal) == scaled_text(1255144, 8)
