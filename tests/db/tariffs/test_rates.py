"""Rate files into the database: all or nothing, nothing overwritten."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from trunkline.core.errors import Invalid, NotFound, TrunklineError
from trunkline.core.money import Amount, Price
from trunkline.tariffs import actions, queries
from trunkline.tariffs.models import Destination, Rate, Tariff
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEAK = [{"weekdays": [1, 2, 3, 4, 5], "from": "08:00:00", "to": "18:00:00"}]


def make(name: str = "Retail", **given: Any) -> Tariff:
    return actions.create_tariff(**{"name": name, "currency": "KES", "timezone": "Africa/Nairobi", "at": AT} | given)


def load(tariff: Tariff, text: str, **given: Any) -> actions.RateLoad:
    return actions.load_rates(tariff_id=tariff.pk, data=text.encode(), at=AT, **given)


def shown(tariff: Tariff) -> list[tuple[Any, ...]]:
    """code, steps, valid_from, valid_to, voided of all rates, in the order of the list."""
    rows = Rate.objects.filter(tariff=tariff).order_by("id")
    return [(r.code, r.steps, _day(r.valid_from), _day(r.valid_to), r.voided_at is not None) for r in rows]


def _day(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone(UTC).date().isoformat()


def refused(tariff: Tariff, text: str, **given: Any) -> str:
    before = shown(tariff)
    with pytest.raises(Invalid) as caught, transaction.atomic():
        load(tariff, text, **given)
    assert caught.value.code == "bad_rate_file"
    assert shown(tariff) == before
    assert Tariff.objects.get(pk=tariff.pk).revision == tariff.revision
    return caught.value.message


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("unknown_currency", {"currency": "KSH"}),
        ("unknown_timezone", {"timezone": "Nairobi"}),
        ("unknown_unit", {"unit": "minute"}),
        ("bad_name", {"name": "  "}),
    ],
)
def test_what_cannot_be_a_tariff_is_refused(in_scope: Any, code: str, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        make(**given)
    assert caught.value.code == code


@pytest.mark.parametrize("currency", ["JPY", "KWD", "KES"])
def test_a_rate_file_becomes_rates(in_scope: Any, currency: str) -> None:
    actions.create_time_profile(name="peak", windows=PEAK, at=AT)
    tariff = make(currency=currency)
    done = load(
        tariff,
        "code,destination,price,increments,setup_fee,grace,valid_from,valid_to,time_profile,weight,rounding,max_cost,"
        "blocked,tag,length_min,length_max,policy\n"
        '"2547,2541",Kenya Mobile,4.1234567891,60/1,0.0000000001,3,2026-01-01,2026-07-01,peak,12.5,down/3,99.12345678,'
        "true,cli,10,12,additive\n"
        ",,1,,,,,,,,,,,,,,\n",
    )
    assert done == actions.RateLoad(lines=2, rates=3, closed=0, voided=0, revision=2, begins=None)
    assert Tariff.objects.get(pk=tariff.pk).revision == 2
    first, second, third = queries.rates(tariff).order_by("id")
    assert (first.code, second.code, third.code) == ("2547", "2541", "")
    assert first.steps == "0:4.1234567891/60/60;60:4.1234567891/60/1"
    assert (first.setup_fee, first.grace, first.weight) == (Price(1), 3, Decimal("12.5"))
    assert (first.valid_from, first.valid_to) == (
        datetime(2025, 12, 31, 21, tzinfo=UTC),
        datetime(2026, 6, 30, 21, tzinfo=UTC),
    )
    assert (first.rounding_mode, first.rounding_decimals) == (3, 3)
    assert first.max_cost == Amount.from_text("99.12345678")
    assert (first.blocked, first.additive, first.tag, first.length_min, first.length_max) == (True, True, "cli", 10, 12)
    assert (first.time_profile.name, first.destination, second.destination) == (
        "peak",
        first.destination,
        first.destination,
    )
    kenya = Destination.objects.get()
    assert (kenya.name, kenya.country, kenya.kind) == ("Kenya Mobile", "KE", "mobile")
    assert (third.destination, third.steps, third.tag, third.max_cost) == (None, "0:1/60/1", None, None)


def test_one_bad_line_keeps_all_out_and_every_bad_line_is_named(in_scope: Any) -> None:
    message = refused(make(), "code,price,time_profile\n44,1,\n45,0.123456789012,\n4x,1,\n46,1,night\n44,2,\n")
    assert message == (
        "Nothing was loaded:\n"
        "line 3: 0.123456789012 has more than 10 decimals. [price_precision]\n"
        "line 4: '4x' is no code. Write 44301, 44301-44303 or 443(0-2)1, several with commas. [bad_code]\n"
        "line 5: There is no time profile 'night'. Known: none yet. [unknown_profile]\n"
        "line 6: The code 44 has the same rate on line 2 for an overlapping time. [overlap]"
    )
    assert not Destination.objects.exists()


def test_a_cap_below_zero_is_refused_by_the_loader_and_by_the_database(in_scope: Any) -> None:
    tariff = make()
    assert refused(tariff, "code,price,max_cost\n44,1,5\n45,1,-0.5\n").splitlines()[1] == (
        "line 3: The most that an event costs cannot be below zero, as -0.5 is. [negative_max_cost]"
    )
    load(tariff, "code,price,max_cost\n44,1,0\n45,1,\n")
    with pytest.raises(IntegrityError, match="tariffs_rate_max_cost"), transaction.atomic():
        Rate.objects.filter(code="44").update(max_cost=Amount.from_text("-0.5"))


def test_very_many_bad_lines_are_counted(in_scope: Any) -> None:
    tariff = make()
    with pytest.raises(Invalid) as caught:
        load(tariff, "code,price\n" + "x,1\n" * 500)
    assert caught.value.message.endswith("and 480 more")
    assert len(caught.value.context["problems"]) == 500


@pytest.mark.parametrize("text", ["", "code,price\n", "code,price\n,\n"])
def test_an_empty_price_list_is_refused(in_scope: Any, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(make(), text)
    assert caught.value.code == "empty_rate_file"


def test_rates_that_meet_those_of_the_tariff_are_refused(in_scope: Any) -> None:
    tariff = make(timezone="UTC")
    load(tariff, "code,price,valid_from,valid_to\n44,1,2026-01-01,2026-02-01\n44,2,2026-02-01,\n")
    tariff.refresh_from_db()
    second = Rate.objects.order_by("id")[1]
    message = refused(tariff, "code,price,valid_from\n45,1,2026-01-01\n44,3,2026-03-01\n")
    assert message.splitlines()[1] == (
        "line 3: The code 44 has the same rate in the tariff already from 2026-02-01T00:00:00Z "
        f"(rate {second.pk}). [overlap]"
    )
    with pytest.raises(Invalid) as caught:
        load(tariff, "code,price,valid_from\n44,3,2026-03-01\n")
    assert caught.value.hint.startswith("With --supersede an earlier rate ends where the new one begins.")
    with pytest.raises(Invalid) as caught:  # where it would not help it is not offered
        load(tariff, "code,price\n46,3\n46,4\n")
    assert "--supersede" not in caught.value.hint
    refused(tariff, "code,price,valid_from,valid_to\n44,3,2025-01-01,2026-01-02\n")
    load(tariff, "code,price,valid_from,valid_to\n44,3,2025-01-01,2026-01-01\n")
    load(tariff, "code,price,valid_from,tag\n44,4,2026-01-01,cli\n")


def test_superseding_ends_the_earlier_rate_and_voids_the_later_one(in_scope: Any) -> None:
    tariff = make(timezone="UTC")
    load(
        tariff,
        "code,price,valid_from,valid_to\n"
        "44,1,2026-01-01,\n"
        "45,1,2026-01-01,2026-02-01\n"
        "45,2,2026-02-01,2026-08-01\n"
        "45,3,2026-08-01,\n"
        "46,1,,2026-03-01\n"
        "47,1,,\n",
    )
    done = load(
        tariff,
        "code,price,valid_from,valid_to\n"
        "44,1.1,2026-04-01,\n"
        "45,2.1,2026-06-01,2026-07-01\n"
        "45,2.2,2026-07-01,\n"
        "46,1.1,2026-04-01,\n"
        "48,1,2026-04-01,\n",
        supersede_earlier=True,
    )
    assert done == actions.RateLoad(
        lines=5, rates=5, closed=2, voided=1, revision=3, begins=datetime(2026, 4, 1, tzinfo=UTC)
    )
    assert shown(tariff) == [
        ("44", "0:1/60/1", "2026-01-01", "2026-04-01", False),
        ("45", "0:1/60/1", "2026-01-01", "2026-02-01", False),
        ("45", "0:2/60/1", "2026-02-01", "2026-06-01", False),
        ("45", "0:3/60/1", "2026-08-01", "", True),
        ("46", "0:1/60/1", "", "2026-03-01", False),
        ("47", "0:1/60/1", "", "", False),
        ("44", "0:1.1/60/1", "2026-04-01", "", False),
        ("45", "0:2.1/60/1", "2026-06-01", "2026-07-01", False),
        ("45", "0:2.2/60/1", "2026-07-01", "", False),
        ("46", "0:1.1/60/1", "2026-04-01", "", False),
        ("48", "0:1/60/1", "2026-04-01", "", False),
    ]
    # The same again: each is voided in favour of an equal one, and nothing overlaps.
    again = load(tariff, "code,price,valid_from\n44,1.1,2026-04-01\n", supersede_earlier=True)
    assert (again.closed, again.voided) == (0, 1)


def test_superseding_still_refuses_a_file_that_contradicts_itself(in_scope: Any) -> None:
    tariff = make()
    refused(tariff, "code,price,valid_from\n44,1,2026-01-01\n44,2,2026-02-01\n", supersede_earlier=True)


def test_a_voided_rate_makes_room(in_scope: Any) -> None:
    tariff = make()
    load(tariff, "code,price\n44,1\n45,1\n")
    rate = Rate.objects.get(code="44")
    assert actions.void_rates(tariff_id=tariff.pk, rate_ids=[rate.pk], at=AT) == 1
    assert actions.void_rates(tariff_id=tariff.pk, rate_ids=[rate.pk], at=AT) == 0
    assert [r.code for r in queries.rates(tariff)] == ["45"]
    assert load(tariff, "code,price\n44,2\n").revision == 4
    with pytest.raises(NotFound):
        actions.void_rates(tariff_id=make("Other").pk, rate_ids=[rate.pk], at=AT)


def test_destinations_are_shared_and_countries_told_by_codes(in_scope: Any) -> None:
    load(
        make(),
        "code,destination,price\n1416,Canada Toronto,1\n1,USA,1\n1242,Bahamas,1\n882,Networks,1\n7701,KZ Cell,1\n",
    )
    load(make("Other"), "code,destination,price\n1647,Canada Toronto,1\n,Anything,1\n")
    assert dict(Destination.objects.values_list("name", "country")) == {
        "Canada Toronto": "CA",
        "USA": "US",
        "Bahamas": "BS",
        "Networks": "",
        "KZ Cell": "KZ",
        "Anything": "",
    }


def test_the_database_refuses_what_is_no_rate(in_scope: Any) -> None:
    tariff = make()
    for wrong in (
        {"code": "4x", "steps": "0:1/60/1"},
        {"code": "44", "steps": "1:1/60/1"},
        {"code": "44", "steps": "free"},
        {"code": "44", "steps": "0:1/60/1", "valid_from": AT, "valid_to": AT},
        {"code": "44", "steps": "0:1/60/1", "rounding_decimals": 9},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Rate.objects.create(tariff=tariff, **wrong)


def test_tariffs_of_another_tenant_take_no_rates(tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        tariff = make()
        load(tariff, "code,destination,price\n44,UK,1\n")
    with scope(other_tenant, "test"):
        with pytest.raises(NotFound):
            load(tariff, "code,price\n44,1\n")
        mine = make()
        load(mine, "code,destination,price\n44,UK,1\n")
        assert Destination.objects.count() == 1
        assert Rate.objects.count() == 1


def test_a_changed_profile_or_clock_is_a_new_revision(in_scope: Any) -> None:
    peak = actions.create_time_profile(name="peak", windows=PEAK, at=AT)
    using, other = make("Using"), make("Other")
    load(using, "code,price,time_profile\n44,1,peak\n")
    actions.change_time_profile(profile_id=peak.pk, windows=[{"from": "09:00"}], at=AT)
    actions.change_tariff(tariff_id=other.pk, timezone="Europe/Berlin", name="New name", at=AT)
    assert dict(Tariff.objects.values_list("name", "revision")) == {"Using": 3, "New name": 2}
    assert queries.time_profiles().get().windows == [{"from": "09:00:00"}]
    for code, call in (
        ("tariff_exists", lambda: make("Using")),
        ("tariff_exists", lambda: actions.change_tariff(tariff_id=other.pk, name="Using", at=AT)),
        ("time_profile_exists", lambda: actions.create_time_profile(name="peak", windows=PEAK, at=AT)),
        ("bad_time_window", lambda: actions.change_time_profile(profile_id=peak.pk, windows=[], at=AT)),
    ):
        with pytest.raises(TrunklineError) as caught:
            call()
        assert caught.value.code == code


def test_a_code_deck_grows_and_renames(in_scope: Any) -> None:
    deck = actions.load_code_deck(name="World", codes={"254": "Kenya", "2547": "Kenya Mobile"}, at=AT)
    again = actions.load_code_deck(name="World", codes={"2547": "Kenya Mobile Safaricom", "255": "Tanzania"}, at=AT)
    assert again == deck
    from trunkline.tariffs.models import Code

    assert dict(Code.objects.filter(deck=deck).values_list("code", "destination__name")) == {
        "254": "Kenya",
        "2547": "Kenya Mobile Safaricom",
        "255": "Tanzania",
    }
    with pytest.raises(Invalid):
        actions.load_code_deck(name="World", codes={"25x": "Kenya"}, at=AT)


def test_rates_in_force_are_found(in_scope: Any) -> None:
    tariff = make(timezone="UTC")
    load(tariff, "code,price,valid_from,valid_to\n44,1,,2026-03-01\n44,2,2026-03-01,\n45,3,,\n")
    at = datetime.combine(date(2026, 3, 1), datetime.min.time(), UTC)
    assert [rate.steps for rate in queries.rates(tariff, code="44", at=at)] == ["0:2/60/1"]
    assert len(queries.rates(tariff)) == 3
