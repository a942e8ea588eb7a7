"""The README and the first invoice are true: their commands are typed as they stand, and print what the page shows.

Blocks marked `sh` are commands; a block marked `text` right after one is what it prints. What differs from one day or machine to the next
(ids, seconds, dates of issue) is masked on both sides.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pypdf
import pytest

from tests.databases import TestDatabase
from tests.places import ROOT

BLOCK = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```$)?", re.MULTILINE | re.DOTALL)
OF_THE_DAY = {"Seconds", "Due", "Booked", "Batch"}  # columns
IDS = re.compile(r"\b(identity|assignment) \d+")
TOOK = re.compile(r"\d+\.\d s$")
WIDTH = "124"  # of the window in which the page was written


@dataclass(frozen=True)
class Block:
    """Commands of a page, and what it says they print, None where it shows nothing."""

    commands: str
    printed: str | None


def blocks(page: Path) -> list[Block]:
    """The commands of a page in their order."""
    return [Block(found["commands"], found["printed"]) for found in BLOCK.finditer(page.read_text())]


def rows(printed: str) -> list[list[str]]:
    """Lines and table rows as cells, without frames and blank lines; what is of the day is masked."""
    found: list[list[str]] = []
    heads: list[str] = []
    for line in printed.splitlines():
        if not line.strip() or line[0] in "┏┡└├":
            continue
        if line[0] not in "┃│":
            found.append([TOOK.sub("… s", IDS.sub(r"\1 N", line.strip()))])
            continue
        cells = [cell.strip() for cell in line[1:-1].split(line[0])]
        if line[0] == "┃":
            heads = cells
        else:
            cells = ["…" if head in OF_THE_DAY and cell else cell for head, cell in zip(heads, cells, strict=True)]
        found.append(cells)
    return found


class Terminal:
    """A shell in an empty folder with `bin/trunkline` in it; what is exported in one block holds in the next."""

    def __init__(self, folder: Path, database: TestDatabase) -> None:
        self.folder = folder
        command = folder / "bin" / "trunkline"
        command.parent.mkdir(parents=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trunkline "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        # Two dozen processes would each compile what they import.
        self.environment = database.environment | {"PYTHONDONTWRITEBYTECODE": "", "COLUMNS": WIDTH}
        self.environment.pop("TRUNKLINE_TENANT", None)
        self.exported = folder / "exported"
        self.exported.touch()

    def type(self, commands: str) -> str:
        """Run commands as a shell script that stops at the first failure; what they print, remarks included."""
        script = (
            f"set -e\n. {self.exported}\n{commands}\nexport -p | grep TRUNKLINE_TENANT= > {self.exported} || true\n"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path, committed_db: TestDatabase) -> Terminal:
    return Terminal(tmp_path / "checkout", committed_db)


def follow(terminal: Terminal, page: Path, shown: Callable[[list[list[str]]], list[list[str]]] = list) -> None:
    """Type the commands of a page and compare what they print with what it says; `shown` leaves out what differs from day to day."""
    found = blocks(page)
    assert found
    for block in found:
        printed = terminal.type(block.commands)
        if block.printed is not None:
            assert shown(rows(printed)) == shown(rows(block.printed)), block.commands


def words(document: Path) -> str:
    return " ".join(page.extract_text() for page in pypdf.PdfReader(document).pages)


@pytest.mark.slow
def test_the_first_invoice_comes_out_as_the_guide_says(terminal: Terminal) -> None:
    follow(terminal, ROOT / "docs" / "guide" / "first-invoice.md")
    made = {path.name for path in (terminal.folder / "first").iterdir()}
    assert {"preview.pdf", "ACA-0001.pdf", "ACA-0001.records.csv", "ACA-0001.records.parquet"} <= made
    text = words(terminal.folder / "first" / "ACA-0001.pdf")
    assert "Acacia Telecom Ltd" in text
    assert "Total USD 2.34" in text
    assert len((terminal.folder / "first" / "ACA-0001.records.csv").read_text().splitlines()) == 1 + 8


@pytest.mark.slow
def test_who_reads_only_the_readme_has_an_invoice(terminal: Terminal) -> None:
    follow(terminal, ROOT / "README.md")
    text = words(terminal.folder / "MY-0001.pdf")
    assert "Baobab Travel" in text
    # 600 s at 0.05, 61 s of a first minute and a second at 0.12, 125 s at 0.015; 16 % of 0.65 is 0.104.
    assert "Net 0.65" in text
    assert "Total USD 0.75" in text


@pytest.mark.slow
def test_a_wrong_price_is_corrected_as_the_guide_says(terminal: Terminal) -> None:
    for block in blocks(ROOT / "README.md"):
        terminal.type(block.commands)
    follow(terminal, ROOT / "docs" / "guide" / "correct-a-wrong-price.md")
    assert (
        "bin/trunkline usage rerate --tenant my --tariff retail --from 2026-03-01"
        in (terminal.folder / "proposed.json").read_text()
    )
    assert "Priced again on" in (terminal.folder / "now.txt").read_text()


RUN_FACTS = {"id", "run_at", "prices_at", "effective_at", "sheet", "begins_at", "applied_at"}
INSTANT = re.compile(r"20[0-9-]{8}(?:[T ][0-9:]{5,8}Z?)?|[0-9a-f-]{36}")


def without_days(found: list[list[str]]) -> list[list[str]]:
    """Rows of runs: what was asked for today, and ids."""
    kept = [row for row in found if row[0] not in RUN_FACTS]
    return [[INSTANT.sub("…", cell) for cell in row] for row in kept]


@pytest.mark.slow
def test_a_selling_tariff_is_made_as_the_guide_says(terminal: Terminal) -> None:
    follow(terminal, ROOT / "docs" / "guide" / "make-a-selling-tariff.md", without_days)
    assert "increase" in (terminal.folder / "second.txt").read_text()


@pytest.mark.slow
def test_a_customer_is_told_of_a_change_as_the_guide_says(terminal: Terminal) -> None:
    follow(terminal, ROOT / "docs" / "guide" / "send-a-rate-change.md")
    sent = json.loads((terminal.folder / "sent.json").read_text())
    assert (sent["state"], [each["address"] for each in sent["mails"]]) == ("sent", ["ada@zebra.example"])
    assert json.loads((terminal.folder / "change.json").read_text())["counts"] == {"increase": 1}


def test_the_pages_mark_their_commands() -> None:
    for name, least in (
        ("README.md", 4),
        ("docs/guide/first-invoice.md", 12),
        ("docs/guide/correct-a-wrong-price.md", 6),
        ("docs/guide/make-a-selling-tariff.md", 6),
        ("docs/guide/send-a-rate-change.md", 6),
    ):
        found = blocks(ROOT / name)
        assert len(found) >= least
        assert all("bin/trunkline " in block.commands for block in found)
