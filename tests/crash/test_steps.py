"""The power fails at every named step, for the worker or for PostgreSQL; done again, it is as if nothing had happened (faults.md)."""

from __future__ import annotations

import re

import pytest

from tests.crash.folder import Folder
from tests.places import ROOT

pytestmark = pytest.mark.crash

VICTIMS = ("", ":postgres")
LOAD = ("registered", "decoding", "temporary_written", "renamed", "before_commit", "after_commit", "sweeping")
WATCH = ("registered", "renamed", "before_commit", "after_commit", "before_source_moved")
RESEND = ("registered", "superseding", "before_commit", "before_source_moved")
INVOICE = (
    "invoice_records_written",
    "invoice_before_number",
    "invoice_after_number",
    "invoice_pdf_written",
    "invoice_files_renamed",
    "invoice_before_commit",
    "invoice_after_commit",
)


def load(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "load", str(folder.files / "march.csv"), "--switch", "core"), fault)


def watch(folder: Folder, fault: str = "") -> None:
    if fault or not (folder.files / "watched" / "done").exists():
        folder.put_into_watched()
    _do(folder, ("worker", "--once"), fault)


def resend(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "resend", "--batch", folder.ids["march.csv"]), fault)


def invoice(folder: Folder, fault: str = "") -> None:
    _do(folder, ("invoice", "issue", "--account", "cust", "--period", "2026-03"), fault)


def _do(folder: Folder, command: tuple[str, ...], fault: str) -> None:
    """Run it as it must end: killed at the step, or without its server with a message and no traceback, or well."""
    done = folder.run(*command, fault=fault)
    if not fault:
        assert done.code == 0, done
    elif fault.endswith(":postgres"):
        assert done.code == 0 or (done.code == 1 and "error: PostgreSQL went away" in done.err), done
        assert command[0] == "worker" or "Traceback" not in done.err, done
    else:
        assert done.code == -9, done


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", LOAD)
def test_a_file_is_taken_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", load)
    prepared.put_back("empty")
    load(prepared, step + victim)
    load(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", WATCH)
def test_a_watched_file_is_taken_once_and_moved(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("empty", watch)
    prepared.put_back("empty")
    watch(prepared, step + victim)
    prepared.command("worker", "--once")
    prepared.assert_same_as(expected)
    assert [path.name for path in (prepared.files / "watched").rglob("*") if path.is_file()] == ["watched.csv"]
    assert (prepared.files / "watched" / "done" / "watched.csv").exists()


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", RESEND)
def test_rejects_are_sent_again_once(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("loaded", resend)
    prepared.put_back("loaded")
    resend(prepared, step + victim)
    resend(prepared)
    prepared.assert_same_as(expected)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("step", INVOICE)
def test_an_invoice_is_issued_once_and_its_number_leaves_no_gap(prepared: Folder, step: str, victim: str) -> None:
    expected = prepared.undisturbed("loaded", invoice)
    prepared.put_back("loaded")
    invoice(prepared, step + victim)
    invoice(prepared)
    prepared.assert_same_as(expected)


def test_every_step_that_the_code_passes_is_tried_and_described() -> None:
    passed = set()
    for path in (ROOT / "src" / "trunkline").rglob("*.py"):
        passed |= set(re.findall(r'\breached\("(\w+)"\)', path.read_text()))
    page = (ROOT / "docs" / "operations" / "faults.md").read_text()
    assert passed == {*LOAD, *WATCH, *RESEND, *INVOICE}
    assert passed == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
