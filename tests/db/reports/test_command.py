"""`trunkline report`."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.db.reports.records import make_account, make_segment, record
from trunkline.cli.report import app
from trunkline.core.errors import TrunklineError
from trunkline.reports.queries import get_saved_report, saved_reports
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


def test_tags_and_jurisdiction_are_keys_and_filters_like_any_other(carrier: Any, tmp_path: Path) -> None:
    for ending in ("csv", "json", "xlsx", "parquet"):
        run("summary", "--by", "jurisdiction,tags", "--figures", "calls", "--out", str(tmp_path / f"s.{ending}"))
    assert (tmp_path / "s.csv").read_text().splitlines()[:2] == [
        "jurisdiction,tags,calls,currency",
        "international,,1,USD",
    ]
    assert json.loads((tmp_path / "s.json").read_text())["rows"] == [
        {"jurisdiction": "international", "tags": None, "calls": 1}
    ]
    assert pq.read_table(tmp_path / "s.parquet").to_pylist() == [
        {"jurisdiction": "international", "tags": None, "calls": 1}
    ]
    run(
        "save",
        "abroad",
        "--by",
        "jurisdiction",
        "--figures",
        "calls",
        "--jurisdiction",
        "International",
        "--tag",
        "night",
    )
    shown = json.loads(run("run", "abroad", "--format", "json"))
    assert (shown["rows"], shown["totals"]["calls"]) == ([], 0)
    assert "international" in run("summary", "--by", "jurisdiction", "--format", "chart", "--measure", "calls")
    assert refused("summary", "--jurisdiction", "galactic") == "unknown_jurisdiction"


def test_csv_on_the_standard_output(carrier: Any) -> None:
    assert run("margin", "--by", "", "--format", "csv").splitlines()[1] == "1,1,1.0000,1.0000,1,0.75,0.25,25.00,USD"


def test_what_cannot_be_given_out_is_said(carrier: Any, tmp_path: Path) -> None:
    assert refused("margin", "--format", "xlsx") == "no_file"
    assert refused("margin", "--out", str(tmp_path / "report.txt")) == "table_file"
    assert refused("margin", "--by", "colour") == "unknown_key"
    assert refused("margin", "--from", "yesterday") == "bad_time"
    assert refused("summary", "--account", "nobody") == "account_not_found"
    assert refused("summary", "--format", "parquet") == "no_file"
    assert refused("summary", "--figures", "colour") == "unknown_column"
    assert refused("summary", "--compare", "previous") == "compare_period"
    assert refused("summary", "--compare", "last year") == "bad_comparison"
    assert refused("summary", "--chart", str(tmp_path / "chart.jpg")) == "chart_file"
    assert refused("summary", "--by", "", "--chart", str(tmp_path / "chart.svg")) == "chart_keys"
    assert [each for each in tmp_path.iterdir() if each.is_file()] == []


def test_a_chart_beside_a_file(carrier: Any, tmp_path: Path) -> None:
    run("margin", "--by", "account", "--out", str(tmp_path / "m.parquet"), "--chart", str(tmp_path / "m.svg"))
    run("margin", "--by", "day", "--format", "csv", "--chart", str(tmp_path / "m.png"), "--measure", "revenue")
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["m.parquet", "m.png", "m.svg"]
    assert pq.read_table(tmp_path / "m.parquet").column("revenue").to_pylist() == [Decimal("1.00000000")]
    assert ">Acme</text>" in (tmp_path / "m.svg").read_text()


def test_a_chart_on_the_screen(carrier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("margin", "--by", "vendor", "--format", "chart", "--measure", "cost", "--from", "2026-03-01")
    assert shown.splitlines() == [
        "Margin, from 2026-03-01 00:00, UTC, amounts in USD",
        "Cost USD",
        "Beta Net 0.75 " + "█" * 66,
    ]


def test_percentiles_are_added_when_asked_for(carrier: Any) -> None:
    heading, row, _ = run("summary", "--by", "account", "--percentiles", "--format", "csv").splitlines()
    assert heading.endswith("margin_percent,pdd_p50,pdd_p95,duration_p50,duration_p95,currency")
    assert row.endswith("25.00,,,60,60,USD")


def test_a_report_is_saved_run_listed_and_removed(carrier: Any) -> None:
    asked = ("--view", "margin", "--by", "account", "--figures", "revenue,cost", "--from", "2026-03-01")
    run("save", "monthly", *asked, "--to", "2026-04-01", "--measure", "cost")
    assert run("run", "monthly", "--format", "csv") == (
        "account,revenue,cost,currency\nAcme,1,0.75,USD\nTotal,1,0.75,USD\n"
    )
    assert run("run", "monthly", "--from", "2026-03-02", "--format", "csv") == (
        "account,revenue,cost,currency\nTotal,0,0,USD\n"
    )
    assert run("run", "monthly", "--format", "chart").splitlines()[1] == "Cost USD"
    run("save", "daily", "--by", "")
    assert json.loads(run("list", "--json")) == [
        {"name": "daily", "view": "summary", "by": ""},
        {
            "name": "monthly",
            "view": "margin",
            "by": "account",
            "from": "2026-03-01",
            "to": "2026-04-01",
            "figures": "revenue,cost",
            "measure": "cost",
        },
    ]
    run("save", "daily", "--by", "day", "--sort", "margin")
    run("remove", "monthly")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in run("list").splitlines() if "│" in line]
    assert cells == [["daily", "summary", "day", "sort margin"]]
    assert refused("run", "monthly") == "report_not_found"
    assert refused("remove", "monthly") == "report_not_found"


def test_a_question_that_makes_no_sense_is_not_saved(carrier: Any) -> None:
    assert refused("save", " ") == "bad_name"
    assert refused("save", "x" * 121) == "bad_name"
    assert refused("save", "a", "--view", "traffic") == "unknown_report"
    assert refused("save", "a", "--by", "colour") == "unknown_key"
    assert refused("save", "a", "--view", "margin", "--sort", "asr") == "unknown_column"
    assert refused("save", "a", "--measure", "colour") == "unknown_column"
    assert json.loads(run("list", "--json")) == []


def test_a_saved_report_is_of_one_tenant(carrier: Any, other_tenant: Any) -> None:
    run("save", "monthly", "--by", "account")
    with scope(other_tenant, "test"):
        assert list(saved_reports()) == []
        with pytest.raises(TrunklineError) as caught:
            get_saved_report("monthly")
        assert caught.value.code == "report_not_found"
