"""A data folder that is put back to how it was prepared before every case. The server keeps fsync on: what it says is durable must be."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.stages import Stages
from bench.state import State, differences, read_state, strays
from tests.crash.prepare import TENANT, write_files
from tests.databases import migrations_fingerprint
from tests.places import TEST_HOME
from trunkline.kit.db import embedded

Change = Callable[["Folder"], None]
MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own inside
ROOM = 1 << 30


def _place() -> Path:
    """A folder in memory where there is room. A kill takes nothing from the kernel's cache, so a disk would prove no more; it would only
    make the suite wait for its fsyncs. Not in pytest's own folder: the server's user must be able to reach it.
    """
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    made = Path(tempfile.mkdtemp(prefix="trunkline-crash-", dir=MEMORY if has_room else None))
    made.chmod(0o711)
    return made


class Folder(Stages):
    """`now/home` with server, segments and documents, `now/files` with the usage files."""

    def __init__(self) -> None:
        modules = ("tests.crash.prepare", "tests.crash.prove")
        super().__init__(_place(), modules=modules, TRUNKLINE_TENANT=TENANT, COLUMNS="250")
        self.files = self.now / "files"
        self.ids: dict[str, str] = {}  # public ids of the batches of stage `loaded`, by name of file
        self._states: dict[str, State] = {}

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.root)

    # --- stages ---

    def prepare(self) -> None:
        """Stage `empty`: a carrier with one file taken. Stage `loaded`: its second file is taken too, its prices mended, nothing is billed.
        Stage `dearer`: most of it costs something else now. Stage `late`: besides, legs have come late for calls that are posted.
        """
        self._put_in_migrated()
        write_files(self.files)
        self.command("tests.crash.prepare:carrier", str(self.files))
        self.load("first.csv")
        self.command("usage", "load", str(self.files / "begun.csv"), "--switch", "proxy")
        self.keep("empty")
        self.load("march.csv")
        batches = json.loads(self.command("usage", "batches", "--json").out)["batches"]
        rated = {batch["name"]: batch["rated"] for batch in batches}
        assert rated == {"first.csv": 300, "begun.csv": 23, "march.csv": 2000}
        self.ids = {batch["name"]: batch["batch"] for batch in batches}
        self.command("tests.crash.prepare:mend")
        self.keep("loaded")
        self.command("tests.crash.prepare:dearer")
        self.keep("dearer")
        for name in ("early.csv", "late.csv"):
            self.command("usage", "load", str(self.files / name), "--switch", "proxy")
        batches = json.loads(self.command("usage", "batches", "--json").out)["batches"]
        late = next(batch for batch in batches if batch["name"] == "late.csv")
        assert late["reasons"] == {"late_leg": 50}
        self.ids["late.csv"] = late["batch"]
        self.keep("late")

    def _put_in_migrated(self) -> None:
        """Begin with a migrated database, which is kept from one run of the suite to the next while no migration changes."""
        text = migrations_fingerprint() + Path(embedded.__file__).read_text()
        kept = TEST_HOME / f"crash-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
        TEST_HOME.mkdir(parents=True, exist_ok=True)
        with (TEST_HOME / "crash.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                for old in TEST_HOME.glob("crash-*"):
                    shutil.rmtree(old)
                self.command("db", "start")
                self.stop_server(signal.SIGINT)
                subprocess.run(["cp", "-a", self.home, kept.with_name("crash-new")], check=True)
                kept.with_name("crash-new").rename(kept)
                return
            shutil.rmtree(self.home)
            subprocess.run(["cp", "-a", kept, self.home], check=True)

    # --- commands ---

    def load(self, name: str) -> None:
        self.command("usage", "load", str(self.files / name), "--switch", "core")

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
