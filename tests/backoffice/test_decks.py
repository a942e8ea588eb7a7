"""Code decks, destination groups and special rates in the office."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from trunkline.tariffs.actions import create_tariff, load_code_deck, load_rates
from trunkline.tariffs.models import Code, CodeDeck, DestinationGroup, Rate, SpecialRate, Tariff
from trunkline.tenancy.scope import scope

CODES = b"code,destination\n254,Kenya\n2547,Kenya Mobile\n25473,Kenya Mobile\n"


@pytest.fixture
def owner(office: Office, data_folder: Any) -> Client:
    return office.client()


def send(client: Client, data: bytes, **said: str) -> Any:
    given = {"name": "World", "mode": "update", "file": SimpleUploadedFile("codes.csv", data)} | said
    return client.post(reverse("admin:tariffs_codedeck_import_deck"), given)


def codes(office: Office) -> dict[str, str]:
    with scope(office.ours, "test"):
        return dict(Code.objects.order_by("code").values_list("code", "destination__name"))


def titles(page: Any) -> list[str]:
    return [str(panel.title) for panel in page.context_data["panels"]]


def test_a_file_is_looked_at_applied_and_taken_back(office: Office, owner: Client) -> None:
    address = send(owner, CODES)["Location"]
    assert titles(owner.get(address)) == ["Codes", "New: 3"]
    assert codes(office) == {}
    verb = address.replace("/change/", "/apply/")
    assert owner.post(verb, {"mode": "update"})["Location"] == address
    assert codes(office) == {"254": "Kenya", "2547": "Kenya Mobile", "25473": "Kenya Mobile"}
    second = send(owner, b"Destination,Code\nKenya Fixed,254\nUganda,256\nUganda 2,256\nUganda,x\nEnd,999\n")[
        "Location"
    ]
    assert titles(owner.get(second)) == [
        "Codes", "Named twice, differently: 2", "Renamed: 1", "New: 1", "Rows that cannot be read",
    ]  # fmt: skip
    refusal = owner.post(second.replace("/change/", "/apply/"), {"mode": "update"})
    assert (refusal.status_code, "2 lines name a code" in refusal.content.decode()) == (422, True)
    owner.post(second.replace("/change/", "/apply/"), {"mode": "update", "skip_conflicts": "on"})
    assert codes(office)["254"] == "Kenya Fixed"
    owner.post(second.replace("/change/", "/undo/"), {"reason": "wrong file"})
    assert codes(office) == {"254": "Kenya", "2547": "Kenya Mobile", "25473": "Kenya Mobile"}
    third = send(owner, b"code,destination\n255,Tanzania\n")["Location"]
    owner.post(third.replace("/change/", "/discard/"), {"reason": "not ours"})
    listed = owner.get(reverse("admin:pricing_deckchange_changelist")).content.decode()
    for word in ("undone", "discarded", "applied", "wrong file", "not ours"):
        assert word in listed


def test_what_is_no_list_of_codes_is_refused_on_the_page(office: Office, owner: Client) -> None:
    answer = send(owner, b"only,prices\n0.1,0.2\n")
    page = owner.get(answer["Location"])
    assert "no codes with names" in page.content.decode()
    assert (
        owner.post(reverse("admin:tariffs_codedeck_import_deck"), {"name": "World", "mode": "add"}).status_code == 422
    )


def test_a_deck_its_codes_by_hand_and_its_export(office: Office, owner: Client) -> None:
    answer = owner.post(reverse("admin:tariffs_codedeck_add"), {"name": "World"})
    with scope(office.ours, "test"):
        deck = CodeDeck.objects.get()
    assert (answer.status_code, deck.is_default) == (302, True)
    named = reverse("admin:tariffs_codedeck_name_codes", args=(deck.pk,))
    owner.post(named, {"codes": "254,255", "name": "East Africa", "reason": "by letter"})
    owner.post(named, {"codes": "255", "name": "", "reason": "not ours"})
    assert codes(office) == {"254": "East Africa"}
    owner.post(reverse("admin:tariffs_codedeck_change", args=(deck.pk,)), {"name": "Mine", "is_default": "on"})
    page = owner.get(reverse("admin:tariffs_codedeck_change", args=(deck.pk,))).content.decode()
    for word in ("Mine", "East Africa", "by letter", "not ours"):
        assert word in page
    for ending, begin in (("csv", b'"code","destination"\n"254"'), ("xlsx", b"PK")):
        assert owner.get(reverse("admin:deck_export", args=(deck.pk, ending))).content.startswith(begin)
    foreign = office.client("owner", office.theirs)
    assert foreign.get(reverse("admin:deck_export", args=(deck.pk, "csv"))).status_code == 404
    listed = owner.get(reverse("admin:tariffs_code_changelist"), {"destination_name": "East"}).content.decode()
    assert "East Africa" in listed
    world = owner.post(reverse("admin:tariffs_codedeck_world", args=(deck.pk,)), {"depth": "countries"})
    assert titles(owner.get(world["Location"]))[1] == "Renamed: 1"


@pytest.fixture
def tariff(office: Office, data_folder: Any) -> Tariff:
    with scope(office.ours, "test"):
        load_code_deck(name="World", codes={"254": "Kenya", "2547": "Kenya Mobile", "44": "United Kingdom"}, at=AT)
        made = create_tariff(name="Retail", currency="USD", timezone="Africa/Nairobi", unit="second", at=AT)
        load_rates(tariff_id=made.pk, data=b"code,destination,price\n254,Kenya,0.10\n25472,Safaricom,0.20\n", at=AT)
        return made


def test_a_group_is_made_by_names_and_by_countries(office: Office, owner: Client, tariff: Tariff) -> None:
    add = reverse("admin:tariffs_destinationgroup_add")
    wrong = owner.post(add, {"name": "Mobiles", "note": "", "lines": "Kenya Mobil"})
    assert (wrong.status_code, "lines" in wrong.context_data["adminform"].form.errors) == (200, True)
    owner.post(add, {"name": "Mobiles", "note": "ours", "lines": "Kenya Mobile\n"})
    with scope(office.ours, "test"):
        group = DestinationGroup.objects.get()
    page = reverse("admin:tariffs_destinationgroup_change", args=(group.pk,))
    owner.post(reverse("admin:tariffs_destinationgroup_join", args=(group.pk,)), {"countries": "KE, gb"})
    shown = owner.get(page)
    assert [row[0] for row in shown.context_data["panels"][0].rows] == [
        "Kenya", "Kenya Mobile", "Safaricom", "United Kingdom",
    ]  # fmt: skip
    owner.post(page, {"name": "All", "note": "ours", "lines": "Kenya"})
    assert [row[0] for row in owner.get(page).context_data["panels"][0].rows] == ["Kenya"]


def test_a_special_rate_is_made_and_ended(office: Office, owner: Client, tariff: Tariff) -> None:
    said = {
        "tariff": tariff.pk, "place": "Kenya Mobile", "group": "", "deck": "", "price": "0.05", "per": "", "increments": "60/1", "fee": "",
        "valid_from": "2026-04-01 00:00:00", "valid_to": "", "note": "offer 7",
    }  # fmt: skip
    add = reverse("admin:tariffs_specialrate_add")
    for change, field in (({"place": "Atlantis"}, "place"), ({"place": ""}, "place"), ({"price": "cheap"}, "price")):
        wrong = owner.post(add, said | change)
        assert field in wrong.context_data["adminform"].form.errors, wrong.context_data["adminform"].form.errors
    assert owner.post(add, said).status_code == 302
    with scope(office.ours, "test"):
        special = SpecialRate.objects.get()
        rates = list(Rate.objects.filter(special=special).order_by("code"))
    assert (special.note, special.steps) == ("offer 7", "0:0.05/60/60;60:0.05/60/1")
    assert special.valid_from.isoformat() == "2026-03-31T21:00:00+00:00"
    assert [each.code for each in rates] == ["2547", "25472"]
    page = owner.get(reverse("admin:tariffs_specialrate_change", args=(special.pk,)))
    assert [str(row[0].text) for row in page.context_data["panels"][0].rows] == ["2547", "25472"]
    marked = owner.get(reverse("admin:tariffs_rate_changelist")).content.decode()
    assert "special" in marked
    assert owner.get(reverse("admin:tariffs_rate_void", args=(rates[0].pk,))).status_code == 404
    forced = owner.post(reverse("admin:tariffs_rate_void", args=(rates[0].pk,)), {})
    assert forced.status_code == 422
    owner.post(reverse("admin:tariffs_specialrate_end", args=(special.pk,)), {"valid_to": "2026-05-01 00:00:00"})
    with scope(office.ours, "test"):
        special.refresh_from_db()
        assert special.valid_to is not None
        assert set(Rate.objects.filter(special=special).values_list("valid_to", flat=True)) == {special.valid_to}
    assert "Retail" in owner.get(reverse("admin:tariffs_specialrate_changelist")).content.decode()
