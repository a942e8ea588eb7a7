"""In which order several workers of one run take the files of tests: the longest first, so that none works alone at the end."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# What one test of a folder takes, in seconds of a processor, as far as it matters; the first that fits is taken.
SECONDS = (
    ("tests/crash/", 2.5),
    ("tests/browser/", 3.0),
    ("tests/scenarios/", 4.0),
    ("tests/db/usage/", 1.0),
    ("tests/db/sources/", 1.0),
    ("tests/db/invoicing/", 0.6),
    ("tests/db/reports/", 0.4),
    ("tests/db/", 0.2),
    ("tests/isolation/", 0.03),
    ("tests/unit/", 0.05),
    ("tests/", 0.1),
)
SLOW_SECONDS = 5.0


class LongestFirst(LoadFileScheduling):
    """Files go to the workers in the order of the collection. The tests that crash share a prepared folder: they stay together."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of tests

    def _split_scope(self, nodeid: str) -> str:
        return "tests/crash" if nodeid.startswith("tests/crash/") else super()._split_scope(nodeid)


def seconds(item: pytest.Item) -> float:
    """What a test is likely to take."""
    if item.get_closest_marker("slow"):
        return SLOW_SECONDS
    return next((each for folder, each in SECONDS if item.nodeid.startswith(folder)), 0.0)


def longest_first(items: list[pytest.Item]) -> None:
    """Sort them by what the whole file takes; within a file they stay as they are."""
    total: dict[str, float] = defaultdict(float)
    for item in items:
        total[_group(item)] += seconds(item)
    items.sort(key=lambda item: (-total[_group(item)], _group(item), item.nodeid.partition("::")[0]))


def _group(item: pytest.Item) -> str:
    path = item.nodeid.partition("::")[0]
    return "tests/crash" if path.startswith("tests/crash/") else path
