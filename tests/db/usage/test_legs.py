"""Legs of one call in different files: what waits, what is joined, what comes late; each call once, whatever the order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.db.usage.carrier import NOW, Carrier
from tests.db.usage.test_batches import assert_proved
from tests.db.usage.test_commands import cells, run
from trunkline.parties.actions import add_identity
from trunkline.usage.actions import change_switch, create_switch
from trunkline.usage.expiry import expire
from trunkline.usage.explain import decode_again
from trunkline.usage.models import Batch, WaitingLeg
from trunkline.usage.process import process
from trunkline.usage.queries import access_switch
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


# Every cut


LINES = [
    invite("c1"), invite("c2", "10:00:05"), invite("c3", "10:00:06", code=486), invite("c1", "10:00:20", tags="b,a"),
    bye("c2", "10:00:35"), invite("c4", "10:01:00"), bye("c1"), bye("c5", "10:02:00"),
]  # fmt: skip
WHOLE = [
    ("c1|a|b", 90, "0.12"),
    ("c2|a|b", 30, "0.04"),
    ("c3|a|b|2026-03-02 10:00:06", 0, "0.00"),
]


@pytest.mark.parametrize("cut", range(1, len(LINES)))
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_file_that_is_cut_gives_the_records_of_the_whole(carrier: Carrier, cut: int, is_reversed: bool) -> None:
    parts = [LINES[:cut], LINES[cut:]]
    if is_reversed:
        parts = [
            [line for line in part if "10:00:20" not in line] for part in reversed(parts)
        ]  # legs.md, the order of files
    batches = [load(carrier, f"{number}.csv", *part) for number, part in enumerate(parts)]
    assert records(carrier) == WHOLE
    assert rejected(carrier) == []
    with carrier.scope():
        assert sorted(WaitingLeg.objects.values_list("call", flat=True)) == ["c4|a|b", "c5|a|b"]
    assert sum(batch.waiting - batch.joined for batch in batches) == 2
    assert_proved(carrier)


# Legs of gateways


def cube(call: str, leg: str, origin: str, begin: str, connect: str, end: str, **more: str) -> str:
    """A leg of a CUBE, times of 2 March 2026."""
    fields = [""] * 130
    day = "UTC Mon Mar 02 2026"
    said = {1: leg, 4: call, 7: begin, 9: connect, 10: end, 13: origin, 21: "4930123", 22: "254700000001", 110: "cube1"}
    for place, text in said.items():
        fields[place] = f"{text} {day}" if place in {7, 9, 10} else text
    fields[11] = "10"
    fields[81], fields[84] = more.get("out", ""), more.get("into", "")
    return ",".join(fields)


CALL = "02102944 600a1899 3fd61009 0e2f3cc5"
INCOMING = cube(CALL, "1", "answer", "10:00:00.000", "10:00:05.000", "10:01:35.000", into="in")
FAILED = cube(CALL, "2", "originate", "10:00:00.100", "10:00:01.000", "10:00:01.000", out="out")
TIMES = ("10:00:01.100", "10:00:05.000", "10:01:35.000")
CARRIED = cube(CALL, "3", "originate", *TIMES, out="out")


def load_cube(carrier: Carrier, name: str, *legs: str) -> Batch:
    path = carrier.folder / name
    path.write_text("".join(f"{leg}\n" for leg in legs))
    return carrier.load(path, "cisco_cube")


@pytest.fixture
def gateway(committed_db: None, tmp_path: Path) -> Carrier:
    return Carrier.make(tmp_path / "in", formats=("cisco_cube",))


def attempts(carrier: Carrier) -> list[tuple[object, ...]]:
    names = ("attempt", "is_last", "quantity", "trunk_in", "trunk_out", "sell_state", "buy_state")
    with carrier.scope():
        found = search_records(limit=1000, start_from=EARLY, columns=None).records
    return sorted(tuple(row[name] for name in names) for row in found)


BOTH = [(1, False, 0, "in", "out", 0, 1), (2, True, 90, "in", "out", 1, 1)]


def test_the_way_in_comes_from_one_leg_and_the_way_out_from_the_others(gateway: Carrier) -> None:
    """Sell is charged once, on the last attempt; buy is counted on each."""
    assert counts(load_cube(gateway, "1.csv", FAILED, CARRIED, INCOMING)) == (2, 2, 0, 0, 0, 0)
    assert attempts(gateway) == BOTH
    assert_proved(gateway)


def test_a_re_routed_call_whose_legs_are_in_three_files(gateway: Carrier) -> None:
    assert counts(load_cube(gateway, "1.csv", FAILED)) == (1, 0, 0, 0, 1, 0)
    assert counts(load_cube(gateway, "2.csv", CARRIED)) == (1, 0, 0, 0, 1, 0)
    assert counts(load_cube(gateway, "3.csv", INCOMING)) == (2, 2, 0, 0, 0, 2)
    assert attempts(gateway) == BOTH
    assert counts(load_cube(gateway, "4.csv", FAILED, "")) == (1, 0, 0, 1, 0, 0)
    assert_proved(gateway)


def test_a_call_that_never_went_out_goes_on_alone_as_attempt_0(gateway: Carrier) -> None:
    refused = cube("other", "9", "answer", "10:00:00.000", "10:00:02.000", "10:00:02.000", into="in")
    load_cube(gateway, "1.csv", refused)
    (batch,) = wait_out(gateway)
    assert counts(batch) == (1, 1, 0, 0, 0, 1)
    assert attempts(gateway) == [(0, True, 0, "in", None, 1, 0)]
    assert_proved(gateway)


def test_a_partner_that_comes_a_week_after_the_leg_went_on_alone_is_late(gateway: Carrier) -> None:
    load_cube(gateway, "1.csv", cube(CALL, "3", "originate", *TIMES, out="out", into="in"))
    (batch,) = wait_out(gateway)
    assert (batch.waiting, batch.joined) == (0, 1)
    with gateway.scope():
        found = search_records(limit=10, start_from=EARLY, columns=None).records
    assert [(row["key"], row["quantity"], row["legs"][:6]) for row in found] == [(f"cube1|{CALL}", 90, "alone ")]
    before = attempts(gateway)
    gateway.now += timedelta(days=7)
    assert counts(load_cube(gateway, "2.csv", INCOMING)) == (1, 0, 1, 0, 0, 0)
    assert rejected(gateway) == [("late_leg", f"the record cube1|{CALL} was posted without this leg.")]
    assert attempts(gateway) == before
    for again in resend(gateway.tenant_id, batch_public_id=None, actor="test", now=gateway.clock):
        process(tenant_id=gateway.tenant_id, batch_id=again, now=gateway.clock)
    assert [reason for reason, _ in rejected(gateway)] == ["late_leg"]
    assert_proved(gateway)


def test_a_switch_whose_legs_do_not_wait(gateway: Carrier) -> None:
    with gateway.scope():
        switch = access_switch("cisco_cube")
        change_switch(switch_id=switch.pk, at=gateway.now, options={"legs_wait_hours": 0})
    assert counts(load_cube(gateway, "1.csv", FAILED)) == (1, 1, 0, 0, 0, 0)
    with gateway.scope():
        assert not WaitingLeg.objects.exists()
    assert_proved(gateway)


def test_a_rejected_call_is_sent_again_with_all_its_legs(gateway: Carrier) -> None:
    """The customer's trunk was unknown: the reject has the legs of all files, and becomes the call once the cause is mended."""
    other = INCOMING.replace(",in,", ",new,")
    load_cube(gateway, "1.csv", FAILED, CARRIED)
    second = load_cube(gateway, "2.csv", other)
    assert counts(second) == (2, 1, 1, 0, 0, 2)
    with gateway.scope():
        (reject,) = list_rejects(limit=10).records
        assert reject["raw"].count("\\x0a") == 2
        facts = decode_again(second, reject)
    assert facts is not None
    assert (facts["attempt"], facts["quantity"], facts["trunk_in"], facts["trunk_out"]) == (2, 90, "new", "out")
    with gateway.scope():
        add_identity(account=gateway.accounts["cust"], kind="trunk", side="sell", value="new", at=gateway.now)
    made = resend(gateway.tenant_id, batch_public_id=None, actor="test", now=gateway.clock)
    for again in made:
        process(tenant_id=gateway.tenant_id, batch_id=again, now=gateway.clock)
    assert [row[:3] for row in attempts(gateway)] == [(1, False, 0), (2, True, 90)]
    assert rejected(gateway) == []
    assert_proved(gateway)


# The command


def test_the_command_shows_what_waits_and_lets_it_go(carrier: Carrier) -> None:
    load(carrier, "1.csv", invite("c1"), invite("c2"), bye("c3"))
    rows = [row[:3] for row in cells(run("legs"), "Switch")]
    assert rows == [["kamailio_acc", "begin", "2"], ["kamailio_acc", "end", "1"]]
    (first, *_) = json.loads(run("legs", "--list", "--json"))["legs"]
    assert (first["call"], first["kind"], first["file"]) == ("c1|a|b", "begin", "1.csv")
    assert json.loads(run("legs", "--expire", "--json"))["expired_batches"] == 0
    (row,) = cells(run("batches"), "Batch")
    assert row[2:8] == ["posted", "3", "0", "0", "0", "3"]
    with carrier.scope():
        change_switch(
            switch_id=access_switch("kamailio_acc").pk, at=carrier.now, options={"legs_wait_hours": 1, "legs_skew_s": 5}
        )
        WaitingLeg.objects.update(waits_since=NOW - timedelta(hours=2))
    assert json.loads(run("legs", "--expire", "--json")) == {"expired_batches": 1, "switches": []}
    assert "No legs wait." in run("legs")


def test_a_leg_that_cannot_be_read_any_more_becomes_a_reject_once(carrier: Carrier) -> None:
    """The switch's clock was put right while the leg waited: its time does not exist on the new one."""
    carrier.now = datetime(2026, 3, 30, tzinfo=UTC)
    load(carrier, "1.csv", invite("c1", "02:30:00", day="2026-03-29"))
    with carrier.scope():
        change_switch(switch_id=access_switch("kamailio_acc").pk, at=carrier.now, timezone="Europe/Berlin")
    carrier.now = datetime(2026, 4, 2, tzinfo=UTC)
    (batch,) = wait_out(carrier)
    assert counts(batch) == (1, 0, 1, 0, 0, 1)
    assert wait_out(carrier) == []
    assert [reason for reason, _ in rejected(carrier)] == ["bad_time"]
    assert_proved(carrier)


def test_what_a_crash_cut_off_is_let_go_by_the_next_command(carrier: Carrier) -> None:
    load(carrier, "1.csv", invite("c1"))
    carrier.now += timedelta(hours=25)
    (registered,) = expire(carrier.tenant_id, now=carrier.clock, is_background=True)
    assert expire(carrier.tenant_id, now=carrier.clock, is_background=True) == [registered]
    (batch,) = wait_out(carrier)
    assert (batch.pk, *counts(batch)) == (registered, 1, 0, 1, 0, 0, 1)
    assert_proved(carrier)


def test_a_file_of_which_every_row_is_passed_over_holds_no_records(carrier: Carrier) -> None:
    batch = load(carrier, "1.csv", invite("c1").replace("INVITE", "CANCEL"))
    assert (batch.state, batch.failure) == ("failed", "no_rows")
    assert_proved(carrier)
