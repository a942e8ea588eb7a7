"""Whether anything is lost or counted twice when workers and PostgreSQL are killed at random moments under load.

A carrier's day comes in several files: those of one switch are named on the command line, by two people at once who begin at opposite ends,
in some runs one of them with a crew; those of another lie in its watched folder. Lines of a file are repeated in the next. Each run takes them all
while kill -9 strikes several times, now one of the three processes, now PostgreSQL with all its children; what died is started again as a
supervisor would, and at the end the ordinary commands bring the work to its end. Then every record, every sum and every balance is compared
with those of a run in which nothing was killed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bench.forks import CREWED, Command
from bench.stages import Stages
from bench.state import State, at_home, connect, differences, read_totals, strays
from trunkline.kit.db import embedded
from trunkline.kit.home import home
from trunkline.simulate.pipeline_case import PipelineSize, write_pipeline_case, write_pipeline_day

SIZE = PipelineSize(
    records=60_000,
    neighbours=0,
    customers=6,
    vendors=4,
    sell_decks=2,
    smallest=500,
    largest=2_000,
    destinations_seen=300,
)
PARTS = 3  # files of each switch
REPEATED = 300  # lines of a part that come again in the next one
KILLS = (2, 5)
CREWED_RUNS = 1 / 3  # the start of a crew takes longer than the work of it here
LOOK_S = 0.02
PATIENCE_S = 600
TENANT, NAMED, WATCHED = "bench", "bench-1", "bench-2"


def run(runs: int = 20) -> dict[str, Any]:
    """Kill in `runs` runs and compare. `lost` and `doubled` count records; `passed` says that nothing at all differs."""
    ground = CrashGround(home() / "bench" / "crash")
    try:
        return _measure(ground, runs)
    finally:
        ground.close()


def _measure(ground: CrashGround, runs: int) -> dict[str, Any]:
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
        problems += [f"run {number + 1}: {line}" for line in ground.problems(found)]
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


class CrashGround(Stages):
    """A data folder of its own with a small carrier, put back to how it was made before every run."""

    def __init__(self, root: Path) -> None:
        if root.exists():  # of a run that was cut off
            with at_home(root / "now" / "home"):
                embedded.kill()
            shutil.rmtree(root)
        super().__init__(root, modules=("bench.crash",), TRUNKLINE_TENANT=TENANT)
        self.watched = self.now / "watched"
        self.named = self.now / "named"
        self.expected: State = {}
        self.seconds = 0.0  # that the work takes when nothing is killed
        self.has_crew = False  # the second loader, for every file

    def make(self) -> None:
        """Make the carrier and its files, and take them once undisturbed."""
        self.watched.mkdir()
        self.named.mkdir()
        self.command("bench.crash:set_up", str(self.root / "files"), str(self.watched))
        if (self.home / "postgres").is_symlink():
            raise RuntimeError(
                f"{self.home} lies behind a folder that PostgreSQL's user may not enter: its cluster is elsewhere."
            )
        self._write_parts()
        self.keep("kept")
        self._begin()
        begin = monotonic()
        for command in self._start_all().values():
            if (done := command.done()).code:
                raise RuntimeError(f"the undisturbed run failed: {done}")
        self.seconds = monotonic() - begin
        self._finish()
        self.expected = read_totals(self.home)
        if found := self.problems(self.expected):
            raise RuntimeError("\n".join(found))

    def _write_parts(self) -> None:
        written = write_pipeline_day(write_pipeline_case(self.root / "files", size=SIZE))
        lines = written.path.read_bytes().splitlines(keepends=True)
        for folder, parts in zip((self.named, self.watched), split(lines), strict=True):
            for number, part in enumerate(parts):
                path = folder / f"part-{number}.csv"
                path.write_bytes(b"".join(part))
                os.utime(path, (0, 0))  # long at rest

    # --- the three who work ---

    def _start_one(self, name: str) -> Command:
        if name == "watcher":
            return self.start("worker", "--once")
        is_second = name == "second loader"
        paths = sorted(map(str, self.named.iterdir()), reverse=is_second)
        constants = CREWED if is_second and self.has_crew else None
        return self.start("usage", "load", *paths, "--switch", NAMED, constants=constants)

    def _start_all(self) -> dict[str, Command]:
        return {name: self._start_one(name) for name in ("first loader", "second loader", "watcher")}

    def _begin(self) -> None:
        self.put_back("kept")
        with at_home(self.home):
            embedded.ensure_running()

    # --- one run ---

    def disturbed(self, chance: random.Random, killed: Counter[str]) -> State:
        """Take all files while kill -9 strikes, bring the work to its end and say what is there."""
        self._begin()
        self.has_crew = chance.random() < CREWED_RUNS
        working = self._start_all()
        for _ in range(chance.randint(*KILLS)):
            if not self._let_pass(chance.uniform(0, self.seconds), working):
                break  # they were quicker
            victim = chance.choice(("worker", "worker", "postgres"))
            if victim == "worker":
                command = working[chance.choice(sorted(working))]
                killed[victim] += not command.has_ended()
                command.send(signal.SIGKILL)
            else:
                killed[victim] += self.kill_server()
        self.end_commands()
        self._finish()
        return read_totals(self.home)

    def _let_pass(self, seconds: float, working: dict[str, Command]) -> bool:
        """Let them work, and start again what has died, as a supervisor does: whether there is still work to do."""
        end = monotonic() + seconds
        while monotonic() < end:
            sleep(LOOK_S)
            for name, command in working.items():
                if command.has_ended() and (command.done().code or (name == "watcher" and self._watched_files())):
                    working[name] = self._start_one(name)
            if all(command.has_ended() for command in working.values()):
                return False
        return True

    def _watched_files(self) -> bool:
        return any(path.is_file() for path in self.watched.iterdir())

    def _finish(self) -> None:
        """Bring the work to its end with the ordinary commands, which may not fail any more."""
        deadline = monotonic() + PATIENCE_S
        while monotonic() < deadline:
            for name in ("watcher", "first loader"):
                if (done := self._start_one(name).done()).code:
                    raise RuntimeError(f"a command failed although nothing was killed: {done}")
            if not self._watched_files() and not self._unfinished():
                self.command("usage", "sweep", "--minutes", "0")
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
        checks = [self.start("usage", "check", "--read-files"), self.start("ledger", "check")]
        for done in [check.done() for check in checks]:
            lines += [f"{' '.join(done.arguments)}: {line}" for line in done.err.splitlines()] if done.code else []
        return lines + [f"left behind: {name}" for name in strays(self.home)]


def split(lines: list[bytes]) -> tuple[list[list[bytes]], list[list[bytes]]]:
    """The lines of a day as files of two switches. Lines of one key stay together, so that it does not matter which part comes first; some
    lines whose key is there once are repeated in the next part of the same switch.
    """
    keys = [line.partition(b",")[0] for line in lines]
    seen = Counter(keys)
    size = -(-len(lines) // (2 * PARTS))
    part_of: dict[bytes, int] = {}
    parts: list[list[bytes]] = [[] for _ in range(2 * PARTS)]
    for number, (key, line) in enumerate(zip(keys, lines, strict=True)):
        parts[part_of.setdefault(key, number // size)].append(line)
    last = [[line for line in part if seen[line.partition(b",")[0]] == 1][-REPEATED:] for part in parts]
    made = [[*(last[number - 1] if number % PARTS else []), *part] for number, part in enumerate(parts)]
    return made[:PARTS], made[PARTS:]


def set_up(files: str, watched: str) -> None:
    """Make the carrier in the data folder of this process, with two switches, the second with a watched folder. Runs as a command."""
    from trunkline.cli.ready import get_ready

    get_ready()
    from trunkline.cli.plans import set_up_tenant
    from trunkline.tenancy.scope import scope
    from trunkline.usage.models import Switch
    from trunkline.usage.sources.actions import watch_folder

    case = write_pipeline_case(Path(files), size=SIZE)
    (first,) = case.tenant.switches
    plan = replace(case.tenant, switches=(first, replace(first, name=WATCHED)))
    tenant_id = set_up_tenant(plan, case.rates, None, actor="bench", at=datetime.now(UTC))
    with scope(tenant_id, "bench"):
        watch_folder(switch=Switch.objects.get(name=WATCHED), folder=watched, at=datetime.now(UTC))
