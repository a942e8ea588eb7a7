"""A process's scratch folder goes with it; what a killed process left is told from what a living one has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.places import ROOT
from trunkline.kit.scratch import is_scratch, scratch_folder, sweep_scratch

HOLD = """
import sys
from trunkline.kit.scratch import scratch_folder
(scratch_folder() / "spilled").write_text("x")
print(scratch_folder(), flush=True)
sys.stdin.read()
"""
FORK = """
import os
from trunkline.kit.scratch import scratch_folder, sweep_scratch
mine = scratch_folder()
child = os.fork()
if not child:
    scratch_folder()
    os._exit(0)  # without tidying up
os.waitpid(child, 0)
left = [path for path in mine.parent.iterdir() if path.is_dir() and path != mine]
print(f"{len(left)} left, {sweep_scratch()} swept, mine there: {mine.is_dir()}, the other: {left[0].exists()}")
"""


@pytest.fixture(autouse=True)
def tmp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    return tmp_path / "tmp"


@contextmanager
def process() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that has a scratch folder, and the folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        assert started.stdout is not None
        yield started, Path(started.stdout.readline().strip())
        started.kill()


def names(tmp: Path) -> set[str]:
    return {path.name for path in tmp.iterdir()}


def test_a_process_has_one_folder_of_its_own_that_goes_with_it(tmp: Path) -> None:
    mine = scratch_folder()
    assert scratch_folder() == mine
    with process() as (other, folder):
        assert names(tmp) == {mine.name, f"{mine.name}.lock", folder.name, f"{folder.name}.lock"}
        assert all(is_scratch(path) for path in tmp.iterdir())
        other.communicate("")
    assert names(tmp) == {mine.name, f"{mine.name}.lock"}


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_stays(tmp: Path) -> None:
    mine = scratch_folder()
    with process() as (_, living), process() as (killed, left):
        for path in tmp.iterdir():
            os.utime(path, (0, 0))  # however old it is
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (left / "spilled").exists()
        assert sweep_scratch() == 1
        assert names(tmp) == {mine.name, f"{mine.name}.lock", living.name, f"{living.name}.lock"}
        assert (living / "spilled").exists()
        assert sweep_scratch() == 0


def test_a_lock_whose_folder_was_never_made_is_swept(tmp: Path) -> None:
    tmp.mkdir()
    (tmp / "process-1.lock").touch()
    assert sweep_scratch() == 1
    assert names(tmp) == set()


def test_a_fork_has_another_folder_than_its_parent(tmp: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, env=environment)
    assert done.stdout == "1 left, 1 swept, mine there: True, the other: False\n"
    assert names(tmp) == set()


def test_a_folder_that_somebody_removed_is_made_again(tmp: Path) -> None:
    mine = scratch_folder()
    mine.rmdir()
    assert scratch_folder().is_dir()
    assert scratch_folder() != mine
