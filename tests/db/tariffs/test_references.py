"""What rates refer to: looked up once a statement, in the tenant alone, and there for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from tests.databases import TestDatabase
from trunkline.kit.db.connections import Role
from trunkline.tariffs.models import CodeDeck, Destination, Rate, SpecialRate, Tariff, TimeProfile
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = "0:0.10/60/1"
REFERRED_TO = ("tariffs_tariff", "tariffs_destination", "tariffs_timeprofile", "tariffs_specialrate")


def things(tenant: Any) -> dict[str, Any]:
    """Something that a rate of the tenant can refer to, by the name of the field."""
    with scope(tenant, "test"):
        tariff = Tariff.objects.create(name="Retail", currency="USD", created_at=AT)
        destination = Destination.objects.create(name="Kenya")
        special = SpecialRate.objects.create(
            tariff=Tariff.objects.create(name="Wholesale", currency="USD", created_at=AT),
            deck=CodeDeck.objects.create(name="World"),
            destination=Destination.objects.create(name="Uganda"),
            steps=STEPS,
            valid_from=AT,
            created_at=AT,
        )
        return {
            "tariff": tariff,
            "destination": destination,
            "time_profile": TimeProfile.objects.create(name="peak"),
            "special": special,
        }


@pytest.fixture
def ours(tenant: Any) -> dict[str, Any]:
    return things(tenant)


@pytest.fixture
def theirs(other_tenant: Any) -> dict[str, Any]:
    return things(other_tenant)


@pytest.fixture
def inside(ours: dict[str, Any], theirs: dict[str, Any], tenant: Any) -> Iterator[None]:
    with scope(tenant, "test"):
        yield


def violated(refusal: pytest.ExceptionInfo[IntegrityError]) -> str | None:
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.errors.ForeignKeyViolation)
    return cause.diag.constraint_name


@pytest.mark.parametrize("name", sorted(Rate.UNCHECKED_REFERENCES))
def test_a_rate_cannot_refer_to_what_is_another_tenants_or_not_there(
    name: str, inside: None, ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    rate = Rate.objects.create(**ours, code="254", steps=STEPS)
    for wrong in (theirs[name].pk, 2**40):
        good = Rate(**ours, code="255", steps=STEPS)
        bad = Rate(**ours | {name: None}, **{f"{name}_id": wrong}, code="256", steps=STEPS)
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            Rate.objects.bulk_create([good, bad])
        assert violated(refusal) == f"tariffs_rate_{name}_fk"
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            Rate.objects.filter(pk=rate.pk).update(**{name: wrong})
        assert violated(refusal) == f"tariffs_rate_{name}_fk"
    assert Rate.objects.count() == 1


def test_a_rate_may_be_for_no_destination_and_for_any_time(inside: None, ours: dict[str, Any]) -> None:
    Rate.objects.create(tariff=ours["tariff"], steps=STEPS)
    assert Rate.objects.filter(destination=None, time_profile=None).count() == 1


@pytest.mark.parametrize("name", sorted(Rate.UNCHECKED_REFERENCES))
def test_what_rates_may_refer_to_stays_and_keeps_its_id(name: str, inside: None, ours: dict[str, Any]) -> None:
    one = ours[name]
    table = one._meta.db_table

    def run(statement: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [one.pk])

    for statement in (f"DELETE FROM {table} WHERE id = %s", f"UPDATE {table} SET id = id + 1000 WHERE id = %s"):
        with pytest.raises(IntegrityError, match="of what rates may refer to"):
            run(statement)
    type(one).objects.filter(pk=one.pk).update(**{"note" if name == "special" else "name": "New name"})


@pytest.mark.parametrize("table", REFERRED_TO)
def test_not_even_the_owner_of_the_tables_removes_it(table: str, committed_db: TestDatabase, at: datetime) -> None:
    from trunkline.tenancy.actions import create_tenant

    tenant = create_tenant(name="Alpha Carrier", currency="USD", timezone="UTC", actor="test", at=at)
    things(tenant)
    with committed_db.connect(Role.OWNER) as owner:
        owner.execute("SELECT set_config('app.tenant', %s, false)", [str(tenant.pk)])
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(psycopg.errors.RestrictViolation, match="of what rates may refer to"):
                owner.execute(statement.encode())
