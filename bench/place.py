"""A data folder of its own with a server, in which a bench does its work and which is gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from trunkline.kit.home import home

ROOT = Path(__file__).parents[1]


class Place:
    """A folder below the bench's data folder; inside `with` its server runs. `home` is the data folder of its commands."""

    def __init__(self, name: str) -> None:
        self.folder = home() / "bench" / name
        self.home = self.folder / "home"
        self.environment = os.environ | {"TRUNKLINE_HOME": str(self.home), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.environment.pop("TRUNKLINE_DATABASE_URL", None)

    def __enter__(self) -> Self:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.home.mkdir(mode=0o700)
        self.command("db", "start")
        return self

    def __exit__(self, *_: object) -> None:
        stop = [sys.executable, "-m", "trunkline", "db", "stop"]
        subprocess.run(stop, env=self.environment, capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments: str) -> Any:
        """What a trunkline command prints, with `--json` as an object. Raises RuntimeError if it fails."""
        said = self.module("trunkline", *arguments)
        return json.loads(said) if "--json" in arguments else said

    def module(self, *arguments: str) -> str:
        """What a module prints that is run with these arguments. Raises RuntimeError if it fails."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout
