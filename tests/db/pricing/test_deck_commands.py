"""Code decks, destination groups and special rates as somebody types them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.db.pricing.test_commands import written
from tests.db.tariffs.test_commands import Shell
from trunkline.cli import deck, destination_group, sheet, special, tariff

CODES = "code,destination\n254,Kenya\n2547,Kenya Mobile\n25473,Kenya Mobile\n44,United Kingdom\n447,UK Mobile\n"


@pytest.fixture
def run(tenant: Any, data_folder: Path) -> Shell:
    return Shell(tenant.slug)


def test_a_deck_from_its_file_to_its_export(run: Shell, tmp_path: Path) -> None:
    first = run.json(deck.app, "import", written(tmp_path, "world.csv", CODES), "--deck", "World", "--apply")
    assert (first["state"], first["counts"]["added"]) == ("applied", 5)
    assert run.json(deck.app, "list")["decks"] == [
        {"name": "World", "codes": 5, "default": True, "id": run.json(deck.app, "list")["decks"][0]["id"]}
    ]
    other = written(
        tmp_path, "new.csv", "Destination;Code\nKenya Fixed;254\nUganda;256\nUganda 2;256\nUganda;x\nEnd;999\n"
    )
    second = run.json(deck.app, "import", other, "--mode", "update")
    assert [(row["kind"], row["code"]) for row in second["lines"]][:3] == [
        ("contradicted", "256"), ("contradicted", "256"), ("renamed", "254"),
    ]  # fmt: skip
    assert second["unreadable"][0]["reason"] == "bad_code"
    assert run.refused(deck.app, "apply", second["id"]) == "deck_has_conflicts"
    assert run.json(deck.app, "apply", second["id"], "--skip-conflicts")["counts"]["changed"] == 1
    assert run.json(deck.app, "undo", second["id"], "--reason", "wrong")["state"] == "undone"
    third = run.json(deck.app, "import", other)
    assert run.json(deck.app, "discard", third["id"], "--reason", "no")["state"] == "discarded"
    assert run.json(deck.app, "name", "255,256", "East", "--reason", "by letter")["counts"]["added"] == 2
    assert [each["source"] for each in run.json(deck.app, "changes", "--deck", "World")["changes"]] == [
        "hand", "sheet", "sheet", "sheet",
    ]  # fmt: skip
    for ending in ("csv", "xlsx"):
        out = tmp_path / f"out.{ending}"
        run(deck.app, "export", str(out))
        back = run.json(deck.app, "import", str(out), "--mode", "update")
        assert {kind for kind, count in back["counts"].items() if count} == {"same", "lines"}
    assert [each["code"] for each in run.json(deck.app, "codes", "--prefix", "44")["codes"]] == ["44", "447"]
    assert [each["code"] for each in run.json(deck.app, "codes", "--name", "Kenya M")["codes"]] == ["2547", "25473"]
    assert "Kenya Mobile" in run(deck.app, "codes")
    assert run.json(deck.app, "world", "Start", "--depth", "countries", "--apply")["counts"]["added"] > 200
    run(deck.app, "set", "Start", "--default", "--rename", "Countries")
    assert [(each["name"], each["default"]) for each in run.json(deck.app, "list")["decks"]] == [
        ("Countries", True), ("World", False),
    ]  # fmt: skip
    for shown in (run(deck.app, "list"), run(deck.app, "changes"), run(deck.app, "show", second["id"])):
        assert "World" in shown
    refusals = {
        run.refused(deck.app, "import", other, "--mode", "replace"),
        run.refused(deck.app, "import", str(tmp_path / "none.csv"), "--deck", "World"),
        run.refused(deck.app, "export", str(tmp_path / "out.pdf")),
        run.refused(deck.app, "codes", "--deck", "No"),
        run.refused(deck.app, "show", second["id"], "--kind", "odd"),
    }
    assert refusals == {"unknown_mode", "no_such_file", "unknown_format", "deck_not_found", "unknown_kind"}


def test_a_group_its_special_rate_and_a_sheet_below_it(run: Shell, tmp_path: Path) -> None:
    run(deck.app, "import", written(tmp_path, "world.csv", CODES), "--deck", "World", "--apply")
    run(tariff.app, "add", "Retail", "--currency", "USD", "--timezone", "UTC")
    rates = written(
        tmp_path, "rates.csv", "code,destination,price\n254,Kenya,1\n2547,Kenya Mobile,2\n447,UK Mobile,3\n"
    )
    run(tariff.app, "load-rates", "Retail", rates)
    run(
        destination_group.app,
        "set",
        "Mobiles",
        "--country",
        "KE",
        "--country",
        "GB",
        "--kind",
        "mobile",
        "--note",
        "ours",
    )
    run(destination_group.app, "set", "Mobiles", "--add", "Kenya", "--remove", "UK Mobile")
    assert [each["destination"] for each in run.json(destination_group.app, "show", "Mobiles")["destinations"]] == [
        "Kenya", "Kenya Mobile",
    ]  # fmt: skip
    run(destination_group.app, "set", "Mobiles", "--remove", "Kenya", "--rename", "KE mobiles")
    assert run.json(destination_group.app, "list")["groups"] == [
        {"name": "KE mobiles", "destinations": 1, "note": "ours"}
    ]
    made = run.json(
        special.app, "add", "Retail", "0.5", "--from", "2026-04-01", "--group", "KE mobiles", "--increments", "60/1", "--note", "tender",
    )  # fmt: skip
    assert (made["rates"], made["target"], made["for"], made["valid_from"]) == (
        2, "KE mobiles", "group", "2026-04-01T00:00:00Z",
    )  # fmt: skip
    text = "Destination,Code,Rate,Effective Date\nKenya,254,1.1,2026-05-01\nKenya Mobile,2547,2.2,2026-05-01\nUK Mobile,447,3.3,2026-05-01\n"
    loaded = run.json(
        sheet.app, "load", written(tmp_path, "s.csv", text), "--tariff", "Retail", "--received", "2026-04-20", "--scope", "full",
    )  # fmt: skip
    assert [(each["check"], each["codes"]) for each in loaded["findings"] if each["check"] == "special"] == [
        ("special", ["2547"])
    ]
    assert [(each["kind"], each["code"]) for each in loaded["changes"]] == [
        ("increase", "254"), ("increase", "2547"), ("increase", "447"),
    ]  # fmt: skip
    assert loaded["closed"] == []
    ended = run.json(special.app, "end", made["id"], "--on", "2026-06-01", "--reason", "over")
    assert (ended["rates"], ended["valid_to"]) == (2, "2026-06-01T00:00:00Z")
    assert run(special.app, "list", "--tariff", "Retail").startswith("Special rates")
    assert [each["target"] for each in run.json(special.app, "list", "--tariff", "Retail")["special_rates"]] == [
        "KE mobiles"
    ]
    refusals = {
        run.refused(special.app, "add", "Retail", "0.5", "--from", "2026-04-01"),
        run.refused(special.app, "add", "Retail", "0.5", "--from", "2026-04-01", "--destination", "Atlantis"),
        run.refused(special.app, "add", "Retail", "0.5", "--from", "2026-04-01", "--group", "No"),
        run.refused(special.app, "end", "01a227f7-790f-7dc6-b1bb-c552a1b897f0", "--on", "2026-04-01"),
        run.refused(destination_group.app, "set", "X", "--country", "Kenya"),
        run.refused(destination_group.app, "set", "X", "--country", "KE", "--kind", "odd"),
    }
    assert refusals == {
        "one_target", "destination_not_found", "group_not_found", "special_rate_not_found", "unknown_country", "unknown_kind",
    }  # fmt: skip
