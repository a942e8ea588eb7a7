"""Records priced by where their callers are: taken, explained, previewed and priced again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.db.usage.carrier import COLUMNS, NOW, Carrier, line
from tests.db.usage.test_rerate import apply, assert_proved, rows
from trunkline.cli.explained import print_explanation
from trunkline.core.money import Amount
from trunkline.parties.kinds import Side
from trunkline.reports.queries import Question, build, gather
from trunkline.reports.rules import Key, View
from trunkline.tariffs import actions as tariff_actions
from trunkline.tariffs.models import Rate, Tariff
from trunkline.tariffs.queries import get_code_deck
from trunkline.usage import price_changes
from trunkline.usage.explain import explain_record
from trunkline.usage.explained import as_json
from trunkline.usage.locate import Sought, access_record
from trunkline.usage.preview import Supposed, preview_for_account
from trunkline.usage.segments import live_segments
from trunkline.usage.traffic.actions import GivenRule, create_rule

HEADER = COLUMNS.replace("key,", "key,calling,")


def called_by(key: str, caller: str, **more: Any) -> str:
    return line(f"{key},{caller}", **more)


CALLS = {"home": "254711111111", "abroad": "33155555555", "withheld": "", "extension": "anonymous", "elsewhere": "811"}


@pytest.fixture
def carrier(carrier: Carrier) -> Carrier:
    """Sells Kenya at 0.10, at 0.04 to callers in Kenya; to callers from abroad 0.06 more."""
    with carrier.scope():
        tariff = Tariff.objects.get(name="sell")
        deck = tariff_actions.load_code_deck(name="Origins", codes={"254": "Kenya", "33": "Abroad"}, at=NOW)
        price_changes.change_tariff(tariff=tariff, origin_deck=deck, at=NOW)
        text = b"code,price,policy,origin\n254,0.04,,Kenya\n,0.06,additive,Abroad\n"
        price_changes.load_rates(tariff=tariff, data=text, at=NOW)
    return carrier


def sold(carrier: Carrier) -> dict[str, Decimal]:
    with carrier.scope():
        paths = [segment.path for segment in live_segments()]
    return {each["key"]: each["sell_tariff_amount"] for each in rows(paths)}


def load(carrier: Carrier, **calls: str) -> None:
    lines = [called_by(key, caller) for key, caller in (calls or CALLS).items()]
    carrier.load(carrier.write("calls.csv", *lines, header=HEADER))


def said(carrier: Carrier, key: str) -> dict[str, Any]:
    with carrier.scope():
        return as_json(explain_record(access_record(Sought(key=key))), {})


EXPECTED = {"home": "0.04", "abroad": "0.16", "withheld": "0.10", "extension": "0.10", "elsewhere": "0.10"}


def test_each_record_has_the_price_of_its_caller_and_says_why(
    carrier: Carrier, capsys: pytest.CaptureFixture[str]
) -> None:
    load(carrier)
    assert sold(carrier) == {key: Decimal(amount) for key, amount in EXPECTED.items()}
    assert_proved(carrier)
    for key in CALLS:
        assert said(carrier, key)["agrees"] is True
    abroad = said(carrier, "abroad")
    regular, _, surcharge = abroad["sides"]["sell"]["price"]["tried"]
    assert regular["origin"] == surcharge["origin"] == {"code": "33", "name": "Abroad"}
    assert [(rate["origin"], rate["verdict"]) for rate in regular["rates"]] == [(None, "chosen"), ("Kenya", "origin")]
    assert [(rate["origin"], rate["verdict"]) for rate in surcharge["rates"]] == [("Abroad", "chosen")]
    print_explanation(abroad)
    shown = capsys.readouterr().out
    assert "rates of sell: the caller is in Abroad, code 33" in shown
    assert "passed over: the caller is not in its origin" in shown
    assert "(surcharge of sell, rate" in shown


def test_reports_sum_up_by_the_origin_of_the_price(carrier: Carrier) -> None:
    load(carrier)
    with carrier.scope():
        question = Question(View.SUMMARY, (Key.ORIGIN,))
        found = build(question, gather(question))
    rows = [(*row.values, row.sums.attempts, str(Amount(row.sums.revenue))) for row in found.rows()]
    assert rows == [("Kenya", 1, "0.04"), (None, 4, "0.46")]


def test_a_deck_that_changes_proposes_a_rerating_that_finds_the_new_prices(carrier: Carrier) -> None:
    load(carrier)
    with carrier.scope():
        assert get_code_deck("Origins").name == "Origins"
        done = price_changes.load_code_deck(name="Origins", codes={"81": "Abroad"}, at=NOW)
        assert [(each.tariff and each.tariff.name, each.start_from) for each in done.proposals] == [("sell", None)]
        assert "codes changed in the origin deck Origins" in done.proposals[0].cause
    assert said(carrier, "elsewhere")["prices"]["is_current"] is False
    apply(carrier)
    assert sold(carrier) == {key: Decimal(amount) for key, amount in (EXPECTED | {"elsewhere": "0.16"}).items()}
    assert_proved(carrier)


def test_the_caller_is_the_one_that_the_record_keeps(carrier: Carrier) -> None:
    with carrier.scope():
        for given in (
            GivenRule(
                name="national",
                stage="before_identification",
                conditions={"calling_begins": "0"},
                actions="strip calling 1; add calling 254",
            ),
            GivenRule(name="hide", stage="after_account", side="sell", actions="add calling 33"),
        ):
            create_rule(given=given, at=NOW)
    load(carrier, local="0711111111")
    assert sold(carrier) == {"local": Decimal("0.04")}
    assert said(carrier, "local")["agrees"] is True
    with carrier.scope():
        event = Supposed(called="254700000001", calling="0711111111", start=NOW, quantity=60)
        customer = carrier.accounts["cust"]
        found = preview_for_account(customer, event, side=Side.SELL, service="voice", switch=None, known_at=NOW)
        assert found.priced is not None
        assert str(found.priced.explanation.charge.amount) == "0.04"
        assert Rate.objects.filter(origin="Kenya").count() == 1
