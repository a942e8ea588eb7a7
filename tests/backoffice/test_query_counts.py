"""No page asks the database more than it did when its number was committed, and none more than thirty times."""

from __future__ import annotations

import pytest

from tests.backoffice import query_counts
from tests.backoffice.office import Office
from tests.isolation.world import World

REWRITE = "If that is meant: bin/write-query-counts"


def test_every_page_asks_as_little_as_it_is_known_to(world: World, request: pytest.FixtureRequest) -> None:
    found = query_counts.measure(world, Office(world.ours, world.theirs).client())
    assert {name: count for name, count in found.items() if count > query_counts.MOST} == {}
    if request.config.getoption("--write-query-counts"):
        query_counts.write(found)
    known = query_counts.baseline()
    more = {name: (known.get(name), count) for name, count in found.items() if count > known.get(name, -1)}
    assert more == {}, REWRITE
    assert sorted(set(known) - set(found)) == [], REWRITE
