"""Explaining one record: found by its key, priced again, and honest where prices or identities were changed since."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.databases import TestDatabase
from tests.db.usage.carrier import NOW, START, Carrier, line
from trunkline.cli.explained import print_explanation
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.kit.home import home
from trunkline.parties.actions import add_identity
from trunkline.tariffs import models as tariffs
from trunkline.tariffs.actions import change_tariff, create_tariff, load_rates, void_rates
from trunkline.usage.explain import explain_record
from trunkline.usage.explained import as_json
from trunkline.usage.locate import Sought, access_record, find_records
from trunkline.usage.models import Segment
from trunkline.usage.store import KEY_SUFFIX

LATER = NOW + timedelta(days=1)


def explained(carrier: Carrier, key: str, **sought: Any) -> dict[str, Any]:
    with carrier.scope():
        return as_json(explain_record(access_record(Sought(key=key, **sought))), {})


def test_both_sides_of_a_record_are_explained_to_the_last_digit(carrier: Carrier) -> None:
    batch = carrier.load(carrier.write("a.csv", line("other"), line("one", 61)))
    said = explained(carrier, "one")

    assert (said["kind"], said["key"], said["switch"], said["agrees"]) == ("rated", "one", "common", True)
    assert (said["came_in"]["file"], said["came_in"]["line"]) == ("a.csv", 3)
    assert said["came_in"]["batch"] == str(batch.public_id)
    assert said["fields"]["called_raw"] == said["fields"]["called"] == "254700000001"
    assert said["fields"]["start"] == "2026-03-02T10:00:00Z"
    assert said["prices"]["is_current"] is True

    sell = said["sides"]["sell"]
    assert sell["account"] == "cust"
    assert [(each["value"], each["verdict"]) for each in sell["identities"]["tried"]] == [("in", "won")]
    price = sell["price"]
    (rate,) = price["tried"][0]["rates"]
    assert (rate["code"], rate["destination"], rate["verdict"]) == ("254", "Kenya", "chosen")
    (part,) = price["increments"]
    assert (part["count"], part["units"], part["price"], part["per"]) == (61, 61, "0.1", 60)
    assert (part["amount"], part["amount_exact"], price["sum_exact"]) == ("0.1016666667", "61/600", "61/600")
    assert (price["rounded"], price["tariff_amount"], price["tariff_currency"]) == ("0.10166667", "0.10166667", "USD")
    assert price["to_account"] == {
        "before": "0.10166667", "from": "USD", "rate": "0.8", "rate_exact": "4/5",
        "published_on": "2026-02-27", "after": "0.08133334", "to": "EUR",
    }  # fmt: skip
    assert (price["amount"], price["currency"]) == ("0.08133334", "EUR")
    assert sell["stored"]["amount"] == "0.08133334"
    rollup = sell["booked"]["rollup"]
    assert (rollup["attempts"], rollup["amount"], rollup["day"]) == (2, "0.16133334", "2026-03-02")
    assert sell["booked"]["entry"]["key"] == f"batch:{batch.pk}:sell:{carrier.accounts['cust'].pk}:2026-03-02"
    assert "0.16133334" in [each["amount"] for each in sell["booked"]["entry"]["postings"]]
    assert sell["booked"]["invoice"] is None

    buy = said["sides"]["buy"]
    assert (buy["account"], buy["price"]["billed"], buy["price"]["amount"], buy["price"]["to_account"]) == (
        "vend", 120, "0.16", None,
    )  # fmt: skip


def test_a_record_that_was_not_answered_costs_nothing_and_says_so(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("none", 0, called="33100000000", trunk_out="")))
    said = explained(carrier, "none")
    assert said["agrees"] is True
    assert (said["sides"]["sell"]["price"]["outcome"], said["sides"]["sell"]["price"]["amount"]) == ("no_rate", "0")
    assert said["sides"]["buy"]["remark"] == "No account is on this side."


def test_a_new_price_from_the_past_does_not_hide_the_one_that_was_used(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        sell = tariffs.Tariff.objects.get(name="sell")
        load_rates(
            tariff_id=sell.pk,
            data=b"code,destination,price,increments,valid_from\n254,Kenya,0.50,1/1,2026-03-01\n",
            supersede_earlier=True,
            at=LATER,
        )
    said = explained(carrier, "one")
    price = said["sides"]["sell"]["price"]
    assert (said["prices"]["is_current"], said["agrees"], price["basis"]) == (False, True, "used")
    assert (price["tariff_amount"], price["increments"][0]["price"]) == ("0.1", "0.1")
    assert said["sides"]["buy"]["price"]["basis"] == "listed"


def test_a_rate_that_was_voided_since_is_taken_as_it_was(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        rate = tariffs.Rate.objects.get(tariff__name="sell")
        void_rates(tariff_id=rate.tariff_id, rate_ids=[rate.pk], at=LATER)
    said = explained(carrier, "one")
    assert (said["prices"]["is_current"], said["agrees"]) == (False, True)
    assert said["sides"]["sell"]["price"]["basis"] == "listed"


def test_a_rate_of_a_parent_is_named_by_its_own_tariff(carrier: Carrier, capsys: pytest.CaptureFixture[str]) -> None:
    with carrier.scope():
        sell = tariffs.Tariff.objects.get(name="sell")
        base = create_tariff(name="base", currency="USD", at=NOW)
        change_tariff(tariff_id=sell.pk, parent=base, at=NOW)
        data = b"code,destination,price,increments,valid_from\n2547,Kenya Mobile,0.30,1/1,2026-02-01\n"
        load_rates(tariff_id=base.pk, data=data, at=NOW)
    carrier.load(carrier.write("a.csv", line("one")))
    said = explained(carrier, "one")
    price = said["sides"]["sell"]["price"]
    assert (said["agrees"], price["tariff"], price["code"], price["tariff_amount"]) == (True, "sell", "2547", "0.3")
    (tried,) = price["tried"]
    assert [(each["tariff"], each["code"], each["verdict"]) for each in tried["rates"]] == [
        ("base", "2547", "chosen"),
        ("sell", "254", "shorter_code"),
    ]
    print_explanation(said)
    assert "rates of sell from its parent base: 2547 Kenya Mobile" in capsys.readouterr().out
    with carrier.scope():
        # Another price from the past: the record is explained by the lists as they were.
        newer = b"code,destination,price,increments,valid_from\n2547,Kenya Mobile,0.50,1/1,2026-03-01\n"
        load_rates(tariff_id=base.pk, data=newer, supersede_earlier=True, at=LATER)
    price = explained(carrier, "one")["sides"]["sell"]["price"]
    assert (price["basis"], price["tariff_amount"]) == ("used", "0.3")


def test_a_tariff_that_was_taken_from_the_account_since_is_used_all_the_same(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        tariffs.AccountTariff.objects.filter(side="sell").update(valid_to=START)
    said = explained(carrier, "one")
    assert (said["prices"]["is_current"], said["agrees"]) == (False, True)
    assert said["sides"]["sell"]["price"]["tariffs"] == ["sell"]


def test_what_is_stored_and_cannot_be_computed_again_is_said(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        located = access_record(Sought(key="one"))
        wrong = replace(located, record=located.record | {"sell_amount": located.record["sell_amount"] + 1})
        said = as_json(explain_record(wrong), {})
    assert said["agrees"] is False
    assert said["sides"]["sell"]["price"]["differences"] == ["amount 0.08 is stored as 1.08"]


def test_identities_that_name_another_account_by_now_are_told(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        add_identity(account=carrier.accounts["vend"], kind="trunk", side="sell", value="in", priority=1, at=LATER)
    said = explained(carrier, "one")
    identities = said["sides"]["sell"]["identities"]
    assert (said["sides"]["sell"]["account"], identities["account"], identities["is_other_account"]) == (
        "cust", "vend", True,
    )  # fmt: skip
    assert {each["account"]: each["verdict"] for each in identities["tried"]} == {"vend": "won", "cust": "outranked"}


@pytest.mark.parametrize(
    ("given", "reason", "check"),
    [
        ({"trunk_in": "who"}, "unknown_sell", lambda said: said["sides"]["sell"]["identities"]["status"] == "unknown"),
        (
            {"called": "33100000000"},
            "no_rate_sell",
            lambda said: said["sides"]["sell"]["price"]["outcome"] == "no_rate",
        ),
        ({"trunk_out": ""}, "unknown_buy", lambda said: said["sides"]["buy"]["identities"]["status"] == "none"),
        ({"called": "abc"}, "bad_number", lambda said: said["sides"] == {}),
    ],
)
def test_a_reject_says_why(
    carrier: Carrier, given: dict[str, str], reason: str, check: Callable[[dict[str, Any]], bool]
) -> None:
    carrier.load(carrier.write("a.csv", line("good"), line("bad", **given)))
    said = explained(carrier, "bad")
    assert (said["kind"], said["agrees"], said["reject"]["reason"]) == ("reject", None, reason)
    assert said["came_in"]["raw"] == line("bad", **given)
    assert said["came_in"]["line"] == 3
    assert check(said), said


def test_a_reject_shows_what_it_would_cost_by_now(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("bad", called="33100000000")))
    with carrier.scope():
        for tariff in tariffs.Tariff.objects.all():
            load_rates(tariff_id=tariff.pk, data=b"code,destination,price\n33,France,0.6\n", at=LATER)
    price = explained(carrier, "bad")["sides"]["sell"]["price"]
    assert (price["outcome"], price["tariff_amount"]) == ("rated", "0.6")


def test_a_record_is_found_by_number_and_minute(carrier: Carrier) -> None:
    later = START + timedelta(minutes=1)
    carrier.load(
        carrier.write("a.csv", line("one"), line("two", start=later), line("three", called="254711", start=later))
    )

    def keys(number: str, at: datetime) -> list[str]:
        with carrier.scope():
            return [each.record["key"] for each in find_records(Sought(number=number, at=at))]

    assert keys("+254 700 000 001", START) == ["one"]
    assert keys("254700000001", later) == ["two"]
    assert keys("254711", later) == ["three"]
    assert keys("254711", START) == []


def test_two_records_of_one_key_are_told_apart_by_switch_and_minute(committed_db: None, tmp_path: Any) -> None:
    carrier = Carrier.make(tmp_path / "in", formats=("common",))
    with carrier.scope():
        from trunkline.usage.actions import create_switch

        other = create_switch(name="other", format="common", at=NOW)
    carrier.load(carrier.write("a.csv", line("one")))
    carrier.load(carrier.write("b.csv", line("one", start=START + timedelta(minutes=5))), switch="other")
    with pytest.raises(Conflict, match="2 records fit"):
        explained(carrier, "one")
    assert explained(carrier, "one", switch_id=other.pk)["switch"] == "other"
    assert explained(carrier, "one", at=START)["switch"] == "common"


def test_what_is_not_there_or_not_asked_is_an_error(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        for sought, error in (
            (Sought(key="two"), NotFound),
            (Sought(key="one", at=START + timedelta(hours=1)), NotFound),
            (Sought(number="254700000001"), Invalid),
            (Sought(number="2547*", at=START), Invalid),
        ):
            with pytest.raises(error):
                access_record(sought)


def test_a_lost_key_index_is_made_again(carrier: Carrier) -> None:
    carrier.load(carrier.write("a.csv", *(line(f"k{number}") for number in range(50))))
    with carrier.scope():
        segment = home() / Segment.objects.get(kind="rated").path
    segment.with_name(segment.name + KEY_SUFFIX).unlink()
    assert explained(carrier, "k37")["came_in"]["row"] == 37


def test_the_command_prints_the_same_for_people_and_programs(carrier: Carrier, committed_db: TestDatabase) -> None:
    carrier.load(carrier.write("a.csv", line("one", 61)))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "trunkline", "explain", *words, "--tenant", "alpha-carrier"]
        return subprocess.run(command, env=committed_db.environment, capture_output=True, text=True)

    done = run("one", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sides"]["sell"]["price"]["amount"] == "0.08133334"
    shown = run("--number", "254700000001", "--at", START.isoformat())
    assert shown.returncode == 0, shown.stderr
    for fact in (
        "identity   trunk in of cust: won",
        "254 Kenya, rate ",
        "61 × 1 = 61 units",
        "0.08133334 EUR",
        "as it is stored",
    ):
        assert fact in shown.stdout
    assert run("nothing").returncode == 1


def test_a_reject_is_printed(carrier: Carrier, capsys: pytest.CaptureFixture[str]) -> None:
    carrier.load(carrier.write("a.csv", line("bad", trunk_in="who")))
    print_explanation(explained(carrier, "bad"))
    assert "Rejected: unknown_sell." in capsys.readouterr().out
