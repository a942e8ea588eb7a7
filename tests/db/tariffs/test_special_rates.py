"""Special rates: what they write, what nobody else touches, what follows a change of the deck or the group."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.db.tariffs.test_changes import ends, rates
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.tariffs import actions
from trunkline.tariffs.models import CodeDeck, Destination, DestinationGroup, Rate, SpecialRate, Tariff

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARCH, APRIL, MAY, JUNE = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5, 6))
DECK = {"254": "Kenya", "2547": "Kenya Mobile", "25473": "Kenya Mobile", "255": "Tanzania", "2557": "Tanzania Mobile"}
RATES = """code,destination,price,valid_from,tag
254,Kenya,1,2026-01-01,
2547,Kenya Mobile,2,2026-01-01,
254722,Kenya Mobile Safaricom,3,2026-01-01,
2547,Kenya Mobile,2.5,2026-01-01,premium
255,Tanzania,4,2026-01-01,
"""


@pytest.fixture
def tariff(in_scope: Any) -> Tariff:
    made = actions.create_tariff(name="Retail", currency="USD", at=AT)
    actions.load_rates(tariff_id=made.pk, data=RATES.encode(), at=AT)
    actions.load_code_deck(name="World", codes=DECK, at=AT)
    return fresh(made)


def fresh(tariff: Tariff) -> Tariff:
    return Tariff.objects.get(pk=tariff.pk)


def place(name: str) -> int:
    return int(Destination.objects.get(name=name).pk)


def special(tariff: Tariff, name: str = "Kenya Mobile", **given: Any) -> SpecialRate:
    said: dict[str, Any] = {"valid_from": APRIL, "steps": "0:0.5/60/1", "at": AT}
    if "group_id" not in given:
        said["destination_id"] = place(name)
    said["deck_id"] = CodeDeck.objects.earliest("pk").pk
    return actions.create_special_rate(tariff_id=tariff.pk, **said | given).special


def written(one: SpecialRate) -> list[tuple[str, str | None, datetime | None, datetime | None]]:
    rows = Rate.objects.filter(special=one, voided_at__isnull=True).order_by("code", "tag", "valid_from")
    return list(rows.values_list("code", "tag", "valid_from", "valid_to"))


def codes(one: SpecialRate) -> list[str]:
    return [code for code, _, _, end in written(one) if end == one.valid_to]


def ordinary(tariff: Tariff) -> list[dict[str, Any]]:
    return list(actions.standing_rates(tariff).to_pylist())


def test_it_writes_a_rate_for_each_code_and_leaves_the_others_as_they_are(tariff: Tariff) -> None:
    before, revision = ordinary(tariff), tariff.revision
    one = special(tariff, note="won the tender")
    assert written(one) == [
        ("2547", "premium", APRIL, None),
        ("2547", None, APRIL, None),
        ("254722", None, APRIL, None),
        ("25473", None, APRIL, None),
    ]
    assert ordinary(tariff) == before
    assert fresh(tariff).revision == revision + 1
    # Named as the deck names it, also where the tariff's own rate has another name.
    assert {row.destination.name for row in Rate.objects.filter(special=one)} == {"Kenya Mobile"}


def test_nobody_else_touches_its_rows(tariff: Tariff) -> None:
    one = special(tariff)
    before = written(one)
    rows = list(Rate.objects.filter(special=one).values_list("pk", flat=True))
    with pytest.raises(Conflict) as refusal:
        actions.void_rates(tariff_id=tariff.pk, rate_ids=rows[:1], at=AT)
    assert refusal.value.code == "rate_is_special"
    actions.load_rates(
        tariff_id=tariff.pk,
        data=b"code,destination,price,valid_from\n2547,Kenya Mobile,9,2026-04-01\n",
        supersede_earlier=True,
        at=AT,
    )
    change = actions.change_rates(
        tariff_id=tariff.pk,
        rates=rates("code,destination,price,valid_from\n25473,Kenya Mobile,8,2026-03-15\n"),
        ends=ends(*((row, MARCH) for row in rows)),
        revision=fresh(tariff).revision,
        at=AT,
    )
    assert written(one) == before
    actions.undo_change(tariff_id=tariff.pk, change=change, revision=change.revision, at=AT)
    assert written(one) == before


def test_undone_the_tariffs_own_rates_are_what_they_were_to_the_digit(tariff: Tariff) -> None:
    one = special(tariff)
    before = actions.standing_rates(tariff)
    change = actions.change_rates(
        tariff_id=tariff.pk,
        rates=rates(
            "code,destination,price,valid_from\n254799,Kenya Mobile,8,2026-03-15\n2547,Kenya Mobile,7,2026-04-15\n"
        ),
        ends=ends(),
        revision=fresh(tariff).revision,
        at=AT,
    )
    assert "254799" in codes(one)
    actions.undo_change(tariff_id=tariff.pk, change=change, revision=change.revision, at=AT)
    assert actions.standing_rates(tariff).equals(before)


def test_it_follows_the_deck(tariff: Tariff) -> None:
    one = special(tariff, valid_from=MARCH)
    other = actions.create_tariff(name="Untouched", currency="USD", at=AT)
    revision, untouched = fresh(tariff).revision, fresh(other).revision
    actions.load_code_deck(name="World", codes={"25411": "Kenya Mobile", "25473": "Kenya"}, at=APRIL)
    assert sorted(written(one), key=str) == sorted(
        [
            ("2547", None, MARCH, None),
            ("2547", "premium", MARCH, None),
            ("254722", None, MARCH, None),
            ("25473", None, MARCH, APRIL),
            ("25411", None, APRIL, None),
        ],
        key=str,
    )
    assert (fresh(tariff).revision, fresh(other).revision) == (revision + 1, untouched)
    actions.load_code_deck(name="World", codes={"33": "France"}, at=MAY)
    assert fresh(tariff).revision == revision + 1
    # One that has not begun when it is lost never holds.
    actions.load_code_deck(name="World", codes={"25411": "Kenya"}, at=APRIL)
    assert "25411" not in {code for code, *_ in written(one)}


def test_it_follows_its_group(tariff: Tariff) -> None:
    group = actions.create_group(
        name="East Africa mobiles", destination_ids=[place("Kenya Mobile")], note="since 2026", at=AT
    )
    one = special(tariff, group_id=group.pk)
    assert "2557" not in codes(one)
    both = [place("Kenya Mobile"), place("Tanzania Mobile")]
    actions.change_group(group_id=group.pk, destination_ids=both, at=MAY)
    assert ("2557", None, MAY, None) in written(one)
    actions.change_group(group_id=group.pk, destination_ids=both[1:], note="", name="Mobiles", at=JUNE)
    assert codes(one) == ["2557"]
    assert DestinationGroup.objects.get().name == "Mobiles"


def test_a_later_one_of_the_same_ends_the_earlier_one(tariff: Tariff) -> None:
    first = special(tariff)
    second = special(tariff, valid_from=MAY, steps="0:0.4/60/1", valid_to=JUNE)
    first.refresh_from_db()
    assert first.valid_to == MAY
    assert {row[2:] for row in written(first)} == {(APRIL, MAY)}
    assert {row[2:] for row in written(second)} == {(MAY, JUNE)}
    for begin in (MARCH, MAY):
        with pytest.raises(Conflict) as refusal:
            special(tariff, valid_from=begin)
        assert refusal.value.code == "special_rate_exists"


def test_two_groups_that_share_a_destination_cannot_both_have_one(tariff: Tariff) -> None:
    one = actions.create_group(name="One", destination_ids=[place("Kenya Mobile")], at=AT)
    other = actions.create_group(name="Other", destination_ids=[place("Kenya Mobile"), place("Kenya")], at=AT)
    first = special(tariff, group_id=one.pk, valid_to=MAY)
    with pytest.raises(Conflict) as refusal:
        special(tariff, group_id=other.pk)
    assert refusal.value.code == "special_rates_overlap"
    assert special(tariff, group_id=other.pk, valid_from=MAY).pk != first.pk
    assert special(tariff).destination_id == place("Kenya Mobile")


def test_ended_before_it_begins_it_never_held(tariff: Tariff) -> None:
    one = special(tariff)
    done = actions.end_special_rate(special_id=one.pk, valid_to=MARCH, at=AT)
    assert (done.special.valid_to, done.begins, done.rates) == (APRIL, APRIL, 4)
    assert written(one) == []
    with pytest.raises(Conflict) as refusal:
        actions.end_special_rate(special_id=one.pk, valid_to=JUNE, at=AT)
    assert refusal.value.code == "special_rate_over"
    assert special(tariff).valid_from == APRIL  # nothing is in its way


def test_one_that_is_over_follows_nothing(tariff: Tariff) -> None:
    one = special(tariff, valid_from=MARCH, valid_to=APRIL)
    before = written(one)
    actions.load_code_deck(name="World", codes={"25411": "Kenya Mobile", "25473": "Kenya"}, at=MAY)
    assert written(one) == before


def test_what_cannot_be_is_refused(tariff: Tariff) -> None:
    def refused(code: str, error: type[Exception] = Invalid, **given: Any) -> None:
        with pytest.raises(error) as refusal:
            special(tariff, **given)
        assert refusal.value.code == code  # type: ignore[attr-defined]
        assert not SpecialRate.objects.exists()

    Destination.objects.create(name="Atlantis")
    refused("no_codes", name="Atlantis")
    refused("bad_steps", steps="cheap")
    refused("bad_validity", valid_to=APRIL)
    refused("bad_number", grace=-1)
    refused("one_target", destination_id=None)
    refused("not_found", NotFound, destination_id=2**40)
    refused("not_found", NotFound, group_id=2**40)
    with pytest.raises(NotFound):
        actions.end_special_rate(special_id=2**40, valid_to=MAY, at=AT)
    with pytest.raises(NotFound):
        actions.create_group(name="Bad", destination_ids=[2**40], at=AT)
    actions.create_group(name="Good", at=AT)
    second = actions.create_group(name="Second", at=AT)
    for call in (
        lambda: actions.create_group(name="Good", at=AT),
        lambda: actions.change_group(group_id=second.pk, name="Good", at=AT),
    ):
        with pytest.raises(Conflict) as clash:
            call()
        assert clash.value.code == "group_exists"


def test_a_code_change_that_was_worked_out_on_something_else_is_refused_whole(tariff: Tariff) -> None:
    deck, kenya = CodeDeck.objects.get(), place("Kenya")
    rows = [
        {"code": "256", "before_id": None, "after_id": kenya},
        {"code": "254", "before_id": None, "after_id": kenya},
    ]
    with pytest.raises(Conflict) as refusal:
        actions.change_codes(deck_id=deck.pk, changes=pa.Table.from_pylist(rows, actions.CODE_CHANGES), at=AT)
    assert refusal.value.code == "deck_changed"
    assert not deck_has(deck, "256")


def deck_has(deck: CodeDeck, code: str) -> bool:
    from trunkline.tariffs.models import Code

    return Code.objects.filter(deck=deck, code=code).exists()


def test_it_has_a_row_for_each_origin_of_the_tariffs_own_rates(tariff: Tariff) -> None:
    deck = actions.load_code_deck(name="Callers", codes={"33": "EEA", "44": "Rest"}, at=AT)
    actions.change_tariff(tariff_id=tariff.pk, origin_deck=deck, at=AT)
    actions.load_rates(
        tariff_id=tariff.pk,
        data=b"code,destination,price,origin\n2547,Kenya Mobile,1.5,EEA\n2547,Kenya Mobile,3,Rest\n",
        at=AT,
    )
    one = special(tariff)
    rows = Rate.objects.filter(special=one, code="2547").order_by("origin", "tag")
    assert sorted(rows.values_list("origin", "tag"), key=str) == sorted(
        [(None, None), (None, "premium"), ("EEA", None), ("Rest", None)], key=str
    )


def test_an_origin_that_rates_name_keeps_a_code(tariff: Tariff) -> None:
    deck = actions.load_code_deck(name="Callers", codes={"33": "EEA", "44": "Rest"}, at=AT)
    actions.change_tariff(tariff_id=tariff.pk, origin_deck=deck, at=AT)
    actions.load_rates(tariff_id=tariff.pk, data=b"code,destination,price,origin\n2547,Kenya Mobile,1.5,EEA\n", at=AT)
    with pytest.raises(Conflict) as refusal:
        actions.load_code_deck(name="Callers", codes={"33": "Rest"}, at=AT)
    assert refusal.value.code == "origin_in_use"
    actions.load_code_deck(name="Callers", codes={"33": "Rest", "49": "EEA"}, at=AT)


def test_longer_codes_of_a_parent_are_its_codes_too(tariff: Tariff) -> None:
    child = actions.create_tariff(name="Child", currency="USD", at=AT)
    actions.load_rates(tariff_id=child.pk, data=b"code,destination,price\n2547,Kenya Mobile,9\n", at=AT)
    actions.change_tariff(tariff_id=child.pk, parent=tariff, at=AT)
    one = special(child)
    assert codes(one) == ["2547", "254722", "25473"]
    assert actions.follow_parents(at=AT) == []
    actions.load_rates(tariff_id=tariff.pk, data=b"code,destination,price,tag\n254799,Kenya Mobile,9,premium\n", at=AT)
    assert actions.follow_parents(at=MAY) == [child]
    assert written(one)[-1] == ("254799", None, APRIL, None)
