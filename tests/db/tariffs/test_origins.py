"""Origin decks of tariffs: rates name origins that the deck has, and what changes where callers are is a new revision."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from trunkline.core.errors import Conflict, Invalid
from trunkline.engine.explain import explain
from trunkline.engine.rate import rate
from trunkline.engine.scalar import Event, ScalarTariff, charge
from trunkline.engine.schema import CALLER_FIELD, EVENT_SCHEMA
from trunkline.kit.home import home
from trunkline.tariffs import actions, models, snapshot
from trunkline.tariffs.origins import origins_of
from trunkline.tariffs.single import rates_of_number

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
CODES = {"44": "EEA", "441481": "Islands", "49": "EEA", "1": "Rest"}
RATES = b"""code,price,policy,origin
33,0.30,,
33,0.02,,EEA
336,0.40,,
33,0.06,additive,
,0.12,additive,Rest
"""
CALLERS = ["4420", "441481", "49151", "1212", "254700", "", None, "anonymous", "+44"]


@pytest.fixture
def tariff(in_scope: Any) -> models.Tariff:
    deck = actions.load_code_deck(name="EEA and others", codes=CODES, at=AT)
    made = actions.create_tariff(name="Wholesale", currency="USD", origin_deck=deck, at=AT)
    actions.load_rates(tariff_id=made.pk, data=RATES, at=AT)
    made.refresh_from_db()
    return made


def columns(tenant: Any, tariff: models.Tariff, number: str) -> list[int]:
    size = len(CALLERS)
    events = pa.table(
        {
            "number": [number] * size,
            "start": pa.array([AT] * size, EVENT_SCHEMA.field("start").type),
            "quantity": [60] * size,
            "plan": pa.array([0] * size, pa.int32()),
            "tag_set": pa.nulls(size, pa.int32()),
        }
    ).append_column(CALLER_FIELD, pa.array(CALLERS, pa.string()))
    amounts: list[int] = rate(snapshot.load(tenant.pk).snapshot, events, [(tariff.pk,)])["amount"].to_pylist()
    return amounts


def singly(tariff: models.Tariff, number: str) -> list[int]:
    found = []
    for caller in CALLERS:
        event = Event(number, AT, 60, caller=caller or "")
        one = charge(rates_of_number([tariff], number, known_at=AT, caller=caller or "").tariffs, event)
        table = ScalarTariff(snapshot.excerpt(tariff, number, known_at=AT, caller=caller or ""))
        assert one == charge([table], event)
        assert one.amount is not None
        found.append(one.amount.units)
    return found


def test_all_three_ways_to_a_price_say_the_same(in_scope: Any, tariff: models.Tariff) -> None:
    cents = 10**6
    expected = [8, 36, 8, 48, 36, 36, 36, 36, 36]
    for _ in range(2):  # compiled, then from the files
        assert columns(in_scope, tariff, "33155") == [each * cents for each in expected]
    assert singly(tariff, "33155") == [each * cents for each in expected]
    assert (
        columns(in_scope, tariff, "33612")
        == singly(tariff, "33612")
        == [46 * cents] * 3 + [58 * cents] + [46 * cents] * 5
    )


def test_a_deck_that_changes_is_a_new_revision_of_the_tariffs_that_ask_it(in_scope: Any, tariff: models.Tariff) -> None:
    other = actions.create_tariff(name="Other", currency="USD", at=AT)
    before = snapshot.load(in_scope.pk).version
    actions.load_code_deck(name="EEA and others", codes={"254": "EEA"}, at=AT)
    assert snapshot.load(in_scope.pk).version != before
    assert models.Tariff.objects.get(pk=other.pk).revision == other.revision
    tariff.refresh_from_db()
    assert columns(in_scope, tariff, "33155")[4] == singly(tariff, "33155")[4] == 8 * 10**6


def test_files_of_an_earlier_version_are_made_again(in_scope: Any, tariff: models.Tariff) -> None:
    before = columns(in_scope, tariff, "33155")
    folder = home() / "snapshots" / f"tenant={in_scope.pk}"
    (rates,) = folder.glob("*.rates.arrow")
    (compiled,) = folder.glob("*.compiled.arrow")
    old = pa.ipc.open_file(rates).read_all().drop_columns(["origin"])
    _rewrite(rates, old)
    table = pa.ipc.open_file(compiled).read_all()
    _rewrite(compiled, table.replace_schema_metadata({b"format": b"trunkline.compiled_tariff/1", b"rates": b"5"}))
    assert columns(in_scope, tariff, "33155") == before


def _rewrite(path: Path, table: pa.Table) -> None:
    beside = path.with_name("beside")
    with pa.ipc.new_file(str(beside), table.schema) as writer:
        writer.write_table(table)
    beside.rename(path)


def test_a_rate_names_only_what_the_origin_deck_has(tariff: models.Tariff) -> None:
    deckless = actions.create_tariff(name="Deckless", currency="USD", at=AT)
    for made, said in ((tariff, "has no 'Mars'"), (deckless, "no origin deck")):
        with pytest.raises(Invalid) as error:
            actions.load_rates(tariff_id=made.pk, data=b"code,price,origin\n7,0.1,Mars\n", at=AT)
        (problem,) = error.value.context["problems"]
        assert (problem.code, problem.line) == ("unknown_origin", 2)
        assert said in problem.text


def test_a_deck_is_not_taken_from_rates_that_name_its_origins(tariff: models.Tariff) -> None:
    smaller = actions.load_code_deck(name="Smaller", codes={"44": "EEA"}, at=AT)
    for deck in (smaller, None):
        with pytest.raises(Conflict) as error:
            actions.change_tariff(tariff_id=tariff.pk, origin_deck=deck, at=AT)
        assert error.value.code == "origin_in_use"
    actions.load_code_deck(name="Smaller", codes={"1": "Rest"}, at=AT)
    changed = actions.change_tariff(tariff_id=tariff.pk, origin_deck=smaller, at=AT)
    assert (origins_of(changed), changed.revision) == ({"EEA", "Rest"}, tariff.revision + 1)
    kept = actions.change_tariff(tariff_id=tariff.pk, name="Renamed", at=AT)
    assert kept.origin_deck_id == smaller.pk


def test_a_new_price_for_an_origin_ends_only_that_one(tariff: models.Tariff) -> None:
    done = actions.load_rates(
        tariff_id=tariff.pk,
        data=b"code,price,valid_from,origin\n33,0.03,2026-04-01,EEA\n",
        supersede_earlier=True,
        at=AT,
    )
    assert (done.closed, done.voided) == (1, 0)
    ended = models.Rate.objects.filter(valid_to__isnull=False)
    assert list(ended.values_list("code", "origin")) == [("33", "EEA")]


def test_an_explanation_says_where_the_caller_is_and_which_surcharges_are_due(tariff: models.Tariff) -> None:
    found = explain(
        rates_of_number([tariff], "33155", known_at=AT, caller="1212").tariffs, Event("33155", AT, 60, caller="1212")
    )
    said = [
        (
            each.is_additive,
            each.origin and (each.origin.code, each.origin.name),
            [str(rate.verdict) for rate in each.rates],
        )
        for each in found.tried
    ]
    rest = ("1", "Rest")
    assert said == [(False, rest, ["chosen", "origin"]), (True, rest, ["chosen"]), (True, rest, ["chosen"])]
    assert [(part.is_additive, part.count) for part in found.charge.parts] == [(False, 60), (True, 60), (True, 60)]
    assert str(found.charge.amount) == "0.48"


def test_a_tariff_asks_the_deck_of_its_parent_unless_it_has_one_that_knows_the_same_origins(
    in_scope: Any, tariff: models.Tariff
) -> None:
    child = actions.create_tariff(name="Child", currency="USD", parent=tariff, at=AT)
    cents = 10**6
    assert (
        columns(in_scope, child, "33155")[:4] == singly(child, "33155")[:4] == [each * cents for each in (8, 36, 8, 48)]
    )
    actions.load_rates(tariff_id=child.pk, data=b"code,price,origin\n33,0.01,EEA\n", at=AT)
    assert (
        columns(in_scope, child, "33155")[:4] == singly(child, "33155")[:4] == [each * cents for each in (7, 36, 7, 48)]
    )
    other = actions.load_code_deck(name="Other", codes={"44": "EEA"}, at=AT)
    for change in ({"tariff_id": child.pk, "origin_deck": other}, {"tariff_id": tariff.pk, "origin_deck": None}):
        with pytest.raises(Conflict) as error:
            actions.change_tariff(**change, at=AT)  # type: ignore[arg-type]
        assert error.value.code == "origin_in_use"
    actions.load_code_deck(name="Other", codes={"254": "Rest"}, at=AT)
    actions.change_tariff(tariff_id=child.pk, origin_deck=other, at=AT)
    child.refresh_from_db()
    assert (
        columns(in_scope, child, "33155")[:5]
        == singly(child, "33155")[:5]
        == [each * cents for each in (7, 7, 36, 36, 48)]
    )
    with pytest.raises(Conflict) as error:
        actions.create_tariff(name="Second", currency="USD", parent=tariff, origin_deck=_deck("Third"), at=AT)
    assert error.value.code == "origin_in_use"


def _deck(name: str) -> models.CodeDeck:
    return actions.load_code_deck(name=name, codes={"7": "East"}, at=AT)
