"""The first page: figures of the tenant's own days, and what needs a person, as far as one may see it."""

from __future__ import annotations

from datetime import timedelta

from tests.backoffice.office import Office
from tests.databases import AT
from tests.isolation.rows import make_row
from trunkline.core.money import Amount
from trunkline.identity.models import Membership, Role
from trunkline.kit import clock
from trunkline.tenancy.scope import scope
from trunkline.usage.choices import BatchState
from trunkline.usage.models import Batch, HourTotal


def traffic(office: Office, *, days_ago: int, attempts: int, connected: int, seconds: int) -> None:
    with scope(office.ours, "test"):
        HourTotal.objects.create(
            batch=make_row(Batch),
            hour=AT.replace(minute=0) - timedelta(days=days_ago),
            attempts=attempts,
            connected=connected,
            seconds=seconds,
            revenue=Amount.from_text("12.5"),
            cost=Amount.from_text("10"),
            pdd_ms=0,
            pdd_count=0,
        )


def page(office: Office, role: str) -> str:
    with clock.at(AT):
        return office.client(role).get("/office/").content.decode()


def test_the_figures_are_those_of_today_and_of_7_and_30_days(office: Office) -> None:
    traffic(office, days_ago=0, attempts=8, connected=5, seconds=610)
    traffic(office, days_ago=3, attempts=2, connected=1, seconds=10)
    text = page(office, "owner")
    for said in ("62.5 %", "60.0 %", "2:02", "2.50", "5.00"):  # ASR today, of 7 days; ACD today; margins
        assert said in text, said


def test_who_may_not_see_money_sees_no_figures(office: Office) -> None:
    traffic(office, days_ago=0, attempts=8, connected=5, seconds=610)
    person = office.person("noc")
    with scope(office.ours, "test"):
        Batch.objects.update(state=BatchState.FAILED, name="bad.csv", failure_detail="The header has changed.")
        own = Role.objects.create(name="Files only", permissions=["usage.read"], created_at=AT)
        Membership.objects.filter(user=person).update(role="", own_role=own)
    text = page(office, "noc")
    assert "The header has changed." in text
    assert "62.5 %" not in text


def test_the_figures_of_another_operator_are_not_there(office: Office) -> None:
    with scope(office.theirs, "test"):
        make_row(HourTotal)
    assert "62.5 %" not in page(office, "owner")
