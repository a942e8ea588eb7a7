"""Global search: accounts, numbers, invoices, tariffs, reports and pages, as far as one may see them, and of one's own operator alone."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.backoffice.office import Office
from tests.db.reports.records import make_account
from tests.isolation.rows import make_row
from trunkline.identity.models import Membership, Role
from trunkline.identity.permissions import BuiltInRole
from trunkline.invoicing.models import Invoice
from trunkline.parties.models import Identity
from trunkline.reports.actions import save_report
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.scope import scope


def found(client: Client, words: str, **asked: str) -> list[tuple[str, str]]:
    response = client.get(reverse("admin:search"), {"s": words, "extended": "1", **asked})
    assert response.status_code == 200
    return [(each.title, each.icon) for each in response.context_data["results"]]


@pytest.fixture
def client(office: Office) -> Client:
    """The owner of an operator with two accounts, a trunk, a tariff, an invoice and a saved report."""
    with scope(office.ours, "test"):
        account = make_account("harbor", "Harbor Telecom")
        make_account("acme", "Acme of the Harbor")
        make_row(Identity, account=account, kind="trunk", value="harbor-in")
        make_row(Tariff, name="Harbor retail")
        make_row(Invoice, account=account, number="INV-2026-0001")
        save_report(name="Harbor by day", asked={"by": "day"})
    return office.client()


def test_every_kind_is_found_the_short_name_first(client: Client) -> None:
    assert found(client, " harbor ") == [
        ("Harbor Telecom", "groups"),
        ("Acme of the Harbor", "groups"),
        ("harbor-in", "fingerprint"),
        ("Harbor retail", "sell"),
        ("Harbor by day", "bookmarks"),
    ]
    assert found(client, "inv-2026") == [("INV-2026-0001", "receipt_long")]
    assert ("Tariffs", "sell") in found(client, "tarif")
    assert found(client, "") == []


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("+254 700 000 001", "number=254700000001"),
        ("2547*", "number=2547%2A"),
        ("(254) 700/000-001", "number=254700000001"),
    ],
)
def test_a_number_leads_to_its_records(client: Client, words: str, link: str) -> None:
    response = client.get(reverse("admin:search"), {"s": words, "extended": "1"})
    (only,) = response.context_data["results"]
    assert only.link == f"{reverse('admin:records')}?{link}"
    assert client.get(only.link).status_code == 200


@pytest.mark.parametrize("words", ["123", "%", "_", "' OR 1=1 --", "x" * 500, "<script>", "{{ 7 }}"])
def test_what_is_nothing_finds_nothing_and_is_shown_as_it_was_typed_nowhere(client: Client, words: str) -> None:
    response = client.get(reverse("admin:search"), {"s": words, "extended": "1"})
    assert (response.status_code, response.context_data["results"]) == (200, [])
    assert "<script>" not in response.content.decode()


def test_a_name_from_outside_is_text(office: Office, client: Client) -> None:
    with scope(office.ours, "test"):
        make_account("evil", '<img src=x onerror="1">')
    text = client.get(reverse("admin:search"), {"s": "evil", "extended": "1"}).content.decode()
    assert "&lt;img" in text
    assert "<img" not in text


def test_what_one_may_not_see_is_not_found(office: Office, client: Client) -> None:
    assert "receipt_long" not in {icon for _title, icon in found(office.client(BuiltInRole.NOC), "INV-2026")}
    person = office.person("support")
    with scope(office.ours, "test"):
        own = Role.objects.create(name="Files only", permissions=["usage.read"], created_at=office.ours.created_at)
        Membership.objects.filter(user=person).update(role="", own_role=own)
    assert found(office.client("support"), "harbor") == []


def test_the_accounts_of_another_operator_are_not_found(office: Office, client: Client) -> None:
    assert found(office.client(tenant=office.theirs), "harbor") == []


def test_a_search_is_a_few_queries_that_count_nothing(client: Client) -> None:
    found(client, "harbor")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found(client, "254700000001")
    statements = [each["sql"] for each in asked.captured_queries]
    assert len(statements) < 20
    assert [sql for sql in statements if "COUNT(" in sql.upper()] == []
