"""Legs that came after their call was posted, accepted: the record as it was gives way to the record of all legs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.db.usage.carrier import NOW, Carrier
from tests.db.usage.test_legs import (
    BOTH,
    CALL,
    CARRIED,
    FAILED,
    INCOMING,
    TIMES,
    attempts,
    bye,
    counts,
    cube,
    invite,
    load,
    load_cube,
    records,
    rejected,
    wait_out,
)
from tests.db.usage.test_rerate import assert_proved, outcome
from tests.db.usage.test_rerate_command import run
from tests.unit.usage.test_legs import stop
from trunkline.cli import invoice, usage
from trunkline.core.errors import Conflict
from trunkline.invoicing import queries as invoicing_queries
from trunkline.invoicing.models import InvoiceLine
from trunkline.kit import clock
from trunkline.ledger.actions import close_period
from trunkline.ledger.checks import check_tenant
from trunkline.ledger.models import Entry
from trunkline.parties.actions import add_identity
from trunkline.usage.decode import calls
from trunkline.usage.decode.legs import Role
from trunkline.usage.late import NAMELESS
from trunkline.usage.models import Batch
from trunkline.usage.resend import accept as accept_batch


@pytest.fixture
def proxy(committed_db: None, tmp_path: Path) -> Carrier:
    return Carrier.make(tmp_path / "in", formats=("kamailio_acc",))


@pytest.fixture
def gateway(committed_db: None, tmp_path: Path) -> Carrier:
    return Carrier.make(tmp_path / "in", formats=("cisco_cube",))


def accept(batch: Batch, *options: str, at: datetime = NOW) -> dict[str, Any]:
    """What the command says of its batch."""
    words = ("accept", str(batch.public_id), "--json", *options)
    said: dict[str, Any] = json.loads(run(usage.app, *words, at=at).stdout)
    return said


def require_proved(carrier: Carrier) -> None:
    assert_proved(carrier)
    findings = check_tenant(carrier.tenant_id, "test", at=carrier.now)
    assert [finding for finding in findings if not finding.holds] == []


def without_line(found: dict[str, Any]) -> dict[str, Any]:
    for record in found["records"]:
        del record["line"]
    return found


# A call of begin and end


def late_invite(carrier: Carrier) -> Batch:
    """A re-INVITE and the BYE made a call of 30 seconds; the INVITE comes when it is posted."""
    load(carrier, "1.csv", invite("c1", "10:01:00"), bye("c1"))
    batch = load(carrier, "2.csv", invite("c1"))
    assert (rejected(carrier), records(carrier)) == (
        [("late_leg", "the record c1|a|b was posted without this leg.")],
        [("c1|a|b", 30, "0.04")],
    )
    return batch


def test_a_late_begin_makes_the_call_longer(proxy: Carrier, tmp_path: Path) -> None:
    said = accept(late_invite(proxy))
    assert (said["batch"]["state"], said["batch"]["changed"], said["batch"]["rejected"]) == ("posted", 1, 0)
    assert said["accounts"] == [
        {"side": "sell", "account": "cust", "currency": "EUR", "records": 1, "before": "0.04", "after": "0.12", "difference": "0.08"},
        {"side": "buy", "account": "vend", "currency": "USD", "records": 1, "before": "0.08", "after": "0.16", "difference": "0.08"},
    ]  # fmt: skip
    assert (rejected(proxy), records(proxy)) == ([], [("c1|a|b", 90, "0.12")])
    require_proved(proxy)
    fresh = Carrier.make(tmp_path / "fresh", "Beta Carrier", formats=("kamailio_acc",))
    load(fresh, "1.csv", invite("c1"), invite("c1", "10:01:00"), bye("c1"))
    assert without_line(outcome(proxy)) == without_line(outcome(fresh))


def test_accepted_twice_nothing_changes(proxy: Carrier) -> None:
    batch = late_invite(proxy)
    accept(batch)
    after = outcome(proxy)
    with pytest.raises(Conflict, match=r"No conflicting duplicates or late legs of 2\.csv wait"):
        accept_batch(proxy.tenant_id, batch_public_id=str(batch.public_id), actor="test", now=clock.now)
    # The leg is known now, in any company.
    assert counts(load(proxy, "3.csv", invite("c1"), "")) == (1, 0, 0, 1, 0, 0)
    assert outcome(proxy) == after
    require_proved(proxy)


def test_a_leg_that_came_late_in_two_files_is_accepted_once(proxy: Carrier) -> None:
    first = late_invite(proxy)
    second = load(proxy, "3.csv", invite("c1"), invite("c2", "11:00:00"))
    assert counts(second) == (2, 0, 1, 0, 1, 0)
    accept(first)
    after = outcome(proxy)
    said = accept(second)
    assert (said["batch"]["changed"], said["batch"]["duplicates"], said["batch"]["rejected"]) == (0, 1, 0)
    assert outcome(proxy)["records"] == after["records"]
    assert rejected(proxy) == []
    require_proved(proxy)


def test_only_the_named_record_is_corrected(proxy: Carrier) -> None:
    load(proxy, "1.csv", invite("c1", "10:01:00"), bye("c1"), invite("c2", "10:01:00"), bye("c2"))
    batch = load(proxy, "2.csv", invite("c1"), invite("c2"))
    said = accept(batch, "--key", "c2|a|b")
    assert (said["batch"]["changed"], said["batch"]["rejected"]) == (1, 1)
    assert records(proxy) == [("c1|a|b", 30, "0.04"), ("c2|a|b", 90, "0.12")]
    require_proved(proxy)
    with proxy.scope():
        (left,) = Batch.objects.filter(resends=batch)
    (key,) = [row["key"] for row in json.loads(run(usage.app, "rejects", "--list", "--json").stdout)["records"]]
    accept(left, "--key", key)
    assert [quantity for _, quantity, _ in records(proxy)] == [90, 90]
    require_proved(proxy)


def test_a_leg_of_another_call_stays_a_reject_and_says_so(proxy: Carrier) -> None:
    """The switch has used the call's id again, half a day later."""
    load(proxy, "1.csv", invite("c1"), bye("c1"))
    batch = load(proxy, "2.csv", bye("c1", "22:00:00"))
    said = accept(batch)
    assert (said["batch"]["changed"], said["batch"]["rejected"]) == (0, 1)
    assert rejected(proxy) == [
        (
            "late_leg",
            "the record c1|a|b was posted without this leg; it lies too far from the record to be of its call.",
        )
    ]
    assert records(proxy) == [("c1|a|b", 90, "0.12")]
    require_proved(proxy)


def test_a_call_that_would_be_rejected_stays_as_it_was(proxy: Carrier) -> None:
    """The INVITE that came late names a trunk that nobody has: when somebody has it, the leg can be accepted."""
    load(proxy, "1.csv", invite("c1", "10:01:00"), bye("c1"))
    before = outcome(proxy)
    batch = load(proxy, "2.csv", invite("c1").replace(",in,", ",new,"))
    said = accept(batch)
    assert (said["batch"]["changed"], said["batch"]["rejected"], said["accounts"]) == (0, 1, [])
    assert rejected(proxy) == [
        ("late_leg", "the record c1|a|b was posted without this leg; with it, it would be unknown_sell.")
    ]
    assert outcome(proxy)["records"] == before["records"]
    require_proved(proxy)
    with proxy.scope():
        add_identity(account=proxy.accounts["cust"], kind="trunk", side="sell", value="new", at=proxy.now)
        (left,) = Batch.objects.filter(resends=batch)
    assert accept(left)["batch"]["changed"] == 1
    assert records(proxy) == [("c1|a|b", 90, "0.12")]
    require_proved(proxy)


def test_a_record_that_moves_to_the_day_before(proxy: Carrier) -> None:
    load(proxy, "1.csv", invite("c1", "00:00:10"), bye("c1", "00:00:40"))
    batch = load(proxy, "2.csv", invite("c1", "23:59:40", day="2026-03-01"))
    accept(batch)
    (record,) = outcome(proxy)["records"]
    assert (record["start"], record["quantity"]) == (datetime(2026, 3, 1, 23, 59, 40, tzinfo=UTC), 60)
    require_proved(proxy)


def test_what_counted_before_can_be_asked_for(proxy: Carrier) -> None:
    batch = late_invite(proxy)
    before = proxy.now
    run(usage.app, "accept", str(batch.public_id), at=NOW + timedelta(hours=1))
    asked = ("search", "--from", "2026-03-01", "--json", "--as-of")
    then, since = (
        json.loads(run(usage.app, *asked, f"{at:%Y-%m-%dT%H:%M:%SZ}").stdout)["records"]
        for at in (before, NOW + timedelta(hours=1))
    )
    assert [record["quantity"] for record in (*then, *since)] == [30, 90]


# Attempts


ALONE_IN = cube(CALL, "1", "answer", "10:00:00.000", "10:00:03.000", "10:00:03.000", into="in")
ALONE_OUT = cube(CALL, "3", "originate", "10:00:01.100", "10:00:03.000", "10:00:03.000", out="out")
PARTS = [
    (("1",), ("2", "3")),
    (("2",), ("1", "3")),
    (("3",), ("1", "2")),
    (("1", "2"), ("3",)),
    (("2", "3"), ("1",)),
    (("1", "3"), ("2",)),
]


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("first", "late"), PARTS)
def test_in_whatever_parts_a_call_comes_it_ends_as_the_call_of_all_legs(
    gateway: Carrier, tmp_path: Path, first: tuple[str, ...], late: tuple[str, ...], apart: bool, answered: bool
) -> None:
    """The leg that came in, an attempt that failed and the last attempt: some are posted before the others come, each in a file of its own or not."""
    fresh = Carrier.make(tmp_path / "fresh", "Beta Carrier", formats=("cisco_cube",))
    for carrier in (gateway, fresh):  # so that a leg that went out is somebody's also by itself
        with carrier.scope():
            add_identity(account=carrier.accounts["cust"], kind="calling", side="sell", value="4930123", at=NOW)
    three = (INCOMING, FAILED, CARRIED) if answered else (ALONE_IN, FAILED, ALONE_OUT)
    legs = dict(zip("123", three, strict=True))
    load_cube(gateway, "first.csv", *(legs[name] for name in first))
    wait_out(gateway)
    for at, names in enumerate([(name,) for name in late] if apart else [late]):
        batch = load_cube(gateway, f"late-{at}.csv", *(legs[name] for name in names))
        if batch.rejected:
            said = accept(batch, at=gateway.now)
            assert (said["batch"]["state"], said["batch"]["rejected"]) == ("posted", 0)
    # An answered leg that came in names no vendor: alone it was rejected, and finds the others, which wait for it.
    run(usage.app, "resend", at=gateway.now)
    assert rejected(gateway) == []
    require_proved(gateway)
    load_cube(fresh, "all.csv", *three)
    assert without_line(outcome(gateway)) == without_line(outcome(fresh))
    # All legs are known now.
    again = load_cube(gateway, "again.csv", *three, "")
    assert (again.rated, again.rejected, again.waiting) == (0, 0, 0)


def test_a_leg_that_adds_nothing_is_said_to_and_waits_no_more(gateway: Carrier) -> None:
    """The leg that went out alone had said all that the leg that came in says."""
    load_cube(gateway, "1.csv", cube(CALL, "3", "originate", *TIMES, out="out", into="in"))
    wait_out(gateway)
    before = outcome(gateway)
    batch = load_cube(gateway, "2.csv", INCOMING)
    printed = run(usage.app, "accept", str(batch.public_id), at=gateway.now).stdout
    assert "0 records replaced; 1 add nothing; posted, 0 still rejected" in printed
    assert rejected(gateway) == []
    assert without_line(outcome(gateway))["records"] == without_line(before)["records"]
    require_proved(gateway)


def test_an_attempt_that_is_said_again_in_other_words_stays_a_reject(gateway: Carrier) -> None:
    load_cube(gateway, "1.csv", FAILED, CARRIED, INCOMING)
    batch = load_cube(
        gateway, "2.csv", cube(CALL, "2", "originate", "10:00:00.100", "10:00:00.900", "10:00:01.000", out="out")
    )
    assert accept(batch)["batch"]["rejected"] == 1
    assert rejected(gateway) == [
        (
            "late_leg",
            f"the record cube1|{CALL} was posted without this leg; another record has the key that an attempt would have.",
        )
    ]
    assert attempts(gateway) == BOTH
    require_proved(gateway)


def test_the_name_of_an_attempt_that_was_not_kept_is_said_to_be_missing(
    gateway: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record of an earlier version: that its attempt was not the last gives it another key, which nobody knows."""
    with monkeypatch.context() as patched:
        patched.setattr(calls, "Role", SimpleNamespace(**{**{role.name: role for role in Role}, "OUT": -1}))
        patched.setattr(calls, "_take_from_incoming", lambda *given: None)
        load_cube(gateway, "1.csv", FAILED)
        wait_out(gateway)
    assert [(row["attempt"], row["legs"][:6]) for row in outcome(gateway)["records"]] == [(1, "alone ")]
    batch = load_cube(gateway, "2.csv", CARRIED, INCOMING)
    assert accept(batch, at=gateway.now)["batch"]["rejected"] == 2
    said = f"the record cube1|{CALL} was posted without this leg; {NAMELESS}."
    assert rejected(gateway) == [("late_leg", said)] * 2
    require_proved(gateway)


def test_conflicting_duplicates_of_the_same_batch_are_accepted_too(gateway: Carrier) -> None:
    """Of one call the last attempt comes late; the legs of the other say once more all that they said, and that it was longer."""
    other = "02102944 600a1899 3fd61009 0e2f3cc6"
    whole = [cube(other, "7", "answer", "11:00:00.000", "11:00:05.000", "11:01:35.000", into="in")]
    whole.append(cube(other, "8", "originate", "11:00:01.000", "11:00:05.000", "11:01:35.000", out="out"))
    load_cube(
        gateway,
        "1.csv",
        *whole,
        ALONE_IN,
        cube(CALL, "2", "originate", "10:00:01.000", "10:00:03.000", "10:00:03.000", out="out"),
    )
    batch = load_cube(gateway, "2.csv", *(leg.replace("11:01:35", "11:02:35") for leg in whole), ALONE_OUT)
    assert batch.reject_reasons == {"conflicting_duplicate": 1, "late_leg": 1}
    said = accept(batch)
    assert (said["batch"]["changed"], said["batch"]["rejected"]) == (2, 0)
    # Quantity, attempt and whether it is the last, of each record.
    assert [(row["quantity"], row["attempt"], row["is_last"]) for row in outcome(gateway)["records"]] == [
        (0, 2, True),
        (0, 1, False),
        (150, 1, True),
    ]
    require_proved(gateway)


def test_packets_of_a_call_that_come_late(committed_db: None, tmp_path: Path) -> None:
    """An attempt that failed was posted with the leg that came in, alone; two further attempts come a day late, one behind the other."""
    carrier = Carrier.make(tmp_path / "in", formats=("radius_detail",))
    with carrier.scope():
        add_identity(account=carrier.accounts["cust"], kind="calling", side="sell", value="254711000111", at=NOW)
        add_identity(account=carrier.accounts["vend"], kind="trunk", side="buy", value="192.0.2.9", at=NOW)
        add_identity(account=carrier.accounts["vend"], kind="trunk", side="buy", value="192.0.2.8", at=NOW)

    def load_packets(name: str, *packets: bytes) -> Batch:
        path = carrier.folder / name
        said = b"".join(packets).replace(b"442079460123", b"254700000001")
        path.write_bytes(said.replace(b"Fri Jan  2", b"Mon Mar  2").replace(b"Fri Jan 02", b"Mon Mar 02"))
        return carrier.load(path, "radius_detail")

    came_in = stop(1, 1, "answer", 0, 95, is_connected=True)
    tries = [stop(1, 7, "originate", 0, 1, is_connected=False), stop(1, 8, "originate", 1, 2, is_connected=False)]
    load_packets("1.detail", came_in, tries[0])
    wait_out(carrier)
    assert [(row["quantity"], row["legs"][:6]) for row in outcome(carrier)["records"]] == [(0, "alone ")]
    batch = load_packets("2.detail", tries[1], stop(1, 9, "originate", 2, 92, is_connected=True))
    assert batch.reject_reasons == {"late_leg": 2}
    said = accept(batch, at=carrier.now)
    assert (said["batch"]["changed"], said["batch"]["rejected"]) == (1, 0)
    found = sorted(
        (row["attempt"], row["quantity"], row["is_last"], row["sell_state"]) for row in outcome(carrier)["records"]
    )
    assert found == [(1, 0, False, 0), (2, 0, False, 0), (3, 90, True, 1)]
    require_proved(carrier)


# Books and documents


def test_what_is_invoiced_stays_so_and_the_difference_is_the_next_ones_adjustment(proxy: Carrier) -> None:
    batch = late_invite(proxy)
    load(proxy, "3.csv", invite("c2"), bye("c2"))
    at = datetime(2026, 4, 2, tzinfo=UTC)
    issue = ("issue", "--account", "cust", "--json", "--period")
    number = json.loads(run(invoice.app, *issue, "2026-03", at=at).stdout)["invoices"][0]["number"]
    accept(batch, at=at)
    with proxy.scope():
        (unbilled,) = invoicing_queries.unbilled()
    assert (unbilled.account.code, str(unbilled.amount)) == ("cust", "0.08")
    run(invoice.app, *issue, "2026-04", at=at + timedelta(days=30))
    with proxy.scope():
        (line,) = InvoiceLine.objects.filter(kind="adjustment")
        assert (line.corrects.number, str(line.before_exact), str(line.exact)) == (number, "0.16", "0.08")
        assert invoicing_queries.unbilled() == []
    run(invoice.app, "check")
    require_proved(proxy)


def test_a_closed_day_is_corrected_on_the_first_open_one(proxy: Carrier) -> None:
    batch = late_invite(proxy)
    with proxy.scope():
        close_period(through=date(2026, 3, 2), at=NOW)
    accept(batch)
    with proxy.scope():
        booked = {entry.booked_on for entry in Entry.objects.filter(reference__startswith="batch").order_by("pk")[2:]}
    assert booked == {date(2026, 3, 3)}
    require_proved(proxy)


def test_a_correction_that_costs_nothing_leaves_no_trace_on_documents(gateway: Carrier) -> None:
    """The leg that came in says by which trunk: the record has it from now on, and costs what it cost."""
    with gateway.scope():
        add_identity(account=gateway.accounts["cust"], kind="calling", side="sell", value="4930123", at=NOW)
    load_cube(gateway, "1.csv", CARRIED)
    wait_out(gateway)
    at = datetime(2026, 4, 2, tzinfo=UTC)
    issue = ("issue", "--account", "cust", "--json", "--period")
    run(invoice.app, *issue, "2026-03", at=at)
    batch = load_cube(gateway, "2.csv", INCOMING)
    assert accept(batch, at=at)["batch"]["changed"] == 1
    assert [row["trunk_in"] for row in outcome(gateway)["records"]] == ["in"]
    require_proved(gateway)
    gateway.now = at
    load_cube(
        gateway, "3.csv", *(leg.replace(CALL, "x").replace("Mon Mar 02", "Wed Apr 01") for leg in (CARRIED, INCOMING))
    )
    run(invoice.app, *issue, "2026-04", at=at + timedelta(days=30))
    with gateway.scope():
        assert list(InvoiceLine.objects.filter(kind="adjustment")) == []
    run(invoice.app, "check")
    require_proved(gateway)


def test_an_attempt_that_is_neither_the_last_nor_the_first_is_known_from_then_on(gateway: Carrier) -> None:
    """It changes nothing of the attempt that was charged but its number of legs, by which it is known when it comes again."""
    load_cube(gateway, "1.csv", CARRIED, INCOMING)
    tried = cube(CALL, "4", "originate", "10:01:00.000", "10:01:02.000", "10:01:02.000", out="out")
    accept(load_cube(gateway, "2.csv", tried))
    assert [row["attempt"] for row in outcome(gateway)["records"]] == [1, 2]
    assert counts(load_cube(gateway, "3.csv", tried, "")) == (1, 0, 0, 1, 0, 0)
    require_proved(gateway)
