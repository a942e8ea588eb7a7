"""What becomes of a file: counts, money, duplicates, failures; nothing half done."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from tests.databases import TestDatabase
from tests.db.in_the_way import book_is_locked
from tests.db.usage.carrier import START, Carrier, line
from trunkline.core.money import Amount
from trunkline.ledger.queries import balance
from trunkline.parties.models import Account
from trunkline.tariffs.models import Rate
from trunkline.usage.check import check
from trunkline.usage.choices import BatchState, SegmentKind, SegmentState
from trunkline.usage.decode import FileFailed
from trunkline.usage.intake import register_path, register_upload
from trunkline.usage.models import Batch, HourTotal, Rollup, Segment
from trunkline.usage.process import process
from trunkline.usage.resend import resend


def assert_proved(carrier: Carrier) -> None:
    with carrier.scope(snapshot=True):
        assert [finding for finding in check(read_files=True) if not finding.holds] == []


def test_a_file_becomes_records_rollups_and_books(carrier: Carrier) -> None:
    # 90 s sold by the second: 0.15 USD, 0.12 EUR; bought in whole minutes: 0.16 USD.
    batch = carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 0)))
    assert (batch.state, batch.rows_in, batch.rated, batch.rejected, batch.duplicates) == ("posted", 2, 2, 0, 0)
    with carrier.scope():
        sell = Rollup.objects.get(side="sell")
        assert (sell.day, sell.attempts, sell.connected, sell.raw_quantity, sell.billed_quantity) == (
            date(2026, 3, 2),
            2,
            1,
            90,
            90,
        )
        assert (str(sell.amount), str(sell.base_amount), sell.currency) == ("0.12", "0.15", "EUR")
        buy = Rollup.objects.get(side="buy")
        assert (buy.attempts, buy.billed_quantity, str(buy.amount), buy.currency) == (2, 120, "0.16", "USD")
        hour = HourTotal.objects.get()
        assert (hour.hour, hour.attempts, hour.seconds, str(hour.revenue), str(hour.cost)) == (
            START,
            2,
            90,
            "0.15",
            "0.16",
        )
        customer, vendor = Account.objects.get(code="cust"), Account.objects.get(code="vend")
        assert balance(customer.unbilled_receivable_id) == Amount.from_text("0.12")
        assert balance(vendor.unbilled_payable_id) == Amount.from_text("-0.16")
    assert_proved(carrier)


def test_the_same_file_under_another_name_changes_nothing(carrier: Carrier) -> None:
    first = carrier.load(carrier.write("a.csv", line("k1"), line("k2")))
    again = carrier.load(carrier.write("b.csv", line("k1"), line("k2")))
    packed = carrier.folder / "c.csv.gz"
    packed.write_bytes(gzip.compress((carrier.folder / "a.csv").read_bytes()))
    assert first.pk == again.pk == carrier.load(packed).pk
    with carrier.scope():
        assert Batch.objects.count() == 1
        assert Segment.objects.count() == 1


def test_a_file_that_grows_day_by_day_adds_what_is_new(carrier: Carrier) -> None:
    carrier.load(carrier.write("Master.csv", line("k1"), line("k2")))
    grown = carrier.load(carrier.write("Master.csv", line("k1"), line("k2"), line("k3")))
    assert (grown.rows_in, grown.rated, grown.duplicates) == (3, 1, 2)
    assert_proved(carrier)


def test_a_conflicting_duplicate_is_rejected_and_named(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 60)))
    batch = carrier.load(carrier.write("b.csv", line("k1", 61), line("k2", 5)))
    assert (batch.rated, batch.duplicates, batch.reject_reasons) == (1, 0, {"conflicting_duplicate": 1})
    assert_proved(carrier)


def test_what_cannot_be_charged_is_rejected_only_if_it_was_used(carrier: Carrier) -> None:
    batch = carrier.load(
        carrier.write(
            "a.csv",
            line("k1", 60, trunk_in="nobody"),
            line("k2", 60, trunk_out="nobody"),
            line("k3", 60, trunk_out=""),
            line("k4", 60, called="9990000000"),
            line("k5", 0, trunk_in="nobody"),
            line("k6", 0, trunk_out="nobody"),
            line("k7", 0, called="9990000000"),
            line("k8", 0, trunk_out=""),
        )
    )
    assert batch.reject_reasons == {"no_rate_sell": 1, "unknown_buy": 2, "unknown_sell": 1}
    assert (batch.rows_in, batch.rated, batch.rejected) == (8, 4, 4)
    assert_proved(carrier)


def test_no_exchange_rate_rejects_what_costs_something(carrier: Carrier) -> None:
    early = datetime(2026, 2, 1, tzinfo=UTC)
    batch = carrier.load(carrier.write("a.csv", line("k1", 60, start=early), line("k2", 0, start=early)))
    assert (batch.rated, batch.reject_reasons) == (1, {"no_exchange_rate": 1})


def test_rejects_are_sent_again_once_the_cause_is_mended(carrier: Carrier) -> None:
    batch = carrier.load(carrier.write("a.csv", line("k1", 60), line("k2", 60, called="255700000001"), "broken"))
    assert batch.reject_reasons == {"field_count": 1, "no_rate_sell": 1}
    with carrier.scope():
        for rate in Rate.objects.select_related("tariff").all():
            Rate.objects.create(tariff=rate.tariff, code="255", steps=rate.steps)
            rate.tariff.revision += 1
            rate.tariff.save()
    (again,) = resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock)
    process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
    with carrier.scope():
        sent = Batch.objects.get(pk=again)
        assert (sent.rows_in, sent.rated, sent.reject_reasons) == (2, 1, {"field_count": 1})
        states = {s.batch_id: s.state for s in Segment.objects.filter(kind=SegmentKind.REJECT)}
        assert states == {batch.pk: SegmentState.SUPERSEDED, again: SegmentState.LIVE}
    assert resend(carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=carrier.clock) == []
    assert_proved(carrier)


def test_a_record_of_a_closed_period_is_booked_on_the_first_open_day(carrier: Carrier) -> None:
    from trunkline.ledger.actions import close_period
    from trunkline.ledger.models import Entry

    with carrier.scope():
        close_period(through=date(2026, 3, 2), at=carrier.now)
    carrier.load(carrier.write("a.csv", line("k1", 60)))
    with carrier.scope():
        assert {entry.booked_on for entry in Entry.objects.all()} == {date(2026, 3, 3)}
        assert {rollup.day for rollup in Rollup.objects.all()} == {date(2026, 3, 2)}
    assert_proved(carrier)


def test_an_identity_that_moves_at_noon_splits_the_day(carrier: Carrier) -> None:
    from trunkline.parties.actions import add_identity, create_account
    from trunkline.parties.models import Identity
    from trunkline.tariffs.models import AccountTariff, Tariff

    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with carrier.scope():
        other = create_account(code="other", name="Other", currency="USD", timezone="UTC", at=carrier.now)
        Identity.objects.filter(value="in").update(valid_to=noon)
        add_identity(account=other, kind="trunk", side="sell", value="in", valid_from=noon, at=carrier.now)
        AccountTariff.objects.create(account=other, side="sell", position=1, tariff=Tariff.objects.get(name="sell"))
    before, after = noon - timedelta(seconds=1), noon
    carrier.load(carrier.write("a.csv", line("k1", 60, start=before), line("k2", 60, start=after)))
    with carrier.scope():
        rows = {r.account.code: str(r.amount) for r in Rollup.objects.filter(side="sell").select_related("account")}
    assert rows == {"cust": "0.08", "other": "0.1"}


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (b"", "no_rows"),
        (b"key,called\nk1,254700000001\n", "header_changed"),
        ("key,called,start\n".encode("utf-16"), "encoding"),
        (gzip.compress(b"key,called,start,duration\n" * 9)[:-9], "truncated"),
    ],
    ids=["empty", "columns missing", "UTF-16", "cut off"],
)
def test_a_file_that_fails_as_a_whole_posts_nothing(carrier: Carrier, content: bytes, failure: str) -> None:
    path = carrier.folder / "bad.csv"
    path.write_bytes(content)
    batch = carrier.load(path)
    assert (batch.state, batch.failure, batch.rated) == (BatchState.FAILED, failure, 0)
    assert batch.failure_detail
    with carrier.scope():
        assert Segment.objects.count() == 0
        assert Rollup.objects.count() == 0
    assert (
        not list((carrier.folder.parent / "home" / "usage").rglob("*.parquet"))
        if (carrier.folder.parent / "home" / "usage").exists()
        else True
    )


def test_a_failed_file_is_taken_once_it_is_mended(carrier: Carrier) -> None:
    path = carrier.folder / "a.csv"
    path.write_text("key,called\nk1,254\n")
    assert carrier.load(path).state == BatchState.FAILED
    assert carrier.load(carrier.write("a.csv", line("k1"))).state == BatchState.POSTED


def test_a_file_replaced_after_it_was_registered_fails_and_posts_nothing(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1"))
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    carrier.write("a.csv", line("k1"), line("k2"))
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        batch = Batch.objects.get(pk=batch_id)
        assert (batch.state, batch.failure) == (BatchState.FAILED, "source_changed")


def test_a_file_that_is_touched_but_the_same_is_taken(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1"))
    batch_id, _ = register_path(carrier.tenant_id, "common", path, actor="test", now=carrier.clock)
    path.write_bytes(path.read_bytes())
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        assert Batch.objects.get(pk=batch_id).state == BatchState.POSTED


def test_registered_and_processed_by_many_at_once_it_counts_once(carrier: Carrier) -> None:
    path = carrier.write("a.csv", *(line(f"k{number}") for number in range(50)))
    errors: list[BaseException] = []

    def take() -> None:
        from django.db import connection

        try:
            carrier.load(path)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with carrier.scope():
        batch = Batch.objects.get()
        assert (batch.state, batch.rated, batch.attempt) == (BatchState.POSTED, 50, 1)
    assert_proved(carrier)


def test_an_upload_is_spooled_taken_and_its_copy_removed(carrier: Carrier, data_folder: Path) -> None:
    path = carrier.write("a.csv", line("k1"))
    with path.open("rb") as content:
        batch_id, found = register_upload(
            carrier.tenant_id, "common", "../../etc/day.csv", content, actor="test", now=carrier.clock
        )
    assert found is None
    assert len(list((data_folder / "spool").rglob("*-*"))) == 1
    process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        batch = Batch.objects.get(pk=batch_id)
        assert (batch.state, batch.name) == (BatchState.POSTED, "day.csv")
    assert [p for p in (data_folder / "spool").rglob("*") if p.is_file()] == []


def test_there_must_be_a_file(carrier: Carrier) -> None:
    with pytest.raises(FileFailed) as caught:
        carrier.load(carrier.folder / "missing.csv")
    assert caught.value.code == "not_a_file"


def test_another_tenant_takes_the_same_file_as_its_own(carrier: Carrier, tmp_path: Path) -> None:
    path = carrier.write("a.csv", line("k1"))
    carrier.load(path)
    other = Carrier.make(tmp_path / "other", "Beta Telecom")
    assert other.load(path).state == BatchState.POSTED
    with other.scope():
        assert Batch.objects.count() == 1
        assert all(f"tenant={other.tenant_id}/" in segment.path for segment in Segment.objects.all())


def test_a_switch_whose_rules_are_mended_takes_its_rejects(carrier: Carrier) -> None:
    from trunkline.usage.actions import change_switch
    from trunkline.usage.queries import access_switch

    batch = carrier.load(carrier.write("a.csv", line("k1", 60, called="#254700000001")))
    assert batch.reject_reasons == {"bad_number": 1}
    with carrier.scope():
        change_switch(switch_id=access_switch("common").pk, at=carrier.now, number_rules=[{"begins": "#"}])
    (again,) = resend(carrier.tenant_id, batch_public_id=None, actor="test", now=carrier.clock)
    process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
    with carrier.scope():
        assert Batch.objects.get(pk=again).rated == 1
    assert_proved(carrier)


def test_a_batch_is_posted_although_the_books_were_held_for_a_moment(
    carrier: Carrier, test_database: TestDatabase
) -> None:
    carrier.load(carrier.write("a.csv", line("k1")))
    with book_is_locked(test_database, carrier.tenant_id) as refusals:
        batch = carrier.load(carrier.write("b.csv", line("k2")))
    assert (batch.state, batch.rated, batch.attempt, len(refusals)) == ("posted", 1, 1, 1)
    assert_proved(carrier)
