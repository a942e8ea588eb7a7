"""The steps at which the power fails, for the worker or for PostgreSQL (faults.md), and the work that passes them."""

from __future__ import annotations

from bench.forks import CREWED, Constants
from tests.crash.folder import Folder

VICTIMS = ("", ":postgres")
LOAD = ("registered", "decoding", "temporary_written", "renamed", "before_commit", "after_commit", "sweeping")
WATCH = ("registered", "renamed", "before_commit", "after_commit", "before_source_moved")
CREW = ("decoding", "before_commit", "after_commit")  # the others are passed by its processes (test_crew.py)
RESEND = ("registered", "superseding", "before_commit", "before_source_moved")
RERATE = (
    "registered",
    "decoding",
    "temporary_written",
    "renamed",
    "superseding",
    "before_commit",
    "after_commit",
    "sweeping",
)
ACCEPT = ("registered", "renamed", "superseding", "before_commit")
LEGS = ("registered", "decoding", "renamed", "waiting", "before_commit", "after_commit")
SOURCE = ("source_listed", "source_fetched", "source_registered", "source_before_end", "source_ended")
INVOICE = (
    "invoice_records_written",
    "invoice_before_number",
    "invoice_after_number",
    "invoice_pdf_written",
    "invoice_files_renamed",
    "invoice_before_commit",
    "invoice_after_commit",
)
BILL_RUN = ("bill_run_begun", "bill_run_outcome")


def load(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "load", str(folder.files / "march.csv"), "--switch", "core"), fault)


def join_legs(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "load", str(folder.files / "ended.csv"), "--switch", "proxy"), fault)


def expire_legs(folder: Folder, fault: str = "") -> None:
    if fault:
        folder.command("tests.crash.prepare:age")
    _do(folder, ("usage", "legs", "--expire"), fault)


def expire_undisturbed(folder: Folder) -> None:
    folder.command("tests.crash.prepare:age")
    expire_legs(folder)


def load_by_a_crew(folder: Folder, fault: str) -> None:
    _do(folder, ("usage", "load", str(folder.files / "march.csv"), "--switch", "core"), fault, constants=CREWED)


def watch(folder: Folder, fault: str = "") -> None:
    if fault or not (folder.files / "watched" / "done").exists():
        folder.put_into_watched()
    _do(folder, ("worker", "--once"), fault)


def pull(folder: Folder, fault: str = "") -> None:
    _do(folder, ("source", "pull", "feed"), fault)


def resend(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "resend", "--batch", folder.ids["march.csv"]), fault)


def accept(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "accept", folder.ids["late.csv"]), fault)


def rerate(folder: Folder, fault: str = "") -> None:
    _do(folder, ("usage", "rerate", "--apply"), fault)


def rerate_by_a_crew(folder: Folder, fault: str) -> None:
    _do(folder, ("usage", "rerate", "--apply"), fault, constants=CREWED)


def invoice(folder: Folder, fault: str = "") -> None:
    _do(folder, ("invoice", "issue", "--account", "cust", "--period", "2026-03"), fault)


def bill_run(folder: Folder, fault: str = "") -> None:
    _do(folder, ("invoice", "issue", "--all", "--period", "2026-03"), fault)


def work(folder: Folder) -> None:
    _do(folder, ("worker", "--once"), "")


def _do(folder: Folder, command: tuple[str, ...], fault: str, *, constants: Constants | None = None) -> None:
    """Run it as it must end: killed at the step, or without its server with a message and no traceback, or well."""
    done = folder.run(*command, fault=fault, constants=constants)
    if not fault:
        assert done.code == 0, done
    elif fault.endswith(":postgres"):
        assert folder.server_pid() is None, f"{fault} was not reached"
        assert done.code == 0 or (done.code == 1 and "error: PostgreSQL went away" in done.err), done
        assert command[0] == "worker" or "Traceback" not in done.err, done
    else:
        assert done.code == -9, done
