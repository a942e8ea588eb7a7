"""`usage search` as it is typed, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.databases import TestDatabase
from tests.db.usage.carrier import START, Carrier, line

NEEDLESS = {"numpy", "pyarrow", "pydantic", "procrastinate", "pghistory", "pgtrigger", "rich"}


def search(database: TestDatabase, *words: str) -> tuple[list[dict[str, Any]], set[str]]:
    """The records that the command prints, and the packages that it has loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "trunkline", "usage", "search", "--tenant", "alpha-carrier"]
    done = subprocess.run([*command, *words, "--json"], env=database.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines()}
    return json.loads(done.stdout)["records"], loaded


def test_a_search_finds_what_was_loaded_and_loads_no_more_than_it_needs(
    carrier: Carrier, committed_db: TestDatabase
) -> None:
    carrier.load(carrier.write("a.csv", line("one"), line("two", called="254700000002")))

    records, loaded = search(committed_db, "--number", "254700000002")
    assert [(each["key"], each["called"], each["sell_amount"]) for each in records] == [
        ("two", "254700000002", "0.08000000")
    ]
    assert "duckdb" in loaded
    assert loaded & NEEDLESS == set()

    records, loaded = search(committed_db, "--account", "cust", "--from", f"{START:%Y-%m-%d}")
    assert sorted(each["key"] for each in records) == ["one", "two"]
    assert loaded & NEEDLESS == set()

    records, loaded = search(committed_db, "--number", "254700000009", "--limit", "5")
    assert records == []
    assert loaded & (NEEDLESS | {"duckdb"}) == set()
