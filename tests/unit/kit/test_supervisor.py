"""A supervisor keeps its services running and ends them with itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

from tests.places import ROOT
from trunkline.kit.supervisor import Service, Supervisor

LIVES = "import signal, sys; print('up', flush=True); signal.sigwait([signal.SIGTERM]); sys.exit(0)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def supervising(tmp_path: Path, *services: tuple[str, str]) -> subprocess.Popen[str]:
    """A process that supervises; what its services print comes through."""
    listed = ", ".join(f"Service({name!r}, {python(code)!r})" for name, code in services)
    code = f"""
        import sys
        from trunkline.kit import supervisor
        from trunkline.kit.supervisor import Service, Supervisor
        supervisor.PAUSE_S = 0.01
        sys.exit(Supervisor([{listed}], say=lambda line: print(line, flush=True)).run())
    """
    return subprocess.Popen(
        python(textwrap.dedent(code)),
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_it_ends_its_services_when_it_is_told_to_stop(tmp_path: Path) -> None:
    process = supervising(tmp_path, ("one", LIVES), ("two", LIVES))
    with process:
        assert lines(process, 2) == ["up", "up"]
        below = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert len(below) == 2
    assert not any(each.is_running() for each in below)


def test_what_ends_is_started_again(tmp_path: Path) -> None:
    once = "import pathlib, sys; p = pathlib.Path('seen'); n = p.exists(); p.touch(); n or sys.exit(3);" + LIVES
    process = supervising(tmp_path, ("flaky", once))
    with process:
        assert lines(process, 2) == ["flaky has ended with 3; it is started again in 0.01 s", "up"]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_what_never_comes_up_ends_everything(tmp_path: Path) -> None:
    process = supervising(tmp_path, ("broken", "raise SystemExit(7)"), ("sound", LIVES))
    with process:
        said = process.stdout.read() if process.stdout else ""
        assert process.wait(60) == 1
    assert "broken has ended 8 times in a row (last with 7): giving up" in said


def test_services_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    process = supervising(tmp_path, ("one", LIVES))
    with process:
        lines(process, 1)
        (below,) = psutil.Process(process.pid).children()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
    below.wait(30)
    assert not below.is_running()


def test_a_supervisor_that_is_told_before_it_begins_starts_nothing_twice() -> None:
    said: list[str] = []
    supervisor = Supervisor([Service("none", python("pass"))], say=said.append)
    supervisor._on_signal(signal.SIGTERM, None)
    assert supervisor.run() == 0
    assert said == []
