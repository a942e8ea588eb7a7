"""How long it takes to explain one record among ten million stored: to find it by its key, and to explain it whole.

`find_ms` is the look-up itself: from the key to every column of the record; it is what must be reached. `explain_ms` has
all that is computed and asked of the database besides. Both are taken in a process that is warm: modules loaded, connected,
other records explained before. Each run takes another record, from all over the segments; the files may be in the system's
cache. `command_s` is what a person waits for at the command line, with the start of the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from bench.ground import ROOT, TENANT, Ground

RUNS = 100
WARMING_RUNS = 10
COMMAND_RUNS = 3
MUST_TAKE_MS = 50.0


def run() -> dict[str, Any]:
    """Milliseconds, the median and the slowest twentieth of many records; `passed` looks at the median of the look-up."""
    ground = Ground()
    ground.prepare()
    done = subprocess.run(
        [sys.executable, "-m", "bench.explain"],
        env=ground.environment,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the records could not be explained:\n{done.stderr}")
    figures = json.loads(done.stdout)
    seconds = []
    for key in figures.pop("keys")[:COMMAND_RUNS]:
        begin = perf_counter()
        ground.command("explain", key, "--tenant", TENANT, "--json")
        seconds.append(perf_counter() - begin)
    passed = figures["disagreeing"] == 0 and figures["find_ms"] <= MUST_TAKE_MS
    stored = {"passed": passed, "records_stored": ground.size.neighbours}
    return stored | figures | {"command_s": round(median(seconds), 3)}


def _measure() -> dict[str, Any]:
    """The figures, taken in this process, whose data folder is that of the ground."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    from trunkline.cli.ready import get_ready

    get_ready()
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope
    from trunkline.usage.explain import explain_record
    from trunkline.usage.locate import Sought, access_record, read_row
    from trunkline.usage.segments import live_segments

    tenant_id = get_tenant_id(TENANT)
    random = Random(1)
    with scope(tenant_id, "bench"):
        segments = live_segments()
        chosen = random.choices(segments, weights=[each.rows for each in segments], k=WARMING_RUNS + RUNS)
        keys = [read_row(each, random.randrange(each.rows))["key"] for each in chosen]
    find, whole, disagreeing = [], [], 0
    for key in keys:
        begin = perf_counter()
        with scope(tenant_id, "bench", snapshot=True):
            located = access_record(Sought(key=key))
            found = perf_counter()
            explanation = explain_record(located)
        end = perf_counter()
        disagreeing += not explanation.agrees
        find.append(1000 * (found - begin))
        whole.append(1000 * (end - begin))
    find, whole = find[WARMING_RUNS:], whole[WARMING_RUNS:]
    return {
        "find_ms": round(median(find), 1),
        "find_p95_ms": round(quantiles(find, n=20)[-1], 1),
        "explain_ms": round(median(whole), 1),
        "explain_p95_ms": round(quantiles(whole, n=20)[-1], 1),
        "explained": len(keys),
        "disagreeing": disagreeing,
        "keys": keys,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure()))
