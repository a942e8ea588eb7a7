"""How long the prices of eight vendors with 400,000 codes each take from where they lie to the first look-up, and to follow a change.

Each part is a process of its own (`bench.snapshot_part`) on a ground that is made for the run. `tables_s`: nothing is there but the tables. `files_s`: the
tariffs' Arrow files are there, of the rates and compiled, as after any restart; `rates_only_s`: only those of the rates. These three are from the start of the
process until every number is answered by every vendor as its list says. `changed_s`: a process that holds the prices follows a change of 1,000 rates that
another has committed, the middle of eight; then the same while two of its threads look numbers up at every vendor without a pause. `…_cpu_s` is the processor
time of the process in it, without that of PostgreSQL and of the process's start: it says what a busy machine hides.
"""

from __future__ import annotations

import json
import os
import shutil
from time import perf_counter
from typing import Any

from bench.place import Place
from bench.snapshot_part import TENANT

CODES = 400_000
MUST_TAKE_S = {"tables_s": 30.0, "files_s": 5.0, "rates_only_s": 5.0, "changed_s": 1.0}


def run(*, records: int = CODES) -> dict[str, Any]:
    """Seconds, and what became of the look-ups, for so many codes a vendor."""
    codes = records
    with Place(f"snapshot-{codes}") as place:
        place.command("tenant", "add", TENANT, "--currency", "USD")
        figures = _figures(place, codes)
    is_quick = all(figures[name] <= most for name, most in MUST_TAKE_S.items())
    return {"passed": is_quick and figures["lookups"] > 0 and figures["lookups_failed"] == 0, **figures}


def _figures(place: Place, codes: int) -> dict[str, Any]:
    def part(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(place.module("bench.snapshot_part", name, str(codes)))
        return found

    def compiled(name: str) -> dict[str, Any]:
        os.sync()  # what was written before is not to be paid by the run
        begin = perf_counter()
        found = part("compile")
        seconds = round(perf_counter() - begin, 2)
        stem = name.removesuffix("_s")
        return {name: seconds, f"{stem}_ready_s": found["ready_s"], f"{stem}_cpu_s": found["ready_cpu_s"]}

    kept = place.home / "snapshots"
    figures: dict[str, Any] = {"codes": codes, **part("make")}
    shutil.rmtree(kept, ignore_errors=True)
    figures |= compiled("tables_s")
    figures |= compiled("files_s")
    for path in kept.rglob("*.compiled.arrow"):
        path.unlink()
    figures |= compiled("rates_only_s")
    return figures | part("swap")
