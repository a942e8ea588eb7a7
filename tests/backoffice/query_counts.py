"""How many questions each page of the office asks the database: measured by asking for every page that the site's registry has.

    bin/write-query-counts

writes `query_counts.json` anew; its difference says what a change costs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.isolation.rows import make_row
from tests.isolation.world import World
from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.history import is_tracked
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verbs_of
from trunkline.tenancy.scope import scope

BASELINE: Final = Path(__file__).with_suffix(".json")
MOST: Final = 30
ROWS: Final = 4  # of each model besides the world's, so that a question asked for each row is seen


def screens() -> list[TenantAdmin]:
    """The screens of the site, by model."""
    return sorted(site._registry.values(), key=lambda each: each.opts.label)


def make_more(world: World) -> None:
    """Further rows of every model that has a screen, as far as there can be several."""
    with scope(world.ours, "test"):
        for screen in screens():
            for _ in range(ROWS):
                with suppress(IntegrityError), transaction.atomic():
                    make_row(screen.model)


def pages(world: World) -> Iterator[tuple[str, str]]:
    """The name and the address of every page that takes no more than a row."""
    yield "dashboard", reverse("admin:index")
    for screen in screens():
        label, row = screen.opts.label_lower, world.row(world.ours, screen.model)
        yield f"{label} list", screen.url("changelist")
        yield f"{label} row", screen.url("change", row)
        if screen.permission_to_add is not None:
            yield f"{label} add", screen.url("add")
        if is_tracked(screen.model):
            yield f"{label} history", screen.url("history", row)
        for verb in verbs_of(type(screen)):
            if verb.on_list or verb.applies(row):
                yield f"{label} {verb.name}", screen.url(verb.name, None if verb.on_list else row)
    for page in site.pages:
        if "<" not in page.route:
            yield page.name, reverse(f"admin:{page.name}")


def measure(world: World, client: Client) -> dict[str, int]:
    """The number of questions of each page."""
    make_more(world)
    found = {}
    with scope(world.ours, "test"):
        named = list(pages(world))
    for name, address in named:
        client.get(address)  # what a process asks once is not the page's
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        found[name] = len(asked)
    return found


def baseline() -> dict[str, int]:
    """The numbers that are committed."""
    known: dict[str, int] = json.loads(BASELINE.read_text(encoding="utf-8"))
    return known


def write(found: dict[str, int]) -> None:
    """Commit to these numbers."""
    BASELINE.write_text(json.dumps(dict(sorted(found.items())), indent=2) + "\n", encoding="utf-8")
