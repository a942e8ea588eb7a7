"""Whatever people name their things, it is a text: on pages, in queries and in templates."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from trunkline.parties.actions import create_account
from trunkline.parties.models import Account
from trunkline.tenancy.scope import scope

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7|add:7000 }}{% debug %}",
    "'; DROP TABLE parties_account; --",
    "%s %(name)s {0} ${jndi:ldap://x}",
    "=HYPERLINK(1)",
]
LISTED = "admin:parties_account_changelist"


@pytest.fixture
def names(office: Office) -> list[Account]:
    with scope(office.ours, "test"):
        return [
            create_account(code=f"c{n}", name=name, currency="USD", timezone="UTC", at=AT)
            for n, name in enumerate(NAMES)
        ]


def test_a_name_is_shown_as_it_was_typed_and_runs_nowhere(office: Office, names: list[Account]) -> None:
    client = office.client()
    pages = [reverse(LISTED), *(reverse("admin:parties_account_change", args=[each.pk]) for each in names)]
    for page in pages:
        response = client.get(page)
        text = response.content.decode()
        assert response.status_code == 200
        assert [bad for bad in ("<script>alert", "<img src=x", "7007") if bad in text] == []
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get(pages[0]).content.decode()


@pytest.mark.parametrize(
    "query",
    ["' OR 1=1 --", "%", "_", "\\", "');SELECT pg_sleep(9);--", "<script>alert(1)</script>", "{{ 7|add:7000 }}"],
)
def test_a_search_finds_the_text_that_was_asked_for(office: Office, names: list[Account], query: str) -> None:
    response = office.client().get(reverse(LISTED), {"q": query})
    found = {row.name for row in response.context_data["cl"].result_list}
    assert (response.status_code, found) == (200, {name for name in NAMES if query in name})
    assert "<script>alert" not in response.content.decode()
    with scope(office.ours, "test"):
        assert Account.objects.count() == len(NAMES)


@pytest.mark.parametrize(
    "parameter", ["e", "o", "p", "status__exact", "id__exact", "x;DROP TABLE parties_account", "q"]
)
@pytest.mark.parametrize("value", ["'", "1)) OR ((1=1", "-1", "9" * 40, "\x00"])
def test_no_word_of_an_address_breaks_a_list(office: Office, names: list[Account], parameter: str, value: str) -> None:
    assert office.client().get(reverse(LISTED), {parameter: value}).status_code in (200, 302, 400)
