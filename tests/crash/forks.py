"""Commands in processes of their own that need not import the world each time.

Importing the command line takes a second, and a case runs three commands. A parent imports everything once, without touching the database,
and forks for each command: what runs, dies and leaves its traces is a whole process, as with `python -m trunkline`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.places import ROOT

SECONDS_MAX = 900


@dataclass(frozen=True)
class Done:
    """How a command ended; a `code` below zero is the signal that killed it."""

    arguments: list[str]
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"{' '.join(self.arguments)} ended with {self.code}\n{self.out}\n{self.err}"


class Forks:
    """The parent process; `run` gives it a command and waits for its end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.forks"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, fault: str = "") -> Done:
        """Run `trunkline ARGUMENTS`, or the function `module:name` where that is the first argument, in a fork."""
        assert self._parent.stdin
        assert self._parent.stdout
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = {"arguments": arguments, "fault": fault, "out": str(out), "err": str(err)}
            self._parent.stdin.write(json.dumps(asked) + "\n")
            self._parent.stdin.flush()
            code = int(self._parent.stdout.readline())
            return Done(list(arguments), code, out.read_text(), err.read_text())

    def close(self) -> None:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.close()
        self._parent.wait(timeout=10)
        self._parent.stdout.close()


def _serve() -> None:
    _import_everything()
    for asked in sys.stdin:
        child = os.fork()
        if not child:
            _be_the_command(json.loads(asked))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _import_everything() -> None:
    from trunkline.cli.main import GROUPS, build
    from trunkline.cli.ready import set_up_django

    set_up_django()
    build(list(GROUPS))
    for name in (
        "usage.process",
        "usage.resend",
        "usage.check",
        "invoicing.actions",
        "invoicing.check",
        "ledger.checks",
    ):
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"trunkline.{name}")
    for name in (
        "duckdb",
        "typst",
        "rich.console",
        "rich.table",
        "rich.progress",
        "tests.crash.prepare",
        "tests.crash.prove",
    ):
        importlib.import_module(name)


def _be_the_command(asked: dict[str, Any]) -> None:
    signal.alarm(SECONDS_MAX)
    for number, name in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ["TRUNKLINE_FAULT"] = asked["fault"]
    import trunkline.kit.faults

    importlib.reload(trunkline.kit.faults)
    code = 1
    try:
        module, _, function = asked["arguments"][0].partition(":")
        sys.argv = ["trunkline", *asked["arguments"]]
        if function:
            getattr(importlib.import_module(module), function)(*asked["arguments"][1:])
        else:
            from trunkline.cli.main import main

            main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
