"""Scratch files are told by their names: what a killed process left from what a living one has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.places import ROOT
from trunkline.kit.scratch import is_in_use, scratch_path, sweep_scratch

HOLD = """
import sys
from trunkline.kit.scratch import scratch_path
path = scratch_path("duckdb")
path.mkdir()
(path / "spilled").write_text("x")
print(path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def tmp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    return tmp_path / "tmp"


@contextmanager
def process() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with something in `tmp`, and what that is."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        assert started.stdout is not None
        yield started, Path(started.stdout.readline().strip())
        started.kill()


def test_paths_differ_and_nothing_is_made(tmp: Path) -> None:
    one, other = scratch_path("duckdb"), scratch_path("duckdb")
    assert one != other
    assert {one.parent, other.parent} == {tmp}
    assert list(tmp.iterdir()) == []
    assert is_in_use(one)


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_stays(tmp: Path) -> None:
    mine = scratch_path("duckdb")
    mine.mkdir()
    with process() as (_, living), process() as (killed, left):
        assert (is_in_use(living), is_in_use(left)) == (True, True)
        killed.kill()
        killed.wait()
        assert not is_in_use(left)
        assert sweep_scratch() == 1
        assert {path.name for path in tmp.iterdir()} == {mine.name, living.name}
        assert (living / "spilled").exists()
        assert sweep_scratch() == 0


def test_a_process_that_has_the_id_of_a_killed_one_is_another(tmp: Path) -> None:
    mine = scratch_path("duckdb")
    what, namespace, pid, began, number = mine.name.split("-")
    before = mine.with_name(f"{what}-{namespace}-{pid}-{int(began) - 1}-{number}")
    before.mkdir()
    assert not is_in_use(before)
    assert sweep_scratch() == 1


@pytest.mark.parametrize("name", ["{what}-1-{pid}-{began}-0", "{what}-{namespace}-{pid}-0-0", "batch-1-1", "x-y-z-a-b"])
def test_what_cannot_be_known_is_left_to_its_age(name: str, tmp: Path) -> None:
    parts = dict(zip(("what", "namespace", "pid", "began"), scratch_path("duckdb").name.split("-"), strict=False))
    path = tmp / name.format(**parts)
    path.mkdir()
    assert not is_in_use(path)
    assert sweep_scratch() == 0
