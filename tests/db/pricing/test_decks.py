"""A code deck from files: compared, applied, taken back; what stands in its history."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import uuid7
from trunkline.pricing import files
from trunkline.pricing.actions import (
    apply_deck_change,
    change_deck_codes,
    compare_world,
    discard_deck_change,
    import_deck,
    undo_deck_change,
)
from trunkline.pricing.choices import ImportState
from trunkline.pricing.deck_compare import DeckMode
from trunkline.pricing.deck_export import deck_csv, deck_xlsx
from trunkline.pricing.deck_queries import (
    access_deck,
    access_deck_change,
    code_counts,
    codes_of_deck,
    compared_rows,
    deck_changes,
    default_deck,
    get_deck,
    unreadable_rows,
)
from trunkline.pricing.models import DeckChange
from trunkline.pricing.queries import deck_codes
from trunkline.pricing.tasks import sweep
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import Code, CodeDeck, Destination
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORLD = "code,destination\n254,Kenya\n2547,Kenya Mobile\n25473,Kenya Mobile\n255,Tanzania\n44,United Kingdom\n"


class Desk:
    """Somebody of the pricing team of one tenant."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant

    def compare(self, data: str | bytes, name: str = "deck.csv", deck: str = "World", **given: Any) -> DeckChange:
        octets = data.encode() if isinstance(data, str) else data
        return import_deck(
            self.tenant.pk, deck=deck, data=octets, file_name=name, actor="test", now=lambda: AT, **given
        )

    def apply(self, change: DeckChange, **given: Any) -> DeckChange:
        return apply_deck_change(self.tenant.pk, change.pk, actor="test", now=lambda: AT, **given)

    def undo(self, change: DeckChange) -> DeckChange:
        return undo_deck_change(self.tenant.pk, change.pk, reason="wrong file", actor="test", now=lambda: AT)

    def codes(self, deck: str = "World") -> dict[str, str]:
        with scope(self.tenant, "test"):
            table = codes_of_deck(get_deck(deck))
        return dict(zip(table["code"].to_pylist(), table["name"].to_pylist(), strict=True))

    def rows(self, change: DeckChange, **wanted: Any) -> list[tuple[str, str, str]]:
        with scope(self.tenant, "test"):
            return [(row["kind"], row["code"], row["name"]) for row in compared_rows(change, **{"limit": 100} | wanted)]


@pytest.fixture
def desk(tenant: Any, data_folder: Path) -> Desk:
    desk = Desk(tenant)
    desk.apply(desk.compare(WORLD))
    return desk


def test_a_new_name_makes_a_deck_whose_codes_come_when_it_is_applied(tenant: Any, data_folder: Path) -> None:
    desk = Desk(tenant)
    change = desk.compare(WORLD)
    assert change.counts["new"] == 5
    assert desk.codes() == {}
    done = desk.apply(change, reason="a start")
    assert (done.state, done.reason, done.counts["added"], done.counts["changed"]) == ("applied", "a start", 5, 0)
    assert desk.codes()["25473"] == "Kenya Mobile"
    with scope(tenant, "test"):
        assert CodeDeck.objects.get().is_default
        assert Destination.objects.get(name="Kenya Mobile").country == "KE"


def test_what_is_missing_is_added_and_names_only_if_that_is_wanted(desk: Desk) -> None:
    file = "Destination,Code\nKenya Fixed,254\nTANZANIA,255\nUganda,256\nuganda,2567\n"
    change = desk.compare(file)
    assert desk.rows(change) == [
        ("renamed", "254", "Kenya Fixed"),
        ("respelled", "255", "Tanzania"),
        ("new", "256", "Uganda"),
        ("new", "2567", "Uganda"),
    ]
    assert desk.rows(change, kind="new", code="2567") == [("new", "2567", "Uganda")]
    assert change.counts["absent"] == 3
    before = desk.codes()
    desk.apply(change)
    assert desk.codes() == before | {"256": "Uganda", "2567": "Uganda"}
    desk.apply(desk.compare(file, mode=DeckMode.UPDATE))
    assert desk.codes() == before | {"254": "Kenya Fixed", "256": "Uganda", "2567": "Uganda"}


def test_taken_back_each_code_is_what_it_was(desk: Desk) -> None:
    before = desk.codes()
    with scope(desk.tenant, "test"):
        ids = dict(Code.objects.values_list("code", "pk"))
    change = desk.apply(desk.compare("code,name\n254,Kenya Fixed\n256,Uganda\n"), mode=DeckMode.UPDATE)
    assert (change.counts["added"], change.counts["changed"]) == (1, 1)
    undone = desk.undo(change)
    assert (undone.state, undone.reason, desk.codes()) == ("undone", "wrong file", before)
    with scope(desk.tenant, "test"):
        assert dict(Code.objects.values_list("code", "pk")) == ids
    with pytest.raises(Conflict) as refusal:
        desk.undo(change)
    assert refusal.value.code == "not_applied"


def test_conflicts_are_shown_and_stop_it(desk: Desk) -> None:
    change = desk.compare(
        "Code,Destination\n256,Uganda\n257,Burundi\n257,Burundi Mobile\nx5z,Nowhere\n258,Mozambique\n"
    )
    assert desk.rows(change)[:2] == [("contradicted", "257", "Burundi"), ("contradicted", "257", "Burundi Mobile")]
    with scope(desk.tenant, "test"):
        assert [(row["line"], row["reason"]) for row in unreadable_rows(change, limit=5)] == [(5, "bad_code")]
    with pytest.raises(Conflict) as refusal:
        desk.apply(change)
    assert refusal.value.code == "deck_has_conflicts"
    assert "2 lines" in refusal.value.message
    before = desk.codes()
    desk.apply(change, skip_conflicts=True)
    assert desk.codes() == before | {"256": "Uganda", "258": "Mozambique"}


def test_a_deck_that_changed_meanwhile_is_compared_again(desk: Desk) -> None:
    one, other = (desk.compare("code,name\n254,Kenya Fixed\n256,Uganda\n", mode=DeckMode.UPDATE) for _ in range(2))
    desk.apply(one)
    with pytest.raises(Conflict) as refusal:
        desk.apply(other)
    assert refusal.value.code == "deck_changed"
    assert "254" in refusal.value.message
    with scope(desk.tenant, "test"):
        done = discard_deck_change(change_id=other.pk, reason="twice", at=AT)
        assert (done.state, done.reason) == ("discarded", "twice")
        change_deck_codes(deck_id=one.deck_id, names={"254": "Kenya"}, reason="as it was", at=AT)
    with pytest.raises(Conflict) as refusal:
        desk.undo(one)
    assert refusal.value.code == "deck_changed"


def test_an_export_that_comes_back_changes_nothing(desk: Desk) -> None:
    with scope(desk.tenant, "test"):
        deck = get_deck("World")
        change_deck_codes(
            deck_id=deck.pk, names={"882": "=1+1", "883": "'=x", "88": 'A, "B"; Č'}, reason="odd names", at=AT
        )
        table = codes_of_deck(deck)
    for data, name in ((deck_csv(table), "deck.csv"), (deck_xlsx(table), "deck.xlsx")):
        change = desk.compare(data, name, mode=DeckMode.UPDATE)
        assert {kind for kind, count in change.counts.items() if count} == {"same", "lines"}
        before = desk.codes()
        assert desk.apply(change).counts["added"] == 0
        assert desk.codes() == before


def test_a_rate_sheet_will_do_and_its_codes_sheet_goes_first(desk: Desk) -> None:
    change = desk.compare("Rates\n\nDestination;Code;Price\nUganda;256;0,10\nUganda Mobile;2567, 2568;0,20\n", "r.csv")
    assert desk.rows(change) == [
        ("new", "256", "Uganda"),
        ("new", "2567", "Uganda Mobile"),
        ("new", "2568", "Uganda Mobile"),
    ]


def test_the_world_is_a_start(tenant: Any, data_folder: Path) -> None:
    change = compare_world(tenant.pk, deck="World", depth="countries", actor="test", now=lambda: AT)
    assert change.counts["new"] > 200
    apply_deck_change(tenant.pk, change.pk, actor="test", now=lambda: AT)
    codes = Desk(tenant).codes()
    assert (codes["254"], codes["33"]) == ("Kenya", "France")
    again = compare_world(tenant.pk, deck="World", depth="countries", actor="test", now=lambda: AT)
    assert again.counts["same"] == len(codes)
    deeper = compare_world(tenant.pk, deck="World", actor="test", now=lambda: AT)
    assert deeper.counts["new"] > 2_000
    with pytest.raises(Invalid) as refusal:
        compare_world(tenant.pk, deck="World", depth="all", actor="test", now=lambda: AT)
    assert refusal.value.code == "unknown_depth"


def test_codes_by_hand_stand_in_the_history_too(desk: Desk) -> None:
    with scope(desk.tenant, "test"):
        deck = get_deck()
        done = change_deck_codes(
            deck_id=deck.pk, names={"256": "Uganda", "254": "Kenya Fixed", "44": None}, reason="a letter", at=AT
        )
        assert (done.counts, done.reason) == ({"added": 1, "removed": 1, "changed": 1}, "a letter")
        assert [each.source for each in deck_changes(deck)] == ["hand", "sheet"]
        assert access_deck_change(str(done.public_id)) == done
        assert compared_rows(done, limit=5) == unreadable_rows(done, limit=5) == []
    assert desk.codes() == {
        "254": "Kenya Fixed", "2547": "Kenya Mobile", "25473": "Kenya Mobile", "255": "Tanzania", "256": "Uganda",
    }  # fmt: skip
    desk.undo(done)
    assert desk.codes()["44"] == "United Kingdom"


def test_names_take_their_codes_from_the_default_deck(desk: Desk) -> None:
    with scope(desk.tenant, "test"):
        tariffs.load_code_deck(name="Other", codes={"999": "Kenya"}, at=AT)
        assert deck_codes()["Kenya"] == ["254"]
        assert code_counts([each.pk for each in CodeDeck.objects.all()]) == {
            CodeDeck.objects.get(name="World").pk: 5,
            CodeDeck.objects.get(name="Other").pk: 1,
        }
        other = tariffs.change_deck(deck_id=CodeDeck.objects.get(name="Other").pk, is_default=True, at=AT)
        assert deck_codes() == {"Kenya": ["999"]}
        tariffs.change_deck(deck_id=other.pk, is_default=False, name="Another", at=AT)
        assert default_deck() is None
        assert deck_codes()["Kenya"] == ["254", "999"]
        with pytest.raises(Invalid) as refusal:
            get_deck()
        assert refusal.value.code == "deck_needed"


def test_what_cannot_be_done_is_said(desk: Desk) -> None:
    def refused(code: str, call: Any, *args: Any, **given: Any) -> None:
        with pytest.raises((Invalid, Conflict, NotFound)) as refusal:
            call(*args, **given)
        assert refusal.value.code == code

    refused("empty_deck", desk.compare, "only,prices\n0.1,0.2\n")
    with scope(desk.tenant, "test"):
        deck = get_deck()

        def by_hand(names: dict[str, str | None], reason: str = "why") -> None:
            change_deck_codes(deck_id=deck.pk, names=names, reason=reason, at=AT)

        refused("reason_needed", by_hand, {"254": "X"}, " ")
        refused("bad_code", by_hand, {"25x": "X"})
        refused("bad_code", by_hand, {"": "X"})
        refused("bad_name", by_hand, {"254": "X" * 201})
        refused("nothing_to_change", by_hand, {"254": "Kenya", "999": None})
        refused("too_many_codes", by_hand, {str(code): "X" for code in range(10_001)})
        refused("deck_exists", tariffs.create_deck, name="World", at=AT)
        refused("bad_name", tariffs.create_deck, name=" ", at=AT)
        refused("not_found", tariffs.change_deck, deck_id=2**40, name="X", at=AT)
        tariffs.create_deck(name="Second", at=AT)
        refused("deck_exists", tariffs.change_deck, deck_id=deck.pk, name="Second", at=AT)
        refused("deck_not_found", get_deck, "No")
        refused("deck_not_found", access_deck, 2**40)
        refused("deck_change_not_found", access_deck_change, str(uuid7()))
        change = deck_changes(deck)[0]
        refused("unknown_kind", compared_rows, change, kind="odd", limit=1)
        assert change.state == ImportState.APPLIED


def test_folders_that_a_crash_left_are_swept(desk: Desk) -> None:
    left = files.deck_folder(desk.tenant.pk, uuid7())
    old = (AT - timedelta(days=2)).timestamp()
    for each in files.deck_folders(desk.tenant.pk):
        os.utime(each, (old, old))
    assert sweep(desk.tenant.pk, at=AT) == 1
    assert not left.exists()
    assert len(files.deck_folders(desk.tenant.pk)) == 1
