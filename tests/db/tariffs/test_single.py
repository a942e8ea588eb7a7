"""The rates of one number, read without Arrow, price as the tariffs' own tables do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trunkline.engine.explain import Explanation, explain
from trunkline.engine.scalar import Event, ScalarTariff
from trunkline.tariffs import actions, models, snapshot
from trunkline.tariffs.single import rates_of_number

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
RATES = (
    "code,destination,price,increments,setup_fee,grace,valid_from,valid_to,time_profile,weight,rounding,max_cost,"
    "blocked,tag,length_min,length_max,policy\n"
    "44,United Kingdom,0.5,60/1,0.0000000001,3,2026-01-01,2026-07-01,peak,12.5,down/3,99.12345678,,,10,12,additive\n"
    "44,United Kingdom,,0:0.2/60/60;60:0.1/60/1,,,,,,,,,,cli,,,\n"
    "4420,London,0.3,,,,,2026-07-01,,,,,,,,,\n"
    "447,UK mobile,0,,,,,,,,,,true,,,,\n"
    ",,1,,,,,,,,,,,,,,\n"
)


@pytest.fixture
def plan(in_scope: Any) -> list[models.Tariff]:
    actions.create_time_profile(name="peak", windows=[{"weekdays": [1], "from": "08:00"}], at=AT)
    for name, text in (("Retail", RATES), ("Fallback", "code,price\n44,0.7\n1,0.8\n")):
        actions.load_rates(
            tariff_id=actions.create_tariff(name=name, currency="KES", at=AT).pk, data=text.encode(), at=AT
        )
    return list(models.Tariff.objects.order_by("-name"))


def said(explanation: Explanation) -> Any:
    tried = [(each.tariff.id, each.is_additive, each.rates, each.chosen) for each in explanation.tried]
    return explanation.charge, tried, explanation.rounded, explanation.waived


@pytest.mark.parametrize("number", ["", "1212", "442012345678", "447700900123", "4433", "441234567890", "x4"])
@pytest.mark.parametrize("tags", [frozenset[str](), frozenset({"cli"})])
def test_a_price_and_its_reasons_are_those_of_the_tables(
    plan: list[models.Tariff], number: str, tags: frozenset[str]
) -> None:
    for start in (AT, AT - timedelta(days=1), datetime(2026, 8, 1, tzinfo=UTC)):
        event = Event(number, start, 90, tags)
        tables = [ScalarTariff(snapshot.excerpt(each, number, known_at=AT)) for each in plan]
        found = rates_of_number(plan, number, known_at=AT)
        assert said(explain(found.tariffs, event)) == said(explain(tables, event))


def test_destinations_have_their_names_and_a_tariff_without_rates_has_none(plan: list[models.Tariff]) -> None:
    empty = actions.create_tariff(name="Empty", currency="KES", at=AT)
    found = rates_of_number([empty, *plan], "442012345678", known_at=AT)
    assert [each.id for each in found.tariffs] == [empty.pk, *(each.pk for each in plan)]
    assert list(found.tariffs[0].rates_of("442012345678")) == []
    assert sorted(found.destinations.values()) == ["London", "United Kingdom"]
    assert rates_of_number([], "44", known_at=AT).tariffs == []


def test_a_rate_that_was_voided_later_is_still_there_for_who_knew_it(plan: list[models.Tariff]) -> None:
    models.Rate.objects.filter(code="4420").update(voided_at=AT + timedelta(hours=1))
    for known_at, codes in ((AT, ["4420", "44", ""]), (AT + timedelta(hours=1), ["44", ""])):
        (retail, _) = rates_of_number(plan, "442012345678", known_at=known_at).tariffs
        assert [rows[0].code for rows in retail.rates_of("442012345678")] == codes


def test_what_changes_is_seen_by_the_next_question(plan: list[models.Tariff]) -> None:
    def profile_windows() -> Any:
        (retail, _) = rates_of_number(plan, "442012345678", known_at=AT).tariffs
        return [row.windows for rows in retail.rates_of("442012345678", is_additive=True) for row in rows]

    before = profile_windows()
    models.TimeProfile.objects.filter(name="peak").update(windows=[{"weekdays": [2], "from": "08:00"}])
    assert profile_windows() != before
