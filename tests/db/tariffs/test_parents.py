"""Parents: who takes over whose rates, what that makes of prices, and who hears of a change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.db.tariffs.test_snapshot import files, priced
from trunkline.core.errors import Conflict, Invalid
from trunkline.engine.explain import explain
from trunkline.engine.parents import CHAIN_MAX
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import Outcome
from trunkline.parties.actions import create_account
from trunkline.tariffs import actions, models, snapshot
from trunkline.tariffs.lineage import heirs_of, inherited
from trunkline.tariffs.single import rates_of_number

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
BASE = "code,destination,price\n44,United Kingdom,60\n447911,UK Mobile,180\n33,France,120\n"
CHILD = "code,destination,price,weight\n44,United Kingdom,30,1\n"


def loaded(name: str, text: str, parent: models.Tariff | None = None, **facts: str) -> models.Tariff:
    tariff = actions.create_tariff(name=name, currency="USD", parent=parent, at=AT, **facts)
    if text:
        actions.load_rates(tariff_id=tariff.pk, data=text.encode(), at=AT)
    tariff.refresh_from_db()
    return tariff


@pytest.fixture
def family(in_scope: Any) -> tuple[Any, models.Tariff, models.Tariff]:
    base = loaded("Base", BASE)
    return in_scope, base, loaded("Retail", CHILD, base)


def test_the_union_of_both_prices_the_longest_code_first(family: Any) -> None:
    tenant, base, retail = family
    prices = snapshot.load(tenant.pk)
    assert priced(prices, retail, "442071234567", 10) == (Outcome.RATED, 5 * 10**8)
    assert priced(prices, retail, "447911123456", 10) == (Outcome.RATED, 30 * 10**8)
    assert priced(prices, retail, "33140000000", 10) == (Outcome.RATED, 20 * 10**8)
    assert priced(prices, retail, "49", 10) == (Outcome.NO_RATE, None)
    assert priced(prices, base, "442071234567", 10) == (Outcome.RATED, 10 * 10**8)


def test_every_way_of_reading_rates_knows_the_parents(family: Any) -> None:
    tenant, base, retail = family
    world = loaded("World", "code,price\n49,6\n33,1\n")
    actions.change_tariff(tariff_id=base.pk, parent=world, at=AT)
    retail = models.Tariff.objects.get(pk=retail.pk)
    whole = snapshot.load(tenant.pk).snapshot.scalar(retail.pk)
    for number in ("442071234567", "447911123456", "33140000000", "4930123456", "1"):
        event = Event(number, AT, 10)
        (single,) = rates_of_number([retail], number, known_at=AT).tariffs
        some = ScalarTariff(snapshot.excerpt(retail, number, known_at=AT))
        assert charge([single], event) == charge([some], event) == charge([whole], event), number
        (tried,) = explain([single], event).tried
        (other,) = explain([some], event).tried
        names = [(row.row.rate_id, single.tariff_of(row.row).name, row.verdict) for row in tried.rates]
        assert names == [(row.row.rate_id, some.tariff_of(row.row).name, row.verdict) for row in other.rates]
    (tried,) = explain([whole], Event("33140000000", AT, 10)).tried
    assert [(whole.tariff_of(row.row).name, row.verdict.value) for row in tried.rates] == [
        ("Base", "chosen"),
        ("World", "order"),
    ]


def test_the_origin_deck_of_a_parent_holds_for_its_children(in_scope: Any, data_folder: Path) -> None:
    deck = actions.load_code_deck(name="EEA", codes={"49": "EEA", "1": "Rest"}, at=AT)
    base = actions.create_tariff(name="Base", currency="USD", origin_deck=deck, at=AT)
    actions.load_rates(tariff_id=base.pk, data=b"code,price,origin\n33,60,\n33,6,EEA\n", at=AT)
    retail = loaded("Retail", "code,price\n44,60\n", base)
    for caller, units in (("4930123456", 10**8), ("12125550100", 10**9)):
        event = Event("33140000000", AT, 10, caller=caller)
        (single,) = rates_of_number([retail], event.number, known_at=AT, caller=caller).tariffs
        some = ScalarTariff(snapshot.excerpt(retail, event.number, known_at=AT, caller=caller))
        for path in data_folder.glob("snapshots/*/*.compiled.arrow"):
            path.unlink()
        for _ in range(2):  # made, then from its file
            whole = snapshot.load(in_scope.pk).snapshot.scalar(retail.pk)
            charged = charge([whole], event)
            assert charged == charge([single], event) == charge([some], event)
            assert charged.amount is not None
            assert charged.amount.units == units
    before = snapshot.load(in_scope.pk).version
    actions.load_code_deck(name="EEA", codes={"1": "EEA"}, at=AT)
    after = snapshot.load(in_scope.pk)
    assert after.version != before
    amount = charge([after.snapshot.scalar(retail.pk)], Event("33140000000", AT, 10, caller="12125550100")).amount
    assert amount is not None
    assert amount.units == 10**8


def test_a_change_of_an_ancestor_makes_the_compiled_copies_of_its_descendants_new(
    family: Any, data_folder: Path
) -> None:
    tenant, base, retail = family
    grand = loaded("Grand", "", retail)
    other = loaded("Other", BASE)
    first, kept = snapshot.load(tenant.pk), files(data_folder)
    assert len(kept) == 8
    assert priced(first, grand, "33140000000", 10) == (Outcome.RATED, 20 * 10**8)
    actions.load_rates(tariff_id=base.pk, data=b"code,price\n331,6\n", at=AT)
    second, after = snapshot.load(tenant.pk), files(data_folder)
    assert second.version != first.version
    for each in (retail, grand, base):
        assert priced(second, each, "33140000000", 10) == (Outcome.RATED, 10**8), each
        assert priced(first, each, "33140000000", 10) == (Outcome.RATED, 20 * 10**8), each  # who holds it keeps it

    def stems(names: set[str], what: str) -> set[str]:
        return {name for name in names if name.endswith(f".{what}.arrow")}

    assert len(after) == 8
    assert len(stems(kept, "compiled") - after) == 3
    assert len(stems(kept, "rates") - after) == 1  # only the table of the parent is read again
    assert {name for name in kept & after if f"-{other.pk}-" in name} == {
        name for name in kept if f"-{other.pk}-" in name
    }
    models.Tariff.objects.get(pk=retail.pk)
    assert models.Tariff.objects.get(pk=retail.pk).revision == retail.revision  # nobody worked on the child


def test_damaged_files_of_a_family_are_made_again(family: Any, data_folder: Path) -> None:
    tenant, _, retail = family
    snapshot.load(tenant.pk)
    for path in data_folder.glob("snapshots/*/*.arrow"):
        path.write_bytes(b"")
        assert priced(snapshot.load(tenant.pk), retail, "33140000000", 10) == (Outcome.RATED, 20 * 10**8), path


def test_taking_the_parent_away_leaves_the_own_rates(family: Any) -> None:
    tenant, _, retail = family
    before = snapshot.load(tenant.pk)
    changed = actions.change_tariff(tariff_id=retail.pk, parent=None, at=AT)
    assert (changed.parent, changed.revision) == (None, retail.revision + 1)
    after = snapshot.load(tenant.pk)
    assert after.version != before.version
    assert priced(after, retail, "33140000000", 10) == (Outcome.NO_RATE, None)
    assert priced(after, retail, "442071234567", 10) == (Outcome.RATED, 5 * 10**8)


def test_what_a_tariff_inherits_is_counted_by_ancestor(family: Any) -> None:
    _, base, retail = family
    world = loaded("World", "code,price\n49,6\n33,1\n44,1\n1,1\n")
    actions.change_tariff(tariff_id=base.pk, parent=world, at=AT)
    retail.refresh_from_db()
    found = [(each.tariff.name, each.codes, each.is_more) for each in inherited(retail)]
    assert found == [("Base", 2, False), ("World", 2, False)]
    assert [(each.codes, each.is_more) for each in inherited(retail, most=1)] == [(1, True), (1, True)]
    assert inherited(world) == []
    assert heirs_of(world.pk) == {world.pk, base.pk, retail.pk}
    assert heirs_of(retail.pk) == {retail.pk}


def test_only_tariffs_that_fit_are_parents(family: Any) -> None:
    _, base, retail = family
    euro = actions.create_tariff(name="Euro", currency="EUR", at=AT)
    tokyo = actions.create_tariff(name="Tokyo", currency="USD", timezone="Asia/Tokyo", at=AT)
    data = actions.create_tariff(name="Data", currency="USD", unit="octet", at=AT)
    for other in (euro, tokyo, data):
        with pytest.raises(Invalid) as refused:
            actions.change_tariff(tariff_id=retail.pk, parent=other, at=AT)
        assert refused.value.code == "parent_differs"
    for other in (retail, base):
        with pytest.raises(Invalid) as refused:
            actions.change_tariff(tariff_id=base.pk, parent=other, at=AT)
        assert refused.value.code == "parent_cycle"
    for tariff in (base, retail):
        with pytest.raises(Conflict) as clashed:
            actions.change_tariff(tariff_id=tariff.pk, timezone="Asia/Tokyo", at=AT)
        assert clashed.value.code == "timezone_of_family"
    assert actions.change_tariff(tariff_id=retail.pk, timezone="Asia/Tokyo", parent=tokyo, at=AT).parent == tokyo


def test_a_line_of_ancestors_is_bounded_from_both_ends(in_scope: Any) -> None:
    line = [loaded("0", "")]
    while len(line) < CHAIN_MAX:
        line.append(loaded(str(len(line)), "", line[-1]))
    with pytest.raises(Invalid) as refused:
        loaded("below", "", line[-1])
    assert refused.value.code == "too_many_parents"
    with pytest.raises(Invalid) as refused:
        actions.change_tariff(tariff_id=line[0].pk, parent=loaded("above", ""), at=AT)
    assert refused.value.code == "too_many_parents"
    snapshot.load(in_scope.pk)


def test_a_tariff_that_is_bought_has_no_parent(family: Any) -> None:
    _, base, retail = family
    vendor = create_account(code="v", name="V", currency="USD", timezone="UTC", is_vendor=True, at=AT)
    with pytest.raises(Conflict) as refused:
        actions.assign_tariff(account=vendor, tariff=retail, side="buy", at=AT)
    assert refused.value.code == "parent_of_bought"
    actions.assign_tariff(account=vendor, tariff=base, side="buy", at=AT)
    with pytest.raises(Conflict) as refused:
        actions.change_tariff(tariff_id=base.pk, parent=loaded("World", ""), at=AT)
    assert refused.value.code == "parent_of_bought"
