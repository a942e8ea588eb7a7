"""The pages hold together: every link leads somewhere, every page is in the index, and the operations pages name what the program has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.places import ROOT
from trunkline.cli.bench import NAMES
from trunkline.cli.main import GROUPS, build
from trunkline.engine.vectors import read_rating, run
from trunkline.usage.decode import FORMATS

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in LINK.findall(prose(index))}
    pages = {page for page in DOCS.rglob("*.md") if page != index and page.parent.name != "adr"}
    assert pages - linked == set()


def test_every_fault_step_is_on_its_page() -> None:
    steps: set[str] = set()
    for source in (ROOT / "src").rglob("*.py"):
        steps |= set(re.findall(r'\breached\("(\w+)"\)', source.read_text()))
    named = re.findall(r"^\| `(\w+)` \|", (DOCS / "operations/faults.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(steps)


def test_every_bench_is_on_its_page() -> None:
    named = re.findall(r"^\| `(\w+)` \|", (DOCS / "operations/figures.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(NAMES)


def test_every_format_has_a_page() -> None:
    assert {name for name in FORMATS if not (DOCS / f"formats/{name}.md").exists()} == set()


def test_the_worked_examples_of_the_page_come_true() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", (DOCS / "formats/vectors.md").read_text(), re.MULTILINE | re.DOTALL)
    results = run(read_rating(text))
    assert [(result.id, result.passed) for result in results] == [
        ("by day", True),
        ("at night", True),
        ("elsewhere", True),
    ]


def commands(page: Path) -> Iterator[list[str]]:
    """The words after `bin/trunkline` wherever a page writes it, in its blocks and in its sentences."""
    text = page.read_text().replace("\\\n", " ")
    for found in re.finditer(r"(?:bin/|`)trunkline (?P<inside>[^`\n]*)", text):
        line = re.split(r"[|;>)]| #", re.sub(r'"[^"]*"', "TEXT", found["inside"]))[0]
        yield shlex.split(line.replace("'", " "))


def parameters(command: Any, name: str = "trunkline") -> Iterator[tuple[str, Any]]:
    """Every parameter of every command below, with the command's name."""
    for parameter in command.params:
        yield name, parameter
    for inner, below in getattr(command, "commands", {}).items():
        yield from parameters(below, f"{name} {inner}")


def test_every_to_of_a_time_says_that_it_is_not_included() -> None:
    found = {
        name: parameter.help
        for name, parameter in parameters(typer.main.get_command(build(list(GROUPS))))
        if "--to" in parameter.opts and not parameter.help.startswith("Folder")
    }
    assert len(found) >= 10
    assert {name: said for name, said in found.items() if not said.endswith("itself not included.")} == {}


def test_every_command_on_a_page_is_there() -> None:
    root = typer.main.get_command(build(list(GROUPS)))
    wrong = []
    for page in PAGES:
        for given in commands(page):
            words, command = list(given), root
            while words and re.fullmatch(r"[a-z-]+", words[0]) and not words[0].startswith("-"):
                inner = getattr(command, "commands", None)
                if inner is None:
                    break
                if words[0] not in inner:
                    wrong.append((page.name, " ".join(given)))
                    break
                command = inner[words.pop(0)]
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            options = {word for word in words if re.fullmatch(r"--[a-z-]+", word)} - {"--help"}
            if options - known:
                wrong.append((page.name, " ".join(given)))
    assert wrong == []
