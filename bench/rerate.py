"""How fast ten million stored records are priced again after one vendor's price list was changed: the look and the correction.

The commands are those that the change of the prices proposes. Every stored record is read; those of the vendor, one of ten, are priced again, and as each
segment holds some that change, each large one is written anew. Each figure is a command from the start of its process to its end. Afterwards a look without any
restriction prices both sides of every record and must find nothing to change (`everything_records_per_s`), and books and segments are proved.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.ground import TENANT, Ground
from bench.pipeline import PeakMemory
from trunkline.simulate.pipeline_case import PipelineSize

MUST_RERATE = 400_000
MUST_STAY_MIB = 2048
DECK = "buy-5"  # of ten vendors the fifth, 40,000 rates


def run(records: int = 0) -> dict[str, Any]:
    """Stored records gone through by second, and the greatest memory of all processes, PostgreSQL included."""
    ground = Ground(PipelineSize(neighbours=records) if records else None)
    ground.prepare()
    _change_prices(ground)
    asked = ("usage", "rerate", "--tenant", TENANT, "--tariff", DECK, "--json")
    looked, look_s, look_mib = _timed(ground, *asked)
    applied, apply_s, apply_mib = _timed(ground, *asked, "--apply")
    everything, everything_s, everything_mib = _timed(ground, "usage", "rerate", "--tenant", TENANT, "--json")
    proved = json.loads(ground.command("usage", "check", "--tenant", TENANT, "--json"))
    changed = sum(batch["changed"] for batch in applied["batches"])
    stored = ground.size.neighbours
    figures = {
        "records_per_s": round(stored / max(look_s, apply_s)),
        "preview_records_per_s": round(stored / look_s),
        "apply_records_per_s": round(stored / apply_s),
        "everything_records_per_s": round(stored / everything_s),
        "peak_rss_mib": max(look_mib, apply_mib, everything_mib),
        "stored": looked["stored"],
        "priced_again": looked["looked"],
        "changed": changed,
        "segments_written": looked["touched"],
        "changes_left": everything["changed"],
        "usage_check_holds": proved["holds"],
    }
    is_right = (
        looked["stored"] == everything["looked"] == stored
        and changed == looked["changed"] > 0
        and everything["changed"] == 0
        and proved["holds"]
    )
    passed = is_right and figures["records_per_s"] >= MUST_RERATE and figures["peak_rss_mib"] <= MUST_STAY_MIB
    return {"passed": passed, **figures}


def _change_prices(ground: Ground) -> None:
    """Load the vendor's price list again with every price a tenth higher, in force as long as the old ones."""
    dearer = ground.folder / "dearer.csv"
    _write_dearer(ground.files / f"rates-{DECK}.csv", dearer)
    ground.command("tariff", "load-rates", DECK, str(dearer), "--tenant", TENANT, "--supersede")
    dearer.unlink()


def _write_dearer(rates: Path, dearer: Path) -> None:
    with rates.open(newline="") as file, dearer.open("w", newline="") as out:
        lines = csv.DictReader(file)
        writer = csv.DictWriter(out, lines.fieldnames or [])
        writer.writeheader()
        for line in lines:
            writer.writerow(line | {"price": str(Decimal(line["price"]) * 11 / 10)})


def _timed(ground: Ground, *arguments: str) -> tuple[dict[str, Any], float, int]:
    """What a command says, its seconds and the MiB of all processes."""
    os.sync()  # what was written before is not to be paid by the run
    begin = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline", *arguments],
        env=ground.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with PeakMemory(process.pid, ground) as memory:
        out, err = process.communicate()
    seconds = perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{out}\n{err}")
    return json.loads(out), seconds, memory.peak_mib
