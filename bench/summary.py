"""How long a summary of ten million records takes: by day, customer, vendor and destination, a quarter of a million rows.

The report itself, from the question to its rows in order, must stay below its limit in a process that has started, as a screen would ask for
it. What a fresh process takes to write it as a file is shown beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import Any

from bench.ground import ROOT, TENANT, Ground

RUNS = 5
MUST_TAKE_S = 2.0
BY = "day,account,vendor,destination"


def run() -> dict[str, Any]:
    """Seconds, the median of several runs each."""
    ground = Ground()
    ground.prepare()
    done = subprocess.run(
        [sys.executable, "-m", "bench.summary"],
        env=ground.environment,
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    figures = json.loads(done.stdout)
    seconds = []
    out = ground.folder / "summary.csv"
    for _ in range(RUNS):
        begin = perf_counter()
        ground.command("report", "summary", "--tenant", TENANT, "--by", BY, "--out", str(out))
        seconds.append(perf_counter() - begin)
    out.unlink()
    passed = figures["report_s"] <= MUST_TAKE_S and figures["attempts"] == ground.size.neighbours
    return {"passed": passed, **figures, "process_to_csv_s": round(median(seconds), 3)}


def _measure() -> None:
    """Print the figures that one process finds."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    import django

    django.setup()
    from trunkline.reports.queries import build, gather, parse_question
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope

    tenant_id = get_tenant_id(TENANT)

    def seconds_of(**asked: str) -> tuple[float, Any]:
        taken, report = [], None
        for _ in range(RUNS):
            begin = perf_counter()
            question = parse_question(asked)
            with scope(tenant_id, "bench"):
                gathered = gather(question)
            report = build(question, gathered)
            taken.append(perf_counter() - begin)
        return round(median(taken), 3), report

    report_s, report = seconds_of(by=BY)
    figures = {
        "attempts": report.totals.attempts,
        "rows": len(report.groups),
        "report_s": report_s,
        "by_day_s": seconds_of(by="day")[0],
        "by_day_with_percentiles_s": seconds_of(by="day", percentiles="yes")[0],
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    _measure()
