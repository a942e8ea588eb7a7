"""How much memory a web process needs for a usage file of a gigabyte that comes in by the API: as much as for a small one.

The file is one of `simulate usage`, with other calls each time, because the same content is the batch that is there already. What counts is the
most that any web process has ever held, start included (VmHWM).
"""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.served import HOST, SWITCH, TENANT, Served, peak_mib

RECORDS = 5_000_000
SMALL = 50_000
MUST_OCTETS = 10**9
MUST_MIB = 200.0


def run(records: int = RECORDS) -> dict[str, Any]:
    """Memory and seconds of an upload; a small file goes first, so that what only the first upload loads is not taken for growth."""
    with Served() as served:
        key, seed = served.new_key("usage.load"), int(time.time())
        begun = max(map(peak_mib, served.server.web_processes))
        small = _uploaded(served, key, SMALL, seed)
        after_small = max(map(peak_mib, served.server.web_processes))
        large = _uploaded(served, key, records, seed + 1)
        peaks = [peak_mib(each) for each in served.server.web_processes]
        for path in (served.home / "spool").rglob("*"):
            if path.is_file():
                path.unlink()  # no worker takes them here
    is_whole = records < RECORDS or large["octets"] >= MUST_OCTETS
    return {
        "passed": max(peaks) <= MUST_MIB and is_whole and small["state"] == large["state"] == "registered",
        "octets": large["octets"],
        "seconds": large["seconds"],
        "mib_per_s": round(large["octets"] / large["seconds"] / 2**20, 1),
        "peak_at_start_mib": begun,
        "peak_after_small_mib": after_small,
        "peak_mib": max(peaks),
        "peaks_mib": peaks,
    }


def _uploaded(served: Served, key: str, records: int, seed: int) -> dict[str, Any]:
    """Write a file, send it, and say how that went. The file is gone then."""
    path = served.home / f"upload-{seed}.csv"
    served.command("simulate", "usage", str(path), "--records", str(records), "--seed", str(seed))
    try:
        octets, begin = path.stat().st_size, perf_counter()
        batch = _send(served, key, path)
        return {"octets": octets, "seconds": round(perf_counter() - begin, 2), "state": batch["state"]}
    finally:
        path.unlink()


def _send(served: Served, key: str, path: Path) -> dict[str, Any]:
    connection = HTTPConnection(HOST, served.server.port, timeout=600)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/octet-stream"}
    headers["Content-Length"] = str(path.stat().st_size)
    with path.open("rb") as content:
        connection.request("POST", f"/api/v1/batches?switch={SWITCH}&name={path.name}", content, headers)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != 202:
        raise RuntimeError(f"the upload was answered {answer.status}: {body[:500]!r} (operator {TENANT})")
    found: dict[str, Any] = json.loads(body)
    return found
