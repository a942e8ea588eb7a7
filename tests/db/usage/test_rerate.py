"""Records priced again: the outcome is that of taking the files under the new prices, and the books move by the difference alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import connection

from tests.db.usage.carrier import NOW, START, Carrier, line
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.home import home
from trunkline.ledger.actions import close_period
from trunkline.ledger.models import Entry
from trunkline.ledger.queries import balance
from trunkline.parties.models import Account
from trunkline.tariffs.actions import revisions
from trunkline.tariffs.models import Destination, Rate, Tariff
from trunkline.usage import rerate
from trunkline.usage.asked import Asked
from trunkline.usage.check import check
from trunkline.usage.choices import SegmentState
from trunkline.usage.explain import explain_record
from trunkline.usage.locate import Sought, access_record
from trunkline.usage.models import Batch, HourTotal, Rollup, Segment
from trunkline.usage.post import post
from trunkline.usage.process import process
from trunkline.usage.resend import resend
from trunkline.usage.search import search_records
from trunkline.usage.segments import live_segments
from trunkline.usage.stored import read_rows
from trunkline.usage.sweep import sweep

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


def test_applied_again_nothing_changes(carrier: Carrier) -> None:
    load(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    assert len(apply(carrier)) == 1
    after = outcome(carrier)
    assert apply(carrier) == []
    assert outcome(carrier) == after
    with carrier.scope():
        assert Batch.objects.filter(intake="rerate").count() == 1


def test_back_to_the_old_price_is_back_to_the_old_sums(carrier: Carrier) -> None:
    load(carrier)
    before = outcome(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    apply(carrier)
    set_price(carrier, "sell", "0:0.10/60/1")
    apply(carrier)
    assert outcome(carrier) == before
    with carrier.scope():
        assert Batch.objects.filter(intake="rerate", state="posted").count() == 2
    assert_proved(carrier)


def test_what_does_not_change_stays_as_it_is(carrier: Carrier) -> None:
    """Only numbers that begin with 25471 get dearer: sums are touched of these alone, and rows beside them stay to the byte."""
    load(carrier)
    with carrier.scope():
        before = {record["key"]: record for record in rows([each.path for each in live_segments()])}
    set_price(carrier, "sell", "0:0.13/60/6", code="25471")
    asked = Asked(side="sell", code="25471")
    (batch,) = apply(carrier, Asked(side="sell"))
    with carrier.scope():
        after = {record["key"]: record for record in rows([each.path for each in live_segments()])}
        changed = {key for key in after if after[key] != before[key]}
        assert changed == {key for key, record in before.items() if record["called"].startswith("25471")}
        assert batch.changed == len(changed) > 0
        assert {after[key]["snapshot_version"] for key in changed} == {batch.snapshot_version}
        assert all(after[key]["batch_id"] == before[key]["batch_id"] for key in after)
        rollups = Rollup.objects.filter(batch=batch)
        assert {each.side for each in rollups} == {"sell"}
        assert sum(each.attempts for each in rollups if each.attempts > 0) == len(changed)
        assert sum(each.attempts for each in rollups) == 0
    assert look(carrier, asked).looked == len(changed)
    assert_proved(carrier)


def test_a_segment_without_a_changed_record_is_left_alone(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1"), line("k2", start=START + timedelta(days=1), called="254711000000")))
    set_price(carrier, "sell", "0:0.13/60/6", code="254711")
    apply(carrier)
    with carrier.scope():
        states = {segment.day.day: segment.state for segment in Segment.objects.filter(batch__intake="command")}
        assert states == {2: SegmentState.LIVE, 3: SegmentState.SUPERSEDED}
        (new,) = Segment.objects.filter(batch__intake="rerate")
        assert (new.day.day, new.rows) == (3, 1)


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({"start_from": START + timedelta(minutes=1), "start_to": START + timedelta(minutes=2)}, {"k1"}),
        ({"code": "25471"}, {"k2"}),
        ({"side": "buy"}, set()),
        ({"account": "vend"}, set()),
        ({"account": "cust"}, {"k0", "k1", "k2"}),
        ({"tariff": "buy"}, set()),
        ({"tariff": "sell", "code": "25470"}, {"k0", "k1"}),
    ],
)
def test_only_what_is_asked_for_is_priced_again(carrier: Carrier, asked: dict[str, Any], keys: set[str]) -> None:
    called = ("254700000001", "254700000001", "254711000000")
    carrier.load(
        carrier.write("a.csv", *(line(f"k{n}", called=called[n], start=START + timedelta(minutes=n)) for n in range(3)))
    )
    set_price(carrier, "sell", "0:0.20/60/1")
    given = dict(asked)
    with carrier.scope():
        if "account" in given:
            given["account_id"] = Account.objects.get(code=given.pop("account")).pk
        if "tariff" in given:
            given["tariff_id"] = Tariff.objects.get(name=given.pop("tariff")).pk
    assert look(carrier, Asked(**given)).changed == len(keys)
    apply(carrier, Asked(**given))
    records = outcome(carrier)["records"]
    assert {each["key"] for each in records if each["sell_rate_id"] == "0:0.20/60/1"} == keys
    assert_proved(carrier)


def test_a_record_that_loses_its_price_becomes_a_reject_and_comes_back_when_there_is_one(carrier: Carrier) -> None:
    load(carrier)
    before = outcome(carrier)
    set_price(carrier, "sell", "")
    found = look(carrier)
    (batch,) = apply(carrier)
    after = outcome(carrier)
    # Of 55 records six are unanswered, which cost nothing and stay.
    assert found.lost == {"no_rate_sell": 49}
    assert (batch.rows_in, batch.rated, batch.rejected, batch.reject_reasons) == (55, 6, 49, {"no_rate_sell": 49})
    assert {record["quantity"] for record in after["records"]} == {0}
    assert after["rejects"] == Counter({"no_rate_sell": 49})
    with carrier.scope():
        assert str(balance(Account.objects.get(code="vend").unbilled_payable_id)) == "0"
    assert_proved(carrier)
    # Not taken any more, but not billed twice either: the same lines come in again once, by whatever way.
    set_price(carrier, "sell", "0:0.10/60/1")
    made = resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
    for batch_id in made:
        process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    apply(carrier)  # the unanswered ones get their destination again
    again = outcome(carrier)
    lines_differ = [record.pop("line") for records in (before["records"], again["records"]) for record in records]
    assert len(lines_differ) == 110
    assert again == before
    doubled = carrier.load(carrier.write("c.csv", *lines(), line("new")))
    assert (doubled.rated, doubled.duplicates) == (1, 40)
    assert_proved(carrier)


def test_a_duplicate_of_a_record_priced_again_is_told(carrier: Carrier) -> None:
    load(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    apply(carrier)
    again = carrier.load(carrier.write("c.csv", *lines(), line("new")))
    assert (again.rows_in, again.duplicates) == (41, 40)


def test_two_at_once_are_one(carrier: Carrier) -> None:
    load(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    made: list[list[Batch]] = []

    def work() -> None:
        made.append(apply(carrier))
        connection.close()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with carrier.scope():
        assert Batch.objects.filter(intake="rerate").count() == 1
    assert_proved(carrier)


def test_segments_that_were_superseded_meanwhile_are_priced_again_from_what_counts(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the lock of the switch had been lost: another re-rating is posted while this one is about to."""
    load(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    set_price(carrier, "buy", "0:0.05/60/1")
    outcome_of = rerate._outcome
    others = [Asked(side="buy")]

    def overtaken(found: Any) -> Any:
        if others:
            asked = others.pop()
            made = rerate.register_reratings(carrier.tenant_id, asked, name="other", actor="test", now=carrier.clock)
            for batch_id in made:
                with carrier.scope():
                    other = Batch.objects.get(pk=batch_id)
                    other.attempt, other.state = 1, "running"
                    other.save()
                with rerate.run(carrier.tenant_id, other, actor="test") as (version, made_of), carrier.scope():
                    post(batch_id=other.pk, attempt=1, outcome=made_of, version=version, at=NOW)
        return outcome_of(found)

    monkeypatch.setattr(rerate, "_outcome", overtaken)
    (batch,) = apply(carrier, Asked(side="sell"))
    assert (batch.state, batch.attempt) == ("posted", 2)
    records = outcome(carrier)["records"]
    assert {(each["sell_rate_id"], each["buy_rate_id"]) for each in records} == {("0:0.13/60/6", "0:0.05/60/1")}
    assert_proved(carrier)


def test_a_crew_comes_to_the_same(carrier: Carrier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    twin = Carrier.make(tmp_path / "twin", "Beta Carrier")
    for each in (carrier, twin):
        load(each)
        set_price(each, "sell", "0:0.13/60/6")
        set_price(each, "buy", "")
        set_price(each, "buy", "0:0.05/60/1", code="25470")
    found = look(carrier)
    (batch,) = apply(carrier)
    monkeypatch.setattr(rerate, "CREW_ROWS", 0)
    told: list[tuple[int, int]] = []
    crewed = rerate.preview(
        twin.tenant_id, EVERYTHING, actor="test", on_progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (55, 55)
    assert (crewed.changed, crewed.lost) == (found.changed, found.lost)
    (other,) = apply(twin)
    assert (other.changed, other.reject_reasons) == (batch.changed, batch.reject_reasons) == (found.changed, found.lost)
    assert outcome(twin) == outcome(carrier)
    with carrier.scope():
        mine = [rows([segment.path]) for segment in live_segments()]
    with twin.scope():
        theirs = [rows([segment.path]) for segment in live_segments()]
    assert [[each["key"] for each in segment] for segment in mine] == [
        [each["key"] for each in segment] for segment in theirs
    ]
    assert_proved(twin)


def test_what_counted_at_an_instant_can_be_asked_for(carrier: Carrier) -> None:
    load(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    carrier.now = NOW + timedelta(hours=1)
    apply(carrier)
    with carrier.scope():
        for as_of, steps in ((NOW, "0:0.10/60/1"), (carrier.now, "0:0.13/60/6"), (None, "0:0.13/60/6")):
            asked: dict[str, Any] = {"start_from": START, "limit": 1000, "columns": None, "as_of": as_of}
            records = search_records(**asked).records
            assert len(records) == 55
            rate = Rate.objects.get(steps=steps, tariff__name="sell")
            assert {record["sell_rate_id"] for record in records} == {rate.pk}
            located = access_record(Sought(key="k1", as_of=as_of))
            assert located.record["sell_rate_id"] == rate.pk


def test_an_explanation_knows_the_re_rating(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 90, called="254711000000")))
    set_price(carrier, "sell", "0:0.20/60/1", code="254711")
    carrier.now = NOW + timedelta(hours=1)
    (batch,) = apply(carrier)
    with carrier.scope(snapshot=True):
        stays, changed = (explain_record(access_record(Sought(key=key))) for key in ("k1", "k2"))
    assert (stays.rerating, changed.rerating) == (None, batch)
    assert (stays.agrees, changed.agrees) == (True, True)
    assert stays.batch == changed.batch
    sell, buy = changed.sides
    assert sell.booked is not None
    assert buy.booked is not None
    assert sell.booked.rollup is not None
    assert buy.booked.rollup is not None
    assert sell.booked.rollup.batch_id == batch.pk
    assert buy.booked.rollup.batch_id == changed.batch.pk
    assert str(sell.booked.postings[0][1]) == "0.12"  # the difference: 0.24 instead of 0.12 EUR


def test_a_sweep_leaves_what_was_superseded(carrier: Carrier) -> None:
    load(carrier)
    set_price(carrier, "sell", "0:0.13/60/6")
    apply(carrier)
    assert sweep(carrier.tenant_id, at=NOW + timedelta(days=30)).segments == 0
    with carrier.scope():
        assert Segment.objects.filter(state=SegmentState.SUPERSEDED).count() == 4
        assert all((home() / path).exists() for path in Segment.objects.values_list("path", flat=True))


def test_a_closed_day_is_corrected_on_the_first_open_one(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90)))
    with carrier.scope():
        close_period(through=date(2026, 3, 2), at=NOW)
    set_price(carrier, "sell", "0:0.20/60/1")
    (batch,) = apply(carrier)
    with carrier.scope():
        (entry,) = Entry.objects.filter(key__startswith=f"batch:{batch.pk}:")
        assert (entry.key, entry.booked_on) == (
            f"batch:{batch.pk}:sell:{carrier.accounts['cust'].pk}:2026-03-02",
            date(2026, 3, 3),
        )
        assert {each.day for each in Rollup.objects.filter(batch=batch)} == {date(2026, 3, 2)}
    assert_proved(carrier)
