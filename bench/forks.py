"""Commands in processes of their own that need not import the world each time.

Importing the command line takes a second, and a crash case runs three commands or more. A parent imports everything once, without touching
the database, and forks for each command: what runs, dies and leaves its traces is a whole process, as with `python -m trunkline`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS_MAX = 900  # a command that hangs is ended, so that whoever waits for it is told
Constants = Mapping[str, float]  # other values for constants of the program, by `module:NAME`
# Whoever kills the server need not wait for it as long as a worker of an operator does.
IMPATIENT: Constants = {"trunkline.kit.jobs:SERVER_PATIENCE_S": 0.5}
# Every file is large, and comes to both processes of the crew.
CREWED: Constants = {
    "trunkline.usage.pipeline:CREW_OCTETS": 0,
    "trunkline.usage.pipeline:CHUNK_OCTETS": 1 << 16,
    "trunkline.usage.rerate:CREW_ROWS": 0,
}
USED_LATER = (  # what commands import when they come to it
    "typer._adapters",
    "duckdb",
    "rich.console",
    "rich.progress",
    "rich.table",
    "typst",
    "trunkline.invoicing.actions",
    "trunkline.invoicing.bill_runs",
    "trunkline.invoicing.check",
    "trunkline.ledger.checks",
    "trunkline.usage.check",
    "trunkline.usage.process",
    "trunkline.usage.resend",
)


@dataclass(frozen=True)
class Done:
    """How a command ended; a `code` below zero is the signal that killed it."""

    arguments: Sequence[str]
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"{' '.join(self.arguments)} ended with {self.code}\n{self.out}\n{self.err}"


class Command:
    """A command that has been started. Its process id stays its own until its end was asked for."""

    def __init__(self, forks: Forks, arguments: Sequence[str], said: Path, *, fault: str, constants: Constants) -> None:
        self.arguments = arguments
        self._forks = forks
        self._out, self._err = said.with_suffix(".out"), said.with_suffix(".err")
        self._out.touch()  # a process can be killed before it opens them
        self._err.touch()
        self.pid: int = forks.ask(
            "start",
            arguments=arguments,
            fault=fault,
            constants=dict(constants),
            out=str(self._out),
            err=str(self._err),
        )
        self._code: int | None = None

    def has_ended(self) -> bool:
        """Whether it has come to its end, without waiting."""
        if self._code is None:
            self._code = self._forks.ask("end_of", pid=self.pid, wait=False)
        return self._code is not None

    def done(self) -> Done:
        """Wait for its end."""
        if self._code is None:
            self._code = self._forks.ask("end_of", pid=self.pid, wait=True)
        assert self._code is not None
        return Done(self.arguments, self._code, self._out.read_text(), self._err.read_text())

    def stands(self) -> bool:
        """Wait until it has stopped itself (SIGSTOP), or has come to its end: whether it stands."""
        return bool(self._forks.ask("stands", pid=self.pid))

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless its end is known."""
        if self._code is None:
            os.kill(self.pid, number)


class Forks:
    """The parent process. `modules` are imported besides the command line's own."""

    def __init__(self, environment: Mapping[str, str], *, modules: Sequence[str] = ()) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="trunkline-forks-"))
        self._started: list[Command] = []
        self._numbers = itertools.count()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "bench.forks", *modules],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str, fault: str = "", constants: Constants | None = None) -> Command:
        """Start `trunkline ARGUMENTS`, or the function `module:name` where that is the first argument, in a fork."""
        said = self._folder / str(next(self._numbers))
        command = Command(self, arguments, said, fault=fault, constants=IMPATIENT | dict(constants or {}))
        self._started.append(command)
        return command

    def end_all(self) -> None:
        """Kill whatever has been started and not come to its end."""
        for command in self._started:
            if not command.has_ended():
                command.send(signal.SIGKILL)
                command.done()
        self._started.clear()

    def ask(self, what: str, **about: Any) -> Any:
        """Hand the parent one request and wait for the answer."""
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps([what, about]) + "\n")
        self._parent.stdin.flush()
        answer = self._parent.stdout.readline()
        if not answer:
            raise RuntimeError("the parent of the commands has ended")
        return json.loads(answer)

    def close(self) -> None:
        """End the parent and all commands."""
        assert self._parent.stdin
        assert self._parent.stdout
        if self._parent.poll() is None:
            self.end_all()
        self._parent.stdin.close()
        self._parent.wait()
        self._parent.stdout.close()
        shutil.rmtree(self._folder)


# --- the parent ---


def _serve(modules: Sequence[str]) -> None:
    _import_everything(modules)
    answers = {"start": _fork, "end_of": _end_of, "stands": _stands}
    for line in sys.stdin:
        what, about = json.loads(line)
        sys.stdout.write(json.dumps(answers[what](**about)) + "\n")
        sys.stdout.flush()
    gc.unfreeze()


def _import_everything(modules: Sequence[str]) -> None:
    from trunkline.cli.main import GROUPS, build
    from trunkline.cli.ready import set_up_django

    set_up_django()
    build(list(GROUPS))
    for name in (*USED_LATER, *modules):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each fork would copy what its collector visits


def _fork(**asked: Any) -> int:
    child = os.fork()
    if not child:
        _be_the_command(**asked)
    return child


def _end_of(pid: int, *, wait: bool) -> int | None:
    found, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _stands(pid: int) -> bool:
    found = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    return found is not None and found.si_code == os.CLD_STOPPED


def _be_the_command(*, arguments: Sequence[str], fault: str, constants: Constants, out: str, err: str) -> None:
    signal.alarm(SECONDS_MAX)
    for number, name in ((0, os.devnull), (1, out), (2, err)):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ["TRUNKLINE_FAULT"] = fault
    import trunkline.kit.faults

    importlib.reload(trunkline.kit.faults)
    code = 1
    try:
        for name, value in constants.items():
            module, _, constant = name.partition(":")
            assert hasattr(importlib.import_module(module), constant), name
            setattr(importlib.import_module(module), constant, value)
        module, _, function = arguments[0].partition(":")
        sys.argv = ["trunkline", *arguments]
        if function:
            getattr(importlib.import_module(module), function)(*arguments[1:])
        else:
            from trunkline.cli.main import main

            main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        atexit._run_exitfuncs()  # what a process does that ends by itself
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1:])
