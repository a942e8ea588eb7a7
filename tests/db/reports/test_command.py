"""`trunkline report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.db.reports.records import make_account, make_segment, record
from trunkline.cli.report import app
from trunkline.core.errors import TrunklineError
from trunkline.tenancy.scope import scope


@pytest.fixture
def carrier(tenant: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tenant with one call of 1.00 sold and 0.75 bought, and a wide terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    with scope(tenant, "test"):
        sell, buy = make_account("acme", "Acme").pk, make_account("beta", "Beta Net").pk
        make_segment([record(sell=(sell, "1"), buy=(buy, "0.75"))])
    return tenant


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--tenant", "alpha-carrier"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str) -> str:
    with pytest.raises(TrunklineError) as caught:
        run(*arguments)
    return caught.value.code


def test_margin_as_a_table(carrier: Any) -> None:
    shown = run("margin", "--from", "2026-03-01", "--to", "2026-03-02")
    assert "Margin, 2026-03-01 00:00 to 2026-03-02 00:00, UTC, amounts in USD" in " ".join(shown.split())
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert cells == [
        ["Acme", "Beta Net", "1", "1", "1.0000", "1.0000", "1.00", "0.75", "0.25", "25.00"],
        ["Total", "", "1", "1", "1.0000", "1.0000", "1.00", "0.75", "0.25", "25.00"],
    ]


def test_summary_as_json_on_the_standard_output(carrier: Any) -> None:
    shown = json.loads(run("summary", "--by", "day,vendor", "--format", "json", "--zone", "Africa/Nairobi"))
    assert shown["by"] == ["day", "vendor"]
    assert shown["zone"] == "Africa/Nairobi"
    (row,) = shown["rows"]
    assert row == {
        "day": "2026-03-01",
        "vendor": "Beta Net",
        "attempts": 1,
        "calls": 1,
        "connected": 1,
        "asr": "100.00",
        "acd": "60.0",
        "pdd": None,
        "minutes": "1.0000",
        "billed_minutes": "1.0000",
        "cost_minutes": "1.0000",
        "revenue": "1",
        "cost": "0.75",
        "margin": "0.25",
        "margin_percent": "25.00",
    }
    assert shown["totals"]["margin"] == "0.25"


def test_a_file_has_the_format_of_its_ending(carrier: Any, tmp_path: Path) -> None:
    run("margin", "--by", "account", "--out", str(tmp_path / "m.csv"))
    run("margin", "--by", "account", "--out", str(tmp_path / "m.json"))
    run("margin", "--by", "account", "--out", str(tmp_path / "m.xlsx"))
    assert (tmp_path / "m.csv").read_bytes() == (
        b"account,calls,connected,minutes,billed_minutes,revenue,cost,margin,margin_percent,currency\n"
        b"Acme,1,1,1.0000,1.0000,1,0.75,0.25,25.00,USD\n"
        b"Total,1,1,1.0000,1.0000,1,0.75,0.25,25.00,USD\n"
    )
    assert json.loads((tmp_path / "m.json").read_text())["rows"][0]["margin"] == "0.25"
    assert (tmp_path / "m.xlsx").read_bytes()[:2] == b"PK"
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["m.csv", "m.json", "m.xlsx"]


def test_csv_on_the_standard_output(carrier: Any) -> None:
    assert run("margin", "--by", "", "--format", "csv").splitlines()[1] == "1,1,1.0000,1.0000,1,0.75,0.25,25.00,USD"


def test_what_cannot_be_given_out_is_said(carrier: Any, tmp_path: Path) -> None:
    assert refused("margin", "--format", "xlsx") == "no_file"
    assert refused("margin", "--out", str(tmp_path / "report.txt")) == "table_file"
    assert refused("margin", "--by", "colour") == "unknown_key"
    assert refused("margin", "--from", "yesterday") == "bad_time"
    assert refused("summary", "--account", "nobody") == "account_not_found"
    assert [each for each in tmp_path.iterdir() if each.is_file()] == []
