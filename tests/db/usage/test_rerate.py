"""Records priced again: the outcome is that of taking the files under the new prices, and the books move by the difference alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.db.usage.carrier import NOW, START, Carrier, line
from trunkline.kit.db.locks import lock_rows
from trunkline.ledger.queries import balance
from trunkline.parties.models import Account
from trunkline.tariffs.actions import revisions
from trunkline.tariffs.models import Destination, Rate, Tariff
from trunkline.usage import rerate
from trunkline.usage.asked import Asked
from trunkline.usage.check import check
from trunkline.usage.models import Batch, HourTotal, Rollup
from trunkline.usage.process import process
from trunkline.usage.segments import live_segments
from trunkline.usage.stored import read_rows

EVERYTHING = Asked()


def set_price(carrier: Carrier, side: str, steps: str, *, code: str = "254") -> None:
    """The code's price from ever on; empty steps: it has none any more."""
    with carrier.scope():
        (tariff,) = lock_rows(Tariff.objects.all(), [Tariff.objects.get(name=side).pk])
        Rate.objects.filter(tariff=tariff, code=code, voided_at=None).update(voided_at=NOW)
        if steps:
            Rate.objects.create(tariff=tariff, code=code, destination=Destination.objects.get(), steps=steps)
        revisions.bump(tariff)


def apply(carrier: Carrier, asked: Asked = EVERYTHING) -> list[Batch]:
    """The re-rating, taken to its end: its batches."""
    made = rerate.register_reratings(carrier.tenant_id, asked, name="again", actor="test", now=carrier.clock)
    for batch_id in made:
        process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        return list(Batch.objects.filter(pk__in=made))


def look(carrier: Carrier, asked: Asked = EVERYTHING) -> rerate.Found:
    return rerate.preview(carrier.tenant_id, asked, actor="test")


def assert_proved(carrier: Carrier) -> None:
    with carrier.scope(snapshot=True):
        assert [finding for finding in check(read_files=True) if not finding.holds] == []


def rows(paths: list[Path]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                found += read_rows(file, group).to_pylist()
    return found


def outcome(carrier: Carrier) -> dict[str, Any]:
    """Everything that counts: records, sums by key, hours, balances, rejects; with names in place of ids."""
    with carrier.scope():
        accounts: dict[int | None, str | None] = dict(Account.objects.values_list("pk", "code"))
        steps: dict[int | None, str | None] = dict(Rate.objects.values_list("pk", "steps"))
        accounts[None] = steps[None] = None
        records = rows([segment.path for segment in live_segments()])
        rejects = [
            each["reason"]
            for segment in live_segments(kind="reject")
            for each in pq.read_table(segment.path, columns=["reason"], partitioning=None).to_pylist()
        ]
        sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, 0, 0, Decimal(0), Decimal(0)])
        for each in Rollup.objects.all():
            key = (
                each.side,
                accounts[each.account_id],
                each.service,
                each.destination_id is None,
                steps[each.rate_id],
                each.currency,
                each.day,
            )
            values = (
                each.attempts,
                each.connected,
                each.raw_quantity,
                each.billed_quantity,
                each.amount.to_decimal(),
                each.base_amount.to_decimal(),
            )
            sums[key] = [one + other for one, other in zip(sums[key], values, strict=True)]
        hours: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, 0, Decimal(0), Decimal(0)])
        for hour in HourTotal.objects.all():
            key = (hour.hour, accounts[hour.sell_account_id], accounts[hour.buy_account_id])
            values = (hour.attempts, hour.connected, hour.seconds, hour.revenue.to_decimal(), hour.cost.to_decimal())
            hours[key] = [one + other for one, other in zip(hours[key], values, strict=True)]
        balances = {
            a.code: (balance(a.unbilled_receivable_id), balance(a.unbilled_payable_id)) for a in Account.objects.all()
        }
    for record in records:
        for side in ("sell", "buy"):
            record[f"{side}_account_id"] = accounts[record[f"{side}_account_id"]]
            record[f"{side}_rate_id"] = steps[record[f"{side}_rate_id"]]
            del record[f"{side}_tariff_id"]
            record[f"{side}_destination_id"] = record[f"{side}_destination_id"] is None
        del record["batch_id"], record["snapshot_version"]
    return {
        "records": sorted(records, key=lambda record: record["key"]),
        "sums": {key: value for key, value in sums.items() if any(value)},
        "hours": {key: value for key, value in hours.items() if any(value)},
        "balances": balances,
        "rejects": Counter(rejects),
    }


def lines(count: int = 40) -> list[str]:
    """Two days, three codes of networks, every tenth call unanswered."""
    return [
        line(
            f"k{n}",
            n % 10 * 37,
            called=f"2547{n % 3}000000{n % 10}",
            start=START + timedelta(hours=n * 7 % 36, seconds=n),
        )
        for n in range(count)
    ]


def load(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", *lines()))
    carrier.load(carrier.write("b.csv", *(each.replace("k", "m", 1) for each in lines(15))))


NEW_PRICES = (("sell", "0:0.13/60/6"), ("buy", "0:0.05/60/1"))


def test_the_outcome_is_that_of_taking_the_files_under_the_new_prices(carrier: Carrier, tmp_path: Path) -> None:
    load(carrier)
    fresh = Carrier.make(tmp_path / "fresh", "Beta Carrier")
    for side, steps in NEW_PRICES:
        set_price(carrier, side, steps)
        set_price(fresh, side, steps)
    load(fresh)
    (batch,) = apply(carrier)
    assert (batch.state, batch.intake, batch.changed, batch.rated, batch.rejected) == ("posted", "rerate", 55, 55, 0)
    assert outcome(carrier) == outcome(fresh)
    assert_proved(carrier)


def test_a_preview_says_what_applying_does_and_writes_nothing(carrier: Carrier) -> None:
    load(carrier)
    before = outcome(carrier)
    set_price(carrier, "buy", "0:0.05/60/1")
    found = look(carrier)
    assert outcome(carrier) == before
    with carrier.scope():
        assert Batch.objects.filter(intake="rerate").count() == 0
        segments = len(live_segments())
    assert (found.looked, found.changed, found.segments, found.touched) == (55, 55, segments, segments)
    assert {moved.side for moved in found.moved} == {"buy"}
    (batch,) = apply(carrier)
    assert batch.changed == found.changed
    with carrier.scope():
        moved: dict[tuple[Any, ...], int] = defaultdict(int)
        for each in Rollup.objects.filter(batch=batch):
            moved[each.side, each.account_id, each.day] += each.amount.units
    expected: dict[tuple[Any, ...], int] = defaultdict(int)
    for each in found.moved:
        expected[each.side, each.account_id, each.day] += each.after - each.before
    assert moved == expected
    assert look(carrier).changed == 0
