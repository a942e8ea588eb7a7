"""The demo counts what its generator says it has made, and a second run changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import TestDatabase
from trunkline.cli.demo import _run
from trunkline.simulate.demo import DEMO_SEED
from trunkline.simulate.demo_savanna import savanna, write_savanna
from trunkline.simulate.describe import WrittenTenant
from trunkline.simulate.files import total
from trunkline.tenancy.queries import get_tenant_id
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Batch


@pytest.mark.slow
def test_the_retailers_month_is_counted_as_it_was_made(committed_db: TestDatabase, tmp_path: Path) -> None:
    rates, usage = write_savanna(tmp_path, DEMO_SEED)
    written = WrittenTenant(savanna(), rates, tuple(usage), (), None)
    made = total([file.written for file in usage])
    summary = _run(written, None)
    assert {name: summary[name] for name in ("records_in", "rated", "rejected", "duplicates", "invoices")} == {
        "records_in": 60_000,
        "rated": made["rated"],
        "rejected": made["rejected"],
        "duplicates": made["duplicates"],
        "invoices": 40,
    }
    with scope(get_tenant_id("savanna"), "test"):
        found = {batch.name: batch.reject_reasons for batch in Batch.objects.all()}
    assert found == {file.written.path.name: dict(file.written.rejects) for file in usage}
    again = _run(written, None)
    assert again | {"seconds": 0} == summary | {"seconds": 0}
