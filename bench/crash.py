"""Whether anything is lost or counted twice when workers and PostgreSQL are killed at random moments under load.

A carrier's day comes in several files, some into a watched folder, some named on the command line, with lines of one file repeated in the
next. Each run takes them all while kill -9 strikes several times, now the worker, now PostgreSQL with all its children; what died is started
again as a supervisor would, and at the end the ordinary commands bring the work to its end. Then every record, every sum and every balance
is compared with those of a run in which nothing was killed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from bench.state import State, connect, differences, read_totals, strays
from trunkline.kit.home import home
from trunkline.simulate.pipeline_case import PipelineSize, write_pipeline_case, write_pipeline_day

ROOT = Path(__file__).parents[1]
SIZE = PipelineSize(
    records=120_000,
    neighbours=0,
    customers=6,
    vendors=4,
    sell_decks=2,
    smallest=500,
    largest=2_000,
    destinations_seen=300,
)
PARTS, NAMED_PARTS = 6, 2
REPEATED = 300  # lines of a part that come again in the next one
KILLS = (2, 5)
LOOK_S = 0.05
PATIENCE_S = 600
TENANT, SWITCH = "bench", "bench-1"


def run(runs: int = 20) -> dict[str, Any]:
    """Kill in `runs` runs and compare. `lost` and `doubled` count records; `passed` says that nothing at all differs."""
    ground = CrashGround()
    ground.make()
    killed: Counter[str] = Counter()
    lost = doubled = 0
    problems: list[str] = []
    begin = monotonic()
    for number in range(runs):
        sys.stderr.write(f"run {number + 1} of {runs}, {monotonic() - begin:.0f} s\n")
        found = ground.disturbed(random.Random(number), killed)
        lost += (ground.expected["records"] - found["records"]).total()
        doubled += sum(count - 1 for count in found["keys"].values() if count > 1)
        problems += [f"run {number}: {line}" for line in ground.problems(found)]
    ground.stop_server()
    for line in problems:
        sys.stderr.write(line + "\n")
    return {
        "runs": runs,
        "killed_worker": killed["worker"],
        "killed_postgres": killed["postgres"],
        "records": ground.expected["records"].total(),
        "lost": lost,
        "doubled": doubled,
        "passed": not problems and not lost and not doubled,
        "seconds": round(monotonic() - begin, 1),
    }


class CrashGround:
    """A data folder of its own with a small carrier, put back to how it was made before every run."""

    def __init__(self) -> None:
        self.folder = home() / "bench" / "crash"
        self.home = self.folder / "now" / "home"
        self.watched = self.folder / "now" / "watched"
        self.named = self.folder / "now" / "named"
        self.kept = self.folder / "kept"
        self.environment = os.environ | {"TRUNKLINE_HOME": str(self.home), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.environment.pop("TRUNKLINE_DATABASE_URL", None)
        self.expected: State = {}
        self.seconds = 0.0  # that the work takes when nothing is killed

    def make(self) -> None:
        """Make the carrier and its files, and take them once undisturbed."""
        self.stop_server()
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (self.home, self.watched, self.named):
            folder.mkdir(parents=True)
        subprocess.run(
            [sys.executable, "-m", "bench.crash", str(self.watched)], env=self.environment, check=True, cwd=ROOT
        )
        if (self.home / "postgres").is_symlink():
            raise RuntimeError(
                f"{self.home} lies behind a folder that PostgreSQL's user may not enter: its cluster is elsewhere."
            )
        self._write_parts()
        self.stop_server(signal.SIGINT)
        subprocess.run(["cp", "-a", self.folder / "now", self.kept], check=True)
        self._put_back()
        self._command("db", "start")
        begin = monotonic()
        worker, loader = self.start("worker", "--once"), self._load()
        if worker.wait() or loader.wait():
            raise RuntimeError(f"the undisturbed run failed: {self.folder / 'log'}")
        self.seconds = monotonic() - begin
        self._finish()
        self.expected = read_totals(self.home)
        if found := self.problems(self.expected):
            raise RuntimeError("\n".join(found))

    def _write_parts(self) -> None:
        written = write_pipeline_day(write_pipeline_case(self.folder / "files", size=SIZE))
        parts = split(written.path.read_bytes().splitlines(keepends=True))
        for number, lines in enumerate(parts):
            folder = self.named if number < NAMED_PARTS else self.watched
            path = folder / f"part-{number}.csv"
            path.write_bytes(b"".join(lines))
            os.utime(path, (0, 0))

    def _put_back(self) -> None:
        self.stop_server()
        subprocess.run(["rm", "-rf", self.folder / "now"], check=True)
        subprocess.run(["cp", "-a", self.kept, self.folder / "now"], check=True)

    def stop_server(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server at once, or orderly with SIGINT."""
        server = self._server()
        if server is not None:
            server.send_signal(how)
            psutil.wait_procs([server], timeout=30)

    def _server(self) -> psutil.Process | None:
        try:
            found = psutil.Process(int((self.home / "postgres" / "postmaster.pid").read_text().split()[0]))
        except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            return None
        return found if "postgres" in found.name() else None

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "trunkline", *arguments],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
        )

    def _command(self, *arguments: str) -> None:
        if self.start(*arguments).wait():
            raise RuntimeError(f"{' '.join(arguments)} failed: {self.folder / 'log'}")

    def _load(self) -> subprocess.Popen[bytes]:
        paths = [str(path) for path in sorted(self.named.iterdir())]
        return self.start("usage", "load", *paths, "--tenant", TENANT, "--switch", SWITCH)

    # --- one run ---

    def disturbed(self, chance: random.Random, killed: Counter[str]) -> State:
        """Take all files while kill -9 strikes, bring the work to its end and say what is there."""
        self._put_back()
        self._command("db", "start")
        workers = {"worker": self.start("worker"), "loader": self._load()}
        try:
            for _ in range(chance.randint(*KILLS)):
                self._let_pass(chance.uniform(0.1, self.seconds), workers)
                victim = chance.choice(("worker", "worker", "postgres"))
                self._kill(victim, chance, workers)
                killed[victim] += 1
        finally:
            for process in workers.values():
                process.kill()
                process.wait()
        self._finish()
        return read_totals(self.home)

    def _kill(self, victim: str, chance: random.Random, workers: dict[str, subprocess.Popen[bytes]]) -> None:
        if victim == "worker":
            process = workers[chance.choice(sorted(workers))]
            process.kill()
            process.wait()
        elif (server := self._server()) is not None:
            doomed = [server, *server.children(recursive=True)]
            for each in doomed:
                try:
                    each.kill()
                except psutil.NoSuchProcess:
                    continue
            psutil.wait_procs(doomed, timeout=30)

    def _let_pass(self, seconds: float, workers: dict[str, subprocess.Popen[bytes]]) -> None:
        """Let them work, and start again what has died, as a supervisor does."""
        end = monotonic() + seconds
        while monotonic() < end:
            sleep(LOOK_S)
            if workers["worker"].poll() is not None:
                workers["worker"] = self.start("worker")
            if workers["loader"].poll() not in (None, 0):
                workers["loader"] = self._load()

    def _finish(self) -> None:
        """Bring the work to its end with the ordinary commands, which may not fail any more."""
        deadline = monotonic() + PATIENCE_S
        while monotonic() < deadline:
            for process in (self.start("worker", "--once"), self._load()):
                if process.wait():
                    raise RuntimeError(f"a command failed although nothing was killed: {self.folder / 'log'}")
            if not any(path.is_file() for path in self.watched.iterdir()) and not self._unfinished():
                self._command("usage", "sweep", "--tenant", TENANT, "--minutes", "0")
                return
        raise RuntimeError("the work did not come to its end")

    def _unfinished(self) -> bool:
        with connect(self.home) as connection:
            return bool(
                connection.execute("SELECT 1 FROM usage_batch WHERE state NOT IN ('posted', 'failed')").fetchall()
            )

    def problems(self, found: State) -> list[str]:
        """What differs from an undisturbed run, what Trunkline's own proofs find, what lies about."""
        lines = differences(self.expected, found) if self.expected else []
        for command in (("usage", "check", "--read-files"), ("ledger", "check")):
            done = subprocess.run(
                [sys.executable, "-m", "trunkline", *command],
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
            )
            lines += [f"{' '.join(command)}: {line}" for line in done.stderr.splitlines()] if done.returncode else []
        return lines + [f"left behind: {name}" for name in strays(self.home)]


def split(lines: list[bytes]) -> list[list[bytes]]:
    """The lines of a day as the files of its parts. Lines of one key stay together, so that it does not matter which part comes first;
    some lines whose key is there once are repeated in the next part.
    """
    keys = [line.partition(b",")[0] for line in lines]
    seen = Counter(keys)
    size = -(-len(lines) // PARTS)
    part_of: dict[bytes, int] = {}
    parts: list[list[bytes]] = [[] for _ in range(PARTS)]
    for number, (key, line) in enumerate(zip(keys, lines, strict=True)):
        parts[part_of.setdefault(key, number // size)].append(line)
    last = [[line for line in part if seen[line.partition(b",")[0]] == 1][-REPEATED:] for part in parts]
    return [[*(last[number - 1] if number else []), *part] for number, part in enumerate(parts)]


def _set_up(watched: str) -> None:
    """Make the carrier in the data folder of this process; its one switch has the watched folder."""
    from trunkline.cli.ready import get_ready

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    get_ready()
    from trunkline.cli.plans import set_up_tenant
    from trunkline.tenancy.scope import scope
    from trunkline.usage.models import Switch

    case = write_pipeline_case(home().parents[1] / "files", size=SIZE)
    tenant_id = set_up_tenant(case.tenant, case.rates, None, actor="bench", at=datetime.now(UTC))
    with scope(tenant_id, "bench"):
        Switch.objects.filter(name=SWITCH).update(watch_folder=watched)


if __name__ == "__main__":
    _set_up(*sys.argv[1:])
