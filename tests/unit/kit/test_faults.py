"""Faults: a process told to die at a step dies there and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

STEPS = """
from trunkline.kit.faults import reached
for step in ("registered", "renamed", "renamed"):
    print(step, flush=True)
    reached(step)
print("end")
"""


def run(fault: str) -> tuple[int, list[str]]:
    environment = os.environ | {"TRUNKLINE_FAULT": fault, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", STEPS], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split()


def test_without_a_fault_every_step_passes() -> None:
    assert run("") == (0, ["registered", "renamed", "renamed", "end"])


def test_the_process_dies_by_sigkill_at_the_named_step() -> None:
    assert run("renamed") == (-signal.SIGKILL, ["registered", "renamed"])


def test_a_step_that_is_never_reached_kills_nobody() -> None:
    assert run("sweeping") == (0, ["registered", "renamed", "renamed", "end"])


def test_a_fault_of_the_server_leaves_the_process_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))  # no server runs there
    assert run("renamed:postgres") == (0, ["registered", "renamed", "renamed", "end"])


def test_a_process_told_to_stop_stands_still_until_it_is_continued() -> None:
    environment = os.environ | {"TRUNKLINE_FAULT": "renamed:stop", "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen([sys.executable, "-c", STEPS], env=environment, stdout=subprocess.PIPE, text=True)
    ended = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert (ended.si_code, ended.si_status) == (os.CLD_STOPPED, signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate()
    assert (process.returncode, out.split()) == (0, ["registered", "renamed", "renamed", "end"])
