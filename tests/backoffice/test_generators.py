"""Generators in the office: kept by a form, run by a worker, looked at, applied, undone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from trunkline.identity.permissions import BuiltInRole
from trunkline.kit import clock
from trunkline.pricing.models import Generator, GeneratorRun
from trunkline.pricing.tasks import run_generator
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.models import CodeDeck, Rate, Tariff
from trunkline.tenancy.scope import scope

RATES = b"code,destination,price,increments,valid_from\n254,Kenya,%s,60/1,2026-01-01\n2547,Kenya Mobile,%s,60/60,2026-01-01\n"


@pytest.fixture
def owner(office: Office) -> Any:
    with clock.at(AT):
        yield office.client()


@pytest.fixture
def said(office: Office) -> dict[str, Any]:
    """What the form of a generator of two vendors says."""
    with scope(office.ours, "test"):
        target = tariffs.create_tariff(name="Retail", currency="USD", at=AT)
        sources = []
        for name, prices in (("Alpine", (b"0.05", b"0.10")), ("Baltic", (b"0.04", b"0.12"))):
            source = tariffs.create_tariff(name=name, currency="USD", at=AT)
            tariffs.load_rates(tariff_id=source.pk, data=RATES % prices, at=AT)
            sources.append(source.pk)
        deck = tariffs.load_code_deck(name="World", codes={"254": "Kenya", "2547": "Kenya Mobile"}, at=AT)
    return {
        "name": "Retail", "tariff": target.pk, "deck": deck.pk, "sources": sources, "agreement": "", "method": "blend", "position": "1",
        "weights": "80/20", "percent": "20", "percent_of": "cost", "rules": "destination='Kenya Mobile' percent=50\n\ncode=254 min_price=0.06",
        "decimals": "4", "rounding": "up", "increments": "60/1", "no_offer": "leave_out", "other_codes": "keep", "longer_codes": "dearest",
        "effective_in_days": "0", "exclude": "",
    }  # fmt: skip


def made(office: Office, owner: Client, said: dict[str, Any]) -> Generator:
    response = owner.post(reverse("admin:pricing_generator_add"), said)
    assert response.status_code == 302, response.context_data["adminform"].form.errors
    with scope(office.ours, "test"):
        return Generator.objects.get()


def run(office: Office, owner: Client, generator: Generator) -> GeneratorRun:
    """A run that a worker has made."""
    answer = owner.post(reverse("admin:pricing_generator_run", args=(generator.pk,)), {})
    with scope(office.ours, "test"):
        asked = GeneratorRun.objects.get()
    page = reverse("admin:pricing_generatorrun_change", args=(asked.pk,))
    assert answer["Location"] == page
    assert b"data-follow=" in owner.get(page).content
    run_generator(tenant_id=office.ours.pk, run_id=asked.pk)
    assert b"data-follow=" not in owner.get(page).content
    return asked


def test_a_generator_is_kept_and_changed(office: Office, owner: Client, said: dict[str, Any]) -> None:
    generator = made(office, owner, said)
    assert generator.settings["rules"] == [
        {"destination": "Kenya Mobile", "percent": "50"}, {"code": "254", "min_price": "0.06"},
    ]  # fmt: skip
    address = reverse("admin:pricing_generator_change", args=(generator.pk,))
    form = owner.get(address).context_data["adminform"].form
    assert (form["weights"].value(), form["rules"].value().splitlines()[0], form["percent"].value()) == (
        "80/20", "destination='Kenya Mobile' percent=50", "20",
    )  # fmt: skip
    changed = {**said, "percent": "", "rules": "", "sources": said["sources"][:1], "why_it_is_done": "one vendor left"}
    assert owner.post(address, changed).status_code == 302
    with scope(office.ours, "test"):
        generator.refresh_from_db()
        assert [each.tariff.name for each in generator.sources.all()] == ["Alpine"]
    assert ("percent" in generator.settings, generator.settings["rules"]) == (False, [])
    page = owner.get(reverse("admin:pricing_generator_changelist")).content.decode()
    assert "Weighted blend 80/20" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": ""},
        {"percent": "a lot"},
        {"rules": "Kenya"},
        {"increments": "60"},
        {"exclude": "country=Kenya"},
        {"max_price": "-1e3"},
    ],
)
def test_what_cannot_be_kept_is_said(owner: Client, said: dict[str, Any], wrong: dict[str, str]) -> None:
    response = owner.post(reverse("admin:pricing_generator_add"), {**said, **wrong})
    assert (response.status_code, len(response.context_data["adminform"].form.non_field_errors())) == (200, 1)


def test_a_run_is_looked_at_applied_and_undone(office: Office, owner: Client, said: dict[str, Any]) -> None:
    asked = run(office, owner, made(office, owner, said))
    page = owner.get(reverse("admin:pricing_generatorrun_change", args=(asked.pk,)))
    titles = [str(panel.title) for panel in page.context_data["panels"]]
    assert titles == ["Run", "What it changes", "Prices", "Vendors", "What matters most"]
    rows = {row[0]: row[4:9] for row in page.context_data["panels"][-1].rows}
    # 254: 0.04 × 0.8 + 0.05 × 0.2 is 0.042, by a fifth more 0.0504, and at least 0.06.
    assert rows == {
        "254": ("0.06 per 60, 60/1", "0.042", "0.018 (30 %)", 2, "Baltic"),
        "2547": ("0.156 per 60, 60/1", "0.104", "0.052 (33.3 %)", 2, "Alpine"),
    }
    codes = reverse("admin:generated_codes", args=(asked.pk,))
    for query, wanted in (
        ("", ["254", "2547"]),
        ("?only=floor", ["254"]),
        ("?kind=new&code=2547", ["2547"]),
        ("?kind=increase", []),
    ):
        assert [row[0] for row in owner.get(codes + query).context_data["panel"].rows] == wanted
    assert owner.get(f"{codes}?code=x").status_code == 422
    apply = reverse("admin:pricing_generatorrun_apply", args=(asked.pk,))
    assert owner.post(apply, {"reason": "spring"}).status_code == 302
    with scope(office.ours, "test"):
        rates = Rate.objects.filter(tariff__name="Retail", voided_at=None)
        assert sorted(rates.values_list("code", "steps")) == [
            ("254", "0:0.06/60/60;60:0.06/60/1"), ("2547", "0:0.156/60/60;60:0.156/60/1"),
        ]  # fmt: skip
    undo = reverse("admin:pricing_generatorrun_undo", args=(asked.pk,))
    assert owner.post(undo, {}).status_code == 422
    assert owner.post(undo, {"reason": "too dear"}).status_code == 302
    with scope(office.ours, "test"):
        assert not Rate.objects.filter(tariff__name="Retail", voided_at=None).exists()


def test_what_a_check_stops_is_overruled_by_name(office: Office, owner: Client, said: dict[str, Any]) -> None:
    generator = made(office, owner, {**said, "method": "position", "absolute": "-1", "rules": ""})
    asked = run(office, owner, generator)
    apply = reverse("admin:pricing_generatorrun_apply", args=(asked.pk,))
    assert owner.post(apply, {}).status_code == 422
    assert owner.post(apply, {"overrule": ["negative"]}).status_code == 302


def test_a_run_that_is_not_wanted_is_discarded(office: Office, owner: Client, said: dict[str, Any]) -> None:
    asked = run(office, owner, made(office, owner, said))
    discard = reverse("admin:pricing_generatorrun_discard", args=(asked.pk,))
    assert owner.post(discard, {"reason": "no"}).status_code == 302
    assert "discarded" in owner.get(reverse("admin:pricing_generatorrun_changelist")).content.decode()


def test_whoever_may_only_read_sees_what_is_kept_and_starts_nothing(
    office: Office, owner: Client, said: dict[str, Any]
) -> None:
    generator = made(office, owner, said)
    reader = office.client(BuiltInRole.READ_ONLY)
    assert reader.get(reverse("admin:pricing_generator_change", args=(generator.pk,))).status_code == 200
    assert reader.post(reverse("admin:pricing_generator_run", args=(generator.pk,)), {}).status_code == 403


def test_a_run_of_others_has_no_codes(office: Office, owner: Client) -> None:
    with scope(office.theirs, "test"):
        target, source = (tariffs.create_tariff(name=name, currency="USD", at=AT) for name in ("T", "S"))
        deck = tariffs.load_code_deck(name="World", codes={"254": "Kenya"}, at=AT)
        foreign = _run_of(target, deck, source)
    assert owner.get(reverse("admin:generated_codes", args=(foreign.pk,))).status_code == 404


def _run_of(target: Tariff, deck: CodeDeck, source: Tariff) -> GeneratorRun:
    from trunkline.pricing.actions import ask_run, create_generator

    kept = create_generator(name="G", tariff_id=target.pk, deck_id=deck.pk, source_ids=[source.pk], settings={}, at=AT)
    return ask_run(generator_id=kept.pk, at=AT)
