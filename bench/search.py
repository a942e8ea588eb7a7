"""How long a search takes in a fresh process, ten million records stored: a number that is there, one that is not, one account's day."""

from __future__ import annotations

import json
from statistics import median
from time import perf_counter
from typing import Any

from bench.ground import TENANT, Ground

RUNS = 5
MUST_TAKE_S = 1.0


def run() -> dict[str, Any]:
    """Seconds from the start of the process to its end, the median of several runs each."""
    ground = Ground()
    ground.prepare()
    account = ("--account", "customer-07", "--from", "2026-03-01", "--to", "2026-03-02", "--limit", "100")
    (example,) = json.loads(ground.command("usage", "search", "--tenant", TENANT, *account[:-1], "1", "--json"))[
        "records"
    ]
    questions = {
        "number_there_s": ("--number", example["called"]),
        "number_not_there_s": ("--number", "99999999999999"),
        "account_day_s": account,
    }
    figures: dict[str, Any] = {"records_stored": ground.size.neighbours}
    for name, arguments in questions.items():
        seconds = []
        for _ in range(RUNS):
            begin = perf_counter()
            found = json.loads(ground.command("usage", "search", "--tenant", TENANT, *arguments, "--json"))
            seconds.append(perf_counter() - begin)
            if bool(found["records"]) != (name != "number_not_there_s"):
                raise RuntimeError(f"{name}: {len(found['records'])} records")
        figures[name] = round(median(seconds), 3)
    return {"passed": all(figures[name] <= MUST_TAKE_S for name in questions), **figures}
