"""Records that traffic rules have touched, priced again: by the number and the tags that the rules left them with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.db.usage.carrier import Carrier, line
from tests.db.usage.test_rerate import apply, assert_proved, outcome, set_price
from tests.db.usage.test_traffic_rules import add_prices, make
from trunkline.usage.process import process
from trunkline.usage.resend import resend

LINES = [
    line("tagged"),
    line("routed", called="254720000001"),
    line("national", called="0700000001"),
    line("plain", called="254200000001"),
]


def with_rules(folder: Path, name: str) -> Carrier:
    carrier = Carrier.make(folder, name)
    add_prices(carrier, "sell", "code,price,tag\n254,0.30,premium\n")
    make(
        carrier,
        "national",
        "before_identification",
        conditions={"called_begins": "0"},
        actions="strip called 1; add called 254",
    )
    make(carrier, "premium", side="sell", conditions={"called_begins": "25470"}, actions="tag premium")
    make(carrier, "ported", side="sell", conditions={"called_begins": "25472"}, actions=r"route-by 2547(\d+) 25499\1")
    return carrier


@pytest.fixture
def pair(committed_db: None, tmp_path: Path) -> tuple[Carrier, Carrier]:
    return with_rules(tmp_path / "in", "Alpha Carrier"), with_rules(tmp_path / "fresh", "Beta Carrier")


def test_the_outcome_is_that_of_the_rules_and_the_new_prices(pair: tuple[Carrier, Carrier]) -> None:
    carrier, fresh = pair
    carrier.load(carrier.write("a.csv", *LINES))
    for each in pair:
        set_price(each, "sell", "0:0.70/60/1", code="25499")
        set_price(each, "buy", "0:0.05/60/1")
    (batch,) = apply(carrier)
    assert batch.changed == 4
    fresh.load(fresh.write("a.csv", *LINES))
    assert outcome(carrier) == outcome(fresh)
    assert_proved(carrier)


def test_a_record_that_lost_its_price_meets_the_rules_once_when_it_is_sent_again(pair: tuple[Carrier, Carrier]) -> None:
    carrier, fresh = pair
    carrier.load(carrier.write("a.csv", *LINES))
    set_price(carrier, "buy", "")
    (batch,) = apply(carrier)
    assert batch.rejected == 4
    for each in pair:
        set_price(each, "buy", "0:0.05/60/1")
    for batch_id in resend(carrier.tenant_id, batch_public_id=None, actor="test", now=carrier.clock):
        process(tenant_id=carrier.tenant_id, batch_id=batch_id, now=carrier.clock)
    fresh.load(fresh.write("a.csv", *LINES))
    found, expected = outcome(carrier), outcome(fresh)
    for record in (*found["records"], *expected["records"]):
        del record["line"]  # that of the file it came in with last
    assert found == expected
    assert_proved(carrier)
