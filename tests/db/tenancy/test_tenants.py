"""Tenants: made, found before a scope by their ids alone, read inside one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.databases import AT
from trunkline.core.errors import NotFound, TrunklineError
from trunkline.tenancy import queries
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import ScopeError, current_scope, scope


def make(**given: Any) -> Tenant:
    return create_tenant(
        **{"name": "Alpha Carrier", "currency": "USD", "timezone": "UTC", "actor": "cli:ann", "at": AT} | given
    )


def refused(**given: Any) -> str:
    with pytest.raises(TrunklineError) as caught:
        make(**given)
    return caught.value.code


def test_a_tenant_is_made_with_a_short_name_and_is_active(db: None) -> None:
    made = make(name="  Alpha Carrier ", timezone="Africa/Nairobi", currency="KES")
    with scope(made, "test"):
        found = queries.current_tenant()
    assert found == made
    assert (found.slug, found.name, found.currency, found.timezone, found.status, found.created_at) == (
        "alpha-carrier",
        "Alpha Carrier",
        "KES",
        "Africa/Nairobi",
        "active",
        AT,
    )
    assert found.public_id.version == 7
    assert str(found) == "Alpha Carrier"
    assert current_scope() is None


def test_the_short_name_can_be_given(db: None) -> None:
    assert make(slug="alpha_1").slug == "alpha_1"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"currency": "XXQ"}, "unknown_currency"),
        ({"timezone": "Mars/Olympus"}, "unknown_timezone"),
        ({"name": " "}, "bad_name"),
        ({"name": "x" * 201, "slug": "x"}, "bad_name"),
        ({"name": "電話"}, "bad_slug"),
        ({"slug": "a b"}, "bad_slug"),
        ({"slug": "x" * 61}, "bad_slug"),
    ],
)
def test_what_makes_no_tenant_is_refused(db: None, given: dict[str, str], code: str) -> None:
    assert refused(**given) == code
    assert queries.tenant_ids() == []


@pytest.mark.parametrize("given", [{}, {"slug": "other"}, {"name": "Other", "slug": "alpha-carrier"}])
def test_names_are_taken_once_in_the_installation(db: None, given: dict[str, str]) -> None:
    made = make()
    assert refused(**given) == "tenant_exists"
    assert queries.tenant_ids() == [made.pk]


def test_a_tenant_is_not_made_inside_another(tenant: Tenant) -> None:
    with scope(tenant, "test"), pytest.raises(ScopeError):
        make(name="Gamma")


def test_before_a_scope_names_become_ids(tenant: Tenant, other_tenant: Tenant) -> None:
    assert queries.get_tenant_id("alpha-carrier") == queries.get_tenant_id("Alpha Carrier") == tenant.pk
    assert queries.get_tenant_id("beta-telecom") == other_tenant.pk
    assert queries.tenant_ids() == [tenant.pk, other_tenant.pk]


def test_a_short_name_goes_before_the_name_of_another(tenant: Tenant) -> None:
    named = make(name="alpha-carrier", slug="gamma")
    assert queries.get_tenant_id("alpha-carrier") == tenant.pk
    assert queries.get_tenant_id("gamma") == named.pk


def test_a_name_that_no_tenant_has_is_not_found(tenant: Tenant) -> None:
    assert queries.find_tenant_id("nobody") is None
    with pytest.raises(NotFound) as caught:
        queries.get_tenant_id("nobody")
    assert (caught.value.code, caught.value.message) == ("tenant_not_found", "There is no tenant 'nobody'.")


def test_inside_a_scope_there_is_one_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    with scope(other_tenant, "test"):
        assert queries.current_tenant() == other_tenant
        assert list(Tenant.objects.all()) == [other_tenant]
        assert not Tenant.objects.filter(pk=tenant.pk).exists()
    with pytest.raises(ScopeError):
        queries.current_tenant()
