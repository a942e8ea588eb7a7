"""The demo's operators as `trunkline up` serves them: what the figures of the API are measured against.

The demo is made once, in a data folder of its own below `bench`; the server is the real one, with as many web processes as on any machine and
no worker, on a free port of 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from bench.ground import ROOT
from trunkline.kit.home import home

TENANT, SWITCH = "meridian", "edge-1"
HOST = "127.0.0.1"
PATIENCE_S = 120.0
MIB = 1 << 20


@dataclass(frozen=True)
class Server:
    """What `trunkline up` runs, and where it listens."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def web_processes(self) -> list[psutil.Process]:
        """The processes that answer requests: gunicorn's children."""
        children = psutil.Process(self.process.pid).children()
        (master,) = [each for each in children if "gunicorn" in " ".join(each.cmdline())]
        return master.children()


@contextmanager
def serving(environment: Mapping[str, str], log: Path, *options: str) -> Iterator[Server]:
    """Run `trunkline up` on a free port for as long as one is inside, from its first answer on."""
    with socket.create_server((HOST, 0)) as free:
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "trunkline", "up", "--port", str(port), *options]
    with log.open("wb") as said:
        server = subprocess.Popen(command, env=environment, stdout=said, stderr=said, cwd=ROOT)
        try:
            _wait(port, log)
            yield Server(port, server)
        finally:
            server.terminate()
            server.wait()


def _wait(port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            connection = HTTPConnection(HOST, port, timeout=10)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the server did not come up: {log}")


class Served:
    """The demo, served while it is entered."""

    def __init__(self) -> None:
        self.home = home() / "bench" / "demo"
        self.environment = os.environ | {"TRUNKLINE_HOME": str(self.home), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.environment |= {"PYTHONPYCACHEPREFIX": str(home() / "bench" / "bytecode")}  # as bin/trunkline does
        for name in ("TRUNKLINE_DATABASE_URL", "PYTHONDONTWRITEBYTECODE"):
            self.environment.pop(name, None)
        self._inside = ExitStack()

    def command(self, *arguments: str) -> Any:
        """What a trunkline command prints as JSON on this data folder."""
        called = [sys.executable, "-m", "trunkline", *arguments, "--json"]
        done = subprocess.run(called, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def new_key(self, *permissions: str) -> str:
        """The text of a new key of the operator."""
        scopes = [part for each in permissions for part in ("--scope", each)]
        return str(self.command("key", "add", "bench", "--tenant", TENANT, *scopes)["key"])

    def __enter__(self) -> Self:
        ready = self.home / "bench-ready"
        if not ready.exists():
            shutil.rmtree(self.home, ignore_errors=True)
            self.home.mkdir(parents=True)
            self.command("demo", "--exit")
            ready.touch()
        self.server = self._inside.enter_context(serving(self.environment, self.home / "web.log", "--jobs", "0"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._inside.close()
        stop = [sys.executable, "-m", "trunkline", "db", "stop"]
        subprocess.run(stop, env=self.environment, capture_output=True, check=False)


def peak_mib(process: psutil.Process) -> float:
    """The most memory that a process has held so far (VmHWM)."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM")]
    return round(int(peak.split()[1]) * 1024 / MIB, 1)
