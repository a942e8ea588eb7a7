"""What a newcomer types: an account, an identity, a price list, and who has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from trunkline.cli import account, tariff
from trunkline.core.errors import TrunklineError

RUNNER = CliRunner()


class Shell:
    """Runs commands in one tenant."""

    def __init__(self, slug: str) -> None:
        self.slug = slug

    def __call__(self, app: typer.Typer, *words: str) -> str:
        result = RUNNER.invoke(app, [words[0], "--tenant", self.slug, *words[1:]])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    def json(self, app: typer.Typer, *words: str) -> Any:
        return json.loads(self(app, *words, "--json"))

    def refused(self, app: typer.Typer, *words: str) -> str:
        with pytest.raises(TrunklineError) as caught:
            self(app, *words)
        return caught.value.code


@pytest.fixture
def run(tenant: Any) -> Shell:
    return Shell(tenant.slug)


def test_from_an_account_to_its_price(run: Shell, tmp_path: Path) -> None:
    made = run(
        account.app,
        "add",
        "acme",
        "Acme Ltd",
        "--tax-name",
        "VAT",
        "--tax-percent",
        "16",
        "--address",
        "1 Quay|Mombasa",
    )
    assert made == "account acme made"
    assert run.refused(account.app, "add", "acme", "Again") == "account_exists"
    run(account.app, "identity-add", "acme", "ACME", "--side", "sell", "--from", "2026-01-01")
    assert run(account.app, "whose", "--trunk", "ACME", "--at", "2026-03-02") == "acme"
    run(tariff.app, "add", "Retail", "--timezone", "Africa/Nairobi")
    run(tariff.app, "profile-add", "peak", '[{"weekdays": [1], "from": "08:00"}]')
    assert run.json(tariff.app, "profile-list") == {
        "time_profiles": [{"name": "peak", "windows": [{"weekdays": [1], "from": "08:00:00"}]}]
    }
    rates = tmp_path / "rates.csv"
    rates.write_text("code,destination,price,time_profile,valid_from\n254,Kenya,4,,2026-01-01\n254,Kenya,5,peak,\n")
    assert run(tariff.app, "load-rates", "Retail", str(rates)) == "2 rates from 2 lines loaded into Retail"
    assert run.refused(tariff.app, "load-rates", "Retail", str(rates)) == "bad_rate_file"
    rates.write_text("code,destination,price,valid_from\n254,Kenya,4.5,2026-05-01\n")
    assert run.json(tariff.app, "load-rates", "Retail", str(rates), "--supersede") == {
        "lines": 1,
        "rates": 1,
        "closed": 1,
        "voided": 0,
        "revision": 3,
    }
    shown = run.json(tariff.app, "show", "Retail", "--at", "2026-06-01")
    assert [(r["code"], r["steps"], r["valid_from"], r["time_profile"]) for r in shown["rates"]] == [
        ("254", "0:5/60/1", None, "peak"),
        ("254", "0:4.5/60/1", "2026-04-30T21:00:00Z", None),
    ]
    run(tariff.app, "assign", "Retail", "acme")
    found = run.json(account.app, "show", "acme")
    assert found["tax"] == "VAT 16 %"
    assert found["address"] == ["1 Quay", "Mombasa"]
    assert [(row["tariff"], row["side"], row["service"], row["position"]) for row in found["tariffs"]] == [
        ("Retail", "sell", "voice", 1)
    ]
    assert [(row["value"], row["valid_from"]) for row in found["identities"]] == [("ACME", "2026-01-01T00:00:00Z")]
    assert "Retail" in run(account.app, "show", "acme")
    assert "4.5 per 60" in run(tariff.app, "show", "Retail", "--code", "254")
    assert run.json(tariff.app, "list")["tariffs"][0]["rates"] == 3


def test_a_tariff_takes_over_the_rates_of_a_parent(run: Shell, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("code,destination,price\n44,United Kingdom,1\n447911,UK Mobile,3\n33,France,2\n")
    run(tariff.app, "add", "Base")
    run(tariff.app, "load-rates", "Base", str(rates))
    run(tariff.app, "add", "Retail", "--parent", "Base")
    rates.write_text("code,destination,price\n44,United Kingdom,5\n")
    run(tariff.app, "load-rates", "Retail", str(rates))
    rows = run.json(tariff.app, "list")["tariffs"]
    assert [(row["name"], row["parent"], row["rates"]) for row in rows] == [("Base", None, 3), ("Retail", "Base", 1)]
    shown = run.json(tariff.app, "show", "Retail")
    assert (shown["parent"], shown["inherits"], shown["total"]) == ("Base", [{"tariff": "Base", "codes": 2}], 1)
    assert "Base" in run(tariff.app, "list")
    run(tariff.app, "add", "Gold")
    run(tariff.app, "set", "Gold", "--parent", "Retail")
    taken = [{"tariff": "Retail", "codes": 1}, {"tariff": "Base", "codes": 2}]
    assert run.json(tariff.app, "show", "Gold")["inherits"] == taken
    assert run.refused(tariff.app, "set", "Base", "--parent", "Gold") == "parent_cycle"
    assert run.refused(tariff.app, "set", "Gold", "--parent", "Retail", "--no-parent") == "bad_option"
    assert run.refused(tariff.app, "set", "Gold", "--parent", "Silver") == "tariff_not_found"
    assert run.refused(tariff.app, "add", "Tokyo", "--timezone", "Asia/Tokyo", "--parent", "Base") == "parent_differs"
    run(tariff.app, "set", "Gold", "--no-parent")
    assert run.json(tariff.app, "show", "Gold")["inherits"] == []


def test_accounts_change_and_close(run: Shell) -> None:
    run(account.app, "add", "acme", "Acme", "--vendor", "--currency", "EUR", "--tag", "gold")
    run(account.app, "add", "other", "Other", "--profile", "acme", "--parent", "acme")
    run(account.app, "set", "acme", "--name", "Acme plc", "--tax-percent", "7.5", "--credit-limit", "100.5")
    run(account.app, "contact-add", "acme", "Noor", "--role", "technical", "--email", "noc@acme.test")
    run(account.app, "identity-add", "acme", "A")
    (identity,) = run.json(account.app, "identity-list", "acme")["identities"]
    run(account.app, "identity-move", str(identity["id"]), "other", "--at", "2026-03-02T12:00:00+03:00")
    run(account.app, "suspend", "acme")
    run(account.app, "resume", "acme")
    run(account.app, "close", "acme", "--on", "2026-04-01")
    rows = run.json(account.app, "list")["accounts"]
    assert [(r["code"], r["name"], r["role"], r["currency"], r["status"], r["parent"]) for r in rows] == [
        ("acme", "Acme plc", "customer and vendor", "EUR", "closed on 2026-04-01", None),
        ("other", "Other", "customer", "USD", "active", "acme"),
    ]
    marks = run.json(account.app, "identity-list")["identities"]
    assert [(m["account"], m["valid_from"], m["valid_to"]) for m in marks] == [
        ("acme", None, "2026-03-02T09:00:00Z"),
        ("other", "2026-03-02T09:00:00Z", None),
    ]
    assert run.json(account.app, "show", "other")["tax"] == "7.5 %"
    assert run.json(account.app, "show", "acme")["contacts"] == [
        {"name": "Noor", "role": "technical", "email": "noc@acme.test", "phone": ""}
    ]
    run(account.app, "identity-end", str(marks[1]["id"]), "--to", "2026-05-01")


def test_exchange_rates_and_decks_load(run: Shell, tmp_path: Path) -> None:
    file = tmp_path / "ecb.csv"
    file.write_text("Date,USD,XXZ,\n2026-03-02,1.2,5,\n")
    assert run.json(tariff.app, "load-exchange-rates", str(file)) == {
        "rates": 1,
        "added": 1,
        "replaced": 0,
        "skipped": ["XXZ"],
    }
    run(tariff.app, "set-exchange-rate", "USD", "KES", "129.5", "--on", "2026-03-01")
    assert run.json(tariff.app, "exchange-rate", "EUR", "KES", "--on", "2026-03-02") == {
        "base": "EUR",
        "quote": "KES",
        "on": "2026-03-02",
        "rate": "777/5",
        "published": "2026-03-01",
    }
    assert run.refused(tariff.app, "exchange-rate", "EUR", "KES", "--on", "2026-02-01") == "no_exchange_rate"
    file.write_text("code,destination\n254,Kenya\n2547,Kenya Mobile\n")
    assert run(tariff.app, "load-deck", "World", str(file)) == "2 codes loaded into the deck World"


def test_mistakes_are_told(run: Shell, tmp_path: Path) -> None:
    run(account.app, "add", "acme", "Acme")
    run(tariff.app, "add", "Retail")
    for code, words in (
        ("account_not_found", (account.app, "show", "nobody")),
        ("unknown_currency", (account.app, "add", "b", "B", "--currency", "XYZ")),
        ("unknown_timezone", (account.app, "add", "b", "B", "--timezone", "Mars/Base")),
        ("bad_decimal", (account.app, "set", "acme", "--tax-percent", "nan")),
        ("unknown_billing_profile", (account.app, "add", "b", "B", "--profile", "none")),
        ("bad_time", (account.app, "close", "acme", "--on", "soon")),
        ("tariff_not_found", (tariff.app, "show", "None")),
        ("not_a_file", (tariff.app, "load-rates", "Retail", str(tmp_path / "none.csv"))),
        ("not_a_vendor", (tariff.app, "assign", "Retail", "acme", "--side", "buy")),
        ("not_json", (tariff.app, "profile-add", "p", "[")),
        ("unknown_side", (account.app, "whose", "--side", "up")),
    ):
        assert run.refused(*words) == code


def test_a_price_list_by_origin_and_back_to_a_file(run: Shell, tmp_path: Path) -> None:
    deck, rates, out = (tmp_path / name for name in ("deck.csv", "rates.csv", "out.csv"))
    deck.write_text("code,destination\n33,EEA\n1,Rest\n")
    rates.write_text(
        "code,destination,price,increments,policy,origin\n254,Kenya,0.10,60/1,,\n254,Kenya,0.04,,,EEA\n,,0.06,,additive,Rest\n"
    )
    run(tariff.app, "load-deck", "EEA", str(deck))
    run(tariff.app, "add", "Retail", "--currency", "USD", "--timezone", "Africa/Nairobi")
    assert run.refused(tariff.app, "load-rates", "Retail", str(rates)) == "bad_rate_file"
    assert run.refused(tariff.app, "set", "Retail", "--origin-deck", "Nowhere") == "deck_not_found"
    assert run.refused(tariff.app, "set", "Retail", "--origin-deck", "EEA", "--no-origin-deck") == "bad_option"
    run(tariff.app, "set", "Retail", "--origin-deck", "EEA")
    run(tariff.app, "load-rates", "Retail", str(rates))
    assert [row["origin_deck"] for row in run.json(tariff.app, "list")["tariffs"]] == ["EEA"]
    shown = run.json(tariff.app, "show", "Retail")["rates"]
    assert [(row["code"], row["origin"], row["additive"]) for row in shown] == [
        ("", "Rest", True),
        ("254", None, False),
        ("254", "EEA", False),
    ]
    assert run(tariff.app, "export-rates", "Retail", str(out)) == f"3 rates of Retail written to {out}"
    assert out.read_text() == (
        "code,destination,increments,setup_fee,grace,weight,rounding,policy,origin\n"
        "254,Kenya,0:0.1/60/60;60:0.1/60/1,0,0,10,half_up/8,,\n"
        "254,Kenya,0:0.04/60/1,0,0,10,half_up/8,,EEA\n"
        ",,0:0.06/60/1,0,0,10,half_up/8,additive,Rest\n"
    )
    run(tariff.app, "add", "Copy", "--currency", "USD", "--timezone", "Africa/Nairobi", "--origin-deck", "EEA")
    run(tariff.app, "load-rates", "Copy", str(out))
    copy = run.json(tariff.app, "show", "Copy")["rates"]
    assert [{**row, "id": 0} for row in copy] == [{**row, "id": 0} for row in shown]
    assert run.refused(tariff.app, "set", "Copy", "--no-origin-deck") == "origin_in_use"
