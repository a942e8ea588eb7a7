"""A data folder with its server, kept at several stages and put back to one of them before every case of killing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.forks import ROOT, Command, Constants, Done, Forks
from bench.state import at_home
from trunkline.kit.db import embedded

STOP_SECONDS = 60


class Stages:
    """`now/home` is the data folder at work. It is always at the same path, as the catalogue names paths; stages lie beside `now`."""

    def __init__(self, root: Path, *, modules: Sequence[str] = (), **variables: str) -> None:
        self.root = root
        self.now = root / "now"
        self.home = self.now / "home"
        self.home.mkdir(parents=True)
        self.now.chmod(0o711)  # the server's user passes through
        environment = os.environ | {
            "TRUNKLINE_HOME": str(self.home),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings",
        }
        environment.pop("TRUNKLINE_DATABASE_URL", None)
        self.environment = environment | variables
        self._forks = Forks(self.environment, modules=modules)

    def close(self) -> None:
        self._forks.close()
        self.stop_server()

    # --- stages ---

    def keep(self, stage: str) -> None:
        """Stop the server in good order and keep everything under that name."""
        self.stop_server(signal.SIGINT)
        subprocess.run(["cp", "-a", self.now, self.root / stage], check=True)

    def put_back(self, stage: str) -> None:
        """Begin anew from a stage. No command runs any more, and no server."""
        self.end_commands()
        self.stop_server()
        shutil.rmtree(self.now)
        subprocess.run(["cp", "-a", self.root / stage, self.now], check=True)

    # --- the server ---

    def server_pid(self) -> int | None:
        """Process id of the running server, None when there is none."""
        with at_home(self.home):
            return embedded.postmaster_pid()

    def stop_server(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server at once (what it held in shared memory is given back), or in good order with SIGINT."""
        pid = self.server_pid()
        if pid is not None:
            server = psutil.Process(pid)
            server.send_signal(how)
            if not embedded.wait_until_ended([server], seconds=STOP_SECONDS):
                raise RuntimeError(f"the server of {self.home} does not end")

    def kill_server(self) -> bool:
        """Kill the server and all its children; False if none runs."""
        if self.server_pid() is None:
            return False
        with at_home(self.home):
            embedded.kill()
        return True

    # --- commands ---

    def start(self, *arguments: str, fault: str = "", constants: Constants | None = None) -> Command:
        """Start `trunkline ARGUMENTS`, or a function given as `module:name`, and do not wait for it."""
        return self._forks.start(*arguments, fault=fault, constants=constants)

    def end_commands(self) -> None:
        """Kill whatever has been started and not come to its end."""
        self._forks.end_all()

    def run(self, *arguments: str, fault: str = "", constants: Constants | None = None) -> Done:
        """Run a command to whatever end."""
        return self.start(*arguments, fault=fault, constants=constants).done()

    def command(self, *arguments: str) -> Done:
        """Run a command that must succeed."""
        done = self.run(*arguments)
        if done.code:
            raise RuntimeError(str(done))
        return done
