"""The ground on which the pipeline and the search are measured: a carrier with ten million records already stored.

It is made once, below the data folder, with a PostgreSQL of its own, and kept beside a copy, so that every run begins from the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

from trunkline.kit.home import home
from trunkline.simulate.pipeline_case import PipelineCase, PipelineSize, write_pipeline_case, write_pipeline_neighbours

ROOT = Path(__file__).parents[1]
TENANT, SWITCH = "bench", "bench-1"


class Ground:
    """A data folder of its own with the bench's carrier, its prices and the records of the neighbouring days."""

    def __init__(self, size: PipelineSize | None = None) -> None:
        self.size = size or PipelineSize()
        mark = f"{self.size.records}-{self.size.neighbours}-{self.size.largest}"
        if self.size.customers != PipelineSize().customers:
            mark = f"{mark}-{self.size.customers}"
        self.folder = home() / "bench" / mark
        self.home = self.folder / "home"
        self.files = self.folder / "files"
        self.kept = self.folder / "kept"
        self.environment = os.environ | {"TRUNKLINE_HOME": str(self.home), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.environment |= {"PYTHONPYCACHEPREFIX": str(self.folder / "bytecode")}  # as bin/trunkline does
        for name in ("TRUNKLINE_DATABASE_URL", "PYTHONDONTWRITEBYTECODE"):
            self.environment.pop(name, None)

    def command(self, *arguments: str, check: bool = True) -> str:
        """Run a trunkline command on this ground and give back what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "trunkline", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def case(self) -> PipelineCase:
        """The description of the carrier; its price lists are written."""
        return write_pipeline_case(self.files, size=self.size)

    def prepare(self) -> None:
        """Make the ground if it is not there, and go back to it as it was made if it is."""
        if not (self.folder / "ready").exists():
            self._make()
        self.restore()

    @property
    def _server_data(self) -> Path:
        return (self.home / "postgres").resolve()

    def _make(self) -> None:
        if self.home.exists():
            self.command("db", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.home.mkdir(parents=True)
        case = self.case()
        self.command("db", "start")
        said = json.dumps(asdict(self.size), default=str)
        subprocess.run(
            [sys.executable, "-m", "bench.ground", said, str(self.files)], env=self.environment, check=True, cwd=ROOT
        )
        for written in write_pipeline_neighbours(case):
            result = json.loads(
                self.command("usage", "load", str(written.path), "--tenant", TENANT, "--switch", SWITCH, "--json")
            )
            if result["batches"][0]["rated"] != written.rated:
                raise RuntimeError(f"{written.path.name}: {result}, expected {written.rated} rated")
            written.path.unlink()
        self.command("db", "stop")
        # Renamed, not copied: the copy is what the server works on.
        subprocess.run(["cp", "-a", self.home, self.kept], check=True)
        if (self.kept / "postgres").is_symlink():  # the server's data lies elsewhere, as its user must reach it
            (self.kept / "postgres").unlink()
            subprocess.run(["cp", "-a", self._server_data, self.kept / "postgres"], check=True)
        (self.folder / "ready").touch()

    def restore(self) -> None:
        """Put the data folder back to how it was made. Segments are only ever added, so those that are there stay."""
        self.command("db", "stop", check=False)
        subprocess.run(["rm", "-rf", self._server_data], check=True)
        subprocess.run(["cp", "-a", self.kept / "postgres", self._server_data], check=True)
        known = {path.relative_to(self.kept) for path in (self.kept / "usage").rglob("*") if path.is_file()}
        for path in (self.home / "usage").rglob("*"):
            if path.is_file() and path.relative_to(self.home) not in known:
                path.unlink()
        for mark in self.home.glob("migrated-*"):
            mark.unlink()
        # What an installation or the first command does, not the one that is measured: bytecode, tables up to date.
        subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "src"], env=self.environment, check=True)
        self.command("tenant", "list")
        # An installation at work has had these in memory since the last file.
        for path in (*self.home.glob("snapshots/*/*.arrow"), *self.home.glob("usage/*/*/*.keys")):
            path.read_bytes()


def _set_up(said: str, files: str) -> None:
    """Make the carrier in the data folder of this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    import django

    django.setup()
    from trunkline.cli.plans import set_up_tenant

    given = json.loads(said)
    size = PipelineSize(**given | {"day": date.fromisoformat(given["day"])})
    case = write_pipeline_case(Path(files), size=size)
    set_up_tenant(case.tenant, case.rates, None, actor="bench", at=datetime.now(UTC))


if __name__ == "__main__":
    _set_up(*sys.argv[1:])
