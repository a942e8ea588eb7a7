"""What a call would cost, asked through the API; the records of a file that is taken then cost just that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.test import Client

from tests.api.answers import ok, refused
from tests.api.conftest import Asking, new_key
from tests.db.usage.carrier import COLUMNS, NOW, Carrier, line
from trunkline.api.preview import RatePreview
from trunkline.kit import clock
from trunkline.kit.home import home
from trunkline.tariffs.actions import load_rates
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.models import Tenant
from trunkline.usage.models import Segment
from trunkline.usage.omitted import filled_in
from trunkline.usage.traffic.actions import GivenRule, create_rule

START = "2026-03-02T10:00:00Z"


@pytest.fixture
def carrier(committed_db: Any, data_folder: Any, tmp_path: Any) -> Iterator[Carrier]:
    """Sells Kenya at 0.10 USD a minute to a customer in euro; 1.25 USD cost one."""
    with clock.at(NOW):
        yield Carrier.make(tmp_path / "carrier")


@pytest.fixture
def ask(carrier: Carrier, client: Client) -> Asking:
    """Requests with a key that may do everything."""
    with carrier.scope():
        return Asking(client, new_key(Tenant.objects.get(pk=carrier.tenant_id)))


def event(carrier: Carrier, account: str = "cust", **given: Any) -> dict[str, Any]:
    """A call of a minute to Kenya, for an account."""
    owner = {"account_id": str(carrier.accounts[account].public_id)}
    return owner | {"called": "254700000001", "start": START, "quantity": 60} | given


def preview(ask: Asking, body: dict[str, Any]) -> Any:
    """The answer, which is of the shape that the document says."""
    shown = ok(ask.post("/rate-preview", body))
    RatePreview.model_validate(shown)
    return shown


def test_a_call_is_priced_with_every_step(ask: Asking, carrier: Carrier) -> None:
    shown = preview(ask, event(carrier, quantity=61, called="+254700000001"))
    assert {name: shown[name] for name in shown if name != "price"} == {
        "outcome": "rated",
        "amount": "0.08133334",
        "currency": "EUR",
        "base_amount": "0.10166668",
        "base_currency": "USD",
        "start": START,
        "number": "254700000001",
        "tags": [],
        "rules": [],
        "denied_by": None,
    }
    price = shown["price"]
    assert (price["tariff"], price["code"], price["destination"], price["billed"]) == ("sell", "254", "Kenya", 61)
    assert price["tried"][0]["rates"][0]["verdict"] == "chosen"
    assert [(each["count"], each["price"], each["per"], each["amount_exact"]) for each in price["increments"]] == [
        (61, "0.1", 60, "61/600")
    ]
    assert (price["tariff_amount"], price["to_account"]["rate_exact"]) == ("0.10166667", "4/5")
    bought = preview(ask, event(carrier, "vend", side="buy", quantity=61))
    assert (bought["amount"], bought["currency"], bought["price"]["billed"]) == ("0.16", "USD", 120)


def test_one_tariff_prices_in_its_own_currency(ask: Asking, carrier: Carrier) -> None:
    with carrier.scope():
        tariff = Tariff.objects.get(name="sell")
        load_rates(tariff_id=tariff.pk, data=b"code,price,tag\n254,0.30,gold\n", at=NOW)
    body = {"tariff_id": str(tariff.public_id), "called": "254700000001", "start": START, "quantity": 60}
    assert (preview(ask, body)["amount"], preview(ask, body)["currency"]) == ("0.1", "USD")
    assert preview(ask, body | {"tags": ["gold"]})["amount"] == "0.3"
    assert preview(ask, body | {"quantity": 0})["amount"] == "0"


def test_what_has_no_price_says_why(ask: Asking, carrier: Carrier) -> None:
    nowhere = preview(ask, event(carrier, called="1212"))
    assert (nowhere["outcome"], nowhere["amount"], nowhere["price"]["tried"]) == (
        "no_rate",
        None,
        [{"tariff": "sell", "is_additive": False, "origin": None, "rates": []}],
    )
    assert preview(ask, event(carrier, side="buy"))["outcome"] == "no_rate"
    early = preview(ask, event(carrier, start="2026-01-01T00:00:00Z"))
    assert (early["outcome"], early["amount"], early["price"]["tariff_amount"]) == ("no_exchange_rate", None, "0.1")


def test_traffic_rules_mark_change_and_refuse_the_call(ask: Asking, carrier: Carrier) -> None:
    with carrier.scope():
        tariff = Tariff.objects.get(name="sell")
        load_rates(tariff_id=tariff.pk, data=b"code,price,tag\n254,0.30,local\n", at=NOW)
        for given in (
            GivenRule(name="local", stage="after_account", conditions={"calling_begins": "255"}, actions="tag local"),
            GivenRule(name="no test", stage="before_identification", conditions={"called_begins": "999"}, then="deny"),
            GivenRule(name="common", stage="after_account", switch="common", actions="tag common"),
        ):
            create_rule(given=given, at=NOW)
    plain = preview(ask, event(carrier, calling="4930123456"))
    assert (plain["base_amount"], plain["tags"], [each["verdict"] for each in plain["rules"]]) == (
        "0.1",
        [],
        ["called_begins", "calling_begins"],
    )
    local = preview(ask, event(carrier, calling="+255700000001", switch="common"))
    assert (local["base_amount"], local["tags"]) == ("0.3", ["common", "local"])
    refused_call = preview(ask, event(carrier, called="999"))
    assert {name: refused_call[name] for name in ("outcome", "amount", "denied_by", "price")} == {
        "outcome": "denied_by_rule",
        "amount": None,
        "denied_by": "no test",
        "price": None,
    }


def test_a_preview_is_what_the_record_costs(ask: Asking, carrier: Carrier) -> None:
    with carrier.scope():
        load_rates(tariff_id=Tariff.objects.get(name="sell").pk, data=b"code,price,tag\n254,0.30,mobile\n", at=NOW)
        mobile = GivenRule(
            name="mobile", stage="after_account", conditions={"called_begins": "2547"}, actions="tag mobile"
        )
        create_rule(given=mobile, at=NOW)
    previews = [preview(ask, event(carrier, quantity=seconds, switch="common")) for seconds in (1, 59, 61, 3600)]
    lines = [line(f"call{number}", seconds) for number, seconds in enumerate((1, 59, 61, 3600))]
    carrier.load(carrier.write("a.csv", *lines, header=COLUMNS))
    with carrier.scope():
        paths = [home() / each.path for each in Segment.objects.filter(kind="rated")]
    rows = [filled_in(row) for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]
    stored = {row["key"]: (row["sell_amount"], row["sell_rate_id"], row["sell_billed"]) for row in rows}
    for number, shown in enumerate(previews):
        amount, rate, billed = stored[f"call{number}"]
        assert (shown["price"]["rate"], shown["price"]["billed"]) == (rate, billed)
        assert shown["amount"] == f"{amount.normalize():f}"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"account_id": None}, "validation_failed"),
        ({"tariff_id": "01890000-0000-7000-8000-000000000000"}, "validation_failed"),
        ({"called": "00 254"}, "validation_failed"),
        ({"called": None}, "validation_failed"),
        ({"start": "2026-03-02T10:00:00"}, "validation_failed"),
        ({"start": "0001-01-01T00:00:00Z"}, "validation_failed"),
        ({"quantity": -1}, "validation_failed"),
        ({"quantity": 1.5}, "validation_failed"),
        ({"quantity": 10**12}, "bad_quantity"),
        ({"service": "fax"}, "validation_failed"),
        ({"tags": ["a,b"]}, "validation_failed"),
    ],
)
def test_what_is_no_event_is_refused(ask: Asking, carrier: Carrier, given: dict[str, Any], code: str) -> None:
    refused(ask.post("/rate-preview", event(carrier) | given), 422, code)
