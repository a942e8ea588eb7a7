"""What a pricing team types: an agreement, a template, a sheet that is looked at, applied and undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.db.pricing.test_imports import FIRST, HEAD
from tests.db.tariffs.test_commands import RUNNER, Shell
from trunkline.cli import agreement, sheet, tariff


@pytest.fixture
def run(tenant: Any) -> Shell:
    return Shell(tenant.slug)


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_vendors_sheets_from_the_agreement_to_the_undoing(run: Shell, tmp_path: Path) -> None:
    run(tariff.app, "add", "Alpine buy", "--currency", "USD", "--timezone", "UTC")
    run(agreement.app, "set", "Alpine", "--increase", "7", "--cut-off", "17:00", "--holiday", "2026-12-25")
    run(agreement.app, "set", "Alpine", "--closed", "5", "--business")
    (terms,) = run.json(agreement.app, "list")["agreements"]
    assert {name: terms[name] for name in ("increase", "closed", "new", "cut_off", "business", "on_breach")} == {
        "increase": 7, "closed": 5, "new": 0, "cut_off": "17:00", "business": True, "on_breach": "push",
    }  # fmt: skip
    first = written(tmp_path, "first.csv", FIRST)
    read = json.loads(RUNNER.invoke(sheet.app, ["read", first, "--json"]).stdout)
    layout = written(tmp_path, "layout.json", json.dumps(read["layout"]))
    run(
        sheet.app, "template", "Alpine", "--tariff", "Alpine buy", "--agreement", "Alpine", "--scope", "full", "--layout", layout, "--check", "moved=stop",
    )  # fmt: skip
    loaded = run.json(sheet.app, "load", first, "--template", "Alpine", "--received", "2026-03-02T12:00:00Z", "--apply")
    assert (loaded["state"], loaded["scope"], loaded["agreement"], loaded["counts"]["new"]) == (
        "applied", "full", "Alpine", 5,
    )  # fmt: skip
    second = written(
        tmp_path, "second.csv", HEAD + "Kenya,254,0.06,2026-03-20,60/1\nKenya Mob,2547,0.10,2026-03-20,60/60\n"
    )
    stopped = run.json(
        sheet.app, "load", second, "--template", "Alpine", "--received", "2026-03-16T12:00:00Z", "--scope", "partial"
    )
    assert [(each["kind"], each["code"], each["begins"]) for each in stopped["changes"]] == [
        ("increase", "254", "2026-03-25"),
        ("moved", "2547", "2026-03-20"),
    ]
    assert run.refused(sheet.app, "apply", stopped["id"]) == "stopped_by_checks"
    assert (
        run.json(sheet.app, "apply", stopped["id"], "--overrule", "moved", "--reason", "new name")["state"] == "applied"
    )
    assert run.json(sheet.app, "undo", stopped["id"], "--reason", "old name after all")["state"] == "undone"
    assert [(each["file"], each["state"]) for each in run.json(sheet.app, "list")["sheets"]] == [
        ("second.csv", "undone"),
        ("first.csv", "applied"),
    ]
    third = run.json(sheet.app, "load", second, "--template", "Alpine", "--scope", "partial")
    assert run.json(sheet.app, "discard", third["id"], "--reason", "no")["state"] == "discarded"
    for part in ("Lines", "Checks", "Changes", "increase"):
        assert part in run(sheet.app, "show", stopped["id"])


def test_what_cannot_be_done_is_said(run: Shell, tmp_path: Path) -> None:
    run(tariff.app, "add", "Alpine buy", "--currency", "USD", "--timezone", "UTC")
    first = written(tmp_path, "first.csv", FIRST)
    refusals = {
        run.refused(sheet.app, "load", first),
        run.refused(sheet.app, "load", str(tmp_path / "none.csv"), "--tariff", "Alpine buy"),
        run.refused(sheet.app, "load", first, "--tariff", "Alpine buy", "--scope", "all"),
        run.refused(sheet.app, "load", first, "--template", "none"),
        run.refused(sheet.app, "show", "01a227f7-790f-7dc6-b1bb-c552a1b897f0"),
        run.refused(sheet.app, "show", "x"),
        run.refused(agreement.app, "set", "A", "--holiday", "Christmas"),
        run.refused(agreement.app, "set", "A", "--counting", "hours", "--business"),
        run.refused(agreement.app, "set", "A", "--timezone", "Alps"),
        run.refused(agreement.app, "set", "A", "--increase", "400"),
    }
    assert refusals == {
        "tariff_needed", "no_such_file", "unknown_scope", "not_found", "bad_date", "bad_notice", "unknown_timezone",
    }  # fmt: skip
