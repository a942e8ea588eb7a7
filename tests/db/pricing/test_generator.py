"""A selling tariff from vendors' prices: simulated, applied, run again, undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.db.tariffs.test_commands import Shell
from trunkline.cli import agreement, generator, sheet, tariff
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.money import Amount
from trunkline.kit import clock, jobs
from trunkline.parties.actions import create_account
from trunkline.pricing import generated
from trunkline.pricing.actions import ask_run, change_generator, create_generator
from trunkline.pricing.choices import RUN_GENERATOR
from trunkline.pricing.tasks import run_generator as run_job
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import CodeDeck, Destination, DestinationGroup, GroupMember, Rate, Tariff
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
DECK = "code,destination\n254,Kenya\n2547,Kenya Mobile\n25473,Kenya Mobile Airtel\n255,Tanzania\n256,Uganda\n"
ALPINE = "code,destination,price,increments,valid_from\n254,Kenya,0.05,60/1,2026-01-01\n2547,Kenya Mobile,0.10,60/60,2026-01-01\n255,Tanzania,0.07,1/1,2026-01-01\n"
BALTIC = "code,destination,price,increments,valid_from,blocked\n254,Kenya,0.04,1/1,2026-01-01,\n25473,Airtel,0.08,1/1,2026-01-01,\n255,Tanzania,0,1/1,2026-01-01,true\n"
LATER = "code,destination,price,increments,valid_from\n2547,Kenya Mobile,0.12,60/60,2026-04-01\n"


@pytest.fixture
def run(tenant: Any) -> Iterator[Shell]:
    with clock.at(AT):
        yield Shell(tenant.slug)


@pytest.fixture
def filled(run: Shell, tmp_path: Path) -> Shell:
    """Two vendors, one of them in euros, a deck and a tariff to be made."""
    (tmp_path / "deck.csv").write_text(DECK)
    run(tariff.app, "load-deck", "World", str(tmp_path / "deck.csv"))
    for name, currency, text in (("Alpine", "USD", ALPINE), ("Baltic", "EUR", BALTIC)):
        run(tariff.app, "add", name, "--currency", currency, "--timezone", "UTC")
        (tmp_path / "rates.csv").write_text(text)
        run(tariff.app, "load-rates", name, str(tmp_path / "rates.csv"))
    run(tariff.app, "set-exchange-rate", "EUR", "USD", "1.25", "--on", "2026-02-27")
    run(tariff.app, "add", "Retail", "--currency", "USD", "--timezone", "UTC")
    run(
        generator.app, "set", "Retail", "--tariff", "Retail", "--deck", "World", "--source", "Alpine", "--source", "Baltic", "--percent", "20",
        "--increments", "worst",
    )  # fmt: skip
    return run


def made(shell: Shell, *words: str) -> dict[str, Any]:
    found = shell.json(generator.app, "run", "Retail", "--effective", "2026-03-10", *words)
    assert isinstance(found, dict)
    return found


def standing(shell: Shell) -> list[tuple[str, str, str, str | None]]:
    rows = shell.json(tariff.app, "show", "Retail")["rates"]
    return [
        (each["code"], each["steps"], each["valid_from"][:10], each["valid_to"] and each["valid_to"][:10])
        for each in rows
    ]


def test_from_vendors_prices_to_a_selling_tariff(filled: Shell) -> None:
    found = made(filled)
    codes = {each["code"]: each for each in found["codes"]}
    # 254: 0.04 EUR is 0.05 USD as well, so Alpine, the first in the list, is cheapest; 256 nobody offers.
    told = {code: (each["cost"], each["price"], each["cheapest"], each["offers"]) for code, each in codes.items()}
    assert told == {
        "254": ("0.05", "0.06 per 60, 60/1", "Alpine", 2),
        "2547": ("0.05", "0.06 per 60, 60/60", "Baltic", 2),
        "25473": ("0.1", "0.12 per 60, 60/60", "Alpine", 2),
        "255": ("0.07", "0.084 per 60, 1/1", "Alpine", 1),
        "256": ("", "", "", 0),
    }
    assert (codes["254"]["margin"], codes["254"]["margin_percent"]) == ("0.01", "16.7")
    assert (found["state"], found["counts"]["new"], found["figures"]["left_out"]) == ("compared", 4, 1)
    assert [(each["tariff"], each["exchange_rate"], each["rates"], each["cheapest"]) for each in found["sources"]] == [
        ("Alpine", "1/1", 3, 3), ("Baltic", "5/4", 3, 1),
    ]  # fmt: skip
    assert standing(filled) == []
    assert filled.json(generator.app, "apply", found["id"], "--reason", "spring prices")["state"] == "applied"
    assert standing(filled) == [
        ("254", "0:0.06/60/60;60:0.06/60/1", "2026-03-10", None),
        ("2547", "0:0.06/60/60", "2026-03-10", None),
        ("25473", "0:0.12/60/60", "2026-03-10", None),
        ("255", "0:0.084/60/1", "2026-03-10", None),
    ]
    assert filled.json(sheet.app, "show", found["sheet"])["state"] == "applied"


def test_what_a_source_takes_over_from_its_parent_counts(filled: Shell, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "code,destination,price,increments,valid_from\n2547,Kenya Mobile,0.20,60/60,2026-01-01\n"
    )
    filled(tariff.app, "add", "Own", "--currency", "USD", "--timezone", "UTC", "--parent", "Alpine")
    filled(tariff.app, "load-rates", "Own", str(tmp_path / "own.csv"))
    filled(generator.app, "set", "Retail", "--source", "Own")
    found = made(filled)
    told = {each["code"]: each["cost"] for each in found["codes"]}
    assert told == {"254": "0.05", "2547": "0.2", "25473": "0.2", "255": "0.07", "256": ""}
    ((source, parents),) = [(each["tariff"], [p["tariff"] for p in each["parents"]]) for each in found["sources"]]
    assert (source, parents) == ("Own", ["Alpine"])
    assert "Alpine" in filled(generator.app, "simulation", found["id"])


def test_no_tariff_is_made_of_its_own_prices(filled: Shell) -> None:
    filled(tariff.app, "add", "Own", "--currency", "USD", "--timezone", "UTC", "--parent", "Retail")
    assert filled.refused(generator.app, "set", "Retail", "--source", "Own") == "bad_generator"
    filled(tariff.app, "set", "Own", "--parent", "Alpine")
    filled(generator.app, "set", "Retail", "--source", "Own")
    filled(tariff.app, "set", "Own", "--parent", "Retail")
    assert filled.refused(generator.app, "run", "Retail", "--effective", "2026-03-10") == "bad_generator"


def test_a_rerun_keeps_what_did_not_change(filled: Shell, tmp_path: Path) -> None:
    made(filled, "--apply")
    before = {each["code"]: each["id"] for each in filled.json(tariff.app, "show", "Retail")["rates"]}
    again = made(filled)
    assert (again["counts"]["unchanged"], again["counts"]["new"]) == (4, 0)
    filled.json(generator.app, "apply", again["id"])
    assert {each["code"]: each["id"] for each in filled.json(tariff.app, "show", "Retail")["rates"]} == before
    (tmp_path / "later.csv").write_text(
        "code,destination,price,increments,valid_from\n255,Tanzania,0.06,1/1,2026-04-01\n"
    )
    filled(tariff.app, "load-rates", "Alpine", str(tmp_path / "later.csv"), "--supersede")
    third = filled.json(generator.app, "run", "Retail", "--effective", "2026-04-01", "--apply")
    assert {name: third["counts"][name] for name in ("unchanged", "decrease")} == {"unchanged": 3, "decrease": 1}
    after = {
        each["code"]: each["id"] for each in filled.json(tariff.app, "show", "Retail", "--at", "2026-04-02")["rates"]
    }
    assert {code for code, row in after.items() if before[code] == row} == {"254", "2547", "25473"}
    filled(generator.app, "undo", third["id"], "--reason", "Alpine took it back")
    assert {each["code"]: each["id"] for each in filled.json(tariff.app, "show", "Retail")["rates"]} == before


def test_changes_need_the_notice_of_the_agreement(filled: Shell) -> None:
    filled(agreement.app, "set", "Customers", "--increase", "7")
    filled(generator.app, "set", "Retail", "--agreement", "Customers")
    filled.json(generator.app, "run", "Retail", "--apply")
    filled(generator.app, "set", "Retail", "--percent", "30", "--rule", "code=255 percent=10")
    changes = {
        each["code"]: (each["kind"], each["begins"]) for each in filled.json(generator.app, "run", "Retail")["codes"]
    }
    later = (AT + timedelta(days=7)).date().isoformat()
    assert changes == {"255": ("decrease", "2026-03-02"), "256": ("", "")} | dict.fromkeys(
        ("254", "2547", "25473"), ("increase", later)
    )


@pytest.mark.parametrize(
    ("no_offer", "others", "codes"),
    [
        ("leave_out", "keep", ["254", "2547", "25473", "255", "999"]),
        ("leave_out", "close", ["254", "2547", "25473", "255"]),
        ("block", "keep", ["254", "2547", "25473", "255", "256", "999"]),
        ("keep", "close", ["254", "2547", "25473", "255", "256"]),
    ],
)
def test_what_becomes_of_other_codes(
    filled: Shell, tmp_path: Path, no_offer: str, others: str, codes: list[str]
) -> None:
    (tmp_path / "own.csv").write_text(
        "code,destination,price,valid_from\n256,Uganda,0.5,2026-01-01\n999,Elsewhere,0.9,2026-01-01\n"
    )
    filled(tariff.app, "load-rates", "Retail", str(tmp_path / "own.csv"))
    filled(generator.app, "set", "Retail", "--no-offer", no_offer, "--other-codes", others)
    made(filled, "--apply")
    there = filled.json(tariff.app, "show", "Retail", "--at", "2026-03-11")["rates"]
    assert sorted(each["code"] for each in there) == codes
    assert [each["code"] for each in there if each["blocked"]] == (["256"] if no_offer == "block" else [])


def test_what_is_excluded_stays_and_a_vendor_can_be_left_out_for_some_codes(filled: Shell) -> None:
    filled(
        generator.app, "set", "Retail", "--exclude", "destination=tanzania", "--exclude", "code=2547 source=Baltic", "--rule",
        "destination='Kenya M*' percent=50",
    )  # fmt: skip
    rows = {each["code"]: (each["became"], each["cost"], each["price"]) for each in made(filled)["codes"]}
    assert rows == {
        "254": ("priced", "0.05", "0.06 per 60, 60/1"),
        "2547": ("priced", "0.1", "0.15 per 60, 60/60"),
        "25473": ("priced", "0.1", "0.15 per 60, 60/60"),
        "255": ("excluded", "0.07", ""),
        "256": ("left_out", "", ""),
    }


def test_special_rates_stay_as_they_are(filled: Shell, tenant: Any) -> None:
    with scope(tenant, "test"):
        target, deck = Tariff.objects.get(name="Retail"), CodeDeck.objects.get(name="World")
        mobile = Destination.objects.get(name="Kenya Mobile")
        tariffs.create_special_rate(
            tariff_id=target.pk, deck_id=deck.pk, destination_id=mobile.pk, steps="0:0.09/60/60", valid_from=AT, at=AT
        )

    def special() -> list[Any]:
        with scope(tenant, "test"):
            rows = Rate.objects.filter(tariff__name="Retail").exclude(special=None)
            return list(rows.values_list("pk", "code", "steps", "valid_to", "voided_at"))

    before = special()
    filled(generator.app, "set", "Retail", "--other-codes", "close", "--exclude", "code=2547")
    found = made(filled, "--apply")
    assert (found["counts"]["new"], found["counts"]["closed"]) == (2, 0)
    assert (special(), len(before)) == (before, 1)
    filled(generator.app, "set", "Retail", "--exclude", "")
    again = made(filled, "--apply")
    assert again["counts"]["new"] == 2
    assert special() == before


def test_rules_for_groups_of_destinations(filled: Shell, tenant: Any) -> None:
    assert filled.refused(generator.app, "set", "Retail", "--rule", "group=Mobiles percent=50") == "not_found"
    with scope(tenant, "test"):
        group = DestinationGroup.objects.create(name="Mobiles")
        for each in Destination.objects.filter(name__startswith="Kenya Mobile"):
            GroupMember.objects.create(group=group, destination=each)
    filled(generator.app, "set", "Retail", "--rule", "group=Mobiles percent=50")
    prices = {each["code"]: each["price"] for each in made(filled)["codes"]}
    assert (prices["254"], prices["2547"], prices["25473"]) == (
        "0.06 per 60, 60/1", "0.075 per 60, 60/60", "0.15 per 60, 60/60",
    )  # fmt: skip


def test_the_simulation_can_be_asked_for_what_matters(filled: Shell) -> None:
    filled(generator.app, "set", "Retail", "--min-price", "0.07", "--max-price", "0.09")
    found = made(filled)["id"]

    def codes(*words: str) -> list[str]:
        return [each["code"] for each in filled.json(generator.app, "simulation", found, *words)["codes"]]

    assert codes("--only", "floor") == ["254", "2547"]
    assert codes("--only", "maximum") == ["25473"]
    assert codes("--only", "below_cost") == ["25473"]
    assert codes("--only", "no_offer") == ["256"]
    assert codes("--kind", "new", "--code", "2547") == ["2547", "25473"]
    assert filled.refused(generator.app, "simulation", found, "--only", "odd") == "unknown_kind"
    assert "below cost" in filled(generator.app, "simulation", found)


def test_traffic_weighs_the_simulation(filled: Shell, tenant: Any) -> None:
    made(filled, "--apply")
    with scope(tenant, "test"):
        target = Tariff.objects.get(name="Retail")
        account = create_account(code="acme", name="Acme", currency="USD", timezone="UTC", at=AT)
        tariffs.assign_tariff(account=account, tariff=target, side="sell", at=AT)
        rate = Rate.objects.get(tariff=target, code="254")
        Rollup.objects.create(
            batch_id=1, side="sell", account=account, service="voice", rate_id=rate.pk, currency="USD", day=AT.date(),
            attempts=1, connected=1, raw_quantity=600, billed_quantity=600, amount=Amount.zero(), base_amount=Amount.zero(),
        )  # fmt: skip
    found = made(filled)
    # 10 minutes at 0.06, which cost 0.05.
    assert {name: found["figures"][name] for name in ("units", "monthly_revenue", "monthly_cost", "monthly_margin")} == {
        "units": 600, "monthly_revenue": "0.6", "monthly_cost": "0.5", "monthly_margin": "0.1",
    }  # fmt: skip
    assert found["codes"][0]["code"] == "254"


def test_what_cannot_be_kept_is_said(filled: Shell, tenant: Any) -> None:
    refusals = {
        words: filled.refused(generator.app, "set", "Retail", *words)
        for words in (
            ("--method", "best"), ("--method", "blend"), ("--percent", "1e3"), ("--decimals", "11"), ("--rule", "percent=5"), ("--rule", "code=254"),
            ("--rule", "code=25x percent=5"), ("--rule", "country=Kenya percent=5"), ("--exclude", "code=254 source=Nobody"), ("--increments", "60"),
            ("--source", "Retail"), ("--source", "Nobody"), ("--rounding", "nearest"), ("--percent", "100", "--percent-of", "price"),
            ("--rule", "code=254 percent=5 discount=1"), ("--rule", "code='254"),
        )
    }  # fmt: skip
    assert set(refusals.values()) == {"bad_generator", "bad_decimal", "tariff_not_found", "unknown_rounding_mode"}
    assert filled.refused(generator.app, "set", "New", "--deck", "World") == "bad_generator"
    assert filled.refused(generator.app, "show", "New") == "not_found"
    assert filled.refused(generator.app, "simulation", "x") == "not_found"
    assert filled.refused(generator.app, "run", "Retail", "--prices-at", "2025-01-01") == "no_exchange_rate"
    filled(generator.app, "set", "Retail", "--source", "Alpine")
    assert filled.refused(generator.app, "run", "Retail", "--prices-at", "2025-01-01") == "nothing_generated"
    with scope(tenant, "test"):
        kept = generated.get_generator("Retail")
        messages = Tariff.objects.get(pk=tariffs.create_tariff(name="Texts", currency="USD", unit="message", at=AT).pk)
        with pytest.raises(Invalid, match="counts message"):
            change_generator(generator_id=kept.pk, source_ids=[messages.pk])
        with pytest.raises(NotFound):
            change_generator(generator_id=kept.pk, deck_id=CodeDeck.objects.latest("pk").pk + 1)
        empty = CodeDeck.objects.create(name="Empty")
        (source,) = kept.sources.all()
        create_generator(
            name="None", tariff_id=kept.tariff_id, deck_id=empty.pk, source_ids=[source.tariff_id], settings={}, at=AT
        )
    assert filled.refused(generator.app, "run", "None") == "empty_deck"
    assert filled.refused(generator.app, "set", "Retail", "--settings", "nowhere.json") == "bad_generator"


def test_settings_travel_as_a_file(filled: Shell, tmp_path: Path) -> None:
    filled(
        generator.app, "set", "Retail", "--method", "blend", "--weights", "80/15/5", "--rule", "country=ke absolute=0.001 not_below_position=2",
        "--not-below-position", "1", "--collapse",
    )  # fmt: skip
    shown = filled.json(generator.app, "show", "Retail")
    assert shown["settings"]["rules"] == [{"country": "KE", "absolute": "0.001", "not_below_position": 2}]
    (tmp_path / "settings.json").write_text(json.dumps(shown))
    filled(
        generator.app, "set", "Copy", "--tariff", "Retail", "--deck", "World", "--source", "Alpine", "--settings", str(tmp_path / "settings.json")
    )  # fmt: skip
    assert filled.json(generator.app, "show", "Copy")["settings"] == shown["settings"]
    assert [each["name"] for each in filled.json(generator.app, "list")["generators"]] == ["Copy", "Retail"]
    for words in (("list",), ("show", "Retail"), ("runs",)):
        assert filled(generator.app, *words)


def test_a_run_that_nobody_wants_is_discarded(filled: Shell) -> None:
    found = made(filled)["id"]
    assert filled.json(generator.app, "discard", found, "--reason", "too dear")["state"] == "discarded"
    assert filled.refused(generator.app, "apply", found) == "not_compared"
    assert [each["state"] for each in filled.json(generator.app, "runs", "--generator", "Retail")["runs"]] == [
        "discarded"
    ]


def test_a_generator_is_run_by_whoever_has_it_alone(filled: Shell, tenant: Any, other_tenant: Any) -> None:
    with scope(tenant, "test"):
        kept = generated.get_generator("Retail").pk
    with scope(other_tenant, "test"), pytest.raises(NotFound):
        ask_run(generator_id=kept, at=AT)


def test_a_worker_makes_what_was_asked_for_and_says_what_is_in_the_way(filled: Shell, tenant: Any) -> None:
    with scope(tenant, "test"):
        kept = generated.get_generator("Retail")
        good, bad = (
            ask_run(generator_id=kept.pk, prices_at=when, at=AT) for when in (None, datetime(2025, 1, 1, tzinfo=UTC))
        )
        waiting = jobs.is_asked(RUN_GENERATOR, tenant_id=tenant.pk, key=str(good.pk))
    assert waiting
    for _ in range(2):  # safe to run twice
        run_job(tenant_id=tenant.pk, run_id=good.pk)
        run_job(tenant_id=tenant.pk, run_id=bad.pk)
    states = {each["id"]: (each["state"], each["reason"][:25]) for each in filled.json(generator.app, "runs")["runs"]}
    assert states == {
        str(good.public_id): ("compared", ""), str(bad.public_id): ("failed", "There is no exchange rate"),
    }  # fmt: skip
    assert filled.refused(generator.app, "apply", str(bad.public_id)) == "not_made"
    assert filled.json(generator.app, "simulation", str(bad.public_id))["codes"] == []
