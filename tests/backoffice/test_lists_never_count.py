"""Lists and pages read what they show and count nothing: a table of ten million rows costs no more than one of ten."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.backoffice.office import Office
from tests.isolation.world import World
from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.site import Page, site

QUERIES_MAX = 30
SCREENS = sorted(site._registry.values(), key=lambda each: each.opts.label)
PAGES = [page for page in site.pages if "<" not in page.route]
# Tables that grow with the traffic. What a page wants to know of these it keeps as sums.
LARGE = (
    "usage_rollup",
    "usage_hour",
    "ledger_posting",
    "ledger_entry",
    "tariffs_rate",
    "invoicing_billedrollup",
    "invoicing_invoiceline",
)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world.ours, world.theirs)


def statements_of(office: Office, address: str) -> list[str]:
    """What a page asks the database, without what happens around every page for the first time."""
    client = office.client()
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return [each["sql"] for each in asked.captured_queries]


def counts(statements: list[str]) -> list[str]:
    return [sql for sql in statements if "COUNT(*)" in sql.upper()]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda each: each.opts.label)
def test_a_list_counts_nothing(office: Office, screen: TenantAdmin) -> None:
    address = screen.url("changelist")
    statements = statements_of(office, address) + statements_of(office, f"{address}?q=12")
    assert counts(statements) == []
    assert len(statements) <= 2 * QUERIES_MAX


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_a_page_counts_no_large_table(office: Office, page: Page) -> None:
    statements = statements_of(office, reverse(f"admin:{page.name}"))
    assert [sql for sql in counts(statements) if any(table in sql for table in LARGE)] == []
    assert len(statements) <= QUERIES_MAX


def test_the_dashboard_reads_sums_of_hours_and_no_single_records(office: Office) -> None:
    statements = statements_of(office, reverse("admin:index"))
    assert len(statements) <= QUERIES_MAX
    assert counts(statements) == []
    assert [sql for sql in statements if "usage_rollup" in sql] == []
