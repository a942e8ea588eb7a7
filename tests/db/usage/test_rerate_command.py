"""`usage rerate` as one would type it, and what changes of prices propose."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.db.usage.carrier import NOW, START, Carrier, line
from tests.db.usage.test_rerate import assert_proved, load, outcome, set_price
from trunkline.cli import invoice, ledger, tariff, usage
from trunkline.core.money import Amount
from trunkline.invoicing import queries as invoicing_queries
from trunkline.kit import clock
from trunkline.pricing.actions import apply_edit, keep_edit
from trunkline.pricing.edit_queries import edits, proposals_of
from trunkline.pricing.rate_edits import Chosen, PriceEdit, PriceHow, RateEdit
from trunkline.tariffs.models import Rate, Tariff
from trunkline.usage import rerate as rerating
from trunkline.usage.models import Batch, Proposal

TENANT = "alpha-carrier"


def run(app: Any, *words: str, at: datetime = NOW) -> Any:
    with clock.at(at):
        result = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*words, "--tenant", TENANT])
    assert result.exception is None, result.output
    return result


def rerate(*words: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run(usage.app, "rerate", *words, "--json").stdout)
    return said


def test_a_look_says_records_segments_and_money_and_applying_makes_it_so(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 0)))
    set_price(carrier, "sell", "0:0.20/60/1")
    said = rerate("--tariff", "sell", "--from", "2026-03-02")
    assert {name: said[name] for name in ("stored", "looked", "changed", "lost", "segments", "touched")} == {
        "stored": 2,
        "looked": 2,
        "changed": 2,
        "lost": {},
        "segments": 1,
        "touched": 1,
    }
    money = {"side": "sell", "account": "cust", "currency": "EUR", "records": 2}
    assert said["accounts"] == [money | {"before": "0.12", "after": "0.24", "difference": "0.12"}]
    assert said["invoices"] == []
    printed = run(usage.app, "rerate", "--tariff", "sell")
    assert "2 records looked at (--tariff sell), 2 change; 1 of 1 segments" in printed.stdout
    assert "Nothing was written" in printed.stderr
    (batch,) = rerate("--tariff", "sell", "--apply")["batches"]
    assert (batch["state"], batch["changed"], batch["rejected"], batch["switch"]) == ("posted", 2, 0, "common")
    assert rerate("--tariff", "sell", "--apply")["batches"] == []
    assert run(usage.app, "rerate", "--tariff", "sell", "--apply").stdout == "Nothing changes (--tariff sell).\n"
    assert_proved(carrier)


def test_a_large_one_is_done_by_a_crew_that_was_started_before(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(carrier)
    monkeypatch.setattr(rerating, "CREW_ROWS", 0)
    assert rerate("--apply")["batches"] == []
    set_price(carrier, "sell", "0:0.20/60/1")
    (batch,) = rerate("--apply")["batches"]
    assert (batch["state"], batch["changed"]) == ("posted", 55)
    assert_proved(carrier)


def test_a_worker_does_what_was_left_to_it(carrier: Carrier) -> None:
    load(carrier)
    set_price(carrier, "sell", "0:0.20/60/1")
    (batch,) = rerate("--apply", "--background")["batches"]
    assert batch["state"] == "registered"
    (again,) = rerate("--apply")["batches"]
    assert (again["batch"], again["state"]) == (batch["batch"], "posted")
    assert_proved(carrier)


def test_what_is_invoiced_stays_so_and_the_difference_is_unbilled(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90)))
    at = datetime(2026, 4, 2, tzinfo=UTC)
    number = json.loads(run(invoice.app, "issue", "--account", "cust", "--period", "2026-03", "--json", at=at).stdout)
    set_price(carrier, "sell", "0:0.20/60/1")
    said = rerate()
    assert [(each["account"], each["difference"]) for each in said["invoices"]] == [("cust", "0.12")]
    assert said["invoices"][0]["invoice"] in json.dumps(number)
    rerate("--apply")
    with carrier.scope():
        (unbilled,) = invoicing_queries.unbilled()
    assert (unbilled.account.code, unbilled.amount) == ("cust", Amount.from_text("0.12"))
    assert rerate()["changed"] == 0
    run(invoice.app, "issue", "--account", "cust", "--period", "2026-04", at=at + timedelta(days=30))
    with carrier.scope():
        assert invoicing_queries.unbilled() == []
    run(invoice.app, "check")
    run(ledger.app, "check")
    assert_proved(carrier)


def test_rejects_of_a_reason_are_sent_again(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", called="255000000001"), line("k2", trunk_in="who"), line("k3")))
    set_price(carrier, "sell", "0:0.20/60/1", code="255")
    set_price(carrier, "buy", "0:0.20/60/1", code="255")
    (waiting,) = rerate("--reason", "no_rate_sell")["waiting"]
    assert (waiting["file"], waiting["rejects"], waiting["waiting"]) == ("a.csv", 1, 2)
    with carrier.scope():
        assert Batch.objects.count() == 1
    (batch,) = rerate("--reason", "no_rate_sell", "--apply")["batches"]
    assert (batch["rated"], batch["reasons"]) == (1, {"unknown_sell": 1})
    assert rerate("--reason", "no_rate_sell")["waiting"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--reason", "no_rate_sell", "--side", "sell"), "reason_alone"),
        (("--reason", "no_such"), "unknown_reason"),
        (("--side", "left"), "unknown_side"),
        (("--code", "254x"), "bad_code"),
        (("--from", "2026-03-03", "--to", "2026-03-02"), "bad_period"),
        (("--tariff", "nobody's"), "tariff_not_found"),
        (("--account", "nobody"), "account_not_found"),
        (("--dismiss", "77"), "not_found"),
    ],
)
def test_what_cannot_be_asked_is_refused(carrier: Carrier, words: tuple[str, ...], code: str) -> None:
    result = CliRunner().invoke(usage.app, ["rerate", *words, "--tenant", TENANT])
    assert getattr(result.exception, "code", None) == code


def rates(folder: Path, valid_from: str) -> str:
    path = folder / "rates.csv"
    path.write_text(f"code,destination,price,increments,valid_from\n254,Kenya,0.20,60/60,{valid_from}\n")
    return str(path)


def proposals() -> list[str]:
    return [each["command"] for each in rerate("--proposed")["proposals"]]


def test_a_price_dated_into_posted_traffic_proposes_itself(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 90, start=START + timedelta(days=1))))
    loaded = run(tariff.app, "load-rates", "sell", rates(carrier.folder, "2026-03-03"), "--supersede")
    command = "bin/trunkline usage rerate --tenant alpha-carrier --tariff sell --from 2026-03-03"
    assert command in loaded.stderr
    assert proposals() == [command]
    assert rerate("--tariff", "sell", "--from", "2026-03-03")["changed"] == 1
    # A further change of the same price list is the same proposal, from the earlier day on.
    run(tariff.app, "load-rates", "sell", rates(carrier.folder, "2026-03-02"), "--supersede")
    assert proposals() == [command.replace("03-03", "03-02")]
    # A look closes nothing, nor does what covers it in part.
    rerate("--tariff", "sell", "--from", "2026-03-03", "--apply")
    assert len(proposals()) == 1
    rerate("--tariff", "sell", "--from", "2026-03-02", "--apply")
    assert proposals() == []
    assert {str(each["sell_amount"]) for each in outcome(carrier)["records"]} == {"0.32000000"}


def test_an_edit_of_many_rates_dated_into_posted_traffic_says_what_it_proposes(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90)))
    with carrier.scope():
        sell = Tariff.objects.get(name="sell")
    change = RateEdit(price=PriceEdit(PriceHow.PERCENT, "10"), begins_at=START)
    about: dict[str, Any] = {"tariff_id": sell.pk, "chosen": Chosen(at=NOW), "edit": change, "actor": "test", "at": NOW}
    applied, waiting = (keep_edit(carrier.tenant_id, **about) for _ in range(2))
    assert applied.counts["begin_in_the_past"] == applied.counts["changed"] > 0
    apply_edit(carrier.tenant_id, applied.pk, actor="test", now=lambda: NOW)
    with carrier.scope():
        found = proposals_of(list(edits()))
        assert [each.cause for each in found[applied.pk]] == ["rates of sell edited"]
        assert found[waiting.pk] == []
        Proposal.objects.update(closed_at=NOW)
        assert proposals_of(list(edits()))[applied.pk] == []


def test_a_price_of_a_parent_dated_into_posted_traffic_proposes_itself_for_who_has_a_child(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90), line("k2", 90, start=START + timedelta(days=1))))
    run(tariff.app, "add", "base")
    loaded = run(tariff.app, "load-rates", "base", rates(carrier.folder, "2026-03-03"))
    assert "usage rerate" not in loaded.stderr  # nobody has it
    with carrier.scope():
        rate = Rate.objects.get(tariff__name="sell")
    run(tariff.app, "set", "sell", "--parent", "base")
    start = "bin/trunkline usage rerate --tenant alpha-carrier"
    assert proposals() == [f"{start} --tariff sell"]
    assert rerate("--tariff", "sell", "--apply")["batches"] == []  # at equal code the child's own price stands
    assert proposals() == []
    run(tariff.app, "void-rates", "sell", str(rate.pk))
    said = rerate("--tariff", "base")
    assert (said["looked"], said["changed"], said["lost"]) == (2, 2, {"no_rate_sell": 1})
    assert proposals() == [f"{start} --tariff sell"]
    # From here on a further change of the parent proposes the parent, for whoever has a descendant of it.
    run(tariff.app, "load-rates", "base", rates(carrier.folder, "2026-03-02"), "--supersede")
    assert proposals() == [f"{start} --tariff sell", f"{start} --tariff base --from 2026-03-02"]
    (batch,) = rerate("--tariff", "base", "--from", "2026-03-02", "--apply")["batches"]
    assert (batch["changed"], batch["rejected"]) == (2, 0)
    rerate("--tariff", "sell", "--apply")
    assert proposals() == []
    assert {str(each["sell_amount"]) for each in outcome(carrier)["records"]} == {"0.32000000"}
    assert_proved(carrier)


def test_a_price_of_days_to_come_proposes_nothing(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90)))
    loaded = run(tariff.app, "load-rates", "sell", rates(carrier.folder, "2026-03-05"), "--supersede")
    assert "usage rerate" not in loaded.stderr
    assert proposals() == []


def test_other_changes_of_prices_propose_themselves_too(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90)))
    start = "bin/trunkline usage rerate --tenant alpha-carrier"
    with carrier.scope():
        rate = Rate.objects.get(tariff__name="buy")
    run(tariff.app, "void-rates", "buy", str(rate.pk))
    assert proposals() == [f"{start} --tariff buy"]
    run(tariff.app, "set", "sell", "--timezone", "Europe/Berlin")
    run(tariff.app, "assign", "sell", "cust", "--position", "7", "--from", "2026-03-02T09:30:00Z")
    run(tariff.app, "set-exchange-rate", "EUR", "USD", "1.3", "--on", "2026-03-02")
    assert proposals() == [
        f"{start} --tariff buy",
        f"{start} --tariff sell",
        f"{start} --account cust --side sell --from 2026-03-02T09:30:00Z",
        f"{start} --from 2026-03-01T10:00:00Z",
    ]
    (first, *_) = rerate("--proposed")["proposals"]
    run(usage.app, "rerate", "--dismiss", str(first["proposal"]))
    assert len(proposals()) == 3
    rerate("--apply")
    assert proposals() == []


def test_an_exchange_rate_that_was_wrong_is_corrected(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("k1", 90)))
    run(tariff.app, "set-exchange-rate", "EUR", "USD", "1.5", "--on", "2026-03-01")
    rerate("--apply")
    (record,) = outcome(carrier)["records"]
    assert (str(record["sell_amount"]), record["sell_exchange_rate"], record["sell_rate_date"]) == (
        "0.10000000",
        "2/3",
        date(2026, 3, 1),
    )
    assert_proved(carrier)
