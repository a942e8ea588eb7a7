"""The power fails in the middle of a look; looked again, each mail has become one sheet, as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.db.mailbox.desk import SHEET, Desk
from trunkline.core.money import Amount

STEPS = ("mail_seen", "mail_planned", "mail_compared", "mail_applied")


def run(desk: Desk, *arguments: str, fault: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trunkline", "mailbox", *arguments, "--tenant", "desk"]
    environment = desk.database.environment | ({"TRUNKLINE_FAULT": fault} if fault else {})
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("step", STEPS)
def test_a_mail_becomes_one_sheet_and_is_applied_once(desk: Desk, step: str) -> None:
    desk.rule(applies_itself=True, limit_cost=Amount.zero())
    desk.send(("rates.csv", SHEET))
    assert run(desk, "run", "rates", fault=step).returncode == -9
    done = run(desk, "run", "rates", "--json")
    assert done.returncode == 0, done.stderr
    (mail,) = json.loads(done.stdout)["messages"]
    assert (mail["state"], [each["state"] for each in mail["sheets"]]) == ("applied", ["applied"])
    assert [sheet.state for sheet in desk.imports()] == ["applied"]
    assert desk.codes() == ["254", "2547", "256"]
    assert json.loads(run(desk, "run", "rates", "--json").stdout)["messages"] == []
