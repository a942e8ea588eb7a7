"""The guide page is true: its commands are typed as they stand, at the mail server of the test in place of imap.example.net."""

from __future__ import annotations

import json
from pathlib import Path

from tests.databases import TestDatabase
from tests.db.mailbox.desk import SHEET, Desk
from tests.places import ROOT
from tests.scenarios.test_guide import Terminal, blocks, rows
from trunkline.tenancy.actions import create_tenant

PAGE = ROOT / "docs" / "guide" / "sheets-by-mail.md"


def test_sheets_come_by_mail_as_the_guide_says(desk: Desk, committed_db: TestDatabase, tmp_path: Path) -> None:
    create_tenant(name="Acme", slug="acme", currency="USD", timezone="UTC", actor="test", at=desk.now)
    terminal = Terminal(tmp_path / "checkout", committed_db)
    (terminal.folder / "password.txt").write_text(f"{desk.peer.secret}\n")
    server = f"--host {desk.peer.host} --port {desk.peer.port} --fingerprint {desk.peer.pin}"
    found = blocks(PAGE)
    assert len(found) == 5
    for number, block in enumerate(found):
        printed = terminal.type(block.commands.replace("--host imap.example.net", server))
        if block.printed is not None:
            assert rows(printed) == rows(block.printed), block.commands
        if number == 2:
            assert terminal.type("bin/trunkline mailbox check") == "nothing waits\n"
    rule = json.loads((terminal.folder / "rates.json").read_text())["rules"][1]
    assert (rule["applies_itself"], rule["limit_cost"], rule["limit_drop"]) == (True, "200", 10)
    desk.send(("alpine.csv", SHEET), sender="rates@alpine.example")
    desk.send(("news.csv", SHEET), subject="Our newsletter")
    said = json.loads(terminal.type("bin/trunkline mailbox run rates --json"))["messages"]
    assert [(each["rule"], each["state"]) for each in said] == [("alpine", "waiting"), ("newsletters", "ignored")]
    assert "first sheet by this template" in said[0]["detail"]
