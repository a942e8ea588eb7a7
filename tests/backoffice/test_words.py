"""What pages are called and in which words they speak: the path above them, choices, help, prices and histories."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from tests.backoffice.office import Office
from tests.backoffice.test_rate_sheets import sheet_of
from tests.databases import AT
from tests.isolation.world import World
from trunkline.backoffice.history import _parts
from trunkline.backoffice.shown import price_text
from trunkline.pricing.actions import Asked, compare_import, receive_sheet
from trunkline.tariffs.actions import create_tariff, load_rates
from trunkline.tariffs.models import Rate
from trunkline.tenancy.scope import scope

PEAK = "Destination,Code,Rate,Time Of Day\nKenya,254,0.05,evening\nUganda,256,0.08,evening\n"


@pytest.fixture
def office(world: World) -> Office:
    return Office(world.ours, world.theirs)


@pytest.fixture
def client(office: Office) -> Client:
    return office.client()


@pytest.fixture
def french(office: Office) -> Client:
    return office.client(**{"Accept-Language": "fr"})


def shown(client: Client, name: str, *args: Any) -> str:
    response = client.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


def path_above(page: str) -> list[str]:
    """The names in the path above a page."""
    head = re.search(r"<h1.*?</h1>", page, re.DOTALL)
    assert head is not None
    return re.findall(r"tracking-tight\">\s*(.*?)\s*</(?:a|span)>", head[0], re.DOTALL)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tariffs_tariff_changelist", ["Prices", "Tariffs"]),
        ("pricing_sheetimport_changelist", ["Buying", "Rate sheets"]),
        ("pricing_mail_changelist", ["Buying", "Sheets by mail"]),
        ("pricing_notificationplan_changelist", ["Selling", "Who is told"]),
        ("pricing_notificationtemplate_changelist", ["Selling", "Price list templates"]),
        ("pricing_deckchange_changelist", ["Prices", "Deck changes"]),
        ("ledger_entry_changelist", ["Invoices", "Journal"]),
        ("records", ["Traffic", "Call records"]),
        ("index", ["Dashboard"]),
    ],
)
def test_the_path_above_a_page_goes_by_the_tasks_and_names_of_the_sidebar(
    client: Client, name: str, path: list[str]
) -> None:
    assert path_above(shown(client, name)) == path


def test_the_name_of_a_row_is_written_as_it_is(office: Office, client: Client) -> None:
    with scope(office.ours, "test"):
        tariff = create_tariff(name="retail", currency="USD", at=AT)
    assert path_above(shown(client, "tariffs_tariff_change", tariff.pk)) == ["Prices", "Tariffs", "retail (USD)"]


def test_choices_and_help_are_in_the_readers_language(office: Office, french: Client) -> None:
    with scope(office.ours, "test"):
        tariff = create_tariff(name="retail", currency="USD", at=AT)
        load_rates(tariff_id=tariff.pk, data=b"code,price\n254,0.05\n", at=AT)
        rate = Rate.objects.get(tariff=tariff)
    files = shown(french, "usage_batch_changelist")
    assert "Comptabilisé" in files
    assert ">Posted<" not in files
    assert "Les deux" in shown(french, "usage_trafficrule_changelist")
    upload = shown(french, "usage_batch_upload")
    assert "As the switch wrote it" not in upload
    page = shown(french, "tariffs_rate_change", rate.pk)
    for words in ("0.05 par 60, 1/1", "demi vers le haut, 8 décimales", "Une quantité plus petite est gratuite."):
        assert words in page


def test_prices_are_said_in_the_readers_language() -> None:
    steps = "from 0: 0.2 per 60 by 60; from 60: 0.1 per 60 by 1"
    with override("fr"):
        assert price_text("0.05 per 60, 60/1") == "0.05 par 60, 60/1"
        assert (
            price_text(steps) == "à partir de 0 : 0.2 par 60, par pas de 60; à partir de 60 : 0.1 par 60, par pas de 1"
        )
        assert price_text("blocked") == "bloqué"
    with override("en"):
        assert [price_text(each) for each in (steps, "0.05 per 60, 60/1", "")] == [steps, "0.05 per 60, 60/1", ""]


def test_a_structure_in_a_history_is_read_without_its_braces() -> None:
    assert _parts({"new": 3, "closed": 0, "codes": ["254", "256"], "note": ""}) == "new: 3, codes: 254, 256"
    assert _parts([{"check": "zero", "lines": 5}, {"check": "past", "lines": 2}]) == "check: zero, lines: 5; check: past, lines: 2"  # fmt: skip


def test_a_sheet_of_which_no_line_can_be_taken_is_not_offered_to_be_applied(office: Office, client: Client) -> None:
    good = sheet_of(office.ours)
    with scope(office.ours, "test"):
        tariff = create_tariff(name="Evening", currency="USD", at=AT)
    sheet = receive_sheet(
        office.ours.pk, pieces=[PEAK.encode()], file_name="peak.csv", asked=Asked(tariff_id=tariff.pk), notified_at=AT, actor="test", now=lambda: AT,
    )  # fmt: skip
    sheet = compare_import(office.ours.pk, sheet.pk, actor="test", now=lambda: AT)
    page = shown(client, "sheet_apply", sheet.public_id)
    assert "Not one line can be taken." in page
    assert "Apply the sheet" not in page
    assert "Apply the sheet" in shown(client, "sheet_apply", good.public_id)
    compared = shown(client, "sheet_compare", sheet.public_id)
    assert "<strong>2</strong> refused" in compared
    assert "not read" not in compared
    assert "make it first, in Prices, Time profiles" in compared


def test_a_file_that_came_with_a_wrong_form_is_asked_for_again(client: Client) -> None:
    file = SimpleUploadedFile("rates.csv", b"Destination,Code,Rate\nKenya,254,0.05\n")
    response = client.post(reverse("admin:sheet_new"), {"file": file, "received_at": "2026-03-01T00:00:00"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "Choose a template or a tariff, or make a new one below." in page
    assert "Choose the file again: the browser does not keep it." in page
