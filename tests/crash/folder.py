"""A data folder that is put back to how it was prepared before every case. The server keeps fsync on: what it says is durable must be."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from bench.state import State, differences, read_state, strays
from tests.crash.forks import Done, Forks
from tests.crash.prepare import TENANT, write_files
from tests.places import ROOT

Change = Callable[["Folder"], None]


class Folder:
    """`home` with server, segments and documents, `files` with the usage files; both always at the same path, as the catalogue names paths."""

    def __init__(self) -> None:
        # Not in pytest's own folder: the server's user must be able to reach it.
        self.root = Path(tempfile.mkdtemp(prefix="trunkline-crash-"))
        self.root.chmod(0o711)
        self.present = self.root / "now"
        self.home = self.present / "home"
        self.files = self.present / "files"
        self.environment = os.environ | {
            "TRUNKLINE_HOME": str(self.home),
            "TRUNKLINE_TENANT": TENANT,
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings",
            "COLUMNS": "250",
        }
        self.environment.pop("TRUNKLINE_DATABASE_URL", None)
        self.ids: dict[str, str] = {}  # public ids of the batches of stage `loaded`, by name of file
        self._states: dict[str, State] = {}
        self.home.mkdir(parents=True)
        self.present.chmod(0o711)
        self._forks = Forks(self.environment)

    def close(self) -> None:
        self._forks.close()
        self.stop_server()
        shutil.rmtree(self.root)

    # --- stages: a prepared folder, with a name ---

    def prepare(self) -> None:
        """Stage `empty`: a carrier without records. Stage `loaded`: its files are taken, its prices mended, nothing is billed."""
        write_files(self.files)
        self.command("tests.crash.prepare:carrier", str(self.files))
        self.load("first.csv")
        self._keep("empty")
        self.load("march.csv")
        batches = json.loads(self.command("usage", "batches", "--json").out)["batches"]
        self.ids = {batch["name"]: batch["batch"] for batch in batches}
        self.command("tests.crash.prepare:mend")
        self._keep("loaded")

    def _keep(self, stage: str) -> None:
        self.stop_server(signal.SIGINT)
        subprocess.run(["cp", "-a", self.present, self.root / stage], check=True)

    def put_back(self, stage: str) -> None:
        """Begin anew from a stage."""
        self.stop_server()
        shutil.rmtree(self.present, ignore_errors=True)
        subprocess.run(["cp", "-a", self.root / stage, self.present], check=True)

    def stop_server(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server at once (what it held in shared memory is given back), or orderly with SIGINT."""
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            server = psutil.Process(int((self.home / "postgres" / "postmaster.pid").read_text().split()[0]))
            if "postgres" in server.name():
                server.send_signal(how)
                psutil.wait_procs([server], timeout=30)

    # --- commands ---

    def run(self, *arguments: str, fault: str = "") -> Done:
        """Run a command to whatever end."""
        return self._forks.run(*arguments, fault=fault)

    def command(self, *arguments: str) -> Done:
        """Run a command that must succeed."""
        done = self.run(*arguments)
        assert done.code == 0, done
        return done

    def start(self, *arguments: str, fault: str = "") -> subprocess.Popen[str]:
        """Start a command as an operator does, and do not wait for it."""
        command = [sys.executable, "-m", "trunkline", *arguments]
        environment = self.environment | {"TRUNKLINE_FAULT": fault}
        return subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def load(self, name: str, switch: str = "core") -> Done:
        return self.command("usage", "load", str(self.files / name), "--switch", switch)

    def put_into_watched(self, name: str = "watched.csv") -> Path:
        """Lay a file into the watched folder, at rest for an hour."""
        target = self.files / "watched" / name
        shutil.copyfile(self.files / name, target)
        long_ago = target.stat().st_mtime - 3600
        os.utime(target, (long_ago, long_ago))
        return target

    # --- what came of it ---

    def undisturbed(self, stage: str, work: Change) -> State:
        """What the work comes to when nothing happens. Done once."""
        name = f"{stage} {work.__name__}"
        if name not in self._states:
            self.put_back(stage)
            work(self)
            self.prove()
            self._states[name] = read_state(self.home)
        return self._states[name]

    def assert_same_as(self, expected: State) -> None:
        """Nothing is lost, nothing surplus, every proof holds and no file lies about."""
        self.prove()
        found = differences(expected, read_state(self.home))
        assert not found, "\n".join(found)

    def prove(self) -> None:
        proved = json.loads(self.command("tests.crash.prove:prove").out)
        assert not proved["broken"], "\n".join(proved["broken"])
        assert proved["looked_at"] >= 10
        assert not strays(self.home), "\n".join(strays(self.home))
