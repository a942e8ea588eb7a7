"""Legs of one call in different files: what waits, what is joined, what comes late; each call once, whatever the order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.db.usage.carrier import Carrier
from tests.db.usage.test_batches import assert_proved
from trunkline.usage.actions import create_switch
from trunkline.usage.expiry import expire
from trunkline.usage.models import Batch, WaitingLeg
from trunkline.usage.process import process
from trunkline.usage.resend import resend
from trunkline.usage.search import list_rejects, search_records

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "method,from_tag,to_tag,callid,sip_code,sip_reason,time,caller,callee,trunk_in,trunk_out"


def invite(call: str, time: str = "10:00:00", *, tags: str = "a,b", code: int = 200, day: str = "2026-03-02") -> str:
    return f"INVITE,{tags},{call},{code},OK,{day} {time},4930123,254700000001,in,out"


def bye(call: str, time: str = "10:01:30", *, tags: str = "b,a", day: str = "2026-03-02") -> str:
    return f"BYE,{tags},{call},200,OK,{day} {time},,,,"


@pytest.fixture
def carrier(committed_db: None, tmp_path: Path) -> Carrier:
    return Carrier.make(tmp_path / "in", formats=("kamailio_acc",))


def load(carrier: Carrier, name: str, *lines: str, switch: str = "kamailio_acc") -> Batch:
    return carrier.load(carrier.write(name, *lines, header=HEADER), switch)


def counts(batch: Batch) -> tuple[int, ...]:
    return batch.rows_in, batch.rated, batch.rejected, batch.duplicates, batch.waiting, batch.joined


def records(carrier: Carrier) -> list[tuple[object, ...]]:
    with carrier.scope():
        found = search_records(limit=1000, start_from=EARLY, columns=None).records
    return sorted((row["key"], row["quantity"], f"{row['sell_amount']:.2f}") for row in found)


def rejected(carrier: Carrier) -> list[tuple[str, str]]:
    with carrier.scope():
        return sorted((row["reason"], row["detail"]) for row in list_rejects(limit=1000).records)


def wait_out(carrier: Carrier, hours: int = 25) -> list[Batch]:
    """Let time pass and take what has waited too long."""
    carrier.now += timedelta(hours=hours)
    made = expire(carrier.tenant_id, now=carrier.clock)
    with carrier.scope():
        return [Batch.objects.get(pk=pk) for pk in made]


def test_an_invite_and_a_bye_in_two_files_are_one_call(carrier: Carrier) -> None:
    assert counts(load(carrier, "1.csv", invite("c1"))) == (1, 0, 0, 0, 1, 0)
    assert records(carrier) == []
    assert counts(load(carrier, "2.csv", bye("c1"))) == (1, 1, 0, 0, 0, 1)
    assert records(carrier) == [("c1|a|b", 90, "0.12")]
    with carrier.scope():
        assert not WaitingLeg.objects.exists()
    assert_proved(carrier)


def test_the_order_of_the_files_does_not_matter(carrier: Carrier) -> None:
    load(carrier, "1.csv", bye("c1"))
    load(carrier, "2.csv", invite("c1"))
    assert records(carrier) == [("c1|a|b", 90, "0.12")]
    assert_proved(carrier)


def test_a_leg_that_comes_again_while_it_waits_waits_once(carrier: Carrier) -> None:
    load(carrier, "1.csv", invite("c1"))
    assert counts(load(carrier, "2.csv", invite("c1"), invite("c2"))) == (2, 0, 0, 1, 1, 0)
    load(carrier, "3.csv", bye("c1"), bye("c2"))
    assert [key for key, *_ in records(carrier)] == ["c1|a|b", "c2|a|b"]
    assert_proved(carrier)


def test_legs_of_a_posted_call_are_duplicates_in_any_company(carrier: Carrier) -> None:
    again = invite("c1", "10:00:30", tags="b,a")
    load(carrier, "1.csv", invite("c1"), again, bye("c1"))
    assert counts(load(carrier, "2.csv", invite("c1"))) == (1, 0, 0, 1, 0, 0)
    assert counts(load(carrier, "3.csv", bye("c1"), "")) == (1, 0, 0, 1, 0, 0)
    assert counts(load(carrier, "4.csv", invite("c1"), bye("c1"), "")) == (1, 0, 0, 1, 0, 0)
    # A re-INVITE and a second BYE that were not there before say nothing that the record does not.
    assert counts(load(carrier, "5.csv", invite("c1", "10:00:40"))) == (1, 0, 0, 1, 0, 0)
    assert counts(load(carrier, "6.csv", bye("c1", "10:01:31", tags="a,b"))) == (1, 0, 0, 1, 0, 0)
    assert records(carrier) == [("c1|a|b", 90, "0.12")]
    assert_proved(carrier)


def test_a_begin_that_comes_after_the_call_was_posted_is_late(carrier: Carrier) -> None:
    """A re-INVITE and the BYE make a call that is too short; the INVITE says so when it comes, and is not lost."""
    load(carrier, "1.csv", invite("c1", "10:01:00"), bye("c1"))
    assert counts(load(carrier, "2.csv", invite("c1"))) == (1, 0, 1, 0, 0, 0)
    assert rejected(carrier) == [("late_leg", "the record c1|a|b was posted without this leg.")]
    assert records(carrier) == [("c1|a|b", 30, "0.04")]
    assert_proved(carrier)


def test_two_switches_with_the_same_call_ids_never_meet(carrier: Carrier) -> None:
    with carrier.scope():
        create_switch(name="other", format="kamailio_acc", at=carrier.now)
    load(carrier, "1.csv", invite("c1"))
    assert counts(load(carrier, "2.csv", bye("c1"), switch="other")) == (1, 0, 0, 0, 1, 0)
    assert records(carrier) == []
    load(carrier, "3.csv", bye("c1", "10:00:30"))
    load(carrier, "4.csv", invite("c1", "10:01:00"), switch="other")
    assert [quantity for _, quantity, _ in records(carrier)] == [30, 30]
    assert_proved(carrier)


def test_a_call_id_that_is_used_again_after_a_month_is_another_call(carrier: Carrier) -> None:
    carrier.now = datetime(2026, 5, 1, tzinfo=UTC)
    load(carrier, "1.csv", invite("c1"))
    load(carrier, "2.csv", invite("c1", "12:00:00", day="2026-04-02"))
    load(carrier, "3.csv", bye("c1", "12:00:30", day="2026-04-02"))
    assert records(carrier) == [("c1|a|b", 30, "0.04")]
    load(carrier, "4.csv", bye("c1"))
    assert [quantity for _, quantity, _ in records(carrier)] == [30, 90]
    assert_proved(carrier)


def test_clocks_may_differ_within_the_tolerance(carrier: Carrier) -> None:
    """An end before the begin is the begin, if the clocks may differ so much; else the two do not belong together."""
    load(
        carrier,
        "1.csv",
        invite("c1", "10:00:05"),
        bye("c1", "10:00:00"),
        invite("c2", "10:00:11"),
        bye("c2", "10:00:00"),
    )
    assert records(carrier) == [("c1|a|b", 0, "0.00")]
    with carrier.scope():
        assert sorted(WaitingLeg.objects.values_list("call", "kind")) == [("c2|a|b", "begin"), ("c2|a|b", "end")]
    assert_proved(carrier)


def test_a_leg_that_waited_in_vain_becomes_a_reject_that_still_finds_its_partner(carrier: Carrier) -> None:
    load(carrier, "1.csv", invite("c1"))
    assert wait_out(carrier, hours=23) == []
    (batch,) = wait_out(carrier, hours=2)
    assert counts(batch) == (1, 0, 1, 0, 0, 1)
    assert wait_out(carrier) == []
    assert rejected(carrier) == [("lone_leg", "the call c1|a|b came without its end.")]
    carrier.now += timedelta(days=7)
    load(carrier, "late.csv", bye("c1"))
    assert records(carrier) == []
    for again in resend(carrier.tenant_id, batch_public_id=None, actor="test", now=carrier.clock):
        process(tenant_id=carrier.tenant_id, batch_id=again, now=carrier.clock)
    assert records(carrier) == [("c1|a|b", 90, "0.12")]
    assert rejected(carrier) == []
    assert_proved(carrier)


def test_a_partner_that_comes_between_makes_the_expiry_a_duplicate(carrier: Carrier) -> None:
    load(carrier, "1.csv", invite("c1"), invite("c2"))
    carrier.now += timedelta(hours=25)
    made = expire(carrier.tenant_id, now=carrier.clock, is_background=True)
    load(carrier, "2.csv", bye("c1"))
    for batch_id in made:
        process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    with carrier.scope():
        assert [counts(Batch.objects.get(pk=pk)) for pk in made] == [(2, 0, 1, 1, 0, 1)]
    assert [key for key, *_ in records(carrier)] == ["c1|a|b"]
    assert_proved(carrier)
