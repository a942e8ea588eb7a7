"""The pages that connect a switch are true: every format has one, and its commands are typed as they stand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.databases import TestDatabase
from tests.places import ROOT
from tests.scenarios.test_guide import Terminal, blocks
from tests.unit.usage.golden import FOLDER
from trunkline.usage.decode import FORMATS

PAGES = ROOT / "docs" / "guide" / "connect"
NAMES = tuple(name for name in FORMATS if name != "mapping_with_header")  # its page is that of `mapping`
MAPPING = {
    "mapping": {
        "name": "mine",
        "file": {"kind": "delimited", "columns": ["id", "to", "at", "secs"]},
        "record": {"key": "id", "called": "`to`", "start": "at", "duration": "secs"},
    }
}


def sample(name: str, folder: Path, called: str) -> None:
    """The file of a page: the format's golden one."""
    if name == "mapping":
        (folder / "options.json").write_text(json.dumps(MAPPING))
        (folder / called).write_text("1,442079460123,2026-01-02 17:00:00,5\n")
        return
    (path,) = (path for path in FOLDER.glob(f"{name}.*") if path.suffix != ".expected")
    shutil.copy(path, folder / called)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_a_page_that_says_how_to_connect_it(name: str) -> None:
    text = page(name)
    (block,) = blocks(PAGES / f"{name}.md")
    assert f"--format {name}" in block.commands
    assert re.findall(r"^## .*$", text, re.MULTILINE) == ["## On the switch", "## In Trunkline", "## What to check"]
    assert f"connect/{name}.md" in (ROOT / "docs" / "guide" / "connect-a-switch.md").read_text()


@pytest.fixture
def terminal(tmp_path: Path, committed_db: TestDatabase) -> Terminal:
    made = Terminal(tmp_path / "checkout", committed_db)
    made.type("bin/trunkline tenant add 'Try Telecom' --currency USD\nexport TRUNKLINE_TENANT=try-telecom")
    return made


@pytest.mark.slow
def test_the_commands_of_every_page_work(terminal: Terminal) -> None:
    for name in NAMES:
        (block,) = blocks(PAGES / f"{name}.md")
        (called,) = re.findall(r"usage load (\S+)", block.commands)
        sample(name, terminal.folder, called)
        printed = terminal.type(block.commands)
        assert name in printed


@pytest.mark.slow
def test_a_lost_call_is_looked_for_as_the_page_says(terminal: Terminal) -> None:
    sample("asterisk", terminal.folder, "Master.csv")
    terminal.type(
        "bin/trunkline switch add pbx --format asterisk --timezone Africa/Nairobi\n"
        "bin/trunkline usage load Master.csv --switch pbx"
    )
    found = blocks(ROOT / "docs" / "guide" / "find-a-lost-call.md")
    printed = [terminal.type(block.commands) for block in found]
    assert len(found) == 7
    assert "unknown_sell" in printed[1]
