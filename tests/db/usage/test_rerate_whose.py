"""Records told anew whose they are: the outcome is that of taking the files when the identities are right."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.db.usage.carrier import COLUMNS, EVER, NOW, START, Carrier, line
from tests.db.usage.test_rerate import apply, assert_proved, load, look, outcome, rows, set_price
from tests.db.usage.test_rerate_command import rerate, run
from tests.db.usage.test_traffic_rules import make
from trunkline.cli import invoice, ledger, usage
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.invoicing import queries as invoicing_queries
from trunkline.kit.home import home
from trunkline.parties.actions import add_identity
from trunkline.usage import rerate as rerating
from trunkline.usage.asked import Asked
from trunkline.usage.explain import explain_record
from trunkline.usage.locate import Sought, access_record
from trunkline.usage.models import Batch, Rollup, Segment, Switch
from trunkline.usage.process import process
from trunkline.usage.resend import resend
from trunkline.usage.search import search_records
from trunkline.usage.segments import live_segments

WHOSE = Asked(is_told_anew=True)


@pytest.fixture
def carrier(committed_db: None, tmp_path: Path) -> Carrier:
    return with_birch(tmp_path / "in", "Alpha Carrier")


@pytest.fixture
def fresh(committed_db: None, tmp_path: Path) -> Carrier:
    return with_birch(tmp_path / "fresh", "Beta Carrier")


def with_birch(folder: Path, name: str) -> Carrier:
    made = Carrier.make(folder, name)
    made.add_customer("birch", "0:0.12/60/60")
    return made


def records(carrier: Carrier) -> dict[str, dict[str, Any]]:
    with carrier.scope():
        return {each["key"]: each for each in rows([segment.path for segment in live_segments()])}


def test_the_outcome_is_that_of_identities_that_were_right_at_once(carrier: Carrier, fresh: Carrier) -> None:
    load(carrier)
    for each in (carrier, fresh):
        each.give_trunk("in", "birch", since=START + timedelta(hours=12))
    load(fresh)
    (batch,) = apply(carrier, WHOSE)
    assert (batch.state, batch.intake, batch.rejected) == ("posted", "rerate", 0)
    assert 0 < batch.changed < 55
    assert outcome(carrier) == outcome(fresh)
    assert apply(carrier, WHOSE) == []
    assert_proved(carrier)


def test_back_to_the_old_account_is_back_to_the_old_sums(carrier: Carrier) -> None:
    load(carrier)
    before = outcome(carrier)
    for code in ("birch", "cust"):
        carrier.give_trunk("in", code)
        assert len(apply(carrier, WHOSE)) == 1
    assert outcome(carrier) == before
    assert_proved(carrier)


def test_prices_of_now_come_with_the_account_of_now(carrier: Carrier, fresh: Carrier) -> None:
    load(carrier)
    for each in (carrier, fresh):
        each.give_trunk("in", "birch")
        set_price(each, "birch", "0:0.20/60/6")
        set_price(each, "buy", "0:0.05/60/1")
    load(fresh)
    apply(carrier, WHOSE)
    assert outcome(carrier) == outcome(fresh)


def test_without_being_asked_for_accounts_stay(carrier: Carrier) -> None:
    load(carrier)
    carrier.give_trunk("in", "birch")
    assert look(carrier).changed == 0
    assert apply(carrier) == []


def test_numbers_go_through_number_rules_tech_prefix_and_traffic_rules_once_more(
    carrier: Carrier, fresh: Carrier
) -> None:
    """Beginning with the number as it came: whoever cut a prefix off before does not see it cut off again."""
    calls = [line("plain"), line("prefixed", called="77254700000001"), line("national", called="0700000002")]
    for each in (carrier, fresh):
        make(
            each,
            "national",
            "before_identification",
            conditions={"called_begins": "0"},
            actions="strip called 1; add called 254",
        )
        make(each, "ported", account="birch", side="sell", actions=r"route-by 2547(\d+) 25471\1")
        set_price(each, "birch", "0:0.40/60/60", code="25471")
        with each.scope():
            prefixed = {"kind": "trunk", "side": "sell", "value": "in", "tech_prefix": "77"}
            add_identity(account=each.accounts["cust"], at=NOW, **prefixed)
    carrier.load(carrier.write("a.csv", *calls))
    assert {each["called"] for each in records(carrier).values()} == {"254700000001", "254700000002"}
    for each in (carrier, fresh):
        each.give_trunk("in", "birch")
        with each.scope():
            add_identity(account=each.accounts["birch"], valid_from=EVER, at=NOW, **prefixed)
    apply(carrier, WHOSE)
    fresh.load(fresh.write("a.csv", *calls))
    assert outcome(carrier) == outcome(fresh)
    assert {each["sell_number"] for each in records(carrier).values()} == {"2547100000001", "2547100000002"}
    assert_proved(carrier)


def test_a_number_that_becomes_another_is_found_by_it(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1")))
    with carrier.scope():
        Switch.objects.update(number_rules=[{"begins": "2547", "put": "2541"}])
    assert look(carrier, WHOSE).changed == 0  # it belongs to the same and costs the same
    carrier.give_trunk("in", "birch")
    apply(carrier, WHOSE)
    with carrier.scope():
        assert [each["key"] for each in search_records(number="254100000001").records] == ["k1"]
        assert search_records(number="254700000001").records == []
        assert access_record(Sought(key="k1")).record["called_raw"] == "254700000001"
    again = carrier.load(carrier.write("b.csv", line("k1"), line("k2")))
    assert (again.duplicates, again.rated) == (1, 1)
    assert_proved(carrier)


def test_what_does_not_change_stays_to_the_byte(carrier: Carrier) -> None:
    load(carrier)
    before = records(carrier)
    carrier.give_trunk("in", "birch", since=START + timedelta(hours=12))
    (batch,) = apply(carrier, WHOSE)
    after = records(carrier)
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {key for key, each in before.items() if each["start"] >= START + timedelta(hours=12)}
    assert batch.changed == len(changed)
    assert all(after[key]["batch_id"] == before[key]["batch_id"] for key in after)
    with carrier.scope():
        assert {each.side for each in Rollup.objects.filter(batch=batch)} == {"sell"}
        states = Counter(Segment.objects.filter(kind="rated").values_list("state", flat=True))
    assert states == {"live": 4, "superseded": 4}


def test_a_record_of_nobody_any_more_becomes_a_reject_and_comes_back(carrier: Carrier) -> None:
    load(carrier)
    before = outcome(carrier)
    carrier.give_trunk("in", "")
    found = look(carrier, WHOSE)
    (batch,) = apply(carrier, WHOSE)
    # Of 55 records six are unanswered, which cost nothing and stay, without a customer.
    assert (found.changed, found.lost) == (55, {"unknown_sell": 49})
    assert (batch.rows_in, batch.rated, batch.rejected, batch.reject_reasons) == (55, 6, 49, {"unknown_sell": 49})
    assert {(each["quantity"], each["sell_account_id"], each["sell_state"]) for each in records(carrier).values()} == {
        (0, None, 0)
    }
    with carrier.scope():
        said = [
            each["detail"]
            for segment in Segment.objects.filter(batch=batch, kind="reject")
            for each in pq.read_table(home() / segment.path, columns=["detail"], partitioning=None).to_pylist()
        ]
    assert set(said) == {"trunk_in in"}
    assert_proved(carrier)
    carrier.give_trunk("in", "cust")
    for batch_id in resend(carrier.tenant_id, batch_public_id=None, actor="test", now=carrier.clock):
        process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    apply(carrier, WHOSE)  # the unanswered ones get their customer again
    again = outcome(carrier)
    for each in (*before["records"], *again["records"]):
        del each["line"]
    assert again == before
    assert_proved(carrier)


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("unknown_buy", lambda carrier: carrier.give_trunk("out", "", side="buy")),
        ("ambiguous_identity", lambda carrier: also(carrier, "birch")),
        ("denied_by_rule", lambda carrier: make(carrier, "no", conditions={"called_begins": "2547"}, then="deny")),
        ("no_rate_sell", lambda carrier: (carrier.give_trunk("in", "birch"), set_price(carrier, "birch", ""))),
    ],
)
def test_the_preview_says_why_a_record_would_not_be_taken(carrier: Carrier, reason: str, cause: Any) -> None:
    calls = (f"{each},code" for each in (line("k1"), line("k2", 0)))
    carrier.load(carrier.write("a.csv", *calls, header=f"{COLUMNS},account_code"))
    cause(carrier)
    found = look(carrier, WHOSE)
    assert found.lost == {reason: 1}
    (batch,) = apply(carrier, WHOSE)
    assert batch.reject_reasons == {reason: 1}
    assert list(records(carrier)) == ["k2"]
    assert_proved(carrier)


def also(carrier: Carrier, code: str) -> None:
    """Tell the calls of the customer by their account code as well, as those of another account."""
    with carrier.scope():
        add_identity(account=carrier.accounts[code], kind="account_code", side="sell", value="code", at=NOW)


def test_only_the_records_that_are_asked_for_are_told_anew(carrier: Carrier) -> None:
    called = ("254700000001", "254710000001")
    calls = [line(f"{trunk}{n}", called=called[n], trunk_in=trunk) for trunk in ("in", "other") for n in (0, 1)]
    carrier.give_trunk("other", "birch")
    carrier.load(carrier.write("a.csv", *calls, line("none", 0, trunk_in="who")))
    carrier.add_customer("cedar", "0:0.09/60/60")
    for trunk in ("in", "other", "who"):
        carrier.give_trunk(trunk, "cedar")
    ids = {code: account.pk for code, account in carrier.accounts.items()}
    for asked, looked in (
        ({}, 5),
        ({"code": "25471"}, 2),
        ({"start_from": START + timedelta(seconds=1)}, 0),
        ({"account_id": ids["vend"]}, 5),
        ({"account_id": ids["birch"]}, 2),
    ):
        assert look(carrier, Asked(is_told_anew=True, **asked)).looked == looked
    apply(carrier, Asked(is_told_anew=True, account_id=ids["birch"]))
    codes = {account_id: code for code, account_id in ids.items()}
    told = {key: codes.get(each["sell_account_id"]) for key, each in records(carrier).items()}
    assert told == {"in0": "cust", "in1": "cust", "other0": "cedar", "other1": "cedar", "none": None}
    with pytest.raises(Invalid, match="both sides"):
        Asked(is_told_anew=True, side="sell")


def test_a_crew_comes_to_the_same(carrier: Carrier, fresh: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (carrier, fresh):
        load(each)
        each.give_trunk("in", "birch", since=START + timedelta(hours=12))
    found = look(carrier, WHOSE)
    apply(carrier, WHOSE)
    monkeypatch.setattr(rerating, "CREW_ROWS", 0)
    assert look(fresh, WHOSE).changed == found.changed
    apply(fresh, WHOSE)
    assert outcome(fresh) == outcome(carrier)


def test_an_explanation_knows_what_each_side_is_charged_by(carrier: Carrier) -> None:
    """Told anew under the same prices, then the other side priced again: each side is booked with the batch that charged it last."""
    file = carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 90, trunk_in="other", start=START)))
    assert file.reject_reasons == {"unknown_sell": 1}
    carrier.give_trunk("in", "birch")
    (whose,) = apply(carrier, WHOSE)
    assert whose.snapshot_version == file.snapshot_version
    with carrier.scope(snapshot=True):
        explained = explain_record(access_record(Sought(key="k1")))
    assert (explained.rerating, explained.agrees) == (whose, True)
    assert booked(explained) == {"sell": whose, "buy": file}
    set_price(carrier, "buy", "0:0.05/60/1")
    (again,) = apply(carrier, Asked(side="buy"))
    set_price(carrier, "birch", "0:0.50/60/1", code="25499")  # another segment is written anew around the record
    with carrier.scope(snapshot=True):
        explained = explain_record(access_record(Sought(key="k1")))
    assert (explained.rerating, explained.agrees) == (again, True)
    assert booked(explained) == {"sell": whose, "buy": again}


def booked(explained: Any) -> dict[str, Batch]:
    return {each.side.value: each.booked.rollup.batch for each in explained.sides}


def test_a_look_says_what_each_account_and_each_invoice_gives_up_or_gets(carrier: Carrier) -> None:
    carrier.give_trunk("other", "birch")
    carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 60), line("k3", 60, trunk_in="other")))
    at = datetime(2026, 4, 2, tzinfo=UTC)
    for code in ("cust", "birch"):
        run(invoice.app, "issue", "--account", code, "--period", "2026-03", at=at)
    carrier.give_trunk("in", "birch")
    said = rerate("--identify")
    assert (said["looked"], said["changed"], said["lost"]) == (3, 2, {})
    sell = {"side": "sell", "records": 2}
    assert said["accounts"] == [
        sell | {"account": "birch", "currency": "USD", "before": "0", "after": "0.36", "difference": "0.36"},
        sell | {"account": "cust", "currency": "EUR", "before": "0.2", "after": "0", "difference": "-0.2"},
    ]
    assert [(each["account"], each["difference"]) for each in said["invoices"]] == [("cust", "-0.2")]
    printed = run(usage.app, "rerate", "--identify").stdout
    assert "3 records looked at (--identify), 2 change; 1 of 1 segments" in printed

    (batch,) = rerate("--identify", "--apply")["batches"]
    assert (batch["state"], batch["changed"], batch["rejected"]) == ("posted", 2, 0)
    with carrier.scope():
        open_now = {each.account.code: each.amount for each in invoicing_queries.unbilled()}
    assert open_now == {"cust": Amount.from_text("-0.2"), "birch": Amount.from_text("0.36")}
    april = at + timedelta(days=30)
    lines = {}
    for code in ("cust", "birch"):
        preview = ("preview", "--account", code, "--period", "2026-04", "--json")
        lines[code] = json.loads(run(invoice.app, *preview, at=april).stdout)
        run(invoice.app, "issue", "--account", code, "--period", "2026-04", at=april)
    kinds = {code: [each["kind"] for each in document["lines"]] for code, document in lines.items()}
    assert kinds == {"cust": ["adjustment"], "birch": ["late"]}
    with carrier.scope():
        assert invoicing_queries.unbilled() == []
    run(invoice.app, "check")
    run(ledger.app, "check")
    assert rerate("--identify")["changed"] == 0
    assert_proved(carrier)


def test_rejects_are_named_by_a_look(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1"), line("k2", 0)))
    carrier.give_trunk("in", "")
    printed = run(usage.app, "rerate", "--identify").stdout
    assert "2 records looked at (--identify), 2 change, 1 of them become rejects; 1 of 1 segments" in printed
    assert "unknown_sell" in printed


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--identify", "--side", "sell"), "side_with_identify"),
        (("--identify", "--reason", "unknown_sell"), "reason_alone"),
    ],
)
def test_what_cannot_be_asked_is_refused(carrier: Carrier, words: tuple[str, ...], code: str) -> None:
    result = CliRunner().invoke(usage.app, ["rerate", *words, "--tenant", "alpha-carrier"])
    assert getattr(result.exception, "code", None) == code
