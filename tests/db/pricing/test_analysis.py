"""Price lists compared by command: names, minutes, margins, files, and what cannot be compared."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.db.tariffs.test_commands import Shell
from trunkline.cli import account, analysis, tariff
from trunkline.core.money import Amount
from trunkline.kit import clock
from trunkline.parties.models import Account
from trunkline.tariffs.models import Rate
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHEETS = {
    "alpha": ("USD", "44,UK,0.010,60,60/60,\n447,UK Mobile,0.020,60,1/1,\n447911,UK Mobile,0,60,1/1,true\n"),
    "beta": ("EUR", "44,UK,0.010,60,60/60,\n4479,UK Mobile Vodafone,0.015,60,60/60,\n"),
    "retail": ("USD", "44,=UK,0.012,60,60/1,\n447,UK Mobile,0.019,60,1/1,\n"),
}


@pytest.fixture
def run(tenant: Any, tmp_path: Path) -> Any:
    shell = Shell(tenant.slug)
    with clock.at(AT):
        for name, (currency, rates) in SHEETS.items():
            file = tmp_path / f"{name}.csv"
            file.write_text("code,destination,price,per,increments,blocked\n" + rates)
            shell(tariff.app, "add", name, "--currency", currency, "--timezone", "UTC")
            shell(tariff.app, "load-rates", name, str(file))
        for name, side in (("alpha", "buy"), ("beta", "buy"), ("retail", "sell")):
            shell(account.app, "add", f"{name}-net", name.title(), "--vendor", "--timezone", "UTC")
            shell(tariff.app, "assign", name, f"{name}-net", "--side", side)
        shell(tariff.app, "set-exchange-rate", "EUR", "USD", "1.1", "--on", "2026-03-01")
        yield shell


def words(row: dict[str, Any]) -> list[str]:
    return [
        f"{'~' if cell['simulated'] else ''}{cell['price']}" if cell["state"] == "offer" else cell["state"]
        for cell in row["cells"]
    ]


def test_vendors_and_tariffs_stand_side_by_side_in_one_currency(run: Shell) -> None:
    found = run.json(analysis.app, "compare", "--vendor", "alpha-net", "--vendor", "beta-net", "--tariff", "retail")
    assert {name: found[name] for name in ("currency", "call", "lists", "rows")} == {
        "currency": "USD", "call": 60, "lists": ["retail", "alpha-net (buy)", "beta-net (buy)"], "rows": 4,
    }  # fmt: skip
    assert [(row["code"], row["destination"], words(row)) for row in found["data"]] == [
        ("44", "=UK", ["0.012", "0.01", "0.011"]),
        ("447", "UK Mobile", ["0.019", "0.02", "~0.011"]),
        ("4479", "UK Mobile Vodafone", ["~0.019", "~0.02", "0.0165"]),
        ("447911", "UK Mobile", ["~0.019", "blocked", "~0.0165"]),
    ]
    assert found["data"][2]["cells"][1]["code"] == "447"
    assert found["data"][0]["cells"][1]["increments"] == "60/60"


def test_the_least_cost_list_with_margins_below_a_percentage(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["--vendor", "alpha-net", "--vendor", "beta-net", "--against-customer", "retail-net", "--positions", "1"]
    found = run.json(analysis.app, "least", *asked)
    assert [
        (row["code"], row["master"], [(o["position"], o["list"], o["margin_percent"]) for o in row["offers"]])
        for row in found["data"]
    ] == [
        ("44", "0.012", [(1, "alpha-net (buy)", "16.67")]),
        ("447", "0.019", [(1, "beta-net (buy)", "42.11")]),
        ("4479", "0.019", [(1, "beta-net (buy)", "13.16")]),
        ("447911", "0.019", [(1, "beta-net (buy)", "13.16")]),
    ]
    assert found["data"][3]["blocked"] == ["alpha-net (buy)"]
    low = run.json(analysis.app, "least", *asked, "--below", "15")
    assert [row["code"] for row in low["data"]] == ["4479", "447911"]
    losses = run.json(analysis.app, "compare", "--tariff", "alpha", "--against-tariff", "retail", "--below", "0")
    assert [row["code"] for row in losses["data"]] == ["447"]
    bought = run.json(analysis.app, "compare", "--tariff", "retail", "--against-tariff", "alpha", "--against", "buy")
    assert [row["cells"][0]["margin"] for row in bought["data"]] == ["0.002", "-0.001", None]
    monkeypatch.setenv("COLUMNS", "250")
    assert "alpha-net (buy) 0.01 16.67 %" in run(analysis.app, "least", *asked)


def charged(code: str, account_code: str, side: str, seconds: int, *, day: date = date(2026, 3, 1)) -> None:
    rate = Rate.objects.get(tariff__name=account_code.removesuffix("-net"), code=code)
    Rollup.objects.create(
        batch_id=1, side=side, account=Account.objects.get(code=account_code), service="voice", rate=rate, currency="USD", day=day, attempts=1, connected=1,
        raw_quantity=seconds, billed_quantity=seconds, amount=Amount.zero(), base_amount=Amount.zero(),
    )  # fmt: skip


def test_destinations_are_weighed_by_the_minutes_of_the_last_days(run: Shell, tenant: Any) -> None:
    with scope(tenant, "test"):
        charged("44", "retail-net", "sell", 90)
        charged("447", "alpha-net", "buy", 600)
        charged("4479", "beta-net", "buy", 1800)
        charged("447", "alpha-net", "buy", 6000, day=date(2026, 1, 1))
    lists = ["--tariff", "beta", "--tariff", "alpha", "--deck", "World", "--by", "destination"]
    assert run.refused(analysis.app, "compare", *lists) == "deck_not_found"
    weighed = [*lists[:4], "--by", "destination", "--minutes", "vendors", "--average", "minutes"]
    found = run.json(analysis.app, "compare", *weighed)
    mobile = found["data"][1]
    assert (mobile["destination"], mobile["codes"], mobile["minutes"]) == ("UK Mobile", 2, "10.00")
    assert mobile["cells"] == [
        {"list": "beta", "state": "offer", "price": "0.011", "simulated": True, "least": "0.011", "greatest": "0.0165"},
        {"list": "alpha", "state": "offer", "price": "0.02", "simulated": False, "least": "0.02", "greatest": "0.02"},
    ]
    sold = run.json(analysis.app, "compare", *lists[:4], "--minutes", "customers")
    assert [row["minutes"] for row in sold["data"]] == ["1.50", "0.00", "0.00", "0.00"]
    assert sold["minutes_of_no_row"] == "0.00"
    deep = run.json(analysis.app, "compare", *lists[:4], "--code", "4479", "--minutes", "vendors")
    assert (deep["rows"], deep["minutes_of_no_row"]) == (2, "10.00")


def test_files_hold_every_digit_and_no_formula(run: Shell, tmp_path: Path) -> None:
    asked = ["--tariff", "alpha", "--tariff", "retail", "--against-tariff", "beta", "--against", "buy", "--call", "61"]
    out = tmp_path / "side.csv"
    run(analysis.app, "compare", *asked, "--minutes", "vendors", "--out", str(out))
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == [
        "Code", "Destination", "Minutes", "beta USD",
        *(f"{name}: {what}" for name in ("alpha", "retail") for what in ("state", "USD", "simulated from", "increments", "margin", "margin %")),
    ]  # fmt: skip
    assert (rows[0]["Destination"], rows[0]["beta USD"], rows[0]["alpha: USD"]) == ("UK", "0.02163934", "0.01967213")
    assert [row["alpha: state"] for row in rows] == ["offer", "offer", "simulated", "blocked"]
    assert [row["retail: simulated from"] for row in rows] == ["", "", "447", "447"]
    assert (rows[3]["alpha: USD"], rows[3]["alpha: margin %"], rows[0]["alpha: margin %"]) == ("", "", "-10.00")
    out = tmp_path / "least.csv"
    run(analysis.app, "least", "--tariff", "retail", "--tariff", "alpha", "--out", str(out))
    first = next(csv.reader(out.read_text().splitlines()[1:]))
    assert first == ["44", "'=UK", "alpha", "0.01", "", "60/60", "retail", "0.012", "", "60/1"]
    out = tmp_path / "least.xlsx"
    run(analysis.app, "least", "--tariff", "retail", "--tariff", "alpha", "--by", "destination", "--out", str(out))
    book = CalamineWorkbook.from_path(out)
    assert book.get_sheet_by_name("Analysis").to_python() == [
        ["Destination", "Codes", "1", "1: USD", "1: least", "1: greatest", "2", "2: USD", "2: least", "2: greatest"],
        ["=UK", 1.0, "alpha", 0.01, 0.01, 0.01, "retail", 0.012, 0.012, 0.012],
        ["UK Mobile", 2.0, "retail", 0.019, 0.019, 0.019, "alpha", 0.02, 0.02, 0.02],
    ]
    assert ["currency", "USD"] in book.get_sheet_by_name("Question").to_python()


def test_a_day_stands_for_its_noon_and_prices_are_those_of_the_instant(run: Shell, tmp_path: Path) -> None:
    file = tmp_path / "later.csv"
    file.write_text("code,destination,price,per,increments,valid_from\n44,UK,0.5,60,60/60,2026-04-01\n")
    run(tariff.app, "load-rates", "alpha", str(file), "--supersede")
    prices = {
        at: run.json(analysis.app, "compare", "--tariff", "alpha", "--at", at)["data"][0]["cells"][0]["price"]
        for at in ("2026-03-31", "2026-04-01", "2026-04-01T00:00:00Z", "2026-03-31T23:59:59Z")
    }
    assert list(prices.values()) == ["0.01", "0.5", "0.5", "0.01"]


def test_what_cannot_be_compared_is_said(run: Shell, tmp_path: Path) -> None:
    run(account.app, "add", "bare", "Bare", "--vendor")
    run(tariff.app, "add", "messages", "--currency", "USD", "--unit", "message")
    run(tariff.app, "add", "yen", "--currency", "JPY")
    file = tmp_path / "yen.csv"
    file.write_text("code,destination,price\n44,UK,1\n")
    run(tariff.app, "load-rates", "yen", str(file))
    refusals = [
        ([], "no_columns"),
        (["--tariff", "none"], "tariff_not_found"),
        (["--vendor", "none"], "account_not_found"),
        (["--vendor", "bare"], "no_tariffs"),
        (["--tariff", "alpha", "--tariff", "alpha"], "repeated_column"),
        (["--tariff", "alpha", "--tariff", "messages"], "units_differ"),
        (["--tariff", "messages"], "units_differ"),
        (["--tariff", "alpha", "--tariff", "yen"], "no_exchange_rate"),
        (["--tariff", "alpha", "--below", "0"], "no_master"),
        (["--tariff", "alpha", "--against-tariff", "retail", "--below", "few"], "bad_decimal"),
        (["--tariff", "alpha", "--against-tariff", "retail", "--against-vendor", "beta-net"], "two_masters"),
        (["--tariff", "alpha", "--call", "0"], "bad_call"),
        (["--tariff", "alpha", "--call", "x"], "bad_number"),
        (["--tariff", "alpha", "--by", "country"], "bad_word"),
        (["--tariff", "alpha", "--at", "soon"], "bad_time"),
        (["--tariff", "alpha", "--days", "4000"], "bad_days"),
        (["--tariff", "alpha", "--code", "44x"], "bad_code"),
        (["--tariff", "alpha", "--currency", "XXZ"], "unknown_currency"),
        (["--tariff", "alpha", "--offset", "-1"], "bad_number"),
        (["--tariff", "alpha", "--out", "a.pdf"], "unknown_format"),
    ]
    assert [run.refused(analysis.app, "compare", *asked) for asked, _ in refusals] == [code for _, code in refusals]
    empty = run.json(analysis.app, "compare", "--tariff", "alpha", "--code", "7")
    assert (empty["rows"], empty["data"]) == (0, [])
    none = run.json(analysis.app, "least", "--tariff", "alpha", "--by", "destination", "--country", "KE")
    assert (none["rows"], none["data"]) == (0, [])
