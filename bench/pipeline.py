"""How fast a file becomes posted records: from the start of the process to the commit, ten million records already stored.

The command is the one that an operator types, in a process of its own. Memory is that of the whole process tree and of PostgreSQL, shared
pages counted once (PSS). Afterwards the counts are compared with what the file holds, ten thousand records are rated again one by one, and
`usage check` proves segments = rollups = ledger.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from time import perf_counter
from typing import Any

import psutil

from bench.ground import ROOT, SWITCH, TENANT, Ground
from trunkline.simulate.pipeline_case import PipelineSize, write_pipeline_day

MUST_REACH = 300_000  # records a second
MUST_FIT_MIB = 2048
SAMPLE = 10_000
SAMPLING_S = 0.5  # reading the sizes of a large process holds it up


def run(records: int = 3_000_000, neighbours: int = 10_000_000) -> dict[str, Any]:
    """Measure once. Raises RuntimeError if anything that came out is not what it must be."""
    ground = Ground(replace(PipelineSize(), records=records, neighbours=neighbours))
    ground.prepare()
    written = write_pipeline_day(ground.case())
    os.sync()  # what preparing wrote is not to be paid by the run
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trunkline",
            "usage",
            "load",
            str(written.path),
            "--tenant",
            TENANT,
            "--switch",
            SWITCH,
            "--json",
        ],
        env=ground.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    begin = perf_counter()
    with PeakMemory(process.pid, ground) as memory:
        out, err = process.communicate()
    seconds = perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"usage load failed:\n{out}\n{err}")
    (batch,) = json.loads(out)["batches"]
    _compare(batch, written)
    checked = json.loads(ground.command("usage", "check", "--tenant", TENANT, "--json"))
    rated_again = int(
        subprocess.run(
            [sys.executable, "-m", "bench.rate_again", str(SAMPLE)],
            env=ground.environment,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
    )
    records_per_s = int(written.records / seconds)
    return {
        "passed": records_per_s >= MUST_REACH and memory.peak_mib <= MUST_FIT_MIB and checked["holds"],
        "records": written.records,
        "seconds": round(seconds, 2),
        "records_per_s": records_per_s,
        "peak_rss_mib": memory.peak_mib,
        "rated": batch["rated"],
        "rejected": batch["rejected"],
        "duplicates": batch["duplicates"],
        "stored_before": ground.size.neighbours,
        "rated_again_one_by_one": rated_again,
        "usage_check_holds": checked["holds"],
    }


def _compare(batch: dict[str, Any], written: Any) -> None:
    expected = (written.records, written.rated, written.duplicates, dict(written.rejects))
    found = (batch["rows_in"], batch["rated"], batch["duplicates"], batch["reasons"])
    if batch["remark"]:
        raise RuntimeError(f"the file {batch['remark']}: the ground is not what it must be")
    if found != expected:
        raise RuntimeError(f"the file holds {expected}, the batch says {found}")


class PeakMemory:
    """Samples the proportional set size of a process tree and of the ground's PostgreSQL until it is left."""

    def __init__(self, pid: int, ground: Ground) -> None:
        self._pid = pid
        self._postmaster = int((ground.home / "postgres" / "postmaster.pid").read_text().split()[0])
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._peak = 0

    @property
    def peak_mib(self) -> int:
        return self._peak // 2**20

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLING_S):
            total = 0
            for root in (self._pid, self._postmaster):
                try:
                    tree = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
                except psutil.NoSuchProcess:
                    continue
                for process in tree:
                    try:
                        total += process.memory_full_info().pss
                    except psutil.NoSuchProcess:
                        continue
            self._peak = max(self._peak, total)
