"""Look-ups whose SQL is made once find what their querysets find."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db.models import F, QuerySet, Sum

from tests.db.reports.records import make_account
from trunkline.core.money import Amount
from trunkline.kit.db.kept import Kept, KeptValues
from trunkline.kit.db.scope import ScopeError
from trunkline.parties.models import Account
from trunkline.tenancy.scope import scope


def by_public_id() -> Kept[Account]:
    return Kept(
        lambda public_id: Account.objects.select_related("billing_profile", "parent").filter(public_id=public_id),
        UUID(int=1),
    )


def test_it_finds_the_row_with_what_belongs_to_it_in_one_query(in_scope: Any, django_assert_num_queries: Any) -> None:
    one, other = make_account("one"), make_account("other")
    kept = by_public_id()
    for account in (one, other, one):
        with django_assert_num_queries(1):
            found = kept.find(account.public_id)
            assert found is not None
            assert (found, found.billing_profile.code, found.parent) == (account, account.code, None)
    assert found.credit_limit == one.credit_limit
    assert kept.find(UUID(int=2)) is None


def test_several_values_and_an_order_stay_in_their_places(in_scope: Any) -> None:
    for code in ("a", "b", "c"):
        make_account(code)
    kept = Kept(
        lambda least, currency: Account.objects.filter(code__gte=least, currency=currency, is_vendor=True).order_by(
            F("code").desc()
        ),
        "\x00least",
        "\x00currency",
    )
    assert [row.code for row in kept.rows("b", "USD")] == ["c", "b"]
    assert [row.code for row in kept.rows("a", "USD")] == ["c", "b", "a"]
    assert kept.rows("a", "EUR") == []


def test_another_tenants_row_is_not_found_and_outside_a_scope_it_raises(tenant: Any, other_tenant: Any) -> None:
    kept = by_public_id()
    with scope(other_tenant, "test"):
        theirs = make_account("theirs").public_id
        assert kept.find(theirs) is not None
    with scope(tenant, "test"):
        assert kept.find(theirs) is None
    with pytest.raises(ScopeError):
        kept.find(theirs)


def test_an_example_that_stands_nowhere_is_an_error_of_the_program(in_scope: Any) -> None:
    kept = Kept(lambda _: Account.objects.filter(code="a"), UUID(int=1))
    with pytest.raises(RuntimeError, match="not every example"):
        kept.find(UUID(int=2))


def test_tuples_and_sums_come_back_as_their_queryset_gives_them(in_scope: Any, django_assert_num_queries: Any) -> None:
    for code, limit in (("a", 1), ("b", 2), ("c", 4)):
        account = make_account(code)
        account.credit_limit = Amount.from_text(str(limit))
        account.save()

    def limits(least: str) -> QuerySet[Account, Any]:
        found = Account.objects.filter(code__gte=least).order_by()
        return found.values_list("currency").annotate(Sum("credit_limit"))

    kept = KeptValues(limits, "\x00least")
    for least in ("a", "b", "d"):
        with django_assert_num_queries(1):
            found = kept.rows(least)
        assert found == list(limits(least))
    assert kept.rows("b") == [("USD", Amount.from_text("6"))]


def test_tuples_of_another_tenant_are_not_found_and_outside_a_scope_they_raise(tenant: Any, other_tenant: Any) -> None:
    kept = KeptValues(lambda: Account.objects.values_list("code"))
    with scope(other_tenant, "test"):
        make_account("theirs")
        assert ("theirs",) in kept.rows()
    with scope(tenant, "test"):
        assert ("theirs",) not in kept.rows()
    with pytest.raises(ScopeError):
        kept.rows()
